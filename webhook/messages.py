"""The sentences that a user of kubectl reads: denials, warnings, audit annotations."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from typing import Final

from webhook.api import Violation
from webhook.engine import Crash, Filling, Finding
from webhook.exemptions import GRACE, Exemption
from webhook.links import policy_url

MAX_DENIAL: Final = 900
"""Characters of a denial, about: what a terminal shows without hiding the start."""
MAX_READ_MORE: Final = MAX_DENIAL // 3
"""Characters of it that may tell where to read more."""
MAX_WARNING: Final = 120
"""Characters of a warning, as the API asks (k8s.io/api admission/v1 `AdmissionResponse`)."""
MAX_WARNINGS: Final = 30
"""Warnings of one answer: the API server cuts all of them short beyond 4096 characters
(apiserver endpoints/filters/warning.go)."""
MAX_ANNOTATION: Final = 4000
"""Characters of an audit annotation: audit back ends truncate whole events."""

MAX_COMPLAINT: Final = 1000
"""Characters of what is said of a bad review: it may quote what came."""

_MAX_WORD: Final = 80
# the API server drops a warning that holds one of these
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 violation`, `2 violations`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def brief(problems: Sequence[str]) -> str:
    """The first one, and how many more there are."""
    more = f" (and {len(problems) - 1} more)" if problems[1:] else ""
    return f"{problems[0]}{more}"


def printable(text: str) -> str:
    """Without control characters: names come from strangers, and could repaint a terminal."""
    # a control character is not printable, and that is told much sooner
    return text if text.isprintable() else _CONTROL.sub("?", text)


def denial(
    profile: str,
    findings: Sequence[Finding],
    crashes: Sequence[Crash],
    docs_url: str | None = None,
) -> str:
    """Why a request is denied: a count, then a line for each reason, shortened to `MAX_DENIAL`.

    With `docs_url` (see `webhook.links`) it ends with where to read more on each policy.
    """
    counts = [count(len(findings), "violation")] if findings else []
    if crashes:
        counts.append(f"{count(len(crashes), 'policy', 'policies')} failed")
    lines = [f"podworthy/{profile}: {', '.join(counts)}"]
    reasons = chain(
        (_sentence(finding.policy, finding.violation) for finding in findings), map(_crash, crashes)
    )
    read_more = _read_more(findings, docs_url) if docs_url else []
    length = len(lines[0]) + _length(read_more)
    for index, reason in enumerate(reasons):
        length += len(reason) + 1
        if length > MAX_DENIAL and index:
            lines.append(f"and {len(findings) + len(crashes) - index} more")
            break
        lines.append(reason)
    return "\n".join(lines + read_more)


def _read_more(findings: Iterable[Finding], docs_url: str) -> list[str]:
    """A line for each policy; one for all of them where those would take the reasons' place."""
    policies = dict.fromkeys(finding.policy for finding in findings)
    lines = [f"read more: {policy_url(docs_url, policy)}" for policy in policies]
    return lines if _length(lines) <= MAX_READ_MORE else [f"read more: {docs_url}"]


