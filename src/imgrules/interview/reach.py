"""Whether values of some facts open a route, the other facts staying as they are: a search over the rules' regions.

A fact told directly has finitely many regions, and trying one value of each is exact. A fact that works through
arithmetic gets, besides, the values at which a derived fact changes sides while the other facts stay as they are; that
is exact for a change of one input of a derived fact, and for several at once where one of them suffices.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.result import Status
from imgrules.interview.goals import literals_of, make_goal, truth
from imgrules.interview.network import CAN_TRUE, TRUE, Codes, Network
from imgrules.interview.regions import Regions
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.values import ORDERED, QUANTUM, Value

BUDGET = 20_000
GRID = 48


class Reach:
    """The search for one case and route."""

    def __init__(self, assessor: Assessor, derived: Derived, route: str) -> None:
        self.rulebase = assessor.rulebase
        program = derived.program
        self.regions = Regions(self.rulebase, program, derived.case.as_of)
        clashes = {k[0].partition(":")[2]: lit for s in program.segments for k, lit in s.conditions.items()
                   if k[0].startswith("contradictions:")}  # fmt: skip
        self.network = Network(program, [*literals_of(program, route), *clashes.values()], self.regions)
        self.goal = make_goal(program, self.network, route, derived.case.as_of)
        self.fixed: Status | None = self.goal.fixed
        self._clashes = [self.network.part(literal) for literal in clashes.values()]
        self.values: dict[str, Value] = {**derived.case.facts, TODAY: derived.case.as_of}
        self._parts = dict(self.goal.needs)
        mentioned = self.network.facts_of(self.goal.literal)
        self.changeable = [f for f in self.rulebase.facts if f in mentioned and self._may_change(f)]
        self._options = {fact: tuple(self._values_of(fact)) for fact in self.changeable}
        self._must = [self.goal.literal]
        self._known: dict[frozenset[str], dict[str, Value] | None] = {}
        self.given_up = False

    def _may_change(self, fact: str) -> bool:
        return bool(self.rulebase.facts[fact].model.changeable)

    def facts_of(self, need: str) -> set[str]:
        """The facts that a requirement of the route hangs on."""
        return set(self.network.facts_of(self._parts[need])) if need in self._parts else set()

    def hopeless(self) -> set[str]:
        """Requirements that no change can make met: each by itself, or else a least set that cannot be met together."""
        codes = self._codes(frozenset(self.changeable))
        alone = {name for name, part in self.goal.needs if not truth(codes, part) & CAN_TRUE}
        if alone:
            return alone
        names = list(self._parts)
        for name in list(names):
            fewer = [other for other in names if other != name]
            if not self._together(fewer):
                names = fewer
        return set(names)

    def _together(self, names: list[str]) -> bool:
        """Whether these requirements can be met together."""
        everything = frozenset(self.changeable)
        self._left, before = BUDGET, self._must
        self._must = [self._parts[name] for name in names]
        try:
            return self._search(everything, self._kept(everything), self._codes(everything)) is not None
        finally:
            self._must = before

    # values -----------------------------------------------------------------------------------------------------------

    def _values_of(self, fact: str) -> Iterator[Value]:
        """One value of each region, nearest to the present one first; it is itself left out."""
        options = dict.fromkeys([*self.regions.of(fact), *self._through_arithmetic(fact)])
        now = self.values.get(fact)
        found = [v for v in options if v != now]
        if now is None or self.rulebase.types[fact].kind not in ORDERED:
            yield from found
        else:
            yield from sorted(found, key=lambda v: abs(_number(v) - _number(now)))

    def _through_arithmetic(self, fact: str) -> Iterator[Value]:
        """The values on both sides of each place where a derived fact's tests change their minds."""
        if self.rulebase.types[fact].kind not in ORDERED:
            return
        for subject in self.network.users.get(fact, ()):
            if subject in self.network.derived:
                yield from self._breaks(fact, subject)

    def _breaks(self, fact: str, subject: str) -> Iterator[Value]:
        low, high = self.regions.bounds(fact)
        tests = list(self.regions.tests.get(subject, ()))

        def side(value: Any) -> tuple[bool, ...] | None:
            derived = self.network.value(subject, {**self.values, fact: value})
            return None if derived is None else tuple(test.holds(derived) for test in tests)

        grid = _grid(low, high)
        for a, b in pairwise(grid):
            before, after = side(a), side(b)
            while before != after and (middle := _between(a, b)) is not None:
                here = side(middle)
                if here == before:
                    a = middle
                else:
                    b, after = middle, here
            if before != after:
                yield from (a, b)

    # search -----------------------------------------------------------------------------------------------------------

    def witness(self, facts: frozenset[str]) -> dict[str, Value] | None:
        """Values of these facts that open the route, or None if there are none."""
        if facts not in self._known:
            self._left = BUDGET
            told = self._search(facts, self._kept(facts), self._codes(facts))
            self._known[facts] = told and {f: told[f] for f in self.changeable if f in facts and f in told}
        return self._known[facts]

    def _kept(self, facts: frozenset[str]) -> dict[str, Value]:
        return {name: value for name, value in self.values.items() if name not in facts}

    def _unknown(self, facts: frozenset[str]) -> frozenset[str]:
        """Facts nobody told and that are not to be changed: they stay unknown."""
        return frozenset(f for f in self.network.users if f not in self.values and f not in facts)

    def _codes(self, facts: frozenset[str]) -> Codes:
        return self.network.evaluate(self._kept(facts), self._unknown(facts))

    def _search(self, free: frozenset[str], told: dict[str, Value], codes: Codes) -> dict[str, Value] | None:
        """Give the free facts values one by one, those first on which something still hangs."""
        if not self._possible(codes):
            return None
        if not free:
            return told if all(truth(codes, part) == TRUE for part in self._must) else None
        fact, alive = self._branch(free, codes)
        rest = free - {fact}
        for value in (self.values.get(fact), *(self._options[fact] if alive else ())):
            self._left -= 1
            if self._left < 0:
                self.given_up = True
                return None
            tried = list(codes)
            chosen = told if value is None else {**told, fact: value}
            self.network.update(tried, [fact], chosen, self._unknown(rest) - chosen.keys())
            found = self._search(rest, chosen, tried)
            if found is not None:
                return found
        return None

    def _branch(self, free: frozenset[str], codes: Codes) -> tuple[str, bool]:
        """The free fact to give a value next, and whether anything hangs on it."""
        wanted = [(part, CAN_TRUE) for part in (*self._must, *self._clashes)]
        live = self.network.live(codes, wanted)
        alive = {f for i in live for f in self.network.facts[self.network.subject[i]]} & free
        return (min(alive), True) if alive else (min(free), False)

    def _possible(self, codes: Codes) -> bool:
        """Whether what must be met may still be, and nothing contradicts anything."""
        if any(not truth(codes, part) & CAN_TRUE for part in self._must):
            return False
        return all(truth(codes, part) != TRUE for part in self._clashes)


def _number(value: Any) -> Any:
    return value.toordinal() if isinstance(value, date) else value


def _grid(low: Any, high: Any) -> list[Any]:
    """Points from low to high close enough that a derived fact turns at most once between two of them."""
    if isinstance(low, date):
        days = (high - low).days
        step = max(1, min(366, days // GRID or 1))
        return [low + timedelta(days=n) for n in range(0, days, step)] + [high]
    if isinstance(low, int) and isinstance(high, int):
        step = max(1, (high - low) // GRID)
        return [*range(low, high, step), high]
    width = (Decimal(high) - Decimal(low)) / GRID
    return [(Decimal(low) + width * n).quantize(QUANTUM) for n in range(GRID)] + [Decimal(high)]


def _between(a: Any, b: Any) -> Any:
    """A point between two, or None if they are next to each other."""
    if isinstance(a, date):
        days = (b - a).days
        return None if days <= 1 else a + timedelta(days=days // 2)
    if isinstance(a, int) and isinstance(b, int):
        return None if b - a <= 1 else (a + b) // 2
    middle = ((Decimal(a) + Decimal(b)) / 2).quantize(QUANTUM)
    return None if middle in (a, b) else middle
