"""What the report of a batch is made of: safe markup, numbers for people, tables, bars and the style of the page.

Nothing here knows what is reported. The markup is both HTML and well-formed XML. Bars are inline SVG of any width whose
parts differ by pattern as well as by colour; the text beside them is HTML, so that it wraps on a phone and at any zoom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

_VOID = frozenset({"br", "link", "meta"})
_NOT_TEXT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LABELLED, _WORDED = 0.12, 0.26  # the share of a bar from which a figure, and a word beside it, has room


class Html(str):
    """Markup that is safe to put into a page as it is. Every other text is escaped."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"


def html(*children: Child) -> Html:
    """Texts and markup, one after the other. Characters that no page can hold are replaced by the mark for them."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(escape(_NOT_TEXT.sub("\ufffd", child)))
        elif child is not None:
            parts.append(html(*child))
    return Html("".join(parts))


def tag(name: str, /, *children: Child, **attributes: str | None) -> Html:
    """An element. In names of attributes `_` stands for `-`, and one at the end is dropped: `class_`. None leaves one out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}/>")
    return Html(f"<{name}{written}>{html(*children)}</{name}>")


def code(text: str) -> Html:
    """A name, place or hash, set apart from the text around it in whatever direction it is written."""
    return tag("code", text, dir="auto")


# numbers and words for people ---------------------------------------------------------------------------------------


def number(n: int) -> str:
    """12345 as `12,345`."""
    return f"{n:,}"


def count(n: int, thing: str) -> str:
    """`1 case`, `12,345 cases`. The plural is made with an s."""
    return f"{number(n)} {thing}{'' if n == 1 else 's'}"


def share(n: int, total: int) -> str:
    """A part of a whole in percent. Only none at all is `0%`, only everything is `100%`."""
    if not total or n in (0, total):
        return "100%" if n else "0%"
    percent = round(100 * n / total)
    return "<1%" if percent < 1 else ">99%" if percent > 99 else f"{percent}%"


def listing(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def duration(seconds: float) -> str:
    """A stretch of time by its two largest units: `2 hours 5 minutes`, `3.2 seconds`."""
    if seconds < 59.95:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "hour"), (minutes, "minute"), (0 if hours else rest, "second")]
    return " ".join(count(n, unit) for n, unit in parts if n)


def size(octets: int) -> str:
    """An amount of data: `512 bytes`, `3.4 MB` (a million bytes)."""
    amount, unit = float(octets), ""
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.95:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:,.1f} {unit}" if unit else count(octets, "byte")


# parts of a page ----------------------------------------------------------------------------------------------------


def section(key: str, title: str, *children: Child) -> Html:
    """A section with its heading, which the links to it and screen readers name it by."""
    return tag("section", tag("h2", title, id=key), *children, aria_labelledby=key)


def fold(summary: Child, *children: Child, look: str | None = None) -> Html:
    """What is read on demand. On paper it is all there, unless its look is `more`: what stands in a table as well."""
    return tag("details", tag("summary", summary), *children, class_=look)


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Child]], *, numbers: Iterable[int] = ()) -> Html:
    """A table whose first column heads the rows. `numbers`: the columns set as numbers. Scrolls by itself where wide."""
    wide = frozenset(numbers)
    looks = ["num" if i in wide else None for i in range(len(heads))]
    top = tag("tr", (tag("th", head, scope="col", class_=look) for head, look in zip(heads, looks, strict=True)))
    body = [
        tag("tr", [
            tag("td" if i else "th", cell, scope=None if i else "row", class_=looks[i]) for i, cell in enumerate(row)
        ])
        for row in rows
    ]  # fmt: skip
    whole = tag("table", tag("caption", tag("span", caption)), tag("thead", top), tag("tbody", body))
    return tag("div", whole, class_="scroll", role="group", aria_label=caption, tabindex="0")


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the parts a bar can have: the name of its look, its word, and what it means."""

    look: str
    word: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its label, how many of each kind, and a note that is shown beside the label."""

    label: str
    counts: tuple[int, ...]
    note: str = ""

    @property
    def total(self) -> int:
        """All kinds together."""
        return sum(self.counts)


def key_of(kinds: Iterable[Kind]) -> Html:
    """Which pattern stands for what."""
    return tag("ul", (tag("li", swatch(kind), kind.word) for kind in kinds), class_="key")


def swatch(kind: Kind) -> Html:
    """A sample of a pattern. It says nothing by itself, so screen readers pass over it."""
    box = tag("rect", width="100%", height="100%", fill=f"url(#p-{kind.look})")
    return tag("svg", box, class_="swatch", aria_hidden="true")


