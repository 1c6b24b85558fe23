"""What an undecided conclusion hangs on: unknown facts, and things nobody could establish."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from imgrules.engines.protocol import Derivation
from imgrules.rulebase.ir import FixedNode, GateNode, JunctionNode, Literal, Node, Program, Values, opposite


@dataclass(frozen=True, slots=True, eq=False)
class Cause:
    """One thing that is not known. `kind`: fact (name of a fact), parameter or rule (its grounded name).

    Made by `of`, which gives the same object for the same thing: routes hang on hundreds of them.
    """

    kind: str
    name: str
    reason: str = ""

    @staticmethod
    @cache
    def of(kind: str, name: str, reason: str = "") -> Cause:
        """The one object for a cause."""
        return Cause(kind, name, reason)


class Unknowns:
    """Finds causes in one derivation, remembering what it has found for each node and fact."""

    def __init__(self, program: Program, values: Values, derivation: Derivation) -> None:
        self.nodes = program.nodes
        self.values = values
        self.derivation = derivation
        self.derived = {item.name: item for segment in program.segments for item in segment.derived}
        self._found: dict[str, dict[Cause, None]] = {}
        self._listed: dict[str, tuple[Cause, ...]] = {}
        self._of_facts: dict[str, tuple[Cause, ...]] = {}

    def of(self, literal: Literal) -> tuple[Cause, ...]:
        """Every cause of a literal being undecided, in rulebase order; nothing if it is decided."""
        node_id = literal[:-1]
        if node_id not in self._listed:
            self._listed[node_id] = tuple(self._beneath(literal))
        return self._listed[node_id]

    def _beneath(self, literal: Literal) -> dict[Cause, None]:
        """The same, as a set that keeps its order."""
        found = self._found.get(literal[:-1])
        if found is None:
            decided = literal in self.derivation.proved or opposite(literal) in self.derivation.proved
            found = self._found[literal[:-1]] = {} if decided else self._causes(self.nodes[literal[:-1]])
        return found

    def _causes(self, node: Node) -> dict[Cause, None]:
        if isinstance(node, JunctionNode):
            found: dict[Cause, None] = {}
            for part in node.parts:
                found |= self._beneath(part)
            return found
        if isinstance(node, GateNode):
            held_back = self.derivation.truth(node.part) is not None
            return {Cause.of("rule", node.rule, "weak"): None} if held_back else self._beneath(node.part)
        if isinstance(node, FixedNode):
            return {Cause.of("parameter" if node.parameter else "rule", node.parameter or node.text, node.reason): None}
        if self.values.get(node.fact) is None:
            return dict.fromkeys(self.of_fact(node.fact))
        return {Cause.of("parameter", node.parameter, "bounds"): None} if node.parameter else {}

    def of_fact(self, name: str) -> tuple[Cause, ...]:
        """The unknown facts and parameters that a fact or derived fact hangs on."""
        if name not in self._of_facts:
            self._of_facts[name] = tuple(dict.fromkeys(self._below(name)))
        return self._of_facts[name]

    def _below(self, name: str) -> Iterator[Cause]:
        item = self.derived.get(name)
        if item is None:
            yield Cause.of("fact", name)
            return
        for parameter, value in item.parameters.items():
            if value is None:
                scope = f"@{name.partition('@')[2]}" if "@" in name else ""
                yield Cause.of("parameter", f"{parameter}{scope}", "not established")
        for source in item.inputs.values():
            if self.values.get(source) is None:
                yield from self.of_fact(source)
