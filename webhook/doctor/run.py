"""`podworthy doctor`: read, check, tell."""

import sys
from datetime import UTC, datetime
from typing import Literal

import msgspec

from webhook import __version__
from webhook.cluster import Client, connect
from webhook.doctor import text
from webhook.doctor.asking import Unread
from webhook.doctor.checks import findings
from webhook.doctor.reading import read
from webhook.doctor.report import Names, Report, exit_code, report


def examine(client: Client, names: Names) -> Report:
    """Look once, and check what was seen."""
    state = read(client, names, lambda: datetime.now(UTC))
    kubernetes = None if isinstance(state.kubernetes, Unread) else state.kubernetes
    return report(findings(state), names, __version__, kubernetes)


def run(names: Names, context: str | None, form: Literal["text", "json"]) -> int:
    """Print the report; the exit code. Raises `ClusterError` where nobody can be asked."""
    told = examine(connect(context), names)
    if form == "json":
        encoded = msgspec.json.format(msgspec.json.encode(told), indent=2)
        sys.stdout.write(encoded.decode() + "\n")
    else:
        text.write(told, sys.stdout)
    return exit_code(told)
