"""What the lives in the golden cases have in common, learnt from them: nothing here knows what a fact means.

- *orders*: this date never lies after that one, this span of time is never longer than that one;
- *values that never meet*: nobody has both;
- *fixed days*: dates that always fall on the same day of the year, such as the start of a term;
- *limits*: the figures that rules compare a number with.

A habit is believed if every case keeps it though chance alone would hardly ever have done so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import lgamma
from typing import Any

from imgrules.assessment.case import Case
from imgrules.batch.synth.conditions import Conditions
from imgrules.rulebase.grammar import Call, Compare, Leaf, Name
from imgrules.rulebase.ir import LeafNode, Program
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Value

Feature = tuple[str, object]

DAYS_IN = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
TIME = "time"
PLACES = frozenset(
    {"country", "jurisdiction"}
)  # kinds whose codes stand for one another, unless a condition names them

MEETINGS_MISSED = 8.0  # minus the logarithm of the chance that two values meet nowhere, among some ten thousand pairs
EXCEPTIONS_MISSED = 6.0  # exceptions to an order that chance would have given, among some hundred pairs
FEWEST = 6  # cases that must know both sides
FIXED_SHARE = 0.8  # of a date's values on one day of the year


@dataclass(frozen=True)
class Axis:
    """Where a fact's values lie on a line: dates on the axis of time, spans of time as far back from today."""

    name: str
    scale: float

    def position(self, value: Value, today: date) -> float:
        """Where a value lies: days from today, or the value itself."""
        if isinstance(value, date):
            return float((value - today).days)
        assert isinstance(value, int | Decimal)
        return float(value) * self.scale


@dataclass(frozen=True)
class Habits:
    """What was learnt. `before` and `after` give, for a fact, those that never lie after and before it."""

    rulebase: Rulebase
    axes: dict[str, Axis]
    before: dict[str, frozenset[str]]
    after: dict[str, frozenset[str]]
    apart: dict[Feature, frozenset[Feature]]
    fixed: frozenset[str]
    limits: dict[str, tuple[Any, ...]]
    telling: dict[str, frozenset[str]]

    def features(self, fact: str, value: Value) -> Iterator[Feature]:
        """What a value says, in the few classes in which values may keep apart."""
        return features(fact, value, self.rulebase, self.telling)

    def twins(self, fact: str) -> frozenset[str]:
        """The facts that always have the same place on their axis, itself left out."""
        return self.before.get(fact, frozenset()) & self.after.get(fact, frozenset())


def learn(rulebase: Rulebase, cases: Sequence[Case], conditions: Conditions, program: Program) -> Habits:
    """Learn from cases, and from the contradictions the order that they state."""
    axes = {name: axis for name in rulebase.facts if (axis := _axis(rulebase, name))}
    telling = _telling(rulebase, conditions)
    orders = {*_stated(rulebase, axes), *_observed(axes, cases)}
    return Habits(
        rulebase=rulebase,
        axes=axes,
        before=_grouped((b, a) for a, b in orders),
        after=_grouped(orders),
        apart=_apart(rulebase, cases, telling),
        fixed=_fixed(rulebase, cases),
        limits=_limits(rulebase, program),
        telling=telling,
    )


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, frozenset[Any]]:
    found: dict[Any, set[Any]] = {}
    for a, b in pairs:
        found.setdefault(a, set()).add(b)
    return {a: frozenset(bs) for a, bs in found.items()}


# orders -----------------------------------------------------------------------------------------------------------------


def _axis(rulebase: Rulebase, fact: str) -> Axis | None:
    type_ = rulebase.types[fact]
    if type_.kind == "date":
        return Axis(TIME, 1.0)
    if type_.kind in ("int", "decimal") and type_.unit:
        return Axis(TIME, -DAYS_IN[type_.unit]) if type_.unit in DAYS_IN else Axis(type_.unit, 1.0)
    return None


def _stated(rulebase: Rulebase, axes: dict[str, Axis]) -> Iterator[tuple[str, str]]:
    """Pairs (earlier or less, later or more) from contradictions of the form: a difference of two facts < 0."""
    for entry in rulebase.contradictions.values():
        pair = ordered_pair(rulebase, entry.conditions["when"])
        if pair and all(name in axes for name in pair):
            yield pair


def ordered_pair(rulebase: Rulebase, condition: object) -> tuple[str, str] | None:
    """The facts (a, b) of a condition that holds exactly where b lies before or below a."""
    body = condition.body if isinstance(condition, Leaf) and not condition.negated else None
    if not (isinstance(body, Compare) and isinstance(body.left, Name) and body.op == "<" and body.right == 0):
        return None
    derived = rulebase.derived.get(body.left.name)
    call = derived.expression if derived else None
    if not (isinstance(call, Call) and len(call.arguments) == 2):
        return None
    first, last = call.arguments
    if not (isinstance(first, Name) and isinstance(last, Name)):
        return None
    if not {first.name, last.name} <= rulebase.facts.keys():
        return None
    if call.function.endswith("_between"):
        return first.name, last.name
    return (last.name, first.name) if call.function == "-" else None


