"""What the golden cases would notice: which conditions and requirements have decided something in one of them.

A rule written for each jurisdiction counts once: what any jurisdiction's case shows is shown. A condition is asked for
the truths it can have: one that rests on bounds may only ever be proved, and one that parameters alone decide, or that
nothing could make matter on the days of the cases, is not asked at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from imgrules.assessment.case import Case, read_case
from imgrules.assessment.decisive import Hopeful, Judged, Part, Reach, conditions
from imgrules.assessment.golden import golden_files
from imgrules.assessment.places import Places
from imgrules.assessment.probes import with_probes
from imgrules.assessment.result import Status
from imgrules.errors import CaseError, Problem, Severity
from imgrules.rulebase.grammar import Condition, Leaf
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import GroundRule, Program
from imgrules.rulebase.rulebase import Entry, Rulebase

_WORDS = {"condition": {True: "true", False: "false"}, "requirement": {True: "met", False: "not met"}}
_MAX_TEXT = 110


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Count(_Model):
    """How much was decisive: both ways where both are possible, and the one way where only one is.

    `not_asked` counts what no applicant could make decisive on any of the days looked at.
    """

    both_ways: int = 0
    can_both_ways: int = 0
    one_way: int = 0
    can_one_way: int = 0
    not_asked: int = 0

    def add(self, can: set[bool], seen: set[bool]) -> None:
        """Count one thing; nothing can be asked of what has no possible truth."""
        if len(can) == 2:
            self.can_both_ways += 1
            self.both_ways += seen >= can
        elif can:
            self.can_one_way += 1
            self.one_way += seen >= can
        else:
            self.not_asked += 1


class Uncovered(_Model):
    """A condition or requirement that has not been decisive in every way it can be."""

    kind: str
    place: str
    rule: str
    text: str
    missing: list[str]


class FileCoverage(_Model):
    """One rule file."""

    file: str
    requirements: Count
    conditions: Count
    uncovered: list[Uncovered]


class Coverage(_Model):
    """The answer of `imgrules rules coverage`."""

    cases: int
    unread: list[str]
    requirements: Count
    conditions: Count
    files: list[FileCoverage]


@dataclass
class _Seen:
    """What something can be in any program looked at, and what it was when it was decisive."""

    can: set[bool] = field(default_factory=set)
    was: set[bool] = field(default_factory=set)


class _Tally:
    """Runs cases and remembers what was decisive in them."""

    def __init__(self, rulebase: Rulebase) -> None:
        self.rulebase = rulebase
        self.parts: dict[int, dict[str, Part]] = {}
        roots = conditions(rulebase)
        for part in roots:
            self.parts.setdefault(id(part.probe.entry), {})[part.probe.field] = part
        self.all = [part for root in roots for part in root.all()]
        self.grounder = Grounder(with_probes(rulebase, (part.probe for part in self.all)))
        self.seen = {id(part): _Seen() for part in self.all}
        self.needed: dict[int, _Seen] = {}
        self._reach: dict[tuple[int, ...], Reach] = {}
        self._noted: set[int] = set()

    def run(self, cases: list[Case]) -> None:
        """Judge every case; then see what could have been decisive in any jurisdiction on the latest of their days."""
        for case in cases:
            program = self.grounder.program(case.as_of, case.jurisdictions)
            reach = self._reach_of(program)
            judged = Judged(program, case)
            for part, truth, literal in judged.decisive(self.parts):
                if truth in reach.sides(literal):
                    self.seen[id(part)].was.add(truth)
            for rule, truth in judged.decisive_requirements():
                if truth in reach.sides(rule.literal):
                    self.needed.setdefault(id(rule.entry), _Seen()).was.add(truth)
        if cases:
            day = max(case.as_of for case in cases)
            self._reach_of(self.grounder.program(day, self.rulebase.jurisdictions))

    def _reach_of(self, program: Program) -> Reach:
        """What can be decided in a program at all, noted when the program is first met: what nobody's facts mask."""
        key = tuple(map(id, program.segments))
        if key not in self._reach:
            fresh = [segment for segment in program.segments if id(segment) not in self._noted]
            self._noted |= {id(segment) for segment in fresh}
            hopeful = Hopeful(program, fresh)
            reach = self._reach[key] = hopeful.reach
            for part, literal in hopeful.heard(self.parts):
                self.seen[id(part)].can.update(reach.sides(literal))
            for need in hopeful.heard_requirements():
                self.needed.setdefault(id(need.entry), _Seen()).can.update(reach.sides(need.literal))
        return self._reach[key]


def coverage(rulebase: Rulebase, folder: Path, places: Places) -> Coverage:
    """Judge the cases of a folder and say what was decisive. Cases that cannot be judged are named, not counted."""
    cases, unread = read_cases(rulebase, folder)
    tally = _Tally(rulebase)
    tally.run(cases)
    files: dict[str, FileCoverage] = {}
    total = Coverage(cases=len(cases), unread=unread, requirements=Count(), conditions=Count(), files=[])
    for item, seen, kind in _counted(tally):
        entry = item.probe.entry if isinstance(item, Part) else item
        here = files.setdefault(
            entry.file, FileCoverage(file=entry.file, requirements=Count(), conditions=Count(), uncovered=[])
        )
        for counts in (total, here):
            (counts.requirements if kind == "requirement" else counts.conditions).add(seen.can, seen.was)
        if seen.can - seen.was:
            here.uncovered.append(_uncovered(item, seen, kind, places))
    total.files = [files[name] for name in sorted(files)]
    for found in total.files:
        found.uncovered.sort(key=lambda u: (int(u.place.rpartition(":")[2]), u.kind != "requirement"))
    return total


