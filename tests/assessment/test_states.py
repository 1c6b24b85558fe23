"""All jurisdictions side by side: the order, what is missing, and agreement with the assessment."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import make_case
from imgrules.assessment.result import Status
from imgrules.assessment.states import BLOCKER_KINDS, SOONEST_FIRST, Comparison, Missing, Standing, compare
from imgrules.errors import CaseError, InputError, Problem, Severity
from imgrules.rulebase.load import check_files
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Outcome
from tests.cases import random_case
from tests.worlds import evidence

DAY = date(2026, 11, 22)
FAR = 99

# a small world ------------------------------------------------------------------------------------------------------


def number(**more: Any) -> dict[str, Any]:
    """A fact that is a number of days."""
    asked = {"title": "days", "question": "How many?", "why": "It matters."}
    return {"type": "int", "unit": "days", "range": [0, FAR], **asked, **more}


def files(values: dict[str, Any], **changes: dict[str, Any]) -> dict[str, str]:
    """A rulebase of one route for each jurisdiction, which asks for days; `values` by jurisdiction."""
    requirement = {
        "for_each": "jurisdiction", "title": "days done", "blocker": "fixable", "remedy": "Do them.",
        "met_when": {"any": ["a.days >= $p.days", {"all": ["b.counts", "b.all >= $p.days"]}]},
        "shortfall": ["a.days", "b.all"], **evidence(), **changes.get("requirement", {}),
    }  # fmt: skip
    route = {
        "for_each": "jurisdiction", "title": "The way in {jurisdiction}", "stage": "only", "summary": "All of it.",
        "needs": ["r.days"], "main": True, **evidence(), **changes.get("route", {}),
    }  # fmt: skip
    main = {
        "checked": DAY,
        "facts": {
            "a.days": number(),
            "b.days": number(),
            "b.counts": {"type": "bool", "title": "b counts", "question": "Does b count?", "why": "It matters."},
            **changes.get("facts", {}),
        },
        "derived": {"b.all": {"type": "int", "unit": "days", "title": "all", "is": "a.days + b.days"}},
        "parameters": {"p.days": {"for_each": "jurisdiction", "title": "days", "type": "int", "unit": "days"}},
        "requirements": {"r.days": requirement, **changes.get("requirements", {})},
        "routes": {"way": route, **changes.get("routes", {})},
        "stages": {"only": {"title": "Only", "order": 1, "shown_by": "way@AA"}},
        "sources": {
            "law": {"title": "The law", "publisher": "The state", "address": None, "consulted": DAY, "kind": "primary"}
        },
    }
    found = {"main.yaml": yaml.safe_dump(main, sort_keys=False)}
    for i, (code, value) in enumerate(values.items()):
        home = {"code": code, "name": f"Land {code}", "kind": "state", "board": {"name": "Board"}, "tile": [1, i + 1]}
        body = {
            "checked": DAY,
            "jurisdiction": {**home, **changes.get(code, {})},
            "parameters": {"p.days": [{**value, **evidence()}]},
        }
        found[f"{code}.yaml"] = yaml.safe_dump(body, sort_keys=False)
    return found


def world(values: dict[str, Any], **changes: dict[str, Any]) -> Rulebase:
    """The same, loaded."""
    rulebase, problems = check_files(files(values, **changes))
    assert rulebase is not None
    assert not [p for p in problems if p.severity is Severity.ERROR], problems
    return rulebase


def problems_of(**changes: dict[str, Any]) -> list[Problem]:
    """What the checks say of a changed small world."""
    return check_files(files({"AA": {"value": 3}, "BB": {"value": 4}}, **changes))[1]


def missing_in(rulebase: Rulebase, facts: dict[str, Any]) -> dict[str, Missing]:
    """What is missing in each jurisdiction."""
    comparison = compare(make_case(facts, rulebase, as_of=DAY), Assessor(rulebase))
    return {s.code: s.missing for s in comparison.jurisdictions if s.missing}


# the order ----------------------------------------------------------------------------------------------------------

amounts = st.one_of(st.none(), st.integers(0, 3))


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    """Jurisdictions that differ in little, so that every rung of the order is reached."""
    codes = draw(st.lists(st.sampled_from([f"{a}{b}" for a in "ABC" for b in "ABC"]), unique=True, max_size=9))
    found = []
    for code in codes:
        least, most = draw(st.integers(0, 2)), draw(amounts)
        missing = Missing(least=least, most=None if most is None else least + most, unit="days", requirements=["r"])
        counts = {kind: draw(st.integers(1, 2)) for kind in draw(st.sets(st.sampled_from(BLOCKER_KINDS), max_size=2))}
        standing = Standing(
            code=code, name=draw(st.sampled_from(["Here", "There"])), kind="state", aimed_at=False, route=f"way@{code}",
            status=draw(st.sampled_from(list(Status))), blockers=counts, missing=draw(st.sampled_from([missing, None])),
            unknown_facts=draw(st.integers(0, 2)), to_confirm=draw(st.integers(0, 2)),
        )  # fmt: skip
        found.append(standing)
    return found


@given(standings(), st.randoms(use_true_random=False))
def test_the_order_is_total_and_does_not_depend_on_where_one_starts(found: list[Standing], random: Random) -> None:
    ordered = sorted(found, key=lambda s: s.order)
    random.shuffle(found)
    assert sorted(found, key=lambda s: s.order) == ordered
    assert all(before.order < after.order for before, after in pairwise(ordered))


@given(standings())
def test_a_better_status_always_comes_first_then_the_lesser_ceiling(found: list[Standing]) -> None:
    ordered = sorted(found, key=lambda s: s.order)
    for before, after in pairwise(ordered):
        assert SOONEST_FIRST.index(before.status) <= SOONEST_FIRST.index(after.status)
        if before.status is after.status and after.missing and after.missing.most is not None:
            assert before.missing is not None
            assert before.missing.most is not None
            assert before.missing.most <= after.missing.most


def test_every_status_has_a_place_in_the_order() -> None:
    assert sorted(SOONEST_FIRST) == sorted(Status)


# what is missing ----------------------------------------------------------------------------------------------------

figures = st.one_of(
    st.integers(0, 20).map(lambda n: {"value": n}),
    st.just({"value": None}),
    st.just({"value": "unknown"}),
    st.integers(0, 20).map(lambda n: {"at_least": n}),
    st.integers(0, 20).map(lambda n: {"at_most": n}),
    st.tuples(st.integers(0, 20), st.integers(0, 9)).map(lambda p: {"at_least": p[0], "at_most": p[0] + p[1]}),
)


def possible_figures(value: dict[str, Any]) -> range:
    """Every figure that a parameter may truly have; the far end stands for no end."""
    if "value" in value:
        exact = value["value"]
        return range(1) if exact is None else range(FAR * 9) if exact == "unknown" else range(exact, exact + 1)
    return range(value.get("at_least", 0), value.get("at_most", FAR * 9 - 1) + 1)


@settings(max_examples=40)
@given(
    figures,
    st.one_of(st.none(), st.integers(0, 25)),
    st.one_of(st.none(), st.integers(0, 5)),
    st.sampled_from([True, False, None]),
)
def test_what_is_missing_holds_for_every_figure_and_fact_that_may_be_true(
    value: dict[str, Any], has: int | None, other: int | None, counts: bool | None
) -> None:
    """Brute force over every completion of what is not known."""
    rulebase = world({"AA": value})
    facts = {"a.days": has, "b.days": other, "b.counts": counts}
    missing = missing_in(rulebase, facts)["AA"]
    every = {
        max(0, figure - (a + b if c else a))
        for figure in possible_figures(value)
        for a in ([has] if has is not None else [0, 10, FAR])
        for b in ([other] if other is not None else [0, 10, FAR])
        for c in ([counts] if counts is not None else [True, False])
    }
    assert missing.least <= min(every)
    if missing.most is not None:
        assert missing.most >= max(every)
    if has is not None and other is not None and counts is not None:
        assert missing.least == min(every), "nothing but the figure is unknown, so the bounds are tight"
        assert missing.most == (max(every) if max(every) < FAR * 8 else None)


@pytest.mark.parametrize(
    ("value", "has", "words"),
    [
        ({"value": 24}, 6, "18 days"),
        ({"value": 24}, 23, "1 day"),
        ({"value": 24}, 24, "0 days"),
        ({"value": 24}, None, "0 to 24 days"),
        ({"value": None}, 0, "0 days"),
        ({"value": "unknown"}, 6, "unknown"),
        ({"at_least": 12, "at_most": 36}, 0, "12 to 36 days"),
        ({"at_least": 12, "at_most": 36}, 36, "0 days"),
        ({"at_least": 12}, 0, "at least 12 days"),
        ({"at_least": 12}, 12, "unknown"),
    ],
)
def test_what_is_missing_in_words(value: dict[str, Any], has: int | None, words: str) -> None:
    facts = {"a.days": has, "b.days": 0, "b.counts": False}
    assert missing_in(world({"AA": value}), facts)["AA"].words == words


def test_an_excuse_that_holds_leaves_nothing_missing_and_one_that_may_hold_changes_nothing() -> None:
    rulebase = world({"AA": {"value": 24}}, requirement={"excused_when": "b.counts"})
    assert missing_in(rulebase, {"a.days": 6, "b.days": 0, "b.counts": True})["AA"].exact == 0
    assert missing_in(rulebase, {"a.days": 6, "b.days": 0})["AA"].exact == 18


@pytest.mark.parametrize(
    ("decides", "words"),
    [("both", "18 days"), ("met", "0 to 18 days"), ("not_met", "at least 18 days"), ("nothing", "unknown")],
)
def test_weak_evidence_bounds_one_side_only(decides: str, words: str) -> None:
    rulebase = world({"AA": {"value": 24}}, requirement={"decides": decides})
    assert missing_in(rulebase, {"a.days": 6, "b.days": 0, "b.counts": False})["AA"].words == words


def test_the_requirement_that_asks_for_most_counts() -> None:
    own = {"for_each": "jurisdiction", "title": "t", "blocker": "fixable", "remedy": "Do it.", **evidence()}
    more = {"r.more": {**own, "met_when": "a.days >= 40", "shortfall": ["a.days"]}}
    rulebase = world({"AA": {"value": 24}}, requirements=more, route={"needs": ["r.days", "r.more"]})
    missing = missing_in(rulebase, {"a.days": 6, "b.days": 0, "b.counts": False})["AA"]
    assert (missing.exact, missing.requirements) == (34, ["r.days@AA", "r.more@AA"])


def test_nothing_declared_nothing_shown() -> None:
    assert missing_in(world({"AA": {"value": 24}}, requirement={"shortfall": None}), {"a.days": 6}) == {}


def test_rules_without_a_main_route_for_each_jurisdiction_are_refused() -> None:
    rulebase = world({"AA": {"value": 24}}, route={"main": False})
    with pytest.raises(InputError, match="main: true"):
        compare(make_case({}, rulebase, as_of=DAY), Assessor(rulebase))


# fast tracks --------------------------------------------------------------------------------------------------------


def best_track(own: dict[str, Any], tracks: dict[str, dict[str, Any]], days: int) -> str | None:
    """The best fast track in AA, where `own` routes and `tracks` exist and 24 days are asked."""
    found = files({"AA": {"value": 24}})
    body = yaml.safe_load(found["AA.yaml"])
    route = {"title": "Own", "stage": "only", "summary": "Short.", "needs": ["r.days"], **evidence()}
    track = {"title": "Fast", "saves": "time", "caveats": ["Care."], **evidence()}
    body["routes"] = {name: {**route, **more} for name, more in own.items()}
    body["fast_tracks"] = {name: {**track, **more} for name, more in tracks.items()}
    rulebase, problems = check_files({**found, "AA.yaml": yaml.safe_dump(body)})
    assert rulebase is not None
    assert not problems
    facts = {"a.days": days, "b.days": 0, "b.counts": False}
    (standing,) = compare(make_case(facts, rulebase, as_of=DAY), Assessor(rulebase)).jurisdictions
    return standing.fast_track.id if standing.fast_track else None


def test_among_equals_the_best_fast_track_is_another_route_than_the_standard_one() -> None:
    tracks = {"a.same": {"route": "way@AA"}, "b.other": {"route": "own@AA"}}
    assert best_track({"own": {}}, tracks, 3) == "b.other@AA"


def test_the_best_fast_track_has_the_best_status() -> None:
    later = {"opens": "unknown"}
    tracks = {"a.doubtful": {"route": "own@AA"}, "b.sure": {"route": "way@AA"}}
    assert best_track({"own": later}, tracks, 24) == "b.sure@AA"


def test_only_recommended_fast_tracks_count() -> None:
    tracks = {"a.unfit": {"route": "own@AA", "suits_when": "b.counts"}}
    assert best_track({"own": {}}, tracks, 3) is None


# the checks ---------------------------------------------------------------------------------------------------------


def test_a_sound_small_world_has_no_problems() -> None:
    assert problems_of() == []


SECOND = {
    "for_each": "jurisdiction", "title": "Another", "stage": "only", "summary": "Too.", "needs": ["r.days"],
    "main": True, **evidence(),
}  # fmt: skip
HOURS = {
    "type": "int",
    "unit": "hours",
    "range": [0, 9],
    "title": "hours",
    "question": "How many?",
    "why": "It matters.",
}


@pytest.mark.parametrize(
    ("code", "says", "changes"),
    [
        ("R011", "a.dais", {"requirement": {"shortfall": ["a.dais"]}}),
        ("R013", "not an amount", {"requirement": {"shortfall": ["b.counts"]}}),
        ("R042", "does not ask for", {"requirement": {"shortfall": ["b.days"]}}),
        (
            "R042",
            "do not compare",
            {
                "facts": {"c.hours": HOURS},
                "requirement": {"met_when": {"any": ["a.days >= $p.days", "b.all >= 1", "b.counts", "c.hours >= 2"]},
                                "shortfall": ["a.days", "c.hours"]},
            },
        ),
        ("R043", "already the one main route", {"routes": {"second": SECOND}}),
        ("R071", "AA's already", {"BB": {"tile": [1, 1]}}),
        ("R072", "no tile", {"BB": {"tile": None}}),
        ("R003", "tile", {"BB": {"tile": [0, 1]}}),
        ("R003", "tile", {"BB": {"tile": [1]}}),
    ],
)  # fmt: skip
def test_what_the_checks_refuse(code: str, says: str, changes: dict[str, Any]) -> None:
    found = [p for p in problems_of(**changes) if p.code == code and says in f"{p.message} {p.fix} {p.place}"]
    assert found, problems_of(**changes)
    assert all(p.line for p in found)


# the shipped rules --------------------------------------------------------------------------------------------------

TRAINEE = {
    "degree.type": "md_equivalent", "degree.status": "graduate", "gme.us_months": 18, "gme.canada_months": 0,
    "gme.completed": False, "gme.in_training": True, "usmle.step1.passed": True, "usmle.step1.attempts": 1,
    "ecfmg.certified": True, "board.certified": False, "visa.status": "lpr",
}  # fmt: skip


@pytest.fixture(scope="module")
def trainee(assessor: Assessor) -> Comparison:
    """The shipped rules' comparison for a doctor in the second year of training."""
    return compare(make_case(TRAINEE, assessor.rulebase, as_of=DAY, jurisdictions=["CA"]), assessor)


