"""The commands that keep the knowledge right, as their users meet them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from imgrules import cli
from imgrules.assessment import boundary as boundary_module
from imgrules.assessment.boundary import Boundary, Difference
from imgrules.rulebase.rulebase import Rulebase

Run = Callable[..., tuple[int, str, str]]
RULES = Path(__file__).parents[1] / "rulebase"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """The small good rulebase of the loader's tests as a folder."""
    target = tmp_path / "rules"
    target.mkdir()
    for name in ("base.yaml", "land.yaml"):
        (target / name).write_text((RULES / name).read_text())
    return str(target)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line: exit code, output, errors."""

    def call(*args: str) -> tuple[int, str, str]:
        code = cli.run(list(args))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_stale(run: Run, folder: str) -> None:
    """Counts first, then the list; a limit narrows it, JSON gives it all."""
    code, out, _ = run("--rules", folder, "rules", "stale")
    assert code == 0
    assert out.splitlines()[0].startswith("7 statements on ")
    assert "Oldest and weakest first\n  2026-11-22  medium, secondary  licence.months in AA" in out
    code, out, _ = run("--rules", folder, "rules", "stale", "--before", "2026-11-22")
    assert (code, "0 last checked before 2026-11-22" in out, "Oldest" in out) == (0, True, False)
    code, out, _ = run("--rules", folder, "rules", "stale", "--older-than", "0", "--format", "json")
    assert code == 0
    assert set(json.loads(out)) >= {"statements", "old", "ended", "unsettled"}


def test_stale_lists_the_first_only(run: Run) -> None:
    """On the screen; --all gives the rest."""
    _, short, _ = run("rules", "stale", "--before", "2999-01-01")
    _, long, _ = run("rules", "stale", "--before", "2999-01-01", "--all")
    assert "more (--all)" in short
    assert "more (--all)" not in long
    assert len(long.splitlines()) > 10 * len(short.splitlines())


@pytest.mark.parametrize("args", [("--before", "2026-13-45"), ("--before", "2026-01-01", "--older-than", "3")])
def test_stale_wants_one_good_limit(run: Run, args: tuple[str, ...]) -> None:
    """A wrong date or two limits are wrong usage."""
    assert run("rules", "stale", *args)[0] == 2


def test_coverage(run: Run, folder: str, tmp_path: Path) -> None:
    """Files, what is missing in them, and the two figures."""
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "one.yaml").write_text("case: one\nas_of: 2026-11-22\njurisdictions: [AA]\nfacts: {training.months: 40}\n")
    (cases / "bad.yaml").write_text("case: [\n")
    code, out, _ = run("--rules", folder, "rules", "coverage", str(cases))
    assert code == 0
    assert "never decisive when true or false: met_when: exam.attempts <= 4" in out
    assert "not read: " in out
    assert "requirements decisive both ways: 0 of 1 (0 %); those that can go one way only, that way: 1 of 1" in out
    code, out, _ = run("--rules", folder, "rules", "coverage", str(cases), "--format", "json")
    assert json.loads(out)["cases"] == 1
    code, _, err = run("rules", "coverage", str(tmp_path / "nowhere"))
    assert (code, "There are no case files" in err) == (1, True)


def test_check_with_cases(run: Run, folder: str, tmp_path: Path) -> None:
    """Warnings about routes that no case shows are added; they are no errors."""
    (tmp_path / "one.yaml").write_text(
        "case: one\nas_of: 2026-11-22\njurisdictions: [AA]\nfacts: {}\nexpect: {routes: {licence.full@AA: undetermined}}\n"
    )
    code, out, _ = run("rules", "check", folder, "--cases", str(tmp_path))
    assert code == 0
    assert "R104 licence.full: no golden case expects this route to be open or reachable." in out
    assert "0 errors, 1 warnings." in out


def test_boundary(run: Run, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts; exit code 1 and the applicant where there is a difference."""
    code, out, _ = run("--rules", folder, "rules", "boundary")
    assert code == 0
    assert "2 comparisons with 2 limits" in out
    assert "0 differences." in out

    def wrong(_: Rulebase) -> Boundary:
        difference = Difference(
            comparison="a <= $b", jurisdiction="AA", day=date(2026, 11, 22), known="3", value="4", expected="met", got="not_met", facts={"a": "4"}
        )  # fmt: skip
        return Boundary(
            comparisons=1, limits=1, applicants=3, outside=0, contradictory=0, unreached=["c > $d"], differences=[difference]
        )  # fmt: skip

    monkeypatch.setattr(boundary_module, "boundary", wrong)
    code, out, _ = run("--rules", folder, "rules", "boundary")
    assert code == 1
    assert "DIFFERENT a <= $b in AA on 2026-11-22: the parameter is 3, the applicant has 4" in out
    assert "expected met, got not_met; facts: a: 4" in out
    assert "not tried: c > $d" in out
    code, out, _ = run("--rules", folder, "rules", "boundary", "--format", "json")
    assert (code, json.loads(out)["differences"][0]["got"]) == (1, "not_met")


def test_rulebook(run: Run, folder: str, tmp_path: Path) -> None:
    """Written, then up to date, then not when a page is touched."""
    out_dir = tmp_path / "book"
    assert run("--rules", folder, "rules", "rulebook", "--out", str(out_dir), "--check")[0] == 1
    code, out, _ = run("--rules", folder, "rules", "rulebook", "--out", str(out_dir))
    assert (code, out.startswith("Wrote 3 pages")) == (0, True)
    code, out, _ = run("--rules", folder, "rules", "rulebook", "--out", str(out_dir), "--check")
    assert (code, out) == (0, "Up to date.\n")
    (out_dir / "README.md").write_text("touched")
    code, out, _ = run("--rules", folder, "rules", "rulebook", "--out", str(out_dir), "--check")
    assert (code, "README.md: out of date" in out) == (1, True)
    (tmp_path / "file").write_text("")
    code, _, err = run("--rules", folder, "rules", "rulebook", "--out", str(tmp_path / "file"))
    assert (code, "cannot be read or written" in err) == (1, True)
