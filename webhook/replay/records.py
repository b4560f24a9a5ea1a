"""What a log may hold, on the wire: reviews, audit events, our own decisions.

Shapes of events are those of k8s.io/apiserver `pkg/apis/audit/v1/types.go`. Only what a replay
reads is decoded.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from webhook import review
from webhook.errors import BadReview
from webhook.scope import OBJECTS

EVENTS: Final = "audit.k8s.io/v1"
"""The apiVersion of audit events; older ones are gone since Kubernetes 1.24."""
_NULL: Final = msgspec.Raw(b"null")


class ObjectReference(msgspec.Struct, frozen=True, rename="camel"):
    """`objectRef`: what a request was about."""

    resource: str = ""
    namespace: str | None = None
    name: str | None = None
    api_group: str = ""
    api_version: str = ""
    subresource: str = ""


class Status(msgspec.Struct, frozen=True):
    """`responseStatus`."""

    code: int = 0


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """One stage of one request, as the API server logs it."""

    audit_id: str = msgspec.field(name="auditID", default="")
    level: str = ""
    stage: str = ""
    verb: str = ""
    request_uri: str = msgspec.field(name="requestURI", default="")
    user: review.UserInfo | None = None
    impersonated_user: review.UserInfo | None = None
    object_ref: ObjectReference | None = None
    response_status: Status | None = None
    request_object: msgspec.Raw = _NULL
    response_object: msgspec.Raw = _NULL
    request_received_timestamp: str | None = None


class Decision(msgspec.Struct, frozen=True, rename="camel"):
    """One line of our decision log, see `webhook.record`."""

    uid: str
    door: str
    decision: str
    kind: str = ""
    profile: str = ""
    time: str | None = None
    dry_run: bool = False
    namespace: str | None = None
    name: str | None = None
    generate_name: str | None = None
    owner: "Owner | None" = None
    user: str | None = None
    findings: tuple["DecidedFinding", ...] = ()
    crashes: tuple["DecidedCrash", ...] = ()


class Owner(msgspec.Struct, frozen=True):
    """`owner`: the controller that the object named."""

    kind: str | None = None
    name: str | None = None


class DecidedFinding(msgspec.Struct, frozen=True):
    """One of `findings`."""

    policy: str
    action: str = ""
    message: str = ""
    exemption: Any = None


class DecidedCrash(msgspec.Struct, frozen=True):
    """One of `crashes`."""

    policy: str
    denies: bool = False


class Review(msgspec.Struct, frozen=True):
    """A recorded AdmissionReview, or the request of one."""

    request: review.Request[Any]
    allowed: bool | None
    """What was answered, if that is recorded, too."""


class Lost(msgspec.Struct, frozen=True):
    """Lines that our decision log could not write."""

    lost: int


Record = Review | Event | Decision | Lost


class _Answer(msgspec.Struct):
    allowed: bool | None = None


class _Head(msgspec.Struct, rename="camel"):
    """What tells records apart."""

    api_version: Any = None
    kind: Any = None
    operation: msgspec.Raw = _NULL
    door: msgspec.Raw = _NULL
    decision: msgspec.Raw = _NULL
    lost: msgspec.Raw = _NULL
    items: list[msgspec.Raw] | None = None
    response: _Answer | None = None


_head: Final = msgspec.json.Decoder(_Head)
_event: Final = msgspec.json.Decoder(Event)
_decision: Final = msgspec.json.Decoder(Decision)
_lost: Final = msgspec.json.Decoder(Lost)


def records(data: bytes) -> Iterator[Record]:
    """What a JSON value holds: one record, or those of a list of events.

    Raises `BadReview` for what is none, or has a wrong shape.
    """
    try:
        head = _head.decode(data)
        if head.kind == review.KIND:
            answer = head.response.allowed if head.response else None
            yield Review(review.parse(data, OBJECTS), answer)
        elif isinstance(head.kind, dict) and _is_there(head.operation):
            yield Review(_bare_request(data), None)
        elif head.kind in ("Event", "EventList") and _is_audit(head.api_version):
            # items of a list do not say what they are
            for item in (data,) if head.kind == "Event" else head.items or ():
                yield _event.decode(item)
        elif _is_there(head.door) and _is_there(head.decision):
            yield _decision.decode(data)
        elif _is_there(head.lost):
            yield _lost.decode(data)
        else:
            raise BadReview(_NOTHING)
    except msgspec.ValidationError as error:
        problem = review.malformed(error)
        raise BadReview(f"{problem.pointer}: {problem.problem}".removeprefix(": ")) from error


_NOTHING: Final = (
    "neither an AdmissionReview nor an audit event nor a line of the decision log; manifests are "
    "for `podworthy audit`"
)


def _is_there(value: msgspec.Raw) -> bool:
    return not review.is_null(value)


def _is_audit(api_version: Any) -> bool:
    if api_version == EVENTS:
        return True
    if isinstance(api_version, str) and api_version.startswith("audit.k8s.io/"):
        raise BadReview(f"an audit event of {api_version}; only {EVENTS} is read")
    return False


def _bare_request(data: bytes) -> review.Request[Any]:
    head = msgspec.json.encode({"apiVersion": review.API_VERSION, "kind": review.KIND})
    return review.parse(head[:-1] + b',"request":' + data + b"}", OBJECTS)
