"""Both servers under load: no request may fail while certificates change, connections end, or the
server leaves."""

import signal
import socket
import ssl
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cluster.certificates import Authority, Pair
from tests.handshakes import careless_client
from tests.load import Client, Socket, fingerprint, load, losses
from tests.mounts import Mount
from tests.serving import PATIENCE, Served, eventually, serving

REQUESTS = 2000
AUTHORITY = Authority("a test")
NOW = datetime.now(UTC)

both = pytest.mark.parametrize("arguments", [[], ["--wsgi"]], ids=["ours", "flask"])


def issued(end: datetime | None = None) -> Pair:
    return AUTHORITY.issue("localhost", dns=["localhost"], end=end)


class Secret:
    """A mounted Secret with a certificate, and the server that reads it."""

    def __init__(self, directory: Path, pair: Pair) -> None:
        self.directory = directory / "secret"
        self.directory.mkdir()
        self._away = directory / "away"
        self._mount = Mount(self.directory)
        self.put(pair)

    def put(self, pair: Pair) -> None:
        self._mount.write({"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()})

    def leave_out_the_key(self, pair: Pair) -> None:
        self._mount.write({"tls.crt": pair.certificate.decode()})

    def write_half_in_place(self, pair: Pair) -> None:
        (self.directory / "tls.crt").write_bytes(pair.certificate[: len(pair.certificate) // 2])

    def remove(self) -> None:
        self.directory.rename(self._away)

    def restore(self) -> None:
        if self._away.exists():
            self._away.rename(self.directory)


def shows(served: Served, pair: Pair) -> bool:
    """Whether a new handshake shows this certificate."""
    with served.connect() as connection:
        return fingerprint(connection) == of(pair)


def of(pair: Pair) -> str:
    return sha256(ssl.PEM_cert_to_DER_cert(pair.certificate.decode())).hexdigest()


def failed_reloads(served: Served) -> float:
    _, _, body = served.ask("GET", "/metrics")
    name = 'podworthy_certificate_reloads_total{result="failed"} '
    (line,) = (line for line in body.decode().splitlines() if line.startswith(name))
    return float(line.removeprefix(name))


def has_refused(served: Served, count: float) -> bool:
    return failed_reloads(served) >= count


BAD: dict[str, Callable[[Secret, Pair, Pair], None]] = {
    "the key of another": lambda secret, old, new: secret.put(Pair(new.certificate, old.key)),
    "half-written": lambda secret, _, new: secret.write_half_in_place(new),
    "empty": lambda secret, *_: secret.put(Pair(b"", b"")),
    "expired": lambda secret, *_: secret.put(issued(end=NOW - timedelta(minutes=1))),
    "no key": lambda secret, _, new: secret.leave_out_the_key(new),
    "directory removed": lambda secret, *_: secret.remove(),
}


@both
def test_certificates_change(arguments: list[str], tmp_path: Path) -> None:
    """Good ones and bad ones in turn: new handshakes get the last good one, and no request fails,
    neither on a connection that lasts through it all nor on new ones."""
    authority = tmp_path / "ca.crt"
    authority.write_bytes(AUTHORITY.certificate)
    good = [issued()]
    secret = Secret(tmp_path, good[0])
    pair = [f"--cert={secret.directory}/tls.crt", f"--key={secret.directory}/tls.key"]
    with (
        serving(*pair, *arguments, authority=authority) as served,
        load(served, kept=2, new=2) as clients,
    ):
        for spoil in BAD.values():
            new = issued()
            failures = failed_reloads(served)
            spoil(secret, good[-1], new)
            eventually(partial(has_refused, served, failures + 1))
            assert shows(served, good[-1])
            assert has_told(served)
            secret.restore()
            secret.put(new)
            eventually(partial(shows, served, new))
            good.append(new)
        eventually(lambda: answers(clients) >= REQUESTS)
        assert not has_told(served)
        assert "Traceback" not in served.stderr
    assert losses(clients) == []
    assert [client.connections for client in clients[:2]] == [1, 1]
    assert set().union(*(client.shown for client in clients)) <= {of(pair) for pair in good}


def has_told(served: Served) -> bool:
    """Whether metrics and checks tell of a bad certificate; it is ready all the time."""
    assert served.ask("GET", "/readyz")[0] == 200
    checks = served.ask("GET", "/readyz?verbose")[2]
    metrics = served.ask("GET", "/metrics")[2]
    told = b"\npodworthy_config_last_reload_successful 0.0\n" in metrics
    assert told == (b"\n[-]certificate failed: " in checks)
    return told


def answers(clients: list[Client]) -> int:
    return sum(client.answers for client in clients)


@both
def test_connections_end_and_begin_anew(arguments: list[str]) -> None:
    """With the last answer of an old one, so that its client loses nothing."""
    with (
        serving(*arguments, lifetime=0.2) as served,
        load(served, kept=2, new=0) as clients,
    ):
        eventually(lambda: all(client.connections > 3 for client in clients))
        # more than one request each, or they would not be kept at all
        eventually(lambda: all(client.answers > 2 * client.connections for client in clients))
    assert losses(clients) == []


@both
def test_a_server_that_drains(arguments: list[str]) -> None:
    """Kept connections are sent elsewhere, and new ones are still served."""
    with serving("--drain", "60", *arguments) as served:
        with load(served, kept=2, new=1) as clients:
            eventually(lambda: all(client.answers > 50 for client in clients))
            assert [client.connections for client in clients[:2]] == [1, 1]
            served.process.send_signal(signal.SIGTERM)
            eventually(lambda: served.ask("GET", "/readyz")[0] == 503)
            eventually(lambda: all(client.connections > 5 for client in clients))
        assert losses(clients) == []


@both
def test_a_server_answers_to_the_last(arguments: list[str]) -> None:
    """Clients that have not heard of its leaving are turned away at last, but what they have asked
    is answered."""
    with serving("--drain", "0.5", *arguments, grace=PATIENCE) as served:
        with load(served, kept=2, new=2) as clients:
            eventually(lambda: all(client.answers > 50 for client in clients))
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(PATIENCE) == 0
            eventually(lambda: all(client.turned_away for client in clients))
        assert [client.failures for client in clients] == [[]] * 4
        assert "Traceback" not in served.stderr


def test_a_client_that_is_reset_before_its_handshake() -> None:
    """It closes what it opened, which it once did not: a warning, and so an error."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        there, _ = listener.accept()
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        there.close()  # by a RST
        context = careless_client()
        context.sslsocket_class = Socket
        with pytest.raises(ConnectionResetError):
            context.wrap_socket(client)