def _observed(axes: dict[str, Axis], cases: Sequence[Case]) -> Iterator[tuple[str, str]]:
    places: dict[str, dict[int, float]] = {}
    for i, case in enumerate(cases):
        for fact, value in case.facts.items():
            if fact in axes:
                places.setdefault(fact, {})[i] = axes[fact].position(value, case.as_of)
    for a, at_a in places.items():
        for b, at_b in places.items():
            if a == b or axes[a].name != axes[b].name:
                continue
            both = at_a.keys() & at_b.keys()
            if len(both) < FEWEST or any(at_a[i] > at_b[i] for i in both):
                continue
            sorted_b = sorted(at_b[i] for i in both)
            exceptions = sum(bisect_left(sorted_b, at_a[i]) for i in both) / len(both)
            if exceptions >= EXCEPTIONS_MISSED:
                yield a, b


# values that never meet -------------------------------------------------------------------------------------------------


def features(fact: str, value: Value, rulebase: Rulebase, telling: dict[str, frozenset[str]]) -> Iterator[Feature]:
    """The classes of a value: true or false, a code, nothing or something; of places only those a condition names."""
    type_ = rulebase.types[fact]
    kind = type_.of if type_.kind == "set" else type_.kind
    if isinstance(value, frozenset):
        if not value:
            yield fact, "empty"
        if kind in PLACES:
            yield from ((fact, (code, code in value)) for code in telling[kind])
        else:
            yield from ((fact, code) for code in value)
    elif isinstance(value, bool):
        yield fact, value
    elif isinstance(value, int | Decimal):
        yield fact, "some" if value else "zero"
    elif isinstance(value, str) and (kind not in PLACES or value in telling[kind]):
        yield fact, value


def _apart(
    rulebase: Rulebase, cases: Sequence[Case], telling: dict[str, frozenset[str]]
) -> dict[Feature, frozenset[Feature]]:
    import numpy as np

    said = [{x for fact, v in c.facts.items() for x in features(fact, v, rulebase, telling)} for c in cases]
    counts = Counter(feature for found in said for feature in found)
    names = sorted((f for f, n in counts.items() if n >= 3), key=repr)
    if not names:
        return {}
    has = np.array([[f in found for f in names] for found in said], dtype=float)
    asked = np.array([[f[0] in case.facts for f in names] for case in cases], dtype=float)
    both, among, meet = asked.T @ asked, has.T @ asked, has.T @ has
    pairs = []
    for i, j in np.argwhere((meet == 0) & (both >= FEWEST)):
        n, a, b = both[i, j], among[i, j], among[j, i]
        different = names[i][0] != names[j][0]
        if different and a and b and a + b <= n and _missed(n, a, b) > MEETINGS_MISSED:
            pairs.append((names[i], names[j]))
    return _grouped(pairs)


def _missed(n: float, a: float, b: float) -> float:
    """Minus the logarithm of the chance that `a` and `b` of `n` cases, drawn at random, have none in common."""
    return lgamma(n + 1) + lgamma(n - a - b + 1) - lgamma(n - a + 1) - lgamma(n - b + 1)


def _telling(rulebase: Rulebase, conditions: Conditions) -> dict[str, frozenset[str]]:
    """The countries and jurisdictions that a contradiction or an `asked_when` names: no other may stand for them."""
    found: dict[str, set[str]] = {kind: set() for kind in PLACES}
    for small in conditions.all:
        for fact, test in small.tests:
            type_ = rulebase.types.get(fact)
            kind = None if type_ is None else type_.of if type_.kind == "set" else type_.kind
            if kind in found:
                found[kind] |= test.value if isinstance(test.value, frozenset) else {str(test.value)}
    return {kind: frozenset(codes) for kind, codes in found.items()}


# fixed days and limits --------------------------------------------------------------------------------------------------


def _fixed(rulebase: Rulebase, cases: Sequence[Case]) -> frozenset[str]:
    """Dates that may lie ahead and nearly always fall on one day of the year. What has happened fell on any day."""
    found = set()
    for name, entry in rulebase.facts.items():
        if entry.model.type != "date" or (entry.model.range and entry.model.range[1] == "today"):
            continue
        days = Counter((v.month, v.day) for c in cases if isinstance(v := c.facts.get(name), date))
        if sum(days.values()) >= FEWEST and max(days.values()) >= FIXED_SHARE * sum(days.values()):
            found.add(name)
    return frozenset(found)


def _limits(rulebase: Rulebase, program: Program) -> dict[str, tuple[Any, ...]]:
    """For each number that an applicant tells, what rules compare it with, in any jurisdiction."""
    found: dict[str, set[Any]] = {}
    for node in program.nodes.values():
        if not (isinstance(node, LeafNode) and node.fact in rulebase.facts):
            continue
        if rulebase.types[node.fact].kind in ("int", "decimal"):
            tests = [test.value for test in (node.proves, node.refutes) if test]
            found.setdefault(node.fact, set()).update(v for v in tests if isinstance(v, int | Decimal))
    return {fact: tuple(sorted(values)) for fact, values in found.items()}
