"""docs/profiles.md and docs/exemptions.md: what they show is loaded, and does what they say."""

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.markdown import DOCS, blocks, commands
from webhook import catalog, documents
from webhook.api import HANDLERS
from webhook.cli import main
from webhook.documents import Documents
from webhook.identity import Identity

PAGES = ("profiles.md", "exemptions.md")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    """Every document of both pages, loaded together."""
    directory = tmp_path_factory.mktemp("documents")
    texts = [b.text for page in PAGES for b in blocks(DOCS / page) if b.language == "yaml"]
    for number, text in enumerate(texts):
        (directory / f"{number}.yaml").write_text(text)
    return documents.load([directory], catalog.POLICIES)


def actions(of: Documents, profile: str) -> dict[str, str]:
    found = of.profiles[profile]
    return {b.policy: b.action for b in (*found.checks["Pod"], *found.fills["Pod"])}


def test_the_shown_profiles(shown: Documents) -> None:
    written = ("require-probes", "require-claims", "probe-timing")
    assert [actions(shown, "payments")[one] for one in written] == ["warn", "warn", "fill"]
    trial = [actions(shown, "payments-trial")[one] for one in written]
    assert trial == ["audit", "audit", "suggest"]
    assert "require-probes" not in actions(shown, "batch")
    (claims,) = (b for b in shown.profiles["batch"].checks["Pod"] if b.policy == "require-claims")
    assert [one.prefix for one in claims.params.host_paths] == ["/var/log"]
    assert "csi.cert-manager.io" in claims.params.csi_drivers


def test_the_shown_exemptions(shown: Documents) -> None:
    day = date(2026, 12, 24)
    generated = Identity("pay", (("Pod", "debug-?"),), is_made_by_controller=False)
    assert [g.exemption.name for g in shown.exemptions.reach(generated, day)] == ["debugging"]
    made = Identity("pay", (("Pod", "ledger-0"), ("StatefulSet", "ledger")), True)
    assert [g.exemption.name for g in shown.exemptions.reach(made, day)] == ["ledger"]


def test_what_is_said_of_a_null(tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text(
        "apiVersion: podworthy.dev/v1alpha1\n"
        "kind: Profile\n"
        "metadata: {name: team}\n"
        "spec:\n"
        "  extends: advise\n"
        "  maxAction: null\n"
        "  policies:\n"
        "    probe-timing:\n"
        "      params: {timings: {liveness: {exec: {timeoutSeconds: null}}}}\n"
    )
    loaded = documents.load([tmp_path], catalog.POLICIES)
    assert actions(loaded, "team")["require-probes"] == "deny"
    (timing,) = loaded.profiles["team"].fills["Pod"]
    assert "timeoutSeconds" not in timing.params.wanted["liveness", "exec"]
    assert all(timing.params.wanted["startup", handler] for handler in HANDLERS)


@pytest.mark.parametrize("page", PAGES)
def test_the_shown_commands_are_ones(page: str) -> None:
    ran = 0
    for block in blocks(DOCS / page):
        if block.language == "console":
            for command in commands(block):
                program, verb, *arguments = command.line.split()
                assert program == "podworthy"
                flags = [one for one in arguments if one.startswith("--")]
                text = CliRunner().invoke(main, [verb, "--help"]).stdout
                assert all(flag in text for flag in flags)
                ran += 1
    assert ran
