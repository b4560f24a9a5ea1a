"""What a user of kubectl reads, to the letter."""

import unicodedata

import pytest

from tests.builders import Object, container, of_kind, pod, profile, read, statefulset
from webhook import engine, messages
from webhook.api import Fill, Violation
from webhook.engine import Crash, Filling, Finding
from webhook.links import MAX_URL

DOCS = "https://docs.example/policies"
JUDGING = profile(
    "baseline",
    policies={
        "require-probes": {"action": "deny"},
        "require-claims": {"action": "deny", "rules": {"inline-csi": {"action": "warn"}}},
    },
)


def findings(obj: Object) -> tuple[Finding, ...]:
    return engine.check(JUDGING, read(obj)).findings


def finding(
    path: str = "/spec/containers/0/livenessProbe",
    subject: str = "web",
    fact: str = "no livenessProbe",
    fix: str = "add httpGet, tcpSocket, grpc or exec",
    why: str = "",
    action: str = "warn",
    policy: str = "require-probes",
) -> Finding:
    return Finding(policy, action, Violation(path, subject, fact, fix, why))


# Denials


def test_the_denial_of_the_contract() -> None:
    obj = statefulset(
        container(livenessProbe={"exec": {}}),
        volumes=[
            {"name": "tmp", "emptyDir": {}},
            {"name": "conf", "configMap": {"name": "web"}},
            {"name": "data", "hostPath": {"path": "/srv"}},
        ],
    )
    assert messages.denial("baseline", findings(obj), ()) == (
        "podworthy/baseline: 2 violations\n"
        "web: no readinessProbe (/spec/template/spec/containers/0); "
        "add httpGet, tcpSocket, grpc or exec [require-probes]\n"
        "data: hostPath (/spec/template/spec/volumes/2) is tied to a node; "
        "use a persistentVolumeClaim [require-claims]"
    )


def test_one_violation_is_one() -> None:
    obj = pod(container(livenessProbe={"exec": {}}))
    first, *rest = messages.denial("strict", findings(obj), ()).split("\n")
    assert first == "podworthy/strict: 1 violation"
    assert len(rest) == 1


@pytest.mark.parametrize("count", [5, 10, 11, 50, 1000])
def test_a_long_denial_stops_at_about_900_characters_and_counts_the_rest(count: int) -> None:
    text = messages.denial("baseline", [finding(subject=f"c{n}") for n in range(count)], ())

    first, *lines = text.split("\n")
    assert first == f"podworthy/baseline: {count} violations"
    told = [line for line in lines if line.startswith("c")]
    assert lines[len(told) :] == ([f"and {count - len(told)} more"] if len(told) < count else [])
    assert len(text) <= 900 + len("\nand 1000 more")
    assert len(told) == count or len(text) > 750


def test_a_policy_that_failed_is_a_reason_too() -> None:
    crash = Crash("require-claims", "KeyError", denies=True)
    assert messages.denial("strict", [finding()], [crash]) == (
        "podworthy/strict: 1 violation, 1 policy failed\n"
        "web: no livenessProbe (/spec/containers/0); "
        "add httpGet, tcpSocket, grpc or exec [require-probes]\n"
        "require-claims could not judge this: KeyError; see podworthy's log"
    )
    assert messages.denial("strict", [], [crash, crash]).startswith(
        "podworthy/strict: 2 policies failed\n"
    )


def test_the_rest_counts_policies_that_failed() -> None:
    crash = Crash("require-claims", "KeyError", denies=True)
    text = messages.denial("strict", [finding(subject=f"c{n}") for n in range(50)], [crash] * 2)
    told = sum(line.startswith("c") for line in text.split("\n"))
    assert text.endswith(f"\nand {52 - told} more")


def test_names_cannot_break_the_lines_of_a_denial() -> None:
    obj = pod(volumes=[{"name": "a\nb", "host\r\nPath\x00": {}}])
    assert messages.denial("baseline", findings(obj), ()) == (
        "podworthy/baseline: 1 violation\n"
        "a?b: host??Path? (/spec/volumes/0) does not go through a claim; "
        "use a persistentVolumeClaim [require-claims]"
    )


def test_no_name_is_so_long_that_it_hides_the_rest() -> None:
    text = messages.denial("baseline", [finding(subject="x" * 5000, fact="y" * 5000)], ())
    assert len(text) < 500
    assert "(/spec/containers/0); add httpGet" in text
    assert text.endswith("[require-probes]")


