"""One connection as a state machine: a transport that only remembers, no socket, no clock."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shapes import OURS, REFUSED
from tests.wire import Wire, chunked, get, pieces, post
from webhook.server import intake, protocol, surface
from webhook.server.protocol import Connection

REQUESTS = [
    post(b"one"),
    post(b"", b"/validate/strict?timeout=3s"),
    chunked(b"two", b"three", trailer=b"X: y\r\n"),
    get(),
    get(b"/nowhere"),
    b"\r\n" + post(b"four", fields=b"Expect: 100-continue\r\n"),
]
ANSWERS = [
    (200, b"validate|None|one"),
    (200, b"validate|strict|"),
    (200, b"mutate|strict|twothree"),
    (200, b"ok"),
    (404, surface.NOT_FOUND.body),
    (100, b""),
    (200, b"validate|None|four"),
]


class TestCutting:
    """TCP knows no requests: how the bytes are cut must not matter."""

    @pytest.mark.parametrize("request_", REQUESTS)
    def test_every_split_in_two(self, request_: bytes) -> None:
        whole = Wire().send(request_).answers
        for place in range(len(request_)):
            assert Wire().send(request_[:place], request_[place:]).answers == whole

    def test_byte_by_byte(self) -> None:
        assert Wire().send(*pieces(b"".join(REQUESTS), 1)).answers == ANSWERS

    def test_pipelined_in_one_read(self) -> None:
        wire = Wire().send(b"".join(REQUESTS))
        assert wire.answers == ANSWERS
        assert len(wire.records) == len(wire.admission.asked) == 4
        assert not wire.closed

    @given(st.lists(st.sampled_from(REQUESTS), max_size=6), st.lists(st.integers(1, 300)))
    def test_any_cut_of_any_requests(self, requests: list[bytes], sizes: list[int]) -> None:
        stream = b"".join(requests)
        parts = []
        for size in sizes:
            parts.append(stream[:size])
            stream = stream[size:]
        cut = Wire().send(*filter(None, [*parts, stream]))
        assert cut.answers == [a for request in requests for a in Wire().send(request).answers]

    @given(st.lists(st.binary(min_size=1) | st.sampled_from(REQUESTS), max_size=6))
    def test_any_bytes_are_survived(self, parts: list[bytes]) -> None:
        wire = Wire().send(*parts)
        assert not wire.aborted
        assert wire.output.count(b"Connection: close") <= 1


@pytest.mark.parametrize("shape", [*REFUSED, *OURS])
@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_refused(shape: str, size: int) -> None:
    """It is answered once, nothing behind it is taken for a request, and it may read its answer."""
    request_, refusal = (REFUSED | OURS)[shape]
    wire = Wire().send(*pieces(request_, size), get(), b"\xff")
    assert wire.answers == [(refusal.status, refusal.body)]
    assert wire.leaving
    assert wire.admission.asked == []
    assert not wire.closed
    wire.service.tick(protocol.LINGER_TIMEOUT)
    assert wire.closed


class TestBounds:
    """Nothing a client sends grows without end."""

    def test_a_head_of_just_the_allowed_size(self) -> None:
        fixed = len(get(fields=b"Host: x\r\nA: \r\n"))
        request = get(fields=b"Host: x\r\nA: %b\r\n" % (b"a" * (surface.MAX_HEAD - fixed)))
        assert len(request) == surface.MAX_HEAD
        assert Wire().send(*pieces(request, 1)).statuses == [200]

    def test_a_field_without_an_end(self) -> None:
        wire = Wire().send(b"GET / HTTP/1.1\r\nA: ", *[b"a" * 1000] * 20)
        assert wire.statuses == [431]

    def test_blank_lines_without_an_end(self) -> None:
        assert Wire().send(*[b"\r\n" * 500] * 20).statuses == [431]

    def test_a_trailer_without_an_end(self) -> None:
        request = chunked(b"a").removesuffix(b"\r\n")
        assert Wire().send(request + b"A: ", *[b"a" * 1000] * 20).statuses == [431]

    def test_a_trailer_that_ends_at_last_is_answered_once(self) -> None:
        """Also as that of a last request."""
        request = chunked(b"a").replace(b"Host", b"Connection: close\r\nHost")
        wire = Wire().send(request.removesuffix(b"\r\n"))
        wire.send(b"A: " + b"a" * (surface.MAX_HEAD - 3), b"\r\n\r\n")
        assert wire.statuses == [200]
        assert wire.closed

    def test_a_length_over_the_limit_is_refused_before_the_body(self) -> None:
        head = b"POST /validate HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d"
        wire = Wire().send(head % (surface.MAX_BODY + 1), b"\r\n\r\n")
        assert wire.statuses == [413]

    def test_the_largest_body(self) -> None:
        body = b" " * surface.MAX_BODY
        wire = Wire().send(*pieces(post(body), 1 << 18))
        assert wire.statuses == [200]
        assert wire.admission.asked == [body]

    def test_chunks_over_the_limit(self) -> None:
        parts = [b" " * (1 << 20)] * 17
        assert Wire().send(*pieces(chunked(*parts), 1 << 18)).statuses == [413]

    def test_a_refused_client_cannot_send_for_ever(self) -> None:
        wire = Wire().send(b"\xff", *[b" " * (1 << 22)] * 17)
        assert wire.statuses == [400]
        assert wire.aborted

    def test_unread_answers(self) -> None:
        wire = Wire()
        wire.connection.pause_writing()
        wire.send(post(b"a" * 9000) * 3)
        assert wire.answers == []
        wire.service.tick(intake.READ_TIMEOUT - 1)
        assert not wire.aborted
        wire.service.tick(intake.READ_TIMEOUT)
        assert wire.aborted

    def test_long_answers_to_short_requests(self) -> None:
        """As many as fit; the last one says so, as that of any connection."""
        wire = Wire().send(get(b"/metrics") * 100)
        assert set(wire.statuses) == {200}
        assert intake.MAX_ANSWERS < len(wire.output) < 2 * intake.MAX_ANSWERS
        assert wire.leaving
        assert wire.closed


class TestTurns:
    """Whoever asks much at once waits for others in between."""

    def test_thousands_of_requests_in_one_read(self) -> None:
        wire = Wire().send(get() * 5000)
        assert wire.answers == [(200, b"ok")] * 5000
        assert wire.turns == 5000 * len(get()) // intake.PIECE
        assert not wire.paused

    def test_a_review_of_any_size_is_answered_at_once(self) -> None:
        for size in (1, intake.PIECE, 10 * intake.PIECE):
            wire = Wire().send(post(b"a" * size))
            assert wire.statuses == [200]
            assert wire.turns == 0

    def test_no_turn_while_answers_are_unread(self) -> None:
        wire = Wire()
        wire.connection.data_received(get() * 1000)
        before = len(wire.answers)
        wire.connection.pause_writing()
        wire.service.calls.pop()()
        assert len(wire.answers) == before < 1000
        assert wire.paused
        wire.connection.resume_writing()
        wire.send()
        while wire.service.calls:
            wire.service.calls.pop()()
        assert len(wire.answers) == 1000

    def test_who_is_refused_while_waiting_is_read_again_but_not_parsed(self) -> None:
        """Bytes left unread would cost the client its answer."""
        wire = Wire()
        wire.connection.data_received(get() * 1000 + post(b"a")[:-1])
        before = len(wire.answers)
        wire.connection.yield_room()
        wire.service.calls.pop()()
        assert not wire.paused
        assert not wire.service.calls
        assert len(wire.answers) == before + 1
        assert wire.leaving

    def test_a_client_that_hangs_up_misses_its_turn(self) -> None:
        wire = Wire()
        wire.connection.data_received(get() * 1000)
        before = len(wire.answers)
        wire.connection.connection_lost(None)
        wire.service.calls.pop()()
        assert len(wire.answers) == before


class TestTime:
    """Deadlines, looked at once a second."""

    @pytest.mark.parametrize(
        ("start", "seconds"),
        [(b"G", protocol.HEAD_TIMEOUT), (post(b"ab")[:-1], protocol.BODY_TIMEOUT)],
    )
    def test_a_slow_request(self, start: bytes, seconds: float) -> None:
        wire = Wire().send(start)
        wire.service.tick(seconds - 1)
        assert wire.output == b""
        wire.service.tick(seconds)
        assert wire.statuses == [408]
        assert wire.leaving

    @pytest.mark.parametrize("before", [b"", get()])
    def test_an_idle_connection_is_closed_without_a_word(self, before: bytes) -> None:
        wire = Wire().send(before)
        output = wire.output
        wire.service.tick(surface.IDLE_TIMEOUT - 1)
        assert not wire.closed
        wire.service.tick(surface.IDLE_TIMEOUT)
        assert wire.closed
        assert wire.output == output


class TestLeaving:
    """Who ends a connection, and how."""

    @pytest.mark.parametrize(
        "request_",
        [
            get(fields=b"Host: x\r\nConnection: close\r\n"),
            get(version=b"1.0"),
            get(version=b"1.0", fields=b"Connection: keep-alive\r\n"),
        ],
    )
    def test_the_client_asks(self, request_: bytes) -> None:
        wire = Wire().send(request_ + get())
        assert wire.answers == [(200, b"ok")]
        assert wire.leaving
        assert wire.closed

    def test_draining(self) -> None:
        wire = Wire()
        wire.service.routes.ready = False
        wire.send(get(b"/readyz") + get())
        assert wire.answers == [(503, b"draining")]
        assert wire.leaving
        assert wire.closed

    def test_an_old_connection_is_told_with_its_last_answer(self) -> None:
        wire = Wire(lifetime=60).send(get())
        wire.service.tick(59)
        assert not wire.send(get()).leaving
        wire.service.tick(60)
        assert not wire.closed
        assert wire.send(get() + get()).leaving
        assert wire.answers == [(200, b"ok")] * 3
        assert wire.closed

    def test_a_request_that_began_in_time_is_answered_like_any(self) -> None:
        wire = Wire(lifetime=5).send(post(b"old")[:-1])
        wire.service.tick(6)
        wire.send(post(b"old")[-1:])
        assert wire.answers == [(200, b"validate|None|old")]
        assert wire.leaving

    def test_only_a_resting_connection_retires(self) -> None:
        wire = Wire().send(get()[:-1])
        wire.connection.retire()
        assert not wire.closed
        wire.send(get()[-1:])
        wire.connection.retire()
        assert wire.answers == [(200, b"ok")]
        assert wire.closed

    @pytest.mark.parametrize("sent", [b"", post(b"half")[:-2], get()])
    def test_the_client_hangs_up(self, sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
        wire = Wire().send(sent)
        wire.connection.connection_lost(ConnectionResetError())
        assert wire.service.connections == set()
        assert caplog.records == []

    def test_a_bug_ends_the_connection_alone(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.ERROR):
            wire = Wire().send(post(b"crash") + get())
        assert wire.aborted
        assert wire.output == b""
        assert "ZeroDivisionError" in caplog.text

    def test_a_client_that_does_not_read_is_not_read(self) -> None:
        wire = Wire()
        wire.connection.pause_writing()
        assert wire.paused
        wire.connection.resume_writing()
        assert not wire.paused


# Many at the same time


def beside(other: Wire, *, trusted: bool = True) -> Wire:
    """Another client of the same service."""
    wire = Wire(trusted=trusted)
    wire.service = other.service
    wire.connection = Connection(wire.service)
    wire.connection.connection_made(wire)
    return wire


def half_sent(other: Wire, size: int) -> Wire:
    head = b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (size + 1)
    return beside(other).send(head + b"a" * size)


def test_bodies_under_way_share_a_budget() -> None:
    """The one that takes longest gives way, and may try again."""
    wire = Wire(max_connections=99)
    slow = [
        half_sent(wire, surface.MAX_BODY - 1) for _ in range(surface.MAX_BODIES // surface.MAX_BODY)
    ]
    wire.service.tick(1.0)
    wire.send(post(b"honest"))
    assert wire.statuses == [200]
    (refused,) = (one for one in slow if one.output)
    assert refused.statuses == [503]
    assert b"\r\nRetry-After: 1\r\n" in refused.output

    for one in slow:
        one.connection.connection_lost(None)
    assert wire.service.body_bytes == 0


def test_the_largest_gives_way_among_those_of_the_same_second() -> None:
    wire = Wire(max_connections=99)
    slow = [half_sent(wire, 8 * 1024 * 1024 - 1) for _ in range(7)]
    large = half_sent(wire, 9 * 1024 * 1024)
    assert large.statuses == [503]
    assert not any(one.output for one in slow)


class TestTooManyConnections:
    """Somebody must go, and never the one who asks."""

    def test_who_never_asked_goes_first(self, caplog: pytest.LogCaptureFixture) -> None:
        wire = Wire(max_connections=3).send(get())
        wire.service.tick(1.0)
        silent = beside(wire)
        wire.service.tick(2.0)
        slow = beside(wire).send(b"GET")
        newcomer = beside(wire)
        assert [one.aborted for one in (wire, silent, slow)] == [False, True, False]
        newcomer.send(get())
        another = beside(wire)
        assert slow.aborted
        another.send(get())
        beside(wire)
        assert wire.aborted, "of those that have asked, the one that rests longest"
        assert newcomer.statuses == another.statuses == [200]
        assert len(wire.service.connections) == 3
        wire.service.tick(3.0)
        wire.service.tick(4.0)
        assert caplog.messages == ["3 connections dropped: no more than 3 may be open"]
        assert wire.service.dropped == 3

    def test_who_leaves_anyway_goes_first(self) -> None:
        wire = Wire(max_connections=2)
        refused = beside(wire).send(b"\xff")
        beside(wire)
        assert refused.aborted
        assert not wire.aborted

    def test_a_stranger_goes_before_the_api_server(self) -> None:
        wire = Wire(max_connections=2)
        stranger = beside(wire, trusted=False)
        stranger.send(get())
        beside(wire, trusted=False)
        assert stranger.aborted
        assert not wire.aborted


def test_an_answered_request_gives_its_share_back() -> None:
    wire = Wire()
    for _ in range(3):
        wire.send(b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    assert [status for status, _ in wire.answers] == [200, 200, 200]
    assert wire.service.body_bytes == 0


class TestStrangers:
    """Clients without the certificate that they need."""

    @pytest.mark.parametrize(
        "request_",
        [
            post(b"a"),
            post(b"a", b"/mutate/strict?x"),
            chunked(b"a"),
            post(b"a", fields=b"Expect: 100-continue\r\n"),
        ],
    )
    def test_no_verdict_and_no_body_is_awaited(self, request_: bytes) -> None:
        head = request_[: request_.index(b"\r\n\r\n") + 4]
        wire = Wire(trusted=False).send(head)
        assert wire.answers == [(403, surface.UNKNOWN_CLIENT.body)]
        assert wire.leaving
        assert wire.admission.asked == []

    def test_everything_else_is_for_everybody(self) -> None:
        wire = Wire(trusted=False).send(
            get(), get(b"/readyz"), get(b"/validate"), post(b"a", b"/x")
        )
        assert wire.statuses == [200, 200, 405, 404]
