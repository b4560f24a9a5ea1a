"""Policies that are not shipped: Python files and installed packages, imported and checked.

They are code, and run in this process with its rights. Whoever may write where they stand decides
what is let into the cluster, so that some places are refused.
"""

import hashlib
import inspect
import os
import re
import stat
import sys
import traceback
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_args

import msgspec
from pydantic import ValidationError

from webhook.api import KINDS, Params, Policy
from webhook.api.policy import LooksUp
from webhook.docstring import documentation
from webhook.errors import DocstringError, did_you_mean

GROUP: Final = "podworthy.policies"
"""The entry points by which a package offers its policies, each named like the policy."""

_KEBAB: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LOOKS_UP: Final = get_args(LooksUp)
_ASSIGNMENT: Final = re.compile(rb"^policy\b[^=\n]*=", re.MULTILINE)


class Plugin(msgspec.Struct, frozen=True):
    """A sound policy, and where it comes from."""

    policy: Policy[Any]
    place: str
    """A `file:line`, or the entry point and its package."""


def installed(problems: list[str]) -> Iterator[Plugin]:
    """The policies of installed packages; what is wrong goes to `problems`."""
    for entry_point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        place = f"entry point {entry_point.name}{_package(entry_point)}"
        try:
            found = entry_point.load()
        except (Exception, SystemExit) as error:
            problems.append(f"{place}: {_line(error)}")
            continue
        faults = list(_faults(found))
        if not faults and found.id != entry_point.name:
            faults = [f"must be named like its policy, {found.id}"]
        problems += [f"{place}: {fault}" for fault in faults]
        if not faults:
            yield Plugin(found, place)


def in_directory(directory: Path, problems: list[str]) -> Iterator[Plugin]:
    """The policies in the Python files of a directory; what is wrong goes to `problems`.

    Files whose names begin with `_` or `.` are left alone, and so are directories.
    """
    try:
        refusal = _refusal(directory)
        files = _files(directory)
    except OSError as error:
        problems.append(f"{directory}: {error.strerror}; give a directory with policies")
        return
    if refusal:
        problems.append(f"{directory}: {refusal}")
        return
    for file in files:
        plugin = in_file(file, problems)
        if plugin:
            yield plugin


def is_without_files(directory: Path) -> bool:
    """True for a directory in which `in_directory` would find nothing, though it can be read."""
    try:
        return not _files(directory)
    except OSError:
        return False


def _files(directory: Path) -> list[Path]:
    return sorted(
        p
        for p in directory.iterdir()
        if p.suffix == ".py" and not p.name.startswith(("_", ".")) and not p.is_dir()
    )


def in_file(file: Path, problems: list[str]) -> Plugin | None:
    """The policy in a Python file; or None, with what is wrong in `problems`."""
    try:
        refusal = _refusal(file)
        source = file.read_bytes()
    except OSError as error:
        problems.append(f"{file}: {error.strerror}")
        return None
    if refusal:
        problems.append(f"{file}: {refusal}")
        return None
    try:
        module = _imported(file, source)
    except (Exception, SystemExit) as error:
        problems.append(_told(error, file))
        return None
    if not hasattr(module, "policy"):
        advice = "write policy = api.Policy(...), or begin the name of a file that is none with _"
        problems.append(f"{file}: no policy in it; {advice}")
        return None
    place = f"{file}:{_line_of_policy(source)}"
    faults = list(_faults(module.policy))
    if not faults and file.name != (name := f"{module.policy.id.replace('-', '_')}.py"):
        faults = [f"policy {module.policy.id} must stand in {name}"]
    problems += [f"{place}: {fault}" for fault in faults]
    return None if faults else Plugin(module.policy, place)


def _refusal(path: Path) -> str | None:
    """Why code must not be loaded from here. Raises `OSError`."""
    found = path.resolve(strict=True)
    # how the kubelet writes ConfigMaps, Secrets and projected volumes
    # (k8s.io/kubernetes pkg/volume/util/atomic_writer.go)
    if any(os.path.lexists(parent / "..data") for parent in (found, *found.parents)):
        return (
            "a mounted ConfigMap or Secret: whoever may edit it would run code in the webhook; "
            "build policies into the image"
        )
    if found.stat().st_mode & stat.S_IWOTH:
        return "every user may write here, and policies are code; chmod o-w, or build them in"
    return None


