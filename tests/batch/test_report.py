"""The report of a batch: well-formed, readable without eyes or colours, true to its summary, and harmless whatever it is given."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.assessment.result import Status
from imgrules.batch.report import BLOCKERS, OUTCOMES, STATUSES, report
from imgrules.batch.report_parts import DARK, LIGHT, LOOKS, count, duration, html, listing, number, share, size, tag
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Outcome

WORDS = [str(status) for status in Status]
EVIL = """<script>alert(1)</script> "'&amp; ]]> --> </style> \x00\x1b\ud800\u202e javascript:"""


TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "h3", "p", "nav", "ul", "li", "main", "section",
    "footer", "figure", "figcaption", "div", "span", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td",
    "dl", "dt", "dd", "code", "bdi", "time", "strong", "svg", "defs", "pattern", "path", "rect", "text", "tspan", "desc",
}  # fmt: skip


# summaries ----------------------------------------------------------------------------------------------------------


def route(
    name: str, jurisdiction: str | None, stage: str = "s1", title: str = "", main: bool = True, **counts: int
) -> dict[str, Any]:
    """A route of a summary; what is not counted is 0."""
    told = {
        "route": name,
        "title": title or f"Route {name}",
        "jurisdiction": jurisdiction,
        "stage": stage,
        "main": main,
    }
    return told | dict.fromkeys(WORDS, 0) | counts


def a_summary(**changes: Any) -> dict[str, Any]:
    """A small run: 1,200 cases, two stages, a shared route, one of the whole country and one that is XB's alone."""
    summary: dict[str, Any] = {
        "title": "Applicants of autumn",
        "run": {
            "started": "2026-11-22T09:00:00+00:00", "finished": "2026-11-22T09:02:05+00:00", "imgrules": "0.1.0", "rulebase": "abc123",
            "as_of": "2026-11-22", "days": ["2026-11-22"] * 2,
            "routes": "main", "inputs": [{"path": "in/a.csv", "size": 1500, "sha256": "f" * 64}], "seconds": 125.0,
        },
        "cases": {"in": 1212, "out": 1200, "rejects": 12},
        "jurisdictions": {"XA": 700, "XB": 600},
        "names": {"XA": "Alpha", "XB": "New Beta"},
        "stages": [
            {"id": "s1", "title": "First stage", "met": 900, "not_met": 100, "unknown": 200},
            {"id": "s2", "title": "Second stage", "met": 0, "not_met": 0, "unknown": 1200},
        ],
        "routes": [
            route("r.shared@XA", "XA", title="Licence in Alpha by rule", open=350, closed=300, not_applicable=50),
            route("r.shared@XB", "XB", title="Licence in New Beta by rule", reachable=600),
            route("r.whole", None, "s2", undetermined=1200),
            route("r.own@XB", "XB", "s2", title="Only in Beta", main=False, open=1, not_applicable=599),
            route("r.nobody", None, "s2", main=False),
        ],
        "blockers": [
            {"name": "b.months@XA", "title": "24 months of training", "kind": "fixable", "remedy": "Train longer.", "cases": 350},
            {"name": "b.never", "title": "a clean record", "kind": "permanent", "remedy": "Ask the board.", "cases": 7},
        ],
        "unknown": [{"name": "f.one", "question": "How many times?", "rows": 1100}],
        "confirm": [{"name": "p.two@XB", "text": "how long training must be", "rows": 30}],
        "rejects": [{"code": "C001", "message": "no such day", "rows": 12, "example": "in/a.csv:17"}],
        "duplicates": {"ids": 1, "rows": 2, "examples": [{"case": "K-7", "places": ["in/a.csv:3", "in/a.csv:9"]}]},
        "check": {"rows": 50, "comparisons": 4321, "differences": 0},
    }  # fmt: skip
    return summary | changes


def an_empty_summary(**cases: int) -> dict[str, Any]:
    """A run without a single case judged."""
    nothing: dict[str, list[Any]] = {
        "stages": [],
        "routes": [],
        "blockers": [],
        "unknown": [],
        "confirm": [],
        "rejects": [],
    }
    none = {"ids": 0, "rows": 0, "examples": []}
    no_check = {"rows": 0, "comparisons": 0, "differences": 0}
    counts = {"in": 0, "out": 0, "rejects": 0} | cases
    return a_summary(cases=counts, jurisdictions={}, duplicates=none, check=no_check, **nothing)


