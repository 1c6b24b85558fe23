"""How far a made-up life may be moved and its values jittered without any condition or order coming out differently.

Every value gets a box of its own, half-way to what it must not pass, so that all of them may move at once and freely.
That makes it safe to draw a million rows from some thousand lives column by column, with no row looked at again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import ceil, floor
from typing import Any

from imgrules.batch.synth.conditions import Small
from imgrules.batch.synth.habits import PLACES, ordered_pair
from imgrules.batch.synth.lives import Life, LifeMaker
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.values import ORDERED, Value, read_value

STEP = Decimal("0.5")  # of a decimal number
FAR = 10**6
DAYS = 45  # that a single date moves within a life
SHARE = 0.12  # of itself by which a number moves
EARLIER, LATER = 900, 400  # days by which a whole life is moved, at most

Span = tuple[int, int]


@dataclass
class Moves:
    """What may be done to a life without harm.

    `shift`: days by which all its dates move together. `steps`: by which each value may move by itself. `renamed`: the
    country and the jurisdiction that may be called something else throughout.
    """

    shift: Span = (0, 0)
    steps: dict[str, Span] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)


class Mover:
    """Works out the moves of lives."""

    def __init__(self, maker: LifeMaker) -> None:
        self.rulebase, self.today, self.habits = maker.rulebase, maker.today, maker.habits
        conditions = maker.conditions
        contradictions = self.rulebase.contradictions
        self.asked_when = conditions.asked_when
        self.always = [
            small
            for name, small in conditions.contradictions.items()
            if name not in contradictions or not ordered_pair(self.rulebase, contradictions[name].conditions["when"])
        ]
        bound = {fact for small in self.always for fact in small.computed}
        bound |= {fact for small in self.asked_when.values() if _measures_today(small) for fact in small.computed}
        dates = {fact for fact in self.rulebase.facts if self.rulebase.types[fact].kind == "date"}
        self.shifted = dates - bound - self.habits.fixed  # the dates that move with the whole life

    def moves(self, life: Life) -> Moves:
        """Everything that may be done to a life."""
        asked = [self.asked_when[fact] for fact in life.facts if fact in self.asked_when]
        return _Moved(self, life, [*self.always, *asked]).moves()


class _Moved:
    """The moves of one life. `conditions` must come out as they do: contradictions, and what makes its answers sensible."""

    def __init__(self, mover: Mover, life: Life, conditions: Iterable[Small]) -> None:
        self.rulebase, self.today, self.habits = mover.rulebase, mover.today, mover.habits
        self.shifted, self.facts = mover.shifted, life.facts
        self.places = {
            f: self.habits.axes[f].position(v, self.today) for f, v in self.facts.items() if f in self.habits.axes
        }
        self.cuts: dict[str, set[Any]] = {}
        computed: set[str] = set()
        for small in conditions:
            computed |= small.computed
            for fact, test in small.tests:
                if not isinstance(test.value, frozenset | str | bool):
                    self.cuts.setdefault(fact, set()).add(test.value)
        still = computed | self.habits.fixed
        types = self.rulebase.types
        free = {f for f in self.facts if types[f].kind in ORDERED and types[f].unit != "year" and f not in still}
        self.boxes = {fact: self._box(fact) for fact in free if self._twins(fact) <= free}

    def moves(self) -> Moves:
        """Everything together. Facts that always have the same value move by the same steps."""
        steps = {}
        for fact in self.boxes:
            spans = [self.boxes[f] for f in (fact, *self._twins(fact)) if f in self.boxes]
            steps[fact] = max(low for low, _ in spans), min(high for _, high in spans)
        return Moves(self._shift(steps), steps, self._renamed())

    def _twins(self, fact: str) -> frozenset[str]:
        types = self.rulebase.types
        return frozenset(f for f in self.habits.twins(fact) if f in self.facts and types[f] == types[fact])

    def _limits(self, fact: str) -> Span:
        """The steps that a value may move within its range and on its side of everything it is compared with."""
        type_, value = self.rulebase.types[fact], self.facts[fact]
        low, high = -FAR, FAR
        for i, bound in enumerate(self.rulebase.facts[fact].model.range or ()):
            steps = _steps(value, self.today if bound == "today" else read_value(bound, type_))
            low, high = (max(low, ceil(steps)), high) if i == 0 else (low, min(high, floor(steps)))
        for cut in self.cuts.get(fact, ()):
            steps = _steps(value, cut)
            low = low if steps > 0 else max(low, floor(steps) + 1)
            high = high if steps < 0 else min(high, ceil(steps) - 1)
        if not isinstance(value, date):  # nothing stays nothing, something stays something
            low = max(low, floor(_steps(value, 0)) + 1) if value else 0
            high = high if value else 0
        return min(low, 0), max(high, 0)

    def _box(self, fact: str) -> Span:
        value = self.facts[fact]
        low, high = self._limits(fact)
        reach = DAYS if isinstance(value, date) else max(1, int(abs(_steps(value, 0)) * SHARE))
        low, high = max(low, -reach), min(high, reach)
        for other, after in self._neighbours(fact):
            half = (self.places[other] - self.places[fact]) / 2 / self._scale(fact)
            if after == (self._scale(fact) > 0):
                high = min(high, floor(half + 1e-9))
            else:
                low = max(low, ceil(half - 1e-9))
        return min(low, 0), max(high, 0)

    def _neighbours(self, fact: str) -> list[tuple[str, bool]]:
        """The known facts that must stay after (True) or before (False) a fact, those that move with it left out."""
        twins = self._twins(fact)
        after = [(f, True) for f in self.habits.after.get(fact, ()) if f in self.facts and f not in twins]
        return after + [(f, False) for f in self.habits.before.get(fact, ()) if f in self.facts and f not in twins]

    def _scale(self, fact: str) -> float:
        """How far one step moves a fact on its axis."""
        step = float(STEP) if isinstance(self.facts[fact], Decimal) else 1.0
        return self.habits.axes[fact].scale * step

    def _shift(self, steps: dict[str, Span]) -> Span:
        """Days by which all dates may move together, whatever each does by itself."""
        low, high = -EARLIER, LATER
        moving = [fact for fact in self.facts if fact in self.shifted]
        for fact in moving:
            first, last = self._limits(fact)
            mine = steps.get(fact, (0, 0))
            low, high = max(low, first - mine[0]), min(high, last - mine[1])
            for other, after in self._neighbours(fact):
                if other in self.shifted:
                    continue
                ends = [self.places[other] + n * self._scale(other) for n in steps.get(other, (0, 0))]
                if after:
                    high = min(high, floor(min(ends) - self.places[fact] - mine[1] + 1e-9))
                else:
                    low = max(low, ceil(max(ends) - self.places[fact] - mine[0] - 1e-9))
        return (min(low, 0), max(high, 0)) if moving else (0, 0)

    def _renamed(self) -> dict[str, str]:
        """The country and the jurisdiction that come up most in a life and that no condition names."""
        found = {}
        for kind in sorted(PLACES):
            counts: Counter[str] = Counter()
            for fact, value in self.facts.items():
                type_ = self.rulebase.types[fact]
                if kind == (type_.of if type_.kind == "set" else type_.kind):
                    counts.update(value if isinstance(value, frozenset) else [str(value)])
            codes = sorted(code for code in counts if code not in self.habits.telling[kind])
            if codes:
                found[kind] = max(codes, key=counts.__getitem__)
        return found


def _measures_today(small: Small) -> bool:
    return any(TODAY in derived.inputs.values() for derived in small.program.segments[0].derived)


def _steps(value: Value, other: Any) -> float:
    """The steps from a value to another: days, whole numbers or halves."""
    if isinstance(value, date):
        return float((other - value).days)
    assert isinstance(value, int | Decimal)
    distance = Decimal(other) - value
    return float(distance / STEP) if isinstance(value, Decimal) else float(distance)
