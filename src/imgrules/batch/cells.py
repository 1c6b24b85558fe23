"""From the cells of a column to the values of a fact: each distinct cell is read once, as a case file's value is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

import polars as pl

from imgrules.assessment.case import make_case
from imgrules.errors import CaseError, EngineError, Problem
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import DECIMAL_PLACES, ORDERED, BadValue, Value, ValueType, read_value

UNKNOWN = frozenset({"", "unknown", "null", "nan"})
SCALE = 10**DECIMAL_PLACES
Stored: TypeAlias = bool | int | date | str | None

_TOO_LARGE = 10**12  # where read_value stops too
_CACHED = 50_000  # distinct cells remembered for a fact, so that memory stays bounded
_BAD = object()
_MEMBER = "\x1f"  # before each member of a list turned into a text key; it cannot stand in a code
_NO_MEMBER = "\0"
_DTYPES: dict[str, Any] = {"bool": pl.Boolean, "int": pl.Int64, "decimal": pl.Int64, "date": pl.Date}


def cell_objects(cells: pl.Series, coded: bool = False) -> list[Any]:
    """Cells as Python values. NaN is None, a time of midnight is its day, a decimal of single precision is as written."""
    dtype = cells.dtype
    if coded:
        return [None if text is None else read_json(text) for text in cells.to_list()]
    if dtype == pl.Float32:
        cells = cells.cast(pl.String).cast(pl.Float64)
    if dtype.is_float():
        cells = cells.fill_nan(None)
    found: list[Any] = cells.to_list()
    return [_day(cell) for cell in found] if isinstance(dtype, pl.Datetime) else found


def _day(cell: datetime | None) -> date | str | None:
    if cell is None:
        return None
    return cell.date() if cell.time() == time(0) else str(cell)


def read_json(text: str) -> Any:
    """JSON with exact decimals."""
    return json.loads(text, parse_float=Decimal, parse_constant=not_a_number)


def not_a_number(word: str) -> str | None:
    """JSON's extra constants: NaN is null, and an infinite number stays a word that no type reads."""
    return None if word == "NaN" else word


def split_members(text: str, known: Iterable[str]) -> list[str]:
    """The members of a set written in one cell; `known` holds codes and labels in lower case.

    Members are separated by semicolons, commas or, between codes, spaces; brackets and quotes around them are left
    out. `[]` and `none` mean that there is none.
    """
    inner = text[1:-1].strip() if text[:1] == "[" and text[-1:] == "]" else text
    if not inner or (inner.lower() == "none" and "none" not in known):
        return []
    if inner.lower() not in known:
        for separator in ";", ",":
            if separator in inner:
                return [part for part in (p.strip(" \t\r\n\"'") for p in inner.split(separator)) if part]
        parts = inner.split()
        if len(parts) > 1 and any(part.lower() in known for part in parts):
            return parts
    return [inner.strip("\"'")]


def distinct(cells: pl.Series, coded: bool = False) -> tuple[pl.Series, pl.Series, list[Any]]:
    """The column by keys that can be compared, its distinct keys (null left out), and the Python value of each."""
    keys = cells
    match cells.dtype:
        case pl.Categorical() | pl.Enum():
            keys = cells.cast(pl.String)
        case pl.List(inner=pl.String):
            keys = _list_keys(cells)
        case pl.String() | pl.Boolean() | pl.Date() | pl.Datetime() | pl.Decimal():
            pass
        case dtype if dtype.is_numeric():
            keys = cells.fill_nan(None) if dtype.is_float() else cells
        case _:
            objects = {repr(cell): cell for cell in cells.to_list() if cell is not None}
            texts = [None if cell is None else repr(cell) for cell in cells.to_list()]
            return pl.Series(texts, dtype=pl.String), pl.Series(list(objects), dtype=pl.String), list(objects.values())
    found = keys.drop_nulls().unique()
    if keys is not cells and isinstance(cells.dtype, pl.List):
        return keys, found, [[None if m == _NO_MEMBER else m for m in k.split(_MEMBER)[1:]] for k in found.to_list()]
    return keys, found, cell_objects(found, coded)


def _list_keys(cells: pl.Series) -> pl.Series:
    marked = cells.list.eval(pl.lit(_MEMBER) + pl.element().fill_null(_NO_MEMBER))
    return marked.list.join("")


def spread(keys: pl.Series, found: pl.Series, values: list[Any], dtype: Any) -> pl.Series:
    """The value of each key, in the order of the column."""
    table = pl.DataFrame({"key": found, "value": pl.Series(values, dtype=dtype, strict=True)})
    return pl.DataFrame({"key": keys}).join(table, on="key", how="left", maintain_order="left")["value"]


