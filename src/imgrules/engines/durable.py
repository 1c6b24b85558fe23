"""The forward-chaining engine: durable-rules behind a fence inside which it is exact.

durable-rules 2.0.28 is frozen and has sharp edges: past certain sizes it hangs, crashes or loses conclusions. So nothing
of it is used but single facts `{k, v}` and rules over them, driven through its extension module without its host and
background threads, one short session a ruleset and case. The scheme:

- every leaf is decided by a rule of one antecedent in each polarity; every `all` and `any` by rules over literals only;
- a literal is a fact of its own, so the antecedents of a rule are always distinct facts;
- a segment's rules are cut into rulesets well below every limit, what one proves being asserted as facts in the next;
- limits are checked before the library is called, and crossing one is an `EngineError`.

Every firing is kept, with the facts that the engine says it matched: that is the proof.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from imgrules.engines.protocol import Derivation, Step
from imgrules.errors import EngineError
from imgrules.rulebase.ir import (
    FixedNode,
    GateNode,
    JunctionNode,
    LeafNode,
    Literal,
    Node,
    Program,
    Segment,
    Values,
    opposite,
)
from imgrules.rulebase.values import DECIMAL_PLACES

# Where the library still works, with room to spare. Its own limits: 511 tests at the root, 64 nodes waiting for one
# fact, 255 rules ending in one test, 16 antecedents, 4,096 rules a ruleset, integers of 63 bits.
MAX_ROOT_TESTS = 400
MAX_TESTS_OF_A_FACT = 48
MAX_RULES_ENDING_ALIKE = 200
MAX_ANTECEDENTS = 14
MAX_RULES = 3000
MAX_INTEGER = 2**62

_MATCHED = re.compile(r'"k":"([^"]*)"')
_BEGIN = "begin"
_SID = "1"
_SCALE = 10**DECIMAL_PLACES
_COMPARISONS = {"!=": "$neq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_HOW_TO_BUILD = (
    'durable-rules cannot be loaded ({error}). Reinstall it from source with CPPFLAGS="-O2 -DPyEval_CallObject=PyObject_CallObject" '
    "pip install --force-reinstall --no-cache-dir --no-binary :all: durable-rules==2.0.28 (needs a C compiler and the Python headers)."
)


def _fact(key: str) -> str:
    """A fact without a value of its own, as the engine reads it."""
    return f'{{"sid":"{_SID}","id":"{key}","k":"{key}","v":1}}'


def _library() -> Any:
    try:
        import durable_rules_engine
    except ImportError as error:
        raise EngineError(_HOW_TO_BUILD.format(error=error)) from None
    return durable_rules_engine


@dataclass(frozen=True, slots=True)
class _Rule:
    """One engine rule: what it proves, and its antecedents, each a key with an optional test of its value."""

    name: str
    head: str
    antecedents: tuple[tuple[str, str, int | str | None], ...]

    @property
    def last(self) -> tuple[str, str, int | str | None]:
        return self.antecedents[-1]


@dataclass
class _Ruleset:
    """Rules that fit into one engine ruleset, and the keys they listen to."""

    rules: list[_Rule] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    tests: dict[str, set[tuple[str, int | str | None]]] = field(default_factory=dict)
    endings: Counter[tuple[str, str, int | str | None]] = field(default_factory=Counter)

    def takes(self, rules: list[_Rule]) -> bool:
        """Whether these rules still fit, all of them."""
        antecedents = [part for rule in rules for part in rule.antecedents]
        new_keys = {key for key, _, _ in antecedents} - self.keys
        new_tests: dict[str, set[tuple[str, int | str | None]]] = {}
        for key, op, value in antecedents:
            if (op, value) not in self.tests.get(key, ()):
                new_tests.setdefault(key, set()).add((op, value))
        endings = Counter(rule.last for rule in rules)
        return (
            len(self.keys) + len(new_keys) <= MAX_ROOT_TESTS
            and len(self.rules) + len(rules) <= MAX_RULES
            and all(self.endings[last] + n <= MAX_RULES_ENDING_ALIKE for last, n in endings.items())
            and all(len(self.tests.get(key, ())) + len(new) <= MAX_TESTS_OF_A_FACT for key, new in new_tests.items())
        )

    def add(self, rules: Iterable[_Rule]) -> None:
        for rule in rules:
            self.rules.append(rule)
            self.endings[rule.last] += 1
            for key, op, value in rule.antecedents:
                self.keys.add(key)
                self.tests.setdefault(key, set()).add((op, value))


class _Compiled:
    """A ruleset created in the engine. The engine never frees one, so equal definitions are created once a process."""

    _by_definition: dict[str, _Compiled] = {}
    _creating = threading.Lock()

    def __init__(self, definition: str, keys: frozenset[str]) -> None:
        self.lock = threading.Lock()
        self.broken = False  # a run was cut off: its session may still hold facts, so it is never used again
        self.keys = keys
        self.engine = _library()
        self.definition = definition
        try:
            self.handle = self.engine.create_ruleset(f"r{len(self._by_definition)}", definition)
        except Exception as error:
            raise EngineError(
                f"The rule engine refused a ruleset: {error}. This is a defect of imgrules: please report it."
            ) from error

    @classmethod
    def of(cls, ruleset: _Ruleset) -> _Compiled:
        _guard(ruleset)
        rules: dict[str, Any] = {_BEGIN: {"all": [{"b": {"k": _BEGIN}}]}}
        for rule in ruleset.rules:
            rules[rule.name] = {"all": [{f"a{i}": _antecedent(*part)} for i, part in enumerate(rule.antecedents)]}
        definition = json.dumps(rules)
        with cls._creating:
            found = cls._by_definition.get(definition)
            if found is None or found.broken_for_good:
                cls._by_definition[definition] = cls(definition, frozenset(ruleset.keys))
            return cls._by_definition[definition]

    @property
    def broken_for_good(self) -> bool:
        """Whether an earlier run was cut off. Waits for one that is still under way, in which nothing has gone wrong yet."""
        with self.lock:
            return self.broken

    def run(self, facts: Mapping[str, int | str]) -> list[tuple[str, list[str]]]:
        """Every firing: the rule's name and the keys of the facts it matched. One session at a time, always deleted."""
        firings: list[tuple[str, list[str]]] = []
        engine, handle = self.engine, self.handle
        with self.lock:
            started, self.broken = False, True
            try:
                messages = [{"sid": _SID, "id": k, "k": k, "v": v} for k, v in facts.items()]
                if messages:
                    engine.assert_facts(handle, json.dumps(messages, separators=(",", ":")))
                _, state = engine.assert_fact(handle, _fact(_BEGIN))
                found = engine.start_action_for_state(handle, state)
                started = True
                message = found[1] if found else None
                known: set[str] = set()
                while message:
                    name = message[2 : message.index('"', 2)]
                    if name != _BEGIN:
                        firings.append((name, _MATCHED.findall(message)))
                        head = name.partition(".")[0]
                        if head not in known:
                            known.add(head)
                            if head in self.keys:
                                engine.assert_fact(handle, _fact(head))
                    message = engine.complete_and_start_action(handle, state)
                self.broken = False
                return firings
            except EngineError:
                raise
            except Exception as error:
                raise EngineError(
                    f"The rule engine failed: {error}. This is a defect of imgrules: please report it."
                ) from error
            finally:
                if started:
                    engine.delete_state(handle, _SID)


