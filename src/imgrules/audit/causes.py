"""What made an answer change: the smallest sets of single changes that, made alone, turn the old answer into the new.

A change is an edit of the rules or something that the passing of time moved. Each candidate set is tried: the old rules
with just those changes made are grounded and judged again. Nothing is guessed from names.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations
from typing import Any, TypeAlias

from imgrules.assessment.case import Case
from imgrules.audit.diff import VALUES, Edit, Key, edits, on_day, value_meaning
from imgrules.audit.hybrid import DATED, Crossing, Mixer, entry_of, frozen, undated
from imgrules.audit.standing import REFUSED, SECTIONS, Days, Item, Standing, counts, items, same, suited
from imgrules.rulebase.arithmetic import compute
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import LeafNode
from imgrules.rulebase.rulebase import Rulebase

Change: TypeAlias = Edit | Crossing
CLOCK = "clock"
MOST_TRIES = 600
_KEPT = 256


@dataclass(frozen=True, slots=True)
class Causes:
    """Sets of changes, each enough by itself. `smallest`: no smaller set is; otherwise none of its changes can be left out."""

    sets: tuple[frozenset[Change], ...]
    smallest: bool = True


@dataclass(frozen=True, slots=True)
class Move:
    """An item that came to stand elsewhere, and why."""

    item: Item
    before: str
    after: str
    causes: Causes


@dataclass(frozen=True)
class Crossed:
    """The dated things that are not on one day what they are on another. `clock`: whether the days differ at all."""

    things: tuple[Crossing, ...]
    clock: bool

    @cached_property
    def keys(self) -> frozenset[Key]:
        """The definitions that they are dates of."""
        return frozenset(key for crossing in self.things for key in keys_of(crossing))


class Comparer:
    """Compares what cases come to under two rulebases, each on its own day. Keep one for many cases."""

    def __init__(self, old: Rulebase, new: Rulebase) -> None:
        self.old, self.new = old, new
        self.edits = edits(old, new)
        self.mixer = Mixer(old, new, self.edits)
        self._grounders: OrderedDict[tuple[object, ...], Grounder] = OrderedDict()
        self._items: dict[str | None, list[Item]] = {}
        self._crossed: dict[tuple[date, date], Crossed] = {}
        self._touched: dict[tuple[Crossed, str | None], list[Item]] = {}
        self._kept: dict[Crossed, tuple[set[str | None], frozenset[Key]]] = {}

    def moves(self, case: Case, day: date | None = None, causes: bool = True) -> list[Move]:
        """Every item that stands elsewhere under the new rules on `day` than under the old ones on the case's own day.

        A case whose facts contradict each other under either comes to nothing but that.
        """
        return Comparison(self, case, day or case.as_of).moves(causes)

    def items(self, scope: str | None) -> list[Item]:
        """Every item of either rulebase in a jurisdiction."""
        if scope not in self._items:
            found = dict.fromkeys([*items(self.old, scope), *items(self.new, scope)])
            self._items[scope] = list(found)
        return self._items[scope]

    def crossed(self, first: date, last: date) -> Crossed:
        """What is not on the one day what it is on the other, under the old rules or the new."""
        if (first, last) not in self._crossed:
            if len(self._crossed) >= _KEPT:
                self._crossed.clear()
            things = [] if first == last else [c for c in self.dated if self._differs(c, first, last)]
            self._crossed[first, last] = Crossed(tuple(things), first != last)
        return self._crossed[first, last]

    def _differs(self, crossing: Crossing, first: date, last: date) -> bool:
        return any(differs(crossing, rulebase, first, last) for rulebase in (self.old, self.new))

    def touched(self, crossed: Crossed, scope: str | None) -> list[Item]:
        """Every item of a jurisdiction that an edit or the time between two days could move."""
        if (crossed, scope) not in self._touched:
            clock = self.mixer.look_at_today if crossed.clock else frozenset()
            moving = self.decisive | crossed.keys | clock
            self._touched[crossed, scope] = [i for i in self.items(scope) if not moving.isdisjoint(self.reach(i))]
        return self._touched[crossed, scope]

    def keep(self, crossed: Crossed, scopes: Iterable[str | None]) -> frozenset[Key]:
        """Everything that the touched items hang on, of these jurisdictions and of all asked about before.

        It only grows, so that cases which aim at many different jurisdictions soon share what is made of it.
        """
        known, keys = self._kept.get(crossed, (set(), frozenset()))
        for scope in set(scopes) - known:
            keys |= frozenset(key for item in self.touched(crossed, scope) for key in self.reach(item))
            known = known | {scope}
        self._kept[crossed] = known, keys
        return keys

    def reach(self, item: Item) -> frozenset[Key]:
        """Everything an item can hang on."""
        found = self.mixer.reach(item.key, item.scope)
        if item.route and item.scope:
            found |= self.mixer.reach(Key("routes", item.route.partition("@")[0]), item.scope)
        return found

    @cached_property
    def decisive(self) -> frozenset[Key]:
        """Definitions with an edit on which an outcome could hang."""
        return frozenset(edit.key for edit in self.edits if edit.decisive)

    @cached_property
    def dated(self) -> list[Crossing]:
        """Everything in either rulebase that has days of its own."""
        found: dict[Crossing, None] = {}
        for rulebase in (self.old, self.new):
            found |= {Crossing(VALUES, n, s): None for n, scopes in rulebase.values.items() for s in scopes}
            for section in DATED:
                for name, entry in getattr(rulebase, section).items():
                    if entry.model.in_force:
                        found[Crossing("in_force", name, None, section)] = None
                    if isinstance(getattr(entry.model, "opens", None), date):
                        found[Crossing("opens", name, None, section)] = None
        return list(found)

    def grounder(self, chosen: frozenset[Change], keep: frozenset[Key], first: date, last: date) -> Grounder:
        """Grounds the old rules with some changes made, each dated thing as on `first`, those that crossed as on `last`."""
        epochs = [bisect_right(r.breaks, d) for r in (self.old, self.new) for d in (first, last)]
        key = (chosen, keep, *epochs)
        if key not in self._grounders:
            made = self.mixer.make([c for c in chosen if isinstance(c, Edit)], keep)
            self._grounders[key] = Grounder(frozen(made, lambda item: last if item in chosen else first))
            if len(self._grounders) > _KEPT:
                self._grounders.popitem(last=False)
        self._grounders.move_to_end(key)
        return self._grounders[key]


class Comparison:
    """One case under two rulebases on two days."""

    def __init__(self, comparer: Comparer, case: Case, day: date) -> None:
        self.c = comparer
        self.case = case
        self.first, self.last = case.as_of, day
        self.scopes = (None, *(s for s in case.jurisdictions if s in comparer.mixer.jurisdictions))

    def moves(self, causes: bool = True) -> list[Move]:
        """Everything that stands elsewhere."""
        touched = [item for scope in self.scopes for item in self.c.touched(self._crossed, scope)]
        touched.sort(key=lambda item: SECTIONS.index(item.section))
        if not touched:
            return []
        keep = self.c.keep(self._crossed, self.scopes)
        before, after = self.at(frozenset(), keep), self._after(keep)
        found = [(item, before.of(item), after.of(item)) for item in touched]
        refused = [(i, b, a) for i, b, a in found if REFUSED in (b, a)]
        if any(b == REFUSED for _, b, _ in refused) and any(a == REFUSED for _, _, a in refused):
            return []
        moved = [(i, b, a) for i, b, a in refused or found if not same(b, a, i.section)]
        return [Move(i, b, a, self._causes(i, a) if causes else Causes(())) for i, b, a in moved]

    def at(self, chosen: Collection[Change], keep: frozenset[Key]) -> Standing:
        """Where the case stands with some changes made."""
        clocks = {c.name for c in chosen if isinstance(c, Crossing) and c.what == CLOCK}
        rest = frozenset(c for c in chosen if isinstance(c, Edit) or c.what != CLOCK)
        return self.judge(rest, keep, Days(self.first, self.last, clocks))

    def _after(self, keep: frozenset[Key]) -> Standing:
        """Where it stands with all changes made: the new rules on the later day."""
        return self.judge(frozenset((*self.c.edits, *self._crossed.things)), keep, Days(self.last))

    def judge(self, chosen: frozenset[Change], keep: frozenset[Key], days: Days) -> Standing:
        grounder = self.c.grounder(chosen, keep, self.first, self.last)
        codes = [code for code in self.scopes if code in grounder.rulebase.jurisdictions]
        program = grounder.program(self.first, [code for code in codes if code])
        return Standing(program, self.case.changed(facts=suited(self.case, grounder.rulebase)), days)

    # candidates -------------------------------------------------------------------------------------------------------

    @cached_property
    def _crossed(self) -> Crossed:
        return self.c.crossed(self.first, self.last)

    @cached_property
    def _clock_keys(self) -> frozenset[Key]:
        """Definitions that look at today, on two different days."""
        if self.first == self.last:
            return frozenset()
        return self.c.mixer.look_at_today

    def _candidates(self, item: Item) -> list[Change]:
        """The single changes that this item could hang on, edits first."""
        reach = self.c.reach(item)
        days = (self.first, self.last)
        found: list[Change] = [
            e for e in self.c.edits if e.decisive and e.key in reach and any(e.covers(d) for d in days)
        ]
        found += [c for c in self._crossed.things if not reach.isdisjoint(keys_of(c))]
        return found + self._clocks(reach)

    def _clocks(self, reach: frozenset[Key]) -> list[Change]:
        """Facts counted up to today that are not the same on the two days."""
        if self.first == self.last or not reach & self._clock_keys:
            return []
        found: dict[Change, None] = {}
        for standing in (self.at(frozenset(), reach), self._after(reach)):
            program, values = standing.program, standing.values
            if any(isinstance(node, LeafNode) and node.fact == TODAY for node in program.nodes.values()):
                found[Crossing(CLOCK, TODAY)] = None
            for item in (d for segment in program.segments for d in segment.derived if counts(d)):
                was, now = (compute(item, {**values, TODAY: day}) for day in (self.first, self.last))
                if was != now:
                    found[Crossing(CLOCK, item.name)] = None
        return list(found)

    # search -----------------------------------------------------------------------------------------------------------

    def _causes(self, item: Item, after: str) -> Causes:
        keep = self.c.reach(item)
        candidates = self._candidates(item)

        def enough(chosen: frozenset[Change]) -> bool:
            return self.at(chosen, keep).of(item) == after

        def close(chosen: Iterable[Change]) -> frozenset[Change]:
            chosen = frozenset(chosen)
            return chosen | self.c.mixer.close(c for c in chosen if isinstance(c, Edit))

        return smallest_sets(candidates, close, enough)


def differs(crossing: Crossing, rulebase: Rulebase, first: date, last: date) -> bool:
    """Whether a dated thing of a rulebase is not on one day what it is on another."""
    if crossing.what == VALUES:
        values = rulebase.values.get(crossing.name, {}).get(crossing.scope, ())
        entry = rulebase.parameters.get(crossing.name)
        if entry is None:
            return False
        type_ = rulebase.value_type(entry.model)
        one, other = (value_meaning(on_day(values, day), type_) for day in (first, last))
        return one != other
    return any(
        _phase(entry.model, crossing.what, first) != _phase(entry.model, crossing.what, last)
        for key in keys_of(crossing)
        if (entry := entry_of(rulebase, key))
    )


def smallest_sets(
    candidates: Sequence[Change],
    close: Callable[[Iterable[Change]], frozenset[Change]],
    enough: Callable[[frozenset[Change]], bool],
    most_tries: int = MOST_TRIES,
) -> Causes:
    """All the smallest sets of candidates that are enough; beyond so many tries, one from which nothing can be left out.

    `close` adds to a set what its changes cannot be made without. No set at all is enough where the whole is not.
    """
    tries = 0
    for size in range(1, len(candidates) + 1):
        found: dict[frozenset[Change], frozenset[Change]] = {}
        for chosen in combinations(candidates, size):
            closed = close(chosen)
            if closed in found:
                continue
            tries += 1
            if tries > most_tries:
                return _irreducible(candidates, close, enough)
            if enough(closed):
                found[closed] = frozenset(chosen)
        if found:
            return Causes(tuple(chosen for closed, chosen in found.items() if not any(c < closed for c in found)))
    return Causes(())


def _irreducible(
    candidates: Sequence[Change],
    close: Callable[[Iterable[Change]], frozenset[Change]],
    enough: Callable[[frozenset[Change]], bool],
) -> Causes:
    """One set from which no change can be left out, found by leaving out one after another for as long as one can."""
    chosen = list(candidates)
    if not enough(close(chosen)):
        return Causes(())
    smaller = True
    while smaller:
        smaller = False
        for change in list(chosen):
            rest = [c for c in chosen if c != change]
            if enough(close(rest)):
                chosen, smaller = rest, True
    return Causes((frozenset(chosen),), smallest=False)


def keys_of(crossing: Crossing) -> list[Key]:
    """The definition that crossed; none for a clock, which belongs to whoever looks at it."""
    if crossing.what == CLOCK:
        return []
    return [Key(crossing.section or VALUES, crossing.name, crossing.scope)]


def _phase(model: Any, what: str, day: date) -> object:
    """Whether a dated rule or route is before, within or after its days."""
    if what == "opens":
        opens = getattr(model, "opens", None)
        return isinstance(opens, date) and day < opens
    return undated(model.in_force, day) if model.in_force else None
