"""Delete the objects at the given paths of the API server, one after another.

    python -I remove.py PATH ...

With the token of the pod's ServiceAccount. What is not there is fine; anything else ends it with 1.
"""

import os
import sys
from http.client import HTTPSConnection
from pathlib import Path
from ssl import create_default_context

ACCOUNT = Path(os.environ.get("ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))
FINE = (200, 202, 404)


def main(paths: list[str]) -> int:
    """The exit code."""
    connection = HTTPSConnection(
        os.environ["KUBERNETES_SERVICE_HOST"],
        int(os.environ["KUBERNETES_SERVICE_PORT"]),
        timeout=30,
        context=create_default_context(cafile=str(ACCOUNT / "ca.crt")),
    )
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"}
    statuses = []
    for path in paths:
        connection.request("DELETE", path, headers=headers)
        response = connection.getresponse()
        answer = response.read().decode(errors="replace")
        statuses.append(response.status)
        print(response.status, path, "" if response.status in FINE else answer, flush=True)
    return 0 if all(status in FINE for status in statuses) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
