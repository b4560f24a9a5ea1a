"""Objects around a workload: read from the wire, gathered, and looked up by policies."""

from webhook.lookups.gathered import Gathered
from webhook.lookups.wire import API_VERSIONS, Fragment, Object, is_known, read

__all__ = ["API_VERSIONS", "Fragment", "Gathered", "Object", "is_known", "read"]
