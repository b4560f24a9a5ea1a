"""Over an audit: the exemptions that do not count for what it found, though they nearly do."""

from collections.abc import Iterator
from datetime import date

from webhook.exemptions import Exemptions, NearMiss
from webhook.identity import Identity
from webhook.messages import printable
from webhook.report.entries import Judged, ObjectName
from webhook.report.wording import label


class NearMisses:
    """Collects one for each exemption, the first.

    Objects are known by their own names only: for the pod of a recorded review, an exemption of
    its Deployment is not told.
    """

    def __init__(self, exemptions: Exemptions, today: date) -> None:
        self._exemptions = exemptions
        self._today = today
        self._found: dict[str, tuple[NearMiss, ObjectName]] = {}

    def judged(self, judged: Judged) -> None:
        """Look for those that would excuse something that was found in an object."""
        if not self._exemptions:
            return
        policies = {one.policy for one in judged.findings if one.result in ("fail", "warn")}
        policies |= {one.policy for one in judged.fills}
        if not policies:
            return
        name = judged.entry.object
        identity = Identity(name.namespace, ((name.kind, name.name or ""),), False)
        for miss in self._exemptions.near_misses(identity, self._today):
            exemption = miss.exemption
            if exemption.name not in judged.exemptions and exemption.policies & policies:
                self._found.setdefault(exemption.name, (miss, name))

    def notes(self) -> Iterator[str]:
        """A sentence for each, in the order in which they were met."""
        for miss, name in self._found.values():
            exemption = f"exemption {miss.exemption.name} ({miss.exemption.place})"
            yield printable(f"{exemption} does not count for {label(name)}: it {miss.why}")

    def get(self, name: str) -> NearMiss | None:
        """That of the exemption with this name, if there is one."""
        found = self._found.get(name)
        return found[0] if found else None
