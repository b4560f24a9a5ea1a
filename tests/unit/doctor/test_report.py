"""What is told: for people, for programs, and as an exit code; and what the page says of it."""

import io
import json
import re
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from tests import schemas
from tests.markdown import DOCS, blocks
from tests.unit.doctor.world import NAMES, state
from webhook.cli import main
from webhook.doctor import text
from webhook.doctor.asking import Unread
from webhook.doctor.checks import CHECKS, findings
from webhook.doctor.report import Report, conclude, exit_code, failed, ok, report, unknown, warning
from webhook.doctor.rights import rights
from webhook.doctor.state import State

PAGE = DOCS / "doctor.md"
BROKEN = state(service=None, canary=Unread("no\x1b[31m answer"), slices=())


def reported(seen: State) -> Report:
    return report(findings(seen), NAMES, "0.1.0", "v1.37.2")


def shown(told: Report) -> str:
    stream = io.StringIO()
    text.write(told, stream)
    return stream.getvalue()


def of(*evidence: Any) -> Report:
    return report([conclude("check", "all is well", evidence)], NAMES, "0.1.0", None)


BAD, ODD, BLIND = failed("bad", "mend"), warning("odd", "look"), unknown("blind")


@pytest.mark.parametrize(
    ("evidence", "code", "verdict"),
    [
        ([ok("fine")], 0, "ok"),
        ([ok("fine"), ODD], 0, "warning"),
        ([ODD, BAD], 1, "failed"),
        ([ODD, BLIND], 3, "unknown"),
        # not everything was looked at, whatever else was found
        ([BLIND, BAD], 3, "failed"),
    ],
)
def test_verdicts_and_exit_codes(evidence: list[Any], code: int, verdict: str) -> None:
    told = of(*evidence)
    assert told.checks[0].verdict == told.checks[0].evidence[0].verdict == verdict
    assert exit_code(told) == code


def test_the_text_shows_what_is_wrong_and_what_to_do() -> None:
    told = of(ok("fine"), failed("it is broken", "mend it", "kubectl mend"), BLIND)
    assert shown(told) == (
        "failed   check: all is well\n"
        "         it is broken\n"
        "         -> mend it\n"
        "            kubectl mend\n"
        "         unknown: blind\n"
        "\n"
        "1 checks: 0 ok, 0 warning, 0 unknown, 1 failed\n"
    )


def test_what_helps_against_several_things_is_said_once() -> None:
    told = of(failed("one", "mend", "kubectl mend"), failed("two", "mend", "kubectl mend"))
    assert shown(told).count("mend") == 2
    assert shown(told).index("two") < shown(told).index("-> mend")


def test_the_text_is_80_columns_wide_and_has_no_control_characters() -> None:
    lines = shown(reported(BROKEN)).splitlines()
    assert len(lines) > len(CHECKS)
    assert not [line for line in lines if len(line) > text.WIDTH and "kubectl" not in line]
    assert "\x1b" not in "".join(lines)


def test_the_text_names_no_more_than_can_be_read() -> None:
    told = of(*(warning(f"number {number}", "look") for number in range(30)))
    assert shown(told).count("number") == text.SHOWN
    assert "and 20 more: --format json has them all" in shown(told)


def test_a_terminal_sees_verdicts_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    text.write(of(BAD), stream)
    assert stream.getvalue().startswith("\x1b[31mfailed\x1b[0m   check")


@pytest.mark.parametrize("seen", [state(), BROKEN], ids=["well", "broken"])
def test_the_json_is_as_its_schema_says(seen: State) -> None:
    schema = json.loads((schemas.DIRECTORY / "doctor.json").read_text())
    told = json.loads(msgspec.json.encode(reported(seen)))
    Draft202012Validator(schema).validate(told)
    assert [one["check"] for one in told["checks"]] == [check.id for check in CHECKS]
    assert list(told)[-1] == "summary"


def test_no_cluster_to_ask_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 2
    assert "no API server to ask" in done.stderr


# docs/doctor.md


def test_the_page_tells_of_every_check() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(), re.M)
    assert rows == [check.id for check in CHECKS]


def test_the_page_has_exactly_the_rights() -> None:
    (block,) = [one for one in blocks(PAGE) if one.language == "yaml"]
    granted = set()
    for one in yaml.safe_load_all(block.text):
        if one["kind"] not in ("Role", "ClusterRole"):
            continue
        for rule in one["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        for name in rule.get("resourceNames", [None]):
                            place = one["metadata"].get("namespace")
                            granted.add((place, group, resource, verb, name))
    documents = ("podworthy-profiles", "podworthy-exemptions")
    wanted = set()
    for right in rights(NAMES, documents, "podworthy-canary"):
        resource = right.resource.plural + (f"/{right.subresource}" if right.subresource else "")
        group = right.resource.group
        wanted.add((right.namespace, group, resource, right.verb, right.name))
    # what is granted in the whole cluster is granted in a namespace
    everywhere = {it[1:] for it in wanted if it[0] is None}
    assert granted <= wanted
    assert {it for it in wanted if it[1:] not in everywhere or it[0] is None} <= granted
