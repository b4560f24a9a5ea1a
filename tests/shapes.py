"""Requests that are wrong, odd or ambiguous, and what both servers make of them."""

from typing import Final

from tests.load import BODY
from webhook.server import surface
from webhook.server.surface import Response

_N: Final = len(BODY)


def post(fields: bytes, body: bytes = BODY, version: bytes = b"HTTP/1.1") -> bytes:
    """A POST with these lines of fields behind its Host."""
    return b"POST /validate %b\r\nHost: x\r\n%b\r\n\r\n%b" % (version, fields, body)


LENGTH: Final = b"Content-Length: %d" % _N
CHUNKED: Final = b"Transfer-Encoding: chunked"


def chunk(size: bytes = b"%x" % _N, end: bytes = b"\r\n0\r\n\r\n") -> bytes:
    """The review as one chunk."""
    return size + b"\r\n" + BODY + end


_UNCLEAR: Final[dict[str, bytes]] = {
    "length and chunks": post(LENGTH + b"\r\n" + CHUNKED, chunk()),
    "chunks and length": post(CHUNKED + b"\r\n" + LENGTH, chunk()),
    "two lengths": post(LENGTH + b"\r\nContent-Length: 1"),
    "the same length twice": post(LENGTH + b"\r\n" + LENGTH),
    "list of lengths": post(LENGTH + b", %d" % _N),
    "negative length": post(b"Content-Length: -1"),
    "length with a plus": post(b"Content-Length: +%d" % _N),
    "hexadecimal length": post(b"Content-Length: 0x%x" % _N),
    "length with a blank inside": post(b"Content-Length: 1 1"),
    "length with a point": post(b"Content-Length: %d.0" % _N),
    "no number as a length": post(b"Content-Length: many"),
    "empty length": post(b"Content-Length:"),
    "length beyond 64 bits": post(b"Content-Length: 18446744073709551616"),
    "length in other digits": post("Content-Length: ٣".encode()),
    "length with a blank before the colon": post(b"Content-Length : %d" % _N),
    "coding with a blank before the colon": post(b"Transfer-Encoding : chunked", chunk()),
    "folded length": post(b"Content-Length:\r\n %d" % _N),
    "folded coding": post(b"Transfer-Encoding:\r\n chunked", chunk()),
    "folded field": post(b"A: b\r\n c\r\n" + LENGTH),
    "field that begins with a blank": post(b" A: b\r\n" + LENGTH),
    "bare LF at the end of a field": post(b"A: b\n" + LENGTH),
    "bare LF everywhere": post(LENGTH).replace(b"\r\n", b"\n"),
    "bare CR in a field": post(b"A: b\rContent-Length: 0\r\n" + LENGTH),
    "bare CR at the end of a field": post(b"A: b\r" + LENGTH),
    "NUL in a field": post(b"A: b\x00c\r\n" + LENGTH),
    "NUL in a name": post(b"A\x00: b\r\n" + LENGTH),
    "NUL in the target": b"GET /livez\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no colon": post(b"A\r\n" + LENGTH),
    "no name": post(b": b\r\n" + LENGTH),
    "parenthesis in a name": post(b"A(: b\r\n" + LENGTH),
    "xchunked": post(b"Transfer-Encoding: xchunked", chunk()),
    "xchunked, chunked": post(b"Transfer-Encoding: xchunked, chunked", chunk()),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked", chunk()),
    "chunked in two fields": post(CHUNKED + b"\r\n" + CHUNKED, chunk()),
    "chunked and identity": post(CHUNKED + b"\r\nTransfer-Encoding: identity", chunk()),
    "identity": post(b"Transfer-Encoding: identity\r\n" + LENGTH),
    "gzip as a coding": post(b"Transfer-Encoding: gzip, chunked", chunk()),
    "chunked with a parameter": post(b"Transfer-Encoding: chunked;a=b", chunk()),
    "chunked in quotes": post(b'Transfer-Encoding: "chunked"', chunk()),
    "vertical tab and chunked": post(b"Transfer-Encoding: \x0bchunked", chunk()),
    "chunks in HTTP/1.0": post(CHUNKED, chunk(), b"HTTP/1.0"),
    "negative chunk": post(CHUNKED, chunk(b"-%x" % _N)),
    "chunk with a plus": post(CHUNKED, chunk(b"+%x" % _N)),
    "chunk with 0x": post(CHUNKED, chunk(b"0x%x" % _N)),
    "chunk without a size": post(CHUNKED, chunk(b"")),
    "chunk of no number": post(CHUNKED, chunk(b"xyz")),
    "chunk that is longer than its size": post(CHUNKED, chunk(b"%x" % (_N - 1))),
    "chunk that ends in a bare LF": post(CHUNKED, b"1\n{\r\n0\r\n\r\n"),
    "length as a trailer": post(CHUNKED, chunk(end=b"\r\n0\r\nContent-Length: 9\r\n\r\n")),
    "two hosts": post(b"Host: y\r\n" + LENGTH),
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/0.9, said": b"GET /livez HTTP/0.9\r\nHost: x\r\n\r\n",
    "HTTP/2.0": b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/1.2": b"GET /livez HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/11": b"GET /livez HTTP/11\r\nHost: x\r\n\r\n",
    "lower case http": b"GET /livez http/1.1\r\nHost: x\r\n\r\n",
    "tab in the line": b"GET\t/livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "blank in the target": b"GET /livez x HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS within TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60) + b"\r\n\r\n",
    "a line of garbage": bytes(range(256)) + b"\r\n\r\n",
}  # fmt: skip
"""Where the next request begins is unclear, or this is no HTTP/1.1."""

