"""The state of an interview: what is known, what it makes of every wanted route, which questions could still matter.

Everything here follows from the facts told and the questions set aside; how they came about is `session`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date

from imgrules.assessment.result import Status
from imgrules.interview.choose import Crowd, Forecast, ranked
from imgrules.interview.goals import Goal, literals_of, make_goal, truth
from imgrules.interview.network import CAN_BOTH, CAN_TRUE, TRUE, Network, Part
from imgrules.interview.regions import Regions
from imgrules.interview.relevance import Relevance
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ir import Program
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Value

# Subjects of the routes that are sampled at a time, and routes of which relevance is asked first.
MOST = 120
FEW = 6


class Layout:
    """What never changes during an interview: the network of the wanted routes, made once."""

    def __init__(self, rulebase: Rulebase, program: Program, day: date, wanted: Sequence[str]) -> None:
        self.rulebase = rulebase
        self.program = program
        self.wanted = tuple(wanted)
        self.regions = Regions(rulebase, program, day)
        self.day = day
        self.order = {name: i for i, name in enumerate(rulebase.facts)}
        conditions = [item for segment in program.segments for item in segment.conditions.items()]
        asked = {key[0].removeprefix("facts:"): lit for key, lit in conditions if key[1] == "asked_when"}
        clashes = {key[0].partition(":")[2]: lit for key, lit in conditions if key[0].startswith("contradictions:")}
        roots = [literal for name in self.wanted for literal in literals_of(program, name)]
        self.network = Network(program, [*roots, *clashes.values(), *asked.values()], self.regions)
        self.goals = [make_goal(program, self.network, name, day) for name in self.wanted]
        self.asked_when = {fact: self.network.part(literal) for fact, literal in asked.items()}
        self.clashes = {name: self.network.part(literal) for name, literal in clashes.items()}
        self.goals_at: dict[int, list[int]] = {}
        for g, goal in enumerate(self.goals):
            for part in goal.parts:
                self.goals_at.setdefault(part >> 1, []).append(g)
        self.relevance = Relevance(self.network, self.goals, self.asked_when, self.clashes.values(), day)
        self.crowd = Crowd(self.network, self.goals)

    def mentioned(self) -> list[str]:
        """Every fact that the wanted routes mention, in the vocabulary's order."""
        roots = {self.network.part(lit) for name in self.wanted for lit in literals_of(self.program, name)}
        found = {fact for part in roots for fact in self.network.facts_of(part)}
        return sorted((f for f in found if f in self.order), key=self.order.__getitem__)


