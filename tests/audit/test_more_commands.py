"""`rules diff`, `audit recheck`, `letter` and `prov`, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import case_text
from imgrules.audit.ledger import Ledger
from imgrules.cli import audit_more
from imgrules.errors import ImgrulesError
from imgrules.rulebase.load import load_rulebase
from tests.audit.people import applicant, small_files


def folder(path: Path, *changes: tuple[str, str]) -> str:
    path.mkdir()
    for name, text in small_files(*changes).items():
        (path / name).write_text(text)
    return str(path)


def run(command: click.Command, *args: str, rules: str | None = None) -> Result:
    # A command keeps the help option of its first context: it must be the one it has under `imgrules`.
    given = {"rules": rules, "debug": False}
    return CliRunner().invoke(command, list(args), obj=given, help_option_names=["-h", "--help"])


def error_of(result: Result) -> str:
    assert isinstance(result.exception, ImgrulesError), result.output
    return str(result.exception)


@pytest.fixture
def old(tmp_path: Path) -> str:
    return folder(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> str:
    return folder(tmp_path / "new", ("value: 24", "value: 36"), ("remedy: Pass it.", "remedy: Pass it soon."))


@pytest.fixture
def book(tmp_path: Path, old: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ledger with two decisions, one of them on somebody whom the new rules do not touch, and one case erased."""
    monkeypatch.setenv("IMGRULES_LEDGER_KEY", "11" * 32)
    monkeypatch.setenv("IMGRULES_LEDGER_SIGNING_KEY", "22" * 32)
    rules = load_rulebase(old)
    where = str(tmp_path / "ledger.db")
    with Ledger.open(where, rules=old) as ledger:
        for name, months in (("ann", 30), ("ben", 50), ("eve", 30)):
            ledger.record(Assessor(rules).derive(applicant(rules, name, training_months=months)), "an adviser")
        ledger.erase("eve", "an adviser")
    return where


def test_diff_in_words_and_whom_it_affects(tmp_path: Path, old: str, new: str) -> None:
    cases = tmp_path / "cases"
    cases.mkdir()
    rules = load_rulebase(old)
    (cases / "ann.json").write_text(case_text(applicant(rules)))
    (cases / "broken.yaml").write_text("case: 1")
    result = run(audit_more.diff, old, new, "--cases", str(cases))
    assert result.exit_code == 0
    assert "Aland: months of training, on every day: 36 months, was 24 months" in result.output
    assert "source: The law; The state; read 2026-11-22 <https://law.example/1>" in result.output
    assert "Changes of words only (1)" in result.output
    assert "By change 1\n    ann (22 November 2026)" in result.output
    assert "route licence.full@AA (Full licence in Aland): open, now reachable" in result.output
    assert "Whom they affect: 1 of 1 case" in result.output
    assert "not read:" in result.output
    read = json.loads(run(audit_more.diff, old, new, "--cases", str(cases), "--json").output)
    assert read["groups"][0]["causes"] == [[1]]
    assert len(read["unread"]) == 1


def test_diff_of_the_same_rules(old: str) -> None:
    assert "0 changes" in run(audit_more.diff, old, old).output


def test_diff_of_versions_in_a_ledger(book: str, old: str, new: str) -> None:
    version = load_rulebase(old).version
    result = run(audit_more.diff, version, new, "--ledger", book)
    assert "Whom they affect: 1 of 2 cases" in result.output
    assert "erased" in result.output
    assert "There is no rules folder" in error_of(run(audit_more.diff, version, new))
    assert run(audit_more.diff, old, new, "--ledger", book, "--cases", "cases").exit_code == 2


def test_recheck(book: str, old: str, new: str) -> None:
    same = run(audit_more.recheck, "--ledger", book, "--as-of", "2026-11-22", rules=old)
    assert "0 would come out otherwise, 2 the same, 1 erased" in same.output
    moved = run(audit_more.recheck, "--ledger", book, "--as-of", "2026-11-22", "--rules", new)
    assert "because: Aland: months of training, on every day: 36 months, was 24 months" in moved.output
    assert "1 would come out otherwise, 1 the same, 1 erased" in moved.output
    later = run(audit_more.recheck, "--ledger", book, "--as-of", "2031-01-01", "--json", rules=old)
    assert json.loads(later.output)["moved"] == 2
    assert run(audit_more.recheck, "--ledger", book, rules=old).exit_code == 0
    assert "--as-of" in error_of(run(audit_more.recheck, "--ledger", book, "--as-of", "soon", rules=old))


def test_letter_and_prov(tmp_path: Path, book: str) -> None:
    with Ledger.open(book) as ledger:
        record = next(iter(ledger.records()))
    out = tmp_path / "letter.html"
    assert f"Wrote {out}." in run(audit_more.letter, record.id, "--ledger", book, "--out", str(out)).output
    written = out.read_text()
    assert record.id in written
    assert record.leaf in written
    assert "<!DOCTYPE html>" in run(audit_more.letter, "1", "--ledger", book).output
    found = json.loads(run(audit_more.prov, record.id, "--ledger", book, "--of", "exam.ok").output)
    assert "imgrules:conclusion/exam.ok" in found["entity"]
    assert "erased" in error_of(run(audit_more.letter, "3", "--ledger", book))
    lost = run(audit_more.letter, "1", "--ledger", book, "--out", str(tmp_path / "no" / "letter.html"))
    assert "cannot be written" in error_of(lost)


def test_a_record_that_is_not_derived_again_is_not_written_about(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter must never say what the record does not."""
    get = Ledger.get

    def forged(self: Ledger, id: str | int) -> object:
        record = get(self, id)
        return record.model_copy(update={"routes": dict.fromkeys(record.routes, "closed")})

    monkeypatch.setattr(Ledger, "get", forged)
    assert "audit replay" in error_of(run(audit_more.letter, "1", "--ledger", book))


def test_no_ledger(tmp_path: Path) -> None:
    error_of(run(audit_more.recheck, "--ledger", str(tmp_path / "none.db")))
