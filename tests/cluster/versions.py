"""The Kubernetes releases that podworthy is tested on, the etcd below them, and Helm.

Each has a directory in `modules/` that pins every Go module it is built from by hash; after a
change here run `python -m tests.cluster.pin`.
"""

NEWEST = "1.37.2"
OLDEST = "1.34.4"
KUBERNETES = (NEWEST, OLDEST)
ETCD = "3.6.16"
HELM = "4.3.1"
OLDEST_HELM = "3.18.6"
