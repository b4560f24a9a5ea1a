"""The CRDs of both APIs of policy reports: their shapes in our own words.

After github.com/openreports/reports-api (apis/openreports.io/v1alpha1) and, for wgpolicyk8s.io,
github.com/kubernetes-sigs/wg-policy-prototypes, where a report has no `source`.
"""

from typing import Any

from webhook.report.openreports import Api

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}
_RESULTS = ["pass", "fail", "warn", "error", "skip"]
_REFERENCE: Json = {
    "type": "object",
    "properties": dict.fromkeys(
        ("apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid"), _TEXT
    ),
}
_RESULT: Json = {
    "type": "object",
    "required": ["policy"],
    "properties": {
        **dict.fromkeys(("source", "policy", "rule", "category", "message"), _TEXT),
        "severity": {"type": "string", "enum": ["critical", "high", "low", "medium", "info"]},
        "result": {"type": "string", "enum": _RESULTS},
        "scored": {"type": "boolean"},
        "resources": {"type": "array", "items": _REFERENCE},
        "properties": {"type": "object", "additionalProperties": _TEXT},
    },
}


def crd(api: Api) -> Json:
    """A CustomResourceDefinition that refuses what the public one refuses."""
    schema: Json = {
        "type": "object",
        "properties": {
            **dict.fromkeys(("apiVersion", "kind"), _TEXT),
            "metadata": {"type": "object"},
            "scope": _REFERENCE,
            "summary": {"type": "object", "properties": dict.fromkeys(_RESULTS, _NUMBER)},
            "results": {"type": "array", "items": _RESULT},
        },
    }
    if api.has_source:
        schema["properties"]["source"] = _TEXT
    version = {
        "name": api.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{api.resource}.{api.group}"},
        "spec": {
            "group": api.group,
            "scope": "Namespaced",
            "names": {"kind": api.kind, "plural": api.resource, "singular": api.kind.lower()},
            "versions": [version],
        },
    }
