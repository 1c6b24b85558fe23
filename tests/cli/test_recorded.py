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


def test_a_finished_interview_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the interview came to is in the ledger; one that was stopped has come to nothing yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("IMGRULES_LEDGER", str(tmp_path / "ledger.db"))
    script = tmp_path / "answers.txt"
    line = ["ask", "--for", "visa.none_needed", "--answers", str(script), "--plain", "--who", "me", "--new"]
    script.write_text("quit\n", encoding="utf-8")
    assert run([*line, "--session", str(tmp_path / "stopped.json")]) == 0
    script.write_text("visa.status = lpr\n", encoding="utf-8")
    assert run([*line, "--session", str(tmp_path / "finished.json")]) == 0
    assert capsys.readouterr().err.count("Recorded as") == 1
    assert run(["audit", "replay", "--all"]) == 0
    assert "1 record derived again" in capsys.readouterr().out
