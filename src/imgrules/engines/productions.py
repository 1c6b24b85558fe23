"""What the forward-chaining engine is given: the rules that decide each node, cut into rulesets it can hold.

A node is decided by rules of its own, in each polarity, over single facts `{k, v}`. Rules with the same antecedents
become one *production* with several conclusions: it fires once and proves them all, from the facts that it matched.
Productions are cut, in an order in which each leans only on earlier ones, into rulesets well below every limit of the
library, and much smaller still: what a session costs grows with the antecedents of its ruleset, and a ruleset of which
no input is known need not be run. Limits are checked here, before the library is called.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from imgrules.errors import EngineError
from imgrules.rulebase.ir import GateNode, JunctionNode, LeafNode, Literal, Node, opposite
from imgrules.rulebase.values import DECIMAL_PLACES

# Where the library still works, with room to spare. Its own limits: 511 tests at the root, 64 nodes waiting for one
# fact, 255 rules ending in one test, 16 antecedents, 4,096 rules a ruleset, integers of 63 bits.
MAX_ROOT_TESTS = 400
MAX_TESTS_OF_A_FACT = 48
MAX_RULES_ENDING_ALIKE = 200
MAX_ANTECEDENTS = 14
MAX_RULES = 3000
MAX_INTEGER = 2**62
# Antecedents of a ruleset, one production more or less: where a session is cheapest (`make bench`).
COMFORTABLE = 48

BEGIN = "begin"
_SCALE = 10**DECIMAL_PLACES
_COMPARISONS = {"!=": "$neq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_UNFIT = re.compile(r'["\\\x00-\x1f]')

Antecedent: TypeAlias = "tuple[str, str, int | str | None]"  # a key, and an optional test of its value


@dataclass(frozen=True, slots=True)
class Rule:
    """What proves a literal: the rule's name, its head, and its antecedents."""

    name: str
    head: str
    antecedents: tuple[Antecedent, ...]


@dataclass(frozen=True, slots=True)
class Production:
    """One engine rule: antecedents, and the rules that have exactly these."""

    antecedents: tuple[Antecedent, ...]
    rules: tuple[Rule, ...]


@dataclass
class Ruleset:
    """Productions that fit into one engine ruleset, and the keys they listen to."""

    productions: list[Production] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    tests: dict[str, set[tuple[str, int | str | None]]] = field(default_factory=dict)
    endings: Counter[Antecedent] = field(default_factory=Counter)
    size: int = 0

    def takes(self, production: Production) -> bool:
        """Whether a production still fits."""
        new = {part[0] for part in production.antecedents} - self.keys
        return (
            self.size < COMFORTABLE
            and len(self.productions) < MAX_RULES
            and len(self.keys) + len(new) <= MAX_ROOT_TESTS
            and self.endings[production.antecedents[-1]] < MAX_RULES_ENDING_ALIKE
            and all(len(self.tests.get(key, ())) < MAX_TESTS_OF_A_FACT for key, _, _ in production.antecedents)
        )

    def add(self, production: Production) -> None:
        """Take a production that fits."""
        self.productions.append(production)
        self.endings[production.antecedents[-1]] += 1
        self.size += len(production.antecedents)
        for key, op, value in production.antecedents:
            self.keys.add(key)
            self.tests.setdefault(key, set()).add((op, value))

    def definition(self) -> str:
        """The ruleset as the library reads it; `EngineError` where it is beyond the library."""
        self._guard()
        rules: dict[str, Any] = {BEGIN: {"all": [{"b": {"k": BEGIN}}]}}
        for n, production in enumerate(self.productions):
            rules[str(n)] = {"all": [{f"a{i}": _test(*part)} for i, part in enumerate(production.antecedents)]}
        return json.dumps(rules, separators=(",", ":"))

    def _guard(self) -> None:
        """The engine knows facts and strings by a 32-bit hash: two that share one would be the same to it."""
        hashes: dict[int, str] = {}
        texts = self.keys | {rule.head for production in self.productions for rule in production.rules} | {BEGIN}
        texts |= {v for found in self.tests.values() for _, v in found if isinstance(v, str)}
        for text in sorted(texts):
            other = hashes.setdefault(_fnv(text), text)
            if other != text:
                raise EngineError(f"{text} and {other} look the same to the rule engine. Rename one of them.")
            if _UNFIT.search(text):
                raise EngineError(f"{text!r} has a character that the rule engine cannot hold. Rename it.")
        for production in self.productions:
            parts = production.antecedents
            if len(parts) > MAX_ANTECEDENTS or len(set(parts)) < len(parts):
                name = production.rules[0].name
                raise EngineError(
                    f"The rule {name} is outside what the rule engine can do. Split it into smaller findings."
                )


