"""Both servers as real processes, over real TLS: alike, and hard to disturb."""

import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.serving import PATIENCE, Served, eventually, read_answer, serving
from webhook.server import surface
from webhook.server.decisions import BUFFER_BYTES
from webhook.server.serve import _openable

REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": "1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "operation": "CREATE",
        "namespace": "default",
        "object": {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "a"},
            "spec": {"containers": [{"name": "web", "image": "nginx"}]},
        },
    },
}
BODY = json.dumps(REVIEW).encode()


@pytest.fixture(scope="session")
def ours() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def flask() -> Iterator[Served]:
    with serving("--wsgi") as served:
        yield served


@pytest.fixture(scope="session")
def both(ours: Served, flask: Served) -> tuple[Served, Served]:
    return ours, flask


_SAMPLE = re.compile(rb"^(?:podworthy|process)_\w+(?:\{.*\})? \S+\n", re.M)
"""A metric's value: two servers were asked different things, and not started at the same moment."""


def raw_answer(served: Served, request: bytes) -> tuple[int, str, bytes]:
    """The first final answer to some bytes, without the values of metrics."""
    with served.connect() as connection:
        connection.sendall(request)
        status, content_type, body = read_answer(
            connection, request.split(b" ", 1)[0].decode("latin-1")
        )
        return status, content_type, _SAMPLE.sub(b"", body)


def request(
    method: str = "POST", target: str = "/validate", body: bytes = b"", fields: str = "Host: x"
) -> bytes:
    head = f"{method} {target} HTTP/1.1\r\n{fields}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


