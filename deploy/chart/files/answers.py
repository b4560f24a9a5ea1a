"""Ask the webhook as the API server does, and check that it answers for every profile.

    python -I answers.py HOST PORT CA_FILE PROFILE ...

Exits 1 at the first answer that is not as it should be, and says which.
"""

import json
import sys
from http.client import HTTPSConnection
from ssl import create_default_context

UID = "00000000-0000-0000-0000-000000000000"
REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": UID,
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": "default",
        "name": "podworthy-test",
        "operation": "CREATE",
        "dryRun": True,
        "userInfo": {"username": "helm-test"},
        "object": {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "podworthy-test", "namespace": "default"},
            "spec": {
                "restartPolicy": "Always",
                "containers": [{"name": "bad", "image": "bad"}],
                "volumes": [{"name": "bad", "hostPath": {"path": "/bad"}}],
            },
        },
    },
}


def main(host: str, port: str, ca_file: str, *profiles: str) -> int:
    """The exit code."""
    trust = create_default_context(cafile=ca_file)
    connection = HTTPSConnection(host, int(port), timeout=10, context=trust)
    connection.request("GET", "/readyz")
    response = connection.getresponse()
    print("GET /readyz:", response.status, response.read().decode(), flush=True)
    if response.status != 200:
        return 1
    for profile in profiles:
        path = f"/validate/{profile}"
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(REVIEW), headers)
        response = connection.getresponse()
        body = response.read()
        print(f"POST {path}:", response.status, body.decode(errors="replace"), flush=True)
        if response.status != 200 or json.loads(body)["response"]["uid"] != UID:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
