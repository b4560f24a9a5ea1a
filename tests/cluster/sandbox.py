"""A cluster to try podworthy in, until Ctrl-C.

    python -m tests.cluster.sandbox [--kubernetes VERSION] [--install {yes,no}]

With podworthy registered, and no node; or with a node, and nothing installed. stdout is one line
for a shell, `export KUBECONFIG=...`; everything for humans goes to stderr.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from examples.terminal import own_the_terminal
from tests.cluster.build import binaries
from tests.cluster.control_plane import ControlPlane
from tests.cluster.golang import BuildError, say
from tests.cluster.helm import helm
from tests.cluster.kubelet import Kubelet, check_ports
from tests.cluster.processes import Process, ProcessDied
from tests.cluster.registration import LABEL
from tests.cluster.server import DEFAULT, webhook_server
from tests.cluster.versions import NEWEST

_REGISTERED = """
Kubernetes {version} with podworthy, profile {default} unless a namespace is labelled otherwise.
There are no nodes: pods are made and judged, but never run. In another terminal:

  export KUBECONFIG={kubeconfig}
  alias kubectl={kubectl}

  kubectl run web --image=nginx                 # denied: no probes
  kubectl create deployment web --image=nginx   # denied, too: its pods would be
  kubectl label namespace default {label}=advise   # now only warned of

What podworthy answered is in {log}; Ctrl-C ends it all.
"""

_EMPTY = """
Kubernetes {version} with one node, and nothing installed. In another terminal, in this directory:

  . {activate}   # helm, kubectl and podworthy
  export KUBECONFIG={kubeconfig}

  helm install podworthy deploy/chart --namespace podworthy-system --create-namespace
  kubectl rollout status deployment podworthy --namespace podworthy-system
  helm test podworthy --namespace podworthy-system

and so on as docs/install.md says, but for the image: whatever is named podworthy, from any
registry, is this checkout here, so nothing has to be built. The node is small:

- Podworthy's pods are processes of this machine, with the probes, volumes, grace and Services that
  they have in a cluster. Their numbers are in `kubectl describe pod` (Container ID: process://...);
  one that is killed is started again.
- Pods of other images are shown as running (those of Jobs as done), without a process.
- The API server does not reach its pods' own addresses: no `kubectl get --raw .../proxy/...`, and
  `podworthy doctor` cannot tell its check `controller`.
- There is no `kubectl exec` and `port-forward`, and nothing that confines a container: security
  contexts, resources, network policies.

The pods' logs are in {logs}; Ctrl-C ends it all.
"""


class Furniture(NamedTuple):
    """What is in the cluster."""

    message: str
    """What to do with it."""
    check: Callable[[], None]
    """ProcessDied, with the reason, if it is of no use any more."""


def main() -> None:
    """Exits 0 after Ctrl-C or SIGTERM, 1 with a message if something does not work."""
    parser = argparse.ArgumentParser(description="A cluster to try podworthy in.")
    parser.add_argument("--kubernetes", default=NEWEST, help=f"version, default {NEWEST}")
    choices = ("yes", "no")
    parser.add_argument("--install", choices=choices, default="yes", help="no: a node instead")
    options = parser.parse_args()
    own_the_terminal()
    try:
        run(options.kubernetes, registered if options.install == "yes" else empty)
    except (BuildError, PermissionError, ProcessDied, TimeoutError) as error:
        notes = getattr(error, "__notes__", [])
        sys.exit("\n".join([f"error: {error}", *notes]))
    except KeyboardInterrupt:
        pass


def run(version: str, furnish: Callable[[ControlPlane], AbstractContextManager[Furniture]]) -> None:
    """Starts everything, says what to try, and stays; KeyboardInterrupt ends it."""
    if furnish is empty:
        check_ports()
        _link(helm())
    binaries(version)
    say(f"starting Kubernetes {version}")
    with ControlPlane(version) as control_plane, furnish(control_plane) as furniture:
        print(f"export KUBECONFIG={control_plane.kubeconfig}", flush=True)
        print(furniture.message, file=sys.stderr, flush=True)
        try:
            _stay(furniture.check)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one must not stop the end
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextlib.contextmanager
def registered(control_plane: ControlPlane) -> Iterator[Furniture]:
    """A server outside the cluster, asked by it."""
    with webhook_server(control_plane) as server:
        message = _REGISTERED.format(
            version=control_plane.kubernetes,
            default=DEFAULT,
            kubeconfig=control_plane.kubeconfig,
            kubectl=binaries(control_plane.kubernetes).kubectl,
            label=LABEL,
            log=server.log,
        )
        yield Furniture(message, partial(_check_webhook, server))


@contextlib.contextmanager
def empty(control_plane: ControlPlane) -> Iterator[Furniture]:
    """A node."""
    with Kubelet(control_plane) as kubelet:
        activate = Path(sys.executable).with_name("activate")
        message = _EMPTY.format(
            version=control_plane.kubernetes,
            kubeconfig=control_plane.kubeconfig,
            activate=os.path.relpath(activate) if activate.is_relative_to(Path.cwd()) else activate,
            logs=kubelet.directory,
        )
        yield Furniture(message, partial(_check_node, kubelet, set()))


def _stay(check: Callable[[], None]) -> None:
    while True:
        check()
        time.sleep(0.5)


def _check_webhook(server: Process) -> None:
    if server.exit_code is not None:
        end = f"the webhook has ended with {server.exit_code}, and the sandbox with it"
        raise ProcessDied(f"{end}; its last lines:\n{server.tail()}")


def _check_node(kubelet: Kubelet, told: set[str]) -> None:
    for trouble in kubelet.troubles:
        if trouble not in told:
            say(f"the node has a problem: {trouble}")
            told.add(trouble)
    if not kubelet.is_alive:
        raise ProcessDied("the node has ended, and the sandbox with it")


def _link(program: Path) -> None:
    """Let it be found where kubectl is, unless another one is there."""
    link = Path(sys.executable).with_name(program.name)
    if link.is_symlink() or not link.exists():
        new = link.with_name(f".{program.name}.{os.getpid()}")
        new.symlink_to(program)
        new.replace(link)  # at once: somebody may be using it


if __name__ == "__main__":
    main()
