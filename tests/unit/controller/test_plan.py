"""Every way from every state to one in order, with a controller that is killed anywhere on it."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from cryptography import x509

from tests.unit.controller.cluster import (
    NAMES,
    SECRET,
    SERVICE,
    TIMING,
    Cluster,
    Mirror,
    configuration,
    controller,
    registration_path,
    secret_path,
)
from tests.unit.controller.world import World, running, world
from webhook.cluster import Request
from webhook.controller import certificates
from webhook.controller.certificates import Pair, key_pem, new_authority, new_leaf, pem
from webhook.controller.loop import Turn
from webhook.controller.state import KINDS, LABEL, read_secret

YEAR = timedelta(days=365)
PLURALS = list(KINDS.values())


def authorities(made: World) -> set[object]:
    return set(certificates.read_certificates(made.cluster.secret()["ca.crt"])[0])


def test_from_nothing() -> None:
    made = world()
    made.rest(check=False)
    assert made.is_in_order()
    assert made.controller.status.steps == {("NewAuthority", "ok"): 1, ("Trust", "ok"): 4}
    content = made.cluster.objects[secret_path()]
    assert content["type"] == "kubernetes.io/tls"
    assert content["metadata"]["labels"] == {LABEL: "self"}
    assert set(content["data"]) == {"tls.crt", "tls.key", "ca.crt", "ca.key"}
    before = made.cluster.writes
    made.rest(check=True)
    assert made.cluster.writes == before, "nothing is written when all is in order"


def test_what_is_not_of_our_service_keeps_its_bundle() -> None:
    made = running()
    for bundles in made.cluster.bundles().values():
        assert bundles[-1] == b""


def test_a_leaf_is_renewed_when_two_thirds_of_its_life_are_over() -> None:
    made = running(timedelta(0))
    first, known = made.leaf(), authorities(made)
    made.cluster.time.pass_by(timedelta(days=59, hours=23).total_seconds())
    made.restart()
    made.rest(check=True)
    assert made.leaf() == first
    made.cluster.time.pass_by(timedelta(hours=1).total_seconds())
    made.restart()
    made.rest(check=True)
    assert made.leaf() != first
    assert authorities(made) == known


def test_an_authority_is_replaced_and_the_old_one_leaves_after_the_overlap() -> None:
    made = due()
    (old,) = authorities(made)
    made.rest(check=True)
    assert len(authorities(made)) == 2
    assert old in authorities(made)
    made.cluster.time.pass_by(timedelta(hours=23, minutes=50).total_seconds())
    made.rest(check=True)
    assert old in authorities(made), "a day is not over"
    made.cluster.time.pass_by(timedelta(minutes=20).total_seconds())
    made.rest(check=True)
    assert len(authorities(made)) == 1
    assert old not in authorities(made)
    assert made.is_in_order()
    assert len(certificates.read_keys(made.cluster.secret()["ca.key"])[0]) == 1


def test_a_clock_that_jumps_over_the_overlap_ends_no_overlap() -> None:
    made = due()
    made.rest(check=True)
    made.cluster.time.jump(timedelta(days=3))
    made.rest(check=True)
    assert len(authorities(made)) == 2
    made.cluster.time.pass_by(TIMING.mounts.total_seconds())
    made.rest(check=True)
    assert len(authorities(made)) == 1


def due() -> World:
    """An authority of 4 years, the leaf of some days."""
    made = world()
    begun = made.cluster.time.now - 4 * YEAR
    authority = new_authority(SERVICE, begun)
    leaf = new_leaf(authority, SERVICE, made.cluster.time.now - timedelta(days=5))
    made.rest(check=False)
    install(made, authority, leaf)
    return made


def install(made: World, authority: Pair, leaf: Pair) -> None:
    """As if these had been in use all the time."""
    made.cluster.register(authorities=pem([authority.certificate]))
    made.cluster.write_secret(
        tls_crt=pem([leaf.certificate]),
        tls_key=key_pem([leaf.key]),
        ca_crt=pem([authority.certificate]),
        ca_key=key_pem([authority.key]),
    )
    made.mirror = Mirror(made.cluster)
    made.mirror.hear()
    made.mirror.mount()
    made.restart()
    assert not list(made.mirror.distrust())


def deleted(made: World) -> None:
    del made.cluster.objects[secret_path()]


def restored(made: World) -> None:
    """The Secret of a backup, of an authority that left long ago."""
    authority = new_authority(SERVICE, made.cluster.time.now - timedelta(days=30))
    leaf = new_leaf(authority, SERVICE, made.cluster.time.now - timedelta(days=10))
    made.cluster.write_secret(
        tls_crt=pem([leaf.certificate]),
        tls_key=key_pem([leaf.key]),
        ca_crt=pem([authority.certificate]),
        ca_key=key_pem([authority.key]),
    )


def other_key() -> bytes:
    return key_pem([new_authority(SERVICE, Cluster().time.now).key])


def ca_of(made: World) -> bytes:
    return made.cluster.secret()["ca.crt"]


def leaf_by_hand(made: World, more: str | None) -> None:
    """By our authority, for other names than the Service's."""
    content = made.cluster.secret()
    (authority,), (key,) = (
        certificates.read_certificates(content["ca.crt"])[0],
        certificates.read_keys(content["ca.key"])[0],
    )
    names = [*SERVICE.names, more] if more else SERVICE.names[1:]
    alias = AnyNames(SERVICE.namespace, SERVICE.name, others=tuple(names))
    leaf = new_leaf(Pair(authority, key), alias, made.cluster.time.now)
    made.cluster.write_secret(tls_crt=pem([leaf.certificate]), tls_key=key_pem([leaf.key]))


