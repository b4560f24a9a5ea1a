"""Exemption documents to exemptions."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from webhook.api import KINDS, Policy
from webhook.documents.models import ExemptionDocument
from webhook.documents.written import Written, unknown_policy
from webhook.errors import did_you_mean
from webhook.exemptions import WILDCARD, Exemption

MAX_DAYS: Final = 180
"""Days from granted to expires: nobody remembers why for longer."""


def exemption(written: Written[ExemptionDocument]) -> Exemption:
    """The exemption that a sound document describes."""
    spec = written.model.spec
    return Exemption(
        name=written.model.metadata.name,
        policies=frozenset(spec.policies),
        namespace=spec.workload.namespace,
        kind=spec.workload.kind,
        workload=spec.workload.name,
        containers=frozenset(spec.containers or ()),
        reason=spec.reason,
        owner=spec.owner,
        granted=spec.granted,
        expires=spec.expires,
        place=written.place(""),
    )


def check(
    written: Written[ExemptionDocument], policies: Mapping[str, Policy[Any]]
) -> Iterator[str]:
    """What is wrong in a document besides its shape."""
    spec = written.model.spec
    for index, policy_id in enumerate(spec.policies):
        if policy_id not in policies:
            message = unknown_policy(policy_id, policies)
            if WILDCARD in policy_id:
                message = f"no policy {policy_id!r}: name each policy, there is no wildcard"
            yield written.problem(f"/spec/policies/{index}", message)
    kind = spec.workload.kind
    if kind not in KINDS:
        message = f"unknown kind {kind!r}{did_you_mean(kind, KINDS)}"
        yield written.problem("/spec/workload/kind", message)
    elif kind != "Pod" and spec.workload.name.endswith(WILDCARD):
        message = f"a trailing {WILDCARD} is for kind Pod only: name one {kind}, its pods follow"
        yield written.problem("/spec/workload/name", message)
    if spec.expires < spec.granted:
        yield written.problem("/spec/expires", f"expires before it is granted ({spec.granted})")
    elif spec.expires > (last := spec.granted + timedelta(days=MAX_DAYS)):
        message = f"expires more than {MAX_DAYS} days after {spec.granted}; {last} is the latest"
        yield written.problem("/spec/expires", message)
