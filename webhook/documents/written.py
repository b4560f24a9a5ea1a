"""Files to valid documents, every mistake with its file and line."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from webhook import goyaml
from webhook.documents.complaints import complaints
from webhook.documents.models import ExemptionDocument, ProfileDocument
from webhook.errors import did_you_mean

M = TypeVar("M", bound=BaseModel)

_MODELS: Final[Mapping[str, type[ProfileDocument | ExemptionDocument]]] = {
    "Profile": ProfileDocument,
    "Exemption": ExemptionDocument,
}
_SUFFIXES: Final = (".yaml", ".yml", ".json")


class Written(msgspec.Struct, Generic[M], frozen=True):
    """A valid document, and where it stands."""

    file: Path
    text: goyaml.Document
    model: M

    def place(self, pointer: str) -> str:
        """`file:line` of a JSON Pointer into the document."""
        return f"{self.file}:{self.text.line_of(pointer)}"

    def problem(self, pointer: str, message: str) -> str:
        """A complaint about something in the document."""
        return f"{self.place(pointer)}: {message}"


Document = Written[Any]
"""Of either kind; `model.kind` tells which."""


class Texts(msgspec.Struct, frozen=True):
    """What stood in the files at one moment."""

    files: tuple[tuple[Path, bytes], ...]
    problems: tuple[str, ...]
    """What could not be read."""


def read(paths: Iterable[Path]) -> Texts:
    """The bytes of files, and of the files in directories."""
    files: list[tuple[Path, bytes]] = []
    problems: list[str] = []
    for path in paths:
        try:
            files += [(file, file.read_bytes()) for file in _files(path)]
        except OSError as error:
            way_out = "give a directory or a file with Profiles and Exemptions"
            problems.append(f"{error.filename}: {error.strerror}; {way_out}")
    return Texts(tuple(files), tuple(problems))


def parse(texts: Texts, problems: list[str]) -> Iterator[Document]:
    """The documents in the texts; what is wrong goes to `problems`."""
    problems += texts.problems
    for file, text in texts.files:
        for document in goyaml.documents(text):
            if document.problem:
                problems.append(f"{file}:{document.problem.line}: {document.problem.message}")
            elif document.value is not None:
                yield from _parse(file, document, problems)


def is_without_files(path: Path) -> bool:
    """True for a directory in which `read` would find nothing, though it can be read."""
    try:
        return path.is_dir() and not _files(path)
    except OSError:
        return False


def _files(path: Path) -> list[Path]:
    """A ConfigMap's mount has its files as links beside a hidden directory, which is left alone."""
    if not path.is_dir():
        return [path]
    found = sorted(
        p for p in path.iterdir() if p.suffix in _SUFFIXES and not p.name.startswith(".")
    )
    # a pipe would be waited for; a link that leads nowhere is told when it is read
    return [file for file in found if file.is_file() or not file.exists()]


def _parse(file: Path, document: goyaml.Document, problems: list[str]) -> Iterator[Document]:
    found = [(line, f"key {key!r} is repeated") for line, key in document.repeated]
    is_mapping = isinstance(document.value, dict)
    kind = document.value.get("kind") if is_mapping else None
    model = _MODELS.get(kind) if isinstance(kind, str) else None
    if not is_mapping:
        found.append((document.line, "the document must be a mapping"))
    elif model is None:
        near = did_you_mean(str(kind), _MODELS)
        message = f"'kind' must be 'Profile' or 'Exemption', not {kind!r}{near}"
        found.append((document.line_of("/kind"), message))
    else:
        invalid: list[tuple[str, str]] = []
        parsed = validated(model, document.value, invalid)
        found += sorted((document.line_of(pointer), message) for pointer, message in invalid)
        if parsed is not None and not found:
            yield Written(file, document, parsed)
    problems += [f"{file}:{line}: {message}" for line, message in found]


def unknown_policy(policy_id: str, known: Iterable[str]) -> str:
    """What is said where a document names a policy that is not in the catalogue."""
    near = did_you_mean(policy_id, known)
    return f"unknown policy {policy_id!r}{near}; policies of your own: --policies-dir DIR"


def validated(
    model: type[M], value: Any, invalid: list[tuple[str, str]], root: str = ""
) -> M | None:
    """The value as a model; or None, with pointer and message of each mistake in `invalid`."""
    try:
        # as JSON, where a list may become a tuple even in strict mode
        return model.model_validate_json(msgspec.json.encode(value), by_alias=True, by_name=False)
    except ValidationError as error:
        invalid += complaints(model, error, root)
        return None
