"""Assessments: statuses, blockers, unknowns and steps follow from outcomes as DESIGN's words say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import imgrules
from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case
from imgrules.assessment.result import Assessment, RouteResult, Status
from imgrules.errors import CaseError
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Outcome
from tests.cases import random_case

seeds = st.integers(min_value=0, max_value=10**9)
SETTLED = {s for s in Status if s is not Status.UNDETERMINED}


def assessed(assessor: Assessor, case: Case) -> Assessment | None:
    """The assessment, or None where the random facts contradict each other."""
    try:
        return assessor.assess(case)
    except CaseError:
        return None


def routes(assessor: Assessor, seed: int, known: float | None = None) -> Iterator[RouteResult]:
    result = assessed(assessor, random_case(assessor.rulebase, seed, known))
    yield from result.routes if result else ()


@pytest.mark.no_cover
@given(seeds)
def test_a_status_says_what_its_words_mean(assessor: Assessor, seed: int) -> None:
    """Open: nothing missing, nothing unknown. Reachable: only remediable blockers. Closed: a permanent one."""
    for route in routes(assessor, seed):
        kinds = {b.kind for b in route.blockers}
        if route.status is Status.OPEN:
            assert not route.blockers
            assert not [u for u in route.unknown if u.requirements]
            assert (route.basis, route.confidence != "low") == ("primary", True)
        if route.status is Status.REACHABLE:
            assert kinds
            assert "permanent" not in kinds
            assert not [u for u in route.unknown if u.requirements]
        if route.status is Status.UNDETERMINED:
            assert route.unknown


@pytest.mark.no_cover
@given(seeds)
def test_learning_a_fact_moves_only_undetermined_routes(assessor: Assessor, seed: int) -> None:
    """Whatever else becomes known, a route once settled keeps its status."""
    full = random_case(assessor.rulebase, seed, known=0.6)
    r = Random(seed)
    part = full.changed(facts={n: v for n, v in full.facts.items() if r.random() < 0.5})
    before, after = assessed(assessor, part), assessed(assessor, full)
    if before and after:
        later = {route.id: route.status for route in after.routes}
        for route in before.routes:
            if route.status in SETTLED:
                assert later[route.id] is route.status, route.id


@given(seeds)
def test_nothing_known_closes_and_opens_nothing_for_the_applicant(assessor: Assessor, seed: int) -> None:
    """With no facts at all, no route is open, reachable or closed for a reason of the applicant's."""
    case = random_case(assessor.rulebase, seed, known=0.0)
    result = assessor.assess(case)
    assert not [r.id for r in result.routes if r.status in (Status.OPEN, Status.REACHABLE)]


def test_an_assessment_carries_what_is_published(assessor: Assessor, rules: Rulebase) -> None:
    """The keys that other programs rely on, and the version of the rules on every output."""
    result = imgrules.assess({"usmle.step1.passed": True}, rules, as_of="2026-11-22", jurisdictions=["CA"])
    data = result.model_dump(mode="json")
    assert data["rulebase"] == rules.version
    assert (data["case"], data["as_of"], data["jurisdictions"]) == ("case", "2026-11-22", ["CA"])
    assert data["findings"]["licence.exams@CA"].keys() >= {"outcome", "title"}
    assert {"id", "jurisdiction", "status", "blockers", "unknown"} <= data["routes"][0].keys()
    assert {"fast_tracks", "advice", "alerts", "next_steps", "stages"} <= data.keys()
    assert imgrules.Assessment.model_validate_json(result.model_dump_json()) == result


def test_each_route_and_finding_of_the_aims_is_there_once(assessor: Assessor, rules: Rulebase) -> None:
    """All jurisdictions at once: every grounded route once, none of a jurisdiction that is not aimed at."""
    codes = list(rules.jurisdiction_names)
    result = imgrules.assess({}, rules, as_of="2026-11-22", jurisdictions=codes)
    ids = [r.id for r in result.routes]
    assert len(ids) == len(set(ids))
    assert sum(1 for r in result.routes if r.id.startswith("licence.standard@")) == len(codes)
    alone = imgrules.assess({}, rules, as_of="2026-11-22", jurisdictions=["CA"])
    assert {r.jurisdiction for r in alone.routes} == {None, "CA"}


def test_dates_decide_what_exists(assessor: Assessor, rules: Rulebase) -> None:
    """A discontinued track says what replaced it; before its end it was there."""
    now = imgrules.assess({}, rules, as_of="2026-11-22", jurisdictions=["CA"]).route("licence.ptal@CA")
    assert (now.status, bool(now.replaced_text)) == (Status.DISCONTINUED, True)
    then = imgrules.assess({}, rules, as_of="2018-06-01", jurisdictions=["CA"]).route("licence.ptal@CA")
    assert then.status is not Status.DISCONTINUED


def test_a_blocker_carries_its_law(assessor: Assessor, rules: Rulebase) -> None:
    """Too few months in California: the state's own source, and no double unit in the words."""
    facts = {"gme.us_months": 20, "gme.canada_months": 0}
    route = imgrules.assess(facts, rules, as_of="2026-11-22", jurisdictions=["CA"]).route("licence.standard@CA")
    blocker = next(b for b in route.blockers if b.requirement == "licence.gme_months@CA")
    assert blocker.kind == "fixable"
    assert "24 months" in blocker.title
    assert any(source.id.startswith("ca-") for source in blocker.sources)


def test_texts_never_leave_a_placeholder_or_a_doubled_unit(assessor: Assessor, rules: Rulebase) -> None:
    """Over all jurisdictions, no text shows braces, None or `months months`."""
    codes = list(rules.jurisdiction_names)
    text = imgrules.assess({}, rules, as_of=date(2026, 11, 22), jurisdictions=codes).model_dump_json()
    for wrong in ("{licence", "months months", "years years", "attempts attempts", " None ", "$$"):
        assert wrong not in text, wrong


def test_an_unknown_route_is_a_key_error(rules: Rulebase) -> None:
    """`route` is for names that are part of the assessment."""
    with pytest.raises(KeyError):
        imgrules.assess({}, rules, as_of="2026-11-22").route("licence.standard@CA")


def test_a_met_finding_stays_met_in_the_findings_of_the_json(assessor: Assessor, rules: Rulebase) -> None:
    """Findings that do not apply say so, and are met."""
    result = imgrules.assess({"visa.status": "citizen"}, rules, as_of="2026-11-22")
    route = result.route("visa.j1_residency")
    assert route.status is Status.NOT_APPLICABLE
    assert all(result.findings[name].outcome is Outcome.MET for name in route.not_applicable)
