"""Random tables with dirty cells, each cell with what the reader of case files would be given for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from imgrules.assessment.case import Case, make_case
from imgrules.batch.facts import Facts
from imgrules.errors import CaseError, Problem
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ValueType
from tests.cases import random_value

DAY = date(2026, 11, 22)
WORDS_FOR_UNKNOWN = ("", "   ", "unknown", " unknown", "null", "NULL", "NaN", "nan", "Unknown")
DIRT = (
    "maybe",
    "-1",
    "1e3",
    "0.00001",
    "2.5",
    "99999999999999",
    "3000-01-01",
    "2024-02-30",
    "20240301",
    "Inf",
    "Ünï",
    "x,y",
)


@dataclass(frozen=True)
class Cell:
    """A cell as text, and the value it stands for: None where it is not known."""

    text: str
    raw: Any


def some_facts(rules: Rulebase, r: Random, count: int = 14) -> list[str]:
    """Names of facts, at least one of each type."""
    kinds: dict[str, list[str]] = {}
    for name in rules.facts:
        kinds.setdefault(rules.types[name].kind, []).append(name)
    names = {r.choice(group) for group in kinds.values()}
    names |= set(r.sample(sorted(rules.facts), max(0, count - len(names))))
    return sorted(names)


def random_cell(name: str, rules: Rulebase, r: Random) -> Cell:
    """A cell of a fact: mostly good, sometimes unknown, sometimes dirt or another fact's value."""
    chance = r.random()
    if chance < 0.2:
        return Cell(r.choice(WORDS_FOR_UNKNOWN), None)
    if chance < 0.3:
        text = r.choice(DIRT)
        return Cell(
            text, ["x", "y"] if text == "x,y" and rules.types[name].kind == "set" else _alone(text, rules.types[name])
        )
    type_, bounds = rules.types[name], rules.facts[name].model.range
    if chance < 0.35 and type_.kind == "date":
        later = DAY + timedelta(days=r.randrange(1, 400))
        return Cell(later.isoformat(), later.isoformat())
    if bounds and "today" in bounds and not isinstance(bounds[0], date):
        return Cell("", None)
    return _written(random_value(r, type_, bounds, DAY), type_, r)


def _alone(text: str, type_: ValueType) -> Any:
    return [text] if type_.kind == "set" else text


def _written(value: Any, type_: ValueType, r: Random) -> Cell:
    if isinstance(value, bool):
        text = r.choice(["true", "TRUE", "True "] if value else ["false", "FALSE", " false"])
        return Cell(text, text.strip())
    if isinstance(value, frozenset):
        return _set_cell(sorted(value), type_, r)
    if isinstance(value, str):
        text = r.choice([value, type_.codes[value], f" {value} "])
        return Cell(text, text.strip())
    text = value.isoformat() if isinstance(value, date) else str(value)
    if isinstance(value, int) and r.random() < 0.2:
        text += ".0"
    return Cell(text, text)


def _set_cell(members: list[str], type_: ValueType, r: Random) -> Cell:
    if not members:
        return Cell(r.choice(["[]", "none", "[ ]"] if "none" not in type_.codes else ["[]"]), [])
    text = r.choice(["; ", ";", " ", ", ", ","]).join(members)
    return Cell(f"[{text}]" if r.random() < 0.2 else text, members)


@dataclass
class Row:
    """A row of the random table, as it is written and as it is meant."""

    case: str
    as_of: Cell
    jurisdictions: Cell
    facts: dict[str, Cell]

    def texts(self) -> dict[str, str]:
        """The row as text by column."""
        own = {"case": self.case, "as_of": self.as_of.text, "jurisdictions": self.jurisdictions.text}
        return {**own, **{name: cell.text for name, cell in self.facts.items()}}


def random_rows(rules: Rulebase, seed: int, count: int = 8) -> list[Row]:
    """A table of one set of columns."""
    r = Random(seed)
    names = some_facts(rules, r)
    return [_random_row(f"p{i}", names, rules, r) for i in range(count)]


def _random_row(case: str, names: Sequence[str], rules: Rulebase, r: Random) -> Row:
    day = DAY - timedelta(days=r.randrange(3000))
    as_of = r.choices([Cell("", None), Cell(day.isoformat(), day), Cell("soon", "soon")], [5, 5, 1])[0]
    codes = r.sample(sorted(rules.jurisdictions), r.randrange(3))
    aims = Cell(r.choice([" ", ",", "; "]).join(codes), codes)
    if r.random() < 0.1:
        aims = Cell("CA;ZZ", ["CA", "ZZ"])
    clean = r.random() < 0.4
    facts = {}
    for name in names:
        cell = random_cell(name, rules, r)
        facts[name] = cell if not clean or accepted({name: cell.raw}, rules) else Cell("", None)
    return Row(case, as_of, aims, facts)


def accepted(facts: Mapping[str, Any], rules: Rulebase) -> bool:
    """Whether facts are accepted on an early day, and so on the later ones."""
    return judged(lambda: make_case(facts, rules, as_of=DAY - timedelta(days=3000)))[0] is not None


def judged(read: Callable[[], Case]) -> tuple[Case | None, list[Problem]]:
    """What the one-at-a-time reader gives: a case, or problems."""
    try:
        return read(), []
    except CaseError as error:
        return None, error.problems


def expected(row: Row, rules: Rulebase, default: date = DAY) -> tuple[Any, list[tuple[str, str, str]]]:
    """What the one-at-a-time reader makes of a row: a case, or what is wrong with it."""
    errors = []
    day = row.as_of.raw if isinstance(row.as_of.raw, date) else default
    if isinstance(row.as_of.raw, str):
        fix = "Leave it empty to judge the row on the day of the run."
        errors.append(("T013", f"as_of: {row.as_of.raw} is not a date; write it as 2026-11-22.", fix))
    facts = {name: cell.raw for name, cell in row.facts.items()}
    case, problems = judged(
        lambda: make_case(facts, rules, id=row.case, as_of=day, jurisdictions=row.jurisdictions.raw)
    )
    errors += [(p.code, p.message, p.fix) for p in problems]
    return (None if errors else case), errors


def read_back(frame_row: dict[str, Any], rules: Rulebase) -> dict[str, Any]:
    """The facts of a row of `Facts.frame` as Python values."""
    found: dict[str, Any] = {}
    for name, value in frame_row.items():
        if value is None or name not in rules.facts:
            continue
        kind = rules.types[name].kind
        if kind == "decimal":
            value = Decimal(value).scaleb(-4)
        found[name] = frozenset(value.split()) if kind == "set" else value
    return found


def assert_means_the_same(facts: Facts, rows: Sequence[Row], rules: Rulebase, default: date = DAY) -> None:
    """Every row came out as the one-at-a-time reader says, and none is missing."""
    good = {row["case"]: row for row in facts.frame.to_dicts()}
    bad = {reject.case: reject for reject in facts.rejects}
    assert facts.frame.height + len(facts.rejects) == len(rows) == len(good.keys() | bad.keys())
    for row in rows:
        case, errors = expected(row, rules, default)
        if case is None:
            assert [(e["code"], e["message"], e["fix"]) for e in bad[row.case].errors] == errors
        else:
            assert row.case in good, bad[row.case].errors
            assert read_back(good[row.case], rules) == case.facts
            assert good[row.case]["as_of"] == case.as_of
            assert good[row.case]["jurisdictions"].split() == sorted(case.jurisdictions)
