"""The certificate that is served, seen over a real connection, or in the Secret instead."""

import contextlib
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster.processes import free_port
from webhook.controller.certificates import Pair, Service, key_pem, new_authority, new_leaf, pem
from webhook.doctor.asking import Unread
from webhook.doctor.served import look, stored
from webhook.doctor.state import Served

SERVICE = Service("podworthy-system", "podworthy")
OURS = new_authority(SERVICE, datetime.now(UTC))
OTHER = new_authority(SERVICE, datetime.now(UTC))
LEAF = new_leaf(OURS, SERVICE, datetime.now(UTC))


def bundle(*authorities: Pair) -> str:
    return b64encode(pem([one.certificate for one in authorities])).decode()


@contextlib.contextmanager
def server(leaf: Pair, directory: Path) -> Iterator[tuple[str, int]]:
    """Shakes hands with everybody, and hangs up."""
    file = directory / "both.pem"
    file.write_bytes(pem([leaf.certificate]) + key_pem([leaf.key]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                with plain, contextlib.suppress(OSError):
                    context.wrap_socket(plain, server_side=True).close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_the_served_certificate_is_seen_and_tried_by_every_bundle(tmp_path: Path) -> None:
    good, bad, both = bundle(OURS), bundle(OTHER), bundle(OTHER, OURS)
    with server(LEAF, tmp_path) as address:
        seen = look(address, SERVICE.host, [good, bad, both, "", "?"])
    assert isinstance(seen, Served)
    assert seen.where == f"127.0.0.1:{address[1]} shows"
    assert seen.chain == (LEAF.certificate,)
    assert seen.refused is not None
    assert set(seen.refused) == {bad, "", "?"}
    assert "unable to get local issuer certificate" in seen.refused[bad]
    assert seen.refused[""] == "it holds no certificate that can be read"


def test_a_name_that_is_not_the_services_is_refused(tmp_path: Path) -> None:
    with server(LEAF, tmp_path) as address:
        seen = look(address, "other.podworthy-system.svc", [bundle(OURS)])
    assert isinstance(seen, Served)
    assert "not valid for 'other.podworthy-system.svc'" in (seen.refused or {})[bundle(OURS)]


def test_where_nobody_listens() -> None:
    seen = look(("127.0.0.1", free_port()), SERVICE.host, [])
    assert isinstance(seen, Unread)
    assert "cannot be reached from here" in seen.why


def test_the_secret_stands_in() -> None:
    secret = {"data": {"tls.crt": b64encode(pem([LEAF.certificate])).decode()}}
    seen = stored(secret, "podworthy-system/podworthy-tls", Unread("x cannot be reached"))
    assert seen == Served(
        "Secret podworthy-system/podworthy-tls (x cannot be reached) holds", (LEAF.certificate,)
    )


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        (Unread("you have no right"), "you have no right"),
        (None, "there is no Secret a/b"),
        ({"data": {"tls.crt": "?"}}, "tls.crt of Secret a/b holds no certificate"),
        ({}, "tls.crt of Secret a/b holds no certificate"),
    ],
)
def test_without_either_it_is_unknown(secret: dict[str, object] | Unread | None, why: str) -> None:
    assert stored(secret, "a/b", Unread("x")) == Unread(f"x; and {why}")
