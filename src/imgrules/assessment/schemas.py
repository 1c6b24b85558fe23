"""The JSON Schemas that imgrules publishes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imgrules.assessment.case import CaseFile
from imgrules.assessment.result import Assessment
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.schema import RuleFile
from imgrules.rulebase.values import ValueType

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(what: str, rulebase: Callable[[], Rulebase]) -> dict[str, Any]:
    """The schema of `case`, `rules` or `assessment`. That of cases names every fact of the rulebase."""
    if what == "rules":
        found = RuleFile.model_json_schema(by_alias=True)
    elif what == "assessment":
        found = Assessment.model_json_schema(mode="serialization")
    else:
        found = CaseFile.model_json_schema()
        facts, definitions = _facts_schema(rulebase())
        found["properties"]["facts"] = {"anyOf": [facts, {"type": "null"}]}
        found["properties"]["jurisdictions"] = {"anyOf": [found["properties"]["jurisdictions"], {"type": "null"}]}
        found["$defs"] |= definitions
    return {"$schema": _DIALECT, "title": f"imgrules {what}", **{k: v for k, v in found.items() if k != "title"}}


def _facts_schema(rulebase: Rulebase) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts nested by the dots of their names, or dotted, each with its own type; and the definitions these refer to."""
    root: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
    definitions: dict[str, Any] = {
        "country": {"enum": list(rulebase.countries)},
        "jurisdiction": {"enum": list(rulebase.jurisdiction_names)},
    }
    for name, entry in rulebase.facts.items():
        description = f"{entry.model.question} ({entry.model.why})"
        definitions[name] = {"description": description, **_value_schema(rulebase.value_type(entry.model))}
        root["properties"][name] = {"$ref": f"#/$defs/{name}"}
        node = root
        *groups, last = name.split(".")
        for group in groups:
            empty = {"type": ["object", "null"], "additionalProperties": False, "properties": {}}
            node = node["properties"].setdefault(group, empty)
        node["properties"][last] = {"$ref": f"#/$defs/{name}"}
    return root, definitions


def _value_schema(type_: ValueType) -> dict[str, Any]:
    unknown = [{"type": "null"}, {"const": "unknown"}]
    match type_.kind:
        case "bool":
            body: dict[str, Any] = {"type": "boolean"}
        case "int":
            body = {"type": "integer"}
        case "decimal":
            body = {"type": "number"}
        case "date":
            body = {"type": "string", "format": "date"}
        case "set":
            body = {"type": "array", "items": _codes(type_.item), "uniqueItems": True}
        case _:
            body = _codes(type_)
    return {"anyOf": [body, *unknown]}


def _codes(type_: ValueType) -> dict[str, Any]:
    return {"enum": list(type_.codes)} if type_.kind == "enum" else {"$ref": f"#/$defs/{type_.kind}"}
