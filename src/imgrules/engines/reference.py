"""A plain Kleene evaluator, short enough to be believed by reading: what every other executor is compared with."""

from __future__ import annotations

from collections.abc import Mapping

from imgrules.rulebase.ir import FixedNode, GateNode, JunctionNode, LeafNode, Literal, Node, Program, Values


def truths(program: Program, values: Values) -> dict[str, bool | None]:
    """The truth of every node: True, False, or None for unknown."""
    found: dict[str, bool | None] = {}
    for segment in program.segments:
        for node in segment.nodes:
            found[node.id] = _truth(node, values, found)
    return found


def literal_truth(literal: Literal, found: Mapping[str, bool | None]) -> bool | None:
    """The truth of a literal, given that of the nodes."""
    truth = found[literal[:-1]]
    return truth if truth is None or literal[-1] == "+" else not truth


def _truth(node: Node, values: Values, found: Mapping[str, bool | None]) -> bool | None:
    if isinstance(node, FixedNode):
        return node.truth
    if isinstance(node, LeafNode):
        value = values.get(node.fact)
        if value is None:
            return None
        if node.proves and node.proves.holds(value):
            return True
        return False if node.refutes and node.refutes.holds(value) else None
    if isinstance(node, GateNode):
        truth = literal_truth(node.part, found)
        allowed = {"both": (True, False), "met": (True,), "not_met": (False,), "nothing": ()}[node.decides]
        return truth if truth in allowed else None
    assert isinstance(node, JunctionNode)
    parts = [literal_truth(part, found) for part in node.parts]
    decisive = node.kind == "any"
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive
