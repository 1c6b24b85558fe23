"""`imgrules ask`, `what-if` and `change` on the command line: over scripts and pipes, with every command of the talk."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from imgrules.assessment.case import case_text, read_case
from imgrules.cli import run
from imgrules.cli.ask import Lines
from imgrules.rulebase.rulebase import Rulebase
from tests.interview.people import golden

CERTIFICATE = ["ask", "--for", "ecfmg.certification", "--plain"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def late(tmp_path: Path, rules: Rulebase) -> str:
    """The case of somebody who did not register for the Match."""
    path = tmp_path / "late.json"
    case = next(c for c in golden(rules) if c.id == "not-registered-at-the-deadline")
    path.write_text(case_text(case))
    return str(path)


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))


def script(folder: Path, *lines: str) -> str:
    path = folder / "answers.txt"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def flat(text: str) -> str:
    """A screen without its line breaks."""
    return " ".join(text.split())


def test_a_script_answers_by_name_and_in_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["# an applicant", "ecfmg.certified = yes", "school.country: India", "other", "yes"]
    assert run([*CERTIFICATE, "--answers", script(folder, *lines)]) == 0
    out = capsys.readouterr().out
    assert "Has ECFMG issued you a certificate?\n(yes or no; why, skip, back, help)\n> yes" in out
    assert "WHAT YOU ASKED" in out
    assert "No further answer can change what follows." in out
    assert "\x1b" not in out
    assert not list(folder.glob("imgrules-interview.json"))


def test_every_command_of_the_talk(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(
        monkeypatch, "why", "help", "", "India", "perhaps", "y", "back", "no", "answers", "save told.json",
        "back ecfmg.certified", "no", "?", "back 2", "back nothing.such", "stop",
    )  # fmt: skip
    assert run(CERTIFICATE) == 0
    out = flat(capsys.readouterr().out)
    for text in (
        "neither yes nor no",
        "Type an answer, or skip",
        "Understood: yes",
        "Taken back: ecfmg.certified",
        "Wrote told.json",
    ):
        assert text in out
    assert "has not been answered" in out
    assert "Your answers are kept in imgrules-interview.json" in out
    assert json.loads((folder / "told.json").read_text())["facts"]["ecfmg.certified"] is False


def test_it_goes_on_where_it_stopped(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "no")
    assert run(CERTIFICATE) == 0
    first = capsys.readouterr().out
    typed(monkeypatch, "stop")
    assert run([*CERTIFICATE, "--state", "CA"]) == 0
    second = capsys.readouterr().out
    assert "Going on with imgrules-interview.json: 1 question answered" in second
    assert "left aside" in second
    asked = [line for line in first.splitlines() if line.endswith("?")][-1]
    assert asked in second
    typed(monkeypatch, "stop")
    assert run([*CERTIFICATE, "--new"]) == 0
    assert "Going on" not in capsys.readouterr().out


def test_goals_are_asked_in_the_rules_words(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rules: Rulebase
) -> None:
    typed(monkeypatch, "99", "nonsense", "residency.match", "stop")
    assert run(["ask", "--plain", "--session", "a.json"]) == 0
    out = capsys.readouterr().out
    assert "What do you want to know?" in out
    assert "There is no route or stage 99" in out
    choices = [line for line in out.splitlines() if line.startswith("  ") and ". " in line[:5]]
    named = next(i for i, line in enumerate(choices, 1) if "in places I name" in line)
    soonest = next(i for i, line in enumerate(choices, 1) if "where soonest" in line)
    typed(monkeypatch, str(named), "Atlantis", "", "Texas, ny", "stop")
    assert run(["ask", "--plain", "--session", "b.json"]) == 0
    assert json.loads((folder / "b.json").read_text())["jurisdictions"] == ["TX", "NY"]
    typed(monkeypatch, str(soonest), "stop")
    assert run(["ask", "--plain", "--session", "c.json"]) == 0
    assert len(json.loads((folder / "c.json").read_text())["wanted"]) == len(rules.jurisdictions)
    assert "UNDETERMINED: HANGS ON WHAT IS NOT KNOWN YET" in capsys.readouterr().out


def test_contradictions_are_shown_with_both_answers(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "IN", "yes", "stop")
    (folder / "c.json").write_text(json.dumps({"case": "c", "facts": {"degree.status": "student"}}))
    assert run(["ask", "c.json", "--for", "ecfmg.certification", "--plain"]) == 0
    out = flat(capsys.readouterr().out)
    assert "These answers clash" in out
    assert "(back degree.status takes it back)" in out
    assert "what you typed just now, not taken" in out


def test_after_the_answer(
    folder: Path, late: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(
        monkeypatch, "", "why residency.match", "what-if match.registered=yes", "change residency.match",
        "show residency.match", "show x", "why x", "answers", "save", "dance", "quit",
    )  # fmt: skip
    assert run(["ask", late, "--for", "residency.match", "--plain", "--session", "s.json"]) == 0
    out = capsys.readouterr().out
    assert "ROUTES THAT MOVE" in out
    assert "WAY 1: 2 CHANGES" in out
    assert "x is not among the wanted routes" in out
    assert "Wrote my-case.json" in out
    typed(monkeypatch, "save my-case.json", "save my-case.json", "quit")
    before = Path("my-case.json").read_bytes()
    assert run(["ask", late, "--for", "residency.match", "--plain", "--session", "s.json"]) == 0
    assert "is there already, so nothing was written" in capsys.readouterr().out
    assert Path("my-case.json").read_bytes() == before


@pytest.mark.parametrize(
    ("wanted", "state", "count"),
    [
        ("residency.match", "", 1),
        ("licence.standard", "CA,NY", 2),
        ("licence.standard@TX", "", 1),
        ("certification", "", 1),
    ],
)
def test_wanted_routes_by_name(
    folder: Path, wanted: str, state: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "stop")
    args = ["--state", state] if state else []
    assert run(["ask", "--for", wanted, *args, "--plain"]) == 0
    assert len(json.loads((folder / "imgrules-interview.json").read_text())["wanted"]) == count


def test_everything_can_be_wanted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "stop")
    assert run(["ask", "--for", "all", "--state", "TN", "--plain"]) == 0
    assert len(json.loads((folder / "imgrules-interview.json").read_text())["wanted"]) > 50


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--for", "residency.mach"], "Did you mean"),
        (["--for", "residency.match@CA"], "without @CA"),
        (["--state", "Atlantis"], "no jurisdiction"),
        (["--answers", "none.txt"], "cannot be read"),
        (["none.yaml"], "no file none.yaml"),
    ],
)
def test_wrong_use_is_answered(folder: Path, args: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", *args]) == 1
    assert says in capsys.readouterr().err


def test_scripts_may_hold_commands_and_stop_early(folder: Path) -> None:
    lines = Lines(script(folder, "a.b = x=y", "c.d: 1", "just: words", "yes # note"), True)
    assert lines.named == {"a.b": "x=y", "c.d": "1"}
    assert list(lines.queue or ()) == ["just: words", "yes"]


def test_over_a_real_pipe(folder: Path) -> None:
    """No terminal: questions and answers alternate in the log, and the end of input keeps everything."""
    done = subprocess.run(
        [sys.executable, "-c", f"from imgrules.cli import main; main({CERTIFICATE!r})"],
        input="no\nIndia\n",
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert "> no\n" in done.stdout
    assert "Your answers are kept" in done.stdout


# what-if and change -------------------------------------------------------------------------------------------------


def test_what_if(late: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["what-if", late, "--set", "match.list_certified=yes", "--set", "match.registered=yes"]) == 0
    out = capsys.readouterr().out
    assert "reachable -> open" in out
    assert "Why it now stands so" in out
    assert run(["what-if", late, "--as-of", "2020-01-01", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["routes"]
    assert run(["what-if", late]) == 2
    assert run(["what-if", late, "--set", "nothing=1"]) == 1


def test_change(late: str, capsys: pytest.CaptureFixture[str], rules: Rulebase) -> None:
    assert run(["change", late, "residency.match"]) == 0
    out = capsys.readouterr().out
    assert "WAY 1: 2 CHANGES" in out
    assert "decided by NRMP" in out
    assert run(["change", late, "residency.match", "--most", "1", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert len(data["sets"]) == 1
    assert data["complete"]
    assert run(["change", late, "residency.soap"]) == 0
    assert "No change of what a person can change would open it" in capsys.readouterr().out
    assert run(["change", late, "licence.standard@CA"]) == 0
    assert run(["change", late, "nothing.such"]) == 1
    assert read_case(late, rules).id == "not-registered-at-the-deadline"


def test_an_open_route_needs_no_change(tmp_path: Path, capsys: pytest.CaptureFixture[str], rules: Rulebase) -> None:
    path = tmp_path / "open.json"
    path.write_text(case_text(next(c for c in golden(rules) if c.id == "match-certified-and-ranked")))
    assert run(["change", str(path), "residency.match"]) == 0
    assert "open already" in capsys.readouterr().out
