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
from imgrules.rulebase.grammar import Condition, Group, Leaf
from imgrules.rulebase.ir import (
    FixedNode,
    GateNode,
    GroundRule,
    JunctionNode,
    LeafNode,
    Literal,
    Node,
    Program,
    Segment,
    node_of,
    opposite,
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
        self.asked = list(self.rules.values())

    def truth(self, literal: Literal) -> Truth:
        """The truth of a literal in this case."""
        return literal_truth(literal, self.found)

    # conditions -----------------------------------------------------------------------------------------------------

    def decisive(self, conditions: Mapping[int, Mapping[str, Part]]) -> Iterator[tuple[Part, bool, Literal]]:
        """Every part of a condition that was decisive, with its truth and literal; `conditions` by entry and field."""
        for part, literal in self.heard(conditions):
            truth = self.truth(literal)
            if truth is not None:
                yield part, truth, literal

    def heard(self, conditions: Mapping[int, Mapping[str, Part]]) -> Iterator[tuple[Part, Literal]]:
        """Every part of a condition whose truth matters to its rule here, whether it is known or not."""
        for rule in self.asked:
            for field, part in conditions.get(id(rule.entry), {}).items() if rule.in_force else ():
                yield from self._weigh(part, rule.scope, self._outcome_if(rule, field))

    def _literal(self, part: Part, scope: str | None) -> Literal:
        return self.program.rules[part.probe.grounded(scope)].literal

    def _weigh(
        self, part: Part, scope: str | None, outcome_if: Callable[[Truth], object]
    ) -> Iterator[tuple[Part, Literal]]:
        if outcome_if(True) == outcome_if(False) == outcome_if(None):
            return
        if outcome_if(True) != outcome_if(False):
            yield part, self._literal(part, scope)
        literals = [self._literal(inner, scope) for inner in part.parts]
        for i, inner in enumerate(part.parts):
            beside = self._beside(part.condition, [*literals[:i], *literals[i + 1 :]])

            def with_inner(truth: Truth, beside: list[Truth] = beside) -> object:
                return outcome_if(_together(part.condition, [*beside, truth]))

            yield from self._weigh(inner, scope, with_inner)

    def _beside(self, condition: Condition, literals: Sequence[Literal]) -> list[Truth]:
        """The truths of all parts of a group but one."""
        return [self.truth(literal) for literal in literals]

    def _outcome_if(self, rule: GroundRule, field: str) -> Callable[[Truth], object]:
        """What a rule would come to if one of its conditions had a given truth."""
        if rule.entry.section == "routes":
            return lambda truth: truth
        allowed = _ALLOWED[rule.entry.model.decides]
        if rule.entry.section != "requirements":
            return lambda truth: truth if truth in allowed else None
        literals: dict[object, Literal] = {"applies_when": opposite(rule.applies)} if rule.applies else {}
        literals |= {"met_when": rule.met} if rule.met else {}
        literals |= dict(enumerate(rule.excused))
        literals.pop(0 if field == "excused_when" else field, None)
        beside = self._beside(Group("any", ()), list(literals.values()))

        def outcome(truth: Truth) -> Truth:
            if field == "applies_when":
                truth = None if truth is None else not truth
            elif field == "met_when":
                truth = truth if truth in allowed else None
            return any_of([*beside, truth])

        return outcome

    # requirements ---------------------------------------------------------------------------------------------------

    def decisive_requirements(self) -> Iterator[tuple[GroundRule, bool]]:
        """Every requirement that applies and was decisive for a route in force, with its outcome (True: met)."""
        for route in self.asked:
            for name in self.needs(route) if route.entry.section == "routes" and route.in_force else ():
                truth = self.truth(self.rules[name].literal)
                if truth is not None and self._hears(route, name):
                    yield self.rules[name], truth

    def _hears(self, route: GroundRule, name: str) -> bool:
        """Whether the outcome of a requirement matters to a route here."""
        if self._applies(self.rules[name]) is False:
            return False
        return self.standing(route, {name: True}) != self.standing(route, {name: False})

    def needs(self, route: GroundRule) -> list[str]:
        """Every requirement of a route, those of the routes it needs in their place."""
        return list(dict.fromkeys(self._needs(route)))

    def _needs(self, route: GroundRule) -> Iterator[str]:
        for name in route.needs:
            if self.rules[name].entry.section == "routes":
                yield from self._needs(self.rules[name])
            else:
                yield name

    def standing(self, route: GroundRule, given: Mapping[str, Truth] | None = None) -> tuple[Status, Truth]:
        """Status and outcome of a route, as assessments give them, perhaps with other outcomes given to requirements."""
        given = given or {}
        outcome = self._outcome(route, given)
        return self._status(route, given, outcome), outcome

    def _outcome(self, rule: GroundRule, given: Mapping[str, Truth]) -> Truth:
        if not given or rule.entry.section != "routes":
            return given.get(rule.name, self.truth(rule.literal))
        needed = {self.rules[name].literal for name in rule.needs}
        others = [self.truth(part) for part in self._parts[rule.name] if part not in needed]
        return all_of([*others, *(self._outcome(self.rules[name], given) for name in rule.needs)])

    @cached_property
    def _parts(self) -> dict[str, tuple[Literal, ...]]:
        found = {}
        for rule in self.rules.values():
            node = self.program.nodes[node_of(rule.literal)]
            found[rule.name] = node.parts if isinstance(node, JunctionNode) else (getattr(node, "part", rule.literal),)
        return found

    def _applies(self, rule: GroundRule) -> Truth:
        return rule.in_force and (rule.applies is None or self.truth(rule.applies))

    def _status(self, route: GroundRule, given: Mapping[str, Truth], outcome: Truth) -> Status:
        """The table of statuses in the rule format; what assessments say is held to be the same by tests."""
        applies = self._applies(route)
        if not applies:
            return Status.UNDETERMINED if applies is None else Status.NOT_APPLICABLE
        needs = {name: self._outcome(self.rules[name], given) for name in self.needs(route)}
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


class Hopeful(Judged):
    """Nobody's case, in which everything beside what is looked at is as it lets it be heard, wherever that can be.

    So what is not heard here is heard in no case on that day. Only the rules of some segments are asked, if given.
    """

    def __init__(self, program: Program, segments: Sequence[Segment] | None = None) -> None:
        self.program = program
        segments = program.segments if segments is None else segments
        self.reach = Reach(program)
        self.rules = {name: rule for name, rule in program.rules.items() if not name.startswith(PREFIX)}
        scopes = {segment.scope for segment in segments}
        self.asked = [rule for rule in self.rules.values() if rule.scope in scopes]
        self._unknown_counts = False

    def heard(self, conditions: Mapping[int, Mapping[str, Part]]) -> Iterator[tuple[Part, Literal]]:
        """What can matter: what makes a rule certain of one side, and then of the other."""
        for self._unknown_counts in (False, True):
            yield from super().heard(conditions)

    def heard_requirements(self) -> Iterator[GroundRule]:
        """Every requirement whose outcome can matter to a route in force."""
        for route in self.asked:
            for name in self.needs(route) if route.entry.section == "routes" and route.in_force else ():
                if self._hears(route, name):
                    yield self.rules[name]

    def truth(self, literal: Literal, wanted: bool = True) -> Truth:
        """The truth wanted if it is possible, else unknown, else the other."""
        possible = self.reach.possible(literal)
        if wanted in possible:
            return wanted
        return None if self.reach.sides(literal) or not possible else not wanted

    def _beside(self, condition: Condition, literals: Sequence[Literal]) -> list[Truth]:
        assert isinstance(condition, Group)
        if condition.kind != "at_least":
            return [self.truth(literal, condition.kind == "all") for literal in literals]
        able = sorted(literals, key=lambda one: (self.truth(one) is not True, self.truth(one, False) is False))
        never = sum(self.truth(one) is None and self.truth(one, False) is None for one in literals)
        short = condition.n - 1 - (never if self._unknown_counts else 0)
        return [self.truth(literal, i < short) for i, literal in enumerate(able)]


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
