"""What the golden cases show is counted, and what they do not show is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgrules.assessment.coverage import Coverage, Uncovered, coverage, unshown_routes
from imgrules.assessment.places import Places
from imgrules.errors import InputError
from imgrules.rulebase.load import load_rulebase
from imgrules.rulebase.rulebase import Rulebase

EVIDENCE = "sources: [law], basis: primary, confidence: high"
SHARED = f"""checked: 2026-11-22
countries: {{IN: India}}
facts:
  a.done: {{type: bool, title: done, question: Done?, why: Needed.}}
  a.count: {{type: int, title: count, question: How many?, why: Needed.}}
  a.here: {{type: bool, title: here, question: Here?, why: Needed.}}
parameters:
  p.limit: {{for_each: jurisdiction, title: limit, type: int}}
  p.off: {{title: off, type: bool, values: [{{value: false, {EVIDENCE}}}]}}
findings:
  f.small:
    title: small
    when: {{any: [a.count < 3, {{all: [a.done, $p.off]}}]}}
    sources: [law]
    basis: primary
    confidence: high
requirements:
  r.done:
    title: done and small
    applies_when: a.here
    met_when:
      all:
        - a.done
        - f.small
    blocker: fixable
    remedy: Do it.
    sources: [law]
    basis: primary
    confidence: high
  r.limit:
    for_each: jurisdiction
    title: within the limit
    met_when: a.count <= $p.limit
    blocker: permanent
    remedy: None.
    sources: [law]
    basis: primary
    confidence: high
  r.weak:
    title: weakly known
    met_when: a.done
    decides: nothing
    blocker: external
    remedy: Ask.
    sources: [law]
    basis: primary
    confidence: high
routes:
  way: {{title: t, stage: only, summary: s, needs: [r.done], {EVIDENCE}}}
  way.each: {{for_each: jurisdiction, title: t, stage: only, summary: s, needs: [r.limit], {EVIDENCE}}}
  way.weak: {{title: t, stage: only, summary: s, needs: [r.weak], applies_when: a.here, {EVIDENCE}}}
stages: {{only: {{title: Only, order: 1, shown_by: way}}}}
sources: {{law: {{title: The law, publisher: P, address: null, consulted: 2026-11-22, kind: primary}}}}
"""
LAND = """checked: 2026-11-22
jurisdiction: {{code: {code}, name: {code}, kind: state, board: {{name: Board}}}}
parameters:
  p.limit: [{{{value}, sources: [law], basis: primary, confidence: high}}]
"""


@pytest.fixture
def rulebase(tmp_path: Path) -> Rulebase:
    """A small rulebase with two jurisdictions: an exact limit and one known from above only."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "shared.yaml").write_text(SHARED)
    (folder / "AA.yaml").write_text(LAND.format(code="AA", value="value: 5"))
    (folder / "BB.yaml").write_text(LAND.format(code="BB", value="at_least: 5"))
    return load_rulebase(folder, cache=False)


def judge(rulebase: Rulebase, tmp_path: Path, *cases: str, land: str = "AA") -> Coverage:
    """The coverage of cases given as their facts."""
    folder = tmp_path / "cases"
    folder.mkdir(exist_ok=True)
    for i, facts in enumerate(cases):
        body = f"case: c{i}\nas_of: 2026-11-22\njurisdictions: [{land}]\nfacts: {{{facts}}}\n"
        (folder / f"c{i}.yaml").write_text(body)
    return coverage(rulebase, folder, Places(tmp_path / "rules", "rules"))


def missing(found: Coverage) -> dict[tuple[str, str], list[str]]:
    """What was not shown, by rule and text."""
    return {(u.rule, u.text): u.missing for file in found.files for u in file.uncovered}


def test_without_a_fact_nothing_is_shown(rulebase: Rulebase, tmp_path: Path) -> None:
    """Everything that can be decisive is missing; what parameters or weak evidence decide is not asked for."""
    found = judge(rulebase, tmp_path, "")
    assert (found.requirements.both_ways, found.requirements.can_both_ways) == (0, 2)
    assert (found.conditions.both_ways, found.conditions.can_both_ways) == (0, 8)
    assert (found.conditions.one_way, found.conditions.can_one_way) == (1, 1)  # what a switch makes false is so at once
    assert (found.requirements.not_asked, found.conditions.not_asked) == (1, 3)
    texts = {text for _, text in missing(found)}
    assert "when: $p.off" not in texts  # no fact is looked at
    assert not any(rule == "r.weak" for rule, _ in missing(found))  # it never decides
    assert "when: a.done" not in texts  # nothing could make it matter while the switch is off


