"""What a change of the rules means: found whatever the files look like, exact in what it changes for whom."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.assessment.assess import values_of
from imgrules.assessment.case import Case
from imgrules.audit.causes import Causes, Change, Comparer, Move, smallest_sets
from imgrules.audit.diff import Edit, Weight, canonical, edits
from imgrules.audit.hybrid import Crossing, Mixer
from imgrules.audit.impact import difference
from imgrules.audit.standing import suited
from imgrules.engines.reference import literal_truth, truths
from imgrules.rulebase.grammar import Group, parse_condition
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.rulebase import Rulebase
from tests.audit.mutants import case_of, pair, rewritten
from tests.audit.people import applicant, small
from tests.worlds import CODES, DAY

# Few enough pairs of rulebases that the tests share them: making one costs more than judging with it.
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
seeds = st.integers(min_value=0, max_value=10**9 if LONG else 24)
Truths = dict[str, bool | None]


def outcomes(rulebase: Rulebase, case: Case) -> Truths:
    """The truth of every rule, by the plain evaluator."""
    program = Grounder(rulebase).program(case.as_of, case.jurisdictions)
    case = case.changed(facts=suited(case, rulebase))
    found = truths(program, values_of(case, program))
    return {name: literal_truth(rule.literal, found) for name, rule in program.rules.items()}


def differing(old: Rulebase, new: Rulebase, before: Truths, after: Truths) -> set[str]:
    """Requirements that came out otherwise; one that is not there asks nothing."""
    names = {n for r in (old, new) for n in r.requirements}
    grounded = {*names, *(f"{n}@{c}" for n in names for c in CODES)} & {*before, *after}
    return {n for n in grounded if before.get(n, True) is not after.get(n, True)}


def after(mixer: Mixer, move: Move, case: Case, chosen: Iterable[Change]) -> str:
    """Where an item stands for a case when the old rules are changed by some edits, and by no others."""
    made = mixer.make(mixer.close(edit for edit in chosen if isinstance(edit, Edit)))
    again = {m.item: m.after for m in Comparer(mixer.old, made).moves(case, causes=False)}
    return again.get(move.item, move.before)


@given(seeds)
def test_a_rulebase_differs_in_nothing_from_itself(seed: int) -> None:
    old, new = pair(seed)
    assert edits(old, old) == []
    assert edits(new, new) == []


@given(seeds)
def test_other_order_brackets_and_files_are_no_difference(seed: int) -> None:
    assert edits(*rewritten(seed)) == []


@given(seeds)
def test_making_every_edit_of_meaning_gives_the_new_rules(seed: int) -> None:
    """On every day around the changes, every finding comes out as under the new rules."""
    old, new = pair(seed)
    found = [edit for edit in edits(old, new) if edit.weight is Weight.MEANING]
    made = Mixer(old, new, found).make(found)
    assert [e for e in edits(made, new) if e.weight is Weight.MEANING] == []
    for days in (-5, -1, 0, 1, 5):
        case = case_of(seed, days)
        assert outcomes(made, case) == outcomes(new, case)


@pytest.mark.no_cover
@given(seeds)
def test_causes_are_enough_by_themselves_and_nothing_smaller_is(seed: int) -> None:
    """Each set named turns the old answer into the new on the whole rulebase, and no set with fewer changes does."""
    old, new = pair(seed)
    comparer = Comparer(old, new)
    mixer = comparer.mixer
    decisive = [e for e in comparer.edits if e.decisive]
    for days in (-3, 2):
        case = case_of(seed, days)
        for move in comparer.moves(case):
            assert move.causes.sets
            assert move.causes.smallest
            size = len(move.causes.sets[0])

            for chosen in move.causes.sets:
                assert len(chosen) == size
                assert after(mixer, move, case, chosen) == move.after
            for fewer in combinations(decisive, size - 1):
                assert after(mixer, move, case, fewer) != move.after


@given(seeds)
def test_whoever_is_not_affected_comes_out_the_same(seed: int) -> None:
    """What moves is what differs between two full evaluations, requirement by requirement."""
    old, new = pair(seed)
    case = case_of(seed)
    before, after = outcomes(old, case), outcomes(new, case)
    moved = {m.item.name for m in Comparer(old, new).moves(case, causes=False) if m.item.section == "requirements"}
    assert moved == differing(old, new, before, after)


@given(seeds)
def test_time_and_rules_together(seed: int) -> None:
    """Causes of a change of day and rules at once are enough; the same rules on the same day change nothing."""
    old, new = pair(seed)
    case = case_of(seed, -2)
    assert Comparer(old, old).moves(case, case.as_of) == []
    later = DAY + timedelta(days=3)
    comparer = Comparer(old, new)
    moves = comparer.moves(case, later)
    assert all(move.causes.sets for move in moves)
    before, after = outcomes(old, case), outcomes(new, case.changed(as_of=later))
    moved = {m.item.name for m in moves if m.item.section == "requirements"}
    assert moved == differing(old, new, before, after)


# examples ---------------------------------------------------------------------------------------------------------------


def texts(old: Rulebase, new: Rulebase) -> dict[str, list[str]]:
    """What is said of each difference, by what it touches."""
    found: dict[str, list[str]] = {}
    for change in difference(old, new).changes:
        found.setdefault(change.weight, []).append(change.text)
    return found


def test_a_dated_value_in_words() -> None:
    new = small(
        (
            "[{value: 24, sources: [law], basis: primary, confidence: high}]",
            "[{value: 24, to: 2025-12-31, sources: [law], basis: primary, confidence: high}, "
            "{at_most: 36, from: 2026-01-01, sources: [blog], basis: secondary, confidence: medium}]",
        )
    )
    [change] = difference(small(), new).changes
    assert change.text == "Aland: months of training, from 1 January 2026: at most 36 months, was 24 months"
    assert (change.first, change.last, change.jurisdiction) == (date(2026, 1, 1), None, "AA")
    assert [s.id for s in change.sources] == ["blog"]


def test_a_list_says_only_what_came_and_went() -> None:
    assert texts(small(), small(("value: [IN]", 'value: ["NO"]'))) == {
        "meaning": ["Banned countries, on every day: newly Norway; no longer India"]
    }
    assert texts(small(), small(("value: [IN]", "includes: [IN]")))["meaning"] == [
        "Banned countries, on every day: there may be others"
    ]


def test_a_condition_says_only_which_parts_came_and_went() -> None:
    new = small(("exam.attempts <= 4", "exam.attempts <= 3"))
    assert texts(small(), new) == {
        "meaning": [
            "Requirement exam.ok (exam passed), met when: no longer asked: attempts: at most 4 attempts; "
            "newly asked: attempts: at most 3 attempts"
        ]
    }


def test_words_and_evidence_are_kept_apart_from_meaning() -> None:
    new = small(
        ("remedy: Pass it.", "remedy: Pass it soon."),
        ("title: banned countries", "title: countries that are banned"),
        ("https://law.example/1", "https://law.example/2"),
    )
    found = texts(small(), new)
    assert found["wording"] == [
        "Parameter ban.countries (countries that are banned), title: was banned countries, is countries that are banned",
        "Requirement exam.ok (exam passed), remedy: was Pass it., is Pass it soon.",
    ]
    assert found["evidence"] == ["Source law (The law), address: was https://law.example/1, is https://law.example/2"]
    assert "meaning" not in found


def test_kinds_of_obstacles_needs_dates_and_decisions() -> None:
    cases = {
        ("blocker: fixable\n    remedy: Train.", "blocker: external\n    remedy: Train."): (
            "Requirement licence.trained (months of training of training)"
        ),
        ("needs: [exam.ok, licence.trained]", "needs: [exam.ok]"): "needs: no longer: licence.trained (",
        ("summary: The way.", "summary: The way.\n    in_force: {from: 2027-01-01}"): "in force: was not given, is from 1 January 2027",
        ("years_between(exam.passed_on, today)", "years_between(exam.passed_on, today) + 1"): "worked out as: was years from",
        ("exam.attempts: {type: int", "exam.attempts: {type: decimal"): "type: was int (attempts), is decimal (attempts)",
    }  # fmt: skip
    for change, words in cases.items():
        said = " ".join(t for found in texts(small(), small(change)).values() for t in found)
        assert words.partition(" (months")[0] in said, said


def test_whom_a_change_affects() -> None:
    """Grouped by cause; the case that is not affected is counted only."""
    old = small()
    new = small(("value: 24", "value: 36"), ("exam.attempts <= 4", "exam.attempts <= 1"))
    people = [
        applicant(old, "first"),
        applicant(old, "second", training_months=50),
        applicant(old, "third", training_months=10, exam_attempts=6),
    ]
    found = difference(old, new, people)
    assert (found.cases, found.cases_affected) == (3, 2)
    said = {tuple(map(tuple, g.causes)): [(a.case, a.name) for a in g.affected] for g in found.groups}
    number = {c.section: c.number for c in found.changes}
    either = tuple(sorted(((number["values"],), (number["requirements"],))))
    assert said == {
        ((number["values"],),): [("first", "licence.trained@AA")],
        ((number["requirements"],),): [
            ("first", "exam.ok"),
            ("second", "licence.full@AA"),
            ("second", "exam.ok"),
        ],
        either: [("first", "licence.full@AA")],
    }


def test_two_changes_that_are_only_enough_together() -> None:
    """One requirement became met, another had gone: the route opened by both, by neither alone."""
    old = small(("exam.attempts <= 4", "exam.attempts <= 1"), ("value: 24", "value: 36"))
    new = small()
    found = difference(old, new, [applicant(old)])
    [group] = [g for g in found.groups if any(a.kind == "route" for a in g.affected)]
    assert group.causes == [[1, 2]]
    assert [(a.before, a.after) for a in group.affected] == [("reachable", "open")]


def test_a_new_question_is_carried_by_the_rule_that_asks_it() -> None:
    new = small(
        ("facts:\n", "facts:\n  exam.fee_paid: {type: bool, title: fee, question: Paid?, why: Needed.}\n"),
        ("exam.attempts <= 4", "exam.attempts <= 4, exam.fee_paid"),
    )
    found = difference(small(), new, [applicant(small())])
    assert [(g.causes, g.carried) for g in found.groups] == [([[2]], [1])]
    assert found.changes[0].text == "New: question exam.fee_paid (fee)"


def test_one_of_several_is_any_of_them_and_not_all() -> None:
    for same, other in (("any", "all"), ("all", "any")):
        n = {"any": 1, "all": 2}[same]
        parts = [parse_condition(text) for text in ("a.b", "not c.d")]
        counted = canonical(Group("at_least", tuple(parts), n))
        assert counted == canonical(Group(same, tuple(reversed(parts))))
        assert counted != canonical(Group(other, tuple(parts)))
    three = [parse_condition(text) for text in ("a.b", "c.d", "e.f")]
    assert canonical(Group("at_least", tuple(three), 2)) == canonical(Group("at_least", tuple(reversed(three)), 2))
    assert canonical(Group("at_least", tuple(three), 2)) != canonical(Group("at_least", (*three, three[0]), 2))


def test_each_stretch_of_days_is_a_change_of_its_own() -> None:
    """Made alone, one stretch leaves the others as they were."""

    def dated(*figures: int) -> tuple[str, str]:
        spans = ("to: 2020-12-31", "from: 2021-01-01, to: 2022-12-31", "from: 2023-01-01")
        values = ", ".join(
            f"{{value: {n}, {span}, sources: [law], basis: primary, confidence: high}}"
            for n, span in zip(figures, spans, strict=True)
        )
        return "[{value: 24, sources: [law], basis: primary, confidence: high}]", f"[{values}]"

    old, new = small(dated(12, 24, 24)), small(dated(18, 24, 36))
    one, two = edits(old, new)
    assert (one.first, one.last, two.first, two.last) == (None, date(2020, 12, 31), date(2023, 1, 1), None)
    made = Mixer(old, new, [one, two]).make([two])
    assert edits(made, new) == [one]
    assert edits(old, made) == [two]
    whom = difference(old, new, [applicant(old, as_of=date(2022, 6, 1)), applicant(old, as_of=date(2023, 1, 1))])
    assert [(g.causes, {a.as_of for a in g.affected}) for g in whom.groups] == [([[2]], {date(2023, 1, 1)})]


def test_a_fast_track_that_suits_nobody_any_more() -> None:
    def tracks(suits: str) -> tuple[str, str]:
        body = f"{{title: Quick, route: licence.full, saves: years, suits_when: {suits}, caveats: [Mind.], "
        return (
            "stages:\n",
            f"fast_tracks:\n  quick: {body}sources: [law], basis: primary, confidence: high}}\nstages:\n",
        )

    old, new = small(tracks("exam.attempts <= 4")), small(tracks("exam.attempts <= 1"))
    [group] = difference(old, new, [applicant(old)]).groups
    [affected] = group.affected
    assert (affected.kind, affected.before, affected.after) == ("fast track", "recommended", "not recommended")


def test_a_jurisdiction_that_accepts_something_else() -> None:
    """An excuse is a change of its own, and reaches the requirement it excuses from."""
    body = "{title: a citizen, when: person.status == citizen, sources: [law], basis: primary, confidence: high}"
    new = small(
        (
            "parameters:\n  licence.months: [{value",
            f"excuses:\n  licence.trained: {body}\nparameters:\n  licence.months: [{{value",
        )
    )
    [group] = difference(small(), new, [applicant(small(), training_months=1)]).groups
    assert [(a.name, a.before, a.after) for a in group.affected] == [
        ("licence.full@AA", "reachable", "open"),
        ("licence.trained@AA", "not_met", "met"),
    ]


def test_too_many_tries_still_give_a_set_with_nothing_to_spare() -> None:
    names = [Crossing("clock", str(i)) for i in range(12)]
    needed = frozenset(names[i] for i in (1, 5, 7, 11))
    found = smallest_sets(names, frozenset, lambda chosen: needed <= chosen, most_tries=50)
    assert found == Causes((needed,), smallest=False)
    assert smallest_sets(names, frozenset, lambda chosen: needed <= chosen).sets == (needed,)
    assert smallest_sets(names, frozenset, lambda chosen: False, most_tries=50) == Causes(())
