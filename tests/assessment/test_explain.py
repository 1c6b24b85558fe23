"""Explanations: every conclusion can be asked why, and the answer rests on facts, parameters and sources."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imgrules
from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.explain import Reason, explain, to_dot
from imgrules.errors import CaseError, InputError
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Outcome
from tests.cases import random_case

LEAF_KINDS = {"fact", "derived", "parameter", "confirm", "unknown", "group"}


def every(reason: Reason) -> Iterator[Reason]:
    yield reason
    for child in reason.because:
        yield from every(child)


def derived(assessor: Assessor, seed: int) -> Derived | None:
    try:
        return assessor.derive(random_case(assessor.rulebase, seed))
    except CaseError:
        return None


@settings(max_examples=25)
@given(st.integers(min_value=0, max_value=10**9))
def test_every_conclusion_is_explained_down_to_something_told(assessor: Assessor, seed: int) -> None:
    """The outcome is the engine's, each branch ends in a fact, parameter or something to confirm, rules carry sources."""
    found = derived(assessor, seed)
    for name in found.program.rules if found else ():
        reason = explain(found, name)  # type: ignore[arg-type]  # the loop is empty where there is none
        assert found is not None
        assert reason.outcome is found.outcome(name)
        for item in every(reason):
            if not item.because and "explained above" not in item.text:
                assert item.kind in LEAF_KINDS, (name, item)
            if item.kind in ("requirement", "finding", "route") and item.because:
                assert item.sources


@settings(max_examples=25)
@given(st.integers(min_value=0, max_value=10**9))
def test_an_unknown_conclusion_names_facts_not_told_or_things_to_confirm(assessor: Assessor, seed: int) -> None:
    """What an unknown hangs on is really unknown."""
    found = derived(assessor, seed)
    for name in found.program.rules if found else ():
        assert found is not None
        if found.outcome(name) is Outcome.UNKNOWN:
            ends = [item for item in every(explain(found, name)) if item.kind in ("unknown", "confirm")]
            assert ends, name
            assert not [item.name for item in ends if item.kind == "unknown" and item.name in found.case.facts]


def test_the_words_of_a_proof(rules: Rulebase) -> None:
    """A number against a parameter reads as a sentence with its source."""
    facts = {"usmle.step3.passed": True, "usmle.step3.attempts": 5, "licence.held_years": 0, "board.certified": False}
    facts |= {"licence.full_in": []}  # type: ignore[dict-item]
    reason = imgrules.why(facts, "licence.step3_attempts@CA", rules, as_of="2026-11-22", jurisdictions=["CA"])
    texts = [item.text for item in every(reason)]
    assert reason.outcome is Outcome.NOT_MET
    assert any("5 attempts" in text and "more than 4 attempts" in text for text in texts), texts
    assert [s for item in every(reason) for s in item.sources if s.id.startswith("ca-")]


def test_a_name_is_found_or_explained(assessor: Assessor, rules: Rulebase) -> None:
    """A code may be left off where only one fits; otherwise the message says what to do."""
    case = imgrules.make_case({}, rules, as_of="2026-11-22", jurisdictions=["CA"])
    one = assessor.derive(case)
    assert explain(one, "licence.standard").name == "licence.standard@CA"
    two = assessor.derive(case.changed(jurisdictions=["CA", "TX"]))
    none = assessor.derive(case.changed(jurisdictions=[]))
    for found, name, words in (
        (two, "licence.standard", "Name one: licence.standard@CA"),
        (none, "licence.standard", "--state XX"),
        (one, "licence.standard@TX", "Add --state TX"),
        (one, "usmle.step1.passed", "is a fact"),
        (one, "ecfmg.certificaton", "Did you mean ecfmg.certification"),
    ):
        with pytest.raises(InputError, match=words):
            explain(found, name)


def test_a_graph_of_a_proof(rules: Rulebase) -> None:
    """The dot form has a node for each line and an edge to what it supports."""
    reason = imgrules.why({"visa.status": "lpr"}, "visa.none_needed", rules, as_of="2026-11-22")
    dot = to_dot(reason)
    lines = sum(1 for _ in every(reason))
    assert dot.startswith("digraph")
    assert dot.count("label=") == lines
    assert dot.count("->") == lines - 1
