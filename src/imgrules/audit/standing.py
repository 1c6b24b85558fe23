"""Where a case stands on a few items under a rulebase, by the plain evaluator: what two rulebases are compared by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from imgrules.assessment.case import Case
from imgrules.assessment.decisive import Judged
from imgrules.assessment.result import Status
from imgrules.assessment.writer import RECOMMENDABLE
from imgrules.audit.diff import Key
from imgrules.engines.reference import literal_truth, truths
from imgrules.rulebase.arithmetic import compute
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ir import GroundDerived, Program
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import BadValue, Value, outcome, plain, read_value

ABSENT, REFUSED, RECOMMENDED, PASSED_OVER = "absent", "refused", "recommended", "not recommended"
SECTIONS = ("routes", "requirements", "fast_tracks", "contradictions")


@dataclass(frozen=True, slots=True)
class Item:
    """Something that a person is told: a route, a requirement, a fast track, or facts that contradict each other.

    `name` is grounded; `key` the definition it comes from; `scope` the jurisdiction it is judged in.
    """

    key: Key
    name: str
    scope: str | None
    route: str | None = None

    @property
    def section(self) -> str:
        """What kind of thing it is, as rule files name it."""
        return self.key.section


def items(rulebase: Rulebase, scope: str | None) -> Iterator[Item]:
    """Every item that stands in a jurisdiction, or nationally (None)."""
    for section in SECTIONS:
        table: dict[str, Entry[Any]] = getattr(rulebase, section)
        for name, entry in table.items():
            key = Key(section, name)
            if section == "fast_tracks":
                yield from _track(rulebase, key, entry, scope)
            elif entry.each:
                if scope and f"{name}@{scope}" not in table:
                    yield Item(key, f"{name}@{scope}", scope)
            elif entry.scope == scope:
                yield Item(key, name, scope)


def _track(rulebase: Rulebase, key: Key, entry: Entry[Any], scope: str | None) -> Iterator[Item]:
    target = rulebase.find(entry.model.route, entry.scope)
    if target is not None and entry.scope == scope:
        yield Item(key, key.name, scope, target[0])
    elif target is None and scope:
        yield Item(key, f"{key.name}@{scope}", scope, f"{entry.model.route}@{scope}")


class Days:
    """The day that each fact counted up to today is counted to: the earlier one, but for some facts the later."""

    def __init__(self, first: date, last: date | None = None, moved: Collection[str] = ()) -> None:
        self.first, self.last, self.moved = first, last or first, frozenset(moved)

    def of(self, name: str) -> date:
        """The day for a derived fact."""
        return self.last if name in self.moved else self.first


class Standing(Judged):
    """A case judged under a rulebase in which time stands still (`hybrid.frozen`), facts counted up to days of their own."""

    def __init__(self, program: Program, case: Case, days: Days) -> None:
        self.program = program
        self.case = case
        self.rules = program.rules
        self.asked = list(self.rules.values())
        self.values = _values(program, case.facts, days)
        self.found = truths(program, self.values)

    def of(self, item: Item) -> str:
        """Status, outcome, `recommended`, `refused`, or `absent` where the rulebase has no such thing."""
        if item.section == "routes":
            return self._route(item.name)
        if item.section == "requirements":
            rule = self.rules.get(item.name)
            return outcome(self.truth(rule.literal)).value if rule else ABSENT
        if item.section == "contradictions":
            return REFUSED if self._holds(item, "when", without=None) is True else ABSENT
        if item.route is None or (status := self._route(item.route)) == ABSENT:
            return ABSENT
        wanted = status in {s.value for s in RECOMMENDABLE} and self._holds(item, "suits_when") is not False
        return RECOMMENDED if wanted else PASSED_OVER

    def _route(self, name: str) -> str:
        rule = self.rules.get(name)
        if rule is None:
            return ABSENT
        if rule.in_force:
            return self.standing(rule)[0].value
        period = rule.entry.model.in_force
        return (Status.DISCONTINUED if period and period.to == date.min else Status.UPCOMING).value

    def _holds(self, item: Item, field: str, without: bool | None = True) -> bool | None:
        """Whether a condition of what stands beside the routes holds; `without` where there is none."""
        name = (f"{item.section}:{item.key.name}", field)
        for segment in self.program.segments:
            if name in segment.conditions:
                return literal_truth(segment.conditions[name], self.found)
        return without


def _values(program: Program, facts: Mapping[str, Value], days: Days) -> dict[str, Value | None]:
    """Facts with every derived fact, each counted up to its own day."""
    values: dict[str, Value | None] = {**facts}
    for segment in program.segments:
        for item in segment.derived:
            values[TODAY] = days.of(item.name)
            values[item.name] = compute(item, values)
    values[TODAY] = days.of(TODAY)
    return values


def counts(item: GroundDerived) -> bool:
    """Whether a derived fact is itself counted up to today."""
    return TODAY in item.inputs.values()


def suited(case: Case, rulebase: Rulebase) -> dict[str, Value]:
    """A case's facts as a rulebase types them; what it does not know, or could not read, is left out."""
    found: dict[str, Value] = {}
    for name, value in case.facts.items():
        if name in rulebase.facts:
            try:
                found[name] = read_value(plain(value), rulebase.types[name])
            except BadValue:
                continue
    return found


def same(before: str, after: str, section: str) -> bool:
    """Whether nothing changed for the applicant: a requirement that is not there asks nothing, like one that is met."""
    if section == "requirements":
        return {before, after} <= {"met", ABSENT} or before == after
    return before == after or (section == "fast_tracks" and {before, after} <= {PASSED_OVER, ABSENT})


def case_scopes(case: Case, codes: Iterable[str]) -> list[str]:
    """The jurisdictions of a case that some rulebase knows."""
    known = set(codes)
    return [code for code in case.jurisdictions if code in known]
