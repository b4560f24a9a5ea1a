"""What makes a finding the same one in the next run, although lines and neighbours change."""

import hashlib
import re
from collections import Counter
from typing import Final

import msgspec

from webhook.report.entries import FindingEntry

_INDEX: Final = re.compile(r"/\d+(?=/|$)")
_LENGTH: Final = 32
"""Hexadecimal digits: 128 bits."""


class Fingerprints:
    """Fingerprints of one run: no two are equal."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def of(self, finding: FindingEntry, file: str) -> str:
        """A digest and an ordinal, `6b86b273ff34fce19d6b804eff5a3f57:1`.

        `file` is the path as it is reported. The ordinal counts equal findings of objects with
        equal names in one file, in their order.
        """
        digest = hashlib.sha256(msgspec.json.encode(_identity(finding, file)))
        self._seen[digest.digest()] += 1
        return f"{digest.hexdigest()[:_LENGTH]}:{self._seen[digest.digest()]}"


def identity(finding: FindingEntry) -> str:
    """What two findings have in common that are the same one, in whichever file and version of the
    API: the same place of one object, and there the same fault."""
    name = finding.object
    return repr([name.kind, name.namespace, name.name, *_fault(finding)])


def _identity(finding: FindingEntry, file: str) -> list[str | None]:
    """Everything but line, document and list index."""
    name = finding.object
    return [file, name.api_version, name.kind, name.namespace, name.name, *_fault(finding)]


def _fault(finding: FindingEntry) -> list[str | None]:
    """The container's or volume's name starts the message, and stands for its index."""
    subject = finding.message.partition(": ")[0]
    return [finding.policy, finding.rule, _INDEX.sub("/*", finding.path), subject]
