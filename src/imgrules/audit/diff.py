"""What one rulebase says that another does not: edits of meaning, of wording and of evidence, however files are cut.

Definitions are compared field by field and parameters day by day. Conditions are compared by what they mean: the order
of parts, brackets that change nothing and the place in a file are no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from imgrules.rulebase import schema
from imgrules.rulebase.grammar import Compare, Condition, Leaf
from imgrules.rulebase.load import CONDITION_FIELDS, SECTIONS
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import ValueType, read_value

VALUES = "values"
TABLES = (*SECTIONS, "jurisdictions")
WHOLE, EVERYTHING, TYPE, FORMULA, FIRM = "", "everything", "type", "formula", "firm"

_WORDING = frozenset(
    {"title", "question", "why", "help", "remedy", "decided_by", "summary", "gives", "note", "saves", "caveats"}
    | {"text", "evidence", "replaced_text", "leads_to", "board", "name", "kind", "publisher", "tile"}
)
_EVIDENCE = frozenset({"sources", "checked", "basis", "confidence", "dated", "address", "consulted"})
_TYPE = ("type", "of", "unit", "values", "values_allowed")
_UNORDERED = frozenset({"needs", "after", "excludes", "shortfall"})
_DECISIVE = frozenset(
    {WHOLE, EVERYTHING, TYPE, FORMULA, FIRM, "decides", "in_force", "opens", "needs", "for_route", "blocker", "route"}
    | (set(CONDITION_FIELDS) - {"asked_when"})
)


class Weight(StrEnum):
    """What an edit touches: what may be concluded or shown, only the words, or only what it rests on."""

    MEANING = "meaning"
    WORDING = "wording"
    EVIDENCE = "evidence"


class Key(NamedTuple):
    """A definition (section and name), or the dated values of a parameter (section `values`) in a jurisdiction."""

    section: str
    name: str
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference that can be made by itself. `part`: the field; empty where a definition comes or goes whole.

    `first` and `last` bound the days, both included, of a parameter's value. `was` and `now` are entries or values.
    """

    key: Key
    kind: Literal["added", "removed", "changed"]
    weight: Weight
    part: str = WHOLE
    first: date | None = None
    last: date | None = None
    was: Any = field(default=None, compare=False, repr=False)
    now: Any = field(default=None, compare=False, repr=False)

    @property
    def decisive(self) -> bool:
        """Whether an outcome could hang on it."""
        beside = self.key.section in ("advice", "alerts", "stages", "sources")
        return self.weight is Weight.MEANING and self.part in _DECISIVE and not beside

    def covers(self, day: date) -> bool:
        """Whether it says anything about a day; edits of definitions do about every day."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    @property
    def scope(self) -> str | None:
        """The jurisdiction whose own it is."""
        if self.key.section == "jurisdictions":
            return self.key.name
        return self.key.scope or self.key.name.partition("@")[2] or None


def edits(old: Rulebase, new: Rulebase) -> list[Edit]:
    """Every difference, in the order of the rule format's sections, then by name."""
    found: list[Edit] = []
    for section in TABLES:
        before: dict[str, Entry[Any]] = getattr(old, section)
        after: dict[str, Entry[Any]] = getattr(new, section)
        for name in sorted({*before, *after}):
            found += _entry(Key(section, name), before.get(name), after.get(name))
        if section == "parameters":
            found += _all_values(old, new)
    return found


def _entry(key: Key, was: Entry[Any] | None, now: Entry[Any] | None) -> Iterator[Edit]:
    if was is None or now is None:
        weight = Weight.EVIDENCE if key.section == "sources" else Weight.MEANING
        yield Edit(key, "removed" if now is None else "added", weight, was=was, now=now)
    elif was.each != now.each:
        yield Edit(key, "changed", Weight.MEANING, EVERYTHING, was=was, now=now)
    else:
        for part in _parts(was, now):
            yield Edit(key, "changed", _weight(key.section, part), part, was=was, now=now)


def _parts(was: Entry[Any], now: Entry[Any]) -> Iterator[str]:
    """The fields in which two definitions of one name differ, those that only make sense together as one."""
    section = was.section
    grouped: tuple[str, ...] = ()
    if section in ("facts", "parameters"):
        grouped = (*_TYPE, "for_each")
        if _type(was.model) != _type(now.model):
            yield TYPE
        elif _labels(was.model) != _labels(now.model):
            yield "labels"
    elif section == "derived":
        grouped = ("type", "unit", "is_")
        if (was.model.type, was.model.unit, was.expression) != (now.model.type, now.model.unit, now.expression):
            yield FORMULA
    elif section == "routes" and was.model.firm != now.model.firm:
        yield FIRM
    for name in type(was.model).model_fields:
        if name not in grouped and _comparable(was, name) != _comparable(now, name):
            yield name


def _type(model: Any) -> tuple[object, ...]:
    codes = model.values if isinstance(model, schema.Fact) else model.values_allowed
    return model.type, model.of, model.unit, frozenset(codes or ())


def _labels(model: Any) -> object:
    return model.values if isinstance(model, schema.Fact) else model.values_allowed


def _comparable(entry: Entry[Any], name: str) -> object:
    """A field as far as it means something: conditions by their meaning, lists without their order."""
    if name in entry.conditions:
        return canonical(entry.conditions[name])
    value = getattr(entry.model, name)
    if name == "on" and entry.expression is not None:
        return entry.expression
    if name == "sources":
        return frozenset((c.id, c.section) for c in entry.model.cited)
    return frozenset(value) if name in _UNORDERED and value else value