texts = st.one_of(st.just(EVIL), st.text(max_size=8))
amounts = st.one_of(st.just(0), st.integers(0, 30), st.integers(0, 10**7))


@st.composite
def summaries(draw: st.DrawFn) -> dict[str, Any]:
    """Any run, with any text anywhere that a text may stand."""
    codes = draw(st.lists(st.sampled_from(["XA", "XB", "XC"]), unique=True))
    stages = [
        {"id": f"s{i}", "title": draw(texts), **{k: draw(amounts) for k in OUTCOMES}}
        for i in range(draw(st.integers(0, 3)))
    ]
    routes = []
    for i in range(draw(st.integers(0, 5))):
        everywhere = draw(st.sampled_from([None, *codes, "each"]))
        same, stage, main = draw(texts), draw(st.sampled_from(["s0", "s1", EVIL])), draw(st.booleans())
        for place in codes if everywhere == "each" else [everywhere]:
            name = f"r{i}@{place}" if place else f"r{i}"
            title = f"{same} {place}" if draw(st.booleans()) else draw(texts)
            routes.append(route(name, place, stage, title, main, **{word: draw(amounts) for word in WORDS}))

    def some(**fields: st.SearchStrategy[Any]) -> list[dict[str, Any]]:
        return draw(st.lists(st.fixed_dictionaries(fields), max_size=3))

    kind, positive = st.sampled_from(list(BLOCKERS)), st.integers(1, 10**6)
    return a_summary(
        title=draw(texts),
        cases={"in": draw(amounts), "out": draw(amounts), "rejects": draw(amounts)},
        jurisdictions={code: draw(amounts) for code in codes},
        names={code: draw(texts) for code in codes if draw(st.booleans())},
        stages=stages,
        routes=routes,
        blockers=some(name=texts, title=texts, kind=kind, remedy=texts, cases=positive),
        unknown=some(name=texts, question=texts, rows=positive),
        confirm=some(name=texts, text=texts, rows=positive),
        rejects=some(code=texts, message=texts, rows=positive, example=texts),
        duplicates={"ids": draw(amounts), "rows": 0, "examples": some(case=texts, places=st.lists(texts, max_size=3))},
        check={"rows": draw(amounts), "comparisons": draw(amounts), "differences": draw(amounts)},
    )


# reading a page -----------------------------------------------------------------------------------------------------


def parsed(page: str) -> Element:
    """The page as a tree; fails unless every element is closed and every character allowed."""
    page.encode("utf-8")
    assert page.startswith("<!DOCTYPE html>\n<html lang=")
    return ElementTree.fromstring(page)


