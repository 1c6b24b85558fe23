"""Edits of the rules in words, made from the rules' own texts."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from imgrules.assessment.plainly import Plainly, capital, days
from imgrules.assessment.result import Source
from imgrules.audit.diff import EVERYTHING, FIRM, FORMULA, TYPE, VALUES, WHOLE, Edit, Key, canonical, value_meaning
from imgrules.rulebase import schema
from imgrules.rulebase.grammar import Condition, Leaf
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import show_date

NOUNS = {
    "facts": "question", "derived": "worked-out fact", "parameters": "parameter", "findings": "finding",
    "requirements": "requirement", "excuses": "excuse", "routes": "route", "fast_tracks": "fast track", "advice": "advice",
    "alerts": "alert", "contradictions": "contradiction", "stages": "stage", "sources": "source", "jurisdictions": "jurisdiction",
}  # fmt: skip
_LABELS = {
    "when": "condition", "met_when": "met when", "applies_when": "applies when", "excused_when": "also met when",
    "suits_when": "recommended unless this is false", "asked_when": "asked when", "in_force": "in force",
    "opens": "applications taken from", "blocker": "kind of obstacle", "for_route": "added to", "cost_usd": "cost in US dollars",
    "is_": "worked out as", FORMULA: "worked out as", FIRM: "evidence firm enough to call it open", EVERYTHING: "written anew",
}  # fmt: skip
_FIRST = {"all": ("no longer asked: ", "newly asked: "), "any": ("no longer enough: ", "newly enough: ")}


class Change(BaseModel):
    """One edit in words. `number` names it in the groups of those it affects; `weight` says what it touches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    section: str
    name: str
    jurisdiction: str | None = None
    kind: str
    weight: str
    part: str
    first: date | None = None
    last: date | None = None
    text: str
    was: str | None = None
    now: str | None = None
    place: str | None = None
    sources: list[Source] = []


