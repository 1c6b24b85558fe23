"""durable-rules, the reference evaluator and the oracle agree on every finding of every rulebase and case."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor, values_of
from imgrules.assessment.case import Case
from imgrules.engines.durable import DurableEngine
from imgrules.engines.protocol import Derivation
from imgrules.engines.reference import literal_truth, truths
from imgrules.errors import Severity
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import FixedNode, GateNode, JunctionNode, LeafNode, Program, Values, opposite
from imgrules.rulebase.load import check_files
from imgrules.rulebase.rulebase import Rulebase
from tests.cases import random_case
from tests.worlds import CODES, DAY, World, make_facts, make_world, oracle, random_value

pytestmark = pytest.mark.no_cover  # three times as fast, and other tests pass here too
seeds = st.integers(min_value=0, max_value=10**9)
ENGINE = DurableEngine()


def loaded(world: World) -> tuple[Rulebase, Program]:
    rulebase, problems = check_files(world.files)
    errors = [str(p) for p in problems if p.severity is Severity.ERROR]
    assert not errors
    assert rulebase
    return rulebase, Grounder(rulebase).program(DAY, CODES)


def outcomes(program: Program, derivation: Derivation) -> dict[str, bool | None]:
    return {name: derivation.truth(rule.literal) for name, rule in program.rules.items()}


def run(rulebase: Rulebase, program: Program, facts: dict[str, Any]) -> tuple[Values, Derivation]:
    values = values_of(Case("c", DAY, CODES, facts), program)
    return values, ENGINE.run(program, values)


@given(seeds, seeds)
def test_durable_reference_and_oracle_agree_on_random_rulebases(world_seed: int, facts_seed: int) -> None:
    """Every finding, requirement and node has the same truth by all three readings."""
    world = make_world(world_seed)
    rulebase, program = loaded(world)
    facts = make_facts(world, facts_seed)
    values, derivation = run(rulebase, program, facts)
    nodes = truths(program, values)
    assert {n: derivation.truth(f"{n}+") for n in nodes} == nodes
    expected = oracle(world, facts)
    found = outcomes(program, derivation)
    assert {name: found[name] for name in expected} == expected


@given(seeds)
def test_durable_and_reference_agree_on_the_shipped_rules(assessor: Assessor, seed: int) -> None:
    """On random partial cases and dates, every node of the shipped rulebase has the same truth by both."""
    case = random_case(assessor.rulebase, seed)
    program = assessor.grounder.program(case.as_of, case.jurisdictions)
    values = values_of(case, program)
    derivation, nodes = assessor.engine.run(program, values), truths(program, values)
    assert {n: derivation.truth(f"{n}+") for n in nodes} == nodes


@given(seeds, seeds)
def test_the_order_of_facts_never_matters(world_seed: int, facts_seed: int) -> None:
    """Facts asserted in any order give the same proofs."""
    world = make_world(world_seed)
    rulebase, program = loaded(world)
    facts = make_facts(world, facts_seed)
    shuffled = list(facts.items())
    Random(facts_seed).shuffle(shuffled)
    assert run(rulebase, program, facts)[1] == run(rulebase, program, dict(shuffled))[1]


@given(seeds, seeds)
def test_adding_a_fact_decides_only_what_was_unknown(world_seed: int, facts_seed: int) -> None:
    """What was met or not met stays so whatever else becomes known."""
    world = make_world(world_seed)
    rulebase, program = loaded(world)
    facts = make_facts(world, facts_seed, known=0.4)
    r = Random(facts_seed)
    more = {**{n: random_value(r, k) for n, k in world.types.items() if r.random() < 0.5}, **facts}
    before = outcomes(program, run(rulebase, program, facts)[1])
    after = outcomes(program, run(rulebase, program, more)[1])
    assert all(after[name] == truth for name, truth in before.items() if truth is not None)


@given(seeds)
def test_adding_a_fact_decides_only_what_was_unknown_in_the_shipped_rules(assessor: Assessor, seed: int) -> None:
    """The same for the shipped rulebase: learn half of a fuller case first."""
    full = random_case(assessor.rulebase, seed, known=0.7)
    r = Random(seed)
    part = full.changed(facts={n: v for n, v in full.facts.items() if r.random() < 0.5})
    program = assessor.grounder.program(full.as_of, full.jurisdictions)
    before = outcomes(program, assessor.engine.run(program, values_of(part, program)))
    after = outcomes(program, assessor.engine.run(program, values_of(full, program)))
    assert all(after[name] == truth for name, truth in before.items() if truth is not None)


def replay(program: Program, values: Values, derivation: Derivation) -> int:
    """Check each step of a proof by its rule alone; the number of steps checked."""
    checked = 0
    for literal, steps in derivation.proved.items():
        node, positive = program.nodes[literal[:-1]], literal[-1] == "+"
        assert steps, literal
        for step in steps:
            checked += 1
            held = [p for p in step.premises if not p.startswith("fact:")]
            assert all(premise in derivation.proved for premise in held), step
            if isinstance(node, FixedNode):
                assert node.truth is positive
            elif isinstance(node, LeafNode):
                test = node.proves if positive else node.refutes
                assert step.premises == (f"fact:{node.fact}",)
                assert test
                assert test.holds(values[node.fact])
            elif isinstance(node, GateNode):
                assert node.decides in ("both", "met" if positive else "not_met")
                assert step.premises == (node.part if positive else opposite(node.part),)
            else:
                assert isinstance(node, JunctionNode)
                parts = node.parts if positive else tuple(map(opposite, node.parts))
                together = (node.kind == "all") == positive
                assert (
                    step.premises == parts if together else set(step.premises) <= set(parts) and len(step.premises) == 1
                )
    return checked


@given(seeds, seeds)
def test_a_proof_replays(world_seed: int, facts_seed: int) -> None:
    """Each step follows from its premises by its rule, and the premises are proved or are facts."""
    world = make_world(world_seed)
    rulebase, program = loaded(world)
    values, derivation = run(rulebase, program, make_facts(world, facts_seed))
    assert replay(program, values, derivation) >= len(derivation.proved)


@given(seeds)
def test_a_proof_from_the_shipped_rules_replays_and_is_complete(assessor: Assessor, seed: int) -> None:
    """Every true part of an `any`, and every false part of an `all`, is an alternative proof of its own."""
    case = random_case(assessor.rulebase, seed)
    program = assessor.grounder.program(case.as_of, case.jurisdictions)
    values = values_of(case, program)
    derivation = assessor.engine.run(program, values)
    assert replay(program, values, derivation)
    found = truths(program, values)
    for node in program.nodes.values():
        if isinstance(node, JunctionNode) and found[node.id] is (node.kind == "any"):
            sign = node.kind == "any"
            literal = f"{node.id}{'+' if sign else '-'}"
            deciding = [p for p in node.parts if literal_truth(p, found) is sign]
            assert len(derivation.proved[literal]) == len(deciding)


def test_dates_between_two_changes_of_the_rules_share_one_program(assessor: Assessor) -> None:
    """Only a change of the rules makes a new program; a new day does not."""
    one = assessor.grounder.program(date(2026, 11, 22), ["CA"])
    two = assessor.grounder.program(date(2026, 11, 23), ["CA"])
    assert one.segments == two.segments
