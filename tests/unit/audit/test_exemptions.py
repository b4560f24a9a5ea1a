"""The list of exemptions, as people and scripts read it."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from tests.exemptions import exemption
from webhook.audit.exemptions import WIDTH, as_json, as_text, entries
from webhook.cli import main
from webhook.exemptions import Exemption, Exemptions

TODAY = date(2026, 11, 24)


def ending(name: str, expires: date, **changes: Any) -> Exemption:
    """An exemption of Pod shop/<name>."""
    return exemption(
        name=name,
        policies=frozenset({"require-probes"}),
        workload=name,
        expires=expires,
        place=f"{name}.yaml:1",
        **changes,
    )


ALL = Exemptions(
    [
        ending("later", date(2027, 4, 1)),
        ending("active", date(2026, 12, 25)),
        ending("expiring", date(2026, 12, 24)),
        ending("last-day", TODAY),
        ending("grace", date(2026, 11, 23)),
        ending("gone", date(2026, 11, 9)),
        ending("pending", date(2027, 1, 1), granted=date(2026, 11, 25)),
    ]
)


def test_what_ends_first_stands_on_top() -> None:
    assert [(one.name, one.state) for one in entries(ALL, TODAY)] == [
        ("gone", "expired"),
        ("grace", "expired"),
        ("last-day", "expiring"),
        ("expiring", "expiring"),
        ("active", "active"),
        ("pending", "pending"),
        ("later", "active"),
    ]


def test_unused_is_told_only_of_those_in_force_and_after_an_audit() -> None:
    assert {one.unused for one in entries(ALL, TODAY)} == {None}
    unused = {one.name: one.unused for one in entries(ALL, TODAY, {"active"})}
    assert unused == {
        "gone": None,
        "grace": None,
        "last-day": True,
        "expiring": True,
        "active": False,
        "pending": None,
        "later": True,
    }


def test_the_table_says_how_long() -> None:
    lines = as_text(entries(ALL, TODAY), TODAY).splitlines()
    assert lines[0].split() == ["STATE", "NAME", "WORKLOAD", "POLICIES", "OWNER", "EXPIRES"]
    assert lines[1].endswith("2026-11-09, 15 days ago")
    assert lines[2].endswith("2026-11-23, 1 day ago;")
    below = [line.strip() for line in lines[3:5]]
    assert below == ["pods of controllers are", "warned of until 2026-12-07"]
    assert lines[5].endswith("2026-11-24, 0 days left")
    assert lines[8].startswith("pending ")
    assert lines[8].endswith("from 2026-11-25 to 2027-01-01")
    assert lines[-1] == "2 expired, 2 expiring, 2 active, 1 pending"


def test_the_table_says_what_is_unused() -> None:
    one = Exemptions([ending("web", TODAY)])
    lines = as_text(entries(one, TODAY, set()), TODAY).splitlines()
    assert lines[1].startswith("expiring, unused  web")
    assert lines[-1] == "1 expiring, 1 unused in this audit"
    lines = as_text(entries(one, TODAY, {"web"}), TODAY).splitlines()
    assert lines[-1] == "1 expiring"


def test_json_has_a_key_for_each_column() -> None:
    report = json.loads(as_json(entries(ALL, TODAY)))
    assert report["kind"] == "ExemptionReport"
    assert len(report["exemptions"]) == 7
    assert report["exemptions"][0] == {
        "name": "gone",
        "state": "expired",
        "unused": None,
        "policies": ["require-probes"],
        "workload": {"namespace": "shop", "kind": "Pod", "name": "gone"},
        "containers": [],
        "reason": "soon",
        "owner": "team-web",
        "granted": "2026-11-01",
        "expires": "2026-11-09",
        "source": "gone.yaml:1",
        "nearMiss": None,
    }


def test_a_table_that_is_too_wide_is_wrapped_where_that_loses_nothing() -> None:
    policies = {"require-claims", "require-probes", "probe-targets", "probe-sanity", "probe-timing"}
    one = ending("ledger", date(2027, 3, 31), containers=frozenset({"proxy"}))
    one = msgspec.structs.replace(one, policies=frozenset(policies), namespace="payments")
    lines = as_text(entries(Exemptions([one]), TODAY), TODAY).splitlines()
    assert [line.split() for line in lines[1:6]] == [
        [
            *("active", "ledger", "payments/Pod/ledger", "(proxy)", "probe-sanity,", "team-web"),
            *("2027-03-31,", "127", "days", "left"),
        ],
        ["probe-targets,"],
        ["probe-timing,"],
        ["require-claims,"],
        ["require-probes"],
    ]
    assert max(map(len, lines)) <= WIDTH

    longer = msgspec.structs.replace(one, namespace="payments-in-europe")
    lines = as_text(entries(Exemptions([longer]), TODAY), TODAY).splitlines()
    assert lines[2].split() == ["(proxy)", "probe-targets,"]
    assert max(map(len, lines)) <= WIDTH


# On the command line

TEXT = """\
apiVersion: podworthy.dev/v1alpha1
kind: Exemption
metadata: {name: NAME}
spec:
  policies: [require-probes]
  workload: {namespace: shop, kind: Pod, name: NAME}
  reason: soon
  owner: team-web
  granted: DAY
  expires: DAY
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a}]}\n"


