"""Single plans: what is done in one state, and why; `test_plan` has the ways that they make."""

from datetime import datetime, timedelta

import pytest

from tests.builders import NOON
from tests.unit.controller.cluster import SERVICE, TIMING, encoded
from webhook.controller.certificates import (
    AUTHORITY_LIFE,
    LEAF_LIFE,
    Pair,
    Service,
    key_pem,
    new_authority,
    new_leaf,
    pem,
)
from webhook.controller.plan import MAX_AUTHORITIES, plan, usable_pairs
from webhook.controller.state import (
    LABEL,
    OURS,
    TYPE,
    Entry,
    Registration,
    Secret,
    Seen,
    State,
    read_secret,
)
from webhook.controller.steps import NewAuthority, Record, Sign, Trust

DAY = timedelta(days=1)
OLD = new_authority(SERVICE, NOON)
NEW = new_authority(SERVICE, NOON + DAY)
LEAF = new_leaf(OLD, SERVICE, NOON)
NEW_LEAF = new_leaf(NEW, SERVICE, NOON + DAY)
ENOUGH = Seen(TIMING.mounts, {NEW.certificate: TIMING.settle, OLD.certificate: TIMING.settle})


def secret(
    leaf: Pair | None,
    *authorities: Pair,
    more: bytes = b"",
    keys: tuple[Pair, ...] | None = None,
) -> Secret:
    """With the keys of its authorities, unless told."""
    content = {
        "tls.crt": pem([leaf.certificate]) if leaf else b"",
        "tls.key": key_pem([leaf.key]) if leaf else b"",
        "ca.crt": pem([one.certificate for one in authorities]) + more,
        "ca.key": key_pem([one.key for one in (authorities if keys is None else keys)]),
    }
    return read_secret(
        {
            "type": TYPE,
            "metadata": {"labels": {LABEL: OURS}},
            "data": {name: encoded(value) for name, value in content.items()},
        }
    )


def state(
    one: Secret | None,
    *bundles: tuple[Pair, ...],
    now: datetime = NOON + 2 * DAY,
    seen: Seen = ENOUGH,
) -> State:
    """With one configuration for each bundle."""
    registrations = tuple(
        Registration(
            "ValidatingWebhookConfiguration",
            str(number),
            "1",
            (Entry("a", tuple(pair.certificate for pair in bundle)),),
        )
        for number, bundle in enumerate(bundles)
    )
    return State(now, SERVICE, one, registrations, seen)


def kinds(seen: State) -> list[type]:
    return [type(step) for step in plan(seen, TIMING).steps]


def test_in_order_there_is_nothing_to_do() -> None:
    assert plan(state(secret(LEAF, OLD), (OLD,)), TIMING).steps == ()


def test_only_who_is_believed_by_nobody_signs_at_once() -> None:
    """Else servers would show what no caBundle believes yet."""
    for bundles, at_once in (((), True), (((), ()), True), (((), (OLD,)), False)):
        (first, *_) = plan(state(None, *bundles), TIMING).steps
        assert isinstance(first, NewAuthority)
        assert first.with_leaf is at_once
    (first, *_) = plan(state(secret(None, OLD), (), seen=Seen()), TIMING).steps
    assert isinstance(first, Sign)


@pytest.mark.parametrize("short", [timedelta(seconds=1), timedelta(0)])
def test_an_authority_signs_when_it_was_seen_everywhere_for_long_enough(short: timedelta) -> None:
    standing = {NEW.certificate: TIMING.settle - short, OLD.certificate: TIMING.settle - short}
    planned = plan(state(secret(None, NEW), (NEW,), seen=Seen(DAY, standing)), TIMING)
    if short:
        assert Sign not in [type(step) for step in planned.steps]
        assert "tls.crt is missing or broken" in (planned.waits or "")
    else:
        assert [step.authority for step in planned.steps if isinstance(step, Sign)]
        assert planned.waits is None