def test_a_denial_ends_with_where_to_read_more_on_each_policy() -> None:
    obj = pod(container(), volumes=[{"name": "data", "hostPath": {"path": "/srv"}}])
    found = findings(obj)
    assert len(found) == 3
    assert messages.denial("baseline", found, (), DOCS) == (
        f"{messages.denial('baseline', found, ())}\n"
        "read more: https://docs.example/policies/require-probes\n"
        "read more: https://docs.example/policies/require-claims"
    )


@pytest.mark.parametrize("count", [5, 10, 11, 50, 1000])
@pytest.mark.parametrize("policies", [1, 2, 3, 20])
def test_where_to_read_more_takes_its_place_from_the_reasons(count: int, policies: int) -> None:
    many = [finding(subject=f"c{n}", policy=f"policy-{n % policies}") for n in range(count)]
    text = messages.denial("baseline", many, (), DOCS)

    first, *lines = text.split("\n")
    assert first == f"podworthy/baseline: {count} violations"
    told = [line for line in lines if line.startswith("c")]
    rest, more = (
        [line for line in lines if line.startswith(word)] for word in ("and", "read more: ")
    )
    assert lines == told + rest + more
    assert rest == ([f"and {count - len(told)} more"] if len(told) < count else [])
    assert len(text) <= 900 + len("\nand 1000 more")
    assert len(told) == count or len(text) > 750
    if min(policies, count) <= 3:
        assert more == [f"read more: {DOCS}/policy-{n}" for n in range(policies)]


def test_many_policies_share_one_line_where_theirs_would_take_the_reasons_place() -> None:
    many = [finding(policy=f"policy-{n}") for n in range(20)]
    lines = messages.denial("baseline", many, (), DOCS).split("\n")
    assert [line for line in lines if line.startswith("read")] == [f"read more: {DOCS}"]


def test_the_longest_address_leaves_room_for_reasons() -> None:
    long = "https://docs.example/".ljust(MAX_URL, "x")
    text = messages.denial("baseline", [finding(policy=f"p{n}") for n in range(9)], (), long)
    assert text.count("no livenessProbe") >= 5
    assert text.endswith(f"\nread more: {long}")
    assert len(text) <= 900 + len("\nand 9 more")


def test_there_is_nothing_to_read_on_a_policy_that_failed() -> None:
    crash = Crash("require-claims", "KeyError", denies=True)
    for found in ([], [finding()]):
        lines = messages.denial("strict", found, [crash], DOCS).split("\n")
        more = [line for line in lines if line.startswith("read more")]
        assert more == [f"read more: {DOCS}/require-probes"] * len(found)


# Warnings


def test_a_warning_is_the_same_line() -> None:
    assert messages.warnings([finding()], ()) == [
        "web: no livenessProbe (/spec/containers/0); "
        "add httpGet, tcpSocket, grpc or exec [require-probes]"
    ]


def test_only_what_warns_is_a_warning() -> None:
    both = [finding(action="audit"), finding(action="warn", subject="log")]
    assert [line.split(":")[0] for line in messages.warnings(both, ())] == ["log"]


PLACE = "/spec/template/spec/containers/0"


@pytest.mark.parametrize(
    ("subject", "why", "expected"),
    [
        pytest.param(
            "web",
            "",
            f"web: no livenessProbe ({PLACE}); fix it at once, today [require-probes]",
            id="fits",
        ),
        pytest.param(
            "the-frontend-of-the-shop",
            "and nobody asks for it",
            f"the-frontend-of-the-shop: no livenessProbe ({PLACE}) and nobody asks for it "
            "[require-probes]",
            id="loses-the-fix",
        ),
        pytest.param(
            "the-frontend-of-the-shop",
            "because nobody thought of it before",
            f"the-frontend-of-the-shop: no livenessProbe ({PLACE}) [require-probes]",
            id="then-the-reason",
        ),
        pytest.param(
            "x" * 63,
            "",
            f"{'x' * 49}…: no livenessProbe ({PLACE}) [require-probes]",
            id="then-of-the-name",
        ),
    ],
)
def test_a_warning_that_is_too_long_loses_the_fix_first_and_never_the_path(
    subject: str, why: str, expected: str
) -> None:
    one = finding(f"{PLACE}/livenessProbe", subject, fix="fix it at once, today", why=why)
    (line,) = messages.warnings([one], ())
    assert line == expected
    assert len(line) <= 120


