"""What is made from the chart is as the chart makes it, and can be used as it is said to be."""

import json
import re
import subprocess

import yaml

from tests.chart.generated import files, values
from tests.chart.rendering import CHART, ROOT, objects, render
from tests.cluster.golang import beside_python

MANIFESTS = ROOT / "deploy" / "manifests"
METRIC = re.compile(r"\b(?:podworthy|process|apiserver)_[a-z0-9_]+")


def test_all_of_it_is_fresh() -> None:
    for path, text in files().items():
        assert path.read_text() == text, f"{path.relative_to(ROOT)}: make docs"


def test_plain_manifests_are_the_chart_without_helm() -> None:
    def name(one: dict[str, object]) -> str:
        metadata = one["metadata"]
        assert isinstance(metadata, dict)
        return f"{one['kind']} {metadata['name']}"

    plain = objects((MANIFESTS / "podworthy.yaml").read_text())
    rendered = render({}, "--no-hooks", "--skip-tests")
    assert {name(one) for one in plain} == {
        "Namespace podworthy-system",
        *(name(one) for one in rendered),
    }
    text = (MANIFESTS / "podworthy.yaml").read_text()
    assert not re.search("helm", text, re.I)


def test_kustomize_builds_them() -> None:
    done = subprocess.run(
        [beside_python("kubectl"), "kustomize", MANIFESTS],
        capture_output=True,
        text=True,
        check=True,
    )
    built = objects(done.stdout)
    assert len(built) == len(objects((MANIFESTS / "podworthy.yaml").read_text()))


def test_a_directory_of_them_can_be_applied() -> None:
    """kubectl reads every .yaml, .yml and .json of a directory: a kustomization must be neither."""
    assert {path.name for path in MANIFESTS.iterdir()} == {"Kustomization", "podworthy.yaml"}


def test_every_value_is_explained() -> None:
    assert {"profiles", "server.drainSeconds", "monitoring.rules"} <= {
        key for key, _, _ in values()
    }


def test_every_value_has_a_type() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())

    def check(value: object, schema: dict[str, object], place: str) -> None:
        properties = schema.get("properties")
        if isinstance(value, dict) and isinstance(properties, dict) and value:
            assert schema["additionalProperties"] is False, place
            for key, inner in value.items():
                assert key in properties, f"{place}/{key}"
                check(inner, properties[key], f"{place}/{key}")

    check(yaml.safe_load((CHART / "values.yaml").read_text()), schema, "")


def documented() -> set[str]:
    """Names of metrics in the documentation, and those of others that we use."""
    text = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    return set(re.findall(r"^\| `(podworthy_[a-z0-9_]+)`", text, re.M)) | {
        "apiserver_admission_webhook_admission_duration_seconds",
        "apiserver_admission_webhook_fail_open_count",
        "apiserver_admission_webhook_rejection_count",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
    }


def test_the_dashboard_shows_metrics_that_exist() -> None:
    dashboard = json.loads((CHART / "files/dashboard.json").read_text())
    expressions = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    expressions += [
        one["definition"] for one in dashboard["templating"]["list"] if "definition" in one
    ]
    assert len(expressions) > 20
    for expression in expressions:
        assert _metrics(expression), expression
        assert _metrics(expression) <= documented(), expression


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads((CHART / "files/dashboard.json").read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_alerts_are_on_metrics_that_exist() -> None:
    (group,) = yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]:
        assert _metrics(rule["expr"]) <= documented(), rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert set(rule["annotations"]) == {"summary", "description"}


def _metrics(expression: str) -> set[str]:
    """Names of metrics; a histogram's without the suffix of its series."""
    return {
        re.sub("_(bucket|sum|count)$", "", name) if name.endswith("_bucket") else name
        for name in METRIC.findall(expression)
    }