def _length(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def warnings(findings: Iterable[Finding], crashes: Iterable[Crash]) -> list[str]:
    """One warning for each finding that only warns, each policy that failed, each grace."""
    warning = [f for f in findings if f.action == "warn" and not f.is_exempt]
    failed = list(crashes)
    ended = dict.fromkeys(f.grant.exemption for f in warning if f.grant)
    lines = chain(
        map(_grace, ended),
        (_warning(finding.policy, finding.violation) for finding in warning),
        (_clip(_crash(crash), MAX_WARNING) for crash in failed),
    )
    return _first(lines, len(ended) + len(warning) + len(failed))


def suggestions(fillings: Iterable[Filling]) -> list[str]:
    """One warning for each container whose timings would be filled."""
    suggested = (f for f in fillings if f.action == "suggest" and isinstance(f.fill.value, int))
    groups = [(place, list(group)) for place, group in groupby(suggested, key=_container)]
    return _first((_suggestion(*place, group) for place, group in groups), len(groups))


def _suggestion(policy: str, container: str, group: Sequence[Filling]) -> str:
    fills = [filling.fill for filling in group]
    timings = ", ".join(
        f"{fill.path.split('/')[-2]} {fill.path.split('/')[-1]} {fill.value}" for fill in fills
    )
    full = f"{_word(fills[0].subject)}: would set {timings} ({container}) [{policy}]"
    short = (
        f"{_word(fills[0].subject, 30)}: would set {count(len(fills), 'probe timing')} "
        f"({container}) [{policy}]"
    )
    return full if len(full) <= MAX_WARNING else _clip(short, MAX_WARNING)


def _first(lines: Iterator[str], number: int) -> list[str]:
    """Those that are shown of so many; a hostile object has thousands, and none of the others is
    put into words."""
    shown = list(islice(lines, MAX_WARNINGS))
    return shown if number <= MAX_WARNINGS else [*shown, f"and {number - MAX_WARNINGS} more"]


def annotation(parts: Iterable[str]) -> str:
    """Clauses as the value of one audit annotation."""
    return _clip(printable("; ".join(parts)), MAX_ANNOTATION)


def complaint(text: str) -> str:
    """What is wrong with a request, at a length that somebody reads."""
    return _clip(printable(text), MAX_COMPLAINT)


def finding_clauses(findings: Iterable[Finding]) -> Iterator[tuple[str, str]]:
    """Policy and clause of each finding, for audit annotations."""
    for finding in findings:
        word = "skip" if finding.is_exempt else finding.action
        why = f" ({_excused(finding.grant.exemption)})" if finding.grant else ""
        yield finding.policy, f"{word} {finding.violation.path}{why}"


def filling_clauses(fillings: Iterable[Filling]) -> Iterator[tuple[str, str]]:
    """Policy and clause of each filling with its evidence, for audit annotations."""
    for one in fillings:
        yield one.policy, f"{one.action} {one.fill.path}={one.fill.value} ({one.fill.why})"


def _sentence(policy: str, violation: Violation) -> str:
    return f"{_what_and_where(violation)}{_reason(violation)}; {_word(violation.fix)} [{policy}]"


def _warning(policy: str, violation: Violation) -> str:
    """The same line; what is too long loses the fix first, then the reason, never the path."""
    place = _what_and_where(violation)
    for line in (
        _sentence(policy, violation),
        f"{place}{_reason(violation)} [{policy}]",
        f"{place} [{policy}]",
    ):
        if len(line) <= MAX_WARNING:
            return line
    parent = violation.path.rpartition("/")[0]
    end = f" ({parent}) [{policy}]"
    room = MAX_WARNING - len(end) - len(": ")
    subject = min(8, len(violation.subject))
    fact = _word(violation.fact, max(8, min(30, room - subject)))
    return f"{_word(violation.subject, max(8, room - len(fact)))}: {fact}{end}"


def _what_and_where(violation: Violation) -> str:
    parent = violation.path.rpartition("/")[0]
    return f"{_word(violation.subject)}: {_word(violation.fact)} ({parent})"


def _reason(violation: Violation) -> str:
    return f" {_word(violation.why)}" if violation.why else ""


def _excused(exemption: Exemption) -> str:
    return f"exemption {exemption.name} of {_word(exemption.owner, 40)} until {exemption.expires}"


def _grace(exemption: Exemption) -> str:
    """What a controller's log shows while a pod is still let in."""
    end = f" ended on {exemption.expires}; denied after {exemption.expires + GRACE}"
    start = f"exemption {exemption.name} of {_word(exemption.owner)}"
    return f"{_clip(start, MAX_WARNING - len(end))}{end}"


def crash_clauses(crashes: Iterable[Crash]) -> Iterator[str]:
    """A clause for each policy that failed, for the audit annotation."""
    return (f"{crash.policy}: {_word(crash.error)}, see podworthy's log" for crash in crashes)


def _crash(crash: Crash) -> str:
    return f"{crash.policy} could not judge this: {_word(crash.error)}; see podworthy's log"


def _container(filling: Filling) -> tuple[str, str]:
    return filling.policy, "/".join(filling.fill.path.split("/")[:-2])


def _word(text: str, limit: int = _MAX_WORD) -> str:
    if len(text) <= limit and text.isprintable():  # as nearly every one
        return text
    # no more of it than is shown: thousands of findings may be about one name, and that a megabyte
    return _clip(printable(text[: limit + 1]), limit)


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
