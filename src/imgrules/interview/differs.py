"""That leaving out some facts changes the status of a route, as clauses.

The conditions of a status come about one after another and stay (see `Goal.status`). So a status differs just if one of
them holds with the dropped facts and not without, nor any that goes before it.
"""

from __future__ import annotations

from collections.abc import Iterable

from imgrules.interview.formula import LESS, PROVED, Formula, Lit
from imgrules.interview.goals import Goal
from imgrules.interview.network import Part


def differs(formula: Formula, goal: Goal) -> Lit:
    """A variable that holds only if leaving out what is dropped changes the status of a route."""
    return formula.any_of(("differs", goal.name), lambda: [] if goal.fixed else _Cases(formula, goal).all())


class _Cases:
    """The ways in which the status of a route can differ."""

    def __init__(self, formula: Formula, goal: Goal) -> None:
        self.f = formula
        self.goal = goal
        self.ours = None if goal.applies is None else formula.truth(PROVED, goal.applies)
        self.less_ours = formula.true if goal.applies is None else formula.truth(LESS, goal.applies)
        self.parts = [*(p for _, p in goal.needs), *goal.inner_applies]

    def all(self) -> list[Lit]:
        found = []
        if self.goal.applies is not None:
            found.append(self._case([self.f.truth(PROVED, self.goal.applies, False)], [], self._foreign()))
        if self.goal.barred:
            return [*found, self._case([], [[-self.less_ours]])]
        found.append(self._case([self._any(PROVED, self.goal.permanent)], self._not_closed()))
        found.append(self._case([self.f.truth(PROVED, self.goal.literal)], self._not_open()))
        if self.goal.inner_applies:
            before = [*self._not_closed(), *self._not_open()]
            found.append(self._case([self._any(PROVED, self.goal.inner_applies)], [*before, *self._not_foreign()]))
        if self.goal.needs:
            before = [*self._not_closed(), *self._not_open(), *self._not_foreign(), self._not_settled()]
            failed = self._any(PROVED, [p for _, p in self.goal.needs])
            found.append(self._case([failed, *(self._decided(p) for p in self.parts)], before))
        return found

    def _case(self, all_of: list[Lit], clauses: list[list[Lit]], instead: list[Lit] | None = None) -> Lit:
        lit = self.f.new()
        ours = [] if self.ours is None else [self.ours]
        for other in [*all_of, *(ours if instead is None else instead)]:
            self.f.clause([-lit, other])
        for clause in clauses:
            self.f.clause([-lit, *clause])
        return lit

    def _foreign(self) -> list[Lit]:
        assert self.goal.applies is not None
        return [-self.f.truth(LESS, self.goal.applies, False)]

    def _any(self, mode: str, parts: Iterable[Part]) -> Lit:
        """That some part is false."""
        lits = [self.f.truth(mode, p, False) for p in sorted(parts)]
        return self.f.tied(mode, lits, every=False) if lits else -self.f.true

    def _not_closed(self) -> list[list[Lit]]:
        return [[-self.less_ours, -self.f.truth(LESS, p, False)] for p in self.goal.permanent]

    def _not_open(self) -> list[list[Lit]]:
        return [[-self.less_ours, -self.f.truth(LESS, self.goal.literal)]]

    def _not_foreign(self) -> list[list[Lit]]:
        return [[-self.less_ours, -self.f.truth(LESS, p, False)] for p in self.goal.inner_applies]

    def _not_settled(self) -> list[Lit]:
        """That something is undecided without the dropped facts, or that it is not for the applicant to begin with."""
        open_parts = []
        for part in self.parts:
            lit = self.f.new()
            self.f.clause([-lit, -self.f.truth(LESS, part)])
            self.f.clause([-lit, -self.f.truth(LESS, part, False)])
            open_parts.append(lit)
        return [-self.less_ours, *open_parts, -self._any(LESS, [p for _, p in self.goal.needs])]

    def _decided(self, part: Part) -> Lit:
        return self.f.tied(PROVED, [self.f.truth(PROVED, part), self.f.truth(PROVED, part, False)], every=False)
