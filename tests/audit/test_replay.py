"""What was recorded is derived again exactly, from the ledger alone; whatever came out otherwise is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, read_case
from imgrules.assessment.golden import golden_files
from imgrules.assessment.result import Status
from imgrules.audit import library
from imgrules.audit import replay as replaying
from imgrules.audit.ledger import Ledger
from imgrules.audit.proof import proof_of
from imgrules.audit.record import Decision
from imgrules.audit.replay import derive_again, replay
from imgrules.engines.protocol import Derivation, Step
from imgrules.errors import CaseError, Problem
from imgrules.rulebase.load import check_files, shipped
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Outcome
from tests.audit.samples import MASTER, SIGNING, open_ledger
from tests.cases import random_case
from tests.worlds import CODES, DAY, make_facts, make_world


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One ledger for many properties."""
    with open_ledger(str(tmp_path_factory.mktemp("replay") / "ledger.db")) as ledger:
        yield ledger


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.floats(0.1, 1))
def test_record_then_replay_is_the_same(shared: Ledger, seed: int, known: float) -> None:
    """Any rulebase, any facts: outcomes, statuses and proofs."""
    world = make_world(seed, size=10)
    rulebase, _ = check_files(world.files)
    assert rulebase is not None
    shared.keep(world.files)
    derived = Assessor(rulebase).derive(Case(f"c{seed}", DAY, CODES, make_facts(world, seed, known)))
    record = shared.record(derived, "t")
    found = replay(shared, [record])
    assert found.ok, found.differences
    assert (found.replayed, found.with_proof, found.outcomes) == (1, 1, len(derived.program.rules))
    assert derive_again(shared, record).derivation.proved == derived.derivation.proved


