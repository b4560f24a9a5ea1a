"""Reviews to begin with: recorded ones, and one of every fixture of every policy."""

import json
from pathlib import Path
from typing import Any

from tests.builders import GOLDEN, api_defaults, pod_in, review
from tests.fixtures import fixtures
from tests.large import SHAPES

EXAMPLES = Path(__file__).parents[2] / "examples" / "reviews"


def recorded() -> list[bytes]:
    """What a real API server has sent, as compact as it sends it."""
    files = sorted([*GOLDEN.glob("*.json"), *EXAMPLES.glob("*.json")])
    return [compact(json.loads(file.read_bytes())) for file in files]


def reviews() -> list[bytes]:
    """Recorded ones, and of each fixture its creation, and an update that removes annotations."""
    found = recorded()
    for fixture in fixtures():
        created = api_defaults(fixture.manifest)
        found.append(compact(json.loads(review(created))))
        before = api_defaults(fixture.manifest)
        pod_in(before)["metadata"] = {"annotations": {"before": "this"}}
        found.append(compact(json.loads(review(created, "UPDATE", old=before))))
    return found


def large() -> list[bytes]:
    """As much of one thing as is taken, and ten times that: the dearest that is known."""
    return [
        compact(json.loads(review(shape.of(times * shape.most))))
        for shape in SHAPES
        for times in (1, 10 if shape.is_refused_beyond else 1)
    ]


def compact(value: Any) -> bytes:
    """As Go's encoder writes it: no blanks, and text beyond ASCII as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
