"""What was found, as the rows of a table on a page."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

import msgspec
from msgspec import UNSET

from webhook.markup import visible
from webhook.report.entries import ErrorEntry, FillEntry, FindingEntry, Judged
from webhook.report.wording import filled, place, word

RESULTS: Final = ("deny", "error", "warn", "audit", "skip", "fill", "suggest")
"""What a row may be, the gravest first."""
MAX_TEXT: Final = 1_000
"""Characters of one cell: a name in a manifest may have a million."""
MAX_DIFF: Final = 20_000


class Row(msgspec.Struct, frozen=True):
    """A finding, or all that a policy would fill in an object. Only text that may be shown."""

    result: str
    """One of `RESULTS`."""
    state: str
    """Beside a baseline `new` or `unchanged`; empty for what is not compared."""
    policy: str
    rule: str
    namespace: str
    team: str
    kind: str
    name: str
    what: str
    fix: str
    path: str
    source: str
    """`deploy/web.yaml:9`."""
    exemption: str
    """The name of the one that excuses it, or did until not long ago."""
    note: str
    """What else there is to say."""
    diff: str
    """A unified diff that makes the fills."""


def rows(judged: Judged) -> Iterator[Row]:
    """What is to be said of an object."""
    for finding in judged.findings:
        yield _finding(judged, finding)
    by_policy = groupby(filled(judged), lambda one: (one[0].policy, one[0].action))
    # the file is told elsewhere
    lines = (judged.diff or ())[len(("---", "+++")) :]
    diff = "\n".join(line.removesuffix("\r") for line in lines)
    for (policy, action), group in by_policy:
        fills, texts = zip(*group, strict=True)
        yield _fill(judged, action, policy, fills, texts, diff)
        diff = ""  # is of the whole object


def shown(text: str | None, limit: int = MAX_TEXT) -> str:
    """Nothing of it hidden, and no more of it than anybody reads."""
    text = text or ""
    return visible(text if len(text) <= limit else f"{text[: limit - 1]}…")


def problem(error: ErrorEntry) -> tuple[str, str]:
    """Where input could not be judged, and why."""
    return shown(place(error.source)), shown(error.message)


def _finding(judged: Judged, finding: FindingEntry) -> Row:
    failed = finding.result == "error"
    # `webhook.api.Violation.message`
    what, _, fix = (finding.message, "", "") if failed else finding.message.partition("; ")
    exemption = finding.exemption
    ended = exemption and finding.result != "skip"
    return _row(
        judged,
        result=word(finding),
        state="" if finding.baseline_state is UNSET else finding.baseline_state,
        policy=finding.policy,
        rule=finding.rule or "",
        what=f"the policy failed: {what}" if failed else what,
        fix=fix,
        path=finding.path,
        source=place(finding.source),
        exemption=exemption.name if exemption else "",
        note=f"exemption {exemption.name} ended on {exemption.expires}"
        if exemption and ended
        else "",
    )


def _fill(
    judged: Judged,
    action: str,
    policy: str,
    fills: Iterable[FillEntry],
    texts: Iterable[str],
    diff: str,
) -> Row:
    first = next(iter(fills))
    parents = dict.fromkeys(fill.path.rpartition("/")[0] for fill in fills)
    reasons = dict.fromkeys(
        f"{parent}: {judged.without_diff[parent]}"
        for parent in parents
        if parent in judged.without_diff
    )
    return _row(
        judged,
        result=action,
        policy=policy,
        what="; ".join(texts),
        path=", ".join(parents),
        source=place(first.source),
        note="; ".join((f"evidence: {first.evidence}", *reasons)),
        diff=diff,
    )


def _row(judged: Judged, diff: str = "", **texts: str) -> Row:
    name = judged.entry.object
    cells = {
        "state": "",
        "rule": "",
        "fix": "",
        "exemption": "",
        "note": "",
        "namespace": name.namespace,
        "team": judged.team,
        "kind": name.kind,
        "name": name.name or "(no name)",
        **texts,
    }
    return Row(**{key: shown(text) for key, text in cells.items()}, diff=shown(diff, MAX_DIFF))
