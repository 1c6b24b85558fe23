"""Typed values: what a fact can be, how it is read from a file, and arithmetic on dates.

In memory a value is a bool, int, Decimal, date, str (enum, country and jurisdiction codes) or frozenset of str.
`None` always means unknown.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = bool | int | Decimal | date | str | frozenset[str]


class Outcome(StrEnum):
    """What a finding can be. Never only two."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


def outcome(truth: bool | None) -> Outcome:
    """The outcome of a Kleene truth value."""
    return Outcome.UNKNOWN if truth is None else Outcome.MET if truth else Outcome.NOT_MET


# Four decimal places everywhere: enough for months, fees and fractions of a year, and exact as a scaled integer.
DECIMAL_PLACES = 4
QUANTUM = Decimal(1).scaleb(-DECIMAL_PLACES)

NUMERIC = frozenset({"int", "decimal"})
ORDERED = frozenset({"int", "decimal", "date"})
CODED = frozenset({"enum", "country", "jurisdiction"})


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a fact, derived fact or parameter."""

    kind: str
    unit: str | None = None
    of: str | None = None
    codes: dict[str, str] = field(default_factory=dict, hash=False, compare=False)

    def __str__(self) -> str:
        text = f"set of {self.of}" if self.kind == "set" else self.kind
        return f"{text} ({self.unit})" if self.unit else text

    @property
    def item(self) -> ValueType:
        """The type of one member of a set."""
        return ValueType(self.of or "enum", codes=self.codes)


class BadValue(ValueError):
    """A value does not fit its type. The message says why, in words for the person who typed it."""


def read_value(raw: object, type_: ValueType) -> Value:
    """Read a value as written in YAML, JSON or on a command line; `BadValue` if it is not of the type."""
    match type_.kind:
        case "bool":
            return _read_bool(raw)
        case "int":
            return _read_int(raw)
        case "decimal":
            return _read_decimal(raw)
        case "date":
            return read_date(raw)
        case "set":
            members = raw if isinstance(raw, list | tuple | set | frozenset) else [raw]
            return frozenset(str(read_value(m, type_.item)) for m in members)
        case "text":
            if isinstance(raw, str):
                return raw
            raise BadValue(f"{raw!r} is not text")
        case _:
            return _read_code(raw, type_)


def _read_bool(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.strip().lower() in ("true", "false"):
        return raw.strip().lower() == "true"
    raise BadValue(f"{raw} is not true or false")


def _read_int(raw: object) -> int:
    number = _read_decimal(raw, "a whole number")
    if number != number.to_integral_value():
        raise BadValue(f"{raw} is not a whole number")
    return int(number)


def _read_decimal(raw: object, wanted: str = "a number") -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str | Decimal):
        raise BadValue(f"{raw} is not {wanted}")
    try:
        number = Decimal(str(raw).strip())
    except InvalidOperation:
        raise BadValue(f"{raw} is not {wanted}") from None
    if not number.is_finite() or abs(number) >= 10**12:
        raise BadValue(f"{raw} is not {wanted} of a sensible size")
    if number != number.quantize(QUANTUM, ROUND_DOWN):
        raise BadValue(f"{raw} has more than {DECIMAL_PLACES} decimal places")
    return number


def read_date(raw: object) -> date:
    """Read an ISO date (`2026-11-22`); `BadValue` otherwise."""
    if isinstance(raw, date):
        return raw
    try:
        return date.fromisoformat(str(raw).strip())
    except ValueError:
        raise BadValue(f"{raw} is not a date; write it as 2026-11-22") from None


def _read_code(raw: object, type_: ValueType) -> str:
    from imgrules.errors import did_you_mean

    text = str(raw).strip()
    if not isinstance(raw, str) or (type_.codes and text not in type_.codes):
        if text.upper() in type_.codes:
            return text.upper()
        by_label = {label.lower(): code for code, label in type_.codes.items()}
        if text.lower() in by_label:
            return by_label[text.lower()]
        hint = did_you_mean(text, type_.codes) or did_you_mean(text, type_.codes.values())
        listing = f"Allowed: {', '.join(type_.codes)}." if len(type_.codes) <= 24 else ""
        article = {"country": "a country code", "jurisdiction": "a jurisdiction code"}.get(
            type_.kind, "an allowed value"
        )
        hint = f" ({hint[0].lower()}{hint[1:]})" if hint else ""
        raise BadValue(f"{text} is not {article}{hint}. {listing}".rstrip(" ."))
    return text


def plain(value: object) -> object:
    """A value as JSON and YAML write it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return value


def show_date(day: date) -> str:
    """A date for people: 7 March 2026. Never all digits, which two continents read differently."""
    return f"{day.day} {day:%B} {day.year}"


def show(value: Value | None, type_: ValueType) -> str:
    """A value for people, with labels for codes and the unit where there is one."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return show_date(value)
    if isinstance(value, frozenset):
        return ", ".join(type_.codes.get(v, v) for v in sorted(value)) or "none"
    if isinstance(value, str):
        return type_.codes.get(value, value)
    number = f"{value:,}" if isinstance(value, int) else f"{value.normalize():,f}"
    if type_.unit == "USD":
        return f"${number}"
    if not type_.unit or (type_.unit == "year" and isinstance(value, int)):
        return str(value) if type_.unit == "year" else number
    unit = type_.unit.removesuffix("s") if value == 1 else type_.unit
    return f"{number} {unit}"


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the last day of the month where it does not exist."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def months_between(start: date, end: date) -> Decimal:
    """Calendar months from `start` to `end`, exact on month days, rounded down to four places; negative if reversed."""
    if end < start:
        return -months_between(end, start)
    whole = (end.year - start.year) * 12 + end.month - start.month
    if add_months(start, whole) > end:
        whole -= 1
    last, following = add_months(start, whole), add_months(start, whole + 1)
    return whole + (Decimal((end - last).days) / (following - last).days).quantize(QUANTUM, ROUND_DOWN)


def years_between(start: date, end: date) -> Decimal:
    """Calendar years from `start` to `end`, exact on anniversaries, rounded down to four places; negative if reversed."""
    if end < start:
        return -years_between(end, start)
    whole = end.year - start.year
    if add_months(start, 12 * whole) > end:
        whole -= 1
    last, following = add_months(start, 12 * whole), add_months(start, 12 * (whole + 1))
    return whole + (Decimal((end - last).days) / (following - last).days).quantize(QUANTUM, ROUND_DOWN)


def add_days(day: date, days: int) -> date:
    """So many days later."""
    return day + timedelta(days=days)
