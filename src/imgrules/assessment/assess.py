"""From a case to what follows from it: facts in, the engine's derivation out, refused where facts contradict each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast
from weakref import WeakKeyDictionary, WeakSet

from imgrules.assessment.case import Case
from imgrules.assessment.outline import Outline
from imgrules.assessment.result import Assessment
from imgrules.assessment.unknowns import Unknowns
from imgrules.assessment.wording import Wording
from imgrules.engines.durable import DurableEngine
from imgrules.engines.protocol import Derivation, Engine
from imgrules.errors import CaseError, Problem
from imgrules.rulebase.arithmetic import with_derived
from imgrules.rulebase.cache import keep_part, read_part
from imgrules.rulebase.grammar import TODAY, Compare, Condition, Name, atoms, leaves
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import Program, Segment, Values
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Outcome, Value

# Parts of assessments remembered before all are forgotten: some tens of megabytes at most.
MAX_PARTS = 30_000


class Assessor:
    """Assesses cases with one rulebase. Keep one for many cases: it remembers what it has grounded and compiled."""

    def __init__(self, rulebase: Rulebase, engine: Engine | None = None) -> None:
        self.rulebase = rulebase
        self.grounder = Grounder(rulebase, None if engine else self._recall)
        self.engine = engine or DurableEngine()
        self._notes: dict[int, Notes] = {}
        self._kept: WeakSet[Segment] = WeakSet()

    def derive(self, case: Case) -> Derived:
        """Run the engine on a case. `CaseError` if its facts contradict each other, `EngineError` beyond the engine's limits."""
        program = self.grounder.program(case.as_of, case.jurisdictions)
        values = values_of(case, program)
        epoch = program.segments[0].epoch
        if sum(len(notes.parts) for notes in self._notes.values()) > MAX_PARTS:
            self.forget()
        if epoch not in self._notes:
            self._notes[epoch] = Notes(Wording(self.rulebase, case.as_of))
        derived = Derived(self.rulebase, case, program, values, self.engine.run(program, values), self._notes[epoch])
        for segment in program.segments:
            if segment not in self._kept:
                self._keep(segment)
        derived.refuse_contradictions()
        return derived

    def _recall(self, epoch: int, scope: str | None) -> Segment | None:
        """A segment that an earlier start of the program grounded and cut into rulesets."""
        found = read_part(self.rulebase, f"{epoch}-{scope or 'national'}")
        if not (isinstance(found, tuple) and isinstance(self.engine, DurableEngine)):
            return None
        segment, plan = found
        self.engine.adopt(segment, plan)
        self._kept.add(segment)
        return cast(Segment, segment)

    def _keep(self, segment: Segment) -> None:
        self._kept.add(segment)
        if isinstance(self.engine, DurableEngine):
            part = (segment, self.engine.plan(segment))
            keep_part(self.rulebase, f"{segment.epoch}-{segment.scope or 'national'}", part)

    def forget(self) -> None:
        """Drop what was remembered of earlier cases; what was grounded and compiled stays."""
        for notes in self._notes.values():
            notes.parts.clear()
        if isinstance(self.engine, DurableEngine):
            self.engine.forget()

    def assess(self, case: Case) -> Assessment:
        """The whole answer for a case; raises as `derive` does."""
        return self.derive(case).assessment


def values_of(case: Case, program: Program) -> dict[str, Value | None]:
    """A case's facts with `today` and every derived fact of the program."""
    values: dict[str, Value | None] = {**case.facts, TODAY: case.as_of}
    for segment in program.segments:
        values = with_derived(values, segment.derived)
    return values


class Notes:
    """What is the same for every case between two days on which the rules change, worked out once."""

    def __init__(self, wording: Wording) -> None:
        self.wording = wording
        self.parts: dict[Hashable, Any] = {}  # parts of assessments by all that they are made from
        self._outlines: WeakKeyDictionary[Program, Outline] = WeakKeyDictionary()

    def outline(self, program: Program) -> Outline:
        """What every assessment by a program has alike."""
        found = self._outlines.get(program)
        if found is None:
            found = self._outlines[program] = Outline(self.wording.rulebase, program, self.wording)
        return found


@dataclass(frozen=True)
class Derived:
    """A case with everything that followed from it: what assessments and explanations are made from."""

    rulebase: Rulebase
    case: Case
    program: Program
    values: Values
    derivation: Derivation
    notes: Notes

    @property
    def wording(self) -> Wording:
        return self.notes.wording

    @cached_property
    def unknowns(self) -> Unknowns:
        return Unknowns(self.program, self.values, self.derivation)

    @cached_property
    def assessment(self) -> Assessment:
        from imgrules.assessment.writer import Writer

        return Writer(self).write()

    def outcome(self, name: str) -> Outcome:
        """The outcome of a finding, requirement or route; `KeyError` if it is not part of this program."""
        return self.derivation.outcome(self.program.rules[name].literal)

    def truth(self, section: str, name: str, field: str = "when") -> bool | None:
        """Whether a condition of what is shown beside the routes holds; True where it has none."""
        for segment in self.program.segments:
            literal = segment.conditions.get((f"{section}:{name}", field))
            if literal is not None:
                return self.derivation.truth(literal)
        return True

    def refuse_contradictions(self) -> None:
        """`CaseError` naming every set of facts that cannot all be true."""
        problems = []
        for name, entry in self.rulebase.contradictions.items():
            if self.truth("contradictions", name) is True and entry.scope in (None, *self.case.jurisdictions):
                text = self.wording.fill(entry.model.text, self.values, entry.scope)
                place = self._place(entry.conditions["when"])
                problems.append(
                    Problem(
                        "C020", text, "Nothing was concluded. Correct the facts, or leave out the doubtful one.", *place
                    )
                )
        if problems:
            raise CaseError(problems)

    def _place(self, condition: Condition) -> tuple[str, int, int]:
        """Where the last of the facts that a condition looks at stands in the case file."""
        document = self.case.document
        if document is None:
            return (self.case.id, 0, 0)
        names = [
            subject.name
            for leaf in leaves(condition)
            if isinstance(subject := leaf.body.left if isinstance(leaf.body, Compare) else leaf.body, Name)
        ]
        told = [fact for name in names for fact in _facts_below(self.rulebase, name) if fact in self.case.paths]
        places = sorted(document.place(self.case.paths[name]) for name in told)
        return (document.file, *places[-1]) if places else (document.file, 1, 1)


def _facts_below(rulebase: Rulebase, name: str) -> Iterable[str]:
    """The facts that a name is computed from; itself, if it is a fact."""
    entry = rulebase.derived.get(name)
    if entry is None or entry.expression is None:
        return [name]
    return [
        fact for atom in atoms(entry.expression) if isinstance(atom, Name) for fact in _facts_below(rulebase, atom.name)
    ]
