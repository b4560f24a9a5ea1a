"""Files that are written: only those that change, all of them or nothing."""

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.fixtures import DIRECTORY
from webhook.audit import fix, replace
from webhook.profile import Profile

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    livenessProbe:
      httpGet: {port: 80}  # the page
    readinessProbe: {httpGet: {port: 80}}
"""
FIXED = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    livenessProbe:
      httpGet: {port: 80}  # the page
      timeoutSeconds: 3
      periodSeconds: 10
      failureThreshold: 6
    readinessProbe: {httpGet: {port: 80}, timeoutSeconds: 3, periodSeconds: 10, failureThreshold: 3}
"""
ALIAS = POD.replace("livenessProbe:", "livenessProbe: &probe").replace(
    "{httpGet: {port: 80}}", "*probe"
)
BROKEN = "a: [\n"


class Outcome(msgspec.Struct):
    """What a run left behind."""

    code: int
    stdout: str
    stderr: str


Fix = Callable[..., Outcome]


@pytest.fixture
def podworthy_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profiles: dict[str, Profile]
) -> Fix:
    """Fixes paths below the present directory."""
    monkeypatch.chdir(tmp_path)

    def call(*paths: str, profile: str = "baseline") -> Outcome:
        stdout, stderr = io.StringIO(), io.StringIO()
        code = fix(paths, profiles[profile], stdout=stdout, stderr=stderr)
        left = [path.name for path in tmp_path.rglob(".*")]
        assert not left, "a temporary file is left"
        return Outcome(code, stdout.getvalue(), stderr.getvalue())

    return call


@pytest.mark.parametrize("profile", ["baseline", "advise"])
def test_what_is_filled_or_suggested_is_set(podworthy_fix: Fix, profile: str) -> None:
    Path("app.yaml").write_text(POD)

    outcome = podworthy_fix("app.yaml", profile=profile)

    assert Path("app.yaml").read_text() == FIXED
    assert outcome == Outcome(
        0, "app.yaml: Pod shop/web: set 6 timings\n6 timings set in 1 file\n", ""
    )


def test_the_second_run_changes_nothing(podworthy_fix: Fix) -> None:
    Path("app.yaml").write_text(POD)
    podworthy_fix("app.yaml")
    before = Path("app.yaml").stat()

    assert podworthy_fix("app.yaml") == Outcome(0, "nothing set\n", "")
    assert Path("app.yaml").stat() == before


@pytest.mark.parametrize(
    "path", sorted(DIRECTORY.glob("probe-timing/*.in.yaml")), ids=lambda path: path.stem
)
def test_the_fixtures_of_the_policy(podworthy_fix: Fix, path: Path) -> None:
    """The text itself becomes the other text, but for the comment at its head."""
    Path("app.yaml").write_text(path.read_text())
    wanted = path.with_name(path.name.replace(".in.", ".out.")).read_text()

    assert podworthy_fix("app.yaml").code == 0
    assert (
        Path("app.yaml").read_text().removeprefix(f"{path.read_text().partition(chr(10))[0]}\n")
        == wanted
    )


