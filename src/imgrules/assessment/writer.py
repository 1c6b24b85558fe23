"""Writes the assessment of one derivation: stages, routes, blockers, fast tracks, advice, alerts, next steps."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import date
from typing import Any, Literal, TypeVar

from imgrules._version import __version__
from imgrules.assessment.assess import Derived
from imgrules.assessment.case import dump_facts
from imgrules.assessment.causes import cause_text
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
from imgrules.rulebase.ir import FixedNode, GroundRule, JunctionNode, node_of
from imgrules.rulebase.usage import parameters_in
from imgrules.rulebase.values import Outcome

RECOMMENDABLE = (Status.OPEN, Status.REACHABLE, Status.UNDETERMINED)
T = TypeVar("T")


def _pair(numbers: list[Any] | None) -> tuple[float, float] | None:
    return (float(numbers[0]), float(numbers[1])) if numbers else None


class Writer:
    """Writes the assessment of one derivation."""

    def __init__(self, derived: Derived) -> None:
        self.d = derived
        self.rulebase = derived.rulebase
        self.rules = derived.program.rules
        self.scopes = (None, *derived.case.jurisdictions)
        self.outcomes = {name: derived.derivation.outcome(rule.literal) for name, rule in self.rules.items()}
        self.applies = {name: self._applies(rule) for name, rule in self.rules.items()}
        self.exclusive = self._exclusive()

    def write(self) -> Assessment:
        """The assessment."""
        routes = self._routes()
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
            findings={name: self._finding(rule) for name, rule in self.rules.items()},
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
        """What `make` gives, made once between two changes of the rules unless it varies with the applicant."""
        if varies:
            return make()
        remembered = self.d.notes.remembered
        if key not in remembered:
            remembered[key] = make()
        return remembered[key]  # type: ignore[return-value]  # each key is always made by one `make`

    def _varies(self, rule: GroundRule) -> bool:
        """Whether a rule's texts depend on the applicant."""
        model, wording = rule.entry.model, self.d.wording
        texts = (
            getattr(model, f, None) for f in ("title", "remedy", "note", "decided_by", "ready_on", "summary", "gives")
        )
        return self.remember(
            ("varies", rule.name),
            False,
            lambda: any(wording.varies(t, rule.scope) for t in texts) or bool(getattr(model, "ready_on", None)),
        )

    def _applies(self, rule: GroundRule) -> bool | None:
        if not rule.in_force:
            return False
        return True if rule.applies is None else self.d.derivation.truth(rule.applies)

    def _finding(self, rule: GroundRule) -> FindingResult:
        outcome, applicable = self.outcomes[rule.name], self.applies[rule.name] is not False
        return self.remember(
            ("finding", rule.name, outcome, applicable),
            self._varies(rule),
            lambda: FindingResult(
                outcome=outcome,
                title=self.text(rule.entry.model.title, rule.scope),
                applicable=applicable,
                jurisdiction=rule.scope,
            ),
        )

    def _stages(self) -> list[StageResult]:
        stages = sorted(self.rulebase.stages.values(), key=lambda e: e.model.order)
        return [
            StageResult(
                id=e.name, title=e.model.title, outcome=self.d.outcome(e.model.shown_by), shown_by=e.model.shown_by
            )
            for e in stages
        ]

    # routes ---------------------------------------------------------------------------------------------------------

    def _routes(self) -> list[RouteResult]:
        order = {e.name: e.model.order for e in self.rulebase.stages.values()}
        found = [rule for rule in self.rules.values() if rule.entry.section == "routes"]
        places = {scope: i for i, scope in enumerate(self.scopes)}
        found.sort(key=lambda r: (order[r.entry.model.stage], places[r.scope], not r.entry.model.main))
        return [self._route(rule) for rule in found]

    def needs(self, rule: GroundRule) -> list[str]:
        """Every requirement of a route by name, those of the routes it needs in their place."""
        return self.remember(("needs", rule.name), False, lambda: list(dict.fromkeys(self._flat_needs(rule))))

    def _flat_needs(self, rule: GroundRule) -> Iterator[str]:
        for name in rule.needs:
            if self.rules[name].entry.section == "routes":
                yield from self._flat_needs(self.rules[name])
            else:
                yield name

    def _route(self, rule: GroundRule) -> RouteResult:
        needs = self.needs(rule)
        blockers = [self._blocker(self.rules[n]) for n in needs if self.outcomes[n] is Outcome.NOT_MET]
        vacuous = [n for n in needs if self.applies[n] is False]
        met = [n for n in needs if self.outcomes[n] is Outcome.MET]
        return RouteResult(
            **self.remember(("route", rule.name), self._varies(rule), lambda: self._route_texts(rule)),
            status=self._status(rule, needs, blockers),
            excludes=self.exclusive.get(rule.name, []),
            blockers=blockers,
            unknown=self._unknowns(rule, [n for n in needs if self.outcomes[n] is Outcome.UNKNOWN]),
            met=[n for n in met if n not in vacuous] if vacuous else met,
            not_applicable=vacuous,
        )

    def _route_texts(self, rule: GroundRule) -> dict[str, Any]:
        """What a route shows whoever the applicant is."""
        model, period = rule.entry.model, rule.entry.model.in_force
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
            "after": self._present(model.after, rule),
            "leads_to": [f"{lead.route}: {lead.after}" for lead in model.leads_to],
            "note": model.note and self.text(model.note, rule.scope),
            "confidence": model.confidence,
            "basis": model.basis,
            "sources": self.d.wording.sources(model),
        }

    def _present(self, names: list[str], rule: GroundRule) -> list[str]:
        """The routes that some names mean for a route, as far as they are part of this assessment."""
        found = (self.rulebase.find(name, rule.scope) for name in names)
        return [target[0] for target in found if target and target[0] in self.rules]

    def _exclusive(self) -> dict[str, list[str]]:
        """Which routes cannot be followed together, said on either side."""
        pairs: dict[str, list[str]] = {}
        for rule in self.rules.values():
            for other in self._present(getattr(rule.entry.model, "excludes", []), rule):
                for one, two in ((rule.name, other), (other, rule.name)):
                    if two not in pairs.setdefault(one, []):
                        pairs[one].append(two)
        return pairs

    def _status(self, rule: GroundRule, needs: list[str], blockers: list[Blocker]) -> Status:
        """The status of a route. Facts not yet known can only move `undetermined`."""
        if not rule.in_force:
            ended = rule.entry.model.in_force and rule.entry.model.in_force.to
            return Status.DISCONTINUED if ended and self.d.case.as_of > ended else Status.UPCOMING
        applies = self.applies[rule.name]
        if applies is False:
            return Status.NOT_APPLICABLE
        if applies is None:
            return Status.UNDETERMINED
        inner = [self.rules[name] for name in rule.needs if self.rules[name].entry.section == "routes"]
        if any(blocker.kind == "permanent" for blocker in blockers) or any(not route.in_force for route in inner):
            return Status.CLOSED
        if self.outcomes[rule.name] is Outcome.MET:
            return Status.OPEN
        if any(self.applies[route.name] is False for route in inner):
            return Status.NOT_APPLICABLE
        undecided = any(self.outcomes[name] is Outcome.UNKNOWN for name in needs) or any(
            self.applies[r.name] is None for r in inner
        )
        return Status.UNDETERMINED if undecided or not blockers else Status.REACHABLE

    def _blocker(self, rule: GroundRule) -> Blocker:
        return self.remember(("blocker", rule.name), self._varies(rule), lambda: self._new_blocker(rule))

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

    def _unknowns(self, route: GroundRule, needs: list[str]) -> list[Unknown]:
        """What a route hangs on, each thing once, with the requirements it decides; facts first."""
        found: dict[Cause, list[str]] = {}
        for need in needs:
            for cause in self.d.unknowns.of(self.rules[need].literal):
                found.setdefault(cause, []).append(need)
        for cause in self._own_causes(route):
            found.setdefault(cause, [])
        ordered = sorted(found, key=lambda cause: cause.kind != "fact")
        return [self.unknown(cause, found[cause], route.scope) for cause in ordered]

    def _own_causes(self, route: GroundRule) -> Iterator[Cause]:
        """What a route hangs on beside its requirements: whether it is for this applicant, whether it is what it is said to be."""
        if route.applies:
            yield from self.d.unknowns.of(route.applies)
        node = self.d.program.nodes[node_of(route.literal)]
        for part in (*node.parts,) if isinstance(node, JunctionNode) else ():
            if isinstance(self.d.program.nodes[node_of(part)], FixedNode):
                yield from self.d.unknowns.of(part)
        for name in route.needs:
            if self.rules[name].entry.section == "routes":
                yield from self._own_causes(self.rules[name])

    def unknown(self, cause: Cause, names: list[str], scope: str | None) -> Unknown:
        """A cause in words."""
        rule = self.rules.get(cause.name) if cause.kind == "rule" else None
        key = ("unknown", cause, tuple(names), None if cause.kind == "fact" else scope)
        return self.remember(
            key, rule is not None and self._varies(rule), lambda: self._new_unknown(cause, names, scope)
        )

    def _new_unknown(self, cause: Cause, names: list[str], scope: str | None) -> Unknown:
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
            target = self.rulebase.find(model.route, entry.scope)
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
        found.sort(key=lambda t: (not t.recommended, rank.index(t.status)))
        recommended = {t.route for t in found if t.recommended}
        return [self._with_conflicts(track, recommended) if track.recommended else track for track in found]

    def _with_conflicts(self, track: FastTrackResult, recommended: set[str]) -> FastTrackResult:
        """A recommended track, saying which other recommended ones cannot be followed together with it."""
        clashes = [name for name in self.exclusive.get(track.route, []) if name in recommended]
        return track.model_copy(update={"excludes": clashes}) if clashes else track

    def _advice(self) -> list[AdviceResult]:
        strengths = ("strong", "moderate", "weak", "none")
        found = [
            AdviceResult(
                id=name,
                title=self.text(e.model.title, e.scope),
                text=self.text(e.model.text, e.scope),
                strength=e.model.strength,
                evidence=self.text(e.model.evidence, e.scope),
                certain=self.d.truth("advice", name) is True,
                sources=self.d.wording.sources(e.model),
            )
            for name, e in self._scoped("advice")
            if self.d.truth("advice", name) is not False
        ]
        return sorted(found, key=lambda a: (strengths.index(a.strength), not a.certain))

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
