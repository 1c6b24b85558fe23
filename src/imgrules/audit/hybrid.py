"""Rulebases between two others: the old one with some edits made, each dated thing as it stood on one of two days.

What an outcome can hang on is followed through both rulebases at once, so that what is left out of a hybrid could not
have mattered in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from imgrules.audit.diff import EVERYTHING, FIRM, FORMULA, TABLES, TYPE, VALUES, WHOLE, Edit, Key, on_day, stretches
from imgrules.rulebase import schema
from imgrules.rulebase.grammar import HERE, TODAY, Compare, Name, Param, atoms, leaves
from imgrules.rulebase.load import CONDITION_FIELDS
from imgrules.rulebase.rulebase import Entry, Rulebase

DATED = ("findings", "requirements", "excuses", "routes")
_NAMED = ("findings", "requirements", "routes", "derived", "facts")
_FIELDS = {
    TYPE: ("type", "of", "unit", "values", "values_allowed"),
    FORMULA: ("type", "unit", "is_"),
    FIRM: ("basis", "confidence"),
    "labels": ("values", "values_allowed"),
}

_ENDED = schema.Period.model_construct().model_copy(update={"to": date.min})
_UPCOMING = schema.Period.model_construct().model_copy(update={"from_": "unknown"})


class Crossing(NamedTuple):
    """One thing that the passing of time moves: a dated value, a rule's or route's dates, or a fact counted up to today.

    `what`: values, in_force, opens or clock. The rest as in `Key`; a clock's name is the derived fact's.
    """

    what: str
    name: str
    scope: str | None = None
    section: str = ""


class Mixer:
    """Makes hybrids of two rulebases from edits."""

    def __init__(self, old: Rulebase, new: Rulebase, edits: Iterable[Edit]) -> None:
        self.old, self.new = old, new
        self.edits = tuple(edits)
        self.by_key: dict[Key, list[Edit]] = {}
        for edit in self.edits:
            self.by_key.setdefault(edit.key, []).append(edit)
        self._reach: dict[tuple[Key, str | None], frozenset[Key]] = {}

    # what hangs on what -----------------------------------------------------------------------------------------------

    def reach(self, start: Key, scope: str | None) -> frozenset[Key]:
        """Everything that a definition, grounded in a jurisdiction (None: nationally), can hang on in any hybrid."""
        if (start, scope) not in self._reach:
            seen: set[tuple[Key, str | None]] = set()
            waiting = [(start, scope)]
            while waiting:
                item = waiting.pop()
                if item not in seen:
                    seen.add(item)
                    waiting += self._edges(*item)
            self._reach[start, scope] = frozenset(key for key, _ in seen)
        return self._reach[start, scope]

    def _edges(self, key: Key, scope: str | None) -> Iterator[tuple[Key, str | None]]:
        for rulebase in (self.old, self.new):
            entry = entry_of(rulebase, key)
            if entry is None:
                continue
            where = entry.scope or (scope if entry.each or key.section == "fast_tracks" else None)
            for name in _names(entry):
                yield from self._named(name, where)
            for name in _parameters(entry):
                base, _, code = name.partition("@")
                yield from self._parameter(base, code or where)
            if key.section == "routes":
                yield from self._added_to(key, where)
            if key.section == "requirements" and where:
                yield Key("excuses", f"{entry.local_name}@{where}"), where

    def _named(self, name: str, scope: str | None) -> Iterator[tuple[Key, str | None]]:
        base, _, code = name.partition("@")
        where = code or scope
        for full in dict.fromkeys((f"{base}@{where}" if where else base, base)):
            for section in _NAMED:
                key = Key(section, full)
                if entry_of(self.old, key) or entry_of(self.new, key):
                    yield key, where

    def _parameter(self, base: str, scope: str | None) -> Iterator[tuple[Key, str | None]]:
        for name in (f"{base}@{scope}", base):
            yield Key("parameters", name), scope
            yield from ((Key(VALUES, name, where), scope) for where in (scope, None))

    def _added_to(self, route: Key, scope: str | None) -> Iterator[tuple[Key, str | None]]:
        """Requirements that a jurisdiction's file adds to a shared route."""
        base = route.name.partition("@")[0]
        for rulebase in (self.old, self.new):
            for name, entry in rulebase.requirements.items():
                wanted = entry.model.for_route
                if wanted and entry.scope == scope and wanted.partition("@")[0] == base:
                    yield Key("requirements", name), scope

    @cached_property
    def look_at_today(self) -> frozenset[Key]:
        """Definitions that name today."""
        sections = (*DATED, "derived", "fast_tracks", "contradictions")
        return frozenset(
            Key(section, name)
            for rulebase in (self.old, self.new)
            for section in sections
            for name, entry in getattr(rulebase, section).items()
            if _looks_at_today(entry)
        )

    # what goes together -----------------------------------------------------------------------------------------------

    def close(self, chosen: Iterable[Edit]) -> frozenset[Edit]:
        """Edits with those that they cannot be made without, such as the fact that a new condition looks at."""
        found: set[Edit] = set()
        waiting = list(chosen)
        while waiting:
            edit = waiting.pop()
            if edit not in found:
                found.add(edit)
                waiting += self._needs.get(edit, ())
        return frozenset(found)

    @cached_property
    def _needs(self) -> dict[Edit, set[Edit]]:
        needs: dict[Edit, set[Edit]] = {}
        for edit in self.edits:
            if edit.decisive or edit.kind != "changed":
                needs.setdefault(edit, set()).update(self._brought(edit))
        for edit, gone in ((e, g) for e in self.edits for g in self._dropped(e)):
            needs.setdefault(gone, set()).add(edit)
        for one, two in self._tied():
            needs.setdefault(one, set()).add(two)
            needs.setdefault(two, set()).add(one)
        return needs

    def _brought(self, edit: Edit) -> Iterator[Edit]:
        """New definitions that the new side of an edit names and the old rulebase does not know."""
        if edit.kind != "removed" and isinstance(edit.now, Entry):
            yield from self._missing(edit, edit.now, self.old, "added")

    def _dropped(self, edit: Edit) -> Iterator[Edit]:
        """Definitions that the old side of an edit names and the new rulebase no longer knows."""
        if edit.kind != "added" and isinstance(edit.was, Entry):
            yield from self._missing(edit, edit.was, self.new, "removed")

    def _missing(self, edit: Edit, entry: Entry[Any], without: Rulebase, kind: str) -> Iterator[Edit]:
        part = None if edit.part in (WHOLE, EVERYTHING) else edit.part
        scopes = [entry.scope] if not entry.each else [None, *self.jurisdictions]
        for scope in scopes:
            target = getattr(entry.model, "for_route", None) if part in (None, "for_route") else None
            for name in (*_names(entry, part), *([target] if target else [])):
                if without.find(name, scope, entry.each) is None:
                    yield from (e for key, _ in self._named(name, scope) for e in self._whole(key, kind))
            for name in _parameters(entry, part):
                base, _, code = name.partition("@")
                if name != HERE and without.find_parameter(base, code or scope) is None:
                    yield from (e for key, _ in self._parameter(base, code or scope) for e in self._whole(key, kind))

    def _whole(self, key: Key, kind: str) -> Iterator[Edit]:
        yield from (e for e in self.by_key.get(key, ()) if e.kind == kind and e.part == WHOLE and key.section != VALUES)

    def _tied(self) -> Iterator[tuple[Edit, Edit]]:
        """Edits that make no sense one without the other: another type and whoever compares it; a jurisdiction and its own."""
        retyped = [e for e in self.edits if e.part in (TYPE, EVERYTHING)]
        for edit in retyped:
            names = {edit.key.name, edit.key.name.partition("@")[0]}
            for other in self.edits:
                if other.key.section == VALUES and edit.key.section == "parameters" and other.key.name in names:
                    yield edit, other
                elif other.decisive and isinstance(other.now or other.was, Entry):
                    used = {n for e in (other.was, other.now) if e for n in (*_names(e), *_parameters(e))}
                    if {n.partition("@")[0] for n in used} & names:
                        yield edit, other
        for edit in self.edits:
            if edit.key.section == "jurisdictions" and edit.part == WHOLE:
                yield from ((edit, other) for other in self.edits if other is not edit and other.scope == edit.key.name)

    @cached_property
    def jurisdictions(self) -> list[str]:
        """Every code of either rulebase."""
        return sorted({*self.old.jurisdictions, *self.new.jurisdictions})

    # making -----------------------------------------------------------------------------------------------------------

    def make(self, chosen: Collection[Edit], keep: Collection[Key] | None = None) -> Rulebase:
        """The old rulebase with some edits made; only the definitions to keep, if given."""
        tables: dict[str, dict[str, Any]] = {}
        for section in TABLES:
            names = dict.fromkeys([*getattr(self.old, section), *getattr(self.new, section)])
            kept = (
                names if keep is None or section == "jurisdictions" else (n for n in names if Key(section, n) in keep)
            )
            made = ((name, self._entry(Key(section, name), chosen)) for name in kept)
            tables[section] = {name: entry for name, entry in made if entry is not None}
        if keep is not None:
            tables["facts"] = {name: replace(entry, conditions={}) for name, entry in tables["facts"].items()}
        return replace(
            self.old,
            version="between",
            **tables,
            values=self._values(chosen, tables["parameters"], keep),
            countries={**self.old.countries, **self.new.countries},
        )

    def _entry(self, key: Key, chosen: Collection[Edit]) -> Entry[Any] | None:
        was, now = entry_of(self.old, key), entry_of(self.new, key)
        made = [edit for edit in self.by_key.get(key, ()) if edit in chosen]
        if was is None or now is None:
            return now if made else was
        if not made:
            return was
        if any(edit.part == EVERYTHING for edit in made):
            return now
        fields = {name for edit in made for name in _FIELDS.get(edit.part, (edit.part,))}
        known = type(was.model).model_fields
        model = was.model.model_copy(update={name: getattr(now.model, name) for name in fields if name in known})
        conditions = {
            name: source.conditions[name]
            for name in CONDITION_FIELDS
            if name in (source := now if name in fields else was).conditions
        }
        expression = now.expression if fields & {"is_", "on"} else was.expression
        return replace(was, model=model, conditions=conditions, expression=expression)

    def _values(
        self, chosen: Collection[Edit], parameters: dict[str, Any], keep: Collection[Key] | None
    ) -> dict[str, dict[str | None, tuple[schema.ParameterValue, ...]]]:
        found: dict[str, dict[str | None, tuple[schema.ParameterValue, ...]]] = {}
        for name in parameters:
            before, after = self.old.values.get(name, {}), self.new.values.get(name, {})
            for scope in dict.fromkeys([*before, *after]):
                if keep is not None and Key(VALUES, name, scope) not in keep:
                    continue
                key, old_values, new_values = Key(VALUES, name, scope), before.get(scope, ()), after.get(scope, ())
                if name not in self.old.parameters:
                    made = new_values
                else:
                    stretches_made = [e for e in self.by_key.get(key, ()) if e in chosen and e.part == WHOLE]
                    made = _overlaid(old_values, new_values, stretches_made) if stretches_made else old_values
                found.setdefault(name, {})[scope] = made
        return found


