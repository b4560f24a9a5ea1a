"""The manifests that `make bench` reads: the same for everybody, and like those that people write.

Deployments, StatefulSets and Pods in turn, about 1.6 KB each, in the two usual indentations of
lists. All are clean under profile baseline (probes with every timing, storage through claims), but
for one in `FINDING_EVERY`. One in `ANCHOR_EVERY` has an anchor, which takes the slower reader.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FINDING_EVERY: Final = 20
"""One document in so many has exactly one finding: a probe that is missing, or a hostPath."""
ANCHOR_EVERY: Final = 51
FILES: Final = 100

_TEAMS: Final = ("payments", "search", "orders", "identity", "catalogue", "mail")

_METADATA: Final = """\
# Source: {team}/templates/{name}.yaml
apiVersion: {version}
kind: {kind}
metadata:
  name: {name}
  namespace: {team}
  labels:
    app.kubernetes.io/name: {name}
    tier: {tier}
  annotations:
    checksum/config: {checksum}
    prometheus.io/scrape: "true"
"""
_SELECTOR: Final = """\
  selector:
    matchLabels:{anchor}
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:{labels}
"""
_HEAD: Final = {
    "Deployment": f"spec:\n  replicas: 1\n  strategy:\n    type: Recreate\n{_SELECTOR}",
    "StatefulSet": f"spec:\n  serviceName: {{name}}\n  replicas: {{replicas}}\n{_SELECTOR}",
    "Pod": "",
}
_CONTAINER: Final = """\
containers:
- name: {name}
  image: registry.example/{team}/{name}:1.{minor}.{patch}
  args: ["--listen=:{port}", "--log-level=info"]
  ports:
  - name: http
    containerPort: {port}
  env:
  - name: DATABASE_URL
    value: postgres://db.{team}.svc:5432/{name}
  resources:
    requests:
      cpu: {cpu}m
      memory: {memory}Mi
    limits:
      memory: {limit}Mi
  livenessProbe:
    httpGet:
      path: /livez
      port: http
    initialDelaySeconds: {delay}
    periodSeconds: 10
    timeoutSeconds: 3
    failureThreshold: 6
"""
_READINESS: Final = """\
  readinessProbe:
    httpGet:
      path: /readyz
      port: http
    initialDelaySeconds: 2
    periodSeconds: 5
    timeoutSeconds: 3
    failureThreshold: 3
"""
_VOLUMES: Final = """\
  volumeMounts:
  - name: config
    mountPath: /etc/{name}
  - name: data
    mountPath: /var/lib/{name}
volumes:
- name: config
  configMap:
    name: {name}
"""
_CLAIM: Final = """\
- name: data
  persistentVolumeClaim:
    claimName: {name}
"""
_HOST_PATH: Final = """\
- name: data
  hostPath:
    path: /srv/{name}
"""
_CLAIM_TEMPLATES: Final = """\
  volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      accessModes: ["ReadWriteOnce"]
      resources:
        requests:
          storage: {storage}Gi
"""


def write(directory: Path, documents: int) -> None:
    """Fill a directory with `FILES` files that have that many documents in all."""
    for file in range(FILES):
        numbers = range(documents * file // FILES, documents * (file + 1) // FILES)
        (directory / f"{file:03}.yaml").write_text("---\n".join(map(manifest, numbers)))


def manifest(number: int) -> str:
    """The document of that number, 0-based: always the same text."""
    chance = random.Random(number)  # noqa: S311  # no secret
    kind = ("Deployment", "StatefulSet", "Pod")[number % 3]
    team = chance.choice(_TEAMS)
    name = f"{team}-{number}"
    memory = chance.choice((128, 256, 512))
    has_anchor = number % ANCHOR_EVERY == 0
    text = _template(kind, number).format(
        version="v1" if kind == "Pod" else "apps/v1",
        kind=kind,
        name=name,
        team=team,
        tier=chance.choice(("frontend", "backend", "worker", "cache")),
        checksum=f"{chance.getrandbits(256):064x}",
        anchor=" &labels" if has_anchor else "",
        labels=" *labels" if has_anchor else f"\n        app.kubernetes.io/name: {name}",
        port=chance.choice((8000, 8080, 9000)),
        replicas=chance.randint(1, 5),
        minor=chance.randint(0, 40),
        patch=chance.randint(0, 9),
        cpu=chance.choice((50, 100, 250)),
        memory=memory,
        limit=2 * memory,
        delay=chance.randint(2, 10),
        storage=chance.choice((1, 10, 50)),
    )
    return "".join(_with_deeper_lists(text)) if number % 2 else text


def has_finding(number: int) -> bool:
    """Whether profile baseline finds something in the document of that number."""
    return number % FINDING_EVERY == FINDING_EVERY - 1


def _template(kind: str, number: int) -> str:
    lacks_probe = has_finding(number) and number % (2 * FINDING_EVERY) < FINDING_EVERY
    on_node = has_finding(number) and not lacks_probe
    pod = _CONTAINER + ("" if lacks_probe else _READINESS) + _VOLUMES
    claim_templates = ""
    if on_node:
        pod += _HOST_PATH
    elif kind == "StatefulSet":
        claim_templates = _CLAIM_TEMPLATES
    else:
        pod += _CLAIM
    indent = "" if kind == "Pod" else "    "
    spec = "".join(f"{indent}  {line}" for line in pod.splitlines(keepends=True))
    return f"{_METADATA}{_HEAD[kind]}{indent}spec:\n{spec}{claim_templates}"


def _with_deeper_lists(text: str) -> Iterator[str]:
    """The lines with every list two columns further in than its key, as Helm charts have it."""
    lists: list[int] = []
    for line in text.splitlines(keepends=True):
        column = len(line) - len(line.lstrip(" "))
        is_item = line.startswith("- ", column)
        while lists and (column < lists[-1] or (column == lists[-1] and not is_item)):
            lists.pop()
        if is_item and column not in lists:
            lists.append(column)
        yield "  " * len(lists) + line
