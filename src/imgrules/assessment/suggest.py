"""Applicants that the golden cases lack: for everything never decisive, the smallest person for whom it is.

What a condition must come to, and what must stand beside it for it to be heard, is solved for facts by walking the
program from the rule down to its comparisons. Where that leads nowhere, a golden case is bent instead. What comes out
is judged again before it is believed, and made as small as it can be. Expectations are left to people: copied from the
program they would pin nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from imgrules.assessment.applicants import Sketch
from imgrules.assessment.case import Case
from imgrules.assessment.coverage import Uncovered, _counted, _Tally, _uncovered, read_cases
from imgrules.assessment.decisive import Hopeful, Judged, Part
from imgrules.assessment.places import Places
from imgrules.assessment.solve import Goal, Solver
from imgrules.rulebase.ir import GroundRule, Literal, Program
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import Value, plain, show

# How far the search goes: things looked for in one applicant, days and jurisdictions tried for one thing, golden cases
# bent for it, routes that may hear a requirement, and applicants found before that are asked to show it too.
MOST = 6
_DAYS = 6
_SCOPES = 3
_BENT = 25
_ROUTES = 3
_NEAR = 8

Item: TypeAlias = "Part | Entry[Any]"


@dataclass(frozen=True)
class Wanted:
    """One truth of a condition or requirement that no golden case has shown to decide, and where it could."""

    item: Item
    truth: bool
    says: Uncovered
    scopes: tuple[str | None, ...]

    @property
    def entry(self) -> Entry[Any]:
        """The rule it belongs to."""
        return self.item.probe.entry if isinstance(self.item, Part) else self.item

    @property
    def key(self) -> tuple[int, bool]:
        """What tells it from all others."""
        return id(self.item), self.truth

    def __str__(self) -> str:
        met = "is met" if self.truth else "is not met"
        holds = "holds" if self.truth else "does not hold"
        return f"{self.says.place} {self.says.rule}: {self.says.text} - {met if self.item is self.entry else holds}"


@dataclass
class Suggestion:
    """An applicant, the jurisdiction aimed at, and what is decisive for them that was not before."""

    scope: str | None
    day: date
    facts: dict[str, Value]
    shows: list[Wanted] = field(default_factory=list)


@dataclass(frozen=True)
class Suggestions:
    """The applicants found, and what nobody could be found for."""

    found: list[Suggestion]
    left: list[Wanted]


def suggest(rulebase: Rulebase, folder: Path, places: Places) -> Suggestions:
    """Search an applicant for everything never decisive in the golden cases of a folder; `InputError` if it has none."""
    cases, _ = read_cases(rulebase, folder)
    tally = _Tally(rulebase)
    tally.run(cases)
    return _Search(rulebase, tally, cases).all(_wanted(tally, cases, places))


def _wanted(tally: _Tally, cases: list[Case], places: Places) -> list[Wanted]:
    days = [case.as_of for case in cases] or [date.today()]
    scopes = _scopes(tally, {Counter(days).most_common(1)[0][0], max(days)})
    return [
        Wanted(item, truth, _uncovered(item, seen, kind, places), tuple(scopes.get((id(item), truth), ())))
        for item, seen, kind in _counted(tally)
        for truth in (True, False)
        if truth in seen.can - seen.was
    ]


def _scopes(tally: _Tally, days: Iterable[date]) -> dict[tuple[int, bool], list[str | None]]:
    """The jurisdictions in which something could be decisive on one of some days, for each of its truths."""
    found: dict[tuple[int, bool], list[str | None]] = {}
    programs = [tally.grounder.program(day, tally.rulebase.jurisdictions) for day in days]
    for program, segment in ((one, segment) for one in programs for segment in one.segments):
        hopeful = Hopeful(program, [segment])
        for part, literal in hopeful.heard(tally.parts):
            for truth in hopeful.reach.sides(literal):
                found.setdefault((id(part), truth), []).append(segment.scope)
        for rule in hopeful.heard_requirements():
            for truth in hopeful.reach.sides(rule.literal):
                found.setdefault((id(rule.entry), truth), []).append(segment.scope)
    return {key: list(dict.fromkeys(scopes)) for key, scopes in found.items()}


class _Search:
    """Goes through what is wanted, one applicant after another, letting each show as much as it can."""

    def __init__(self, rulebase: Rulebase, tally: _Tally, cases: list[Case]) -> None:
        self.rulebase = rulebase
        self.tally = tally
        self.cases = cases
        self.days = [day for day, _ in Counter(case.as_of for case in cases).most_common()] or [date.today()]
        self.roots = {
            id(part): root for parts in tally.parts.values() for root in parts.values() for part in root.all()
        }
        self.left: dict[tuple[int, bool], Wanted] = {}
        self.found: list[Suggestion] = []
        self.solvers: dict[tuple[tuple[int, ...], str | None], Solver] = {}

    def all(self, wanted: Iterable[Wanted]) -> Suggestions:
        """Somebody for everything wanted that somebody can be found for."""
        self.left = {one.key: one for one in wanted}
        for one in list(self.left.values()):
            if one.key in self.left and not self._join(one):
                self._begin(one)
        for suggestion in self.found:
            self._shrink(suggestion)
        return Suggestions(self.found, list(self.left.values()))

    # one applicant --------------------------------------------------------------------------------------------------

    def _join(self, one: Wanted) -> bool:
        """Let somebody found for the same rule file show this too."""
        near = [s for s in self.found if s.shows[0].entry.file == one.entry.file and len(s.shows) < MOST]
        for suggestion in near[: -_NEAR - 1 : -1]:
            if suggestion.scope in one.scopes or suggestion.scope == one.entry.scope:
                shows = [*suggestion.shows, one]
                for facts in self._solutions(one, suggestion.scope, suggestion.day, suggestion.facts):
                    if self._shown(suggestion.scope, suggestion.day, facts, shows) == len(shows):
                        suggestion.facts = facts
                        self._take(suggestion, one)
                        return True
        return False

    def _begin(self, one: Wanted) -> None:
        """Find somebody new for it: on the usual day, on another, or by bending a golden case."""
        scopes = one.scopes[:_SCOPES] or (one.entry.scope,)
        first, others = self.days[0], self.days[1 :: max(1, len(self.days) // _DAYS)]
        tries = [*((first, scope) for scope in scopes), *((day, scopes[0]) for day in others)]
        made = (
            Suggestion(scope, day, facts)
            for day, scope in tries
            for facts in self._solutions(one, scope, day, {})
            if self._shown(scope, day, facts, [one])
        )
        suggestion = next(made, None) or self._bent(one)
        if suggestion:
            self.found.append(suggestion)
            self._take(suggestion, one)

    def _take(self, suggestion: Suggestion, one: Wanted) -> None:
        """Note what an applicant shows: what was looked for, and of the same rule whatever else comes with it."""
        del self.left[one.key]
        suggestion.shows.append(one)
        others = [other for other in self.left.values() if other.entry.file == one.entry.file]
        shown = set(self._decisive(suggestion.scope, suggestion.day, suggestion.facts, others))
        for other in others:
            if other.key in shown:
                del self.left[other.key]
                suggestion.shows.append(other)

    def _shrink(self, suggestion: Suggestion) -> None:
        """Drop every fact that nothing shown needs."""
        for name in sorted(suggestion.facts):
            without = {n: v for n, v in suggestion.facts.items() if n != name}
            if self._shown(suggestion.scope, suggestion.day, without, suggestion.shows) == len(suggestion.shows):
                suggestion.facts = without

    # judging --------------------------------------------------------------------------------------------------------

    def _program(self, scope: str | None, day: date) -> Program:
        return self.tally.grounder.program(day, [scope] if scope else [])

    def _shown(self, scope: str | None, day: date, facts: dict[str, Value], wanted: list[Wanted]) -> int:
        """How much of what is wanted an applicant shows; nothing if the facts contradict each other."""
        return len(set(self._decisive(scope, day, facts, wanted)))

    def _decisive(
        self, scope: str | None, day: date, facts: dict[str, Value], wanted: list[Wanted]
    ) -> Iterator[tuple[int, bool]]:
        program = self._program(scope, day)
        case = Case("suggestion", day, (scope,) if scope else (), facts)
        judged = Judged(program, case)
        if _contradictory(program, judged):
            return
        keys = {one.key for one in wanted}
        entries = {id(one.entry) for one in wanted}
        judged.asked = [rule for rule in judged.rules.values() if id(rule.entry) in entries]
        reach = self.tally._reach_of(program)
        for part, truth, literal in judged.decisive(self.tally.parts):
            if (id(part), truth) in keys and truth in reach.sides(literal):
                yield id(part), truth
        if any(one.item is one.entry for one in wanted):
            judged.asked = list(judged.rules.values())
            for rule, truth in judged.decisive_requirements():
                if (id(rule.entry), truth) in keys and truth in reach.sides(rule.literal):
                    yield id(rule.entry), truth

    # solving --------------------------------------------------------------------------------------------------------

    def _solutions(
        self, one: Wanted, scope: str | None, day: date, facts: dict[str, Value]
    ) -> Iterator[dict[str, Value]]:
        """Facts for which it has its truth: first with everything beside it as it should be, then with less."""
        program = self._program(scope, day)
        key = (tuple(map(id, program.segments)), scope)
        if key not in self.solvers:
            self.solvers[key] = Solver(self.rulebase, program, scope)
        solver = self.solvers[key]
        reach = self.tally._reach_of(program)
        for rule in program.rules.values():
            if rule.entry is one.entry and rule.in_force and rule.scope in (scope, None):
                for must, should in self._goals(one, rule, program, fresh=day == self.days[0] and not facts):
                    able = [goal for goal in should if goal.truth in reach.possible(goal.literal)]
                    sketch = Sketch(self.rulebase, scope, day, dict(facts))
                    yield from solver.first([*must, *able], sketch) if facts else solver.best(must, able, sketch)

    def _goals(
        self, one: Wanted, rule: GroundRule, program: Program, fresh: bool
    ) -> Iterator[tuple[list[Goal], list[Goal]]]:
        """What must hold for something to have its truth, and what should for it to be heard, in one way or another."""
        if isinstance(one.item, Part):
            root = self.roots[id(one.item)]
            must = [Goal(program.rules[one.item.probe.grounded(rule.scope)].literal, one.truth)]
            yield must, [*_beside(root, one.item, rule.scope, program), *_around(rule, root, program)]
            return
        routes = [r for r in program.rules.values() if rule.name in r.needs and r.in_force]
        must = [Goal(rule.literal, one.truth)]
        for everything in (False, True) if fresh else (False,):
            for route in routes[:_ROUTES]:
                applies = [Goal(r.applies, True) for r in (rule, route) if r.applies]
                needs = [Goal(program.rules[n].literal, True) for n in route.needs if everything and n != rule.name]
                yield must, [*applies, *needs]

    def _bent(self, one: Wanted) -> Suggestion | None:
        """A golden case with what is wanted written over it."""
        tried = 0
        for case in self.cases:
            scopes = [s for s in (*case.jurisdictions, None) if s in one.scopes or s == one.entry.scope]
            for scope in scopes[:1]:
                facts = next(self._solutions(one, scope, case.as_of, {}), {})
                both = {**case.facts, **facts}
                tried += 1
                if facts and self._shown(scope, case.as_of, both, [one]):
                    return Suggestion(scope, case.as_of, both)
            if tried >= _BENT:
                break
        return None


def _contradictory(program: Program, judged: Judged) -> bool:
    return any(
        judged.truth(literal) is True
        for segment in program.segments
        for (name, _), literal in segment.conditions.items()
        if name.startswith("contradictions:")
    )


def _beside(root: Part, wanted: Part, scope: str | None, program: Program) -> Iterator[Goal]:
    """What the other parts of every group around a part should be for the part to be heard."""
    inner = next((part for part in root.parts if any(p is wanted for p in part.all())), None)
    if root is wanted or inner is None:
        return
    kind, n = getattr(root.condition, "kind", ""), getattr(root.condition, "n", 0)
    others = [part for part in root.parts if part is not inner]
    for i, other in enumerate(others):
        truth = kind == "all" or (kind == "at_least" and i < n - 1)
        yield Goal(program.rules[other.probe.grounded(scope)].literal, truth)
    yield from _beside(inner, wanted, scope, program)


def _around(rule: GroundRule, root: Part, program: Program) -> Iterator[Goal]:
    """What the other conditions of a rule should be for one of them to be heard."""
    if rule.entry.section == "excuses":
        for other in program.rules.values():
            if rule.literal in other.excused:
                yield from _around_field(other, rule.literal)
    elif rule.entry.section == "requirements":
        field_ = {"met_when": rule.met, "applies_when": rule.applies}.get(root.probe.field)
        yield from _around_field(rule, field_ or next(iter(rule.excused), ""))


def _around_field(rule: GroundRule, field_: Literal) -> Iterator[Goal]:
    if rule.applies and field_ != rule.applies:
        yield Goal(rule.applies, True)
    for literal in (rule.met, *rule.excused):
        if literal and literal != field_:
            yield Goal(literal, False)


# writing ------------------------------------------------------------------------------------------------------------------


def write_suggestions(rulebase: Rulebase, suggestions: Suggestions, folder: Path) -> list[Path]:
    """Write a case file for each applicant, in folders named after the rule files; OSError if that cannot be done."""
    written: list[Path] = []
    counts: dict[Path, int] = {}
    for suggestion in suggestions.found:
        topic = Path(suggestion.shows[0].entry.file).with_suffix("")
        place = folder.joinpath(*topic.parts[1:]) if len(topic.parts) > 1 else folder / topic
        counts[place] = counts.get(place, 0) + 1
        place.mkdir(parents=True, exist_ok=True)
        name = f"{topic.name.lower()}-{counts[place]:02}"
        path = place / f"{name}.yaml"
        path.write_text(skeleton(rulebase, suggestion, name), encoding="utf-8")
        written.append(path)
    return written


def skeleton(rulebase: Rulebase, suggestion: Suggestion, name: str) -> str:
    """A case file without expectations: whoever fills them in reads the rule and its source."""
    told = "; ".join(
        f"{rulebase.facts[fact].model.title}: {show(value, rulebase.types[fact])}"
        for fact, value in sorted(suggestion.facts.items())
    )
    lines = [f"case: {name}", f"about: {_quoted(told)}", "pins: |", *(f"  {one}" for one in suggestion.shows)]
    lines.append(f"as_of: {suggestion.day}")
    if suggestion.scope:
        lines.append(f"jurisdictions: [{suggestion.scope}]")
    lines.append("facts:" if suggestion.facts else "facts: {}")
    lines += [f"  {fact}: {_written(value)}" for fact, value in sorted(suggestion.facts.items())]
    lines.append("expect: # fill in what the rule and its source say, not what the program answers")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _written(value: Value) -> str:
    raw = plain(value)
    if isinstance(raw, list):
        return f"[{', '.join(map(str, raw))}]"
    return str(raw).lower() if isinstance(raw, bool) else str(raw)
