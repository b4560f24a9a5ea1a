"""TLS: the certificate for development, and the context that is always the latest."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from tests.handshakes import begin, finish, shake
from webhook.server.tls import (
    DEVELOPMENT_DAYS,
    LatestContext,
    development_certificate,
    server_context,
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return development_certificate(tmp_path_factory.mktemp("tls"), ["hook.example", "10.0.0.7"])


def test_the_development_certificate(pair: tuple[Path, Path]) -> None:
    certificate = x509.load_pem_x509_certificate(pair[0].read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "hook.example"]
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert addresses == ["127.0.0.1", "::1", "10.0.0.7"]
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life.days == DEVELOPMENT_DAYS
    assert pair[1].stat().st_mode & 0o777 == 0o600


def test_a_strict_client_trusts_it(pair: tuple[Path, Path]) -> None:
    client = ssl.create_default_context(cafile=pair[0])
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    client.set_alpn_protocols(["h2", "http/1.1"])
    for name in ("localhost", "127.0.0.1", "hook.example"):
        session, _ = shake(client, server(pair), name)
        assert session.selected_alpn_protocol() == "http/1.1"


def server(pair: tuple[Path, Path]) -> ssl.SSLContext:
    context = server_context()
    context.load_cert_chain(*pair)
    return context


def test_old_tls_is_refused() -> None:
    assert server_context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_handshake_is_of_the_context_that_was_the_latest_at_its_beginning(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    other = development_certificate(tmp_path)
    client = ssl.create_default_context(cafile=pair[0])
    client.load_verify_locations(other[0])
    latest = LatestContext(server(pair))
    begun = begin(client, latest, "localhost")
    latest.latest = server(other)
    assert shown(shake(client, latest, "localhost")) == first_in(other[0])
    finish(*begun)
    assert shown(begun) == first_in(pair[0])


def shown(ends: tuple[ssl.SSLObject, ssl.SSLObject]) -> bytes | None:
    return ends[0].getpeercert(binary_form=True)


def first_in(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())