def _imported(file: Path, source: bytes) -> ModuleType:
    """The module, by a name that nothing else has; no bytecode is left behind."""
    digest = hashlib.sha256(os.fsencode(file.resolve())).hexdigest()[:16]
    module = ModuleType(f"_podworthy_{file.stem}_{digest}")
    module.__file__ = str(file)
    code = compile(source, str(file), "exec", dont_inherit=True)
    # dataclasses and pydantic find the names in annotations there
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 what this module is for
    except BaseException:
        del sys.modules[module.__name__]
        raise
    return module


def _told(error: BaseException, file: Path) -> str:
    """An error while a file was imported, and the last line of the file that led to it."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f"{file}:{error.lineno or 1}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    place = f"{file}:{lines[-1]}" if lines else str(file)
    advice = ""
    if isinstance(error, ModuleNotFoundError) and (file.parent / f"{error.name}.py").exists():
        advice = "; files of the directory cannot import each other, install them as a package"
    return f"{place}: {_line(error)}{advice}"


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _package(entry_point: EntryPoint) -> str:
    dist = entry_point.dist
    return f" of {dist.name} {dist.version}" if dist else ""


def _line_of_policy(source: bytes) -> int:
    found = _ASSIGNMENT.search(source)
    return source.count(b"\n", 0, found.start()) + 1 if found else 1


_TAKEN: Final = frozenset({"doubtful", "error", "exempt"})
"""Keys of audit annotations beside the policies' ids, see `webhook.admission`."""


def _faults(policy: Any) -> Iterator[str]:
    """What is wrong with a policy, as far as it shows without calling it."""
    if isinstance(policy, ModuleType):
        yield f"a module; refer to the policy in it: {policy.__name__}:policy"
    elif not isinstance(policy, Policy):
        yield f"policy must be an api.Policy, not {type(policy).__name__}"
    else:
        if not _is_kebab(policy.id):
            yield f"id {policy.id!r} must be kebab-case, such as require-probes"
        elif policy.id in _TAKEN:
            yield f"id {policy.id!r} is what an audit annotation is called that is no policy's"
        if not isinstance(policy.summary, str) or len(policy.summary.splitlines()) != 1:
            yield "summary must be one line"
        if policy.looks_up not in _LOOKS_UP:
            yield f"looks_up must be one of {', '.join(_LOOKS_UP)}, not {policy.looks_up!r}"
        yield from _faulty_names(policy)
        faulty = list(_faulty_params(policy.params))
        yield from faulty or _faulty_docstring(policy)
        yield from _faulty_function(policy)


def _is_kebab(name: Any) -> bool:
    return isinstance(name, str) and _KEBAB.fullmatch(name) is not None


def _faulty_names(policy: Policy[Any]) -> Iterator[str]:
    if not isinstance(policy.kinds, tuple) or not policy.kinds:
        yield "kinds must be a tuple such as ('Pod',)"
    else:
        for kind in policy.kinds:
            if kind not in KINDS:
                yield f"unknown kind {kind!r}{did_you_mean(str(kind), KINDS)}"
    if not isinstance(policy.rules, tuple):
        yield "rules must be a tuple such as ('inline-csi',)"
    else:
        for rule in policy.rules:
            if not _is_kebab(rule):
                yield f"rule {rule!r} must be kebab-case, such as inline-csi"


def _faulty_params(params: Any) -> Iterator[str]:
    if not isinstance(params, type) or not issubclass(params, Params):
        yield "params must be a class that extends api.Params"
        return
    try:
        # what a profile does that sets none of them
        dumped = params().model_dump(mode="json", by_alias=True, warnings=False)
        written = msgspec.json.encode(dumped)
        params.model_validate_json(written, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        yield f"each of the params must have a valid default: {name}: {first['msg']}"
    except Exception as error:
        yield f"each of the params must have a valid default: {_line(error)}"


def _faulty_docstring(policy: Policy[Any]) -> Iterator[str]:
    if not isinstance(policy.doc, str) or not policy.doc.strip():
        yield "no documentation: begin the module with a docstring, and give doc=__doc__"
        return
    try:
        documentation(policy)
    except DocstringError as error:
        yield str(error)


def _faulty_function(policy: Policy[Any]) -> Iterator[str]:
    name, third = ("check", "lookups") if policy.check else ("fill", "evidence")
    function = policy.check or policy.fill
    try:
        inspect.signature(function).bind(None, None, None)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        yield f"{name} must be a function of (workload, params, {third})"
