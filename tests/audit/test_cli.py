"""`imgrules audit` from begin to end: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import pytest

from imgrules import cli
from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import read_case
from imgrules.audit.ledger import Ledger
from imgrules.cli.audit import keep, record_options
from imgrules.rulebase.load import shipped

DEMO = str(shipped("cases") / "demo.yaml")


@pytest.fixture
def place(tmp_path: Path, assessor: Assessor, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ledger of the demo case, twice, named by the environment; and somebody to act."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("IMGRULES_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setenv("IMGRULES_WHO", "A. Clerk")
    derived = assessor.derive(read_case(DEMO, assessor.rulebase))
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert ledger.begun
        for _ in range(2):
            ledger.record(derived, "A. Clerk")
    return str(tmp_path / "ledger.db")


def run(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    """The output of a command, which must end with this code; what it says on standard error comes last."""
    capsys.readouterr()
    assert cli.run(["audit", *args]) == code, capsys.readouterr()
    out, err = capsys.readouterr()
    return out + err


def test_looking(place: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """List, show, why and export, as text, JSON and CSV."""
    text = run(capsys, "list")
    assert "2 records of 2." in text
    assert text.count("A. Clerk  demo  judged on 2026-11-22") == 2
    assert "1 record of 2, the latest" in run(capsys, "list", "--limit", "1")
    assert "0 records of 2" in run(capsys, "list", "--case", "nobody", "--since", "2026-01-01", "--until", "2026-01-02")
    heads = json.loads(run(capsys, "list", "--json", "--route", "licence.standard@CA", "--status", "open"))
    assert [h["number"] for h in heads] == [1, 2]
    assert "facts" not in heads[0]
    assert "There is no status ajar" in run(capsys, "list", "--status", "ajar", code=1)
    rows = list(csv.DictReader(io.StringIO(run(capsys, "list", "--csv"))))
    assert [row["jurisdictions"] for row in rows] == ["CA NY NC"] * 2
    shown = run(capsys, "show", heads[1]["id"])
    assert "usmle.step3.attempts: 4" in shown
    assert re.search(r"open +licence.standard@CA", shown)
    assert heads[1]["leaf"] in shown
    assert "The ledger" not in shown
    whole = json.loads(run(capsys, "show", "2", "--json", "--proof"))
    assert whole["routes"]["licence.standard@NC"] == "closed"
    assert whole["inclusion"]["leaf"] == whole["leaf"]
    assert whole["inclusion"]["path"][0] in run(capsys, "show", "2", "--proof")
    assert "Step 3 passed within 3 attempts" in run(capsys, "why", "1", "licence.step3_attempts@NC")
    assert json.loads(run(capsys, "why", "1", "licence.step3_attempts@NC", "--json"))["outcome"] == "not_met"
    lines = [json.loads(line) for line in run(capsys, "export").splitlines()]
    assert [line["facts"]["usmle.step3.attempts"] for line in lines] == [4, 4]
    out = tmp_path / "out.csv"
    assert "Wrote 2 records" in run(capsys, "export", "--csv", "--out", str(out))
    with out.open(newline="") as file:
        assert json.loads(next(csv.DictReader(file))["routes"])["licence.standard@CA"] == "open"
    assert "cannot be written" in run(capsys, "export", "--out", str(tmp_path), code=2) + run(
        capsys, "export", "--out", str(tmp_path / "no" / "where"), code=1
    )
    run(capsys, "export", "--csv", "--json", code=2)
    assert "no record" in run(capsys, "show", "9", code=1)


def test_checking(place: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Checkpoint, verify and replay; a change is found and the exit code says so."""
    kept = tmp_path / "kept.txt"
    assert "Keep it where" in run(capsys, "checkpoint", "--out", str(kept))
    public = run(capsys, "checkpoint", "--public-key")
    (tmp_path / "key.txt").write_text(public)
    text = run(capsys, "verify", "--checkpoint", str(kept), "--public-key", public)
    assert "2 records checked" in text
    assert "so is its past" in text
    assert "kept elsewhere" in run(capsys, "verify", "--public-key", str(tmp_path / "key.txt"))
    found = json.loads(run(capsys, "verify", "--json"))
    assert (found["ok"], found["checked"], found["keys"]) == (True, 2, 1)
    assert "only grew" in run(capsys, "checkpoint", "--since", str(kept))
    text = run(capsys, "replay", "--all")
    assert "2 records derived again" in text
    assert "0 records different" in text
    assert json.loads(run(capsys, "replay", "1", "--json"))["replayed"] == 1
    assert "1 record derived again" in run(capsys, "replay", "--sample", "1")
    run(capsys, "replay", code=2)
    with closing(sqlite3.connect(place)) as db:
        db.execute("UPDATE records SET who = 'Nobody' WHERE number = 2")
        db.commit()
    text = run(capsys, "verify", code=1)
    assert "BAD: The record was changed (record 2)." in text
    assert "not as it was written" in text
    for bad in (str(tmp_path / "none"), place, str(tmp_path / "key.txt")):
        run(capsys, "verify", "--checkpoint", bad, code=1)
    assert "public key" in run(capsys, "verify", "--public-key", "x", code=1)


