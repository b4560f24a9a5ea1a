"""Every probe asks the container that it belongs to, on a port that can be found.

What it checks
    The port of httpGet and tcpSocket, where it is a name, is the name of one of the same
    container's ports. Ports of other containers do not count. A number need not be declared, a grpc
    port is always a number, and exec has none. host is not set, which is a violation of the rule
    host. The startup probe is asked too; the header Host is free.

Why
    The kubelet looks for a named port in the container itself, and drops the result of a probe
    whose port it does not find: liveness then never fires, readiness fails for ever, and with such
    a startup probe the container never counts as started. The API server accepts any name. A probe
    with a host asks somebody else, from the node's network: its answer says nothing about this
    container. Pod Security forbids it, too, in its baseline since Kubernetes 1.34.

Bad
    ports:
    - {name: http, containerPort: 8080}
    livenessProbe:
      httpGet: {path: /healthz, port: web}

Good
    ports:
    - {name: http, containerPort: 8080}
    livenessProbe:
      httpGet: {path: /healthz, port: http}

Params
    None.

Limits
    Whether anything listens on the port, nobody can tell beforehand. A quoted number is a name, as
    the API server reads it, which refuses such a name. A pod on the node's network may have reason
    to ask 127.0.0.1: give the rule host another action, or exempt the workload. Lifecycle hooks are
    not looked at.
"""

from collections.abc import Iterator
from typing import Any

from webhook import api

HOST = "host"

_CONSEQUENCES = {
    "startup": "it never succeeds",
    "liveness": "it never fires",
    "readiness": "it fails for ever",
}


def check(
    workload: api.Workload, params: api.Params, lookups: api.Lookups
) -> Iterator[api.Violation]:
    """One violation for each name that names no port, and for each host."""
    for container in workload.may_have_probes():
        for name, probe in container.probes:
            for handler, target in (("httpGet", probe.http_get), ("tcpSocket", probe.tcp_socket)):
                if target and (isinstance(target.get("port"), str) or target.get("host")):
                    yield from _faults(container, name, handler, target)


def _faults(
    container: api.Container, name: str, handler: str, target: dict[str, Any]
) -> Iterator[api.Violation]:
    port, host = target.get("port"), target.get("host")
    if isinstance(port, str) and port not in [declared.name for declared in container.ports]:
        yield api.Violation(
            path=f"{container.path}/{name}Probe/{handler}/port",
            subject=container.label,
            fact=f'port "{port}"',
            why=f"is undeclared: {_CONSEQUENCES[name]}",
            fix="declare it under ports, or use a number",
        )
    if host:
        yield api.Violation(
            path=f"{container.path}/{name}Probe/{handler}/host",
            subject=container.label,
            fact=f'host "{host}"',
            why="asks somebody else",
            fix="remove host",
            rule=HOST,
        )


policy = api.Policy(
    id="probe-targets",
    summary="probes ask a port that their own container has",
    params=api.Params,
    rules=(HOST,),
    check=check,
    doc=__doc__,
)
