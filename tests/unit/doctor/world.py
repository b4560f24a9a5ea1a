"""An installation in which all is well, as doctor reads it, to be broken by tests."""

import functools
import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

import msgspec
import yaml

from tests.builders import NOON
from tests.cluster.registration import render
from webhook import __version__, catalog, documents
from webhook.controller.canary import Finding, Outcome
from webhook.controller.certificates import Service, new_authority, new_leaf, pem
from webhook.doctor.checks import findings
from webhook.doctor.report import Finding as Told
from webhook.doctor.report import Names
from webhook.doctor.rights import rights
from webhook.doctor.state import Asked, Served, State
from webhook.doctor.survey import Survey

Json = dict[str, Any]

NAMES = Names("podworthy-system", "podworthy", "podworthy", "podworthy-tls")
SERVICE = Service("podworthy-system", "podworthy")
AUTHORITY = new_authority(SERVICE, NOON)
BUNDLE = b64encode(pem([AUTHORITY.certificate])).decode()
PROFILES = {"advise": "Ignore", "baseline": "Fail", "strict": "Fail"}
DOCUMENTS = documents.load((), catalog.POLICIES)
_LABELS = {"app.kubernetes.io/name": "podworthy", "app.kubernetes.io/component": "server"}


def configurations() -> dict[str, Json]:
    """By kind, as the chart makes them of the same template; fresh ones, to be changed."""
    made: dict[str, Json] = json.loads(_configurations())
    return made


@functools.cache
def _configurations() -> str:
    made: dict[str, Json] = {}
    others = [profile for profile in PROFILES if profile != "advise"]
    for profile, policy in PROFILES.items():
        chosen: Json = {"key": "podworthy.dev/profile", "operator": "In", "values": [profile]}
        if profile == "advise":
            chosen = {**chosen, "operator": "NotIn", "values": others}
        text = render(
            {
                "profile": profile,
                "failurePolicy": policy,
                "chosenBy": json.dumps(chosen),
                "excludedNamespaces": json.dumps(
                    ["kube-system", "kube-node-lease", "podworthy-system"]
                ),
                "breakGlassGroup": "sre:on-call",
                "namespace": NAMES.namespace,
                "service": NAMES.service,
                "port": "443",
                "caBundle": BUNDLE,
            }
        )
        for one in yaml.load_all(text, yaml.CSafeLoader):
            one["metadata"]["name"] = NAMES.configuration
            known = made.setdefault(one["kind"], {**one, "webhooks": []})
            known["webhooks"] += one["webhooks"]
    return json.dumps(made)


def namespace(name: str, profile: str | None = None) -> Json:
    labels = {"kubernetes.io/metadata.name": name}
    labels |= {"podworthy.dev/profile": profile} if profile else {}
    return {"metadata": {"name": name, "labels": labels}}


def deployment(name: str, component: str, replicas: int = 2) -> Json:
    labels = _LABELS | {"app.kubernetes.io/component": component}
    image = f"podworthy:{__version__}"
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"image": image}]}}
    return {
        "metadata": {"name": name, "labels": labels | {"app.kubernetes.io/version": __version__}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
        "status": {"availableReplicas": replicas},
    }


def pod(node: str) -> Json:
    return {"metadata": {"labels": _LABELS}, "spec": {"nodeName": node}, "status": {}}


def state(**changes: Any) -> State:
    """All is well, but for what is changed."""
    made = configurations()
    leaf = new_leaf(AUTHORITY, SERVICE, NOON - timedelta(days=1)).certificate
    asked = rights(NAMES, ("podworthy-profiles",), "podworthy-canary")
    healthy = State(
        names=NAMES,
        now=NOON,
        kubernetes="v1.37.2",
        rights=tuple(Asked(right, allowed=True) for right in asked),
        mutating=(made["MutatingWebhookConfiguration"],),
        validating=(made["ValidatingWebhookConfiguration"],),
        service={"spec": {"selector": _LABELS, "ports": [{"port": 443}]}},
        slices=({"endpoints": [{"conditions": {"ready": True}}, {}]},),
        deployments=(
            deployment("podworthy", "server"),
            deployment("podworthy-controller", "controller", 1),
        ),
        pods=(pod("node-1"), pod("node-2")),
        budgets=({"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": _LABELS}}},),
        served=Served("10.96.0.7:443 shows", (leaf,), {}),
        documents=DOCUMENTS,
        namespaces=(namespace("shop", "strict"), namespace("default")),
        canary=Finding(Outcome.DENIED, "a bad pod is denied"),
        controller=200,
        survey=Survey(judged=3),
    )
    return msgspec.structs.replace(healthy, **changes)


def grave(seen: State) -> dict[str, str]:
    """The verdicts that are not ok."""
    return {one.check: one.verdict for one in findings(seen) if one.verdict != "ok"}


def told(seen: State, check: str) -> Told:
    """What one check says."""
    (found,) = [one for one in findings(seen) if one.check == check]
    return found


def words(seen: State, check: str) -> str:
    """Its evidence."""
    return "\n".join(one.message for one in told(seen, check).evidence)
