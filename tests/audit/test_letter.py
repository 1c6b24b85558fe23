"""A decision on paper: complete, safe, and readable without colours, pictures or a network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.case import Case, read_case
from imgrules.assessment.result import Status
from imgrules.audit.letter import STATUSES, letter
from tests.audit.people import applicant, entry, small
from tests.cases import random_case

CASES = Path(__file__).parents[2] / "cases"
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Checks that tags nest, and gathers what a reader meets."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def demo(assessor: Assessor) -> Derived:
    return assessor.derive(read_case(CASES / "demo.yaml", assessor.rulebase))


def test_everything_that_was_concluded_is_told(assessor: Assessor) -> None:
    """Each route ahead with its status, blockers with remedies, what is unknown, tracks with caveats, sources."""
    derived = demo(assessor)
    a = derived.assessment
    page = Page(letter(derived, entry(7, derived.case, a.rulebase))).text
    told = [words for r in a.wanted for words in (r.title, r.summary, STATUSES[r.status][0])]
    told += [words for r in a.wanted for b in r.blockers for words in (b.remedy, b.title[1:])]
    told += [u.text for r in a.wanted for u in r.unknown]
    told += [caveat for t in a.fast_tracks if t.recommended for caveat in t.caveats]
    told += [x.text for x in a.alerts] + [s.text for s in a.next_steps] + [x.text for x in a.advice]
    told += [s.title for r in a.wanted for b in r.blockers for s in b.sources]
    told += [
        "record-7",
        "ab" * 32,
        "an adviser",
        "22 November 2026, 10:04 UTC",
        a.rulebase,
        a.case,
        "It is not legal advice",
    ]
    assert [words for words in told if " ".join(words.split()) not in page] == []
    for name in derived.case.facts:
        title = assessor.rulebase.facts[name].model.title
        assert title[1:] in page


def test_each_mark_points_at_a_source_with_its_day(assessor: Assessor) -> None:
    page = Page(letter(demo(assessor)))
    ids = {attrs["id"] for _, attrs in page.tags if attrs.get("id")}
    links = [str(attrs["href"]) for tag, attrs in page.tags if tag == "a"]
    inside = [link[1:] for link in links if link.startswith("#")]
    assert any(link.startswith("source-") for link in inside)
    assert set(inside) <= ids
    assert all(link.startswith(("#", "https://", "http://")) for link in links)
    assert sum(tag == "time" for tag, _ in page.tags) == len({i for i in ids if str(i).startswith("source-")})
    assert len([a for _, a in page.tags if a.get("id")]) == len(ids)


def test_a_page_of_its_own(assessor: Assessor) -> None:
    """Nothing is fetched or run; language, headings in order, headed tables, marks that speak."""
    text = letter(demo(assessor))
    page = Page(text)
    tags = [tag for tag, _ in page.tags]
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(tags)
    assert "url(" not in text
    assert "@import" not in text
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on") or a == "src"]
    assert ("html", {"lang": "en"}) in page.tags
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert tags.count("table") == tags.count("caption")
    assert all(attrs.get("scope") for tag, attrs in page.tags if tag == "th")
    marks = [attrs for tag, attrs in page.tags if tag == "a" and str(attrs["href"]).startswith("#source")]
    assert all(attrs.get("aria-label") for attrs in marks)
    assert "@media print" in text


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=60))
def test_what_a_person_wrote_never_becomes_markup(text: str) -> None:
    """Names with markup in them are shown as they are."""
    rules = small()
    hostile = f"<script>&\"'{text}</script>"
    case = applicant(rules, hostile)
    derived = Assessor(rules).derive(case)
    written = letter(derived, entry(1, case, rules.version, who=hostile))
    assert "<script" not in written
    page = Page(written)
    assert " ".join(hostile.split()) in page.text


def test_texts_of_the_rules_never_become_markup() -> None:
    rules = small(("remedy: Pass it.", 'remedy: "Pass <b>it</b> & go."'))
    written = letter(Assessor(rules).derive(applicant(rules, exam_passed=False)))
    assert "Pass &lt;b&gt;it&lt;/b&gt; &amp; go." in written


def test_letters_of_anybody(assessor: Assessor) -> None:
    """Random people, nobody's facts at all, and every status: always a whole page."""
    rulebase = assessor.rulebase
    for seed in range(12):
        case = random_case(rulebase, seed, known=0.1)
        Page(letter(assessor.derive(Case(case.id, case.as_of, case.jurisdictions))))
    assert set(STATUSES) == set(Status)
    assert "Nothing yet." in letter(assessor.derive(Case("nobody", demo(assessor).case.as_of)))
