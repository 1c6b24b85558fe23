"""Every mistake in a rule file gets its code, place, sentence and fix: golden messages in bad/*.txt.

Regenerate after a wanted change with `python -m tests.rulebase.test_bad_files`, and read the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from imgrules.rulebase.load import check_files

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))


def messages(bad: Path | None) -> str:
    """What the checker says of the small good rulebase with one bad file added."""
    files = {"base.yaml": (HERE / "base.yaml").read_text(), "land.yaml": (HERE / "land.yaml").read_text()}
    if bad:
        files["bad.yaml"] = bad.read_text()
    return "\n".join(f"{p.severity.value}: {p}" for p in check_files(files, label="")[1]) + "\n"


def test_the_base_is_good() -> None:
    """The rulebase that bad files are added to has no problem of its own."""
    assert messages(None) == "\n"


@pytest.mark.parametrize("bad", BAD, ids=lambda p: p.stem)
def test_a_bad_file_gets_its_message(bad: Path) -> None:
    """The messages are those in the golden file, and at least one is an error or warning of this file."""
    found = messages(bad)
    assert found == bad.with_suffix(".txt").read_text()
    assert "bad.yaml:" in found


def test_every_code_has_an_example() -> None:
    """Each code that the loader and checker can give is shown by some bad file, and is explained in the docs."""
    import re

    source = "".join(
        (Path(__file__).parents[2] / "src/imgrules/rulebase" / n).read_text() for n in ("load.py", "check.py")
    )
    codes = set(re.findall(r'"(R\d{3})"', source)) | {"R001", "R002", "R004"}
    shown = "".join(p.with_suffix(".txt").read_text() for p in BAD)
    assert {c for c in codes if c not in shown} == set()
    docs = (Path(__file__).parents[2] / "docs/errors.md").read_text()
    assert {c for c in codes if c not in docs} == set()


if __name__ == "__main__":
    for path in BAD:
        path.with_suffix(".txt").write_text(messages(path))
