"""What the connections of one worker share."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from webhook.server import surface
from webhook.server.surface import Surface

if TYPE_CHECKING:
    from webhook.server.protocol import Connection

logger = logging.getLogger(__name__)


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
        status of each answer; `lifetime` gives the seconds of one connection's; `answered` is
        called after each answer to a request that arrived whole."""
        self.routes = routes
        self.record = record
        self.trusts = trusts
        self.max_connections = max_connections
        self.count_answer = count_answer
        self.lifetime = lifetime
        self.answered = answered
        self.connections: set[Connection] = set()
        self.dropped = 0
        """Connections that were ended because there were too many."""
        self._told = 0
        self.body_bytes = 0
        """Of all requests under way together: many large ones must not fill the memory."""
        self.now = 0.0
        """Seconds of the loop's clock, as of the last tick: exact enough for every deadline."""
        self.date = b""

    def admit(self, newcomer: "Connection") -> None:
        """Take a connection; where there are too many, another one is dropped.

        To turn newcomers away would let a thousand silent clients lock the API server out for as
        long as they may rest. It uses the connections that it opens, and at once.
        """
        if len(self.connections) >= self.max_connections:
            least = min(self.connections, key=lambda connection: connection.standing)
            self.connections.discard(least)
            self.dropped += 1
            least.drop()
        self.connections.add(newcomer)

    def relieve(self) -> None:
        """Refuse the body that has been under way for longest: an honest one takes a moment."""
        slow = (connection for connection in self.connections if connection.body_bytes)
        # of those that are equally old, the largest
        min(slow, key=lambda one: (*one.standing, -one.body_bytes)).yield_room()

    def soon(self, call: Callable[[], None]) -> None:
        """Call it when all others had their turn."""
        asyncio.get_running_loop().call_soon(call)

    def requests_under_way(self) -> int:
        """How many have begun to arrive and are not answered."""
        return sum(connection.is_asking for connection in self.connections)

    def tick(self, now: float) -> None:
        """Move the clock on and end what is overdue; to be called once a second or more often."""
        self.now = now
        self.date = formatdate(usegmt=True).encode()
        for connection in tuple(self.connections):
            connection.expire()
        if self.dropped > self._told:
            logger.warning(
                "%d connections dropped: no more than %d may be open",
                self.dropped - self._told,
                self.max_connections,
            )
            self._told = self.dropped
