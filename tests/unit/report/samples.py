"""Entries to make reports of."""

import io
from typing import Any

import msgspec

from webhook.catalog import POLICIES
from webhook.report import FORMATS
from webhook.report.entries import (
    ErrorEntry,
    ExemptionEntry,
    FillEntry,
    FindingEntry,
    Heading,
    Judged,
    ObjectEntry,
    ObjectName,
    Source,
    Summary,
)
from webhook.report.output import Output

HEADING = Heading("baseline", POLICIES)
WEB = ObjectName("apps/v1", "StatefulSet", "shop", "web")
PROBE = "/spec/template/spec/containers/0/livenessProbe"
EXEMPTION = ExemptionEntry("ledger", "team-pay", "2027-03-31")
ODD = "a|b`c``@user <b>\x1b[2J</b> ![i](http://x) %0A::error::,\\|\ufffe\n"
"""A name that means something to every format."""


def at(line: int, file: str = "app.yaml") -> Source:
    return Source(file, 0, line=line)


DENIED = FindingEntry(
    policy="require-probes",
    rule=None,
    result="fail",
    action="deny",
    object=WEB,
    path=PROBE,
    message="web: no livenessProbe; add one",
    source=at(9),
)
WARNED = msgspec.structs.replace(DENIED, result="warn", action="warn")
AUDITED = msgspec.structs.replace(DENIED, result="warn", action="audit")
SKIPPED = msgspec.structs.replace(DENIED, result="skip", exemption=EXEMPTION)
IN_GRACE = msgspec.structs.replace(WARNED, exemption=EXEMPTION)
CRASHED = msgspec.structs.replace(
    DENIED, result="error", action=None, path="", message="KeyError: 'x'"
)
EVERY_KIND = (DENIED, WARNED, AUDITED, SKIPPED, IN_GRACE, CRASHED)
UNREAD = ErrorEntry(Source("gone.yaml"), "No such file or directory")


def changed(finding: FindingEntry, **changes: Any) -> FindingEntry:
    """The finding with other values."""
    return msgspec.structs.replace(finding, **changes)


def fill(field: str, value: int) -> FillEntry:
    return FillEntry("probe-timing", "fill", WEB, f"{PROBE}/{field}", value, None, "absent", at(11))


def judged(
    *entries: FindingEntry | FillEntry, file: str = "app.yaml", name: ObjectName = WEB
) -> Judged:
    fills = [entry for entry in entries if isinstance(entry, FillEntry)]
    return Judged(
        ObjectEntry(name, at(2, file)),
        [entry for entry in entries if isinstance(entry, FindingEntry)],
        fills,
        subjects={fill.path: "web" for fill in fills},
    )


def written(
    format_name: str,
    *told: Judged | ErrorEntry,
    heading: Heading = HEADING,
    stream: io.StringIO | None = None,
) -> str:
    """The whole report, with the counts of what it was told."""
    stream = stream or io.StringIO()
    report = FORMATS[format_name](Output(stream), heading)
    summary = Summary()
    for one in told:
        if isinstance(one, ErrorEntry):
            summary.errors += 1
            report.failed(one)
        else:
            summary.objects += 1
            summary.fills += len(one.fills)
            for finding in one.findings:
                setattr(summary, finding.result, getattr(summary, finding.result) + 1)
            report.judged(one)
    report.close(summary)
    return stream.getvalue()
