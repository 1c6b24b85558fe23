"""Single conditions of a rulebase, judged for a handful of facts by the plain evaluator.

A contradiction or an `asked_when` hangs on a few nodes of a program. Cut out, it can be judged thousands of times a
second while an applicant is being made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import islice, product
from typing import Any

from imgrules.assessment.applicants import in_range
from imgrules.engines.reference import literal_truth, truths
from imgrules.rulebase.arithmetic import with_derived
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ir import (
    GateNode,
    GroundDerived,
    JunctionNode,
    LeafNode,
    Literal,
    Node,
    Program,
    Segment,
    Test,
    node_of,
)
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Value, ValueType

Facts = Mapping[str, Value]
MOST_TRIALS = 20_000


@dataclass(frozen=True)
class Small:
    """One condition cut out of a program: its literal, the nodes below it, and the facts that these look at."""

    literal: Literal
    program: Program
    facts: frozenset[str]
    day: date

    def truth(self, facts: Facts) -> bool | None:
        """True, False, or None for unknown."""
        values: dict[str, Value | None] = {name: facts.get(name) for name in self.facts}
        values[TODAY] = self.day
        segment = self.program.segments[0]
        return literal_truth(self.literal, truths(self.program, with_derived(values, segment.derived)))

    @cached_property
    def leaves(self) -> tuple[LeafNode, ...]:
        """The comparisons it is made of."""
        return tuple(node for node in self.program.segments[0].nodes if isinstance(node, LeafNode))

    @cached_property
    def computed(self) -> frozenset[str]:
        """The facts it looks at through arithmetic."""
        inputs = {name for derived in self.program.segments[0].derived for name in derived.inputs.values()}
        return self.facts & inputs

    @cached_property
    def tests(self) -> tuple[tuple[str, Test], ...]:
        """Every comparison of a fact or derived fact with a constant."""
        return tuple((leaf.fact, test) for leaf in self.leaves for test in (leaf.proves, leaf.refutes) if test)


class Conditions:
    """The contradictions of a rulebase and what makes its questions make sense, on one day in all jurisdictions."""

    def __init__(self, rulebase: Rulebase, program: Program, day: date) -> None:
        self.rulebase = rulebase
        self.day = day
        self._program = program
        self._derived = {d.name: d for segment in program.segments for d in segment.derived}
        self.contradictions: dict[str, Small] = {}
        self.asked_when: dict[str, Small] = {}
        for segment in program.segments:
            for (key, field), literal in segment.conditions.items():
                section, _, name = key.partition(":")
                if section == "contradictions":
                    self.contradictions[name] = self._cut(literal)
                elif section == "facts" and field == "asked_when":
                    self.asked_when[name] = self._cut(literal)
        self._about: dict[str, list[Small]] = {}
        for small in self.contradictions.values():
            for fact in small.facts:
                self._about.setdefault(fact, []).append(small)

    @cached_property
    def all(self) -> tuple[Small, ...]:
        """Contradictions and `asked_when` together."""
        return (*self.contradictions.values(), *self.asked_when.values())

    def clash(self, fact: str, facts: Facts) -> bool:
        """Whether a contradiction that looks at a fact holds."""
        return any(small.truth(facts) is True for small in self._about.get(fact, ()))

    def asked(self, fact: str, facts: Facts) -> bool | None:
        """Whether the question of a fact makes sense; True where nothing is said about that."""
        return self.asked_when[fact].truth(facts) if fact in self.asked_when else True

    def makes_moot(self, fact: str, facts: Facts) -> bool:
        """Whether a fact, one of some, makes a question senseless that is answered among them."""
        return any(other in facts and self.asked(other, facts) is False for other in self._opened_by.get(fact, ()))

    @cached_property
    def _opened_by(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for other, small in self.asked_when.items():
            for fact in small.facts:
                found.setdefault(fact, []).append(other)
        return found

    @cached_property
    def goals(self) -> dict[str, dict[str, float]]:
        """For each route, one entry for what several jurisdictions have: the facts it hangs on, and in what share of them."""
        found: dict[str, list[frozenset[str]]] = {}
        for name, rule in self._program.rules.items():
            if rule.entry.section == "routes":
                found.setdefault(name.partition("@")[0], []).append(self._facts_below(rule.literal))
        return {
            name: {f: sum(f in facts for facts in lists) / len(lists) for f in sorted(frozenset().union(*lists))}
            for name, lists in found.items()
        }

    def _facts_below(self, literal: Literal) -> frozenset[str]:
        facts: set[str] = set()
        for node in _below(self._program, literal):
            if isinstance(node, LeafNode):
                self._inputs(node.fact, {}, facts)
        return frozenset(facts)

    def _cut(self, literal: Literal) -> Small:
        nodes = {node.id: node for node in _below(self._program, literal)}
        order = {node_id: i for i, node_id in enumerate(self._program.nodes)}
        derived: dict[str, GroundDerived] = {}
        facts: set[str] = set()
        for node in nodes.values():
            if isinstance(node, LeafNode):
                self._inputs(node.fact, derived, facts)
        in_order = tuple(sorted(nodes.values(), key=lambda node: order[node.id]))
        segment = Segment(None, in_order, {}, tuple(derived.values()), {}, 0)
        return Small(literal, Program((segment,), self._program.types), frozenset(facts), self.day)

    def _inputs(self, name: str, derived: dict[str, GroundDerived], facts: set[str]) -> None:
        """Collect what a name is computed from, the derived facts that others lean on first."""
        if name in self._derived:
            for inner in self._derived[name].inputs.values():
                self._inputs(inner, derived, facts)
            derived.setdefault(name, self._derived[name])
        elif name != TODAY:
            facts.add(name)

    # facts that contradict each other -----------------------------------------------------------------------------------

    @cached_property
    def witnesses(self) -> list[dict[str, Value]]:
        """For each contradiction that can be brought about by a few facts, such facts."""
        found = (self._witness(small) for small in self.contradictions.values())
        return [facts for facts in found if facts]

    def _witness(self, small: Small) -> dict[str, Value] | None:
        names = sorted(small.facts)
        choices = [[v for v in self._tries(n, small) if in_range(self.rulebase, n, v, self.day)] for n in names]
        for values in islice(product(*choices), MOST_TRIALS):
            facts = dict(zip(names, values, strict=True))
            if small.truth(facts) is True:
                return facts
        return None

    def _tries(self, fact: str, small: Small) -> Iterator[Any]:
        """Values of a fact that a condition may tell apart."""
        type_ = self.rulebase.types[fact]
        if type_.kind == "bool":
            yield from (True, False)
        elif type_.kind == "date":
            yield from (self.day - timedelta(days=days) for days in (400, 800))
        elif type_.kind in ("int", "decimal"):
            yield from (0, 1, 3)
        for name, test in small.tests:
            if name == fact:
                yield from _near(test, type_)
        if type_.kind == "set":
            yield frozenset()
        elif type_.codes:
            yield from list(type_.codes)[:3]


def _near(test: Test, type_: ValueType) -> Iterator[Any]:
    """Values on and beside what a fact is compared with."""
    if type_.kind == "set":
        codes = test.value if isinstance(test.value, frozenset) else {test.value}
        yield from (frozenset({code}) for code in sorted(codes)[:2])
    elif isinstance(test.value, frozenset):
        yield from sorted(test.value)[:2]
        yield from [code for code in type_.codes if code not in test.value][:2]
    elif isinstance(test.value, date):
        yield from (test.value + timedelta(days=days) for days in (-1, 0, 1))
    elif type_.kind in ("int", "decimal"):
        yield from (test.value - 1, test.value, test.value + 1)
    elif type_.codes:
        yield test.value


def _below(program: Program, literal: Literal) -> Iterator[Node]:
    """A literal's node and every node it leans on."""
    waiting, seen = [node_of(literal)], set()
    while waiting:
        node = program.nodes[waiting.pop()]
        if node.id in seen:
            continue
        seen.add(node.id)
        yield node
        if isinstance(node, JunctionNode):
            waiting += map(node_of, node.parts)
        elif isinstance(node, GateNode):
            waiting.append(node_of(node.part))
