"""The status of a route as a function of the network: the same as the assessment's, without its texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from imgrules.assessment.result import Status
from imgrules.interview.network import (
    CAN_BOTH,
    CAN_FALSE,
    CAN_TRUE,
    DECIDED,
    FALSE,
    NEGATED,
    STUCK,
    TRUE,
    Network,
    Part,
)
from imgrules.rulebase.ir import GroundRule, Literal, Program


@dataclass(frozen=True, slots=True)
class Goal:
    """A wanted route: what its status is worked out from. `fixed` where its dates alone decide it."""

    name: str
    literal: Part
    applies: Part | None
    needs: tuple[tuple[str, Part], ...]
    permanent: frozenset[Part]
    inner_applies: tuple[Part, ...]
    barred: bool
    fixed: Status | None = None

    @property
    def parts(self) -> set[Part]:
        """Every part that the status is worked out from."""
        applies = () if self.applies is None else (self.applies,)
        return {self.literal, *applies, *(part for _, part in self.needs), *self.inner_applies}

    def status(self, codes: Sequence[int]) -> Status:
        """Where the route stands."""
        if self.fixed:
            return self.fixed
        applies = TRUE if self.applies is None else truth(codes, self.applies)
        if applies == FALSE:
            return Status.NOT_APPLICABLE
        if applies != TRUE:
            return Status.UNDETERMINED
        if self.barred or any(truth(codes, part) == FALSE for part in self.permanent):
            return Status.CLOSED
        if truth(codes, self.literal) == TRUE:
            return Status.OPEN
        inner = [truth(codes, part) for part in self.inner_applies]
        if FALSE in inner:
            return Status.NOT_APPLICABLE
        needs = [truth(codes, part) for _, part in self.needs]
        known = all(code >= DECIDED for code in (*inner, *needs))
        return Status.REACHABLE if known and FALSE in needs else Status.UNDETERMINED

    def wanted(self, codes: Sequence[int]) -> list[tuple[Part, int]]:
        """The undecided parts that may still change the status, each with the outcomes that would."""
        return list(self._wanted(codes))

    def _wanted(self, codes: Sequence[int]) -> Iterator[tuple[Part, int]]:
        status = self.status(codes)
        if self.fixed or status in (Status.CLOSED, Status.OPEN, Status.REACHABLE):
            return
        if self.applies is not None:
            code = truth(codes, self.applies)
            if code == FALSE:
                return
            if code < DECIDED:
                can_matter = any(True for _ in self._inside(codes)) or self._settled(codes) is not Status.UNDETERMINED
                yield self.applies, CAN_BOTH if can_matter else CAN_FALSE
                if not code & CAN_TRUE:
                    return
        yield from self._inside(codes)

    def _settled(self, codes: Sequence[int]) -> Status:
        """The status if the route were known to be for this applicant."""
        if self.barred or any(truth(codes, part) == FALSE for part in self.permanent):
            return Status.CLOSED
        inner = [truth(codes, part) for part in self.inner_applies]
        if FALSE in inner:
            return Status.NOT_APPLICABLE
        needs = [truth(codes, part) for _, part in self.needs]
        if any(code < DECIDED for code in (*inner, *needs)):
            return Status.UNDETERMINED
        return Status.REACHABLE if FALSE in needs else Status.OPEN

    def _inside(self, codes: Sequence[int]) -> Iterator[tuple[Part, int]]:
        """The same, but for whether the route is for this applicant."""
        if self.barred or any(truth(codes, part) == FALSE for part in self.permanent):
            return
        inner = [truth(codes, part) for part in self.inner_applies]
        needs = [truth(codes, part) for _, part in self.needs]
        lost = FALSE in inner
        full = not lost and all(code != STUCK for code in (*inner, *needs))
        opens = bool(truth(codes, self.literal) & CAN_TRUE)
        full = full and (opens or any(code & CAN_FALSE for code in needs))
        if not lost:
            for part in self.inner_applies:
                yield part, CAN_BOTH if full else CAN_FALSE
        for _, part in self.needs:
            if full:
                yield part, CAN_BOTH
            elif part in self.permanent:
                yield part, CAN_FALSE


def truth(codes: Sequence[int], part: Part) -> int:
    """The code of a part."""
    code = codes[part >> 1]
    return NEGATED[code] if part & 1 else code


def literals_of(program: Program, name: str) -> Iterator[Literal]:
    """Every literal that the status of a route is worked out from."""
    rule = program.rules[name]
    yield rule.literal
    if rule.applies:
        yield rule.applies
    for need in rule.needs:
        inner = program.rules[need]
        if inner.entry.section == "routes":
            yield from literals_of(program, need)
        else:
            yield inner.literal


def make_goal(program: Program, network: Network, name: str, day: date) -> Goal:
    """A route as a goal, in a network that holds `literals_of` it."""
    rule = program.rules[name]
    needs = [program.rules[n] for n in dict.fromkeys(_flat_needs(program, rule))]
    inner = [program.rules[n] for n in rule.needs if program.rules[n].entry.section == "routes"]
    fixed = None
    if not rule.in_force:
        period = rule.entry.model.in_force
        fixed = Status.DISCONTINUED if period and period.to and day > period.to else Status.UPCOMING
    return Goal(
        name=name,
        literal=network.part(rule.literal),
        applies=network.part(rule.applies) if rule.applies else None,
        needs=tuple((r.name, network.part(r.literal)) for r in needs),
        permanent=frozenset(network.part(r.literal) for r in needs if r.entry.model.blocker == "permanent"),
        inner_applies=tuple(network.part(r.applies) for r in inner if r.in_force and r.applies),
        barred=any(not r.in_force for r in inner),
        fixed=fixed,
    )


def _flat_needs(program: Program, rule: GroundRule) -> Iterator[str]:
    for name in rule.needs:
        inner = program.rules[name]
        if inner.entry.section == "routes":
            yield from _flat_needs(program, inner)
        else:
            yield name
