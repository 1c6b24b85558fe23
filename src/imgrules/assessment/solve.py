"""Facts for which literals of a program have the truths wanted: a search with a budget, from the rules down.

A junction is taken apart, a comparison is met with values that lie near the limits the program knows of, and a choice
that leads nowhere is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

from imgrules.assessment.applicants import Sketch
from imgrules.rulebase.arithmetic import with_derived
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ir import FixedNode, GateNode, JunctionNode, LeafNode, Literal, Program, Test, node_of
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ORDERED, Value

_STEPS = 200
_VALUES = 12
_TRIES = 3
_FEW = 6
_ALLOWED = {"both": (True, False), "met": (True,), "not_met": (False,), "nothing": ()}


@dataclass(frozen=True, slots=True)
class Goal:
    """A literal and the truth it should have."""

    literal: Literal
    truth: bool


class Solver:
    """Searches facts for one program, aimed at one jurisdiction or none."""

    def __init__(self, rulebase: Rulebase, program: Program, scope: str | None) -> None:
        self.rulebase = rulebase
        self.program = program
        self.scope = scope
        self.steps = 0
        self.derived = {item.name: item for segment in program.segments for item in segment.derived}
        self.tests: dict[str, list[Test]] = {}
        for node in program.nodes.values():
            if isinstance(node, LeafNode):
                self.tests.setdefault(node.fact, []).extend(t for t in (node.proves, node.refutes) if t is not None)

    def best(self, must: Sequence[Goal], should: Sequence[Goal], sketch: Sketch) -> Iterator[dict[str, Value]]:
        """Facts that reach every goal of `must`, and of `should` all, all but one, or as many as go together."""
        yield from self.first([*must, *should], sketch)
        for i in range(len(should)) if len(should) <= _FEW else ():
            yield from self.first([*must, *should[:i], *should[i + 1 :]], sketch)
        kept = list(must)
        for goal in should:
            if next(self.first([*kept, goal], sketch), None) is not None:
                kept.append(goal)
        yield from self.first(kept, sketch)
        yield from self.first(must, sketch)

    def first(self, goals: Sequence[Goal], sketch: Sketch) -> Iterator[dict[str, Value]]:
        """The first few facts that reach all goals."""
        self.steps = _STEPS
        for found in islice(self._all(goals, sketch), _TRIES):
            found.finish()
            yield found.facts

    # the tree -------------------------------------------------------------------------------------------------------

    def _all(self, goals: Sequence[Goal], sketch: Sketch) -> Iterator[Sketch]:
        if not goals:
            yield sketch
            return
        for found in self._one(goals[0].literal, goals[0].truth, sketch):
            yield from self._all(goals[1:], found)

    def _one(self, literal: Literal, truth: bool, sketch: Sketch) -> Iterator[Sketch]:
        self.steps -= 1
        if self.steps < 0:
            return
        wanted = truth if literal[-1] == "+" else not truth
        node = self.program.nodes[node_of(literal)]
        if isinstance(node, FixedNode):
            if node.truth is wanted:
                yield sketch
        elif isinstance(node, GateNode):
            if wanted in _ALLOWED[node.decides]:
                yield from self._one(node.part, wanted, sketch)
        elif isinstance(node, JunctionNode):
            goals = [Goal(part, wanted) for part in node.parts]
            if wanted == (node.kind == "all"):
                yield from self._all(goals, sketch)
            else:
                for goal in goals:
                    yield from self._one(goal.literal, goal.truth, sketch)
        else:
            test = node.proves if wanted else node.refutes
            if test is not None:
                yield from self._leaf(node, test, sketch)

    def _leaf(self, node: LeafNode, test: Test, sketch: Sketch) -> Iterator[Sketch]:
        value = self._value(node.fact, sketch)
        if value is not None:
            if test.holds(value):
                yield sketch
            return
        for candidate in islice(self._candidates(node.fact, test, sketch.day), _VALUES):
            attempt = sketch.copy()
            if self._reach(attempt, node.fact, candidate) and self._value(node.fact, attempt) == candidate:
                yield attempt

    def _reach(self, sketch: Sketch, fact: str, value: Any) -> bool:
        """Choose facts; a date against today is a number of days in a program, and no name that people know."""
        if self.rulebase.find(fact, self.scope):
            return sketch.reach(fact, value)
        dates = [name for name in self.derived[fact].inputs.values() if name != TODAY]
        return len(dates) == 1 and sketch.reach(dates[0], sketch.day + timedelta(days=int(value)))

    def _value(self, fact: str, sketch: Sketch) -> Value | None:
        if fact in sketch.facts or fact in self.rulebase.facts:
            return sketch.facts.get(fact)
        values: dict[str, Value | None] = {**sketch.facts, TODAY: sketch.day}
        for segment in self.program.segments:
            values = with_derived(values, segment.derived)
        return values.get(fact)

    # values ---------------------------------------------------------------------------------------------------------

    def _candidates(self, fact: str, test: Test, today: date) -> Iterator[Any]:
        """Values that pass a test, the plainest first."""
        found = self.rulebase.find(fact, self.scope)
        type_ = self.rulebase.types[found[1].name] if found else self.derived[fact].type
        others = [one.value for one in self.tests[fact]]
        if type_.kind == "bool":
            values: Iterable[Any] = (True, False)
        elif type_.kind in ORDERED:
            values = _near(test.value, others, today)
        elif type_.kind == "set":
            values = _sets(test.value, others, list(type_.codes))
        else:
            named = [code for value in (test.value, *others) for code in _codes(value)]
            values = [*named, *type_.codes]
        yield from dict.fromkeys(value for value in values if test.holds(value))


def _near(limit: Any, others: list[Any], today: date) -> Iterator[Any]:
    """The limit, its neighbours and the neighbours of all other limits, those close to it first."""
    unit: Any = timedelta(days=1) if isinstance(limit, date) else 1
    points = [limit, *sorted(set(others), key=lambda other: abs(other - limit))]
    for point in [*points, today] if isinstance(limit, date) else [*points, 0]:
        yield from (point, point + unit, point - unit)


def _sets(wanted: Any, others: list[Any], codes: list[str]) -> Iterator[frozenset[str]]:
    """What is named alone, nothing, everything named, all of it but one, and pairs."""
    named = _codes(wanted)
    every = list(dict.fromkeys([*named, *(code for other in others for code in _codes(other))]))
    yield from (frozenset({code}) for code in named)
    yield frozenset()
    yield frozenset(every)
    yield frozenset(every) - frozenset(named)
    for code in [*every, *codes[:2]]:
        yield frozenset({code})
        yield frozenset({*named[:1], code})


def _codes(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else sorted(value)
