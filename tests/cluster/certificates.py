"""Certificates for tests: an authority of one's own, made in milliseconds, never reused."""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = datetime.timedelta(days=30)  # a sandbox may stay open for a while
_SKEW = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True)
class WebhookCertificate:
    """What a webhook serves, and the authority that an API server must trust for it; PEM."""

    ca_pem: bytes
    certificate_pem: bytes
    key_pem: bytes


class Authority:
    """A self-signed certificate authority (ECDSA P-256)."""

    def __init__(self, name: str) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(public)
        builder = _builder(self._name, self._name, public)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        builder = builder.add_extension(_usage(sign_certificates=True), True)
        builder = builder.add_extension(self._identifier, False)
        self.certificate = _pem(builder.sign(self._key, hashes.SHA256()))

    def issue(
        self,
        name: str,
        *,
        organizations: Sequence[str] = (),
        dns: Sequence[str] = (),
        ips: Sequence[str] = (),
        start: datetime.datetime | None = None,
        end: datetime.datetime | None = None,
    ) -> Pair:
        """A server's certificate if it names `dns` or `ips`, else a client's.

        It is valid from `start`, an hour ago, to `end`, in a month.

        For a client, Kubernetes reads `name` as the user and `organizations` as the groups.
        """
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, it) for it in organizations]
        subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(subject, self._name, key.public_key(), start, end)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        builder = builder.add_extension(_usage(sign_certificates=False), True)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
            self._identifier
        )
        builder = builder.add_extension(identifier, False)
        names: list[x509.GeneralName] = [x509.DNSName(it) for it in dns]
        names += [x509.IPAddress(ipaddress.ip_address(it)) for it in ips]
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH
        if names:
            purpose = ExtendedKeyUsageOID.SERVER_AUTH
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
        return Pair(_pem(builder.sign(self._key, hashes.SHA256())), private_key_pem(key))


def webhook_certificate(dns_name: str, ip: str | None = None) -> WebhookCertificate:
    """A fresh authority and a server certificate for this name (and address)."""
    authority = Authority("podworthy test webhook CA")
    pair = authority.issue(dns_name, dns=[dns_name], ips=[ip] if ip else [])
    return WebhookCertificate(authority.certificate, pair.certificate, pair.key)


def private_key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Unencrypted, as SEC 1: the API server reads no other form of a service account key."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    start: datetime.datetime | None = None,
    end: datetime.datetime | None = None,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start or now - _SKEW)
        .not_valid_after(end or now + _LIFE)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
