"""CLIPS on the same compiled rules: the peer that one case at a time is measured against."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import clips

from imgrules.engines import durable
from imgrules.rulebase.ir import FixedNode, Program, Segment, Values

_OPS = {"==": "eq", "!=": "neq", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class ClipsEngine:
    """Runs programs in CLIPS: a fact `(f (k key) (v value))`, one rule a literal and way to prove it."""

    def __init__(self) -> None:
        self._segments: WeakKeyDictionary[Segment, tuple[Any, set[str]]] = WeakKeyDictionary()
        self._keys: WeakKeyDictionary[Segment, set[str]] = WeakKeyDictionary()
        self._plans: WeakKeyDictionary[Segment, durable.Plan] = WeakKeyDictionary()

    def run(self, program: Program, values: Values) -> set[str]:
        """Every literal that is proved."""
        proved: set[str] = set()
        for segment in program.segments:
            environment, found = self._compiled(segment)
            found.clear()
            environment.reset()
            template = environment.find_template("f")
            for node in segment.nodes:
                if isinstance(node, FixedNode) and node.truth is not None:
                    proved.add(f"{node.id}{'+' if node.truth else '-'}")
            for key, value in self._facts(segment, values, proved).items():
                template.assert_fact(k=clips.Symbol(_symbol(key)), v=value)
            environment.run()
            proved |= {literal for literal in found if "--" not in literal}
        return proved

    def _facts(self, segment: Segment, values: Values, proved: set[str]) -> dict[str, int | str]:
        keys = self._keys[segment]
        return {
            **{k: v for k, v in self._plans[segment].encode(values).items() if k in keys},
            **dict.fromkeys(keys & proved, 1),
        }

    def _compiled(self, segment: Segment) -> tuple[Any, set[str]]:
        if segment not in self._segments:
            environment, found = clips.Environment(), set[str]()
            environment.define_function(lambda head: found.add(str(head)), "got")
            environment.build("(deftemplate f (slot k) (slot v))")
            keys: set[str] = set()
            for node in segment.nodes:
                for rule in durable.rules_of(node):
                    keys |= {key for key, _, _ in rule.antecedents}
                    environment.build(_rule(rule))
            self._segments[segment], self._keys[segment] = (environment, found), keys
            self._plans[segment] = durable.Plan(segment)
        return self._segments[segment]


def _rule(rule: Any) -> str:
    patterns = []
    for i, (key, op, value) in enumerate(rule.antecedents):
        literal = f'"{value}"' if isinstance(value, str) else value
        test = f" (v ?v{i}&:({_OPS[op]} ?v{i} {literal}))" if op else ""
        patterns.append(f"(f (k {_symbol(key)}){test})")
    head = _symbol(rule.head)
    return f"(defrule {_symbol(rule.name)} {' '.join(patterns)} => (assert (f (k {head}) (v 1))) (got {head}))"


def _symbol(key: str) -> str:
    """A key as a CLIPS symbol: no blanks, tildes or question marks."""
    return key.replace(" ", "_").replace("~", "--").replace("?", "m:")
