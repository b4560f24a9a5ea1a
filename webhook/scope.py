"""What of a review is judged, and what of that is filled; all else is let through."""

from typing import Any, Final

import msgspec

from webhook import review, workload
from webhook.errors import BadReview, MalformedObject
from webhook.evidence import CreatedObject
from webhook.workload import Reading

FILLED_KINDS: Final = ("Pod", "StatefulSet")
"""Filled at CREATE. A filled ReplicaSet would differ from its Deployment's template, whose
controller would then create another one, for ever."""

OBJECTS: Final = review.decoder_of(workload.OBJECT)
"""Decodes a review and the workload in it in one pass, see `review.parse`."""


def judged_object(request: review.Request[Any]) -> Reading | None:
    """The workload that a request is about; None for one that is let through without judgement.

    That is a DELETE, CONNECT or subresource, a kind that is no workload, a Pod's UPDATE (its probes
    and volumes cannot change), a template that did not change, a mirror pod, and an object that is
    being deleted. Raises `BadReview` for an object of a wrong shape.
    """
    api_version, kind = request.kind.api_version, request.kind.kind
    if (
        request.operation not in ("CREATE", "UPDATE")
        or request.sub_resource
        or not workload.is_known(api_version, kind)
        or (kind == "Pod" and request.operation == "UPDATE")
    ):
        return None
    try:
        if isinstance(request.object, msgspec.Raw):
            reading = workload.read(api_version, kind, bytes(request.object), request.namespace)
        else:
            reading = workload.read_decoded(api_version, kind, request.object, request.namespace)
        # to deny an object that is being deleted would keep its finalizers from being removed
        if not reading.is_asked or reading.metadata.deletion_timestamp is not None:
            return None
        if request.operation == "UPDATE" and workload.same_template(
            kind, bytes(request.object), bytes(request.old_object)
        ):
            return None
    except MalformedObject as error:
        raise BadReview(f"malformed object: {error}") from error
    return reading


def evidence_for_filling(request: review.Request[Any], reading: Reading) -> CreatedObject | None:
    """The evidence on a request's object; None if it is not to be filled."""
    if request.operation != "CREATE" or reading.workload.kind not in FILLED_KINDS:
        return None
    manager = request.options.field_manager if request.options else None
    return CreatedObject(reading.workload, reading.metadata, manager)
