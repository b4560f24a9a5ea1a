"""What is found in a cluster, judged: a stream, of which nothing is kept but findings."""

from collections.abc import Iterator
from functools import cached_property

from webhook.audit.judge import Court, judge
from webhook.audit.live.docket import Docket
from webhook.audit.live.survey import Found, Left, Note, Progress, Survey
from webhook.cluster import Fetcher, Patience
from webhook.report.entries import ErrorEntry, Judged

Event = Judged | ErrorEntry | Left | Note | Progress


class LiveAudit:
    """One audit of a cluster."""

    def __init__(self, client: Fetcher, docket: Docket, patience: Patience | None = None) -> None:
        self._docket = docket
        self._survey = Survey(client, docket.scope, patience)

    def events(self) -> Iterator[Event]:
        """Everything, in an order that is the same for the same objects.

        What cannot be read is an `ErrorEntry` of its list, and the lists after it are read all the
        same. It ends early if no API server ever answers.
        """
        docket = self._docket
        yield from self._survey.namespaces(docket.profiles, docket.default)
        if not self._survey.can_go_on:
            return
        if any(docket.profiles[name].looks_up for name in self._named()):
            yield from self._survey.around()
        for step in self._survey.workloads():
            yield self._judged(step) if isinstance(step, Found) else step

    def _judged(self, found: Found) -> Judged:
        namespace = found.reading.workload.namespace or ""
        name = self._survey.profiles.get(namespace, self._docket.default)
        return judge(self._courts[name], found)

    def _named(self) -> set[str]:
        return {self._docket.default, *self._survey.profiles.values()}

    @cached_property
    def _courts(self) -> dict[str, Court]:
        """By the profiles that are in use; made once all is known that stands around workloads."""
        docket = self._docket
        return {
            name: Court(
                docket.profiles[name],
                docket.exemptions,
                docket.today,
                self._survey.lookups,
                docket.controllers,
                told_profile=name,
            )
            for name in self._named()
        }
