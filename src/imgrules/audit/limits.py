"""What passed a limit as days went by: the fact counted up to today, the comparison that came out otherwise, and when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from imgrules.audit.causes import CLOCK, Change, Comparison
from imgrules.audit.hybrid import Crossing
from imgrules.audit.standing import Days, Item, Standing
from imgrules.rulebase.grammar import TODAY, Compare, Name, leaves
from imgrules.rulebase.ir import GroundDerived, LeafNode
from imgrules.rulebase.rulebase import Entry
from imgrules.rulebase.values import Value, ValueType


@dataclass(frozen=True, slots=True)
class Limit:
    """A comparison that came out otherwise. `fact`: what is compared; `first`: the first day on which it did.

    `entries`: the rules in which it is written; `parameter`: what it is compared with, where that has dated values.
    """

    fact: str
    type: ValueType
    was: Value | None
    now: Value | None
    node: LeafNode
    holds: bool | None
    first: date
    entries: tuple[Entry[Any], ...]

    @property
    def parameter(self) -> str | None:
        """The parameter's grounded name."""
        return self.node.parameter


def limits(comparison: Comparison, item: Item, chosen: Collection[Change], clock: Crossing) -> list[Limit]:
    """What one clock carried past, the other changes of its set being made."""
    keep = comparison.c.reach(item)
    rest = [change for change in chosen if change != clock]
    still, moved = comparison.at(rest, keep), comparison.at([*rest, clock], keep)
    derived = {d.name: d for segment in moved.program.segments for d in segment.derived}
    others = [c.name for c in rest if isinstance(c, Crossing) and c.what == CLOCK]
    found = []
    for node in moved.program.nodes.values():
        if isinstance(node, LeafNode) and clock.name in _behind(node.fact, derived):
            if still.found.get(node.id) == moved.found[node.id]:
                continue
            found.append(
                Limit(
                    fact=node.fact,
                    type=moved.program.types.get(node.fact, ValueType("int", "days")),
                    was=still.values.get(node.fact),
                    now=moved.values.get(node.fact),
                    node=node,
                    holds=moved.found[node.id],
                    first=_first_day(comparison, moved, node, clock, others),
                    entries=tuple(_written_in(moved, node)),
                )
            )
    return found


def _behind(name: str, derived: Mapping[str, GroundDerived]) -> Iterator[str]:
    """A fact with all that it is computed from."""
    yield name
    if name in derived:
        for source in derived[name].inputs.values():
            if source != TODAY:
                yield from _behind(source, derived)


def _first_day(
    comparison: Comparison, moved: Standing, node: LeafNode, clock: Crossing, others: Collection[str]
) -> date:
    """A first day on which the comparison comes out as in the end, found by halving; the end itself if days go back."""
    earlier, later = comparison.first, comparison.last
    wanted = moved.found[node.id]

    def at(day: date) -> bool | None:
        return Standing(moved.program, moved.case, Days(comparison.first, day, [*others, clock.name])).found[node.id]

    while (later - earlier).days > 1:
        middle = earlier + timedelta(days=(later - earlier).days // 2)
        if at(middle) == wanted:
            later = middle
        else:
            earlier = middle
    return later


def _written_in(standing: Standing, node: LeafNode) -> Iterator[Entry[Any]]:
    """The rules whose conditions hold the comparison, by its words."""
    seen: dict[int, Entry[Any]] = {}
    for rule in standing.program.rules.values():
        for condition in rule.entry.conditions.values():
            for leaf in leaves(condition):
                subject = leaf.body.left if isinstance(leaf.body, Compare) else leaf.body
                if leaf.text == node.text and isinstance(subject, Name):
                    seen[id(rule.entry)] = rule.entry
    yield from seen.values()
