"""Certificates, keys and clients' authorities that change: one look at a time, no server."""

import logging
import os
import re
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.clock import Clock
from tests.cluster.certificates import Authority, Pair
from tests.handshakes import careless_client, shake
from webhook.errors import CannotServe
from webhook.server import certificates
from webhook.server.certificates import Files, Loaded, written
from webhook.server.credentials import Credentials
from webhook.server.reload import Report

NOW = datetime.now(UTC).replace(microsecond=0)  # OpenSSL asks no other clock
DAY = timedelta(days=1)
AUTHORITY = Authority("a test")
ANYBODY: frozenset[str] = frozenset()


def issued(start: datetime = NOW - DAY, end: datetime = NOW + DAY) -> Pair:
    return AUTHORITY.issue("webhook", dns=["localhost"], start=start, end=end)


FIRST, SECOND = issued(), issued()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path / "tls.crt", tmp_path / "tls.key")
    write(files, FIRST)
    return files


def write(files: Files, pair: Pair) -> None:
    files.certificate.write_bytes(pair.certificate)
    files.key.write_bytes(pair.key)


@pytest.fixture
def credentials(files: Files, clock: Clock, caplog: pytest.LogCaptureFixture) -> Credentials:
    caplog.set_level(logging.INFO, "webhook")
    return Credentials(files, ANYBODY, clock)


def look_twice(credentials: Credentials) -> None:
    credentials.watch.check()
    credentials.watch.check()


def serial(pair: Pair) -> int:
    return x509.load_pem_x509_certificate(pair.certificate).serial_number


def in_force(credentials: Credentials) -> int:
    """The serial number that a client sees."""
    here, _ = shake(careless_client(), credentials.context)
    certificate = here.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def test_the_first_pair(credentials: Credentials) -> None:
    assert in_force(credentials) == serial(FIRST)
    assert credentials.loaded.expires == NOW + DAY
    assert credentials.watch.report == Report(NOW)


