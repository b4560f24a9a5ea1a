"""What the connections of one worker share."""

from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from webhook.server import surface
from webhook.server.surface import Surface

if TYPE_CHECKING:
    from webhook.server.protocol import Connection


class Service:
    """One a worker; only the thread of its loop may use it."""

    def __init__(
        self,
        routes: Surface,
        record: Callable[[dict[str, Any]], None],
        trusts: Callable[[Mapping[str, Any] | None], bool],
        max_connections: int,
        count_answer: Callable[[int], object],
        lifetime: Callable[[], float] = surface.lifetime,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        """`record` takes the entries of the decision log and must not block; `trusts` tells
        whether a client with this certificate may ask for a verdict; `count_answer` is told the
        status of each answer, and `answered` is called after it."""
        self.routes = routes
        self.record = record
        self.trusts = trusts
        self.max_connections = max_connections
        self.count_answer = count_answer
        self.lifetime = lifetime
        self.answered = answered
        self.connections: set[Connection] = set()
        self.body_bytes = 0
        """Of all requests under way together: many large ones must not fill the memory."""
        self.now = 0.0
        """Seconds of the loop's clock, as of the last tick: exact enough for every deadline."""
        self.date = b""

    def requests_under_way(self) -> int:
        """How many have begun to arrive and are not answered."""
        return sum(connection.is_asking for connection in self.connections)

    def tick(self, now: float) -> None:
        """Move the clock on and end what is overdue; to be called about once a second."""
        self.now = now
        self.date = formatdate(usegmt=True).encode()
        for connection in tuple(self.connections):
            connection.expire()