def test_what_is_masked_is_not_shown(rulebase: Rulebase, tmp_path: Path) -> None:
    """A condition counts only in a case in which turning it would turn its rule."""
    found = missing(judge(rulebase, tmp_path, "a.here: true, a.done: false, a.count: 9"))
    assert found["r.done", "met_when: a.done"] == ["true", "false"]  # the other part is false too
    assert found["r.done", "met_when: all [a.done, f.small]"] == ["true"]
    assert found["r.done", "applies_when: a.here"] == ["false"]
    assert found["f.small", "when: a.count < 3"] == ["true"]
    assert found["r.done", "done and small"] == ["met"]
    assert found["r.limit", "within the limit"] == ["met"]


def test_cases_that_turn_everything_show_everything(rulebase: Rulebase, tmp_path: Path) -> None:
    """Both ways of every condition and requirement, in as many cases as that takes."""
    found = judge(
        rulebase,
        tmp_path,
        "a.here: true, a.done: true, a.count: 1",
        "a.here: true, a.done: false, a.count: 1",
        "a.here: true, a.done: true, a.count: 9",
        "a.here: false, a.done: false, a.count: 9",
    )
    assert missing(found) == {}
    assert found.conditions.both_ways == found.conditions.can_both_ways == 8
    assert found.requirements.both_ways == found.requirements.can_both_ways == 2
    assert (found.cases, found.unread) == (4, [])


def test_a_rule_for_each_jurisdiction_counts_once(rulebase: Rulebase, tmp_path: Path) -> None:
    """One side may be shown in one jurisdiction and the other in another; beyond a bound nothing is shown."""
    shown = judge(rulebase, tmp_path, "a.count: 5", land="BB")
    assert missing(shown)["r.limit", "met_when: a.count <= $p.limit"] == ["false"]
    beyond = judge(rulebase, tmp_path, "a.count: 9", land="BB")
    assert missing(beyond)["r.limit", "met_when: a.count <= $p.limit"] == ["true", "false"]


def test_what_is_not_shown_is_named_with_its_line(rulebase: Rulebase, tmp_path: Path) -> None:
    """The line of the leaf itself, and of the group for a group; sorted within its file."""
    found = judge(rulebase, tmp_path, "")
    (file,) = found.files
    lines = SHARED.splitlines()
    places = {u.text: int(u.place.rpartition(":")[2]) for u in file.uncovered if u.rule == "r.done"}
    assert lines[places["met_when: f.small"] - 1].strip() == "- f.small"
    assert lines[places["met_when: all [a.done, f.small]"] - 1].strip() == "met_when:"
    assert lines[places["applies_when: a.here"] - 1].strip() == "applies_when: a.here"
    numbers = [int(u.place.rpartition(":")[2]) for u in file.uncovered]
    assert numbers == sorted(numbers)
    assert all(
        (isinstance(u, Uncovered) and u.place.startswith("rules/shared.yaml:")) or ":" in u.place
        for u in file.uncovered
    )


def test_a_case_that_cannot_be_read_is_named(rulebase: Rulebase, tmp_path: Path) -> None:
    """And the others are judged."""
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "broken.yaml").write_text("case: broken\nfacts: {no.such: 1}\n")
    found = judge(rulebase, tmp_path, "a.done: true")
    assert found.cases == 1
    assert [Path(name).name for name in found.unread] == ["broken.yaml"]
    with pytest.raises(InputError):
        coverage(rulebase, tmp_path / "nowhere", Places(tmp_path / "rules"))


def test_routes_that_no_golden_case_shows_are_named(rulebase: Rulebase, tmp_path: Path) -> None:
    """Both ways; a route that can never be open or reachable is not asked to be."""
    folder = tmp_path / "cases"
    folder.mkdir()

    def problems(*expect: str) -> set[tuple[str, str]]:
        for i, routes in enumerate(expect):
            body = f"case: c\nas_of: 2026-11-22\nfacts: {{}}\nexpect: {{routes: {{{routes}}}}}\n"
            (folder / f"{i}.yaml").write_text(body)
        return {(p.code, p.message.partition(":")[0]) for p in unshown_routes(rulebase, folder)}

    every = {("R105", "way"), ("R105", "way.each"), ("R105", "way.weak"), ("R104", "way"), ("R104", "way.each")}
    assert problems("") == every
    assert problems("way: reachable, way.each@AA: open") == every - {("R104", "way"), ("R104", "way.each")}
    shown = problems("way: open, way.each@AA: open", "way: undetermined, way.each@BB: closed, way.weak: not_applicable")
    assert shown == set()
