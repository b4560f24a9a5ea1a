"""The command line: options, variables, exit codes, and what it says when used wrongly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.terminal import CTRL_C, Terminal
from webhook import catalog
from webhook.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = str(EXAMPLES / "web.yaml")
BAD = str(EXAMPLES / "seed")


def podworthy(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(main, arguments, env=variables, prog_name="podworthy")


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["audit", GOOD], 0),
        (["audit", BAD], 1),
        (["audit", BAD, "--fail-on", "never"], 0),
        (["audit", BAD, "--profile", "advise"], 0),
        (["audit", BAD, "--profile", "advise", "--fail-on", "warn"], 1),
        (["audit", "missing.yaml", BAD], 3),
        (["audit", "missing.yaml", "--fail-on", "never"], 3),
        (["audit"], 2),
        (["audit", ""], 2),
        (["audit", GOOD, "--profile", "strct"], 2),
        (["audit", GOOD, "--profiles", "missing"], 2),
        (["audit", GOOD, "--format", "json", "--format", "text"], 2),
        (["audit", GOOD, "--format", "sarif", "--format", "junit=/dev/stdout"], 2),
        (["audit", GOOD, "--format", "sarif=-", "--format", "text"], 2),
        (["audit", GOOD, "--format", "json=a", "--format", "text=./a"], 2),
        (["audit", GOOD, "--format", "json="], 2),
        (["audit", GOOD, "--format", "jsn"], 2),
        (["audit", GOOD, "--format", "json=/missing/a", "--fail-on", "never"], 3),
        (["audit", GOOD, "--format", "json=/dev/null", "--format", "github"], 0),
        (["audit", GOOD, "--fail-on", "audit"], 2),
        (["audit", GOOD, "--show-fill"], 0),
        (["audit", GOOD, "--show-fill", "--format", "json"], 2),
        (["audit", GOOD, "--show-fill", "--format", "json=/dev/null", "--format", "text"], 0),
        (["fix"], 2),
        (["fix", ""], 2),
        (["fix", "-"], 2),
        (["fix", "missing.yaml"], 3),
        (["fix", GOOD, "--profile", "strct"], 2),
        (["exemptions"], 0),
        (["exemptions", ""], 2),
        (["exemptions", "-n", "Pay"], 2),
        (["audit", GOOD, "--namespace", "pay"], 0),
        (["audit", GOOD, "--namespace", "pay/web"], 2),
        (["audit", GOOD, "--namespace", ""], 2),
        (["audit", GOOD, "-n", "p" * 64], 2),
        (["explain", "require-probs"], 2),
        (["policies", "--profile", "strict", "--profile", "advise"], 0),
        (["policies", "--profile", "strct"], 2),
        (["policies", "--profiles", "missing"], 2),
        (["policies", "--profiles", str(EXAMPLES / "seed")], 2),
        (["serve"], 2),
        (["serve", "--dev", "--cert", "tls.crt", "--key", "tls.key"], 2),
        (["serve", "--cert", "tls.crt"], 2),
        (["serve", "--dev", "--client-name", "kube-apiserver"], 2),
        (["serve", "--dev", "--client-ca", "/nowhere/ca.crt"], 2),
        (["serve", "--dev", "--profile", "strct"], 2),
        (["serve", "--dev", "--docs-url", "docs.example"], 2),
        (["frobnicate"], 2),
    ],
)
def test_exit_codes(arguments: list[str], exit_code: int) -> None:
    result = podworthy(*arguments)

    assert result.exit_code == exit_code
    assert "Traceback" not in result.output


def test_an_unknown_profile_is_told_with_the_nearest_one() -> None:
    assert podworthy("audit", GOOD, "--profile", "strct").stderr == (
        "podworthy: no profile 'strct' (did you mean 'strict'?); "
        "there are advise, baseline, strict\n"
    )


def test_an_unknown_policy_is_told_with_the_nearest_one() -> None:
    stderr = podworthy("explain", "require-probs").stderr
    assert "no policy 'require-probs' (did you mean 'require-probes'?)" in stderr


def test_what_cannot_be_a_namespace_is_told() -> None:
    stderr = podworthy("fix", GOOD, "-n", "Pay").stderr
    assert "'Pay' cannot be a namespace: give lower case letters, digits and -" in stderr


def test_every_line_of_a_refusal_tells_who_says_it(tmp_path: Path) -> None:
    tmp_path.joinpath("a.yaml").write_text("kind: A\n---\nkind: B\n")
    stderr = podworthy("audit", GOOD, "--profiles", str(tmp_path)).stderr
    first, second = stderr.splitlines()
    assert first.startswith(f"podworthy: {tmp_path}/a.yaml:1: ")
    assert second.startswith(f"podworthy: {tmp_path}/a.yaml:3: ")


@pytest.mark.parametrize("option", ["--profiles", "--exemptions"])
@pytest.mark.parametrize("command", [("audit", GOOD), ("exemptions",)])
def test_a_directory_without_a_document_is_noted(
    tmp_path: Path, command: tuple[str, ...], option: str
) -> None:
    below = tmp_path / "below"
    below.mkdir()
    result = podworthy(*command, option, str(tmp_path))
    note = f"podworthy: {tmp_path}: holds no .yaml, .yml or .json file; directories below are not "
    assert (result.exit_code, result.stderr) == (0, f"{note}read\n")

    tmp_path.joinpath("later.yaml").touch()
    assert podworthy(*command, option, str(tmp_path)).stderr == ""


def test_a_directory_without_a_policy_is_noted(tmp_path: Path) -> None:
    tmp_path.joinpath("_helper.py").touch()
    result = podworthy("policies", "--policies-dir", str(tmp_path))
    assert result.exit_code == 0
    assert result.stderr == (
        f"podworthy: {tmp_path}: holds no policy, which is a .py file; directories below are not "
        "read\n"
    )


def test_an_empty_mount_is_noted_and_does_not_stop_the_server(tmp_path: Path) -> None:
    arguments = ("serve", "--dev", "--host", "192.0.2.1", "--exemptions", str(tmp_path))
    noted, refused = podworthy(*arguments).stderr.splitlines()
    assert noted.startswith(f"podworthy: {tmp_path}: holds no .yaml, .yml or .json file")
    assert "cannot listen on 192.0.2.1:8443" in refused


def test_own_profiles_are_added(tmp_path: Path) -> None:
    tmp_path.joinpath("team.yaml").write_text(
        "apiVersion: podworthy.dev/v1alpha1\n"
        "kind: Profile\n"
        "metadata: {name: payments}\n"
        "spec: {extends: strict, maxAction: warn}\n"
    )
    audit = ("audit", BAD, "--profile", "payments", "--fail-on", "warn")

    assert podworthy(*audit, "--profiles", str(tmp_path)).exit_code == 1
    assert podworthy(*audit).exit_code == 2


@pytest.mark.parametrize(
    ("variable", "value", "profile", "exit_code"),
    [
        ("PODWORTHY_PROFILE", "advise", "advise", 0),
        ("PODWORTHY_FAIL_ON", "never", "baseline", 0),
        ("PODWORTHY_FAIL_ON", "warn", "baseline", 1),
    ],
)
def test_every_option_is_a_variable_too(
    variable: str, value: str, profile: str, exit_code: int
) -> None:
    result = podworthy("audit", BAD, PODWORTHY_FORMAT="json", **{variable: value})

    assert json.loads(result.stdout)["profile"] == profile
    assert result.exit_code == exit_code


def test_several_formats_in_a_variable(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    result = podworthy("audit", BAD, PODWORTHY_FORMAT=f"json junit={junit}")

    assert json.loads(result.stdout)["kind"] == "AuditReport"
    assert junit.read_text().startswith("<?xml ")


def test_two_formats_in_one_place_are_told_what_to_do() -> None:
    assert podworthy("audit", GOOD, "--format", "text", "--format", "json").stderr.endswith(
        "only one --format fits on standard output, text or json; "
        "write the other to a file: --format json=FILE\n"
    )


def test_an_unknown_format_is_told_with_the_nearest_one() -> None:
    assert (
        "no format 'serif' (did you mean 'sarif'?); there are text, json, sarif, "
        in podworthy("audit", GOOD, "--format", "serif=a").stderr
    )


def test_a_flag_beats_the_variable() -> None:
    result = podworthy(
        *("audit", GOOD, "--format", "json", "--profile", "strict"), PODWORTHY_PROFILE="advise"
    )
    assert json.loads(result.stdout)["profile"] == "strict"


def test_the_service_link_of_a_service_named_podworthy_is_no_port() -> None:
    """The kubelet sets PODWORTHY_PORT to a URL in every pod beside such a Service."""
    result = podworthy(
        *("serve", "--dev", "--host", "192.0.2.1"), PODWORTHY_PORT="tcp://10.96.0.7:443"
    )
    assert "cannot listen on 192.0.2.1:8443" in result.stderr


def test_a_pipe_cannot_be_read_again_and_nobody_waits_for_its_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "profiles"
    os.mkfifo(pipe)

    result = podworthy("serve", "--dev", "--profiles", str(pipe))

    assert result.exit_code == 2
    assert f"{pipe}: is a pipe; documents are read again when they change" in result.stderr


def test_an_address_of_pages_that_is_none_is_told() -> None:
    stderr = podworthy("serve", "--dev", PODWORTHY_DOCS_URL="ftp://docs.example").stderr
    assert "'--docs-url'" in stderr
    assert "'ftp://docs.example' is no address of pages: give http://HOST/PATH" in stderr


def test_an_audit_names_the_address_of_pages() -> None:
    url = "https://docs.example/policies"
    text = podworthy("audit", BAD, "--docs-url", f"{url}/").stdout
    assert text.endswith(f"What a policy asks, and why: {url}/require-probes\n")
    sarif = podworthy("audit", BAD, "--format", "sarif", PODWORTHY_DOCS_URL=url).stdout
    assert f'"helpUri":"{url}/require-probes"' in sarif


def test_policies_are_listed_with_their_actions() -> None:
    head, *listed = podworthy("policies").stdout.splitlines()
    assert head.split() == ["policy", "advise", "baseline", "strict", "what", "it", "asks"]
    names = [line.split()[0] for line in listed if line[:1].isalpha()]
    assert names == list(catalog.POLICIES)
    (claims,) = (line.split()[1:4] for line in listed if line.startswith("require-claims "))
    assert claims == ["warn", "deny", "deny"]
    assert max(map(len, listed)) <= 100


TEAM = (
    "apiVersion: podworthy.dev/v1alpha1\n"
    "kind: Profile\n"
    "metadata: {name: payments}\n"
    "spec: {extends: strict, maxAction: warn}\n"
)


def test_policies_are_listed_with_their_actions_in_own_profiles(tmp_path: Path) -> None:
    tmp_path.joinpath("team.yaml").write_text(TEAM)
    own = ("policies", "--profiles", str(tmp_path))

    def listed(*names: str) -> list[list[str]]:
        arguments = [argument for name in names for argument in ("--profile", name)]
        lines = podworthy(*own, *arguments).stdout.splitlines()
        return [line.split()[1 : 1 + max(1, len(names))] for line in lines[:2]]

    assert listed() == [["payments"], ["warn"]]
    assert listed("strict") == [["strict"], ["deny"]]
    assert listed("strict", "payments") == [["strict", "payments"], ["deny", "warn"]]
    assert podworthy(*own, "--profile", "payments", "--profile", "payments").stdout == (
        podworthy(*own).stdout
    )


def test_a_profile_with_a_mistake_is_told_by_the_list(tmp_path: Path) -> None:
    file = tmp_path / "team.yaml"
    file.write_text(TEAM.replace("extends: strict", "extends: strct"))

    result = podworthy("policies", "--profiles", str(file))

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"podworthy: {file}:4: ")
    assert "did you mean 'strict'?" in result.stderr


def test_a_directory_without_profiles_is_told(tmp_path: Path) -> None:
    result = podworthy("policies", "--profiles", str(tmp_path))

    assert result.exit_code == 2
    assert f"no Profile in {tmp_path}; --profile NAME shows a shipped one" in result.stderr
    assert podworthy("policies", "--profiles", str(tmp_path), "--profile", "strict").exit_code == 0


@pytest.mark.parametrize("command", [("audit",), ("replay",), ("impact", "--to", "strict")])
def test_ctrl_c_is_not_told_as_something_that_was_found(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    """It comes while a policy is loaded."""
    (tmp_path / "slow.py").write_text(
        "import signal\nprint('loading', flush=True)\nsignal.pause()\n"
    )
    terminal = Terminal(
        *(sys.executable, "-m", "webhook", *command, "--policies-dir", str(tmp_path), GOOD)
    )
    terminal.read_until("loading")
    terminal.press(CTRL_C)

    terminal.read_until("podworthy: interrupted")
    assert terminal.exit_code() == 3
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (60, "    Effective values: a timing that is absent or 0 counts as\r\n"),
        (300, "as a running container is judged, whose delays are over.\r\n"),
    ],
)
def test_explain_fits_a_terminal(columns: int, line: str) -> None:
    terminal = Terminal(
        *("env", f"COLUMNS={columns}"),
        *(sys.executable, "-m", "webhook", "explain", "probe-sanity"),
    )
    terminal.read_until("slowStart: 30\r\n")
    assert terminal.exit_code() == 0
    assert line in terminal.text
    assert max(map(len, terminal.text.splitlines())) <= min(columns, 100)


@pytest.mark.parametrize("policy", catalog.POLICIES)
def test_explain_prints_the_docstring_and_what_else_there_is_to_say(policy: str) -> None:
    text = podworthy("explain", policy).stdout

    assert text.startswith(f"{policy}: ")
    what = "What it fills" if catalog.POLICIES[policy].fill else "What it checks"
    for heading in (what, "Why", "Bad", "Good", "Params", "Limits"):
        assert f"\n{heading}\n" in text
    assert f"\nKinds\n    {', '.join(catalog.POLICIES[policy].kinds)}\n" in text
    assert "\nActions in the shipped profiles\n    advise " in text
    _, _, defaults = text.partition("\nDefaults of params\n")
    for param in catalog.POLICIES[policy].params.model_fields.values():
        assert f"    {param.alias}:" in defaults


def test_a_file_is_fixed_as_the_diff_shows(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(Path(GOOD).read_text())
    shown = podworthy("audit", str(file), "--show-fill").stdout
    added = [line[1:] for line in shown.splitlines() if line.startswith("+ ")]

    result = podworthy("fix", str(file))

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("6 timings set in 1 file\n")
    old = Path(GOOD).read_text().splitlines()
    assert [line for line in file.read_text().splitlines() if line not in old] == added
    assert podworthy("fix", str(file)).stdout == "nothing set\n"


def test_what_a_profile_of_ones_own_fills_is_set(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(Path(GOOD).read_text())
    tmp_path.joinpath("team").mkdir()
    tmp_path.joinpath("team", "profile.yaml").write_text(
        "apiVersion: podworthy.dev/v1alpha1\n"
        "kind: Profile\n"
        "metadata: {name: slow}\n"
        "spec: {extends: baseline, policies: {probe-timing: {params: {timings: {liveness: "
        "{httpGet: {timeoutSeconds: 7}}}}}}}\n"
    )

    podworthy("fix", str(file), "--profile", "slow", "--profiles", str(tmp_path / "team"))

    assert file.read_text().count("timeoutSeconds: 7") == 1


@pytest.mark.parametrize(
    "command", ["audit", "doctor", "exemptions", "explain", "fix", "impact", "policies", "serve"]
)
def test_help_has_an_example(command: str) -> None:
    assert f"podworthy {command}" in podworthy(command, "--help").stdout.partition("Examples:")[2]


def test_no_help_is_cut_and_every_value_has_a_name() -> None:
    assert "..." not in podworthy("--help").stdout.partition("Commands:")[2]
    for command in main.commands:
        assert " RANGE" not in podworthy(command, "--help").stdout


SERVING = ["cryptography", "flask", "gunicorn", "jinja2", "prometheus_client", "uvloop"]


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], [*SERVING, "msgspec", "pydantic", "yaml"]),
        (["audit", GOOD], SERVING),
        (["explain", "require-probes"], SERVING),
    ],
    ids=["--help", "audit", "explain"],
)
def test_a_command_imports_only_what_it_needs(arguments: list[str], heavy: list[str]) -> None:
    program = (
        "import atexit, sys\n"
        "from webhook.cli import main\n"
        f"heavy = {heavy}\n"
        "loaded = lambda: print([m for m in heavy if m in sys.modules], file=sys.stderr)\n"
        "atexit.register(loaded)\n"
        f"main({arguments})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"