def figure(
    key: str,
    caption: str,
    bars: Sequence[Bar],
    kinds: Sequence[Kind],
    equivalent: Html,
    *,
    limit: int = 12,
    of: int | None = None,
) -> Html:
    """Bars with their key and, folded away, the same as a table. Bars beyond `limit` are folded away too.

    A bar shows the shares of its kinds; with `of` its length shows its total as a share of that number. `key` must be
    unlike that of any other figure.
    """
    used = [kind for i, kind in enumerate(kinds) if any(bar.counts[i] for bar in bars)]
    rows = [_row(f"{key}-{i}", bar, kinds, of) for i, bar in enumerate(bars, 1)]
    lists = [tag("ul", rows[:limit], class_="bars")]
    if len(rows) > limit:
        lists.append(fold(f"{number(len(rows) - limit)} more", tag("ul", rows[limit:], class_="bars"), look="more"))
    head = tag("figcaption", caption, id=key)
    shown = key_of(used) if len(kinds) > 1 else None
    return tag("figure", head, shown, lists, fold("The same as a table", equivalent), aria_labelledby=key)


def _row(key: str, bar: Bar, kinds: Sequence[Kind], of: int | None) -> Html:
    note = tag("span", bar.note, class_="note") if bar.note else None
    return tag("li", tag("div", bar.label, " ", note, class_="label", aria_hidden="true"), _svg(key, bar, kinds, of))


def _svg(key: str, bar: Bar, kinds: Sequence[Kind], of: int | None) -> Html:
    """One bar. Its title is the label, its description all its figures in words."""
    found = [(kind, n) for kind, n in zip(kinds, bar.counts, strict=True) if n]
    words = [f"{kind.word.lower()} {number(n)} ({share(n, bar.total)})" for kind, n in found]
    told = ": ".join(part for part in (bar.note, ", ".join(words) if of is None else "") if part)
    whole, start, parts = max(of or 0, bar.total, 1), 0, []
    for kind, n in found:
        parts.append(_part(kind, n, start, whole, plain=of is not None))
        start += n
    return tag(
        "svg",
        tag("title", bar.label, id=f"{key}-t"),
        tag("desc", told or number(bar.total), id=f"{key}-d"),
        parts,
        class_="bar", role="img", aria_labelledby=f"{key}-t", aria_describedby=f"{key}-d",
    )  # fmt: skip


def _part(kind: Kind, n: int, start: int, whole: int, *, plain: bool) -> Html:
    at, width = 100 * start / whole, 100 * n / whole
    tip = tag("title", f"{kind.word}: {number(n)}" + ("" if plain else f" ({share(n, whole)})"))
    box = tag("rect", tip, x=f"{at:.2f}%", width=f"{width:.2f}%", height="100%", fill=f"url(#p-{kind.look})")
    if plain or n < _LABELLED * whole:
        return box
    word = tag("tspan", f" {kind.word.lower()}", class_="word") if n >= _WORDED * whole else None
    middle = f"{at + width / 2:.2f}%"
    return html(box, tag("text", share(n, whole), word, x=middle, y="50%", dy=".35em", class_=f"in-{kind.look}"))


# the look of the page -----------------------------------------------------------------------------------------------

# Looks are named for what they do on the page, so one serves statuses, outcomes and kinds of blockers alike.
_LINES = {
    "plain": (),
    "good": (),
    "near": ("M-2 10 10 -2M-2 2 2 -2M6 10 10 6",),
    "unsure": ("M1.5 2h1.5M5.5 6h1.5",),
    "bad": ("M0 8 8 0M0 0 8 8",),
    "later": ("M4 0v8",),
    "gone": ("M0 4h8",),
    "aside": ("M-2 -2 10 10",),
}
LOOKS = tuple(_LINES)
LIGHT = {
    "paper": "#ffffff", "panel": "#f3f5f7", "ink": "#1b1f24", "quiet": "#545b64",
    "line": "#7d858f", "link": "#0b4f9e", "on": "#ffffff", "plain": "#0b5a8a",
    "good": "#1a6b3c", "near": "#0b5a8a", "unsure": "#7a5200", "bad": "#9b1c1c", "later": "#5b3a94", "gone": "#4a5057", "aside": "#69717b",
}  # fmt: skip
DARK = {
    "paper": "#14181d", "panel": "#1e242b", "ink": "#e8ebee", "quiet": "#aab2bc",
    "line": "#737c87", "link": "#8ec2ff", "on": "#0b0e11", "plain": "#74b9ea",
    "good": "#6cc98f", "near": "#74b9ea", "unsure": "#e0b252", "bad": "#f08a80", "later": "#b79ce8", "gone": "#b4bbc4", "aside": "#8c959f",
}  # fmt: skip


