"""What a rule file may hold, as pydantic models. `imgrules schema rules` exports them for editors.

Conditions stay text or nested lists here; `grammar` reads them. Every model refuses keys it does not know.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema, model_validator

NAME = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$"
ROUTE_NAME = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(@[A-Z]{2})?$"

_CONDITION_SCHEMA: dict[str, Any] = {
    "description": "A leaf such as `usmle.step3.passed` or `gme.us_months >= $licence.gme_months`, or all/any/not/at_least.",
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"all": {"type": "array", "minItems": 1}},
            "required": ["all"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"any": {"type": "array", "minItems": 1}},
            "required": ["any"],
            "additionalProperties": False,
        },
        {"type": "object", "properties": {"not": {}}, "required": ["not"], "additionalProperties": False},
        {
            "type": "object",
            "properties": {"at_least": {"type": "integer", "minimum": 1}, "of": {"type": "array", "minItems": 1}},
            "required": ["at_least", "of"],
            "additionalProperties": False,
        },
    ],
}
ConditionText = Annotated[Any, WithJsonSchema(_CONDITION_SCHEMA)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=NAME)]
RouteName = Annotated[str, Field(pattern=ROUTE_NAME)]
Code = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Unknown = Literal["unknown"]
Scalar = bool | int | Decimal | date | str
Blocker = Literal["permanent", "fixable", "waiting", "external"]
ScalarKind = Literal["bool", "int", "decimal", "date", "enum", "country", "jurisdiction", "set"]

ParameterKind = Literal["bool", "int", "decimal", "date", "enum", "country", "jurisdiction", "set", "text"]


class Model(BaseModel):
    """The base: exact types, no unknown keys, nothing changes after reading."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


class Citation(Model):
    """A bibliography entry with the section that says it."""

    id: str
    section: str | None = None


class Evidence(Model):
    """What a statement rests on."""

    sources: Annotated[list[str | Citation], Field(min_length=1, description="Bibliography entries that say so.")]
    basis: Annotated[Literal["primary", "secondary", "memory"], Field(description="Where it was read.")]
    confidence: Literal["high", "medium", "low"]
    note: Text | None = None
    checked: date | None = None

    @property
    def firm(self) -> bool:
        """Whether this may decide both ways: read in a primary source and not doubted."""
        return self.basis == "primary" and self.confidence != "low"

    @property
    def cited(self) -> list[Citation]:
        """The sources, all in the long form."""
        return [Citation(id=s) if isinstance(s, str) else s for s in self.sources]


class Period(Model):
    """Days on which something holds, both included. `from: unknown`: enacted, but nobody could establish the start."""

    from_: Annotated[date | Unknown | None, Field(alias="from")] = None
    to: date | None = None


class Fact(Model):
    """One thing an applicant can tell, and the question that asks it."""

    type: ScalarKind
    of: Literal["enum", "country", "jurisdiction"] | None = None
    unit: str | None = None
    range: Annotated[list[int | Decimal | date | Literal["today"]], Field(min_length=2, max_length=2)] | None = None
    values: dict[str, Text] | None = None
    title: Text
    question: Text
    why: Text
    help: Text | None = None
    changeable: bool = False
    asked_when: ConditionText | None = None

    @model_validator(mode="after")
    def _complete(self) -> Fact:
        kind = self.of if self.type == "set" else self.type
        if self.type == "set" and not self.of:
            raise ValueError("a set needs `of: enum`, `of: country` or `of: jurisdiction`")
        if (kind == "enum") != (self.values is not None):
            raise ValueError("an enum needs `values` (code: label), and only an enum has them")
        return self


class Derived(Model):
    """A value computed from facts by arithmetic only."""

    type: Literal["int", "decimal", "date"]
    unit: str | None = None
    title: Text
    is_: Annotated[str, Field(alias="is")]
    for_each: Literal["jurisdiction"] | None = None


class ParameterValue(Evidence):
    """What is known of a parameter's figure over a stretch of days: exactly it, bounds on it, that there is none, or nothing."""

    value: Scalar | list[Scalar] | None = None
    at_least: int | Decimal | date | None = None
    at_most: int | Decimal | date | None = None
    includes: list[str] | None = None
    from_: Annotated[date | None, Field(alias="from")] = None
    to: date | None = None

    @model_validator(mode="after")
    def _one_form(self) -> ParameterValue:
        forms = {"value"} & self.model_fields_set
        if {"at_least", "at_most"} & self.model_fields_set:
            forms.add("bounds")
        forms |= {"includes"} & self.model_fields_set
        if len(forms) != 1:
            raise ValueError("give exactly one of `value`, `at_least`/`at_most`, or `includes`")
        return self


