"""Derived facts a column at a time: the arithmetic of `rulebase.arithmetic`, and as exact.

Numbers are integers in units of a power of ten, dates are days since 1970. Each comes with a mask of the cases in which
it is known. Where a result might not fit in 62 bits, as no sensible fact makes it, it is computed in Python's integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, reduce
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from imgrules.rulebase.grammar import Call, Constant, Expression, Name, Param
from imgrules.rulebase.ir import GroundDerived
from imgrules.rulebase.values import DECIMAL_PLACES, Value, ValueType

LIMIT = 2**62  # as the forward-chaining engine has it, for numbers in units of 0.0001
Array: TypeAlias = np.ndarray[Any, Any]

_SCALE = 10**DECIMAL_PLACES
_LARGEST_FACT = 10**12  # what `read_value` lets through
_EPOCH = date(1970, 1, 1).toordinal()
_FIRST, _LAST = date.min.toordinal() - _EPOCH, date.max.toordinal() - _EPOCH
_FIRST_MONTH, _LAST_MONTH = -1969 * 12, 8029 * 12 + 11  # since January 1970
_FAR = 5_000_000  # days or months that lead off the calendar from any day on it


@dataclass(frozen=True)
class _Column:
    """What a part of an expression is in each case: a number in units of 10**-places, or a day."""

    values: Array
    known: Array
    places: int = 0
    bound: int = 0

    def at(self, places: int) -> _Column:
        """The same number in smaller units."""
        factor = 10 ** (places - self.places)
        bound = self.bound * factor
        return self if factor == 1 else _Column(_wide(self.values, bound) * factor, self.known, places, bound)


def layers(derived: Iterable[GroundDerived]) -> list[list[GroundDerived]]:
    """Derived facts by how deep they stand: each layer is computed from facts and earlier layers."""
    depth: dict[str, int] = {}
    found: list[list[GroundDerived]] = []
    for item in derived:
        depth[item.name] = 1 + max((depth.get(source, -1) for source in item.inputs.values()), default=-1)
        while len(found) <= depth[item.name]:
            found.append([])
        found[depth[item.name]].append(item)
    return found


def compute(
    item: GroundDerived, frame: pl.DataFrame, types: Callable[[str], ValueType]
) -> tuple[pl.Series, Array | None]:
    """A derived fact as a column of its type, null where an input is unknown or the result beyond the calendar.

    Also a mask of the cases in which it is a number beyond `LIMIT` (and null), None where no fact could make it so.
    """
    found = _Reader(item, frame, types).column(item.expression)
    if item.type.kind == "date":
        return _series(item.name, found.values, found.known).cast(pl.Int32).cast(pl.Date), None
    if item.type.kind == "decimal":
        found = found.at(DECIMAL_PLACES) if found.places <= DECIMAL_PLACES else _cut(found)
    scale = _SCALE if item.type.kind == "int" else 1
    if found.bound * scale < LIMIT:
        return _series(item.name, found.values, found.known), None
    beyond = found.known & np.array([abs(value) * scale >= LIMIT for value in found.values.tolist()], dtype=bool)
    values = np.where(beyond, 0, found.values).astype(np.int64)
    return _series(item.name, values, found.known & ~beyond), beyond


def _series(name: str, values: Array, known: Array) -> pl.Series:
    series = pl.Series(name, values, dtype=pl.Int64)
    return series if known.all() else series.set(pl.Series(~known), None)


@dataclass(frozen=True)
class _Reader:
    """Evaluates the expression of one derived fact over a table."""

    item: GroundDerived
    frame: pl.DataFrame
    types: Callable[[str], ValueType]

    def column(self, expression: Expression) -> _Column:
        if isinstance(expression, Constant):
            return self._constant(expression.value)
        if isinstance(expression, Param):
            return self._constant(self.item.parameters[expression.name])
        if isinstance(expression, Name):
            return self._fact(self.item.inputs[expression.name])
        assert isinstance(expression, Call)
        return _call(expression.function, [self.column(argument) for argument in expression.arguments])

    def _fact(self, name: str) -> _Column:
        series, kind = self.frame[name], self.types(name).kind
        if kind == "date":
            series = series.to_physical()
        places, bound = {"decimal": (DECIMAL_PLACES, _LARGEST_FACT * _SCALE), "bool": (0, 1)}.get(
            kind, (0, _LARGEST_FACT)
        )
        values = series.cast(pl.Int64).fill_null(0).to_numpy()
        return _Column(values, series.is_not_null().to_numpy(), places, bound)

    def _constant(self, value: Value | None) -> _Column:
        number, places = 0, 0
        if isinstance(value, date):
            number = value.toordinal() - _EPOCH
        elif isinstance(value, Decimal):
            number, places = int(value * _SCALE), DECIMAL_PLACES
        elif isinstance(value, int):
            number = value
        height = self.frame.height
        return _Column(np.full(height, number), np.full(height, value is not None), places, abs(number))


def _call(function: str, parts: list[_Column]) -> _Column:
    known = reduce(np.logical_and, [part.known for part in parts])
    match function:
        case "+" | "-":
            a, b = _aligned(parts)
            bound = a.bound + b.bound
            left, right = _wide(a.values, bound), _wide(b.values, bound)
            return _Column(left + right if function == "+" else left - right, known, a.places, bound)
        case "*":
            a, b = parts
            bound = a.bound * b.bound
            return _Column(_wide(a.values, bound) * _wide(b.values, bound), known, a.places + b.places, bound)
        case "min" | "max":
            parts = _aligned(parts)
            choose = np.minimum if function == "min" else np.maximum
            values = reduce(choose, [part.values for part in parts])
            return _Column(values, known, parts[0].places, max(part.bound for part in parts))
        case "number":
            return parts[0]
    a, b = parts
    match function:
        case "days_between":
            return _Column(b.values - a.values, known, 0, _LAST - _FIRST)
        case "months_between" | "years_between":
            values, on = _span(a.values, b.values, 1 if function == "months_between" else 12)
            return _Column(values, known & on, DECIMAL_PLACES, 120_000 * _SCALE)
        case "add_days":
            days = a.values + _steps(b)
            on = (days >= _FIRST) & (days <= _LAST)
            return _Column(np.where(on, days, 0), known & on)
        case _:
            values, on = _add_months(a.values, _steps(b) * {"add_months": 1, "add_years": 12}[function])
            return _Column(values, known & on)


def _aligned(parts: list[_Column]) -> list[_Column]:
    places = max(part.places for part in parts)
    return [part.at(places) for part in parts]


def _steps(part: _Column) -> Array:
    """How many days, months or years to go; what leads off the calendar is cut to a number that still does."""
    return np.clip(part.values, -_FAR, _FAR).astype(np.int64)


def _wide(values: Array, bound: int) -> Array:
    return values if bound < LIMIT else values.astype(object)


def _cut(part: _Column) -> _Column:
    """A number in units of 0.0001, what is finer cut off."""
    factor = 10 ** (part.places - DECIMAL_PLACES)
    values = np.where(part.values < 0, -(-part.values // factor), part.values // factor)
    return _Column(values, part.known, DECIMAL_PLACES, part.bound // factor)


# the calendar: the proleptic Gregorian one, from the year 1 to 9999, as Python's ---------------------------------------


@cache
def _calendar() -> tuple[Array, Array]:
    """The month of every day and the first day of every month and of the one after: looked up far faster than worked out."""
    months = np.arange(_FIRST, _LAST + 1).astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)
    firsts = np.arange(_FIRST_MONTH, _LAST_MONTH + 2).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return months, firsts


def _months(days: Array) -> Array:
    """Months since January 1970."""
    found: Array = _calendar()[0][days - _FIRST]
    return found


def _first_of(months: Array) -> Array:
    """The first day of a month."""
    found: Array = _calendar()[1][months - _FIRST_MONTH]
    return found


def _day_of(months: Array, day: Array) -> tuple[Array, Array]:
    """A day (from 0) of a month, the last one of a shorter month; and a mask of what is on the calendar."""
    on = (months >= _FIRST_MONTH) & (months <= _LAST_MONTH)
    months = np.where(on, months, 0)
    first = _first_of(months)
    return np.minimum(first + day, _first_of(months + 1) - 1), on


def _add_months(days: Array, steps: Array) -> tuple[Array, Array]:
    """The same day so many months later, with the mask of `_day_of`."""
    months = _months(days)
    return _day_of(months + steps, days - _first_of(months))


def _span(start: Array, end: Array, unit: int) -> tuple[Array, Array]:
    """Calendar months or years (`unit` months) between days, in units of 0.0001, cut toward zero; negative if reversed."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    months = _months(low)
    day = low - _first_of(months)
    whole = _months(high) // unit - months // unit
    whole = whole - (_day_of(months + whole * unit, day)[0] > high)
    last, _ = _day_of(months + whole * unit, day)
    following, on = _day_of(months + (whole + 1) * unit, day)
    length = whole * _SCALE + (high - last) * _SCALE // np.where(on, following - last, 1)
    return np.where(end < start, -length, length), on
