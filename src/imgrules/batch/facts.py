"""From rows as read to rows that can be judged: typed facts in columns, and every other row with what is wrong.

A row means what `assessment.case.make_case` says of it; this module only reads each distinct cell once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

import polars as pl

from imgrules.assessment.case import find_jurisdiction, make_case
from imgrules.batch.cells import (
    UNKNOWN,
    FactReader,
    cell_objects,
    cell_text,
    distinct,
    known_words,
    split_members,
    spread,
)
from imgrules.batch.mapping import SPECIAL, Mapping
from imgrules.batch.raw import Raw, Reject, error
from imgrules.batch.shape import case_problems, line_problems, plan_documents
from imgrules.errors import CaseError, EngineError, InputError, Problem, ProblemsError, did_you_mean
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import BadValue, read_date

MAX_ID = 200  # as long as a case file's id may be
_ID_FIX = "Give each row an id of its own of at most 200 characters."
_readers: WeakKeyDictionary[Rulebase, dict[tuple[str, str, bool], FactReader]] = WeakKeyDictionary()


@dataclass
class Facts:
    """The rows that can be judged, and those that cannot: together they are all rows of the `Raw`'s table.

    `frame` has `case` (text), `as_of` (date), `jurisdictions` (sorted codes joined by a space, empty for none), `row`
    (index into the table of the `Raw`), and a column for each fact of the input, null where unknown: booleans, 64-bit
    integers, decimals as integers scaled by 10**4, dates, codes as enums, sets as enums of sorted codes joined by a
    space (empty text: the empty set).
    """

    frame: pl.DataFrame
    rejects: list[Reject]


@dataclass
class _Rows:
    """What is wrong with rows, collected column by column, told in the order of a case file."""

    errors: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)

    def add(self, row: int, problems: list[Problem]) -> None:
        if problems:
            self.errors.setdefault(row, []).extend(error(p) for p in problems)


def check_columns(columns: Iterable[str], file: str, rulebase: Rulebase, mapping: Mapping | None) -> dict[str, str]:
    """The fact or special column that each column holds, ignored ones left out; `ProblemsError` for unknown ones."""
    mapping = mapping or Mapping()
    found: dict[str, str] = {}
    problems = []
    for column in columns:
        name = mapping.target(column)
        if name is None:
            continue
        if name in found.values():
            first = next(c for c, n in found.items() if n == name)
            message = f"The columns {first} and {column} both hold {name}."
            problems.append(Problem("T011", message, "Leave one out, or name it under ignore: of a --map file.", file))
        elif name in SPECIAL or name in rulebase.facts:
            found[column] = name
        else:
            problems.append(_unknown_column(column, file, rulebase))
    if problems:
        raise ProblemsError(problems)
    return found


def _unknown_column(column: str, file: str, rulebase: Rulebase) -> Problem:
    if column in rulebase.derived:
        fix = "It is worked out from other facts. Leave it out, or name it under ignore: of a --map file."
    else:
        hint = did_you_mean(column, [*rulebase.facts, *SPECIAL]) or "`imgrules facts` lists what can be told."
        fix = f"{hint} A --map FILE can rename or ignore columns."
    return Problem("T010", f"There is no fact {column or '(a column without a name)'}.", fix, file)


def read_facts(
    raw: Raw,
    rulebase: Rulebase,
    *,
    as_of: date,
    jurisdictions: tuple[str, ...] | None = None,
    mapping: Mapping | None = None,
    one_day: bool = False,
) -> Facts:
    """Judge the cells of all rows. `as_of` holds for rows that name no day; `jurisdictions` replace the rows' own.

    `one_day`, or a mapping that ignores `as_of`: the rows' own days are left aside. `ProblemsError` if a column is unknown.
    """
    table, height, rows = raw.table, raw.table.height, _Rows()
    mapping = mapping or Mapping()
    one_day = one_day or mapping.target("as_of") is None
    if raw.documents is None:
        plan = check_columns(table.columns, raw.file, rulebase, mapping)
    else:
        plan, rows.odd = plan_documents(raw, rulebase)
    special = {name: (table[column], column in raw.coded) for column, name in plan.items() if name in SPECIAL}
    if one_day:
        special.pop("as_of", None)
    ids = _case_ids(raw, special.get("case"), rows)
    days = _days(special.get("as_of"), as_of, height, rows)
    columns = []
    for column, name in plan.items():
        if name not in SPECIAL:
            reader = _reader(name, rulebase, mapping, raw.exact)
            values, bad = reader.read(table[column], days, column in raw.coded)
            columns.append(values.alias(name))
            if bad is not None:
                _tell(reader, table[column], column in raw.coded, bad, days, rows)
    aims = _aims(special.get("jurisdictions"), height, rulebase, rows)
    if jurisdictions is not None:
        aims = pl.repeat(" ".join(sorted(set(jurisdictions))), height, dtype=pl.String, eager=True)
    if raw.documents is not None:
        _look_closer(raw, rulebase, mapping, days, one_day, rows)
    index = pl.Series("row", range(height), dtype=pl.UInt32)
    frame = pl.DataFrame([ids.alias("case"), days.alias("as_of"), aims.alias("jurisdictions"), index, *columns])
    return _parted(raw, frame, rows)


def _parted(raw: Raw, frame: pl.DataFrame, rows: _Rows) -> Facts:
    """Rows without an error, and rejects in the order of the file."""
    wrong = sorted(rows.errors)
    if not wrong:
        return Facts(frame, [])
    ids = frame["case"].gather(wrong).to_list()
    rejects = []
    for row, case in zip(wrong, ids, strict=True):
        errors = rows.errors[row] if raw.exact else sorted(rows.errors[row], key=_order)
        line = errors[0].get("line", raw.lines[row])
        rejects.append(Reject(raw.file_of(row), raw.rows[row], line, case, raw.cells(row), errors))
    kept = ~frame["row"].is_in(pl.Series(wrong, dtype=pl.UInt32).implode())
    return Facts(frame.filter(kept), rejects)


def _order(error: dict[str, Any]) -> str:
    """What is wrong with the row comes first, then its facts, in the order in which a case file's problems are told."""
    return error["code"] if error["code"].startswith("C") else ""


