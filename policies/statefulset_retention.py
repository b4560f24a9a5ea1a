"""A StatefulSet's claims outlive it, and outlive a smaller number of replicas.

What it checks
    persistentVolumeClaimRetentionPolicy of a StatefulSet with volumeClaimTemplates: whenDeleted and
    whenScaled are Retain, which is what they are where nothing is written. One violation for each
    that is Delete.

Why
    With Delete, the claims go with the set, or with the pods that a smaller number of replicas
    leaves out, and most storage classes delete the data with the claim. Then kubectl delete, a
    renamed release or an autoscaler at night destroys data that a backup must bring back.

Bad
    kind: StatefulSet
    spec:
      persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}

Good
    kind: StatefulSet
    spec:
      persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}

Params
    None.

Limits
    Data that can be made anew (a cache, a replica that copies itself from others) may well be
    deleted: exempt that workload. What the storage class does with a deleted claim's volume is not
    looked at. The claims of ephemeral volumes always go with their pod and are not meant here.
"""

from collections.abc import Iterator

from webhook import api

_POLICY = "/spec/persistentVolumeClaimRetentionPolicy"


def check(
    workload: api.Workload, params: api.Params, lookups: api.Lookups
) -> Iterator[api.Violation]:
    """One violation for each occasion on which claims are deleted."""
    if not any(template.is_of_statefulset for template in workload.claim_templates):
        return
    retention = workload.retention
    for field, value in (
        ("whenDeleted", retention.when_deleted),
        ("whenScaled", retention.when_scaled),
    ):
        if value == "Delete":
            yield api.Violation(
                path=f"{_POLICY}/{field}",
                subject=workload.name or workload.kind,
                fact=f"{field} Delete",
                why="destroys data",
                fix="use Retain",
            )


policy = api.Policy(
    id="statefulset-retention",
    summary="a StatefulSet's claims outlive it",
    params=api.Params,
    kinds=("StatefulSet",),
    check=check,
    doc=__doc__,
)