def rulesets(nodes: Iterable[Node]) -> Iterator[Ruleset]:
    """The rules of the nodes, cut into rulesets. What proves a literal stands nowhere after what listens to it."""
    current = Ruleset()
    for production in _productions(nodes):
        if not current.takes(production):
            yield current
            current = Ruleset()
        current.add(production)
    if current.productions:
        yield current


def _productions(nodes: Iterable[Node]) -> Iterator[Production]:
    """The rules of the nodes, those with the same antecedents together, where the first of them stands."""
    grouped: dict[tuple[Antecedent, ...], list[Rule]] = {}
    for node in nodes:
        for rule in rules_of(node):
            grouped.setdefault(rule.antecedents, []).append(rule)
    return (Production(antecedents, tuple(rules)) for antecedents, rules in grouped.items())


def rules_of(node: Node) -> Iterator[Rule]:
    """The rules that decide a node, in each polarity."""
    if isinstance(node, LeafNode):
        yield from _leaf_rules(node)
    elif isinstance(node, GateNode):
        for side, sign, part in (("met", "+", node.part), ("not_met", "-", opposite(node.part))):
            if node.decides in (side, "both"):
                yield Rule(f"{node.id}{sign}.0", f"{node.id}{sign}", ((part, "", None),))
    elif isinstance(node, JunctionNode):
        together, each = ("+", "-") if node.kind == "all" else ("-", "+")
        parts = node.parts if node.kind == "all" else tuple(map(opposite, node.parts))
        yield from _conjunction(f"{node.id}{together}", parts)
        for i, part in enumerate(node.parts):
            literal = opposite(part) if node.kind == "all" else part
            yield Rule(f"{node.id}{each}.{i}", f"{node.id}{each}", ((literal, "", None),))


def _conjunction(head: str, parts: tuple[Literal, ...]) -> Iterator[Rule]:
    """One rule, or where it is too wide a tree of rules whose inner heads (`n1+~0`) nobody sees."""
    level, depth = list(parts), 0
    while len(level) > MAX_ANTECEDENTS:
        groups = [level[i : i + MAX_ANTECEDENTS] for i in range(0, len(level), MAX_ANTECEDENTS)]
        level = []
        for i, group in enumerate(groups):
            inner = f"{head}~{depth}_{i}"
            yield Rule(f"{inner}.0", inner, tuple((part, "", None) for part in group))
            level.append(inner)
        depth += 1
    yield Rule(f"{head}.0", head, tuple((part, "", None) for part in level))


def is_plain(node: LeafNode) -> bool:
    """Whether the engine itself compares the value; membership in sets is decided when facts are encoded."""
    tests = [t for t in (node.proves, node.refutes) if t]
    return all(t.op in _COMPARISONS or t.op == "==" for t in tests)


def _leaf_rules(node: LeafNode) -> Iterator[Rule]:
    for sign, test, member in (("+", node.proves, 1), ("-", node.refutes, 0)):
        if test is None:
            continue
        antecedent: Antecedent = (
            (f"={node.fact}", test.op, encode(test.value)) if is_plain(node) else (f"?{node.id}", "==", member)
        )
        yield Rule(f"{node.id}{sign}.0", f"{node.id}{sign}", (antecedent,))


def _test(key: str, op: str, value: int | str | None) -> dict[str, Any]:
    if not op:
        return {"k": key}
    test = {"v": value} if op == "==" else {_COMPARISONS[op]: {"v": value}}
    return {"$and": [{"k": key}, test]}


def _fnv(text: str) -> int:
    found = 0x811C9DC5
    for byte in text.encode():
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return found


def encode(value: Any) -> int | str:
    """A value as the engine takes it: text, or an integer. Numbers are scaled alike, so that 2 and 2.0 are the same."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.toordinal()
    if isinstance(value, int | Decimal):
        scaled = int(value * _SCALE)
        if abs(scaled) < MAX_INTEGER:
            return scaled
    raise EngineError(f"{value!r} is beyond what the rule engine can hold. Check the fact's range.")
