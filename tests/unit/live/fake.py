"""An API server that exists only here: objects by their paths, and refusals."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.builders import Object, of_kind, probed
from webhook.audit.live.resources import AROUND, NAMESPACES, WORKLOADS
from webhook.cluster import METADATA, Reply, Request

RESOURCES = {one.kind: one for one in (NAMESPACES, *AROUND, *WORKLOADS)}


class FakeApi:
    """Lists what it has, in pages of two. It knows labels only as `key=value`."""

    name = "prod"

    def __init__(self, *objects: Object) -> None:
        self.objects = [stored(one) for one in objects]
        self.refusals: dict[str, Reply | Exception] = {}
        """By resource."""
        self.before: Callable[[Request], object] = repr
        """Called with each request."""
        self.asked: list[Request] = []

    def fetch(self, request: Request) -> Reply:
        self.asked.append(request)
        self.before(request)
        for resource in RESOURCES.values():
            if request.path.endswith(f"/{resource.plural}"):
                refusal = self.refusals.get(resource.name)
                if isinstance(refusal, Exception):
                    raise refusal
                return refusal or self._list(resource.kind, request)
        return self._namespace(request.path.rpartition("/")[2])

    def _namespace(self, name: str) -> Reply:
        if refusal := self.refusals.get("namespaces"):
            assert isinstance(refusal, Reply)
            return refusal
        for one in self.objects:
            if one["kind"] == "Namespace" and one["metadata"]["name"] == name:
                return Reply(200, json.dumps(one).encode())
        return refused(404, f'namespaces "{name}" not found')

    def _list(self, kind: str, request: Request) -> Reply:
        _, found, rest = request.path.partition("/namespaces/")
        namespace = rest.partition("/")[0] if found and "/" in rest else None
        mine = [
            _bare(one) if request.accept == METADATA else one
            for one in self.objects
            if one["kind"] == kind
            and namespace in (None, one["metadata"].get("namespace"))
            and _selected(one, request.query.get("labelSelector"))
        ]
        mine.sort(key=lambda one: (one["metadata"].get("namespace", ""), one["metadata"]["name"]))
        start = int(request.query.get("continue", "0"))
        metadata = {"continue": str(start + 2)} if start + 2 < len(mine) else {}
        return Reply(
            200, json.dumps({"metadata": metadata, "items": mine[start : start + 2]}).encode()
        )


def refused(status: int, message: str) -> Reply:
    return Reply(status, json.dumps({"kind": "Status", "message": message}).encode())


def forbidden(resource: str) -> Reply:
    return refused(403, f"{resource} is forbidden")


def stored(written: Object) -> Object:
    """With a uid, as every object that is stored has one."""
    metadata = {"namespace": "shop"} if RESOURCES[written["kind"]].is_namespaced else {}
    metadata |= written["metadata"]
    metadata.setdefault("uid", f"{written['kind']}-{metadata['name']}")
    return written | {"metadata": metadata}


def namespace(name: str, profile: str | None = None) -> Object:
    labels = {"podworthy.dev/profile": profile} if profile else {}
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def workload(
    kind: str,
    name: str,
    *containers: Object,
    owner: Object | None = None,
    status: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> Object:
    """Of one container with its probes, unless others are given."""
    made = of_kind(kind, *(containers or [probed()]))
    made["metadata"] = {"name": name} | metadata
    if owner:
        reference = {"kind": owner["kind"], "name": owner["metadata"]["name"], "controller": True}
        reference["uid"] = stored(owner)["metadata"]["uid"]
        made["metadata"]["ownerReferences"] = [reference]
    return made | {"status": dict(status or {})}


def _bare(one: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "metadata": one["metadata"]}


def _selected(one: Object, selector: str | None) -> bool:
    key, _, value = (selector or "").partition("=")
    return not selector or one["metadata"].get("labels", {}).get(key) == value
