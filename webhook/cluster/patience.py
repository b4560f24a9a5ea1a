"""How long an API server is asked again that does not answer, or has no time."""

import random
import time
from collections.abc import Callable
from typing import Final

import msgspec

from webhook.cluster.client import Fetcher, Reply, Request
from webhook.errors import ClusterError

SECONDS: Final = 60.0
"""Since the last reply that was one: an API server that restarts is away for less."""
FIRST_SECONDS: Final = 5.0
"""The same until there was one: it may just be the wrong address."""

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 15.0
_LONGEST_ASKED: Final = 30.0
"""Seconds of a `Retry-After` that are believed."""


class Patience:
    """Of one audit, whatever it asks for: what is of no use for one list is of none for the next.

    Asked again is what was not answered, what was answered with 429 (too many requests) and what
    with 5xx, in growing pauses or when the reply says so.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`clock` and `sleep` are in seconds, `jitter` from 0 to 1."""
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._since = clock()
        self.was_answered = False
        """Whether there was a reply, ever, that was worth one."""

    def fetch(self, client: Fetcher, request: Request) -> Reply:
        """A reply that would be the same a little later. Raises `ClusterError`."""
        attempts = 0
        while True:
            attempts += 1
            reply, problem = _attempt(client, request)
            if reply is not None and not problem:
                self.was_answered = True
                self._since = self._clock()
                return reply
            pause = self._pause(attempts, reply)
            limit = SECONDS if self.was_answered else FIRST_SECONDS
            if self._clock() + pause - self._since > limit:
                times = f", asked {attempts} times" if attempts > 1 else ""
                raise ClusterError(f"{problem}{times}", may_pass=True)
            self._sleep(pause)

    def _pause(self, attempts: int, reply: Reply | None) -> float:
        """Seconds; spread, so that many who were refused together do not come back together."""
        asked = reply.headers.get("retry-after", "") if reply else ""
        if asked.isascii() and asked.isdecimal():
            return min(float(asked), _LONGEST_ASKED) + _FIRST_PAUSE * self._jitter()
        longest = min(_FIRST_PAUSE * 2.0 ** min(attempts - 1, 10), _LONGEST_PAUSE)
        return longest * (0.5 + 0.5 * self._jitter())


def _attempt(client: Fetcher, request: Request) -> tuple[Reply | None, str]:
    """The reply, if there is one, and why it should be asked for again."""
    try:
        reply = client.fetch(request)
    except ClusterError as error:
        if not error.may_pass:
            raise
        return None, str(error)
    if reply.status == 429 or reply.status >= 500:
        return reply, _problem(reply)
    return reply, ""


class _Status(msgspec.Struct):
    message: str | None = None


def refusal(reply: Reply) -> ClusterError:
    """Why it was refused, in the API server's words if it has some."""
    return ClusterError(_problem(reply), status=reply.status)


def _problem(reply: Reply) -> str:
    try:
        message = msgspec.json.decode(reply.data, type=_Status).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = None
    return f"HTTP {reply.status}: {message}" if message else f"HTTP {reply.status}"
