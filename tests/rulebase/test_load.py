"""Loading: versions, the cache, and folders that cannot be read."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from imgrules.errors import InputError, RulebaseError
from imgrules.rulebase.arithmetic import with_derived
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import LeafNode
from imgrules.rulebase.load import check_files, content_hash, load_rulebase

HERE = Path(__file__).parent


def base() -> dict[str, str]:
    return {name: (HERE / name).read_text() for name in ("base.yaml", "land.yaml")}


def folder(tmp_path: Path) -> Path:
    for name, text in base().items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_version_is_of_the_content_alone(tmp_path: Path) -> None:
    """The same files give the same version everywhere; any change, rename or removal another; line ends do not matter."""
    files = base()
    version = content_hash(files)
    assert load_rulebase(folder(tmp_path)).version == version
    assert content_hash({k: v.replace("\n", "\r\n") for k, v in files.items()}) == version
    assert content_hash({**files, "base.yaml": files["base.yaml"] + "\n"}) != version
    assert content_hash({"a.yaml" if k == "base.yaml" else k: v for k, v in files.items()}) != version
    assert content_hash({"base.yaml": files["base.yaml"]}) != version


def test_a_second_load_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache gives an equal rulebase; a damaged or foreign cache file is passed over; it can be switched off."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("IMGRULES_CACHE", str(cache))
    (tmp_path / "rules").mkdir()
    rules = folder(tmp_path / "rules")
    first = load_rulebase(rules)
    (stored,) = cache.glob("*.pickle")
    assert load_rulebase(rules).rules.keys() == first.rules.keys()
    stored.write_bytes(b"not a pickle")
    assert load_rulebase(rules).version == first.version
    os.chmod(stored, 0o666)
    assert load_rulebase(rules).version == first.version
    monkeypatch.setenv("IMGRULES_CACHE", "off")
    assert load_rulebase(rules).version == first.version
    monkeypatch.setenv("IMGRULES_CACHE", "/proc/nowhere")
    assert load_rulebase(rules).version == first.version


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    """A missing folder, an empty one, and files that are not text."""
    with pytest.raises(InputError, match="no rules folder"):
        load_rulebase(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no \.yaml"):
        load_rulebase(tmp_path)
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        load_rulebase(tmp_path)
    (tmp_path / "x.yaml").write_text("checked: 2026-11-22\nfacts: {a.b: {type: bool}}\n")
    with pytest.raises(RulebaseError, match="R003"):
        load_rulebase(tmp_path)


def leaf_of(text: str, extra: str = "", day: date = date(2026, 11, 22)) -> LeafNode:
    """The node of one leaf over the base rulebase."""
    body = f"checked: 2026-11-22\n{extra}findings:\n  x.y: {{title: t, when: '{text}', sources: [law], basis: primary, confidence: high}}\n"
    rulebase, _ = check_files({**base(), "x.yaml": body}, label="")
    assert rulebase is not None
    segment = Grounder(rulebase).program(day).segments[0]
    node = segment.by_id[segment.rules["x.y"].literal[:-1]]
    assert isinstance(node, LeafNode), node
    return node


def test_today_on_the_right_counts_days(tmp_path: Path) -> None:
    """A date against today becomes days against 0, so that the same program serves every day."""
    node = leaf_of("exam.passed_on >= today")
    assert (node.fact, node.proves and node.proves.op, node.proves and node.proves.value) == (
        "days to exam.passed_on",
        ">=",
        0,
    )


def test_derived_facts_are_unknown_where_an_input_is() -> None:
    """Unknown in, unknown out; beyond the calendar is unknown too."""
    rulebase, _ = check_files(
        {
            **base(),
            "x.yaml": "checked: 2026-11-22\nderived:\n  a.b: {type: date, title: t, is: 'add_years(exam.passed_on, 9000)'}\n",
        },
        label="",
    )
    assert rulebase is not None
    derived = Grounder(rulebase).program(date(2026, 11, 22)).segments[0].derived
    known = with_derived({"exam.passed_on": date(2020, 11, 22), "today": date(2026, 11, 22)}, derived)
    assert (known["exam.age"], known["a.b"]) == (6, None)
    assert with_derived({"today": date(2026, 11, 22)}, derived)["exam.age"] is None


def test_an_unknown_jurisdiction_is_told() -> None:
    """With a suggestion by code or name."""
    rulebase, _ = check_files(base(), label="")
    assert rulebase is not None
    with pytest.raises(InputError, match="Aland"):
        Grounder(rulebase).program(date(2026, 1, 1), ["Alandd"])
