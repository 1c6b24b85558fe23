"""From a case to an assessment: facts in, the engine's derivation, and everything a person needs made from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

import imgrules
from imgrules.assessment.case import Case, dump_facts
from imgrules.assessment.result import (
    AdviceResult,
    AlertResult,
    Assessment,
    Blocker,
    FastTrackResult,
    FindingResult,
    NextStep,
    RouteResult,
    StageResult,
    Status,
    Unknown,
)
from imgrules.assessment.unknowns import Cause, Unknowns
from imgrules.assessment.wording import Wording
from imgrules.engines.durable import DurableEngine
from imgrules.engines.protocol import Derivation, Engine
from imgrules.errors import CaseError, Problem
from imgrules.rulebase.arithmetic import with_derived
from imgrules.rulebase.grammar import TODAY, Compare, Condition, Name, leaves
from imgrules.rulebase.ground import DISCONTINUED, NOT_IN_FORCE, OPENING_UNKNOWN, UPCOMING, WEAK, Grounder
from imgrules.rulebase.ir import GroundRule, Program, Values
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Outcome, Value

RECOMMENDABLE = (Status.OPEN, Status.REACHABLE, Status.UNDETERMINED)


class Assessor:
    """Assesses cases with one rulebase. Keep one for many cases: it remembers what it has grounded and compiled."""

    def __init__(self, rulebase: Rulebase, engine: Engine | None = None) -> None:
        self.rulebase = rulebase
        self.grounder = Grounder(rulebase)
        self.engine = engine or DurableEngine()

    def derive(self, case: Case) -> Derived:
        """Run the engine on a case. `CaseError` if its facts contradict each other, `EngineError` beyond the engine's limits."""
        program = self.grounder.program(case.as_of, case.jurisdictions)
        values = values_of(case, program)
        derived = Derived(self.rulebase, case, program, values, self.engine.run(program, values))
        derived.refuse_contradictions()
        return derived

    def assess(self, case: Case) -> Assessment:
        """The whole answer for a case; raises as `derive` does."""
        return self.derive(case).assessment


def values_of(case: Case, program: Program) -> dict[str, Value | None]:
    """A case's facts with `today` and every derived fact of the program."""
    values: dict[str, Value | None] = {**case.facts, TODAY: case.as_of}
    for segment in program.segments:
        values = with_derived(values, segment.derived)
    return values


@dataclass(frozen=True)
class Derived:
    """A case with everything that followed from it: what assessments and explanations are made from."""

    rulebase: Rulebase
    case: Case
    program: Program
    values: Values
    derivation: Derivation

    @cached_property
    def wording(self) -> Wording:
        return Wording(self.rulebase, self.case.as_of)

    @cached_property
    def unknowns(self) -> Unknowns:
        return Unknowns(self.program, self.values, self.derivation)

    @cached_property
    def assessment(self) -> Assessment:
        return _Writer(self).write()

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
                problems.append(Problem("C020", text, "Nothing was concluded. Correct the facts, or leave out the doubtful one.", *place))
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
        told = [c.name for name in names for c in _facts_below(self.rulebase, name) if c.name in self.case.paths]
        places = sorted(document.place(self.case.paths[name]) for name in told)
        return (document.file, *places[-1]) if places else (document.file, 1, 1)


def _facts_below(rulebase: Rulebase, name: str) -> Iterable[Cause]:
    entry = rulebase.derived.get(name)
    if entry is None or entry.expression is None:
        return [Cause.of("fact", name)]
    from imgrules.rulebase.grammar import atoms

    return [c for atom in atoms(entry.expression) if isinstance(atom, Name) for c in _facts_below(rulebase, atom.name)]


