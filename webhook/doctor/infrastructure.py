"""Which workloads a cluster cannot do without: network, storage, DNS, by their marks."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from webhook.doctor.asking import Object

Purpose = Literal["network", "storage", "DNS", "node agent"]

_CLASSES: Final = ("system-cluster-critical", "system-node-critical")
_DNS_APPS: Final = frozenset({"kube-dns", "coredns", "node-local-dns"})
"""Values of the label `k8s-app` (kubernetes cluster/addons/dns, NodeLocal DNSCache)."""
_HOST_PATHS: Final[Mapping[str, Purpose]] = {
    "/opt/cni/bin": "network",
    "/etc/cni/net.d": "network",
    "/var/lib/kubelet/plugins": "storage",
    "/var/lib/kubelet/plugins_registry": "storage",
}
"""Where a kubelet looks for plugins (containerd's CNI defaults; kubernetes-csi.github.io)."""
_IMAGES: Final[Mapping[str, Purpose]] = {
    "coredns": "DNS",
    "kube-proxy": "network",
    "csi-node-driver-registrar": "storage",
    "csi-provisioner": "storage",
    "csi-attacher": "storage",
    "local-path-provisioner": "storage",
    "nfs-subdir-external-provisioner": "storage",
    "provisioner-localpv": "storage",
}
"""The last part of an image's repository."""


def is_critical(spec: Object) -> bool:
    """Whether pods of this spec have one of the system's priority classes."""
    return spec.get("priorityClassName") in _CLASSES


def purpose(kind: str, metadata: Object, spec: Object) -> Purpose | None:
    """What it is for, if the cluster cannot do without; `spec` is that of its pods."""
    if (metadata.get("labels") or {}).get("k8s-app") in _DNS_APPS:
        return "DNS"
    for volume in spec.get("volumes") or ():
        path = str((volume.get("hostPath") or {}).get("path", "")).rstrip("/")
        for start, found in _HOST_PATHS.items():
            if path == start or path.startswith(f"{start}/"):
                return found
    for image in _images(spec):
        if image in _IMAGES:
            return _IMAGES[image]
    if kind == "DaemonSet" and spec.get("hostNetwork") and is_critical(spec):
        return "node agent"
    return None


def _images(spec: Object) -> Iterator[str]:
    for container in spec.get("containers") or ():
        name = str(container.get("image", "")).partition("@")[0].rpartition("/")[2]
        yield name.partition(":")[0]
