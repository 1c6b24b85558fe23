"""Simulated applicants: realistic ones drawn from the golden cases, and answers of any kind for random rulebases."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

from imgrules.assessment.case import Case, read_case
from imgrules.interview.answers import read_answer
from imgrules.interview.board import Board, Layout
from imgrules.interview.goals import truth
from imgrules.interview.network import TRUE
from imgrules.interview.session import Interview
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import BadValue, Value
from tests.cases import random_value

CASES = Path(__file__).parents[2] / "cases"


@cache
def golden(rulebase: Rulebase) -> tuple[Case, ...]:
    """Every golden case."""
    return tuple(read_case(path, rulebase) for path in sorted(CASES.rglob("*.yaml")))


@cache
def pool(rulebase: Rulebase) -> dict[str, list[Value]]:
    """Every value that a golden case gives a fact."""
    found: dict[str, list[Value]] = {}
    for case in golden(rulebase):
        for fact, value in case.facts.items():
            found.setdefault(fact, []).append(value)
    return found


def applicant(layout: Layout, seed: int) -> dict[str, Value]:
    """Everything one applicant could tell: a golden case, its gaps filled from the others, contradictions avoided.

    Facts are drawn in the vocabulary's order; one whose question makes no sense for the applicant stays unknown. A
    value that no golden case gives is drawn at random from its range.
    """
    r = Random(seed)
    rulebase = layout.rulebase
    base = r.choice(golden(rulebase)).facts if golden(rulebase) else {}
    values = pool(rulebase)
    board = Board(layout, {})
    for fact, entry in rulebase.facts.items():
        part = layout.asked_when.get(fact)
        if part is not None and truth(board.codes, part) != TRUE:
            continue
        for attempt in range(8):
            if attempt == 0 and fact in base:
                value = base[fact]
            elif fact in values:
                value = r.choice(values[fact])
            else:
                value = random_value(r, rulebase.types[fact], entry.model.range, layout.day)
            if _in_range(value, fact, layout) and not board.clashes_with(fact, value):
                board.tell(fact, value)
                break
    return {name: value for name, value in board.values.items() if name in rulebase.facts}


def _in_range(value: Value, fact: str, layout: Layout) -> bool:
    """Whether a value drawn from a case of another day is one that can be told on this."""
    try:
        read_answer(value, fact, layout.rulebase, layout.day)
    except BadValue:
        return False
    return True


def play(talk: Interview, person: dict[str, Value], most: int = 400) -> list[str]:
    """Let a person answer until the interview is done, skipping what they cannot tell; the questions asked."""
    asked = []
    while (question := talk.next()) is not None:
        asked.append(question.fact)
        assert len(asked) <= most
        if question.fact in person:
            talk.answer(question.fact, person[question.fact])
        else:
            talk.skip(question.fact)
    return asked