class AnyNames(certificates.Service, frozen=True):
    """A Service that says it has other names than it has."""

    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return self.others


FAULTS: dict[str, Callable[[World], None]] = {
    "deleted": deleted,
    "restored": restored,
    "no leaf": lambda made: made.cluster.write_secret(tls_crt=b""),
    "a broken leaf": lambda made: made.cluster.write_secret(
        tls_crt=b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    ),
    "half a leaf": lambda made: made.cluster.write_secret(tls_crt=made.leaf()[:200]),
    "binary": lambda made: made.cluster.write_secret(tls_crt=b"\x00\xff", ca_crt=b"\xfe"),
    "a chain": lambda made: made.cluster.write_secret(tls_crt=made.leaf() + ca_of(made)),
    "a leaf and junk": lambda made: made.cluster.write_secret(tls_crt=made.leaf() + b"junk"),
    "two keys": lambda made: made.cluster.write_secret(
        tls_key=made.cluster.secret()["tls.key"] + other_key()
    ),
    "a name too many": lambda made: leaf_by_hand(made, "another.example"),
    "a name too few": lambda made: leaf_by_hand(made, None),
    "no key": lambda made: made.cluster.write_secret(tls_key=b""),
    "another key": lambda made: made.cluster.write_secret(tls_key=other_key()),
    "no authority": lambda made: made.cluster.write_secret(ca_crt=b""),
    "broken authority": lambda made: made.cluster.write_secret(ca_crt=b"x" + made.leaf()),
    "no authority's key": lambda made: made.cluster.write_secret(ca_key=b""),
    "another authority's key": lambda made: made.cluster.write_secret(ca_key=other_key()),
    "nothing": lambda made: made.cluster.write_secret(
        tls_crt=b"", tls_key=b"", ca_crt=b"", ca_key=b""
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_secret_is_repaired_and_nobody_notices(fault: str) -> None:
    made = running()
    FAULTS[fault](made)
    made.rest(check=True)
    assert made.is_in_order()
    made.cluster.time.pass_by(timedelta(days=2).total_seconds())
    made.rest(check=True)
    assert len(authorities(made)) == 1


def test_the_authority_is_kept_when_only_its_certificate_is_lost_from_the_secret() -> None:
    made = running()
    known = authorities(made)
    made.cluster.write_secret(ca_crt=b"")
    made.rest(check=True)
    assert authorities(made) == known


@pytest.mark.parametrize("content", [b"", b"junk", "expired", "another"])
def test_a_bundle_that_somebody_changes_is_put_back(content: bytes | str) -> None:
    made = running()
    known = authorities(made)
    one = another(made, 6 * YEAR if content == "expired" else YEAR)
    replace_bundle(made, content if isinstance(content, bytes) else pem([one]))
    made.rest(check=False)
    assert made.is_in_order()
    assert authorities(made) == known


def test_an_unknown_authority_is_kept_until_it_is_known_that_nobody_needs_it() -> None:
    made = running()
    known = authorities(made)
    one = another(made, YEAR)
    replace_bundle(made, pem([one]))
    made.restart()
    made.rest(check=False)
    assert made.is_in_order()
    assert authorities(made) == known | {one}
    made.cluster.time.pass_by(TIMING.mounts.total_seconds())
    made.rest(check=True)
    assert authorities(made) == known


def another(made: World, age: timedelta) -> x509.Certificate:
    return new_authority(SERVICE, made.cluster.time.now - age).certificate


def replace_bundle(made: World, bundle: bytes) -> None:
    path = registration_path(PLURALS[0], NAMES[0])
    made.cluster.put(path, configuration(PLURALS[0], NAMES[0], bundle))


def test_a_service_of_another_name_gets_an_authority_of_its_own() -> None:
    made = running()
    (old,) = authorities(made)
    made.cluster.time.pass_by(10)
    wrong = certificates.Service(SERVICE.namespace, SERVICE.name, "example.org")
    authority = new_authority(wrong, made.cluster.time.now)
    install(made, authority, new_leaf(authority, wrong, made.cluster.time.now))
    made.rest(check=True)
    assert made.is_in_order()
    leaf = certificates.read_certificates(made.leaf())[0][0]
    assert certificates.names_of(leaf) == set(SERVICE.names)
    assert old not in authorities(made)


# --- killed anywhere --------------------------------------------------------------------------


def starts() -> Iterator[tuple[str, Callable[[], World], bool]]:
    yield "from nothing", world, False
    yield "authority due", due, True
    for name, fault in FAULTS.items():
        yield name, lambda fault=fault: broken(fault), True  # type: ignore[misc]


def broken(fault: Callable[[World], None]) -> World:
    made = running()
    fault(made)
    return made


STARTS = {name: (make, check) for name, make, check in starts()}


@pytest.mark.parametrize("when", ["dies_before", "dies_after"])
@pytest.mark.parametrize("start", STARTS)
def test_a_controller_killed_at_any_write_is_followed_by_one_that_goes_on(
    start: str, when: str
) -> None:
    make, check = STARTS[start]
    number = 1
    while True:
        made = make()
        setattr(made.cluster, when, made.cluster.writes + number)
        before = made.cluster.writes
        made.rest(check=check)
        assert made.is_in_order(), f"killed at write {number}"
        if made.cluster.writes - before < number:
            break
        number += 1
    assert number > 1


@pytest.mark.parametrize("start", STARTS)
def test_two_controllers_at_once_do_no_harm(start: str) -> None:
    make, check = STARTS[start]
    made = make()
    second = controller(made.cluster)
    for _ in range(60):
        for one in (made.controller, second):
            made.mirror.follow(one.turn)
            if check:
                assert not list(made.mirror.distrust())
                assert not list(made.mirror.unsettled())
        made.cluster.time.pass_by(5)
    made.rest(check=False)
    assert made.is_in_order()


def test_one_who_writes_between_look_and_step_wins() -> None:
    made = running()
    made.cluster.write_secret(tls_crt=b"")
    raced: list[Request] = []

    def race(request: Request) -> None:
        if request.method == "PATCH" and not raced:
            raced.append(request)
            made.cluster.write_secret(tls_key=b"")

    made.cluster.refuse = race
    for _ in range(4):
        made.controller.turn()
        made.cluster.time.pass_by(30)
    assert made.controller.status.steps["Sign", "conflict"] == 1
    made.rest(check=True)
    assert made.is_in_order()


def test_a_secret_of_somebody_else_is_never_written() -> None:
    for change in (
        {"metadata": {"name": SECRET, "labels": {}}},
        {"metadata": {"name": SECRET, "labels": {LABEL: "other"}}},
        {"type": "Opaque"},
        {"immutable": True},
    ):
        made = running()
        body = made.cluster.objects[secret_path()]
        made.cluster.put(secret_path(), {**body, **change})
        made.cluster.write_secret(tls_crt=b"")
        before = made.cluster.writes
        for _ in range(10):
            assert made.controller.turn() is Turn.FAILED
            made.cluster.time.pass_by(60)
        assert made.cluster.writes == before
        assert "is not written" in made.controller.status.problems["secret"]
        assert not made.controller.status.ready


def test_what_is_deleted_again_and_again_fills_no_bundle() -> None:
    made = running()
    for _ in range(40):
        deleted(made)
        for _ in range(6):
            made.controller.turn()
            made.cluster.time.pass_by(1)
    made.rest(check=False)
    assert made.is_in_order()
    assert len(authorities(made)) <= 9


def test_the_present_leaf_s_authority_is_never_crowded_out() -> None:
    made = running()
    now = made.cluster.time.now
    many = [new_authority(SERVICE, now).certificate for _ in range(20)]
    current = certificates.read_certificates(made.cluster.secret()["ca.crt"])[0]
    replace_bundle(made, pem([*many, *current]))
    made.mirror.hear()
    made.rest(check=True)
    assert made.is_in_order()


def test_a_secret_that_cannot_be_parsed_as_an_object_is_foreign() -> None:
    assert read_secret({}).foreign
    assert read_secret({"metadata": 1, "data": "x"}).foreign  # no object of an API server
