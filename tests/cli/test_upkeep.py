"""The commands that keep the knowledge right, on the small good rulebase."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgrules import cli

BASE = Path(__file__).parents[1] / "rulebase"


@pytest.fixture
def small(tmp_path: Path) -> str:
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("base.yaml", "land.yaml"):
        (folder / name).write_text((BASE / name).read_text())
    return str(folder)


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = cli.run(list(args))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_stale(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts first, then the list; a limit by date or age; as JSON."""
    code, out, _ = run(capsys, "--rules", small, "rules", "stale")
    assert code == 0
    assert "statements" in out
    for limit in (["--before", "2026-01-01"], ["--older-than", "6"]):
        assert run(capsys, "--rules", small, "rules", "stale", *limit)[0] == 0
    assert json.loads(run(capsys, "--rules", small, "rules", "stale", "--format", "json")[1])
    assert run(capsys, "--rules", small, "rules", "stale", "--before", "soon")[0] == 2


def test_coverage(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which conditions golden cases showed to decide, and which not, by file and name."""
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "a.yaml").write_text(
        "case: a\nas_of: 2026-11-22\njurisdictions: [AA]\nfacts: {training.months: 40}\nexpect: {}\n"
    )
    code, out, _ = run(capsys, "--rules", small, "rules", "coverage", str(cases))
    assert code == 0
    assert "conditions" in out
    assert json.loads(run(capsys, "--rules", small, "rules", "coverage", str(cases), "--format", "json")[1])


def test_boundary(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody on each side of every limit, no difference."""
    code, out, _ = run(capsys, "--rules", small, "rules", "boundary")
    assert (code, "0 differences" in out) == (0, True)
    assert json.loads(run(capsys, "--rules", small, "rules", "boundary", "--format", "json")[1])


def test_check_with_cases(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Routes that no golden case shows are named."""
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "a.yaml").write_text("case: a\nas_of: 2026-11-22\njurisdictions: [AA]\nexpect: {}\n")
    _, out, _ = run(capsys, "rules", "check", "--cases", str(cases), small)
    assert "licence.full" in out