class _Writer:
    """Writes the assessment of one derivation."""

    def __init__(self, derived: Derived) -> None:
        self.d = derived
        self.rulebase = derived.rulebase
        self.rules = derived.program.rules
        self.scopes = (None, *derived.case.jurisdictions)

    def write(self) -> Assessment:
        routes = self._routes()
        tracks = self._fast_tracks({route.id: route for route in routes})
        case = self.d.case
        return Assessment(
            case=case.id,
            as_of=case.as_of,
            rulebase=self.rulebase.version,
            imgrules=imgrules.__version__,
            jurisdictions=list(case.jurisdictions),
            facts=dump_facts(case.facts),
            stages=self._stages(),
            findings={name: self._finding(rule) for name, rule in self.rules.items()},
            routes=routes,
            fast_tracks=tracks,
            advice=self._advice(),
            alerts=self._alerts(),
            next_steps=self._next_steps(routes, tracks),
        )

    def text(self, text: str, scope: str | None) -> str:
        return self.d.wording.fill(text, self.d.values, scope)

    def _finding(self, rule: GroundRule) -> FindingResult:
        applies = rule.in_force and (rule.applies is None or self.d.derivation.truth(rule.applies) is not False)
        return FindingResult(
            outcome=self.d.derivation.outcome(rule.literal),
            title=self.text(rule.entry.model.title, rule.scope),
            applicable=applies,
            jurisdiction=rule.scope,
        )

    def _stages(self) -> list[StageResult]:
        stages = sorted(self.rulebase.stages.values(), key=lambda e: e.model.order)
        return [
            StageResult(id=e.name, title=e.model.title, outcome=self.d.outcome(e.model.shown_by), shown_by=e.model.shown_by)
            for e in stages
        ]

    # routes ---------------------------------------------------------------------------------------------------------

    def _routes(self) -> list[RouteResult]:
        order = {e.name: e.model.order for e in self.rulebase.stages.values()}
        found = [rule for rule in self.rules.values() if rule.entry.section == "routes"]
        places = {scope: i for i, scope in enumerate(self.scopes)}
        found.sort(key=lambda r: (order[r.entry.model.stage], places[r.scope], not r.entry.model.main))
        return [self._route(rule) for rule in found]

    def needs(self, rule: GroundRule) -> list[GroundRule]:
        """Every requirement of a route, those of the routes it needs in their place."""
        found: dict[str, GroundRule] = {}
        for name in rule.needs:
            need = self.rules[name]
            for requirement in self.needs(need) if need.entry.section == "routes" else [need]:
                found[requirement.name] = requirement
        return list(found.values())

    def _route(self, rule: GroundRule) -> RouteResult:
        model = rule.entry.model
        needs = self.needs(rule)
        outcomes = {need.name: self.d.derivation.outcome(need.literal) for need in needs}
        blockers = [self._blocker(need) for need in needs if outcomes[need.name] is Outcome.NOT_MET]
        unknown = self._unknowns(rule, [need for need in needs if outcomes[need.name] is Outcome.UNKNOWN])
        vacuous = [need.name for need in needs if not self._finding(need).applicable]
        period = model.in_force
        return RouteResult(
            id=rule.name,
            jurisdiction=rule.scope,
            title=self.text(model.title, rule.scope),
            stage=model.stage,
            main=model.main,
            status=self._status(rule, blockers),
            summary=self.text(model.summary, rule.scope),
            gives=model.gives and self.text(model.gives, rule.scope),
            blockers=blockers,
            unknown=unknown,
            met=[n for n, o in outcomes.items() if o is Outcome.MET and n not in vacuous],
            not_applicable=vacuous,
            weeks=model.weeks and tuple(map(float, model.weeks)),
            cost_usd=model.cost_usd and tuple(map(float, model.cost_usd)),
            in_force_from=period.from_ if period and isinstance(period.from_, date) else None,
            in_force_to=period.to if period else None,
            replaced_by=model.replaced_by,
            replaced_text=model.replaced_text and self.text(model.replaced_text, rule.scope),
            after=model.after,
            excludes=model.excludes,
            leads_to=[f"{lead.route}: {lead.after}" for lead in model.leads_to],
            note=model.note,
            confidence=model.confidence,
            basis=model.basis,
            sources=self.d.wording.sources(model),
        )

    def _status(self, rule: GroundRule, blockers: list[Blocker]) -> Status:
        """The status of a route. Facts not yet known can only move `undetermined`."""
        if not rule.in_force:
            ended = rule.entry.model.in_force and rule.entry.model.in_force.to
            return Status.DISCONTINUED if ended and self.d.case.as_of > ended else Status.UPCOMING
        applies = True if rule.applies is None else self.d.derivation.truth(rule.applies)
        if applies is False:
            return Status.NOT_APPLICABLE
        if applies and any(blocker.kind == "permanent" for blocker in blockers):
            return Status.CLOSED
        gone = [need for need in map(self.rules.__getitem__, rule.needs) if not need.in_force and need.entry.section == "routes"]
        if gone and applies:
            return Status.CLOSED
        match self.d.derivation.outcome(rule.literal):
            case Outcome.MET:
                return Status.OPEN
            case Outcome.UNKNOWN:
                return Status.UNDETERMINED
            case _:
                undecided = not applies or any(
                    self.d.derivation.outcome(need.literal) is Outcome.UNKNOWN for need in self.needs(rule)
                )
                return Status.UNDETERMINED if undecided else Status.REACHABLE

    def _blocker(self, rule: GroundRule) -> Blocker:
        model = rule.entry.model
        ready = None
        if model.ready_on:
            found = self.rulebase.find(model.ready_on, rule.scope)
            value = self.d.values.get(found[0]) if found else None
            ready = value if isinstance(value, date) else None
        return Blocker(
            requirement=rule.name,
            title=self.text(model.title, rule.scope),
            kind=model.blocker,
            remedy=self.text(model.remedy, rule.scope),
            decided_by=model.decided_by and self.text(model.decided_by, rule.scope),
            weeks=model.weeks and tuple(map(float, model.weeks)),
            cost_usd=model.cost_usd and tuple(map(float, model.cost_usd)),
            ready_on=ready,
            note=model.note and self.text(model.note, rule.scope),
            confidence=model.confidence,
            sources=self.d.wording.sources(model),
        )

    def _unknowns(self, route: GroundRule, needs: list[GroundRule]) -> list[Unknown]:
        """What a route hangs on, each thing once, with the requirements it decides."""
        found: dict[Cause, list[str]] = {}
        for need in needs:
            for cause in self.d.unknowns.of(need.literal):
                found.setdefault(cause, []).append(need.name)
        extra = self.d.unknowns.of(route.literal) if self.d.derivation.truth(route.literal) is None else ()
        if route.applies:
            extra = (*extra, *self.d.unknowns.of(route.applies))
        for cause in extra:
            found.setdefault(cause, [])
        unknown = [self.unknown(cause, names, route.scope) for cause, names in found.items()]
        return sorted(unknown, key=lambda u: u.kind == "confirm")

    def unknown(self, cause: Cause, names: list[str], scope: str | None) -> Unknown:
        """A cause in words."""
        kind: Literal["fact", "confirm"] = "fact" if cause.kind == "fact" else "confirm"
        return Unknown(kind=kind, name=cause.name, text=cause_text(self.d, cause, scope), requirements=names)

    # beside the routes ----------------------------------------------------------------------------------------------

    def _scoped(self, section: str) -> Iterable[tuple[str, Any]]:
        for name, entry in getattr(self.rulebase, section).items():
            if entry.each:
                yield from ((f"{name}@{code}", entry) for code in self.d.case.jurisdictions)
            elif entry.scope in self.scopes:
                yield name, entry

    def _fast_tracks(self, routes: dict[str, RouteResult]) -> list[FastTrackResult]:
        found = []
        for name, entry in self._scoped("fast_tracks"):
            model = entry.model
            target = self.rulebase.find(model.route, entry.scope or (self.rulebase.find(model.route, None) is None and None))
            ids = [target[0]] if target else [f"{model.route}@{code}" for code in self.d.case.jurisdictions]
            for route in filter(None, map(routes.get, ids)):
                suits = self.d.truth("fast_tracks", name, "suits_when")
                found.append(
                    FastTrackResult(
                        id=name if len(ids) == 1 else f"{name}@{route.jurisdiction}",
                        title=self.text(model.title, route.jurisdiction),
                        route=route.id,
                        jurisdiction=route.jurisdiction,
                        status=route.status,
                        recommended=route.status in RECOMMENDABLE and suits is not False,
                        saves=self.text(model.saves, route.jurisdiction),
                        instead_of=model.instead_of,
                        caveats=[self.text(c, route.jurisdiction) for c in model.caveats],
                        replaced_text=route.replaced_text,
                        note=model.note,
                        sources=self.d.wording.sources(model),
                    )
                )
        rank = list(Status)
        return sorted(found, key=lambda t: (not t.recommended, rank.index(t.status)))

    def _advice(self) -> list[AdviceResult]:
        strengths = ("strong", "moderate", "weak", "none")
        found = [
            AdviceResult(
                id=name,
                title=self.text(e.model.title, e.scope),
                text=self.text(e.model.text, e.scope),
                strength=e.model.strength,
                evidence=self.text(e.model.evidence, e.scope),
                sources=self.d.wording.sources(e.model),
            )
            for name, e in self._scoped("advice")
            if self.d.truth("advice", name) is not False
        ]
        return sorted(found, key=lambda a: strengths.index(a.strength))

    def _alerts(self) -> list[AlertResult]:
        found = []
        for name, entry in self._scoped("alerts"):
            on = self.d.values.get(f"alert:{name}")
            holds = self.d.truth("alerts", name)
            if not isinstance(on, date) or holds is False:
                continue
            days = (on - self.d.case.as_of).days
            if -entry.model.passed_days <= days <= entry.model.warn_days:
                scope = name.partition("@")[2] or None
                found.append(
                    AlertResult(
                        id=name,
                        title=self.text(entry.model.title, scope),
                        on=on,
                        days=days,
                        text=self.text(entry.model.text, scope),
                        certain=holds is True,
                        sources=self.d.wording.sources(entry.model),
                    )
                )
        return sorted(found, key=lambda a: a.on)

    def _next_steps(self, routes: list[RouteResult], tracks: list[FastTrackResult]) -> list[NextStep]:
        """Remedies of the main routes and of recommended fast tracks, in the order of the stages, then what to find out."""
        wanted = [r for r in routes if r.main and r.status in RECOMMENDABLE]
        wanted += [r for r in routes if not r.main and any(t.recommended and t.route == r.id and t.status is not Status.UNDETERMINED for t in tracks)]
        steps: dict[str, NextStep] = {}
        kinds: dict[str, Literal["do", "wait", "ask"]] = {"fixable": "do", "waiting": "wait", "external": "ask", "permanent": "ask"}
        for route in wanted:
            for blocker in route.blockers:
                old = steps.get(blocker.remedy)
                ids = [*old.routes, route.id] if old else [route.id]
                steps[blocker.remedy] = NextStep(
                    kind=kinds[blocker.kind], text=blocker.remedy, routes=ids, requirement=blocker.requirement
                )
        asked: dict[str, list[str]] = {}
        for route in wanted:
            for unknown in route.unknown:
                if unknown.kind == "fact":
                    asked.setdefault(unknown.name, []).append(route.id)
        questions = [
            NextStep(kind="find_out", text=self.rulebase.facts[name].model.question, routes=ids, fact=name)
            for name, ids in sorted(asked.items(), key=lambda item: -len(item[1]))
        ]
        return [*steps.values(), *questions]


