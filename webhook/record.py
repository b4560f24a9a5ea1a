"""What the decision log is told of one review."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from webhook.engine import Crash, Proposal, Verdict
from webhook.exemptions import Grant
from webhook.review import Request
from webhook.workload import Metadata, Reading

MAX_RECORDED: Final = 100
"""Findings or fills of one record: a hostile object may have many thousands."""
MAX_MESSAGE: Final = 1000
"""Characters of a finding's message: a hundred may be about one name, and that a megabyte."""

_NOTHING_READ: Final = Metadata()


def head(
    time: str, door: str, profile: str, request: Request[Any], reading: Reading | None
) -> dict[str, Any]:
    """What every record begins with: when, where, who and what; `reading` is None for an object
    that was not looked into."""
    metadata = reading.metadata if reading else _NOTHING_READ
    return {
        "time": time,
        "uid": request.uid,
        "door": door,
        "profile": profile,
        "operation": request.operation,
        "dryRun": bool(request.dry_run),
        "kind": request.kind.kind,
        "namespace": reading.workload.namespace if reading else request.namespace,
        "name": request.name or metadata.name,
        "generateName": metadata.generate_name,
        "owner": _owner(metadata),
        "user": request.user_info.username if request.user_info else None,
    }


def of_checks(verdict: Verdict) -> dict[str, Any]:
    """What was found."""
    return {
        "decision": _decision(verdict),
        **_findings(verdict),
        "crashes": _crashes(verdict.crashes),
    }


def _decision(verdict: Verdict) -> str:
    return "denied" if verdict.denies else "allowed"


def _findings(verdict: Verdict) -> dict[str, Any]:
    return {
        "findings": [
            {
                "policy": finding.policy,
                "rule": finding.violation.rule or None,
                "action": finding.action,
                "path": finding.violation.path,
                "message": _shortened(finding.violation.message),
                "exemption": _exemption(finding.grant),
            }
            for finding in verdict.findings[:MAX_RECORDED]
        ],
        "findingsOmitted": max(0, len(verdict.findings) - MAX_RECORDED),
    }


def of_fills(proposal: Proposal, doubts: Mapping[str, str], *, filled: bool) -> dict[str, Any]:
    """What was set or suggested, and what was left for want of clear evidence."""
    return {
        "decision": "filled" if filled else "allowed",
        "fills": [
            {
                "policy": one.policy,
                "action": one.action,
                "path": one.fill.path,
                "value": one.fill.value,
                "was": one.fill.was,
                "evidence": one.fill.why,
            }
            for one in proposal.fillings[:MAX_RECORDED]
        ],
        "exemptions": [exemption.name for exemption in proposal.spared],
        "fillsOmitted": max(0, len(proposal.fillings) - MAX_RECORDED),
        "doubts": dict(islice(doubts.items(), MAX_RECORDED)),
        "crashes": _crashes(proposal.crashes),
    }


def with_break_glass(told: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    """What `of_fills` gave, and what the checks would have said if they had been asked."""
    return {
        **told,
        "breakGlass": _decision(verdict),
        **_findings(verdict),
        "crashes": told["crashes"] + _crashes(verdict.crashes),
    }


def of_sample(rate: float) -> dict[str, Any]:
    """Nothing; `rate` is the part of such reviews that is recorded, so one stands for 1/rate."""
    return {"decision": "allowed", "sampleRate": rate}


def _shortened(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…"


def _owner(metadata: Metadata) -> dict[str, str | None] | None:
    """The controller that the object names: whatever its client wrote."""
    owner = next((one for one in metadata.owner_references or () if one.controller), None)
    return {"kind": owner.kind, "name": owner.name} if owner else None


def _crashes(crashes: Iterable[Crash]) -> list[dict[str, Any]]:
    """Of an error its class alone, see `Crash.text`."""
    return [
        {
            "policy": crash.policy,
            "error": crash.error,
            "denies": crash.denies,
            "place": crash.place,
        }
        for crash in crashes
    ]


def _exemption(grant: Grant | None) -> dict[str, str] | None:
    if grant is None:
        return None
    exemption = grant.exemption
    expires = exemption.expires.isoformat()
    return {"name": exemption.name, "owner": exemption.owner, "expires": expires}
