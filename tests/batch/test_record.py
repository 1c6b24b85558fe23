"""A batch in the ledger: every judged case once, however often the run was cut off, and each replays exactly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from imgrules.audit.ledger import Ledger
from imgrules.audit.replay import replay
from imgrules.batch.run import Settings
from imgrules.rulebase.rulebase import Rulebase
from tests.batch.test_run import batch, table

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
