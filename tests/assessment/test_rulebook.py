"""The rulebook says everything that the rules say, in words, and its links lead somewhere."""

from __future__ import annotations

import os.path
import re
from pathlib import Path

import pytest

from imgrules.assessment.rulebook import INDEX, MARK, outdated, rulebook, write
from imgrules.rulebase.load import default_folder, load_rulebase
from imgrules.rulebase.rulebase import Rulebase


@pytest.fixture(scope="module")
def pages(rules: Rulebase) -> dict[str, str]:
    """The pages of the shipped rules."""
    return rulebook(rules)


def test_the_same_rules_give_the_same_pages(pages: dict[str, str]) -> None:
    """Byte for byte, also when loaded afresh."""
    assert rulebook(load_rulebase(default_folder(), cache=False)) == pages


def test_there_is_a_page_for_each_jurisdiction_and_topic(pages: dict[str, str], rules: Rulebase) -> None:
    """And an index that links them all."""
    folders = {p.parent.name for p in default_folder().rglob("*.yaml")} - {"jurisdictions", "sources"}
    assert {f"{folder}.md" for folder in folders} <= set(pages)
    assert {f"jurisdictions/{code}.md" for code in rules.jurisdictions} <= set(pages)
    assert all(f"]({name})" in pages[INDEX] for name in pages if name != INDEX)
    assert rules.version in pages[INDEX]


def test_every_link_leads_somewhere(pages: dict[str, str]) -> None:
    """To a page of the rulebook and an anchor that stands on it once."""
    anchors = {}
    for name, text in pages.items():
        ids = re.findall(r'<a id="([^"]+)"', text)
        assert len(ids) == len(set(ids)), name
        anchors[name] = set(ids) | {h.lower().replace(" ", "-") for h in re.findall(r"^## (.*)$", text, re.MULTILINE)}
    for name, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not target.startswith("http"):
                file, _, anchor = target.partition("#")
                page = os.path.normpath(os.path.join(os.path.dirname(name), file)) if file else name
                assert page in pages, (name, target)
                assert not anchor or anchor in anchors[page], (name, target)


def test_every_definition_and_source_is_there(pages: dict[str, str], rules: Rulebase) -> None:
    """Each definition under its name, each value's note, and the address of each source cited."""
    everything = "\n".join(pages.values())
    for table in (rules.rules, rules.facts, rules.derived, rules.parameters, rules.advice, rules.alerts):
        for entry in table.values():
            assert f"\n`{entry.name}`\n" in everything
    for entry in rules.facts.values():
        assert entry.model.title[1:].split("*")[0] in everything
    cited = {c.id for e in rules.evidenced for c in e.model.cited}
    cited |= {c.id for _, _, value in rules.all_values() for c in value.cited}
    for id in cited:
        address = rules.sources[id].model.address
        assert f'<a id="source-{id}"></a>' in everything
        assert address is None or f"<{address}>" in everything


def test_a_jurisdiction_page_has_its_values_with_dates_and_evidence(pages: dict[str, str], rules: Rulebase) -> None:
    """As many dated values as the jurisdiction gives."""
    for code in rules.jurisdictions:
        values = [v for _, scope, v in rules.all_values() if scope == code]
        text = pages[f"jurisdictions/{code}.md"].partition("## Figures and switches")[2]
        assert len(re.findall(r"^- \*\*.*\*\*, .*\.$", text, re.MULTILINE)) == len(values)
        assert text.count("  Evidence: ") == len(values)


