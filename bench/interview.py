"""The interview measured: questions asked against two rivals and two optima, and the time to choose a question.

    python -m bench.interview [--applicants 1000] [--least 100] [--goal NAME ...] [--optimum 60]

Applicants are drawn as `tests.interview.people.applicant` says: a golden case with its gaps filled from the others.
`least` is, for so many of them, the size of a smallest set of answers after which no other answer matters: no interview
whatever, not even one that knew the answers beforehand, asks less. It is exact, by implicit hitting sets.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import date
from functools import cache
from itertools import product
from typing import Any

from tests.interview.people import applicant
from tests.worlds import CODES, make_world
from tests.worlds import DAY as WORLD_DAY

from imgrules.assessment.assess import Assessor
from imgrules.assessment.result import Status
from imgrules.errors import Severity
from imgrules.interview.board import Board, Layout
from imgrules.interview.goals import Goal
from imgrules.interview.network import DECIDED
from imgrules.rulebase.load import check_files, load_rulebase
from imgrules.rulebase.values import Value

DAY = date(2026, 11, 22)
FINAL = (Status.OPEN, Status.REACHABLE, Status.CLOSED, Status.NOT_APPLICABLE)


def undecided_support(board: Board) -> list[str]:
    """What a plain relevance filter asks: unknown facts below undecided conditions of undecided routes."""
    layout, seen, facts = board.layout, set(), set()
    stack = [p >> 1 for goal in layout.goals if board.status(goal) not in FINAL for p in _roots(goal)]
    while stack:
        i = stack.pop()
        if i in seen or board.codes[i] >= DECIDED:
            continue
        seen.add(i)
        if i in layout.network.subject:
            facts.update(board.unknown(layout.network.subject[i]))
        stack.extend(p >> 1 for p in layout.network.parts[i])
    found = [f for f in facts if f in layout.order and f not in board.aside and f not in board.nonsense]
    return sorted(found, key=layout.order.__getitem__)


def _roots(goal: Goal) -> list[int]:
    applies = [] if goal.applies is None else [goal.applies]
    return [*applies, *(p for _, p in goal.needs), *goal.inner_applies]


def fixed(board: Board) -> str | None:
    """The next question in the vocabulary's order, by the plain filter."""
    return next((first for f in undecided_support(board) if (first := board.before(f))), None)


def run(layout: Layout, person: dict[str, Value], how: str) -> tuple[int, list[float]]:
    """Questions asked of one applicant, and the seconds of processor time each took to be chosen, answer taken in."""
    board = Board(layout, {})
    times: list[float] = []
    asked = 0
    while True:
        start = time.thread_time()
        fact = board.choose() if how == "ours" else fixed(board)
        if fact is None:
            return asked, [*times, time.thread_time() - start]
        asked += 1
        if fact in person:
            board.tell(fact, person[fact])
        else:
            board.set_aside(fact)
        times.append(time.thread_time() - start)


def least(layout: Layout, person: dict[str, Value]) -> int:
    """The size of a smallest set of answers of an applicant that settles every wanted route."""
    from pysat.examples.hitman import Hitman  # type: ignore[import-untyped, unused-ignore]

    facts = set(layout.mentioned())
    facts |= {g for f in facts if f in layout.asked_when for g in layout.network.facts_of(layout.asked_when[f])}
    facts &= layout.order.keys()

    def settles(some: set[str]) -> bool:
        told = {f: person[f] for f in some if f in person}
        return Board(layout, told, [f for f in some if f not in person]).choose() is None

    hitting = Hitman(solver="g4", htype="sorted")
    for fact in sorted(facts):
        if not settles(facts - {fact}):
            hitting.hit([fact])
    while True:
        some = set(hitting.get() or ())
        if settles(some):
            return len(some)
        for fact in sorted(facts - some):
            if not settles(some | {fact}):
                some.add(fact)
        hitting.hit(sorted(facts - some))


def goals(assessor: Assessor) -> dict[str, tuple[list[str], list[str]]]:
    """Goals by name: the jurisdictions aimed at and the routes wanted."""
    every = list(assessor.rulebase.jurisdictions)
    texas = assessor.grounder.program(DAY, ["TX"])
    return {
        "certified": ([], ["ecfmg.certification"]),
        "match": ([], ["residency.match"]),
        "licence-CA": (["CA"], ["licence.standard@CA"]),
        "whole-way-TX": (
            ["TX"],
            [
                "ecfmg.certification",
                "residency.match",
                "visa.j1_residency",
                "visa.h1b_residency",
                "visa.none_needed",
                "licence.standard@TX",
            ],
        ),
        "every-route-TX": (["TX"], [n for n, r in texas.rules.items() if r.entry.section == "routes"]),
        "soonest": (every, [f"licence.standard@{code}" for code in every]),
        "every-route": (every, []),
    }


