"""The forward-chaining engine: durable-rules behind a fence inside which it is exact.

durable-rules 2.0.28 is frozen and has sharp edges: past certain sizes it hangs, crashes or loses conclusions. So nothing
of it is used but single facts `{k, v}` and rules over them, driven through its extension module without its host and
background threads, one short session a ruleset and case. The scheme:

- every leaf is decided by a rule of one antecedent in each polarity; every `all` and `any` by rules over literals only;
- a literal is a fact of its own, so the antecedents of a rule are always distinct facts;
- a segment's rules are cut into rulesets well below every limit (`productions`), what one proves being asserted as facts
  in the next; a ruleset none of whose inputs is known is not run, since every rule needs at least one fact;
- limits are checked before the library is called, and crossing one is an `EngineError`.

Every firing is kept, with the facts that the engine says it matched: that is the proof. What a ruleset gave for exactly
the same facts is remembered: a session starts empty, so the same facts always give the same firings.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from imgrules.engines.productions import BEGIN, Ruleset, encode, is_plain, rules_of, rulesets
from imgrules.engines.protocol import Derivation, Step
from imgrules.errors import EngineError
from imgrules.rulebase.ir import FixedNode, LeafNode, Literal, Program, Segment, Values, opposite

Facts: TypeAlias = "frozenset[tuple[str, int | str]]"
Firings: TypeAlias = "tuple[tuple[Literal, Step], ...]"

# Runs of single rulesets that an engine remembers: those of some hundred cases, about twenty megabytes.
REMEMBERED = 8192

_MATCHED = re.compile(r'"k":"([^"]*)"')
_SID = "1"
_HOW_TO_BUILD = (
    'durable-rules cannot be loaded ({error}). Reinstall it from source with CPPFLAGS="-O2 -DPyEval_CallObject=PyObject_CallObject" '
    "pip install --force-reinstall --no-cache-dir --no-binary :all: durable-rules==2.0.28 (needs a C compiler and the Python headers)."
)


def _fact(key: str, value: int | str = 1) -> str:
    """A fact as the engine reads it; a literal has no value of its own."""
    written = value if isinstance(value, int) else json.dumps(value)
    return f'{{"sid":"{_SID}","id":"{key}","k":"{key}","v":{written}}}'


def _library() -> Any:
    try:
        import durable_rules_engine
    except ImportError as error:
        raise EngineError(_HOW_TO_BUILD.format(error=error)) from None
    return durable_rules_engine


class _Compiled:
    """A ruleset created in the engine. The engine never frees one, so equal definitions are created once a process."""

    _by_definition: dict[str, _Compiled] = {}
    _creating = threading.Lock()

    def __init__(self, definition: str) -> None:
        self.lock = threading.Lock()
        self.broken = False  # a run was cut off: its session may still hold facts, so it is never used again
        self.engine = _library()
        try:
            self.handle = self.engine.create_ruleset(f"r{len(self._by_definition)}", definition)
        except Exception as error:
            raise EngineError(
                f"The rule engine refused a ruleset: {error}. This is a defect of imgrules: please report it."
            ) from error

    @classmethod
    def of(cls, definition: str) -> _Compiled:
        with cls._creating:
            found = cls._by_definition.get(definition)
            if found is None or found.broken_for_good:
                cls._by_definition[definition] = cls(definition)
            return cls._by_definition[definition]

    @property
    def broken_for_good(self) -> bool:
        """Whether an earlier run was cut off. Waits for one that is still under way, in which nothing has gone wrong yet."""
        with self.lock:
            return self.broken

    def run(self, facts: Facts, heads: list[list[str]]) -> list[tuple[int, list[str]]]:
        """Every firing: the number of the production, and the keys of the facts it matched.

        What a production concludes that others listen to (`heads`) is asserted at once. One session at a time, always deleted.
        """
        firings: list[tuple[int, list[str]]] = []
        engine, handle = self.engine, self.handle
        with self.lock:
            started, self.broken = False, True
            try:
                engine.assert_facts(handle, f"[{','.join([_fact(key, value) for key, value in sorted(facts)])}]")
                _, state = engine.assert_fact(handle, _fact(BEGIN))
                found = engine.start_action_for_state(handle, state)
                started = True
                message = found[1] if found else None
                known = {key for key, _ in facts}
                while message:
                    name = message[2 : message.index('"', 2)]
                    if name != BEGIN:
                        number = int(name)
                        firings.append((number, _MATCHED.findall(message)))
                        for head in heads[number]:
                            if head not in known:
                                known.add(head)
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


class Stage:
    """One ruleset of a plan: what it listens to, and what its firings mean. Created in the engine when first run."""

    def __init__(self, ruleset: Ruleset, facts: Mapping[str, str]) -> None:
        self.definition = ruleset.definition()
        self.keys = frozenset(ruleset.keys)
        self.facts = {key: facts[key] for key in ruleset.keys & facts.keys()}
        self.rules = [[(rule.head, rule.name) for rule in production.rules] for production in ruleset.productions]
        self.heads = [[head for head, _ in rules if head in self.keys] for rules in self.rules]
        self.compiled: _Compiled | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "compiled": None}

    def fire(self, given: Facts) -> Firings:
        """What the engine concludes from exactly these facts: each literal proved, with the firing that proved it."""
        if self.compiled is None or self.compiled.broken_for_good:
            self.compiled = _Compiled.of(self.definition)
        found: list[tuple[Literal, Step]] = []
        for number, matched in self.compiled.run(given, self.heads):
            premises = tuple([self.facts.get(key, key) for key in matched])
            found += [(head, Step(name, premises)) for head, name in self.rules[number]]
        return tuple(found)


class DurableEngine:
    """Runs programs on durable-rules. Segments are compiled once and remembered as long as they live.

    `remember` bounds how many runs of single rulesets are remembered with the facts they were given; 0: none.
    """

    def __init__(self, remember: int = REMEMBERED) -> None:
        self._plans: WeakKeyDictionary[Segment, Plan] = WeakKeyDictionary()
        self._fire = lru_cache(remember)(Stage.fire)

    def run(self, program: Program, values: Values) -> Derivation:
        """Everything that follows, with every proof. `EngineError` if a value or the program is beyond the engine."""
        steps: dict[str, list[Step]] = {}
        for segment in program.segments:
            plan = self.plan(segment)
            steps |= {literal: list(found) for literal, found in plan.axioms.items()}
            given: list[list[tuple[str, int | str]]] = [[] for _ in plan.stages]
            facts = plan.encode(values)
            for fact in (*facts.items(), *[(key, 1) for key in plan.outside & steps.keys()]):
                for i in plan.listeners.get(fact[0], ()):
                    given[i].append(fact)
            for stage, known in zip(plan.stages, given, strict=True):
                for head, step in self._fire(stage, frozenset(known)) if known else ():
                    if head in steps:
                        steps[head].append(step)
                        continue
                    steps[head] = [step]
                    for i in plan.listeners.get(head, ()):
                        given[i].append((head, 1))
        return _derivation(steps)

    def plan(self, segment: Segment) -> Plan:
        """What running a segment takes."""
        plan = self._plans.get(segment)
        if plan is None:
            plan = self._plans[segment] = Plan(segment)
        return plan

    def adopt(self, segment: Segment, plan: Plan) -> None:
        """Take a segment's plan from an earlier start of the program."""
        self._plans[segment] = plan

    def forget(self) -> None:
        """Drop what was remembered of earlier runs, to measure what a run costs."""
        self._fire.cache_clear()


