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


def _identity(finding: FindingEntry, file: str) -> list[str | None]:
    """Everything but line, document and list index: the container's or volume's name starts the
    message, and stands for its index."""
    name = finding.object
    subject = finding.message.partition(": ")[0]
    return [
        file,
        name.api_version,
        name.kind,
        name.namespace,
        name.name,
        finding.policy,
        finding.rule,
        _INDEX.sub("/*", finding.path),
        subject,
    ]
