"""A workload, what comes of it now and after the promotion, and why."""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from webhook.impact.trial import Denial, Trial
from webhook.report.entries import ObjectName, Source

Moment = Literal["now", "then"]
MOMENTS: Final[tuple[Moment, Moment]] = ("now", "then")
"""Under the profile in force, and under the one of the promotion."""

Stage = Literal["template", "between", "pod"]
"""What is denied: the workload itself when its template changes, what its controller makes that
makes pods in turn, or a pod that is made from the template."""

Verdict = Literal["admitted", "rejected", "stalls"]
Change = Literal["newlyDenied", "alreadyDenied", "fixed", "admitted"]


class Reason(msgspec.Struct):
    """A denial, wherever on the way from a template to a pod it comes."""

    denial: Denial
    path: str
    """JSON Pointer into the workload as it is."""
    moments: set[Moment] = msgspec.field(default_factory=set)
    concerned: set[str] = msgspec.field(default_factory=set)
    targets: set[tuple[str, str]] = msgspec.field(default_factory=set)
    """Kind and name of what an exemption has to name, after the promotion."""


class State(msgspec.Struct):
    """What comes of a workload under one profile."""

    stages: set[Stage] = msgspec.field(default_factory=set)
    """What is denied."""
    lost: int = 0
    """Running pods that would not come back."""
    exemptions: set[str] = msgspec.field(default_factory=set)
    """Names of those that were needed."""


class Workload(msgspec.Struct, kw_only=True):
    """A top controller, a pod that has none, or an owner of pods that nobody here knows."""

    object: ObjectName
    source: Source
    pod_path: str
    team: str | None
    made_by: tuple[str, str] | None = None
    """Kind and name of an owner that is not of Kubernetes itself."""
    makes_pods: bool = True
    """False for a bare pod, which nobody makes again, and for a PodTemplate."""
    has_template: bool = True
    """False for an owner of which only the pods are known."""
    declared: int | None = 0
    """Pods that it has though none was seen: as many as a file says; None if it does not say."""
    running: int = 0
    """Pods that were seen."""
    containers: set[str] = msgspec.field(default_factory=set)
    """Names of all of its containers."""
    reasons: dict[tuple[str, str | None, str, str], Reason] = msgspec.field(default_factory=dict)
    states: dict[Moment, State] = msgspec.field(
        default_factory=lambda: {moment: State() for moment in MOMENTS}
    )

    @property
    def pods(self) -> int | None:
        """How many run, or are written; None if nobody knows."""
        return self.running or self.declared

    def take(
        self,
        moment: Moment,
        stage: Stage | None,
        trial: Trial,
        only: Iterable[Denial] | None = None,
    ) -> None:
        """Count what came of an arrival, or some of its denials; None is the stage of a pod that
        runs already, and says nothing of new ones."""
        state = self.states[moment]
        state.exemptions |= trial.exemptions
        denials = trial.denials if only is None else only
        for denial in denials:
            if stage:
                state.stages.add(stage)
            self._reason(denial).moments.add(moment)
            if moment == "then":
                self._needs(denial, trial)

    def _reason(self, denial: Denial) -> Reason:
        path = self.pod_path + denial.path if denial.is_below_pod else denial.path
        key = denial.policy, denial.rule, path, denial.message
        return self.reasons.setdefault(key, Reason(denial, path))

    def _needs(self, denial: Denial, trial: Trial) -> None:
        reason = self._reason(denial)
        reason.concerned |= denial.concerned
        names = trial.names
        own = self.object.kind, self.object.name or ""
        # the workload if the webhook knows it, else what made the pod, else the object itself
        reason.targets.add(own if own in names else names[min(1, len(names) - 1)])

    def lost(self, moment: Moment) -> int:
        """Running pods that would not come back, as far as they are known."""
        if self.running or not self.denies_new(moment):
            return self.states[moment].lost
        return self.declared or 0

    def denies_new(self, moment: Moment) -> bool:
        """Whether no new pod of its template would be let in."""
        return self.makes_pods and bool(self.states[moment].stages & {"pod", *self._on_the_way})

    @property
    def _on_the_way(self) -> tuple[Stage, ...]:
        # each run of a CronJob begins with a Job; a Deployment's ReplicaSet is there already
        return ("between",) if self.object.kind == "CronJob" else ()

    def rollout(self, moment: Moment) -> Verdict | None:
        """What comes of a change of the template, or of applying a pod again."""
        if not self.has_template:
            return None
        stages = self.states[moment].stages
        if "template" in stages:
            return "rejected"
        return "stalls" if stages else "admitted"

    def is_hurt(self, moment: Moment) -> bool:
        """Whether anything of it would be denied."""
        return bool(self.states[moment].stages) or self.states[moment].lost > 0

    @property
    def change(self) -> Change:
        """What the promotion does to it."""
        if self.is_hurt("then"):
            return "alreadyDenied" if self.is_hurt("now") else "newlyDenied"
        return "fixed" if self.is_hurt("now") else "admitted"
