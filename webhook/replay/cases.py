"""From records to the requests that can be judged again, and why others cannot."""

import hashlib
from typing import Any, Final, Literal

import msgspec

from webhook import review, workload
from webhook.api import KINDS
from webhook.errors import BadReview, MalformedObject
from webhook.replay.records import Event, ObjectReference, Review
from webhook.scope import judged_object
from webhook.workload import Reading

EXCLUDED: Final = frozenset({"kube-system", "kube-node-lease", "podworthy-system"})
"""Namespaces about which the webhook is never asked."""

Then = Literal["admitted", "refused", "unknown"]
"""How a request ended, whoever decided that."""

Reason = Literal[
    "notAsked",
    "excludedNamespace",
    "dryRun",
    "repeated",
    "otherStage",
    "invalid",
    "withoutObject",
    "refusedWithoutObject",
    "withoutOldObject",
]
"""Why a request is not judged; what each of them means is in `docs/replay.md`."""

_OPERATIONS: Final = {"create": "CREATE", "update": "UPDATE", "patch": "UPDATE"}
_KINDS: Final = {f"{kind.lower()}s": kind for kind in KINDS}
"""By resource: that of every built-in kind is regular."""
_INVALID: Final = 422
_DIGEST: Final = 12
"""Bytes of a digest: enough for as many as fit into memory."""


class Case(msgspec.Struct, frozen=True):
    """A request that can be judged again."""

    reading: Reading
    user: str | None
    operation: str
    then: Then
    time: str | None = None


class Cases:
    """Tells which records can be judged. It remembers what it has seen, in few bytes of each."""

    def __init__(self, excluded: frozenset[str] = EXCLUDED) -> None:
        """`excluded` are namespaces whose audit events are left out."""
        self._excluded = excluded
        self._seen: set[bytes] = set()
        self._templates: dict[bytes, bytes] = {}
        """Digest of a template by digest of its object's name."""

    def is_repeated(self, key: str) -> bool:
        """Whether this was asked before; `key` is that of one request."""
        digest = _digest(key.encode(errors="surrogatepass"))
        if digest in self._seen:
            return True
        self._seen.add(digest)
        return False

    def of_review(self, recorded: Review) -> Case | Reason:
        """A review, as the webhook judges it. Raises `BadReview` for a malformed object."""
        request = recorded.request
        if request.dry_run:
            return "dryRun"
        if self.is_repeated(request.uid):
            return "repeated"
        reading = judged_object(request)
        if reading is None:
            return "notAsked"
        then: Then = "unknown"
        if recorded.allowed is not None:
            then = "admitted" if recorded.allowed else "refused"
        user = request.user_info.username if request.user_info else None
        return Case(reading, user, request.operation, then)

    def of_event(self, event: Event) -> Case | Reason:
        """An audit event, whose request is built anew. Raises `BadReview` for a malformed object.

        The answer's object is what validating webhooks saw: with defaults, after all changes. A
        request that was refused has only its own object, from before other webhooks changed it.
        """
        about = event.object_ref
        kind = _KINDS.get(about.resource) if about else None
        operation = _OPERATIONS.get(event.verb)
        if about is None or kind is None or operation is None or about.subresource:
            return "notAsked"
        if not workload.is_known(_api_version(about), kind):
            return "notAsked"
        if reason := self._passed_over(event, about):
            return reason
        code = event.response_status.code if event.response_status else 0
        # server-side apply creates by a patch
        if event.verb == "patch" and code == _CREATED:
            operation = "CREATE"
        if kind == "Pod" and operation == "UPDATE":
            return "notAsked"
        admitted = 200 <= code < 300
        raw = _object(event, kind, admitted=admitted)
        if raw is None:
            return "withoutObject" if admitted else "refusedWithoutObject"
        if reason := self._unchanged(operation, kind, about, raw, admitted=admitted):
            return reason
        return _case(event, about, kind, operation, raw, admitted=admitted)

    def _passed_over(self, event: Event, about: ObjectReference) -> Reason | None:
        if event.stage != "ResponseComplete":
            return "otherStage"
        if "dryRun=" in event.request_uri:
            return "dryRun"
        if about.namespace in self._excluded:
            return "excludedNamespace"
        if event.response_status and event.response_status.code == _INVALID:
            return "invalid"
        return "repeated" if self.is_repeated(event.audit_id) else None

    def _unchanged(
        self, operation: str, kind: str, about: ObjectReference, raw: bytes, *, admitted: bool
    ) -> Reason | None:
        """Why an update need not, or cannot, be judged: the log has not the object before it."""
        if kind == "Pod":
            return None
        template = msgspec.json.encode(_template(kind, raw), order="deterministic")
        now = _digest(template)
        name = about.name or _name(raw)
        key = _digest(f"{kind} {about.namespace}/{name}".encode(errors="surrogatepass"))
        before = self._templates.get(key)
        if admitted:
            self._templates[key] = now
        if operation == "CREATE":
            return None
        if before is None:
            return "withoutOldObject"
        return "notAsked" if before == now else None


_CREATED: Final = 201


def _object(event: Event, kind: str, *, admitted: bool) -> bytes | None:
    """The object as it was stored, else as it was sent; None if the event has neither."""
    candidates = [event.response_object] if admitted else []
    if event.verb != "patch":  # that of a patch is the patch
        candidates.append(event.request_object)
    for candidate in candidates:
        raw = bytes(candidate)
        if raw != b"null" and _kind.decode(raw).kind == kind:
            return raw
    return None


class _Kind(msgspec.Struct):
    kind: Any = None


class _Metadata(msgspec.Struct):
    name: Any = None


class _Named(msgspec.Struct):
    metadata: _Metadata | None = None


_kind: Final = msgspec.json.Decoder(_Kind)
_named: Final = msgspec.json.Decoder(_Named)


def _name(raw: bytes) -> Any:
    """The name that was generated."""
    metadata = _named.decode(raw).metadata
    return metadata.name if metadata else None


def _template(kind: str, raw: bytes) -> Any:
    try:
        return workload.template(kind, raw)
    except MalformedObject as error:
        raise BadReview(f"malformed object: {error}") from error


def _case(
    event: Event, about: ObjectReference, kind: str, operation: str, raw: bytes, *, admitted: bool
) -> Case | Reason:
    user = (event.impersonated_user or event.user or review.UserInfo()).username
    request: review.Request[Any] = review.Request(
        uid=event.audit_id,
        kind=review.GroupVersionKind(about.api_group, about.api_version, kind),
        operation=operation,
        namespace=about.namespace,
        name=about.name,
        object=msgspec.Raw(raw),
    )
    reading = judged_object(request)
    if reading is None:
        return "notAsked"
    then: Then = "admitted" if admitted else "refused"
    return Case(reading, user or None, operation, then, event.request_received_timestamp)


def _api_version(about: ObjectReference) -> str:
    return f"{about.api_group}/{about.api_version}" if about.api_group else about.api_version


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=_DIGEST).digest()
