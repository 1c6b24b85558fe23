"""What is wrong with the shape of a document: names that are no facts, facts given twice, objects where a value belongs.

All messages come from the reader of case files.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import ValidationError

from imgrules.assessment.case import CaseFile, _case, make_case, parse_case
from imgrules.batch.documents import parse_line
from imgrules.batch.mapping import SPECIAL, Mapping
from imgrules.batch.raw import Raw
from imgrules.errors import CaseError, Problem
from imgrules.rulebase.document import read_document
from imgrules.rulebase.rulebase import Rulebase

_TOLD = 10_000
_told: WeakKeyDictionary[Rulebase, dict[str, list[Problem]]] = WeakKeyDictionary()
_known_groups: WeakKeyDictionary[Rulebase, set[str]] = WeakKeyDictionary()


def plan_documents(raw: Raw, rulebase: Rulebase) -> tuple[dict[str, str], set[int]]:
    """The columns that hold facts or special cells, by name, and the rows whose shape must be looked at.

    Documents were renamed as they became a table, so columns have their final names.
    """
    assert raw.documents is not None
    plan: dict[str, str] = {}
    odd = set(raw.documents.odd)
    for name in raw.table.columns:
        if name in SPECIAL or name in rulebase.facts:
            plan[name] = name
        else:
            odd |= set(raw.table[name].is_not_null().arg_true().to_list())
    groups = _groups(rulebase)
    nulls = raw.documents.nulls - {*SPECIAL, *rulebase.facts}
    if any(f"{name}." not in groups for name in nulls):
        odd |= set(range(raw.table.height))
    return plan, odd


def line_problems(text: str, rulebase: Rulebase, mapping: Mapping) -> list[Problem]:
    """What is wrong with the shape of a line of NDJSON; its values are not looked at."""
    data = parse_line(text.encode())
    facts = data.get("facts") or {} if "facts" in data else {k: v for k, v in data.items() if k not in SPECIAL}
    seen = {name for name in SPECIAL if data.get(name) is not None}
    return list(_walk(facts, "", seen, _groups(rulebase), rulebase, mapping))


def _walk(
    data: dict[str, Any], prefix: str, seen: set[str], groups: set[str], rulebase: Rulebase, mapping: Mapping
) -> Iterator[Problem]:
    for key, value in data.items():
        name = mapping.target(prefix + key)
        if name is None:
            continue
        if name in rulebase.facts or (name in SPECIAL and name != prefix + key):
            if name in seen:
                yield Problem("C013", f"{name} is given twice.", "Keep one of them.")
            elif isinstance(value, dict):
                yield from _problems({name: value}, rulebase)
            seen.add(name)
        elif isinstance(value, dict) and (f"{name}." in groups or _renamed(prefix + key, mapping)):
            yield from _walk(value, f"{prefix}{key}.", seen, groups, rulebase, mapping)
        elif value is not None or f"{name}." not in groups:
            yield from _unknown(name, rulebase)


def _renamed(prefix: str, mapping: Mapping) -> bool:
    """Whether the mapping knows a name under this one."""
    return any(name.startswith(f"{prefix}.") for name in (*mapping.columns, *mapping.ignore))


def _unknown(name: str, rulebase: Rulebase) -> list[Problem]:
    """What is said of a name that is no fact, whatever its value: the nearest names are looked for once."""
    told = _told.setdefault(rulebase, {})
    if name not in told:
        if len(told) >= _TOLD:
            told.clear()
        told[name] = _problems({name: 0}, rulebase)
    return told[name]


def _problems(facts: dict[str, Any], rulebase: Rulebase) -> list[Problem]:
    try:
        make_case(facts, rulebase)
    except CaseError as error:
        return error.problems
    return []


def case_problems(text: str, file: str, rulebase: Rulebase, as_of: date, one_day: bool = False) -> list[Problem]:
    """What `read_case` says about a case file, judged on `as_of` if it names no day itself, or in any case."""
    document = read_document(text, file, prefix="C")
    try:
        shape = None if document.problems else CaseFile.model_validate(document.data)
    except ValidationError:
        shape = None
    try:
        if shape is None:
            parse_case(text, rulebase, file)
        else:
            day = as_of if one_day else shape.as_of or as_of
            _case(shape.model_copy(update={"as_of": day}), rulebase, document)
    except CaseError as error:
        return error.problems
    return []


def _groups(rulebase: Rulebase) -> set[str]:
    """The beginnings of names up to a dot."""
    if rulebase not in _known_groups:
        found = {name[: i + 1] for name in rulebase.facts for i, letter in enumerate(name) if letter == "."}
        _known_groups[rulebase] = found
    return _known_groups[rulebase]
