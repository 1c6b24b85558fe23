"""A table of cases is told what each case is told by itself: status, blockers, unknowns, stages, contradictions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor, Derived, Notes, values_of
from imgrules.assessment.case import Case
from imgrules.assessment.wording import Wording
from imgrules.batch.evaluate import Evaluated, Evaluator, Sets, case_of
from imgrules.engines.columnar import table
from imgrules.engines.protocol import Derivation
from imgrules.engines.reference import truths
from imgrules.errors import CaseError, EngineError
from imgrules.rulebase.load import check_files
from tests.cases import random_case

seeds = st.integers(min_value=0, max_value=10**9)


def frame_of(cases: list[Case], assessor: Assessor) -> pl.DataFrame:
    facts = table([dict(case.facts) for case in cases], assessor.rulebase.types)
    own = {
        "case": pl.Series([case.id for case in cases]),
        "as_of": pl.Series([case.as_of for case in cases], dtype=pl.Date),
        "jurisdictions": pl.Series([" ".join(sorted(case.jurisdictions)) for case in cases]),
        "row": pl.Series(range(len(cases)), dtype=pl.UInt32),
    }
    return pl.DataFrame({**own, **{name: facts[name] for name in facts.columns}})


def derived(case: Case, assessor: Assessor) -> Derived:
    """The case by the plain evaluator: what comes of it is compared, not who proved it."""
    case = case.changed(jurisdictions=sorted(case.jurisdictions))
    program = assessor.grounder.program(case.as_of, case.jurisdictions)
    values = values_of(case, program)
    proved: dict[str, Any] = {
        f"{node}{'+' if truth else '-'}": () for node, truth in truths(program, values).items() if truth is not None
    }
    notes = Notes(Wording(assessor.rulebase, case.as_of))
    return Derived(assessor.rulebase, case, program, values, Derivation(proved), notes)


def refusal(one: Derived) -> set[str]:
    try:
        one.refuse_contradictions()
    except CaseError as error:
        return {problem.message for problem in error.problems}
    return set()


def told(found: Evaluated) -> dict[str, dict[str, Any]]:
    lines: dict[str, dict[str, Any]] = {}
    for line in found.routes.to_pylist():
        lines.setdefault(line["case"], {})[line["route"]] = line
    return lines


@pytest.mark.no_cover
@settings(max_examples=4)
@given(seeds)
def test_every_case_is_told_what_it_is_told_by_itself(assessor: Assessor, seed: int) -> None:
    """Cases of different days and jurisdictions in one table: every route of each, and every refusal."""
    cases = [random_case(assessor.rulebase, seed + i, [None, 0.3, 0.9][i % 3]) for i in range(12)]
    found = Evaluator(assessor.rulebase, "all").evaluate(frame_of(cases, assessor))
    lines, rows = told(found), {row["case"]: row for row in found.cases.to_pylist()}
    for i, case in enumerate(cases):
        one = derived(case, assessor)
        refused = refusal(one)
        assert {p.message for p in found.refused.get(i, ())} == refused
        if refused:
            assert case.id not in rows
            continue
        assessment = one.assessment
        assert {s.id: s.outcome for s in assessment.stages} == {s.id: rows[case.id][s.id] for s in assessment.stages}
        assert list(lines[case.id]) == list(dict.fromkeys(lines[case.id]))
        assert set(lines[case.id]) == {route.id for route in assessment.routes}
        for route in assessment.routes:
            line = lines[case.id][route.id]
            assert line["status"] == route.status
            assert line["blockers"].split() == [b.requirement for b in route.blockers]
            assert set(line["unknown"].split()) == {u.name for u in route.unknown if u.kind == "fact"}
            assert set(line["confirm"].split()) == {u.name for u in route.unknown if u.kind == "confirm"}
            assert rows[case.id][route.status] > 0
            ahead = route.status in ("reachable", "undetermined")
            steps = [b.remedy for b in route.blockers] + [u.text for u in route.unknown]
            assert line["next"] in (steps if ahead and steps else [None])
            if ahead and route.blockers:
                assert line["next"] == steps[0]
            waits = [b.ready_on for b in route.blockers if b.ready_on]
            assert line["ready_on"] == (max(waits) if waits else None)


def test_only_the_routes_wanted(assessor: Assessor) -> None:
    """Main routes with the fast tracks, all routes, or those named, with and without a jurisdiction."""
    cases = [random_case(assessor.rulebase, 3, known=0.0).changed(jurisdictions=codes) for codes in ([], ["CA", "TX"])]
    frame = frame_of(cases, assessor)
    every = set(Evaluator(assessor.rulebase, "all").evaluate(frame).routes["route"].to_pylist())
    main = set(Evaluator(assessor.rulebase, "main").evaluate(frame).routes["route"].to_pylist())
    assert main < every
    named = Evaluator(assessor.rulebase, ("licence.standard", "ecfmg.certification")).evaluate(frame).routes
    assert named["route"].to_pylist() == [
        "ecfmg.certification", "ecfmg.certification", "licence.standard@CA", "licence.standard@TX",
    ]  # fmt: skip
    only = Evaluator(assessor.rulebase, ("licence.standard@TX",)).evaluate(frame).routes
    assert only["route"].to_pylist() == ["licence.standard@TX"]


def test_one_evaluator_for_tables_of_growing_aims(assessor: Assessor) -> None:
    """What a table is told does not depend on the tables before it."""
    evaluator = Evaluator(assessor.rulebase, "main")
    case = random_case(assessor.rulebase, 11, known=0.6)
    for codes in (["CA"], ["TX", "VT"], ["CA"], []):
        frame = frame_of([case.changed(jurisdictions=codes)], assessor)
        assert evaluator.evaluate(frame).routes.equals(Evaluator(assessor.rulebase, "main").evaluate(frame).routes)


@given(st.lists(st.lists(st.booleans(), min_size=150, max_size=150), min_size=0, max_size=12), st.integers(0, 150))
def test_sets_hold_what_their_masks_hold(rows: list[list[bool]], width: int) -> None:
    """However many things there are: more than fit one machine word too."""
    import numpy as np

    names = [f"n{j}" for j in range(width)]
    masks = [np.array([row[j] for row in rows], bool) for j in range(width)]
    found = Sets(names, masks, len(rows))
    texts = found.texts.to_pylist()
    for row, code in zip(rows, found.codes, strict=True):
        held = [name for name, yes in zip(names, row[:width], strict=True) if yes]
        assert texts[code] == " ".join(held)
        assert found.first[code] == (names.index(held[0]) if held else -1)
    assert found.counts == [sum(row[j] for row in rows) for j in range(width)]


def test_a_row_goes_back_to_the_case_it_was(assessor: Assessor) -> None:
    """Numbers, days, codes and sets of a table are the case's own."""
    case = random_case(assessor.rulebase, 5, known=0.9)
    row = frame_of([case], assessor).row(0, named=True)
    again = case_of(row, assessor.rulebase)
    assert (again.id, again.as_of, again.facts) == (case.id, case.as_of, dict(case.facts))