def read_cases(rulebase: Rulebase, folder: Path) -> tuple[list[Case], list[str]]:
    """The cases of a folder, and the files among them that hold none."""
    cases, unread = [], []
    for path in golden_files(folder):
        try:
            cases.append(read_case(path, rulebase))
        except CaseError:
            unread.append(str(path))
    return cases, unread


def _counted(tally: _Tally) -> Iterator[tuple[Part | Entry[Any], _Seen, str]]:
    for entry in tally.rulebase.requirements.values():
        yield entry, tally.needed.get(id(entry), _Seen()), "requirement"
    for part in tally.all:
        if isinstance(part.condition, Leaf) or part.condition.kind != "not":
            yield part, tally.seen[id(part)], "condition"


def _uncovered(item: Part | Entry[Any], seen: _Seen, kind: str, places: Places) -> Uncovered:
    entry = item.probe.entry if isinstance(item, Part) else item
    line, text = entry.line, entry.model.title
    if isinstance(item, Part):
        path = _path(item.condition) or (entry.section, entry.local_name, item.probe.field)
        line, text = places.line(entry.file, path, entry.line), f"{item.probe.field}: {words(item.condition)}"
    missing = [_WORDS[kind][side] for side in (True, False) if side in seen.can - seen.was]
    text = text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 4]} ..."
    return Uncovered(kind=kind, place=f"{entry.file}:{line}", rule=entry.name, text=text, missing=missing)


def _path(condition: Condition) -> tuple[str | int, ...]:
    """Where a condition stands: for a group, where the nearest leaf of it does, less the step into the group."""
    if isinstance(condition, Leaf):
        return condition.path
    inner = _path(condition.parts[0])
    return inner[:-1] if condition.kind == "not" else inner[:-2]


def words(condition: Condition) -> str:
    """A condition on one line, as it is written."""
    if isinstance(condition, Leaf):
        return condition.text
    head = f"at least {condition.n} of" if condition.kind == "at_least" else condition.kind
    return f"{head} [{', '.join(words(part) for part in condition.parts)}]"


# routes in golden cases ------------------------------------------------------------------------------------------------


def unshown_routes(rulebase: Rulebase, folder: Path) -> list[Problem]:
    """Warnings for routes that no golden case expects open or reachable (R104), or any other way (R105).

    A route that could never be open or reachable, whatever the applicant tells, is not asked to be.
    """
    cases, _ = read_cases(rulebase, folder)
    shown: dict[str, set[bool]] = {}
    for case in cases:
        for name, status in case.expect.routes.items() if case.expect else ():
            found = rulebase.find(name, None)
            key = found[1].name if found else name
            shown.setdefault(key, set()).add(status in (Status.OPEN, Status.REACHABLE))
    hopeful = _hopeful(rulebase, cases)
    problems = []
    for name, entry in rulebase.routes.items():
        if True not in shown.get(name, ()) and id(entry) in hopeful:
            message = f"{name}: no golden case expects this route to be open or reachable."
            problems.append(_warning(entry, "R104", message, "Add a case of somebody whom it serves."))
        if False not in shown.get(name, ()):
            message = f"{name}: no golden case expects this route to be anything but open or reachable."
            problems.append(_warning(entry, "R105", message, "Add a case of somebody whom it does not serve."))
    return problems


def _hopeful(rulebase: Rulebase, cases: Iterable[Case]) -> set[int]:
    """The routes that could be open or reachable in some jurisdiction on the day of some case."""
    grounder, found = Grounder(rulebase), set[int]()
    days = {grounder.program(case.as_of).segments[0].epoch: case.as_of for case in cases}
    for _, day in sorted(days.items(), reverse=True):
        left = [entry for entry in rulebase.routes.values() if id(entry) not in found]
        own = {entry.scope for entry in left if entry.scope}
        program = grounder.program(day, rulebase.jurisdictions if any(entry.each for entry in left) else sorted(own))
        reach = Reach(program)
        routes = [rule for rule in program.rules.values() if rule.entry.section == "routes" and rule.in_force]
        found |= {id(rule.entry) for rule in routes if _could_open(rule, program, reach)}
    return found


def _could_open(route: GroundRule, program: Program, reach: Reach) -> bool:
    needs = [program.rules[name] for name in route.needs]
    applies = route.applies is None or True in reach.possible(route.applies)
    return applies and all(_mendable(need.entry, reach.possible(need.literal)) for need in needs)


def _mendable(entry: Entry[Any], possible: set[bool]) -> bool:
    """Whether a need can be met, or fail in a way that can be put right."""
    return True in possible or (False in possible and getattr(entry.model, "blocker", "") != "permanent")


def _warning(entry: Entry[Any], code: str, message: str, fix: str) -> Problem:
    return Problem(code, message, fix, entry.file, entry.line, entry.column, Severity.WARNING)
