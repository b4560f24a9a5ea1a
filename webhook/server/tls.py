"""TLS: the server's contexts, and a certificate of its own for development."""

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

DEVELOPMENT_DAYS: Final = 90


class LatestContext(ssl.SSLContext):
    """Stands for the context in force: a server holds on to this one, each handshake is the
    latest one's from its beginning to its end.

    To change a context that handshakes use is a race within OpenSSL, which crashes. (ADR 15)
    """

    latest: ssl.SSLContext
    """May be replaced at any time, by any thread."""

    def __new__(cls, latest: ssl.SSLContext) -> "LatestContext":
        """A context that is never used itself."""
        context = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        context.latest = latest
        return context

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **kwargs: Any
    ) -> ssl.SSLObject:
        """What an event loop begins a handshake with."""
        session = self.latest.wrap_bio(incoming, outgoing, *args, **kwargs)
        if isinstance(session, _Session):
            session.outgoing = outgoing
        return session

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """What a thread begins one with."""
        return self.latest.wrap_socket(*args, **kwargs)


PLAIN_HTTP: Final = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 59\r\n"
    b"Connection: close\r\n\r\nthis port speaks HTTPS: ask again with https:// in the URL\n"
)
"""The answer to a request without TLS, as readable as the request."""


class _Session(ssl.SSLObject):
    """One whose handshake answers plain HTTP, in place of an empty end."""

    outgoing: ssl.MemoryBIO | None = None

    def do_handshake(self) -> None:
        """Go on with the handshake, see `ssl.SSLObject`."""
        try:
            super().do_handshake()
        except ssl.SSLError as error:
            if self.outgoing is None or not is_plain_http(error):
                raise
            self.outgoing.write(PLAIN_HTTP)
            self.outgoing = None
            # what is said before an end is lost: the client ends it, or the next try, or the time
            raise ssl.SSLWantReadError from error


def is_plain_http(error: ssl.SSLError) -> bool:
    """Whether a handshake failed because the client speaks HTTP (OpenSSL ssl/record)."""
    return error.reason == "HTTP_REQUEST"


def server_context() -> ssl.SSLContext:
    """TLS 1.2 or newer, without renegotiation, HTTP/1.1 by ALPN, no certificate yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _Session
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # what a client may demand again and again costs the server most
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def development_certificate(directory: Path, hosts: Iterable[str] = ()) -> tuple[Path, Path]:
    """Make a self-signed certificate in a directory: `tls.crt` and `tls.key`.

    It is valid for localhost, its addresses and `hosts`, names or addresses, and is its own CA:
    `curl --cacert tls.crt` accepts it.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(private, dict.fromkeys(["localhost", "127.0.0.1", "::1", *hosts]))
    paths = directory / "tls.crt", directory / "tls.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].unlink(missing_ok=True)
    paths[1].touch(mode=0o600)
    paths[1].write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def _self_signed(key: "EllipticCurvePrivateKey", hosts: Iterable[str]) -> "x509.Certificate":
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "podworthy development")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clients' clocks differ
        .not_valid_after(now + timedelta(days=DEVELOPMENT_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(h) for h in hosts]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(_key_usage(), True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(identifier, False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False
        )
        .sign(key, hashes.SHA256())
    )


def _general_name(host: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage() -> "x509.KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
