"""What would be decided now, and which rule, value or date makes the difference."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, read_case
from imgrules.audit.causes import Comparer
from imgrules.audit.recheck import changes_since, recheck
from imgrules.audit.record import Record
from imgrules.errors import CaseError, InputError
from tests.audit.mutants import case_of, pair
from tests.audit.people import Book, applicant, small

DAY = date(2026, 11, 22)


@settings(max_examples=15)
@given(st.integers(0, 5), st.integers(-5, 5))
def test_the_same_rules_on_the_same_day_change_nothing(seed: int, days: int) -> None:
    book = Book()
    for rulebase in pair(seed):
        case = case_of(seed, days)
        book.add(case, rulebase)
        found = recheck(book, rulebase, case.as_of)
        assert (found.same, found.moved) == (1, 0)


def test_a_changed_value_is_named_with_its_source() -> None:
    old = small()
    new = small(("value: 24", "value: 36"))
    [route, requirement] = changes_since(Comparer(old, new), applicant(old), DAY)
    assert (route.name, route.before, route.after) == ("licence.full@AA", "open", "reachable")
    assert (requirement.name, requirement.before, requirement.after) == ("licence.trained@AA", "met", "not_met")
    [[cause]] = route.causes
    assert cause.kind == "rules"
    assert cause.text == "Aland: months of training, on every day: 36 months, was 24 months"
    assert [s.id for s in cause.sources] == ["law"]


def test_a_dated_value_that_came_into_force() -> None:
    """The same rules on a later day: the value's own first day and source are named."""
    dated = (
        "[{value: 24, sources: [law], basis: primary, confidence: high}]",
        "[{value: 24, to: 2026-12-31, sources: [law], basis: primary, confidence: high}, "
        "{value: 36, from: 2027-01-01, sources: [law], basis: primary, confidence: high}]",
    )
    rules = small(dated)
    case = applicant(rules)
    assert changes_since(Comparer(rules, rules), case, date(2026, 12, 31)) == []
    moved = changes_since(Comparer(rules, rules), case, date(2027, 1, 1))[0]
    [[cause]] = moved.causes
    assert (cause.kind, cause.on) == ("date", date(2027, 1, 1))
    assert cause.text == "Aland: months of training, since 1 January 2027: 36 months, was 24 months."


def test_a_value_newly_known_and_then_in_force() -> None:
    """A new law, and the day from which it holds: both were needed, and both are named."""
    old = small()
    new = small(
        (
            "[{value: 24, sources: [law], basis: primary, confidence: high}]",
            "[{value: 24, to: 2026-12-31, sources: [law], basis: primary, confidence: high}, "
            "{value: 36, from: 2027-01-01, sources: [law], basis: primary, confidence: high}]",
        )
    )
    case = applicant(old)
    assert changes_since(Comparer(old, new), case, date(2026, 12, 31)) == []
    found = changes_since(Comparer(old, new), case, date(2027, 2, 1))
    assert [m.name for m in found] == ["licence.full@AA", "licence.trained@AA"]
    for moved in found:
        [chosen] = moved.causes
        assert {cause.kind for cause in chosen} == {"rules", "date"}
        assert {cause.on for cause in chosen} == {date(2027, 1, 1)}


def test_a_rule_that_came_into_force() -> None:
    rules = small(("title: exam passed", "title: exam passed\n    in_force: {from: 2027-02-01}"))
    [moved] = [
        m
        for m in changes_since(Comparer(rules, rules), applicant(rules, exam_attempts=9), date(2027, 2, 1))
        if m.kind == "route"
    ]
    [[cause]] = moved.causes
    assert cause.text == "Requirement exam.ok (exam passed) came into force on 1 February 2027."
    assert (cause.kind, cause.on) == ("date", date(2027, 2, 1))


def test_a_route_that_ended_and_one_that_opened() -> None:
    rules = small(("summary: The way.", "summary: The way.\n    in_force: {to: 2026-12-31}"))
    assert changes_since(Comparer(rules, rules), applicant(rules), date(2026, 12, 31)) == []
    [moved] = changes_since(Comparer(rules, rules), applicant(rules), date(2027, 1, 1))
    assert (moved.before, moved.after) == ("open", "discontinued")
    assert "ended on 31 December 2026" in moved.causes[0][0].text
    rules = small(("summary: The way.", "summary: The way.\n    opens: 2027-03-01"))
    assert changes_since(Comparer(rules, rules), applicant(rules), date(2027, 2, 28)) == []
    [moved] = changes_since(Comparer(rules, rules), applicant(rules), date(2027, 3, 1))
    assert (moved.before, moved.after) == ("upcoming", "open")
    assert "takes applications since 1 March 2027" in moved.causes[0][0].text


