"""`python -m tests.cluster.ran REPORT VERSION...`: did the tests run on every real API server?

A green run that skipped them would show nothing. Reads pytest's JUnit report.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

_AT_LEAST = 40  # there are more; this many cannot be lost unnoticed


def main(report: Path, versions: list[str]) -> int:
    """0 if the same tests, and not few, ran on every version and none was skipped."""
    ran: dict[str, set[str]] = {version: set() for version in versions}
    skipped: list[str] = []
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 pytest wrote it
        name = f"{case.get('classname')}.{case.get('name')}"
        for version in versions:
            if name.startswith("tests.cluster.") and f"[{version}" in name:
                ran[version].add(name.replace(version, "VERSION"))
                if case.find("skipped") is not None:
                    skipped.append(name)
    print("tests on real API servers:", ", ".join(f"{v}: {len(ran[v])}" for v in versions))
    everything = set().union(*ran.values())
    missing = [f"{name} on {v}" for v in versions for name in sorted(everything - ran[v])]
    for problem in (*(f"skipped: {name}" for name in skipped), *(f"lost: {m}" for m in missing)):
        print(problem, file=sys.stderr)
    if len(everything) < _AT_LEAST:
        print(f"fewer than {_AT_LEAST} tests ran on real API servers", file=sys.stderr)
    return 1 if skipped or missing or len(everything) < _AT_LEAST else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
