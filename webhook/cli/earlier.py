"""What `audit` does with reports of earlier audits: its options, and their loading."""

from typing import TYPE_CHECKING

import click

from webhook.cli.loading import note, refuse
from webhook.cli.options import option

if TYPE_CHECKING:
    from webhook.report.baseline import Baseline

baseline_option = option(
    "--baseline",
    metavar="FILE",
    help="Compare with this earlier report (--format json): findings are new, unchanged or fixed.",
)

fail_on_option = option(
    "--fail-on",
    type=click.Choice(["deny", "warn", "new", "never"]),
    default="deny",
    show_default=True,
    help="Exit 1 for a finding at or above this; new: for a deny that the baseline has not.",
)


def load_baseline(path: str | None, profile: str, fail_on: str) -> "Baseline | None":
    """The baseline, if there is one; `profile` is that of the present audit."""
    if path is None:
        if fail_on == "new":
            raise click.UsageError("--fail-on new asks what is new: add --baseline FILE")
        return None
    from webhook.errors import ReportError
    from webhook.report.baseline import load

    try:
        baseline, caveat = load(path, profile)
    except ReportError as error:
        refuse(error)
    if caveat:
        note(caveat)
    return baseline