def test_a_fact_that_grew_past_a_limit() -> None:
    """An exam that became too old: which fact, which limit, since which day, and where the limit stands."""
    rules = small()
    case = applicant(rules)
    assert changes_since(Comparer(rules, rules), case, date(2029, 3, 1)) == []
    moved = changes_since(Comparer(rules, rules), case, date(2030, 1, 1))
    assert {m.name for m in moved} == {"licence.full@AA", "exam.ok"}
    [[cause]] = moved[0].causes
    assert (cause.kind, cause.name, cause.on) == ("time", "exam.age", date(2029, 3, 2))
    assert "no longer at most 7 years (years an exam counts), since 2 March 2029" in cause.text
    assert [s.id for s in cause.sources] == ["law"]


def test_time_and_a_new_rule_are_only_enough_together() -> None:
    """A limit that was lowered, and days that then carried a fact past it: neither alone would have done it."""
    old, new = small(), small(("value: 7", "value: 6"))
    case = applicant(old)
    comparer = Comparer(old, new)
    assert changes_since(comparer, case, DAY) == []
    assert changes_since(Comparer(old, old), case, date(2028, 6, 1)) == []
    moved = changes_since(comparer, case, date(2028, 6, 1))
    [chosen] = moved[0].causes
    assert {cause.kind for cause in chosen} == {"rules", "time"}


def test_only_the_latest_decision_on_a_case_counts_and_erased_ones_are_listed() -> None:
    old, new = small(), small(("value: 24", "value: 36"))
    book = Book()
    book.add(applicant(old, "ann"), old)
    book.add(applicant(old, "ben", training_months=40), old)
    book.add(applicant(old, "erased-1"), old, erased=True)
    book.add(applicant(old, "erasure"), old, kind="erase")
    book.add(applicant(new, "ann"), new)
    found = recheck(book, new, DAY)
    assert {c.case: c.state for c in found.cases} == {"ben": "same", "erased-1": "erased", "ann": "same"}
    assert (found.same, found.moved, found.erased) == (2, 0, 1)


def test_a_case_that_cannot_be_read_stops_nobody_else() -> None:
    class Broken(Book):
        def case(self, record: Record) -> Case:
            if record.number == 1:
                raise InputError("Its facts are gone.")
            return super().case(record)

    rules = small()
    book = Broken()
    book.add(applicant(rules, "ann"), rules)
    book.add(applicant(rules, "ben"), rules)
    found = recheck(book, rules, DAY)
    assert [(c.state, c.why_not) for c in found.cases] == [("not_judged", "Its facts are gone."), ("same", None)]


def test_facts_that_the_new_rules_refuse() -> None:
    old = small()
    new = small(
        (
            "stages:\n",
            "contradictions:\n  exam.none: {when: {all: [exam.passed, exam.attempts <= 2]}, text: Too few.}\nstages:\n",
        )
    )
    [moved] = changes_since(Comparer(old, new), applicant(old), DAY)
    assert (moved.kind, moved.after) == ("contradiction", "refused")
    [back] = changes_since(Comparer(new, old), applicant(old), DAY)
    assert (back.before, back.after) == ("refused", "absent")


CASES = Path(__file__).parents[2] / "cases"
PEOPLE = (
    "demo",
    "certification/permanent-validation-after-fourteen-months",
    "licence/compact-certified-internist",
    "pathways/ia-provisional-licence",
)


@pytest.mark.no_cover
@settings(max_examples=6)
@given(st.sampled_from(PEOPLE), st.integers(-400, 1500))
def test_before_and_after_are_what_assessments_say(assessor: Assessor, name: str, days: int) -> None:
    """On the shipped rules and any two days: statuses, refusals and recommendations are those of full assessments."""
    case = read_case(CASES / f"{name}.yaml", assessor.rulebase)
    later = case.changed(as_of=case.as_of + timedelta(days=days))
    try:
        before, after = assessor.assess(case), assessor.assess(later)
    except CaseError:
        return
    comparer = Comparer(assessor.rulebase, assessor.rulebase)
    moved = comparer.moves(case, later.as_of, causes=False)
    moves = {m.item.name: (m.before, m.after) for m in moved if m.item.section == "routes"}
    routes = {r.id: (r.status.value, after.route(r.id).status.value) for r in before.routes}
    assert moves == {name: pair for name, pair in routes.items() if pair[0] != pair[1]}
    recommended = [{t.id for t in a.fast_tracks if t.recommended} for a in (before, after)]
    tracks = {m.item.name for m in moved if m.item.section == "fast_tracks"}
    assert tracks == recommended[0] ^ recommended[1]
