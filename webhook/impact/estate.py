"""What runs, put together: each workload with its pods, judged by both profiles as they come."""

from collections.abc import Iterator

import msgspec

from webhook import workload
from webhook.api import Workload as View
from webhook.audit.judge import team_of
from webhook.identity import identify, maker
from webhook.impact.arrivals import API_VERSIONS, Arrival, made
from webhook.impact.trial import Denial, Promotion, Trial, judge
from webhook.impact.workloads import MOMENTS, Moment, Workload
from webhook.profile import Profile
from webhook.report.entries import ErrorEntry, ObjectName, Source
from webhook.report.wording import label
from webhook.workload import OwnerReference, Reading

Key = tuple[str | None, str, str]
"""Namespace, kind and name."""


class Piece(msgspec.Struct, frozen=True):
    """One object that runs, or is written."""

    reading: Reading
    source: Source
    user: str | None = None
    """Who sent it; None if nobody is known to have."""


class _Maker(msgspec.Struct, frozen=True):
    """What makes pods: of which workload, and what comes of one of its pods, in both moments."""

    top: Workload
    trials: dict[Moment, Trial]
    items: frozenset[str]
    """Names of the containers and volumes that stand in its template."""


class Estate:
    """All workloads. Whatever makes objects has to come before what it makes."""

    def __init__(self, promotion: Promotion, *, is_written: bool = False) -> None:
        """`is_written` if it is known from files, in which pods need not be."""
        self._promotion = promotion
        self._is_written = is_written
        self._in_force: dict[str | None, str] = {}
        self._tops: dict[Key, Workload] = {}
        """By what they are, and by what they made that makes objects, too."""
        self._makers: dict[Key, _Maker] = {}
        self._gone: set[Key] = set()
        self.workloads: list[Workload] = []
        self.errors: list[ErrorEntry] = []
        self._told: set[tuple[str, str, str]] = set()

    def chosen(self, namespace: str, profile: str) -> None:
        """A namespace names its profile."""
        self._in_force[namespace] = profile

    def profile_of(self, namespace: str | None) -> str:
        """The profile that is in force in a namespace."""
        return self._in_force.get(namespace, self._promotion.default)

    def left(self, namespace: str, kind: str, name: str) -> None:
        """An object has done its work, or goes: what it made does not come again either."""
        if kind != "Pod":
            self._gone.add((namespace or None, kind, name))

    def add(self, piece: Piece) -> None:
        """Judge an object, unless what it was made from is gone."""
        reading = piece.reading
        view = reading.workload
        owner = _owner(reading)
        owner_key = _key_of_owner(view.namespace, owner) if owner else None
        if owner_key in self._gone:
            self.left(view.namespace or "", view.kind, view.name or "")
        elif view.kind == "Pod":
            self._pod(piece, owner, owner_key)
        else:
            self._template(piece, self._tops.get(owner_key) if owner_key else None, owner)

    def _template(self, piece: Piece, top: Workload | None, owner: OwnerReference | None) -> None:
        reading = piece.reading
        view = reading.workload
        key = (view.namespace, view.kind, view.name or "")
        is_top = top is None
        if top is None:
            top = self._workload(piece, _object(view), owner, key)
            top.makes_pods = view.kind != "PodTemplate"
            if self._is_written and top.makes_pods:
                has_replicas = view.kind in ("Deployment", "StatefulSet")
                top.declared = view.replicas if has_replicas else None
            for moment in MOMENTS:
                top.take(moment, "template", self._judge(moment, Arrival(reading, piece.user), top))
        self._tops[key] = top
        arrivals = list(made(reading))
        for index, arrival in enumerate(arrivals):
            is_pod = index == len(arrivals) - 1
            trials = {moment: self._judge(moment, arrival, top) for moment in MOMENTS}
            if is_pod:
                self._makers[key] = _Maker(top, trials, _items(view))
            if is_top:
                for moment in MOMENTS:
                    top.take(moment, "pod" if is_pod else "between", trials[moment])

    def _pod(self, piece: Piece, owner: OwnerReference | None, owner_key: Key | None) -> None:
        reading = _without_ephemeral(piece.reading)
        view = reading.workload
        sender = piece.user or self._sender(owner)
        known = self._makers.get(owner_key) if owner_key else None
        if owner is None:
            key = (view.namespace, view.kind, view.name or "")
            top = self._workload(piece, _object(view), None, key)
            top.makes_pods = False
            top.running = 1
            for moment in MOMENTS:
                arrival = Arrival(reading, sender, is_new=True)
                top.take(moment, "template", self._judge(moment, arrival, top))
            return
        top = known.top if known else self._owner_of(piece, owner, sender)
        top.running += 1
        top.containers |= {one.name for one in view.containers}
        for moment in MOMENTS:
            trial = self._judge(moment, Arrival(reading, sender, is_new=known is None), top)
            denials = list(trial.denials)
            if known:
                of_template = known.trials[moment]
                denials = [one for one in denials if _is_injected(one, known.items)]
                top.take(moment, None, of_template)
                denied = bool(denials or of_template.denials)
            else:
                denied = bool(denials)
            top.take(moment, "pod" if known is None else None, trial, denials)
            top.states[moment].lost += denied

    def _owner_of(self, piece: Piece, owner: OwnerReference, sender: str | None) -> Workload:
        """The workload of a pod whose maker is not here: whom the webhook knows, else its owner."""
        identity = identify(piece.reading, sender, self._promotion.controllers)
        namespace = piece.reading.workload.namespace
        key = _key_of_owner(namespace, owner)
        name = ObjectName(owner.api_version or "", owner.kind or "", namespace, owner.name)
        if len(identity.names) > 1:
            kind, own = identity.names[-1]
            key = (namespace, kind, own)
            name = ObjectName(API_VERSIONS.get(kind, name.api_version), kind, namespace, own)
        if key not in self._tops:
            top = self._workload(piece, name, None, key)
            top.pod_path = ""
            top.has_template = False
        return self._tops[key]

    def _workload(
        self, piece: Piece, name: ObjectName, owner: OwnerReference | None, key: Key
    ) -> Workload:
        """A new one, unless an object of this name came before."""
        found = self._tops.get(key)
        if found and name.name:
            return found
        view = piece.reading.workload
        new = self._tops[key] = Workload(
            object=name,
            source=piece.source,
            pod_path=view.pod_path,
            team=team_of(piece.reading, self._promotion.team_label),
            made_by=(owner.kind or "", owner.name or "") if owner else None,
            containers={one.name for one in view.containers},
        )
        self.workloads.append(new)
        return new

    def _sender(self, owner: OwnerReference | None) -> str | None:
        """Who makes the pods of an owner: its built-in controller, else one that is believed."""
        if owner is None:
            return None
        others = sorted(self._promotion.controllers)
        return maker(owner.api_version, owner.kind) or (others[0] if others else None)

    def _judge(self, moment: Moment, arrival: Arrival, top: Workload) -> Trial:
        promotion = self._promotion
        profile: Profile = promotion.to
        if moment == "now":
            profile = promotion.profiles[self.profile_of(top.object.namespace)]
        trial = judge(promotion, profile, arrival)
        for crash in trial.crashes:
            told = (label(top.object), crash.policy, crash.told)
            if told not in self._told:
                self._told.add(told)
                message = f"{told[0]}: policy {crash.policy} failed: {crash.told}"
                self.errors.append(ErrorEntry(top.source, message))
        return trial


