"""What is remembered or kept changes what an answer costs, never the answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment import assess
from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, read_case
from imgrules.assessment.explain import explain
from imgrules.engines.durable import DurableEngine
from imgrules.errors import CaseError
from imgrules.rulebase import ground
from imgrules.rulebase.ir import Segment
from imgrules.rulebase.load import default_folder, load_rulebase, shipped
from imgrules.rulebase.rulebase import Rulebase
from tests.cases import random_case

seeds = st.integers(min_value=0, max_value=10**9)


def answer(assessor: Assessor, case: Case) -> tuple[str, ...]:
    """All that is said of a case: the assessment, and some explanations."""
    try:
        derived = assessor.derive(case)
    except CaseError as error:
        return (str(error),)
    names = list(derived.program.rules)[::40]
    return (derived.assessment.model_dump_json(), *(explain(derived, name).model_dump_json() for name in names))


@pytest.mark.no_cover
@settings(max_examples=10)
@given(seeds)
def test_an_assessor_that_has_seen_others_says_the_same(assessor: Assessor, seed: int) -> None:
    """After other cases, other aims and the case itself, byte for byte what an assessor without memory says."""
    case = random_case(assessor.rulebase, seed)
    bare = Assessor(assessor.rulebase, DurableEngine(remember=0))
    expected = answer(bare, case)
    r = Random(seed)
    near = case.changed(facts={name: value for name, value in case.facts.items() if r.random() < 0.9})
    fewer = case.changed(jurisdictions=case.jurisdictions[1:])
    for other in (near, fewer, case):
        answer(assessor, other)
    assert answer(assessor, case) == expected
    assessor.forget()
    assert answer(assessor, case) == expected


def neighbours(case: Case) -> Iterator[Case]:
    """A case with one fact or the day changed at a time."""
    yield case.changed(as_of=case.as_of + timedelta(days=1))
    for name, value in case.facts.items():
        others = {n: v for n, v in case.facts.items() if n != name}
        yield case.changed(facts=others)
        if isinstance(value, bool):
            yield case.changed(facts={**others, name: not value})
        elif isinstance(value, int):
            yield case.changed(facts={**others, name: value + 1})
        elif isinstance(value, date):
            yield case.changed(facts={**others, name: value - timedelta(days=20)})


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["demo.yaml", "certification/canadian-student-of-2027.yaml"])
def test_one_fact_changed_at_a_time_is_never_confused(assessor: Assessor, rules: Rulebase, name: str) -> None:
    """Neighbours of a case, one after another: routes with other blockers, other dates in their texts, surer advice."""
    case = read_case(shipped("cases") / name, rules)
    bare = Assessor(rules, DurableEngine(remember=0))
    assessor.forget()
    for i, other in enumerate(neighbours(case)):
        try:
            found = assessor.assess(other)
        except CaseError:
            continue
        if i % 2:  # asking the slow one about every second is enough: all have been remembered
            bare.forget()
            assert found.model_dump_json() == bare.assess(other).model_dump_json()


def test_what_an_earlier_start_kept_gives_the_same(
    rules: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new process's assessor reads the grounded segments and rulesets; some kept and some not is as good."""
    monkeypatch.setenv("IMGRULES_CACHE", str(tmp_path))
    case = random_case(rules, 7, known=0.05).changed(jurisdictions=["CA", "TX"])
    expected = answer(Assessor(rules), case)
    assert len(expected) > 1
    assert answer(Assessor(load_rulebase()), case) == expected
    written = {path.name for path in tmp_path.glob("*.parts/*")}
    assert {name.partition("-")[2] for name in written} == {"national.pickle", "CA.pickle", "TX.pickle"}
    next(tmp_path.glob("*.parts/*CA.pickle")).unlink()
    built: list[str | None] = []
    real = ground._Builder.build

    def build(self: ground._Builder, epoch: int) -> Segment:
        built.append(self.scope)
        return real(self, epoch)

    monkeypatch.setattr(ground._Builder, "build", build)
    assert answer(Assessor(load_rulebase(default_folder())), case) == expected
    assert built == ["CA"]


def test_memory_is_bounded(assessor: Assessor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of assessments, programs and runs: none grows past its bound, however many cases come."""
    monkeypatch.setattr(ground, "MAX_PROGRAMS", 2)
    monkeypatch.setattr(assess, "MAX_PARTS", 400)
    small = Assessor(assessor.rulebase, DurableEngine(remember=50))
    sizes = []
    for i, code in enumerate(("CA", "TX", "NY", "FL")):
        small.assess(random_case(assessor.rulebase, i, known=0.0).changed(jurisdictions=[code]))
        sizes.append(sum(len(notes.parts) for notes in small._notes.values()))
    assert min(sizes) > 400  # each alone is more than may stay
    assert max(sizes) < 2 * min(sizes)
    assert len(small.grounder._programs) <= 2
    assert isinstance(small.engine, DurableEngine)
    assert small.engine._fire.cache_info().currsize <= 50