class DurableEngine:
    """Runs programs on durable-rules. Segments are compiled once and remembered as long as they live."""

    def __init__(self) -> None:
        self._plans: WeakKeyDictionary[Segment, Plan] = WeakKeyDictionary()

    def run(self, program: Program, values: Values) -> Derivation:
        """Everything that follows, with every proof. `EngineError` if a value or the program is beyond the engine."""
        steps: dict[str, list[Step]] = {}
        for segment in program.segments:
            plan = self._plan(segment)
            steps |= plan.axioms
            facts = plan.encode(values)
            for compiled in plan.rulesets:
                given = {key: facts[key] for key in compiled.keys & facts.keys()}
                given |= dict.fromkeys(compiled.keys & steps.keys(), 1)
                for name, keys in compiled.run(given):
                    step = Step(name, tuple([plan.facts.get(key, key) for key in keys]))
                    steps.setdefault(name.partition(".")[0], []).append(step)
        return _derivation(steps)

    def _plan(self, segment: Segment) -> Plan:
        plan = self._plans.get(segment)
        if plan is None or any(ruleset.broken_for_good for ruleset in plan.rulesets):
            self._plans[segment] = Plan(segment)
        return self._plans[segment]


class Plan:
    """What running a segment takes, worked out once: its rulesets, what holds without facts, and which facts it reads."""

    def __init__(self, segment: Segment) -> None:
        fixed = [n for n in segment.nodes if isinstance(n, FixedNode) and n.truth is not None]
        self.axioms = {f"{n.id}{'+' if n.truth else '-'}": [Step(n.id, ())] for n in fixed}
        leaves = [n for n in segment.nodes if isinstance(n, LeafNode)]
        self.plain = sorted({n.fact for n in leaves if _is_plain(n)})
        self.members = [n for n in leaves if not _is_plain(n)]
        self.facts = {f"={name}": f"fact:{name}" for name in self.plain}
        self.facts |= {f"?{n.id}": f"fact:{n.fact}" for n in self.members}
        self.rulesets = [_Compiled.of(ruleset) for ruleset in _rulesets(segment.nodes)]

    def encode(self, values: Values) -> dict[str, int | str]:
        """The facts the segment reads. What is unknown is not asserted."""
        facts = {f"={name}": encode(value) for name in self.plain if (value := values.get(name)) is not None}
        for node in self.members:
            if (value := values.get(node.fact)) is None:
                continue
            if node.proves and node.proves.holds(value):
                facts[f"?{node.id}"] = 1
            elif node.refutes and node.refutes.holds(value):
                facts[f"?{node.id}"] = 0
        return facts


