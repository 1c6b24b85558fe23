"""The interview: same outcomes as the full case, no idle question, exact undo and resume."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, read_case
from imgrules.assessment.result import Status
from imgrules.engines.reference import truths
from imgrules.errors import CaseError, InputError, Severity
from imgrules.interview.board import Board, Layout
from imgrules.interview.network import DECIDED
from imgrules.interview.session import Clash, Interview, Step
from imgrules.interview.store import dump, load, save, write_whole
from imgrules.rulebase.load import check_files
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Value
from tests.cases import random_case
from tests.interview.campaign import DAY, differences
from tests.interview.campaign import layouts as goals
from tests.interview.people import applicant, golden, play
from tests.worlds import CODES, World, make_facts, make_world
from tests.worlds import DAY as WORLD_DAY

seeds = st.integers(min_value=0, max_value=10**9)
APPLICANTS = int(os.environ.get("IMGRULES_APPLICANTS", "25"))
KILLS = int(os.environ.get("IMGRULES_KILLS", "6"))


@cache
def layouts(assessor: Assessor) -> list[tuple[tuple[str, ...], Layout]]:
    return goals(assessor)


def tiny(seed: int, size: int = 5) -> tuple[World, Assessor]:
    world = make_world(seed, size)
    rulebase, problems = check_files(world.files)
    assert not [p for p in problems if p.severity is Severity.ERROR]
    assert rulebase
    return world, Assessor(rulebase)


WAYS = [f"way@{code}" for code in CODES]


@pytest.mark.no_cover
def test_outcomes_equal_those_of_the_full_case(assessor: Assessor) -> None:
    """For every wanted route, an interview ends where assessing everything the applicant could tell ends."""
    for seed in range(APPLICANTS):
        asked, wrong = differences(assessor, *layouts(assessor)[seed % 5], seed)
        assert not wrong, (seed, wrong)
        assert asked


@pytest.mark.no_cover
@given(seeds, seeds)
@settings(max_examples=40)
def test_outcomes_equal_those_of_the_full_case_on_random_rulebases(world_seed: int, facts_seed: int) -> None:
    world, assessor = tiny(world_seed, 8)
    person = make_facts(world, facts_seed, known=0.85)
    talk = Interview(assessor.rulebase, Case("x", WORLD_DAY, CODES), WAYS, assessor=assessor)
    play(talk, person)
    full = assessor.assess(Case("x", WORLD_DAY, CODES, person))
    assert talk.outcomes == {name: full.route(name).status for name in WAYS}


@given(seeds)
@settings(max_examples=25)
def test_the_network_agrees_with_the_reference_and_the_writer(assessor: Assessor, seed: int) -> None:
    """Every node's truth and every route's status, on random cases and days, also after telling facts one by one."""
    case = random_case(assessor.rulebase, seed)
    derived = assessor_derive(assessor, case)
    if derived is None:
        return
    program = derived.program
    wanted = [name for name, rule in program.rules.items() if rule.entry.section == "routes"]
    layout = Layout(assessor.rulebase, program, case.as_of, wanted)
    board = Board(layout, {})
    for fact, value in case.facts.items():
        board.tell(fact, value)
    assert {n: board.codes[i] for n, i in layout.network.index.items() if board.codes[i] >= DECIDED} == {
        n: (5 if t else 6)
        for n, t in truths(program, derived.values).items()
        if n in layout.network.index and t is not None
    }
    assert {g.name: board.status(g) for g in layout.goals} == {r.id: r.status for r in derived.assessment.routes}


def assessor_derive(assessor: Assessor, case: Case) -> Any:
    try:
        return assessor.derive(case)
    except CaseError:
        return None


@pytest.mark.no_cover
@given(seeds)
@settings(max_examples=40)
def test_a_question_asked_could_change_a_wanted_route(world_seed: int) -> None:
    """By brute force over every answer to every fact, not knowing included, on small rulebases without arithmetic."""
    _, assessor = tiny(world_seed, 4)
    program = assessor.grounder.program(WORLD_DAY, CODES)
    layout = Layout(assessor.rulebase, program, WORLD_DAY, WAYS)
    facts = layout.mentioned()
    options: dict[str, tuple[Value | None, ...]] = {f: (*layout.regions.of(f), None) for f in facts}
    r = Random(world_seed)
    for fact in r.sample(facts, len(facts)):
        if sum(len(o) > 1 for o in options.values()) and size(options) > 1500:
            options[fact] = (r.choice(options[fact]),)
    told = {f: o[0] for f, o in options.items() if len(o) == 1 and o[0] is not None}
    aside = [f for f, o in options.items() if o == (None,)]
    board = Board(layout, told, aside)
    asked = board.choose()
    outcomes = {
        combo: statuses(layout, dict(zip(facts, combo, strict=True))) for combo in product(*(options[f] for f in facts))
    }
    useful = {
        fact
        for i, fact in enumerate(facts)
        if len(options[fact]) > 1
        and any(outcomes[c] != outcomes[(*c[:i], None, *c[i + 1 :])] for c in outcomes if c[i] is not None)
    }
    assert (asked is None) == (not useful)
    assert asked is None or asked in useful
    assert layout.relevance.given_up == 0


def size(options: dict[str, tuple[Value | None, ...]]) -> int:
    total = 1
    for values in options.values():
        total *= len(values)
    return total


def statuses(layout: Layout, facts: dict[str, Value | None]) -> tuple[Status, ...]:
    codes = layout.network.evaluate({n: v for n, v in facts.items() if v is not None})
    return tuple(goal.status(codes) for goal in layout.goals)


def test_undo_then_the_same_answers_gives_the_same_state(assessor: Assessor) -> None:
    for seed in range(4):
        codes, layout = layouts(assessor)[seed]
        person = applicant(layout, seed)
        talk = Interview(assessor.rulebase, Case("x", DAY, codes), layout.wanted, assessor=assessor)
        asked = play(talk, person)
        whole, board = dump(talk), list(talk._board.codes)
        undone = talk.undo(min(7, len(asked)))
        assert [s.fact for s in undone] == asked[::-1][:7]
        assert play(talk, person) == asked[len(asked) - len(undone) :]
        assert dump(talk) == whole
        assert talk._board.codes == board
        talk.undo(1000)
        assert talk.steps == []
        assert play(talk, person) == asked


@pytest.mark.no_cover
def test_a_resumed_session_equals_an_unbroken_one(assessor: Assessor, tmp_path: Path) -> None:
    for seed in range(4):
        codes, layout = layouts(assessor)[seed]
        person = applicant(layout, seed + 50)
        path = tmp_path / f"{seed}.json"
        every = 3 if seed < 3 else 11
        unbroken = Interview(assessor.rulebase, Case("x", DAY, codes), layout.wanted, assessor=assessor)
        asked = play(unbroken, person)
        talk = Interview(assessor.rulebase, Case("x", DAY, codes), layout.wanted, assessor=assessor)
        again = []
        while (question := talk.next()) is not None:
            again.append(question.fact)
            talk.answer(question.fact, person[question.fact]) if question.fact in person else talk.skip(question.fact)
            save(talk, path)
            if len(again) % every == 0:
                talk = load(path, assessor.rulebase, assessor)
        assert again == asked
        assert dump(talk) == dump(unbroken)


CHILD = """
import sys
from pathlib import Path
from imgrules.interview.store import load, save
from imgrules.rulebase.load import load_rulebase
rules = load_rulebase()
path = Path(sys.argv[1])
talk = load(path, rules)
print("ready", flush=True)
while question := talk.next():
    talk.skip(question.fact) if question.fact.endswith("_on") else talk.answer(question.fact, list(talk.layout.regions.of(question.fact))[0])
    save(talk, path)
    print(len(talk.steps), flush=True)
