"""A loaded rulebase: every definition with its place in the files, and how names are looked up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar

from imgrules.rulebase import schema
from imgrules.rulebase.grammar import TODAY, Condition, Expression
from imgrules.rulebase.values import ValueType

M = TypeVar("M", bound=schema.Model)


@dataclass(frozen=True, slots=True)
class Entry(Generic[M]):
    """One definition: its name (`x@CA` where it is one jurisdiction's own), what the file says, and where.

    `scope` is the jurisdiction whose own it is; `each` marks what is written once and grounded for every jurisdiction.
    """

    section: str
    name: str
    model: M
    scope: str | None
    file: str
    line: int
    column: int
    checked: date
    conditions: dict[str, Condition] = field(default_factory=dict)
    expression: Expression | None = None

    @property
    def each(self) -> bool:
        return vars(self.model).get("for_each") is not None  # several times faster than asking for what may be lacking

    @property
    def local_name(self) -> str:
        """The name without the jurisdiction's code."""
        return self.name.partition("@")[0]


@dataclass(frozen=True, eq=False, repr=False)
class Rulebase:
    """Everything under rules/, read and checked. `version` is the hash of its content."""

    version: str
    facts: dict[str, Entry[schema.Fact]]
    derived: dict[str, Entry[schema.Derived]]
    parameters: dict[str, Entry[schema.Parameter]]
    values: dict[str, dict[str | None, tuple[schema.ParameterValue, ...]]]
    findings: dict[str, Entry[schema.Finding]]
    requirements: dict[str, Entry[schema.Requirement]]
    excuses: dict[str, Entry[schema.Excuse]]
    routes: dict[str, Entry[schema.Route]]
    fast_tracks: dict[str, Entry[schema.FastTrack]]
    advice: dict[str, Entry[schema.Advice]]
    alerts: dict[str, Entry[schema.Alert]]
    contradictions: dict[str, Entry[schema.Contradiction]]
    stages: dict[str, Entry[schema.Stage]]
    sources: dict[str, Entry[schema.Source]]
    jurisdictions: dict[str, Entry[schema.Jurisdiction]]
    countries: dict[str, str]

    def __repr__(self) -> str:
        return f"Rulebase({self.version}, {len(self.jurisdictions)} jurisdictions, {len(self.routes)} routes)"

    @cached_property
    def types(self) -> dict[str, ValueType]:
        """The type of every fact and derived fact, and of `today`."""
        found = {name: self.value_type(e.model) for name, e in self.facts.items()}
        found |= {name: ValueType(e.model.type, e.model.unit) for name, e in self.derived.items()}
        found[TODAY] = ValueType("date")
        return found

    def value_type(self, model: schema.Fact | schema.Parameter) -> ValueType:
        """The type of a fact or parameter, with the codes it may take."""
        kind = model.of if model.type == "set" else model.type
        codes: dict[str, str] = {}
        if kind == "country":
            codes = self.countries
        elif kind == "jurisdiction":
            codes = self.jurisdiction_names
        elif kind == "enum":
            codes = (model.values if isinstance(model, schema.Fact) else model.values_allowed) or {}
        return ValueType(model.type, model.unit, model.of, codes)

    @cached_property
    def fact_groups(self) -> frozenset[str]:
        """What comes before a dot in the names of facts: `usmle` and `usmle.step1` of `usmle.step1.passed`."""
        return frozenset(name[:i] for name in self.facts for i, sign in enumerate(name) if sign == ".")

    @cached_property
    def jurisdiction_names(self) -> dict[str, str]:
        """Code to name, in the order of the codes."""
        return {code: e.model.name for code, e in sorted(self.jurisdictions.items())}

    @cached_property
    def rules(self) -> dict[str, Entry[Any]]:
        """Findings, requirements, excuses and routes together: everything that has an outcome."""
        excuses = {_excuse_name(name): e for name, e in self.excuses.items()}
        return {**self.findings, **self.requirements, **excuses, **self.routes}

    @cached_property
    def evidenced(self) -> list[Entry[Any]]:
        """Every definition that cites sources, parameter values left out."""
        sections = (
            self.findings,
            self.requirements,
            self.excuses,
            self.routes,
            self.fast_tracks,
            self.advice,
            self.alerts,
        )
        return [entry for section in sections for entry in section.values()]

    def all_values(self) -> Iterator[tuple[str, str | None, schema.ParameterValue]]:
        """Every dated value: parameter, jurisdiction (None if national), value."""
        for name, scopes in self.values.items():
            for scope, values in scopes.items():
                for value in values:
                    yield name, scope, value

    def find(self, name: str, scope: str | None, each: bool = False) -> tuple[str, Entry[Any]] | None:
        """The rule, fact or derived fact that a name means in a scope: own first, then shared, then national.

        Gives the full grounded name and the entry. `each` says that the asker is itself a for_each definition: it sees
        no jurisdiction's own names.
        """
        base, _, code = name.partition("@")
        if code:
            own, scope = True, code
        else:
            own = not each
        tables: tuple[dict[str, Entry[Any]], ...] = (self.rules, self.derived, self.facts)
        for table in tables:
            if scope and own and f"{base}@{scope}" in table:
                return f"{base}@{scope}", table[f"{base}@{scope}"]
            entry = table.get(base)
            if entry and entry.each:
                return (f"{base}@{scope}", entry) if scope else None
            if entry and not code:
                return base, entry
        return None

    def find_parameter(self, name: str, scope: str | None) -> tuple[Entry[schema.Parameter], str | None] | None:
        """The parameter a name means in a scope, and the scope its values stand under."""
        base, _, code = name.partition("@")
        scope = code or scope
        if scope and f"{base}@{scope}" in self.parameters:
            return self.parameters[f"{base}@{scope}"], scope
        entry = self.parameters.get(base)
        if entry is None or (entry.each and scope is None):
            return None
        return entry, (scope if entry.each else None)

    def value_on(self, entry: Entry[schema.Parameter], scope: str | None, day: date) -> schema.ParameterValue | None:
        """The value of a parameter in force on a day; None when no value covers it."""
        for value in self.values.get(entry.name, {}).get(scope, ()):
            if (value.from_ is None or value.from_ <= day) and (value.to is None or day <= value.to):
                return value
        return None

    @cached_property
    def breaks(self) -> list[date]:
        """Every day on which something comes into or goes out of force, sorted: between two of them nothing changes."""
        days: set[date] = set()
        periods: list[Any] = [value for _, _, value in self.all_values()]
        periods += [e.model.in_force for e in self.rules.values() if getattr(e.model, "in_force", None)]
        for period in periods:
            if isinstance(period.from_, date):
                days.add(period.from_)
            if period.to is not None:
                days.add(period.to + timedelta(days=1))
        days |= {e.model.opens for e in self.routes.values() if isinstance(e.model.opens, date)}
        return sorted(days)


def _excuse_name(name: str) -> str:
    base, _, code = name.partition("@")
    return f"{base}.excuse@{code}"


def excuse_name(name: str) -> str:
    """The finding that says whether an excuse holds: `licence.gme_months@NC` has `licence.gme_months.excuse@NC`."""
    return _excuse_name(name)
