"""The language of rule files: what is said, what is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.rulebase.grammar import (
    Call,
    Compare,
    Constant,
    GrammarError,
    Group,
    Leaf,
    Name,
    Param,
    leaves,
    parse_condition,
    parse_expression,
    parse_leaf,
)


@pytest.mark.parametrize(
    ("text", "body", "negated"),
    [
        ("a.b", Name("a.b"), False),
        ("not a.b@CA", Name("a.b@CA"), True),
        ("$p.q", Param("p.q"), False),
        ("not $p.q", Param("p.q"), True),
        ("a.b <= $p.q", Compare(Name("a.b"), "<=", Param("p.q")), False),
        ("a.b >= 2026-01-02", Compare(Name("a.b"), ">=", date(2026, 1, 2)), False),
        ("a.b < -2.5", Compare(Name("a.b"), "<", Decimal("-2.5")), False),
        ("a.b == red", Compare(Name("a.b"), "==", "red"), False),
        ('a.b == "two words"', Compare(Name("a.b"), "==", "two words"), False),
        ("a.b in [x, y]", Compare(Name("a.b"), "in", ("x", "y")), False),
        ("a.b not in $p", Compare(Name("a.b"), "not in", Param("p")), False),
        ("a.b contains x", Compare(Name("a.b"), "contains", "x"), False),
        ("a.b >= today", Compare(Name("a.b"), ">=", Name("today")), False),
        ("$p == true", Compare(Param("p"), "==", True), False),
    ],
)
def test_leaves(text: str, body: object, negated: bool) -> None:
    """Every form of a leaf."""
    leaf = parse_leaf(text)
    assert (leaf.body, leaf.negated, leaf.text) == (body, negated, text)


@pytest.mark.parametrize(
    "text",
    [
        "", "3 <= a", "a.b <=", "a.b <= 3 4", "not a.b <= 3", "a.b and c.d", "a.b <= [1, 2", "a.b in []", "a.b ~ 3", "a.b == 2026-02-30",
        "a.b not c", "A b", "a.b <= )",
    ],
)  # fmt: skip
def test_what_is_no_leaf(text: str) -> None:
    """Refused with a sentence that quotes it."""
    with pytest.raises(GrammarError):
        parse_leaf(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_never_run(text: str) -> None:
    """No text does anything but parse or raise GrammarError."""
    for parse in (parse_leaf, parse_expression):
        with suppress(GrammarError):
            parse(text)


@given(
    st.recursive(
        st.sampled_from(["a.b", "not c"]), lambda s: st.lists(s, min_size=1, max_size=3).map(lambda x: {"all": x})
    )
)
def test_conditions_keep_their_leaves(data: object) -> None:
    """Every leaf of nested lists is found again, in order, with its path."""

    def flat(part: object) -> list[object]:
        return [part] if isinstance(part, str) else [leaf for inner in part["all"] for leaf in flat(inner)]  # type: ignore[index]

    assert [leaf.text for leaf in leaves(parse_condition(data))] == flat(data)


def test_groups() -> None:
    """all, any, not and at_least, and what is none of them."""
    made = parse_condition({"any": ["a", {"not": "b"}, {"at_least": 1, "of": ["c", "d"]}]})
    assert isinstance(made, Group)
    assert [getattr(p, "kind", "leaf") for p in made.parts] == ["leaf", "not", "at_least"]
    assert isinstance(made.parts[0], Leaf)
    bad: list[object] = [3, {}, {"all": []}, {"all": "a"}, {"all": ["a"], "any": ["b"]}, {"at_least": 3, "of": ["a"]}]
    for wrong in [*bad, {"at_least": True, "of": ["a"]}]:
        with pytest.raises(GrammarError):
            parse_condition(wrong)


def test_expressions() -> None:
    """Operators by rank, brackets, functions, dates, parameters."""
    assert parse_expression("a + b * 2") == Call("+", (Name("a"), Call("*", (Name("b"), Constant(2)))))
    assert parse_expression("(a - b) * $p") == Call("*", (Call("-", (Name("a"), Name("b"))), Param("p")))
    assert parse_expression("date(2026-07-01)") == Constant(date(2026, 7, 1))
    assert parse_expression("max(a, b, today)") == Call("max", (Name("a"), Name("b"), Name("today")))
    for wrong in ("a +", "add_years(a)", "open(a)", "a b", "min(a)", "(a", "* a"):
        with pytest.raises(GrammarError):
            parse_expression(wrong)
