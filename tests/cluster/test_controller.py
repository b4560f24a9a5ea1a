"""The controller on a real API server: from nothing to pods that are judged, and through faults."""

import contextlib
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cluster.conftest import VERSIONS
from tests.cluster.control_plane import ControlPlane
from tests.cluster.controller import (
    AUDIT_POLICY,
    CONFIGURATION,
    GUARDED,
    SECRET,
    SECRETS,
    SERVICE,
    SUBJECT,
    USER,
    Creators,
    Kubelet,
    Running,
    administrator,
    grant,
    kubeconfig,
    running_controller,
)
from tests.cluster.manifests import Json
from tests.cluster.processes import Process, free_port, wait_for
from tests.cluster.registration import create_service, render
from tests.serving import serve_command
from webhook.cluster import Request
from webhook.cluster.client import STRATEGIC_MERGE, ApiServer
from webhook.controller.access import rules
from webhook.controller.certificates import (
    Pair,
    key_pem,
    new_authority,
    new_leaf,
    pem,
    read_certificates,
)
from webhook.controller.state import KINDS
from webhook.controller.writes import registration_path

_ROOT = Path(__file__).parents[2]


@dataclass
class Installation:
    """A webhook whose certificates are the controller's."""

    control_plane: ControlPlane
    client: ApiServer
    kubelet: Kubelet
    config: Path
    """The controller's kubeconfig."""
    began: dict[str, str]
    """What the first controller said before there was anything but itself."""

    def secret(self) -> Mapping[str, bytes]:
        return self.kubelet.sync()

    def change_secret(self, change: Json) -> None:
        request = Request("PATCH", f"{SECRETS}/{SECRET}", change, STRATEGIC_MERGE)
        assert self.client.ask(request).ok

    def bundles(self) -> set[str]:
        """The different caBundles of all webhooks."""
        answers = [
            self.client.ask(Request("GET", registration_path(kind, CONFIGURATION)))
            for kind in KINDS
        ]
        return {
            one["clientConfig"].get("caBundle", "")
            for answer in answers
            for one in answer.body["webhooks"]
        }

    def agrees(self) -> bool:
        """Whether every caBundle holds what the Secret says."""
        return self.bundles() == {b64encode(self.secret()["ca.crt"]).decode()}

    def until(self, condition: Callable[[Mapping[str, bytes]], bool], what: str) -> None:
        """Bring the Secret to the servers until its content meets a condition."""
        wait_for(lambda: condition(self.kubelet.sync()), seconds=20, what=what)


