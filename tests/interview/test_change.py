"""Smallest sets of changes: each opens the route, no proper subset does, none is missed; and what-if side by side."""

from __future__ import annotations

import os
from datetime import date
from itertools import combinations, product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case
from imgrules.assessment.result import Status
from imgrules.errors import CaseError, InputError, Severity
from imgrules.interview.board import Layout
from imgrules.interview.change import changes
from imgrules.interview.regions import Regions
from imgrules.interview.whatif import compare, read_settings, supposed
from imgrules.rulebase.load import check_files
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Value
from tests.interview.people import golden
from tests.worlds import CODES, make_facts, make_world
from tests.worlds import DAY as WORLD_DAY

EXAMPLES = int(os.environ.get("IMGRULES_CHANGES", "25"))
seeds = st.integers(min_value=0, max_value=10**9)


def opens(assessor: Assessor, case: Case, route: str, facts: dict[str, Value]) -> bool:
    try:
        changed = case.changed(facts={**case.facts, **facts})
        return assessor.assess(changed).route(route).status is Status.OPEN
    except CaseError:
        return False


def golden_case(assessor: Assessor, name: str) -> Case:
    return next(c for c in golden(assessor.rulebase) if c.id == name)


@pytest.mark.no_cover
def test_each_set_opens_the_route_and_no_part_of_it_does(assessor: Assessor) -> None:
    """On golden cases, by the rule engine."""
    found = 0
    for case in golden(assessor.rulebase)[::40]:
        for route in list(case.expect.routes if case.expect else [])[:1]:
            answer = changes(assessor, case, route, 3)
            sizes = [len(s.actions) for s in answer.sets]
            assert sizes == sorted(sizes)
            for chosen in answer.sets:
                found += 1
                facts = chosen.facts
                assert all(assessor.rulebase.facts[f].model.changeable for f in facts)
                assert opens(assessor, case, route, facts)
                for n in range(len(facts)):
                    for part in combinations(facts.items(), n):
                        assert not opens(assessor, case, route, dict(part))
    assert found >= 4


@given(seeds, seeds)
@settings(max_examples=EXAMPLES)
def test_the_smallest_sets_are_those_of_brute_force(world_seed: int, facts_seed: int) -> None:
    """On small random rulebases: exactly the minimal sets of facts, by trying everything."""
    world = make_world(world_seed, 4)
    r = Random(world_seed)
    for name, text in world.files.items():
        world.files[name] = text.replace("question: Which is it?", "changeable: true\n    question: Which is it?")
    rulebase, problems = check_files(world.files)
    assert not [p for p in problems if p.severity is Severity.ERROR]
    assert rulebase
    assessor = Assessor(rulebase)
    case = Case("x", WORLD_DAY, CODES, make_facts(world, facts_seed, 0.8))
    route = f"way@{r.choice(CODES)}"
    program = assessor.grounder.program(WORLD_DAY, CODES)
    regions = Regions(rulebase, program, WORLD_DAY)
    answer = changes(assessor, case, route, 50)
    if answer.route.status is Status.OPEN:
        assert not answer.sets
        return
    layout = Layout(rulebase, program, WORLD_DAY, [route])

    def open_with(group: tuple[str, ...], values: tuple[Value, ...]) -> bool:
        codes = layout.network.evaluate({**case.facts, **dict(zip(group, values, strict=True))})
        return layout.goals[0].status(codes) is Status.OPEN

    facts = list(rulebase.facts)[:7]
    minimal: list[frozenset[str]] = []
    for n in range(1, 3):
        for group in combinations(facts, n):
            if any(done <= set(group) for done in minimal):
                continue
            if any(open_with(group, values) for values in product(*map(regions.of, group))):
                minimal.append(frozenset(group))
    mine = {frozenset(s.facts) for s in answer.sets}
    assert {s for s in mine if len(s) <= 2 and s <= set(facts)} == set(minimal)
    assert answer.complete


