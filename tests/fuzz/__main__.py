"""`python -m tests.fuzz SECONDS [SEED]`: mutated reviews, for as long as there is patience."""

import sys
import tempfile
from pathlib import Path
from random import randrange

from tests.fuzz.run import fuzz


def main() -> None:
    """Print the report; exits 1 if something failed."""
    seconds = float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else randrange(10**6)  # noqa: S311 no secret
    report = fuzz(seconds, seed, Path(tempfile.mkdtemp(prefix="fuzz-")))
    print(report)
    sys.exit(bool(report.failures))


if __name__ == "__main__":
    main()
