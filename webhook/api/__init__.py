"""What a policy may import: the workload it sees, and what it may say about it.

A policy is a value, `Policy`, around pure functions: `check(workload, params, lookups)` yields
`Violation`s, `fill(workload, params, evidence)` yields `Fill`s. It knows no action, no profile, no
exemption, no clock and does no I/O; the engine stamps those on.
"""

from webhook.api.binding import (
    NO_PROVISIONER,
    Unbound,
    choices,
    class_name,
    class_of,
    obstacles,
    unbound_claims,
)
from webhook.api.claims import ClaimSpec, ClaimTemplate, Requirement
from webhook.api.evidence import Evidence, Proof, Standing
from webhook.api.lookups import (
    NOWHERE,
    Claim,
    Lookups,
    Missing,
    PersistentVolume,
    Service,
    StorageClass,
)
from webhook.api.outcome import Fill, Violation
from webhook.api.pointer import pointer_token
from webhook.api.policy import Params, Policy
from webhook.api.workload import (
    HANDLERS,
    KEEP_ANNOTATION,
    KINDS,
    PROBES,
    TIMING_DEFAULTS,
    ClaimReference,
    Container,
    Mount,
    Port,
    Probe,
    Retention,
    Rollout,
    Volume,
    Workload,
)

__all__ = [
    "HANDLERS",
    "KEEP_ANNOTATION",
    "KINDS",
    "NOWHERE",
    "NO_PROVISIONER",
    "PROBES",
    "TIMING_DEFAULTS",
    "Claim",
    "ClaimReference",
    "ClaimSpec",
    "ClaimTemplate",
    "Container",
    "Evidence",
    "Fill",
    "Lookups",
    "Missing",
    "Mount",
    "Params",
    "PersistentVolume",
    "Policy",
    "Port",
    "Probe",
    "Proof",
    "Requirement",
    "Retention",
    "Rollout",
    "Service",
    "Standing",
    "StorageClass",
    "Unbound",
    "Violation",
    "Volume",
    "Workload",
    "choices",
    "class_name",
    "class_of",
    "obstacles",
    "pointer_token",
    "unbound_claims",
]
