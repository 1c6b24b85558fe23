"""`imgrules states`: the table, the formats for programs, the map on the terminal and as SVG."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from imgrules.assessment.result import Status
from imgrules.assessment.states import BestTrack, Comparison, Missing, Standing
from imgrules.cli import run
from imgrules.cli.text import Page
from imgrules.cli.tilemap import LOOKS, places, print_map, short, svg_map
from imgrules.rulebase.rulebase import Rulebase

SVG = "{http://www.w3.org/2000/svg}"
CASE = """
case: trainee
as_of: 2026-11-22
jurisdictions: [CA]
facts:
  degree: {type: md_equivalent, status: graduate}
  gme: {us_months: 18, canada_months: 0, completed: false, in_training: true}
  ecfmg.certified: true
  visa.status: lpr
"""


@pytest.fixture
def case(tmp_path: Path) -> str:
    """A case file."""
    path = tmp_path / "trainee.yaml"
    path.write_text(CASE, encoding="utf-8")
    return str(path)


def out(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What a run that must succeed prints."""
    capsys.readouterr()
    assert run(["states", *args]) == 0
    return capsys.readouterr().out


# lists --------------------------------------------------------------------------------------------------------------


def test_the_table_shows_every_jurisdiction_once_within_80_columns(
    case: str, capsys: pytest.CaptureFixture[str], rules: Rulebase
) -> None:
    text = out(capsys, case)
    assert max(map(len, text.splitlines())) <= 80
    for code, name in rules.jurisdiction_names.items():
        mark = "*" if code == "CA" else " "
        assert len(re.findall(rf"^{code}{re.escape(mark)} {name} +\S", text, re.MULTILINE)) == 1, name
    assert "months missing" in text
    assert "Not legal advice" in text


def test_json_csv_and_table_hold_the_same(case: str, capsys: pytest.CaptureFixture[str], rules: Rulebase) -> None:
    comparison = Comparison.model_validate(json.loads(out(capsys, case, "--format", "json")))
    rows = list(csv.DictReader(io.StringIO(out(capsys, case, "--format", "csv"))))
    codes = [s.code for s in comparison.jurisdictions]
    assert sorted(codes) == sorted(rules.jurisdictions)
    assert [row["code"] for row in rows] == codes
    assert re.findall(r"^([A-Z]{2})[* ] ", out(capsys, case), re.MULTILINE) == codes
    for s, row in zip(comparison.jurisdictions, rows, strict=True):
        assert row["status"] == s.status.value
        assert (
            int(row["blockers"])
            == s.blocker_count
            == sum(int(row[kind]) for kind in ("permanent", "fixable", "waiting", "external"))
        )
        assert int(row["unknown_facts"]) + int(row["to_confirm"]) == s.unknown
        assert s.missing is not None
        assert row["missing"] == ("unknown" if s.missing.exact is None else str(s.missing.exact))
        assert row["fast_track"] == (s.fast_track.id if s.fast_track else "")


def test_filters(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    def codes(*args: str) -> set[str]:
        return {s["code"] for s in json.loads(out(capsys, case, "--format", "json", *args))["jurisdictions"]}

    assert codes("--only", "ca,Texas", "--only", "NY") == {"CA", "TX", "NY"}
    every = {s["code"]: s for s in json.loads(out(capsys, case, "--format", "json"))["jurisdictions"]}
    assert codes("--with-fast-track") == {c for c, s in every.items() if s["fast_track"]}
    assert codes("--status", "open,closed") == {c for c, s in every.items() if s["status"] in ("open", "closed")}
    assert codes("--status", "not applicable") == set()
    assert "No jurisdiction is left" in out(capsys, case, "--status", "discontinued")


def test_another_day_can_give_another_answer(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    then = json.loads(out(capsys, case, "--format", "json", "--as-of", "2021-06-01", "--only", "CA"))
    now = json.loads(out(capsys, case, "--format", "json", "--only", "CA"))
    assert then["as_of"] == "2021-06-01"
    assert then["jurisdictions"][0]["missing"]["most"] > now["jurisdictions"][0]["missing"]["most"]


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--status", "opne"], 1, "Did you mean open"),
        (["--only", "Califrnia"], 1, "California"),
        (["--map", "--format", "csv"], 2, "one of them"),
        (["--map=map.png"], 2, "map.svg"),
        (["--map", "/nowhere/at/all/map.svg"], 1, "cannot be written"),
        (["--format", "xml"], 2, "xml"),
    ],
)
def test_wrong_use_is_answered(
    case: str, args: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["states", case, *args]) == code
    assert says in capsys.readouterr().err


# maps ---------------------------------------------------------------------------------------------------------------


def test_map_alone_draws_on_the_terminal_wherever_it_stands(
    case: str, capsys: pytest.CaptureFixture[str], rules: Rulebase
) -> None:
    before, after = out(capsys, "--map", case), out(capsys, case, "--map")
    assert before == after
    drawn = re.findall(r"(?<![A-Za-z])([A-Z]{2}) \S", before)
    assert sorted(drawn) == sorted(rules.jurisdictions)
    assert max(map(len, before.splitlines())) <= 80


