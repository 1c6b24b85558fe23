"""What an undecided conclusion hangs on: unknown facts, and things nobody could establish."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from imgrules.engines.protocol import Derivation
from imgrules.rulebase.ir import FixedNode, GateNode, JunctionNode, LeafNode, Literal, Program, Values, node_of


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
    """Finds causes in one derivation, remembering what it has found for each node."""

    def __init__(self, program: Program, values: Values, derivation: Derivation) -> None:
        self.nodes = program.nodes
        self.values = values
        self.derivation = derivation
        self.derived = {d.name: d for segment in program.segments for d in segment.derived}
        self._found: dict[str, tuple[Cause, ...]] = {}

    def of(self, literal: Literal) -> tuple[Cause, ...]:
        """Every cause of a literal being undecided, in rulebase order; nothing if it is decided."""
        node_id = node_of(literal)
        if self.derivation.truth(literal) is not None:
            return ()
        if node_id not in self._found:
            self._found[node_id] = tuple(dict.fromkeys(self._causes(node_id)))
        return self._found[node_id]

    def _causes(self, node_id: str) -> Iterator[Cause]:
        node = self.nodes[node_id]
        if isinstance(node, JunctionNode):
            for part in node.parts:
                yield from self.of(part)
        elif isinstance(node, GateNode):
            yield from self.of(node.part)
            if self.derivation.truth(node.part) is not None:
                yield Cause.of("rule", node.rule, "weak")
        elif isinstance(node, FixedNode):
            yield Cause.of("parameter" if node.parameter else "rule", node.parameter or node.text, node.reason)
        elif isinstance(node, LeafNode):
            if self.values.get(node.fact) is None:
                yield from self.of_fact(node.fact)
            elif node.parameter:
                yield Cause.of("parameter", node.parameter, "bounds")

    def of_fact(self, name: str) -> Iterator[Cause]:
        """The unknown facts and parameters that a fact or derived fact hangs on."""
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
