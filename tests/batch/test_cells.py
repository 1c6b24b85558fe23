"""Cells become facts exactly as the reader of case files would read them, whatever their type and however dirty."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.assessment.case import make_case
from imgrules.batch.cells import cell_text, split_members
from imgrules.batch.facts import Facts, read_facts
from imgrules.batch.mapping import Mapping
from imgrules.batch.raw import Raw, plain_cell
from imgrules.errors import ProblemsError
from imgrules.rulebase.load import load_rulebase
from imgrules.rulebase.rulebase import Rulebase
from tests.batch.dirty import DAY, assert_means_the_same, judged, random_rows, read_back

HERE = Path(__file__).parent
SEEDS = st.integers(min_value=0, max_value=10**6)


def raw_of(table: pl.DataFrame, **more: Any) -> Raw:
    """A table as if it had been read from a file."""
    rows = range(table.height)
    return Raw(table, [row + 2 for row in rows], [], "people.csv", rows, **more)


def facts_of(columns: dict[str, Any], rules: Rulebase, **more: Any) -> Facts:
    """Columns read as facts, with ids p0, p1 ..."""
    table = pl.DataFrame(columns)
    ids = pl.Series("case", [f"p{i}" for i in range(table.height)], dtype=pl.String)
    return read_facts(raw_of(table.insert_column(0, ids)), rules, as_of=DAY, **more)


@given(SEEDS)
def test_a_dirty_table_of_text_means_what_make_case_says(rules: Rulebase, seed: int) -> None:
    """The same rows accepted with the same values, the same rows refused with the same messages."""
    rows = random_rows(rules, seed)
    table = pl.DataFrame([row.texts() for row in rows], schema_overrides=None)
    facts = read_facts(raw_of(table), rules, as_of=DAY)
    assert_means_the_same(facts, rows, rules)
    by_case = {row.case: row.texts() for row in rows}
    for reject in facts.rejects:
        assert reject.raw == by_case[str(reject.case)]
        assert reject.line == reject.row + 2


TYPED = {
    "bool": st.booleans(),
    "int": st.one_of(st.integers(-5, 700), st.integers(-(2**63), 2**63 - 1)),
    "decimal": st.one_of(st.integers(-5, 400), st.integers(-(2**62), 2**62)),
    "date": st.dates(),
}
DTYPES: dict[str, Any] = {"bool": pl.Boolean, "int": pl.Int64, "decimal": pl.Int64, "date": pl.Date}
OTHER: list[tuple[Any, st.SearchStrategy]] = [
    (pl.Float64, st.one_of(st.floats(allow_infinity=False), st.integers(0, 400).map(lambda n: n / 10))),
    (pl.Decimal(18, 6), st.integers(-10, 10**9).map(lambda n: Decimal(n).scaleb(-5))),
    (pl.String, st.text(max_size=8)),
    (pl.UInt8, st.integers(0, 255)),
    (pl.Datetime("us"), st.dates(date(1940, 1, 1)).map(lambda d: datetime(d.year, d.month, d.day, d.day % 3))),
    (pl.Date, st.dates()),
    (pl.Boolean, st.booleans()),
]


@given(st.data())
def test_a_typed_column_means_what_make_case_says(rules: Rulebase, data: st.DataObject) -> None:
    """Columns of any type, of the fact's own type above all, value by value."""
    name = data.draw(st.sampled_from(sorted(rules.facts)))
    kind = rules.types[name].kind
    dtype, values = data.draw(st.sampled_from(OTHER))
    if kind in TYPED and data.draw(st.booleans()):
        dtype, values = DTYPES[kind], TYPED[kind]
    cells = data.draw(st.lists(st.none() | values, min_size=1, max_size=8))
    facts = facts_of({name: pl.Series(name, cells, dtype=dtype)}, rules)
    good = {row["case"]: row for row in facts.frame.to_dicts()}
    bad = {reject.case: reject for reject in facts.rejects}
    assert len(good) + len(bad) == len(cells)
    for i, cell in enumerate(pl.Series(cells, dtype=dtype).to_list()):
        assert (f"p{i}" in good) == _check(rules, name, cell, good.get(f"p{i}"), bad.get(f"p{i}"))