def test_the_newest_authority_signs_and_an_older_one_never_replaces_its_leaf() -> None:
    (step, *_) = plan(state(secret(LEAF, OLD, NEW), (OLD, NEW)), TIMING).steps
    assert isinstance(step, Sign)
    assert step.authority.certificate == NEW.certificate
    assert step.why == "a newer authority stands in every caBundle"
    old_stands = Seen(DAY, {OLD.certificate: TIMING.settle})
    assert Sign not in kinds(state(secret(NEW_LEAF, OLD, NEW), (OLD,), (OLD, NEW), seen=old_stands))


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (NOON + LEAF_LIFE * 2 / 3 - DAY, None),
        (NOON + LEAF_LIFE * 2 / 3, "two thirds of its life are over"),
        (NOON + LEAF_LIFE + DAY, "tls.crt has expired"),
        (NOON + timedelta(hours=-1, minutes=-1), None),
    ],
)
def test_when_a_leaf_is_signed_anew(now: datetime, why: str | None) -> None:
    steps = plan(state(secret(LEAF, OLD), (OLD,), now=now), TIMING).steps
    assert [step.why for step in steps if isinstance(step, Sign)] == ([why] if why else [])


def test_a_leaf_whose_time_has_not_come_is_signed_anew_by_one_whose_time_has() -> None:
    early = new_leaf(OLD, SERVICE, NOON + 9 * DAY)
    (step,) = plan(state(secret(early, OLD), (OLD,)), TIMING).steps
    assert isinstance(step, Sign)
    assert step.why == "tls.crt is not valid yet"


def test_a_leaf_of_an_authority_that_nobody_knows_is_signed_anew() -> None:
    (step,) = plan(state(secret(NEW_LEAF, OLD), (OLD,)), TIMING).steps
    assert isinstance(step, Sign)
    assert step.why == "no known authority has signed tls.crt"
    # a caBundle may know it
    assert Sign not in kinds(state(secret(NEW_LEAF, OLD), (OLD, NEW)))


def test_only_who_can_sign_now_for_this_service_is_usable() -> None:
    other = new_authority(Service("elsewhere", "podworthy"), NOON)
    both = secret(LEAF, OLD, other)
    assert [pair.certificate for pair in usable_pairs(state(both))] == [OLD.certificate]
    for now in (NOON - DAY, NOON + AUTHORITY_LIFE + DAY):
        assert usable_pairs(state(both, now=now)) == ()
    # its certificate may be lost from the Secret, its key may not
    keys_alone = secret(LEAF, OLD)
    assert len(usable_pairs(state(keys_alone, (OLD, NEW)))) == 1


def test_an_old_authority_leaves_when_its_overlap_is_over_by_both_clocks() -> None:
    there = secret(NEW_LEAF, NEW, OLD)
    late, early = NOON + 2 * DAY, NOON + 2 * DAY - timedelta(seconds=1)
    not_mounted = Seen(TIMING.mounts - timedelta(seconds=1), ENOUGH.standing)
    assert kinds(state(there, (NEW, OLD), now=early)) == []
    assert kinds(state(there, (NEW, OLD), now=late, seen=not_mounted)) == []
    (step,) = plan(state(there, (NEW, OLD), now=late), TIMING).steps
    assert isinstance(step, Trust)
    assert step.authorities == (NEW.certificate,)
    # the Secret forgets it last
    assert kinds(state(there, (NEW,), (NEW, OLD), now=late)) == [Trust]
    assert kinds(state(there, (NEW,), (NEW,), now=late)) == [Record]


def test_nothing_leaves_while_the_leaf_must_be_replaced_for_more_than_its_age() -> None:
    alias = Service(SERVICE.namespace, SERVICE.name, "example.org")
    wrong = new_leaf(NEW, alias, NOON + DAY)
    assert kinds(state(secret(wrong, NEW, OLD), (NEW, OLD))) == [Sign]
    due = NOON + DAY + LEAF_LIFE * 2 / 3
    assert Trust in kinds(state(secret(NEW_LEAF, NEW, OLD), (NEW, OLD), now=due))


def test_a_newer_one_stays_only_if_it_may_sign_some_day() -> None:
    """Else a meddler's authority would be believed for five years."""
    stranger = new_authority(Service("elsewhere", "podworthy"), NOON + DAY)
    future = new_authority(SERVICE, NOON + 9 * DAY)
    seen = Seen(TIMING.mounts, {OLD.certificate: TIMING.settle})
    for there in (secret(LEAF, OLD, stranger), secret(LEAF, OLD, future)):
        newer = there.authorities[1]
        both = (Entry("a", (OLD.certificate, newer)),)
        one = Registration("ValidatingWebhookConfiguration", "x", "1", both)
        (step,) = plan(State(NOON + 2 * DAY, SERVICE, there, (one,), seen), TIMING).steps
        assert isinstance(step, Trust)
        assert step.authorities == (OLD.certificate,)
    # one that has no key here
    (step, *_) = plan(state(secret(LEAF, OLD), (OLD, NEW), seen=seen), TIMING).steps
    assert isinstance(step, Trust)
    assert step.authorities == (OLD.certificate,)
    assert kinds(state(secret(LEAF, OLD, NEW), (OLD, NEW), seen=seen)) == []