_TOO_MUCH: Final[dict[str, tuple[bytes, Response]]] = {
    "tunnel": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", surface.NO_UPGRADE),
    "upgrade to HTTP/2": (
        post(b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + LENGTH), surface.NO_UPGRADE,
    ),
    "upgrade without a body": (
        b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        surface.NO_UPGRADE,
    ),
    "other expectation": (post(b"Expect: a-miracle\r\n" + LENGTH), surface.EXPECTATION_FAILED),
    "too long a line": (
        b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * surface.MAX_LINE),
        surface.HEAD_TOO_LARGE,
    ),
    "too many fields": (
        post(b"A: b\r\n" * surface.MAX_FIELDS + LENGTH), surface.HEAD_TOO_LARGE,
    ),
    "too long a head": (
        post(b"A: " + b"a" * surface.MAX_HEAD + b"\r\n" + LENGTH), surface.HEAD_TOO_LARGE,
    ),
    "17 MiB by its length": (
        post(b"Content-Length: %d" % (17 << 20), b""), surface.BODY_TOO_LARGE,
    ),
    "17 MiB expected": (
        post(b"Expect: 100-continue\r\nContent-Length: %d" % (17 << 20), b""),
        surface.BODY_TOO_LARGE,
    ),
}  # fmt: skip

REFUSED: Final[dict[str, tuple[bytes, Response]]] = _TOO_MUCH | {
    name: (request, surface.BAD_REQUEST) for name, request in _UNCLEAR.items()
}
"""Requests that end their connection, with the refusal of each."""

OURS: Final[dict[str, tuple[bytes, Response]]] = {
    "chunk beyond 64 bits": (post(CHUNKED, chunk(b"1" + b"0" * 16)), surface.BAD_REQUEST),
}
"""What our server refuses the same way, while gunicorn's threads go on reading."""

ODD: Final[dict[str, tuple[bytes, int]]] = {
    "wrong host": (post(LENGTH).replace(b"Host: x", b"Host: evil.example:1"), 200),
    "empty host": (post(LENGTH).replace(b"Host: x", b"Host:"), 200),
    "gzip as the content's coding": (post(b"Content-Encoding: gzip\r\n" + LENGTH), 200),
    "gzip that is gzip": (post(b"Content-Encoding: gzip\r\nContent-Length: 2", b"\x1f\x8b"), 400),
    "chunk extension": (post(CHUNKED, chunk(b'%x;a="b"' % _N)), 200),
    "chunk size with zeros": (post(CHUNKED, chunk(b"000%x" % _N)), 200),
    "trailers": (post(CHUNKED, chunk(end=b"\r\n0\r\nX: y\r\n\r\n")), 200),
    "length with zeros": (post(b"Content-Length: 000%d" % _N), 200),
    "capital CHUNKED": (post(b"TRANSFER-ENCODING: CHUNKED", chunk()), 200),
    "tab before a value": (post(b"Content-Length:\t%d" % _N), 200),
    "HTTP/1.0": (post(LENGTH, version=b"HTTP/1.0"), 200),
    "HTTP/1.0, kept": (post(LENGTH + b"\r\nConnection: keep-alive", version=b"HTTP/1.0"), 200),
    "no body at all": (b"POST /validate HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "blank line before": (b"\r\n" + post(LENGTH), 200),
    "text beyond ASCII in a field": (post(b"A: \xff\xfe\r\n" + LENGTH), 200),
}  # fmt: skip
"""Unusual and clear: the status of each."""

EVERY: Final = [request for request, _ in (*REFUSED.values(), *OURS.values(), *ODD.values())]
