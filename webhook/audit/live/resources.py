"""What an audit lists, in its order."""

from typing import Final

from webhook.cluster import Resource

NAMESPACES: Final = Resource("v1", "namespaces", "Namespace", is_namespaced=False)

AROUND: Final = (
    Resource("v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
    Resource("v1", "persistentvolumes", "PersistentVolume", is_namespaced=False),
    Resource("storage.k8s.io/v1", "storageclasses", "StorageClass", is_namespaced=False),
    Resource("v1", "services", "Service"),
)
"""What policies may ask about, see `webhook.lookups`."""

PODS: Final = Resource("v1", "pods", "Pod")

OWNERS: Final = (
    Resource("apps/v1", "statefulsets", "StatefulSet"),
    Resource("apps/v1", "deployments", "Deployment"),
    Resource("apps/v1", "daemonsets", "DaemonSet"),
    Resource("apps/v1", "replicasets", "ReplicaSet"),
    Resource("v1", "replicationcontrollers", "ReplicationController"),
    Resource("batch/v1", "cronjobs", "CronJob"),
    Resource("batch/v1", "jobs", "Job"),
)
"""What makes pods, or makes what does; whoever makes another comes before it."""

WORKLOADS: Final = (*OWNERS, Resource("v1", "podtemplates", "PodTemplate"), PODS)
"""Everything that is judged."""
