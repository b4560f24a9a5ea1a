"""The cluster, as far as podworthy asks it: requests and answers in JSON, no models."""

from webhook.cluster.client import Answer, Client, Request, connect

__all__ = ["Answer", "Client", "Request", "connect"]
