"""Who uses what: from a fact to the rules whose conditions look at it, directly or through derived facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from imgrules.rulebase.grammar import Compare, Name, Param, atoms, leaves
from imgrules.rulebase.rulebase import Entry, Rulebase


def names_in(entry: Entry[Any]) -> Iterator[str]:
    """Every fact, derived fact and rule that an entry's conditions, expression and needs name, as written."""
    for condition in entry.conditions.values():
        for leaf in leaves(condition):
            subject = leaf.body.left if isinstance(leaf.body, Compare) else leaf.body
            if isinstance(subject, Name):
                yield subject.name
    if entry.expression is not None:
        yield from (a.name for a in atoms(entry.expression) if isinstance(a, Name))
    yield from getattr(entry.model, "needs", ())


def parameters_in(entry: Entry[Any]) -> Iterator[str]:
    """Every parameter that an entry's conditions and expression name, as written."""
    for condition in entry.conditions.values():
        for leaf in leaves(condition):
            sides = (leaf.body.left, leaf.body.right) if isinstance(leaf.body, Compare) else (leaf.body,)
            yield from (side.name for side in sides if isinstance(side, Param))
    if entry.expression is not None:
        yield from (a.name for a in atoms(entry.expression) if isinstance(a, Param))


def users_of_fact(rulebase: Rulebase, name: str) -> list[str]:
    """Rules, advice, alerts and so on that look at a fact, directly or through derived facts."""
    wanted = {name}
    while True:
        more = {n for n, e in rulebase.derived.items() if wanted & set(names_in(e))} - wanted
        if not more:
            break
        wanted |= more
    sections = (rulebase.rules, rulebase.fast_tracks, rulebase.advice, rulebase.alerts, rulebase.contradictions)
    return sorted(n for section in sections for n, e in section.items() if wanted & set(names_in(e)))