def text_of(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def by_id(tree: Element, key: str) -> Element:
    (found,) = (element for element in tree.iter() if element.get("id") == key)
    return found


def seen(page: str) -> str:
    """All text of the page, without its style."""
    body = parsed(page).find("body")
    assert body is not None
    return text_of(body)


def rows_of(tree: Element, caption: str) -> list[list[str]]:
    """The cells of the table whose caption begins so."""
    (found,) = (table for table in tree.iter("table") if text_of(table[0]).startswith(caption))
    return [[text_of(cell) for cell in row] for row in found.iter("tr")]


# properties ---------------------------------------------------------------------------------------------------------


@given(summaries())
def test_any_page_is_well_formed_and_readable_without_eyes(summary: dict[str, Any]) -> None:
    """Ids are unique and all references land; headings go down by one; tables, figures and pictures are labelled."""
    tree = parsed(report(summary))
    ids = Counter(element.get("id") for element in tree.iter() if element.get("id"))
    assert not [key for key, n in ids.items() if n > 1]
    for element in tree.iter():
        for attribute in ("aria-labelledby", "aria-describedby"):
            assert all(key in ids for key in (element.get(attribute) or "").split())
        linked = re.fullmatch(r"#(.+)|.*url\(#(.+)\)", element.get("href") or element.get("fill") or "")
        assert not linked or (linked[1] or linked[2]) in ids
    levels = [int(element.tag[1]) for element in tree.iter() if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [len(list(tree.iter(landmark))) for landmark in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]


@given(summaries())
def test_every_table_has_a_caption_and_scoped_heads(summary: dict[str, Any]) -> None:
    """Each column and each row has a head with its scope, and rows are as wide as the head."""
    for table in parsed(report(summary)).iter("table"):
        assert table[0].tag == "caption"
        head, *body = table.iter("tr")
        assert {(cell.tag, cell.get("scope")) for cell in head} == {("th", "col")}
        for row in body:
            assert [(cell.tag, cell.get("scope")) for cell in row] == [("th", "row")] + [("td", None)] * (len(head) - 1)


@given(summaries())
def test_every_picture_is_labelled_and_told_again_as_a_table(summary: dict[str, Any]) -> None:
    """An SVG is an image with title and description, or hidden decoration; a figure has a caption and as many rows as bars."""
    tree = parsed(report(summary))
    for svg in tree.iter("svg"):
        if svg.get("aria-hidden") == "true":
            assert svg.find("title") is None
            continue
        assert svg.get("role") == "img"
        title, desc = svg.find("title"), svg.find("desc")
        assert title is not None
        assert desc is not None
        assert text_of(desc)
        assert (svg.get("aria-labelledby"), svg.get("aria-describedby")) == (title.get("id"), desc.get("id"))
    for figure in tree.iter("figure"):
        assert figure[0].tag == "figcaption"
        (table,) = figure.iter("table")
        assert len(list(table.iter("tr"))) - 1 == len([svg for svg in figure.iter("svg") if svg.get("class") == "bar"])


@given(summaries())
def test_nothing_is_loaded_and_nothing_runs(summary: dict[str, Any]) -> None:
    """No text of a summary becomes markup, and no address outside the page is named by an attribute or the style."""
    page = report(summary)
    tree = parsed(page)
    assert {element.tag for element in tree.iter()} <= TAGS
    for element in tree.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name in ("src", "style")]
        assert (element.get("href") or "#").startswith("#")
    (style,) = tree.iter("style")
    assert not re.search(r"url\(|@import|http", style.text or "")
    assert not re.search("[\x00-\x08\x0e-\x1f\ud800-\udfff]", page)


@given(summaries())
def test_the_parts_of_a_bar_are_its_shares(summary: dict[str, Any]) -> None:
    """Parts follow each other without gap, and never leave the bar."""
    for svg in parsed(report(summary)).iter("svg"):
        at = 0.0
        for rect in svg.iter("rect") if svg.get("class") == "bar" else ():
            x, width = (float((rect.get(name) or "").rstrip("%")) for name in ("x", "width"))
            assert x == pytest.approx(at, abs=0.011)
            at = x + width
        assert at <= 100.011


@given(summaries())
def test_all_figures_of_routes_are_in_the_tables(summary: dict[str, Any]) -> None:
    """Each route on which a case was judged stands in a table with its counts, alone or beside the other jurisdictions."""
    if not summary["cases"]["out"]:
        return
    tree = parsed(report(summary))
    totals: Counter[str] = Counter()
    for table in tree.iter("table"):
        head, *body = ([text_of(cell) for cell in row] for row in table.iter("tr"))
        for row in body if head[:2] in (["Route", "Cases"], ["Jurisdiction", "Cases"]) else ():
            if head[0] == "Jurisdiction" and len(head) == 2:
                continue  # where the cases aim
            cells = [int(cell.replace(",", "")) for cell in row[1:]]
            assert cells[0] == sum(cells[1:])
            for word, n in zip(head[2:], cells[1:], strict=True):
                totals[word] += n
    for status, kind in STATUSES.items():
        assert totals[kind.word] >= sum(r[status] for r in summary["routes"])
        assert bool(totals[kind.word]) == any(r[status] for r in summary["routes"])


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_share_is_never_rounded_to_none_or_all(a: int, b: int) -> None:
    part, whole = min(a, b), max(a, b)
    shown = share(part, whole)
    assert (shown == "0%") == (part == 0)
    assert (shown == "100%") == (part == whole > 0)
    if shown[0].isdigit() and whole:
        assert int(shown[:-1]) == pytest.approx(100 * part / whole, abs=0.51)


@given(texts)
def test_text_comes_out_as_it_went_in(text: str) -> None:
    """Whatever its characters, save those that no page can hold."""
    never = {*range(32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF} - set(map(ord, "\t\n\r"))
    kept = "".join("\ufffd" if ord(c) in never else c for c in text)
    back = ElementTree.fromstring(tag("p", text, title=text))
    assert (back.text or "") == kept.replace("\r\n", "\n").replace("\r", "\n")


# colours ------------------------------------------------------------------------------------------------------------


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_enough(colours: dict[str, str]) -> None:
    """4.5 for text on its ground, 3 for what must be made out: bars on the page and lines (WCAG 2.2 AA)."""
    for ground in ("paper", "panel"):
        assert all(contrast(colours[text], colours[ground]) >= 4.5 for text in ("ink", "quiet", "link"))
        assert all(contrast(colours[look], colours[ground]) >= 3 for look in LOOKS)
    assert all(contrast(colours["on"], colours[look]) >= 4.5 for look in LOOKS)
    assert contrast(colours["line"], colours["paper"]) >= 3
    assert colours.keys() == LIGHT.keys()


def test_no_two_kinds_of_one_figure_differ_by_colour_alone() -> None:
    """Within a figure each kind has a pattern of its own."""
    tree = parsed(report(a_summary()))
    drawn = {p.get("id"): tuple(path.get("d") for path in p.iter("path")) for p in tree.iter("pattern")}
    for kinds in (STATUSES, OUTCOMES, BLOCKERS):
        looks = [drawn[f"p-{kind.look}"] for kind in kinds.values()]
        assert len(set(looks)) == len(looks)
    assert set(STATUSES) == set(Status)
    assert set(OUTCOMES) == set(Outcome)


# examples -----------------------------------------------------------------------------------------------------------


def test_the_first_sentences_say_what_came_out() -> None:
    page = seen(report(a_summary()))
    assert "1,200 cases judged as of 22 November 2026, for 2 jurisdictions; 12 could not be judged." in page
    assert "Of 2,450 results on main routes" in page
    assert "14% open, 24% reachable, 49% undetermined and 12% closed." in page
    assert "The most frequent obstacle: 24 months of training (350 results; fixable: the applicant can act)." in page
    assert (
        "50 rows drawn at random were judged again by a second engine: 4,321 outcomes compared, none differed." in page
    )
    assert "do not rely" not in page


def test_a_run_without_rejects_and_without_one_date() -> None:
    run = a_summary()["run"] | {"days": ["2024-05-01", "2026-11-22"], "routes": ["r.whole", "r.own"]}
    none = {"ids": 0, "rows": 0, "examples": []}
    cases = {"in": 1, "out": 1, "rejects": 0}
    page = seen(report(a_summary(run=run, rejects=[], duplicates=none, cases=cases, jurisdictions={})))
    assert "1 case judged as of 1 May 2024 to 22 November 2026, each case on its own day; none was refused." in page
    assert "Every case could be judged." in page
    assert "No case names a jurisdiction" in page
    assert "r.whole and r.own" in page
    assert "more than one row" not in page


def test_a_run_without_cases() -> None:
    page = report(an_empty_summary())
    assert "There was no case to judge: the files hold no rows." in seen(page)
    headings = [text_of(h) for h in parsed(page).iter("h2")]
    assert headings == ["Cases that could not be judged", "How this was made"]
    assert "%" not in seen(page)


@pytest.mark.parametrize(("n", "words"), [(1, "The only case was refused."), (1500, "All 1,500 were refused.")])
def test_a_run_in_which_all_was_refused(n: int, words: str) -> None:
    page = seen(report(an_empty_summary(**{"in": n, "rejects": n})))
    assert f"No case was judged. {words}" in page
    assert "no reasons were kept" in page


def test_nothing_to_tell_is_told() -> None:
    """A run whose cases were judged on nothing reads well, and a bar without a length still says so."""
    stages = [{"id": "s1", "title": "First stage", "met": 0, "not_met": 0, "unknown": 0}]
    page = report(an_empty_summary(**{"in": 3, "out": 3}) | {"stages": stages})
    for words in (
        "No route was judged.",
        "No requirement is known to be missing",
        "No result hangs on a fact",
        "a point to confirm.",
    ):
        assert words in seen(page)
    assert text_of(by_id(parsed(page), "stage-1-d")) == "0"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cases": {"in": 1212, "out": 1200, "rejects": 10}}, "2 cases unaccounted for: do not rely on this page."),
        ({"cases": {"in": 1211, "out": 1200, "rejects": 12}}, "1 case more than were read: do not rely on this page."),
        (
            {"check": {"rows": 9, "comparisons": 9, "differences": 3}},
            "The check found 3 differences: do not rely on this page.",
        ),
    ],
)
def test_what_does_not_add_up_is_said_first(change: dict[str, Any], words: str) -> None:
    (figures,) = (
        s for s in parsed(report(a_summary(**change))).iter("section") if s.get("aria-labelledby") == "figures"
    )
    assert text_of(figures[1]) == words
    assert figures[1].get("class") == "warn"


