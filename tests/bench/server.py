"""How fast the webhook server answers, and what it costs: `make bench`.

    .venv/bin/python -m tests.bench.server [--seconds S] [--rounds N] [--json FILE]

Servers and variants take turns within one run: compare within it. Nothing is asserted but that all
answers are right, because machines differ, and what else they do.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tests.bench import creates, engine, machine, requests, tables
from tests.bench.binaries import programs
from tests.bench.reviews import reviews
from tests.bench.servers import NAMES, PROFILE
from tests.bench.targets import targets
from tests.cluster.golang import BuildError
from tests.cluster.processes import ProcessDied

_CREATE_TIMES = 4  # a create takes so much longer than a review, so its measurement does, too


def main() -> None:
    """Exits with 1 if an answer was wrong, or if something could not be started."""
    parser = argparse.ArgumentParser(description="How fast the webhook server answers.")
    parser.add_argument("--seconds", type=float, default=0.7, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each case")
    parser.add_argument("--json", type=Path, help="file for everything that was measured")
    arguments = parser.parse_args()
    try:
        sys.exit(run(arguments.seconds, arguments.rounds, arguments.json))
    except (BuildError, ProcessDied, TimeoutError) as error:
        sys.exit("\n".join([f"error: {error}", *getattr(error, "__notes__", [])]))
    except KeyboardInterrupt:
        sys.exit(130)


def run(seconds: float, rounds: int, file: Path | None) -> int:
    """Measure and print; the exit code."""
    built, cores, asked = programs(), machine.cores(), list(reviews())
    report: dict[str, Any] = {"time": datetime.now(UTC).isoformat(timespec="seconds")}
    report |= {"machine": machine.description(), "cores": cores, "seconds": seconds}
    report |= {"rounds": rounds, "servers": NAMES, "profile": PROFILE}
    report["bytes"] = {review.name: len(review.body) for review in asked}
    others = machine.Others()
    _print(_heading(report, cores))

    with machine.pinned(cores.server):
        costs = list(engine.costs(asked))
    _print(tables.of_engine(costs))
    result = requests.measure(built, cores, asked, seconds, rounds)
    _print(tables.of_requests(result, asked))
    ends = creates.measure(built, cores, seconds * _CREATE_TIMES, rounds)
    _print(tables.of_creates(ends))
    reached = list(targets(result, ends))
    _print(tables.of_targets(reached))

    share = others.share()
    print(f"\nOther programs took {share:.0%} of these cores meanwhile.", flush=True)
    report |= {"engine": costs, "requests": result, "creates": ends, "targets": reached}
    report["othersShare"] = share
    if file:
        text = msgspec.json.format(msgspec.json.encode(report), indent=1)
        file.write_bytes(text + b"\n")
        print(f"Everything that was measured is in {file}.")
    return _complain([*result.samples, *ends])


def _print(lines: Any) -> None:
    for line in lines:
        print(line, flush=True)


def _heading(report: dict[str, Any], cores: machine.Cores) -> list[str]:
    about = report["machine"]
    pinning = f"servers on core {cores.server}, load on core {cores.load}"
    if not cores.are_apart:
        pinning = "no two cores to pin to: servers and load share what there is"
    return [
        f"{about['processor']}, {about['cores']} cores, {about['system']}",
        f"Python {about['python']}, Go {about['go']}, profile {PROFILE}; {pinning}",
        f"medians of {report['rounds']} rounds of {report['seconds']} s; "
        f"load average {os.getloadavg()[0]:.1f} before",
        *(f"({server}) {name}" for server, name in NAMES.items()),
    ]


def _complain(samples: list[requests.Sample | creates.Sample]) -> int:
    failed = [sample for sample in samples if sample.failed]
    for sample in failed:
        print(f"failed: {sample}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    main()
