"""What the README shows is what the program prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imgrules import cli

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize(
    ("block", "args"),
    [(BLOCKS[0], ["assess"]), (BLOCKS[1], ["why"])],
    ids=["assess", "why"],
)
def test_the_example_is_real(block: str, args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of the example, the shortened ones and the version apart, stands in the output in this order."""
    case = str(ROOT / "cases" / "demo.yaml")
    assert cli.run([*args, case, *(["licence.step3_attempts@NC"] if args == ["why"] else [])]) == 0
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()]
    position = 0
    for line in map(str.strip, block.splitlines()):
        if line and not line.endswith("...") and "..." not in line and "; rules " not in line:
            assert line in printed[position:], line
            position = printed.index(line, position)


def test_links_of_the_docs_lead_somewhere() -> None:
    """Every relative link in our Markdown pages names a file that is there."""
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_no_domain_word_in_the_source() -> None:
    """No state, exam, visa or agency is named in src/: knowledge is data."""
    words = re.compile(
        r"\b(USMLE|ECFMG|OET|PTAL|NRMP|ERAS|H-?1B|J-?1|California|Texas|Tennessee|Kansas|Step ?[123]|residency|Match Week)\b"
    )
    for path in (ROOT / "src").rglob("*.py"):
        found = [line for line in path.read_text().splitlines() if words.search(line)]
        assert found == [], path