SMALL = """checked: 2026-11-22
countries: {IN: India, US: United States}
facts:
  a.done: {type: bool, title: the *starred* thing, question: "Done?", why: Needed., changeable: true, help: Look.}
  a.count: {type: int, unit: times, range: [0, 9], title: the count, question: How often?, why: Needed.}
  a.on: {type: date, range: [2000-01-01, today], title: the day, question: When?, why: Needed., asked_when: a.done}
  a.kind: {type: enum, values: {x: an X, y: a Y}, title: the kind, question: Which?, why: Needed.}
  a.from: {type: set, of: country, title: the countries, question: Which?, why: Needed.}
  a.land: {type: jurisdiction, title: the land, question: Where?, why: Needed.}
derived:
  a.ready: {type: date, title: the ready day, is: "max(add_months(a.on, $p.wait), add_days(a.on, 3))"}
  a.more: {type: int, title: more, is: "a.count + number(a.done) * 2"}
  a.least: {type: decimal, title: least, is: "min(years_between(a.on, today), 3)"}
parameters:
  p.wait: {title: the wait, type: int, unit: months, values: [{value: 3, sources: [law], basis: primary, confidence: high}]}
  p.limit: {for_each: jurisdiction, title: the limit, type: int, unit: times}
  p.rule: {for_each: jurisdiction, title: the rule, type: enum, values_allowed: {bar: it bars, none: nothing}}
  p.lands: {title: the lands, type: set, of: country, values: [{includes: [IN], sources: [law], basis: primary, confidence: high}]}
  p.on: {title: the switch, type: bool, values: [{value: unknown, to: 2025-12-31, sources: [law], basis: primary, confidence: high}]}
  p.shown: {title: shown, type: text, informational: true, values: [{value: words, sources: [law], basis: primary, confidence: high}]}
findings:
  f.all:
    title: all of it
    when:
      all:
        - not a.done
        - a.on >= 2024-02-29
        - a.on < today
        - a.kind == x
        - a.kind in [x, y]
        - a.from contains IN
        - a.from overlaps $p.lands
        - a.ready <= today
        - $p.on
        - {not: a.least > 1}
        - {not: {any: [a.more == 3, a.done]}}
        - {at_least: 2, of: [a.done, a.count > 2, a.count > 3]}
    decides: met
    sources: [{id: law, section: "1(a)"}]
    basis: primary
    confidence: high
    note: Mind <this>.
requirements:
  r.limit:
    for_each: jurisdiction
    title: "within {p.limit}, in {jurisdiction}, says {board}, after {p.wait}, {a.count}, by {today}"
    applies_when: $p.rule == bar
    met_when: {all: [a.count <= $p.limit, {any: [a.land == $here, f.all, not f.all]}]}
    blocker: waiting
    ready_on: a.ready
    remedy: Wait.
    decided_by: "{board}"
    weeks: [2, 2]
    cost_usd: [10, 20]
    sources: [law]
    basis: primary
    confidence: high
routes:
  way:
    for_each: jurisdiction
    title: "The way in {jurisdiction}"
    stage: only
    summary: s
    gives: g
    needs: [r.limit]
    opens: unknown
    in_force: {from: unknown}
    leads_to: [{route: old, after: a year}]
    after: [old]
    excludes: [old]
    sources: [law]
    basis: primary
    confidence: high
  old:
    title: The old way
    stage: only
    summary: s
    needs: [r.old]
    in_force: {to: 2020-12-31}
    replaced_by: way
    replaced_text: Go on.
    opens: 2019-01-01
    sources: [law]
    basis: primary
    confidence: high
alerts:
  al: {title: a date, on: a.ready, warn_days: 9, passed_days: 3, text: Look., when: f.all, sources: [law], basis: primary, confidence: high}
advice:
  ad: {title: a hint, text: Do., strength: strong, evidence: It helps., sources: [law], basis: primary, confidence: high}
fast_tracks:
  ft: {title: quick, route: old, instead_of: old, saves: time, caveats: [One.], suits_when: a.done, sources: [law], basis: primary, confidence: high}
contradictions:
  co.too_many: {when: a.count > 8, text: Too many.}
stages: {only: {title: Only, order: 1, shown_by: old}}
sources: {law: {title: The *law*, publisher: P, address: "https://law.example/_a_", consulted: 2026-11-22, kind: primary}}
"""
OLD = "  r.old: {title: old, met_when: a.done, blocker: fixable, remedy: Do., sources: [law], basis: primary, confidence: high}\n"
LAND = """checked: 2026-11-22
jurisdiction: {code: AA, name: Aland, kind: state, note: An island., board: {name: The Board}}
parameters:
  p.limit:
    - {value: 2, to: 2020-12-31, sources: [law], basis: primary, confidence: high, note: Then.}
    - {at_least: 3, at_most: 5, from: 2021-01-01, sources: [law], basis: primary, confidence: high}
  p.rule: [{value: bar, sources: [law], basis: primary, confidence: high}]
excuses:
  r.limit: {title: an excuse, when: a.done, sources: [law], basis: primary, confidence: high}
requirements:
  r.own:
    title: own
    for_route: way
    met_when: a.count > 1
    blocker: external
    remedy: Ask.
    decides: nothing
    sources: [law]
    basis: primary
    confidence: high
"""


@pytest.fixture
def small(tmp_path: Path) -> dict[str, str]:
    """The pages of a rulebase with one of everything."""
    folder = tmp_path / "rules"
    (folder / "lands").mkdir(parents=True)
    (folder / "shared").mkdir()
    (folder / "shared" / "all.yaml").write_text(SMALL.replace("routes:\n", f"{OLD}routes:\n", 1))
    (folder / "lands" / "AA.yaml").write_text(LAND)
    return rulebook(load_rulebase(folder, cache=False))


