"""What the controller sees of the cluster, at one moment: the Secret and the caBundles."""

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from cryptography import x509

from webhook.controller.certificates import Key, Service, read_certificates, read_keys

LABEL: Final = "podworthy.dev/certificates"
"""On a Secret: whose it is. Only one that says `self` is ever written."""
OURS: Final = "self"
TYPE: Final = "kubernetes.io/tls"

Kind = Literal["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]
KINDS: Final[Mapping[Kind, str]] = {
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
    "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
}
"""Each kind's name in the API's paths."""


class Secret(msgspec.Struct, frozen=True):
    """The certificates' Secret, its parts as far as they can be read."""

    version: str
    """Its resourceVersion."""
    foreign: str | None = None
    """Why it is not ours to write, if it is not."""
    authorities: tuple[x509.Certificate, ...] = ()
    """Of `ca.crt`: those in force."""
    authority_keys: tuple[Key, ...] = ()
    """Of `ca.key`."""
    chain: tuple[x509.Certificate, ...] = ()
    """Of `tls.crt`."""
    leaf_key: Key | None = None
    """Of `tls.key`; None also for one that is no EC key."""
    broken: tuple[str, ...] = ()
    """Keys whose content cannot be used as it is."""
    raw: Mapping[str, bytes] = {}
    """What is there, as it is."""

    @property
    def leaf(self) -> x509.Certificate | None:
        """The server's own certificate."""
        return self.chain[0] if self.chain else None


class Entry(msgspec.Struct, frozen=True):
    """One webhook of a configuration that calls our Service."""

    name: str
    authorities: tuple[x509.Certificate, ...]
    """Of its caBundle, which is whom its calls believe."""
    whole: bool = True
    """Whether these are all that the caBundle holds."""


class Registration(msgspec.Struct, frozen=True):
    """A webhook configuration."""

    kind: Kind
    name: str
    version: str
    entries: tuple[Entry, ...]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Seen(msgspec.Struct, frozen=True):
    """For how long this process has seen something, without a gap, by a clock that never jumps."""

    leaf: timedelta = timedelta(0)
    """That the Secret holds its present leaf."""
    standing: Mapping[x509.Certificate, timedelta] = {}
    """That an authority stands in every caBundle: those that do at this moment, no others."""


class State(msgspec.Struct, frozen=True):
    """All of it."""

    now: datetime
    """By the API server's clock, which decides what is valid."""
    service: Service
    secret: Secret | None
    registrations: tuple[Registration, ...]
    seen: Seen = Seen()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Those of all configurations."""
        return tuple(entry for one in self.registrations for entry in one.entries)

    @property
    def standing(self) -> frozenset[x509.Certificate]:
        """The authorities that stand in every caBundle."""
        bundles = [frozenset(entry.authorities) for entry in self.entries]
        return frozenset.intersection(*bundles) if bundles else frozenset()


def read_secret(body: Mapping[str, Any]) -> Secret:
    """From the object in JSON; nothing in it is taken for granted."""
    metadata = _mapping(body.get("metadata"))
    raw = dict(_decoded(_mapping(body.get("data"))))
    authorities, whole_ca = read_certificates(raw.get("ca.crt", b""))
    authority_keys, whole_keys = read_keys(raw.get("ca.key", b""))
    chain, whole_chain = read_certificates(raw.get("tls.crt", b""))
    leaf_keys, whole_leaf = read_keys(raw.get("tls.key", b""))
    states = {
        "ca.crt": whole_ca and bool(authorities),
        "ca.key": whole_keys and bool(authority_keys),
        "tls.crt": whole_chain and len(chain) == 1,
        "tls.key": whole_leaf and len(leaf_keys) == 1,
    }
    return Secret(
        version=str(metadata.get("resourceVersion", "")),
        foreign=_foreign(body, metadata),
        authorities=authorities,
        authority_keys=authority_keys,
        chain=chain,
        leaf_key=leaf_keys[0] if leaf_keys else None,
        broken=tuple(name for name, usable in states.items() if not usable),
        raw=raw,
    )


def _foreign(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    if _mapping(metadata.get("labels")).get(LABEL) != OURS:
        return f"it has no label {LABEL}={OURS}: delete it, or name another one by --secret"
    if body.get("type") != TYPE:
        return f"its type is {body.get('type')}, not {TYPE}, and cannot be changed: delete it"
    if body.get("immutable"):
        return "it is immutable: delete it"
    return None


def read_registration(kind: Kind, body: Mapping[str, Any], service: Service) -> Registration:
    """From the object in JSON, with the webhooks that call this Service."""
    metadata = _mapping(body.get("metadata"))
    return Registration(
        kind,
        str(metadata.get("name", "")),
        str(metadata.get("resourceVersion", "")),
        tuple(_entries(body, service)),
    )


def _entries(body: Mapping[str, Any], service: Service) -> Iterator[Entry]:
    for webhook in body.get("webhooks") or ():
        client = _mapping(_mapping(webhook).get("clientConfig"))
        called = _mapping(client.get("service"))
        if (called.get("namespace"), called.get("name")) == (service.namespace, service.name):
            bundle = _bytes(client.get("caBundle"))
            yield Entry(str(webhook.get("name", "")), *read_certificates(bundle))


def _decoded(data: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name, value in data.items():
        yield name, _bytes(value)


def _bytes(value: object) -> bytes:
    try:
        return b64decode(str(value or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
