"""Reports of earlier audits and of shards: options of `audit`, and the command merge."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from webhook.cli.loading import load_policies, note, refuse
from webhook.cli.options import (
    check_formats,
    docs_url_option,
    formats_option,
    option,
    policies_option,
)

if TYPE_CHECKING:
    from webhook.audit.shard import Shard
    from webhook.history import Day
    from webhook.report.baseline import Baseline
    from webhook.report.entries import DayEntry

TREND_DAYS: Final = 30
"""That a page draws, today included."""

baseline_option = option(
    "--baseline",
    metavar="FILE",
    help="Compare with this earlier report (--format json): findings are new, unchanged or fixed.",
)

database_option = option(
    "--database",
    metavar="URL",
    help=f"The database of `podworthy history`: --format html draws its last {TREND_DAYS} days.",
)


class _ShardType(click.ParamType["Shard"]):
    """`I/N`."""

    name = "shard"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Shard":
        from webhook.audit.shard import parse

        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


shard_option = option(
    "--shard",
    metavar="I/N",
    type=_ShardType(),
    help="Judge only the share I, from 0 to N-1, of all objects; `podworthy merge` puts the "
    "reports of all shares (--format json) together.",
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


def load_trend(
    database: str | None, formats: Sequence[tuple[str, str | None]]
) -> "Sequence[DayEntry] | None":
    """The days that the database keeps, if there is one and a page to draw them."""
    if database is None:
        return None
    if "html" not in dict(formats):
        # the variable is that of other commands, too
        source = click.get_current_context().get_parameter_source("database")
        if source is click.core.ParameterSource.ENVIRONMENT:
            return None
        raise click.UsageError(
            "--database is for the trend, which of all formats html alone draws: "
            "add --format html=FILE"
        )
    from webhook.errors import HistoryError
    from webhook.history import History, Trend

    today = datetime.now(UTC).date()
    since = datetime.combine(today - timedelta(days=TREND_DAYS - 1), time.min, UTC)
    try:
        with History(database, must_exist=True) as kept:
            trend = Trend.of(kept.runs(since), kept.denials(since))
    except HistoryError as error:
        refuse(error)
    return [_entry(day) for day in trend.days]


def _entry(day: "Day") -> "DayEntry":
    from webhook.report.entries import DayEntry

    run = day.run
    if run is None:
        return DayEntry(day.day, day.denials)
    return DayEntry(day.day, day.denials, run.profile, run.total.objects, run.total.failing)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
@policies_option
@formats_option("json")
@fail_on_option
@baseline_option
@database_option
@docs_url_option
def merge(
    paths: tuple[str, ...],
    policies_dirs: tuple[Path, ...],
    formats: tuple[tuple[str, str | None], ...],
    fail_on: str,
    baseline: str | None,
    database: str | None,
    docs_url: str | None,
) -> None:
    """Put the reports of all shards of an audit together.

    FILEs are what `podworthy audit --shard I/N --format json` wrote, for every I; the result is the
    report of the audit without shards. Exits as that would, and 3 if a shard is missing.

    \b
    Examples:
      podworthy merge shard-*.json > report.json
      podworthy merge --format text --baseline last-week.json --fail-on new shard-*.json
    """
    from webhook.audit.merge import load, run
    from webhook.errors import ReportError
    from webhook.report.reports import Format

    check_formats(formats)
    trend = load_trend(database, formats)
    known = load_policies(policies_dirs)
    try:
        reports = load(paths)
    except ReportError as error:
        note(str(error))
        sys.exit(3)
    earlier = load_baseline(baseline, reports[0].profile, fail_on)
    wanted = [Format(name, file) for name, file in formats]
    sys.exit(
        run(
            reports,
            wanted,
            fail_on,
            policies=known,
            docs_url=docs_url,
            baseline=earlier,
            trend=trend,
        )
    )