def test_directories_are_searched(podworthy_fix: Fix) -> None:
    for name in ("deploy/b.yaml", "deploy/a/c.yml", "deploy/notes.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(POD)

    outcome = podworthy_fix("deploy")

    assert outcome.stdout.splitlines() == [
        "deploy/a/c.yml: Pod shop/web: set 6 timings",
        "deploy/b.yaml: Pod shop/web: set 6 timings",
        "12 timings set in 2 files",
    ]
    assert Path("deploy/notes.txt").read_text() == POD


def test_what_can_be_done_is_done_and_the_rest_is_told_with_its_line_as_it_is_now(
    podworthy_fix: Fix,
) -> None:
    Path("app.yaml").write_text(f"{POD}---\n{ALIAS}---\n{BROKEN}")

    outcome = podworthy_fix("app.yaml", "gone.yaml")

    assert outcome.code == 3
    assert Path("app.yaml").read_text() == f"{FIXED}---\n{ALIAS}---\n{BROKEN}"
    assert outcome.stdout == (
        "app.yaml: Pod shop/web: set 6 timings\n6 timings set in 1 file, 4 problems\n"
    )
    assert outcome.stderr.splitlines() == [
        "podworthy: app.yaml:20: Pod shop/web: not set: livenessProbe has the anchor &probe, "
        "and what stands as *probe would change with it; write it out there",
        "podworthy: app.yaml:22: Pod shop/web: not set: readinessProbe is the alias *probe, "
        "which stands for text elsewhere; write it out",
        "podworthy: app.yaml:24: not YAML: did not find expected node content "
        "while parsing a flow node",
        "podworthy: gone.yaml: No such file or directory",
    ]


def test_a_name_that_is_not_utf_8(podworthy_fix: Fix) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    Path(name).write_text(POD)

    assert podworthy_fix(name).stderr == (
        "podworthy: caf\ufffd.yaml: not written: its name is not UTF-8; rename it\n"
    )
    assert Path(name).read_text() == POD


def test_a_recorded_review_is_no_manifest(podworthy_fix: Fix) -> None:
    review = Path(__file__).parents[3] / "examples" / "reviews" / "web.json"
    Path("review.json").write_bytes(review.read_bytes())

    outcome = podworthy_fix("review.json")

    assert outcome.code == 3
    assert "recorded review" in outcome.stderr
    assert Path("review.json").read_bytes() == review.read_bytes()


def test_items_of_a_list(podworthy_fix: Fix) -> None:
    item = POD.replace("\n", "\n  ").rstrip()
    Path("list.yaml").write_text(f"apiVersion: v1\nkind: List\nitems:\n- {item}\n")

    assert podworthy_fix("list.yaml").code == 0
    fixed = FIXED.replace("\n", "\n  ").rstrip()
    assert Path("list.yaml").read_text() == f"apiVersion: v1\nkind: List\nitems:\n- {fixed}\n"


def test_mode_and_owner_are_kept_and_the_time_is_not(podworthy_fix: Fix) -> None:
    file = Path("app.yaml")
    file.write_text(POD)
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    os.utime(file, (1, 1))
    before = file.stat()

    assert podworthy_fix("app.yaml").code == 0

    after = file.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_mtime > 1


def links_to_it() -> None:
    Path("elsewhere").write_text(POD)
    Path("app.yaml").symlink_to("elsewhere")


def has_another_name() -> None:
    Path("elsewhere").write_text(POD)
    Path("app.yaml").hardlink_to("elsewhere")


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (links_to_it, "a symbolic link to elsewhere; name that file itself"),
        (
            has_another_name,
            "a file with 2 names (hard links), of which only this one would change; "
            "make a copy of it",
        ),
    ],
)
def test_links_are_left_as_they_are(
    podworthy_fix: Fix, prepare: Callable[[], None], reason: str
) -> None:
    prepare()
    before = Path("app.yaml").lstat()

    outcome = podworthy_fix("app.yaml")

    assert outcome == Outcome(
        3, "nothing set, 1 problem\n", f"podworthy: app.yaml: not written: {reason}\n"
    )
    assert Path("app.yaml").lstat()[:4] == before[:4]
    assert Path("elsewhere").read_text() == POD


def test_a_pipe_is_no_file(podworthy_fix: Fix) -> None:
    reader, writer = os.pipe()
    os.write(writer, POD.encode())
    os.close(writer)

    outcome = podworthy_fix(f"/dev/fd/{reader}")

    os.close(reader)
    assert outcome.code == 3
    assert "not written: a symbolic link to pipe" in outcome.stderr


def test_a_named_pipe_is_no_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(replace.CannotReplace, match="no regular file"):
        replace.replace(pipe, b"", b"x")


def test_a_file_that_must_not_be_written(
    podworthy_fix: Fix, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root may write everywhere, and tests may run as root
    monkeypatch.setattr(os, "access", lambda *_: False)
    Path("app.yaml").write_text(POD)

    assert podworthy_fix("app.yaml").stderr == "podworthy: app.yaml: not written: not writable\n"
    assert Path("app.yaml").read_text() == POD


def test_an_owner_that_cannot_be_kept(podworthy_fix: Fix, monkeypatch: pytest.MonkeyPatch) -> None:
    def chown(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", chown)
    Path("app.yaml").write_text(POD)
    status = Path("app.yaml").stat()
    other = os.stat_result((*status[:4], status.st_uid + 1, *status[5:]))
    monkeypatch.setattr(Path, "lstat", lambda _: other)

    assert "belongs to another user or group" in podworthy_fix("app.yaml").stderr
    assert Path("app.yaml").read_text() == POD


def test_a_file_that_changed_meanwhile_is_left(tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    file.write_text("new")

    with pytest.raises(replace.CannotReplace, match="changed while it was judged; run it again"):
        replace.replace(file, b"old", b"fixed")
    assert [path.name for path in tmp_path.iterdir()] == ["app.yaml"]
    assert file.read_text() == "new"


def test_a_full_disk_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "app.yaml"
    file.write_text("old")
    monkeypatch.setattr(os, "fsync", fsync)

    with pytest.raises(replace.CannotReplace, match="No space left on device"):
        replace.replace(file, b"old", b"fixed")
    assert [path.name for path in tmp_path.iterdir()] == ["app.yaml"]
    assert file.read_text() == "old"
