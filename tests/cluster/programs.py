"""How the programs of a control plane are configured: their files and command lines.

Everything is in one directory that only its owner may read. etcd listens on a Unix socket there,
the API server on the loopback, the controller-manager on nothing.
"""

import json
from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from tests.cluster.build import Binaries
from tests.cluster.certificates import Authority, private_key_pem

HOST = "127.0.0.1"

KUBELET_CLIENT = "kube-apiserver-kubelet-client"
"""The API server's name at kubelets; kubeadm calls it so."""

# The kernel answers on all of 127.0.0.0/8, so a server can listen on the ClusterIP of a Service
# itself, and the API server reaches it there without any kube-proxy.
SERVICE_RANGE = "127.96.0.0/16"

_ETCD_SOCKET = "unix://etcd.sock:0"  # a file of this name in the working directory
_PEER_SOCKET = "unix://peer.sock:0"

RECORDED = "recorded"
"""A namespace whose audit events have the stored objects, too."""

_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io"}]},
        {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets"]}]},
        {"level": "RequestResponse", "namespaces": [RECORDED]},
        {"level": "Request"},
    ],
}


def write_files(directory: Path) -> Authority:
    """All but the kubeconfigs: certificates, the service accounts' key, the audit policy."""
    authority = Authority("podworthy test cluster CA")
    (directory / "ca.crt").write_bytes(authority.certificate)
    serving = authority.issue("kube-apiserver", ips=[HOST])
    (directory / "apiserver.crt").write_bytes(serving.certificate)
    (directory / "apiserver.key").write_bytes(serving.key)
    client = authority.issue(KUBELET_CLIENT)
    (directory / "kubelet-client.crt").write_bytes(client.certificate)
    (directory / "kubelet-client.key").write_bytes(client.key)
    accounts = ec.generate_private_key(ec.SECP256R1())
    (directory / "accounts.key").write_bytes(private_key_pem(accounts))
    (directory / "audit-policy.json").write_text(json.dumps(_AUDIT_POLICY))
    return authority


def write_kubeconfig(path: Path, authority: Authority, server: str, user: str, group: str) -> None:
    """JSON, which is YAML; certificates are inside, so the file can be moved."""
    pair = authority.issue(user, organizations=[group] if group else [])
    cluster = {"server": server, "certificate-authority-data": _text(authority.certificate)}
    credentials = {
        "client-certificate-data": _text(pair.certificate),
        "client-key-data": _text(pair.key),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "podworthy", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "podworthy", "context": {"cluster": "podworthy", "user": user}}],
        "current-context": "podworthy",
    }
    path.write_text(json.dumps(config, indent=2))


def etcd(programs: Binaries) -> list[str | Path]:
    return [
        programs.etcd,
        "--data-dir=etcd",
        f"--listen-client-urls={_ETCD_SOCKET}",
        f"--advertise-client-urls={_ETCD_SOCKET}",
        f"--listen-peer-urls={_PEER_SOCKET}",
        f"--initial-advertise-peer-urls={_PEER_SOCKET}",
        f"--initial-cluster=default={_PEER_SOCKET}",
        "--unsafe-no-fsync",  # the data need not survive a power cut
        "--log-level=warn",
    ]


def kube_apiserver(programs: Binaries, port: int) -> list[str | Path]:
    return [
        programs.kube_apiserver,
        f"--etcd-servers={_ETCD_SOCKET}",
        f"--bind-address={HOST}",
        f"--secure-port={port}",
        f"--advertise-address={HOST}",
        "--endpoint-reconciler-type=none",  # an Endpoints object must not name the loopback
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--tls-cert-file=apiserver.crt",
        "--tls-private-key-file=apiserver.key",
        "--client-ca-file=ca.crt",
        "--kubelet-client-certificate=kubelet-client.crt",
        "--kubelet-client-key=kubelet-client.key",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file=accounts.key",
        "--service-account-signing-key-file=accounts.key",
        "--allow-privileged=true",
        "--audit-policy-file=audit-policy.json",
        "--audit-log-path=audit.log",
    ]


def kube_controller_manager(programs: Binaries) -> list[str | Path]:
    return [
        programs.kube_controller_manager,
        "--kubeconfig=controller-manager.kubeconfig",
        "--use-service-account-credentials=true",  # each controller by its own name, as in use
        "--service-account-private-key-file=accounts.key",
        "--root-ca-file=ca.crt",
        "--leader-elect=false",
        "--secure-port=0",
        "--pvclaimbinder-sync-period=1s",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def _text(pem: bytes) -> str:
    return b64encode(pem).decode()
