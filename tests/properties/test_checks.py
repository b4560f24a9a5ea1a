"""What holds of every check, whatever stands in probes, ports, volumes and mounts."""

from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.builders import Object, api_defaults, load_profiles, of_kind, read
from tests.fixtures import PROFILES_DIRECTORY
from webhook import engine
from webhook.api import KINDS, TIMING_DEFAULTS
from webhook.errors import MalformedObject

EVERYTHING = load_profiles([PROFILES_DIRECTORY])["everything"]

FEW = st.sampled_from(["a", "b"])
NAMES = st.sampled_from(["", "a", "b", "web", "8080", "/x", "~"]) | st.text(max_size=3)
INT32 = st.integers(-(2**31), 2**31 - 1)
PATHS = st.sampled_from(["/data/db", "/var/lib/mysql/x", "/", "..", "//var/lib/mysql/.."]) | NAMES


def some(**fields: Any) -> st.SearchStrategy[Object]:
    """A mapping with any of the fields, some of them null."""
    return st.fixed_dictionaries({}, optional={k: v | st.none() for k, v in fields.items()})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NAMES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=5,
)
targets = some(
    port=st.sampled_from([80, "web", "x"]) | INT32 | NAMES,
    host=NAMES,
    path=anything,
    httpHeaders=anything,
)
probes = some(
    exec=some(command=anything, port=anything, host=anything),
    httpGet=targets,
    tcpSocket=targets,
    grpc=some(port=INT32, service=anything),
    **dict.fromkeys(TIMING_DEFAULTS, INT32),
)
mounts = st.lists(st.fixed_dictionaries({"name": FEW, "mountPath": PATHS}), min_size=1, max_size=3)
containers = some(
    name=NAMES,
    restartPolicy=st.sampled_from(["Always", "Never", "x"]),
    startupProbe=probes,
    livenessProbe=probes,
    readinessProbe=probes,
    ports=st.lists(some(name=NAMES, containerPort=st.integers()), max_size=3),
    volumeMounts=mounts,
) | st.fixed_dictionaries({"volumeMounts": mounts})
empty_dirs = st.builds(lambda name: {"name": name, "emptyDir": {}}, FEW)
claims = st.builds(lambda name: {"name": name, "persistentVolumeClaim": {"claimName": name}}, FEW)
volumes = (
    empty_dirs
    | claims
    | some(
        name=FEW,
        emptyDir=some(medium=anything),
        persistentVolumeClaim=some(claimName=NAMES, readOnly=anything),
        ephemeral=some(volumeClaimTemplate=some(metadata=some(name=NAMES))),
        quantumDisk=anything,
    )
)
retention = st.sampled_from(["Delete", "Retain", "x"])
specs = st.fixed_dictionaries(
    {
        "replicas": st.integers(0, 3) | INT32,
        "strategy": some(type=NAMES, rollingUpdate=some(maxSurge=INT32 | NAMES)),
        "volumeClaimTemplates": st.lists(some(metadata=some(name=FEW)), min_size=1, max_size=2),
        "persistentVolumeClaimRetentionPolicy": some(whenDeleted=retention, whenScaled=retention),
    }
)


@st.composite
def workloads(draw: st.DrawFn) -> Object:
    """An object whose shape is Kubernetes', with values that need not be."""
    obj = of_kind(
        draw(st.sampled_from([*KINDS, "StatefulSet", "Deployment"])),
        *draw(st.lists(containers, min_size=1, max_size=2)),
        initContainers=draw(st.lists(containers, max_size=1)),
        volumes=draw(st.lists(volumes, min_size=1, max_size=3)),
    )
    if obj["kind"] in ("StatefulSet", "Deployment"):
        obj["spec"] |= draw(specs)
    return obj


@given(obj=workloads())
@settings(max_examples=200)
def test_no_check_crashes_and_each_finding_is_beside_something(obj: Object) -> None:
    verdict = engine.check(EVERYTHING, read(obj))
    assert verdict.crashes == ()
    for finding in verdict.findings:
        parent: Any = obj
        for token in finding.violation.path.split("/")[1:-1]:
            parent = parent[int(token) if isinstance(parent, list) else token]
        assert isinstance(parent, dict)


@given(obj=workloads())
def test_defaulting_changes_no_finding(obj: Object) -> None:
    def paths(of: Object) -> set[tuple[str, str]]:
        findings = engine.check(EVERYTHING, read(of)).findings
        return {(one.policy, one.violation.path) for one in findings}

    assert paths(api_defaults(obj)) == paths(obj)


@given(
    handler=st.sampled_from(["httpGet", "tcpSocket", "grpc"]),
    target=some(port=anything, host=anything),
)
def test_a_target_of_any_shape_is_judged_or_malformed(handler: str, target: Object) -> None:
    place = f"/spec/containers/0/livenessProbe/{handler}"
    try:
        reading = read(of_kind("Pod", {"livenessProbe": {handler: target}}))
    except MalformedObject as error:
        malformed = error.pointer
    else:
        malformed = ""
        assert engine.check(EVERYTHING, reading).crashes == ()
    assert malformed in ("", f"{place}/port", f"{place}/host")


@pytest.mark.parametrize(
    "policy",
    [
        "probe-targets",
        "probe-sanity",
        "probe-bounds",
        "statefulset-retention",
        "deployment-state",
        "ephemeral-data",
    ],
)
def test_the_workloads_of_these_properties_are_worth_it(policy: str) -> None:
    # a guard on the tests: strategies that never reach a finding would prove nothing
    def is_found(obj: Object) -> bool:
        return any(one.policy == policy for one in engine.check(EVERYTHING, read(obj)).findings)

    only_generate = settings(max_examples=5000, phases=[Phase.generate], database=None)
    find(workloads(), is_found, settings=only_generate)
