"""The rulebook: readable pages made from the rules, the same every time, and never out of date in the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imgrules import cli
from imgrules.assessment.rulebook import MARK, outdated, rulebook, write
from imgrules.rulebase.rulebase import Rulebase

SHIPPED = Path(__file__).parents[2] / "docs" / "rulebook"


@pytest.fixture(scope="module")
def pages(rules: Rulebase) -> dict[str, str]:
    return rulebook(rules)


def test_the_shipped_pages_are_up_to_date(pages: dict[str, str]) -> None:
    """`make rulebook` was run after the last change of a rule."""
    assert outdated(pages, SHIPPED) == []


def test_every_jurisdiction_and_every_value_is_there(rules: Rulebase, pages: dict[str, str]) -> None:
    """A page a jurisdiction, each requirement named somewhere, each address of a cited source linked."""
    text = "\n".join(pages.values())
    for code, entry in rules.jurisdictions.items():
        assert [name for name, page in pages.items() if code in name and entry.model.name in page], code
    for name in rules.requirements:
        assert name.partition("@")[0] in text, name
    for source in rules.sources.values():
        if source.model.address:
            assert source.model.address in text
    assert not re.search(r"\{[a-z0-9_]+\.[a-z0-9_.]+\}", text)


def test_pages_are_written_compared_and_cleared(pages: dict[str, str], tmp_path: Path) -> None:
    """A changed, a missing and a left-over page are each out of date; writing puts all right."""
    folder = tmp_path / "book"
    write(pages, folder)
    assert outdated(pages, folder) == []
    first, second, *_ = sorted(pages)
    (folder / first).write_text("changed")
    (folder / second).unlink()
    (folder / "old.md").write_text(MARK + "left over")
    assert len(outdated(pages, folder)) == 3
    write(pages, folder)
    assert outdated(pages, folder) == []


def test_the_command_checks_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--check exits 1 when a page is out of date; without it the pages are written."""
    folder = str(tmp_path / "book")
    assert cli.run(["rules", "rulebook", "--out", folder, "--check"]) == 1
    assert cli.run(["rules", "rulebook", "--out", folder]) == 0
    assert cli.run(["rules", "rulebook", "--out", folder, "--check"]) == 0
    assert capsys.readouterr()
