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
        found["properties"]["facts"] = _facts_schema(rulebase())
    return {"$schema": _DIALECT, "title": f"imgrules {what}", **{k: v for k, v in found.items() if k != "title"}}


def _facts_schema(rulebase: Rulebase) -> dict[str, Any]:
    """Facts nested by the dots of their names, or dotted, each with its own type."""
    root: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
    for name, entry in rulebase.facts.items():
        schema = _value_schema(rulebase.value_type(entry.model))
        schema["description"] = f"{entry.model.question} ({entry.model.why})"
        root["properties"][name] = schema
        node = root
        *groups, last = name.split(".")
        for group in groups:
            node = node["properties"].setdefault(
                group, {"type": ["object", "null"], "additionalProperties": False, "properties": {}}
            )
        node["properties"][last] = schema
    return root


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
            body = {"type": "array", "items": {"enum": list(type_.codes)}, "uniqueItems": True}
        case _:
            body = {"enum": list(type_.codes)}
    return {"anyOf": [body, *unknown]}
