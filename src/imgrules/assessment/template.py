"""A commented template of a case file, with every question of the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from textwrap import wrap

from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ValueType

_EXAMPLES = {"bool": "true", "int": "1", "decimal": "1.5", "date": "2024-03-01", "country": "IN", "jurisdiction": "CA"}
_GROUP_ORDER = (
    "school",
    "degree",
    "usmle",
    "oet",
    "pathway",
    "ecfmg",
    "credentials",
    "account",
    "conduct",
    "match",
    "eras",
    "residency",
    "gme",
    "person",
    "visa",
)


def template(rulebase: Rulebase, name: str) -> str:
    """The template as YAML text: everything commented out, so that what is not touched stays unknown."""
    return "\n".join(_lines(rulebase, name)) + "\n"


def _lines(rulebase: Rulebase, name: str) -> Iterator[str]:
    yield (
        "# yaml-language-server: $schema=https://imgrules.invalid/schemas/case.schema.json"
        if False
        else "# A case file for imgrules. Take the # off the lines you can answer; leave the rest: unknown is a fine answer."
    )
    yield f"# Rules {rulebase.version}. Dates are written 2024-03-01. `imgrules facts NAME` explains any of these."
    yield f"case: {name}"
    yield f"as_of: {date.today().isoformat()}"
    yield "# States and territories you aim at, by code:"
    yield "jurisdictions: []"
    yield "facts:"
    groups: dict[str, list[str]] = {}
    for fact in rulebase.facts:
        groups.setdefault(fact.partition(".")[0], []).append(fact)
    order = [g for g in _GROUP_ORDER if g in groups] + [g for g in groups if g not in _GROUP_ORDER]
    for group in order:
        yield ""
        yield f"  # ---- {group.replace('_', ' ')} " + "-" * max(0, 70 - len(group))
        for fact in groups[group]:
            yield from _fact(rulebase, fact)


def _fact(rulebase: Rulebase, name: str) -> Iterator[str]:
    model = rulebase.facts[name].model
    type_ = rulebase.value_type(model)
    yield from (f"  # {line}" for line in wrap(model.question, 100))
    if model.values:
        yield from (f"  #   {code}: {label}" for code, label in model.values.items())
    unit = f" ({type_.unit})" if type_.unit and type_.kind != "set" else ""
    yield f"  # {name}: {_example(type_)}{unit and f'   # {type_.unit}'}"


def _example(type_: ValueType) -> str:
    if type_.kind == "set":
        return f"[{_example(type_.item)}]"
    if type_.kind == "enum":
        return next(iter(type_.codes))
    return _EXAMPLES[type_.kind]