def cause_text(derived: Derived, cause: Cause, scope: str | None) -> str:
    """What is not known, in words: the question, or what to confirm and with whom."""
    rulebase = derived.rulebase
    if cause.kind == "fact":
        return str(rulebase.facts[cause.name].model.question)
    if cause.kind == "parameter":
        base, _, code = cause.name.partition("@")
        found = rulebase.find_parameter(base, code or None)
        title = found[0].model.title if found else base
        where = f" in {rulebase.jurisdiction_names[code]}" if code else ""
        known = ""
        value = rulebase.value_on(*found, derived.case.as_of) if found else None
        if cause.reason == "bounds" and found:
            known = f" (what is known: {derived.wording.parameter(*found)})"
        note = f" {value.note}" if value and value.note else ""
        return f"Not established: {title}{where}{known}. Confirm with {_authority(rulebase, code or scope)}.{note}"
    rule = derived.program.rules[cause.name]
    title = derived.wording.fill(rule.entry.model.title, derived.values, rule.scope)
    reasons = {
        WEAK: f"Known only from {_basis(rule.entry.model)}: {title}.",
        OPENING_UNKNOWN: f"Whether applications are taken yet could not be established: {title}.",
        NOT_IN_FORCE: f"No rule in force on this date says: {title}.",
        UPCOMING: f"Not yet in force: {title}.",
        DISCONTINUED: f"No longer exists: {title}.",
    }
    return f"{reasons[cause.reason]} Confirm with {_authority(rulebase, rule.scope or scope)}."


def _basis(model: Any) -> str:
    if model.basis == "secondary":
        return "secondary sources"
    return "memory" if model.basis == "memory" else "sources that leave doubt"


def _authority(rulebase: Rulebase, code: str | None) -> str:
    return rulebase.jurisdictions[code].model.board.name if code else "the body that decides"
