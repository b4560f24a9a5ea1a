"""TCP cuts streams anywhere, and clients leave at any byte: neither may change what is answered."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shapes import REFUSED
from tests.wire import Wire, chunked, get, pieces, post
from webhook.server import http1, protocol, surface

CHUNKS = chunked(b"one", b"two" * 9)

KEPT = {
    "length": post(b"one"),
    "no body": post(b"", b"/validate/strict?timeout=3s"),
    "chunks": CHUNKS,
    "chunks with extensions and trailers": chunked(b"one", trailer=b"A: b\r\nC: d\r\n").replace(
        b"\r\n3\r\n", b'\r\n3;a="b;c"\r\n'
    ),
    "no chunk": chunked(),
    "expected": post(b"one", fields=b"Expect: 100-Continue\r\n"),
    "expected chunks": CHUNKS.replace(b"Host", b"Expect: 100-continue\r\nHost"),
    "absolute target": post(b"one", b"https://x/mutate?a=/b"),
    "blank lines before": b"\r\n\r\n" + get(),
    "wrong method": get(b"/validate"),
    "unknown path": post(b"one", b"/nowhere"),
    "largest head": get(fields=b"Host: x\r\nA: %b\r\n" % (b"a" * (surface.MAX_HEAD - 41))),
}
"""Requests that leave the connection open, each with one answer."""

LAST = {
    "close": post(b"one", fields=b"Connection: close\r\n"),
    "close, chunks": CHUNKS.replace(b"Host", b"Connection: close\r\nHost"),
    "1.0": post(b"one").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "1.0, kept": post(b"one", fields=b"Connection: keep-alive\r\n").replace(b"/1.1", b"/1.0"),
    "1.0, expected": post(b"one", fields=b"Expect: 100-continue\r\n").replace(b"/1.1", b"/1.0"),
}
"""Requests that are answered, and end the connection."""

ENDS = LAST | {name: request for name, (request, _) in REFUSED.items()}


def outcome(wire: Wire) -> tuple[object, ...]:
    """All that a client, admission and the decision log can tell of a connection, but the time."""
    assert wire.service.body_bytes == 0
    output = re.sub(rb"\r\nDate: [^\r]+", b"", wire.output)
    return output, wire.closed, wire.aborted, wire.admission.asked, wire.records


def places(request: bytes) -> range:
    """Where to cut: everywhere, but in a head of many kilobytes at a few hundred places."""
    return range(1, len(request), max(1, len(request) // 300))


class TestEverySplit:
    @pytest.mark.parametrize("name", KEPT)
    def test_of_a_request_and_the_next_one(self, name: str) -> None:
        stream = KEPT[name] + get()
        whole = Wire().send(stream)
        assert [status for status in whole.statuses if status != 100][1:] == [200]
        assert not whole.closed
        for place in places(stream):
            cut = Wire().send(stream[:place], stream[place:])
            assert outcome(cut) == outcome(whole), place

    @pytest.mark.parametrize("name", ENDS)
    def test_of_the_last_request(self, name: str) -> None:
        """What comes behind is no request, in whichever read it comes."""
        stream = ENDS[name] + post(b"smuggled")
        whole = Wire().send(stream)
        for place in places(stream):
            cut = Wire().send(stream[:place], stream[place:])
            assert outcome(cut) == outcome(whole), place

    @pytest.mark.parametrize("name", KEPT | ENDS)
    def test_byte_by_byte(self, name: str) -> None:
        stream = (KEPT | ENDS)[name]
        assert outcome(Wire().send(*pieces(stream, 1))) == outcome(Wire().send(stream))

    @given(
        st.lists(st.sampled_from([*KEPT.values()]), max_size=4),
        st.sampled_from([b"", *ENDS.values()]),
        st.data(),
    )
    def test_of_a_stream(self, requests: list[bytes], end: bytes, data: st.DataObject) -> None:
        stream = b"".join(requests) + end
        cuts = data.draw(st.sets(st.integers(0, len(stream)), max_size=12))
        marks = [0, *sorted(cuts), len(stream)]
        parts = [stream[a:b] for a, b in pairwise(marks) if a < b]
        assert outcome(Wire().send(*parts)) == outcome(Wire().send(stream))


@pytest.mark.parametrize("name", LAST)
def test_the_last_request_is_answered(name: str) -> None:
    wire = Wire().send(LAST[name] + post(b"smuggled"))
    assert wire.statuses == [200]
    assert wire.leaving
    assert wire.closed


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_request_behind_a_good_one(name: str) -> None:
    """The good one keeps its answer; the other one's is the last, and it reaches no admission."""
    request, refusal = REFUSED[name]
    wire = Wire().send(post(b"good") + request + post(b"smuggled"))
    assert wire.answers[1:] == [(refusal.status, refusal.body)]
    assert wire.statuses == [200, refusal.status]
    assert wire.admission.asked == [b"good"]
    assert wire.leaving
    assert not wire.closed, "the client may read its answer"


@pytest.mark.parametrize("name", ["expected", "expected chunks"])
def test_continue_comes_with_the_end_of_the_head_and_once(name: str) -> None:
    request = KEPT[name]
    end = request.index(b"\r\n\r\n") + 4
    wire = Wire().send(*pieces(request[: end - 1], 1))
    assert wire.output == b""
    wire.send(request[end - 1 : end])
    assert wire.output == http1.CONTINUE
    wire.send(*pieces(request[end:], 1))
    assert wire.statuses == [100, 200]


class TestLeavingAtEveryByte:
    @pytest.mark.parametrize("name", [*KEPT, *ENDS])
    def test_the_client_hangs_up(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        """Whole requests were answered, the rest is forgotten, and later calls find nobody."""
        request = (KEPT | ENDS)[name]
        for place in places(request):
            wire = Wire().send(post(b"before") + request[:place])
            sent = wire.output
            wire.connection.connection_lost(None)
            assert wire.service.connections == set()
            assert wire.service.body_bytes == 0
            wire.service.tick(1000.0)
            wire.connection.retire()
            assert wire.output == sent
            assert wire.admission.asked[0] == b"before"
        assert caplog.records == []

    @pytest.mark.parametrize("name", ["length", "chunks", "expected", "largest head"])
    def test_the_client_falls_silent(self, name: str) -> None:
        """A request has its time, and a byte now and then brings it no more."""
        request = KEPT[name]
        head = request.index(b"\r\n\r\n") + 4
        for place in places(request):
            time = protocol.HEAD_TIMEOUT if place < head else protocol.BODY_TIMEOUT
            wire = Wire().send(request[:place])
            wire.service.tick(time - 1)
            if place + 1 not in (head, len(request)):  # where another time begins
                wire.send(request[place : place + 1])
            before = wire.statuses
            wire.service.tick(time)
            assert wire.statuses == [*before, 408], place
            assert wire.admission.asked == []
            assert wire.leaving


@given(st.lists(st.sampled_from([*KEPT.values()]), min_size=1, max_size=5), st.integers(1, 99))
def test_answers_are_those_of_each_request_alone(requests: list[bytes], size: int) -> None:
    together = Wire().send(*pieces(b"".join(requests), size))
    assert together.answers == [a for request in requests for a in Wire().send(request).answers]
    assert len([status for status in together.statuses if status != 100]) == len(requests)
