"""All workloads of the cluster, one after the other: what would not come back, what runs nodes.

Judged is the pod that a workload's template makes, by the profile of its namespace, as if its
controller made one now. What stands around a pod (claims, Services) is not looked up.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final

import msgspec

from webhook import engine
from webhook.doctor.asking import Maybe, Object, Unread
from webhook.doctor.infrastructure import Purpose, is_critical, purpose
from webhook.doctor.rights import Resource
from webhook.documents import Documents
from webhook.errors import MalformedObject
from webhook.exemptions import Exemptions
from webhook.identity import identify
from webhook.profile import Profile
from webhook.workload import read

KEPT: Final = 50
"""Workloads that are named; all are counted."""
_FINISHED: Final = frozenset({"Complete", "Failed"})


class Ruling(msgspec.Struct, frozen=True):
    """What became of one workload's pod."""

    workload: str
    """As in `Deployment shop/web`."""
    namespace: str
    profile: str
    denied: str | None = None
    """The first reason, if it would be denied."""
    purpose: Purpose | None = None
    critical: bool = False
    """Whether its pods have one of the system's priority classes."""


class Survey(msgspec.Struct, frozen=True):
    """What all of them have come to."""

    judged: int = 0
    denied: int = 0
    """Without those that have a purpose."""
    examples: tuple[Ruling, ...] = ()
    """Of the denied ones."""
    infrastructure: tuple[Ruling, ...] = ()
    """In namespaces that a profile judges."""
    unjudged: tuple[str, ...] = ()
    """Workloads that could not be judged, and why."""
    unread: tuple[str, ...] = ()
    """Kinds that could not be listed to the end, and why."""


class Court(msgspec.Struct, frozen=True):
    """By what is judged."""

    profile_of: Callable[[str], str | None]
    """The profile of a namespace; None if its pods are not judged."""
    documents: Documents
    today: date
    """In UTC."""


def survey(streams: Iterable[tuple[Resource, Iterable[Maybe[Object]]]], court: Court) -> Survey:
    """Each stream ends, or ends with an `Unread`."""
    judged = denied = 0
    examples: list[Ruling] = []
    infrastructure: list[Ruling] = []
    unjudged: list[str] = []
    unread: list[str] = []
    for resource, stream in streams:
        for one in stream:
            if isinstance(one, Unread):
                unread.append(one.why)
                continue
            ruling = _ruling(resource, one, court)
            if ruling is None:
                continue
            judged += 1
            if isinstance(ruling, str):
                unjudged.append(ruling)
            elif ruling.purpose:
                infrastructure.append(ruling)
            elif ruling.denied:
                denied += 1
                examples += [ruling] if len(examples) < KEPT else []
    return Survey(
        judged, denied, tuple(examples), tuple(infrastructure), tuple(unjudged), tuple(unread)
    )


def _ruling(resource: Resource, one: Object, court: Court) -> Ruling | str | None:
    """None for what nobody would make a pod of; words for what cannot be judged."""
    metadata = one.get("metadata") or {}
    namespace = str(metadata.get("namespace", ""))
    profile = court.profile_of(namespace)
    if profile is None or _has_controller(metadata) or not _is_running(resource.kind, one):
        return None
    label = f"{resource.kind} {namespace}/{metadata.get('name')}"
    pod = _pod(resource.kind, one)
    known = court.documents.profiles.get(profile)
    if known is None:
        return f"{label}: no server knows the profile {profile!r}"
    try:
        denied = _denial(resource, one, pod, known, court)
    except MalformedObject as error:
        return f"{label}: {error}"
    except _PolicyFailed as error:
        return f"{label}: {error}"
    spec = pod.get("spec") or {}
    return Ruling(
        label, namespace, profile, denied, purpose(resource.kind, metadata, spec), is_critical(spec)
    )


class _PolicyFailed(Exception):
    """A policy crashed, so nobody knows."""


def _denial(
    resource: Resource, one: Object, pod: Object, profile: Profile, court: Court
) -> str | None:
    namespace = str((one.get("metadata") or {}).get("namespace", ""))
    group = f"{resource.group}/" if resource.group else ""
    owner = read(f"{group}{resource.version}", resource.kind, msgspec.json.encode(one), namespace)
    reading = read("v1", "Pod", msgspec.json.encode(pod), namespace)
    grants = _grants(court.documents.exemptions, owner, resource.kind, court.today)
    verdict = engine.check(profile, reading, grants=grants)
    if verdict.crashes:
        crash = verdict.crashes[0]
        raise _PolicyFailed(f"the policy {crash.policy} failed: {crash.error}")
    found = next((finding for finding in verdict.findings if finding.denies), None)
    return f"{found.violation.message} [{found.policy}]" if found else None


def _grants(exemptions: Exemptions, owner: Any, kind: str, today: date) -> Any:
    if not exemptions:
        return ()
    # its pods will be a controller's, for whom an exemption that has expired counts a while longer
    identity = msgspec.structs.replace(identify(owner), is_made_by_controller=kind != "Pod")
    return exemptions.reach(identity, today)


def _has_controller(metadata: Object) -> bool:
    return any(owner.get("controller") for owner in metadata.get("ownerReferences") or ())


def _is_running(kind: str, one: Object) -> bool:
    spec, status = one.get("spec") or {}, one.get("status") or {}
    if kind == "Pod":
        return status.get("phase") not in ("Succeeded", "Failed")
    if kind == "CronJob":
        return not spec.get("suspend")
    if kind == "Job":
        return not any(
            it.get("status") == "True" and it.get("type") in _FINISHED
            for it in status.get("conditions") or ()
        )
    if kind == "DaemonSet":
        return True
    return bool(spec.get("replicas", 1))


def _pod(kind: str, one: Object) -> Object:
    """The pod that it makes, or is."""
    if kind == "Pod":
        return one
    spec = one.get("spec") or {}
    if kind == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template = spec.get("template") or {}
    metadata = {**(template.get("metadata") or {}), "name": "pod"}
    return {"metadata": metadata, "spec": template.get("spec") or {}}
