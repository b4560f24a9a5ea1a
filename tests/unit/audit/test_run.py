"""Exit codes, order, notes: what scripts rely on."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON, load_profiles
from webhook.api import Lookups, Violation, Workload
from webhook.audit import Court, run
from webhook.exemptions import Exemptions
from webhook.profile import Profile
from webhook.report import FORMATS
from webhook.report.reports import Format

BAD_POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: web\n"
NO_POD = "apiVersion: v1\nkind: Service\n"
BROKEN = "a: [\n"


def check_by(action: str, *paths: str, error: Exception | None = None) -> Profile:
    """A profile of one policy that finds a violation at each path, or crashes."""

    def check(_: Workload, __: Any, ___: Lookups) -> Iterator[Violation]:
        if error:
            raise error
        for path in paths:
            yield Violation(path, "web", "bad", "fix it")

    binding = msgspec.structs.replace(
        load_profiles()["baseline"].checks["Pod"][0],
        policy="one",
        action=action,
        check=check,
        rule_actions={},
    )
    return Profile(
        name="test", checks={"Pod": (binding,)}, lone_checks={"Pod": (binding,)}, fills={}
    )


@pytest.mark.parametrize(
    ("action", "fail_on", "code"),
    [
        ("deny", "deny", 1),
        ("deny", "warn", 1),
        ("deny", "never", 0),
        ("warn", "deny", 0),
        ("warn", "warn", 1),
        ("warn", "never", 0),
        ("audit", "warn", 0),
    ],
)
def test_findings_at_or_above_fail_on_exit_1(
    audit: Any, action: str, fail_on: str, code: int
) -> None:
    outcome = audit(BAD_POD, profile=check_by(action, "/spec"), fail_on=fail_on)

    assert outcome.code == code


@pytest.mark.parametrize(
    ("action", "result"), [("deny", "fail"), ("warn", "warn"), ("audit", "warn")]
)
def test_result_of_an_action(audit: Any, action: str, result: str) -> None:
    outcome = audit(BAD_POD, profile=check_by(action, "/spec"))

    assert outcome.findings("action", "result") == [(action, result)]
    assert outcome.report["summary"][result] == 1


def test_fills_do_not_change_the_exit_code(audit: Any) -> None:
    probes = "{tcpSocket: {port: 80}}"
    outcome = audit(f"{BAD_POD}    livenessProbe: {probes}\n    readinessProbe: {probes}\n")

    assert outcome.report["fills"]
    assert outcome.code == 0


def test_a_crashed_policy_is_a_finding_and_exit_3(audit: Any, capfd: Any) -> None:
    profile = check_by("deny", error=ValueError("oops"))
    outcome = audit(BAD_POD, profile=profile, fail_on="never")

    assert outcome.code == 3
    assert outcome.findings("policy", "result", "action", "path") == [("one", "error", None, "")]
    ((message,),) = outcome.findings("message")
    assert message.startswith(f"ValueError: oops ({__file__}:")
    assert outcome.report["summary"]["error"] == 1
    assert outcome.report["summary"]["errors"] == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fail_on", ["deny", "never"])
def test_unread_input_is_3_before_1(audit: Any, fail_on: str) -> None:
    Path("bad.yaml").write_text(BAD_POD)
    outcome = audit("", "bad.yaml", "missing.yaml", fail_on=fail_on)

    assert outcome.code == 3
    assert outcome.report["errors"] == [
        {"source": {"file": "missing.yaml"}, "message": "No such file or directory"}
    ]
    assert outcome.report["summary"]["fail"] == 2


@pytest.mark.parametrize("text", ["", NO_POD, "# nothing\n---\n"])
def test_nothing_to_judge_is_0_with_a_note(audit: Any, text: str) -> None:
    outcome = audit(text)

    assert outcome.code == 0
    assert outcome.stderr == "podworthy: nothing to judge: no pod and no workload in the input\n"


def test_order_is_input_then_policy_then_path(audit: Any) -> None:
    paths = ["/spec/containers/10/a", "/spec/containers/2/b", "/spec/containers/2/a", "/metadata"]
    Path("b.yaml").write_text(BAD_POD)
    Path("a.yaml").write_text(BAD_POD)
    outcome = audit("", "b.yaml", "a.yaml", profile=check_by("deny", *paths))

    assert [f["source"]["file"] for f in outcome.report["findings"]] == ["b.yaml"] * 4 + [
        "a.yaml"
    ] * 4
    assert [f["path"] for f in outcome.report["findings"]][:4] == [
        "/metadata",
        "/spec/containers/2/a",
        "/spec/containers/2/b",
        "/spec/containers/10/a",
    ]


@pytest.mark.parametrize("format_name", ["text", "json", "github"])
def test_what_is_known_is_told_before_the_next_input_is_read(
    tmp_path: Path, format_name: str
) -> None:
    (tmp_path / "pod.yaml").write_text(BAD_POD)
    stdout = io.StringIO()
    told: list[str] = []

    class Late(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            told.append(stdout.getvalue())
            return b""

    judged_by = Court(check_by("deny", "/spec"), Exemptions(), NOON.date())
    run([str(tmp_path), "-"], judged_by, [Format(format_name)], stdin=Late(), stdout=stdout)

    assert "pod.yaml" in told[0]


def test_repeated_keys_of_a_judged_document_are_told(audit: Any) -> None:
    outcome = audit(f"a: 1\na: 2\n---\n{BAD_POD}kind: Pod\n")

    assert outcome.stderr == "podworthy: -:9: key 'kind' is repeated, the last one counts\n"
    assert outcome.code == 1


def court(profiles: dict[str, Profile]) -> Court:
    """By profile strict, without exemptions."""
    return Court(profiles["strict"], Exemptions(), NOON.date())


@given(text=st.text(alphabet="apiVersonkdPtLm:1/-{}[]\n \"'&*<", max_size=200) | st.binary())
def test_no_input_breaks_the_audit(profiles: dict[str, Profile], text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    stdout, stderr = io.StringIO(), io.StringIO()

    code = run(
        ["-"],
        court(profiles),
        [Format("json")],
        stdin=io.BytesIO(data),
        stdout=stdout,
        stderr=stderr,
    )

    assert code in (0, 3)
    assert msgspec.json.decode(stdout.getvalue())["kind"] == "AuditReport"


pods = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v1", "apps/v1", "batch/v1", 3, None]),
        "kind": st.sampled_from(["Pod", "Deployment", "CronJob", "PodList", "List", {}]),
    },
    optional={
        key: st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(["containers", "name", "volumes", "template", "spec", "image"]),
                    inner,
                )
            ),
        )
        for key in ("spec", "metadata", "items", "template")
    },
)


@given(value=pods)
def test_no_shape_breaks_the_audit(profiles: dict[str, Profile], value: Any) -> None:
    for format_name in FORMATS:
        code = run(
            ["-"],
            court(profiles),
            [Format(format_name)],
            stdin=io.BytesIO(msgspec.json.encode(value)),
            stdout=io.StringIO(),
            stderr=io.StringIO(),
        )
        assert code in (0, 1, 3)


def podworthy(*arguments: str, script: str) -> subprocess.CompletedProcess[str]:
    """The program itself, in a shell's pipe."""
    command = Path(sys.executable).with_name("podworthy")
    return subprocess.run(
        ["/bin/bash", "-c", script, "-", command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("format_name", ["text", "json"])
def test_a_reader_that_leaves_changes_nothing_but_the_output(
    tmp_path: Path, format_name: str
) -> None:
    (tmp_path / "many.yaml").write_text(f"{BAD_POD}---\n" * 500)

    done = podworthy(
        "audit", "--format", format_name, str(tmp_path), script='"$@" | true; exit ${PIPESTATUS[0]}'
    )

    assert (done.returncode, done.stderr) == (1, "")


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(BAD_POD)

    done = podworthy("audit", str(tmp_path), script='"$@" >/dev/full')

    assert done.returncode == 3
    assert done.stderr == "podworthy: the report could not be written: No space left on device\n"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(BAD_POD)

    done = podworthy("audit", "--format", "json=/missing/a", str(tmp_path), script='"$@"')

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "podworthy: the report could not be written to /missing/a: No such file or directory\n"
    )


def test_closed_streams(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(BAD_POD)

    assert podworthy("audit", str(tmp_path), script='"$@" >&- <&-').returncode == 1


def test_process_substitution() -> None:
    done = podworthy(script=f'"$1" audit <(printf {BAD_POD!r})')

    assert done.returncode == 1
    assert "2 violations" in done.stdout
