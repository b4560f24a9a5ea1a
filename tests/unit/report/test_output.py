"""Standard output may be anything."""

import io

from webhook.report.output import Output


class Failing(io.StringIO):
    """A stream that cannot be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error
        self.tries = 0

    def write(self, _: str) -> int:
        self.tries += 1
        raise self.error


def test_a_reader_that_left_is_no_problem_and_is_not_asked_again() -> None:
    stream = Failing(BrokenPipeError(32, "Broken pipe"))
    output = Output(stream)
    output.write("a")
    output.write("b")
    output.flush()

    assert (output.problem, stream.tries) == (None, 1)


def test_a_full_disk_is_a_problem() -> None:
    output = Output(Failing(OSError(28, "No space left on device")))
    output.write("a")

    assert output.problem == "No space left on device"


def test_a_closed_stream() -> None:
    output = Output(None)
    output.write("a")
    output.flush()

    assert (output.problem, output.is_terminal) == (None, False)


def test_whatever_the_locale_names_are_written() -> None:
    raw = io.BytesIO()
    output = Output(io.TextIOWrapper(raw, encoding="ascii"))
    output.write("é \udcff")
    output.flush()

    assert raw.getvalue() == b"\xc3\xa9 \\udcff"
