"""What a rule, parameter, route or jurisdiction says, where, on what evidence, and who uses it."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from imgrules.assessment.result import Source
from imgrules.assessment.wording import Wording
from imgrules.errors import InputError, did_you_mean
from imgrules.rulebase import schema
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.usage import names_in, parameters_in


class DatedValue(BaseModel):
    """One value of a parameter with its days and evidence."""

    model_config = ConfigDict(extra="forbid")

    jurisdiction: str | None = None
    says: str
    days: str
    basis: str
    confidence: str
    note: str | None = None
    sources: list[Source]


class Description(BaseModel):
    """One definition in full."""

    model_config = ConfigDict(extra="forbid")

    section: str
    name: str
    title: str
    place: str
    checked: str
    body: dict[str, Any]
    sources: list[Source] = []
    values: list[DatedValue] = []
    used_by: list[str] = []


_BESIDE = {"sources", "title", "values", "checked", "for_each"}


def describe(rulebase: Rulebase, name: str) -> list[Description]:
    """Everything of a name: it may be a rule and a parameter at once. `InputError` with suggestions if it is nothing."""
    name = name.removeprefix("$")
    base, _, code = name.partition("@")
    found: list[Entry[Any]] = []
    tables: list[dict[str, Entry[Any]]] = [
        rulebase.facts, rulebase.derived, rulebase.rules, rulebase.parameters, rulebase.fast_tracks, rulebase.advice,
        rulebase.alerts, rulebase.contradictions, rulebase.stages, rulebase.jurisdictions,
    ]  # fmt: skip
    for table in tables:
        entry = table.get(name) or (table.get(base) if code and base in table and table[base].each else None)
        if entry:
            found.append(entry)
    if not found:
        known = {n for table in tables for n in table} | {n.partition("@")[0] for table in tables for n in table}
        own = sorted(n for table in tables for n in table if n.partition("@")[0] == name)
        hint = f"It is defined for: {', '.join(own)}." if own else did_you_mean(name, known)
        raise InputError(f"There is no {name} in the rules. {hint or '`imgrules rules list` lists everything.'}")
    return [_describe(rulebase, entry, code or None) for entry in found]


def _describe(rulebase: Rulebase, entry: Entry[Any], code: str | None) -> Description:
    wording = Wording(rulebase, date.max)
    model = entry.model
    body = model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    return Description(
        section=entry.section,
        name=entry.name,
        title=str(getattr(model, "title", None) or getattr(model, "name", entry.name)),
        place=f"{entry.file}:{entry.line}",
        checked=entry.checked.isoformat(),
        body={k: v for k, v in body.items() if k not in _BESIDE},
        sources=wording.sources(model) if isinstance(model, schema.Evidence) else [],
        values=_values(rulebase, entry, code, wording) if entry.section == "parameters" else [],
        used_by=_users(rulebase, entry),
    )


def _values(rulebase: Rulebase, entry: Entry[Any], code: str | None, wording: Wording) -> list[DatedValue]:
    found = []
    for scope, values in sorted(rulebase.values.get(entry.name, {}).items(), key=lambda item: item[0] or ""):
        if code and scope != code:
            continue
        for value in values:
            wording.day = value.from_ or value.to or date.max
            days = f"{value.from_ or 'always'} to {value.to or 'now'}"
            found.append(
                DatedValue(
                    jurisdiction=scope,
                    says=wording.parameter(entry, scope),
                    days=days,
                    basis=value.basis,
                    confidence=value.confidence,
                    note=value.note,
                    sources=wording.sources(value),
                )
            )
    return found


def _users(rulebase: Rulebase, entry: Entry[Any]) -> list[str]:
    sections = (
        rulebase.derived, rulebase.rules, rulebase.fast_tracks, rulebase.advice, rulebase.alerts, rulebase.contradictions,
    )  # fmt: skip
    read = parameters_in if entry.section == "parameters" else names_in
    wanted = {entry.name, entry.local_name}
    users = {n for section in sections for n, e in section.items() if wanted & set(read(e))}
    users |= {
        n
        for n, e in rulebase.routes.items()
        if entry.section == "requirements" and entry.model.for_route == e.local_name and entry.scope
    }
    return sorted(users - {entry.name})