# compiling ----------------------------------------------------------------------------------------------------------


def _rulesets(nodes: Iterable[Node]) -> list[_Ruleset]:
    """The rules of the nodes, cut into rulesets within the limits. The rules of one node stay together."""
    found: list[_Ruleset] = []
    for node in nodes:
        rules = list(rules_of(node))
        if not rules:
            continue
        if not found or not found[-1].takes(rules):
            found.append(_Ruleset())
            if not found[-1].takes(rules):
                raise EngineError(
                    f"The condition {node.id} is too large for the rule engine. Split the rule into smaller findings."
                )
        found[-1].add(rules)
    return found


def rules_of(node: Node) -> Iterator[_Rule]:
    """The engine rules that decide a node, in each polarity."""
    if isinstance(node, LeafNode):
        yield from _leaf_rules(node)
    elif isinstance(node, GateNode):
        for side, sign, part in (("met", "+", node.part), ("not_met", "-", opposite(node.part))):
            if node.decides in (side, "both"):
                yield _Rule(f"{node.id}{sign}.0", f"{node.id}{sign}", ((part, "", None),))
    elif isinstance(node, JunctionNode):
        together, each = ("+", "-") if node.kind == "all" else ("-", "+")
        parts = node.parts if node.kind == "all" else tuple(map(opposite, node.parts))
        yield from _conjunction(f"{node.id}{together}", parts)
        for i, part in enumerate(node.parts):
            literal = opposite(part) if node.kind == "all" else part
            yield _Rule(f"{node.id}{each}.{i}", f"{node.id}{each}", ((literal, "", None),))


