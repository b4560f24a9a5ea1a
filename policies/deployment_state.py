"""A Deployment whose pods share a claim never runs more pods than the claim can serve.

What it checks
    Each persistentVolumeClaim in the volumes of a Deployment that runs several pods at a time:
    replicas is more than 1, or an update surges (RollingUpdate with a maxSurge that is not 0; the
    default of 25 % is rounded up to one pod). The claim's access modes decide, where the claim is
    known: with ReadWriteMany or ReadOnlyMany it may be shared, with ReadWriteOnce or
    ReadWriteOncePod it is a violation. A claim that is not known, or not there yet, is told under
    the rule unknown-mode.

Why
    All pods of a Deployment use the same claim. ReadWriteOnce is for one node: a second pod that
    lands on another node waits for the volume, which the first one does not give up, and the update
    hangs. If both are on one node, two processes write to the same files. ReadWriteOncePod lets
    only one pod run at all.

Bad
    kind: Deployment
    spec:
      replicas: 1
      template:
        spec:
          volumes:
          - {name: data, persistentVolumeClaim: {claimName: data}}

Good
    kind: Deployment
    spec:
      replicas: 1
      strategy: {type: Recreate}
      template:
        spec:
          volumes:
          - {name: data, persistentVolumeClaim: {claimName: data}}

Params
    None.

Limits
    The webhook knows no claims: what it tells is always unknown-mode. A readOnly mount changes
    nothing, the node limit is the same. An ephemeral volume makes a claim for each pod and is fine.
    An autoscaler may raise replicas later, which is not seen.
"""

from collections.abc import Iterator

from webhook import api

UNKNOWN_MODE = "unknown-mode"

_SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})


def check(
    workload: api.Workload, params: api.Params, lookups: api.Lookups
) -> Iterator[api.Violation]:
    """One violation for each claim that cannot serve all pods, or may not be able to."""
    if workload.replicas > 1:
        several, fix = f"not {workload.replicas} pods", "use a StatefulSet"
    elif workload.replicas == 1 and _surges(workload.rollout):
        several, fix = "and updates surge", "use strategy Recreate"
    else:
        return
    for volume in workload.volumes:
        name = volume.sources.get("persistentVolumeClaim", {}).get("claimName")
        if not name:
            continue
        claim = lookups.claim(workload.namespace, name)
        modes = () if isinstance(claim, api.Missing) else claim.spec.access_modes
        if not _SHARED.isdisjoint(modes):
            continue
        rule = ""
        if "ReadWriteOncePod" in modes:
            why = f"is for one pod, {several}"
        elif "ReadWriteOnce" in modes:
            why = f"is for one node, {several}"
        else:
            why, rule = "may be ReadWriteOnce", UNKNOWN_MODE
        yield api.Violation(
            path=f"{volume.path}/persistentVolumeClaim",
            subject=volume.label,
            fact="claim",
            why=why,
            fix=f"if so, {fix}" if rule else fix,
            rule=rule,
        )


def _surges(rollout: api.Rollout | None) -> bool:
    """Whether an update starts a pod before it stops one: a percentage is rounded up."""
    if rollout is None or rollout.type != "RollingUpdate":
        return False
    surge = rollout.max_surge
    if isinstance(surge, int):
        return surge > 0
    return surge.removesuffix("%").strip("0") != ""


policy = api.Policy(
    id="deployment-state",
    summary="a Deployment shares only claims that can be shared",
    params=api.Params,
    kinds=("Deployment",),
    rules=(UNKNOWN_MODE,),
    check=check,
    looks_up="also",
    doc=__doc__,
)
