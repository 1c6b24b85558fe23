"""Whether an answer could still change a wanted status: asked of a SAT solver, exactly.

A fact matters if there are answers to other questions, not knowing included, under which an answer to it changes the
status of a wanted route from what it is with the fact unknown. Answers are counted only if they can be given: each
question makes sense by the others' answers, together they contradict nothing, and values of facts lead to what they say
of derived facts. Where arithmetic gives up (see `Arithmetic`), the fact is taken to matter; `given_up` counts these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from imgrules.interview.arithmetic import GaveUp
from imgrules.interview.goals import Goal, truth
from imgrules.interview.network import TRUE, Codes, Network, Part
from imgrules.rulebase.values import Value

if TYPE_CHECKING:
    from imgrules.interview.formula import Formula, Lit

# Steps of arithmetic at a question; about so many times 25 microseconds.
BUDGET = 2500
# Routes whose clauses are made beforehand.
FEW = 6


class Relevance:
    """Relevance to the wanted routes of one network. The clauses are made when first needed; `formula` makes them."""

    def __init__(
        self, network: Network, goals: Sequence[Goal], sensible: Mapping[str, Part], clashes: Iterable[Part], day: Value
    ) -> None:
        self.network = network
        self.goals = goals
        self.given_up = 0
        self._sensible = sensible
        self._clashes = list(clashes)
        self._day = day
        self._formula: Formula | None = None
        self._told: dict[str, Lit] = {}
        self._guards: dict[Part, Lit] = {}

    def matters(
        self, fact: str, goals: Sequence[int], values: Mapping[str, Value], barred: frozenset[str], codes: Codes
    ) -> bool:
        """Whether a fact can still change the status of one of these routes. `codes` are those of the network now."""
        from imgrules.interview.differs import differs

        formula = self.formula
        some = [differs(formula, self.goals[g]) for g in goals]
        asked = formula.new()
        formula.clause([-asked, *some])
        try:
            assumptions = [
                asked,
                formula.known(fact),
                *(lit if name == fact else -lit for name, lit in formula.drops.items()),
                *(lit if name in values else -lit for name, lit in self._told.items()),
                *(lit for part, lit in self._guards.items() if truth(codes, part) != TRUE),
                *(-formula.known(name) for name in barred if name in self.network.users and name not in values),
                *formula.told(values),
            ]
            return formula.solve(assumptions, values, {})
        except GaveUp:
            self.given_up += 1
            return True
        finally:
            formula.clause([-asked])

    def prepare(self) -> None:
        """Load the solver and make what every question needs, so that the first one does not take longer."""
        from imgrules.interview.differs import differs

        for goal in self.goals[:FEW]:
            differs(self.formula, goal)

    @property
    def formula(self) -> Formula:
        """The clauses: no contradiction, and no answer to a question that makes no sense."""
        if self._formula is None:
            from imgrules.interview.formula import HELD, PROVED, Formula

            made = self._formula = Formula(self.network, self._day, BUDGET)
            for fact, part in self._sensible.items():
                if fact in self.network.users:
                    told = self._told[fact] = made.new()
                    made.clause([-made.known(fact), told, made.truth(PROVED, part)])
            for part in self._clashes:
                guard = self._guards[part] = made.new()
                made.clause([-guard, -made.truth(HELD, part)])
        return self._formula
