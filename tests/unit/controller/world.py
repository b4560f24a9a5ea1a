"""An installation in a test: its cluster, what lags behind it, and the controller of the moment."""

from dataclasses import dataclass
from datetime import timedelta

from tests.unit.controller.cluster import (
    SERVICE,
    TIMING,
    Cluster,
    Mirror,
    controller,
    secret_path,
)
from webhook.controller import certificates
from webhook.controller.loop import Controller, Turn
from webhook.controller.state import read_secret


@dataclass
class World:
    """A cluster, what lags behind it, and the controller of the moment."""

    cluster: Cluster
    mirror: Mirror
    controller: Controller

    def turn(self) -> Turn:
        """One turn; a controller that is killed in it is followed by another one."""
        turn = self.mirror.follow(self.controller.turn)
        if "killed" in self.controller.status.problems.get("api-server", ""):
            self.restart()
            return Turn.STEP
        return turn

    def restart(self) -> None:
        self.controller = controller(self.cluster)

    def rest(self, *, check: bool) -> int:
        """Turn until nothing happens for as long as anything is waited for; how many turns.

        With `check`, what API servers believe and what servers show must fit at every moment, in
        the slowest and in the fastest case.
        """
        quiet, turns = 0.0, 0
        while quiet <= TIMING.settle.total_seconds() + 20:
            turn = self.turn()
            turns += 1
            assert turns < 60, "it does not come to rest"
            if check:
                assert not list(self.mirror.distrust())
                assert not list(self.mirror.unsettled())
            if turn is Turn.REST:
                self.mirror.hear()
                if check:
                    assert not list(self.mirror.distrust())
                self.mirror.mount()
                if check:
                    assert not list(self.mirror.distrust())
                quiet += 10
            else:
                quiet = 0
            self.cluster.time.pass_by(10 if turn is Turn.REST else 1)
        return turns

    def leaf(self) -> bytes:
        return self.cluster.secret()["tls.crt"]

    def is_in_order(self) -> bool:
        self.mirror.hear()
        self.mirror.mount()
        content = self.cluster.secret()
        there = certificates.read_certificates(content["ca.crt"])[0]
        (leaf,) = certificates.read_certificates(content["tls.crt"])[0]
        bundles = [bundle for some in self.cluster.bundles().values() for bundle in some[:-1]]
        return (
            not list(self.mirror.distrust())
            and not read_secret(self.cluster.objects[secret_path()]).broken
            and any(
                certificates.has_issued(one, leaf) and certificates.can_sign_for(one, SERVICE)
                for one in there
            )
            and all(set(certificates.read_certificates(one)[0]) == set(there) for one in bundles)
            and not self.controller.status.problems
            and self.controller.status.ready
        )


def world() -> World:
    """Configurations as Helm makes them, and no Secret."""
    cluster = Cluster()
    cluster.register()
    return World(cluster, Mirror(cluster), controller(cluster))


def running(age: timedelta = timedelta(days=2)) -> World:
    """An installation in order, whose certificates are of this age."""
    made = world()
    made.rest(check=False)
    assert made.is_in_order()
    made.cluster.time.pass_by(age.total_seconds())
    return made
