"""`python -m tests.cluster.ran REPORT VERSION...`: did the tests run on every real API server?

A green run that skipped them would show nothing. Reads pytest's JUnit report.
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

_AT_LEAST = 30  # a version has more; a handful would mean that most were lost


def main(report: Path, versions: list[str]) -> int:
    """0 if every version has at least `_AT_LEAST` cluster tests and none was skipped."""
    passed: Counter[str] = Counter()
    skipped: list[str] = []
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 pytest wrote it
        if not case.get("classname", "").startswith("tests.cluster."):
            continue
        name = case.get("name", "")
        if case.find("skipped") is not None:
            skipped.append(name)
        passed.update(version for version in versions if f"[{version}" in name)
    print("tests on real API servers:", ", ".join(f"{v}: {passed[v]}" for v in versions))
    if skipped:
        print(f"skipped on a real API server: {', '.join(skipped)}", file=sys.stderr)
    missing = [version for version in versions if passed[version] < _AT_LEAST]
    if missing:
        print(f"fewer than {_AT_LEAST} tests on {', '.join(missing)}", file=sys.stderr)
    return 1 if skipped or missing else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