def _look_closer(raw: Raw, rulebase: Rulebase, mapping: Mapping, days: pl.Series, one_day: bool, rows: _Rows) -> None:
    """Documents of an odd shape, and case files with anything wrong, are put to the one-at-a-time reader."""
    assert raw.documents is not None
    texts, files = raw.documents.texts, raw.documents.files
    if files is None:
        for row in rows.odd:
            rows.add(row, line_problems(texts[row], rulebase, mapping))
        return
    for row in rows.odd | set(rows.errors):
        problems = case_problems(texts[row], files[row], rulebase, days[row], one_day)
        if not problems and row in rows.errors:
            raise EngineError(
                f"The table reader refuses {files[row]}, and the case reader accepts it. "
                "This is a defect of imgrules: please report it with the file."
            )
        rows.errors.pop(row, None)
        rows.add(row, problems)


def _reader(name: str, rulebase: Rulebase, mapping: Mapping, exact: bool) -> FactReader:
    """The reader of a fact, kept with what it has read already."""
    mapped = {} if exact else mapping.values.get(name, {})
    readers = _readers.setdefault(rulebase, {})
    key = (name, repr(mapped), exact)
    if key not in readers:
        readers[key] = FactReader(name, rulebase, mapped, exact)
    return readers[key]


def _tell(reader: FactReader, cells: pl.Series, coded: bool, bad: pl.Series, days: pl.Series, rows: _Rows) -> None:
    where = bad.arg_true()
    told = zip(where.to_list(), cell_objects(cells.gather(where), coded), days.gather(where).to_list(), strict=True)
    for row, cell, day in told:
        rows.add(row, reader.problems(cell, day))


def _case_ids(raw: Raw, column: tuple[pl.Series, bool] | None, rows: _Rows) -> pl.Series:
    """Trimmed ids. A row without one is wrong, unless the input has no ids: then it is named by file and line."""
    if column is None:
        ids = pl.Series([None] * raw.table.height, dtype=pl.String)
    else:
        cells, coded = column
        ids = cells if cells.dtype == pl.String and not coded else _texts(cells, coded)
        if not raw.exact:
            ids = ids.str.strip_chars()
            ids = ids.set(ids == "", None) if (ids == "").any() else ids
    if not raw.identified:
        places = pl.Series([f"{raw.file}:{line}" for line in raw.lines], dtype=pl.String)
        ids = ids.zip_with(ids.is_not_null(), places)
    for row in set(ids.is_null().arg_true()) - rows.odd if raw.exact else ids.is_null().arg_true():
        rows.add(row, [Problem("T012", "The row has no case id.", _ID_FIX)])
    for row in (ids.str.len_chars() > MAX_ID).fill_null(False).arg_true():
        rows.add(row, [Problem("T012", f"The case id has more than {MAX_ID} characters.", _ID_FIX)])
    return ids


