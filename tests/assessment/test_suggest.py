"""Suggested applicants show what golden cases lack, need every fact they have, and expect nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules import cli
from imgrules.assessment.applicants import Sketch
from imgrules.assessment.assess import values_of
from imgrules.assessment.case import Case, read_case
from imgrules.assessment.coverage import Coverage, coverage
from imgrules.assessment.golden import golden_files
from imgrules.assessment.places import Places
from imgrules.assessment.solve import Goal, Solver
from imgrules.assessment.suggest import Suggestion, Suggestions, suggest, write_suggestions
from imgrules.engines.reference import literal_truth, truths
from imgrules.errors import InputError
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.load import check_files, load_rulebase
from imgrules.rulebase.rulebase import Rulebase
from tests.assessment.test_coverage import LAND, SHARED
from tests.worlds import CODES, DAY, make_world

CONTRADICTION = "contradictions: {c.never: {when: a.done, text: Nobody has done it.}}\n"


def made(rulebase: Rulebase, rules: Path, cases: Path) -> Suggestions:
    return suggest(rulebase, cases, Places(rules, "rules"))


def counted(rulebase: Rulebase, rules: Path, cases: Path) -> set[tuple[str, str, str]]:
    """What is still missing: rule, text and truth."""
    found: Coverage = coverage(rulebase, cases, Places(rules, "rules"))
    return {(u.rule, u.text, side) for file in found.files for u in file.uncovered for side in u.missing}


def shows(suggestion: Suggestion) -> set[tuple[str, str, str]]:
    """The same for what an applicant is said to show."""
    words = {"condition": ("false", "true"), "requirement": ("not met", "met")}
    return {(one.says.rule, one.says.text, words[one.says.kind][one.truth]) for one in suggestion.shows}


def empty_case(cases: Path) -> Path:
    cases.mkdir(parents=True, exist_ok=True)
    (cases / "empty.yaml").write_text("case: empty\nas_of: 2026-11-22\nfacts: {}\n")
    return cases


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "shared.yaml").write_text(SHARED)
    (folder / "AA.yaml").write_text(LAND.format(code="AA", value="value: 5"))
    (folder / "BB.yaml").write_text(LAND.format(code="BB", value="at_least: 5"))
    return folder


@settings(max_examples=2)
@given(st.integers(0, 10**6))
def test_suggestions_show_what_they_say_and_the_rest_is_named(seed: int) -> None:
    """Random rulebases: with the suggestions as cases, what is missing is exactly what nobody was found for."""
    world = make_world(seed, 3)
    rulebase, _ = check_files(world.files)
    assert rulebase is not None
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "rules").mkdir()
        for name, text in world.files.items():
            (folder / "rules" / name).write_text(text)
        cases = empty_case(folder / "cases")
        before = counted(rulebase, folder / "rules", cases)
        found = made(rulebase, folder / "rules", cases)
        written = write_suggestions(rulebase, found, cases / "new")
        assert len(written) == len(found.found)
        after = counted(rulebase, folder / "rules", cases)
    named = {(one.says.rule, one.says.text) for one in found.left}
    assert {(rule, text) for rule, text, _ in after} == named
    assert after <= before


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_what_the_solver_finds_has_the_truths_wanted(seed: int, pick: int, truth: bool) -> None:
    """Random rulebases: every solution for one or two literals, judged by the plain evaluator."""
    world = make_world(seed)
    rulebase, _ = check_files(world.files)
    assert rulebase is not None
    program = Grounder(rulebase).program(DAY, CODES)
    rules = [rule.literal for rule in program.rules.values()]
    goals = [Goal(rules[pick % len(rules)], truth), Goal(rules[pick // 7 % len(rules)], True)]
    for should in (goals[1:], []):
        for facts in Solver(rulebase, program, CODES[0]).best(goals[:1], should, Sketch(rulebase, CODES[0], DAY)):
            found = truths(program, values_of(Case("c", DAY, CODES, facts), program))
            assert literal_truth(goals[0].literal, found) is truth


def test_everything_that_can_be_shown_is_shown_by_few(rules: Path, tmp_path: Path) -> None:
    """Nothing is left; each applicant needs every fact; one shows several things."""
    rulebase = load_rulebase(rules, cache=False)
    cases = empty_case(tmp_path / "cases")
    missing = counted(rulebase, rules, cases)
    found = made(rulebase, rules, cases)
    assert found.left == []
    assert 2 <= len(found.found) <= 6 < len(missing)
    write_suggestions(rulebase, found, cases / "new")
    assert counted(rulebase, rules, cases) == set()
    for suggestion in found.found:
        for fact in suggestion.facts:
            less = {name: value for name, value in suggestion.facts.items() if name != fact}
            assert shows(suggestion) - shown_by(rulebase, suggestion.scope, less, tmp_path, rules, missing)


def shown_by(
    rulebase: Rulebase,
    scope: str | None,
    facts: Mapping[str, object],
    tmp_path: Path,
    rules: Path,
    missing: set[tuple[str, str, str]],
) -> set[tuple[str, str, str]]:
    """What of all that was missing one applicant shows."""
    folder = empty_case(tmp_path / "one")
    body = "\n".join(f"  {name}: {str(value).lower()}" for name, value in facts.items())
    where = f"jurisdictions: [{scope}]\n" if scope else ""
    (folder / "one.yaml").write_text(f"case: one\nas_of: 2026-11-22\n{where}facts:\n{body}\n")
    return missing - counted(rulebase, rules, folder)


def test_nobody_is_made_up_whose_facts_contradict_each_other(rules: Path, tmp_path: Path) -> None:
    """What only a contradictory applicant could show is left, and named with its place."""
    (rules / "more.yaml").write_text("checked: 2026-11-22\n" + CONTRADICTION)
    rulebase = load_rulebase(rules, cache=False)
    found = made(rulebase, rules, empty_case(tmp_path / "cases"))
    assert found.found
    assert not any(suggestion.facts.get("a.done") for suggestion in found.found)
    left = [str(one) for one in found.left]
    assert any("met_when: a.done - holds" in one and "rules/shared.yaml:" in one for one in left)
    assert not any("met_when: f.small - holds" in one for one in left)


def test_a_skeleton_can_be_read_and_pins_nothing_yet(rules: Path, tmp_path: Path) -> None:
    """It says what the applicant has and what it shows, in a folder named after the rule file; nothing is expected."""
    rulebase = load_rulebase(rules, cache=False)
    found = made(rulebase, rules, empty_case(tmp_path / "cases"))
    written = write_suggestions(rulebase, found, tmp_path / "new")
    assert {path.parent.name for path in written} == {"shared"}
    for path, suggestion in zip(written, found.found, strict=True):
        case = read_case(path, rulebase)
        assert (case.facts, case.expect, case.as_of) == (suggestion.facts, None, date(2026, 11, 22))
        assert case.about
        assert case.pins
        assert all(str(one) in case.pins for one in suggestion.shows)


def test_the_command_writes_them_to_a_new_folder_only(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing is not listed but written; what stands in the folder already is left alone."""
    cases = empty_case(tmp_path / "cases")
    out = tmp_path / "out"
    command = ["--rules", str(rules), "rules", "coverage", str(cases), "--suggest", str(out)]
    assert cli.run(command) == 0
    said = capsys.readouterr().out
    assert f"Wrote {len(golden_files(out))} case files" in said
    before = {path: path.read_text() for path in golden_files(out)}
    assert cli.run(command) != 0
    assert "not an empty folder" in capsys.readouterr().err
    assert {path: path.read_text() for path in golden_files(out)} == before


def test_a_folder_without_cases_is_refused(rules: Path, tmp_path: Path) -> None:
    """There is nothing to start from."""
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError):
        made(load_rulebase(rules, cache=False), rules, tmp_path / "none")