def test_shared_routes_are_added_up_and_compared_by_jurisdiction() -> None:
    """The best comes first, and the title leaves out the jurisdiction's name."""
    tree = parsed(report(a_summary()))
    assert rows_of(tree, "First stage: routes") == [
        ["Route", "Cases", "Open", "Reachable", "Closed", "Not applicable"],
        ["Licence in … by rule, 2 jurisdictions", "1,300", "350", "600", "300", "50"],
    ]
    assert rows_of(tree, "Licence in … by rule") == [
        ["Jurisdiction", "Cases", "Open", "Reachable", "Closed", "Not applicable"],
        ["New Beta (XB)", "600", "0", "600", "0", "0"],
        ["Alpha (XA)", "700", "350", "0", "300", "50"],
    ]
    assert [row[0] for row in rows_of(tree, "Second stage: routes")[1:]] == [
        "Route r.whole",
        "Only in Beta, New Beta (XB)",
    ]
    assert "1 route on which no case was judged is left out." in seen(report(a_summary()))


def test_shared_routes_without_names_of_jurisdictions() -> None:
    """What the titles have in common stands for them all; a letter that looks like a code is left alone."""
    routes = [
        route("r@MD", "MD", title="Licence for an MD in Mary Land", open=1),
        route("r@XB", "XB", title="Licence for an MD in Beta", open=1),
    ]
    tree = parsed(report(a_summary(routes=routes, names={})))
    assert rows_of(tree, "First stage: routes")[1][0] == "Licence for an MD in …, 2 jurisdictions"
    assert [row[0] for row in rows_of(tree, "Licence for an MD")[1:]] == ["MD", "XB"]


