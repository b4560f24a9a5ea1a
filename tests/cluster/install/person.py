"""An ordinary user who asks the API server often, at a fraction of kubectl's cost."""

import http.client
import json
import ssl
from collections.abc import Sequence
from typing import Any, Final

from tests.bench.creates import administrator
from tests.cluster.control_plane import ControlPlane

Json = dict[str, Any]

_PATHS: Final = {
    "Pod": "/api/v1/namespaces/{}/pods",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}


class Person:
    """Somebody as whom an administrator asks."""

    def __init__(self, plane: ControlPlane, name: str, patience: float) -> None:
        """`patience` is in seconds, for one answer."""
        self._name = name
        self._patience = patience
        self._server = plane.server.removeprefix("https://")
        pems = administrator(plane)
        self._context = ssl.create_default_context(cafile=pems.ca)
        self._context.load_cert_chain(pems.certificate, pems.key)

    def dry_run(self, namespace: str, manifest: Json, groups: Sequence[str] = ()) -> str:
        """Why a create would fail, in the API server's words; empty if it would not."""
        connection = http.client.HTTPSConnection(
            self._server, timeout=self._patience, context=self._context
        )
        body = json.dumps(manifest).encode()
        path = _PATHS[manifest["kind"]].format(namespace)
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Impersonate-User", self._name),
            *(("Impersonate-Group", it) for it in ("system:authenticated", *groups)),
        ]
        try:
            connection.putrequest("POST", f"{path}?dryRun=All")
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        finally:
            connection.close()
        return "" if answer.status == 201 else str(told["message"])
