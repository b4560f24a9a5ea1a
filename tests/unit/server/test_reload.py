"""Files that change, with documents as the example: one look at a time, no server."""

import logging
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOON, container, pod, response, review
from tests.clock import Clock
from tests.mounts import Mount
from tests.serving import PATIENCE, eventually
from webhook import documents
from webhook.admission import Door
from webhook.errors import DocumentError, UnknownProfile
from webhook.server.reload import Reloader, Report
from webhook.server.rules import Rules, Sources

PROFILE = """
apiVersion: podworthy.dev/v1alpha1
kind: Profile
metadata: {name: %s}
spec: {extends: baseline}
"""
EXEMPTION = """
apiVersion: podworthy.dev/v1alpha1
kind: Exemption
metadata: {name: web}
spec:
  policies: [require-probes]
  workload: {namespace: shop, kind: Pod, name: web}
  reason: moves in Q1
  owner: team-shop
  granted: 2026-11-24
  expires: 2026-12-31
"""
LATER = NOON + timedelta(minutes=1)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    """A mount with the profile `team` and nothing else."""
    mount = Mount(tmp_path)
    mount.write({"team.yaml": PROFILE % "team"})
    return mount


@pytest.fixture
def rules(mount: Mount, clock: Clock, caplog: pytest.LogCaptureFixture) -> Rules:
    """They were read from the mount at NOON, and it is LATER now."""
    rules = Rules(Sources((mount.directory,), "team"), clock)
    clock.now = LATER
    caplog.set_level(logging.INFO, "webhook")
    return rules


@pytest.fixture
def reloader(rules: Rules) -> Reloader:
    return Reloader([rules.watch], period=0.01)


def allows(rules: Rules) -> bool:
    """Whether a pod without probes may pass."""
    answer = rules.admission.handle(Door.VALIDATE, None, review(pod(container())))
    return bool(response(answer)["allowed"])


def look_twice(rules: Rules) -> None:
    rules.watch.check()
    rules.watch.check()


def test_the_first_set(rules: Rules) -> None:
    assert rules.watch.report == Report(NOON)
    assert not allows(rules)


def test_nothing_new_changes_nothing(rules: Rules, caplog: pytest.LogCaptureFixture) -> None:
    snapshot = rules.admission.snapshot
    look_twice(rules)
    assert rules.admission.snapshot is snapshot
    assert rules.watch.report == Report(NOON)
    assert caplog.messages == []


def test_a_swapped_link_is_taken(
    rules: Rules, mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    mount.write({"team.yaml": PROFILE % "team", "exemptions.yaml": EXEMPTION})
    look_twice(rules)
    assert allows(rules)
    assert rules.watch.report == Report(LATER, reloads=1)
    assert caplog.messages == ["documents reloaded: 4 profiles, 1 exemption"]


def test_denials_say_where_to_read_more_after_a_reload_too(mount: Mount, clock: Clock) -> None:
    url = "https://docs.example/policies"
    rules = Rules(Sources((mount.directory,), "team", docs_url=url), clock)
    for reloads in (0, 1):
        answer = rules.admission.handle(Door.VALIDATE, None, review(pod(container())))
        message = response(answer)["status"]["message"]
        assert message.endswith(f"\nread more: {url}/require-probes")
        assert rules.watch.report.reloads == reloads
        mount.write({"team.yaml": PROFILE % "team", "more.yaml": PROFILE % "more"})
        look_twice(rules)


def test_the_same_bytes_in_another_directory_are_nothing_new(rules: Rules, mount: Mount) -> None:
    mount.write({"team.yaml": PROFILE % "team"})
    look_twice(rules)
    assert rules.watch.report == Report(NOON)


def test_a_file_that_is_edited_in_its_place_is_taken(
    mount: Mount, clock: Clock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Even one of the same size, within one tick of the file system's clock."""
    file = tmp_path_factory.mktemp("files") / "exemption"
    file.write_text(EXEMPTION.replace("name: web}", "name: wib}"))
    rules = Rules(Sources((mount.directory, file), "team"), clock)
    assert not allows(rules)
    file.write_text(EXEMPTION)
    look_twice(rules)
    assert allows(rules)


def test_a_change_is_taken_when_it_rests(rules: Rules, mount: Mount) -> None:
    """Somebody copies one file after the other."""
    (mount.directory / "exemption.yaml").write_text(EXEMPTION)
    rules.watch.check()
    (mount.directory / "other.yaml").write_text(EXEMPTION.replace("{name: web}", "{name: other}"))
    rules.watch.check()
    assert not allows(rules)
    rules.watch.check()
    assert allows(rules)
    assert rules.watch.report.reloads == 1


def test_a_change_that_is_undone_at_once_was_none(rules: Rules, mount: Mount) -> None:
    file = mount.directory / "exemption.yaml"
    file.write_text("kind: [")
    rules.watch.check()
    file.unlink()
    look_twice(rules)
    assert rules.watch.report == Report(NOON)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"team.yaml": PROFILE % "team", "a.yaml": "\nkind: Exemptoin\n"},
            "a.yaml:2: 'kind' must be 'Profile' or 'Exemption', not 'Exemptoin' "
            "(did you mean 'Exemption'?)",
        ),
        ({"team.yaml": PROFILE % "team", "a.yaml": "a: ["}, "a.yaml:1: "),
        (
            {"team.yaml": PROFILE % "taem"},
            "no profile 'team' (did you mean 'taem'?); there are advise, baseline, strict, taem",
        ),
        ({}, "no profile 'team'; there are advise, baseline, strict"),
    ],
    ids=["unknown kind", "no YAML", "the default profile is renamed", "nothing is left"],
)
def test_a_bad_set_keeps_the_last_good_one(
    rules: Rules,
    mount: Mount,
    caplog: pytest.LogCaptureFixture,
    files: dict[str, str],
    problem: str,
) -> None:
    snapshot = rules.admission.snapshot
    mount.write(files)
    for _ in range(5):
        rules.watch.check()
    assert rules.admission.snapshot is snapshot
    told = rules.watch.report.problem
    assert told is not None
    assert told.removeprefix(f"{mount.directory}/").startswith(problem)
    assert rules.watch.report == Report(NOON, problem=told, failures=1)
    assert caplog.record_tuples == [
        ("webhook.server.reload", logging.ERROR, f"documents not reloaded: {told}")
    ]


