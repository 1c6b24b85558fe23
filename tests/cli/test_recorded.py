"""`assess` with a ledger and a letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgrules.cli import run


def test_assess_records_and_writes_a_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One decision in the ledger, its letter on the disk, and the ledger verifies and replays."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    ledger, letter = tmp_path / "ledger.db", tmp_path / "letter.html"
    line = ["assess", "cases/demo.yaml", "--record", str(ledger), "--who", "an adviser", "--letter", str(letter)]
    assert run(line) == 0
    said = capsys.readouterr().err
    assert "Recorded as" in said
    assert "demo" in letter.read_text(encoding="utf-8")
    for command in (["verify"], ["replay", "--all"]):
        assert run(["audit", *command, "--ledger", str(ledger)]) == 0
    assert "0 records different" in capsys.readouterr().out
    assert run([*line[:-1], str(tmp_path / "no" / "folder.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err