def _overlaid(
    before: tuple[schema.ParameterValue, ...], after: tuple[schema.ParameterValue, ...], made: list[Edit]
) -> tuple[schema.ParameterValue, ...]:
    """Old values with the new ones in their place on the days of some edits."""
    found = []
    for first, last in stretches([*before, *after]):
        day = first or last
        is_new = any(day is None or edit.covers(day) for edit in made)
        value = on_day(after if is_new else before, day)
        if value is not None:
            found.append(value.model_copy(update={"from_": first, "to": last}))
    return tuple(found)


def frozen(rulebase: Rulebase, day_of: Callable[[Crossing], date]) -> Rulebase:
    """A rulebase in which time stands still: each dated thing for ever as it is on a day of its own."""
    values = {}
    for name, scopes in rulebase.values.items():
        values[name] = {
            scope: _standing(on_day(items, day_of(Crossing(VALUES, name, scope)))) for scope, items in scopes.items()
        }
    tables: dict[str, Any] = {
        section: {name: _undated(entry, day_of) for name, entry in getattr(rulebase, section).items()}
        for section in DATED
    }
    return replace(rulebase, values=values, **tables)


def _standing(value: schema.ParameterValue | None) -> tuple[schema.ParameterValue, ...]:
    return () if value is None else (value.model_copy(update={"from_": None, "to": None}),)


