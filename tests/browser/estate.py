"""Manifests of a whole company, as large as one likes: what reports are looked at with."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from webhook.exemptions import Exemption
from webhook.report.entries import DayEntry

TODAY: Final = date(2026, 11, 24)
TEAMS: Final = ("payments", "search", "storefront", "platform", "data")
NAMESPACES: Final = tuple(
    f"{team}-{stage}" for team in TEAMS for stage in ("prod", "staging", "preview")
)
_FAULTS: Final = ("", "", "", "", "readiness", "probes", "path", "claim", "database", "replicas")
"""One is chosen for each workload, by its number."""

_DEPLOYMENT: Final = """\
apiVersion: apps/v1
kind: {kind}
metadata:
  name: {name}
  namespace: {namespace}
  labels: {{app: {name}, {team}}}
spec:
  replicas: {replicas}
  template:
    spec:
      containers:
      - name: web
        image: registry.example/{name}:1
        ports:
        - name: http
          containerPort: 8080
{liveness}{readiness}        volumeMounts:
        - {{name: state, mountPath: /var/lib/{mount}}}
      volumes:
      - name: state
        {volume}
"""
_LIVENESS: Final = """\
        livenessProbe:
          httpGet: {path: /live, port: http}
          failureThreshold: 6
"""
_READINESS: Final = """\
        readinessProbe:
          httpGet: {path: /ready, port: http}
          periodSeconds: 10
          timeoutSeconds: 3
"""


def manifests(number: int) -> Iterator[str]:
    """So many workloads; something is wrong with six of ten."""
    for index in range(number):
        fault = _FAULTS[(index * 7 + index // 10) % len(_FAULTS)]
        namespace = NAMESPACES[(index * index + index // 3) % len(NAMESPACES)]
        yield _DEPLOYMENT.format(
            kind="StatefulSet" if fault == "database" else "Deployment",
            name=f"{('cart', 'ledger', 'index', 'feed', 'mailer')[index % 5]}-{index}",
            namespace=namespace,
            # some have no label
            team=f"team: {namespace.partition('-')[0]}" if index % 13 else "tier: web",
            replicas=3 if fault == "replicas" else 1,
            liveness="" if fault == "probes" else _LIVENESS,
            readiness="" if fault in ("probes", "readiness") else _READINESS,
            mount="postgresql/data" if fault == "database" else "cache",
            volume={
                "path": "hostPath: {path: /srv/cache}",
                "claim": "awsElasticBlockStore: {volumeID: vol-1}",
                "replicas": "persistentVolumeClaim: {claimName: state}",
            }.get(fault, "emptyDir: {}"),
        )


def exemptions() -> list[Exemption]:
    """Some that are needed, one that nothing needs, one that has ended."""
    return [
        _exemption(
            "cart-probes", "cart-5", "platform-preview", "the vendor adds probes in 4.2", 127
        ),
        _exemption(
            "ledger-old-path", "ledger-1", "payments-staging", "retired with the old ledger", 12
        ),
        _exemption("mailer-probes", "mailer-9", "data-prod", "was replaced in October", -6),
    ]


def _exemption(name: str, workload: str, namespace: str, reason: str, days: int) -> Exemption:
    return Exemption(
        name=name,
        policies=frozenset({"require-probes", "require-claims"}),
        namespace=namespace,
        kind="Deployment",
        workload=workload,
        containers=frozenset(),
        reason=reason,
        owner=f"team-{namespace.partition('-')[0]}",
        granted=date(2026, 10, 1),
        expires=date.fromordinal(TODAY.toordinal() + days),
        place="exemptions.yaml:1",
    )


def days() -> list[DayEntry]:
    """What was before: a month that gets better, with weekends on which nobody audits."""
    found = []
    for ago in range(29, -1, -1):
        day = TODAY - timedelta(ago)
        denials = (ago * 7) % 12 if ago % 3 else 0
        if day.weekday() < 5:
            found.append(DayEntry(day, denials, "baseline", 300, 3 * ago))
        elif denials:
            found.append(DayEntry(day, denials))
    return found
