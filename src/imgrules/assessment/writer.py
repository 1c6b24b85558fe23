"""Writes the assessment of one derivation: stages, routes, blockers, fast tracks, advice, alerts, next steps."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import date
from typing import Any, Literal, TypeVar

from imgrules._version import __version__
from imgrules.assessment.assess import Derived
from imgrules.assessment.case import dump_facts
from imgrules.assessment.causes import cause_text
from imgrules.assessment.outline import RouteOutline, RuleOutline
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
from imgrules.assessment.unknowns import Cause
from imgrules.rulebase import schema
from imgrules.rulebase.grammar import HERE
from imgrules.rulebase.ir import GroundRule
from imgrules.rulebase.rulebase import Entry
from imgrules.rulebase.usage import parameters_in
from imgrules.rulebase.values import Outcome

RECOMMENDABLE = (Status.OPEN, Status.REACHABLE, Status.UNDETERMINED)
T = TypeVar("T")


def _pair(numbers: list[Any] | None) -> tuple[float, float] | None:
    return (float(numbers[0]), float(numbers[1])) if numbers else None


class Writer:
    """Writes the assessment of one derivation.

    A part of it that was made before from exactly the same things is not made again (`remember`): its key holds all that
    it is made from, unless its texts vary with the applicant's facts, when it is always made anew.
    """

    def __init__(self, derived: Derived) -> None:
        self.d = derived
        self.rulebase = derived.rulebase
        self.outline = derived.notes.outline(derived.program)
        self.rules = self.outline.rules
        proved = derived.derivation.proved
        self.outcomes = {
            name: Outcome.MET if rule.met in proved else Outcome.NOT_MET if rule.unmet in proved else Outcome.UNKNOWN
            for name, rule in self.rules.items()
        }
        self.applies = {name: self._applies(rule) for name, rule in self.rules.items()}

    def write(self) -> Assessment:
        """The assessment."""
        routes = [self._route(route) for route in self.outline.routes]
        tracks = self._fast_tracks({route.id: route for route in routes})
        case = self.d.case
        found = Assessment(
            case=case.id,
            as_of=case.as_of,
            rulebase=self.rulebase.version,
            imgrules=__version__,
            jurisdictions=list(case.jurisdictions),
            facts=dump_facts(case.facts),
            stages=self._stages(),
            findings={name: self._finding(name, rule) for name, rule in self.rules.items()},
            routes=routes,
            fast_tracks=tracks,
            advice=self._advice(),
            alerts=self._alerts(),
            next_steps=[],
        )
        return found.model_copy(update={"next_steps": self._next_steps(found)})

    def text(self, text: str, scope: str | None) -> str:
        return self.d.wording.fill(text, self.d.values, scope)

    def remember(self, key: Hashable, varies: bool, make: Callable[[], T]) -> T:
        """What `make` gives, made once for each key unless it varies with the applicant's facts."""
        if varies:
            return make()
        found = self.d.notes.parts.get(key)
        if found is None:
            found = self.d.notes.parts[key] = make()
        return found

    def _applies(self, rule: RuleOutline) -> bool | None:
        if not rule.rule.in_force:
            return False
        if rule.applies is None:
            return True
        proved = self.d.derivation.proved
        return True if rule.applies in proved else False if rule.spared in proved else None

    def _finding(self, name: str, rule: RuleOutline) -> FindingResult:
        outcome, applicable = self.outcomes[name], self.applies[name] is not False
        key = ("finding", name, outcome, applicable)
        found = None if rule.varies else self.d.notes.parts.get(key)
        return found or self.remember(key, rule.varies, lambda: self._new_finding(rule.rule, outcome, applicable))

    def _new_finding(self, rule: GroundRule, outcome: Outcome, applicable: bool) -> FindingResult:
        title = self.text(rule.entry.model.title, rule.scope)
        return FindingResult(outcome=outcome, title=title, applicable=applicable, jurisdiction=rule.scope)

    def _stages(self) -> list[StageResult]:
        return [
            StageResult(
                id=e.name, title=e.model.title, outcome=self.d.outcome(e.model.shown_by), shown_by=e.model.shown_by
            )
            for e in self.outline.stages
        ]

    # routes ---------------------------------------------------------------------------------------------------------

    def _route(self, route: RouteOutline) -> RouteResult:
        """A route, from the outcomes of its needs and from what each undecided one hangs on."""
        unknowns, outcomes = self.d.unknowns, self.outcomes
        states = tuple([outcomes[name] for name in route.needs])
        vacuous = tuple([name for name in route.needs if self.applies[name] is False])
        undecided = [n for n, outcome in zip(route.needs, states, strict=True) if outcome is Outcome.UNKNOWN]
        causes = tuple([unknowns.of(self.rules[name].met) for name in undecided])
        own = tuple([unknowns.of(literal) for literal in route.own])
        status = self._status(route, states)
        key = ("route", route.rule.name, route.after, route.excludes, status, states, vacuous, causes, own)
        found = self.d.notes.parts.get(key)
        if found is None:
            found = self._new_route(route, status, vacuous, self._by_cause(undecided, causes, own))
            if not self._varies(route, found):
                self.d.notes.parts[key] = found
        return found

    def _varies(self, route: RouteOutline, found: RouteResult) -> bool:
        """Whether what a route shows depends on more than outcomes: on the applicant's own figures and dates."""
        names = (route.rule.name, *(b.requirement for b in found.blockers), *(u.name for u in found.unknown))
        return any(name in self.rules and self.rules[name].varies for name in names)

    def _new_route(
        self, route: RouteOutline, status: Status, vacuous: tuple[str, ...], causes: dict[Cause, list[str]]
    ) -> RouteResult:
        rule, outcomes = route.rule, self.outcomes
        texts = ("texts", rule.name, route.after)
        return RouteResult(
            **self.remember(texts, self.rules[rule.name].varies, lambda: self._route_texts(route)),
            status=status,
            excludes=list(route.excludes),
            blockers=[self._blocker(self.rules[n]) for n in route.needs if outcomes[n] is Outcome.NOT_MET],
            unknown=[self.unknown(cause, causes[cause], rule.scope) for cause in causes],
            met=[n for n in route.needs if outcomes[n] is Outcome.MET and n not in vacuous],
            not_applicable=list(vacuous),
        )

    def _route_texts(self, route: RouteOutline) -> dict[str, Any]:
        """What a route shows whoever the applicant is."""
        rule, model = route.rule, route.rule.entry.model
        period = model.in_force
        return {
            "id": rule.name,
            "jurisdiction": rule.scope,
            "title": self.text(model.title, rule.scope),
            "stage": model.stage,
            "main": model.main,
            "summary": self.text(model.summary, rule.scope),
            "gives": model.gives and self.text(model.gives, rule.scope),
            "weeks": _pair(model.weeks),
            "cost_usd": _pair(model.cost_usd),
            "in_force_from": period.from_ if period and isinstance(period.from_, date) else None,
            "in_force_to": period.to if period else None,
            "replaced_by": model.replaced_by,
            "replaced_text": model.replaced_text and self.text(model.replaced_text, rule.scope),
            "after": list(route.after),
            "leads_to": [f"{lead.route}: {lead.after}" for lead in model.leads_to],
            "note": model.note and self.text(model.note, rule.scope),
            "confidence": model.confidence,
            "basis": model.basis,
            "sources": self.d.wording.sources(model),
        }

    def _status(self, route: RouteOutline, states: tuple[Outcome, ...]) -> Status:
        """The status of a route. Facts not yet known can only move `undetermined`."""
        if not route.rule.in_force:
            gone = route.ended and self.d.case.as_of > route.ended
            return Status.DISCONTINUED if gone else Status.UPCOMING
        applies = self.applies[route.rule.name]
        if applies is False:
            return Status.NOT_APPLICABLE
        if applies is None:
            return Status.UNDETERMINED
        blocked = [name for name, outcome in zip(route.needs, states, strict=True) if outcome is Outcome.NOT_MET]
        barred = any(self.rules[name].rule.entry.model.blocker == "permanent" for name in blocked)
        if barred or any(not inner.in_force for inner in route.inner):
            return Status.CLOSED
        if self.outcomes[route.rule.name] is Outcome.MET:
            return Status.OPEN
        if any(self.applies[inner.name] is False for inner in route.inner):
            return Status.NOT_APPLICABLE
        undecided = Outcome.UNKNOWN in states or any(self.applies[inner.name] is None for inner in route.inner)
        return Status.UNDETERMINED if undecided or not blocked else Status.REACHABLE

    def _blocker(self, rule: RuleOutline) -> Blocker:
        return self.remember(("blocker", rule.rule.name), rule.varies, lambda: self._new_blocker(rule.rule))

    def _new_blocker(self, rule: GroundRule) -> Blocker:
        model = rule.entry.model
        ready = None
        if model.ready_on:
            found = self.rulebase.find(model.ready_on, rule.scope)
            value = self.d.values.get(found[0]) if found else None
            ready = value if isinstance(value, date) else None
        behind = self._values_behind(rule)
        notes = [model.note and self.text(model.note, rule.scope), *(value.note for value in behind)]
        sources = [*self.d.wording.sources(model), *(s for value in behind for s in self.d.wording.sources(value))]
        return Blocker(
            requirement=rule.name,
            title=self.text(model.title, rule.scope),
            kind=model.blocker,
            remedy=self.text(model.remedy, rule.scope),
            decided_by=model.decided_by and self.text(model.decided_by, rule.scope),
            weeks=_pair(model.weeks),
            cost_usd=_pair(model.cost_usd),
            ready_on=ready,
            note=" ".join(filter(None, dict.fromkeys(notes))) or None,
            confidence=model.confidence,
            sources=list(dict.fromkeys(sources)),
        )

    def _values_behind(self, rule: GroundRule) -> list[schema.ParameterValue]:
        """The values of the jurisdiction's own parameters that a requirement compares with: their sources are its law."""
        values = []
        for name in dict.fromkeys(parameters_in(rule.entry)):
            found = self.rulebase.find_parameter(name, rule.scope) if name != HERE else None
            value = self.rulebase.value_on(*found, self.d.case.as_of) if found and found[1] else None
            if value is not None:
                values.append(value)
        return values

    def _by_cause(
        self, needs: list[str], causes: Iterable[tuple[Cause, ...]], own: Iterable[tuple[Cause, ...]]
    ) -> dict[Cause, list[str]]:
        """What a route hangs on, each thing once, with the requirements it decides; facts first."""
        found: dict[Cause, list[str]] = {}
        for need, hanging in zip(needs, causes, strict=True):
            for cause in hanging:
                found.setdefault(cause, []).append(need)
        for cause in (cause for hanging in own for cause in hanging):
            found.setdefault(cause, [])
        return {cause: found[cause] for cause in sorted(found, key=lambda cause: cause.kind != "fact")}

    def unknown(self, cause: Cause, names: list[str], scope: str | None) -> Unknown:
        """A cause in words."""
        rule = self.rules.get(cause.name) if cause.kind == "rule" else None
        key = ("unknown", cause, tuple(names), None if cause.kind == "fact" else scope)
        return self.remember(key, rule is not None and rule.varies, lambda: self._new_unknown(cause, names, scope))

    def _new_unknown(self, cause: Cause, names: list[str], scope: str | None) -> Unknown:
        kind: Literal["fact", "confirm"] = "fact" if cause.kind == "fact" else "confirm"
        return Unknown(kind=kind, name=cause.name, text=cause_text(self.d, cause, scope), requirements=names)

    # beside the routes ----------------------------------------------------------------------------------------------

    def _fast_tracks(self, routes: dict[str, RouteResult]) -> list[FastTrackResult]:
        found = []
        for name, entry in self.outline.fast_tracks:
            target = self.rulebase.find(entry.model.route, entry.scope)
            ids = [target[0]] if target else [f"{entry.model.route}@{code}" for code in self.outline.scopes if code]
            for route in filter(None, map(routes.get, ids)):
                suits = self.d.truth("fast_tracks", name, "suits_when")
                id = name if len(ids) == 1 else f"{name}@{route.jurisdiction}"
                found.append(self._fast_track(id, entry.model, route, suits is not False))
        rank = list(Status)
        found.sort(key=lambda t: (not t.recommended, rank.index(t.status)))
        recommended = {t.route for t in found if t.recommended}
        return [self._with_conflicts(track, recommended) if track.recommended else track for track in found]

    def _fast_track(self, id: str, model: schema.FastTrack, route: RouteResult, suits: bool) -> FastTrackResult:
        scope, wording = route.jurisdiction, self.d.wording
        varies = self.rules[route.id].varies or any(
            wording.varies(text, scope) for text in (model.title, model.saves, *model.caveats)
        )
        return self.remember(
            ("fast track", id, route.status, suits),
            varies,
            lambda: FastTrackResult(
                id=id,
                title=self.text(model.title, scope),
                route=route.id,
                jurisdiction=scope,
                status=route.status,
                recommended=route.status in RECOMMENDABLE and suits,
                saves=self.text(model.saves, scope),
                instead_of=model.instead_of,
                caveats=[self.text(caveat, scope) for caveat in model.caveats],
                replaced_text=route.replaced_text,
                note=model.note,
                sources=wording.sources(model),
            ),
        )

    def _with_conflicts(self, track: FastTrackResult, recommended: set[str]) -> FastTrackResult:
        """A recommended track, saying which other recommended ones cannot be followed together with it."""
        clashes = [name for name in self.outline.exclusive.get(track.route, []) if name in recommended]
        return track.model_copy(update={"excludes": clashes}) if clashes else track

    def _advice(self) -> list[AdviceResult]:
        strengths = ("strong", "moderate", "weak", "none")
        truths = [(name, entry, self.d.truth("advice", name)) for name, entry in self.outline.advice]
        found = [self._advised(name, entry, truth is True) for name, entry, truth in truths if truth is not False]
        return sorted(found, key=lambda a: (strengths.index(a.strength), not a.certain))

    def _advised(self, name: str, entry: Entry[schema.Advice], certain: bool) -> AdviceResult:
        model, scope, wording = entry.model, entry.scope, self.d.wording
        return self.remember(
            ("advice", name, certain),
            any(wording.varies(text, scope) for text in (model.title, model.text, model.evidence)),
            lambda: AdviceResult(
                id=name,
                title=self.text(model.title, scope),
                text=self.text(model.text, scope),
                strength=model.strength,
                evidence=self.text(model.evidence, scope),
                certain=certain,
                sources=wording.sources(model),
            ),
        )

    def _alerts(self) -> list[AlertResult]:
        found = []
        for name, entry in self.outline.alerts:
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

    def _next_steps(self, found: Assessment) -> list[NextStep]:
        """Remedies of the main routes ahead and of fast tracks within reach, in the stages' order, then what to find out."""
        reachable = {t.route for t in found.fast_tracks if t.recommended and t.status is not Status.UNDETERMINED}
        wanted = [r for r in found.wanted if r.status in RECOMMENDABLE]
        wanted += [r for r in found.routes if not r.main and r.id in reachable]
        return [*_remedies(wanted), *self._questions(wanted)]

    def _questions(self, wanted: list[RouteResult]) -> list[NextStep]:
        """The unknown facts, those on which most routes hang first."""
        asked: dict[str, list[str]] = {}
        for route in wanted:
            for unknown in route.unknown:
                if unknown.kind == "fact":
                    asked.setdefault(unknown.name, []).append(route.id)
        return [
            NextStep(kind="find_out", text=self.rulebase.facts[name].model.question, routes=ids, fact=name)
            for name, ids in sorted(asked.items(), key=lambda item: -len(item[1]))
        ]


_STEP_KINDS: dict[str, Literal["do", "wait", "ask"]] = {
    "fixable": "do",
    "waiting": "wait",
    "external": "ask",
    "permanent": "ask",
}


def _remedies(wanted: list[RouteResult]) -> list[NextStep]:
    """Each remedy once, with every route it serves."""
    steps: dict[str, NextStep] = {}
    for route in wanted:
        for blocker in route.blockers:
            old = steps.get(blocker.remedy)
            steps[blocker.remedy] = NextStep(
                kind=_STEP_KINDS[blocker.kind],
                text=blocker.remedy,
                routes=[*old.routes, route.id] if old else [route.id],
                requirement=blocker.requirement,
            )
    return list(steps.values())
