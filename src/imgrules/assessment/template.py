"""A commented template of a case file, with every question of the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from textwrap import wrap

from imgrules.rulebase.load import shipped
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ValueType

_EXAMPLES = {"bool": "true", "int": "1", "decimal": "1.5", "date": "2024-03-01", "country": "IN", "jurisdiction": "CA"}


def template(rulebase: Rulebase, name: str) -> str:
    """The template as YAML text: everything commented out, so that what is not touched stays unknown."""
    return "\n".join(_lines(rulebase, name)) + "\n"


def _lines(rulebase: Rulebase, name: str) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={shipped('schemas') / 'case.schema.json'}"
    yield "# A case file for imgrules. Take the # off the lines you can answer; leave the rest: unknown is a fine answer."
    yield f"# Rules {rulebase.version}. Dates are written 2024-03-01. `imgrules facts NAME` explains any of these."
    yield f"case: {name}"
    yield f"as_of: {date.today().isoformat()}"
    yield "# States and territories aimed at, by code:"
    yield "jurisdictions: []"
    yield "facts:"
    groups: dict[str, list[str]] = {}
    for fact in rulebase.facts:
        groups.setdefault(fact.partition(".")[0], []).append(fact)
    for group, facts in groups.items():
        yield ""
        yield f"  # ---- {group.replace('_', ' ')} " + "-" * max(0, 70 - len(group))
        for fact in facts:
            yield from _fact(rulebase, fact)


def _fact(rulebase: Rulebase, name: str) -> Iterator[str]:
    model = rulebase.facts[name].model
    type_ = rulebase.value_type(model)
    yield from (f"  # {line}" for line in wrap(model.question, 100))
    if model.values:
        yield from (f"  #   {code}: {label}" for code, label in model.values.items())
    yield f"  # {name}: {_example(type_)}{f'   # {type_.unit}' if type_.unit else ''}"


def _example(type_: ValueType) -> str:
    if type_.kind == "set":
        return f"[{_example(type_.item)}]"
    if type_.kind == "enum":
        return next(iter(type_.codes))
    return _EXAMPLES[type_.kind]
