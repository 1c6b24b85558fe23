"""The intermediate form that every executor runs: findings over conditions over leaves, grounded for one day.

A program is a list of segments, the national one first, then one a jurisdiction. A segment is a list of nodes in an
order in which each leans only on earlier ones. Every rule has a node of its own, which carries its name in `rule`.
A *literal* is a node with a sign: `n12+` says that node n12 is true, `n12-` that it is false. Each literal is proved,
or not, by itself; nothing is ever concluded from the absence of a proof, so a node with neither literal proved is
unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from imgrules.rulebase.grammar import Expression
from imgrules.rulebase.values import Value, ValueType

Literal: TypeAlias = str
Values: TypeAlias = Mapping[str, Value | None]


def opposite(literal: Literal) -> Literal:
    """The same node with the other sign."""
    return literal[:-1] + ("-" if literal[-1] == "+" else "+")


def node_of(literal: Literal) -> str:
    """The node of a literal."""
    return literal[:-1]


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison with a constant. `value` is of the fact's own type; for sets, a code or a frozenset of codes."""

    op: str
    value: Any

    def holds(self, actual: Any) -> bool:
        """Whether a known value passes."""
        return _OPERATORS[self.op](actual, self.value)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
    "contains": lambda a, b: b in a,
    "lacks": lambda a, b: b not in a,
    "overlaps": lambda a, b: not a.isdisjoint(b),
    "disjoint": lambda a, b: a.isdisjoint(b),
}


@dataclass(frozen=True, slots=True)
class LeafNode:
    """A comparison of one fact. Where a parameter is known only within bounds, some values pass neither test."""

    id: str
    fact: str
    proves: Test | None
    refutes: Test | None
    text: str
    parameter: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class FixedNode:
    """Something decided without facts: a parameter against a literal, an absent limit, or a thing nobody established."""

    id: str
    truth: bool | None
    text: str
    parameter: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class JunctionNode:
    """`all` or `any` of literals."""

    id: str
    kind: str
    parts: tuple[Literal, ...]
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class GateNode:
    """What a condition came to, less the side on which weak evidence must not decide."""

    id: str
    part: Literal
    decides: str
    rule: str


Node: TypeAlias = LeafNode | FixedNode | JunctionNode | GateNode


@dataclass(frozen=True, slots=True)
class GroundDerived:
    """A derived fact with its parameters' values for the day filled in (None: unknown)."""

    name: str
    type: ValueType
    expression: Expression
    inputs: Mapping[str, str]
    parameters: Mapping[str, Value | None]


@dataclass(frozen=True, slots=True)
class GroundRule:
    """A finding, requirement, excuse or route, grounded: what its outcome hangs on, and its parts for explaining."""

    name: str
    entry: Any
    scope: str | None
    literal: Literal
    applies: Literal | None = None
    met: Literal | None = None
    excused: tuple[Literal, ...] = ()
    needs: tuple[str, ...] = ()
    in_force: bool = True


@dataclass(frozen=True, eq=False)
class Segment:
    """The part of a program that is national (`scope` None) or one jurisdiction's, for one stretch of days."""

    scope: str | None
    nodes: tuple[Node, ...]
    rules: Mapping[str, GroundRule]
    derived: tuple[GroundDerived, ...]
    conditions: Mapping[tuple[str, str], Literal]
    epoch: int

    @cached_property
    def by_id(self) -> dict[str, Node]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def facts(self) -> frozenset[str]:
        """Every fact and derived fact that a leaf of this segment looks at."""
        return frozenset(n.fact for n in self.nodes if isinstance(n, LeafNode))


@dataclass(frozen=True, eq=False)
class Program:
    """What is run for one case: the national segment and those of the jurisdictions aimed at."""

    segments: tuple[Segment, ...]
    types: Mapping[str, ValueType]

    @cached_property
    def rules(self) -> dict[str, GroundRule]:
        return {name: rule for segment in self.segments for name, rule in segment.rules.items()}

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {node.id: node for segment in self.segments for node in segment.nodes}
