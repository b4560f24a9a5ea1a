"""JSON Schemas of documents, for editors, and of reports: `python -m tests.schemas` writes them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from webhook import catalog, documents
from webhook.api import KINDS, Policy
from webhook.docstring import documentation
from webhook.doctor.report import Report
from webhook.impact.entries import ImpactReport
from webhook.report.entries import ErrorEntry, FillEntry, FindingEntry, ObjectEntry, Summary

DIRECTORY: Final = Path(__file__).parents[1] / "docs" / "schemas"

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ID: Final = {"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"}
# YAML 1.1 reads a bare off as false, and the loader takes both
_CHECK_ACTIONS: Final = ("deny", "warn", "audit", "off", False)
_FILL_ACTIONS: Final = ("fill", "suggest", "off", False)

Schema = dict[str, Any]


def schemas() -> dict[str, str]:
    """The text of each file of `DIRECTORY`, by name."""
    made = {
        "profile.json": _profile(),
        "exemption.json": _exemption(),
        "audit-report.json": _report(),
        "doctor.json": _struct(Report),
        "impact-report.json": _struct(ImpactReport),
    }
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in made.items()}


def _profile() -> Schema:
    policies = catalog.POLICIES
    schema, references = _of(
        documents.ProfileDocument, *(policy.params for policy in policies.values())
    )
    definitions = schema["$defs"]
    shipped = sorted(path.stem for path in catalog.PROFILES_DIRECTORY.glob("*.yaml"))
    spec = definitions["ProfileSpec"]["properties"]
    spec["extends"]["anyOf"].insert(0, {"enum": shipped})
    rule = definitions["RuleSettings"]["properties"]["action"]
    rule.pop("type")
    rule["enum"] = list(_CHECK_ACTIONS)
    general = definitions["PolicySettings"]
    _settle(general, (*_CHECK_ACTIONS[:3], *_FILL_ACTIONS), KINDS)
    spec["policies"] |= {
        "properties": {
            policy.id: _settings(general, policy, references[policy.params])
            for policy in policies.values()
        },
        "propertyNames": _ID,
    }
    for policy in policies.values():
        _describe(definitions[references[policy.params].rpartition("/")[2]], policy)
    return schema


def _settings(general: Schema, policy: Policy[Any], params: str) -> Schema:
    """The settings of one policy: what it can, judges and takes."""
    made: Schema = json.loads(json.dumps(general)) | {
        "description": f"{policy.id}: {policy.summary}"
    }
    _settle(made, _CHECK_ACTIONS if policy.check else _FILL_ACTIONS, policy.kinds)
    rules = made["properties"]["rules"]
    rules["properties"] = dict.fromkeys(policy.rules, rules["additionalProperties"])
    rules["additionalProperties"] = False
    made["properties"]["params"].pop("additionalProperties")
    made["properties"]["params"] |= {"$ref": params}
    return made


def _settle(settings: Schema, actions: tuple[Any, ...], kinds: tuple[str, ...]) -> None:
    action, judged = settings["properties"]["action"], settings["properties"]["kinds"]
    action.pop("anyOf", None)
    # a null would take the action away that is inherited, which the loader refuses
    action["enum"] = list(actions)
    judged["anyOf"][0]["items"] = {"enum": list(kinds)}


def _describe(params: Schema, policy: Policy[Any]) -> None:
    """Give params the words that the policy's docstring has for them."""
    for name, text in documentation(policy).params.items():
        params["properties"][name].setdefault("description", text)


def _exemption() -> Schema:
    schema, _ = _of(documents.ExemptionDocument)
    workload = schema["$defs"]["ExemptWorkload"]
    workload["properties"]["kind"]["enum"] = list(KINDS)
    # only of a Pod the name may end in *
    workload |= {
        "if": {"properties": {"kind": {"const": "Pod"}}},
        "else": {"properties": {"name": {"pattern": r"[^*]$"}}},
    }
    ids = {"anyOf": [{"enum": list(catalog.POLICIES)}, _ID]}
    schema["$defs"]["ExemptionSpec"]["properties"]["policies"]["items"] = ids
    return schema


def _struct(report: type[msgspec.Struct]) -> Schema:
    """Open to keys that are added."""
    made = msgspec.json.schema(report)
    root = made["$defs"].pop(made["$ref"].rpartition("/")[2])
    return {"$schema": _DIALECT, **root, "$defs": made["$defs"]}


def _report() -> Schema:
    """What `audit --format json` writes. Keys may be added, so others than these are allowed."""
    kinds = (ObjectEntry, FindingEntry, FillEntry, ErrorEntry, Summary)
    references, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    objects, findings, fills, errors, summary = references
    lists = {"objects": objects, "findings": findings, "fills": fills, "errors": errors}
    properties: Schema = {
        "apiVersion": {"const": "podworthy.dev/v1alpha1"},
        "kind": {"const": "AuditReport"},
        "profile": {
            "type": "string",
            "description": "By which all was judged; of a cluster, what names no other.",
        },
        "cluster": {"type": "string", "description": "The cluster's name; absent for files."},
        "shard": {"type": "string", "description": "`0/4`, of an audit that judged its share."},
        **{key: {"type": "array", "items": entry} for key, entry in lists.items()},
        "fixed": {
            "type": "array",
            "items": findings,
            "description": "Beside an earlier report, what is only in that.",
        },
        "summary": summary,
    }
    return {
        "$schema": _DIALECT,
        "title": "AuditReport",
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key not in ("cluster", "shard", "fixed")],
        "$defs": dict(sorted(components.items())),
    }


class _Generator(GenerateJsonSchema):
    """Without what only repeats a name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 pydantic's signature
        return False


def _of(
    document: type[BaseModel], *others: type[BaseModel]
) -> tuple[Schema, dict[type[BaseModel], str]]:
    """The schema of a document, and where the others stand in it."""
    models = (document, *others)
    found, definitions = models_json_schema(
        [(model, "validation") for model in models], schema_generator=_Generator
    )
    references = {model: str(found[model, "validation"]["$ref"]) for model in models}
    defs = definitions["$defs"]
    root = defs.pop(references[document].rpartition("/")[2])
    for schema in defs.values():
        _tidy(schema)
    return {"$schema": _DIALECT, **root, "$defs": defs}, references


def _tidy(schema: Mapping[str, Any]) -> None:
    """Leave out defaults that say nothing, or too much for a tooltip."""
    for field in schema.get("properties", {}).values():
        if isinstance(field.get("default", {}), dict | None):
            field.pop("default", None)


def main() -> None:
    """Write the files."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (DIRECTORY / name).write_text(text)


if __name__ == "__main__":
    main()
