"""The handlers of probes: raw mappings, in which what policies read has Kubernetes' type."""

from typing import Final

import msgspec

from webhook.api import Probe
from webhook.api.workload import Handler, Int32
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


def checked(probe: Probe | None, path: str) -> Probe | None:
    """The probe at `path` if it has a handler; one without is missing.

    Raises `MalformedObject` for a target of it that no API server decodes.
    """
    if probe is None or probe.handler is None:
        return None
    for attribute, (key, target) in _TARGETS.items():
        settings = getattr(probe, attribute)
        if settings is None or _is_usual(settings):
            continue
        try:
            msgspec.convert(settings, target)
        except msgspec.ValidationError as error:
            raise malformed(error, f"{path}/{key}") from error
    return probe


def _is_usual(settings: Handler) -> bool:
    """True for what is right in every target, and stands in nearly every one: a small port."""
    port = settings.get("port")
    return type(port) is int and 0 < port < 2**16 and "host" not in settings
