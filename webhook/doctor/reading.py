"""From the cluster to a `State`: GETs, LISTs, questions about our rights, and one dry run."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from webhook import catalog, documents
from webhook.cluster import Client, Request
from webhook.controller import canary
from webhook.doctor import served
from webhook.doctor import survey as surveying
from webhook.doctor.asking import Asker, Maybe, Object, Unread
from webhook.doctor.registered import entries, in_force, labels_of, name_of
from webhook.doctor.report import Names
from webhook.doctor.rights import (
    BUDGETS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    MUTATING,
    NAMESPACES,
    PODS,
    SECRETS,
    SERVICES,
    SLICES,
    VALIDATING,
    WORKLOADS,
    Right,
    controller_port,
    review_request,
    rights,
)
from webhook.doctor.state import (
    Asked,
    Objects,
    Served,
    State,
    arguments,
    canary_namespace,
    config_maps,
    controller,
    servers,
)
from webhook.documents import Documents, Texts
from webhook.errors import DocumentError

_OWN_POLICIES: Final = "--policies-dir"


def read(client: Client, names: Names, clock: Callable[[], datetime]) -> State:
    """Look once. `clock` is asked where the API server does not tell the time."""
    asker = Asker(client)
    here = names.namespace
    service = asker.get(SERVICES, here, names.service)
    deployments = asker.every(DEPLOYMENTS, here)
    serving = _found(deployments, lambda some: servers(some, _known(service)))
    controlling = _found(deployments, controller)
    bird = canary_namespace(names, controlling)
    mounted = tuple(config_maps(serving or {}))
    mutating, validating = asker.every(MUTATING), asker.every(VALIDATING)
    namespaces = asker.every(NAMESPACES)
    known = _documents(asker, deployments, serving, here)
    now = asker.date or clock()
    return State(
        names=names,
        now=now,
        kubernetes=_kubernetes(asker),
        rights=_rights(asker, rights(names, mounted, bird)),
        mutating=mutating,
        validating=validating,
        service=service,
        slices=asker.every(SLICES, here, f"kubernetes.io/service-name={names.service}"),
        deployments=deployments,
        pods=asker.every(PODS, here),
        budgets=asker.every(BUDGETS, here),
        served=_served(asker, names, service, _bundles(names, mutating, validating)),
        documents=known,
        namespaces=namespaces,
        canary=_canary(asker, bird),
        controller=_controller(asker, names),
        survey=_survey(asker, names, validating, namespaces, known, now),
    )


def _found(
    deployments: Objects, find: Callable[[tuple[Object, ...]], Object | None]
) -> Object | None:
    return None if isinstance(deployments, Unread) else find(deployments)


def _known(one: Maybe[Object | None]) -> Object | None:
    return None if isinstance(one, Unread) else one


def _kubernetes(asker: Asker) -> Maybe[str]:
    answer = asker.ask(Request("GET", "/version"))
    if isinstance(answer, Unread):
        return answer
    version = answer.body.get("gitVersion")
    return str(version) if version else Unread(f"the API server tells no version: {answer.problem}")


def _rights(asker: Asker, wanted: Iterable[Right]) -> Maybe[tuple[Asked, ...]]:
    found: list[Asked] = []
    for right in wanted:
        answer = asker.ask(review_request(right))
        if isinstance(answer, Unread):
            return answer
        status = answer.body.get("status") or {}
        if not answer.ok or "allowed" not in status:
            return Unread(f"the API server does not tell about your rights: {answer.problem}")
        found.append(Asked(right, status["allowed"] is True))
    return tuple(found)


def _documents(
    asker: Asker, deployments: Objects, serving: Object | None, namespace: str
) -> Maybe[Documents]:
    """The documents that the servers mount."""
    if isinstance(deployments, Unread):
        return deployments
    files: list[tuple[Path, bytes]] = []
    for name in config_maps(serving or {}):
        one = asker.get(CONFIG_MAPS, namespace, name)
        if isinstance(one, Unread):
            return one
        # a ConfigMap that is not there keeps a server from starting, which others tell
        for file, text in ((one or {}).get("data") or {}).items():
            if file.endswith((".yaml", ".yml", ".json")):
                files.append((Path(f"ConfigMap {name}") / file, str(text).encode()))
    try:
        return documents.parse(Texts(tuple(files), ()), catalog.POLICIES)
    except DocumentError as error:
        own = any(one.startswith(_OWN_POLICIES) for one in arguments(serving or {}))
        why = "; the servers have policies of their own, which are not known here" if own else ""
        return Unread(f"the servers' documents cannot be used: {error.problems[0]}{why}")


def _bundles(names: Names, mutating: Objects, validating: Objects) -> Iterator[str]:
    """The different caBundles."""
    seen: dict[str, None] = {}
    for kind, some in ((MUTATING.kind, mutating), (VALIDATING.kind, validating)):
        if not isinstance(some, Unread):
            seen |= {one.bundle: None for one in entries(some, kind, names) if one.bundle}
    yield from seen


def _served(
    asker: Asker, names: Names, service: Maybe[Object | None], bundles: Iterable[str]
) -> Maybe[Served]:
    """By connection if that is possible. The Secret holds private keys: it is read only if not."""
    spec = (_known(service) or {}).get("spec") or {}
    address, ports = spec.get("clusterIP"), spec.get("ports") or ()
    if isinstance(service, Unread):
        instead: Maybe[Served] = service
    elif not address or not ports:
        instead = Unread(f"there is no Service {names.namespace}/{names.service} to connect to")
    else:
        host = f"{names.service}.{names.namespace}.svc"
        instead = served.look((str(address), int(ports[0]["port"])), host, bundles)
    if isinstance(instead, Unread):
        secret = asker.get(SECRETS, names.namespace, names.secret)
        return served.stored(secret, f"{names.namespace}/{names.secret}", instead)
    return instead


def _canary(asker: Asker, namespace: str) -> Maybe[canary.Finding]:
    answer = asker.ask(canary.pod_request(namespace))
    if isinstance(answer, Unread):
        return answer
    finding = canary.judge(answer)
    if finding.outcome is canary.Outcome.UNKNOWN and answer.body.get("reason") == "NotFound":
        return Unread(f"there is no namespace {namespace} to try a bad pod in")
    if finding.outcome is canary.Outcome.UNKNOWN and "cannot create resource" in answer.problem:
        return Unread(f"you have no right to create pods in namespace {namespace}")
    return finding


_READYZ: Final = (200, 503)
"""What the controller itself answers; anything else is somebody's between."""


