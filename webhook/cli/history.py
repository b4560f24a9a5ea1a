"""The command that keeps totals of audits and denials, and prints how they went."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhook.cli.loading import note, refuse
from webhook.cli.options import option

if TYPE_CHECKING:
    from webhook.history import History, Trend


@click.command()
@option(
    "--database",
    metavar="URL",
    required=True,
    help="sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME with podworthy[postgresql].",
)
@option(
    "--add",
    "added",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="First keep what is in it: a report of `audit --format json`, or a server's log. `-` is "
    "standard input. May be repeated.",
)
@option(
    "--days",
    metavar="DAYS",
    type=click.IntRange(1, 400),
    default=30,
    show_default=True,
    help="How many to print; more than 400 are not kept.",
)
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print them.",
)
def history(database: str, added: tuple[Path, ...], days: int, form: str) -> None:
    """Print how audits and denials went, day by day.

    Of audits, all of the last 7 days are kept, then the last of each day, for 400 days; of denials,
    the newest 100000. What is added twice counts twice if it is a report, once if it is a log.

    \b
    Examples:
      podworthy audit --format json=report.json deploy/
      podworthy history --database sqlite:///history.db --add report.json
      kubectl logs -n podworthy-system -l app.kubernetes.io/component=server --tail=-1 \\
          | podworthy history --database sqlite:///history.db --add -
    """
    from webhook.errors import HistoryError
    from webhook.history import History, Trend

    now = datetime.now(UTC)
    try:
        with History(database) as kept:
            for path in added:
                _add(kept, path, now)
            kept.prune(now)
            since = now - timedelta(days=days)
            trend = Trend.of(kept.runs(since), kept.denials(since))
    except HistoryError as error:
        refuse(error)
    _print(trend, form, days)


def _add(kept: "History", path: Path, now: datetime) -> None:
    from webhook.errors import HistoryError
    from webhook.history import inputs

    name = "standard input" if str(path) == "-" else str(path)
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise HistoryError(f"{name}: {error.strerror or error}") from error
    if inputs.is_report(text):
        try:
            kept.add_run(inputs.read_report(text, now))
        except HistoryError as error:
            raise HistoryError(f"{name}: {error}") from error
        return
    unread: list[int] = []
    denials = list(inputs.read_denials(text.splitlines(), unread))
    kept.add_denials(denials)
    if unread:
        note(f"{name}:{unread[0]}: cannot be read, nor can {len(unread) - 1} more; passed over")
    if not denials:
        note(f"{name}: holds no denial")


def _print(trend: "Trend", form: str, days: int) -> None:
    import msgspec

    from webhook.history import tell

    if form == "json":
        head = {"apiVersion": "podworthy.dev/v1alpha1", "kind": "History"}
        text = msgspec.json.encode(head | {"days": msgspec.to_builtins(trend.days)})
        click.echo(msgspec.json.format(text, indent=1).decode())
        return
    if not trend.days:
        note(f"nothing is kept of the last {days} days; --add keeps a report or a log")
    else:
        for line in tell.table(trend):
            click.echo(line)
