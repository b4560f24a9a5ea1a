"""A small kubelet: it runs podworthy's pods as processes of this machine.

Some things are translations of what a node does:

| on a node | here |
|---|---|
| the image podworthy | ENTRYPOINT and ENV of our Dockerfile; `/app` is this checkout, its Python |
| any other image | a status as if it ran (in a Job: as if it were done), without a process |
| a pod's network | `10.x.y.z` in its status is `127.x.y.z`, where it listens on any address |
| names of Services | a file of ClusterIPs, which `getaddrinfo` is made to ask first |
| mounts | a directory of the pod, whose path replaces the mount's in command, args and env |
| the account's mount | the same, and the constants of the `kubernetes` package are changed |
| kube-proxy | a listener on each ClusterIP, which splices to ready endpoints |
| `kubectl logs` | the process's file; a line came when it was first seen, 0.1 s late at most |
| kube-scheduler | every pod is bound to the one node; nothing is weighed |

It needs neither containers nor root, but port 443 on loopback addresses (`check_ports`).
Not done: security contexts (the image's own tests have them), resources, network policies, init
containers, exec and port-forward. What a pod asks of these and cannot be left out makes it fail,
with a message in its status.
"""

from tests.cluster.kubelet.kubelet import Kubelet, check_ports

__all__ = ["Kubelet", "check_ports"]