def test_what_comes_stands_in_the_secret_before_it_stands_in_every_bundle() -> None:
    fresh = Seen(timedelta(0), {OLD.certificate: DAY})
    (step, *_) = plan(state(secret(LEAF, OLD), (OLD, NEW), (OLD,), seen=fresh), TIMING).steps
    assert isinstance(step, Record)
    assert step.authorities == (NEW.certificate, OLD.certificate)


def test_a_broken_list_of_authorities_is_written_anew() -> None:
    assert kinds(state(secret(LEAF, OLD, more=b"junk"), (OLD,))) == [Record]
    # but never an empty one, nor with what has left
    lost = secret(LEAF)
    assert Record not in kinds(state(lost))


def test_bundles_hold_what_is_in_force_and_nothing_else() -> None:
    there = secret(LEAF, OLD)
    junk = Entry("a", (OLD.certificate,), whole=False)
    one = Registration("ValidatingWebhookConfiguration", "x", "1", (junk,))
    (step,) = plan(State(NOON + 2 * DAY, SERVICE, there, (one,), ENOUGH), TIMING).steps
    assert isinstance(step, Trust)
    assert step.why == "a holds what is not in force"
    (step,) = plan(state(there, ()), TIMING).steps
    assert step.why == "a lacks 1 of 1 authorities"


def test_the_authority_of_the_present_leaf_comes_before_all_others() -> None:
    """However many can sign: whoever is shown its leaf must go on to believe it."""
    many = [new_authority(SERVICE, NOON + DAY) for _ in range(MAX_AUTHORITIES + 2)]
    steps = plan(state(secret(LEAF, OLD, *many), (OLD,), seen=Seen()), TIMING).steps
    (trust,) = [step for step in steps if isinstance(step, Trust)]
    assert OLD.certificate in trust.authorities
    assert len(trust.authorities) == MAX_AUTHORITIES


def test_what_has_expired_is_known_no_more_and_what_comes_is_known_already() -> None:
    past = new_authority(SERVICE, NOON - AUTHORITY_LIFE)
    (step,) = plan(state(secret(LEAF, OLD), (OLD, past), seen=Seen()), TIMING).steps
    assert isinstance(step, Trust)
    assert step.authorities == (OLD.certificate,)
    before = NOON + timedelta(hours=1)
    assert Trust not in kinds(state(secret(NEW_LEAF, NEW, OLD), (NEW, OLD), now=before))


def test_no_bundle_is_ever_emptied() -> None:
    steps = plan(state(secret(LEAF, OLD), (OLD,), now=NOON + AUTHORITY_LIFE + DAY), TIMING).steps
    assert [type(step) for step in steps] == [NewAuthority]


def test_an_authority_whose_key_is_lost_is_still_believed() -> None:
    (step, *_) = plan(state(secret(LEAF, OLD, keys=()), ()), TIMING).steps
    assert isinstance(step, NewAuthority)
    assert step.authorities == (OLD.certificate,)


def test_who_can_sign_is_not_crowded_out_by_who_cannot() -> None:
    many = [new_authority(SERVICE, NOON + DAY) for _ in range(MAX_AUTHORITIES + 2)]
    planned = plan(state(secret(None, OLD), (OLD, *many)), TIMING)
    (sign,) = [step for step in planned.steps if isinstance(step, Sign)]
    assert OLD.certificate in sign.authorities


def test_nothing_leaves_while_nobody_knows_who_signed_the_leaf() -> None:
    strange = new_leaf(new_authority(SERVICE, NOON), SERVICE, NOON)
    assert kinds(state(secret(strange, NEW, OLD), (NEW, OLD))) == [Sign]


def test_what_comes_and_what_leaves_are_two_steps() -> None:
    newest = new_authority(SERVICE, NOON + DAY + timedelta(hours=2))
    there = secret(NEW_LEAF, NEW, OLD, keys=(NEW, OLD, newest))
    seen = Seen(TIMING.mounts, {NEW.certificate: TIMING.settle})
    for bundle in ((newest, NEW, OLD), (newest, NEW)):
        steps = plan(state(there, bundle, seen=seen), TIMING).steps
        (record,) = [step for step in steps if isinstance(step, Record)]
        assert set(record.authorities) == {one.certificate for one in (newest, NEW, OLD)}
