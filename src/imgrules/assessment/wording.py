"""Sentences for people, made from the rules' own texts with the values filled in."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from imgrules.assessment.result import Source
from imgrules.rulebase import schema
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ir import Test, Values
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import ValueType, read_value, show

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_NUMBER_WORDS = {"==": "exactly", "!=": "not", "<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_DATE_WORDS = {"==": "on", "!=": "not on", "<": "before", "<=": "on or before", ">": "after", ">=": "on or after"}
_SET_WORDS = {
    "in": "one of", "not in": "none of", "contains": "includes", "lacks": "does not include",
    "overlaps": "includes one of", "disjoint": "includes none of",
}  # fmt: skip


class Wording:
    """Fills texts for one rulebase and one stretch of days on which nothing in it changes; remembers what cannot vary."""

    def __init__(self, rulebase: Rulebase, day: date) -> None:
        self.rulebase = rulebase
        self.day = day
        self._fixed: dict[tuple[str, str | None], str] = {}
        self._varying: set[tuple[str, str | None]] = set()
        self._sources: dict[tuple[str, str | None], Source] = {}
        self._cited: dict[int, list[Source]] = {}

    def fill(self, text: str, values: Values, scope: str | None) -> str:
        """A rule's text with `{names}` replaced by the values of facts, derived facts and parameters."""
        if "{" not in text:
            return text
        key = (text, scope)
        if key in self._fixed:
            return self._fixed[key]
        filled = _PLACEHOLDER.sub(lambda match: self._named(match[1], values, scope), text)
        if key not in self._varying:
            if any(self._varies(name, scope) for name in _PLACEHOLDER.findall(text)):
                self._varying.add(key)
            else:
                self._fixed[key] = filled
        return filled

    def varies(self, text: str | None, scope: str | None) -> bool:
        """Whether a text depends on the applicant's facts."""
        return text is not None and "{" in text and any(self._varies(n, scope) for n in _PLACEHOLDER.findall(text))

    def _varies(self, name: str, scope: str | None) -> bool:
        if name in ("jurisdiction", "board"):
            return False
        found = self.rulebase.find(name, scope)
        return name == TODAY or bool(found and found[1].section in ("facts", "derived"))

    def _named(self, name: str, values: Values, scope: str | None) -> str:
        if name == "jurisdiction":
            return self.rulebase.jurisdiction_names[scope] if scope else "any jurisdiction"
        if name == "board":
            return self.rulebase.jurisdictions[scope].model.board.name if scope else "the state board"
        if name == TODAY:
            return show(values.get(TODAY), ValueType("date"))
        found = self.rulebase.find(name, scope)
        if found and found[1].section in ("facts", "derived"):
            return show(values.get(found[0]), self.type_of(found[1]))
        parameter = self.rulebase.find_parameter(name, scope)
        return self.parameter(*parameter) if parameter else name

    def type_of(self, entry: Entry[Any]) -> ValueType:
        """The type of a fact or derived fact."""
        if entry.section == "derived":
            return ValueType(entry.model.type, entry.model.unit)
        return self.rulebase.value_type(entry.model)

    def parameter(self, entry: Entry[schema.Parameter], scope: str | None) -> str:
        """What is known of a parameter on the day: `24 months`, `at most 36 months`, `no limit`, `not established`."""
        value = self.rulebase.value_on(entry, scope, self.day)
        type_ = self.rulebase.value_type(entry.model)
        if value is None or value.value == "unknown":
            return "(not established)"
        if "value" in value.model_fields_set:
            return "no limit" if value.value is None else show(read_value(value.value, type_), type_)
        if value.includes is not None:
            return f"{show(read_value(value.includes, type_), type_)} (perhaps others)"
        parts = [
            f"{word} {show(read_value(bound, type_), type_)}"
            for word, bound in (("at least", value.at_least), ("at most", value.at_most))
            if bound is not None
        ]
        return " and ".join(parts)

    def test(self, test: Test, type_: ValueType) -> str:
        """A comparison in words: `at most 4 attempts`, `before 1 July 2025`, `one of India, Iran`."""
        item = type_.item if type_.kind == "set" else type_
        if isinstance(test.value, bool):
            return "yes" if test.value == (test.op == "==") else "no"
        if test.op in _SET_WORDS:
            shown = test.value if isinstance(test.value, frozenset) else frozenset({test.value})
            names = [item.codes.get(v, v) for v in sorted(shown)]
            listing = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
            return f"{_SET_WORDS[test.op]} {listing}"
        words = _DATE_WORDS if type_.kind == "date" else _NUMBER_WORDS
        if type_.kind not in ("int", "decimal", "date"):
            return f"{'' if test.op == '==' else 'not '}{show(test.value, item)}"
        return f"{words[test.op]} {show(test.value, type_)}"

    def sources(self, evidence: schema.Evidence) -> list[Source]:
        """The bibliography entries that something cites."""
        key = id(evidence)  # models live as long as the rulebase does
        if key not in self._cited:
            self._cited[key] = [self.source(citation.id, citation.section) for citation in evidence.cited]
        return self._cited[key]

    def source(self, id: str, section: str | None = None) -> Source:
        """One bibliography entry, as cited."""
        if (id, section) not in self._sources:
            model = self.rulebase.sources[id].model
            self._sources[id, section] = Source(
                id=id,
                title=model.title,
                publisher=model.publisher,
                address=model.address,
                section=section,
                dated=None if model.dated is None else str(model.dated),
                consulted=model.consulted,
                kind=model.kind,
            )
        return self._sources[id, section]


def cite(source: Source) -> str:
    """A source in one line."""
    parts = [source.title + (f", {source.section}" if source.section else ""), source.publisher]
    if source.dated:
        parts.append(f"dated {source.dated}")
    parts.append(f"read {source.consulted.isoformat()}")
    if source.kind == "secondary":
        parts.append("secondary source")
    return "; ".join(parts) + (f" <{source.address}>" if source.address else "")