def _controller(asker: Asker, names: Names) -> Maybe[int]:
    """The API server asks in our place, where we have the right."""
    path = f"{SERVICES.path(names.namespace, controller_port(names))}/proxy/readyz"
    answer = asker.ask(Request("GET", path))
    if isinstance(answer, Unread):
        return answer
    # the API server's own words, not the controller's
    if answer.body.get("kind") == "Status":
        return Unread(answer.problem)
    if answer.status not in _READYZ:
        return Unread(f"the Service proxy of the API server answers HTTP {answer.status}")
    return answer.status


def _survey(
    asker: Asker,
    names: Names,
    validating: Objects,
    namespaces: Objects,
    known: Maybe[Documents],
    now: datetime,
) -> Maybe[surveying.Survey]:
    if isinstance(validating, Unread):
        return validating
    if isinstance(namespaces, Unread):
        return namespaces
    if isinstance(known, Unread):
        return known
    judging = tuple(entries(validating, VALIDATING.kind, names))
    profiles: dict[str, str | None] = {}
    for namespace in namespaces:
        entry = in_force(judging, labels_of(namespace))
        profiles[name_of(namespace)] = entry.profile if entry else None
    streams = ((resource, asker.stream(resource)) for resource in WORKLOADS)
    return surveying.survey(streams, surveying.Court(profiles.get, known, now.date()))
