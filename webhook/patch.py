"""Fills as RFC 6902 operations that apply to the object exactly as the API server sent it."""

from collections.abc import Iterable, Iterator
from typing import Any

from webhook.api import Fill
from webhook.workload import Reading


def operations(reading: Reading, fills: Iterable[Fill]) -> Iterator[dict[str, Any]]:
    """One `add` for each fill: it sets a member whether it is there or not.

    The parents of probe timings exist. Those of an annotation may not: they are added first, never
    over what is there. A patch that does not apply would be the user's HTTP 500, whatever the
    failurePolicy.
    """
    workload = reading.workload
    metadata = f"{workload.pod_path}/metadata"
    annotations = f"{metadata}/annotations"
    below = f"{annotations}/"
    missing = [] if workload.pod_annotations else [annotations]
    if not reading.has_pod_metadata:
        missing.insert(0, metadata)
    for fill in fills:
        if fill.path.startswith(below):
            yield from ({"op": "add", "path": path, "value": {}} for path in missing)
            missing = []
        yield {"op": "add", "path": fill.path, "value": fill.value}
