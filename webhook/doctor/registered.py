"""The webhooks of configurations, as the API server reads them, and what their selectors select."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from webhook.doctor.asking import Object
from webhook.doctor.report import Names

NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""Of every namespace; the API server sees to it."""
PROFILE_LABEL: Final = "podworthy.dev/profile"
DOMAIN: Final = ".podworthy.dev"
ANY: Final = "*"


class Entry(msgspec.Struct, frozen=True):
    """One webhook that calls our Service."""

    kind: str
    """Of its configuration."""
    configuration: str
    webhook: Object

    @property
    def name(self) -> str:
        """As in `pods.strict.podworthy.dev`."""
        return str(self.webhook.get("name", ""))

    @property
    def role(self) -> str:
        """What it is for: `pods` in that name."""
        return self.name.partition(".")[0]

    @property
    def path(self) -> str:
        """Where it sends reviews."""
        return str(service_of(self.webhook).get("path") or "/")

    @property
    def profile(self) -> str:
        """By which the server judges what it sends; empty: by the server's own default."""
        return self.path.strip("/").partition("/")[2]

    @property
    def failure_policy(self) -> str:
        """`Fail` or `Ignore`; the API's default is the former."""
        return str(self.webhook.get("failurePolicy", "Fail"))

    @property
    def bundle(self) -> str:
        """Its caBundle, in base64."""
        return str((self.webhook.get("clientConfig") or {}).get("caBundle") or "")

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether it is called about a namespace with these labels."""
        return selects(self.webhook.get("namespaceSelector") or {}, labels)

    def __str__(self) -> str:
        return f"{self.kind} {self.configuration}, {self.name}"


def service_of(webhook: Object) -> Mapping[str, Any]:
    """The Service that it calls; empty if it calls a URL."""
    return (webhook.get("clientConfig") or {}).get("service") or {}


def entries(configurations: Iterable[Object], kind: str, names: Names) -> Iterator[Entry]:
    """The webhooks that call this Service, of configurations of one kind, whatever their names."""
    for configuration in configurations:
        for webhook in configuration.get("webhooks") or ():
            called = service_of(webhook)
            if (called.get("namespace"), called.get("name")) == (names.namespace, names.service):
                yield Entry(kind, name_of(configuration), webhook)


def in_force(entries: Iterable[Entry], labels: Mapping[str, str]) -> Entry | None:
    """The webhook that judges the pods of a namespace with these labels."""
    found = (one for one in entries if one.role == "pods" and one.selects(labels))
    return next(found, None)


def rules_of(webhook: Object) -> frozenset[tuple[str, str, str]]:
    """Group, resource and operation of everything that it is called about."""
    return frozenset(
        (group, resource, operation)
        for rule in webhook.get("rules") or ()
        for group in rule.get("apiGroups") or ()
        for resource in rule.get("resources") or ()
        for operation in rule.get("operations") or ()
    )


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects these labels; the empty one selects all."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_meets(labels, one) for one in selector.get("matchExpressions") or ())


def _meets(labels: Mapping[str, str], requirement: Object) -> bool:
    """k8s.io/apimachinery labels.Requirement.Matches: NotIn is met by an absent label, too."""
    there = requirement.get("key") in labels
    value = labels.get(str(requirement.get("key")))
    operator, values = requirement.get("operator"), requirement.get("values") or ()
    if operator == "In":
        return there and value in values
    if operator == "NotIn":
        return not there or value not in values
    return there if operator == "Exists" else not there


def name_of(one: Object) -> str:
    """Its metadata's name."""
    return str((one.get("metadata") or {}).get("name", ""))


def labels_of(one: Object) -> Mapping[str, str]:
    """Its metadata's labels."""
    return (one.get("metadata") or {}).get("labels") or {}
