"""What `docs/ci.md` tells people to write works."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from webhook.cli import FORMATS, main

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "ci.md").read_text()
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
EXAMPLES = [yaml.safe_load(text) for language, text in BLOCKS if language == "yaml"]
WORKFLOWS = [example for example in EXAMPLES if "jobs" in example]
(GITLAB,) = [example["podworthy"] for example in EXAMPLES if "podworthy" in example]
PRE_COMMIT = [example for example in EXAMPLES if "repos" in example]
COMMANDS = [
    *re.findall(r"^\$ (podworthy audit .*)$", GUIDE, re.MULTILINE),
    *(line for line in GITLAB["script"] if line.startswith("podworthy ")),
]


@pytest.fixture(autouse=True)
def _in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples" / "seed", tmp_path / "deploy")
    monkeypatch.chdir(tmp_path)


def run(command: str) -> Result:
    return CliRunner().invoke(main, shlex.split(command)[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run_and_write_their_files(command: str) -> None:
    assert run(command).exit_code == 1
    for file in re.findall(r"=(\S+)", command):
        assert Path(file).exists()


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 2


def test_every_format_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]*\|$", GUIDE, re.MULTILINE)

    assert set(FORMATS) <= set(rows)


def _uses_of_ours(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    steps = workflow["jobs"]["podworthy"]["steps"]
    return [step for step in steps if "/podworthy@" in step["uses"]]


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_workflows_use_inputs_and_outputs_that_the_action_has(workflow: dict[str, Any]) -> None:
    (step,) = _uses_of_ours(workflow)

    assert set(step["with"]) <= set(ACTION["inputs"])
    outputs = re.findall(r"steps\.podworthy\.outputs\.([\w-]+)", yaml.safe_dump(workflow))
    assert set(outputs) <= set(ACTION["outputs"])
    assert not outputs or step["id"] == "podworthy"


def test_inputs_and_outputs_are_all_explained() -> None:
    assert len(WORKFLOWS) == 2
    for name, entry in ACTION["inputs"].items():
        default = f"`{entry['default']}`" if entry["default"] else ""
        assert re.search(rf"^\| `{name}` \| {re.escape(default)} ?\| ", GUIDE, re.MULTILINE), name
    for name in ACTION["outputs"]:
        assert f"| `{name}` | " in GUIDE


def test_gitlab_takes_up_the_report_that_is_written() -> None:
    report = GITLAB["artifacts"]["reports"]["junit"]

    assert any(f"junit={report}" in line for line in GITLAB["script"])
    assert GITLAB["artifacts"]["when"] == "always"


def test_there_are_two_ways_to_use_the_hook() -> None:
    hooks = [example["repos"][0]["hooks"][0] for example in PRE_COMMIT]

    assert [hook.get("pass_filenames", True) for hook in hooks] == [True, False]


@pytest.mark.parametrize("example", PRE_COMMIT)
def test_pre_commit_takes_the_configuration(example: dict[str, Any]) -> None:
    config = Path(".pre-commit-config.yaml")
    config.write_text(yaml.safe_dump(example))
    (hook,) = example["repos"][0]["hooks"]
    (offered,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", config],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, "")
    assert hook["id"] == offered["id"]
    files = ["deploy/mongodb.yaml"] if hook.get("pass_filenames", True) else []
    assert run(f"podworthy audit {shlex.join(hook['args'] + files)}").exit_code == 1
