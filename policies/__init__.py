"""The shipped policies, one module each; `BUILTIN` is the order in which findings are told."""

from policies import probe_timing, require_claims, require_probes

BUILTIN = (
    require_probes.policy,
    probe_timing.policy,
    require_claims.policy,
)
