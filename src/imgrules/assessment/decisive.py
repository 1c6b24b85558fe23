"""What decided what in a case: masking MC/DC over three truths.

A condition is decisive for its truth in a case if the rule it belongs to would come to something else had the condition
been the other way round, all others staying as they are. Its parts are judged likewise, each within the whole. A
requirement is decisive if some route that needs it would have another status or outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from imgrules.assessment.assess import values_of
from imgrules.assessment.case import Case
from imgrules.assessment.probes import PREFIX, Probe
from imgrules.assessment.result import Status
from imgrules.engines.reference import literal_truth, truths
from imgrules.rulebase.grammar import Condition, Leaf
from imgrules.rulebase.ir import (
    FixedNode,
    GateNode,
    GroundRule,
    JunctionNode,
    LeafNode,
    Literal,
    Node,
    Program,
    node_of,
)
from imgrules.rulebase.rulebase import Rulebase

Truth: TypeAlias = bool | None
FIELDS = {
    "requirements": ("applies_when", "met_when", "excused_when"),
    "findings": ("when",),
    "excuses": ("when",),
    "routes": ("applies_when",),
}
_ALLOWED = {"both": (True, False), "met": (True,), "not_met": (False,), "nothing": ()}


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A condition of a rule file or a part of one, with its own parts, each of which can be asked in a program."""

    probe: Probe
    parts: tuple[Part, ...]

    @property
    def condition(self) -> Condition:
        """What is written."""
        return self.probe.condition

    def all(self) -> Iterator[Part]:
        """The condition and everything within it."""
        yield self
        for part in self.parts:
            yield from part.all()


def conditions(rulebase: Rulebase) -> list[Part]:
    """Every condition that makes up a requirement, finding or excuse, or says to whom a route applies."""
    numbers = iter(range(10**9))

    def part(entry: object, field: str, condition: Condition) -> Part:
        inner = () if isinstance(condition, Leaf) else condition.parts
        number = next(numbers)
        return Part(Probe(number, entry, field, condition), tuple(part(entry, field, c) for c in inner))  # type: ignore[arg-type]

    return [
        part(entry, field, entry.conditions[field])
        for entry in rulebase.rules.values()
        for field in FIELDS[entry.section]
        if field in entry.conditions
    ]


class Reach:
    """What each literal of a program can be at all: never true where nothing could prove it, whatever the applicant."""

    def __init__(self, program: Program) -> None:
        self._can: dict[str, tuple[bool, bool, bool]] = {}
        for node in program.nodes.values():
            self._can[node.id] = self._of(node)

    def sides(self, literal: Literal) -> set[bool]:
        """The truths that facts can give a literal; none where no fact is looked at."""
        true, false, factual = self._signed(literal)
        return {side for side, can in ((True, true), (False, false)) if can and factual}

    def possible(self, literal: Literal) -> set[bool]:
        """The truths that a literal can have, whether facts decide it or the rules alone."""
        true, false, _ = self._signed(literal)
        return {side for side, can in ((True, true), (False, false)) if can}

    def _signed(self, literal: Literal) -> tuple[bool, bool, bool]:
        true, false, factual = self._can[node_of(literal)]
        return (true, false, factual) if literal[-1] == "+" else (false, true, factual)

    def _of(self, node: Node) -> tuple[bool, bool, bool]:
        if isinstance(node, LeafNode):
            return node.proves is not None, node.refutes is not None, True
        if isinstance(node, FixedNode):
            return node.truth is True, node.truth is False, False
        if isinstance(node, GateNode):
            true, false, factual = self._signed(node.part)
            return true and True in _ALLOWED[node.decides], false and False in _ALLOWED[node.decides], factual
        assert isinstance(node, JunctionNode)
        parts = [self._signed(part) for part in node.parts]
        every, some = (0, 1) if node.kind == "all" else (1, 0)
        can = {every: all(p[every] for p in parts), some: any(p[some] for p in parts)}
        return can[0], can[1], any(p[2] for p in parts)


