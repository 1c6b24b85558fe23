"""The digest of a derivation: the same for the same proofs, whatever order things were worked out in.

A proved literal is hashed from what its condition says, and from the hashes of the premises of every way in which it
was proved. Nodes' numbers, which belong to one version of the program, do not enter.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from imgrules.assessment.assess import Derived
from imgrules.audit.record import Proof
from imgrules.rulebase.ir import FixedNode, GateNode, JunctionNode, LeafNode, Literal, Node, Test, opposite
from imgrules.rulebase.values import plain

MARK_BYTES = 2
_NOTHING = bytes(MARK_BYTES)


def proof_of(derived: Derived) -> Proof:
    """The digest of everything that a derivation proved, rule by rule."""
    hashes = _hashes(derived)
    whole = sha256()
    marks = bytearray()
    for name, rule in derived.program.rules.items():
        found = hashes.get(rule.literal) or hashes.get(opposite(rule.literal))
        whole.update(f"{len(name)}:{name}:{derived.derivation.outcome(rule.literal).value}:".encode())
        whole.update(found or b"")
        marks += found[:MARK_BYTES] if found else _NOTHING
    return Proof(whole.digest(), bytes(marks))


def marks_by_name(names: tuple[str, ...], marks: bytes) -> dict[str, str]:
    """A proof's marks as four hex digits by name, those of rules with a proof."""
    parts = (marks[i : i + MARK_BYTES] for i in range(0, len(marks), MARK_BYTES))
    return {name: part.hex() for name, part in zip(names, parts, strict=True) if part != _NOTHING}


def _hashes(derived: Derived) -> dict[Literal, bytes]:
    proved = derived.derivation.proved
    found: dict[Literal, bytes] = {}
    for segment in derived.program.segments:
        for node in segment.nodes:
            for sign in "+-":
                steps = proved.get(f"{node.id}{sign}")
                if steps is None:
                    continue
                ways = sorted(
                    b"".join(sorted(found[p] for p in step.premises if not p.startswith("fact:"))) for step in steps
                )
                head = json.dumps([sign, *_label(node, sign, derived)], ensure_ascii=False).encode()
                digest = sha256(len(head).to_bytes(4, "big") + head)
                for way in ways:
                    digest.update(len(way).to_bytes(4, "big") + way)
                found[f"{node.id}{sign}"] = digest.digest()
    return found


def _label(node: Node, sign: str, derived: Derived) -> list[Any]:
    if isinstance(node, LeafNode):
        test = node.proves if sign == "+" else node.refutes
        value = derived.values.get(node.fact)
        return ["leaf", node.rule, node.fact, *_test(test), _text(plain(value)), node.parameter]
    if isinstance(node, FixedNode):
        return ["fixed", node.parameter, node.reason]
    if isinstance(node, JunctionNode):
        return [node.kind, node.rule]
    assert isinstance(node, GateNode)
    return ["gate", node.rule, node.decides]


def _test(test: Test | None) -> list[Any]:
    return [test.op, _text(plain(test.value))] if test else []


def _text(value: object) -> Any:
    return value if isinstance(value, bool | int | str | list) else str(value)
