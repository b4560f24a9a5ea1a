"""Whether the servers, the controller, the chart, this podworthy and Kubernetes fit together."""

import re
from collections.abc import Iterator
from typing import Final

from webhook import __version__
from webhook.doctor.asking import Object, Unread
from webhook.doctor.registered import labels_of, name_of
from webhook.doctor.report import Evidence, failed, ok, unknown, warning
from webhook.doctor.state import State, controller, pod_spec, servers

OLDEST: Final = (1, 34)
"""The oldest Kubernetes that the tests run on."""
NEWEST: Final = (1, 37)
_VERSION_LABEL: Final = "app.kubernetes.io/version"
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")
_UPGRADE: Final = "install what fits by `helm upgrade`"


def check(state: State) -> Iterator[Evidence]:
    """By the tags of images, or the chart's label where an image is named by its digest alone."""
    yield _of_kubernetes(state)
    if isinstance(state.deployments, Unread):
        yield unknown(state.deployments.why)
        return
    service = None if isinstance(state.service, Unread) else state.service
    for one in (servers(state.deployments, service), controller(state.deployments)):
        if one is not None:
            yield from _of_deployment(one)


def _of_kubernetes(state: State) -> Evidence:
    if isinstance(state.kubernetes, Unread):
        return unknown(state.kubernetes.why)
    found = _VERSION.match(state.kubernetes)
    if not found:
        return unknown(f"Kubernetes calls its version {state.kubernetes!r}")
    version = int(found[1]), int(found[2])
    told = f"Kubernetes is {state.kubernetes}"
    if version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return failed(f"{told}, and podworthy needs {oldest} at least", "upgrade Kubernetes")
    if version > NEWEST:
        newest = ".".join(map(str, NEWEST))
        return warning(f"{told}, and podworthy was tried up to {newest}", "try a newer podworthy")
    return ok(told)


def _of_deployment(deployment: Object) -> Iterator[Evidence]:
    name, label = name_of(deployment), labels_of(deployment).get(_VERSION_LABEL)
    images = [str(one.get("image", "")) for one in pod_spec(deployment).get("containers") or ()]
    tag = _tag(images[0]) if images else None
    version = tag or label
    if version is None:
        yield unknown(f"Deployment {name} tells no version, neither by its image nor by a label")
        return
    if tag and label and tag != label:
        yield warning(f"Deployment {name} runs {tag}, and its chart is of {label}", _UPGRADE)
    if version != __version__:
        yield warning(
            f"Deployment {name} runs {version}, and this is podworthy {__version__}: what it looks "
            "for may have changed",
            f"look with the same version, or {_UPGRADE}",
        )
    else:
        yield ok(f"Deployment {name} runs {version}, as this podworthy")


def _tag(image: str) -> str | None:
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2] or None