def _owner(reading: Reading) -> OwnerReference | None:
    """Its controller, if it has a name."""
    owners = reading.metadata.owner_references or ()
    return next((one for one in owners if one.controller and one.kind and one.name), None)


def _key_of_owner(namespace: str | None, owner: OwnerReference) -> Key:
    """Kinds of others have their API group in it: they may be called as those of Kubernetes."""
    api_version, kind = owner.api_version or "", owner.kind or ""
    is_ours = workload.is_known(api_version, kind)
    return namespace, kind if is_ours else f"{api_version}/{kind}", owner.name or ""


def _object(view: View) -> ObjectName:
    return ObjectName(view.api_version, view.kind, view.namespace, view.name)


def _items(view: View) -> frozenset[str]:
    return frozenset(_names(view))


def _names(view: View) -> Iterator[str]:
    yield from (one.name for one in view.containers)
    yield from (one.name for one in view.volumes)


def _is_injected(denial: Denial, items: frozenset[str]) -> bool:
    """Whether it is about something that others put into a pod beside what is in its template."""
    return bool(denial.item) and denial.item not in items


def _without_ephemeral(reading: Reading) -> Reading:
    """As it was created, and would be again."""
    view = reading.workload
    lasting = tuple(one for one in view.containers if one.role != "ephemeral")
    if len(lasting) == len(view.containers):
        return reading
    return msgspec.structs.replace(
        reading, workload=msgspec.structs.replace(view, containers=lasting)
    )
