"""The shipped golden cases give what they say; a wrong expectation is noticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import read_case
from imgrules.assessment.golden import compare, expectation_of, golden_files, run_golden
from imgrules.assessment.result import Status
from imgrules.errors import InputError
from imgrules.rulebase.load import shipped
from imgrules.rulebase.rulebase import Rulebase


def test_every_golden_case_is_as_expected(rules: Rulebase) -> None:
    """All shipped cases, each with a line saying what it pins, by the command; among them every status that there is."""
    line = [sys.executable, "-m", "imgrules", "rules", "test"]  # a process of its own: much faster than under coverage
    ran = subprocess.run(line, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    seen, ids = set(), set()
    for path in golden_files(shipped("cases")):
        case = read_case(path, rules)
        assert case.id not in ids, path
        ids.add(case.id)
        assert case.pins, path
        assert case.expect is not None
        seen |= set(case.expect.routes.values())
    assert seen == {s.value for s in Status}


def test_a_wrong_expectation_is_a_difference(assessor: Assessor, rules: Rulebase, tmp_path: Path) -> None:
    """Statuses, blockers, unknowns, findings, alerts and fast tracks are all compared."""
    path = tmp_path / "wrong.yaml"
    path.write_text(
        """case: wrong
as_of: 2026-11-22
jurisdictions: [CA]
facts: {visa.status: citizen}
expect:
  routes: {visa.none_needed: closed, no.such: open}
  findings: {visa.no_sponsorship_needed: not_met, no.such: met}
  blockers: {licence.standard@CA: [licence.gme_months@CA], no.such: []}
  unknown: {visa.none_needed: [person.in_us]}
  alerts: [no.such]
  fast_tracks: {no.such: true}
"""
    )
    found = run_golden(rules, tmp_path)[0].differences
    assert len(found) == 9
    assert "visa.none_needed: expected closed, got open" in found
    (tmp_path / "empty.yaml").write_text("case: empty\n")
    (tmp_path / "broken.yaml").write_text("facts: [")
    by_file = {r.file: r.differences for r in run_golden(rules, tmp_path)}
    assert "pins nothing" in by_file["empty.yaml"][0]
    assert "C001" in by_file["broken.yaml"][0]
    with pytest.raises(InputError):
        golden_files(tmp_path / "nowhere")
    result = assessor.assess(read_case(path, rules))
    again = expectation_of(result, ["visa.none_needed", "licence.standard@CA"])
    assert list(compare(result, again)) == []