def test_a_decision_that_comes_out_otherwise(
    place: str, capsys: pytest.CaptureFixture[str], assessor: Assessor
) -> None:
    """A recorded outcome that does not follow is named by replay and by why."""
    from dataclasses import replace

    from imgrules.audit.ledger import _decision
    from imgrules.rulebase.values import Outcome

    made = _decision(assessor.derive(read_case(DEMO, assessor.rulebase)), None)
    name = "licence.step3_attempts@NC"
    with Ledger.open(place) as ledger:
        list(ledger.record_many([replace(made, outcomes={**made.outcomes, name: Outcome.MET})], "t"))  # type: ignore[dict-item]
    text = run(capsys, "replay", "3", code=1)
    assert f"DIFFERENT: record 3: outcome {name}: was met, is not_met" in text
    assert "Recorded was met" in run(capsys, "why", "3", name)


def test_erasing(place: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks first; afterwards lists, shows, replays and verifies what is left."""
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert "Stopped" in run(capsys, "erase", "demo", code=1)
    assert "on record as" in run(capsys, "erase", "demo", "--yes")
    assert "no case" in run(capsys, "erase", "demo", "--yes", code=1)
    assert "Nothing of erased cases" in run(capsys, "erase", "--finish")
    run(capsys, "erase", code=2)
    text = run(capsys, "list")
    assert text.count("erased-") == 3
    assert "demo" not in text
    assert "cannot be read any more" in run(capsys, "show", "1")
    assert "key of this case was destroyed" in run(capsys, "show", "3")
    assert "2 of them erased" in run(capsys, "verify")
    assert "3 erased" in run(capsys, "replay", "--all")
    assert "was erased" in run(capsys, "why", "1", "x", code=1)


def test_beginning(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`new` begins a ledger once, says where its keys are, and prints its first checkpoint."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("IMGRULES_LEDGER", raising=False)
    place = str(tmp_path / "new.db")
    text = run(capsys, "new", place)
    assert str(tmp_path / "config" / "imgrules") in text
    assert "\n0\n" in text
    assert "already" in run(capsys, "new", place, code=1)
    assert "/plain\n" in run(capsys, "new", "--plain", str(tmp_path / "plain.db"))
    run(capsys, "list", code=2)
    assert "There is no ledger" in run(capsys, "list", "--ledger", str(tmp_path / "none.db"), code=1)


def test_recording_options(place: str, assessor: Assessor, capsys: pytest.CaptureFixture[str]) -> None:
    """Any command can take them; `off` records nothing; without a name the login name acts."""

    @click.command()
    @record_options
    @click.pass_context
    def decide(context: click.Context, record: str | None, who: str | None) -> None:
        context.obj = {"rules": None}
        kept = keep(assessor.derive(read_case(DEMO, assessor.rulebase)), record, who, "assess")
        click.echo(f"kept {kept.number if kept else 'nothing'}")

    def call(*args: str) -> str:
        decide.main(list(args), standalone_mode=False)
        return capsys.readouterr().out

    assert call() == "kept 3\n"
    assert call("--record", "off") == "kept nothing\n"
    assert call("--who", "B. Clerk") == "kept 4\n"
    with Ledger.open(place) as ledger:
        assert [r.who for r in ledger.records()] == ["A. Clerk"] * 3 + ["B. Clerk"]


def test_help_stays_light() -> None:
    """Help loads neither a database nor cryptography."""
    heavy = "sqlalchemy|cryptography|psycopg|pydantic|imgrules.audit.ledger"
    code = f"""
import re, sys
from imgrules import cli
for args in (["--help"], ["audit", "--help"], ["audit", "verify", "--help"]):
    cli.run(args)
sys.exit(", ".join(m for m in sys.modules if re.fullmatch({heavy!r}, m)) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
