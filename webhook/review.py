"""AdmissionReview v1 on the wire: bytes in, the parts that are judged out, an answer back to bytes.

Shapes are those of k8s.io/api admission/v1 `types.go`. Only what policies read is decoded.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar

import msgspec

from webhook.depth import MAX_DEPTH, nested_too_deep
from webhook.errors import BadReview, MalformedObject

API_VERSION: Final = "admission.k8s.io/v1"
KIND: Final = "AdmissionReview"
MAX_MAPPINGS: Final = 400_000
"""Mappings in a review. One that fits into etcd, twice, has fewer; decoding millions of empty ones
would take gigabytes."""

_NULL: Final = msgspec.Raw(b"null")
_encoder = msgspec.json.Encoder()
_GZIP: Final = b"\x1f\x8b"  # RFC 1952 section 2.3.1
T = TypeVar("T")


class GroupVersionKind(msgspec.Struct, frozen=True):
    """`request.kind`."""

    group: str = ""
    version: str = ""
    kind: str = ""

    @property
    def api_version(self) -> str:
        """As an object spells it: `apps/v1`, and `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


class UserInfo(msgspec.Struct, frozen=True):
    """`request.userInfo`: who asks."""

    username: str = ""
    groups: msgspec.Raw = _NULL
    """Names, undecoded: nobody asks for more than one of them, and that seldom."""

    def is_in(self, group: str) -> bool:
        """Whether that is among the groups; it may hold nothing that JSON or Go escapes."""
        return _encoder.encode(group) in bytes(self.groups)


class Options(msgspec.Struct, frozen=True, rename="camel"):
    """`request.options`, of whichever type."""

    field_manager: str | None = None


class Request(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """`request`."""

    uid: str
    kind: GroupVersionKind
    operation: str
    sub_resource: str | None = None
    namespace: str | None = None
    name: str | None = None
    user_info: UserInfo | None = None
    dry_run: bool | None = None
    options: Options | None = None
    object: T | msgspec.Raw = _NULL
    """Decoded, or raw where it is of no kind that is judged, malformed, or to be compared."""
    old_object: msgspec.Raw = _NULL


class _Envelope(msgspec.Struct, Generic[T], rename="camel"):
    api_version: str | None = None
    kind: str | None = None
    request: Request[T] | None = None


class _Response(msgspec.Struct, rename="camel", omit_defaults=True):
    uid: str
    allowed: bool
    # an empty `status` would be read as a verdict without a reason
    status: dict[str, Any] | None = None
    patch: str | None = None
    patch_type: str | None = None
    audit_annotations: Mapping[str, str] | None = None
    warnings: Sequence[str] | None = None


class _Answer(msgspec.Struct, rename="camel", kw_only=True):
    api_version: str = API_VERSION
    kind: str = KIND
    response: _Response


Decoder: TypeAlias = msgspec.json.Decoder[_Envelope[Any]]
_decoder: Decoder = msgspec.json.Decoder(_Envelope[msgspec.Raw])
_ALLOWED: Final = _encoder.encode(_Answer(response=_Response("", allowed=True))).split(b'""')
"""What stands before and after the uid."""
_OPERATIONS: Final = ("CREATE", "UPDATE", "DELETE", "CONNECT")


def decoder_of(objects: Any) -> Decoder:
    """What decodes reviews of `objects`, a union of structs with tags, in one pass."""
    return msgspec.json.Decoder(_Envelope[objects])


def parse(body: bytes, decoder: Decoder | None = None) -> Request[Any]:
    """The request inside an AdmissionReview.

    With a decoder (see `decoder_of`) the object of a CREATE comes decoded, if it is one of those.
    Raises `BadReview`, whose message says what is wrong and where.
    """
    _check_bounds(body)
    envelope = (decoder and _at_once(body, decoder)) or _enveloped(body)
    request = envelope.request
    if envelope.api_version != API_VERSION or envelope.kind != KIND:
        raise BadReview(
            f"expected apiVersion {API_VERSION} and kind {KIND}, "
            f"got {envelope.api_version or 'none'} and {envelope.kind or 'none'}"
        )
    if request is None:
        raise BadReview("an AdmissionReview without a request")
    if not request.uid:
        raise BadReview("a request without a uid")
    if request.operation not in _OPERATIONS:
        raise BadReview(f"unknown operation {request.operation!r}; one of {', '.join(_OPERATIONS)}")
    if request.operation in ("CREATE", "UPDATE") and is_null(request.object):
        raise BadReview(f"{request.operation} without an object")
    return request


def _check_bounds(body: bytes) -> None:
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            if body.startswith(_GZIP):
                raise BadReview(
                    "not JSON but gzip: Content-Encoding is not supported; send the JSON as it is"
                ) from error
            raise BadReview(f"not JSON: {error.reason} of UTF-8 at byte {error.start}") from error
    # a mapping has two bytes at least: most bodies need not be counted
    if len(body) > 2 * MAX_MAPPINGS and body.count(b"{") > MAX_MAPPINGS:
        raise BadReview(f"more than {MAX_MAPPINGS} mappings")
    if nested_too_deep(body):
        raise BadReview(f"nested too deep: more than {MAX_DEPTH} levels")


def _at_once(body: bytes, decoder: Decoder) -> _Envelope[Any] | None:
    """None where the object has to be read on its own: it then says what is wrong with it."""
    try:
        envelope = decoder.decode(body)
    except msgspec.DecodeError:
        return None
    request = envelope.request
    if request is None or request.operation != "CREATE" or isinstance(request.object, msgspec.Raw):
        return None
    # the request's kind decides how an object is read, whatever that says of itself
    return envelope if request.object.__struct_config__.tag == request.kind.kind else None


def _enveloped(body: bytes) -> _Envelope[Any]:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        problem = malformed(error)
        raise BadReview(f"not an AdmissionReview: {problem}") from error
    except msgspec.DecodeError as error:
        raise BadReview(f"not JSON: {str(error).removeprefix('JSON is malformed: ')}") from error


def allowed(uid: str) -> bytes:
    """The answer to the request `uid` that says no more than yes."""
    return _ALLOWED[0] + _encoder.encode(uid) + _ALLOWED[1]


def render(
    uid: str,
    *,
    denial: str | None = None,
    patch: Sequence[Mapping[str, Any]] = (),
    warnings: Sequence[str] = (),
    audit_annotations: Mapping[str, str] | None = None,
) -> bytes:
    """The answer to the request `uid`; allowed unless there is a `denial`, the message of a 403.

    `patch` is a list of RFC 6902 operations. Without one, neither patch nor patchType may be
    present: the API server refuses one without the other.
    """
    response = _Response(
        uid=uid,
        allowed=denial is None,
        warnings=warnings or None,
        audit_annotations=audit_annotations or None,
    )
    if denial is not None:
        response.status = {"message": denial, "reason": "Forbidden", "code": 403}
    if patch:
        response.patch = base64.b64encode(_encoder.encode(patch)).decode()
        response.patch_type = "JSONPatch"
    return _encoder.encode(_Answer(response=response))


def is_null(value: Any) -> bool:
    """True for a raw value that is absent or null."""
    return isinstance(value, msgspec.Raw) and bytes(value) == b"null"


_PLACE = re.compile(r" - at `\$(?P<place>[^`]*)`$")
_JSON_NAMES = {
    "int": "an integer",
    "str": "a string",
    "int | str": "an integer or a string",
    "bool": "a boolean",
    "float": "a number that is no 64-bit integer",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


def malformed(error: msgspec.ValidationError, root: str = "") -> MalformedObject:
    """The decoder's complaint as a pointer and a sentence in words of JSON."""
    text = str(error)
    place = _PLACE.search(text)
    pointer = root
    if place:
        text = text[: place.start()]
        pointer += place["place"].replace(".", "/").replace("[", "/").replace("]", "")
    expected = re.fullmatch(r"Expected `(.+)`, got `(.+)`", text)
    if expected:
        wanted = expected[1].removesuffix(" | null")
        text = f"expected {_JSON_NAMES.get(wanted, wanted)}, got {_JSON_NAMES.get(expected[2])}"
    bounded = re.fullmatch(r"Expected `int` ([<>]=) (-?\d+)", text)
    if bounded:
        text = f"expected an integer {bounded[1]} {bounded[2]}"
    missing = re.fullmatch(r"Object missing required field `(.+)`", text)
    if missing:
        text = f"{missing[1]} is missing"
    return MalformedObject(pointer, text)
