"""A cluster for tests of the controller: what it stores, whom it lets in, what goes wrong in it.

It answers as an API server does, as far as the controller asks it. `Servers` and `Mirror` stand for
what lags behind it: the webhook's servers, and API servers that hear of a caBundle later.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from tests.builders import NOON
from webhook.cluster import Answer, Request
from webhook.controller import certificates
from webhook.controller.certificates import Service
from webhook.controller.clocks import Clocks
from webhook.controller.loop import Controller, Pace, Turn
from webhook.controller.plan import Timing
from webhook.controller.reading import Mode, Subject
from webhook.controller.state import KINDS
from webhook.errors import ClusterError

Json = dict[str, Any]

SERVICE = Service("podworthy-system", "podworthy")
NAMES = ("podworthy-baseline", "podworthy-strict")
SECRET = "podworthy-tls"  # noqa: S105 a name
TIMING = Timing()


@dataclass
class Time:
    """Two clocks: the API server's, which may jump, and one that does not."""

    now: datetime = NOON
    seconds: float = 0.0

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)

    def jump(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Cluster:
    """Objects by their path, and what was asked."""

    time: Time = field(default_factory=Time)
    objects: dict[str, Json] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    refuse: Callable[[Request], Answer | None] = lambda _: None
    """Answers in the cluster's place, where it does."""
    dies_before: int | None = None
    """The number of the write before which nobody answers, once."""
    dies_after: int | None = None
    """The same, but the write is done."""
    writes: int = 0
    _versions: int = 0

    def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        refusal = self.refuse(request)
        if refusal is not None:
            return refusal
        if request.method != "GET":
            self.writes += 1
            if self.writes == self.dies_before:
                raise ClusterError("killed before the write")
        answer = self._answer(request)
        if request.method != "GET" and self.writes == self.dies_after:
            raise ClusterError("killed after the write")
        return answer

    def _answer(self, request: Request) -> Answer:
        if request.method == "GET":
            found = self.objects.get(request.path)
            return self._status(404, "NotFound") if found is None else self._ok(found)
        if request.method == "POST":
            if not request.path.endswith("/secrets"):
                return self._status(201, "Created")
            path = f"{request.path}/{request.body['metadata']['name']}"
            if path in self.objects:
                return self._status(409, "AlreadyExists")
            return self.put(path, request.body)
        stored = self.objects.get(request.path)
        if stored is None:
            return self._status(404, "NotFound")
        wanted = request.body["metadata"]["resourceVersion"]
        if wanted != stored["metadata"]["resourceVersion"]:
            return self._status(409, "Conflict")
        return self.put(request.path, merged(stored, request.body))

    def put(self, path: str, body: Json) -> Answer:
        """Store an object as somebody else would: whatever it was."""
        self._versions += 1
        metadata = {**body.get("metadata", {}), "resourceVersion": str(self._versions)}
        self.objects[path] = {**body, "metadata": metadata}
        return self._ok(self.objects[path])

    def _ok(self, body: Json) -> Answer:
        return Answer(200, body, date=self.time.now)

    def _status(self, code: int, reason: str) -> Answer:
        return Answer(code, {"reason": reason, "message": reason}, date=self.time.now)

    def register(self, *names: str, authorities: bytes = b"") -> None:
        """Configurations of both kinds, as Helm makes them."""
        for name in names or NAMES:
            for plural in KINDS.values():
                self.put(registration_path(plural, name), configuration(plural, name, authorities))

    def bundles(self) -> dict[str, list[bytes]]:
        """The caBundles of each configuration."""
        return {
            path: [b64decode(one["clientConfig"].get("caBundle", "")) for one in body["webhooks"]]
            for path, body in self.objects.items()
            if "webhooks" in body
        }

    def secret(self) -> dict[str, bytes]:
        """The content of the Secret; empty if there is none."""
        data = self.objects.get(secret_path(), {}).get("data", {})
        return {key: b64decode(value) for key, value in data.items()}

    def write_secret(self, **content: bytes) -> None:
        """Change keys of it; `_` stands for a dot."""
        body = self.objects[secret_path()]
        changed = {key.replace("_", "."): encoded(value) for key, value in content.items()}
        self.put(secret_path(), {**body, "data": {**body["data"], **changed}})


def secret_path() -> str:
    return f"/api/v1/namespaces/{SERVICE.namespace}/secrets/{SECRET}"


def registration_path(plural: str, name: str) -> str:
    return f"/apis/admissionregistration.k8s.io/v1/{plural}/{name}"


def encoded(content: bytes) -> str:
    return b64encode(content).decode()


def configuration(plural: str, name: str, authorities: bytes = b"") -> Json:
    service = {"namespace": SERVICE.namespace, "name": SERVICE.name, "path": "/validate"}
    config: Json = {"service": service}
    if authorities:
        config["caBundle"] = encoded(authorities)
    another = {"name": "other.example.com", "clientConfig": {"url": "https://example.com"}}
    return {
        "kind": next(kind for kind, one in KINDS.items() if one == plural),
        "metadata": {"name": name},
        "webhooks": [{"name": f"{what}.podworthy.dev", "clientConfig": config} for what in "ab"]
        + [another],
    }


def merged(stored: Json, patch: Json) -> Json:
    """A strategic merge patch of `data`, or of `webhooks` by name."""
    result = {**stored}
    if "data" in patch:
        result["data"] = {**stored["data"], **patch["data"]}
    for change in patch.get("webhooks", ()):
        assert change["name"] in [one["name"] for one in stored["webhooks"]]
        result["webhooks"] = [
            {**one, "clientConfig": {**one["clientConfig"], **change["clientConfig"]}}
            if one["name"] == change["name"]
            else one
            for one in result["webhooks"]
        ]
    return result


@dataclass
class Mirror:
    """What API servers and webhook servers have by now: later than the cluster, by at most `settle`
    and `mounts`."""

    cluster: Cluster
    served: x509.Certificate | None = None
    bundles: Mapping[str, list[bytes]] = field(default_factory=dict)
    replaced_leaves: list[tuple[float, x509.Certificate]] = field(default_factory=list)
    """By the controller, and when: a server that is late shows them for `mounts`."""
    replaced_bundles: list[tuple[float, Mapping[str, list[bytes]]]] = field(default_factory=list)
    """The same; an API server that is late uses them for `settle`."""
    signed: x509.Certificate | None = None
    """The controller's last one: a server that is early shows it at once."""

    def follow(self, turn: Callable[[], Turn]) -> Turn:
        """Do a turn, and take note of what it replaces."""
        bundles, leaf = self.cluster.bundles(), self._there()
        done = turn()
        now = self.cluster.time.seconds
        if self.cluster.bundles() != bundles:
            self.replaced_bundles.append((now, bundles))
        if self._there() != leaf:
            self.signed = self._there()
            if leaf:
                self.replaced_leaves.append((now, leaf))
        return done

    def unsettled(self) -> Iterator[bytes]:
        """The caBundles in use anywhere that do not believe ours, at worst."""
        now = self.cluster.time
        late = now.seconds - TIMING.settle.total_seconds()
        used = [self.cluster.bundles(), *(old for at, old in self.replaced_bundles if at > late)]
        late = now.seconds - TIMING.mounts.total_seconds()
        # one that a meddler has put there is not the controller's fault
        shown = {one for one in (self.signed,) if one == self._there()}
        shown |= {one for at, one in self.replaced_leaves if at > late}
        for leaf in shown:
            # what ended by itself is no step's fault
            if leaf and certificates.is_valid(leaf, now.now):
                yield from self._doubts(leaf, used)

    def hear(self) -> None:
        """The API servers use the caBundles as they are."""
        self.bundles = self.cluster.bundles()

    def mount(self) -> None:
        """The servers take what the Secret holds, if it can be served."""
        self.served = self._there() or self.served

    def distrust(self) -> Iterator[bytes]:
        """The caBundles that do not believe what is served: those of the cluster, and those that
        API servers use still."""
        return self._doubts(self.served, [self.bundles, self.cluster.bundles()])

    def _there(self) -> x509.Certificate | None:
        """What the Secret holds, if it can be served."""
        content = self.cluster.secret()
        chain, _ = certificates.read_certificates(content.get("tls.crt", b""))
        keys, _ = certificates.read_keys(content.get("tls.key", b""))
        return chain[0] if chain and keys and certificates.belongs(keys[0], chain[0]) else None

    def _doubts(
        self, leaf: x509.Certificate | None, used: list[Mapping[str, list[bytes]]]
    ) -> Iterator[bytes]:
        for where in used:
            # the last one is of another Service
            for bundle in {bundle for some in where.values() for bundle in some[:-1]}:
                authorities, _ = certificates.read_certificates(bundle)
                if not believes(authorities, leaf, self.cluster.time.now):
                    yield bundle


def believes(
    authorities: tuple[x509.Certificate, ...], served: x509.Certificate | None, now: datetime
) -> bool:
    """Whether a client with these would accept the certificate."""
    return (
        served is not None
        and certificates.is_valid(served, now)
        and SERVICE.host in certificates.names_of(served)
        and any(
            certificates.has_issued(one, served) and certificates.is_valid(one, now)
            for one in authorities
        )
    )


def controller(
    cluster: Cluster,
    mode: Mode = "self",
    names: tuple[str, ...] = NAMES,
    service: Service = SERVICE,
) -> Controller:
    """A controller that has just started."""
    time = cluster.time
    subject = Subject(mode, service, SECRET, names)
    clocks = Clocks(lambda: time.now, lambda: time.seconds)
    return Controller(cluster, subject, None, clocks, TIMING, Pace())