def patterns() -> Html:
    """The patterns of all bars of a page, to be put into it once."""
    found = []
    for look, lines in _LINES.items():
        ground = tag("rect", width="8", height="8", fill=f"var(--{look})")
        drawn = [tag("path", d=line, class_="hatch") for line in lines]
        found.append(
            tag("pattern", ground, drawn, id=f"p-{look}", width="8", height="8", patternUnits="userSpaceOnUse")
        )
    return tag("svg", tag("defs", found), class_="patterns", aria_hidden="true", width="0", height="0")


def style() -> Html:
    """The style sheet: light and dark, wide and narrow, screen and paper."""
    light, dark = ("".join(f"--{name}:{colour};" for name, colour in colours.items()) for colours in (LIGHT, DARK))
    inside = "".join(f".in-{look}{{stroke:var(--{look})}}" for look in LOOKS)
    schemes = f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    return tag("style", Html(schemes + inside + _CSS))


_CSS = """
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:64rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
h1{font-size:1.8rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.35rem;line-height:1.3;margin:2.5rem 0 .5rem;padding-top:.75rem;border-top:2px solid var(--line)}
h3{font-size:1.1rem;margin:1.75rem 0 .25rem}
p,ul,dl{margin:.5rem 0}
main p,main>section>ul,.lead{max-width:46rem}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:1rem;padding:.5rem 1rem;background:var(--paper);z-index:1}
.lead{font-size:1.2rem}
.warn{border-left:.4rem solid var(--bad);padding:.5rem 1rem;background:var(--panel)}
.quiet,.note,footer{color:var(--quiet)}
.note{font-size:.9rem}
nav ul,.key,.bars{list-style:none;padding:0}
nav ul,.key{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}
nav a{display:inline-block;padding:.15rem 0}
figure{margin:1rem 0}
figcaption,caption{font-weight:600;text-align:left}
.key{font-size:.9rem}
.key li{display:flex;align-items:center;gap:.4rem}
.bars li{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,3fr);gap:0 1rem;align-items:center;padding:.3rem 0;
break-inside:avoid}
.label .note{display:block}
.bar,.swatch{display:block;forced-color-adjust:none}
.bar{width:100%;height:1.5rem;background:var(--panel)}
.bar rect{stroke:var(--paper);stroke-width:1}
.bar text{fill:var(--on);font-size:.8rem;font-weight:600;text-anchor:middle;paint-order:stroke;stroke-width:5px;
stroke-linejoin:round;pointer-events:none}
.swatch{width:1.4rem;height:1rem;flex:none}
.patterns{position:absolute}
.hatch{stroke:var(--paper);stroke-opacity:.55;stroke-width:1.3;fill:none}
details{margin:.5rem 0}
details details,details figure{margin-left:.25rem}
summary{cursor:pointer;color:var(--link);padding:.2rem 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.92rem;margin:.5rem 0}
caption{padding-bottom:.25rem}
caption span{display:block;max-width:calc(100vw - 3rem)}
th,td{padding:.3rem .75rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);font-weight:400}
thead th{font-weight:600;vertical-align:bottom}
tbody th{min-width:9rem}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.88em;overflow-wrap:anywhere}
dt{font-weight:600}
dd{margin:0 0 .5rem}
dl.meanings{display:grid;grid-template-columns:1.4rem max-content minmax(0,1fr);gap:.2rem .5rem}
dl.meanings div{display:contents}
dl.meanings .swatch{margin-top:.25rem}
dl.meanings dd{margin:0}
footer{margin-top:3rem;border-top:2px solid var(--line);padding-top:.75rem;font-size:.9rem}
@media (max-width:40rem){
.bars li{grid-template-columns:minmax(0,1fr);gap:.15rem}
.word{display:none}
th,td{padding-right:.6rem}
}
@media print{
html{font-size:10pt}
body{max-width:none;padding:0}
nav,.skip{display:none}
details:not(.more)::details-content{content-visibility:visible;block-size:auto}
.scroll{overflow:visible}
tr,figcaption,h2,h3{break-inside:avoid}
h2,h3,figcaption,summary,thead{break-after:avoid}
}
@media (forced-colors:active){.bar,.swatch{background:var(--paper)}}
"""
