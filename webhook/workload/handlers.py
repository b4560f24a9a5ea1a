"""The handlers of probes: raw mappings, in which what policies read has Kubernetes' type."""

from typing import Final

import msgspec

from webhook.api import Probe
from webhook.api.workload import Int32
from webhook.review import malformed


class _Target(msgspec.Struct):
    """`httpGet` and `tcpSocket`: a number or the name of a port, maybe of another host."""

    port: Int32 | str | None = None
    host: str | None = None


class _NumberedTarget(msgspec.Struct):
    """`grpc`, whose port is a number (k8s.io/api core/v1 `GRPCAction`)."""

    port: Int32 | None = None


_TARGETS: Final = {
    "http_get": ("httpGet", _Target),
    "tcp_socket": ("tcpSocket", _Target),
    "grpc": ("grpc", _NumberedTarget),
}


def check_handlers(probe: Probe, path: str) -> None:
    """Raises `MalformedObject` for a target of the probe at `path` that no API server decodes."""
    for attribute, (key, target) in _TARGETS.items():
        settings = getattr(probe, attribute)
        if settings is None:
            continue
        try:
            msgspec.convert(settings, target)
        except msgspec.ValidationError as error:
            raise malformed(error, f"{path}/{key}") from error
