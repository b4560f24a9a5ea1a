"""Several processes say what one says, in the same order, whatever becomes of them."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from tests.builders import NOON, container, load_profiles, review, statefulset
from tests.terminal import CTRL_C, PATIENCE, ROOT, Terminal
from tests.unit.audit.test_run import BAD_POD, BROKEN, NO_POD, check_by
from tests.unit.test_catalog import OWN, PROFILE
from webhook.api import Lookups, Violation, Workload
from webhook.audit import Court, run
from webhook.audit.pool import useful_processes
from webhook.exemptions import Exemption, Exemptions
from webhook.profile import Profile
from webhook.report import FORMATS
from webhook.report.reports import Format

FILL = "{tcpSocket: {port: 80}}"
NAMED = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"
EXEMPTION = Exemption(
    name="ledger",
    policies=frozenset({"require-probes"}),
    namespace="shop",
    kind="Pod",
    workload="ledger",
    containers=frozenset(),
    reason="moves in Q1",
    owner="team-pay",
    granted=date(2026, 11, 1),
    expires=date(2026, 12, 24),
    place="team.yaml:1",
)


class Outcome(msgspec.Struct):
    """What an audit left behind."""

    code: int
    stdout: str
    stderr: str


Audit = Callable[..., Outcome]


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Audit:
    """Audits paths by so many processes, to which even small texts are given in small batches."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webhook.audit.pool.ALONE", 1)
    monkeypatch.setattr("webhook.audit.batches.SIZE", 100)

    def call(
        processes: int,
        *paths: str,
        profile: Profile | None = None,
        format_name: str = "json",
        stdin: bytes = b"",
        show_fill: bool = False,
    ) -> Outcome:
        monkeypatch.setattr("webhook.audit.pool.useful_processes", lambda: processes)
        stdout, stderr = io.StringIO(), io.StringIO()
        court = Court(profile or load_profiles()["baseline"], Exemptions([EXEMPTION]), NOON.date())
        code = run(
            paths or ["."],
            court,
            [Format(format_name)],
            show_fill=show_fill,
            stdin=io.BytesIO(stdin),
            stdout=stdout,
            stderr=stderr,
        )
        return Outcome(code, stdout.getvalue(), stderr.getvalue())

    return call


@pytest.fixture
def corpus(audit: Audit) -> bytes:
    """Files with something of everything in the present directory, and what is standard input."""
    del audit
    fill = f"{BAD_POD}    livenessProbe: {FILL}\n    readinessProbe: {FILL}\n"
    many = [
        BAD_POD,
        "",
        NO_POD,
        BROKEN,
        f"{BAD_POD}kind: Pod\n",
        "# nothing\n",
        fill,
        "apiVersion: v1\nkind: Pod\nspec: {containers: {}}\n",
        NAMED % "ledger" + "  namespace: shop\n" + BAD_POD.partition("kind: Pod\n")[2],
        f"kind: List\napiVersion: v1\nitems: [{msgspec.json.encode(statefulset()).decode()}]\n",
    ]
    Path("many.yaml").write_text("---\n".join(many * 3))
    Path("ends.yaml").write_text("...\n".join(many) + "...\n---\n...\n---\n" + BAD_POD)
    Path("values.json").write_bytes(
        b"\n".join(review(statefulset(container("web"))) for _ in range(3)) + b"\n---\n" * 9
    )
    Path("template.yaml").write_text("---\n".join(["{{ if .Values.a }}\n", *many]))
    Path("bom.yaml").write_bytes(b"\xef\xbb\xbf" + f"---\n{fill}".encode() * 5)
    Path("clean.yaml").write_text(f"---\n{NAMED % 'web'}spec: {{containers: []}}\n" * 5)
    for number in range(8):
        Path(f"small-{number}.yaml").write_text(BAD_POD)
    Path("nowhere.yaml").symlink_to("missing")
    return f"---\n{BAD_POD}---\n{fill}".encode() * 3


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_report_is_the_same_to_the_byte(
    audit: Audit, corpus: bytes, format_name: str
) -> None:
    paths = (".", "-", "missing", "many.yaml", "ends.yaml")
    alone = audit(1, *paths, format_name=format_name, stdin=corpus)

    assert audit(3, *paths, format_name=format_name, stdin=corpus) == alone
    assert alone.code == 3
    assert "is repeated, the last one counts" in alone.stderr


@pytest.mark.usefixtures("corpus")
def test_diffs_are_the_same(audit: Audit) -> None:
    alone = audit(1, format_name="text", show_fill=True)

    assert audit(3, format_name="text", show_fill=True) == alone
    assert "+    livenessProbe: {tcpSocket: {port: 80}, timeoutSeconds: 3" in alone.stdout