def test_the_shipped_rules_give_every_jurisdiction_a_tile_of_its_own(rules: Rulebase) -> None:
    tiles = [tuple(e.model.tile or ()) for e in rules.jurisdictions.values()]
    assert Counter(map(len, tiles)) == {2: len(rules.jurisdictions)}
    assert len(set(tiles)) == len(tiles)


def test_what_is_missing_is_the_jurisdictions_figure_less_what_the_applicant_has(
    trainee: Comparison, rules: Rulebase
) -> None:
    """Read from the rules without the engine: wherever the figure is exact and no excuse holds."""
    parameter = rules.parameters["licence.gme_months"]
    seen = 0
    for s in trainee.jurisdictions:
        value = rules.value_on(parameter, s.code, DAY)
        assert s.missing is not None
        if value is not None and isinstance(value.value, int) and s.missing.exact:
            assert s.missing.exact == value.value - 18
            seen += 1
    assert seen > 10


@pytest.mark.no_cover
@settings(max_examples=6)
@given(st.integers(0, 10**6))
def test_a_comparison_agrees_with_the_assessment(assessor: Assessor, seed: int) -> None:
    case = random_case(assessor.rulebase, seed)
    everywhere = case.changed(jurisdictions=assessor.rulebase.jurisdiction_names)
    try:
        assessment = assessor.assess(everywhere)
    except CaseError:
        with pytest.raises(CaseError):
            compare(case, assessor)
        return
    comparison = compare(case, assessor)
    assert sorted(s.code for s in comparison.jurisdictions) == sorted(assessor.rulebase.jurisdictions)
    for s in comparison.jurisdictions:
        route = assessment.route(s.route)
        assert (s.status, s.aimed_at) == (route.status, s.code in case.jurisdictions)
        assert s.blockers == Counter(b.kind for b in route.blockers)
        assert s.blocking == [b.requirement for b in route.blockers]
        assert s.unknown == len(route.unknown)
        recommended = [t for t in assessment.fast_tracks if t.recommended and t.jurisdiction == s.code]
        best = min((SOONEST_FIRST.index(t.status) for t in recommended), default=None)
        assert best == (SOONEST_FIRST.index(s.fast_track.status) if s.fast_track else None)


