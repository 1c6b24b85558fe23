"""What was checked longest ago, on the weakest evidence, comes first; what has ended or is unsettled is named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from imgrules.assessment.places import Places
from imgrules.assessment.stale import Stale, months_before, stale
from imgrules.rulebase.load import default_folder, load_rulebase
from imgrules.rulebase.rulebase import Rulebase

TODAY = date(2026, 11, 22)
SHARED = """
checked: 2025-01-31
countries: {IN: India}
facts:
  a.done: {type: bool, title: done, question: Done?, why: Needed.}
parameters:
  p.switch:
    title: a switch
    type: bool
    values:
      - {value: true, to: 2026-01-31, sources: [law], basis: primary, confidence: high, checked: 2026-02-01}
      - {value: unknown, from: 2026-02-01, sources: [blog], basis: secondary, confidence: low}
  p.lapsed:
    title: a lapsed switch
    type: bool
    values: [{value: true, to: 2026-06-30, sources: [law], basis: primary, confidence: high}]
  p.each: {for_each: jurisdiction, title: one for each, type: bool}
requirements:
  r.done:
    title: done
    met_when: {all: [a.done, $p.switch, $p.lapsed]}
    blocker: fixable
    remedy: Do it.
    checked: 2026-11-01
    sources: [law]
    basis: primary
    confidence: high
  r.each:
    for_each: jurisdiction
    title: done here
    met_when: {any: [a.done, $p.each]}
    blocker: fixable
    remedy: Do it.
    sources: [law]
    basis: primary
    confidence: medium
routes:
  way: {title: the way, stage: only, summary: s, needs: [r.done], in_force: {to: 2020-12-31}, sources: [law], basis: primary, confidence: high}
  way.each: {for_each: jurisdiction, title: t, stage: only, summary: s, needs: [r.each], sources: [law], basis: primary, confidence: high}
stages: {only: {title: Only, order: 1, shown_by: way}}
sources:
  law: {title: The law, publisher: P, address: null, consulted: 2025-01-31, kind: primary}
  blog: {title: A blog, publisher: P, address: null, consulted: 2025-01-31, kind: secondary}
"""
LAND = """checked: 2024-06-30
jurisdiction: {code: AA, name: Aland, kind: state, board: {name: Board}}
"""
MORE = """checked: 2024-05-31
for_jurisdiction: AA
parameters:
  p.each: [{value: unknown, sources: [law], basis: primary, confidence: low}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small rulebase in three files with three dates."""
    for name, text in (("shared", SHARED), ("AA", LAND), ("AA-more", MORE)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def judge(folder: Path, before: date | None = None) -> Stale:
    """The answer for the small rulebase."""
    return stale(load_rulebase(folder, cache=False), Places(folder, "rules"), TODAY, before)


def test_the_oldest_and_weakest_come_first(folder: Path) -> None:
    """By day, then confidence, then basis; a value's day is its own, or that of the file it stands in."""
    found = judge(folder)
    assert [(s.checked.isoformat(), s.name, s.jurisdiction) for s in found.old] == [
        ("2024-05-31", "p.each", "AA"),
        ("2025-01-31", "p.switch", None),
        ("2025-01-31", "r.each", None),
        ("2025-01-31", "way", None),
        ("2025-01-31", "way.each", None),
        ("2025-01-31", "p.lapsed", None),
        ("2026-02-01", "p.switch", None),
        ("2026-11-01", "r.done", None),
    ]
    assert found.statements == 8
    assert found.by_checked == {"in 2024-05": 1, "in 2025-01": 5, "in 2026-02": 1, "in 2026-11": 1}
    assert next(iter(found.by_evidence)) == "low confidence, secondary"
    assert found.by_kind == {"requirements": 2, "routes": 2, "values": 4}


def test_each_statement_has_its_line(folder: Path) -> None:
    """Values too, in whichever file they stand."""
    places = {(s.name, s.holds_from): s.place for s in judge(folder).old}
    assert places["p.each", None] == "rules/AA-more.yaml:4"
    shared = SHARED.splitlines()
    line = next(i for i, text in enumerate(shared, 1) if "value: unknown, from" in text)
    assert places["p.switch", date(2026, 2, 1)] == f"rules/shared.yaml:{line}"
    assert places["r.done", None].endswith(f":{shared.index('  r.done:') + 1}")


def test_a_limit_lists_only_what_was_checked_before_it(folder: Path) -> None:
    """The counts stay those of everything."""
    found = judge(folder, before=date(2025, 1, 31))
    assert [s.name for s in found.old] == ["p.each"]
    assert found.statements == 8
    assert months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)


def test_what_has_ended_and_what_is_unsettled_is_named(folder: Path) -> None:
    """Routes past their end, parameters without a value for today, and truths that nobody could establish."""
    found = judge(folder)
    assert [(s.name, s.holds_to) for s in found.ended] == [("p.lapsed", date(2026, 6, 30)), ("way", date(2020, 12, 31))]
    assert [(s.name, s.jurisdiction) for s in found.unsettled] == [
        ("p.lapsed", None),
        ("p.switch", None),
        ("p.each", "AA"),
    ]


def test_every_statement_of_the_shipped_rules_is_counted(rules: Rulebase) -> None:
    """All that has evidence, each with a place that exists."""
    places = Places(default_folder())
    found = stale(rules, places, TODAY)
    assert found.statements == len(rules.evidenced) + sum(1 for _ in rules.all_values()) == len(found.old)
    for statement in found.old:
        file, _, line = statement.place.rpartition(":")
        assert places.document(file) is not None
        assert int(line) > 1
    assert places.document("elsewhere/nothing.yaml") is None
    assert places.line("elsewhere/nothing.yaml", (), 7) == 7
