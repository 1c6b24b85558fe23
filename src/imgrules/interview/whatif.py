"""What moves when facts or the day change: two assessments side by side, with the proof of each change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from pydantic import BaseModel, ConfigDict

from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.case import Case
from imgrules.assessment.explain import Reason, explain
from imgrules.assessment.result import RouteResult
from imgrules.errors import InputError, did_you_mean
from imgrules.interview.answers import read_answer
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import BadValue, Value, show


class FactMove(BaseModel):
    """A fact as it was and as it is supposed to be, in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fact: str
    title: str
    before: str
    after: str


class RuleMove(BaseModel):
    """A route or requirement whose status or outcome moved, with the proof of where it now stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    before: str
    after: str
    blockers_gone: list[str] = []
    blockers_new: list[str] = []
    why: Reason | None = None


class Comparison(BaseModel):
    """Before and after: what was changed, and everything that moved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    case: str
    rulebase: str
    before_as_of: date
    after_as_of: date
    facts: list[FactMove]
    routes: list[RuleMove]
    requirements: list[RuleMove]


def read_settings(settings: Iterable[str], rulebase: Rulebase, today: date) -> dict[str, Value | None]:
    """`fact=value` texts as facts; the value `unknown` takes a fact back. `InputError` for what cannot be read."""
    found: dict[str, Value | None] = {}
    for text in settings:
        name, sign, raw = text.partition("=")
        name = name.strip()
        if not sign:
            raise InputError(f"{text} is not of the form fact=value.")
        if name not in rulebase.facts:
            raise InputError(f"There is no fact {name}. {did_you_mean(name, rulebase.facts)}".rstrip())
        if raw.strip() == "unknown":
            found[name] = None
            continue
        try:
            found[name] = read_answer(raw.strip(), name, rulebase, today)
        except BadValue as error:
            raise InputError(f"{name}: {error}.") from None
    return found


def supposed(case: Case, settings: dict[str, Value | None], as_of: date | None = None) -> Case:
    """The case with other facts, or on another day."""
    facts = {**case.facts, **settings}
    return case.changed(as_of=as_of, facts={name: value for name, value in facts.items() if value is not None})


def compare(assessor: Assessor, before: Case, after: Case, proofs: bool = True) -> Comparison:
    """Assess two versions of a case. `CaseError` if either contradicts itself."""
    old, new = assessor.derive(before), assessor.derive(after)
    return Comparison(
        case=before.id,
        rulebase=assessor.rulebase.version,
        before_as_of=before.as_of,
        after_as_of=after.as_of,
        facts=list(_facts(assessor.rulebase, before, after)),
        routes=list(_routes(old, new, proofs)),
        requirements=list(_requirements(old, new, proofs)),
    )


def _facts(rulebase: Rulebase, before: Case, after: Case) -> Iterator[FactMove]:
    for name, entry in rulebase.facts.items():
        old, new = before.facts.get(name), after.facts.get(name)
        if old != new:
            type_ = rulebase.types[name]
            yield FactMove(fact=name, title=entry.model.title, before=show(old, type_), after=show(new, type_))


def _routes(old: Derived, new: Derived, proofs: bool) -> Iterator[RuleMove]:
    earlier = {route.id: route for route in old.assessment.routes}
    for route in new.assessment.routes:
        was = earlier.get(route.id)
        if was is None:
            continue
        gone, came = _titles(was, route), _titles(route, was)
        if was.status is route.status and not gone and not came:
            continue
        yield RuleMove(
            name=route.id,
            title=route.title,
            before=was.status.value,
            after=route.status.value,
            blockers_gone=gone,
            blockers_new=came,
            why=explain(new, route.id) if proofs and was.status is not route.status else None,
        )


def _titles(one: RouteResult, other: RouteResult) -> list[str]:
    """The blockers of one that are not the other's."""
    names = {blocker.requirement for blocker in other.blockers}
    return [blocker.title for blocker in one.blockers if blocker.requirement not in names]


def _requirements(old: Derived, new: Derived, proofs: bool) -> Iterator[RuleMove]:
    before = old.assessment.findings
    for name, finding in new.assessment.findings.items():
        rule = new.program.rules[name]
        was = before.get(name)
        if rule.entry.section != "requirements" or was is None or was.outcome is finding.outcome:
            continue
        yield RuleMove(
            name=name,
            title=finding.title,
            before=was.outcome.value,
            after=finding.outcome.value,
            why=explain(new, name) if proofs else None,
        )