def _check(rules: Rulebase, name: str, cell: Any, good: Any, bad: Any) -> bool:
    """Compare with `make_case`; whether it accepts."""
    if isinstance(cell, datetime):
        cell = str(cell) if cell.hour else cell.date()
    if isinstance(cell, float) and cell != cell:
        cell = None
    if isinstance(cell, str):
        text = cell.strip()
        empty = text.lower() in ("", "unknown", "null", "nan")
        cell = None if empty else split_members(text, set()) if rules.types[name].kind == "set" else text
    case, problems = judged(lambda: make_case({name: cell}, rules, as_of=DAY))
    if case is None:
        assert bad is not None, cell
        assert [e["message"] for e in bad.errors] == [p.message for p in problems]
        return False
    assert good is not None, (cell, bad)
    assert read_back(good, rules) == case.facts
    return True


@pytest.fixture(scope="session")
def unbounded(tmp_path_factory: pytest.TempPathFactory) -> Rulebase:
    """A small rulebase whose numbers have no range."""
    folder = tmp_path_factory.mktemp("rules")
    for name in ("base.yaml", "land.yaml"):
        text = (HERE.parent / "rulebase" / name).read_text()
        (folder / name).write_text(text.replace(", range: [0, 20]", ""))
    return load_rulebase(folder)


@given(st.data())
def test_numbers_without_a_range_have_a_sensible_size(unbounded: Rulebase, data: st.DataObject) -> None:
    """The size at which the reader of case files stops, to the unit, typed or as text."""
    name = data.draw(st.sampled_from(["exam.attempts", "training.months"]))
    edges = [sign * (10**12 + step) for sign in (1, -1) for step in (-1, 0, 1)]
    cells = data.draw(st.lists(st.sampled_from(edges) | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=6))
    for column in (pl.Series(cells, dtype=pl.Int64), pl.Series(map(str, cells))):
        facts = facts_of({name: column}, unbounded)
        good = {row["case"]: row for row in facts.frame.to_dicts()}
        bad = {reject.case: reject for reject in facts.rejects}
        for i, cell in enumerate(column.to_list()):
            assert (f"p{i}" in good) == _check(unbounded, name, cell, good.get(f"p{i}"), bad.get(f"p{i}"))


def test_columns_have_the_types_that_engines_read(rules: Rulebase) -> None:
    """Booleans, integers, scaled decimals, days, and enums of codes and of sorted sets."""
    facts = facts_of(
        {
            "usmle.step1.passed": ["true", None],
            "usmle.step1.attempts": ["2", ""],
            "licence.held_years": ["2.5", "0"],
            "usmle.step1.passed_on": ["2020-01-02", None],
            "visa.status": [None, "lpr"],
            "person.citizenships": ["PK;IN", "[]"],
            "gme.jurisdiction": pl.Series([None, None], dtype=pl.Null),
        },
        rules,
    )
    assert facts.rejects == []
    schema: dict[str, Any] = dict(facts.frame.schema)
    assert (schema["case"], schema["as_of"], schema["jurisdictions"], schema["row"]) == (
        pl.String, pl.Date, pl.String, pl.UInt32,
    )  # fmt: skip
    assert schema["usmle.step1.passed"] == pl.Boolean
    assert schema["usmle.step1.attempts"] == schema["licence.held_years"] == pl.Int64
    assert schema["usmle.step1.passed_on"] == pl.Date
    assert schema["visa.status"] == pl.Enum(sorted(rules.types["visa.status"].codes))
    assert schema["gme.jurisdiction"] == pl.Enum(sorted(rules.jurisdictions))
    assert schema["person.citizenships"] == pl.Enum(["", "IN PK"])
    assert facts.frame["licence.held_years"].to_list() == [25_000, 0]
    assert facts.frame["person.citizenships"].to_list() == ["IN PK", ""]


