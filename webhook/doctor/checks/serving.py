"""Whether there are servers, enough of them, and whether API servers reach them."""

from collections.abc import Iterator
from typing import Final

from webhook.controller.canary import Outcome
from webhook.doctor.asking import Object, Unread
from webhook.doctor.registered import name_of, selects
from webhook.doctor.report import Evidence, failed, ok, unknown, warning
from webhook.doctor.state import State, pod_labels, servers
from webhook.doctor.state import controller as controlling

_PODS_SAY: Final = "see why pods are not ready"
TWO: Final = 2
"""Servers and nodes, of which one can be lost."""


def endpoints(state: State) -> Iterator[Evidence]:
    """Ready ones, of the Service that the webhooks call."""
    name = f"Service {state.names.namespace}/{state.names.service}"
    if isinstance(state.service, Unread):
        yield unknown(state.service.why)
    elif state.service is None:
        yield failed(f"there is no {name}", "install again by `helm upgrade`")
        return
    if isinstance(state.slices, Unread):
        yield unknown(state.slices.why)
        return
    found = [
        conditions
        for part in state.slices
        for one in part.get("endpoints") or ()
        if not (conditions := one.get("conditions") or {}).get("terminating")
    ]
    # no condition means ready (discovery/v1 EndpointConditions)
    ready = [conditions for conditions in found if conditions.get("ready", True)]
    pods = f"kubectl describe pods --namespace={state.names.namespace}"
    if not ready:
        yield failed(
            f"{name} has no ready endpoint: profiles that fail closed block every pod",
            _PODS_SAY,
            pods,
        )
    elif len(ready) < len(found):
        yield warning(f"{name} has {len(ready)} of {len(found)} endpoints ready", _PODS_SAY, pods)
    else:
        yield ok(f"{name} has {len(ready)} ready endpoints")


def replicas(state: State) -> Iterator[Evidence]:
    """Two on two nodes, and a budget, once a profile fails closed."""
    deciding = state.deciding
    if isinstance(deciding, Unread):
        yield unknown(deciding.why)
        return
    failing = sorted(entry.profile for entry in deciding if entry.failure_policy == "Fail")
    if not failing:
        yield ok("no profile fails closed, so that the loss of a server blocks nothing")
        return
    if isinstance(state.deployments, Unread):
        yield unknown(state.deployments.why)
        return
    service = None if isinstance(state.service, Unread) else state.service
    found = servers(state.deployments, service)
    if found is None:
        yield unknown("there is no Deployment whose pods the Service selects")
        return
    yield from _of_deployment(state, found, ", ".join(failing))


def _of_deployment(state: State, found: Object, failing: str) -> Iterator[Evidence]:
    name, count = name_of(found), (found.get("spec") or {}).get("replicas", 1)
    if count < TWO:
        yield failed(
            f"Deployment {name} has {count} replica, and {failing} fail closed: while it starts, "
            "they let in no pod",
            "set the chart's server.replicas to 2 at least",
            f"kubectl scale --namespace={state.names.namespace} deployment/{name} --replicas=2",
        )
    else:
        yield ok(f"Deployment {name} has {count} replicas")
    yield _spread(state, found, count)
    yield _budget(state, found)


def _spread(state: State, found: Object, count: int) -> Evidence:
    if isinstance(state.pods, Unread):
        return unknown(state.pods.why)
    ours = [one for one in state.pods if _belongs(one, found)]
    nodes = {node for one in ours if (node := (one.get("spec") or {}).get("nodeName"))}
    if count >= TWO and len(nodes) == 1:
        return warning(
            f"all {len(ours)} servers are on node {nodes.pop()}: with it, all are lost",
            "make room on another node, and let the pods be made anew",
            f"kubectl rollout restart --namespace={state.names.namespace} "
            f"deployment/{name_of(found)}",
        )
    return ok(f"its pods are on {len(nodes)} nodes")


def _belongs(pod: Object, deployment: Object) -> bool:
    selector = (deployment.get("spec") or {}).get("selector") or {}
    phase = (pod.get("status") or {}).get("phase")
    labels = (pod.get("metadata") or {}).get("labels") or {}
    return phase not in ("Succeeded", "Failed") and selects(selector, labels)


def _budget(state: State, found: Object) -> Evidence:
    if isinstance(state.budgets, Unread):
        return unknown(state.budgets.why)
    labels = pod_labels(found)
    for one in state.budgets:
        if selects((one.get("spec") or {}).get("selector") or {}, labels):
            return ok(f"PodDisruptionBudget {name_of(one)} keeps drains from taking all at once")
    return warning(
        f"no PodDisruptionBudget selects the pods of Deployment {name_of(found)}: draining nodes "
        "may take all of them at once",
        "install again by `helm upgrade`, which makes one",
    )


def enforcement(state: State) -> Iterator[Evidence]:
    """By a dry run of a bad pod, which the API server asks the webhook about."""
    found = state.canary
    if isinstance(found, Unread):
        yield unknown(found.why, "install with canary.enabled, and grant `create pods` there")
    elif found.outcome is Outcome.LET_IN:
        yield failed(found.detail, "see which of the other checks tells why")
    elif found.enforcing:
        yield ok(found.detail)
    elif "failed calling webhook" in found.detail and ".podworthy.dev" in found.detail:
        yield failed(
            f"API servers do not reach the webhook: {found.detail}",
            "see to endpoints and certificate first, then to what lies between: firewalls, "
            "NetworkPolicies, and where the control plane is no part of the pods' network",
        )
    else:
        yield unknown(found.detail, "let nobody but podworthy refuse pods in that namespace")


def controller(state: State) -> Iterator[Evidence]:
    """Nothing stops without it, until a certificate ends."""
    if isinstance(state.deployments, Unread):
        yield unknown(state.deployments.why)
        return
    found = controlling(state.deployments)
    if found is None:
        yield warning(
            f"namespace {state.names.namespace} has no Deployment of the controller: nobody renews "
            "certificates, and nobody sends a canary",
            "install by the chart, or renew certificates yourself",
        )
        return
    name, available = name_of(found), (found.get("status") or {}).get("availableReplicas") or 0
    logs = f"kubectl logs --namespace={state.names.namespace} deployment/{name}"
    if not available:
        yield failed(f"Deployment {name} has no available pod", "its log says why", logs)
        return
    yield ok(f"Deployment {name} is available")
    if isinstance(state.controller, Unread):
        yield ok(f"its /readyz could not be asked: {state.controller.why}")
    elif state.controller == 200:
        yield ok("its /readyz answers 200")
    else:
        yield failed(f"its /readyz answers {state.controller}", "its log says why", logs)