def test_a_renewed_pair_is_taken(
    credentials: Credentials, files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    renewed = issued(end=NOW + 2 * DAY)
    write(files, renewed)
    look_twice(credentials)
    assert in_force(credentials) == serial(renewed)
    assert credentials.loaded.expires == NOW + 2 * DAY
    assert credentials.watch.report == Report(NOW, reloads=1)
    number = f"{serial(renewed):x}"
    assert caplog.messages == [
        f"certificate reloaded: serial number {number}, valid until {written(NOW + 2 * DAY)}"
    ]


def test_a_pair_is_taken_when_it_rests(credentials: Credentials, files: Files) -> None:
    """Somebody copies the certificate, then the key."""
    files.certificate.write_bytes(SECOND.certificate)
    credentials.watch.check()
    files.key.write_bytes(SECOND.key)
    look_twice(credentials)
    assert in_force(credentials) == serial(SECOND)
    assert credentials.watch.report == Report(NOW, reloads=1)


def test_what_was_compared_is_what_is_loaded(
    credentials: Credentials, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are swapped once more, between the second look and the loading."""
    load = certificates.load

    def swapped(*arguments: Any) -> Loaded:
        write(files, FIRST)
        return load(*arguments)

    monkeypatch.setattr(certificates, "load", swapped)
    write(files, SECOND)
    look_twice(credentials)
    assert in_force(credentials) == serial(SECOND)


HALF = SECOND.certificate[: len(SECOND.certificate) // 2]
BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
LOCKED = serialization.load_pem_private_key(SECOND.key, None).private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"secret"),
)
CA = AUTHORITY.certificate
ORDER = "the server's own comes first, then its issuer's, and so on"
BAD = {
    "another key": (SECOND.certificate, FIRST.key, "tls.key: is not the key of {}tls.crt"),
    "another certificate": (FIRST.certificate, SECOND.key, "tls.key: is not the key of {}tls.crt"),
    "half a certificate": (HALF, SECOND.key, "tls.crt: holds a certificate that is broken or half"),
    "half a key": (SECOND.certificate, SECOND.key[:60], "tls.crt or {}tls.key: "),
    "an empty certificate": (b"", SECOND.key, "tls.crt: is empty; give a PEM certificate"),
    "an empty key": (SECOND.certificate, b"\n", "tls.key: is empty; give a PEM private key"),
    "no certificate": (SECOND.key, SECOND.key, "tls.crt: is not a PEM certificate"),
    "no key": (SECOND.certificate, SECOND.certificate, "tls.key: is not a PEM private key"),
    "a broken certificate": (BROKEN, SECOND.key, "tls.crt: holds a certificate that is broken"),
    "a broken chain": (
        SECOND.certificate + BROKEN, SECOND.key, "tls.crt: holds a certificate that is broken"),
    "a key with a password": (
        SECOND.certificate, LOCKED, "tls.key: is encrypted; decrypt it with `openssl pkey`"),
    "the issuer first": (
        CA + SECOND.certificate, SECOND.key,
        f"tls.crt: certificate 2 is not the issuer of the one before it; {ORDER}"),
    "a stranger in the chain": (
        SECOND.certificate + CA + FIRST.certificate, SECOND.key,
        "tls.crt: certificate 3 is not the issuer of the one before it"),
    "a namesake of the issuer": (
        SECOND.certificate + Authority("a test").certificate, SECOND.key,
        "tls.crt: certificate 2 is not the issuer of the one before it"),
    "far too much": (
        SECOND.certificate + b"\n" * certificates.MAX_FILE, SECOND.key,
        "tls.crt: is larger than 1 MiB"),
}  # fmt: skip


@pytest.mark.parametrize(("certificate", "key", "problem"), BAD.values(), ids=BAD)
def test_a_bad_pair_keeps_the_last_good_one(
    credentials: Credentials,
    files: Files,
    caplog: pytest.LogCaptureFixture,
    certificate: bytes,
    key: bytes,
    problem: str,
) -> None:
    write(files, Pair(certificate, key))
    for _ in range(5):
        credentials.watch.check()
    assert in_force(credentials) == serial(FIRST)
    told = credentials.watch.report.problem
    assert told is not None
    directory = f"{files.key.parent}/"
    assert told.startswith(directory + problem.format(directory))
    assert credentials.watch.report == Report(NOW, problem=told, failures=1)
    assert caplog.messages == [f"certificate not reloaded: {told}"]

    write(files, SECOND)
    look_twice(credentials)
    assert in_force(credentials) == serial(SECOND)
    assert credentials.watch.report == Report(NOW, reloads=1, failures=1)


@pytest.mark.parametrize(("certificate", "key", "problem"), BAD.values(), ids=BAD)
def test_a_bad_first_pair_is_refused(
    files: Files, clock: Clock, certificate: bytes, key: bytes, problem: str
) -> None:
    write(files, Pair(certificate, key))
    with pytest.raises(CannotServe, match=re.escape(problem.format(f"{files.key.parent}/"))):
        Credentials(files, ANYBODY, clock)


def test_a_chain_is_taken(credentials: Credentials, files: Files) -> None:
    write(files, Pair(SECOND.certificate + CA, SECOND.key))
    look_twice(credentials)
    assert in_force(credentials) == serial(SECOND)
    assert len(credentials.loaded.chain) == 2


def test_a_directory_that_vanishes_and_comes_back(credentials: Credentials, files: Files) -> None:
    directory = files.key.parent
    away = directory.with_name("away")
    directory.rename(away)
    look_twice(credentials)
    assert in_force(credentials) == serial(FIRST)
    assert credentials.watch.report.problem == (
        f"{files.certificate}: No such file or directory; give a PEM certificate"
    )
    away.rename(directory)
    look_twice(credentials)
    assert credentials.watch.report.problem is None


class TestTime:
    """Certificates that are not valid now."""

    def test_an_expired_one_is_refused(self, credentials: Credentials, files: Files) -> None:
        end = NOW - timedelta(seconds=1)
        write(files, issued(end=end))
        look_twice(credentials)
        assert in_force(credentials) == serial(FIRST)
        assert credentials.watch.report.problem == (
            f"{files.certificate}: expired on {written(end)}"
        )

    def test_one_for_later_is_taken_when_its_time_comes(
        self, credentials: Credentials, files: Files, clock: Clock
    ) -> None:
        """The clock of this node is behind that of whoever signs."""
        later = issued(start=NOW + timedelta(seconds=5))
        write(files, later)
        look_twice(credentials)
        assert in_force(credentials) == serial(FIRST)
        assert credentials.watch.report.problem == (
            f"{files.certificate}: is not valid before {written(NOW + timedelta(seconds=5))}"
        )
        clock.now += timedelta(seconds=5)
        look_twice(credentials)
        assert in_force(credentials) == serial(later)
        assert credentials.watch.report.problem is None

    def test_one_that_expires_in_force_is_told_and_stays(
        self,
        credentials: Credentials,
        files: Files,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        clock.now += 2 * DAY
        for _ in range(5):
            credentials.watch.check()
        problem = f"{files.certificate}: expired on {written(NOW + DAY)}"
        assert credentials.watch.report.problem == problem
        assert caplog.messages == [f"certificate not reloaded: {problem}"]
        assert in_force(credentials) == serial(FIRST)

    def test_a_server_starts_with_an_expired_one_and_says_so(
        self, files: Files, clock: Clock
    ) -> None:
        clock.now += 2 * DAY
        credentials = Credentials(files, ANYBODY, clock)
        assert in_force(credentials) == serial(FIRST)
        credentials.watch.begin()
        assert credentials.watch.report.problem == (
            f"{files.certificate}: expired on {written(NOW + DAY)}"
        )

    def test_a_chain_ends_with_the_first_of_its_certificates(
        self, credentials: Credentials, files: Files, clock: Clock
    ) -> None:
        """The authority's ends in a month, and that is before the server's own."""
        long = issued(end=NOW + 100 * DAY)
        write(files, Pair(long.certificate + CA, long.key))
        look_twice(credentials)
        end = x509.load_pem_x509_certificate(CA).not_valid_after_utc
        assert credentials.loaded.expires == end
        clock.now = end + DAY
        look_twice(credentials)
        problem = credentials.watch.report.problem
        assert problem == f"{files.certificate}: certificate 2 expired on {written(end)}"


@pytest.fixture
def with_clients(files: Files) -> Files:
    """Only the clients of the authority may ask."""
    with_clients = Files(files.certificate, files.key, files.key.with_name("ca.crt"))
    assert with_clients.client_ca is not None
    with_clients.client_ca.write_bytes(CA)
    return with_clients


def client_with(pair: Pair, directory: Path) -> ssl.SSLContext:
    context = careless_client()
    (directory / "client.pem").write_bytes(pair.certificate + pair.key)
    context.load_cert_chain(directory / "client.pem")
    return context


class TestClients:
    """Whom the server believes."""

    @pytest.mark.parametrize(
        ("names", "trusted"),
        [((), True), (("kube-apiserver",), True), (("a", "kube-apiserver"), True), (("a",), False)],
    )
    def test_one_of_the_authority(
        self,
        with_clients: Files,
        clock: Clock,
        tmp_path: Path,
        names: tuple[str, ...],
        trusted: bool,
    ) -> None:
        credentials = Credentials(with_clients, frozenset(names), clock)
        client = client_with(AUTHORITY.issue("kube-apiserver", organizations=["a"]), tmp_path)
        _, there = shake(client, credentials.context)
        assert credentials.trusts(there.getpeercert()) == trusted

    def test_one_without_a_certificate_gets_in_and_is_not_trusted(
        self, with_clients: Files, clock: Clock
    ) -> None:
        credentials = Credentials(with_clients, ANYBODY, clock)
        _, there = shake(careless_client(), credentials.context)
        assert not credentials.trusts(there.getpeercert())

    @pytest.mark.parametrize(
        "pair",
        [
            Authority("a test").issue("kube-apiserver"),
            AUTHORITY.issue("kube-apiserver", dns=["kube-apiserver"]),
            AUTHORITY.issue("kube-apiserver", end=datetime.now(UTC) - timedelta(minutes=1)),
        ],
        ids=["of a namesake of the authority", "for servers", "expired"],
    )
    def test_a_wrong_certificate_ends_the_handshake(
        self, with_clients: Files, clock: Clock, tmp_path: Path, pair: Pair
    ) -> None:
        credentials = Credentials(with_clients, ANYBODY, clock)
        with pytest.raises(ssl.SSLError, match="certificate verify failed"):
            shake(client_with(pair, tmp_path), credentials.context)

    def test_without_an_authority_everybody_is_trusted(self, credentials: Credentials) -> None:
        _, there = shake(careless_client(), credentials.context)
        assert credentials.trusts(there.getpeercert())

    def test_authorities_that_change(
        self, with_clients: Files, clock: Clock, tmp_path: Path
    ) -> None:
        """Two at first, as one does who replaces an authority; then the new one alone."""
        credentials = Credentials(with_clients, ANYBODY, clock)
        other = Authority("another")
        old, new = (
            client_with(authority.issue("kube-apiserver"), tmp_path)
            for authority in (AUTHORITY, other)
        )
        assert with_clients.client_ca is not None
        with_clients.client_ca.write_bytes(b"# \xe9\n" + CA + other.certificate)
        look_twice(credentials)
        for client in (old, new):
            _, there = shake(client, credentials.context)
            assert credentials.trusts(there.getpeercert())

        with_clients.client_ca.write_bytes(other.certificate)
        look_twice(credentials)
        shake(new, credentials.context)
        with pytest.raises(ssl.SSLError):
            shake(old, credentials.context)

    @pytest.mark.parametrize("text", [b"", FIRST.key, BROKEN])
    def test_a_bad_authority_keeps_the_last_good_set(
        self, with_clients: Files, clock: Clock, text: bytes
    ) -> None:
        credentials = Credentials(with_clients, ANYBODY, clock)
        assert with_clients.client_ca is not None
        with_clients.client_ca.write_bytes(text)
        write(with_clients, SECOND)
        look_twice(credentials)
        assert in_force(credentials) == serial(FIRST)
        problem = credentials.watch.report.problem
        assert problem is not None
        assert problem.startswith(f"{with_clients.client_ca}: ")
        with pytest.raises(CannotServe):
            Credentials(with_clients, ANYBODY, clock)


def test_pipes_are_not_read(credentials: Credentials, files: Files, clock: Clock) -> None:
    """They would be empty the second time, or never end."""
    files.key.unlink()
    os.mkfifo(files.key)
    problem = f"{files.key}: is a pipe; it is read again when it changes, so give a file"
    look_twice(credentials)
    assert credentials.watch.report.problem == problem
    with pytest.raises(CannotServe, match=re.escape(problem)):
        Credentials(files, ANYBODY, clock)
