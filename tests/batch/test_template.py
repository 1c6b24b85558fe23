"""The empty table takes what people would write into it, and the dictionary explains each of its columns."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.batch.facts import read_facts
from imgrules.batch.inputs import open_inputs
from imgrules.batch.template import data_dictionary, template, write_template
from imgrules.errors import InputError
from imgrules.rulebase.rulebase import Rulebase
from tests.batch.dirty import read_back
from tests.cases import random_case


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_template_is_an_input(rules: Rulebase, tmp_path: Path, kind: Any) -> None:
    """It has a column for every fact and is accepted as it is, with no rows."""
    table, dictionary = write_template(kind, tmp_path / f"people.{kind}", rules)
    inputs = open_inputs([table], rows_per_part=10)
    inputs.check(rules)
    assert inputs.sources[0].columns == ("case", "as_of", "jurisdictions", *rules.facts)
    assert list(inputs.parts()) == []
    assert dictionary.name == "people.columns.csv"
    assert dictionary.read_text() == data_dictionary(rules)
    with pytest.raises(InputError, match="there already"):
        write_template(kind, table, rules)
    with pytest.raises(InputError, match="cannot be written"):
        write_template(kind, tmp_path / "nowhere" / "x", rules)


@given(st.integers(0, 10**6))
def test_the_typed_template_holds_any_case(
    rules: Rulebase, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """A case put into the template's own types reads back as it was."""
    case = random_case(rules, seed)
    schema = pl.read_parquet(io.BytesIO(template("parquet", rules))).schema
    row = {n: sorted(v) if isinstance(v, frozenset) else v for n, v in case.facts.items()}
    cells = {"case": case.id, "as_of": case.as_of, "jurisdictions": list(case.jurisdictions), **row}
    path = tmp_path_factory.mktemp("typed") / "people.parquet"
    pl.DataFrame({n: pl.Series([cells.get(n)], dtype=dtype) for n, dtype in schema.items()}).write_parquet(path)
    [part] = open_inputs([path], rows_per_part=10).parts()
    facts = read_facts(part.read(), rules, as_of=case.as_of)
    [found] = facts.frame.to_dicts()
    assert (found["case"], found["as_of"], found["jurisdictions"]) == (
        case.id, case.as_of, " ".join(sorted(case.jurisdictions)),
    )  # fmt: skip
    assert read_back(found, rules) == case.facts


def test_the_dictionary_explains_every_column(rules: Rulebase) -> None:
    """Type, unit, range, allowed values, question and group, from the vocabulary."""
    rows = list(csv.DictReader(io.StringIO(data_dictionary(rules))))
    assert [row["column"] for row in rows] == ["case", "as_of", "jurisdictions", *rules.facts]
    found = {row["column"]: row for row in rows}
    for name, entry in rules.facts.items():
        row, type_ = found[name], rules.types[name]
        assert row["question"] == entry.model.question
        assert row["type"].split()[0] == type_.kind
        assert row["unit"] == (type_.unit or "")
        assert all(code in row["allowed"] for code in type_.codes)
        assert bool(row["range"]) == bool(entry.model.range)
    assert found["usmle.step1.attempts"]["range"] == "0 to 20"
    assert found["usmle.step1.attempts"]["group"] == "usmle"
    assert "lpr: lawful permanent resident" in found["visa.status"]["allowed"]
