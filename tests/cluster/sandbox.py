"""A cluster to try podworthy in, until Ctrl-C.

    python -m tests.cluster.sandbox [--kubernetes VERSION]

stdout is one line for a shell, `export KUBECONFIG=...`; everything for humans goes to stderr.
"""

import argparse
import signal
import sys
import time

from examples.terminal import own_the_terminal
from tests.cluster.build import binaries
from tests.cluster.control_plane import ControlPlane
from tests.cluster.golang import BuildError, say
from tests.cluster.processes import Process, ProcessDied
from tests.cluster.registration import LABEL
from tests.cluster.server import DEFAULT, webhook_server
from tests.cluster.versions import NEWEST

_NEXT = """
Kubernetes {version} with podworthy, profile {default} unless a namespace is labelled otherwise.
There are no nodes: pods are made and judged, but never run. In another terminal:

  export KUBECONFIG={kubeconfig}
  alias kubectl={kubectl}

  kubectl run web --image=nginx                 # denied: no probes
  kubectl create deployment web --image=nginx   # denied, too: its pods would be
  kubectl label namespace default {label}=advise   # now only warned of

What podworthy answered is in {log}; Ctrl-C ends it all.
"""


def main() -> None:
    """Exits 0 after Ctrl-C or SIGTERM, 1 with a message if something does not work."""
    parser = argparse.ArgumentParser(description="A cluster to try podworthy in.")
    parser.add_argument("--kubernetes", default=NEWEST, help=f"version, default {NEWEST}")
    version: str = parser.parse_args().kubernetes
    own_the_terminal()
    try:
        run(version)
    except (BuildError, ProcessDied, TimeoutError) as error:
        notes = getattr(error, "__notes__", [])
        sys.exit("\n".join([f"error: {error}", *notes]))
    except KeyboardInterrupt:
        pass


def run(version: str) -> None:
    """Starts everything, says what to try, and stays; KeyboardInterrupt ends it."""
    programs = binaries(version)
    say(f"starting Kubernetes {version}")
    with ControlPlane(version) as control_plane, webhook_server(control_plane) as server:
        print(f"export KUBECONFIG={control_plane.kubeconfig}", flush=True)
        message = _NEXT.format(
            version=version,
            default=DEFAULT,
            kubeconfig=control_plane.kubeconfig,
            kubectl=programs.kubectl,
            label=LABEL,
            log=server.log,
        )
        print(message, file=sys.stderr, flush=True)
        try:
            _stay(server)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one must not stop the end
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _stay(server: Process) -> None:
    while server.exit_code is None:
        time.sleep(0.5)
    end = f"the webhook has ended with {server.exit_code}, and the sandbox with it; its last lines:"
    raise ProcessDied(f"{end}\n{server.tail()}")


if __name__ == "__main__":
    main()
