"""What the columns and cells of somebody else's table mean: a mapping file, checked against the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imgrules.errors import InputError, Problem, ProblemsError, did_you_mean
from imgrules.rulebase.document import Document, read_document
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import BadValue, read_value

SPECIAL = ("case", "as_of", "jurisdictions")
_SECTIONS = {
    "columns": "columns: names columns, as in {Applicant ID: case, Passed?: exam.passed}.",
    "values": "values: says what cells of a fact mean, as in {exam.passed: {Y: true, N: false, n/a: null}}.",
    "ignore": "ignore: lists columns to leave out, as in [Remarks, Phone].",
}


@dataclass(frozen=True)
class Mapping:
    """How to read a table that was not made for imgrules.

    `columns`: column of the table to fact or special column. `values`: fact to the text of a cell to the value meant,
    None for unknown. `ignore`: columns that are left out; of nested documents also everything below a name.
    """

    columns: Table[str, str] = field(default_factory=dict)
    values: Table[str, Table[str, Any]] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()

    def target(self, column: str) -> str | None:
        """The fact or special column that a column holds, its own name if nothing is said; None if it is ignored."""
        if self.ignore and any(column == name or column.startswith(f"{name}.") for name in self.ignore):
            return None
        return self.columns.get(column, column)


def read_mapping(path: Path | str, rulebase: Rulebase) -> Mapping:
    """Read a mapping file (YAML). `InputError` if it cannot be opened, `ProblemsError` with everything wrong in it."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text. Save it as UTF-8, as YAML.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    return parse_mapping(text, rulebase, str(path))


def parse_mapping(text: str, rulebase: Rulebase, name: str = "mapping") -> Mapping:
    """Read a mapping from YAML text; `ProblemsError` with everything wrong in it."""
    document = read_document(text, name, prefix="M")
    problems = document.problems or list(_shape(document)) or list(_meaning(document, rulebase))
    if problems:
        raise ProblemsError(problems)
    data: dict[str, Any] = document.data
    values = {fact: {cell.strip(): value for cell, value in words.items()} for fact, words in _section(data, "values")}
    return Mapping(dict(_section(data, "columns")), values, frozenset(data.get("ignore") or ()))


def _section(data: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    return list((data.get(name) or {}).items())


def _shape(document: Document) -> Iterator[Problem]:
    """The three sections and nothing else, each of its form."""
    data = document.data
    if not isinstance(data, dict):
        message = "A mapping file has columns:, values: or ignore:."
        yield document.problem("M003", (), message, _SECTIONS["columns"])
        return
    for key, body in data.items():
        if key not in _SECTIONS:
            hint = did_you_mean(key, _SECTIONS) or f"It has {', '.join(_SECTIONS)}."
            yield document.problem("M003", (key,), f"A mapping file has no {key}.", hint)
        elif body is not None and not _fits(key, body):
            yield document.problem("M003", (key,), f"{key} has not the right form.", _SECTIONS[key])


def _fits(section: str, body: Any) -> bool:
    if section == "ignore":
        return isinstance(body, list) and all(isinstance(name, str) for name in body)
    inner = str if section == "columns" else dict
    return isinstance(body, dict) and all(isinstance(value, inner) for value in body.values())


def _meaning(document: Document, rulebase: Rulebase) -> Iterator[Problem]:
    """Names of facts, values of their types, and each fact held by one column."""
    data = document.data
    ignored = set(data.get("ignore") or ())
    taken: dict[str, str] = {}
    for column, target in _section(data, "columns"):
        path = ("columns", column)
        if column in ignored:
            yield document.problem("M012", path, f"The column {column} is both named and ignored.", "Keep one of them.")
        if target not in rulebase.facts and target not in SPECIAL:
            yield _no_fact(document, path, target, rulebase, SPECIAL)
        elif target in taken:
            message = f"The columns {taken[target]} and {column} both hold {target}."
            yield document.problem("M012", path, message, "Name one of them under ignore:.")
        taken.setdefault(target, column)
    for fact, words in _section(data, "values"):
        if fact not in rulebase.facts:
            yield _no_fact(document, ("values", fact), fact, rulebase)
            continue
        for cell, value in words.items():
            yield from _bad_value(document, fact, cell, value, rulebase)


def _bad_value(document: Document, fact: str, cell: str, value: Any, rulebase: Rulebase) -> Iterator[Problem]:
    if value is None or value == "unknown":
        return
    try:
        read_value(value, rulebase.types[fact])
    except BadValue as error:
        fix = "Write the value as in a case file, or null for unknown."
        yield document.problem("M011", ("values", fact, cell), f"{fact}: {error}.", fix)


def _no_fact(
    document: Document, path: tuple[str | int, ...], name: str, rulebase: Rulebase, also: tuple[str, ...] = ()
) -> Problem:
    hint = did_you_mean(name, [*rulebase.facts, *also]) or "`imgrules facts` lists what can be told."
    if name in rulebase.derived:
        hint = "It is worked out from other facts; leave it out."
    return document.problem("M010", path, f"There is no fact {name}.", hint)
