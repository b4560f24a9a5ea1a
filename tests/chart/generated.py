"""What in `deploy/` and `docs/` is made from the chart: `python -m tests.chart.generated`.

The manifests for those who do not use Helm, the dashboard and the alerts for those who load them by
hand, and the table of values.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from tests.chart.rendering import CHART, NAMESPACE, ROOT, template

GUIDE: Final = ROOT / "docs" / "chart.md"
BEGIN: Final = "<!-- values: made by `make docs` -->\n"
END: Final = "<!-- end of values -->\n"

_HEAD: Final = f"""\
# Podworthy in namespace {NAMESPACE}, as the chart makes it with its default values.
# Made by `make docs`; what to change, and how, is in docs/chart.md.
---
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""
_HELMS_OWN: Final = re.compile(r"^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n", re.M)


def files() -> dict[Path, str]:
    """The text of every file."""
    return {
        ROOT / "deploy/manifests/podworthy.yaml": manifests(),
        ROOT / "deploy/dashboards/podworthy.json": (CHART / "files/dashboard.json").read_text(),
        ROOT / "deploy/alerts/podworthy.yaml": (CHART / "files/alerts.yaml").read_text(),
        GUIDE: guide(GUIDE.read_text()),
    }


def manifests() -> str:
    """The objects of a default installation, without hooks, tests and Helm's own labels."""
    rendered = template({}, "--no-hooks", "--skip-tests")
    return _HEAD + _HELMS_OWN.sub("", rendered).replace("\n\n---\n", "\n---\n").rstrip() + "\n"


def guide(text: str) -> str:
    """The guide with a new table; ValueError if it has no place for it."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{GUIDE} lacks {BEGIN!r} or {END!r}")
    rows = ["| value | default | meaning |", "|---|---|---|"]
    rows += [
        f"| `{key}` | `{default}` | {comment} |".replace("``", "")
        for key, default, comment in values()
    ]
    return before + BEGIN + "\n".join(rows) + "\n" + END + after


def values() -> Iterator[tuple[str, str, str]]:
    """Key, default as JSON (none if it has keys of its own), and the comment above it."""
    text = (CHART / "values.yaml").read_text()
    root = yaml.compose(text, yaml.CSafeLoader)
    assert isinstance(root, yaml.MappingNode)
    yield from _rows(root, text.splitlines(), "")


def _rows(
    mapping: yaml.MappingNode, lines: list[str], prefix: str
) -> Iterator[tuple[str, str, str]]:
    for key, value in mapping.value:
        name = f"{prefix}{key.value}"
        comment = _above(lines, key.start_mark.line)
        default = yaml.load(yaml.serialize(value, Dumper=yaml.CSafeDumper), yaml.CSafeLoader)
        if comment:
            yield name, "" if default == "" else json.dumps(default), comment
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _rows(value, lines, f"{name}.")
        else:
            raise ValueError(f"values.yaml:{key.start_mark.line + 1}: {name} has no comment")


def _above(lines: list[str], line: int) -> str:
    """The comment that ends on the line before."""
    found: list[str] = []
    while line and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        found.insert(0, lines[line].lstrip()[1:].strip())
    return " ".join(found)


def write() -> None:
    """Replace what is there."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
