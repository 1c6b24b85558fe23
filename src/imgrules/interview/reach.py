"""Whether values of some facts open a route, the other facts staying as they are: asked of a SAT solver, exactly.

The solver chooses regions of the facts that may change and of the derived facts that follow; `Formula` tries each choice
by finding values that lead to it, several facts moved together where need be, and forbids what no values lead to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.result import Status
from imgrules.interview.arithmetic import GaveUp
from imgrules.interview.formula import HELD, PROVED, Formula, Lit
from imgrules.interview.goals import literals_of, make_goal
from imgrules.interview.network import Network, Part
from imgrules.interview.regions import Regions
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.values import Value

# Steps of arithmetic for one set of facts; about so many times 25 microseconds.
BUDGET = 40_000


class Reach:
    """The search for one case and route."""

    def __init__(self, assessor: Assessor, derived: Derived, route: str) -> None:
        self.rulebase = assessor.rulebase
        program, day = derived.program, derived.case.as_of
        clashes = {k[0].partition(":")[2]: lit for s in program.segments for k, lit in s.conditions.items()
                   if k[0].startswith("contradictions:")}  # fmt: skip
        regions = Regions(self.rulebase, program, day)
        self.network = Network(program, [*literals_of(program, route), *clashes.values()], regions)
        self.goal = make_goal(program, self.network, route, day)
        self.fixed: Status | None = self.goal.fixed
        self.values = dict(derived.case.facts)
        self._parts = dict(self.goal.needs)
        mentioned = {f for part in self.goal.parts for f in self.network.facts_of(part)}
        self.changeable = [f for f in self.rulebase.facts if f in mentioned and self._may_change(f)]
        self.formula = Formula(self.network, day, BUDGET)
        for literal in clashes.values():
            self.formula.clause([-self.formula.truth(HELD, self.network.part(literal))])
        applies = () if self.goal.applies is None else (self.goal.applies,)
        self._open = self._all(()) if self.goal.barred else self._all([self.goal.literal, *applies])
        self._never = self.goal.barred
        self._known: dict[frozenset[str], dict[str, Value] | None] = {}
        self.given_up = False

    def _may_change(self, fact: str) -> bool:
        return bool(self.rulebase.facts[fact].model.changeable)

    def facts_of(self, need: str) -> set[str]:
        """The facts that a requirement of the route hangs on."""
        return set(self.network.facts_of(self._parts[need])) if need in self._parts else set()

    def hopeless(self) -> set[str]:
        """Requirements that no change can make met: each by itself, or else a least set that cannot be met together."""
        alone = {name for name, part in self._parts.items() if not self._together([part])}
        if alone:
            return alone
        names = list(self._parts)
        for name in list(names):
            fewer = [other for other in names if other != name]
            if not self._together([self._parts[other] for other in fewer]):
                names = fewer
        return set(names)

    def _together(self, parts: Iterable[Part]) -> bool:
        """Whether these can be met together."""
        return self._solve(self._assume(frozenset(self.changeable), self._all(parts)))

    # questions --------------------------------------------------------------------------------------------------------

    def witness(self, facts: frozenset[str]) -> dict[str, Value] | None:
        """Values of these facts that open the route, near to those of today, or None if there are none."""
        if facts not in self._known:
            assumed = [] if self._never else self._assume(facts, self._open)
            found = bool(assumed) and self._solve(assumed)
            self._known[facts] = self._nearest(facts, assumed) if found else None
        return self._known[facts]

    def _nearest(self, facts: frozenset[str], assumed: list[Lit]) -> dict[str, Value]:
        """Fact by fact, the nearest region that still opens the route; the values found last."""
        for wishes in (group for fact in self.changeable if fact in facts for group in self._wishes(fact)):
            wish = next((w for w in wishes if self._solve([*assumed, *w])), [])
            assumed = [*assumed, *wish]
        self._solve(assumed)
        values = {fact: self.formula.value(fact, self.values) for fact in self.changeable if fact in facts}
        return {fact: value for fact, value in values.items() if value is not None}

    def _wishes(self, fact: str) -> Iterator[list[list[Lit]]]:
        """Groups of choices for a fact, in each the most welcome first: to be as it is, or else near to it."""
        now = self.values.get(fact)
        known = self.formula.known(fact)
        regions = self.network.regions
        if fact not in self.network.leaves:
            yield [[known]]
        elif self.rulebase.types[fact].kind == "set":
            yield [[known]]
            present = now if isinstance(now, frozenset) else frozenset()
            for signature, lit in self.formula.members(fact).items():
                yield [[lit if present & set(regions.classes(fact)[signature]) else -lit]]
        else:
            region = self.formula.region(fact)
            near = {k: regions.nearest(fact, k, now) for k in regions.by_signature(fact)}
            yield [[known, region[k]] for k in regions.by_distance(fact, near, now)]

    def _assume(self, facts: frozenset[str], goal: Lit) -> list[Lit]:
        """What is assumed when these facts may change and all others stay as they are."""
        formula = self.formula
        kept = {f: v for f, v in self.values.items() if f not in facts}
        changed = [formula.known(f) for f in facts if f in self.values and f in self.network.users]
        unknown = [
            -formula.known(f) for f in self.network.users if f not in self.values and f not in facts and f != TODAY
        ]
        return [goal, *formula.told(kept), *changed, *unknown]

    def _all(self, parts: Iterable[Part]) -> Lit:
        return self.formula.tied(PROVED, [self.formula.truth(PROVED, part) for part in parts], every=True)

    def _solve(self, assumptions: list[Lit]) -> bool:
        """Whether it can be so; where arithmetic gives up, no, which is said to whoever asks."""
        try:
            return self.formula.solve(assumptions, self.values, self.values)
        except GaveUp:
            self.given_up = True
            return False
