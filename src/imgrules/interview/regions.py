"""The finitely many values of a fact that the rules tell apart.

The tests that leaves make of a fact cut its values into regions; within one, no rule can tell two values apart. A
representative of each region therefore stands for all of them, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

from imgrules.rulebase.ir import LeafNode, Program, Test
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ORDERED, QUANTUM, Value, ValueType, read_value

if TYPE_CHECKING:
    from imgrules.interview.network import Leaf

MAX_CLASSES = 6


class Regions:
    """The regions of every fact of a program, worked out when first asked for."""

    def __init__(self, rulebase: Rulebase, program: Program, day: date) -> None:
        self.rulebase = rulebase
        self.day = day
        self.types = program.types
        self.order = {node_id: i for i, node_id in enumerate(program.nodes)}
        self.tests: dict[str, dict[Test, None]] = {}
        for node in program.nodes.values():
            if isinstance(node, LeafNode):
                found = self.tests.setdefault(node.fact, {})
                found |= {test: None for test in (node.proves, node.refutes) if test}
        self._values: dict[str, tuple[Value, ...]] = {}
        self._can: dict[tuple[str, Test | None, Test | None], int] = {}

    def of(self, fact: str) -> tuple[Value, ...]:
        """One value of each region of a fact, in the order of the values."""
        if fact not in self._values:
            tests = list(self.tests.get(fact, ()))
            found: dict[tuple[bool, ...], Value] = {}
            for value in self._candidates(fact, tests):
                found.setdefault(tuple(test.holds(value) for test in tests), value)
            self._values[fact] = tuple(found.values())
        return self._values[fact]

    def can(self, fact: str, leaf: Leaf) -> int:
        """Whether some value makes a leaf true (1) and whether some makes it false (2)."""
        key = (fact, leaf.proves, leaf.refutes)
        if key not in self._can:
            codes = {leaf.code(value) for value in self.of(fact)}
            self._can[key] = (1 if 5 in codes else 0) | (2 if 6 in codes else 0)
        return self._can[key]

    def share(self, fact: str, test: Test | None) -> float:
        """A guess at how likely a test is to hold: the share of the codes of a coded fact or set, else one in two."""
        type_ = self.types.get(fact)
        if test is None or type_ is None or not type_.codes:
            return 0.5
        codes = [frozenset({code}) for code in type_.codes] if type_.kind == "set" else list(type_.codes)
        return sum(test.holds(code) for code in codes) / len(codes)

    def _candidates(self, fact: str, tests: list[Test]) -> Iterable[Value]:
        type_ = self.types[fact]
        if type_.kind == "bool":
            return (True, False)
        if type_.kind == "set":
            return _sets(type_, tests)
        if type_.kind in ORDERED:
            return self._ordered(fact, type_, tests)
        return tuple(type_.codes)

    def bounds(self, fact: str) -> tuple[Any, Any]:
        """The least and the greatest value a fact may have."""
        type_ = self.types[fact]
        entry = self.rulebase.facts.get(fact)
        if entry is not None and entry.model.range:
            low, high = (self.day if b == "today" else read_value(b, type_) for b in entry.model.range)
            return low, high
        if type_.kind == "date":
            return date(1900, 1, 1), date(2100, 12, 31)
        return (-(10**6), 10**6) if type_.kind == "int" else (Decimal(-(10**6)), Decimal(10**6))

    def _ordered(self, fact: str, type_: ValueType, tests: list[Test]) -> Iterator[Value]:
        low, high = self.bounds(fact)
        around = {n for test in tests for n in _around(test.value, type_)} | {low, high}
        yield from sorted(n for n in around if low <= n <= high)


def _around(limit: Any, type_: ValueType) -> tuple[Any, ...]:
    if isinstance(limit, frozenset):
        return tuple(limit)
    step = timedelta(days=1) if type_.kind == "date" else QUANTUM if type_.kind == "decimal" else 1
    if type_.kind == "int" and isinstance(limit, Decimal):
        limit = int(limit.to_integral_value())
    return (limit - step, limit, limit + step)


def _sets(type_: ValueType, tests: list[Test]) -> Iterator[Value]:
    """Sets of one code from each class of codes that the tests tell apart."""
    classes: dict[tuple[bool, ...], str] = {}
    for code in type_.codes:
        alone = frozenset({code})
        classes.setdefault(tuple(test.holds(alone) for test in tests), code)
    chosen = list(classes.values())
    most = len(chosen) if len(chosen) <= MAX_CLASSES else 2
    sizes = chain(range(most + 1), [len(chosen)] if most < len(chosen) else [])
    for size in sizes:
        yield from (frozenset(group) for group in combinations(chosen, size))