def test_a_number_beyond_every_engine_refuses_its_row_alone(assessor: Assessor) -> None:
    """Where arithmetic goes beyond 62 bits the row is refused, as the rule engine would refuse it; the others are judged."""
    folder = Path(__file__).parents[1] / "rulebase"
    base = (folder / "base.yaml").read_text(encoding="utf-8")
    base = base.replace("range: [0, 20], title: attempts", "title: attempts")
    base = base.replace(
        "derived:\n", "derived:\n  exam.square: {type: int, title: square, is: exam.attempts * exam.attempts}\n"
    )
    base = base.replace("exam.attempts <= 4", "exam.square <= 16")
    rulebase, problems = check_files(
        {"base.yaml": base, "land.yaml": (folder / "land.yaml").read_text(encoding="utf-8")}
    )
    assert rulebase
    assert not [p for p in problems if p.severity == "error"]
    sizes = [3, 10**11, 5, -(10**6)]
    cases = [Case(str(n), date(2026, 11, 22), ("AA",), {"exam.attempts": n}) for n in sizes]
    small = Assessor(rulebase)
    found = Evaluator(rulebase, "all").evaluate(frame_of(cases, small))
    assert list(found.refused) == [1]
    assert [p.code for p in found.refused[1]] == ["C021"]
    assert found.cases["case"].to_pylist() == ["3", "5", "-1000000"]
    blockers = {line["case"]: line["blockers"] for line in found.routes.to_pylist()}
    assert blockers == {"3": "", "5": "exam.ok", "-1000000": "exam.ok"}
    with pytest.raises(EngineError, match="beyond"):
        small.derive(cases[1])