def test_golden_cases_replay_exactly(tmp_path: Path, assessor: Assessor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of the shipped cases, recorded, then derived again from the files kept in the ledger."""
    place = tmp_path / "ledger.db"
    with Ledger.open(place, key=MASTER, signing_key=SIGNING) as ledger:
        for path in golden_files(shipped("cases"))[::60]:
            ledger.record(assessor.derive(read_case(path, assessor.rulebase)), "t")
    monkeypatch.setattr(library, "read_files", lambda folder: {})  # the files on disk are of no use
    with Ledger.open(place, key=MASTER, signing_key=SIGNING, create=False) as ledger:
        records = list(ledger.records())
        found = replay(ledger, records)
        assert found.ok, found.differences
        assert found.replayed == found.with_proof == len(records) >= 7
        assert ledger.verify().ok
        assert max(_sizes(ledger)) < 2000


def _sizes(ledger: Ledger) -> list[int]:
    from sqlalchemy import func, select

    from imgrules.audit.tables import records

    with ledger._store.reading() as connection:
        return list(connection.scalars(select(func.length(records.c.sealed))))


@given(st.integers(0, 10**6))
@settings(max_examples=6)
def test_random_cases_of_the_shipped_rules(shared: Ledger, assessor: Assessor, seed: int) -> None:
    """Typed facts survive the ledger: decimals, dates, sets."""
    case = random_case(assessor.rulebase, seed, known=0.3)
    try:
        derived = assessor.derive(case)
    except CaseError:
        return
    record = shared.record(derived, "t")
    assert shared.case(record).facts == case.facts
    assert replay(shared, [record]).ok


def small_world() -> tuple[Rulebase, dict[str, str]]:
    world = make_world(11, size=10)
    rulebase, _ = check_files(world.files)
    assert rulebase is not None
    return rulebase, world.files


def test_every_difference_is_named(tmp_path: Path) -> None:
    """An outcome, a status, a proof, a fact or a day recorded otherwise than derived."""
    rulebase, files = small_world()
    world = make_world(11, size=10)
    derived = Assessor(rulebase).derive(Case("c", DAY, CODES, make_facts(world, 1, 0.8)))
    outcomes = {name: derived.derivation.outcome(rule.literal) for name, rule in derived.program.rules.items()}
    routes = {route.id: route.status for route in derived.assessment.routes}
    right = Decision(rulebase, "c", DAY, CODES, derived.case.facts, outcomes, routes, proof_of(derived))
    name, route = next(n for n, o in outcomes.items() if o is not Outcome.UNKNOWN), next(iter(routes))
    fewer = {n: o for n, o in outcomes.items() if n != name}
    assert right.proof is not None
    position = list(outcomes).index(name)
    marks = bytearray(right.proof.marks)
    marks[2 * position] ^= 1
    fact = next(fact for fact in derived.case.facts if any(fact in s.facts for s in derived.program.segments))
    made = {
        "right": right,
        "outcome": replace(right, outcomes={**outcomes, name: Outcome.UNKNOWN}),
        "no outcome": replace(right, proof=None, outcomes=fewer),
        "status": replace(right, routes={**routes, route: next(s for s in Status if s is not routes[route])}),
        "proof": replace(right, proof=replace(right.proof, digest=bytes(32), marks=bytes(marks))),
        "another proof": replace(right, proof=replace(right.proof, digest=bytes(32))),
        "fact": replace(right, facts={n: v for n, v in right.facts.items() if n != fact}),
        "jurisdiction": replace(right, jurisdictions=CODES[:1]),
    }
    with open_ledger(str(tmp_path / "ledger.db")) as ledger:
        ledger.keep(files)
        list(ledger.record_many(made.values(), "t"))
        found = {label: replay(ledger, [r]) for label, r in zip(made, ledger.records(), strict=True)}
        assert found["right"].ok
        assert found["no outcome"].ok
        assert [(d.part, d.name, d.recorded) for d in found["outcome"].differences] == [("outcome", name, "unknown")]
        assert [(d.part, d.name) for d in found["status"].differences] == [("status", route)]
        assert [(d.part, d.name) for d in found["proof"].differences] == [("proof", name)]
        assert [(d.part, d.name) for d in found["another proof"].differences] == [("proof", "")]
        assert not found["fact"].ok
        assert {d.now for d in found["jurisdiction"].differences if d.part != "proof"} == {"absent"}
        assert f"record 2: outcome {name}: was unknown" in str(found["outcome"].differences[0])
        ledger.erase("c", "t")
        gone = replay(ledger, ledger.records())
        assert (gone.replayed, gone.erased, gone.ok) == (0, len(made) + 1, True)


def test_what_cannot_be_derived_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts that do not fit their rules, facts that contradict each other, and rules that no longer load, are told."""
    rulebase, files = small_world()
    number = next(name for name, type_ in rulebase.types.items() if type_.kind == "date" and name in rulebase.facts)
    made = Decision(rulebase, "c", DAY, CODES, {number: "many"}, {}, {})
    with open_ledger(str(tmp_path / "ledger.db")) as ledger:
        ledger.keep(files)
        list(ledger.record_many([made], "t"))
        record = ledger.get(1)
        assert "do not fit" in replay(ledger, [record]).differences[0].now

        def refuse(*_: object) -> None:
            raise CaseError([Problem("C020", "a secret fact")])

        monkeypatch.setattr(replaying, "derive_again", refuse)
        (found,) = replay(ledger, [record]).differences
        assert "contradict" in str(found)
        assert "secret" not in str(found)
    monkeypatch.undo()
    monkeypatch.setattr(library, "check_files", lambda *_, **__: (None, [Problem("R001", "This file is empty.")]))
    with open_ledger(str(tmp_path / "ledger.db")) as ledger:
        (found,) = replay(ledger, ledger.records()).differences
        assert "cannot be read by this version of imgrules: R001" in found.now


def test_a_proof_is_the_same_whatever_the_order(assessor: Assessor) -> None:
    """Run again by a fresh engine, and told apart from the proof of other facts with the same outcomes."""
    case = read_case(shipped("cases") / "demo.yaml", assessor.rulebase)
    one, two = proof_of(assessor.derive(case)), proof_of(Assessor(assessor.rulebase).derive(case))
    assert one == two
    derived = assessor.derive(case)
    turned = {
        literal: tuple(Step(step.rule, step.premises[::-1]) for step in reversed(steps))
        for literal, steps in list(derived.derivation.proved.items())[::-1]
    }
    assert proof_of(replace(derived, derivation=Derivation(turned))) == one
    facts = dict(case.facts)
    number = next(n for n, v in facts.items() if isinstance(v, int) and not isinstance(v, bool) and v > 24)
    other = assessor.derive(case.changed(facts={**facts, number: facts[number] + 1}))  # type: ignore[operator]
    assert proof_of(other) != one