class Parameter(Model):
    """A dated figure that rules refer to, national or one for each jurisdiction."""

    title: Text
    type: ParameterKind
    of: Literal["enum", "country", "jurisdiction"] | None = None
    unit: str | None = None
    values_allowed: dict[str, Text] | None = None
    for_each: Literal["jurisdiction"] | None = None
    required: bool = False
    informational: bool = False
    values: Annotated[list[ParameterValue], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Parameter:
        if self.for_each and self.values:
            raise ValueError("values of a for_each parameter stand in the jurisdictions' files")
        return self


class _Rule(Evidence):
    title: Text
    for_each: Literal["jurisdiction"] | None = None
    decides: Literal["both", "met", "not_met", "nothing"] = "both"
    in_force: Period | None = None


class Finding(_Rule):
    """A named proposition."""

    when: ConditionText


class Requirement(_Rule):
    """A finding that a route needs, with the kind of obstacle it is when not met and what would remedy it."""

    applies_when: ConditionText | None = None
    met_when: ConditionText
    excused_when: ConditionText | None = None
    blocker: Annotated[Blocker, Field(description="What kind of obstacle this is when not met.")]
    ready_on: str | None = None
    shortfall: Annotated[
        list[Name] | None,
        Field(min_length=1, description="Amounts of which more would meet it: how much is missing is shown."),
    ] = None
    remedy: Annotated[Text, Field(description="What would put it right.")]
    decided_by: Text | None = None
    weeks: Annotated[list[int | Decimal], Field(min_length=2, max_length=2)] | None = None
    cost_usd: Annotated[list[int | Decimal], Field(min_length=2, max_length=2)] | None = None
    for_route: RouteName | None = None

    @model_validator(mode="after")
    def _waits_for(self) -> Requirement:
        if self.ready_on and self.blocker != "waiting":
            raise ValueError("`ready_on` belongs to `blocker: waiting` only")
        return self


class Excuse(_Rule):
    """What one jurisdiction accepts instead of a shared requirement."""

    when: ConditionText


class LeadsTo(Model):
    """Where a route leads, and after what."""

    route: RouteName
    after: Text


class Route(Evidence):
    """One way to be certified, trained or licensed."""

    title: Text
    stage: Text
    main: Annotated[
        bool, Field(description="Shown in full. Jurisdictions are compared by the one main route that is for_each.")
    ] = False
    summary: Text
    gives: Text | None = None
    for_each: Literal["jurisdiction"] | None = None
    applies_when: ConditionText | None = None
    needs: Annotated[list[RouteName], Field(min_length=1, description="Requirements (or routes) it needs.")]
    in_force: Period | None = None
    opens: date | Unknown | None = None
    weeks: Annotated[list[int | Decimal], Field(min_length=2, max_length=2)] | None = None
    cost_usd: Annotated[list[int | Decimal], Field(min_length=2, max_length=2)] | None = None
    replaced_by: RouteName | None = None
    replaced_text: Text | None = None
    after: list[RouteName] = []
    excludes: list[RouteName] = []
    leads_to: list[LeadsTo] = []


class FastTrack(Evidence):
    """A route or action that is shorter than the standard route, with its caveats."""

    title: Text
    route: RouteName
    instead_of: RouteName | None = None
    saves: Text
    suits_when: ConditionText | None = None
    caveats: Annotated[list[Text], Field(min_length=1)]


class Advice(Evidence):
    """Something that strengthens an application but decides nothing."""

    title: Text
    text: Text
    when: ConditionText | None = None
    strength: Literal["strong", "moderate", "weak", "none"]
    evidence: Text


class Alert(Evidence):
    """A deadline or expiry computed from facts."""

    title: Text
    on: str
    when: ConditionText | None = None
    warn_days: Annotated[int, Field(ge=0)]
    passed_days: Annotated[int, Field(ge=0)] = 0
    text: Text
    for_each: Literal["jurisdiction"] | None = None


class Contradiction(Model):
    """Facts that cannot all be true."""

    when: ConditionText
    text: Text


class Stage(Model):
    """One stage of the way, shown in order."""

    title: Text
    order: int
    shown_by: RouteName


class Source(Model):
    """An entry of the bibliography."""

    title: Text
    publisher: Text
    address: str | None
    dated: str | int | date | None = None
    consulted: date
    kind: Literal["primary", "secondary"]


class Board(Model):
    """The body that licenses."""

    name: Text
    address: str | None = None


class Jurisdiction(Model):
    """A state, district or territory."""

    code: Code
    name: Text
    kind: Literal["state", "district", "territory"]
    board: Board
    tile: Annotated[
        list[Annotated[int, Field(ge=1, le=40)]] | None,
        Field(min_length=2, max_length=2, description="Row and column on the tile map, from 1 at the top left."),
    ] = None
    note: Text | None = None


def _parameter_form(data: Any) -> str:
    return "values" if isinstance(data, list) else "definition"


ParameterEntry = Annotated[
    Annotated[Parameter, Tag("definition")] | Annotated[list[ParameterValue], Tag("values")],
    Discriminator(_parameter_form),
]


class RuleFile(Model):
    """Any file under rules/. Folders are for people: every section may stand in every file."""

    checked: date
    jurisdiction: Jurisdiction | None = None
    for_jurisdiction: Code | None = None
    countries: dict[str, Text] = {}
    facts: dict[Name, Fact] = {}
    derived: dict[Name, Derived] = {}
    parameters: dict[Name, ParameterEntry] = {}
    findings: dict[Name, Finding] = {}
    requirements: dict[Name, Requirement] = {}
    excuses: dict[Name, Excuse] = {}
    routes: dict[Name, Route] = {}
    fast_tracks: dict[Name, FastTrack] = {}
    advice: dict[Name, Advice] = {}
    alerts: dict[Name, Alert] = {}
    contradictions: dict[Name, Contradiction] = {}
    stages: dict[Name, Stage] = {}
    sources: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")], Source] = {}

    @property
    def scope(self) -> str | None:
        """The jurisdiction whose file this is, if any."""
        return self.jurisdiction.code if self.jurisdiction else self.for_jurisdiction
