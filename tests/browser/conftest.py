"""A browser, and pages to look at in it."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.estate import TODAY, days, exemptions, manifests
from tests.builders import load_profiles
from webhook.audit import Court, run
from webhook.exemptions import Exemptions
from webhook.report.baseline import load
from webhook.report.reports import Format

ARTEFACTS = Path("build/browser")
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
_HEIGHT = 2_600
_AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
_OBSERVE = """
addEventListener('securitypolicyviolation',
  (event) => console.error(`CSP: ${event.violatedDirective}`));
"""
MALFORMED = """
kind: Deployment
apiVersion: apps/v1
metadata: {name: broken}
spec: {template: {spec: {containers: 7}}}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in here needs a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Looked(msgspec.Struct):
    """A page in a browser, and all that went on while it was looked at."""

    page: Page
    console: list[str]
    requests: list[str]

    @property
    def rows(self) -> list[str]:
        """What the table of findings shows, a text for each row."""
        shown: list[str] = self.page.locator("#rows tbody tr").all_inner_texts()
        return shown

    @property
    def focused(self) -> str:
        """The element that has the keyboard, in short."""
        told: str = self.page.evaluate(
            "(e => e.id || (e.name ? `${e.name}=${e.value}`"
            " : `${e.tagName} ${e.textContent.trim()}`))"
            "(document.activeElement)"
        )
        return told

    def is_wider_than_its_window(self) -> bool:
        """Whether one has to scroll sideways to read it."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    def shoot(self, name: str) -> None:
        """Keep what it looks like, from its top."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        window = self.page.viewport_size or DESKTOP
        self.page.screenshot(
            path=ARTEFACTS / f"{name}.png",
            full_page=True,
            clip={"x": 0, "y": 0, "width": window["width"], "height": _HEIGHT},
        )


Look = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "no Chromium: see make test-browser"
    # its sandbox refuses to run as root, and nothing foreign is shown here
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments, timeout=120_000)
        yield started
        started.close()


@pytest.fixture
def look(browser: Browser) -> Look:
    """Opens a page in a context of its own: a context manager that gives a `Looked`."""

    @contextmanager
    def open_page(url: str | Path, **settings: Any) -> Iterator[Looked]:
        context = browser.new_context(**{"viewport": DESKTOP, **settings})
        context.set_default_timeout(60_000)
        try:
            yield _open(context, f"file://{url}" if isinstance(url, Path) else url)
        finally:
            context.close()

    return open_page


def _open(context: BrowserContext, url: str) -> Looked:
    page = context.new_page()
    looked = Looked(page, [], [])
    page.add_init_script(_OBSERVE)
    page.on("console", lambda message: looked.console.append(message.text))
    page.on("pageerror", lambda error: looked.console.append(str(error)))
    page.on("dialog", lambda dialog: looked.console.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: looked.requests.append(request.url))
    page.goto(url)
    return looked


def complaints(page: Page) -> list[str]:
    """What axe-core holds against a page: WCAG 2.2, levels A and AA, contrast included."""
    page.evaluate(_AXE)
    found = page.evaluate(
        "axe.run({resultTypes: ['violations', 'passes'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a',"
        " 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    assert any(rule["id"] == "color-contrast" for rule in found["passes"]), "looked at nothing"
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def audited(path: Path, number: int, **settings: Any) -> Path:
    """The report on so many workloads, one of them malformed; settings are those of `run`."""
    text = "---\n".join([*manifests(number), MALFORMED, "apiVersion: v1\nkind: Service\n"])
    court = Court(load_profiles()["baseline"], Exemptions(exemptions()), TODAY, team_label="team")
    run(
        ["-"],
        court,
        [Format("html", str(path))],
        stdin=io.BytesIO(text.encode()),
        stderr=io.StringIO(),
        **settings,
    )
    return path


@pytest.fixture(scope="session")
def compared_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report beside one of fewer workloads and of one that is gone, with what was before it."""
    directory = tmp_path_factory.mktemp("compared")
    gone = "apiVersion: v1\nkind: Pod\nmetadata: {name: gone}\nspec: {containers: [{name: web}]}\n"
    court = Court(load_profiles()["baseline"], Exemptions(exemptions()), TODAY, team_label="team")
    before = io.BytesIO("---\n".join([*manifests(20), gone]).encode())
    earlier = directory / "earlier.json"
    run(["-"], court, [Format("json", str(earlier))], stdin=before, stderr=io.StringIO())
    baseline, _ = load(str(earlier), "baseline")
    return audited(directory / "report.html", 40, baseline=baseline, trend=days())


@pytest.fixture(scope="session")
def small_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which everything is there once or a few times."""
    return audited(tmp_path_factory.mktemp("report") / "report.html", 40)


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report as most are: some hundreds of findings."""
    return audited(tmp_path_factory.mktemp("report") / "report.html", 300)
