"""The columnar executor says of every node of every case what the reference says, whatever the table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor, values_of
from imgrules.assessment.case import Case
from imgrules.engines.column_arithmetic import LIMIT, compute
from imgrules.engines.columnar import Columnar, Table, table
from imgrules.engines.reference import truths
from imgrules.rulebase.arithmetic import compute as compute_one
from imgrules.rulebase.grammar import TODAY, Call, Name, Param
from imgrules.rulebase.ir import GroundDerived, Program
from imgrules.rulebase.values import Value, ValueType
from tests.cases import random_case
from tests.engines.test_agreement import loaded
from tests.worlds import CODES, DAY, make_facts, make_world, oracle

seeds = st.integers(min_value=0, max_value=10**9)


def every_node(program: Program) -> list[str]:
    return [f"{node}+" for node in program.nodes]


def check(program: Program, cases: Sequence[Case]) -> Table:
    """Run some cases as one table and compare every node of each with the reference."""
    frame = table([{**case.facts, TODAY: case.as_of} for case in cases], program.types)
    found = Columnar(program, every_node(program)).run(frame)
    columns = {node: found.frame[node].to_list() for node in program.nodes}
    for i, case in enumerate(cases):
        expected = truths(program, values_of(case, program))
        assert {node: column[i] for node, column in columns.items()} == expected
    return found


@pytest.mark.no_cover
@given(seeds, seeds)
def test_random_rulebases(world_seed: int, facts_seed: int) -> None:
    """Columnar, reference and oracle agree, on tables of cases that know much, little or nothing."""
    world = make_world(world_seed)
    _, program = loaded(world)
    several = [make_facts(world, facts_seed + i, known=i / 7) for i in range(8)]
    found = check(program, [Case(str(i), DAY, CODES, facts) for i, facts in enumerate(several)])
    for i, facts in enumerate(several):
        for name, expected in oracle(world, facts).items():
            assert found.truth(program.rules[name].literal)[i] is expected


@pytest.mark.no_cover
@given(seeds)
def test_the_shipped_rules(assessor: Assessor, seed: int) -> None:
    """Every node of the shipped rulebase, on random partial cases of one random day."""
    first = random_case(assessor.rulebase, seed)
    cases = [random_case(assessor.rulebase, seed + i) for i in range(5)]
    same = [case.changed(as_of=first.as_of, jurisdictions=first.jurisdictions) for case in (first, *cases)]
    check(assessor.grounder.program(first.as_of, first.jurisdictions), same)


@given(seeds)
def test_only_what_is_wanted_is_computed(assessor: Assessor, seed: int) -> None:
    """A few literals come out the same as with all the others, and nothing that they do not hang on is computed."""
    case = random_case(assessor.rulebase, seed).changed(jurisdictions=[])
    program = assessor.grounder.program(case.as_of)
    wanted = Random(seed).sample(sorted(program.rules), 3)
    part = Columnar(program, [program.rules[name].literal for name in wanted])
    frame = table([{**case.facts, TODAY: case.as_of}], program.types)
    whole = Columnar(program).run(frame)
    found = part.run(frame)
    for name in wanted:
        assert found.truth(program.rules[name].literal)[0] is whole.truth(program.rules[name].literal)[0]
    computed = set(found.frame.columns) & program.nodes.keys()
    assert computed == part.nodes.keys()
    assert len(computed) < len(program.nodes)


# arithmetic -------------------------------------------------------------------------------------------------------------

DATE, INT, DECIMAL, BOOL = (ValueType(kind) for kind in ("date", "int", "decimal", "bool"))
edges = [date.min, date.max, date(2000, 2, 29), date(1999, 12, 31), date(2024, 1, 31), date(1900, 2, 28)]
days = st.one_of(st.sampled_from(edges), st.dates(), st.dates(date(1990, 1, 1), date(2030, 12, 31)))
small = st.integers(-60, 60)
whole = st.one_of(small, st.integers(-(10**12) + 1, 10**12 - 1))
decimals = st.one_of(
    st.decimals(-100, 100, places=4), st.integers(-(10**15), 10**15).map(lambda n: Decimal(n).scaleb(-4))
)


def both(
    function: str, types: Sequence[ValueType], result: ValueType, rows: Sequence[Sequence[Any]]
) -> tuple[Any, Any]:
    """A function of facts over a table, and the same one by one; beyond the engine's limit counts as such."""
    names = [f"f{i}" for i in range(len(types))]
    inputs = dict(zip(names, names, strict=True))
    item = GroundDerived("d", result, Call(function, tuple(map(Name, names))), inputs, {})
    known: dict[str, ValueType] = dict(zip(names, types, strict=True))
    maps: list[dict[str, Value | None]] = [dict(zip(names, row, strict=True)) for row in rows]
    frame = table(maps, known)
    series, beyond = compute(item, frame, known.__getitem__)
    scale = 10**4
    expected: list[Any] = [compute_one(item, row) for row in maps]
    far = [isinstance(v, int | Decimal) and bool(abs(int(v * scale)) >= LIMIT) for v in expected]
    known_here: list[Any] = [(None if bad else v) for v, bad in zip(expected, far, strict=True)]
    plain = [int(v * scale) if isinstance(v, Decimal) else v for v in known_here]
    return (series.to_list(), [False] * len(rows) if beyond is None else beyond.tolist()), (plain, far)