def test_other_forms_of_sets_and_texts(rules: Rulebase) -> None:
    """Lists, categories, single precision and numbers as ids are read for what they show."""
    table = pl.DataFrame(
        {
            "case": pl.Series([1.0, 2.0, 3.0]),
            "jurisdictions": pl.Series([["CA", "new york"], [], None], dtype=pl.List(pl.String)),
            "person.citizenships": pl.Series([["IN", "Pakistan"], [], [None]], dtype=pl.List(pl.String)),
            "visa.status": pl.Series(["lpr", None, "lpr"], dtype=pl.Categorical),
            "licence.held_years": pl.Series([0.1, 2.5, None], dtype=pl.Float32),
        }
    )
    facts = read_facts(raw_of(table), rules, as_of=DAY)
    first, second = facts.frame.to_dicts()
    assert (first["case"], first["jurisdictions"], first["person.citizenships"]) == ("1", "CA NY", "IN PK")
    assert (first["visa.status"], first["licence.held_years"], second["licence.held_years"]) == ("lpr", 1000, 25_000)
    assert (second["person.citizenships"], second["visa.status"]) == ("", None)
    [reject] = facts.rejects
    assert reject.errors[0]["message"].startswith("person.citizenships: None is not a country code")
    numbers = facts_of({"person.citizenships": pl.Series([[1, 2], None], dtype=pl.List(pl.Int64))}, rules)
    assert (numbers.frame.height, len(numbers.rejects)) == (1, 1)


def test_a_point_in_time_is_a_day_at_midnight_only(rules: Rulebase) -> None:
    """Any other time is told as it stands."""
    cells = pl.Series([datetime(2024, 3, 1), datetime(2024, 3, 1, 12), None])
    facts = facts_of({"usmle.step1.passed_on": cells}, rules)
    assert facts.frame["usmle.step1.passed_on"].to_list() == [date(2024, 3, 1), None]
    [reject] = facts.rejects
    assert "2024-03-01 12:00:00 is not a date" in reject.errors[0]["message"]


def test_the_day_of_the_row_bounds_its_dates(rules: Rulebase) -> None:
    """A date may lie on the row's own day and not after it; rows without a day are judged on the run's."""
    table = pl.DataFrame(
        {
            "case": ["a", "b", "c", "d"],
            "as_of": ["2020-01-01", "2020-01-01", None, ""],
            "usmle.step1.passed_on": ["2020-01-01", "2020-01-02", "2026-11-22", "2026-11-23"],
        }
    )
    facts = read_facts(raw_of(table), rules, as_of=DAY)
    assert facts.frame["case"].to_list() == ["a", "c"]
    assert facts.frame["as_of"].to_list() == [date(2020, 1, 1), DAY]
    assert [reject.case for reject in facts.rejects] == ["b", "d"]
    typed = read_facts(raw_of(table.with_columns(pl.col("as_of").replace("", None).str.to_date())), rules, as_of=DAY)
    assert typed.frame.equals(facts.frame)
    for more in ({"one_day": True}, {"mapping": Mapping(ignore=frozenset({"as_of"}))}):
        one = read_facts(raw_of(table.with_columns(as_of=pl.lit("soon"))), rules, as_of=date(2020, 1, 1), **more)
        assert one.frame["case"].to_list() == ["a"]


def test_ids_are_asked_for_or_made(rules: Rulebase) -> None:
    """A row without an id is refused where the input has ids; where it has none, file and line name the row."""
    table = pl.DataFrame({"case": [" a ", None, " ", "x" * 201]})
    facts = read_facts(raw_of(table), rules, as_of=DAY)
    assert facts.frame["case"].to_list() == ["a"]
    assert [reject.errors[0]["message"] for reject in facts.rejects] == [
        "The row has no case id.", "The row has no case id.", "The case id has more than 200 characters.",
    ]  # fmt: skip
    bare = read_facts(raw_of(pl.DataFrame({"visa.status": ["lpr", None]}), identified=False), rules, as_of=DAY)
    assert bare.frame["case"].to_list() == ["people.csv:2", "people.csv:3"]


def test_jurisdictions_of_the_run_replace_the_rows_own(rules: Rulebase) -> None:
    """As `--state` does for one case."""
    cells = ["Washington, DC", "Washington DC", "NY or CA", "tx ca", "NY, CA", "New York; CA", "new york"]
    mixed = read_facts(raw_of(pl.DataFrame({"case": list("abcdefg"), "jurisdictions": cells})), rules, as_of=DAY)
    assert [reject.case for reject in mixed.rejects] == ["a", "b", "c"]
    assert "two ways" in mixed.rejects[0].errors[0]["message"]
    assert mixed.frame["jurisdictions"].to_list() == ["CA TX", "CA NY", "CA NY", "NY"]
    table = pl.DataFrame({"case": ["a", "b"], "jurisdictions": ["CA", "unknown"]})
    assert read_facts(raw_of(table), rules, as_of=DAY).frame["jurisdictions"].to_list() == ["CA", ""]
    facts = read_facts(raw_of(table), rules, as_of=DAY, jurisdictions=("TX", "NY"))
    assert facts.frame["jurisdictions"].to_list() == ["NY TX", "NY TX"]


