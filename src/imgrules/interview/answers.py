"""Answers as people write them, read by the type of the fact."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from imgrules.errors import did_you_mean
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ORDERED, BadValue, Value, ValueType, add_months, read_date, read_value, show

_YES = frozenset({"y", "yes", "true", "t", "yep", "yeah"})
_NO = frozenset({"n", "no", "false", "f", "nope", "not"})
_NONE = frozenset({"none", "nothing", "no", "-", "[]", ""})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PER_YEAR = {"years": 1, "months": 12, "weeks": 52}
_NUMBER = re.compile(r"^([-+]?[\d,]*\.?\d+)\s*([a-z][a-z .-]*)?$")


def read_answer(raw: object, fact: str, rulebase: Rulebase, today: date) -> Value:
    """The value that an answer to a fact's question means. `BadValue` says in words what is wrong with it."""
    type_ = rulebase.types[fact]
    value = _read_text(raw.strip(), type_, today) if isinstance(raw, str) else read_value(raw, type_)
    bounds = rulebase.facts[fact].model.range
    if bounds and type_.kind in ORDERED:
        low, high = (today if b == "today" else read_value(b, type_) for b in bounds)
        if not low <= value <= high:  # type: ignore[operator]  # value and bounds are of one ordered type
            raise BadValue(f"{show(value, type_)} is not between {show(low, type_)} and {show(high, type_)}")
    return value


def _read_text(text: str, type_: ValueType, today: date) -> Value:
    match type_.kind:
        case "bool":
            return _truth(text)
        case "date":
            return _date(text, today)
        case "int" | "decimal":
            return _number(text, type_)
        case "set":
            return _set(text, type_)
        case _:
            return _code(text, type_)


def _truth(text: str) -> bool:
    word = text.lower().rstrip(".!")
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadValue(f"{text} is neither yes nor no")


def _number(text: str, type_: ValueType) -> Value:
    """A number with or without its unit; years, months and weeks are turned into each other."""
    words = {"none": "0", "never": "0", "once": "1", "one": "1", "twice": "2", "two": "2", "three": "3"}
    plain = words.get(text.lower(), text.lower().lstrip("$"))
    match = _NUMBER.match(plain)
    if not match:
        raise BadValue(f"{text} is not a number" + (f" of {type_.unit}" if type_.unit else ""))
    number, unit = Decimal(match[1].replace(",", "")), " ".join((match[2] or "").split())
    wanted = (type_.unit or "").rstrip("s") + "s"
    given = {"y": "years", "yr": "years", "yrs": "years", "m": "months", "mo": "months", "w": "weeks"}.get(unit, unit)
    given = given.rstrip("s") + "s" if given else wanted
    if given != wanted and given in _PER_YEAR and wanted in _PER_YEAR:
        number = number * _PER_YEAR[wanted] / _PER_YEAR[given]
    elif given != wanted and not wanted.endswith(f" {given}"):
        raise BadValue(f"{unit} is not the unit: give {type_.unit or 'a plain number'}")
    if type_.kind == "decimal":
        number = number.quantize(Decimal("0.0001"))
    return read_value(
        str(number.normalize() if number else 0) if "E" not in str(number.normalize()) else f"{number:f}", type_
    )