def _undated(entry: Entry[Any], day_of: Callable[[Crossing], date]) -> Entry[Any]:
    model = entry.model
    period, opens = model.in_force, getattr(model, "opens", None)
    update: dict[str, Any] = {}
    if period is not None:
        update["in_force"] = undated(period, day_of(Crossing("in_force", entry.name, None, entry.section)))
    if isinstance(opens, date):
        update["opens"] = None
        still_closed = day_of(Crossing("opens", entry.name, None, entry.section)) < opens
        if still_closed and (period is None or update["in_force"] is None):
            update["in_force"] = _UPCOMING
    return replace(entry, model=model.model_copy(update=update)) if update else entry


def undated(period: schema.Period, day: date) -> schema.Period | None:
    """A stretch of days as it stands on one of them for ever: over, still to come, or None where it holds."""
    if period.to is not None and day > period.to:
        return _ENDED
    if period.from_ == "unknown" or (isinstance(period.from_, date) and day < period.from_):
        return _UPCOMING
    return None


def entry_of(rulebase: Rulebase, key: Key) -> Entry[Any] | None:
    """A definition, if the rulebase has it; None for dated values."""
    if key.section == VALUES:
        return None
    table: dict[str, Entry[Any]] = getattr(rulebase, key.section)
    return table.get(key.name)


