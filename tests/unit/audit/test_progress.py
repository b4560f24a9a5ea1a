"""The bar: only for somebody who waits at a terminal, and gone when it is in the way."""

import io
import os
import sys
from pathlib import Path

import pytest

from tests.terminal import Terminal
from tests.unit.audit.test_run import BAD_POD
from webhook.audit.progress import Bar, Line, is_wanted
from webhook.report.output import Output

ERASED = "\r\x1b[K"


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_it_is_for_terminals_that_nobody_else_writes_to() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        assert is_wanted(Output(Screen()), Output(Screen()), {})
        assert is_wanted(Output(io.StringIO()), Output(Screen()), {})
        assert not is_wanted(Output(Screen()), Output(io.StringIO()), {})
        assert not is_wanted(Output(pipe), Output(Screen()), {})
    os.close(reading)


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("CI", "1"), ("TERM", "dumb")])
def test_it_is_not_for_plain_terminals(variable: str, value: str) -> None:
    assert not is_wanted(Output(Screen()), Output(Screen()), {variable: value})


def test_most_runs_are_done_before_it_is_shown() -> None:
    screen = Screen()
    bar = Bar(Output(screen), clock=lambda: 7.0)
    bar.advance(10, 1)
    bar.erase()

    assert screen.getvalue() == ""


def test_it_grows_a_few_times_a_second_and_makes_way() -> None:
    screen = Screen()
    times = iter([0.0, 1.0, 1.05, 2.0, 3.0])
    bar = Bar(Output(screen), clock=lambda: next(times))
    bar.total = 200
    bar.advance(50, 1)
    bar.advance(50, 8)
    bar.advance(60, 1)
    bar.erase()
    bar.erase()
    bar.advance(80, 5)

    assert screen.getvalue().split(ERASED) == [
        "",
        "[#######-----------------------]  25%  1 object judged",
        "[########################------]  80%  10 objects judged",
        "",
        "[##############################] 100%  15 objects judged",
    ]


def test_without_a_total_it_counts() -> None:
    screen = Screen()
    times = iter([0.0, 1.0])
    Bar(Output(screen), clock=lambda: next(times)).advance(50, 3)

    assert screen.getvalue() == f"{ERASED}3 objects judged"


def test_of_a_cluster_it_tells_counts_and_the_rate() -> None:
    screen = Screen()
    times = iter([0.0, 0.1, 2.0, 2.05])
    line = Line(Output(screen), clock=lambda: next(times))
    line.show("pods: 1 of 9 read", 1)
    line.show("pods: 5 of 9 read", 30)
    line.show("pods: 6 of 9 read", 31)
    line.erase()

    assert screen.getvalue() == (
        f"{ERASED}pods: 5 of 9 read, 30 objects judged, 15 a second{ERASED}"
    )


SCRIPT = """
import os, sys
for name in ("CI", "NO_COLOR"):
    os.environ.pop(name, None)
os.environ["TERM"] = "xterm"
from webhook.audit import progress
progress.QUIET = progress._EVERY = 0
from webhook.cli import main
main()
"""


def test_a_report_on_the_same_screen_is_not_garbled(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.yaml").write_text(BAD_POD)
    terminal = Terminal(sys.executable, "-c", SCRIPT, "audit", str(tmp_path))
    terminal.read_until("podworthy explain require-probes\r\n")

    assert terminal.exit_code() == 1
    first, *pictures = terminal.text.split(ERASED)
    assert first.count("2.yaml") == 0
    shown = [one.partition("]")[2].strip() for one in pictures if one.startswith("[")]
    assert shown == ["33%  1 object judged", "67%  2 objects judged", "100%  3 objects judged"]
    kept = [line for one in pictures if not one.startswith("[") for line in one.splitlines()]
    assert [line for line in kept if line.startswith(str(tmp_path))] == [
        str(tmp_path / "1.yaml"),
        str(tmp_path / "2.yaml"),
    ]
    assert not any("judged" in line and "%" in line for line in kept)
