"""`AuditReport` JSON, read back."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from webhook.errors import ReportError
from webhook.report.entries import ErrorEntry, FillEntry, FindingEntry, ObjectEntry, Summary
from webhook.review import malformed

API_VERSION = "podworthy.dev/v1alpha1"
KIND = "AuditReport"


class Written(msgspec.Struct, frozen=True, rename="camel"):
    """A whole report."""

    api_version: str
    kind: str
    profile: str
    objects: Sequence[ObjectEntry]
    findings: Sequence[FindingEntry]
    fills: Sequence[FillEntry]
    errors: Sequence[ErrorEntry]
    summary: Summary
    cluster: str | UnsetType = UNSET
    shard: str | UnsetType = UNSET
    """`0/4`, of an audit that judged its share."""
    fixed: Sequence[FindingEntry] | UnsetType = UNSET
    """Beside an earlier report, what is only in that."""


_decoder = msgspec.json.Decoder(Written)


def read(path: Path) -> Written:
    """The report in a file. Raises `ReportError`, which names the file."""
    try:
        written = _decoder.decode(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror or error}") from error
    except msgspec.ValidationError as error:
        raise ReportError(
            f"{path}: not a report of `audit --format json`: {_why(error)}"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"{path}: not JSON, or not all of it: {error}") from error
    if written.api_version != API_VERSION or written.kind != KIND:
        found = f"{written.api_version} {written.kind}"
        raise ReportError(f"{path}: expected {API_VERSION} {KIND}, got {found}")
    return written


def _why(error: msgspec.ValidationError) -> str:
    problem = malformed(error)
    return f"{problem.pointer or '/'}: {problem.problem}"