@pytest.fixture
def governance(tmp_path: Path) -> Path:
    """Exemptions of the pods `web` and `db`, for today."""
    today = datetime.now(UTC).date().isoformat()
    text = TEXT.replace("DAY", today)
    (tmp_path / "exemptions.yaml").write_text(
        "---\n".join(text.replace("NAME", name) for name in ("web", "db"))
    )
    return tmp_path


def test_an_audit_shows_which_exemption_nobody_needs(governance: Path) -> None:
    (governance / "web.yaml").write_text(POD)
    options = ["--exemptions", str(governance / "exemptions.yaml"), "--namespace", "shop"]
    result = CliRunner().invoke(
        main, ["exemptions", *options, "--format", "json", str(governance / "web.yaml")]
    )
    assert result.exit_code == 0, result.output
    unused = {one["name"]: one["unused"] for one in json.loads(result.output)["exemptions"]}
    assert unused == {"web": False, "db": True}


def test_input_that_cannot_be_judged_is_told_and_exits_3(governance: Path) -> None:
    (governance / "web.yaml").write_text("kind: [")
    path = str(governance / "web.yaml")
    result = CliRunner().invoke(main, ["exemptions", path])
    assert result.exit_code == 3
    assert f"podworthy: {path}:1: not YAML" in result.stderr


def test_documents_that_cannot_be_loaded_exit_2(governance: Path) -> None:
    (governance / "exemptions.yaml").write_text("kind: Exemptions\n")
    result = CliRunner().invoke(main, ["exemptions", "--exemptions", str(governance)])
    assert result.exit_code == 2
    assert "did you mean 'Exemption'?" in result.stderr


def listed(*arguments: str | Path) -> tuple[str, str]:
    """What `podworthy exemptions` prints and notes."""
    result = CliRunner().invoke(main, ["exemptions", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def states(text: str) -> dict[str, str]:
    """The first column of a table of two, by the second."""
    rows = [re.split(" {2,}", line) for line in text.splitlines()[1:3]]
    return {name: state for state, name, *_ in rows}


def test_without_a_namespace_nobody_knows_whether_it_is_unused(governance: Path) -> None:
    file, pods = governance / "exemptions.yaml", governance / "web.yaml"
    pods.write_text(POD)
    text, notes = listed("--exemptions", file, pods)
    assert states(text) == {"web": "expiring, no namespace", "db": "expiring, unused"}
    assert text.endswith("\n2 expiring, 1 unused in this audit, 1 unknown without --namespace\n")
    why = "is for namespace shop, and the manifest names none: --namespace shop"
    assert notes == (f"podworthy: exemption web ({file}:1) does not count for Pod web: it {why}\n")
    report, _ = listed("--exemptions", file, "--format", "json", pods)
    found = {one["name"]: one for one in json.loads(report)["exemptions"]}
    assert (found["web"]["unused"], found["web"]["nearMiss"]) == (None, why)
    assert (found["db"]["unused"], found["db"]["nearMiss"]) == (True, None)

    text, notes = listed("--exemptions", file, "--namespace", "shop", pods)
    assert notes == ""
    assert states(text) == {"web": "expiring", "db": "expiring, unused"}


def test_one_that_is_needed_elsewhere_is_needed(governance: Path) -> None:
    named = POD.replace("name: web", "name: web, namespace: shop")
    (governance / "web.yaml").write_text(f"{POD}---\n{named}")
    text, notes = listed("--exemptions", governance / "exemptions.yaml", governance / "web.yaml")
    assert "does not count for Pod web" in notes
    assert states(text) == {"web": "expiring", "db": "expiring, unused"}


def test_a_path_with_exemptions_that_is_no_option_is_told(governance: Path) -> None:
    (governance / "web.yaml").write_text(POD)
    text, notes = listed(governance)
    file = governance / "exemptions.yaml"
    assert text == "no exemptions; name their directory with --exemptions DIR\n"
    assert notes == f"podworthy: {file} holds exemptions: give it as --exemptions {file}\n"


def test_none_at_all_says_how_to_name_them() -> None:
    result = CliRunner().invoke(main, ["exemptions"])
    assert result.output == "no exemptions; name their directory with --exemptions DIR\n"
    assert result.exit_code == 0
