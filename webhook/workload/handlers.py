"""The handlers of probes: raw mappings, in which what policies read has Kubernetes' type."""

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


def checked(probe: Probe | None, path: str, name: str) -> Probe | None:
    """The named probe of the container at `path` if it has a handler; one without is missing.

    Raises `MalformedObject` for a target of it that no API server decodes.
    """
    if probe is None:
        return None
    http_get, tcp_socket, grpc = probe.http_get, probe.tcp_socket, probe.grpc
    if http_get is not None and not _is_usual(http_get):
        _check(http_get, _Target, f"{path}/{name}Probe/httpGet")
    if tcp_socket is not None and not _is_usual(tcp_socket):
        _check(tcp_socket, _Target, f"{path}/{name}Probe/tcpSocket")
    if grpc is not None:
        _check(grpc, _NumberedTarget, f"{path}/{name}Probe/grpc")
    elif http_get is None and tcp_socket is None and probe.exec is None:
        return None
    return probe


def _is_usual(target: Handler) -> bool:
    """True for what stands in nearly every one: a small port or a name, and no host."""
    port = target.get("port")
    return (type(port) is str or (type(port) is int and 0 < port < 2**16)) and "host" not in target


def _check(settings: Handler, target: type[msgspec.Struct], path: str) -> None:
    try:
        msgspec.convert(settings, target)
    except msgspec.ValidationError as error:
        raise malformed(error, path) from error
