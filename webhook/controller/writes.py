"""Steps as requests. Each is refused with 409 if somebody has written since the state was read."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final

from cryptography import x509

from webhook.cluster import Request
from webhook.cluster.client import STRATEGIC_MERGE
from webhook.controller import certificates
from webhook.controller.certificates import Key, Pair, key_pem, pem
from webhook.controller.state import KINDS, LABEL, OURS, TYPE, Kind, Registration, State
from webhook.controller.steps import NewAuthority, Sign, Step, Trust

MANAGER: Final = "podworthy-controller"
"""Who owns the caBundles, in managedFields; as an Update, see `_trust`."""

KEYS: Final = ("tls.crt", "tls.key", "ca.crt", "ca.key")
"""Of the Secret. Servers are to mount the first two."""

_REGISTRATIONS: Final = "/apis/admissionregistration.k8s.io/v1"


def secrets_path(namespace: str) -> str:
    """The collection in which the Secret is."""
    return f"/api/v1/namespaces/{namespace}/secrets"


def registration_path(kind: Kind, name: str) -> str:
    """One webhook configuration."""
    return f"{_REGISTRATIONS}/{KINDS[kind]}/{name}"


def request(step: Step, state: State, name: str) -> Request:
    """How to do it; new keys are made here. `name` is the Secret's."""
    if isinstance(step, Trust):
        return _trust(step.registration, step.authorities)
    raw: dict[str, bytes] = dict(state.secret.raw) if state.secret else {}
    keys = state.secret.authority_keys if state.secret else ()
    authorities = step.authorities
    leaf: Pair | None = None
    if isinstance(step, NewAuthority):
        pair = certificates.new_authority(state.service, state.now)
        authorities, keys = (pair.certificate, *authorities), (pair.key, *keys)
        if step.with_leaf:
            leaf = certificates.new_leaf(pair, state.service, state.now)
    elif isinstance(step, Sign):
        leaf = certificates.new_leaf(step.authority, state.service, state.now)
    raw["ca.crt"] = pem(authorities)
    raw["ca.key"] = key_pem(_of(keys, authorities))
    if leaf is not None:
        raw["tls.crt"], raw["tls.key"] = pem([leaf.certificate]), key_pem([leaf.key])
    return _write(raw, state, name)


def _of(keys: Iterable[Key], authorities: Iterable[x509.Certificate]) -> list[Key]:
    """The keys of authorities in force; the others have no use left."""
    there = list(authorities)
    return [key for key in keys if any(certificates.belongs(key, one) for one in there)]


def _write(raw: Mapping[str, bytes], state: State, name: str) -> Request:
    # the type wants certificate and key to be there; a server takes no empty ones
    data = {key: b64encode(raw.get(key, b"")).decode() for key in KEYS}
    path = secrets_path(state.service.namespace)
    query = {"fieldManager": MANAGER}
    if state.secret is None:
        body = {"apiVersion": "v1", "kind": "Secret", "type": TYPE, "data": data}
        body["metadata"] = {"name": name, "labels": {LABEL: OURS}}
        return Request("POST", path, body, query=query)
    patch = {"metadata": {"resourceVersion": state.secret.version}, "data": data}
    return Request("PATCH", f"{path}/{name}", patch, STRATEGIC_MERGE, query)


def _trust(one: Registration, authorities: Iterable[x509.Certificate]) -> Request:
    """Only the caBundles, found by the webhooks' names.

    Not by server-side apply: it would own the entries as well, so that Helm's own apply could not
    remove one any more. It would leave a rest behind that is invalid, and fail.
    """
    bundle = b64encode(pem(authorities)).decode()
    webhooks: list[dict[str, Any]] = [
        {"name": entry.name, "clientConfig": {"caBundle": bundle}} for entry in one.entries
    ]
    patch = {"metadata": {"resourceVersion": one.version}, "webhooks": webhooks}
    path = registration_path(one.kind, one.name)
    return Request("PATCH", path, patch, STRATEGIC_MERGE, {"fieldManager": MANAGER})