CHUNKED = b"POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
TABLE = {
    "allowed": (request(body=BODY.replace(b"CREATE", b"DELETE")), 200),
    "denied": (request(body=BODY), 200),
    "with a profile and a query": (request(target="/validate/strict?timeout=3s", body=BODY), 200),
    "mutate": (request(target="/mutate/advise", body=BODY), 200),
    "chunked": (CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY), 200),
    "expecting": (request(body=BODY, fields="Host: x\r\nExpect: 100-continue"), 200),
    "absolute-form": (request(target="https://x:1/validate?y", body=BODY), 200),
    "percent-encoded": (request(target="/valid%61te", body=BODY), 200),
    "HTTP/1.0": (b"GET /livez HTTP/1.0\r\n\r\n", 200),
    "health": (request("GET", "/livez"), 200),
    "readiness": (request("GET", "/readyz"), 200),
    "list of policies": (request("GET", "/policies/"), 200),
    "the same": (request("GET", "/policies"), 200),
    "a policy": (request("GET", "/policies/require-probes?x"), 200),
    "no JSON": (request(body=b"\xff"), 400),
    "gzip": (request(body=gzip.compress(BODY), fields="Host: x\r\nContent-Encoding: gzip"), 400),
    "no body": (request(), 400),
    "unknown profile": (request(target="/validate/strct", body=BODY), 404),
    "profile with a slash": (request(target="/validate/a/b", body=BODY), 404),
    "profile that is no UTF-8": (request(target="/validate/%ff%c3%a9", body=BODY), 404),
    "trailing slash": (request(target="/validate/", body=BODY), 404),
    "double slash": (request(target="//validate", body=BODY), 404),
    "unknown policy": (request("GET", "/policies/require-probs"), 404),
    "policy with a slash": (request("GET", "/policies/require-probes/"), 404),
    "every check": (request("GET", "/readyz?verbose"), 200),
    "every check, absolute-form": (request("GET", "https://x/readyz?a=1&verbose=#b"), 200),
    "every check, encoded": (request("GET", "/readyz?verb%6fse=%ff;+a"), 200),
    "no check": (request("GET", "/readyz#?verbose"), 200),
    "metrics": (request("GET", "/metrics"), 200),
    "metrics and a query": (request("GET", "/metrics?a=b"), 200),
    "POST of metrics": (request("POST", "/metrics"), 405),
    "root": (request("GET", "/"), 404),
    "favicon": (request("GET", "/static/x"), 404),
    "all": (request("OPTIONS", "*"), 404),
    "HEAD": (request("HEAD", "/livez"), 405),
    "HEAD of a policy": (request("HEAD", "/policies/require-probes"), 405),
    "POST of a policy": (request("POST", "/policies/require-probes", BODY), 405),
    "GET of a door": (request("GET"), 405),
    "OPTIONS of a door": (request("OPTIONS"), 405),
    "POST of health": (request("POST", "/livez"), 405),
    "unknown method": (request("BREW", "/validate"), 400),
    "known to some": (request("PROPFIND", "/validate"), 400),
    "lower case": (request("get", "/livez"), 400),
    "upgrade": (request("GET", "/livez", fields="Host: x\r\nUpgrade: h2c"), 400),
    "tunnel": (request("CONNECT", "x:443"), 400),
    "other expectation": (request(fields="Host: x\r\nExpect: y"), 417),
    "length and chunks": (CHUNKED.replace(b"Host", b"Content-Length: 3\r\nHost"), 400),
    "two lengths": (request(fields="Host: x\r\nContent-Length: 0"), 400),
    "two hosts": (request(fields="Host: x\r\nHost: x"), 400),
    "no host": (request("GET", "/livez", fields="A: b"), 400),
    "other coding": (CHUNKED.replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n", 400),
    "unknown coding": (CHUNKED.replace(b"chunked", b"gzap") + b"0\r\n\r\n", 400),
    "bad chunk": (CHUNKED + b"x\r\n\r\n", 400),
    "newer version": (b"GET /livez HTTP/1.2\r\nHost: x\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "no HTTP": (b"\x00\x01 what is this?\r\n\r\n", 400),
    "bad target": (b"GET livez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "spoofed path": (request("GET", "/", fields="Host: x\r\nPATH_INFO: /livez"), 404),
    "spoofed script": (request("GET", "/livez", fields="Host: x\r\nSCRIPT_NAME: /livez"), 200),
    "long line": (request("GET", "/" + "a" * surface.MAX_LINE), 431),
    "many fields": (request(fields="Host: x\r\n" + "A: b\r\n" * 100 + "C: d"), 431),
    "large head": (request(fields="Host: x" + ("\r\nA: " + "a" * 8000) * 3), 431),
    "large field": (request(fields="Host: x\r\nA: " + "a" * surface.MAX_HEAD), 431),
    "large body": (request().replace(b"Length: 0", b"Length: %d" % (surface.MAX_BODY + 1)), 413),
}  # fmt: skip


@pytest.mark.parametrize(("bytes_", "status"), TABLE.values(), ids=TABLE)
def test_alike(both: tuple[Served, Served], bytes_: bytes, status: int) -> None:
    one, other = (raw_answer(served, bytes_) for served in both)
    assert one == other
    assert one[0] == status
    if one[1] == surface.JSON and not bytes_.startswith(b"HEAD"):
        assert set(json.loads(one[2])) in ({"error"}, {"apiVersion", "kind", "response"})


SEGMENTS = st.sampled_from(
    [
        *("validate", "mutate", "livez", "readyz", "metrics", "strict", "baseline", "%2f", ""),
        *("policies", "require-probes"),
    ]
) | st.sampled_from(["?verbose", "readyz?verbose", "#", "&", "="])
PATHS = st.lists(SEGMENTS | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)))
BODIES = (
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda place, byte: BODY[:place] + bytes([byte]) + BODY[place + 1 :],
        st.integers(0, len(BODY) - 1),
        st.integers(0, 255),
    )
)
METHODS = st.sampled_from(
    ["POST", "POST", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"]
)


@settings(max_examples=100, deadline=None)
@given(METHODS, PATHS.map(lambda segments: "/" + "/".join(segments)), BODIES)
@example("POST", "/validate", BODY)
def test_alike_whatever_is_asked(
    both: tuple[Served, Served], method: str, path: str, body: bytes
) -> None:
    bytes_ = request(method, path, body)
    one, other = (raw_answer(served, bytes_) for served in both)
    assert one == other
    assert one[0] != 500


def test_every_check_and_the_metrics(ours: Served) -> None:
    status, content_type, body = ours.ask("GET", "/readyz?verbose")
    assert (status, content_type) == (200, surface.TEXT)
    checks = b"[+]shutdown ok\n[+]documents ok\n[+]certificate ok\n"
    assert body == checks + b"readyz check passed\n"
    status, content_type, body = ours.ask("GET", "/metrics")
    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert b"\npodworthy_config_last_reload_successful 1.0\n" in body


def counts(served: Served) -> dict[str, float]:
    """The counters of a server, but not what differs between any two."""
    text = served.ask("GET", "/metrics")[2].decode()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if re.match(r"podworthy_(admission_requests|policy|fills|http|decision|.*_count)", line)
    }


def has_settled(served: Served) -> bool:
    """Connections are closed and lines written a little after the answer."""
    now = counts(served)
    return (
        now["podworthy_http_requests_in_flight"] == now["podworthy_http_connections"] == 2
        and now['podworthy_decision_log_lines_total{result="written"}'] == 3
    )


