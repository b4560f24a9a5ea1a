"""The shipped policies, one module each; `BUILTIN` is the order in which findings are told."""

from policies import (
    claim_backing,
    claim_can_bind,
    claim_exists,
    deployment_state,
    ephemeral_data,
    probe_bounds,
    probe_sanity,
    probe_targets,
    probe_timing,
    require_claims,
    require_probes,
    statefulset_retention,
    statefulset_service,
)

BUILTIN = (
    require_probes.policy,
    probe_targets.policy,
    probe_sanity.policy,
    probe_bounds.policy,
    probe_timing.policy,
    require_claims.policy,
    claim_exists.policy,
    claim_can_bind.policy,
    claim_backing.policy,
    statefulset_retention.policy,
    statefulset_service.policy,
    deployment_state.policy,
    ephemeral_data.policy,
)
