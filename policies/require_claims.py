"""Persistent storage is used only through a PersistentVolumeClaim.

What it checks
    Each entry of `spec.volumes`, mounted or not: an ephemeral container can mount a declared volume
    later. Allowed are persistentVolumeClaim, ephemeral (which makes a claim), emptyDir and no
    source at all (which is emptyDir), configMap, secret, downwardAPI, projected and image. Anything
    else is a violation, sources that podworthy does not know included.

Why
    A pod never names a volume: it requests storage through a claim, so that the platform team keeps
    the choice of where the data lives. A hostPath or an inline nfs ties the workload to one node or
    one server, goes around quota and access modes, and survives nobody's backup.

Bad
    volumes:
    - name: data
      hostPath: {path: /srv/data}

Good
    volumes:
    - name: data
      persistentVolumeClaim: {claimName: data}

Params
    csiDrivers: inline `csi` drivers that hand out secrets or identities, not storage. Others are
        violations of the rule inline-csi.
    hostPaths: directories that node agents may mount, each with a prefix (whole path segments) and
        readOnly, which asks that every mount of the volume be read-only.

Limits
    What a claim is bound to is not judged here: a claim may still lead to a hostPath volume. A
    readOnly host path is judged when the pod is created: an ephemeral container that is added later
    may mount it for writing.
"""

import posixpath
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from webhook import api

ALLOWED = frozenset(
    {
        "persistentVolumeClaim",
        "ephemeral",
        "emptyDir",
        "configMap",
        "secret",
        "downwardAPI",
        "projected",
        "image",
    }
)

INLINE_CSI = "inline-csi"

_FIX = "use a persistentVolumeClaim"
_WHY = {
    "hostPath": "is tied to a node",
    "gitRepo": "is not served any more",
}


class HostPath(api.Params):
    """A directory of the node that may be mounted."""

    prefix: str = Field(pattern="^/")
    """Absolute path; matches itself and what is below it."""
    read_only: bool = False
    """Whether every mount of the volume must be read-only."""

    def covers(self, path: str) -> bool:
        """True if the path, normalised, is the prefix or below it."""
        inner, outer = _segments(path), _segments(self.prefix)
        return inner[: len(outer)] == outer


class Params(api.Params):
    """What `require-claims` takes."""

    csi_drivers: tuple[str, ...] = (
        "secrets-store.csi.k8s.io",
        "csi.cert-manager.io",
        "csi.spiffe.io",
        "spiffe.csi.cert-manager.io",
    )
    host_paths: tuple[HostPath, ...] = ()


def check(workload: api.Workload, params: Params, lookups: api.Lookups) -> Iterator[api.Violation]:
    """One violation for each forbidden source."""
    read_only = _mounted_read_only(workload) if params.host_paths else frozenset()
    for volume in workload.volumes:
        for source, value in volume.sources.items():
            if source in ALLOWED:
                continue
            if source == "csi":
                yield from _inline_csi(volume, value, params)
            elif source != "hostPath" or not _is_agents(value, params, volume.name in read_only):
                yield api.Violation(
                    path=f"{volume.path}/{api.pointer_token(source)}",
                    subject=volume.label,
                    fact=source,
                    why=_WHY.get(source, "does not go through a claim"),
                    fix=_FIX,
                )


def _inline_csi(volume: api.Volume, csi: dict[str, Any], params: Params) -> Iterator[api.Violation]:
    driver = csi.get("driver")
    if driver not in params.csi_drivers:
        yield api.Violation(
            path=f"{volume.path}/csi",
            subject=volume.label,
            fact="csi",
            why=f"driver {driver or 'without a name'} is not one of those allowed inline",
            fix=_FIX,
            rule=INLINE_CSI,
        )


def _is_agents(host_path: dict[str, Any], params: Params, is_read_only: bool) -> bool:
    path = host_path.get("path")
    if not path or not path.startswith("/"):
        return False
    covering = [allowed for allowed in params.host_paths if allowed.covers(path)]
    return any(is_read_only or not allowed.read_only for allowed in covering)


def _mounted_read_only(workload: api.Workload) -> frozenset[str | None]:
    """Names of the volumes that are mounted, and nowhere for writing."""
    mounts = [mount for container in workload.containers for mount in container.mounts]
    writable = {mount.name for mount in mounts if not mount.read_only}
    return frozenset(mount.name for mount in mounts) - writable


def _segments(path: str) -> list[str]:
    return [part for part in posixpath.normpath(path).split("/") if part]


policy = api.Policy(
    id="require-claims",
    summary="persistent storage is used only through a claim",
    params=Params,
    rules=(INLINE_CSI,),
    check=check,
    doc=__doc__,
)