def _weight(section: str, part: str) -> Weight:
    if part in _EVIDENCE or section == "sources":
        return Weight.EVIDENCE
    return Weight.WORDING if part in _WORDING or part == "labels" else Weight.MEANING


# conditions -----------------------------------------------------------------------------------------------------------


def canonical(condition: Condition, negated: bool = False) -> Hashable:
    """A condition by its meaning: order, brackets, repetitions and double negations left out."""
    if isinstance(condition, Leaf):
        return ("leaf", _body(condition.body), condition.negated != negated)
    if condition.kind == "not":
        return canonical(condition.parts[0], not negated)
    kind = condition.kind
    if kind == "at_least" and condition.n in (1, len(condition.parts)):
        kind = "any" if condition.n == 1 else "all"
    parts = [canonical(part) for part in condition.parts]
    made: Hashable
    if kind == "at_least":
        made = (kind, frozenset(Counter(parts).items()), condition.n)
    else:
        flat = frozenset(inner for part in parts for inner in _flat(part, kind))
        made = next(iter(flat)) if len(flat) == 1 else (kind, flat)
    return _negated(made) if negated else made


def _flat(part: Any, kind: str) -> frozenset[Any]:
    return part[1] if part[0] == kind else frozenset({part})


def _negated(made: Any) -> Hashable:
    if made[0] == "leaf":
        return ("leaf", made[1], not made[2])
    return made[1] if made[0] == "not" else ("not", made)


def _body(body: Any) -> Hashable:
    if not isinstance(body, Compare):
        return body  # type: ignore[no-any-return]
    right: Any = frozenset(body.right) if isinstance(body.right, tuple) else body.right
    return (body.left, body.op, isinstance(right, bool), right)


# dated values ---------------------------------------------------------------------------------------------------------


def _all_values(old: Rulebase, new: Rulebase) -> Iterator[Edit]:
    """Edits of the values of parameters that both rulebases know; others come and go with their values."""
    for name in sorted({*old.values, *new.values}):
        if name not in old.parameters or name not in new.parameters:
            continue
        before, after = old.values.get(name, {}), new.values.get(name, {})
        types = old.value_type(old.parameters[name].model), new.value_type(new.parameters[name].model)
        for scope in sorted({*before, *after}, key=str):
            yield from _timeline(Key(VALUES, name, scope), before.get(scope, ()), after.get(scope, ()), types)


def _timeline(
    key: Key,
    before: Sequence[schema.ParameterValue],
    after: Sequence[schema.ParameterValue],
    types: tuple[ValueType, ValueType],
) -> Iterator[Edit]:
    """The stretches of days on which two lists of values say different things."""
    open_edit: Edit | None = None
    meaning: object = None
    for first, last in stretches([*before, *after]):
        was, now = on_day(before, first or last), on_day(after, first or last)
        pair = (value_meaning(was, types[0]), value_meaning(now, types[1]))
        found = _value_edit(key, was, now, pair, first, last)
        if open_edit and found and (found.weight, pair) == (open_edit.weight, meaning) and found.part == open_edit.part:
            open_edit = Edit(
                key, found.kind, found.weight, found.part, open_edit.first, last, open_edit.was, open_edit.now
            )
            continue
        if open_edit:
            yield open_edit
        open_edit, meaning = found, pair
    if open_edit:
        yield open_edit


def _value_edit(
    key: Key, was: Any, now: Any, pair: tuple[object, object], first: date | None, last: date | None
) -> Edit | None:
    if pair[0] != pair[1]:
        kind: Literal["added", "removed", "changed"] = (
            "added" if was is None else "removed" if now is None else "changed"
        )
        return Edit(key, kind, Weight.MEANING, WHOLE, first, last, was, now)
    if was is None or now is None or was is now:
        return None
    if was.note != now.note:
        return Edit(key, "changed", Weight.WORDING, "note", first, last, was, now)
    same = all(getattr(was, name) == getattr(now, name) for name in ("cited", "basis", "confidence", "checked"))
    return None if same else Edit(key, "changed", Weight.EVIDENCE, "sources", first, last, was, now)


def stretches(values: Sequence[schema.ParameterValue]) -> Iterator[tuple[date | None, date | None]]:
    """Stretches of days, both included and together all of time, in each of which every value holds throughout or never."""
    starts = {v.from_ for v in values if v.from_} | {v.to + timedelta(days=1) for v in values if v.to}
    cuts: list[date | None] = [None, *sorted(starts), None]
    for first, following in pairwise(cuts):
        yield first, following - timedelta(days=1) if following else None


def on_day(values: Sequence[schema.ParameterValue], day: date | None) -> schema.ParameterValue | None:
    """The value in force on a day; the first one if there is no day to tell them apart by."""
    for value in values:
        if day is None or ((value.from_ or date.min) <= day <= (value.to or date.max)):
            return value
    return None


def value_meaning(value: schema.ParameterValue | None, type_: ValueType) -> Hashable:
    """What is known of a figure, comparable: no value is the same as a value that nobody could establish."""
    if value is None or value.value == "unknown":
        return ("unknown",)
    if "value" in value.model_fields_set:
        return ("none",) if value.value is None else ("is", read_value(value.value, type_))
    if value.includes is not None:
        return ("includes", read_value(value.includes, type_))
    low, high = (None if b is None else read_value(b, type_) for b in (value.at_least, value.at_most))
    return ("bounds", low, high)
