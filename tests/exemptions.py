"""Exemptions of which a test names only what it is about."""

from datetime import date
from typing import Any

from tests.builders import NOON
from webhook.exemptions import Exemption


def exemption(**changes: Any) -> Exemption:
    """From 1 November through NOON's day, for everything of Pod shop/web, unless told otherwise."""
    fields: dict[str, Any] = {
        "name": "web",
        "policies": frozenset({"require-probes", "require-claims", "probe-timing"}),
        "namespace": "shop",
        "kind": "Pod",
        "workload": "web",
        "containers": frozenset(),
        "reason": "soon",
        "owner": "team-web",
        "granted": date(2026, 11, 1),
        "expires": NOON.date(),
        "place": "team.yaml:1",
    }
    return Exemption(**(fields | changes))
