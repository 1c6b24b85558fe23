"""The crowd: what is struck out is really spared, and what is asked is what most would have to answer."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor
from imgrules.interview.board import Board, Layout
from imgrules.interview.choose import CROWD, EVERYBODY, Crowd, Forecast, ranked
from imgrules.interview.network import DECIDED, TRUE
from tests.interview.campaign import DAY
from tests.interview.sums import layout_of, make_sums
from tests.interview.test_session import WAYS, tiny
from tests.worlds import CODES
from tests.worlds import DAY as WORLD_DAY

seeds = st.integers(min_value=0, max_value=10**9)


def forecast(board: Board) -> Forecast:
    layout = board.layout
    return Forecast(layout.crowd, board.codes, layout.goals, layout.asked_when, board.values.__contains__)


@given(seeds)
@settings(max_examples=25)
def test_what_is_left_still_settles_every_applicant_of_the_crowd(seed: int) -> None:
    """Striking out changes nobody's statuses, and for nobody can more be struck out."""
    _, assessor = tiny(seed, 6)
    layout = Layout(assessor.rulebase, assessor.grounder.program(WORLD_DAY, CODES), WORLD_DAY, WAYS)
    made = forecast(Board(layout, {}))
    before = [made._status(goal) for goal in layout.goals]
    facts = [f for f in layout.mentioned() if f in layout.network.users]
    votes = made.votes(facts)
    assert [made._status(goal) for goal in layout.goals] == before
    assert all(0 <= count <= CROWD for count in votes.values())
    assert made.votes(facts) == votes


@given(seeds)
@settings(max_examples=25)
def test_the_crowd_is_worked_out_as_the_network_is(seed: int) -> None:
    """Everybody in the crowd comes to what the network makes of the same leaves."""
    layout = layout_of(make_sums(seed, gates=False))
    board = Board(layout, {})
    made = forecast(board)
    network = layout.network
    for person in range(0, CROWD, 37):
        codes = list(board.codes)
        for i, (true, false) in layout.crowd.leaves.items():
            codes[i] = TRUE if true >> person & 1 else TRUE + 1 if false >> person & 1 else 0
        for i in range(len(network.nodes)):
            if i not in layout.crowd.leaves and network.parts[i]:
                codes[i] = network.code(i, codes)
        for i, true in made._true.items():
            assert (codes[i] == TRUE) == bool(true >> person & 1)
            assert (codes[i] > TRUE) == bool(made._false[i] >> person & 1)
            assert codes[i] >= DECIDED or not (true | made._false[i]) >> person & 1


def test_a_day_on_which_a_fact_can_have_no_value(assessor: Assessor) -> None:
    """Long ago the range of many dates is empty: nobody of the crowd tells them, and nothing breaks."""
    day = DAY.replace(year=1990)
    program = assessor.grounder.program(day, ())
    wanted = [name for name, rule in program.rules.items() if rule.entry.section == "routes"]
    layout = Layout(assessor.rulebase, program, day, wanted)
    assert any(not layout.regions.of(fact) for fact in layout.mentioned())
    Board(layout, {}).choose()


def test_the_crowd_is_always_the_same(assessor: Assessor) -> None:
    program = assessor.grounder.program(DAY, ())
    layout = Layout(assessor.rulebase, program, DAY, ["ecfmg.certification"])
    again = Crowd(layout.network, layout.goals)
    assert again.leaves == layout.crowd.leaves
    assert all(true & false == 0 and true | false <= EVERYBODY for true, false in again.leaves.values())


def test_about_as_likely_comes_in_the_vocabularys_order() -> None:
    order = {"a": 0, "b": 1, "c": 2}
    assert ranked({"a": 120, "b": 127, "c": 128}, ["c", "b", "a"], order) == ["c", "a", "b"]
    assert ranked({}, ["c", "a"], order) == ["a", "c"]


def test_the_solver_loads_only_with_an_interview() -> None:
    code = "import sys, imgrules, imgrules.cli, imgrules.interview.session; imgrules.Interview; print('pysat' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
