"""New certificates, new servers and new releases, while pods are made: no create fails."""

from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from tests.chart.rendering import NAME
from tests.cluster.conftest import Namespaces
from tests.cluster.creators import Creators, creating
from tests.cluster.install.installation import BAD, HURRIED, LABEL, Installation
from webhook.controller.certificates import read_certificates

OLD = """
from datetime import datetime
from webhook.controller import certificates
due = certificates.is_due
moment = datetime.fromisoformat({moment!r})
certificates.is_due = lambda one, now: certificates.signed_at(one) < moment or due(one, now)
"""
"""What has been signed until now is as old as it may become."""


@pytest.fixture
def creators(in_order: Installation, new_namespace: Namespaces) -> Iterator[Creators]:
    """They make good pods where podworthy fails closed; not one may fail."""
    namespace = new_namespace({LABEL: "strict"})
    in_order.until(lambda: in_order.judged(namespace, BAD), "enforcement")
    with creating(in_order.plane, namespace, 2, pause=0.1) as running:
        running.wait_for(5)
        yield running
        running.wait_for(20)
    assert running.failures == []


def certificates(installation: Installation, key: str) -> list[x509.Certificate]:
    """Those of the Secret, under this key."""
    return list(read_certificates(b64decode(installation.secret().get(key, "")))[0])


def serves(installation: Installation, leaf: x509.Certificate) -> bool:
    """Whether every server says that it shows this certificate."""
    serial = f"serial number {leaf.serial_number:x}"
    servers = installation.kubelet.pods("server")
    return all(serial in one.log for one in servers)


@pytest.mark.usefixtures("creators")
def test_all_certificates_grow_old(in_order: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    # another test's new authority may still stand beside its old one
    in_order.until(lambda: len(certificates(in_order, "ca.crt")) == 1, "end of an overlap")
    (authority,) = certificates(in_order, "ca.crt")
    (leaf,) = certificates(in_order, "tls.crt")
    moment = datetime.now(UTC).replace(microsecond=0).isoformat()
    monkeypatch.setattr(in_order.kubelet, "prelude", HURRIED + OLD.format(moment=moment))
    in_order.own("delete", "pod", "--selector=app.kubernetes.io/component=controller")
    in_order.until(lambda: authority not in certificates(in_order, "ca.crt"), "a new authority")
    (new,) = certificates(in_order, "tls.crt")
    assert new != leaf
    in_order.until(lambda: serves(in_order, new), "servers with the new certificate")


@pytest.mark.usefixtures("creators")
def test_a_deleted_secret_is_made_again(in_order: Installation) -> None:
    (leaf,) = certificates(in_order, "tls.crt")
    in_order.own("delete", "secret", f"{NAME}-tls")
    in_order.until(lambda: certificates(in_order, "tls.crt") not in ([], [leaf]), "another one")
    (new,) = certificates(in_order, "tls.crt")
    in_order.until(lambda: serves(in_order, new), "servers with the new certificate")


def test_without_a_controller_nothing_stops(in_order: Installation, creators: Creators) -> None:
    """Nor for long: what is there is good for a month at least, also for a server that starts."""
    scale = ("scale", f"deployment/{NAME}-controller")
    in_order.own(*scale, "--replicas=0")
    in_order.until(lambda: not in_order.names("controller"), "end of the controller")
    before = in_order.names("server")
    in_order.own("delete", "pod", "--wait=false", min(before))
    in_order.until(lambda: in_order.names("server") - before, "another server")
    in_order.own("rollout", "status", f"deployment/{NAME}")
    (leaf,) = certificates(in_order, "tls.crt")
    assert leaf.not_valid_after_utc > datetime.now(UTC) + timedelta(days=29)
    creators.wait_for(20)
    in_order.own(*scale, "--replicas=1")


@pytest.mark.usefixtures("creators")
def test_servers_are_replaced_by_an_upgrade_and_by_its_rollback(in_order: Installation) -> None:
    before = in_order.names("server")
    in_order.helm("upgrade", "--wait", values={"server": {"podAnnotations": {"new": "1"}}})
    upgraded = in_order.names("server")
    assert not upgraded & before
    # at once: the servers of before are still leaving
    in_order.helm("rollback", "--wait")
    assert not in_order.names("server") & (before | upgraded)
    in_order.wait_until_left()