def test_main_routes_come_first() -> None:
    """Among those shown at once, and among those folded away by jurisdiction."""
    shared = [
        route(f"{name}@{place}", place, title=name, main=name == "main", open=1)
        for name in ("side", "main")
        for place in ("XA", "XB")
    ]
    tree = parsed(report(a_summary(routes=[route("a", None, main=False, open=1), route("b", None, open=1), *shared])))
    shown = [row[0] for row in rows_of(tree, "First stage: routes")[1:]]
    assert shown == ["Route b", "main, 2 jurisdictions", "Route a", "side, 2 jurisdictions"]
    folds = [text_of(summary) for summary in tree.iter("summary") if "by jurisdiction" in text_of(summary)]
    assert folds == ["main, by jurisdiction (2)", "side, by jurisdiction (2)"]


def test_routes_named_alike_that_differ_are_not_added_up() -> None:
    routes = [
        route("r@XA", "XA", title="A year at sea", open=1),
        route("r@XB", "XB", title="A letter of praise from afar", open=1),
    ]
    page = seen(report(a_summary(routes=routes)))
    assert "…" not in page
    assert "A year at sea, Alpha (XA)" in page


def test_many_routes_of_single_jurisdictions_are_folded_away() -> None:
    """By jurisdiction; a main one is shown all the same."""
    routes = [
        route(f"r{i}@X{'AB'[i % 2]}", f"X{'AB'[i % 2]}", main=i == 0, title=f"Way {i}", open=5) for i in range(14)
    ]
    tree = parsed(report(a_summary(routes=routes)))
    assert [row[0] for row in rows_of(tree, "First stage: routes, in")[1:]] == ["Way 0, Alpha (XA)"]
    assert len(rows_of(tree, "First stage: routes of New Beta (XB) alone")) == 1 + 7
    folds = [text_of(summary) for summary in tree.iter("summary")]
    assert "Routes of single jurisdictions (13)" in folds
    assert "New Beta (XB): 7 routes" in folds


def test_long_figures_are_folded_away_after_the_first_bars() -> None:
    blockers = [a_summary()["blockers"][0] | {"name": f"b.{i}", "cases": 99 - i} for i in range(50)]
    tree = parsed(report(a_summary(blockers=blockers)))
    figure = next(f for f in tree.iter("figure") if f.get("aria-labelledby") == "blocker")
    folds = [text_of(summary) for summary in figure.iter("summary")]
    assert folds == ["40 more", "The same as a table"]
    assert len(rows_of(tree, "Requirements not met")) == 51


