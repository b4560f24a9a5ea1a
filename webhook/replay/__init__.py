"""The replay of recorded requests: logs, the requests in them, the engine, counts."""

from webhook.replay.run import run

__all__ = ["run"]
