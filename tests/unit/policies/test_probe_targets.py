"""Ports and hosts of probes: what can be found, and what asks somebody else."""

from typing import Any

import pytest

from tests.builders import Object, container, of_kind, pod, pod_path, violations, warnings
from webhook.api import KINDS

WEB = "/spec/containers/0"
PORTS = [{"name": "http", "containerPort": 8080}, {"containerPort": 9090}]


def found(*probes: Object, ports: Any = PORTS) -> list[tuple[str, str]]:
    """Path below the container, and rule, of what is found in its first probes."""
    names = ("livenessProbe", "readinessProbe", "startupProbe")
    fields: Object = dict(zip(names, probes, strict=False))
    obj = pod(container(ports=ports, **fields))
    return [(one.path.removeprefix(WEB), one.rule) for one in violations("probe-targets", obj)]


@pytest.mark.parametrize(
    "probe",
    [
        pytest.param({"httpGet": {"port": "http"}}, id="declared"),
        pytest.param({"tcpSocket": {"port": "http"}}, id="declared-tcp"),
        pytest.param({"httpGet": {"port": 8080}}, id="number"),
        pytest.param({"tcpSocket": {"port": 7}}, id="undeclared-number"),
        pytest.param({"grpc": {"port": 7}}, id="grpc"),
        pytest.param({"exec": {"command": ["true"], "port": "x", "host": "x"}}, id="exec"),
        pytest.param({"httpGet": {"host": ""}}, id="nothing-written"),
        pytest.param({"httpGet": {"port": None, "host": None}}, id="null"),
        pytest.param({"httpGet": None, "periodSeconds": 5}, id="no-handler"),
        pytest.param(
            {"httpGet": {"port": 80, "httpHeaders": [{"name": "Host", "value": "shop"}]}},
            id="host-header",
        ),
    ],
)
def test_what_can_be_asked_is_fine(probe: Object) -> None:
    assert found(probe, probe, probe) == []


@pytest.mark.parametrize("port", ["web", "HTTP", "http ", "8080", "9090", ""])
@pytest.mark.parametrize("handler", ["httpGet", "tcpSocket"])
def test_a_name_must_be_that_of_a_port(handler: str, port: str) -> None:
    # a number in quotes is a name: the API server refuses it as one without a letter
    assert found({handler: {"port": port}}) == [(f"/livenessProbe/{handler}/port", "")]


@pytest.mark.parametrize("ports", [None, [], [{"containerPort": 8080}], [{"name": None}]])
def test_without_a_name_among_the_ports_nothing_can_be_named(ports: Any) -> None:
    assert found({"httpGet": {"port": "http"}}, ports=ports) == [
        ("/livenessProbe/httpGet/port", "")
    ]


def test_every_probe_is_asked() -> None:
    probe = {"httpGet": {"port": "web"}}
    assert [path for path, _ in found(probe, probe, probe)] == [
        "/startupProbe/httpGet/port",
        "/livenessProbe/httpGet/port",
        "/readinessProbe/httpGet/port",
    ]


def test_the_ports_are_those_of_the_same_container() -> None:
    mesh = container(
        "mesh", restartPolicy="Always", livenessProbe={"httpGet": {"port": "http"}}, ports=[]
    )
    web = container(livenessProbe={"httpGet": {"port": "http"}}, ports=PORTS)
    obj = pod(web, initContainers=[mesh])
    assert [one.path for one in violations("probe-targets", obj)] == [
        "/spec/initContainers/0/livenessProbe/httpGet/port"
    ]


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "127.0.0.1", "::1", "db.example"])
@pytest.mark.parametrize("handler", ["httpGet", "tcpSocket"])
def test_a_host_is_a_rule_of_its_own(handler: str, host: str) -> None:
    # Pod Security forbids the node's own addresses as well
    assert found({handler: {"port": 80, "host": host}}) == [
        (f"/livenessProbe/{handler}/host", "host")
    ]


def test_a_host_and_a_port_are_two_findings() -> None:
    assert found({"httpGet": {"port": "web", "host": "db"}}) == [
        ("/livenessProbe/httpGet/port", ""),
        ("/livenessProbe/httpGet/host", "host"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_of_every_kind(kind: str) -> None:
    obj = of_kind(kind, container(readinessProbe={"tcpSocket": {"port": "web"}}))
    assert [one.path for one in violations("probe-targets", obj)] == [
        f"{pod_path(kind)}{WEB}/readinessProbe/tcpSocket/port"
    ]


@pytest.mark.parametrize(
    ("probe", "target", "message"),
    [
        (
            "livenessProbe",
            {"port": "web"},
            'web: port "web" is undeclared: it never fires; '
            "declare it under ports, or use a number",
        ),
        (
            "readinessProbe",
            {"port": "web"},
            'web: port "web" is undeclared: it fails for ever; '
            "declare it under ports, or use a number",
        ),
        (
            "startupProbe",
            {"port": "web"},
            'web: port "web" is undeclared: it never succeeds; '
            "declare it under ports, or use a number",
        ),
        (
            "livenessProbe",
            {"port": 80, "host": "db"},
            'web: host "db" asks somebody else; remove host',
        ),
    ],
)
def test_the_message_says_what_the_kubelet_does(probe: str, target: Object, message: str) -> None:
    fields: Object = {probe: {"httpGet": target}}
    obj = pod(container(**fields))
    assert [one.message for one in violations("probe-targets", obj)] == [message]


def test_a_warning_keeps_the_consequence() -> None:
    probe = {"httpGet": {"port": "web", "host": "db"}}
    obj = of_kind("Deployment", container(livenessProbe=probe))
    assert warnings("probe-targets", obj) == [
        'web: port "web" (/spec/template/spec/containers/0/livenessProbe/httpGet) '
        "is undeclared: it never fires [probe-targets]",
        'web: host "db" (/spec/template/spec/containers/0/livenessProbe/httpGet) '
        "asks somebody else; remove host [probe-targets]",
    ]