@settings(max_examples=5)
@given(st.integers(0, 30), st.integers(0, 30))
def test_so_much_more_meets_the_requirement_and_less_does_not(assessor: Assessor, us: int, canada: int) -> None:
    facts = {**TRAINEE, "gme.us_months": us, "gme.canada_months": canada}
    missing = {
        s.code: s.missing
        for s in compare(make_case(facts, assessor.rulebase, as_of=DAY), assessor).jurisdictions
        if s.missing and s.missing.exact
    }
    for code, found in missing.items():
        assert isinstance(found.exact, int)
        (name,) = found.requirements
        for more, met in ((found.exact, True), (found.exact - 1, False)):
            case = make_case({**facts, "gme.us_months": us + more}, assessor.rulebase, as_of=DAY, jurisdictions=[code])
            derived = assessor.derive(case)
            own = derived.derivation.truth(derived.program.rules[name].met or "")
            assert own is met, (name, us, canada, more)
            assert met is False or derived.outcome(name) is Outcome.MET


def test_filters_leave_the_order_and_the_rest_alone(trainee: Comparison) -> None:
    assert trainee.only() == trainee
    some = trainee.only(codes=["TX", "CA"], statuses=list(Status))
    assert {s.code for s in some.jurisdictions} == {"CA", "TX"}
    assert some.jurisdictions == [s for s in trainee.jurisdictions if s.code in ("CA", "TX")]
    fast = trainee.only(with_fast_track=True).jurisdictions
    assert fast == [s for s in trainee.jurisdictions if s.fast_track]
    assert trainee.only(statuses=[Status.OPEN], codes=["CA"]).jurisdictions == []


def test_a_comparison_survives_json(trainee: Comparison) -> None:
    assert Comparison.model_validate_json(trainee.model_dump_json()) == trainee