def _date(text: str, today: date) -> date:
    """A date in any common form that has one meaning. A month without its day is its first day."""
    lower = text.lower().replace(",", " ").strip()
    near = {"today": today, "now": today, "yesterday": today - timedelta(days=1), "tomorrow": today + timedelta(days=1)}
    if lower in near:
        return near[lower]
    ago = re.match(r"^(\d+)\s+(year|month|week|day)s?\s+ago$", lower)
    if ago:
        n, unit = int(ago[1]), ago[2]
        return (
            add_months(today, -n * (12 if unit == "year" else 1))
            if unit in ("year", "month")
            else today - timedelta(days=n * (7 if unit == "week" else 1))
        )
    parts = [p for p in re.split(r"[\s/.\-]+", re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", lower)) if p and p != "of"]
    named = [i for i, p in enumerate(parts) if p[:3] in _MONTHS and p.isalpha()]
    numbers = [p for p in parts if p.isdigit()]
    if len(named) == 1 and len(numbers) == len(parts) - 1:
        return _with_month(text, _MONTHS.index(parts[named[0]][:3]) + 1, numbers)
    if len(numbers) == len(parts) and numbers:
        return _all_digits(text, numbers)
    return read_date(text)


def _with_month(text: str, month: int, numbers: list[str]) -> date:
    years = [n for n in numbers if len(n) == 4]
    days = [n for n in numbers if len(n) <= 2]
    if len(years) != 1 or len(days) > 1:
        raise BadValue(f"{text} is not a date; write it as 2024-03-05 or 5 March 2024")
    return _day(text, int(years[0]), month, int(days[0]) if days else 1)


def _all_digits(text: str, numbers: list[str]) -> date:
    if len(numbers) == 2 and len(numbers[0]) == 4:
        return _day(text, int(numbers[0]), int(numbers[1]), 1)
    if len(numbers) == 2 and len(numbers[1]) == 4:
        return _day(text, int(numbers[1]), int(numbers[0]), 1)
    if len(numbers) == 3 and len(numbers[0]) == 4:
        return _day(text, int(numbers[0]), int(numbers[1]), int(numbers[2]))
    if len(numbers) == 3 and len(numbers[2]) == 4:
        first, second, year = map(int, numbers)
        if first != second and first <= 12 and second <= 12:
            raise BadValue(f"{text} can be read in two ways; write it as 2024-03-05 or 5 March 2024")
        return _day(text, year, second, first) if second <= 12 else _day(text, year, first, second)
    raise BadValue(f"{text} is not a date; write it as 2024-03-05 or 5 March 2024")


def _day(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise BadValue(f"{text} is not a day of the calendar") from None


def _code(text: str, type_: ValueType) -> str:
    """A code, its number in the list, its label, or a beginning that fits only one."""
    codes = list(type_.codes)
    if type_.kind == "enum" and text.isdigit() and 1 <= int(text) <= len(codes):
        return codes[int(text) - 1]
    lower = text.lower()
    exact = [c for c in codes if lower in (c.lower(), type_.codes[c].lower())]
    # Two letters that are no code are an abbreviation, not the beginning of a name.
    short = len(lower) < 3
    begins = [c for c in codes if c.lower().startswith(lower) or type_.codes[c].lower().startswith(lower)]
    begins = [] if short and type_.kind in ("country", "jurisdiction") else begins
    within = [c for c in codes if not short and re.search(rf"\b{re.escape(lower)}", type_.codes[c].lower())]
    for found in (exact, begins, within):
        if len(found) == 1:
            return found[0]
        if len(found) > 1 and text:
            names = ", ".join(f"{type_.codes[c]} ({c})" for c in found[:6])
            raise BadValue(f"{text} may mean several: {names}")
    hint = did_you_mean(text.title(), type_.codes.values()) or did_you_mean(text, codes)
    raise BadValue(f"{text or 'nothing'} is not one of the answers. {hint}".rstrip(". "))


def _set(text: str, type_: ValueType) -> frozenset[str]:
    if text.lower() in _NONE:
        return frozenset()
    return frozenset(_members(text.strip("[]"), ("[,;]", r"\band\b"), type_.item))


def _members(text: str, signs: tuple[str, ...], type_: ValueType) -> Iterator[str]:
    """The codes of a list. What is a code as it stands is not split further: a label may hold the word and."""
    try:
        yield _code(text.strip(), type_)
    except BadValue:
        if not signs:
            raise
        for part in re.split(signs[0], text):
            if part.strip():
                yield from _members(part, signs[1:], type_)


def hint(type_: ValueType, bounds: Any = None) -> str:
    """How to answer a question of a type, in a few words."""
    match type_.kind:
        case "bool":
            return "yes or no"
        case "date":
            return "a date, such as 5 March 2024, March 2024 or 2024-03-05"
        case "int" | "decimal":
            number = "a whole number" if type_.kind == "int" else "a number"
            unit = f" of {type_.unit}" if type_.unit else ""
            return f"{number}{unit}, {bounds[0]} to {bounds[1]}" if bounds else f"{number}{unit}"
        case "set":
            return f"{_coded(type_.item)}; several with commas, or none"
        case _:
            return _coded(type_)


def _coded(type_: ValueType) -> str:
    return {"country": "a country by name or code", "jurisdiction": "a state or territory by name or code"}.get(
        type_.kind, "a number of the list, or the word"
    )
