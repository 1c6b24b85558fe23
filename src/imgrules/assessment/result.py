"""The assessment as published: pydantic models, exported as a JSON Schema by `imgrules schema assessment`."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from imgrules.rulebase.values import Outcome


class Status(StrEnum):
    """Where a route stands for this applicant on this day."""

    OPEN = "open"
    REACHABLE = "reachable"
    UNDETERMINED = "undetermined"
    CLOSED = "closed"
    UPCOMING = "upcoming"
    DISCONTINUED = "discontinued"
    NOT_APPLICABLE = "not_applicable"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Part):
    """A bibliography entry, as cited."""

    id: str
    title: str
    publisher: str
    address: str | None = None
    section: str | None = None
    dated: str | None = None
    consulted: date
    kind: str


class StageResult(_Part):
    """One stage of the way and how far it is."""

    id: str
    title: str
    outcome: Outcome
    shown_by: str


class FindingResult(_Part):
    """A finding, requirement or route by its outcome."""

    outcome: Outcome
    title: str
    applicable: bool = True
    jurisdiction: str | None = None


class Blocker(_Part):
    """A requirement that is not met on a route."""

    requirement: str
    title: str
    kind: Literal["permanent", "fixable", "waiting", "external"]
    remedy: str
    decided_by: str | None = None
    weeks: tuple[float, float] | None = None
    cost_usd: tuple[float, float] | None = None
    ready_on: date | None = None
    note: str | None = None
    confidence: str
    sources: list[Source] = []


class Unknown(_Part):
    """What an undecided route hangs on: a fact nobody told yet, or something to confirm with whoever decides."""

    kind: Literal["fact", "confirm"]
    name: str
    text: str
    requirements: list[str] = []


class RouteResult(_Part):
    """A route with its status and what stands in the way."""

    id: str
    jurisdiction: str | None
    title: str
    stage: str
    main: bool
    status: Status
    summary: str
    gives: str | None = None
    blockers: list[Blocker] = []
    unknown: list[Unknown] = []
    met: list[str] = []
    not_applicable: list[str] = []
    weeks: tuple[float, float] | None = None
    cost_usd: tuple[float, float] | None = None
    in_force_from: date | None = None
    in_force_to: date | None = None
    replaced_by: str | None = None
    replaced_text: str | None = None
    after: list[str] = []
    excludes: list[str] = []
    leads_to: list[str] = []
    note: str | None = None
    confidence: str
    basis: str
    sources: list[Source] = []


class FastTrackResult(_Part):
    """Something shorter than the standard route, with its status and caveats; recommended only where that makes sense."""

    id: str
    title: str
    route: str
    jurisdiction: str | None
    status: Status
    recommended: bool
    saves: str
    instead_of: str | None = None
    caveats: list[str]
    excludes: list[str] = []
    replaced_text: str | None = None
    note: str | None = None
    sources: list[Source] = []


class AdviceResult(_Part):
    """Something that strengthens an application but decides nothing."""

    id: str
    title: str
    text: str
    strength: str
    evidence: str
    certain: bool = True
    sources: list[Source] = []


class AlertResult(_Part):
    """A deadline or expiry, with its date and the days left (negative once passed)."""

    id: str
    title: str
    on: date
    days: int
    text: str
    certain: bool = True
    sources: list[Source] = []


class NextStep(_Part):
    """Something to do, in order."""

    kind: Literal["do", "wait", "ask", "find_out"]
    text: str
    routes: list[str]
    requirement: str | None = None
    fact: str | None = None


class Assessment(_Part):
    """The whole answer for a case."""

    case: str
    as_of: date
    rulebase: str = Field(description="Version of the rules: the hash of their content.")
    imgrules: str = Field(description="Version of the program.")
    jurisdictions: list[str]
    facts: dict[str, Any]
    stages: list[StageResult]
    findings: dict[str, FindingResult]
    routes: list[RouteResult]
    fast_tracks: list[FastTrackResult]
    advice: list[AdviceResult]
    alerts: list[AlertResult]
    next_steps: list[NextStep]

    @property
    def wanted(self) -> list[RouteResult]:
        """The main routes still ahead: those meant for the applicant, less the national ones of stages already reached."""
        reached = {stage.id for stage in self.stages if stage.outcome is Outcome.MET}
        return [
            route
            for route in self.routes
            if route.main
            and route.status is not Status.NOT_APPLICABLE
            and not (route.jurisdiction is None and route.stage in reached)
        ]

    def route(self, id: str) -> RouteResult:
        """A route by its id, such as `licence.standard@CA`; `KeyError` if it is not part of this assessment."""
        for route in self.routes:
            if route.id == id:
                return route
        raise KeyError(id)
