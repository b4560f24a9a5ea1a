"""A pod may ask for the loop to be blocked: only for tests of what happens then.

What it checks
    Nothing. The annotation `spin` says for how many seconds the policy uses the processor, and on
    standard error it tells since when (`spinning since SECONDS`, of the monotonic clock).

Why
    A policy that does not return is the one thing that stops the whole server.

Bad
    metadata: {annotations: {spin: "inf"}}

Good
    metadata: {annotations: {}}

Params
    None.

Limits
    None.
"""

import sys
import time
from collections.abc import Iterator

from webhook import api


def check(
    workload: api.Workload,
    params: api.Params,  # noqa: ARG001 the signature of every check
    lookups: api.Lookups,  # noqa: ARG001
) -> Iterator[api.Violation]:
    """No violation, sooner or later."""
    seconds = workload.annotations.get("spin")
    if seconds is not None:
        begun = time.monotonic()
        print(f"spinning since {begun}", file=sys.stderr, flush=True)
        while time.monotonic() < begun + float(seconds):
            pass
    yield from ()


policy = api.Policy(
    id="spin", summary="blocks the loop on demand", params=api.Params, check=check, doc=__doc__
)
