"""Answers in forgiving formats, and never a guess between two meanings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.interview.answers import hint, read_answer
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import BadValue, plain, show, show_date
from tests.cases import random_value

DAY = date(2026, 11, 22)
PASSED = "usmle.step1.passed_on"


@pytest.mark.parametrize(
    ("fact", "text", "value"),
    [
        (PASSED, "2022-06-01", date(2022, 6, 1)),
        (PASSED, "1 June 2022", date(2022, 6, 1)),
        (PASSED, "June 1st, 2022", date(2022, 6, 1)),
        (PASSED, "jun 2022", date(2022, 6, 1)),
        (PASSED, "2022/6/1", date(2022, 6, 1)),
        (PASSED, "25/06/2022", date(2022, 6, 25)),
        (PASSED, "06/25/2022", date(2022, 6, 25)),
        (PASSED, "6.2022", date(2022, 6, 1)),
        (PASSED, "2022-06", date(2022, 6, 1)),
        (PASSED, "yesterday", date(2026, 11, 21)),
        (PASSED, "2 years ago", date(2024, 11, 22)),
        (PASSED, "3 weeks ago", date(2026, 11, 1)),
        ("ecfmg.certified", "Y", True),
        ("ecfmg.certified", "Nope.", False),
        ("usmle.step1.attempts", "twice", 2),
        ("usmle.step1.attempts", "3 attempts", 3),
        ("gme.us_months", "2 years", 24),
        ("gme.us_months", "30", 30),
        ("degree.credit_years", "4.5", Decimal("4.5")),
        ("school.country", "india", "IN"),
        ("school.country", "NO", "NO"),
        ("school.country", "Philip", "PH"),
        ("degree.status", "1", "student"),
        ("person.citizenships", "India, Norway and Canada", frozenset({"IN", "NO", "CA"})),
        ("person.citizenships", "none", frozenset()),
    ],
)
def test_read(rules: Rulebase, fact: str, text: str, value: Any) -> None:
    if fact == "degree.status":
        value = next(iter(rules.types[fact].codes))
    assert read_answer(text, fact, rules, DAY) == value


@pytest.mark.parametrize(
    ("fact", "text", "says"),
    [
        (PASSED, "03/04/2022", "two ways"),
        (PASSED, "31 June 2022", "calendar"),
        (PASSED, "June", "date"),
        (PASSED, "1 June 2030", "not between"),
        (PASSED, "1/2/3", "date"),
        ("ecfmg.certified", "maybe", "neither yes nor no"),
        ("usmle.step1.attempts", "many", "not a number"),
        ("usmle.step1.attempts", "2 days", "not the unit"),
        ("usmle.step1.attempts", "99", "not between"),
        ("usmle.step1.attempts", "1.5", "whole number"),
        ("school.country", "Indja", "Did you mean India"),
        ("school.country", "Inida", "Did you mean India"),  # not Trinidad
        ("school.country", "UK", "not one of the answers"),  # not Ukraine
        ("school.country", "United", "several"),
        ("person.citizenships", "India, Nowhereland", "not one of"),
    ],
)
def test_refused(rules: Rulebase, fact: str, text: str, says: str) -> None:
    with pytest.raises(BadValue, match=says):
        read_answer(text, fact, rules, DAY)


@given(st.dates(date(1950, 1, 1), DAY))
def test_dates_as_shown_read_back(rules: Rulebase, day: date) -> None:
    assert read_answer(show_date(day), PASSED, rules, DAY) == day
    assert read_answer(day.isoformat(), PASSED, rules, DAY) == day


def test_every_code_reads_by_code_and_by_label(rules: Rulebase) -> None:
    for fact, type_ in rules.types.items():
        if fact in rules.facts and type_.codes and type_.kind != "set":
            for code, label in type_.codes.items():
                assert read_answer(code, fact, rules, DAY) == code
                assert read_answer(label, fact, rules, DAY) == code
            assert hint(type_)


def test_typed_values_pass_through(rules: Rulebase) -> None:
    assert read_answer(True, "ecfmg.certified", rules, DAY) is True
    assert plain(read_answer(["IN"], "person.citizenships", rules, DAY)) == ["IN"]


@given(st.integers(min_value=0, max_value=10**9))
@settings(max_examples=30)
def test_every_value_reads_back_as_it_is_shown(rules: Rulebase, seed: int) -> None:
    """What a screen shows of a value, typed as an answer, is that value."""
    r = Random(seed)
    for fact, entry in rules.facts.items():
        value = random_value(r, rules.types[fact], entry.model.range, DAY)
        assert read_answer(show(value, rules.types[fact]), fact, rules, DAY) == value
