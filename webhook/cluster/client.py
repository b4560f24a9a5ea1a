"""The API server: one request, one answer.

Who we are, and whom we believe, is `kubernetes.config`'s to find out: a pod's service account or a
kubeconfig. Nothing is retried here: whoever asks knows whether it still wants to.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode

import msgspec

from webhook import __version__
from webhook.errors import ClusterError

if TYPE_CHECKING:
    from kubernetes.client import Configuration

JSON: Final = "application/json"
STRATEGIC_MERGE: Final = "application/strategic-merge-patch+json"
"""A patch that finds the items of a list by their key, where the API names one."""

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 15.0
"""Seconds; the API server itself may wait for webhooks, for 10 s each as they come."""


class Request(msgspec.Struct, frozen=True):
    """What is asked."""

    method: str
    path: str
    """Of the URL, without a query, each name in it already fit for one."""
    body: Any = None
    """Goes out as JSON; None for no body."""
    content_type: str = JSON
    query: Mapping[str, str] = {}


class Answer(msgspec.Struct, frozen=True):
    """What came back, whatever its status."""

    status: int
    body: Mapping[str, Any]
    """Empty if it was no JSON object."""
    warnings: tuple[str, ...] = ()
    """`Warning` headers, as they came: `299 - "text"`, RFC 7234 section 5.5."""
    date: datetime | None = None
    """The API server's clock, to the second."""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def problem(self) -> str:
        """Why it was not, in the API server's words."""
        message = self.body.get("message")
        return str(message) if message else f"HTTP {self.status}"


class Client(Protocol):
    """Whoever can be asked."""

    def ask(self, request: Request) -> Answer:
        """The answer. Raises `ClusterError` if there is none."""
        ...


class ApiServer:
    """The real one."""

    def __init__(self, configuration: "Configuration") -> None:
        from kubernetes.client import ApiClient

        self._configuration = configuration
        self._pool = ApiClient(configuration).rest_client.pool_manager

    def ask(self, request: Request) -> Answer:
        """See `Client`."""
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        headers = {"Accept": JSON, "User-Agent": f"podworthy/{__version__}"}
        body = None
        if request.body is not None:
            headers["Content-Type"] = request.content_type
            body = msgspec.json.encode(request.body)
        url = self._configuration.host.rstrip("/") + request.path
        if request.query:
            url += "?" + urlencode(request.query)
        try:
            headers |= self._credentials()
            response = self._pool.request(
                request.method,
                url,
                body=body,
                headers=headers,
                timeout=Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
                retries=False,
                redirect=False,
            )
        except (HTTPError, OSError) as error:
            raise ClusterError(f"no answer from {self._configuration.host}: {error}") from error
        return Answer(
            response.status,
            _object(response.data),
            tuple(response.headers.getlist("Warning")),
            _date(response.headers.get("Date")),
        )

    def _credentials(self) -> dict[str, str]:
        from kubernetes.config import ConfigException

        try:
            # asks anew each time: a pod's token lives for an hour, its file is replaced
            token = self._configuration.get_api_key_with_prefix("BearerToken")
        except ConfigException as error:
            raise ClusterError(f"no credentials: {error}") from error
        return {"Authorization": token} if token else {}


def connect(context: str | None = None) -> Client:
    """The API server that `KUBECONFIG` names; else that of the pod, else that of `~/.kube/config`.

    A `context` is a kubeconfig's, so there must be one. Raises `ClusterError`, which names the way
    out.
    """
    from kubernetes import config
    from kubernetes.client import Configuration

    configuration = Configuration()
    alone = context is None and "KUBECONFIG" not in os.environ
    within = alone and "KUBERNETES_SERVICE_HOST" in os.environ
    try:
        if within:
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(context=context, client_configuration=configuration)
        return ApiServer(configuration)
    except (config.ConfigException, OSError, ValueError) as error:
        how = "mount the service account's token" if within else "set KUBECONFIG to a kubeconfig"
        raise ClusterError(f"no API server to ask: {error}; {how}") from error


def namespace_of_this_pod() -> str | None:
    """Where the kubelet says that we run; None if no pod is around us."""
    try:
        return Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace").read_text().strip()
    except OSError:
        return None


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header or "").astimezone(UTC)
    except ValueError:
        return None