def measure(assessor: Assessor, name: str, applicants: int, exactly: int) -> None:
    """One goal: medians, and the share of the rivals' questions that ours needs."""
    codes, wanted = goals(assessor)[name]
    program = assessor.grounder.program(DAY, codes)
    wanted = wanted or [n for n, r in program.rules.items() if r.entry.section == "routes"]
    start = time.thread_time()
    layout = Layout(assessor.rulebase, program, DAY, wanted)
    layout.relevance.prepare()
    ready = 1000 * (time.thread_time() - start)
    mentioned = layout.mentioned()
    people = [applicant(layout, seed) for seed in range(applicants)]
    ours, plain, sensible, bound = [], [], [], []
    times: list[float] = []
    for number, person in enumerate(people):
        asked, taken = run(layout, person, "ours")
        ours.append(asked)
        times += taken
        plain.append(run(layout, person, "plain")[0])
        sensible.append(sum(f in person for f in mentioned))
        if number < exactly:
            bound.append(least(layout, person))

    def ratio(one: list[int], other: list[int]) -> str:
        return f"{statistics.median(o / max(p, 1) for o, p in zip(one, other, strict=False)):.2f}" if one else "-"

    print(
        f"{name:15} routes {len(wanted):3}  n {applicants:4}  mentioned {len(mentioned):3} "
        f"(sensible {statistics.median(sensible):g})  plain {statistics.median(plain):g}  "
        f"ours {statistics.median(ours):g}  ours/plain {ratio(ours, plain)}  least/plain {ratio(bound, plain)}  "
        f"ours/least {ratio(ours[: len(bound)], bound)} (n {len(bound)})  "
        f"ms to begin {ready:.0f}  median {1000 * statistics.median(times):.1f}  p99 {1000 * sorted(times)[int(len(times) * 0.99)]:.1f}  "
        f"worst {1000 * max(times):.1f}  given up {layout.relevance.given_up} of {len(times)}",
        flush=True,
    )


def optimum(worlds: int) -> None:
    """Small random rulebases: the best possible questionnaire by dynamic programming, answers equally likely."""
    best_total = ours_total = plain_total = 0.0
    same = count = seed = 0
    while count < worlds:
        seed += 1
        rulebase, problems = check_files(make_world(seed, 4).files)
        assert rulebase
        assert not any(p.severity is Severity.ERROR for p in problems)
        program = Assessor(rulebase).grounder.program(WORLD_DAY, CODES)
        layout = Layout(rulebase, program, WORLD_DAY, [f"way@{code}" for code in CODES])
        options = {f: layout.regions.of(f) for f in layout.mentioned()}
        size = 1
        for values in options.values():
            size *= len(values) + 1
        if not 3 <= len(options) <= 5 or size > 400 or Board(layout, {}).choose() is None:
            continue
        count += 1
        best = _best(layout, options)
        people = [dict(zip(options, combo, strict=True)) for combo in product(*options.values())]
        ours = statistics.mean(run(layout, p, "ours")[0] for p in people)
        plain_total += statistics.mean(run(layout, p, "plain")[0] for p in people)
        best_total, ours_total = best_total + best, ours_total + ours
        same += ours <= best + 1e-9
    print(
        f"optimum on {count} small rulebases: best {best_total / count:.2f}  ours {ours_total / count:.2f}  "
        f"plain {plain_total / count:.2f} questions on average; ours is optimal on {same}"
    )


def _best(layout: Layout, options: dict[str, Any]) -> float:
    names = list(options)

    @cache
    def expected(state: tuple[Any, ...]) -> float:
        told = {n: options[n][i] for n, i in zip(names, state, strict=True) if i is not None}
        if Board(layout, told).choose() is None:
            return 0.0
        costs = []
        for k, name in enumerate(names):
            if state[k] is None:
                after = [expected((*state[:k], i, *state[k + 1 :])) for i in range(len(options[name]))]
                costs.append(1.0 + statistics.mean(after))
        return min(costs)

    return expected((None,) * len(names))


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--applicants", type=int, default=1000)
    parser.add_argument("--least", type=int, default=100)
    parser.add_argument("--goal", action="append")
    parser.add_argument("--optimum", type=int, default=60)
    args = parser.parse_args()
    assessor = Assessor(load_rulebase())
    for name in args.goal or goals(assessor):
        measure(assessor, name, args.applicants, args.least)
    if args.optimum:
        optimum(args.optimum)


if __name__ == "__main__":
    main()
