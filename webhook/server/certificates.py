"""Certificates and keys: from files to a TLS context, or to a complaint that names the file."""

import os
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from webhook.errors import CannotServe
from webhook.server.tls import server_context

MAX_FILE: Final = 1024 * 1024
"""Bytes of a file: the most that a Secret holds."""

_CERTIFICATE: Final = (b"-----BEGIN CERTIFICATE-----", "a PEM certificate")
_KEY: Final = (b"PRIVATE KEY-----", "a PEM private key")


class Files(msgspec.Struct, frozen=True):
    """Where everything about TLS is."""

    certificate: Path
    """PEM: the server's own certificate first, then that of its issuer, and so on."""
    key: Path
    """PEM: the private key of the first one."""
    client_ca: Path | None = None
    """PEM: whose clients may ask for a verdict; None lets everybody."""


class Texts(msgspec.Struct, frozen=True):
    """What stood in the files at one moment."""

    certificate: bytes
    key: bytes
    client_ca: bytes
    problems: tuple[str, ...]
    """What could not be read, or is not what it should be."""
    timely: bool
    """Whether all certificates of the server were valid at that moment."""


class Loaded(msgspec.Struct, frozen=True):
    """What handshakes need."""

    context: ssl.SSLContext
    chain: tuple[x509.Certificate, ...]
    """The server's own certificate first."""

    @property
    def expires(self) -> datetime:
        """When the first of the certificates ends: then nobody believes the chain."""
        return min(one.not_valid_after_utc for one in self.chain)

    def untimely(self, now: datetime) -> str | None:
        """What is wrong with the time of a certificate, if anything."""
        for number, one in enumerate(self.chain, 1):
            name = f"certificate {number} " if len(self.chain) > 1 else ""
            if now < one.not_valid_before_utc:
                return f"{name}is not valid before {written(one.not_valid_before_utc)}"
            if now > one.not_valid_after_utc:
                return f"{name}expired on {written(one.not_valid_after_utc)}"
        return None


def written(moment: datetime) -> str:
    """A moment in UTC, as people read it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def read(files: Files, now: datetime) -> Texts:
    """What is in the files; that it cannot be used is a part of it."""
    problems: list[str] = []
    certificate = _read(files.certificate, *_CERTIFICATE, problems)
    return Texts(
        certificate,
        _read(files.key, *_KEY, problems),
        _read(files.client_ca, *_CERTIFICATE, problems) if files.client_ca else b"",
        tuple(problems),
        _timely(certificate, now),
    )


def _read(path: Path, marker: bytes, what: str, problems: list[str]) -> bytes:
    if path.is_fifo():
        # as from a shell's `<(...)`: it can be read only once, and may have no writer
        problems.append(f"{path}: is a pipe; it is read again when it changes, so give a file")
        return b""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        problems.append(f"{path}: {error.strerror}; give {what}")
        return b""
    if len(content) > MAX_FILE:
        problems.append(f"{path}: is larger than {MAX_FILE // 1024**2} MiB; give {what}")
    elif not content.strip():
        problems.append(f"{path}: is empty; give {what}")
    elif marker not in content:
        problems.append(f"{path}: is not {what}")
    return content


def _timely(text: bytes, now: datetime) -> bool:
    try:
        chain = x509.load_pem_x509_certificates(text)
    except ValueError:
        return False
    return all(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in chain)


def load(files: Files, texts: Texts) -> Loaded:
    """What these texts put in force, at whatever time. Raises `CannotServe`."""
    if texts.problems:
        raise CannotServe("\n".join(texts.problems))
    chain = _parsed(files.certificate, texts.certificate)
    for number, (one, issuer) in enumerate(pairwise(chain), 2):
        if not _has_issued(issuer, one):
            raise CannotServe(
                f"{files.certificate}: certificate {number} is not the issuer of the one before "
                "it; the server's own comes first, then its issuer's, and so on"
            )
    context = server_context()
    _load_pair(context, files, texts)
    if files.client_ca is not None:
        authorities = _parsed(files.client_ca, texts.client_ca)
        # not required: the kubelet, which asks for health, has no certificate
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(
            cadata=b"".join(one.public_bytes(Encoding.DER) for one in authorities)
        )
    return Loaded(context, chain)


def _parsed(path: Path, text: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(text))
    except ValueError as error:
        raise CannotServe(f"{path}: holds a certificate that is broken or half written") from error


def _has_issued(issuer: x509.Certificate, one: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _load_pair(context: ssl.SSLContext, files: Files, texts: Texts) -> None:
    try:
        with _as_file(texts.certificate) as certificate, _as_file(texts.key) as key:
            # the password keeps OpenSSL from asking for one on the terminal
            context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise CannotServe(_complaint(files, texts, error)) from error


@contextmanager
def _as_file(text: bytes) -> Iterator[str]:
    """A path that has these bytes: Python loads a key from a path only, and the file at the given
    one may be another by now."""
    with _file_without_a_name() as file:
        file.write(text)
        file.seek(0)
        yield f"/dev/fd/{file.fileno()}"


def _file_without_a_name() -> IO[bytes]:
    # in memory: a key does not belong on a disk, and a container's may be read-only
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("pem"), "w+b")
    return tempfile.TemporaryFile()


def _complaint(files: Files, texts: Texts, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{files.key}: is not the key of {files.certificate}"
    if b"ENCRYPTED" in texts.key:
        return f"{files.key}: is encrypted; decrypt it with `openssl pkey`"
    return f"{files.certificate} or {files.key}: {error.reason or error}"