@pytest.fixture(scope="module", params=VERSIONS)
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Controller first, then the registration, and the server when it has a certificate."""
    directory = tmp_path_factory.mktemp("controller")
    policy = directory / "audit.json"
    policy.write_text(json.dumps(AUDIT_POLICY))
    mount = directory / "tls"
    mount.mkdir()
    with (
        ControlPlane(request.param, apiserver=[f"--audit-policy-file={policy}"]) as control_plane,
        contextlib.ExitStack() as stack,
    ):
        control_plane.create_namespace(GUARDED)
        port = free_port()
        ip = create_service(control_plane, port)
        grant(control_plane)
        config = kubeconfig(control_plane)
        client = administrator(control_plane)
        kubelet = Kubelet(client, mount)
        with running_controller(control_plane, config) as controller:
            began = _alone(controller)
            _register(control_plane, port)
            wait_for(lambda: kubelet.sync().get("tls.crt"), seconds=20, what="certificate")
            command = [*serve_command(0), f"--host={ip}", f"--port={port}", "--drain=1"]
            server = Process(
                [*command, f"--cert={mount}/tls.crt", f"--key={mount}/tls.key"],
                log=control_plane.directory / "webhook.log",
                cwd=_ROOT,
            )
            stack.callback(server.stop)
            controller.wait_until_ready()
        yield Installation(control_plane, client, kubelet, config, began)


def _alone(controller: Running) -> dict[str, str]:
    """What it says when there is no registration."""
    wait_for(lambda: "let in" in controller.log, seconds=20, what="canary")
    wait_for(lambda: "certificate ok" in controller.get("/readyz?verbose")[1], seconds=20, what="-")
    return {
        "readyz": controller.get("/readyz?verbose")[1],
        "metrics": controller.get("/metrics")[1],
    }


def _register(control_plane: ControlPlane, port: int) -> None:
    """As Helm does."""
    values = {
        "profile": "strict",
        "failurePolicy": "Fail",
        "chosenBy": json.dumps(
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [GUARDED]}
        ),
        "excludedNamespaces": json.dumps(["kube-system"]),
        "breakGlassGroup": "podworthy:break-glass",
        "namespace": SERVICE.namespace,
        "service": SERVICE.name,
        "port": str(port),
        "caBundle": "",
    }
    apply = ("apply", "--server-side", "--field-manager=helm", "--filename=-")
    # no caBundle at all: also an empty one would be Helm's
    without = re.sub(r"^ *caBundle:.*\n", "", render(values), flags=re.MULTILINE)
    control_plane.kubectl(*apply, stdin=without)


@pytest.fixture
def controller(installation: Installation) -> Iterator[Running]:
    """A controller with an installation in order."""
    with running_controller(installation.control_plane, installation.config) as running:
        running.wait_until_ready()
        yield running


def test_from_nothing_to_a_webhook_that_denies(installation: Installation) -> None:
    readyz = installation.began["readyz"]
    assert "[-]registration failed: there is no webhook configuration podworthy-strict" in readyz
    assert "[-]canary failed: a bad pod is let in and nobody judges it" in readyz
    assert "\npodworthy_enforcing 0.0\n" in installation.began["metrics"]
    get = ("get", "events.events.k8s.io", f"--namespace={GUARDED}", "--output=json")
    events = json.loads(installation.control_plane.kubectl(*get).stdout)["items"]
    assert [(event["reason"], event["type"]) for event in events] == [("NotEnforcing", "Warning")]
    body = installation.client.ask(Request("GET", f"{SECRETS}/{SECRET}")).body
    assert body["type"] == "kubernetes.io/tls"
    assert set(body["data"]) == {"tls.crt", "tls.key", "ca.crt", "ca.key"}
    assert "" not in installation.bundles()


def test_it_ends_at_once_and_another_one_finds_all_in_order(installation: Installation) -> None:
    before = installation.secret()
    with running_controller(
        installation.control_plane, installation.config, hurried=False
    ) as running:
        running.wait_until_ready()
        assert running.get("/livez") == (200, "ok")
        running.process.stop(seconds=2)
        assert running.process.exit_code == 0
    assert installation.secret() == before
    assert "Traceback" not in running.log


def test_an_authority_is_replaced_while_pods_are_made(installation: Installation) -> None:
    """An old one, so that its time has come when the controller looks."""
    now = datetime.now(UTC)
    old = new_authority(SERVICE, now - timedelta(days=4 * 365))
    _install(installation, old, now)
    (certificate,) = read_certificates(installation.secret()["ca.crt"])[0]
    with (
        Creators(installation.control_plane) as creators,
        running_controller(installation.control_plane, installation.config) as running,
    ):
        installation.until(
            lambda content: len(read_certificates(content["ca.crt"])[0]) == 2, "two authorities"
        )
        installation.until(
            lambda content: certificate not in read_certificates(content["ca.crt"])[0],
            "end of the overlap",
        )
        running.wait_until_ready()
        done = creators.done
        wait_for(lambda: creators.done > done + 20, seconds=20, what="more creates")
        wait_for(installation.agrees, seconds=20, what="agreement")
    assert creators.failures == []


def _install(installation: Installation, authority: Pair, now: datetime) -> None:
    """Certificates of this authority, brought in by the steps of the controller itself: believed
    first, shown then."""
    leaf = new_leaf(authority, SERVICE, now)
    both = installation.secret()["ca.crt"] + pem([authority.certificate])
    _believe(installation, both)
    content = {
        "tls.crt": pem([leaf.certificate]),
        "tls.key": key_pem([leaf.key]),
        "ca.crt": pem([authority.certificate]),
        "ca.key": key_pem([authority.key]),
    }
    installation.change_secret({"stringData": {k: v.decode() for k, v in content.items()}})
    installation.until(lambda found: found["tls.crt"] == content["tls.crt"], "the old leaf")
    served = pem([leaf.certificate])
    wait_for(lambda: _serial(served) in _webhook_log(installation), seconds=20, what="reload")
    _believe(installation, pem([authority.certificate]))


def _serial(certificate: bytes) -> str:
    return f"serial number {read_certificates(certificate)[0][0].serial_number:x}"


def _webhook_log(installation: Installation) -> str:
    return (installation.control_plane.directory / "webhook.log").read_text()


def _believe(installation: Installation, authorities: bytes) -> None:
    bundle = {"caBundle": b64encode(authorities).decode()}
    for kind in KINDS:
        path = registration_path(kind, CONFIGURATION)
        webhooks = installation.client.ask(Request("GET", path)).body["webhooks"]
        patch = {"webhooks": [{"name": one["name"], "clientConfig": bundle} for one in webhooks]}
        assert installation.client.ask(Request("PATCH", path, patch, STRATEGIC_MERGE)).ok


@pytest.mark.parametrize("fault", ["deleted", "broken"])
def test_a_lost_secret_is_made_again_while_pods_are_made(
    installation: Installation, controller: Running, fault: str
) -> None:
    before = installation.secret()["tls.crt"]
    with Creators(installation.control_plane) as creators:
        if fault == "deleted":
            assert installation.client.ask(Request("DELETE", f"{SECRETS}/{SECRET}")).ok
        else:
            broken = {"tls.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}
            installation.change_secret({"stringData": broken | {"ca.crt": "", "ca.key": ""}})
        installation.until(
            lambda content: (
                content.get("tls.crt", b"").count(b"\n") > 4 and content["tls.crt"] != before
            ),
            "another certificate",
        )
        shown = _serial(installation.secret()["tls.crt"])
        wait_for(lambda: shown in _webhook_log(installation), seconds=20, what="reload")
        controller.wait_until_ready()
        done = creators.done
        wait_for(lambda: creators.done > done + 20, seconds=20, what="more creates")
    assert creators.failures == []


def test_helm_can_upgrade_and_remove_a_webhook(
    installation: Installation, controller: Running
) -> None:
    """Server-side apply: it leaves the caBundles alone, and no rest of what it removes."""
    control_plane = installation.control_plane
    get = ("get", "validatingwebhookconfiguration", CONFIGURATION, "--output=json")
    body = json.loads(control_plane.kubectl(*get).stdout)
    port = body["webhooks"][0]["clientConfig"]["service"]["port"]
    _register(control_plane, port)
    assert "" not in installation.bundles()
    fewer = {key: body[key] for key in ("apiVersion", "kind")}
    fewer["metadata"] = {"name": CONFIGURATION}
    fewer["webhooks"] = [_without_bundle(body["webhooks"][0])]
    apply = ("apply", "--server-side", "--field-manager=helm", "--filename=-")
    control_plane.kubectl(*apply, stdin=json.dumps(fewer))
    left = json.loads(control_plane.kubectl(*get).stdout)["webhooks"]
    assert [one["name"] for one in left] == [body["webhooks"][0]["name"]]
    _register(control_plane, port)
    wait_for(installation.agrees, seconds=20, what="caBundles of new entries")
    controller.wait_until_ready()


def _without_bundle(webhook: Json) -> Json:
    client = {key: value for key, value in webhook["clientConfig"].items() if key != "caBundle"}
    return {**webhook, "clientConfig": client}


def test_it_uses_exactly_the_rights_that_it_says(
    installation: Installation, controller: Running
) -> None:
    """The audit log has its requests; what it did before, in other tests, counts as well."""
    installation.change_secret({"stringData": {"tls.key": ""}})
    installation.until(lambda content: bool(content["tls.key"]), "another key")
    controller.wait_until_ready()
    granted = {
        (rule.group, rule.resource, verb, rule.namespace or "", name)
        for rule in rules(SUBJECT, GUARDED)
        for verb in rule.verbs
        for name in rule.names or ("",)
    }

    def used() -> set[tuple[str, ...]]:
        events = installation.control_plane.audit_events()
        assert not [one for one in events if one["responseStatus"]["code"] == 401]
        assert all(one["user"]["username"] == USER for one in events)
        assert not [
            one
            for one in events
            if one["annotations"].get("authorization.k8s.io/decision") != "allow"
        ]
        return {_right(one) for one in events}

    wait_for(lambda: used() >= granted, seconds=10, what="every right")
    assert used() == granted


def _right(event: Json) -> tuple[str, ...]:
    what = event["objectRef"]
    name = "" if event["verb"] == "create" else what.get("name", "")
    return (
        what.get("apiGroup", ""),
        what["resource"],
        event["verb"],
        what.get("namespace", ""),
        name,
    )
