"""Policy reports in the cluster: one for each namespace, written when it has changed."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from webhook.cluster import METADATA, Answer, Patience, Query, Request, Resource, pages
from webhook.cluster.client import Connection
from webhook.errors import ClusterError
from webhook.history import Run
from webhook.report.openreports import HASH, NAME, OPENREPORTS, WGPOLICY, Api, Collection

SERVED: Final = (OPENREPORTS, WGPOLICY)
"""The first of these that the cluster serves is written."""
MANAGER: Final = "podworthy-controller"
APPLY: Final = "application/apply-patch+yaml"
"""Server-side apply; JSON is YAML."""
OURS: Final = f"app.kubernetes.io/managed-by={NAME}"
"""What reports are selected by; besides, they have our name."""


class _Metadata(msgspec.Struct):
    name: str
    namespace: str
    annotations: Mapping[str, str] | None = None


class _Report(msgspec.Struct):
    metadata: _Metadata


_decode = msgspec.json.Decoder(_Report).decode


class PolicyReports:
    """Where results go: objects of whichever API the cluster serves. CRDs are never made."""

    def __init__(self, client: Connection) -> None:
        self._client = client

    def take(self, run: Run, found: Collection) -> None:
        """Write what is new, delete what is about nothing any more. Raises `ClusterError`.

        An audit that could not read everything changes nothing: it would say of what it has not
        seen that all is well.
        """
        if run.errors or run.partial:
            raise ClusterError("not written, because not everything could be read")
        api = self._served()
        before = dict(self._written(api))
        for report in found.reports(api):
            metadata = report["metadata"]
            namespace = metadata.get("namespace")
            if namespace is None:
                continue  # a cluster has no such objects
            if before.pop(namespace, None) != metadata["annotations"][HASH]:
                self._apply(api, namespace, report)
        for namespace in before:
            self._ask(Request("DELETE", _path(api, namespace)), fine=(404,))

    def _served(self) -> Api:
        for api in SERVED:
            answer = self._client.ask(Request("GET", f"/apis/{api.group}/{api.version}"))
            some = answer.body.get("resources", ()) if answer.ok else ()
            if any(one.get("name") == api.resource for one in some):
                return api
            if not answer.ok and answer.status != 404:
                raise ClusterError(answer.problem)
        names = " nor ".join(f"{api.group}/{api.version}" for api in SERVED)
        raise ClusterError(
            f"the cluster serves neither {names}: install the CRDs of one, or turn reports off"
        )

    def _written(self, api: Api) -> Iterator[tuple[str, str | None]]:
        """The namespaces that have one of ours, and the hash of what it says."""
        resource = Resource(f"{api.group}/{api.version}", api.resource, api.kind)
        query = Query(selector=OURS, accept=METADATA)
        for page in pages(self._client, resource, Patience(), query):
            for item in page.items:
                metadata = _decode(item).metadata
                if metadata.name == NAME:
                    yield metadata.namespace, (metadata.annotations or {}).get(HASH)

    def _apply(self, api: Api, namespace: str, report: dict[str, Any]) -> None:
        query = {"fieldManager": MANAGER, "force": "true"}
        path = _path(api, namespace)
        # a namespace may have gone since it was read
        self._ask(Request("PATCH", path, report, APPLY, query), fine=(404,))

    def _ask(self, request: Request, fine: tuple[int, ...]) -> None:
        answer = self._client.ask(request)
        if not answer.ok and answer.status not in fine and not _is_leaving(answer):
            raise ClusterError(f"{request.path}: {answer.problem}")


def _path(api: Api, namespace: str) -> str:
    return f"/apis/{api.group}/{api.version}/namespaces/{namespace}/{api.resource}/{NAME}"


def _is_leaving(answer: Answer) -> bool:
    """Whether the namespace takes nothing new, because it is being deleted."""
    causes = (answer.body.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
