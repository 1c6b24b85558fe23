"""Case files: what is read, and every mistake told with its line."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import case_text, make_case, parse_case, read_case
from imgrules.assessment.template import template
from imgrules.errors import CaseError, InputError
from imgrules.rulebase.rulebase import Rulebase
from tests.cases import random_case


def problems(text: str, rules: Rulebase) -> list[tuple[str, int, str]]:
    """Code, line and message of everything wrong with a case."""
    with pytest.raises(CaseError) as caught:
        parse_case(text, rules, "me.yaml")
    return [(p.code, p.line, f"{p.message} {p.fix}") for p in caught.value.problems]


@given(st.integers(min_value=0, max_value=10**6))
def test_a_case_written_out_reads_back_the_same(rules: Rulebase, seed: int) -> None:
    """Any case with any facts, as JSON or as nested YAML, reads back equal."""
    case = random_case(rules, seed)
    again = parse_case(case_text(case), rules)
    assert (again.id, again.as_of, again.jurisdictions, again.facts) == (
        case.id,
        case.as_of,
        case.jurisdictions,
        case.facts,
    )
    data = json.loads(case_text(case))
    nested: dict[str, object] = {}
    for name, value in data["facts"].items():
        node = nested
        *groups, last = name.split(".")
        for group in groups:
            node = node.setdefault(group, {})  # type: ignore[assignment]
        node[last] = value
    as_yaml = yaml.safe_dump({**data, "facts": nested})
    assert parse_case(as_yaml, rules).facts == case.facts


def test_values_are_read_by_their_type(rules: Rulebase) -> None:
    """Dates, decimals, sets and codes are typed; null and the word unknown are unknown; names of countries do."""
    text = """
case: x
as_of: 2026-11-22
jurisdictions: [ca, New York, CA]
facts:
  usmle.step1: {passed: true, passed_on: 2021-03-01, attempts: 1}
  usmle.step2ck.passed: unknown
  usmle.step3:
  school.country: Norway
  person.citizenships: [NO, India]
  licence.held_years: 2.5
  visa.status: null
"""
    case = parse_case(text, rules)
    assert case.jurisdictions == ("CA", "NY")
    assert case.facts == {
        "usmle.step1.passed": True,
        "usmle.step1.passed_on": date(2021, 3, 1),
        "usmle.step1.attempts": 1,
        "school.country": "NO",
        "person.citizenships": frozenset({"NO", "IN"}),
        "licence.held_years": Decimal("2.5"),
    }


def test_every_mistake_is_told_with_its_line(rules: Rulebase) -> None:
    """Unknown names, wrong types, impossible values, doubles and unknown states: all at once."""
    found = problems(
        """case: x
as_of: 2026-11-22
jurisdictions: [CA, ZZ]
facts:
  usmle.step1.pased: true
  usmle.step1.attempts: -1
  usmle.step2ck.attempts: two
  usmle.step1.passed_on: 2027-01-01
  usmle.attempts_total: 3
  visa.status: tourist
  usmle:
    step1: {attempts: 1}
""",
        rules,
    )
    assert [(code, line) for code, line, _ in found] == [
        ("C014", 3), ("C010", 5), ("C011", 6), ("C011", 7), ("C011", 8), ("C010", 9), ("C011", 10), ("C013", 12),
    ]  # fmt: skip
    words = " ".join(text for _, _, text in found)
    assert "Did you mean usmle.step1.passed" in words
    assert "lies after the day judged on (22 November 2026)" in words
    assert "worked out from other facts" in words


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("facts: [", "C001"),
        ("case: x\ncase: y\n", "C002"),
        ("[1, 2]", "C003"),
        ("", "C003"),
        ("facts: {}\n", "C003"),
        ("case: x\ncolour: red\n", "C003"),
        ("case: x\nas_of: 2026-02-30\n", "C004"),
        ("case: x\nfacts: {degree: 3}\n", "C010"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(rules: Rulebase, text: str, code: str) -> None:
    """Each kind of broken file has its code."""
    assert code in {found for found, _, _ in problems(text, rules)}


def test_files_that_cannot_be_read(rules: Rulebase, tmp_path: Path) -> None:
    """A missing file, a folder, bytes that are not text and a huge file are told plainly."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "huge").write_text("x" * 1_000_001)
    for name, words in (("nowhere", "no file"), ("binary", "UTF-8"), ("huge", "larger"), ("", "cannot be read")):
        with pytest.raises(InputError, match=words):
            read_case(tmp_path / name, rules)


def test_a_repeating_yaml_bomb_is_refused(rules: Rulebase) -> None:
    """Aliases that multiply are refused instead of filling the memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "C001" in {code for code, _, _ in problems("\n".join(lines), rules)}


def test_contradictions_are_reported_and_nothing_is_concluded(assessor: Assessor) -> None:
    """A Step 3 passed before Step 1 refuses the case, with the line of the facts."""
    text = """case: x
as_of: 2026-11-22
facts:
  usmle.step1.passed: true
  usmle.step1.passed_on: 2022-03-01
  usmle.step3.passed: true
  usmle.step3.passed_on: 2020-03-01
"""
    with pytest.raises(CaseError) as caught:
        assessor.assess(parse_case(text, assessor.rulebase, "me.yaml"))
    problem = caught.value.problems[0]
    assert (problem.code, problem.file) == ("C020", "me.yaml")
    assert problem.line in (5, 7)


def test_a_case_from_python_values(rules: Rulebase) -> None:
    """Facts may come nested or dotted from a program, and are checked alike."""
    case = make_case({"usmle": {"step1": {"passed": True}}, "degree.status": "graduate"}, rules, as_of="2026-11-22")
    assert case.facts == {"usmle.step1.passed": True, "degree.status": "graduate"}
    with pytest.raises(CaseError):
        make_case({"usmle.step1.passed": 3}, rules)
    assert make_case({}, rules).as_of <= date.today() + timedelta(days=1)


def test_the_template_is_a_case_and_so_is_each_line_of_it(rules: Rulebase) -> None:
    """The template reads as it is, and any of its commented examples can be taken into use."""
    text = template(rules, "me")
    assert parse_case(text, rules).facts == {}
    examples = [line for line in text.splitlines() if line.startswith("  # ") and line[4:].split(":")[0] in rules.facts]
    assert len(examples) == len(rules.facts)
    for line in Random(1).sample(examples, 60):
        parse_case(text.replace(line, line.replace("# ", "", 1)), rules)