LONGEST = "/spec/jobTemplate/spec/template/spec/initContainers/99"


@pytest.mark.parametrize("size", [1, 8, 40, 63, 64, 5000])
def test_no_warning_is_longer_than_120_characters_or_without_its_path(size: int) -> None:
    one = finding(f"{LONGEST}/livenessProbe", "x" * size, "y" * size, "z" * size, "w" * size)
    (line,) = messages.warnings([one], ())
    assert len(line) <= 120
    assert f"({LONGEST})" in line
    assert line.endswith("[require-probes]")


def test_nor_one_of_a_handler() -> None:
    (line,) = messages.warnings([finding(f"{LONGEST}/readinessProbe/httpGet/port", "web")], ())
    assert len(line) <= 120
    assert f"({LONGEST}/readinessProbe/httpGet)" in line


def test_the_api_server_drops_a_warning_with_a_control_character_so_there_are_none() -> None:
    control = "".join(c for c in map(chr, range(0x300)) if unicodedata.category(c) == "Cc")
    one = finding(subject=f"a{control[:20]}", fact=control[20:], why="\n", fix="\x85\u009f")
    crash = Crash("require-claims", "a\nb\x07", denies=False)
    for line in messages.warnings([one], [crash]):
        assert not any(unicodedata.category(c) == "Cc" for c in line), line


def test_a_policy_that_failed_warns() -> None:
    crash = Crash("require-claims", "KeyError", denies=False)
    assert messages.warnings((), [crash]) == [
        "require-claims could not judge this: KeyError; see podworthy's log"
    ]
    (line,) = messages.warnings((), [Crash("require-claims", "E: " + "x" * 500, denies=False)])
    assert len(line) <= 120


# Suggestions

FIELDS = ("timeoutSeconds", "failureThreshold")


def filling(
    path: str, value: int | str = 3, subject: str = "web", action: str = "suggest"
) -> Filling:
    return Filling("probe-timing", action, Fill(path, subject, value, 1, "no evidence"))


def test_a_suggestion_is_one_warning_a_container() -> None:
    assert messages.suggestions(
        [
            filling("/spec/initContainers/0/livenessProbe/timeoutSeconds", subject="mesh"),
            filling("/spec/containers/0/livenessProbe/timeoutSeconds"),
            filling("/spec/containers/0/livenessProbe/failureThreshold", 6),
        ]
    ) == [
        "mesh: would set livenessProbe timeoutSeconds 3 (/spec/initContainers/0) [probe-timing]",
        "web: would set livenessProbe timeoutSeconds 3, livenessProbe failureThreshold 6 "
        "(/spec/containers/0) [probe-timing]",
    ]


@pytest.mark.parametrize("name", ["web", "x" * 63])
def test_a_long_suggestion_is_a_count(name: str) -> None:
    place = "/spec/template/spec/initContainers/12"
    many = [
        filling(f"{place}/{probe}Probe/{field}", subject=name)
        for probe in ("startup", "liveness", "readiness")
        for field in FIELDS
    ]
    (line,) = messages.suggestions(many)
    assert len(line) <= 120
    assert "would set 6 probe timings" in line
    assert f"({place})" in line
    if name == "web":
        assert line == f"web: would set 6 probe timings ({place}) [probe-timing]"


def test_what_is_done_or_is_no_timing_is_no_suggestion() -> None:
    stamp = "/spec/template/metadata/annotations/podworthy.dev~1probe-timing"
    assert messages.suggestions([filling(stamp, "keep")]) == []
    done = filling("/spec/containers/0/livenessProbe/timeoutSeconds", action="fill")
    assert messages.suggestions([done]) == []


# Audit annotations


def test_an_audit_annotation_is_clauses_without_control_characters_and_bounded() -> None:
    assert messages.annotation(["deny /a", "warn /b\n"]) == "deny /a; warn /b?"
    assert len(messages.annotation(["deny /a"] * 10_000)) <= 4000


def test_the_clauses_name_what_was_found_and_filled() -> None:
    assert list(messages.finding_clauses(findings(of_kind("Pod", container())))) == [
        ("require-probes", "deny /spec/containers/0/livenessProbe"),
        ("require-probes", "deny /spec/containers/0/readinessProbe"),
    ]
    assert list(messages.filling_clauses([filling("/spec/a/b")])) == [
        ("probe-timing", "suggest /spec/a/b=3 (no evidence)")
    ]
