"""The shipped policies, one module each; `BUILTIN` is the order in which findings are told."""

from policies import (
    claim_backing,
    claim_can_bind,
    claim_exists,
    probe_timing,
    require_claims,
    require_probes,
    statefulset_service,
)

BUILTIN = (
    require_probes.policy,
    probe_timing.policy,
    require_claims.policy,
    claim_exists.policy,
    claim_can_bind.policy,
    claim_backing.policy,
    statefulset_service.policy,
)