class Plan:
    """What running a segment takes, worked out once: its rulesets, what holds without facts, and which facts it reads."""

    def __init__(self, segment: Segment) -> None:
        fixed = [n for n in segment.nodes if isinstance(n, FixedNode) and n.truth is not None]
        self.axioms = {f"{n.id}{'+' if n.truth else '-'}": [Step(n.id, ())] for n in fixed}
        leaves = [n for n in segment.nodes if isinstance(n, LeafNode)]
        self.plain = sorted({n.fact for n in leaves if is_plain(n)})
        self.members = [n for n in leaves if not is_plain(n)]
        facts = {f"={name}": f"fact:{name}" for name in self.plain}
        facts |= {f"?{n.id}": f"fact:{n.fact}" for n in self.members}
        self.stages = [Stage(ruleset, facts) for ruleset in rulesets(segment.nodes)]
        self.listeners: dict[str, list[int]] = {}
        for i, stage in enumerate(self.stages):
            for key in sorted(stage.keys):
                self.listeners.setdefault(key, []).append(i)
        heads = {head for stage in self.stages for rules in stage.rules for head, _ in rules}
        self.outside = frozenset(self.listeners.keys() - heads - facts.keys())

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


def _derivation(steps: Mapping[str, list[Step]]) -> Derivation:
    """The proof in terms of the program: alternatives in rulebase order, inner heads of wide rules spelled out."""
    inner = {head for head in steps if "~" in head}
    wide = {head.partition("~")[0] for head in inner}
    proved: dict[Literal, tuple[Step, ...]] = {}
    for literal, found in steps.items():
        if literal in inner:
            continue
        if len(found) > 1:
            found = sorted(found, key=lambda step: int(step.rule.rpartition(".")[2]))
        if literal in wide:
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


__all__ = ["REMEMBERED", "DurableEngine", "Plan", "Stage", "encode", "rules_of"]
