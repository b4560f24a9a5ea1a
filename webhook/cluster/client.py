"""The API server: one request, one answer.

Who we are, and whom we believe, is `kubernetes.config`'s to find out: a pod's service account or a
kubeconfig. Nothing is retried here: whoever asks knows whether it still wants to.
"""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode

import msgspec

from webhook import __version__
from webhook.errors import ClusterError, did_you_mean

if TYPE_CHECKING:
    from kubernetes.client import Configuration
    from urllib3 import BaseHTTPResponse

JSON: Final = "application/json"
STRATEGIC_MERGE: Final = "application/strategic-merge-patch+json"
"""A patch that finds the items of a list by their key, where the API names one."""

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 15.0
"""Seconds; the API server itself may wait for webhooks, for 10 s each as they come."""
REPLY_TIMEOUT: Final = 60.0
"""Seconds for a whole reply, so that one that drips does not last for ever."""
_CHUNK: Final = 256 * 1024


class Request(msgspec.Struct, frozen=True):
    """What is asked."""

    method: str
    path: str
    """Of the URL, without a query, each name in it already fit for one."""
    body: Any = None
    """Goes out as JSON; None for no body."""
    content_type: str = JSON
    query: Mapping[str, str] = {}
    accept: str = JSON


class Reply(msgspec.Struct, frozen=True):
    """What came back, as it came."""

    status: int
    data: bytes
    headers: Mapping[str, str] = {}
    """By name in lower case; of one that came several times the last."""
    warnings: tuple[str, ...] = ()


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


class Fetcher(Protocol):
    """Whoever hands over replies undecoded, for those who read large ones."""

    name: str
    """Of the cluster, for people: the kubeconfig's context, else the URL."""

    def fetch(self, request: Request) -> Reply:
        """The reply. Raises `ClusterError` if there is none, or not all of it."""
        ...


class Connection(Client, Fetcher, Protocol):
    """Whoever does both."""


class ApiServer:
    """The real one."""

    def __init__(self, configuration: "Configuration", name: str | None = None) -> None:
        """`name` is the context's; None if there is none."""
        from kubernetes.client import ApiClient

        self.name = name or configuration.host
        self._configuration = configuration
        self._pool = ApiClient(configuration).rest_client.pool_manager

    def ask(self, request: Request) -> Answer:
        """See `Client`."""
        reply = self.fetch(request)
        return Answer(
            reply.status,
            _object(reply.data),
            reply.warnings,
            _date(reply.headers.get("date")),
        )

    def fetch(self, request: Request) -> Reply:
        """See `Fetcher`."""
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        headers = {"Accept": request.accept, "User-Agent": f"podworthy/{__version__}"}
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
                preload_content=False,
            )
            data = _read(response, time.monotonic() + REPLY_TIMEOUT)
        except (HTTPError, OSError) as error:
            problem = f"no answer from {self._configuration.host}: {error}"
            raise ClusterError(problem, may_pass=not _is_distrust(error)) from error
        return Reply(
            response.status,
            data,
            {name.lower(): value for name, value in response.headers.items()},
            tuple(response.headers.getlist("Warning")),
        )

    def _credentials(self) -> dict[str, str]:
        from kubernetes.config import ConfigException

        try:
            # asks anew each time: a pod's token lives for an hour, its file is replaced
            token = self._configuration.get_api_key_with_prefix("BearerToken")
        except ConfigException as error:
            raise ClusterError(f"no credentials: {error}") from error
        return {"Authorization": token} if token else {}


def connect(context: str | None = None) -> ApiServer:
    """The API server that `KUBECONFIG` names; else that of the pod, else that of `~/.kube/config`.

    A `context` is a kubeconfig's, so there must be one. Raises `ClusterError`, which names the way
    out.
    """
    from kubernetes import config
    from kubernetes.client import Configuration

    configuration, chosen = Configuration(), context
    alone = context is None and "KUBECONFIG" not in os.environ
    within = alone and "KUBERNETES_SERVICE_HOST" in os.environ
    try:
        if within:
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(context=context, client_configuration=configuration)
            context = context or config.list_kube_config_contexts()[1]["name"]
        return ApiServer(configuration, context)
    except (config.ConfigException, OSError, ValueError) as error:
        if chosen is not None and (unknown := _unknown(chosen)):
            raise ClusterError(unknown) from error
        how = "mount the service account's token" if within else "set KUBECONFIG to a kubeconfig"
        raise ClusterError(f"no API server to ask: {error}; {how}") from error


def _unknown(context: str) -> str | None:
    """That a kubeconfig has no such context, but others; None if that is not what is wrong."""
    from kubernetes import config

    try:
        names = sorted(one["name"] for one in config.list_kube_config_contexts()[0])
    except (config.ConfigException, OSError, ValueError):
        return None
    if context in names:
        return None
    near = did_you_mean(context, names)
    return f"the kubeconfig has no context {context!r}{near}; there are {', '.join(names)}"


def namespace_of_this_pod() -> str | None:
    """Where the kubelet says that we run; None if no pod is around us."""
    try:
        return Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace").read_text().strip()
    except OSError:
        return None


def _read(response: "BaseHTTPResponse", deadline: float) -> bytes:
    """The whole body; a reply that breaks off raises what urllib3 raises."""
    chunks = []
    try:
        while chunk := response.read1(_CHUNK):
            chunks.append(chunk)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the reply was not complete after {REPLY_TIMEOUT:.0f} s")
        response.release_conn()
    except BaseException:
        response.close()
        raise
    return b"".join(chunks)


def _is_distrust(error: Exception) -> bool:
    """Whether we or the API server do not believe in the other's certificate: no wait helps."""
    from urllib3.exceptions import SSLError

    return isinstance(error, SSLError)


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
