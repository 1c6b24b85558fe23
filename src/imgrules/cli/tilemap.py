"""A tile map of the jurisdictions, coloured by status, on the terminal and as SVG.

Colour never stands alone: each status has a symbol on the terminal, a letter and a pattern in the SVG, and words for
screen readers.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rich.text import Text

from imgrules.assessment.result import Status
from imgrules.assessment.states import SOONEST_FIRST, Comparison, Missing, Standing
from imgrules.cli.text import NOT_ADVICE, STATUS_STYLE, STATUS_WORDS, Page
from imgrules.rulebase.values import show_date

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """How a status looks without a symbol font: a letter, a colour (after Okabe and Ito), lines of a pattern."""

    letter: str
    colour: str
    lines: tuple[str, ...]


LOOKS = {
    Status.OPEN: Look("O", "#1fb58a", ()),
    Status.REACHABLE: Look("R", "#56b4e9", ("M0 8 8 0",)),
    Status.UNDETERMINED: Look("?", "#f0e442", ("M2 2h1", "M6 6h1")),
    Status.UPCOMING: Look("U", "#dba4c3", ("M0 4h8",)),
    Status.CLOSED: Look("X", "#e8793a", ("M0 8 8 0", "M0 0 8 8")),
    Status.DISCONTINUED: Look("D", "#c4c4c4", ("M4 0v8",)),
    Status.NOT_APPLICABLE: Look("-", "#ffffff", ()),
}
TRACK_MARK = ">"

_TILE_WIDTH = 6
_TILE, _GAP, _MARGIN, _HEAD, _LEGEND_ROW, _BAND = 68, 6, 24, 76, 30, 12
_INK, _PALE = "#1a1a1a", "#707070"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def short(missing: Missing | None) -> str:
    """An amount in a few characters: `24`, `12-36`, `24+`, `?`; nothing where nothing is declared."""
    if missing is None:
        return ""
    if missing.exact is not None:
        return str(missing.exact)
    if missing.most is not None:
        return f"{missing.least}-{missing.most}"
    return f"{missing.least}+" if missing.least else "?"


def places(standings: list[Standing]) -> dict[str, Place]:
    """Row and column of every jurisdiction, from 0. Those without a tile, or on a taken one, stand in rows below."""
    found: dict[str, Place] = {}
    homeless: list[str] = []
    for standing in sorted(standings, key=lambda s: s.code):
        place = (standing.tile[0] - 1, standing.tile[1] - 1) if standing.tile else None
        if place is None or place in found.values():
            homeless.append(standing.code)
        else:
            found[standing.code] = place
    below = max((row for row, _ in found.values()), default=-1) + 1
    width = max((column for _, column in found.values()), default=10) + 1
    return found | {code: (below + i // width, i % width) for i, code in enumerate(homeless)}


def statuses(comparison: Comparison) -> list[tuple[Status, int]]:
    """The statuses that occur and how often, the soonest first."""
    counts = Counter(s.status for s in comparison.jurisdictions)
    return [(status, counts[status]) for status in SOONEST_FIRST if counts[status]]


# on the terminal ----------------------------------------------------------------------------------------------------


def print_map(page: Page, everything: Comparison, shown: Comparison) -> None:
    """The map on the terminal; jurisdictions that the filters leave out keep their place, without a colour."""
    grid = {place: code for code, place in places(everything.jurisdictions).items()}
    by_code = {s.code: s for s in shown.jurisdictions}
    for row in range(max((row for row, _ in grid), default=-1) + 1):
        columns = max((column for r, column in grid if r == row), default=-1) + 1
        codes = [grid.get((row, column), "") for column in range(columns)]
        for line in zip(*(_cells(page, code, by_code.get(code)) for code in codes), strict=True):
            page.console.print(Text(" ").join(line), no_wrap=True, overflow="crop")
        page.console.print()
    _print_legend(page, shown)


def _cells(page: Page, code: str, standing: Standing | None) -> tuple[Text, Text]:
    """The two lines of one tile."""
    if standing is None:
        return Text(f" {code}".ljust(_TILE_WIDTH), style="dim"), Text(" " * _TILE_WIDTH)
    style = f"{STATUS_STYLE[standing.status][0]} reverse"
    track = TRACK_MARK if standing.fast_track else " "
    amount = short(standing.missing)
    if len(amount) > _TILE_WIDTH:
        amount = "..."
    head = f" {code} {symbol(page, standing.status)}{track}"
    return Text(head, style=style), Text(amount.center(_TILE_WIDTH), style=style)


def symbol(page: Page, status: Status) -> str:
    """The symbol of a status, or its letter where the terminal takes no symbols."""
    return STATUS_STYLE[status][1] if page.unicode else LOOKS[status].letter


def _print_legend(page: Page, shown: Comparison) -> None:
    for status, count in statuses(shown):
        words = f"{count:>2}  {STATUS_WORDS[status]}"
        page.item(Text(f" {symbol(page, status)} ", style=f"{STATUS_STYLE[status][0]} reverse"), words)
    for mark, words in _notes(shown):
        page.item(Text(f" {mark} "), words)


def _notes(shown: Comparison) -> list[tuple[str, str]]:
    """What the other signs on a tile mean."""
    notes = [(TRACK_MARK, "a fast track is recommended there")]
    if shown.unit:
        notes.append(("6", f"{shown.unit} missing (0-6: where rule or case leaves it open; ?: nobody can say)"))
    return notes


# as SVG -------------------------------------------------------------------------------------------------------------


def svg_map(everything: Comparison, shown: Comparison) -> str:
    """The map as a standalone SVG file, with titles and descriptions for screen readers."""
    grid = places(everything.jurisdictions)
    by_code = {s.code: s for s in shown.jurisdictions}
    names = {s.code: s.name for s in everything.jurisdictions}
    rows = max((row for row, _ in grid.values()), default=0) + 1
    columns = max(10, max((column for _, column in grid.values()), default=0) + 1)
    legend = [*statuses(shown)]
    below = _HEAD + rows * (_TILE + _GAP)
    width = 2 * _MARGIN + columns * (_TILE + _GAP) - _GAP
    height = below + (len(legend) + len(_notes(shown)) + 1) * _LEGEND_ROW + _MARGIN
    svg = _frame(width, height, shown)
    tiles = SubElement(svg, "g", {"role": "list", "aria-label": "Jurisdictions"})
    for code, (row, column) in sorted(grid.items(), key=lambda item: item[1]):
        corner = (_MARGIN + column * (_TILE + _GAP), _HEAD + row * (_TILE + _GAP))
        _tile(tiles, corner, names[code], code, by_code.get(code))
    _legend(svg, below, shown)
    indent(svg)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(svg, encoding="unicode") + "\n"


def _frame(width: int, height: int, shown: Comparison) -> Element:
    """The root with title, description, patterns, background and heading."""
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width} {height}", "width": str(width),
            "height": str(height), "role": "group", "aria-labelledby": "map-title map-desc",
            "font-family": "system-ui, 'DejaVu Sans', sans-serif", "fill": _INK,
        },
    )  # fmt: skip
    about = f"{shown.case}, judged on {show_date(shown.as_of)}; rules {shown.rulebase}"
    SubElement(svg, "title", {"id": "map-title"}).text = _clean(f"{shown.title}: {about}")
    counts = "; ".join(f"{count} {status.value.replace('_', ' ')}" for status, count in statuses(shown))
    SubElement(svg, "desc", {"id": "map-desc"}).text = f"One tile for each jurisdiction. {counts or 'None shown'}."
    defs = SubElement(svg, "defs")
    for status, look in LOOKS.items():
        box = {"id": f"map-{status.value}", "width": "8", "height": "8", "patternUnits": "userSpaceOnUse"}
        pattern = SubElement(defs, "pattern", box)
        for path in look.lines:
            SubElement(pattern, "path", {"d": path, "stroke": _INK, "stroke-width": "1.6", "fill": "none"})
    SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    _text(svg, _MARGIN, 34, shown.title, size=20, weight="bold")
    _text(svg, _MARGIN, 58, about if len(about) <= 90 else about[:89] + "…", size=14)
    return svg


def _tile(parent: Element, corner: Place, name: str, code: str, standing: Standing | None) -> None:
    x, y = corner
    label = _label(name, standing)
    group = SubElement(parent, "g", {"role": "listitem", "aria-label": label, "id": f"tile-{code}"})
    SubElement(group, "title").text = label
    if standing is None:
        _rect(group, x, y, "#ffffff", dashed=True)
        _text(group, x + 7, y + 23, code, size=17, colour=_PALE)
        return
    _swatch(group, x, y, standing.status)
    _text(group, x + 7, y + 23, code, size=17, weight="bold")
    _text(group, x + _TILE - 7, y + 23, LOOKS[standing.status].letter, size=15, weight="bold", anchor="end")
    _text(group, x + 7, y + 44, short(standing.missing), size=14)
    if standing.fast_track:
        _text(group, x + _TILE - 7, y + 45, TRACK_MARK, size=17, weight="bold", anchor="end")


def _label(name: str, standing: Standing | None) -> str:
    """A tile in words."""
    if standing is None:
        return _clean(f"{name}: left out")
    parts = [f"{name}: {standing.status.value.replace('_', ' ')}"]
    if standing.missing:
        parts.append(f"missing: {standing.missing.words}")
    if standing.blocker_count:
        parts.append(f"not met: {', '.join(f'{n} {kind}' for kind, n in standing.blockers.items())}")
    if standing.unknown:
        parts.append(f"not known: {standing.unknown}")
    if standing.fast_track:
        parts.append(f"fast track: {standing.fast_track.title} ({standing.fast_track.status.value})")
    return _clean("; ".join(parts))


def _swatch(parent: Element, x: int, y: int, status: Status, size: int = _TILE) -> None:
    """A square in the colour of a status with a band in its pattern, which keeps clear of the text."""
    band = min(_BAND, size // 3)
    _rect(parent, x, y, LOOKS[status].colour, size)
    area = {"x": str(x + 1), "y": str(y + size - band - 1), "width": str(size - 2), "height": str(band)}
    SubElement(parent, "rect", {**area, "fill": f"url(#map-{status.value})"})


def _rect(parent: Element, x: int, y: int, fill: str, size: int = _TILE, dashed: bool = False) -> None:
    attributes = {"x": str(x), "y": str(y), "width": str(size), "height": str(size), "rx": "3", "fill": fill}
    attributes |= {"stroke": _PALE if dashed else _INK, "stroke-width": "1"}
    SubElement(parent, "rect", attributes | ({"stroke-dasharray": "3 3"} if dashed else {}))


def _text(
    parent: Element,
    x: int,
    y: int,
    text: str,
    *,
    size: int,
    weight: str = "normal",
    anchor: str = "start",
    colour: str = _INK,
) -> None:
    if text:
        style = {"font-size": str(size), "font-weight": weight, "text-anchor": anchor, "fill": colour}
        SubElement(parent, "text", {"x": str(x), "y": str(y), **style}).text = _clean(text)


def _legend(svg: Element, below: int, shown: Comparison) -> None:
    group = SubElement(svg, "g", {"role": "list", "aria-label": "Legend"})
    y = below + 8
    for status, count in statuses(shown):
        item = SubElement(group, "g", {"role": "listitem"})
        _swatch(item, _MARGIN, y, status, 24)
        _text(item, _MARGIN + 12, y + 15, LOOKS[status].letter, size=13, weight="bold", anchor="middle")
        _text(item, _MARGIN + 36, y + 17, f"{STATUS_WORDS[status]} ({count})", size=14)
        y += _LEGEND_ROW
    for mark, words in _notes(shown):
        item = SubElement(group, "g", {"role": "listitem"})
        _text(item, _MARGIN + 12, y + 17, mark, size=16, weight="bold", anchor="middle")
        _text(item, _MARGIN + 36, y + 17, words, size=14)
        y += _LEGEND_ROW
    _text(svg, _MARGIN, y + 17, NOT_ADVICE, size=13)


def _clean(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _NOT_XML.sub(" ", text)
