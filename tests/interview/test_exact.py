"""Where arithmetic, senseless questions and contradictions come in, everything is compared with trying every case."""

from __future__ import annotations

import os
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.case import Case
from imgrules.assessment.result import Status
from imgrules.errors import CaseError
from imgrules.interview.board import Board, Layout
from imgrules.interview.change import changes
from imgrules.rulebase.values import Value, add_months, months_between, years_between
from tests.interview.sums import ROUTE, Everyone, layout_of, make_sums, values_of
from tests.worlds import DAY

pytestmark = pytest.mark.no_cover  # three times as fast, and other tests pass here too
EXAMPLES = int(os.environ.get("IMGRULES_EXACT", "25"))
seeds = st.integers(min_value=0, max_value=10**9)
days = st.dates(date(1990, 1, 1), date(2040, 12, 31))


@given(seeds)
@settings(max_examples=EXAMPLES)
def test_a_question_is_asked_just_while_some_possible_answer_matters(seed: int) -> None:
    """At every point of an interview, by trying every case of everything not told yet."""
    assessor = make_sums(seed)
    layout = layout_of(assessor)
    r = Random(seed)
    facts = list(assessor.rulebase.facts)
    told: dict[str, Value] = {}
    aside: list[str] = []
    for fact in r.sample(facts, 2):
        if fact not in layout.asked_when:
            told[fact] = r.choice(values_of(fact))
    while True:
        board = Board(layout, told, aside)
        if board.clashes():
            return
        rest = [f for f in facts if f not in told and f not in aside]
        useful = set(Everyone(layout, told, rest).useful())
        assert {f for f in rest if board.matters(f)} == useful
        asked = board.choose()
        assert (asked is None) == (not useful)
        if asked is None:
            break
        leading = {f for u in useful for f in _gates(layout, u)}
        assert asked in useful | leading
        value = r.choice([*values_of(asked), None])
        if value is None or board.clashes_with(asked, value):
            aside.append(asked)
        else:
            told[asked] = value
    assert layout.relevance.given_up == 0


def _gates(layout: Layout, fact: str) -> set[str]:
    part = layout.asked_when.get(fact)
    if part is None:
        return set()
    found = set(layout.network.facts_of(part))
    return found | {g for f in found for g in _gates(layout, f)}


@given(seeds)
@settings(max_examples=EXAMPLES)
def test_smallest_sets_where_several_inputs_move_together(seed: int) -> None:
    """Exactly the minimal sets of facts, by trying every value of every set."""
    assessor = make_sums(seed, gates=False)
    layout = layout_of(assessor)
    r = Random(seed)
    facts = list(assessor.rulebase.facts)
    told = {f: r.choice(values_of(f)) for f in facts if r.random() < 0.8}
    case = Case("x", DAY, (), told)
    try:
        answer = changes(assessor, case, ROUTE, 50)
    except CaseError:
        return
    if answer.route.status is Status.OPEN:
        assert not answer.sets
        return

    def opens(group: tuple[str, ...]) -> bool:
        return any(
            _opens(layout, {**told, **dict(zip(group, v, strict=True))}) for v in product(*map(values_of, group))
        )

    minimal: list[frozenset[str]] = []
    for n in range(1, len(facts) + 1):
        for group in combinations(facts, n):
            if not any(done <= set(group) for done in minimal) and opens(group):
                minimal.append(frozenset(group))
    assert {frozenset(s.facts) for s in answer.sets} == set(minimal)
    assert answer.complete
    for chosen in answer.sets:
        assert assessor.assess(case.changed(facts={**told, **chosen.facts})).route(ROUTE).status is Status.OPEN


def _opens(layout: Layout, values: dict[str, Value]) -> bool:
    board = Board(layout, values)
    return board.status(layout.goals[0]) is Status.OPEN and not board.clashes()


@given(days, days, st.integers(0, 400))
def test_functions_rise_and_fall_as_the_search_takes_them_to(a: date, b: date, later: int) -> None:
    """The search over intervals is exact only if these never turn back."""
    after = a + timedelta(days=later)
    for between in (months_between, years_between):
        assert between(b, a) <= between(b, after)
        assert between(a, b) >= between(after, b)
    for months in (-13, -1, 0, 1, 12, 13):
        assert add_months(a, months) <= add_months(after, months)
        assert add_months(a, months) <= add_months(a, months + 1)
    assert isinstance(months_between(a, b), Decimal)
