"""All jurisdictions side by side for one applicant: where practice is possible soonest, and what is missing in each.

What is compared is said by the rules: the main route that is written for each jurisdiction, and the amounts that its
requirements declare as `shortfall`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.case import Case
from imgrules.assessment.result import Assessment, FastTrackResult, RouteResult, Status
from imgrules.errors import InputError
from imgrules.rulebase import schema
from imgrules.rulebase.ir import GateNode, GroundRule, JunctionNode, LeafNode, node_of, opposite
from imgrules.rulebase.ir import Literal as Sign
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import Outcome, ValueType, show

BlockerKind = Literal["permanent", "fixable", "waiting", "external"]
BLOCKER_KINDS: tuple[BlockerKind, ...] = ("permanent", "fixable", "waiting", "external")
SOONEST_FIRST = (
    Status.OPEN,
    Status.REACHABLE,
    Status.UNDETERMINED,
    Status.UPCOMING,
    Status.CLOSED,
    Status.DISCONTINUED,
    Status.NOT_APPLICABLE,
)
Span = tuple[Decimal, Decimal]
_NONE, _NO_END = Decimal(0), Decimal("Infinity")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Missing(_Part):
    """How much of an amount is missing: exactly so much where both bounds are the same, unknown where there is none.

    It follows the requirements' own conditions. Whether an excuse will turn out to hold is left aside; one that does
    hold leaves nothing missing.
    """

    least: int | float = Field(default=0, description="At least so much is missing.")
    most: int | float | None = Field(default=None, description="At most so much; null if nobody can say.")
    unit: str
    requirements: list[str] = Field(description="The requirements that ask for it.")

    @property
    def exact(self) -> int | float | None:
        """The amount, where it is known exactly."""
        return self.least if self.least == self.most else None

    @property
    def words(self) -> str:
        """In words: `24 months`, `12 to 36 months`, `at least 24 months`, `unknown`."""
        if self.most is None:
            return f"at least {self._shown(self.least)}" if self.least else "unknown"
        return self._shown(self.most) if self.exact is not None else f"{self.least} to {self._shown(self.most)}"

    def _shown(self, amount: int | float) -> str:
        return show(Decimal(str(amount)), ValueType("decimal", self.unit))


class BestTrack(_Part):
    """The recommended fast track of a jurisdiction with the best status."""

    id: str
    title: str
    route: str
    status: Status


class Standing(_Part):
    """One jurisdiction: where its standard route stands, what is missing, and the best fast track there."""

    code: str
    name: str
    kind: str
    aimed_at: bool = Field(description="Whether the case names it.")
    route: str
    status: Status
    blockers: dict[BlockerKind, int] = Field(
        description="Requirements not met, by kind; kinds without any are left out."
    )
    blocking: list[str] = Field(default=[], description="The requirements that are not met.")
    missing: Missing | None = Field(
        default=None, description="Null where no requirement of the route declares an amount."
    )
    unknown_facts: int = Field(default=0, description="Facts that the applicant has not told and the route hangs on.")
    to_confirm: int = Field(default=0, description="Things to confirm with whoever decides.")
    fast_track: BestTrack | None = None
    tile: tuple[int, int] | None = Field(
        default=None, description="Row and column on the tile map, from 1 at the top left."
    )

    @property
    def blocker_count(self) -> int:
        """Requirements not met, of any kind."""
        return sum(self.blockers.values())

    @property
    def unknown(self) -> int:
        """Everything not known: facts not told and things to confirm."""
        return self.unknown_facts + self.to_confirm

    @property
    def order(self) -> tuple[int, float, float, int, int, str, str]:
        """How soon practice is possible there: the less, the sooner. No two jurisdictions are equal."""
        least, most = (self.missing.least, self.missing.most) if self.missing else (0, None)
        ceiling = float("inf") if most is None else most
        rank = SOONEST_FIRST.index(self.status)
        return rank, ceiling, least, self.blocker_count, self.unknown, self.name, self.code


class Comparison(_Part):
    """All jurisdictions side by side, the one where practice is possible soonest first."""

    case: str
    as_of: date
    rulebase: str = Field(description="Version of the rules: the hash of their content.")
    imgrules: str = Field(description="Version of the program.")
    route: str = Field(description="The route compared, without a jurisdiction's code.")
    title: str
    unit: str | None = Field(default=None, description="The unit of what is missing.")
    jurisdictions: list[Standing]

    def only(
        self, *, statuses: Collection[Status] = (), codes: Collection[str] = (), with_fast_track: bool = False
    ) -> Comparison:
        """The same comparison with some jurisdictions only; what is empty leaves all in."""
        chosen = [
            s
            for s in self.jurisdictions
            if (not statuses or s.status in statuses)
            and (not codes or s.code in codes)
            and (s.fast_track is not None or not with_fast_track)
        ]
        return self.model_copy(update={"jurisdictions": chosen})


def compare(case: Case, assessor: Assessor) -> Comparison:
    """Compare all jurisdictions for a case, whichever it aims at.

    Raises as `Assessor.derive` does, and `InputError` where the rules mark no route for comparing.
    """
    rulebase = assessor.rulebase
    route = compared_route(rulebase)
    derived = assessor.derive(case.changed(jurisdictions=rulebase.jurisdiction_names))
    assessment = derived.assessment
    standings = _standings(derived, assessment, route.name, frozenset(case.jurisdictions))
    return Comparison(
        case=assessment.case,
        as_of=assessment.as_of,
        rulebase=assessment.rulebase,
        imgrules=assessment.imgrules,
        route=route.name,
        title=derived.wording.fill(route.model.title, derived.values, None),
        unit=_unit(rulebase),
        jurisdictions=sorted(standings, key=lambda s: s.order),
    )


def compared_route(rulebase: Rulebase) -> Entry[schema.Route]:
    """The main route that is written for each jurisdiction; `InputError` if there is none (the checks allow one)."""
    for entry in rulebase.routes.values():
        if entry.each and entry.model.main:
            return entry
    raise InputError(
        "These rules mark no route by which jurisdictions compare. "
        "Add `main: true` to the route that is `for_each: jurisdiction` and stands for the usual way."
    )


def _unit(rulebase: Rulebase) -> str | None:
    """The unit of all shortfalls (the checks allow one)."""
    names = (name for e in rulebase.requirements.values() for name in e.model.shortfall or ())
    return next((rulebase.types[name].unit for name in names if name in rulebase.types), None)


def _standings(derived: Derived, assessment: Assessment, route: str, aims: Collection[str]) -> Iterator[Standing]:
    routes = {r.id: r for r in assessment.routes}
    tracks: dict[str, list[FastTrackResult]] = {}
    for track in assessment.fast_tracks:
        if track.recommended and track.jurisdiction:
            tracks.setdefault(track.jurisdiction, []).append(track)
    shortfalls = _Shortfalls(derived)
    for code, entry in sorted(derived.rulebase.jurisdictions.items()):
        result = routes[f"{route}@{code}"]
        counts = {kind: sum(b.kind == kind for b in result.blockers) for kind in BLOCKER_KINDS}
        yield Standing(
            code=code,
            name=entry.model.name,
            kind=entry.model.kind,
            aimed_at=code in aims,
            route=result.id,
            status=result.status,
            blockers={kind: n for kind, n in counts.items() if n},
            blocking=[b.requirement for b in result.blockers],
            missing=shortfalls.of(result),
            unknown_facts=sum(u.kind == "fact" for u in result.unknown),
            to_confirm=sum(u.kind == "confirm" for u in result.unknown),
            fast_track=_best(tracks.get(code, []), result.id),
            tile=(entry.model.tile[0], entry.model.tile[1]) if entry.model.tile else None,
        )


def _best(tracks: list[FastTrackResult], standard: str) -> BestTrack | None:
    """The track with the best status; among equals one that is another route than the standard one, then the first."""
    if not tracks:
        return None
    best = min(tracks, key=lambda t: (SOONEST_FIRST.index(t.status), t.route == standard))
    return BestTrack(id=best.id, title=best.title, route=best.route, status=best.status)


class _Shortfalls:
    """Works out how much is missing of the amounts that requirements declare as `shortfall`."""

    def __init__(self, derived: Derived) -> None:
        self.d = derived
        self.nodes = derived.program.nodes

    def of(self, route: RouteResult) -> Missing | None:
        """What is missing on a route: as much as the requirement that asks for most. None where nothing is declared."""
        if route.status is Status.NOT_APPLICABLE:
            return None
        found = [r for r in self._requirements(self.d.program.rules[route.id]) if r.entry.model.shortfall]
        if not found:
            return None
        spans = [self._requirement(rule) for rule in found]
        least, most = max(s[0] for s in spans), max(s[1] for s in spans)
        unit = self.d.program.types[self._full(found[0], found[0].entry.model.shortfall[0])].unit
        return Missing(
            least=_plain(_NONE if least == _NO_END else least),
            most=None if most == _NO_END else _plain(most),
            unit=unit or "",
            requirements=[rule.name for rule in found],
        )

    def _requirements(self, rule: GroundRule) -> Iterator[GroundRule]:
        for name in rule.needs:
            need = self.d.program.rules[name]
            if need.entry.section == "routes":
                yield from self._requirements(need)
            else:
                yield need

    def _full(self, rule: GroundRule, name: str) -> str:
        """The grounded name of an amount, as seen by a requirement."""
        found = self.d.rulebase.find(name, rule.scope, rule.entry.each)
        return found[0] if found else name

    def _requirement(self, rule: GroundRule) -> Span:
        if rule.met is None or self.d.derivation.outcome(rule.literal) is Outcome.MET:
            return _NONE, _NONE
        return self._span(rule.met, frozenset(self._full(rule, name) for name in rule.entry.model.shortfall))

    def _span(self, literal: Sign, amounts: frozenset[str]) -> Span:
        """The least and the most that can be missing for a literal to hold, everything else staying as it is.

        Without end on both sides: more of the amounts does not help.
        """
        truth = self.d.derivation.truth(literal)
        node = self.nodes[node_of(literal)]
        positive = literal[-1] == "+"
        if truth is True:
            return _NONE, _NONE
        if isinstance(node, JunctionNode):
            spans = [self._span(part if positive else opposite(part), amounts) for part in node.parts]
            choose = min if (node.kind == "any") is positive else max
            return choose(s[0] for s in spans), choose(s[1] for s in spans)
        if isinstance(node, GateNode):
            least, most = self._span(node.part if positive else opposite(node.part), amounts)
            proves, refutes = ("met", "not_met") if positive else ("not_met", "met")
            return (least if node.decides in (refutes, "both") else _NONE), (
                most if node.decides in (proves, "both") else _NO_END
            )
        if isinstance(node, LeafNode) and positive and node.fact in amounts:
            return self._leaf(node)
        return (_NO_END if truth is False else _NONE), _NO_END

    def _leaf(self, leaf: LeafNode) -> Span:
        """`amount >= figure`, where the figure, the amount or both may be known within bounds only."""
        if {test.op for test in (leaf.proves, leaf.refutes) if test} - {">=", "<"}:
            return _NONE, _NO_END
        has = self.d.values.get(leaf.fact)
        at_least = self._least_told(leaf.fact) if has is None else has
        least = Decimal(leaf.refutes.value) - _number(has) if leaf.refutes and has is not None else _NONE
        most = Decimal(leaf.proves.value) - _number(at_least) if leaf.proves and at_least is not None else _NO_END
        return max(_NONE, least), max(_NONE, most)

    def _least_told(self, fact: str) -> object:
        """The least that an unknown fact can be, by its range; None for what has none, such as derived facts."""
        entry = self.d.rulebase.facts.get(fact)
        return entry.model.range[0] if entry and entry.model.range else None


def _number(value: object) -> Decimal:
    assert isinstance(value, int | Decimal), f"{value!r} passed the checks but is no number"
    return Decimal(value)


def _plain(amount: Decimal) -> int | float:
    return int(amount) if amount == amount.to_integral_value() else float(amount)
