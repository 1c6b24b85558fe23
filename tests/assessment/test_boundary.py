"""Somebody on each side of every limit: a grounder or engine that errs on a limit is found out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.assessment.applicants import Sketch
from imgrules.assessment.assess import Assessor, values_of
from imgrules.assessment.boundary import boundary, expected, value_on, written
from imgrules.assessment.case import make_case
from imgrules.rulebase import ground
from imgrules.rulebase.ir import Test as LeafTest
from imgrules.rulebase.load import check_files, load_rulebase
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.schema import ParameterValue
from imgrules.rulebase.values import Outcome, ValueType

DAY = date(2026, 11, 22)
INT = ValueType("int")
HERE = Path(__file__).parent
EVIDENCE = "sources: [law], basis: primary, confidence: high"
EXTRA = f"""checked: 2026-11-22
facts:
  b.count: {{type: int, range: [0, 3], title: count, question: How many?, why: Needed.}}
  b.hours: {{type: decimal, title: hours, question: How many?, why: Needed.}}
parameters:
  b.limit:
    title: limit
    type: int
    values:
      - {{value: 0, to: 2019-12-31, {EVIDENCE}}}
      - {{value: 3, from: 2020-01-01, to: 2024-12-31, {EVIDENCE}}}
      - {{value: unknown, from: 2025-01-01, to: 2025-12-31, {EVIDENCE}}}
      - {{value: null, from: 2026-01-01, {EVIDENCE}}}
  b.hours_needed: {{title: needed, type: decimal, values: [{{at_least: 1.5, at_most: 3, {EVIDENCE}}}]}}
  b.from: {{title: from, type: date, values: [{{value: 2024-07-01, {EVIDENCE}}}]}}
alerts:
  b.alert:
    title: t
    on: exam.passed_on
    warn_days: 1
    text: t
    when: {{all: [b.count <= $b.limit, b.hours >= $b.hours_needed, exam.passed_on < $b.from, exam.attempts == $b.limit]}}
    sources: [law]
    basis: primary
    confidence: high
"""


@pytest.fixture
def small() -> Rulebase:
    """The small good rulebase of the loader's tests, with limits of every kind."""
    folder = HERE.parent / "rulebase"
    files = {name: (folder / name).read_text() for name in ("base.yaml", "land.yaml")}
    rulebase, problems = check_files({**files, "extra.yaml": EXTRA}, label="")
    assert rulebase is not None
    assert [p for p in problems if p.severity.value == "error"] == []
    return rulebase


def test_a_right_engine_has_no_difference(small: Rulebase) -> None:
    """Every comparison has its applicants; those beyond a fact's range are counted and left out."""
    found = boundary(small)
    assert found.differences == []
    assert found.unreached == []
    assert found.comparisons == 6
    assert found.outside == 5  # counts of -1 and 4, where there is no limit 5, and attempts of -1
    assert found.limits == 9
    assert found.applicants > 25


@pytest.mark.parametrize(("op", "wrong"), [("<=", "<"), (">=", ">"), ("<", "<="), ("==", "<=")])
def test_an_operator_off_by_one_is_found_out(
    small: Rulebase, monkeypatch: pytest.MonkeyPatch, op: str, wrong: str
) -> None:
    """The difference names the comparison, the applicant's facts and what came out."""
    right = ground._tests

    def tests(asked: str, type_: ValueType, value: Any) -> tuple[LeafTest | None, LeafTest | None]:
        return right(wrong if asked == op else asked, type_, value)

    monkeypatch.setattr(ground, "_tests", tests)
    found = boundary(small)
    assert found.differences
    assert all(f" {op} " in d.comparison for d in found.differences)
    assert all(d.facts or d.got for d in found.differences)


