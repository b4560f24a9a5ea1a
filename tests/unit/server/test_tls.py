"""Certificates: one for development, and what is said of those that cannot be used."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from webhook.errors import CannotServe
from webhook.server.tls import DEVELOPMENT_DAYS, development_certificate, server_context


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
        session = handshake(client, server_context(*pair), name)
        assert session.selected_alpn_protocol() == "http/1.1"


def test_old_tls_is_refused(pair: tuple[Path, Path]) -> None:
    assert server_context(*pair).minimum_version == ssl.TLSVersion.TLSv1_2


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Both ends in memory; the client's is returned."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for end in (here, there, here, there):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return here


def test_files_that_cannot_be_used(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    other, other_key = development_certificate(tmp_path)
    locked = tmp_path / "locked.key"
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    broken = tmp_path / "broken.crt"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for files, problem in [
        ((tmp_path / "none", key), r"none: No such file or directory; give a PEM certificate"),
        ((certificate, tmp_path), r": Is a directory; give a PEM private key"),
        ((key, key), r"tls.key: is not a PEM certificate"),
        ((certificate, other), r"tls.crt: is not a PEM private key"),
        ((certificate, other_key), r"tls.key: is not the key of .*tls.crt"),
        ((certificate, locked), r"locked.key: is encrypted; decrypt it with `openssl pkey`"),
        ((broken, key), r"broken.crt or .*tls.key: "),
    ]:
        with pytest.raises(CannotServe, match=problem):
            server_context(*files)
