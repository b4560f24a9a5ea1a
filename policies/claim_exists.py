"""Every claim that a workload names is there, and is neither lost nor being deleted.

What it checks
    Each `persistentVolumeClaim.claimName` in `spec.volumes`: that a PersistentVolumeClaim of this
    name is known in the workload's namespace, that its phase is not Lost (rule lost), and that
    nobody is deleting it. Claims that are made for the pods, from `volumeClaimTemplates` or for an
    `ephemeral` volume, are not asked for.

Why
    A pod whose claim is missing stays Pending, without an error to the one who applied it. A Lost
    claim was bound, but its PersistentVolume is gone, and most often its data: no pod starts on it.
    A claim that is being deleted is kept only as long as pods use it; the next pod cannot.

Bad
    volumes:
    - name: data
      persistentVolumeClaim: {claimName: dta}    # the claim is called data

Good
    volumes:
    - name: data
      persistentVolumeClaim: {claimName: data}

Params
    None.

Limits
    Nothing is said where nobody can know: in admission, and in files unless they hold claims of the
    workload's namespace. A missing claim is worth a warning only, because it may come later: the
    order of apply is arbitrary. A claim of which the files hold just a part, a kustomize patch, is
    there, but nothing is known of it.
"""

from collections.abc import Iterator

from webhook import api

LOST = "lost"


def check(
    workload: api.Workload, params: api.Params, lookups: api.Lookups
) -> Iterator[api.Violation]:
    """One violation for each claim that cannot be used."""
    for reference in workload.claim_references():
        claim = lookups.claim(workload.namespace, reference.name)
        fact = f"claim {reference.name!r}"
        if claim is api.Missing.ABSENT:
            yield api.Violation(
                path=reference.path,
                subject=reference.volume,
                fact=f"no {fact}",
                why="is known in this namespace",
                fix="correct claimName, or add the PersistentVolumeClaim",
            )
        elif isinstance(claim, api.Claim) and claim.phase == "Lost":
            yield api.Violation(
                path=reference.path,
                subject=reference.volume,
                fact=fact,
                why="is Lost: its PersistentVolume is gone",
                fix="bring that back, or restore a backup into a new claim",
                rule=LOST,
            )
        elif isinstance(claim, api.Claim) and claim.is_being_deleted:
            yield api.Violation(
                path=reference.path,
                subject=reference.volume,
                fact=fact,
                why="is being deleted, and goes with the last pod that uses it",
                fix="use another claim",
            )


policy = api.Policy(
    id="claim-exists",
    summary="claims that are named are there and stay there",
    params=api.Params,
    rules=(LOST,),
    check=check,
    looks_up="only",
    doc=__doc__,
)
