"""A program's wanted part as arrays: three-valued, incremental, with what each undecided node can still become.

Every node has a code. A decided node is TRUE or FALSE. An undecided one says what answers may still make of it: CAN_TRUE,
CAN_FALSE, both, or neither (STUCK: it hangs only on things that nobody established, or on questions that make no sense
for this applicant). `can` is worked out as if leaves were independent of each other, so it errs on the side of asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from imgrules.interview.regions import Regions
from imgrules.rulebase.arithmetic import compute
from imgrules.rulebase.ir import (
    FixedNode,
    GateNode,
    GroundDerived,
    JunctionNode,
    LeafNode,
    Literal,
    Node,
    Program,
    Test,
    Values,
    node_of,
)
from imgrules.rulebase.values import Value

STUCK, CAN_TRUE, CAN_FALSE, CAN_BOTH, DECIDED, TRUE, FALSE = 0, 1, 2, 3, 4, 5, 6
NEGATED = (0, 2, 1, 3, 4, 6, 5)
_GATES = {
    "both": (0, 1, 2, 3, 4, TRUE, FALSE),
    "met": (0, 1, 0, 1, 4, TRUE, 0),
    "not_met": (0, 0, 2, 2, 4, 0, FALSE),
    "nothing": (0,) * 7,
}
ALL, ANY, GATE, LEAF, FIXED = range(5)

# A part is twice the index of its node, one more where it is the node's negation.
Part: TypeAlias = int
Codes: TypeAlias = list[int]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A comparison of one fact or derived fact."""

    index: int
    subject: str
    proves: Test | None
    refutes: Test | None

    def code(self, value: Value) -> int:
        """What a known value makes of it."""
        if self.proves and self.proves.holds(value):
            return TRUE
        return FALSE if self.refutes and self.refutes.holds(value) else STUCK