@pytest.mark.usefixtures("corpus")
def test_the_parts_of_a_file_are_those_of_the_whole(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_parts = audit(1)
    monkeypatch.setattr("webhook.audit.batches.SIZE", 1_000_000)

    assert audit(1) == in_parts


@pytest.mark.usefixtures("corpus")
def test_where_no_process_can_be_started_one_does_all(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = audit(1)

    def refused() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refused)
    assert audit(3) == alone


def test_processes_are_started_for_more_than_little_and_are_gone_at_the_end(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a.yaml").write_text(f"---\n{BAD_POD}" * 100)
    fork = os.fork
    children: list[int] = []

    def counted() -> int:
        pid = fork()
        children.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", counted)
    audit(2)
    assert len(children) == 2
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    monkeypatch.setattr("webhook.audit.pool.ALONE", 1_000_000)
    audit(2)
    assert len(children) == 2


def dying_of(name: str, end: Callable[[], None]) -> Profile:
    """A profile of a check that ends its process at a workload of that name."""

    def check(workload: Workload, _: object, __: Lookups) -> Iterator[Violation]:
        if workload.name == name:
            end()
        yield Violation("/spec", "web", "bad", "fix it")

    profile = check_by("warn")
    binding = msgspec.structs.replace(profile.checks["Pod"][0], check=check)
    return msgspec.structs.replace(profile, lone_checks={"Pod": (binding,)})


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (
            lambda: os.kill(os.getpid(), signal.SIGKILL),
            "was ended by SIGKILL, as happens where memory runs out",
        ),
        (lambda: os._exit(7), "exited with 7"),
    ],
    ids=["killed", "exited"],
)
def test_what_brings_its_process_down_is_told_and_the_rest_is_judged(
    audit: Audit, end: Callable[[], None], how: str
) -> None:
    for number in range(20):
        Path(f"{number:02}.yaml").write_text(f"# {'long' * 3}\n{NAMED % f'pod-{number}'}")
    Path("10.yaml").write_text("---\n" * 40 + NAMED % "pod-10" + "---\n" + NAMED % "more" * 9)

    outcome = audit(2, profile=dying_of("pod-10", end))

    report = msgspec.json.decode(outcome.stdout)
    (error,) = (one for one in report["errors"] if "not judged" in one["message"])
    assert error["source"]["file"] == "10.yaml"
    assert error["message"] == f"not judged: the process that judged it {how}"
    judged = {one["object"]["name"] for one in report["objects"]}
    assert judged >= {f"pod-{number}" for number in range(20) if number != 10}
    assert outcome.code == 3


def test_the_documents_behind_a_lost_part_keep_their_numbers(audit: Audit) -> None:
    names = [f"pod-{number}" for number in range(40)]
    Path("a.yaml").write_text("---\n".join(NAMED % name for name in names))

    outcome = audit(2, profile=dying_of("pod-30", lambda: os._exit(1)))

    report = msgspec.json.decode(outcome.stdout)
    assert len(report["errors"]) == 1
    assert 30 < len(report["objects"]) < 40
    for one in report["objects"]:
        assert one["object"]["name"] == f"pod-{one['source']['document']}"
        assert one["source"]["line"] == 4 * one["source"]["document"] + 1


def test_what_a_policy_prints_is_not_in_the_report(audit: Audit) -> None:
    Path("a.yaml").write_text("---\n".join(NAMED % f"pod-{number}" for number in range(9)))

    outcome = audit(2, profile=dying_of("pod-8", lambda: print("x" * 100_000)))

    assert outcome.code == 0
    assert "xxx" not in outcome.stdout


def test_there_are_no_more_processes_than_processors() -> None:
    assert 1 <= useful_processes() <= (os.cpu_count() or 1)


# Ends that nobody planned

several = pytest.mark.skipif(useful_processes() < 2, reason="takes two processors")


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """A directory for an audit whose processes wait in a policy, once they told who they are."""
    check = """
    if os.getpid() != PARENT:
        (HERE / f"{os.getpid()}.pid").touch()
        while not (HERE / "go").exists():
            time.sleep(0.01)
    """
    head = "import os\nimport time\nfrom pathlib import Path\n\n"
    place = f"PARENT = os.getpid()\nHERE = Path({str(tmp_path)!r})\n"
    text = OWN.replace("from collections", f"{head}from collections", 1)
    text = text.replace("class Params", f"{place}\n\nclass Params", 1)
    text = text.replace("    for container in", f"{check.strip(' ')}    for container in", 1)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "telling_names.py").write_text(text)
    (tmp_path / "payments.yaml").write_text(PROFILE)
    (tmp_path / "many.yaml").write_text(f"---\n{BAD_POD}#{' long' * 50}\n" * 3000)
    return tmp_path


def command(directory: Path) -> list[str]:
    options = ["--policies-dir=own", "--profiles=payments.yaml", "--profile=payments", "many.yaml"]
    return [sys.executable, "-P", "-c", START, str(directory), "audit", *options]


START = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
os.chdir(sys.argv.pop(1))
from webhook.cli import main
main()
"""


def until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.01)


def children(directory: Path) -> list[int]:
    """The processes that wait."""
    return [int(file.stem) for file in directory.glob("*.pid")]


def is_gone(pid: int) -> bool:
    """True for a zombie, too, which nobody may have asked for its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@several
def test_ctrl_c_ends_all(waiting: Path) -> None:
    # without findings: nobody reads the screen while the processes start
    (waiting / "many.yaml").write_text((waiting / "many.yaml").read_text().replace("web", "db"))
    terminal = Terminal(*command(waiting))
    until(lambda: len(children(waiting)) == useful_processes())

    terminal.press(CTRL_C)
    terminal.read_until("interrupted")
    assert terminal.exit_code() == 3
    assert "Traceback" not in terminal.text
    assert all(map(is_gone, children(waiting)))


@several
def test_no_process_outlives_one_that_is_killed(waiting: Path) -> None:
    with subprocess.Popen(command(waiting), stderr=subprocess.PIPE) as process:
        until(lambda: len(children(waiting)) == useful_processes())
        process.kill()
        (waiting / "go").touch()
        until(lambda: all(map(is_gone, children(waiting))))
        assert process.stderr
        assert process.stderr.read() == b""


@several
def test_a_reader_that_leaves_is_no_trouble(waiting: Path) -> None:
    (waiting / "go").touch()
    with subprocess.Popen(
        command(waiting), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
    assert children(waiting)
