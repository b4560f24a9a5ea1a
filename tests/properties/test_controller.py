"""Whatever is done to the certificates, they end in order; and no step of ours breaks anything."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.unit.controller.cluster import (
    NAMES,
    SERVICE,
    TIMING,
    configuration,
    controller,
    registration_path,
    secret_path,
)
from tests.unit.controller.world import World, running, world
from webhook.controller import certificates
from webhook.controller.certificates import key_pem, new_authority, new_leaf, pem
from webhook.controller.loop import Turn
from webhook.controller.state import KINDS, LABEL

MOUNTED = 120.0
"""Seconds until servers have what the Secret holds, at the latest."""
HEARD = TIMING.settle.total_seconds()
"""The same, until API servers use a caBundle."""

keys = st.sampled_from(["tls.crt", "tls.key", "ca.crt", "ca.key"])
contents = st.sampled_from(["empty", "junk", "half", "another", "swapped"])
registrations = st.tuples(st.sampled_from(list(KINDS.values())), st.sampled_from(NAMES))
seconds = st.sampled_from([0.0, 1.0, 5.0, 15.0, 60.0, 600.0, 3600.0, 86400.0, 31 * 86400.0])
jumps = st.sampled_from([60.0, 3600.0, 86400.0, 61 * 86400.0, 4 * 365 * 86400.0])


class Certificates(RuleBasedStateMachine):
    """A cluster that is meddled with, and a controller that is killed now and then."""

    world: World

    @initialize(installed=st.booleans())
    def begin(self, installed: bool) -> None:
        self.world = running() if installed else world()
        self.cluster, self.mirror = self.world.cluster, self.world.mirror
        self.second = controller(self.cluster)
        self.mirror.hear()
        self.mirror.mount()
        self.heard = self.mounted = 0.0

    # --- what is not a fault ------------------------------------------------------------------

    @rule(which=st.booleans(), times=st.integers(1, 4))
    def turn(self, which: bool, times: int) -> None:
        """A step may be wrong for nobody: neither for who has heard of it, nor who has not."""
        for _ in range(times):
            trusted = not list(self.mirror.distrust())
            somebody = any(self._authorities())
            before = self.cluster.secret().get("tls.crt")
            if which:
                self.world.turn()
            else:
                self.second.turn()
            if trusted:
                assert not list(self.mirror.distrust()), "a step took trust away"
            after = self.cluster.secret().get("tls.crt")
            if after and after != before and somebody:
                served, self.mirror.served = self.mirror.served, None
                self.mirror.mount()
                assert not list(self.mirror.distrust()), "a leaf that not everybody believes"
                self.mirror.served = served

    @rule(length=seconds)
    def wait(self, length: float) -> None:
        """Time passes, and with it what lags behind catches up."""
        for part in _parts(length):
            self.cluster.time.pass_by(part)
            self.heard, self.mounted = self.heard + part, self.mounted + part
            if self.heard >= HEARD - 10:
                self.mirror.hear()
                self.heard = 0.0
            if self.mounted >= MOUNTED - 10:
                self.mirror.mount()
                self.mounted = 0.0

    @rule()
    def hear(self) -> None:
        self.mirror.hear()

    @rule()
    def mount(self) -> None:
        self.mirror.mount()

    @rule()
    def kill(self) -> None:
        self.world.restart()

    # --- faults -------------------------------------------------------------------------------

    @rule(after=st.booleans())
    def die_at_the_next_write(self, after: bool) -> None:
        number = self.cluster.writes + 1
        if after:
            self.cluster.dies_after = number
        else:
            self.cluster.dies_before = number

    @precondition(lambda self: secret_path() in self.cluster.objects)
    @rule()
    def delete(self) -> None:
        del self.cluster.objects[secret_path()]

    @precondition(lambda self: secret_path() in self.cluster.objects)
    @rule(key=keys, content=contents)
    def corrupt(self, key: str, content: str) -> None:
        there = self.cluster.secret()
        now = self.cluster.time.now
        other = new_authority(SERVICE, now)
        leaf = new_leaf(other, SERVICE, now)
        another = {
            "tls.crt": pem([leaf.certificate]),
            "tls.key": key_pem([leaf.key]),
            "ca.crt": pem([other.certificate]),
            "ca.key": key_pem([other.key]),
        }
        swapped = "ca.crt" if key == "tls.crt" else "tls.crt"
        value = {
            "empty": b"",
            "junk": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\xff",
            "half": there[key][: len(there[key]) // 2],
            "another": another[key],
            "swapped": there[swapped],
        }[content]
        self.cluster.write_secret(**{key.replace(".", "_"): value})

    @precondition(lambda self: secret_path() in self.cluster.objects)
    @rule()
    def take_over(self) -> None:
        """The Secret is somebody else's now."""
        body = self.cluster.objects[secret_path()]
        self.cluster.put(secret_path(), {**body, "metadata": {"name": "x"}})

    @rule(which=registrations, content=st.sampled_from(["empty", "junk", "another", "expired"]))
    def replace(self, which: tuple[str, str], content: str) -> None:
        now = self.cluster.time.now
        age = timedelta(days=6 * 365 if content == "expired" else 1)
        bundle = {"empty": b"", "junk": b"junk"}.get(content)
        if bundle is None:
            bundle = pem([new_authority(SERVICE, now - age).certificate])
        plural, name = which
        self.cluster.put(registration_path(*which), configuration(plural, name, bundle))

    @rule(which=registrations)
    def unregister(self, which: tuple[str, str]) -> None:
        self.cluster.objects.pop(registration_path(*which), None)

    @rule(by=jumps, back=st.booleans())
    def jump(self, by: float, back: bool) -> None:
        self.cluster.time.jump(timedelta(seconds=-by if back else by))

    # --- the end ------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Nobody meddles any more, and what only people can repair is repaired."""
        if not hasattr(self, "cluster"):
            return
        for name in NAMES:
            for plural in KINDS.values():
                path = registration_path(plural, name)
                if path not in self.cluster.objects:
                    self.cluster.put(path, configuration(plural, name))
        labels = self.cluster.objects.get(secret_path(), {}).get("metadata", {}).get("labels")
        if labels != {LABEL: "self"}:
            self.cluster.objects.pop(secret_path(), None)
        self.world.rest(check=False)
        assert self.world.is_in_order()
        # a meddler's certificates leave as well
        for _ in range(3):
            self.wait(86400.0)
            self.world.rest(check=True)
        assert self.world.is_in_order()
        assert len(self._authorities()) == 1
        writes = self.cluster.writes
        assert self.world.turn() is Turn.REST
        assert self.cluster.writes == writes

    def _authorities(self) -> set[object]:
        bundles = [bundle for some in self.cluster.bundles().values() for bundle in some[:-1]]
        return {one for bundle in bundles for one in certificates.read_certificates(bundle)[0]}


def _parts(length: float) -> list[float]:
    """Small ones first, so that nothing waits for longer than it may."""
    small = [5.0] * int(min(length, 150.0) // 5)
    return [*small, length - sum(small)]


Certificates.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
test_certificates = Certificates.TestCase
