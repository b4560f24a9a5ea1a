"""What is checked: each a pure function from what was read to the evidence in it."""

from collections.abc import Callable, Iterator

import msgspec

from webhook.doctor.checks import (
    certificate,
    failing,
    infrastructure,
    labels,
    order,
    registration,
    rights,
    serving,
    versions,
    workloads,
)
from webhook.doctor.report import Evidence, Finding, conclude
from webhook.doctor.state import State


class Check(msgspec.Struct, frozen=True):
    """One thing to look at."""

    id: str
    question: str
    """As a sentence that is true if all is well."""
    look: Callable[[State], Iterator[Evidence]]
    """Yields one piece of evidence at least."""


CHECKS = (
    Check("rights", "you may read what is looked at", rights.check),
    Check("registration", "what is registered is what podworthy is for", registration.check),
    Check("failure-policy", "pods are blocked by an outage only where they may be", failing.check),
    Check("certificate", "API servers believe the certificate that is served", certificate.check),
    Check("endpoints", "the Service has servers behind it", serving.endpoints),
    Check("replicas", "one server or node can be lost", serving.replicas),
    Check("enforcement", "a bad pod is judged", serving.enforcement),
    Check("controller", "certificates are cared for", serving.controller),
    Check("infrastructure", "what runs the cluster can start without podworthy",
          infrastructure.check),
    Check("order", "no other webhook adds containers after podworthy", order.check),
    Check("labels", "namespaces choose profiles that there are", labels.check),
    Check("workloads", "what runs would come back", workloads.check),
    Check("versions", "versions fit together", versions.check),
)  # fmt: skip
"""In the order of the report."""


def findings(state: State) -> Iterator[Finding]:
    """Of all checks."""
    for check in CHECKS:
        yield conclude(check.id, check.question, check.look(state))
