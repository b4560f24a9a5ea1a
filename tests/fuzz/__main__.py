"""`python -m tests.fuzz SECONDS [SEED [CPU_SECONDS]]`: mutated reviews, for SECONDS.

`CPU_SECONDS` is what an answer may take for 1 MiB, 0.1 if it is not given.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from random import randrange

from tests.fuzz.run import CPU_SECONDS, fuzz


def main() -> None:
    """Print the report; exits 1 if something failed."""
    seconds = float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else randrange(10**6)  # noqa: S311 no secret
    cpu_seconds = float(sys.argv[3]) if len(sys.argv) > 3 else CPU_SECONDS
    directory = Path(tempfile.mkdtemp(prefix="fuzz-"))
    report = None
    try:
        report = fuzz(seconds, seed, directory, cpu_seconds)
        print(report)
        sys.exit(bool(report.failures))
    finally:
        # the bodies of failures are for whoever mends them
        if report is None or not report.failures:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
