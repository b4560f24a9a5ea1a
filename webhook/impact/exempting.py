"""The exemptions that make a promotion safe: one for each workload that it would hurt."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Final

import msgspec

from webhook.api import KINDS
from webhook.documents.models import LABEL, WORKLOAD
from webhook.exemptions import NOBODY
from webhook.impact.workloads import Reason, Workload

_LENGTH: Final = 63
"""Characters of a DNS-1123 label (RFC 1123)."""
_DIGEST: Final = 8
"""Characters that make a name one of its own."""


class Terms(msgspec.Struct, frozen=True):
    """What is the same in all of them."""

    owner: str
    reason: str
    granted: date
    expires: date


class Need(msgspec.Struct, frozen=True, order=True):
    """What an exemption has to excuse."""

    namespace: str
    kind: str
    name: str
    """Of a Pod it may end in `*`."""
    policies: tuple[str, ...]
    containers: tuple[str, ...] = ()
    """Empty for the whole workload."""


class Unexemptable(msgspec.Struct, frozen=True):
    """Something that no exemption can excuse."""

    workload: Workload
    why: str


def needs(workloads: Iterable[Workload]) -> tuple[list[Need], list[Unexemptable]]:
    """What has to be excused before the promotion, and what cannot be."""
    asked: dict[tuple[str, str, str], tuple[list[Reason], set[str]]] = {}
    refused: list[Unexemptable] = []
    for workload in workloads:
        for reason in workload.reasons.values():
            if "then" not in reason.moments:
                continue
            if why := _obstacle(workload, reason):
                if (one := Unexemptable(workload, why)) not in refused:
                    refused.append(one)
                continue
            for kind, name in reason.targets:
                key = workload.object.namespace or "", kind, name
                reasons, containers = asked.setdefault(key, ([], set()))
                reasons.append(reason)
                containers |= workload.containers
    return sorted(_need(key, *what) for key, what in asked.items()), refused


def _obstacle(workload: Workload, reason: Reason) -> str | None:
    """Why nothing can excuse it; None if something can."""
    if reason.denial.is_crash:
        return f"policy {reason.denial.policy} fails on it: mend the policy"
    namespace = workload.object.namespace
    if namespace is None:
        return "it names no namespace: give --namespace"
    if not re.fullmatch(LABEL, namespace):
        return f"{namespace!r} cannot be a namespace"
    for kind, name in reason.targets:
        if kind not in KINDS or not re.fullmatch(WORKLOAD, name):
            return f"an exemption cannot name {kind} {name!r}" if name else "it has no name"
    return None


def _need(key: tuple[str, str, str], reasons: Iterable[Reason], containers: set[str]) -> Need:
    policies: set[str] = set()
    concerned: set[str] = set()
    for reason in reasons:
        policies.add(reason.denial.policy)
        concerned |= reason.concerned
    # an exemption cannot name a container that has no name, or what concerns none
    narrows = concerned < containers and not concerned & {*NOBODY}
    return Need(*key, tuple(sorted(policies)), tuple(sorted(concerned)) if narrows else ())


def documents(found: Iterable[Need], terms: Terms, to: str, taken: Collection[str]) -> str:
    """The Exemptions as YAML; `taken` are names that others have."""
    used = set(taken)
    made: list[str] = []
    for need in found:
        name = _name(need, to, used)
        used.add(name)
        made.append("".join(f"{line}\n" for line in _lines(need, name, terms)))
    return "---\n".join(made)


def _name(need: Need, to: str, used: Collection[str]) -> str:
    """A DNS-1123 label that tells what it is for, with a digest where that is not enough."""
    words = f"{to}-{need.namespace}-{need.kind}-{need.name}".lower()
    name = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
    number = 0
    while len(name) > _LENGTH or name in used:
        told = f"{words}{number or ''}".encode()
        end = hashlib.sha256(told).hexdigest()[:_DIGEST]
        name = f"{name[: _LENGTH - _DIGEST - 1].rstrip('-')}-{end}"
        number += 1
    return name


def _lines(need: Need, name: str, terms: Terms) -> Iterator[str]:
    yield "apiVersion: podworthy.dev/v1alpha1"
    yield "kind: Exemption"
    yield f"metadata: {{name: {_text(name)}}}"
    yield "spec:"
    yield f"  policies: [{', '.join(need.policies)}]"
    yield "  workload:"
    yield f"    namespace: {_text(need.namespace)}"
    yield f"    kind: {need.kind}"
    yield f"    name: {_text(need.name)}"
    if need.containers:
        yield f"  containers: [{', '.join(map(_text, need.containers))}]"
    yield f"  reason: {_text(terms.reason)}"
    yield f"  owner: {_text(terms.owner)}"
    yield f"  granted: {terms.granted}"
    yield f"  expires: {terms.expires}"


def _text(value: str) -> str:
    """A string in YAML, whatever it looks like: JSON's strings are YAML's, too (YAML 1.2, 1.2)."""
    return json.dumps(value)
