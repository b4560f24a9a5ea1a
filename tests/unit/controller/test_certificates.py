"""What the controller signs is what API servers accept, and nothing else."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.builders import NOON
from webhook.controller.certificates import (
    Pair,
    Service,
    belongs,
    can_sign_for,
    has_issued,
    is_due,
    key_pem,
    names_of,
    new_authority,
    new_leaf,
    pem,
    read_certificates,
    read_keys,
    signed_at,
)
from webhook.errors import CannotServe
from webhook.server.certificates import Files, load, read

SERVICE = Service("podworthy-system", "podworthy")


def shake_hands(directory: Path, leaf: Pair, authority: Pair, name: str) -> None:
    """A client that asks for a name and believes the authority. Raises `ssl.SSLError`."""
    (directory / "tls.crt").write_bytes(pem([leaf.certificate]))
    (directory / "tls.key").write_bytes(key_pem([leaf.key]))
    files = Files(directory / "tls.crt", directory / "tls.key")
    server_context = load(files, read(files, datetime.now(UTC))).context
    client_context = ssl.create_default_context(cadata=pem([authority.certificate]).decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version()


@pytest.mark.parametrize("name", SERVICE.names)
def test_a_client_accepts_every_name_of_the_service(tmp_path: Path, name: str) -> None:
    now = datetime.now(UTC)
    authority = new_authority(SERVICE, now)
    leaf = new_leaf(authority, SERVICE, now)
    if "." in name:
        shake_hands(tmp_path, leaf, authority, name)
    assert name in names_of(leaf.certificate)


@pytest.mark.parametrize(
    "other", [Service("podworthy-system", "another"), Service("kube-system", "podworthy")]
)
def test_an_authority_is_believed_for_no_other_service(tmp_path: Path, other: Service) -> None:
    now = datetime.now(UTC)
    authority = new_authority(SERVICE, now)
    leaf = new_leaf(authority, other, now)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(tmp_path, leaf, authority, other.host)


def test_lifetimes() -> None:
    authority = new_authority(SERVICE, NOON)
    leaf = new_leaf(authority, SERVICE, NOON)
    assert authority.certificate.not_valid_after_utc == NOON + timedelta(days=1825)
    assert leaf.certificate.not_valid_after_utc == NOON + timedelta(days=90)
    assert signed_at(leaf.certificate) == NOON
    assert leaf.certificate.not_valid_before_utc < NOON
    assert not is_due(leaf.certificate, NOON + timedelta(days=60, seconds=-1))
    assert is_due(leaf.certificate, NOON + timedelta(days=60))
    late = new_leaf(authority, SERVICE, NOON + timedelta(days=1800))
    assert late.certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_what_an_authority_may_do_is_critical() -> None:
    certificate = new_authority(SERVICE, NOON).certificate
    for kind in (x509.BasicConstraints, x509.KeyUsage, x509.NameConstraints):
        assert certificate.extensions.get_extension_for_class(kind).critical
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints.path_length == 0


def test_which_authority_can_sign_for_a_service() -> None:
    authority = new_authority(SERVICE, NOON)
    leaf = new_leaf(authority, SERVICE, NOON)
    assert can_sign_for(authority.certificate, SERVICE)
    assert not can_sign_for(authority.certificate, Service("podworthy-system", "another"))
    assert not can_sign_for(leaf.certificate, SERVICE)
    assert has_issued(authority.certificate, leaf.certificate)
    assert not has_issued(new_authority(SERVICE, NOON).certificate, leaf.certificate)
    assert belongs(leaf.key, leaf.certificate)
    assert not belongs(authority.key, leaf.certificate)


def test_a_name_that_is_too_long_for_a_subject_is_none() -> None:
    long = Service("n" * 63, "s" * 63)
    authority = new_authority(long, NOON)
    assert long.host in names_of(new_leaf(authority, long, NOON).certificate)


def test_reading_takes_what_can_be_read_and_tells_if_that_is_all() -> None:
    one, two = (new_authority(SERVICE, NOON) for _ in range(2))
    both = pem([one.certificate, two.certificate])
    assert read_certificates(both) == ((one.certificate, two.certificate), True)
    assert read_certificates(both + both) == ((one.certificate, two.certificate), True)
    assert read_certificates(b"") == ((), True)
    assert read_certificates(b"junk") == ((), False)
    assert read_certificates(both[:-40]) == ((one.certificate,), False)
    assert read_certificates(key_pem([one.key])) == ((), False)
    assert read_certificates(both.replace(b"\n", b"\r\n"))[1]
    keys, whole = read_keys(key_pem([one.key, two.key]))
    assert whole
    assert [belongs(key, pair.certificate) for key, pair in zip(keys, (one, two), strict=True)] == [
        True,
        True,
    ]
    assert read_keys(both) == ((), False)
    assert read_keys(b"\xff") == ((), False)


def test_what_begins_and_never_ends_is_read_in_no_time() -> None:
    """As much as a Secret can hold; looked at from each beginning to the end, it took minutes."""
    begun = b"-----BEGIN CERTIFICATE-----\nAAAA\n"
    pair = new_authority(SERVICE, NOON)
    text = begun * (2**20 // len(begun)) + pem([pair.certificate])
    assert read_certificates(text) == ((pair.certificate,), False)
    assert read_keys(begun * 1000 + key_pem([pair.key]))[1] is False


def test_the_server_takes_them(tmp_path: Path) -> None:
    """And not the empty ones of a Secret that has no leaf yet."""
    files = Files(tmp_path / "tls.crt", tmp_path / "tls.key")
    for path in (files.certificate, files.key):
        path.write_bytes(b"")
    with pytest.raises(CannotServe, match="is empty"):
        load(files, read(files, NOON))
