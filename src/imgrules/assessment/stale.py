"""What to check again first: statements by the day they were last checked and by how firm their evidence is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from imgrules.assessment.places import Places, ValuesPlace
from imgrules.rulebase import schema
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import add_months

WEAKEST_FIRST = {"confidence": ("low", "medium", "high"), "basis": ("memory", "secondary", "primary")}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Statement(_Part):
    """A rule, a route or one value of a parameter, with what its standing rests on."""

    kind: str
    name: str
    jurisdiction: str | None
    title: str
    place: str
    checked: date
    confidence: str
    basis: str
    holds_from: date | None = None
    holds_to: date | None = None


class Stale(_Part):
    """The answer of `imgrules rules stale`.

    `old` is what was checked before the limit, or everything where none was given; the oldest and weakest come first.
    `ended` is what holds no longer today; `unsettled` the truths, such as policy switches, that are unknown today.
    """

    today: date
    before: date | None
    statements: int
    by_checked: dict[str, int]
    by_evidence: dict[str, int]
    by_kind: dict[str, int]
    old: list[Statement]
    ended: list[Statement]
    unsettled: list[Statement]


def stale(rulebase: Rulebase, places: Places, today: date, before: date | None = None) -> Stale:
    """Judge the age and firmness of every statement. `before`: list only what was last checked before this day."""
    rules = [_of_rule(entry) for entry in rulebase.evidenced]
    values = dict(_values(rulebase, places.values()))
    everything = sorted([*rules, *(s for found in values.values() for s in found)], key=_weakest_first)
    return Stale(
        today=today,
        before=before,
        statements=len(everything),
        by_checked=_counted(f"in {s.checked.isoformat()[:7]}" for s in everything),
        by_evidence=_counted(f"{s.confidence} confidence, {s.basis}" for s in sorted(everything, key=_weakness)),
        by_kind=_counted(s.kind.replace("_", " ") for s in sorted(everything, key=lambda s: s.kind)),
        old=[s for s in everything if before is None or s.checked < before],
        ended=sorted(_ended(rules, values, today), key=_latest_first),
        unsettled=sorted(_unsettled(rulebase, values, today), key=lambda s: (s.jurisdiction or "", s.name)),
    )


def months_before(day: date, months: int) -> date:
    """The day so many calendar months earlier."""
    return add_months(day, -months)


def _counted(words: Iterator[str]) -> dict[str, int]:
    """How many of each, in the order in which they are first met."""
    return dict(Counter(words))


def _weakness(s: Statement) -> tuple[int, int]:
    return WEAKEST_FIRST["confidence"].index(s.confidence), WEAKEST_FIRST["basis"].index(s.basis)


def _weakest_first(s: Statement) -> tuple[Any, ...]:
    return (s.checked, *_weakness(s), s.kind, s.name, s.jurisdiction or "", s.holds_from or date.min)


def _latest_first(s: Statement) -> tuple[Any, ...]:
    return (-(s.holds_to or date.min).toordinal(), s.kind, s.name, s.jurisdiction or "")


def _of_rule(entry: Entry[Any]) -> Statement:
    period = getattr(entry.model, "in_force", None)
    return Statement(
        kind=entry.section,
        name=entry.name,
        jurisdiction=entry.scope,
        title=entry.model.title,
        place=f"{entry.file}:{entry.line}",
        checked=entry.checked,
        confidence=entry.model.confidence,
        basis=entry.model.basis,
        holds_from=period.from_ if period and isinstance(period.from_, date) else None,
        holds_to=period.to if period else None,
    )


_Values = dict[tuple[str, str | None], list[Statement]]


def _values(
    rulebase: Rulebase, places: dict[tuple[str, str | None], ValuesPlace]
) -> Iterator[tuple[tuple[str, str | None], list[Statement]]]:
    for name, scopes in rulebase.values.items():
        for scope, values in scopes.items():
            found = rulebase.find_parameter(name, scope)
            if found:
                place = places.get((name, scope))
                yield (name, scope), [_of_value(found[0], scope, v, i, place) for i, v in enumerate(values)]


def _of_value(
    entry: Entry[schema.Parameter], scope: str | None, value: schema.ParameterValue, i: int, place: ValuesPlace | None
) -> Statement:
    where = f"{place.file}:{place.lines[i]}" if place else f"{entry.file}:{entry.line}"
    return Statement(
        kind="values",
        name=entry.name,
        jurisdiction=scope,
        title=entry.model.title,
        place=where,
        checked=value.checked or (place.checked if place else entry.checked),
        confidence=value.confidence,
        basis=value.basis,
        holds_from=value.from_,
        holds_to=value.to,
    )


def _ended(rules: list[Statement], values: _Values, today: date) -> Iterator[Statement]:
    """Rules and routes no longer in force, and the last values of parameters that have none for today."""
    candidates = [*rules, *(found[-1] for found in values.values() if found)]
    yield from (s for s in candidates if s.holds_to and s.holds_to < today)


def _unsettled(rulebase: Rulebase, values: _Values, today: date) -> Iterator[Statement]:
    """The truths whose value today is unknown: the value that says so, or the last one where none covers today."""
    for (name, scope), statements in values.items():
        found = rulebase.find_parameter(name, scope)
        if not found or found[0].model.type != "bool" or not statements:
            continue
        entry = found[0]
        value = rulebase.value_on(entry, scope, today)
        if value is None:
            yield statements[-1]
        elif value.value == "unknown":
            yield statements[rulebase.values[name][scope].index(value)]