def _texts(cells: pl.Series, coded: bool) -> pl.Series:
    keys, found, objects = distinct(cells, coded)
    return spread(keys, found, [cell_text(cell) for cell in objects], pl.String)


def _days(column: tuple[pl.Series, bool] | None, as_of: date, height: int, rows: _Rows) -> pl.Series:
    """The day each row is judged on."""
    default = pl.repeat(as_of, height, dtype=pl.Date, eager=True)
    if column is None:
        return default
    cells, coded = column
    if cells.dtype != pl.Date:
        cells = _each_distinct(cells, coded, _day, pl.Date, lambda row, problems: rows.add(row, problems))
    return cells.zip_with(cells.is_not_null(), default)


def _day(cell: Any) -> tuple[date | None, list[Problem]]:
    if isinstance(cell, str) and cell.strip().lower() in UNKNOWN:
        return None, []
    try:
        return read_date(cell), []
    except BadValue as wrong:
        return None, [Problem("T013", f"as_of: {wrong}.", "Leave it empty to judge the row on the day of the run.")]


def _aims(column: tuple[pl.Series, bool] | None, height: int, rulebase: Rulebase, rows: _Rows) -> pl.Series:
    """The jurisdictions each row aims at, as sorted codes joined by a space."""
    if column is None:
        return pl.repeat("", height, dtype=pl.String, eager=True)
    known = known_words(rulebase.jurisdiction_names)

    def read(cell: Any) -> tuple[str | None, list[Problem]]:
        if isinstance(cell, str):
            text = cell.strip()
            members = [] if text.lower() in UNKNOWN else split_members(text, known)
            if ";" not in text and _two_readings(members, rulebase):
                return None, [_unclear(text)]
        else:
            members = [str(member) for member in (cell if isinstance(cell, list) else [cell])]
        try:
            return " ".join(sorted({find_jurisdiction(member, rulebase) for member in members})), []
        except InputError:
            return None, _refusal(members, rulebase)

    return _each_distinct(*column, read, pl.String, lambda row, problems: rows.add(row, problems)).fill_null("")


def _two_readings(members: list[str], rulebase: Rulebase) -> bool:
    """Whether names stand among codes, or codes in capitals among others: a town and its state, or a word such as `or`."""
    codes = [member for member in members if member.upper() in rulebase.jurisdictions]
    return bool(codes) and (len(codes) < len(members) or len({code.isupper() for code in codes}) > 1)


def _unclear(text: str) -> Problem:
    fix = "Write codes alone, with spaces between, or put a semicolon between any two places."
    return Problem("C014", f"jurisdictions: {text} can be read in two ways.", fix)


def _refusal(members: list[str], rulebase: Rulebase) -> list[Problem]:
    try:
        make_case({}, rulebase, jurisdictions=members)
    except CaseError as wrong:
        return wrong.problems
    raise AssertionError(members)


def _each_distinct(
    cells: pl.Series,
    coded: bool,
    read: Callable[[Any], tuple[Any, list[Problem]]],
    dtype: Any,
    tell: Callable[[int, list[Problem]], None],
) -> pl.Series:
    """Read each distinct cell once; `tell` hears of the rows whose cell is wrong."""
    keys, found, objects = distinct(cells, coded)
    results = [read(cell) for cell in objects]
    wrong = [i for i, (_, problems) in enumerate(results) if problems]
    if wrong:
        told = dict(zip(found.gather(wrong).to_list(), (results[i][1] for i in wrong), strict=True))
        where = keys.is_in(found.gather(wrong).implode()).fill_null(False).arg_true()
        for row, key in zip(where.to_list(), keys.gather(where).to_list(), strict=True):
            tell(row, told[key])
    return spread(keys, found, [value for value, _ in results], dtype)