def test_a_permanent_blocker_is_named_when_nothing_opens_the_route(assessor: Assessor) -> None:
    closed = [c for c in golden(assessor.rulebase) if c.expect and "closed" in c.expect.routes.values()]
    seen = 0
    for case in closed[:12]:
        assert case.expect
        route = next(n for n, s in case.expect.routes.items() if s == "closed")
        answer = changes(assessor, case, route, 1)
        if not answer.sets:
            seen += 1
            assert answer.standing or answer.confirm
    assert seen


def test_nothing_to_change_and_no_such_route(assessor: Assessor) -> None:
    case = golden_case(assessor, "match-certified-and-ranked")
    assert changes(assessor, case, "residency.match").sets == ()
    with pytest.raises(InputError, match=r"no route residency\.mach"):
        changes(assessor, case, "residency.mach")


def test_actions_carry_the_rules_remedies(assessor: Assessor) -> None:
    answer = changes(assessor, golden_case(assessor, "not-registered-at-the-deadline"), "residency.match")
    actions = {a.fact: a for s in answer.sets for a in s.actions}
    blockers = actions["match.registered"].blockers
    assert any(b.decided_by and b.cost_usd for b in blockers)
    assert (actions["match.registered"].before, actions["match.registered"].after) == ("no", "yes")


def test_no_more_of_a_set_is_changed_than_must_be(assessor: Assessor) -> None:
    """Of several specialties only the one is given up that stands in the way."""
    case = golden_case(assessor, "match-certified-and-ranked")
    wish = {"residency.specialties": frozenset({"internal_medicine", "obstetrics_gynecology"})}
    before = case.changed(facts={**case.facts, **wish, "residencycas.access_obtained": False})
    sets = [s.facts for s in changes(assessor, before, "residency.match", 9).sets]
    assert {"residency.specialties": frozenset({"internal_medicine"})} in sets


def test_a_value_through_arithmetic_is_found_at_its_threshold(assessor: Assessor) -> None:
    """A fact that counts only in a sum is moved just as far as needed."""
    case = golden_case(assessor, "h1b-six-years-used")
    for chosen in changes(assessor, case, "visa.h1b_residency").sets:
        assert opens(assessor, case, "visa.h1b_residency", chosen.facts)


# what-if ------------------------------------------------------------------------------------------------------------


def test_what_if_names_what_moves_with_its_proof(assessor: Assessor, rules: Rulebase) -> None:
    case = golden_case(assessor, "match-certified-and-ranked")
    after = supposed(case, read_settings(["match.registered=no", "match.list_certified=no"], rules, case.as_of))
    comparison = compare(assessor, case, after)
    move = next(m for m in comparison.routes if m.name == "residency.match")
    assert (move.before, move.after) == ("open", "reachable")
    assert move.blockers_new
    assert not move.blockers_gone
    assert move.why
    assert {f.fact for f in comparison.facts} == {"match.registered", "match.list_certified"}
    back = compare(assessor, after, case, proofs=False)
    assert {(m.name, m.after, m.before) for m in back.routes} == {
        (m.name, m.before, m.after) for m in comparison.routes
    }


def test_what_if_on_another_day(assessor: Assessor) -> None:
    case = golden_case(assessor, "match-certified-and-ranked")
    comparison = compare(assessor, case, supposed(case, {}, date(2020, 1, 1)))
    assert comparison.before_as_of != comparison.after_as_of
    assert comparison.routes


def test_nothing_moves_when_nothing_is_supposed(assessor: Assessor) -> None:
    case = golden_case(assessor, "match-certified-and-ranked")
    comparison = compare(assessor, case, case)
    assert (comparison.facts, comparison.routes, comparison.requirements) == ([], [], [])


@pytest.mark.parametrize(
    ("text", "says"),
    [("match.registered", "fact=value"), ("match.registerd=yes", "Did you mean"), ("match.registered=x", "yes nor no")],
)
def test_bad_settings_are_answered(rules: Rulebase, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_settings([text], rules, WORLD_DAY)


def test_a_fact_can_be_forgotten(rules: Rulebase) -> None:
    settings: Any = read_settings(["match.registered=unknown"], rules, WORLD_DAY)
    assert supposed(Case("x", WORLD_DAY, (), {"match.registered": True}), settings).facts == {}