def test_unknown_columns_stop_the_run(rules: Rulebase) -> None:
    """All of them at once, with the nearest names; derived facts and doubles are told apart."""
    table = pl.DataFrame({"case": ["a"], "usmle.step1.pased": ["true"], "usmle.attempts_total": ["1"], "Id": ["x"]})
    with pytest.raises(ProblemsError) as caught:
        read_facts(raw_of(table), rules, as_of=DAY, mapping=Mapping({"Id": "case"}))
    told = {problem.code: f"{problem.message} {problem.fix}" for problem in caught.value.problems}
    assert set(told) == {"T010", "T011"}
    words = str(caught.value)
    assert "Did you mean usmle.step1.passed" in words
    assert "worked out from other facts" in words
    assert "both hold case" in words


def test_a_mapping_renames_translates_and_ignores(rules: Rulebase) -> None:
    """Cells are translated by what they show, typed or not, empty ones too; other cells keep their meaning."""
    mapping = Mapping(
        {"Id": "case", "Passed?": "usmle.step1.passed"},
        {
            "usmle.step1.passed": {"Y": True, "N": False, "": False, "n/a": None},
            "usmle.step1.attempts": {"1": 2, "99": None},
            "person.citizenships": {"Indian": ["IN"]},
        },
        frozenset({"Remarks"}),
    )
    table = pl.DataFrame(
        {
            "Id": ["a", "b", "c", "d", "e"],
            "Passed?": [" Y", "N", None, "n/a", "true"],
            "usmle.step1.attempts": [1, 99, 3, None, 1],
            "person.citizenships": ["Indian", "IN;PK", "", None, "Martian"],
            "Remarks": ["x", None, None, None, None],
        }
    )
    facts = read_facts(raw_of(table), rules, as_of=DAY, mapping=mapping)
    assert facts.frame["usmle.step1.passed"].to_list() == [True, False, False, None]
    assert facts.frame["usmle.step1.attempts"].to_list() == [2, None, 3, None]
    assert facts.frame["person.citizenships"].to_list() == ["IN", "IN PK", None, None]
    [reject] = facts.rejects
    assert (reject.case, reject.errors[0]["code"]) == ("e", "C011")
    assert isinstance(reject.raw, dict)
    assert "Remarks" in reject.raw


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("IN", ["IN"]),
        ("IN PK", ["IN", "PK"]),
        ("IN;PK ; ", ["IN", "PK"]),
        ('["IN", "PK"]', ["IN", "PK"]),
        ("['IN']", ["IN"]),
        ("none", []),
        ("[]", []),
        ("New Norway", ["New Norway"]),
        ("Korea, Republic of", ["Korea, Republic of"]),
        ("Korea, Republic of; IN", ["Korea, Republic of", "IN"]),
        ("New Yrok", ["New Yrok"]),
        ("IN ZZ", ["IN", "ZZ"]),
    ],
)
def test_sets_in_one_cell(text: str, members: list[str]) -> None:
    """Labels with spaces and commas stay whole; a mistyped one is told whole."""
    assert split_members(text, {"in", "pk", "new norway", "korea, republic of"}) == members


def test_none_may_be_a_code() -> None:
    """Then it is that code and not the empty set."""
    assert split_members("none", {"none"}) == ["none"]


def test_what_a_cell_shows() -> None:
    """Mappings look cells up by what a spreadsheet shows."""
    assert [cell_text(c) for c in (None, True, False, 2.0, 2.5, 7)] == ["", "true", "false", "2", "2.5", "7"]


def test_rejected_rows_can_be_written_as_json() -> None:
    """Days, decimals, bytes, lists, records and infinities have a form of text."""
    cell = {"a": [date(2020, 1, 2), Decimal("1.50")], "b": b"\x01", "c": float("inf"), "d": None, "e": 1}
    assert plain_cell(cell) == {"a": ["2020-01-02", "1.50"], "b": "01", "c": "inf", "d": None, "e": 1}
