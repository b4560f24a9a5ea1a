"""Files that are written: only those that change, all of them or nothing."""

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import NOON
from tests.exemptions import exemption
from tests.fixtures import DIRECTORY
from webhook.api import Evidence, Fill, Workload
from webhook.audit import Court
from webhook.audit.fix import fix
from webhook.exemptions import Exemption, Exemptions
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

    def call(
        *paths: str,
        profile: str | Profile = "baseline",
        exemptions: Iterable[Exemption] = (),
        namespace: str | None = None,
    ) -> Outcome:
        stdout, stderr = io.StringIO(), io.StringIO()
        court = Court(
            profiles[profile] if isinstance(profile, str) else profile,
            Exemptions(exemptions),
            NOON.date(),
        )
        code = fix(paths, court, namespace=namespace, stdout=stdout, stderr=stderr)
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


def test_an_exemption_that_does_not_count_is_noted(podworthy_fix: Fix) -> None:
    Path("app.yaml").write_text(POD.replace(", namespace: shop", ""))

    outcome = podworthy_fix("app.yaml", exemptions=[exemption()])

    assert outcome.code == 0
    assert outcome.stderr == (
        "podworthy: exemption web (team.yaml:1) does not count for Pod web: it is for namespace "
        "shop, and the manifest names none: --namespace shop\n"
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
    """The text becomes the other one, but for the comment at its head."""
    comment, _, text = path.read_text().partition("\n")
    assert comment.startswith("# ")
    Path("app.yaml").write_text(text)

    assert podworthy_fix("app.yaml").code == 0
    wanted = path.with_name(path.name.replace(".in.", ".out.")).read_text()
    assert Path("app.yaml").read_text() == wanted


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


def test_what_is_exempt_is_left(podworthy_fix: Fix) -> None:
    Path("app.yaml").write_text(POD.replace(", namespace: shop", ""))
    exempt = [exemption(policies=frozenset({"probe-timing"}))]

    assert podworthy_fix("app.yaml", exemptions=exempt, namespace="shop").stdout == "nothing set\n"
    assert podworthy_fix("app.yaml", exemptions=exempt).stdout.startswith("app.yaml: Pod web")


def filling(profiles: dict[str, Profile], *fills: Fill) -> Profile:
    """A profile of one policy of somebody's own, which fills these, or crashes without any."""

    def fill(_: Workload, __: Any, ___: Evidence) -> Iterator[Fill]:
        if not fills:
            raise ValueError("oops")
        yield from fills

    binding = msgspec.structs.replace(profiles["baseline"].fills["Pod"][0], policy="own", fill=fill)
    return msgspec.structs.replace(profiles["baseline"], fills={"Pod": (binding,)})


def test_own_policies_may_set_other_numbers_but_no_texts(
    podworthy_fix: Fix, profiles: dict[str, Profile]
) -> None:
    Path("app.yaml").write_text(POD)
    own = filling(
        profiles,
        Fill("/spec/priority", "web", 5, None, "absent"),
        Fill("/metadata/labels", "web", "x", None, "absent"),
    )

    outcome = podworthy_fix("app.yaml", profile=own)

    assert outcome.stdout.splitlines()[0] == "app.yaml: Pod shop/web: set 1 field"
    assert outcome.stderr == (
        "podworthy: app.yaml:3: Pod shop/web: not set: only numbers are set in files; "
        "write it by hand\n"
    )
    assert Path("app.yaml").read_text() == f"{POD}  priority: 5\n"


def test_a_policy_that_crashes_is_told(podworthy_fix: Fix, profiles: dict[str, Profile]) -> None:
    Path("app.yaml").write_text(POD)

    outcome = podworthy_fix("app.yaml", profile=filling(profiles))

    assert outcome.code == 3
    assert outcome.stderr.startswith(
        f"podworthy: app.yaml:1: the policy own failed: ValueError: oops ({__file__}:"
    )


def test_a_file_that_cannot_be_written_is_told(podworthy_fix: Fix) -> None:
    Path("elsewhere").write_text(POD)
    Path("app.yaml").symlink_to("elsewhere")

    assert podworthy_fix("app.yaml", "elsewhere") == Outcome(
        3,
        "elsewhere: Pod shop/web: set 6 timings\n6 timings set in 1 file, 1 problem\n",
        "podworthy: app.yaml: not written: a symbolic link to elsewhere; name that file itself\n",
    )
    assert Path("app.yaml").is_symlink()


def test_a_pipe_is_no_file(podworthy_fix: Fix) -> None:
    reader, writer = os.pipe()
    os.write(writer, POD.encode())
    os.close(writer)

    outcome = podworthy_fix(f"/dev/fd/{reader}")

    os.close(reader)
    assert outcome.code == 3
    assert "not written: a symbolic link to pipe" in outcome.stderr
