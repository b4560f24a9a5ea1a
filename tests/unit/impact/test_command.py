"""The command: options, exit codes, what it prints, and what it says when used wrongly."""

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.builders import container, of_kind
from tests.unit.impact.conftest import analyse, promotion
from tests.unit.impact.test_consequences import BARE, with_pods
from tests.unit.live.fake import FakeApi, workload
from webhook.cli import main
from webhook.cluster import Request

WRITE = ("--write-exemptions", "x.yaml", "--owner", "us", "--reason", "before")


@pytest.fixture(autouse=True)
def _manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bad = of_kind("Deployment", container())
    bad["metadata"]["namespace"] = "shop"
    Path("bad.yaml").write_text(json.dumps(bad))
    Path("config.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")


def impact(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["impact", *arguments], prog_name="podworthy")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["--to", "advise", "bad.yaml"], 0, "1 no longer denied"),
        (["--to", "strict", "bad.yaml"], 1, "1 denied already"),
        (["--to", "strict", "--profile", "advise", "bad.yaml"], 1, "1 newly denied"),
        (["--to", "strict", "config.yaml"], 0, "nothing to judge"),
        (["--to", "strict", "missing.yaml"], 3, "missing.yaml: No such file or directory"),
        (["bad.yaml"], 2, "Missing option '--to'"),
        (["--to", "strict"], 2, "--cluster, or name files"),
        (["--to", "strict", ""], 2, "an empty path"),
        (["--to", "strict", "--cluster", "bad.yaml"], 2, "files or a cluster"),
        (["--to", "strict", "--context", "x", "bad.yaml"], 2, "add --cluster"),
        (["--to", "strict", "--cluster", "--context", ""], 2, "an empty --context"),
        (["--to", "strcit", "bad.yaml"], 2, "did you mean 'strict'?"),
        (["--to", "strict", "--profile", "basline", "bad.yaml"], 2, "did you mean 'baseline'?"),
        (["--to", "strict", "--owner", "us", "bad.yaml"], 2, "belong to --write-exemptions"),
        (["--to", "strict", *WRITE[:2], "bad.yaml"], 2, "needs --owner"),
        (["--to", "strict", *WRITE[:4], "bad.yaml"], 2, "needs --reason"),
        (["--to", "strict", *WRITE[:5], " ", "bad.yaml"], 2, "needs --reason"),
        (["--to", "strict", *WRITE, "--expires", "181d", "bad.yaml"], 2, "from 1d to 180d"),
        (["--to", "strict", *WRITE, "--expires", "90", "bad.yaml"], 2, "from 1d to 180d"),
        (["--to", "strict", *WRITE, "bad.yaml"], 1, "x.yaml: 1 exemption written"),
    ],
)
def test_exit_codes(arguments: list[str], exit_code: int, says: str) -> None:
    done = impact(*arguments)
    assert done.exit_code == exit_code, done.output
    assert says in " ".join(done.output.split())


def test_the_file_that_was_written_makes_it_safe() -> None:
    impact("--to", "strict", *WRITE, "bad.yaml")

    done = impact("--to", "strict", "--exemptions", "x.yaml", "bad.yaml")

    assert (done.exit_code, "1 exempted" in done.output) == (0, True)


def test_what_is_in_the_file_counts_though_nobody_names_it() -> None:
    impact("--to", "strict", *WRITE, "bad.yaml")
    before = Path("x.yaml").read_text()

    for given in ((), ("--exemptions", "x.yaml"), ("--exemptions", ".")):
        Path("bad.yaml").rename("bad.yml.txt")  # which is no document of ours
        Path("config.yaml").unlink(missing_ok=True)
        done = impact("--to", "strict", *WRITE, *given, "bad.yml.txt")
        Path("bad.yml.txt").rename("bad.yaml")
        assert (done.exit_code, Path("x.yaml").read_text()) == (0, before), done.output


def test_a_file_of_something_else_is_left_alone() -> None:
    before = Path("config.yaml").read_text()

    done = impact("--to", "strict", "--write-exemptions", "config.yaml", *WRITE[2:], "bad.yaml")

    assert done.exit_code == 2
    assert "config.yaml:2: 'kind' must be 'Profile' or 'Exemption'" in done.output
    assert Path("config.yaml").read_text() == before


@pytest.mark.parametrize("file", [".", "/dev/null"])
def test_what_is_no_file_cannot_be_written(file: str) -> None:
    done = impact("--to", "strict", "--write-exemptions", file, *WRITE[2:], "bad.yaml")
    assert (done.exit_code, "no file that could be replaced" in done.output) == (2, True)


def test_people_read_it_by_namespace_and_team() -> None:
    web = workload("Deployment", "web", BARE, labels={"team": "pay"})
    fine = workload("StatefulSet", "db", labels={"team": "pay"})
    objects = [*with_pods(web), *with_pods(fine, 1), workload("Pod", "alone", BARE)]

    found = analyse(*objects, of=promotion(default="advise"), format_name="text")

    assert (
        found.stdout
        == """\
shop, team pay: advise now, strict then
  Deployment web, 2 pods: newly denied
      2 of 2 pods would not come back; new pods would be denied; a rollout would be rejected
      web: no livenessProbe; add httpGet, tcpSocket, grpc or exec [require-probes]
          /spec/template/spec/containers/0/livenessProbe
      web: no readinessProbe; add httpGet, tcpSocket, grpc or exec [require-probes]
          /spec/template/spec/containers/0/readinessProbe
  1 other with 1 pod: admitted

shop: advise now, strict then
  Pod alone: newly denied
      nobody makes it again; it would be rejected when it is applied
      web: no livenessProbe; add httpGet, tcpSocket, grpc or exec [require-probes]
          /spec/containers/0/livenessProbe
      web: no readinessProbe; add httpGet, tcpSocket, grpc or exec [require-probes]
          /spec/containers/0/readinessProbe

3 workloads of prod with 4 pods: 2 newly denied, 2 pods would not come back
"""
    )


def test_names_cannot_repaint_a_terminal() -> None:
    api = FakeApi(workload("Pod", "a\x1b[2J", BARE))
    assert "\x1b" not in analyse(api=api, format_name="text").stdout


def test_ctrl_c_ends_it_with_what_is_known() -> None:
    api = FakeApi(workload("StatefulSet", "web", BARE), workload("Pod", "alone", BARE))

    def interrupt(request: Request) -> None:
        if request.path.endswith("/pods"):
            os.kill(os.getpid(), signal.SIGINT)

    api.before = interrupt
    found = analyse(api=api)

    assert (list(found.workloads), found.code) == (["StatefulSet/web"], 3)
    assert found.report["summary"]["partial"] is True