def _names(entry: Entry[Any], part: str | None = None) -> Iterator[str]:
    """Every fact, derived fact and rule that a definition, or one field of it, names."""
    for field, condition in entry.conditions.items():
        if part in (None, field):
            for leaf in leaves(condition):
                subject = leaf.body.left if isinstance(leaf.body, Compare) else leaf.body
                if isinstance(subject, Name) and subject.name != TODAY:
                    yield subject.name
    if entry.expression is not None and part in (None, FORMULA, "on"):
        yield from (a.name for a in atoms(entry.expression) if isinstance(a, Name) and a.name != TODAY)
    if part in (None, "needs"):
        yield from getattr(entry.model, "needs", ())
    if part in (None, "route") and (name := getattr(entry.model, "route", None)):
        yield name


def _parameters(entry: Entry[Any], part: str | None = None) -> Iterator[str]:
    """Every parameter that a definition, or one field of it, names."""
    for field, condition in entry.conditions.items():
        if part in (None, field):
            for leaf in leaves(condition):
                sides = (leaf.body.left, leaf.body.right) if isinstance(leaf.body, Compare) else (leaf.body,)
                yield from (side.name for side in sides if isinstance(side, Param) and side.name != HERE)
    if entry.expression is not None and part in (None, FORMULA, "on"):
        yield from (a.name for a in atoms(entry.expression) if isinstance(a, Param))


def _looks_at_today(entry: Entry[Any]) -> bool:
    bodies = [leaf.body for condition in entry.conditions.values() for leaf in leaves(condition)]
    sides = [side for body in bodies if isinstance(body, Compare) for side in (body.left, body.right)]
    return Name(TODAY) in sides or (entry.expression is not None and Name(TODAY) in atoms(entry.expression))