class Board:
    """What is known and what hangs on the rest. Facts are told or set aside one by one; undoing makes a new board."""

    def __init__(self, layout: Layout, facts: Mapping[str, Value], aside: Iterable[str] = ()) -> None:
        self.layout = layout
        self.network = layout.network
        self.values: dict[str, Value] = {**facts, TODAY: layout.day}
        self.aside = set(aside)
        self.nonsense: set[str] = set()
        self.idle: set[str] = set()
        self.codes = self.network.evaluate(self.values, self.barred)
        self._bar()
        self.votes: dict[str, int] = {}
        self._chosen: tuple[str | None] | None = None
        self._live: dict[int, dict[int, int]] = {}

    def copy(self) -> Board:
        """The same state, to go on from independently."""
        other = copy(self)
        other.values, other.codes = dict(self.values), list(self.codes)
        other.aside, other.nonsense, other.idle = set(self.aside), set(self.nonsense), set(self.idle)
        other._live = dict(self._live)
        return other

    @property
    def barred(self) -> frozenset[str]:
        """Facts that will not be asked: set aside, without meaning for this applicant, or without any effect."""
        return frozenset(self.aside | self.nonsense | self.idle)

    def tell(self, fact: str, value: Value) -> None:
        """A fact becomes known."""
        self.values[fact] = value
        self._refresh(self.network.update(self.codes, [fact], self.values, self.barred) | self._bar())

    def set_aside(self, fact: str) -> None:
        """A question is not to be asked for now."""
        self.aside.add(fact)
        self._refresh(self.network.update(self.codes, [fact], self.values, self.barred) | self._bar())

    def _drop(self, fact: str) -> None:
        self.idle.add(fact)
        self._refresh(self.network.update(self.codes, [fact], self.values, self.barred) | self._bar())

    def _bar(self) -> set[int]:
        """Bar the questions whose condition is false, or can no longer be known to be true."""
        changed: set[int] = set()
        while True:
            new = {
                fact
                for fact, part in self.layout.asked_when.items()
                if fact not in self.nonsense and fact not in self.values and not truth(self.codes, part) & CAN_TRUE
            }
            if not new:
                return changed
            self.nonsense |= new
            changed |= self.network.update(self.codes, new, self.values, self.barred)

    def _refresh(self, changed: set[int]) -> None:
        self._chosen = None
        for i in changed:
            for goal in self.layout.goals_at.get(i, ()):
                self._live.pop(goal, None)

    # what is decided --------------------------------------------------------------------------------------------------

    def status(self, goal: Goal) -> Status:
        """Where a wanted route stands."""
        return goal.status(self.codes)

    def clashes(self) -> list[str]:
        """The contradictions that hold."""
        return [name for name, part in self.layout.clashes.items() if truth(self.codes, part) == TRUE]

    def clashes_with(self, fact: str, value: Value) -> list[str]:
        """The contradictions that would hold with one more fact."""
        codes = list(self.codes)
        self.network.update(codes, [fact], {**self.values, fact: value}, self.barred)
        return [name for name, part in self.layout.clashes.items() if truth(codes, part) == TRUE]

    def live(self, g: int) -> dict[int, int]:
        """The leaves that can still change the status of a wanted route."""
        if g not in self._live:
            self._live[g] = self.network.live(self.codes, self.layout.goals[g].wanted(self.codes))
        return self._live[g]

    def left(self, g: int) -> int:
        """How many subjects a wanted route still hangs on, at most."""
        return len({self.network.subject[i] for i in self.live(g)})

    def unsettled(self) -> list[int]:
        """The wanted routes that some answer may still change."""
        return [g for g in range(len(self.layout.goals)) if self.live(g)]

    def open_facts(self) -> set[str]:
        """Every fact that might still be asked: a bound on what is left."""
        return {f for g in self.unsettled() for i in self.live(g) for f in self.unknown(self.network.subject[i])}

    def unknown(self, subject: str) -> list[str]:
        """The facts that have to be told before a fact or derived fact is known."""
        return [f for f in self.network.facts[subject] if f not in self.values]

    # what to ask ------------------------------------------------------------------------------------------------------

    def choose(self) -> str | None:
        """The next question, or None if no answer can change a wanted route."""
        if self._chosen is None:
            self._chosen = (self._choose(),)
        return self._chosen[0]

    def _choose(self) -> str | None:
        tried: set[str] = set()
        while near := self._nearest(tried):
            for fact in self._ranked(near, tried):
                first = self.before(fact)
                if first is not None and self.matters(fact):
                    return first
                tried.add(fact)
                if not self._leads_on(fact):
                    self._drop(fact)
        return None

    def _leads_on(self, fact: str) -> bool:
        """Whether a question may make sense only by what is known of a fact."""
        later = (p for f, p in self.layout.asked_when.items() if f not in self.values and f not in self.barred)
        return any(fact in self.network.facts_of(part) for part in later)

    def _nearest(self, tried: set[str]) -> list[int]:
        """The unsettled routes with the least left, as many as may be worked out at a time."""
        found: list[int] = []
        size = 0
        for g in sorted(self.unsettled(), key=self.left):
            if not self._facts(g) - tried:
                continue
            size += self.left(g)
            if found and size > MOST:
                break
            found.append(g)
        return found

    def _facts(self, g: int) -> set[str]:
        """The facts that a wanted route may still hang on."""
        return {f for i in self.live(g) for f in self.unknown(self.network.subject[i])} - self.barred

    def _ranked(self, near: list[int], tried: set[str]) -> list[str]:
        """The facts that some routes may hang on, what most of a crowd would have to answer first."""
        order = self.layout.order
        facts = {f for g in near for f in self._facts(g)} - tried
        forecast = Forecast(
            self.layout.crowd,
            self.codes,
            [self.layout.goals[g] for g in near],
            self.layout.asked_when,
            self.values.__contains__,
        )
        spare = sorted(facts, key=lambda f: (self.votes.get(f, 0), -order.get(f, 0)))
        self.votes = forecast.votes(spare)
        return ranked(self.votes, facts, order)

    def before(self, fact: str) -> str | None:
        """The question to ask so as to get to a fact: itself, or one that decides whether it makes sense. None: no way."""
        part = self.layout.asked_when.get(fact)
        if part is None or truth(self.codes, part) == TRUE:
            return fact
        for earlier in self._deciding(part):
            return self.before(earlier)
        return None

    def _deciding(self, part: Part) -> list[str]:
        live = self.network.live(self.codes, [(part, CAN_BOTH)])
        facts = {f for i in live for f in self.unknown(self.network.subject[i]) if f not in self.barred}
        return sorted(facts, key=lambda f: self.layout.order.get(f, 0))

    def hanging(self, fact: str) -> Iterator[int]:
        """The wanted routes in which a fact is live."""
        leaves = {leaf.index for s in self.network.users.get(fact, ()) for leaf in self.network.leaves[s]}
        for g in self.unsettled():
            if not leaves.isdisjoint(self.live(g)):
                yield g

    def matters(self, fact: str) -> bool:
        """Whether some answer to a question can change the status of a wanted route."""
        goals = sorted(self.hanging(fact), key=self.left)
        near, rest = goals[:FEW], goals[FEW:]
        relevance = self.layout.relevance
        return any(relevance.matters(fact, some, self.values, self.barred, self.codes) for some in (near, rest) if some)
