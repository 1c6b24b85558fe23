"""The finitely many values of a fact that the rules tell apart.

The tests that leaves make of a fact cut its values into regions; within one, no rule can tell two values apart. A
representative of each region therefore stands for all of them, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any, TypeAlias

from imgrules.rulebase.ir import LeafNode, Program, Test
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ORDERED, QUANTUM, Value, ValueType, read_value

if TYPE_CHECKING:
    from imgrules.interview.network import Leaf

MAX_CLASSES = 6

# What the tests say of a value: the name of its region.
Signature: TypeAlias = tuple[bool, ...]


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
        self._values: dict[str, dict[Signature, Value]] = {}
        self._classes: dict[str, dict[Signature, list[str]]] = {}
        self._spans: dict[str, dict[Signature, list[tuple[Any, Any]]]] = {}
        self._can: dict[tuple[str, Test | None, Test | None], int] = {}

    def of(self, fact: str) -> tuple[Value, ...]:
        """One value of each region of a fact, in the order of the values; of sets with many regions, some."""
        return tuple(self.by_signature(fact).values())

    def by_signature(self, fact: str) -> dict[Signature, Value]:
        """The same, with the name of each region."""
        if fact not in self._values:
            found: dict[Signature, Value] = {}
            for value in self._candidates(fact, list(self.tests.get(fact, ()))):
                found.setdefault(self.signature(fact, value), value)
            self._values[fact] = found
        return self._values[fact]

    def signature(self, fact: str, value: Value) -> Signature:
        """The region of a value."""
        return tuple(test.holds(value) for test in self.tests.get(fact, ()))

    def spans(self, fact: str) -> dict[Signature, list[tuple[Any, Any]]]:
        """The stretches of values, both ends included, that make up each region of a number or date."""
        if fact not in self._spans:
            found: dict[Signature, list[tuple[Any, Any]]] = {}
            last: Signature | None = None
            for value in self._candidates(fact, list(self.tests.get(fact, ()))):
                here = self.signature(fact, value)
                if here == last:
                    found[here][-1] = found[here][-1][0], value
                else:
                    found.setdefault(here, []).append((value, value))
                last = here
            self._spans[fact] = found
        return self._spans[fact]

    def nearest(self, fact: str, region: Signature, wish: Value | None) -> Value:
        """The value of a region that is nearest to another; without one, or of codes, the first."""
        if wish is not None and self.signature(fact, wish) == region:
            return wish
        if wish is None or self.types[fact].kind not in ORDERED:
            return self.by_signature(fact)[region]
        ends: Any = [min(max(a, wish), b) for a, b in self.spans(fact)[region]]
        return min(ends, key=lambda end: abs(end - wish))  # type: ignore[no-any-return]

    def by_distance(self, fact: str, values: Mapping[Signature, Value], wish: Value | None) -> list[Signature]:
        """Regions by how far a value of each is from another; as they come where that means nothing."""
        if wish is None or self.types[fact].kind not in ORDERED:
            return sorted(values, key=lambda k: values[k] != wish)
        centre: Any = wish
        found: Any = values
        return sorted(values, key=lambda k: abs(found[k] - centre))

    def classes(self, fact: str) -> dict[Signature, list[str]]:
        """The codes of a set that no test tells apart, by what the tests say of a set of one of them."""
        if fact not in self._classes:
            found: dict[Signature, list[str]] = {}
            for code in self.types[fact].codes:
                found.setdefault(self.signature(fact, frozenset({code})), []).append(code)
            self._classes[fact] = found
        return self._classes[fact]

    def can(self, fact: str, leaf: Leaf) -> int:
        """Whether some value makes a leaf true (1) and whether some makes it false (2)."""
        key = (fact, leaf.proves, leaf.refutes)
        if key not in self._can:
            codes = {leaf.code(value) for value in self.of(fact)}
            self._can[key] = (1 if 5 in codes else 0) | (2 if 6 in codes else 0)
        return self._can[key]

    def _candidates(self, fact: str, tests: list[Test]) -> Iterable[Value]:
        type_ = self.types[fact]
        if type_.kind == "bool":
            return (True, False)
        if type_.kind == "set":
            return _sets([codes[0] for codes in self.classes(fact).values()])
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
    if type_.kind == "decimal":
        limit = Decimal(limit)
    return (limit - step, limit, limit + step)


def _sets(chosen: list[str]) -> Iterator[Value]:
    """Sets of some codes, one of each class that the tests tell apart."""
    most = len(chosen) if len(chosen) <= MAX_CLASSES else 2
    sizes = chain(range(most + 1), [len(chosen)] if most < len(chosen) else [])
    for size in sizes:
        yield from (frozenset(group) for group in combinations(chosen, size))
