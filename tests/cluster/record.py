"""`python -m tests.cluster.record`: record examples/reviews anew.

Applies each manifest with kubectl, client side, to a real API server whose webhook lets everything
in and keeps what it was asked at the mutating door.
"""

import json
import ssl
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.cluster.certificates import WebhookCertificate, webhook_certificate
from tests.cluster.control_plane import ControlPlane
from tests.cluster.processes import free_port, wait_for
from tests.cluster.registration import NAMESPACE, SERVICE, create_service, register

EXAMPLES = Path(__file__).parents[2] / "examples"
MANIFESTS = (
    "seed/liveness-exec.yaml",
    "seed/liveness-http.yaml",
    "seed/goproxy.yaml",
    "seed/mongodb.yaml",
    "web.yaml",
)

recorded: dict[str, Any] = {}
"""The last review by the name of its object."""


class Recorder(BaseHTTPRequestHandler):
    """Allows everything, and keeps what the mutating door is asked."""

    def do_POST(self) -> None:
        """Answer one review."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.startswith("/mutate"):
            recorded[review["request"]["name"]] = review
        response = {"uid": review["request"]["uid"], "allowed": True}
        body = json.dumps(review | {"response": response, "request": None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Write one JSON file for each manifest that is a workload."""
    with ControlPlane() as cluster:
        port = free_port()
        ip = create_service(cluster, port)
        pems = webhook_certificate(f"{SERVICE}.{NAMESPACE}.svc", ip)
        server = serve(cluster.directory, pems, ip, port)
        register(
            cluster,
            ca_pem=pems.ca_pem,
            port=port,
            profiles={"baseline": "Ignore"},
            default="baseline",
        )
        for manifest in MANIFESTS:
            path, name = EXAMPLES / manifest, Path(manifest).stem
            wait_for(partial(apply, cluster, path, name), seconds=30, what=f"review of {name}")
            text = json.dumps(recorded[name], indent=1)
            EXAMPLES.joinpath("reviews", f"{name}.json").write_text(text + "\n")
        server.shutdown()


def serve(directory: Path, pems: WebhookCertificate, ip: str, port: int) -> HTTPServer:
    """A running recorder."""
    certificate, key = directory / "recorder.crt", directory / "recorder.key"
    certificate.write_bytes(pems.certificate_pem)
    key.write_bytes(pems.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer((ip, port), Recorder)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def apply(cluster: ControlPlane, manifest: Path, name: str) -> bool:
    """Create what the manifest holds; True if the recorder was asked, which takes a moment."""
    cluster.kubectl("apply", f"--filename={manifest}")
    if name not in recorded:
        cluster.kubectl("delete", "--wait", f"--filename={manifest}")
    return name in recorded


if __name__ == "__main__":
    main()