def test_conditions_are_said_in_words(small: dict[str, str]) -> None:
    """Each kind of leaf and group, with titles that link and values filled in."""
    text = small["shared.md"]
    for words in (
        "- When: all of these:",
        "  - [the \\*starred\\* thing](#a.done): no",
        "  - [the day](#a.on): on or after 29 February 2024",
        "  - [the day](#a.on): before the day judged on",
        "  - [the kind](#a.kind): an X",
        "  - [the kind](#a.kind): one of an X, a Y",
        "  - [the countries](#a.from): includes India",
        "  - [the countries](#a.from): includes one of [the lands](#parameters-p.lands) (India (perhaps others)",
        "  - [the switch](#parameters-p.on) (not established): yes",
        "  - not: [least](#a.least): more than 1",
        "  - not this:",
        "      - [more](#a.more): exactly 3",
        "  - at least 2 of these:",
        "- Can only be found met; otherwise it is unknown, to be confirmed.",
        "- Note: Mind \\<this>.",
        "Sources: [law](#source-law) (1(a))",
        "- Met when: all of these:",
        "[the count](#a.count): at most [the limit](#parameters-p.limit) (differs by jurisdiction)",
        "    - [the land](#a.land): this jurisdiction",
        "    - [all of it](#f.all)",
        "    - not: [all of it](#f.all)",
        "- Applies when: [the rule](#parameters-p.rule) (differs by jurisdiction): it bars",
    ):
        assert words in text, words


def test_texts_name_what_differs(small: dict[str, str]) -> None:
    """On the shared page by title, on the jurisdiction's own page by value."""
    assert (
        "### Within (the limit), in the jurisdiction, says the board, after 3 months, (the count), by the day judged on"
        in small["shared.md"]
    )
    assert (
        "Within at least 3 times and at most 5 times, in Aland, says The Board, after 3 months"
        in small["jurisdictions/AA.md"]
    )


def test_everything_else_is_said_too(small: dict[str, str]) -> None:
    """Formulas, dates, routes, alerts, fast tracks, advice, contradictions, sources."""
    text = small["shared.md"]
    for words in (
        "- Worked out as: the latest of ([the wait](#parameters-p.wait) (3 months) after [the day](#a.on); 3 days after [the day](#a.on))",
        "- Worked out as: the least of (years from [the day](#a.on) to the day judged on; 3)",
        "[the count](#a.count) + ((1 if [the \\*starred\\* thing](#a.done), else 0) * 2)",
        "- When not met: waiting: time alone mends it. Wait.",
        "- Mended on: [the ready day](#a.ready)",
        "- About 2 weeks",
        "- About 10 to 20 US dollars",
        "- In force: enacted, start not established",
        "- In force: until 31 December 2020",
        "- Applications taken from: not established",
        "- Applications taken from: 1 January 2019",
        "- Replaced by: [The way in the jurisdiction](#way)",
        "- Instead: Go on.",
        "- Comes after: [The old way](#old)",
        "- Leads to: [The old way](#old), after a year",
        "- Shown from 9 days before, and for 3 days after",
        "- Saves: time",
        "- Evidence that it helps: strong. It helps.",
        "### Too many",
        "- **India, perhaps others**, always.",
        "- **Not established**, until 31 December 2025.",
        "- Shown only; no rule uses it.",
        "- Answer: int (times), from 0 to 9",
        "  - an X (`x`)",
        "- Asked when: [the \\*starred\\* thing](#a.done): yes",
        "- The applicant can change it by acting.",
        "- Number 1; reached with: [The old way](#old)",
        "**law**: The \\*law\\*; P; read 2026-11-22 <https://law.example/_a_>",
    ):
        assert words in text, words


def test_a_jurisdiction_page_shows_how_things_stand_there(small: dict[str, str]) -> None:
    """The shared route's needs, what is accepted instead, its own requirement, its dated values."""
    text = small["jurisdictions/AA.md"]
    for words in (
        "# Aland (AA)",
        "State; licensed by The Board; last checked on 22 November 2026.",
        "An island.",
        "### [The way in Aland](../shared.md#way)",
        ", or [an excuse](#excuses-r.limit@AA)",
        "- [Own](#r.own@AA)",
        "- Added to: [The way in Aland](../shared.md#way)",
        "- Never decided here: shown as something to confirm.",
        "- **2 times**, until 31 December 2020.\n  Then.\n",
        "- **At least 3 times and at most 5 times**, from 1 January 2021.",
        "- **It bars**, always.",
    ):
        assert words in text, words


def test_pages_are_written_compared_and_cleared_away(small: dict[str, str], tmp_path: Path) -> None:
    """What is missing, different or left over is named; only pages of ours are ever removed."""
    out = tmp_path / "out"
    assert len(outdated(small, out)) == len(small)
    write(small, out)
    assert outdated(small, out) == []
    (out / "shared.md").write_text("changed")
    (out / "gone.md").write_text(f"{MARK}\nold")
    (out / "theirs.md").write_text("mine")
    assert outdated(small, out) == [f"{out}/shared.md: out of date", f"{out}/gone.md: no longer part of the rulebook"]
    write(small, out)
    assert outdated(small, out) == []
    assert (out / "theirs.md").read_text() == "mine"
    assert not (out / "gone.md").exists()