"""


def test_killed_at_any_moment_it_resumes(assessor: Assessor, tmp_path: Path) -> None:
    """The file is always whole, and lacks at most the step that was being written."""
    path = tmp_path / "s.json"
    codes, layout = layouts(assessor)[3]
    save(Interview(assessor.rulebase, Case("x", DAY, codes), layout.wanted, assessor=assessor), path)
    r = Random(1)
    steps = 0
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout
        assert child.stdout.readline().strip() == "ready"
        time.sleep(r.random() * 0.05)
        child.send_signal(signal.SIGKILL)
        said = [int(line) for line in child.stdout.read().splitlines() if line.strip().isdigit()]
        child.wait()
        talk = load(path, assessor.rulebase, assessor)
        before, steps = steps, len(talk.steps)
        last = max(said, default=before)
        assert last <= steps <= last + 1
        if talk.done:
            save(Interview(assessor.rulebase, Case("x", DAY, codes), layout.wanted, assessor=assessor), path)
            steps = 0


def test_a_partial_case_is_continued(assessor: Assessor) -> None:
    """What a case says is not asked, and the more it says the fewer questions are left."""
    case = next(c for c in golden(assessor.rulebase) if c.id == "match-certified-and-ranked")
    talk = Interview(assessor.rulebase, case, ["residency.match"], assessor=assessor)
    assert talk.done
    assert talk.outcomes["residency.match"] is Status.OPEN
    less = case.changed(facts={f: v for f, v in case.facts.items() if not f.startswith("match.")})
    asked = play(Interview(assessor.rulebase, less, ["residency.match"], assessor=assessor), dict(case.facts))
    assert asked
    assert all(fact.startswith("match.") for fact in asked)


def begin(assessor: Assessor, *wanted: str) -> Interview:
    return Interview(assessor.rulebase, Case("x", DAY), wanted or ("ecfmg.certification",), assessor=assessor)


def test_contradictions_are_refused_with_the_answers_that_clash(assessor: Assessor) -> None:
    talk = begin(assessor)
    talk.answer("usmle.step1.passed", "no")
    with pytest.raises(Clash, match="Check both") as caught:
        talk.answer("usmle.step1.passed_on", "3 May 2022")
    assert set(caught.value.facts) == {"usmle.step1.passed", "usmle.step1.passed_on"}
    assert [s.fact for s in talk.steps] == ["usmle.step1.passed"]


def test_revising_drops_what_made_sense_only_with_it(assessor: Assessor) -> None:
    talk = begin(assessor)
    talk.answer("school.in_world_directory", "yes")
    talk.answer("school.ecfmg_note", "yes")
    talk.answer("school.country", "India")
    assert talk.revise("school.in_world_directory") == ["school.in_world_directory", "school.ecfmg_note"]
    assert [s.fact for s in talk.steps] == ["school.country"]
    with pytest.raises(InputError, match="has not been answered"):
        talk.revise("school.ecfmg_note")


def test_a_fact_of_the_case_can_be_taken_back(assessor: Assessor) -> None:
    case = Case("x", DAY, (), {"school.country": "IN", "ecfmg.certified": True})
    talk = Interview(assessor.rulebase, case, ["ecfmg.certification"], assessor=assessor)
    talk.revise("ecfmg.certified")
    assert "ecfmg.certified" not in talk.facts
    assert talk.steps == [Step("forget", "ecfmg.certified")]


def test_skipped_questions_come_back_once_when_nothing_else_is_left(assessor: Assessor) -> None:
    talk = begin(assessor)
    seen: list[tuple[str, bool]] = []
    while (question := talk.next()) is not None:
        seen.append((question.fact, question.again))
        talk.skip(question.fact)
        assert len(seen) < 100
    first = [f for f, again in seen if not again]
    later = [f for f, again in seen if again]
    assert len(set(first)) == len(first)
    assert len(set(later)) == len(later)
    assert set(later) <= set(first)


def test_why_names_the_routes_and_requirements_that_hang_on_a_question(assessor: Assessor) -> None:
    talk = begin(assessor, "residency.match", "ecfmg.certification")
    question = talk.next()
    assert question
    assert {h.route for h in talk.why(question.fact)} <= {"residency.match", "ecfmg.certification"}
    assert talk.why("match.registered")[0].requirements
    progress = talk.progress
    assert (progress.settled, progress.wanted, progress.asked) == (0, 2, 0)
    assert progress.at_most >= 10


@pytest.mark.parametrize("wanted", [[], ["licence.standard"], ["residency.mach"]])
def test_wanted_routes_must_exist(assessor: Assessor, wanted: list[str]) -> None:
    with pytest.raises(InputError):
        Interview(assessor.rulebase, Case("x", DAY), wanted, assessor=assessor)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"imgrules_interview": 9}', '{"imgrules_interview": 1}'])
def test_a_spoilt_session_is_answered(rules: Rulebase, tmp_path: Path, text: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"interview|version|JSON"):
        load(path, rules)
    with pytest.raises(InputError, match="cannot be"):
        load(tmp_path / "none.json", rules)
    with pytest.raises(InputError, match="cannot be written"):
        write_whole(tmp_path / "no" / "where.json", "x")


def test_the_case_as_told_reads_back(assessor: Assessor, tmp_path: Path) -> None:
    from imgrules.assessment.case import case_text

    codes, layout = layouts(assessor)[2]
    talk = Interview(assessor.rulebase, Case("x", DAY, codes), layout.wanted, assessor=assessor)
    play(talk, applicant(layout, 3))
    path = tmp_path / "c.json"
    path.write_text(case_text(talk.case))
    assert read_case(path, assessor.rulebase).facts == talk.facts
