"""The certificate that answers at the Service: seen by connecting, as the API server does."""

import binascii
import socket
import ssl
from base64 import b64decode
from collections.abc import Iterable
from typing import Final

from cryptography import x509

from webhook.controller.certificates import pem, read_certificates
from webhook.controller.state import read_secret
from webhook.doctor.asking import Maybe, Object, Unread
from webhook.doctor.state import Served

PATIENCE: Final = 3.0
"""Seconds for a connection and its handshake: from outside the cluster there is none."""


def look(address: tuple[str, int], host: str, bundles: Iterable[str]) -> Maybe[Served]:
    """Connects once to see the certificate, and once for each caBundle to see it believed."""
    name = f"{address[0]}:{address[1]}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        shown = _shown(address, host, context)
        refused = {bundle: why for bundle in bundles if (why := _refusal(address, host, bundle))}
    except OSError as error:
        return Unread(f"{name} cannot be reached from here: {error}")
    return Served(f"{name} shows", (x509.load_der_x509_certificate(shown),), refused)


def stored(secret: Maybe[Object | None], name: str, instead: Unread) -> Maybe[Served]:
    """What the Secret holds, which is what the servers mount; `instead` of a connection."""
    if isinstance(secret, Unread):
        return Unread(f"{instead.why}; and {secret.why}")
    if secret is None:
        return Unread(f"{instead.why}; and there is no Secret {name}")
    chain = read_secret(secret).chain
    if not chain:
        return Unread(f"{instead.why}; and tls.crt of Secret {name} holds no certificate")
    return Served(f"Secret {name} ({instead.why}) holds", chain)


def certificates(bundle: str) -> tuple[x509.Certificate, ...]:
    """Those of a caBundle in base64, as far as they can be read."""
    return read_certificates(decoded(bundle))[0]


def decoded(bundle: str) -> bytes:
    """Its PEM; nothing if it is no base64."""
    try:
        return b64decode(bundle, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _shown(address: tuple[str, int], host: str, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection(address, PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b""


def _refusal(address: tuple[str, int], host: str, bundle: str) -> str | None:
    """Why a client that believes only this bundle hangs up, if it does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Go believes any certificate of a pool, not only self-signed ones
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    known = certificates(bundle)
    if not known:
        return "it holds no certificate that can be read"
    context.load_verify_locations(cadata=pem(known).decode())
    try:
        _shown(address, host, context)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return None