class Words:
    """Says what edits between two rulebases are; figures in texts are those of one day."""

    def __init__(self, old: Rulebase, new: Rulebase, day: date) -> None:
        self.old, self.new = (Plainly(r, day, lambda text, entry: text) for r in (old, new))

    def change(self, edit: Edit, number: int) -> Change:
        """An edit in words, with the sources of its new side (of its old one, if it is gone)."""
        was, now = self._side(self.old, edit, edit.was), self._side(self.new, edit, edit.now)
        said = edit.now if edit.now is not None else edit.was
        plainly = self.new if edit.now is not None else self.old
        evidence = said.model if isinstance(said, Entry) else said
        return Change(
            number=number,
            section=edit.key.section,
            name=edit.key.name,
            jurisdiction=edit.scope,
            kind=edit.kind,
            weight=edit.weight.value,
            part=edit.part,
            first=edit.first,
            last=edit.last,
            text=capital(self._text(edit, was, now)),
            was=was,
            now=now,
            place=f"{said.file}:{said.line}" if isinstance(said, Entry) else None,
            sources=plainly.wording.sources(evidence) if isinstance(evidence, schema.Evidence) else [],
        )

    def title(self, key: Key, scope: str | None) -> str:
        """What a definition is called, in the new words where there are any."""
        for plainly in (self.new, self.old):
            table: dict[str, Entry[Any]] = getattr(plainly.rulebase, key.section)
            entry = table.get(key.name) or table.get(key.name.partition("@")[0])
            if entry is not None:
                model = entry.model
                text = getattr(model, "title", None) or getattr(model, "name", None) or getattr(model, "text", key.name)
                return plain(plainly.text(str(text), scope if scope in plainly.rulebase.jurisdictions else None))
        return key.name

    # the sentence -----------------------------------------------------------------------------------------------------

    def _text(self, edit: Edit, was: str | None, now: str | None) -> str:
        if edit.key.section == VALUES:
            return self._value_text(edit, was, now)
        head = f"{NOUNS[edit.key.section]} {edit.key.name} ({self.title(edit.key, edit.scope)})"
        if edit.part == WHOLE:
            said = f": {now if now is not None else was}" if edit.kind == "added" and now else ""
            return f"{'new' if edit.kind == 'added' else 'gone'}: {head}{said}"
        label = _LABELS.get(edit.part, edit.part.replace("_", " "))
        moved = self._parts_moved(edit) or f"was {was or 'not given'}, is {now or 'not given'}"
        return f"{head}, {label}: {moved}"

    def _value_text(self, edit: Edit, was: str | None, now: str | None) -> str:
        key = Key("parameters", edit.key.name)
        place = f"{self._place(edit.key.scope)}: " if edit.key.scope else ""
        when = days(edit.first, edit.last) if edit.first or edit.last else "on every day"
        head = f"{place}{self.title(key, edit.key.scope)}, {when}"
        if edit.part == "sources":
            return f"{head}: other evidence for {now}"
        if edit.part == "note":
            return f"{head}: note: was {was or 'none'}, is {now or 'none'}"
        return f"{head}: {self.figures(edit.key.name, edit.was, edit.now)}"

    def figures(self, parameter: str, was: schema.ParameterValue | None, now: schema.ParameterValue | None) -> str:
        """What became of a parameter's value; of a list, only what came and went."""
        before, after = self._figure(self.old, parameter, was), self._figure(self.new, parameter, now)
        if before[1] is None or after[1] is None or was is None or now is None:
            first = before[0] or "nothing was said before"
            return f"{after[0] or 'nothing is said any more'}, {f'was {first}' if before[0] else first}"
        came, gone = sorted(after[1] - before[1]), sorted(before[1] - after[1])
        parts = [("newly ", came), ("no longer ", gone)]
        moved = "; ".join(f"{lead}{', '.join(names)}" for lead, names in parts if names)
        if (was.includes is None) != (now.includes is None):
            tail = "the list is complete" if now.includes is None else "there may be others"
            moved = f"{moved}; {tail}" if moved else tail
        return moved

    def _figure(
        self, plainly: Plainly, parameter: str, value: schema.ParameterValue | None
    ) -> tuple[str | None, set[str] | None]:
        """A value in words; for a list of codes, also its members by their labels."""
        if value is None:
            return None, None
        table = plainly.rulebase.parameters
        entry = table.get(parameter) or {**self.old.rulebase.parameters, **self.new.rulebase.parameters}[parameter]
        type_ = plainly.rulebase.value_type(entry.model)
        meaning: Any = value_meaning(value, type_)
        is_list = len(meaning) == 2 and isinstance(meaning[1], frozenset)
        return plain(plainly.value(entry, value)), {type_.codes.get(c, c) for c in meaning[1]} if is_list else None

    def _place(self, code: str) -> str:
        names = {**self.old.rulebase.jurisdiction_names, **self.new.rulebase.jurisdiction_names}
        return names.get(code, code)

    def _parts_moved(self, edit: Edit) -> str | None:
        """For two conditions that are both `all` or both `any`: only the parts that came or went."""
        one, two = edit.was.conditions.get(edit.part), edit.now.conditions.get(edit.part)
        if one is None or two is None or isinstance(one, Leaf) or isinstance(two, Leaf):
            return self._names_moved(edit)
        if one.kind != two.kind or one.kind not in _FIRST:
            return None
        before, after = ({canonical(part): part for part in c.parts} for c in (one, two))
        if not before.keys() & after.keys():
            return None
        gone = [condition_text(self.old, p, edit.scope) for c, p in before.items() if c not in after]
        came = [condition_text(self.new, p, edit.scope) for c, p in after.items() if c not in before]
        words = [
            f"{lead}{'; '.join(texts)}" for lead, texts in zip(_FIRST[one.kind], (gone, came), strict=True) if texts
        ]
        return "; ".join(words) or None

    def _names_moved(self, edit: Edit) -> str | None:
        if edit.part not in ("needs", "after", "excludes"):
            return None
        before, after = getattr(edit.was.model, edit.part), getattr(edit.now.model, edit.part)
        words = (
            ("no longer: ", [n for n in before if n not in after]),
            ("newly: ", [n for n in after if n not in before]),
        )
        return "; ".join(
            f"{lead}{', '.join(self._needed(n, edit.scope) for n in names)}" for lead, names in words if names
        )

    def _needed(self, name: str, scope: str | None) -> str:
        for plainly in (self.new, self.old):
            entry = plainly.find(name, scope)
            if entry is not None:
                return f"{name} ({plain(plainly.text(entry.model.title, scope))})"
        return name

    # one side ---------------------------------------------------------------------------------------------------------

    def _side(self, plainly: Plainly, edit: Edit, side: Any) -> str | None:
        """What one side of an edit says; None where it says nothing."""
        if side is None:
            return None
        if edit.key.section == VALUES:
            if edit.part == "note":
                return side.note  # type: ignore[no-any-return]
            return plain(plainly.value(plainly.rulebase.parameters[edit.key.name], side))
        if edit.part in (WHOLE, EVERYTHING):
            return self._whole(plainly, side, edit.scope)
        if edit.part in side.conditions:
            return condition_text(plainly, side.conditions[edit.part], edit.scope)
        return _field(plainly, side, edit.part, edit.scope)

    def _whole(self, plainly: Plainly, entry: Entry[Any], scope: str | None) -> str | None:
        said = [
            f"{_LABELS[name]}: {condition_text(plainly, condition, scope)}"
            for name, condition in entry.conditions.items()
        ]
        if needs := getattr(entry.model, "needs", None):
            said.append(f"needs: {', '.join(needs)}")
        if entry.section == "derived" and entry.expression is not None:
            said.append(f"worked out as: {plain(plainly.formula(entry.expression, scope))}")
        return "; ".join(said) or None