def test_every_problem_is_told_on_a_line_of_its_own(
    rules: Rules, mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    bad = {"b.yaml": EXEMPTION.replace("shop", "Shop"), "a.yaml": "\x1b[31m: 1\n---\n- 1\n"}
    mount.write(bad)
    look_twice(rules)
    lines = caplog.text.splitlines()
    assert len(lines) == len(caplog.messages) >= 3
    assert all("documents not reloaded: " in line for line in lines)
    assert "\x1b" not in caplog.text
    assert rules.watch.report.failures == 1


def test_a_repaired_set_is_taken(
    rules: Rules, mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    mount.write({"team.yaml": "a: ["})
    look_twice(rules)
    mount.write({"team.yaml": PROFILE % "team"})
    look_twice(rules)
    assert rules.watch.report == Report(LATER, reloads=1, failures=1)
    assert caplog.messages[-1] == "documents reloaded: 4 profiles, 0 exemptions"


def test_a_directory_that_vanishes_and_comes_back(rules: Rules, mount: Mount) -> None:
    away = mount.directory.with_name("away")
    mount.directory.rename(away)
    look_twice(rules)
    assert rules.watch.report.problem is not None
    assert rules.watch.report.problem.startswith(f"{mount.directory}: No such file or directory; ")
    away.rename(mount.directory)
    look_twice(rules)
    assert rules.watch.report.problem is None


def test_a_directory_that_is_away_for_a_moment_is_no_problem(rules: Rules, mount: Mount) -> None:
    away = mount.directory.with_name("moment")
    mount.directory.rename(away)
    rules.watch.check()
    away.rename(mount.directory)
    look_twice(rules)
    assert rules.watch.report == Report(NOON)


def test_a_bug_of_ours_keeps_the_last_good_set(
    rules: Rules,
    mount: Mount,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def crash(*_: Any) -> documents.Documents:
        raise ZeroDivisionError

    mount.write({"team.yaml": PROFILE % "team", "exemptions.yaml": EXEMPTION})
    with monkeypatch.context() as patch:
        patch.setattr(documents, "parse", crash)
        look_twice(rules)
    assert rules.watch.report == Report(
        NOON, problem="podworthy failed; its log says why", failures=1
    )
    assert "ZeroDivisionError" in caplog.text
    assert not allows(rules)


def test_the_thread_looks_until_it_is_stopped(
    reloader: Reloader, rules: Rules, mount: Mount
) -> None:
    reloader.start()
    mount.write({"team.yaml": PROFILE % "team", "exemptions.yaml": EXEMPTION})
    eventually(lambda: allows(rules))
    reloader.stop(timeout=PATIENCE)
    assert "reload" not in {thread.name for thread in threading.enumerate()}


def test_the_thread_survives_what_nobody_thought_of(
    reloader: Reloader,
    rules: Rules,
    mount: Mount,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def crash(*_: Any) -> documents.Texts:
        raise MemoryError

    reloader.start()
    with monkeypatch.context() as patch:
        patch.setattr(documents, "read", crash)
        eventually(lambda: "a look at the documents failed" in caplog.text)
    mount.write({"team.yaml": PROFILE % "team", "exemptions.yaml": EXEMPTION})
    eventually(lambda: allows(rules))
    reloader.stop(timeout=PATIENCE)


def test_a_worker_that_replaces_another_takes_what_is_there_at_once(
    reloader: Reloader, rules: Rules, mount: Mount
) -> None:
    mount.write({"team.yaml": PROFILE % "team", "exemptions.yaml": EXEMPTION})
    reloader.start()
    assert allows(rules)
    reloader.stop(timeout=PATIENCE)


def test_a_first_set_that_is_bad_is_refused(mount: Mount, clock: Clock) -> None:
    with pytest.raises(UnknownProfile):
        Rules(Sources((mount.directory,), "payments"), clock)
    mount.write({"team.yaml": "a: ["})
    with pytest.raises(DocumentError):
        Rules(Sources((mount.directory,), "team"), clock)
