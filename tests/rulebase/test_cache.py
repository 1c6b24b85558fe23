"""What is kept between two starts: read back the same, never trusted when it should not be, never without bound."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imgrules.rulebase import cache
from imgrules.rulebase.cache import keep_part, read_part
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.load import load_rulebase
from imgrules.rulebase.rulebase import Rulebase
from tests.worlds import CODES, DAY, make_world


def folder_of(seed: int, folder: Path) -> Path:
    """A random rulebase as files."""
    for name, text in make_world(seed).files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rulebase:
    """A rulebase with a cache of its own."""
    monkeypatch.setenv("IMGRULES_CACHE", str(tmp_path / "cache"))
    return load_rulebase(folder_of(1, tmp_path / "rules"))


def parts(rulebase: Rulebase) -> Path:
    return cache._parts[rulebase]


def test_a_part_reads_back_with_the_rulebases_own_definitions(kept: Rulebase) -> None:
    """A grounded segment is the same again, and its rules stand on the very entries of the rulebase."""
    for segment in Grounder(kept).program(DAY, CODES).segments:
        keep_part(kept, str(segment.scope), segment)
        again = read_part(kept, str(segment.scope))
        assert again is not segment
        assert (again.nodes, again.rules, again.derived) == (segment.nodes, segment.rules, segment.derived)
        assert (again.conditions, again.scope, again.epoch) == (segment.conditions, segment.scope, segment.epoch)
        assert all(again.rules[name].entry is rule.entry for name, rule in segment.rules.items())


def test_a_part_that_cannot_be_trusted_or_read_is_passed_over(kept: Rulebase) -> None:
    """Missing, damaged, writable by others, or naming a definition that is not there."""
    assert read_part(kept, "missing") is None
    entry = next(iter(kept.facts.values()))
    keep_part(kept, "x", entry)
    stored = parts(kept) / "x.pickle"
    assert read_part(kept, "x") is entry
    stored.chmod(0o666)
    assert read_part(kept, "x") is None
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes().replace(entry.name.encode(), b"?" * len(entry.name)))
    assert read_part(kept, "x") is None
    stored.write_bytes(b"not a pickle")
    assert read_part(kept, "x") is None


def test_nothing_is_kept_of_a_rulebase_that_is_not(kept: Rulebase, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the cache off, or for a rulebase made in memory, parts are neither written nor read."""
    monkeypatch.setenv("IMGRULES_CACHE", "off")
    other = load_rulebase(parts(kept).parents[1] / "rules")
    keep_part(other, "x", 1)
    assert read_part(other, "x") is None
    assert not list(parts(kept).glob("*"))


def test_the_oldest_make_way(kept: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many parts and so many rulebases, the newest; the parts of a dropped rulebase go with it."""
    monkeypatch.setattr(cache, "MAX_PARTS", 2)
    monkeypatch.setattr(cache, "MAX_RULEBASES", 2)
    for i, name in enumerate("abc"):
        keep_part(kept, name, name)
        os.utime(parts(kept) / f"{name}.pickle", (i, i))
    assert [read_part(kept, name) for name in "abc"] == [None, "b", "c"]
    first = parts(kept).with_suffix(".pickle")
    os.utime(first, (1, 1))
    for seed in (2, 3):
        load_rulebase(folder_of(seed, tmp_path / f"rules{seed}"))
    assert len(list(first.parent.glob("*.pickle"))) == 2
    assert not first.exists()
    assert not parts(kept).exists()


def test_slips_are_looked_for_only_when_asked(kept: Rulebase, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary load does not lint, which takes as long as all else."""
    from imgrules.rulebase import lint

    monkeypatch.delattr(lint, "lint")
    assert load_rulebase(parts(kept).parents[1] / "rules", cache=False).version == kept.version