def _field(plainly: Plainly, entry: Entry[Any], part: str, scope: str | None) -> str | None:
    model = entry.model
    if part == FIRM:
        return "yes" if model.firm else "no"
    if part == TYPE:
        return str(plainly.rulebase.value_type(model))
    if part in (FORMULA, "on") and entry.expression is not None:
        return plain(plainly.formula(entry.expression, scope))
    if part == "labels":
        labels = model.values if isinstance(model, schema.Fact) else model.values_allowed
        return "; ".join(f"{code}: {label}" for code, label in (labels or {}).items())
    value = getattr(model, part)
    if value is None:
        return None
    if isinstance(value, schema.Period):
        return days(value.from_, value.to)
    if part == "sources":
        return ", ".join(f"{c.id} {c.section or ''}".strip() for c in model.cited)
    if isinstance(value, date):
        return show_date(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if part in ("weeks", "cost_usd", "range"):
        return f"{value[0]} to {value[1]}"
    if isinstance(value, list):
        return ", ".join(str(getattr(v, "route", v)) for v in value) or None
    return plain(plainly.text(str(getattr(value, "name", value)), scope))


def condition_text(plainly: Plainly, condition: Condition, scope: str | None) -> str:
    """A condition in one line of words."""
    if isinstance(condition, Leaf):
        return plain(plainly.leaf(condition, scope))
    parts = [condition_text(plainly, part, scope) for part in condition.parts]
    if condition.kind == "not":
        return f"not ({parts[0]})"
    if len(parts) == 1:
        return parts[0]
    lead = {"all": "all of", "any": "any of"}.get(condition.kind) or f"at least {condition.n} of"
    return f"{lead} ({'; '.join(parts)})"


def plain(text: str) -> str:
    """Text without Markdown's backslashes."""
    return re.sub(r"\\([*<\[\]`])", r"\1", text)
