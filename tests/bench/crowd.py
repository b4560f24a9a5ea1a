"""A cluster with many objects, in seconds.

One workload of each sort is posted to the API server, with all that belongs to it. Its copies go
straight into etcd, as the API server wrote the first (its storage format is JSON here), with other
names and uids: the API server finds them by watching etcd, and lists them like any others. To post
a hundred thousand objects takes ten times as long, and to have controllers make them longer still.
"""

import base64
import http.client
import json
import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.bench import population
from tests.bench.population import Create
from tests.cluster.control_plane import ControlPlane
from tests.cluster.creators import connection
from tests.cluster.processes import wait_for

APISERVER: Final = (
    "--storage-media-type=application/json",
    "--audit-log-path=",
    "--audit-policy-file=",
)
"""What the API server is to be told besides."""
_UID: Final = re.compile(rb'("uid":\s?"[0-9a-f-]{24})[0-9a-f]{12}"')
_FOUND: Final = re.compile(rb'"uid":\s?"([^"]+)"')
_PATIENCE: Final = 120  # seconds until the API server has seen everything

Pair = tuple[str, bytes]
"""Of etcd: key and value."""


class Crowd:
    """The workloads from 0 on, as many as there are by now."""

    def __init__(self, plane: ControlPlane) -> None:
        self._etcd = _Etcd(plane.directory / "etcd.sock:0")
        self._connection = connection(plane)
        self.workloads = 0
        self.objects = 0
        """That an audit lists."""
        for create in population.once():
            self._post(create)
            self.objects += 1
        self._places = {
            number: self._posted(population.namespace(number)) for number in population.PLACES
        }
        self._samples = {number: self._workload(number) for number in population.SAMPLES}
        for pairs in (*self._places.values(), *self._samples.values()):
            self._etcd.remove(key for key, _ in pairs)

    def grow(self, workloads: int) -> None:
        """Until there are so many; returns when the API server shows them."""
        for number in range(self.workloads, workloads):
            pairs = list(self._copies(number))
            self._etcd.put(pairs)
            self.objects += len(pairs)
        self.workloads = workloads
        pods = workloads * population.PODS_OF_A_WORKLOAD
        wait_for(lambda: self._pods() == pods, seconds=_PATIENCE, what=f"{pods} pods")

    def _copies(self, number: int) -> Iterator[Pair]:
        """What belongs to a workload, and its namespace if it is the first there."""
        if number % population.WORKLOADS_OF_A_NAMESPACE == 0:
            place = population.sample_place(number)
            yield _copied(self._places[place][0], place, number)
        sample = population.sample_of(number)
        for one in self._samples[sample]:
            yield _copied(one, sample, number)

    def _workload(self, number: int) -> list[Pair]:
        """Make a workload, and what it makes. What makes something is made before it."""
        made: list[Pair] = []
        owner, kind, uid = population.owner(number), "Rollout", population.FOREIGN_UID
        if owner is not None:
            made.append(self._post(owner))
            kind, uid = owner.kind, _uid(made[-1])
        if kind == "Deployment":
            made += self._posted(population.replica_sets(number, uid))
            kind, uid = "ReplicaSet", _uid(made[1])
        return made + self._posted(population.members(number, kind, uid))

    def _posted(self, creates: Iterable[Create]) -> list[Pair]:
        return [self._post(create) for create in creates]

    def _post(self, create: Create) -> Pair:
        """Key and value in etcd of what it has become. Raises `SystemExit` if it is refused."""
        body = json.dumps(create.manifest)
        self._connection.request("POST", create.path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status != 201:
            raise SystemExit(f"{create.path}: {answer.status} {data.decode(errors='replace')}")
        return create.key, self._etcd.get(create.key)

    def _pods(self) -> int:
        """How many the API server shows."""
        self._connection.close()  # it does not keep an idle one for ever
        self._connection.request("GET", "/api/v1/pods?limit=1")
        found = json.loads(self._connection.getresponse().read())
        return len(found["items"]) + int(found["metadata"].get("remainingItemCount", 0))


def _uid(pair: Pair) -> str:
    found = _FOUND.search(pair[1])
    assert found is not None
    return found[1].decode()


def _copied(pair: Pair, sample: int, number: int) -> Pair:
    """The same of another workload: other names, and uids that still refer to each other."""
    names = [
        (f"app-{sample:05}", f"app-{number:05}"),
        (population.namespace_of(sample), population.namespace_of(number)),
    ]
    key, value = pair
    for old, new in names:
        key = key.replace(old, new)
        value = value.replace(old.encode(), new.encode())
    return key, _UID.sub(b'\\g<1>%012x"' % number, value)


class _Etcd:
    """etcd, by what it offers to those who speak no gRPC."""

    def __init__(self, path: Path) -> None:
        self._connection = http.client.HTTPConnection("etcd")
        self._connection.sock = socket.socket(socket.AF_UNIX)
        self._connection.sock.connect(str(path))

    def get(self, key: str) -> bytes:
        """The value of a key."""
        (found,) = self._ask("range", {"key": _text(key.encode())})["kvs"]
        return base64.b64decode(found["value"])

    def put(self, pairs: Iterable[Pair]) -> None:
        """Set keys, all at once."""
        puts = [
            {"requestPut": {"key": _text(key.encode()), "value": _text(value)}}
            for key, value in pairs
        ]
        self._ask("txn", {"success": puts})

    def remove(self, keys: Iterable[str]) -> None:
        """Remove keys."""
        for key in keys:
            self._ask("deleterange", {"key": _text(key.encode())})

    def _ask(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        self._connection.request("POST", f"/v3/kv/{what}", json.dumps(body))
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise SystemExit(f"etcd: {answer.status} {data.decode(errors='replace')}")
        found: dict[str, Any] = json.loads(data)
        return found


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