@given(st.lists(st.tuples(st.none() | days, st.none() | days), min_size=1, max_size=20))
def test_spans_between_days(rows: list[tuple[Any, Any]]) -> None:
    """Days, months and years between any two days of the calendar are exact."""
    for function, result in (("days_between", INT), ("months_between", DECIMAL), ("years_between", DECIMAL)):
        found, expected = both(function, (DATE, DATE), result, rows)
        assert found == expected


@given(st.lists(st.tuples(st.none() | days, st.none() | whole), min_size=1, max_size=20))
def test_days_moved(rows: list[tuple[Any, Any]]) -> None:
    """Adding days, months or years is exact, and unknown beyond the calendar."""
    for function in ("add_days", "add_months", "add_years"):
        found, expected = both(function, (DATE, INT), DATE, rows)
        assert found == expected


@given(st.lists(st.tuples(st.none() | whole, st.none() | decimals), min_size=1, max_size=20))
def test_numbers(rows: list[tuple[Any, Any]]) -> None:
    """Sums, products, least and greatest of whole and decimal numbers are exact, or said to be beyond the limit."""
    for function in ("+", "-", "*", "min", "max"):
        found, expected = both(function, (INT, DECIMAL), DECIMAL, rows)
        assert found == expected
    for function in ("+", "-", "*", "min", "max"):
        found, expected = both(function, (INT, INT), INT, [(a, None if b is None else int(b)) for a, b in rows])
        assert found == expected


def test_parameters_and_truths_in_arithmetic() -> None:
    """A parameter that is not established leaves everything unknown; a truth counts as 1 or 0."""
    item = GroundDerived("d", INT, Call("+", (Name("x"), Param("p"))), {"x": "x"}, {"p": None})
    frame = pl.DataFrame({"x": [1, 2]})
    assert compute(item, frame, lambda _: INT)[0].to_list() == [None, None]
    found, expected = both("number", (BOOL,), INT, [(True,), (False,), (None,)])
    assert found == expected == ([1, 0, None], [False] * 3)


# tables -----------------------------------------------------------------------------------------------------------------


def test_the_clock_and_its_zone_play_no_part(assessor: Assessor, monkeypatch: Any) -> None:
    """The only day there is is the column `today`."""
    import time

    case = random_case(assessor.rulebase, 7, known=0.9)
    results = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        results.append(check(assessor.grounder.program(case.as_of, case.jurisdictions), [case]).frame.to_dicts())
    monkeypatch.undo()
    time.tzset()
    assert results[0] == results[1]


def test_a_table_of_nobody(assessor: Assessor) -> None:
    """No rows in, no rows out; and rows of which nothing is known are undecided wherever facts decide."""
    program = assessor.grounder.program(DAY)
    columnar = Columnar(program)
    nobody = pl.DataFrame({TODAY: pl.Series([], dtype=pl.Date)})
    assert columnar.run(nobody).frame.height == 0
    check(program, [Case("empty", DAY + timedelta(days=i)) for i in range(1)])
