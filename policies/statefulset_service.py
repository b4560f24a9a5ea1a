"""A StatefulSet's serviceName names a headless Service that selects its pods.

What it checks
    The Service that `serviceName` names, in the StatefulSet's namespace: that it is known, that it
    is headless (`clusterIP: None`), and that its selector matches the labels of the pod template. A
    Service without a selector, whose endpoints somebody else writes, is fine; so is a StatefulSet
    without serviceName.

Why
    The Service gives each pod a name of its own that stays when the pod moves, such as `db-0.db`:
    that is how replicas find their primary. Only a headless Service does that: any other has one
    address for all of them. The API server checks neither.

Bad
    kind: Service
    metadata: {name: db}
    spec:
      selector: {app: db}
      ports: [{port: 5432}]

Good
    kind: Service
    metadata: {name: db}
    spec:
      clusterIP: None
      selector: {app: db}
      ports: [{port: 5432}]

Params
    None.

Limits
    Nothing is said where nobody can know: in admission, and in files unless they hold Services of
    the StatefulSet's namespace. A missing Service is worth a warning only, because it may come
    later. `serviceName` cannot be changed: to correct it, the StatefulSet is made anew.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook import api

# the controller adds these to every pod (k8s.io/api apps/v1)
_ADDED = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "controller-revision-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)


def check(
    workload: api.Workload, params: api.Params, lookups: api.Lookups
) -> Iterator[api.Violation]:
    """At most one violation."""
    name = workload.service_name
    if name is None:
        return
    service = lookups.service(workload.namespace, name)
    if service is api.Missing.ABSENT:
        yield _violation(
            f"no Service {name!r}",
            "is known in this namespace",
            "add a headless one, for names such as " + f"{workload.name or 'web'}-0.{name}",
        )
    elif isinstance(service, api.Service) and not service.is_headless:
        yield _violation(
            f"Service {name!r}",
            "is not headless: its pods get no names of their own",
            "make it anew with clusterIP: None",
        )
    elif isinstance(service, api.Service) and not _selects(service, workload.pod_labels):
        yield _violation(
            f"Service {name!r}",
            "does not select the pods of this template",
            "make its selector match the template's labels",
        )


def _selects(service: api.Service, labels: Mapping[str, Any]) -> bool:
    return all(
        labels.get(key) == value for key, value in service.selector.items() if key not in _ADDED
    )


def _violation(fact: str, why: str, fix: str) -> api.Violation:
    return api.Violation("/spec/serviceName", "serviceName", fact, fix, why)


policy = api.Policy(
    id="statefulset-service",
    summary="serviceName names a headless Service of these pods",
    params=api.Params,
    kinds=("StatefulSet",),
    check=check,
    looks_up="only",
    doc=__doc__,
)
