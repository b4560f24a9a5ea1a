"""A team's own policies: from files and from packages, and every mistake in them with its place."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.builders import container, pod, read
from webhook import catalog, documents, engine
from webhook.api import NOWHERE
from webhook.cli import main
from webhook.errors import PolicyError
from webhook.profile import bind
from webhook.report import FORMATS

OWN = '''
"""Containers are not called app.

What it checks
    The name of every container.

Why
    A name is read at night.

Bad
    containers: [{name: app}]

Good
    containers: [{name: ledger}]

Params
    badNames: names that tell nothing.

Limits
    Whether another name tells something, nobody knows.
"""

from collections.abc import Iterator

from webhook import api


class Params(api.Params):
    """What `telling-names` takes."""

    bad_names: tuple[str, ...] = ("app",)


def check(workload: api.Workload, params: Params, lookups: api.Lookups) -> Iterator[api.Violation]:
    for container in workload.containers:
        if container.name in params.bad_names:
            yield api.Violation(f"{container.path}/name", container.label, "a name", "change it")


policy = api.Policy(
    id="telling-names",
    summary="names tell something",
    params=Params,
    rules=(),
    check=check,
    doc=__doc__,
)
'''.lstrip()

PROFILE = """
apiVersion: podworthy.dev/v1alpha1
kind: Profile
metadata: {name: payments}
spec:
  policies:
    telling-names: {action: deny, params: {badNames: [web]}}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A directory with one sound policy."""
    directory = tmp_path / "own"
    directory.mkdir()
    (directory / "telling_names.py").write_text(OWN)
    return directory


def problems(*directories: Path) -> list[str]:
    """What is wrong with the directories, the first one cut off."""
    with pytest.raises(PolicyError) as refusal:
        catalog.load(directories)
    return [problem.replace(f"{directories[0]}/", "") for problem in refusal.value.problems]


def changed(own: Path, *changes: tuple[str, str]) -> list[str]:
    """What is wrong with the sound policy after these replacements."""
    text = OWN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (own / "telling_names.py").write_text(text)
    return problems(own)


# What is loaded


def test_without_directories_there_are_the_shipped_ones() -> None:
    assert catalog.load() == catalog.POLICIES


def test_own_policies_come_after_the_shipped_ones_by_id(own: Path, tmp_path: Path) -> None:
    for name in ("zz-last", "aa-first"):
        file = f"{name.replace('-', '_')}.py"
        (tmp_path / file).write_text(OWN.replace("telling-names", name))
    loaded = catalog.load([own, tmp_path, own])
    assert list(loaded) == [*catalog.POLICIES, "aa-first", "telling-names", "zz-last"]


def test_other_files_are_left_alone(own: Path) -> None:
    for name in ("_helpers.py", ".hidden.py", "notes.txt", "telling_names.pyc"):
        (own / name).write_text("no python at all")
    (own / "deeper.py").mkdir()
    assert "telling-names" in catalog.load([own])


def test_nothing_is_left_in_the_directory(own: Path) -> None:
    catalog.load([own])
    assert [path.name for path in own.iterdir()] == ["telling_names.py"]


def test_a_changed_file_is_read_anew(own: Path) -> None:
    catalog.load([own])
    (own / "telling_names.py").write_text(OWN.replace("tell something", "tell anything"))
    assert catalog.load([own])["telling-names"].summary == "names tell anything"


def test_a_file_may_be_called_like_any_module(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text(OWN.replace("telling-names", "json"))
    assert catalog.load([tmp_path])["json"].params.__module__ != "json"
    import json

    assert json.dumps({}) == "{}"


def test_annotations_may_be_text(own: Path) -> None:
    text = OWN.replace("from collections", "from __future__ import annotations\n\nfrom collections")
    (own / "telling_names.py").write_text(text)
    policy = catalog.load([own])["telling-names"]
    assert policy.params.model_validate_json('{"badNames": ["x"]}').bad_names == ("x",)


def test_a_policy_that_no_profile_names_is_off(own: Path) -> None:
    loaded = catalog.load([own])
    shipped = documents.load([], loaded).profiles
    assert not any(
        binding.policy == "telling-names"
        for one in shipped.values()
        for binding in one.checks["Pod"]
    )


def test_a_profile_binds_it_like_a_shipped_one(own: Path) -> None:
    loaded = catalog.load([own])
    spec = {"policies": {"telling-names": {"action": "warn", "params": {"badNames": ["web"]}}}}
    verdict = engine.check(bind("payments", spec, loaded), read(pod(container("web"))), NOWHERE)
    assert [(one.policy, one.action, one.violation.path) for one in verdict.findings] == [
        ("telling-names", "warn", "/spec/containers/0/name")
    ]


# Mistakes, each with its place


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "    for container in workload.containers:",
            "    for container in workload.containers",
            "34: expected ':'",
        ),
        ("from webhook import api\n", "import nonesuch\n", "24: ModuleNotFoundError: No module"),
        ("class Params(api.Params)", "class Params(api.Parms)", "27: AttributeError: module"),
        ("    check=check,\n", "", "39: TypeError: policy telling-names: give exactly one of"),
        ("policy = api", "Policy = api", " no policy in it; write policy = api.Policy(...), or"),
        ("    doc=__doc__,\n", "", "39: no documentation: begin the module with a docstring"),
        ("\nWhy\n", "\nWhat for\n", "39: policy telling-names: its docstring has an unknown sec"),
        ("badNames: names", "names: names", "39: policy telling-names: its docstring does not de"),
        ("names tell something", "", "39: summary must be one line"),
        ("telling-names", "tellingNames", "39: id 'tellingNames' must be kebab-case"),
        ("telling-names", "error", "39: id 'error' is what an audit annotation is called"),
        ("telling-names", "telling-name", "39: policy telling-name must stand in telling_name.py"),
        ("rules=()", "kinds=('Pod', 'Depoyment')", "39: unknown kind 'Depoyment' (did you mean"),
        ("rules=()", "kinds='Pod'", "39: kinds must be a tuple such as ('Pod',)"),
        ("rules=()", "kinds=()", "39: kinds must be a tuple such as ('Pod',)"),
        ("rules=()", "rules=('Two Words',)", "39: rule 'Two Words' must be kebab-case"),
        ("rules=()", "looks_up=True", "39: looks_up must be one of never, also, only, not True"),
        ("rules=()", "rules='one'", "39: rules must be a tuple such as ('inline-csi',)"),
        ("params=Params", "params=Params()", "39: params must be a class that extends api.Params"),
        ("params=Params", "params=dict", "39: params must be a class that extends api.Params"),
        (
            ' = ("app",)',
            "",
            "39: each of the params must have a valid default: badNames: Field required",
        ),
        (
            ' = ("app",)',
            " = 7",
            "39: each of the params must have a valid default: badNames: Input should be a valid",
        ),
        (", lookups: api.Lookups)", ")", "39: check must be a function of (workload, params, look"),
    ],
)
def test_a_mistake_is_told_with_its_place(own: Path, old: str, new: str, problem: str) -> None:
    (told,) = changed(own, (old, new))
    assert told.startswith(f"telling_names.py:{problem}")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("7", "policy must be an api.Policy, not int"),
        ("api.Policy", "policy must be an api.Policy, not type"),
    ],
)
def test_what_is_no_policy_is_told(own: Path, value: str, problem: str) -> None:
    (own / "telling_names.py").write_text(f"from webhook import api\npolicy = {value}\n")
    assert problems(own) == [f"telling_names.py:2: {problem}"]


def test_an_error_further_down_is_told_where_the_file_led_to_it(own: Path) -> None:
    (own / "telling_names.py").write_text("import json\n\njson.loads('{')\n")
    (problem,) = problems(own)
    assert problem.startswith("telling_names.py:3: JSONDecodeError: ")


def test_a_file_that_ends_the_process_does_not(own: Path) -> None:
    (own / "telling_names.py").write_text("import sys\n\nsys.exit(0)\n")
    assert problems(own) == ["telling_names.py:3: SystemExit: 0"]


@pytest.mark.parametrize("data", [b"policy = '\xff'\n", b"policy = 0\x00\n"])
def test_a_file_that_is_no_text_is_told(own: Path, data: bytes) -> None:
    (own / "telling_names.py").write_bytes(data)
    (problem,) = problems(own)
    assert problem.startswith("telling_names.py:")


def test_files_cannot_import_each_other(own: Path) -> None:
    (own / "_shared.py").write_text("")
    (problem,) = changed(own, ("from webhook import api\n", "import _shared\n"))
    assert problem.endswith("cannot import each other, install them as a package")


def test_every_mistake_of_every_file_is_told_at_once(own: Path) -> None:
    (own / "a.py").write_text("1 +\n")
    (own / "b.py").write_text("")
    told = problems(own, own.parent / "nowhere")
    assert [problem.partition(" ")[0] for problem in told] == [
        "a.py:1:",
        "b.py:",
        f"{own.parent}/nowhere:",
    ]


def test_an_id_that_is_taken_names_both(own: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "telling_names.py").write_text(OWN)
    (other / "require_probes.py").write_text(OWN.replace("telling-names", "require-probes"))
    assert problems(own, other) == [
        f"{other}/require_probes.py:39: policy 'require-probes' is taken by one that is shipped",
        f"{other}/telling_names.py:39: policy 'telling-names' is taken by telling_names.py:39",
    ]


# Places that code must not come from


def mounted(own: Path) -> Path:
    """The directory as the kubelet mounts a ConfigMap with its files."""
    mount = own.parent / "mount"
    version = mount / "..2026_11_24_12_00_00.123"
    version.mkdir(parents=True)
    (version / "telling_names.py").write_text(OWN)
    (mount / "..data").symlink_to(version.name)
    (mount / "telling_names.py").symlink_to("..data/telling_names.py")
    return mount


def test_a_config_map_is_refused(own: Path) -> None:
    mount = mounted(own)
    for directory in (mount, mount / "..data"):
        (problem,) = problems(directory)
        assert problem.startswith(f"{directory}: a mounted ConfigMap or Secret: whoever may edit")


def test_a_link_into_a_config_map_is_refused(own: Path) -> None:
    (own / "telling_names.py").unlink()
    (own / "telling_names.py").symlink_to(mounted(own) / "telling_names.py")
    (problem,) = problems(own)
    assert problem.startswith("telling_names.py: a mounted ConfigMap or Secret")


def test_what_every_user_may_write_is_refused(own: Path) -> None:
    (own / "telling_names.py").chmod(0o666)
    assert problems(own) == [
        "telling_names.py: every user may write here, and policies are code; "
        "chmod o-w, or build them in"
    ]
    own.chmod(0o777)
    (problem,) = problems(own)
    assert problem.startswith(f"{own}: every user may write here")


# Installed packages


def install(site: Path, patch: pytest.MonkeyPatch, name: str, target: str) -> None:
    """A package `acme` with one entry point, as an installer leaves it."""
    patch.delitem(sys.modules, "acme", raising=False)
    patch.syspath_prepend(site)
    (site / "acme.py").write_text(OWN + "\nBROKEN = 1\n")
    info = site / "acme_policies-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-policies\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[podworthy.policies]\n{name} = {target}\n")


def test_a_package_offers_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "telling-names", "acme:policy")
    assert list(catalog.load()) == [*catalog.POLICIES, "telling-names"]


@pytest.mark.parametrize(
    ("name", "target", "problem"),
    [
        ("telling-names", "acme:polcy", "AttributeError: module 'acme' has no attribute 'polcy'"),
        ("telling-names", "acne:policy", "ModuleNotFoundError: No module named 'acne'"),
        ("telling-names", "acme", "a module; refer to the policy in it: acme:policy"),
        ("telling-names", "acme:BROKEN", "policy must be an api.Policy, not int"),
        ("names", "acme:policy", "must be named like its policy, telling-names"),
    ],
)
def test_a_mistake_in_a_package_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, target: str, problem: str
) -> None:
    install(tmp_path, monkeypatch, name, target)
    with pytest.raises(PolicyError) as refusal:
        catalog.load()
    assert str(refusal.value) == f"entry point {name} of acme-policies 1.2: {problem}"


def test_an_id_of_a_package_is_taken_too(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "telling-names", "acme:policy")
    assert problems(own) == [
        "telling_names.py:39: policy 'telling-names' is taken by "
        "entry point telling-names of acme-policies 1.2"
    ]


# On the command line


def podworthy(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(main, arguments, env=variables, prog_name="podworthy")


def test_every_command_that_reads_profiles_knows_own_policies(own: Path, tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text(PROFILE)
    (tmp_path / "pod.yaml").write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: web}]}}"
    )
    arguments = ["--profiles", str(tmp_path / "team.yaml"), "--profile", "payments"]
    arguments += ["--policies-dir", str(own)]

    audit = podworthy("audit", str(tmp_path / "pod.yaml"), *arguments)
    assert audit.exit_code == 1
    assert "telling-names" in audit.stdout
    assert podworthy("exemptions", *arguments).exit_code == 0
    assert podworthy("exemptions", *arguments[:4]).exit_code == 2
    serve = podworthy("serve", "--dev", "--host", "192.0.2.1", "--port", "0", *arguments)
    assert "cannot listen" in serve.stderr, "the documents are sound"
    assert "unknown policy" in podworthy("serve", "--dev", *arguments[:4]).stderr


@pytest.mark.parametrize("name", FORMATS)
def test_every_report_knows_own_policies(own: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "team.yaml").write_text(PROFILE)
    pod = "{apiVersion: v1, kind: Pod, spec: {containers: [{name: web}]}}"
    audit = [*("--profiles", str(tmp_path / "team.yaml")), *("--profile", "payments")]
    audit += [*("--policies-dir", str(own)), *("--format", name), "-"]
    result = CliRunner().invoke(main, ["audit", *audit], input=pod)
    assert result.exit_code == 1
    assert "telling-names" in result.stdout


def test_own_policies_are_listed_and_explained(own: Path) -> None:
    listed = podworthy("policies", "--policies-dir", str(own)).stdout
    (line,) = (one for one in listed.splitlines() if one.startswith("telling-names "))
    assert re.split(" {2,}", line)[1:] == ["off", "off", "off", "names tell something"]
    explained = podworthy("explain", "telling-names", PODWORTHY_POLICIES_DIR=str(own)).stdout
    assert explained.startswith("telling-names: Containers are not called app.\n")
    assert explained.endswith("Defaults of params\n    badNames: [app]\n")


@pytest.mark.parametrize("command", [["policies"], ["explain", "x"], ["audit", "."], ["serve"]])
def test_a_policy_that_cannot_be_loaded_is_wrong_usage(own: Path, command: list[str]) -> None:
    (own / "telling_names.py").write_text("1 +\n")
    dev = ["--dev"] if command == ["serve"] else []
    result = podworthy(*command, *dev, "--policies-dir", str(own))
    assert result.exit_code == 2
    assert result.stderr == f"podworthy: {own}/telling_names.py:1: invalid syntax\n"


@pytest.mark.parametrize(
    ("raising", "error", "has_place"),
    [
        ("raise KeyError('x')", "KeyError: 'x'", True),
        # raised elsewhere
        ("api.pointer_token(1)", "AttributeError: 'int' object has no attribute 'replace'", True),
        ("yield 'bad'", "AttributeError: 'str' object has no attribute 'rule'", False),
    ],
)
def test_an_own_policy_that_raises_is_a_crash_like_any(
    own: Path, raising: str, error: str, has_place: bool
) -> None:
    file = own / "telling_names.py"
    text = OWN.replace("    for container", f"    {raising}\n    for container")
    file.write_text(text)
    spec = {"policies": {"telling-names": {"action": "deny", "onFailure": "deny"}}}
    verdict = engine.check(bind("payments", spec, catalog.load([own])), read(pod()), NOWHERE)

    line = text.splitlines().index(f"    {raising}") + 1
    place = f"{file}:{line}" if has_place else None
    name, _, told = error.partition(": ")
    assert verdict.crashes == (engine.Crash("telling-names", name, True, place, told),)
    assert verdict.crashes[0].told == (f"{error} ({place})" if place else error)
