"""Everything that a replay knows at its end."""

from collections import Counter

import msgspec

from webhook.replay.cases import Reason
from webhook.replay.tally import Tally
from webhook.report.entries import ErrorEntry


class Replayed(msgspec.Struct):
    """Everything that is known at the end."""

    profile: str
    today: str
    """By which day exemptions are in force."""
    again: Tally = msgspec.field(default_factory=Tally)
    """Requests judged again."""
    then: Tally = msgspec.field(default_factory=Tally)
    """What our decision log says was decided; the objects are not in it."""
    passed_over: Counter[Reason] = msgspec.field(default_factory=Counter)
    lost: int = 0
    """Lines that the decision log says it lost."""
    crashed: int = 0
    """Requests that a policy could not judge."""
    errors: list[ErrorEntry] = msgspec.field(default_factory=list)
    errors_omitted: int = 0

    @property
    def is_incomplete(self) -> bool:
        """True if something could not be read or judged."""
        return bool(self.errors or self.crashed or self.passed_over["withoutObject"])
