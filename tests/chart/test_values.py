"""What may be said in values: what is wrong is refused, with the place and the way out."""

import re
import tomllib

import pytest
import yaml

from tests.chart.rendering import CHART, RICH, ROOT, HelmError, Json, render, run_helm, template
from tests.cluster.versions import HELM, NEWEST, OLDEST_HELM

EXEMPTION = RICH["documents"]["exemptions"][0]


@pytest.mark.parametrize("version", [HELM, OLDEST_HELM])
def test_helm_lints_it(version: str) -> None:
    told = run_helm("lint", "--strict", str(CHART), f"--kube-version={NEWEST}", version=version)
    assert "1 chart(s) linted, 0 chart(s) failed" in told


@pytest.mark.parametrize("values", [None, RICH])
def test_both_helms_render_the_same_objects(values: Json | None) -> None:
    def key(one: Json) -> str:
        return str(sorted(one.items(), key=str))

    newest, oldest = render(values), render(values, version=OLDEST_HELM)
    assert sorted(newest, key=key) == sorted(oldest, key=key)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"profile": []}, "profile"),
        ({"profiles": []}, "/profiles"),
        ({"profiles": [{"name": "advise"}]}, "failurePolicy"),
        ({"profiles": [{"name": "Advise", "failurePolicy": "Fail"}]}, "/profiles/0/name"),
        ({"profiles": [{"name": "advise", "failurePolicy": "fail"}]}, "/profiles/0/failurePolicy"),
        ({"breakGlassGroup": "a' || true || '"}, "/breakGlassGroup"),
        ({"excludedNamespaces": "kube-public"}, "/excludedNamespaces"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"server": {"replicas": 0}}, "/server/replicas"),
        ({"server": {"drainSeconds": "10"}}, "/server/drainSeconds"),
        ({"server": {"port": 443}}, "/server/port"),
        ({"certificates": {"mode": "none"}}, "/certificates/mode"),
        ({"monitoring": {"monitor": "yes"}}, "/monitoring/monitor"),
        ({"documents": {"exemptions": [{"kind": "Exemption"}]}}, "/documents/exemptions/0"),
        ({"networkPolicy": {"apiServerPorts": []}}, "/networkPolicy/apiServerPorts"),
    ],
)
def test_the_schema_names_the_place(values: Json, complaint: str) -> None:
    with pytest.raises(HelmError) as refusal:
        template(values)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"defaultProfile": "payments"}, 'defaultProfile: "payments" is none of profiles'),
        (
            {"profiles": [{"name": "advise", "failurePolicy": "Ignore"}] * 2},
            "a name is there twice: advise, advise",
        ),
        (
            {"profiles": [{"name": "advise", "failurePolicy": "Ignore"}]},
            'canary.profile: "baseline" is none of profiles (advise)',
        ),
        (
            {"canary": {"namespace": "podworthy-system"}},
            'canary.namespace: podworthy is never asked about "podworthy-system"',
        ),
        (
            {"excludedNamespaces": ["podworthy-canary"]},
            'canary.namespace: podworthy is never asked about "podworthy-canary"',
        ),
        (
            {
                "profiles": [
                    {"name": "advise", "failurePolicy": "Ignore"},
                    {"name": "baseline", "failurePolicy": "Fail"},
                    {"name": "payment", "failurePolicy": "Fail"},
                ]
            },
            'nothing defines "payment"',
        ),
        (
            {"documents": {"exemptions": [EXEMPTION] * 2}},
            "documents.exemptions: a name is there twice: ledger",
        ),
        (
            {"documents": {"exemptions": [EXEMPTION], "exemptionsConfigMap": "own"}},
            "exclude each other",
        ),
    ],
)
def test_what_no_schema_can_say_is_refused_too(values: Json, complaint: str) -> None:
    with pytest.raises(HelmError) as refusal:
        template(values)
    assert complaint in str(refusal.value)


def test_an_old_kubernetes_is_refused() -> None:
    with pytest.raises(HelmError, match=re.escape("requires kubeVersion: >=1.34.0-0")):
        run_helm("template", "podworthy", str(CHART), "--kube-version=1.33.9")


def test_a_profile_in_a_configmap_of_yours_needs_no_document() -> None:
    values = {
        "profiles": [{"name": "own", "failurePolicy": "Fail"}],
        "defaultProfile": "own",
        "canary": {"profile": "own"},
        "documents": {"profilesConfigMap": "governance"},
    }
    assert "governance" in template(values)


def test_it_is_the_version_of_the_package() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == chart["version"] == package
