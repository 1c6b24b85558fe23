"""The smallest sets of changes that would open a route, exactly, over facts that a person can change.

Whether some values of a set of facts open the route, the others staying as they are, only grows with the set. So the
minimal sets are found by implicit hitting sets (Reiter's scheme): a candidate that hits every core known so far either
opens the route, or is grown to a largest set that does not, whose complement is a new core. Candidates come smallest
first, so what is found first is smallest, and no proper subset of what is found opens the route. Whether a set opens it
is decided by a search over the regions that the rules tell apart (see `reach`); every answer is assessed again by the
rule engine before it is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.case import Case
from imgrules.assessment.result import Blocker, RouteResult, Status, Unknown
from imgrules.errors import CaseError, EngineError, InputError
from imgrules.interview.reach import Reach
from imgrules.rulebase.values import Value, show


@dataclass(frozen=True, slots=True)
class Action:
    """One fact to change: from what, to what, and what the rules say of the way there."""

    fact: str
    title: str
    before: str
    after: str
    known: bool
    value: Value
    blockers: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Changes that together open the route; no fewer of them do."""

    actions: tuple[Action, ...]

    @property
    def facts(self) -> dict[str, Value]:
        """The facts after the change."""
        return {action.fact: action.value for action in self.actions}


@dataclass(frozen=True, slots=True)
class Changes:
    """What would open a route. Without sets, `standing` says what bars it and `confirm` what cannot be settled by facts."""

    route: RouteResult
    sets: tuple[ChangeSet, ...]
    standing: tuple[Blocker, ...] = ()
    confirm: tuple[Unknown, ...] = ()
    complete: bool = True


def changes(assessor: Assessor, case: Case, route: str, most: int = 5) -> Changes:
    """The smallest sets of changes that open a route, smallest first. `InputError` if the case has no such route."""
    derived = assessor.derive(case)
    try:
        now = derived.assessment.route(route)
    except KeyError:
        raise InputError(f"There is no route {route} for this case.") from None
    reach = Reach(assessor, derived, route)
    if now.status is Status.OPEN or reach.fixed is not None:
        return Changes(now, ())
    found = []
    for facts in islice(_minimal(reach), most):
        found.append(ChangeSet(tuple(_action(derived, now, reach, f, v) for f, v in facts.items())))
        _check(assessor, case, route, facts)
    if found:
        return Changes(now, tuple(found), complete=not reach.given_up)
    hopeless = reach.hopeless()
    standing = tuple(b for b in now.blockers if b.requirement in hopeless) or tuple(now.blockers)
    confirm = tuple(u for u in now.unknown if not u.requirements or set(u.requirements) & hopeless)
    return Changes(now, (), standing, confirm, not reach.given_up)


def _check(assessor: Assessor, case: Case, route: str, facts: dict[str, Value]) -> None:
    """Assess the changed case with the rule engine; anything but an open route is a defect, never shown."""
    try:
        status = assessor.assess(case.changed(facts={**case.facts, **facts})).route(route).status
    except CaseError as error:
        raise EngineError(f"A set of changes contradicts itself: {error}. Please report it.") from error
    if status is not Status.OPEN:
        raise EngineError(f"A set of changes was found to open {route}, but it is {status}. Please report it.")


def _action(derived: Derived, route: RouteResult, reach: Reach, fact: str, value: Value) -> Action:
    type_ = derived.rulebase.types[fact]
    before = derived.case.facts.get(fact)
    blockers = tuple(b for b in route.blockers if fact in reach.facts_of(b.requirement))
    title = derived.rulebase.facts[fact].model.title
    return Action(fact, title, show(before, type_), show(value, type_), before is not None, value, blockers)


def _minimal(reach: Reach) -> Iterator[dict[str, Value]]:
    """Minimal sets with their values, smallest first."""
    if reach.witness(frozenset(reach.changeable)) is None:
        return
    cores: list[frozenset[str]] = []
    found: list[frozenset[str]] = []
    size = 0
    while size <= len(reach.changeable):
        candidate = next(_hitting(cores, found, size), None)
        if candidate is None:
            size += 1
            continue
        witness = reach.witness(candidate)
        if witness is None:
            cores.append(_core(reach, candidate))
        else:
            found.append(candidate)
            yield witness


def _core(reach: Reach, closed: frozenset[str]) -> frozenset[str]:
    """Facts of which every opening set holds one, none of them in a set that does not open the route."""
    largest = closed
    for fact in reach.changeable:
        if fact not in largest and reach.witness(largest | {fact}) is None:
            largest |= {fact}
    return frozenset(reach.changeable) - largest


def _hitting(
    cores: list[frozenset[str]],
    found: list[frozenset[str]],
    size: int,
    chosen: frozenset[str] = frozenset(),
    barred: frozenset[str] = frozenset(),
) -> Iterator[frozenset[str]]:
    """Sets of exactly so many facts that hit every core and hold no set found before. Each fact in them hits a core."""
    if any(done <= chosen for done in found):
        return
    missed = min((core for core in cores if not core & chosen), key=len, default=None)
    if missed is None:
        if len(chosen) == size:
            yield chosen
        return
    if len(chosen) >= size:
        return
    for fact in sorted(missed - barred):
        yield from _hitting(cores, found, size, chosen | {fact}, barred)
        barred |= {fact}
