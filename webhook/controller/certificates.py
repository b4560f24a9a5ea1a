"""Certificates of the webhook: made, read leniently, and judged.

A certificate's own time is the only record of when it was signed, so everything that is decided
by age can be decided again from the certificate, after any restart.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE: Final = timedelta(days=5 * 365)
LEAF_LIFE: Final = timedelta(days=90)
BACKDATED: Final = timedelta(hours=1)
"""How long before its signing a certificate begins: clocks differ."""

# five dashes end a block: what begins again and again and never ends is looked at only once
_BLOCK: Final = re.compile(
    rb"-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n(?:[^-]|-(?!----))*+"
    rb"-----END \1-----[ \t]*(?:\r?\n|\Z)"
)

Key = ec.EllipticCurvePrivateKey


class Service(msgspec.Struct, frozen=True):
    """The Service by which API servers reach the webhook."""

    namespace: str
    name: str
    cluster_domain: str = "cluster.local"

    @property
    def host(self) -> str:
        """The name that API servers ask for (k8s.io/apiserver util/webhook client.go)."""
        return f"{self.name}.{self.namespace}.svc"

    @property
    def names(self) -> tuple[str, ...]:
        """Every DNS name that it has within the cluster."""
        short = f"{self.name}.{self.namespace}"
        return self.name, short, self.host, f"{self.host}.{self.cluster_domain}"


class Pair(msgspec.Struct, frozen=True):
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Key


def new_authority(service: Service, now: datetime) -> Pair:
    """An authority that can sign for this Service's names and for nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = _name(f"podworthy webhook CA {serial:040x}"[:60])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = _builder(name, name, key, serial, now, now + AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    builder = builder.add_extension(_usage(authority=True), True)
    builder = builder.add_extension(_constraints(service), True)
    builder = builder.add_extension(identifier, False)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def new_leaf(authority: Pair, service: Service, now: datetime) -> Pair:
    """What the servers show; it ends with its authority at the latest."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate
    ends = min(now + LEAF_LIFE, issuer.not_valid_after_utc)
    serial = x509.random_serial_number()
    builder = _builder(_name("podworthy webhook"), issuer.subject, key, serial, now, ends)
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in service.names])
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key())
    builder = builder.add_extension(names, False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(authority=False), True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False
    )
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """One after the other."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def key_pem(keys: Iterable[Key]) -> bytes:
    """One after the other, unencrypted."""
    return b"".join(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        for key in keys
    )


@lru_cache(maxsize=64)  # every caBundle holds the same, and so does the next turn's
def read_certificates(text: bytes) -> tuple[tuple[x509.Certificate, ...], bool]:
    """Those that can be read, each once; and whether that was all there is."""
    found: dict[x509.Certificate, None] = {}
    whole = not _BLOCK.sub(b"", text).strip()
    for block in _BLOCK.finditer(text):
        try:
            one = x509.load_pem_x509_certificate(block[0])
            # what is lazily decoded may be broken, too
            _ = one.not_valid_before_utc, one.not_valid_after_utc, one.subject, one.issuer
            _ = one.extensions, one.public_key()
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension):
            whole = False
        else:
            found[one] = None
    return tuple(found), whole


def read_keys(text: bytes) -> tuple[tuple[Key, ...], bool]:
    """Those that can be read; and whether that was all there is."""
    found: list[Key] = []
    whole = not _BLOCK.sub(b"", text).strip()
    for block in _BLOCK.finditer(text):
        try:
            key = serialization.load_pem_private_key(block[0], None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            whole = False
            continue
        if isinstance(key, ec.EllipticCurvePrivateKey):
            found.append(key)
        else:
            whole = False
    return tuple(found), whole


def belongs(key: Key, certificate: x509.Certificate) -> bool:
    """Whether it is the certificate's private key."""
    return key.public_key() == certificate.public_key()


@lru_cache(maxsize=256)
def has_issued(authority: x509.Certificate, one: x509.Certificate) -> bool:
    """Whether the authority's key has signed the certificate."""
    try:
        one.verify_directly_issued_by(authority)
    except (InvalidSignature, TypeError, UnsupportedAlgorithm, ValueError):
        return False
    return True


def is_valid(one: x509.Certificate, now: datetime) -> bool:
    """Whether this moment is within its time."""
    return one.not_valid_before_utc <= now <= one.not_valid_after_utc


def signed_at(one: x509.Certificate) -> datetime:
    """When one of ours was signed."""
    return one.not_valid_before_utc + BACKDATED


def is_due(one: x509.Certificate, now: datetime) -> bool:
    """Whether two thirds of its life are over."""
    begin, end = signed_at(one), one.not_valid_after_utc
    return now >= begin + (end - begin) * 2 / 3


@lru_cache(maxsize=256)
def can_sign_for(authority: x509.Certificate, service: Service) -> bool:
    """Whether it is an authority with exactly the constraints of this Service."""
    try:
        basic = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return False
    return basic.ca and limits == _constraints(service) and has_issued(authority, authority)


def names_of(one: x509.Certificate) -> frozenset[str]:
    """The DNS names that it is for."""
    try:
        found = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(found.get_values_for_type(x509.DNSName))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: Key,
    serial: int,
    now: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - BACKDATED)
        .not_valid_after(ends)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _constraints(service: Service) -> x509.NameConstraints:
    """Its names, and no address: a kind of name that is not mentioned would be free."""
    every_address = [ip_network("0.0.0.0/0"), ip_network("::/0")]
    return x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(name) for name in service.names],
        excluded_subtrees=[x509.IPAddress(network) for network in every_address],
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
