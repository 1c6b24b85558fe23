"""A batch in the ledger: every judged case once, however often the run was cut off, and each replays exactly."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, case_text
from imgrules.audit.ledger import Ledger
from imgrules.audit.record import OUTCOME_LETTERS, STATUS_LETTERS, Marks
from imgrules.audit.replay import replay
from imgrules.batch.inputs import open_inputs
from imgrules.batch.record import decisions_of
from imgrules.batch.run import Settings
from imgrules.batch.work import Worker
from imgrules.rulebase.rulebase import Rulebase
from tests.batch.test_run import batch, job, table
from tests.cases import random_case

__all__ = ["table"]  # the fixture


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with Ledger.open(str(tmp_path / "ledger.db")) as found:
        yield found


@pytest.mark.parametrize("after", [0, 4, 13])
def test_each_case_is_recorded_once_and_replays(
    after: int, table: Path, rules: Rulebase, tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off after some records, gone on with --resume: no case twice, none missing, rejected rows never."""
    real = Ledger.record_many

    def cut(self: Ledger, decisions: Any, who: str, kind: str = "batch", chunk: int = 3) -> Any:
        for i, found in enumerate(real(self, decisions, who, kind, 3)):
            if self.size > after and not (tmp_path / "fixed").exists():
                raise KeyboardInterrupt
            del i
            yield found

    monkeypatch.setattr(Ledger, "record_many", cut)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        batch(table, out, rules, settings=Settings(check=0, ledger=ledger, who="me"))
    (tmp_path / "fixed").touch()
    manifest = batch(table, out, rules, settings=Settings(check=0, ledger=ledger, who="me", resume=True))
    records = list(ledger.records())
    assert len(records) == manifest["cases"]["out"] == manifest["recorded"]["cases"]
    assert Counter(r.case for r in records)["Zoë 5 医"] == 2  # this id comes twice in the table
    assert len({r.case for r in records}) == len(records) - 1
    assert {r.who for r in records} == {"me"}
    if after == 4:
        found = replay(ledger, records[:6])
        assert found.replayed == 6
        assert found.ok


def test_cases_that_aim_at_different_states_are_told_what_each_is_told_by_itself(
    assessor: Assessor, tmp_path: Path
) -> None:
    """On different days and for different states, in one part: findings and routes in the order of `assess`, and their words."""
    rules = assessor.rulebase
    rows = []
    for i, aims in enumerate(["TX CA", "CA TX", "", "NY", "GU NY VT", "TX CA"]):
        case = random_case(rules, 40 + i, 0.03)
        facts = json.loads(case_text(case))["facts"]
        cells = {name: (" ".join(v) or "none") if isinstance(v, list) else str(v) for name, v in facts.items()}
        rows.append({"case": f"c{i}", "as_of": str(case.as_of), "jurisdictions": aims, **cells})
    path = tmp_path / "people.csv"
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)
    worker = Worker(job(rules))
    (part,) = open_inputs([path], rows_per_part=10).parts()
    found = list(decisions_of(worker, part, "a note"))
    assert found
    for decision in found:
        one = assessor.derive(Case(decision.case, decision.as_of, decision.jurisdictions, decision.facts))
        outcomes, statuses = decision.outcomes, decision.routes
        assert isinstance(outcomes, Marks)
        assert isinstance(statuses, Marks)
        wanted = {name: OUTCOME_LETTERS[one.outcome(name)] for name in one.program.rules}
        assert list(zip(outcomes.names, outcomes.letters, strict=True)) == list(wanted.items())
        routes = {route.id: STATUS_LETTERS[route.status] for route in one.assessment.routes}
        assert dict(zip(statuses.names, statuses.letters, strict=True)) == routes
    assert len({decision.jurisdictions for decision in found}) >= 3
