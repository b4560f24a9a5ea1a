"""The shipped policies, one module each; `BUILTIN` is the order in which findings are told."""

from policies import (
    deployment_state,
    ephemeral_data,
    probe_bounds,
    probe_sanity,
    probe_targets,
    probe_timing,
    require_claims,
    require_probes,
    statefulset_retention,
)

BUILTIN = (
    require_probes.policy,
    probe_targets.policy,
    probe_sanity.policy,
    probe_bounds.policy,
    probe_timing.policy,
    require_claims.policy,
    statefulset_retention.policy,
    deployment_state.policy,
    ephemeral_data.policy,
)