def test_a_bar_tells_its_figures_in_words() -> None:
    tree = parsed(report(a_summary()))
    assert text_of(by_id(tree, "stage-1-t")) == "First stage"
    assert text_of(by_id(tree, "stage-1-d")) == "met 900 (75%), unknown 200 (17%), not met 100 (8%)"
    assert text_of(by_id(tree, "blocker-1-d")) == "350 results, fixable"
    assert text_of(by_id(tree, "blocker-1-t")) == "24 months of training (XA)"


def test_obstacles_unknowns_and_rejects_are_listed() -> None:
    tree = parsed(report(a_summary()))
    assert rows_of(tree, "Requirements")[1] == [
        "24 months of training (XA) b.months@XA",
        "350",
        "Fixable",
        "Train longer.",
    ]
    assert rows_of(tree, "Questions")[1] == ["How many times? f.one", "1,100"]
    assert rows_of(tree, "Points")[1] == ["how long training must be (XB) p.two@XB", "30"]
    assert rows_of(tree, "Reasons")[1] == ["C001", "no such day", "12", "in/a.csv:17"]
    assert rows_of(tree, "Case ids")[1] == ["K-7", "in/a.csv:3in/a.csv:9"]
    assert rows_of(tree, "Files read")[1] == ["in/a.csv", "1.5 kB", "f" * 64]


def test_evil_text_is_shown_as_text() -> None:
    page = report(a_summary(title=EVIL))
    assert "<script>" not in page
    assert "<script>alert(1)</script> \"'&amp; ]]> --> </style>" in seen(page)


def test_the_shipped_rulebase_makes_a_readable_page(rules: Rulebase) -> None:
    """All its routes in all its jurisdictions: nothing shown at once is longer than a dozen bars."""
    routes = []
    for entry in rules.routes.values():
        for place in rules.jurisdictions if entry.model.for_each else [entry.scope]:
            title = entry.model.title.replace("{jurisdiction}", rules.jurisdiction_names.get(place or "", ""))
            name = f"{entry.name.partition('@')[0]}@{place}" if place else entry.name
            routes.append(route(name, place, entry.model.stage, title, entry.model.main, open=3, closed=4))
    stages = [
        {"id": e.name, "title": e.model.title, "met": 7, "not_met": 0, "unknown": 0} for e in rules.stages.values()
    ]
    aims = dict.fromkeys(rules.jurisdictions, 7)
    tree = parsed(report(a_summary(routes=routes, stages=stages, jurisdictions=aims, names=rules.jurisdiction_names)))
    parents = {child: parent for parent in tree.iter() for child in parent}
    for bars in tree.iter("ul"):
        above = bars
        while above in parents and above.tag != "details":
            above = parents[above]
        assert bars.get("class") != "bars" or above.tag == "details" or len(bars) <= 12


def test_numbers_for_people() -> None:
    assert [number(n) for n in (0, 999, 1000, 1234567)] == ["0", "999", "1,000", "1,234,567"]
    assert [count(n, "case") for n in (0, 1, 2000)] == ["0 cases", "1 case", "2,000 cases"]
    assert [share(n, d) for n, d in ((0, 0), (1, 1000), (999, 1000), (1, 3))] == ["0%", "<1%", ">99%", "33%"]
    assert [listing(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    seconds = (0, 3.21, 59.99, 60, 125, 3599.9, 3600, 7260.0)
    assert [duration(s) for s in seconds] == [
        "0.0 seconds", "3.2 seconds", "1 minute", "1 minute", "2 minutes 5 seconds", "1 hour", "1 hour", "2 hours 1 minute",
    ]  # fmt: skip
    assert [size(n) for n in (0, 1, 999, 1000, 999_999, 3_440_000, 5 * 10**12, 7 * 10**15)] == [
        "0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.0 MB", "3.4 MB", "5.0 TB", "7,000.0 TB",
    ]  # fmt: skip
    assert html("a<", None, ["b", [html("<br/>")]]) == "a&lt;b&lt;br/&gt;"


def test_no_heavy_library_is_imported() -> None:
    """The page is plain Python: making one loads no table or number library."""
    program = "import sys, imgrules.batch.report; print(*(m for m in ('polars', 'numpy', 'pyarrow', 'click', 'rich') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
