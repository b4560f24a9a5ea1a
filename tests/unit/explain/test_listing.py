"""The list of policies with their actions."""

from typing import Any

from tests.builders import load_profiles, profile
from webhook import catalog
from webhook.api import Params, Policy
from webhook.explain.listing import listing
from webhook.profile import Profile, bind

NOTE = "\n\n* in audits only; the webhook looks nothing up"


def policy(name: str, **settings: Any) -> Policy[Any]:
    return Policy(name, f"{name} it asks", Params, check=lambda *_: iter(()), **settings)


PLAIN = policy("plain")
LOOKING = policy("looking", looks_up="only", rules=("lost", "found"))
ALSO = policy("also", looks_up="also", rules=("kept",))


def bound(name: str, **policies: Any) -> Profile:
    known = {one.id: one for one in (PLAIN, LOOKING, ALSO)}
    return bind(name, {"policies": policies}, known)


DENYING = bound(
    "denying",
    plain={"action": "deny"},
    looking={"action": "warn", "rules": {"lost": {"action": "deny"}}},
    also={"action": "deny"},
)


def test_what_only_audits_ask_is_marked_and_rules_that_differ_are_told() -> None:
    assert listing([PLAIN, LOOKING, ALSO], [bound("empty"), DENYING]) == (
        "policy       empty  denying  what it asks\n"
        "plain        off    deny     plain it asks\n"
        "looking      off    warn*    looking it asks\n"
        "  rule lost  off    deny*\n"
        "also         off    deny     also it asks" + NOTE
    )


def test_nothing_is_marked_where_nothing_is_asked() -> None:
    assert listing([LOOKING], [bound("empty")]) == (
        "policy   empty  what it asks\nlooking  off    looking it asks"
    )


def test_a_rule_that_is_on_alone_is_told() -> None:
    lost = {"action": "off", "rules": {"lost": {"action": "audit"}}}
    assert listing([LOOKING], [bound("team", looking=lost)]) == (
        "policy       team    what it asks\n"
        "looking      off     looking it asks\n"
        "  rule lost  audit*" + NOTE
    )


def test_summaries_are_wrapped_to_a_width() -> None:
    shown = list(load_profiles().values())
    known = list(catalog.POLICIES.values())
    wrapped = listing(known, shown, 80).splitlines()
    assert max(map(len, wrapped)) <= 80
    assert wrapped[1:3] == [
        "require-probes         warn     deny      deny    containers have liveness and",
        "                                                  readiness probes",
    ]
    assert " ".join(wrapped).split() == listing(known, shown).split()
    assert listing(known, shown, 100) == listing(known, shown)


def test_a_summary_gets_some_columns_even_where_there_are_none() -> None:
    shown = [profile(name=f"a-team-with-a-long-name-{n}", policies={}) for n in range(3)]
    lines = listing([catalog.POLICIES["require-probes"]], shown, 60).splitlines()
    assert [line[-20:].strip() for line in lines[1:]] == [
        "containers have",
        "liveness and",
        "readiness probes",
    ]