def tiles_of(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """The tiles of a map by their ids."""
    return {name: e for e in root.iter(f"{SVG}g") if (name := e.get("id", "")).startswith("tile-")}


def test_the_svg_is_xml_and_names_every_jurisdiction_once(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], rules: Rulebase
) -> None:
    target = tmp_path / "map.svg"
    assert "Wrote" in out(capsys, case, "--map", str(target), "--only", "CA,NY")
    root = ElementTree.parse(target).getroot()
    tiles = {name: group.findtext(f"{SVG}title") for name, group in tiles_of(root).items()}
    assert sorted(tiles) == sorted(f"tile-{code}" for code in rules.jurisdictions)
    for code, name in rules.jurisdiction_names.items():
        title = tiles[f"tile-{code}"] or ""
        assert title.startswith(f"{name}: ")
        assert title.endswith("left out") is (code not in ("CA", "NY"))
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")


texts = st.text(max_size=30)
standing_lists = st.lists(
    st.builds(
        Standing,
        code=st.sampled_from([f"{a}{b}" for a in "ABCDE" for b in "ABCDE"]),
        name=texts,
        kind=st.just("state"),
        aimed_at=st.booleans(),
        route=st.just("way"),
        status=st.sampled_from(list(Status)),
        blockers=st.dictionaries(st.sampled_from(["permanent", "external"]), st.integers(1, 3), max_size=2),
        missing=st.one_of(
            st.none(),
            st.builds(
                Missing,
                least=st.integers(0, 9),
                most=st.one_of(st.none(), st.integers(9, 10**6), st.just(12.25)),
                unit=st.just("days"),
                requirements=st.just(["r"]),
            ),
        ),
        unknown_facts=st.integers(0, 9),
        fast_track=st.one_of(
            st.none(), st.builds(BestTrack, id=texts, title=texts, route=texts, status=st.sampled_from(list(Status)))
        ),
        tile=st.one_of(st.none(), st.tuples(st.integers(1, 9), st.integers(1, 11))),
    ),
    unique_by=lambda s: s.code,
    max_size=25,
)


def comparison_of(found: list[Standing], case: str = "case") -> Comparison:
    """A comparison of some jurisdictions."""
    return Comparison.model_validate(
        {
            "case": case, "as_of": "2026-11-22", "rulebase": "r", "imgrules": "i", "route": "way",
            "title": "The <way> & all", "unit": "days", "jurisdictions": [s.model_dump() for s in found],
        }
    )  # fmt: skip


@given(standing_lists)
def test_every_jurisdiction_has_one_place_and_no_two_share_one(found: list[Standing]) -> None:
    where = places(found)
    assert sorted(where) == sorted(s.code for s in found)
    assert len(set(where.values())) == len(where)


@given(standing_lists, texts, st.integers(0, 25))
def test_any_svg_parses_and_leans_on_no_colour_alone(found: list[Standing], case: str, kept: int) -> None:
    everything = comparison_of(found, case)
    shown = everything.model_copy(update={"jurisdictions": everything.jurisdictions[:kept]})
    root = ElementTree.fromstring(svg_map(everything, shown))
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    used = {e.get("fill", "")[5:-1] for e in root.iter() if e.get("fill", "").startswith("url(#")}
    assert used <= set(ids)
    tiles = tiles_of(root)
    assert sorted(tiles) == sorted(f"tile-{s.code}" for s in found)
    for s in shown.jurisdictions:
        tile = tiles[f"tile-{s.code}"]
        letters = [t.text for t in tile.iter(f"{SVG}text")]
        assert letters[:2] == [s.code, LOOKS[s.status].letter]
        assert s.status.value.replace("_", " ") in (tile.findtext(f"{SVG}title") or "")
        assert any(e.get("fill") == f"url(#map-{s.status.value})" for e in tile)


@given(standing_lists, st.booleans())
def test_any_map_fits_the_terminal_and_shows_every_jurisdiction(found: list[Standing], unicode: bool) -> None:
    console = Console(width=80, record=True, file=io.StringIO(), force_terminal=True)
    page = Page(console)
    page.unicode = unicode
    comparison = comparison_of(found)
    print_map(page, comparison, comparison)
    text = console.export_text()
    if not unicode:
        text.encode("ascii")
    for s in found:
        assert len(re.findall(rf"(?<![A-Z]){s.code} [^ ]", text)) == 1
    assert max(map(len, text.splitlines()), default=0) <= 80


def test_statuses_differ_in_letter_and_in_more_than_colour() -> None:
    assert sorted(LOOKS) == sorted(Status)
    assert len({look.letter for look in LOOKS.values()}) == len(Status)
    assert len({look.colour for look in LOOKS.values()}) == len(Status)


@pytest.mark.parametrize("status", list(Status))
def test_the_ink_is_readable_on_every_colour(status: Status) -> None:
    """WCAG asks for a contrast of 4.5 with text."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    assert (luminance(LOOKS[status].colour) + 0.05) / (luminance("#1a1a1a") + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("least", "most", "text"),
    [(6, 6, "6"), (0, 0, "0"), (12, 36, "12-36"), (24, None, "24+"), (0, None, "?"), (1.5, 1.5, "1.5")],
)
def test_amounts_in_short(least: float, most: float | None, text: str) -> None:
    assert short(Missing(least=least, most=most, unit="days", requirements=["r"])) == text
    assert short(None) == ""