def test_bounds_taken_for_exact_are_found_out(small: Rulebase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the bounds nothing may be certain."""
    monkeypatch.setattr(ground, "_bounds", lambda value, type_: (3, 3) if value.at_least else _exact(value))
    found = boundary(small)
    assert {d.comparison for d in found.differences} == {"b.hours >= $b.hours_needed"}
    assert {d.expected for d in found.differences} == {"unknown"}


def _exact(value: ParameterValue) -> tuple[Any, Any]:
    exact = value.value if "value" in value.model_fields_set else None
    return (exact, exact) if exact is not None else (value.at_least, value.at_most)


def test_the_value_of_another_day_is_found_out(small: Rulebase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each dated value is tried on a day of its own."""
    first = Rulebase.value_on
    monkeypatch.setattr(
        Rulebase, "value_on", lambda self, entry, scope, day: first(self, entry, scope, date(2010, 1, 1))
    )
    assert {d.comparison for d in boundary(small).differences} >= {"b.count <= $b.limit"}


def test_a_crash_is_a_difference(small: Rulebase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The applicant is named and the rest goes on."""

    def fail(self: Assessor, case: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Assessor, "derive", fail)
    found = boundary(small)
    assert found.differences
    assert all("ZeroDivisionError: oops" in d.got for d in found.differences)


# what must come out ---------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(["<", "<=", ">", ">="]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_certain_means_every_possible_figure_agrees(
    op: str, actual: int, low: int, more: int, least: bool, most: bool
) -> None:
    """By trying every figure within the bounds, far beyond them where there is none."""
    if not (least or most):
        return
    bounds = ({"at_least": low} if least else {}) | ({"at_most": low + more} if most else {})
    value = ParameterValue(**bounds, sources=["law"], basis="primary", confidence="high")  # type: ignore[arg-type]
    figures = range(low if least else -20, (low + more if most else 30) + 1)
    truths = {{"<": actual < f, "<=": actual <= f, ">": actual > f, ">=": actual >= f}[op] for f in figures}
    wanted = Outcome.UNKNOWN if len(truths) == 2 else Outcome.MET if truths == {True} else Outcome.NOT_MET
    assert expected(actual, op, value, INT) is wanted


@pytest.mark.parametrize(
    ("known", "op", "actual", "wanted"),
    [
        ({"value": 4}, "==", 4, Outcome.MET),
        ({"value": 4}, "==", 5, Outcome.NOT_MET),
        ({"value": 4}, "!=", 5, Outcome.MET),
        ({"at_least": 4}, "==", 4, Outcome.UNKNOWN),
        ({"value": "unknown"}, "<=", 4, Outcome.UNKNOWN),
        ({"value": None}, "<=", 99, Outcome.MET),
        (None, "<=", 1, Outcome.UNKNOWN),
    ],
)
def test_what_is_written_is_what_is_expected(known: Any, op: str, actual: int, wanted: Outcome) -> None:
    """Exact figures, no figure, nothing established, no value for the day."""
    value = ParameterValue(**known, sources=["law"], basis="primary", confidence="high") if known else None
    assert expected(actual, op, value, INT) is wanted
    assert written(value, INT)


def test_the_value_of_a_day_covers_it(small: Rulebase) -> None:
    """Both ends included, None beyond."""
    values = small.values["b.limit"][None]
    assert value_on(values, date(2019, 12, 31)) is values[0]
    assert value_on(values, date(2020, 1, 1)) is values[1]
    assert value_on(values[1:2], date(2025, 1, 1)) is None


# applicants -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [0, 1, 3, 7])
def test_derived_facts_of_the_shipped_rules_are_reached(rules: Rulebase, assessor: Assessor, target: int) -> None:
    """Whatever applicant is made, computing forwards gives the value wanted; most derived numbers can be reached."""
    reached, tried = 0, 0
    for name, entry in rules.derived.items():
        if entry.scope or entry.model.type == "date":
            continue
        tried += 1
        sketch = Sketch(rules, None, DAY)
        if sketch.reach(name, target):
            sketch.finish()
            case = make_case(sketch.facts, rules, as_of=sketch.day)
            program = assessor.grounder.program(case.as_of)
            reached += values_of(case, program)[name] == target
    assert reached >= 0.9 * tried


ARITHMETIC = [
    ("int", "d.one + d.two * 2", 7),
    ("int", "d.one - d.two", 5),
    ("int", "number(d.yes) + d.one", 3),
    ("date", "add_years(d.first, 2)", date(2024, 3, 1)),
    ("date", "add_months(d.first, $d.steps)", date(2024, 3, 1)),
    ("date", "add_days(d.first, 0 - 5)", date(2024, 3, 1)),
    ("date", "min(d.first, d.second)", date(2024, 3, 1)),
    ("date", "max(d.first, d.second, d.third)", date(2024, 3, 1)),
    ("decimal", "months_between(d.first, d.second)", 7),
    ("decimal", "years_between(min(d.first, d.second, d.third), max(d.first, d.second, d.third))", 7),
    ("int", "days_between(d.first, today)", 9),
    ("date", "today", date(2020, 2, 29)),
]


@pytest.mark.parametrize(("kind", "formula", "target"), ARITHMETIC, ids=[a[1] for a in ARITHMETIC])
def test_every_function_is_turned_round(tmp_path: Path, kind: str, formula: str, target: Any) -> None:
    """The facts chosen give the value wanted, computed forwards."""
    facts = {"d.one": "int", "d.two": "int", "d.yes": "bool", "d.first": "date", "d.second": "date", "d.third": "date"}
    lines = [f"  {n}: {{type: {t}, title: t, question: Q?, why: W.}}" for n, t in facts.items()]
    use = ", ".join({"int": "{} > 1", "date": "{} > 2000-01-01", "bool": "{}"}[t].format(n) for n, t in facts.items())
    test = {"date": "x.made > 2000-01-01"}.get(kind, "x.made > 1")
    (tmp_path / "rules.yaml").write_text(
        "checked: 2026-11-22\nfacts:\n"
        + "\n".join(lines)
        + f"\nderived: {{x.made: {{type: {kind}, title: t, is: '{formula}'}}}}\n"
        f"parameters: {{d.steps: {{title: t, type: int, values: [{{value: 3, {EVIDENCE}}}]}}}}\n"
        f"findings: {{f.all: {{title: t, when: {{any: [{use}, {test}]}}, {EVIDENCE}}}}}\n"
        "stages: {only: {title: t, order: 1, shown_by: f.all}}\n"
        "sources: {law: {title: t, publisher: p, address: null, consulted: 2026-11-22, kind: primary}}\n"
    )
    rulebase = load_rulebase(tmp_path, cache=False)
    sketch = Sketch(rulebase, None, DAY)
    if formula == "add_days(d.first, 0 - 5)":  # a step that is itself computed is not turned round
        assert not sketch.reach("x.made", target)
        return
    assert sketch.reach("x.made", target)
    sketch.finish()
    case = make_case(sketch.facts, rulebase, as_of=sketch.day)
    program = Assessor(rulebase).grounder.program(case.as_of)
    assert values_of(case, program)["x.made"] == target


def test_nobody_is_made_beyond_the_range_of_a_fact(small: Rulebase) -> None:
    """Nor with a fraction of a whole thing, nor with two values of one fact."""
    assert not Sketch(small, None, DAY).reach("b.count", 4)
    assert not Sketch(small, None, DAY).reach("b.count", 1.5)
    assert not Sketch(small, None, DAY).reach("no.such", 1)
    sketch = Sketch(small, None, DAY)
    assert sketch.reach("b.count", 2)
    assert not sketch.reach("b.count", 3)
    assert sketch.facts == {"b.count": 2}