def _conjunction(head: str, parts: tuple[Literal, ...]) -> Iterator[_Rule]:
    """One rule, or where it is too wide a tree of rules whose inner heads (`n1+~0`) nobody sees."""
    level, depth = list(parts), 0
    while len(level) > MAX_ANTECEDENTS:
        groups = [level[i : i + MAX_ANTECEDENTS] for i in range(0, len(level), MAX_ANTECEDENTS)]
        level = []
        for i, group in enumerate(groups):
            inner = f"{head}~{depth}_{i}"
            yield _Rule(f"{inner}.0", inner, tuple((part, "", None) for part in group))
            level.append(inner)
        depth += 1
    yield _Rule(f"{head}.0", head, tuple((part, "", None) for part in level))


def _is_plain(node: LeafNode) -> bool:
    """Whether the engine itself compares the value; membership in sets is decided when facts are encoded."""
    tests = [t for t in (node.proves, node.refutes) if t]
    return all(t.op in _COMPARISONS or t.op == "==" for t in tests)


def _leaf_rules(node: LeafNode) -> Iterator[_Rule]:
    for sign, test, member in (("+", node.proves, 1), ("-", node.refutes, 0)):
        if test is None:
            continue
        antecedent = (
            (f"={node.fact}", test.op, encode(test.value)) if _is_plain(node) else (f"?{node.id}", "==", member)
        )
        yield _Rule(f"{node.id}{sign}.0", f"{node.id}{sign}", (antecedent,))


def _antecedent(key: str, op: str, value: int | str | None) -> dict[str, Any]:
    if not op:
        return {"k": key}
    test = {"v": value} if op == "==" else {_COMPARISONS[op]: {"v": value}}
    return {"$and": [{"k": key}, test]}


def _guard(ruleset: _Ruleset) -> None:
    """The engine knows facts and strings by a 32-bit hash: two that share one would be the same to it."""
    hashes: dict[int, str] = {}
    texts = ruleset.keys | {rule.head for rule in ruleset.rules} | {_BEGIN}
    texts |= {v for found in ruleset.tests.values() for _, v in found if isinstance(v, str)}
    for text in sorted(texts):
        other = hashes.setdefault(_fnv(text), text)
        if other != text:
            raise EngineError(f"{text} and {other} look the same to the rule engine. Rename one of them.")
        if re.search(r'["\\\\\x00-\x1f]', text):
            raise EngineError(f"{text!r} has a character that the rule engine cannot hold. Rename it.")
    for rule in ruleset.rules:
        if len(rule.antecedents) > MAX_ANTECEDENTS or len(set(rule.antecedents)) < len(rule.antecedents):
            raise EngineError(
                f"The rule {rule.name} is outside what the rule engine can do. Split it into smaller findings."
            )


def _fnv(text: str) -> int:
    found = 0x811C9DC5
    for byte in text.encode():
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return found


# facts --------------------------------------------------------------------------------------------------------------


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


def _derivation(steps: Mapping[str, list[Step]]) -> Derivation:
    """The proof in terms of the program: alternatives in rulebase order, inner heads of wide rules spelled out."""
    inner = {head for head in steps if "~" in head}
    proved: dict[Literal, tuple[Step, ...]] = {}
    for literal, found in steps.items():
        if literal in inner:
            continue
        if len(found) > 1:
            found = sorted(found, key=lambda step: int(step.rule.rpartition(".")[2]))
        if inner:
            found = [Step(s.rule, tuple(_spelled_out(s.premises, steps, inner))) for s in found]
        proved[literal] = tuple(found)
        if literal[-1] == "-" and opposite(literal) in steps:
            raise EngineError(
                f"The rule engine proved both sides of {literal[:-1]}. This is a defect of imgrules: please report it."
            )
    return Derivation(proved)


def _spelled_out(premises: Iterable[str], steps: Mapping[str, list[Step]], inner: set[str]) -> Iterator[str]:
    for premise in premises:
        if premise in inner:
            yield from _spelled_out(steps[premise][0].premises, steps, inner)
        else:
            yield premise
