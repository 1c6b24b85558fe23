"""Values: read by type, shown for people, calendar arithmetic exact where it matters."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.rulebase.values import (
    BadValue,
    Outcome,
    ValueType,
    add_months,
    months_between,
    outcome,
    plain,
    read_value,
    show,
    years_between,
)

days = st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31))


@given(days, st.integers(min_value=-600, max_value=600))
def test_months_added_are_months_between(day: date, months: int) -> None:
    """From a day to the same day so many months later are exactly so many months, unless the day does not exist there."""
    later = add_months(day, months)
    if later.day == day.day and day.day <= 28:
        assert months_between(day, later) == months
        assert years_between(day, add_months(day, 12 * months // 12)) == years_between(day, later)


@given(days, days)
def test_time_between_is_odd_and_grows(one: date, two: date) -> None:
    """Turning the days round turns the sign; a later end is never less."""
    assert years_between(one, two) == -years_between(two, one)
    assert months_between(one, two) == -months_between(two, one)
    if two < date(2100, 1, 1):
        assert years_between(one, two) <= years_between(one, date.fromordinal(two.toordinal() + 1))
        assert months_between(one, two) <= months_between(one, date.fromordinal(two.toordinal() + 1))


@pytest.mark.parametrize(
    ("start", "end", "years"),
    [
        (date(2016, 3, 10), date(2023, 3, 10), Decimal(7)),
        (date(2016, 3, 10), date(2023, 3, 11), Decimal("7.0027")),
        (date(2016, 3, 10), date(2023, 3, 9), Decimal("6.9972")),
        (date(2016, 2, 29), date(2023, 2, 28), Decimal(7)),
    ],
)
def test_anniversaries_are_exact(start: date, end: date, years: Decimal) -> None:
    """Seven years are met on the seventh anniversary, and not the day before."""
    assert years_between(start, end) == years


CODES = {"CA": "California", "NO": "Norway"}


@pytest.mark.parametrize(
    ("raw", "type_", "value"),
    [
        (True, "bool", True),
        ("False", "bool", False),
        ("3", "int", 3),
        (3.0, "int", 3),
        ("2.5", "decimal", Decimal("2.5")),
        ("2026-11-22", "date", date(2026, 11, 22)),
        ("no", "country", "NO"),
        ("california", "jurisdiction", "CA"),
        ("CA", "set", frozenset({"CA"})),
        (["CA", "norway"], "set", frozenset({"CA", "NO"})),
        ("free", "text", "free"),
    ],
)
def test_values_are_read(raw: object, type_: str, value: object) -> None:
    """Codes by code or label, numbers exactly, one member for a set."""
    assert read_value(raw, ValueType(type_, of="enum" if type_ == "set" else None, codes=CODES)) == value


@pytest.mark.parametrize(
    ("raw", "type_"),
    [
        (1, "bool"), ("yes", "bool"), (True, "int"), ("two", "int"), (2.5, "int"), ("1e400", "decimal"), ("NaN", "decimal"),
        ("0.00001", "decimal"), (10**13, "int"), ("22/11/2026", "date"), ("2026-02-30", "date"), ("Atlantis", "country"), (3, "enum"),
        (None, "text"), ([["CA"]], "set"),
    ],
)  # fmt: skip
def test_bad_values_are_refused(raw: object, type_: str) -> None:
    """What does not fit is refused with words, never rounded or guessed."""
    with pytest.raises(BadValue) as caught:
        read_value(raw, ValueType(type_, of="enum" if type_ == "set" else None, codes=CODES))
    assert str(caught.value)


@pytest.mark.parametrize(
    ("value", "type_", "words"),
    [
        (None, ValueType("int"), "unknown"),
        (True, ValueType("bool"), "yes"),
        (date(2026, 3, 7), ValueType("date"), "7 March 2026"),
        (1, ValueType("int", "attempts"), "1 attempt"),
        (24, ValueType("int", "months"), "24 months"),
        (Decimal("2.50"), ValueType("decimal", "years"), "2.5 years"),
        (1176, ValueType("decimal", "USD"), "$1,176"),
        (2027, ValueType("int", "year"), "2027"),
        ("CA", ValueType("jurisdiction", codes=CODES), "California"),
        (frozenset({"NO", "CA"}), ValueType("set", codes=CODES), "California, Norway"),
        (frozenset(), ValueType("set", codes=CODES), "none"),
    ],
)
def test_values_are_shown(value: Any, type_: ValueType, words: str) -> None:
    """Units, labels and dates as people write them."""
    assert show(value, type_) == words


def test_plain_values_and_outcomes() -> None:
    """JSON forms, and the three outcomes."""
    assert [plain(v) for v in (date(2026, 1, 2), Decimal("2.0"), Decimal("2.5"), frozenset({"b", "a"}), True)] == [
        "2026-01-02", 2, 2.5, ["a", "b"], True,
    ]  # fmt: skip
    assert [outcome(t) for t in (True, False, None)] == [Outcome.MET, Outcome.NOT_MET, Outcome.UNKNOWN]
    assert str(ValueType("set", of="country")) == "set of country"
