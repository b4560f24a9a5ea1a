"""The GitHub action and the pre-commit hook, as far as they run without GitHub."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

ROOT = Path(__file__).parents[3]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
INSTALL, AUDIT = ACTION["runs"]["steps"]
BAD_POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: web\n"
REPEATED_KEY = f'{BAD_POD}"##[add-mask]x": 1\n"##[add-mask]x": 2\n'


class Step(msgspec.Struct):
    """What a step left behind."""

    code: int
    stdout: str
    stderr: str
    outputs: dict[str, str]
    summary: str


class Runner:
    """Runs the action's audit step in a directory, as GitHub's runner does."""

    def __init__(self, workspace: Path, temporary: Path) -> None:
        self.workspace = workspace
        self._temporary = temporary
        self._output = temporary / "output"
        self._summary = temporary / "summary"
        # what the install step leaves
        program = temporary / "podworthy" / "bin" / "podworthy"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m webhook "$@"\n')
        program.chmod(0o755)

    def audit(self, **inputs: str) -> Step:
        """The step with some inputs, the others at their defaults."""
        values = {name: entry["default"] for name, entry in ACTION["inputs"].items()}
        values |= {name.replace("_", "-"): value for name, value in inputs.items()}
        variables = {
            variable: values[expression.removeprefix("${{ inputs.").removesuffix(" }}")]
            for variable, expression in AUDIT["env"].items()
        }
        self._output.write_text("")
        self._summary.write_text("before\n")
        script = self._temporary / "step.sh"
        script.write_text(AUDIT["run"])
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.workspace,
            env={
                **{key: value for key, value in os.environ.items() if "PODWORTHY" not in key},
                **variables,
                "PYTHONPATH": str(ROOT),
                "RUNNER_TEMP": str(self._temporary),
                "GITHUB_WORKSPACE": str(self.workspace),
                "GITHUB_OUTPUT": str(self._output),
                "GITHUB_STEP_SUMMARY": str(self._summary),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Step(
            done.returncode,
            done.stdout,
            done.stderr,
            dict(line.split("=", 1) for line in self._output.read_text().splitlines()),
            self._summary.read_text(),
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "pod.yaml").write_text(BAD_POD)
    return Runner(workspace, tmp_path / "temp")


def test_inputs_reach_the_scripts_only_as_variables() -> None:
    assert set(AUDIT["env"].values()) == {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    for step in (INSTALL, AUDIT):
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


def test_outputs_are_those_that_the_step_sets(runner: Runner) -> None:
    step = runner.audit(sarif_file="podworthy.sarif")

    assert [output["value"] for output in ACTION["outputs"].values()] == [
        f"${{{{ steps.{AUDIT['id']}.outputs.{name} }}}}" for name in ACTION["outputs"]
    ]
    assert step.outputs == {"exit-code": "1", "sarif-file": "podworthy.sarif"}
    assert set(step.outputs) == set(ACTION["outputs"])


def test_findings_become_annotations_and_a_summary(runner: Runner) -> None:
    step = runner.audit()

    assert step.code == 1
    assert step.stdout.count("::error file=pod.yaml,line=5,title=require-probes") == 2
    assert step.summary.startswith("before\n## podworthy: 2 violations\n")
    assert step.stderr == ""


def test_the_sarif_report_is_written_where_it_is_wanted(runner: Runner) -> None:
    runner.audit(sarif_file="podworthy.sarif", fail_on="never")

    log = msgspec.json.decode((runner.workspace / "podworthy.sarif").read_bytes())
    assert len(log["runs"][0]["results"]) == 2


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"fail_on": "never"}, 0),
        ({"profile": "advise"}, 0),
        ({"paths": "pod.yaml\nmissing.yaml\n"}, 3),
        ({"profile": "strct"}, 2),
        ({"paths": ""}, 2),
        ({"fail_on": "$(touch injected)"}, 2),
        ({"paths": "`touch injected`\n; touch injected"}, 3),
        ({"sarif_file": "a b; touch injected"}, 1),
        ({"profiles": "own\n", "profile": "mine"}, 0),
        ({"exemptions": "own\n"}, 1),
        ({"exemptions": "missing"}, 2),
    ],
)
def test_the_exit_code_is_that_of_the_audit(
    runner: Runner, inputs: dict[str, str], code: int
) -> None:
    own = runner.workspace / "own"
    own.mkdir()
    (own / "mine.yaml").write_text(
        "{apiVersion: podworthy.dev/v1alpha1, kind: Profile, metadata: {name: mine}, spec: {}}"
    )

    step = runner.audit(**inputs)

    assert (step.code, step.outputs["exit-code"]) == (code, str(code))
    assert not (runner.workspace / "injected").exists()


def test_a_run_that_wrote_no_report_names_none(runner: Runner) -> None:
    (runner.workspace / "podworthy.sarif").write_text("{}")

    step = runner.audit(profile="strct", sarif_file="podworthy.sarif")

    assert "sarif-file" not in step.outputs
    assert step.summary == "before\n"
    assert "no profile 'strct'" in step.stderr


def test_a_note_that_quotes_a_manifest_is_no_workflow_command(runner: Runner) -> None:
    (runner.workspace / "pod.yaml").write_text(REPEATED_KEY)

    step = runner.audit()

    assert "## [add-mask]x' is repeated" in step.stderr
    assert "##[" not in step.stderr


def test_the_install_step_names_the_python_that_it_needs() -> None:
    assert "sys.version_info < (3, 11)" in INSTALL["run"]
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text()
    for file in ("requirements-build.txt", "pyproject.toml"):
        assert (ROOT / file).exists()


def test_the_hook_is_one_that_pre_commit_takes() -> None:
    done = _pre_commit("validate-manifest", ROOT / ".pre-commit-hooks.yaml")

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("text", "code"), [(BAD_POD, 1), ("kind: Service\napiVersion: v1\n", 0), ("a: {{ b }}\n", 3)]
)
def test_the_hook_judges_the_files_of_a_commit(tmp_path: Path, text: str, code: int) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (tmp_path / "a.yaml").write_text(text)
    program, *arguments = hook["entry"].split()
    assert program == "podworthy"

    done = subprocess.run(
        [sys.executable, "-m", "webhook", *arguments, "--profile", "strict", "a.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == code


def _pre_commit(*arguments: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
