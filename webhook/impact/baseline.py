"""The file of exemptions that makes a promotion safe: written, or added to."""

from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from webhook.impact.exempting import Need, Terms, documents
from webhook.messages import count
from webhook.report.file_output import FileOutput


class Baseline(msgspec.Struct, frozen=True):
    """Where exemptions are written, and what they say."""

    path: Path
    terms: Terms
    before: str | None = None
    """What stands in the file; None if there is none. It stays, and its exemptions count."""


def write(
    baseline: Baseline, needs: Iterable[Need], to: str, taken: Collection[str]
) -> tuple[str, bool]:
    """Put what is needed into the file, which is replaced as a whole or not at all. What to say of
    it, and whether it was done."""
    needed = list(needs)
    before = baseline.before
    name = str(baseline.path)
    if not needed and before is not None:
        return f"{name}: no exemption has to be added", True
    if before is None:
        text = f"# What ran on {baseline.terms.granted}, and profile {to} would not admit.\n"
    else:
        text = before if before.endswith("\n") or not before else f"{before}\n"
    if needed:
        separator = "---\n" if before else ""
        text += separator + documents(needed, baseline.terms, to, taken)
    output = FileOutput(name)
    output.write(text)
    output.close()
    if output.problem:
        return f"{name}: {output.problem}", False
    verb = "written" if before is None else "added"
    return f"{name}: {count(len(needed), 'exemption')} {verb}", True
