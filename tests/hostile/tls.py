"""What clients may do to TLS, and Python's do not offer: renegotiation and updates of keys."""

import _ssl
import ctypes
import ssl

_REQUEST_UPDATE = 1
"""`SSL_KEY_UPDATE_REQUESTED` of openssl/ssl.h: the peer is to update its key as well."""

# the library that Python's module is linked with, whatever its name is here
_openssl = ctypes.CDLL(_ssl.__file__)


def _handle(connection: ssl.SSLSocket) -> ctypes.c_void_p:
    """OpenSSL's own object: in CPython's `PySSLSocket` it follows the head and one pointer."""
    inner = connection._sslobj  # type: ignore[attr-defined] # the one way to it
    offset = object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)
    return ctypes.c_void_p.from_address(id(inner) + offset)


def update_keys(connection: ssl.SSLSocket) -> None:
    """Announce a new key, and demand one; sent with what is written next. TLS 1.3."""
    if _openssl.SSL_key_update(_handle(connection), _REQUEST_UPDATE) != 1:
        raise ssl.SSLError("no update of keys")


def renegotiate(connection: ssl.SSLSocket) -> None:
    """Begin another handshake; sent with what is written next. TLS 1.2."""
    if _openssl.SSL_renegotiate(_handle(connection)) != 1:
        raise ssl.SSLError("no renegotiation")