def test_both_servers_count_alike() -> None:
    asked = [
        request(body=BODY),
        request(body=BODY),
        request(target="/mutate/advise", body=BODY),
        request(target="/validate/strict", body=BODY.replace(b"CREATE", b"DELETE")),
        request(target="/validate/strct", body=BODY),
        request(body=b"{"),
        request("GET", "/"),
        request("GET"),
        request("GET", "/livez", fields="A: b"),
        request(body=BODY, fields="Host: x\r\nExpect: 100-continue"),
        b"GET livez HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
    found = []
    for arguments in [], ["--wsgi"]:
        with serving(*arguments) as served, ExitStack() as stack:
            for bytes_ in asked:
                raw_answer(served, bytes_)
            waiting = stack.enter_context(served.connect())
            waiting.sendall(request(body=BODY)[:-1])
            eventually(partial(has_settled, served))
            samples = counts(served)
            # the polls above
            samples.pop('podworthy_http_requests_total{code="200"}')
            found.append(samples)
    assert found[0] == found[1]
    pod = 'operation="CREATE",profile="baseline",resource_kind="Pod",webhook="validate"'
    assert found[0] == {
        f'podworthy_admission_requests_total{{decision="denied",dry_run="false",{pod}}}': 3,
        'podworthy_admission_requests_total{decision="allowed",dry_run="false",'
        'operation="CREATE",profile="advise",resource_kind="Pod",webhook="mutate"}': 1,
        'podworthy_admission_requests_total{decision="allowed",dry_run="false",'
        'operation="DELETE",profile="strict",resource_kind="Pod",webhook="validate"}': 1,
        'podworthy_admission_review_duration_seconds_count{webhook="validate"}': 6,
        'podworthy_admission_review_duration_seconds_count{webhook="mutate"}': 1,
        'podworthy_policy_results_total{action="deny",policy="require-probes",'
        'result="fail",rule=""}': 6,
        'podworthy_http_requests_total{code="400"}': 3,
        'podworthy_http_requests_total{code="404"}': 2,
        'podworthy_http_requests_total{code="405"}': 1,
        "podworthy_http_requests_in_flight": 2,
        "podworthy_http_connections": 2,
        "podworthy_http_connections_dropped_total": 0,
        'podworthy_decision_log_lines_total{result="written"}': 3,
        'podworthy_decision_log_lines_total{result="lost"}': 0,
    }


def test_the_policies_are_pages(both: tuple[Served, Served]) -> None:
    for served in both:
        status, content_type, body = served.ask("GET", "/policies/require-claims")
        assert (status, content_type) == (200, "text/html; charset=utf-8")
        assert body.startswith(b"<!doctype html>")
        assert b"<h1>require-claims</h1>" in body


def test_many_requests_on_one_connection(both: tuple[Served, Served]) -> None:
    for served in both:
        with served.connect() as connection:
            for _ in range(20):
                connection.sendall(request(body=BODY))
                assert read_answer(connection)[0] == 200


def has_logged(served: Served) -> bool:
    return '"uid":"logged"' in served.stdout


def test_a_denial_is_logged(both: tuple[Served, Served]) -> None:
    for served in both:
        body = BODY.replace(b'"uid": "1"', b'"uid": "logged"')
        assert served.ask("POST", "/validate", body)[0] == 200
        eventually(partial(has_logged, served))
        assert all(json.loads(line) for line in served.stdout.splitlines())


@pytest.mark.parametrize("arguments", [[], ["--wsgi"]], ids=["ours", "flask"])
def test_a_log_that_nobody_reads_is_in_nobodys_way(arguments: list[str]) -> None:
    """Neither of answers nor of the end; what is lost is counted."""
    containers = [{"name": f"web-{number}", "image": "nginx"} for number in range(60)]
    review = json.loads(BODY)
    review["request"]["object"]["spec"]["containers"] = containers
    bytes_ = request(body=json.dumps(review).encode())
    reader, writer = os.pipe()
    lost = 'podworthy_decision_log_lines_total{result="lost"}'
    with serving(*arguments, "--drain", "0", stdout=writer) as served:
        with served.connect() as connection:
            for _ in range(2 * BUFFER_BYTES // 15_000):
                connection.sendall(bytes_)
                assert read_answer(connection)[0] == 200
        assert counts(served)[lost] > 10
        served.process.terminate()
        assert served.process.wait(PATIENCE) == 0
    for descriptor in (reader, writer):
        os.close(descriptor)


@pytest.mark.parametrize(("rate", "logged"), [("0", 0), ("0.5", 16), ("1", 40)])
def test_a_sample_of_what_is_allowed_is_logged(rate: str, logged: int) -> None:
    allowed = BODY.replace(b"CREATE", b"DELETE")
    with serving("--log-allowed", rate) as served:
        for number in range(40):
            uid = b'"uid": "%d"' % number
            assert served.ask("POST", "/validate", allowed.replace(b'"uid": "1"', uid))[0] == 200
        # lines are written in order: behind this one there is nothing left to come
        assert served.ask("POST", "/validate", BODY.replace(b'"1"', b'"logged"'))[0] == 200
        eventually(partial(has_logged, served))
        *samples, _ = map(json.loads, served.stdout.splitlines())
    assert len(samples) == logged
    assert all(one["decision"] == "allowed" for one in samples)
    assert all(one["sampleRate"] == float(rate) for one in samples)


def test_a_body_that_is_too_large_gets_its_answer_though_it_is_sent(ours: Served) -> None:
    length = surface.MAX_BODY + 1
    for head, body in [
        (b"Content-Length: %d\r\n\r\n" % length, b" " * length),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (length, b" " * length)),
    ]:
        bytes_ = b"POST /validate HTTP/1.1\r\nHost: x\r\n" + head + body
        assert raw_answer(ours, bytes_)[0] == 413


def test_slow_clients_stop_nobody(ours: Served) -> None:
    """Half-open handshakes, half a head, half a body, and somebody who does not speak TLS."""
    with ExitStack() as stack:
        for _ in range(100):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", ours.port)))
            silent.sendall(b"\x16\x03\x01")
        for start in [b"POST /val", request(body=BODY)[:-1]] * 5:
            stack.enter_context(ours.connect()).sendall(start)
        plain = stack.enter_context(socket.create_connection(("127.0.0.1", ours.port)))
        plain.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ours.ask("GET", "/livez") == (200, surface.TEXT, b"ok")


def test_plain_http_is_told_to_speak_https(both: tuple[Served, Served]) -> None:
    for served in both:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
        for body in b"", b"x" * 3000:
            with closing(connection):
                connection.request("POST", "/validate", body)
                answer = connection.getresponse()
                assert answer.status == 400
                assert answer.getheader("Connection") == "close"
                assert b"https://" in answer.read()
        assert served.ask("GET", "/livez")[0] == 200
        assert "Traceback" not in served.stderr


def test_clients_that_leave_early_are_no_news(ours: Served) -> None:
    for start in [b"", b"POST /val", request(body=BODY)[:-1], request(body=BODY)]:
        with ours.connect() as connection:
            connection.sendall(start)
    assert ours.ask("GET", "/livez")[0] == 200
    assert "Traceback" not in ours.stderr


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        *(("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("127.0.0.2", "127.0.0.2")),  # noqa: S104
        *(("fd00::1", "[fd00::1]"), ("hook.example", "hook.example")),
    ],
)
def test_what_is_ready_can_be_opened(host: str, shown: str) -> None:
    assert _openable(host) == shown


@pytest.mark.parametrize("arguments", [[], ["--wsgi"]], ids=["ours", "flask"])
class TestProcess:
    """Starting and leaving."""

    def test_a_taken_port(self, arguments: list[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            command = [sys.executable, "-m", "webhook", "serve", "--dev", f"--port={port}"]
            done = subprocess.run([*command, *arguments], capture_output=True, timeout=PATIENCE)
        assert done.returncode == 2
        assert b"the port is taken; choose another with --port" in done.stderr
        assert b"Traceback" not in done.stderr
        assert done.stdout == b""

    def test_sigterm_drains(self, arguments: list[str]) -> None:
        with serving("--drain", "60", *arguments) as served:
            with served.connect() as connection:
                connection.sendall(request("GET", "/livez"))
                assert read_answer(connection)[0] == 200
                served.process.send_signal(signal.SIGTERM)
                eventually(lambda: served.ask("GET", "/readyz")[0] == 503)
                assert served.ask("GET", "/livez")[0] == 200
                connection.sendall(request("GET", "/livez"))
                assert read_answer(connection)[0] == 200
            assert served.stderr.count("INFO draining for 60 s, then leaving\n") == 1

    def test_after_the_drain_it_exits_0_whoever_stays(self, arguments: list[str]) -> None:
        with serving("--drain", "0", *arguments) as served, served.connect():
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(PATIENCE) == 0
            drain, end = served.stderr.splitlines()[-2:]
            assert drain.endswith("INFO draining for 0 s, then leaving")
            assert end.endswith("INFO stopped")

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
    def test_interrupts_exit_0_at_once(self, arguments: list[str], number: signal.Signals) -> None:
        with serving("--drain", "30", *arguments) as served:
            served.process.send_signal(number)
            # PATIENCE is shorter than the drain
            assert served.process.wait(PATIENCE) == 0
            assert "Traceback" not in served.stderr
            assert not served.certificate.exists()
