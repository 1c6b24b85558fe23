"""Made-up applicants, one at a time: a golden case for the outline, its gaps filled from other cases that agree with it.

Every value is tried against what is known so far and dropped if the two cannot both be true: by the contradictions of
the rules, by the question that must come first, and by the habits of the golden cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import chain
from random import Random
from typing import Any, TypeAlias

from imgrules.assessment.applicants import in_range
from imgrules.assessment.case import Case
from imgrules.batch.synth.conditions import Conditions
from imgrules.batch.synth.habits import Feature, Habits, learn
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ORDERED, Value, ValueType, add_months, read_value

# How a life is drawn. None of these is a fact of the field: they say how varied and how talkative applicants are.
MEAN_FACTS, SPREAD, LEAST, MOST = 140, 22, 90, 180  # facts that an applicant could tell
MOOT = 1.3  # facts that come up for each that is told: the others make no sense for the applicant
MAIN = 0.7  # of the lives, those that also ask about the main routes
TAKEN = 0.98  # of what a route asks, the share that comes up
CHATTY = 0.04  # of all facts, the share that comes up for no reason
VARIED = 0.12  # of the outline's values, the share drawn anew
NEAR_LIMIT = 0.5  # of the numbers drawn anew, the share put on or beside a limit of the rules
CANDIDATES = 5  # cases compared before one is taken after

# What a case says in truths, codes and sets, as numbers that are quick to compare, and the facts that it says it of.
Words: TypeAlias = tuple[frozenset[int], frozenset[str]]


@dataclass
class Life:
    """What an applicant could tell, and the jurisdictions that the outline aimed at."""

    facts: dict[str, Value]
    aims: tuple[str, ...]


@dataclass
class _Draft:
    """A life in the making."""

    facts: dict[str, Value] = field(default_factory=dict)
    features: set[Feature] = field(default_factory=set)
    donors: dict[str, Case | None] = field(default_factory=dict)
    words: set[int] = field(default_factory=set)
    worded: set[str] = field(default_factory=set)

    def agreement(self, words: Words) -> int:
        """How well a case agrees in truths, codes and sets: one for each in common, minus two for each that differs."""
        return 3 * len(self.words & words[0]) - 2 * len(self.worded & words[1])


class LifeMaker:
    """Makes the lives of one seed. The same number always gives the same life, in whatever order they are asked for."""

    def __init__(self, rulebase: Rulebase, cases: Sequence[Case], today: date, seed: int) -> None:
        program = Grounder(rulebase).program(today, rulebase.jurisdictions)
        self.rulebase = rulebase
        self.today = today
        self.seed = seed
        self.conditions = Conditions(rulebase, program, today)
        self.habits: Habits = learn(rulebase, cases, self.conditions, program)
        self.cases = [self._brought_to_today(case) for case in cases]
        self.main = sorted(name for name, entry in rulebase.routes.items() if entry.model.main)
        self.telling: dict[str, list[Case]] = {}
        for case in self.cases:
            for fact in case.facts:
                self.telling.setdefault(fact, []).append(case)
        self.subjects: dict[str, list[str]] = {}
        for fact in rulebase.facts:
            self.subjects.setdefault(_subject(fact), []).append(fact)
        self.speaking = {
            subject: [case for case in self.cases if not case.facts.keys().isdisjoint(facts)]
            for subject, facts in self.subjects.items()
        }
        self._numbers: dict[tuple[str, Value], int] = {}
        self._words = {id(case): self._said(case) for case in self.cases}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Every fact after those that must be known before its question makes sense; else in the vocabulary's order."""
        found: dict[str, None] = {}

        def add(fact: str, above: tuple[str, ...]) -> None:
            small = self.conditions.asked_when.get(fact)
            for gate in sorted(small.facts) if small else ():
                if gate not in found and gate not in above:
                    add(gate, (*above, fact))
            found.setdefault(fact)

        for fact in self.rulebase.facts:
            add(fact, ())
        return tuple(found)

    def life(self, number: int) -> Life:
        """One applicant."""
        r = Random(f"{self.seed}/{number}")
        outline = r.choice(self.cases) if self.cases else Case("none", self.today)
        draft = _Draft()
        for fact in self.order:
            if fact in outline.facts and self.conditions.asked(fact, draft.facts) is not False:
                self._tell(draft, fact, self._varied(r, fact, outline.facts[fact]))
        wanted = self._wanted(r, draft, outline)
        for fact in self.order:
            if fact in wanted and fact not in draft.facts and self.conditions.asked(fact, draft.facts):
                self._tell(draft, fact, self._borrowed(r, draft, fact))
        self._shorten(r, draft, outline)
        return Life(draft.facts, outline.jurisdictions)

    # what comes up ------------------------------------------------------------------------------------------------------

    def _wanted(self, r: Random, draft: _Draft, outline: Case) -> set[str]:
        """The facts that come up: what the outline is about, then what other routes ask, until enough do."""
        goals = self.conditions.goals
        about = outline.expect.routes if outline.expect else ()
        names = list(dict.fromkeys(name.partition("@")[0] for name in about))
        names += self.main if r.random() < MAIN else []
        names += r.sample(sorted(goals), len(goals))
        enough = r.gauss(MEAN_FACTS, SPREAD) * MOOT
        wanted = set(draft.facts)
        for name in names:
            if len(wanted) >= enough:
                break
            common = r.random() ** 6  # some tell what any jurisdiction asks, others what most of them do
            wanted |= {fact for fact, share in goals.get(name, {}).items() if share >= common and r.random() < TAKEN}
        return wanted | {fact for fact in self.order if r.random() < CHATTY}

    def _shorten(self, r: Random, draft: _Draft, outline: Case) -> None:
        """Leave out facts beyond the most that anybody tells, the outline's own last."""
        spare = [fact for fact in draft.facts if fact not in outline.facts]
        most = min(MOST, max(LEAST, int(r.gauss(MEAN_FACTS, SPREAD)) + 20))
        for fact in r.sample(spare, min(len(spare), max(0, len(draft.facts) - most))):
            del draft.facts[fact]

    # values -------------------------------------------------------------------------------------------------------------

    def _tell(self, draft: _Draft, fact: str, values: Iterator[Value]) -> None:
        """Take the first of some values that can be true beside what is known."""
        for value in chain(self._twin_values(draft, fact), values):
            if self._fits(draft, fact, value):
                draft.facts[fact] = value
                draft.features.update(self.habits.features(fact, value))
                if isinstance(value, bool | str | frozenset):
                    draft.words.add(self._numbers.get((fact, value), -1))
                    draft.worded.add(fact)
                return

    def _twin_values(self, draft: _Draft, fact: str) -> Iterator[Value]:
        """What is known of facts that always have the same value."""
        twins = sorted(self.habits.twins(fact) & draft.facts.keys())
        return (draft.facts[twin] for twin in twins if self.rulebase.types[twin] == self.rulebase.types[fact])

    def _fits(self, draft: _Draft, fact: str, value: Value) -> bool:
        if self.rulebase.types[fact].kind in ORDERED and not in_range(self.rulebase, fact, value, self.today):
            return False
        for feature in self.habits.features(fact, value):
            if not draft.features.isdisjoint(self.habits.apart.get(feature, ())):
                return False
        if fact in self.habits.axes:
            place = self._place(fact, value)
            known = draft.facts
            if any(self._place(b, known[b]) > place for b in self.habits.before.get(fact, ()) if b in known):
                return False
            if any(self._place(a, known[a]) < place for a in self.habits.after.get(fact, ()) if a in known):
                return False
        draft.facts[fact] = value
        impossible = self.conditions.clash(fact, draft.facts) or self.conditions.makes_moot(fact, draft.facts)
        del draft.facts[fact]
        return not impossible

    def _place(self, fact: str, value: Value) -> float:
        return self.habits.axes[fact].position(value, self.today)

    def _varied(self, r: Random, fact: str, value: Value) -> Iterator[Value]:
        """The outline's own value, now and then after another one."""
        if r.random() < VARIED:
            if fact in self.habits.limits and r.random() < NEAR_LIMIT:
                yield self._near_limit(r, fact)
            elif self.rulebase.types[fact].kind != "date":
                yield r.choice(self.telling[fact]).facts[fact]
        yield value

    def _borrowed(self, r: Random, draft: _Draft, fact: str) -> Iterator[Value]:
        """Values for a gap: from the case that lends the whole subject, from others, near a limit, or anything."""
        subject = _subject(fact)
        if subject not in draft.donors:
            draft.donors[subject] = self._like(r, draft, self.speaking[subject])
        donor = draft.donors[subject]
        if donor is not None and fact in donor.facts:
            yield self._carried(draft, donor, fact)
        elif fact in self.habits.limits and r.random() < NEAR_LIMIT / 4:
            yield self._near_limit(r, fact)
        for _ in range(3):
            lender = self._like(r, draft, self.telling.get(fact, ()))
            if lender is not None:
                yield self._carried(draft, lender, fact)
        for _ in range(3):
            yield self._near_limit(r, fact) if fact in self.habits.limits else self._anything(r, draft, fact)

    def _like(self, r: Random, draft: _Draft, cases: Sequence[Case]) -> Case | None:
        """Of a few cases drawn at random, the one that agrees best with what is known."""
        drawn = [r.choice(cases) for _ in range(CANDIDATES)] if cases else []
        return max(drawn, key=lambda case: draft.agreement(self._words[id(case)]), default=None)

    def _said(self, case: Case) -> Words:
        pairs = [(fact, value) for fact, value in case.facts.items() if isinstance(value, bool | str | frozenset)]
        numbers = frozenset(self._numbers.setdefault(pair, len(self._numbers)) for pair in pairs)
        return numbers, frozenset(fact for fact, _ in pairs)

    def _carried(self, draft: _Draft, case: Case, fact: str) -> Value:
        """Another case's value. A date keeps its distance from the nearest event that both lives have."""
        value = case.facts[fact]
        if not isinstance(value, date) or fact in self.habits.fixed:
            return value
        shared = [
            (abs((value - theirs).days), other, theirs)
            for other, theirs in case.facts.items()
            if isinstance(theirs, date) and other in draft.facts and other not in self.habits.fixed
        ]
        if not shared:
            return value
        _, other, theirs = min(shared)
        mine = draft.facts[other]
        assert isinstance(mine, date)
        return mine + (value - theirs)

    def _near_limit(self, r: Random, fact: str) -> Value:
        """A number on, just below, just above or in the neighbourhood of a limit of the rules."""
        limit = r.choice(self.habits.limits[fact])
        off = r.choice((-1, 0, 1)) if r.random() < 0.6 else round(float(limit) * r.gauss(0, 0.2))
        value = max(Decimal(limit) + off, Decimal(0))
        return int(value) if self.rulebase.types[fact].kind == "int" else value

    def _anything(self, r: Random, draft: _Draft, fact: str) -> Value:
        """A value of the type that no case gives: small numbers, recent days, few codes."""
        type_ = self.rulebase.types[fact]
        if type_.kind == "bool":
            return r.random() < 0.5
        if type_.kind == "set":
            few = 2 if type_.of != "enum" else len(type_.codes)
            return frozenset(r.sample(sorted(type_.codes), r.randint(0, min(few, len(type_.codes)))))
        if type_.kind not in ORDERED:
            return r.choice(sorted(type_.codes))
        return _some(r, self.rulebase, fact, type_, self.today)

    # cases of other days ------------------------------------------------------------------------------------------------

    def _brought_to_today(self, case: Case) -> Case:
        """A case as it would be today: every span up to the day judged on stays, fixed days move by whole years."""
        days, years = (self.today - case.as_of).days, self.today.year - case.as_of.year
        return case.changed(as_of=self.today, facts={f: self._moved(f, v, days, years) for f, v in case.facts.items()})

    def _moved(self, fact: str, value: Value, days: int, years: int) -> Value:
        if isinstance(value, date):
            return add_months(value, 12 * years) if fact in self.habits.fixed else value + timedelta(days=days)
        if self.rulebase.types[fact].unit == "year" and isinstance(value, int):
            return value + years
        return value


def _subject(fact: str) -> str:
    """The first word of a name: what the fact is about."""
    return fact.partition(".")[0]


def _some(r: Random, rulebase: Rulebase, fact: str, type_: ValueType, today: date) -> Value:
    bounds: list[Any] = list(
        rulebase.facts[fact].model.range or ([date.min, date.max] if type_.kind == "date" else [0, 100])
    )
    low, high = (today if bound == "today" else read_value(bound, type_) for bound in bounds)
    if isinstance(low, date) and isinstance(high, date):
        return max(low, min(high, today - timedelta(days=int(r.expovariate(1 / 900)) - 200)))
    assert isinstance(low, int | Decimal)
    assert isinstance(high, int | Decimal)
    value = low + Decimal(str(round(min(r.expovariate(1 / 12), float(high - low)), 1)))
    return int(value) if type_.kind == "int" else Decimal(value)
