"""`podworthy audit --format html --database`: what is kept, on the page."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.history.test_command import POD, report
from webhook.cli import main
from webhook.history import Denial, History, Run, Tally

__all__ = ["report"]
Audit = Callable[..., Result]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A database with an audit of today, and one and a denial of long ago."""
    path = tmp_path / "history.db"
    now = datetime.now(UTC)
    with History(f"sqlite:///{path}") as history:
        for ago, failing in ((35, 123), (0, 40)):
            at = now - timedelta(days=ago)
            history.add_run(Run(at, "strict", Tally(objects=160, failing=failing)))
            history.add_denials(
                [
                    Denial(
                        f"u{ago}", at, "strict", ("require-probes",), "Pod", "shop", "Pod/a", "ann"
                    )
                ]
            )
    return path


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    manifest = tmp_path / "pods.yaml"
    manifest.write_text(POD)

    def call(*arguments: str, command: str = "audit", **env: str) -> Result:
        given = [command, *arguments] + ([str(manifest)] if command == "audit" else [])
        return CliRunner().invoke(main, given, env=env)

    return call


def test_the_last_month_is_drawn(audit: Audit, kept: Path) -> None:
    done = audit("--format", "html", "--database", f"sqlite:///{kept}")
    assert done.exit_code == 1, done.output
    assert "75% of 160 on " in done.stdout
    assert "1 in all, 1 on the worst day" in done.stdout
    assert "23%" not in done.stdout


def test_shards_put_together_have_it_too(audit: Audit, kept: Path, tmp_path: Path) -> None:
    share = str(tmp_path / "share.json")
    audit("--shard", "0/1", "--format", f"json={share}")
    url = f"sqlite:///{kept}"
    done = audit("--format", "html", "--database", url, share, command="merge")
    assert "75% of 160 on " in done.stdout


def test_a_database_that_cannot_be_read_ends_it_before_it_begins(
    audit: Audit, tmp_path: Path
) -> None:
    (tmp_path / "history.db").write_text("no database at all, of whatever length it may be\n" * 9)
    page = tmp_path / "report.html"
    done = audit("--format", f"html={page}", "--database", f"sqlite:///{tmp_path / 'history.db'}")
    assert done.exit_code == 2
    assert "history.db cannot be used: file is not a database" in done.stderr
    assert not page.exists()


def test_a_database_that_is_not_there_is_not_made(audit: Audit, tmp_path: Path) -> None:
    done = audit("--format", "html", "--database", f"sqlite:///{tmp_path / 'histroy.db'}")
    assert done.exit_code == 2
    assert "there is no database" in done.stderr
    assert "podworthy history --add" in done.stderr
    assert not (tmp_path / "histroy.db").exists()


@pytest.mark.parametrize("command", ["audit", "merge"])
def test_without_a_page_there_is_nothing_to_draw_it_on(
    audit: Audit, kept: Path, report: Path, command: str
) -> None:
    paths = [str(report)] if command == "merge" else []
    done = audit("--database", f"sqlite:///{kept}", *paths, command=command)
    assert done.exit_code == 2
    assert "add --format html=FILE" in done.stderr


def test_the_variable_which_other_commands_share_asks_for_no_page(audit: Audit, kept: Path) -> None:
    url = f"sqlite:///{kept}"
    assert audit(PODWORTHY_DATABASE=url).exit_code == 1
    assert "75% of 160 on " in audit("--format", "html", PODWORTHY_DATABASE=url).stdout
