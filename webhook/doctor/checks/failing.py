"""Whether each profile's failurePolicy goes with what it denies."""

from collections.abc import Iterator

import msgspec

from webhook.doctor.asking import Unread
from webhook.doctor.registered import Entry
from webhook.doctor.report import Evidence, failed, ok, unknown, warning
from webhook.doctor.state import State
from webhook.profile import Profile


def check(state: State) -> Iterator[Evidence]:
    """Fail once a profile denies pods, else Ignore."""
    deciding = state.deciding
    if isinstance(deciding, Unread):
        yield unknown(deciding.why)
        return
    if isinstance(state.documents, Unread):
        yield unknown(state.documents.why, "judge your Profiles by `podworthy audit --profiles`")
        return
    for entry in deciding:
        profile = state.documents.profiles.get(entry.profile)
        if profile is None:
            yield failed(
                f"{entry} asks for the profile {entry.profile!r}, which the servers do not know: "
                "they answer 404, as if there were no server",
                "write the Profile, or take it from the chart's profiles",
            )
        else:
            yield _compared(entry, profile)
    yield ok(f"{len(deciding)} profiles are registered")


def _compared(entry: Entry, profile: Profile) -> Evidence:
    by = denier(profile)
    if by and entry.failure_policy != "Fail":
        return warning(
            f"{entry} has failurePolicy {entry.failure_policy}, and {profile.name} denies pods "
            f"({by}): while no server answers, nothing is denied",
            f"set failurePolicy of {profile.name} in the chart's profiles to Fail",
            _patch(entry, "Fail"),
        )
    if not by and entry.failure_policy != "Ignore":
        return failed(
            f"{entry} has failurePolicy {entry.failure_policy}, and {profile.name} denies no pod: "
            "an outage blocks what nobody forbids",
            f"set failurePolicy of {profile.name} in the chart's profiles to Ignore",
            _patch(entry, "Ignore"),
        )
    why = f"denies pods ({by})" if by else "denies no pod"
    return ok(f"{profile.name} {why}, and has failurePolicy {entry.failure_policy}")


def denier(profile: Profile) -> str | None:
    """The first of its policies that can deny a pod, if any can."""
    for binding in profile.checks.get("Pod", ()):
        if "deny" in (binding.action, *binding.rule_actions.values()):
            return binding.policy
    return None


def _patch(entry: Entry, policy: str) -> str:
    change = {"webhooks": [{"name": entry.name, "failurePolicy": policy}]}
    return (
        f"kubectl patch {entry.kind.lower()} {entry.configuration} --type=strategic "
        f"--patch='{msgspec.json.encode(change).decode()}'"
    )
