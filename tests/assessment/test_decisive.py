"""What is called decisive would change the outcome if it were the other way round, and nothing else would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, read_case
from imgrules.assessment.decisive import Hopeful, Judged, Part, Reach, conditions
from imgrules.assessment.golden import golden_files
from imgrules.assessment.probes import PREFIX, with_probes
from imgrules.engines.reference import literal_truth, truths
from imgrules.rulebase.grammar import Condition, Leaf
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import FixedNode, GroundRule, LeafNode
from imgrules.rulebase.load import check_files, shipped
from tests.worlds import CODES, DAY, make_facts, make_world

Truth = bool | None

pytestmark = pytest.mark.no_cover  # three times as fast, and other tests pass here too


def evaluate(part: Part, leaf: Mapping[int, Truth], turned: Part) -> Truth:
    """A condition by counting, with one part of it turned round."""
    condition: Condition = part.condition
    if isinstance(condition, Leaf):
        truth = leaf[id(part)]
    else:
        parts = [evaluate(p, leaf, turned) for p in part.parts]
        yes, no = parts.count(True), parts.count(False)
        need = {"all": len(parts), "any": 1, "at_least": condition.n, "not": 1}[condition.kind]
        truth = True if yes >= need else False if len(parts) - no < need else None
        if condition.kind == "not":
            truth = None if truth is None else not truth
    return (None if truth is None else not truth) if part is turned else truth


def outcome(rule: GroundRule, fields: Mapping[str, Truth], excuse: Truth) -> Truth:
    """A rule from its conditions, by the words of the rule format."""
    main = fields.get("when", fields.get("met_when"))
    if main is not None and rule.entry.model.decides not in ("both", "met" if main else "not_met"):
        main = None
    applies = fields.get("applies_when", True)
    parts = [main, None if applies is None else not applies, fields.get("excused_when", False), excuse]
    return True if True in parts else None if None in parts else False


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_decisive_means_that_turning_it_changes_the_outcome(world_seed: int, facts_seed: int) -> None:
    """Random rulebases and cases, each part of each condition turned round by brute force."""
    world = make_world(world_seed)
    rulebase, _ = check_files(world.files, label="")
    assert rulebase is not None
    roots = conditions(rulebase)
    probes = [part.probe for root in roots for part in root.all()]
    program = Grounder(with_probes(rulebase, probes)).program(DAY, CODES)
    judged = Judged(program, Case("c", DAY, CODES, make_facts(world, facts_seed)))
    by_entry: dict[int, dict[str, Part]] = {}
    for root in roots:
        by_entry.setdefault(id(root.probe.entry), {})[root.probe.field] = root
    claimed = {(id(part), literal) for part, _, literal in judged.decisive(by_entry)}
    assert claimed <= {(id(part), literal) for part, literal in Hopeful(program).heard(by_entry)}
    checked = 0
    for rule in judged.rules.values():
        fields = by_entry.get(id(rule.entry), {})
        if rule.entry.section == "routes":
            continue
        literals = {
            id(p): program.rules[p.probe.grounded(rule.scope)].literal for r in fields.values() for p in r.all()
        }
        leaf = {key: judged.truth(literal) for key, literal in literals.items()}

        def judge(
            turned: Any, rule: GroundRule = rule, fields: Mapping[str, Part] = fields, leaf: Mapping[int, Truth] = leaf
        ) -> Truth:
            return outcome(rule, {f: evaluate(p, leaf, turned) for f, p in fields.items()}, False)

        assert judge(None) == judged.truth(rule.literal)
        for part in (p for root in fields.values() for p in root.all()):
            checked += 1
            changes = leaf[id(part)] is not None and judge(part) != judge(None)
            assert changes == ((id(part), literals[id(part)]) in claimed), part.condition
    assert checked


def some_cases(assessor: Assessor, every: int) -> list[Case]:
    """Some of the shipped golden cases, in turn."""
    return [read_case(path, assessor.rulebase) for path in golden_files(shipped("cases"))[::every]]


def test_statuses_are_those_of_assessments(assessor: Assessor) -> None:
    """The table of statuses that coverage turns requirements in is the one that applicants are told by."""
    compared = 0
    for case in some_cases(assessor, 9):
        derived = assessor.derive(case)
        judged = Judged(derived.program, case)
        for route in derived.assessment.routes:
            rule = derived.program.rules[route.id]
            if rule.in_force:
                compared += 1
                assert judged.standing(rule)[0] == route.status, (case.id, route.id)
                assert set(judged.needs(rule)) >= {b.requirement for b in route.blockers}
    assert compared > 500


def test_turning_a_requirement_turns_the_route(assessor: Assessor) -> None:
    """The outcome recomputed with nothing turned is the one that was derived, nested routes included."""
    for case in some_cases(assessor, 29):
        program = assessor.grounder.program(case.as_of, case.jurisdictions)
        judged = Judged(program, case)
        heard = {need.name for need in Hopeful(program).heard_requirements()}
        assert {need.name for need, _ in judged.decisive_requirements()} <= heard
        for rule in judged.rules.values():
            if rule.entry.section == "routes" and rule.in_force:
                assert judged.standing(rule, {"no.such.requirement": True}) == judged.standing(rule)
                for name in judged.needs(rule):
                    truth = judged.truth(judged.rules[name].literal)
                    assert judged.standing(rule, {name: truth}) == judged.standing(rule)
                    assert judged.standing(rule, {name: False})[1] is False


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_reach_covers_every_truth_ever_seen(world_seed: int, facts_seed: int) -> None:
    """What an applicant turns out to be, the reach said could be; where no fact is looked at, no side is asked for."""
    world = make_world(world_seed)
    rulebase, _ = check_files(world.files, label="")
    assert rulebase is not None
    program = Grounder(rulebase).program(DAY, CODES)
    reach = Reach(program)
    found = truths(program, make_facts(world, facts_seed))
    for node in program.nodes.values():
        truth = literal_truth(f"{node.id}+", found)
        assert truth is None or truth in reach.possible(f"{node.id}+")
        assert reach.sides(f"{node.id}+") <= reach.possible(f"{node.id}+")
        assert {not side for side in reach.sides(f"{node.id}-")} == reach.sides(f"{node.id}+")
        if isinstance(node, FixedNode):
            assert reach.sides(f"{node.id}+") == set()
        if isinstance(node, LeafNode):
            assert reach.sides(f"{node.id}+") == reach.possible(f"{node.id}+")


def test_probes_leave_the_rules_as_they_are(assessor: Assessor) -> None:
    """A rulebase with probes says the same of every rule as one without."""
    parts = [part for root in conditions(assessor.rulebase) for part in root.all()]
    probed = Grounder(with_probes(assessor.rulebase, (part.probe for part in parts)))
    case = next(c for c in some_cases(assessor, 1) if c.jurisdictions == ("CA",))
    plain = Judged(assessor.grounder.program(case.as_of, case.jurisdictions), case)
    also = Judged(probed.program(case.as_of, case.jurisdictions), case)
    assert set(also.rules) == set(plain.rules)
    assert all(also.truth(also.rules[n].literal) == plain.truth(r.literal) for n, r in plain.rules.items())
    assert any(name.startswith(PREFIX) for name in also.program.rules)
