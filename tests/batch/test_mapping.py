"""Mapping files: what they say, and every mistake in them with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgrules.batch.mapping import Mapping, parse_mapping, read_mapping
from imgrules.errors import InputError, ProblemsError
from imgrules.rulebase.rulebase import Rulebase

GOOD = """
columns:
  Applicant ID: case
  "Step 1?": usmle.step1.passed
values:
  usmle.step1.passed: {Y: true, N: false, " n/a ": null, "": unknown}
  person.citizenships: {Indian: [IN], No: []}
ignore: [Phone, Remarks]
"""


def test_a_mapping_says_what_columns_and_cells_mean(rules: Rulebase) -> None:
    """Renamed, ignored and other columns; cells by their trimmed text, as YAML 1.2 writes them."""
    mapping = parse_mapping(GOOD, rules)
    assert mapping.columns == {"Applicant ID": "case", "Step 1?": "usmle.step1.passed"}
    assert mapping.values == {
        "usmle.step1.passed": {"Y": True, "N": False, "n/a": None, "": "unknown"},
        "person.citizenships": {"Indian": ["IN"], "No": []},
    }
    targets = {name: mapping.target(name) for name in ("Applicant ID", "Phone", "Phone.home", "Phones", "visa.status")}
    assert targets == {
        "Applicant ID": "case",
        "Phone": None,
        "Phone.home": None,
        "Phones": "Phones",
        "visa.status": "visa.status",
    }
    assert parse_mapping("ignore:\n", rules) == Mapping()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("columns: [", ("M001", 2, "not valid YAML", "")),
        ("columns: {A: case, A: as_of}", ("M002", 1, "A stands twice", "")),
        ("values: {usmle.step1.passed_on: {x: 2026-02-30}}", ("M004", 1, "not a day", "")),
        ("", ("M003", 1, "columns:, values: or ignore:", "")),
        ("colums: {}", ("M003", 1, "has no colums", "Did you mean columns")),
        ("columns: [A]", ("M003", 1, "columns has not the right form", "Applicant ID: case")),
        ("columns: {A: 3}", ("M003", 1, "columns has not the right form", "")),
        ("values: {usmle.step1.passed: true}", ("M003", 1, "values has not the right form", "null")),
        ("ignore: {A: B}", ("M003", 1, "ignore has not the right form", "Remarks")),
        ("columns:\n  A: usmle.step1.pased", ("M010", 2, "no fact usmle.step1.pased", "Did you mean usmle.step1.passed")),
        ("columns: {A: usmle.attempts_total}", ("M010", 1, "usmle.attempts_total", "worked out from other facts")),
        ("values: {Passed: {Y: true}}", ("M010", 1, "no fact Passed", "")),
        ("values:\n  usmle.step1.passed:\n    Y: maybe", ("M011", 3, "usmle.step1.passed: maybe is not true or false", "null")),
        ("values: {person.citizenships: {x: [IN, Atlantis]}}", ("M011", 1, "Atlantis is not a country code", "")),
        ("columns: {A: case, B: case}", ("M012", 1, "A and B both hold case", "ignore")),
        ("columns: {A: case}\nignore: [A]", ("M012", 1, "both named and ignored", "")),
    ],
)  # fmt: skip
def test_every_mistake_is_told(rules: Rulebase, text: str, told: tuple[str, int, str, str]) -> None:
    """With a code, its line, and what to do."""
    with pytest.raises(ProblemsError) as caught:
        parse_mapping(text, rules, "map.yaml")
    code, line, message, fix = told
    found = [(p.code, p.line) for p in caught.value.problems]
    assert (code, line) in found or (code == "M001" and found[0][0] == code)
    assert message in caught.value.problems[0].message
    assert fix in caught.value.problems[0].fix


def test_all_mistakes_are_told_at_once(rules: Rulebase) -> None:
    """Names and values in one go."""
    text = "columns: {A: x.y}\nvalues:\n  usmle.step1.passed: {a: 1, b: 2}\n  z.z: {a: 1}\n"
    with pytest.raises(ProblemsError) as caught:
        parse_mapping(text, rules)
    assert [p.code for p in caught.value.problems] == ["M010", "M011", "M011", "M010"]


def test_files_that_cannot_be_read(rules: Rulebase, tmp_path: Path) -> None:
    """Missing, a folder, not text; a good one is read."""
    (tmp_path / "bytes").write_bytes(b"\xff")
    for name, words in (("nowhere", "no file"), ("bytes", "UTF-8"), ("", "cannot be read")):
        with pytest.raises(InputError, match=words):
            read_mapping(tmp_path / name, rules)
    (tmp_path / "map.yaml").write_text(GOOD)
    assert read_mapping(tmp_path / "map.yaml", rules).ignore == {"Phone", "Remarks"}
