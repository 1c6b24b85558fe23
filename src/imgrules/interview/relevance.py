"""Whether an answer could still change a wanted status: a search for a witness, exact where facts are told directly.

A fact matters to a route if, for some answers to other questions (not knowing included), some answer to it changes the
route's status. The search gives the other subjects values one after another, region by region, keeping only what still
leaves the fact live; with no value left to give it has shown that the fact cannot matter. Derived facts are given
values as if they were facts: a fact that matters through one only for values which its arithmetic cannot reach is
asked all the same. So is one for which the search is given up after `BUDGET` assignments.
"""

from __future__ import annotations

from collections.abc import Mapping

from imgrules.interview.goals import Goal, literals_of, make_goal
from imgrules.interview.network import STUCK, Codes, Network
from imgrules.interview.regions import Regions
from imgrules.rulebase.ir import Program
from imgrules.rulebase.values import Value

BUDGET = 400


class Relevance:
    """Relevance to the routes of one program; keeps a small network of each route."""

    def __init__(self, program: Program, regions: Regions) -> None:
        self.program = program
        self.regions = regions
        self.given_up = 0
        self._cones: dict[str, tuple[Network, Goal]] = {}

    def cone(self, route: str) -> tuple[Network, Goal]:
        """The network of one route alone."""
        if route not in self._cones:
            network = Network(self.program, literals_of(self.program, route), self.regions)
            self._cones[route] = network, make_goal(self.program, network, route, self.regions.day)
        return self._cones[route]

    def matters(self, route: str, fact: str, values: Mapping[str, Value], barred: frozenset[str]) -> bool:
        """Whether a fact can still change the status of a route."""
        network, goal = self.cone(route)
        codes = network.evaluate(values, barred)
        subjects = [s for s in network.users.get(fact, ()) if network.value(s, values) is None]
        return any(_Search(network, goal, subject).found(codes, self) for subject in subjects)


class _Search:
    """The search for answers under which one subject changes the status of one route."""

    def __init__(self, network: Network, goal: Goal, target: str) -> None:
        self.network = network
        self.goal = goal
        self.target = target
        self.left = BUDGET

    def found(self, codes: Codes, owner: Relevance) -> bool:
        """Whether there are such answers."""
        answer = self._search(codes)
        if answer is None:
            owner.given_up += 1
        return answer is not False

    def _search(self, codes: Codes) -> bool | None:
        """True if a witness was found, False if there is none, None if the search was given up."""
        live = self.network.live(codes, self.goal.wanted(codes))
        subjects = {self.network.subject[i]: None for i in live}
        if self.target not in subjects:
            return False
        status = self.goal.status(codes)
        for value in self.network.regions.of(self.target):
            if self.goal.status(self._with(codes, self.target, value)) is not status:
                return True
        del subjects[self.target]
        if not subjects:
            return False
        other = next(iter(subjects))
        doubt = False
        for option in (*self.network.regions.of(other), None):
            if self.left <= 0:
                return None
            answer = self._search(self._with(codes, other, option))
            if answer:
                return True
            doubt = doubt or answer is None
        return None if doubt else False

    def _with(self, codes: Codes, subject: str, value: Value | None) -> Codes:
        """The codes with a subject given a value, or left unknown for good."""
        self.left -= 1
        changed = list(codes)
        waiting: set[int] = set()
        for leaf in self.network.leaves[subject]:
            if codes[leaf.index] < 4:
                changed[leaf.index] = STUCK if value is None else leaf.code(value)
                waiting.update(self.network.parents[leaf.index])
        self.network.settle(changed, waiting, set())
        return changed