class Judged:
    """One case on the plain evaluator, and what was decisive in it."""

    def __init__(self, program: Program, case: Case) -> None:
        self.program = program
        self.found = truths(program, values_of(case, program))
        self.rules = {name: rule for name, rule in program.rules.items() if not name.startswith(PREFIX)}

    def truth(self, literal: Literal) -> Truth:
        """The truth of a literal in this case."""
        return literal_truth(literal, self.found)

    # conditions -----------------------------------------------------------------------------------------------------

    def decisive(self, conditions: Mapping[int, Mapping[str, Part]]) -> Iterator[tuple[Part, bool, Literal]]:
        """Every part of a condition that was decisive, with its truth and literal; `conditions` by entry and field."""
        for rule in self.rules.values():
            for field, part in conditions.get(id(rule.entry), {}).items() if rule.in_force else ():
                yield from self._weigh(part, rule.scope, self._outcome_if(rule, field))

    def _literal(self, part: Part, scope: str | None) -> Literal:
        return self.program.rules[part.probe.grounded(scope)].literal

    def _weigh(
        self, part: Part, scope: str | None, outcome_if: Callable[[Truth], object]
    ) -> Iterator[tuple[Part, bool, Literal]]:
        if outcome_if(True) == outcome_if(False) == outcome_if(None):
            return
        literal = self._literal(part, scope)
        truth = self.truth(literal)
        if truth is not None and outcome_if(truth) != outcome_if(not truth):
            yield part, truth, literal
        beside = [self.truth(self._literal(inner, scope)) for inner in part.parts]
        for i, inner in enumerate(part.parts):

            def with_inner(truth: Truth, i: int = i) -> object:
                return outcome_if(_together(part.condition, [*beside[:i], truth, *beside[i + 1 :]]))

            yield from self._weigh(inner, scope, with_inner)

    def _outcome_if(self, rule: GroundRule, field: str) -> Callable[[Truth], object]:
        """What a rule would come to if one of its conditions had a given truth."""
        if rule.entry.section == "routes":
            return lambda truth: truth
        allowed = _ALLOWED[rule.entry.model.decides]
        if rule.entry.section != "requirements":
            return lambda truth: truth if truth in allowed else None
        applies = None if rule.applies is None else self.truth(rule.applies)
        parts: dict[object, Truth] = {"applies_when": None if applies is None else not applies}
        if rule.applies is None:
            parts["applies_when"] = False
        parts["met_when"] = None if rule.met is None else self.truth(rule.met)
        parts |= {i: self.truth(literal) for i, literal in enumerate(rule.excused)}
        slot = 0 if field == "excused_when" else field

        def outcome(truth: Truth) -> Truth:
            if field == "applies_when":
                truth = None if truth is None else not truth
            elif field == "met_when":
                truth = truth if truth in allowed else None
            return any_of([*(t for key, t in parts.items() if key != slot), truth])

        return outcome

    # requirements ---------------------------------------------------------------------------------------------------

    def decisive_requirements(self) -> Iterator[tuple[GroundRule, bool]]:
        """Every requirement that applies and was decisive for a route in force, with its outcome (True: met)."""
        for route in self.rules.values():
            if route.entry.section != "routes" or not route.in_force:
                continue
            before = self.standing(route)
            for name in self.needs(route):
                need = self.rules[name]
                truth = self.truth(need.literal)
                if truth is not None and self._applies(need) is not False and self.standing(route, name) != before:
                    yield need, truth

    def needs(self, route: GroundRule) -> list[str]:
        """Every requirement of a route, those of the routes it needs in their place."""
        return list(dict.fromkeys(self._needs(route)))

    def _needs(self, route: GroundRule) -> Iterator[str]:
        for name in route.needs:
            if self.rules[name].entry.section == "routes":
                yield from self._needs(self.rules[name])
            else:
                yield name

    def standing(self, route: GroundRule, turned: str | None = None) -> tuple[Status, Truth]:
        """Status and outcome of a route, as assessments give them, perhaps with one requirement turned round."""
        outcome = self._outcome(route, turned)
        return self._status(route, turned, outcome), outcome

    def _outcome(self, rule: GroundRule, turned: str | None) -> Truth:
        truth = self.truth(rule.literal)
        if turned is None or rule.entry.section != "routes":
            return not truth if rule.name == turned and truth is not None else truth
        needed = {self.rules[name].literal for name in rule.needs}
        others = [self.truth(part) for part in self._parts[rule.name] if part not in needed]
        return all_of([*others, *(self._outcome(self.rules[name], turned) for name in rule.needs)])

    @cached_property
    def _parts(self) -> dict[str, tuple[Literal, ...]]:
        found = {}
        for rule in self.rules.values():
            node = self.program.nodes[node_of(rule.literal)]
            found[rule.name] = node.parts if isinstance(node, JunctionNode) else (getattr(node, "part", rule.literal),)
        return found

    def _applies(self, rule: GroundRule) -> Truth:
        return rule.in_force and (rule.applies is None or self.truth(rule.applies))

    def _status(self, route: GroundRule, turned: str | None, outcome: Truth) -> Status:
        """The table of statuses in the rule format; what assessments say is held to be the same by tests."""
        applies = self._applies(route)
        if not applies:
            return Status.UNDETERMINED if applies is None else Status.NOT_APPLICABLE
        needs = {name: self._outcome(self.rules[name], turned) for name in self.needs(route)}
        inner = [self.rules[name] for name in route.needs if self.rules[name].entry.section == "routes"]
        missing = [name for name, truth in needs.items() if truth is False]
        barred = any(self.rules[name].entry.model.blocker == "permanent" for name in missing)
        if barred or any(not rule.in_force for rule in inner):
            return Status.CLOSED
        if outcome is True:
            return Status.OPEN
        if any(self._applies(rule) is False for rule in inner):
            return Status.NOT_APPLICABLE
        undecided = None in needs.values() or any(self._applies(rule) is None for rule in inner)
        return Status.UNDETERMINED if undecided or not missing else Status.REACHABLE


def any_of(parts: Sequence[Truth]) -> Truth:
    """Kleene disjunction."""
    return True if True in parts else None if None in parts else False


def all_of(parts: Sequence[Truth]) -> Truth:
    """Kleene conjunction."""
    return False if False in parts else None if None in parts else True


def _together(condition: Condition, parts: Sequence[Truth]) -> Truth:
    """What a group comes to, given its parts."""
    assert not isinstance(condition, Leaf)
    if condition.kind == "not":
        return None if parts[0] is None else not parts[0]
    if condition.kind == "at_least":
        yes, no = parts.count(True), parts.count(False)
        return True if yes >= condition.n else False if len(parts) - no < condition.n else None
    return all_of(parts) if condition.kind == "all" else any_of(parts)
