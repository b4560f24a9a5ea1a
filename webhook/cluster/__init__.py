"""The cluster, as far as podworthy asks it: requests and answers in JSON, no models."""

from webhook.cluster.client import Answer, Client, Fetcher, Reply, Request, connect
from webhook.cluster.listing import METADATA, Page, Query, Resource, pages
from webhook.cluster.patience import Patience

__all__ = [
    "METADATA",
    "Answer",
    "Client",
    "Fetcher",
    "Page",
    "Patience",
    "Query",
    "Reply",
    "Request",
    "Resource",
    "connect",
    "pages",
]