class Network:
    """The nodes that some literals hang on, in the program's order. `codes` of it are kept by whoever asks."""

    def __init__(self, program: Program, roots: Iterable[Literal], regions: Regions) -> None:
        self.regions = regions
        found = sorted(_cone(program, roots), key=regions.order.__getitem__)
        self.nodes = [program.nodes[node_id] for node_id in found]
        self.index = {node.id: i for i, node in enumerate(self.nodes)}
        self.parts: list[tuple[Part, ...]] = [tuple(map(self.part, _parts(node))) for node in self.nodes]
        self.kinds = [_kind(node) for node in self.nodes]
        self._gates = [_GATES[n.decides] if isinstance(n, GateNode) else _GATES["both"] for n in self.nodes]
        self.parents: list[list[int]] = [[] for _ in self.nodes]
        for i, parts in enumerate(self.parts):
            for part in parts:
                self.parents[part >> 1].append(i)
        self.leaves: dict[str, list[Leaf]] = {}
        for i, node in enumerate(self.nodes):
            if isinstance(node, LeafNode):
                self.leaves.setdefault(node.fact, []).append(Leaf(i, node.fact, node.proves, node.refutes))
        self.subject = {leaf.index: s for s, leaves in self.leaves.items() for leaf in leaves}
        self.derived = {d.name: d for segment in program.segments for d in segment.derived}
        self.facts = {s: self._facts_below(s) for s in self.leaves}
        self.users: dict[str, list[str]] = {}
        for subject, facts in self.facts.items():
            for fact in facts:
                self.users.setdefault(fact, []).append(subject)

    def part(self, literal: Literal) -> Part:
        """A literal as a part."""
        return 2 * self.index[node_of(literal)] + (literal[-1] == "-")

    def _facts_below(self, name: str) -> tuple[str, ...]:
        """The facts that a fact or derived fact is computed from, itself if it is a fact."""
        item = self.derived.get(name)
        if item is None:
            return (name,)
        return tuple(dict.fromkeys(f for source in item.inputs.values() for f in self._facts_below(source)))

    def facts_of(self, part: Part) -> list[str]:
        """Every fact that a part hangs on."""
        found: dict[str, None] = {}
        seen: set[int] = set()
        stack = [part >> 1]
        while stack:
            i = stack.pop()
            if i not in seen:
                seen.add(i)
                found |= dict.fromkeys(self.facts.get(self.subject.get(i, ""), ()))
                stack.extend(p >> 1 for p in self.parts[i])
        return list(found)

    # evaluation -------------------------------------------------------------------------------------------------------

    def value(self, name: str, values: Values) -> Value | None:
        """The value of a fact or derived fact."""
        item = self.derived.get(name)
        if item is None:
            return values.get(name)
        return compute(item, {source: self.value(source, values) for source in item.inputs.values()})

    def leaf_code(self, leaf: Leaf, value: Value | None, values: Values, barred: Iterable[str]) -> int:
        """What a leaf is, or what answers may make of it. A barred fact will not be told."""
        if value is not None:
            return leaf.code(value)
        item = self.derived.get(leaf.subject)
        if item is None:
            return STUCK if leaf.subject in barred else self.regions.can(leaf.subject, leaf)
        if not self._computable(item, values, barred):
            return STUCK
        return (CAN_TRUE if leaf.proves else 0) | (CAN_FALSE if leaf.refutes else 0)

    def _computable(self, item: GroundDerived, values: Values, barred: Iterable[str]) -> bool:
        if any(v is None for v in item.parameters.values()):
            return False
        for source in item.inputs.values():
            inner = self.derived.get(source)
            if inner is None and values.get(source) is None and source in barred:
                return False
            if inner is not None and self.value(source, values) is None and not self._computable(inner, values, barred):
                return False
        return True

    def evaluate(self, values: Values, barred: Iterable[str] = ()) -> Codes:
        """The code of every node, from nothing."""
        codes: Codes = [STUCK] * len(self.nodes)
        known = {s: self.value(s, values) for s in self.leaves}
        leaves = {leaf.index: leaf for found in self.leaves.values() for leaf in found}
        for i, node in enumerate(self.nodes):
            if i in leaves:
                codes[i] = self.leaf_code(leaves[i], known[leaves[i].subject], values, barred)
            elif isinstance(node, FixedNode):
                codes[i] = STUCK if node.truth is None else TRUE if node.truth else FALSE
            else:
                codes[i] = self.code(i, codes)
        return codes

    def code(self, i: int, codes: Sequence[int]) -> int:
        """The code of a junction or gate from those of its parts."""
        parts = self.parts[i]
        found = [NEGATED[codes[p >> 1]] if p & 1 else codes[p >> 1] for p in parts]
        kind = self.kinds[i]
        if kind == GATE:
            return self._gates[i][found[0]]
        together, either = 7, 0
        for code in found:
            together &= code
            either |= code
        if kind == ALL:
            if FALSE in found:
                return FALSE
            return TRUE if together == TRUE else (together & CAN_TRUE) | (either & CAN_FALSE)
        if TRUE in found:
            return TRUE
        return FALSE if together == FALSE else (either & CAN_TRUE) | (together & CAN_FALSE)

    def lets_through(self, i: int) -> tuple[bool, bool]:
        """Whether a gate lets its condition's being true through, and its being false."""
        return self._gates[i][TRUE] == TRUE, self._gates[i][FALSE] == FALSE

    def update(self, codes: Codes, facts: Iterable[str], values: Values, barred: Iterable[str] = ()) -> set[int]:
        """Bring codes up to date after some facts became known, unknown or barred; the nodes that changed."""
        changed: set[int] = set()
        waiting: set[int] = set()
        for subject in {s for fact in facts for s in self.users.get(fact, ())}:
            value = self.value(subject, values)
            for leaf in self.leaves[subject]:
                code = self.leaf_code(leaf, value, values, barred)
                if code != codes[leaf.index]:
                    codes[leaf.index] = code
                    changed.add(leaf.index)
                    waiting.update(self.parents[leaf.index])
        self.settle(codes, waiting, changed)
        return changed

    def settle(self, codes: Codes, waiting: set[int], changed: set[int]) -> None:
        """Work upwards, in the program's order, from the nodes whose parts changed."""
        from heapq import heapify, heappop, heappush

        heap = list(waiting)
        heapify(heap)
        while heap:
            i = heappop(heap)
            waiting.discard(i)
            code = self.code(i, codes)
            if code == codes[i]:
                continue
            codes[i] = code
            changed.add(i)
            for parent in self.parents[i]:
                if parent not in waiting:
                    waiting.add(parent)
                    heappush(heap, parent)

    # what matters -----------------------------------------------------------------------------------------------------

    def live(self, codes: Sequence[int], wanted: Iterable[tuple[Part, int]]) -> dict[int, int]:
        """The undecided leaves that matter, with the outcomes of each that do.

        `wanted` holds parts with the outcomes (CAN_TRUE, CAN_FALSE or both) that would matter.
        """
        seen: dict[int, int] = {}
        stack = [(p >> 1, NEGATED[w] if p & 1 else w) for p, w in wanted]
        while stack:
            i, want = stack.pop()
            if codes[i] >= DECIDED:
                continue
            new = want & codes[i] & ~seen.get(i, 0)
            if new:
                seen[i] = seen.get(i, 0) | new
                stack.extend((p >> 1, NEGATED[new] if p & 1 else new) for p in self.parts[i])
        return {i: want for i, want in seen.items() if self.kinds[i] == LEAF}


def _kind(node: Node) -> int:
    if isinstance(node, JunctionNode):
        return ALL if node.kind == "all" else ANY
    return GATE if isinstance(node, GateNode) else LEAF if isinstance(node, LeafNode) else FIXED


def _parts(node: Node) -> tuple[Literal, ...]:
    if isinstance(node, JunctionNode):
        return node.parts
    return (node.part,) if isinstance(node, GateNode) else ()


def _cone(program: Program, roots: Iterable[Literal]) -> Mapping[str, None]:
    """The ids of every node that some literals hang on."""
    found: dict[str, None] = {}
    stack = [node_of(root) for root in roots]
    while stack:
        node_id = stack.pop()
        if node_id not in found:
            found[node_id] = None
            stack.extend(map(node_of, _parts(program.nodes[node_id])))
    return found