@dataclass(eq=False)
class FactReader:
    """Reads the cells of one fact's column. `mapped` gives, for the text of a cell, the value that is meant.

    `exact`: values are taken as they stand, as in a case file; else texts are trimmed, words for unknown are known,
    and sets may be written in one text.
    """

    name: str
    rulebase: Rulebase
    mapped: Mapping[str, Any] = field(default_factory=dict)
    exact: bool = False
    _seen: dict[Any, Any] = field(default_factory=dict, repr=False)
    _problems: dict[Any, list[Problem]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.type: ValueType = self.rulebase.types[self.name]
        self.known = known_words(self.type.codes)
        bounds = self.rulebase.facts[self.name].model.range
        self.bounds = tuple(
            b if b == "today" else self._store(read_value(b, self.type))
            for b in (bounds or ())
            if self.type.kind in ORDERED
        )
        self.dated = "today" in self.bounds

    def raw(self, cell: Any) -> Any:
        """What a cell says, as a case file would say it: None where it says that it is not known."""
        if self.exact:
            return cell
        text = cell.strip() if isinstance(cell, str) else cell
        if self.mapped:
            word = cell_text(text)
            if word in self.mapped:
                return self.mapped[word]
        if not isinstance(text, str):
            return text
        if text.lower() in UNKNOWN and (text in ("", "unknown") or text.lower() not in self.known):
            return None
        return split_members(text, self.known) if self.type.kind == "set" else text

    def read(self, cells: pl.Series, days: pl.Series, coded: bool = False) -> tuple[pl.Series, pl.Series | None]:
        """The values of a column, null where unknown or wrong, and where they are wrong (None if nowhere).

        `days` holds the day each row is judged on. Decimals are scaled integers; codes and sets are enums of text.
        """
        quick = None if self.mapped or coded else self._typed(cells)
        values, bad = quick or self._by_distinct(cells, coded)
        outside = self._outside(values, days)
        if outside is not None:
            bad = outside if bad is None else bad | outside
            values = values.set(outside, None)
        return self._finished(values), bad

    def problems(self, cell: Any, day: date) -> list[Problem]:
        """What `make_case` says about a cell that `read` found wrong."""
        raw = self.raw(cell)
        key = (repr(raw), day if self.dated else None)
        if key not in self._problems:
            if len(self._problems) >= _CACHED:
                self._problems.clear()
            try:
                make_case({self.name: raw}, self.rulebase, as_of=day)
            except CaseError as error:
                self._problems[key] = error.problems
            else:
                raise EngineError(
                    f"The table reader refuses {self.name}: {raw!r} on {day}, and the case reader accepts it. "
                    "This is a defect of imgrules: please report it with these values."
                )
        return self._problems[key]

    def _typed(self, cells: pl.Series) -> tuple[pl.Series, pl.Series | None] | None:
        """Columns that already have the fact's type need only bounds."""
        kind, dtype = self.type.kind, cells.dtype
        if dtype == pl.Null:
            return cells.cast(_DTYPES.get(kind, pl.String)), None
        if (kind == "bool" and dtype == pl.Boolean) or (kind == "date" and dtype == pl.Date):
            return cells, None
        if kind in ("int", "decimal") and dtype.is_integer():
            small = cells.cast(pl.Int64, strict=False)
            fits = small.is_between(-_TOO_LARGE + 1, _TOO_LARGE - 1).fill_null(False)
            bad = cells.is_not_null() & ~fits
            if bad.any():
                small = small.set(bad, None)
            return small * SCALE if kind == "decimal" else small, bad if bad.any() else None
        return None

    def _by_distinct(self, cells: pl.Series, coded: bool) -> tuple[pl.Series, pl.Series | None]:
        keys, found, objects = distinct(cells, coded)
        stored = [self._cached(key, cell) for key, cell in zip(found.to_list(), objects, strict=True)]
        wrong = [i for i, value in enumerate(stored) if value is _BAD]
        for i in wrong:
            stored[i] = None
        values = spread(keys, found, stored, self._dtype)
        bad = keys.is_in(found.gather(wrong).implode()).fill_null(False) if wrong else None
        if self.mapped and keys.null_count():
            value = self._read(None)
            if value is not None:
                values = values.zip_with(
                    keys.is_not_null(), pl.Series([value], dtype=self._dtype).new_from_index(0, len(keys))
                )
        return values, bad

    @property
    def _dtype(self) -> Any:
        return _DTYPES.get(self.type.kind, pl.String)

    def _cached(self, key: Any, cell: Any) -> Any:
        key = (type(cell), key)  # 1 and true are one key, but not one value
        try:
            return self._seen[key]
        except KeyError:
            if len(self._seen) >= _CACHED:
                self._seen.clear()
            self._seen[key] = value = self._read(cell)
            return value

    def _read(self, cell: Any) -> Any:
        raw = self.raw(cell)
        if raw is None or raw == "unknown":
            return None
        try:
            return self._store(read_value(raw, self.type))
        except BadValue:
            return _BAD

    def _store(self, value: Value) -> Stored:
        if isinstance(value, Decimal):
            return int(value.scaleb(DECIMAL_PLACES))
        if isinstance(value, frozenset):
            return " ".join(sorted(value))
        return value

    def _outside(self, values: pl.Series, days: pl.Series) -> pl.Series | None:
        if not self.bounds or values.null_count() == len(values):
            return None
        low, high = self.bounds
        if not self.dated and low <= values.min() <= values.max() <= high:  # type: ignore[operator]
            return None
        outside = (values < (days if low == "today" else low)) | (values > (days if high == "today" else high))
        outside = outside.fill_null(False)
        return outside if outside.any() else None

    def _finished(self, values: pl.Series) -> pl.Series:
        if values.dtype != pl.String:
            return values
        codes: Iterable[str] = self.type.codes
        if self.type.kind == "set" or not codes:
            codes = values.drop_nulls().unique().to_list()
        return values.cast(pl.Enum(sorted(codes)))


def known_words(codes: Mapping[str, str]) -> frozenset[str]:
    """Codes and labels in lower case."""
    return frozenset(word.lower() for pair in codes.items() for word in pair)


def cell_text(cell: Any) -> str:
    """The text of a cell as a spreadsheet shows it: what a mapping of values is looked up by."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
