"""Assessments and explanations as text: 80 columns, colour and symbols where the terminal takes them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from imgrules.assessment.case import Case
from imgrules.assessment.explain import Reason
from imgrules.assessment.result import AlertResult, Assessment, Blocker, FastTrackResult, RouteResult, Source, Status
from imgrules.assessment.wording import cite
from imgrules.rulebase.values import Outcome, show_date

MAX_WIDTH = 100
MARKS = {Outcome.MET: ("✓", "+", "green"), Outcome.NOT_MET: ("✗", "x", "red"), Outcome.UNKNOWN: ("?", "?", "yellow")}
STATUS_STYLE = {
    Status.OPEN: ("bold green", "●", "O"),
    Status.REACHABLE: ("bold cyan", "◐", "R"),
    Status.UNDETERMINED: ("bold yellow", "?", "?"),
    Status.CLOSED: ("bold red", "✗", "x"),
    Status.UPCOMING: ("blue", "◷", "~"),
    Status.DISCONTINUED: ("dim", "†", "-"),
    Status.NOT_APPLICABLE: ("dim", "–", "-"),
}
STATUS_WORDS = {
    Status.OPEN: "open: everything it needs is met",
    Status.REACHABLE: "reachable: what is missing can be put right",
    Status.UNDETERMINED: "undetermined: hangs on what is not known yet",
    Status.CLOSED: "closed: something permanent bars it",
    Status.UPCOMING: "upcoming: enacted, not in force or not open yet",
    Status.DISCONTINUED: "discontinued: no longer exists",
    Status.NOT_APPLICABLE: "not meant for this applicant",
}
KIND_WORDS = {
    "permanent": "permanent",
    "fixable": "can be put right",
    "waiting": "time mends it",
    "external": "others decide",
}
NOT_ADVICE = "Not legal advice. Rules change: confirm with the body named before you decide anything."


class Page:
    """A console with the few shapes that our screens use."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _console()
        self.unicode = (self.console.encoding or "").lower().replace("-", "").startswith("utf")
        self.cited: dict[tuple[str, str | None], tuple[int, Source]] = {}

    def mark(self, outcome: Outcome) -> Text:
        symbol, plain, style = MARKS[outcome]
        return Text(symbol if self.unicode else plain, style=style)

    def heading(self, text: str) -> None:
        self.console.print()
        self.console.print(Text(text.upper(), style="bold"))

    def item(self, mark: Text | str, text: Text | str, indent: int = 2) -> None:
        """A marked paragraph with a hanging indent."""
        mark = mark if isinstance(mark, Text) else Text(mark)
        self._hang(Text.assemble(mark, " "), text if isinstance(text, Text) else Text(text), indent)

    def para(self, text: Text | str, indent: int = 2, style: str = "") -> None:
        """A paragraph."""
        self._hang(Text(""), text if isinstance(text, Text) else Text(text, style=style), indent)

    def _hang(self, mark: Text, body: Text, indent: int) -> None:
        room = max(20, self.console.width - indent - mark.cell_len)
        if not self.console.is_terminal:  # styles would be dropped anyway, and wrapping plain text is ten times faster
            lines = [
                part
                for line in body.plain.splitlines() or [""]
                for part in wrap(line, room, break_on_hyphens=False, break_long_words=False) or [""]
            ]
            for i, plain in enumerate(lines):
                first_mark = mark.plain if i == 0 else " " * len(mark.plain)
                self.console.file.write(f"{' ' * indent}{first_mark}{plain}".rstrip() + "\n")
            return
        for i, line in enumerate(body.wrap(self.console, room)):
            line.rstrip()
            first = mark if i == 0 else Text(" " * mark.cell_len)
            self.console.print(Text.assemble(" " * indent, first, line), soft_wrap=True)

    def cite(self, sources: Iterable[Source]) -> str:
        """Numbers of sources, for the list at the end."""
        numbers = []
        for source in sources:
            key = (source.id, source.section)
            if key not in self.cited:
                self.cited[key] = (len(self.cited) + 1, source)
            numbers.append(self.cited[key][0])
        return f"[{', '.join(map(str, numbers))}]" if numbers else ""

    def bibliography(self) -> None:
        if self.cited:
            self.heading("Sources")
        for number, source in self.cited.values():
            self.item(Text(f"[{number}]", style="dim"), Text(cite(source), style="dim"))


def _console() -> Console:
    width = None if sys.stdout.isatty() else 80
    console = Console(width=width, highlight=False, soft_wrap=False, legacy_windows=False)
    if console.width > MAX_WIDTH:
        console = Console(width=MAX_WIDTH, highlight=False)
    return console


def print_assessment(a: Assessment, everything: bool = False, page: Page | None = None) -> None:
    """An assessment on the screen; `everything` shows each route in full."""
    page = page or Page()
    _head(page, a)
    page.heading("The way")
    for stage in a.stages:
        words = {"met": "met", "not_met": "not yet", "unknown": "not known"}[stage.outcome]
        page.item(page.mark(stage.outcome), f"{stage.title}: {words}")
    _alerts(page, a.alerts, everything)
    shown = [r for r in a.routes if r.status is not Status.NOT_APPLICABLE] if everything else a.wanted
    page.heading("Routes")
    titles = {r.id: r.title for r in a.routes}
    for route in shown:
        _route(page, route, titles)
    if not any(r.jurisdiction for r in a.routes):
        page.para("No state is aimed at. Add --state XX to judge licences there.", style="italic")
    if not everything:
        _other_routes(page, [r for r in a.routes if not r.main], {s.id: s.title for s in a.stages})
    _fast_tracks(page, a, everything)
    _next_steps(page, a, everything)
    _advice(page, a, everything)
    page.bibliography()
    page.console.print()
    page.para(NOT_ADVICE, 0, "italic")


def _head(page: Page, a: Assessment) -> None:
    page.console.print(Text(f"{a.case}, judged on {show_date(a.as_of)}", style="bold"))
    aims = ", ".join(a.jurisdictions) or "no state yet"
    page.console.print(
        Text(f"aiming at {aims}; {len(a.facts)} facts known; rules {a.rulebase}, imgrules {a.imgrules}", style="dim")
    )


def _status_line(page: Page, route: RouteResult) -> Text:
    style, symbol, plain = STATUS_STYLE[route.status]
    text = Text.assemble((f"{symbol if page.unicode else plain} ", style), (route.title, "bold"))
    text.append(f"  {route.status.value.replace('_', ' ').upper()}", style=style)
    text.append(f"  {route.id}", style="dim")
    return text


def _named(ids: list[str], titles: dict[str, str]) -> str:
    return "; ".join(titles.get(name, name) for name in ids)


def _route(page: Page, route: RouteResult, titles: dict[str, str]) -> None:
    page.console.print()
    page.para(_status_line(page, route), 2)
    page.para(route.summary, 4)
    if route.note:
        page.para(route.note, 4, "italic")
    if route.replaced_text and route.status is Status.DISCONTINUED:
        page.para(f"Instead: {route.replaced_text}", 4)
    for blocker in route.blockers:
        _blocker(page, blocker)
    questions = [u for u in route.unknown if u.kind == "fact"]
    for unknown in questions[:6]:
        page.item(
            page.mark(Outcome.UNKNOWN),
            Text.assemble(("not known: ", "yellow"), unknown.text, (f"  {unknown.name}", "dim")),
            4,
        )
    if len(questions) > 6:
        page.para(f"... and {len(questions) - 6} more facts; --format json lists them all.", 6, "dim")
    for unknown in (u for u in route.unknown if u.kind == "confirm"):
        page.item(page.mark(Outcome.UNKNOWN), Text.assemble(("to confirm: ", "yellow"), unknown.text), 4)
    details = [
        f"{len(route.met)} of {len(route.met) + len(route.blockers) + len({r for u in route.unknown for r in u.requirements})} requirements met"
    ]
    if route.not_applicable:
        details.append(f"{len(route.not_applicable)} do not apply")
    if route.weeks:
        details.append(f"about {_span(route.weeks)} weeks")
    if route.cost_usd:
        details.append(f"about ${_span(route.cost_usd)}")
    if route.basis != "primary":
        details.append("known from secondary sources only")
    page.para(f"{'; '.join(details)} {page.cite(route.sources)}", 4, "dim")
    relations = (("Comes after", route.after), ("Cannot be followed together with", route.excludes))
    for words, ids in relations:
        if ids:
            page.para(f"{words}: {_named(ids, titles)}", 4, "dim")


def _span(pair: tuple[float, float]) -> str:
    low, high = (f"{x:,.0f}" if x == int(x) else f"{x:,.1f}" for x in pair)
    return low if low == high else f"{low} to {high}"


def _blocker(page: Page, blocker: Blocker) -> None:
    style = "red" if blocker.kind == "permanent" else "cyan"
    head = Text.assemble(
        (f"{KIND_WORDS[blocker.kind]}: ", style), (blocker.title, "bold"), f" {page.cite(blocker.sources)}"
    )
    page.item(page.mark(Outcome.NOT_MET), head, 4)
    extras = []
    if blocker.ready_on:
        extras.append(f"possible from {show_date(blocker.ready_on)}")
    if blocker.decided_by:
        extras.append(f"decided by {blocker.decided_by}")
    if blocker.weeks:
        extras.append(f"about {_span(blocker.weeks)} weeks")
    if blocker.cost_usd:
        extras.append(f"about ${_span(blocker.cost_usd)}")
    page.para(Text.assemble(blocker.remedy, (f" ({'; '.join(extras)})" if extras else "", "dim")), 6)
    if blocker.note:
        page.para(blocker.note, 6, "italic")


def _other_routes(page: Page, routes: list[RouteResult], stages: dict[str, str]) -> None:
    """Beside the main routes: those that could be followed by name, the rest counted."""
    if not routes:
        return
    page.heading("Other routes")
    for status in Status:
        found = [r for r in routes if r.status is status]
        if not found:
            continue
        style, symbol, plain = STATUS_STYLE[status]
        page.para(Text.assemble((f"{symbol if page.unicode else plain} {STATUS_WORDS[status]}", style)), 2)
        if status in (Status.OPEN, Status.REACHABLE, Status.CLOSED, Status.UPCOMING, Status.DISCONTINUED):
            for route in found:
                counted = status in (Status.REACHABLE, Status.CLOSED)
                tail = f"  {len(route.blockers)} missing" if counted and route.blockers else ""
                page.item("-", Text.assemble(route.title, tail, (f"  {route.id}", "dim")), 4)
            continue
        counts = Counter(stages.get(r.stage, r.stage) for r in found)
        page.para("; ".join(f"{title}: {n}" for title, n in counts.items()), 4)
    page.para("--all shows each in full; `imgrules why CASE ROUTE` says why.", 2, "dim")


def _alerts(page: Page, alerts: list[AlertResult], everything: bool) -> None:
    """Dates that certainly concern the applicant in full; those that hang on unknown facts in a line each."""
    if not alerts:
        return
    page.heading("Dates to watch")
    for alert in (x for x in alerts if x.certain or everything):
        doubt = "" if alert.certain else " (if it applies to you)"
        head = Text.assemble(
            (f"{_when(alert)}: ", "bold"), f"{alert.title}{doubt}. {alert.text} {page.cite(alert.sources)}"
        )
        page.item(Text("!", style="bold yellow"), head)
    doubtful = [x for x in alerts if not x.certain]
    if doubtful and not everything:
        page.para("If they apply to you, which hangs on facts not known yet:", 2)
        for alert in doubtful:
            page.item("-", f"{_when(alert)}: {alert.title}", 4)


def _when(alert: AlertResult) -> str:
    if alert.days == 0:
        return f"{show_date(alert.on)}, today"
    days = f"in {alert.days} days" if alert.days > 0 else f"{-alert.days} days ago"
    return f"{show_date(alert.on)}, {days}"


def _fast_tracks(page: Page, a: Assessment, everything: bool) -> None:
    """Fast tracks that could be followed in full; the undecided, the coming and the gone by name."""
    tracks = [t for t in a.fast_tracks if t.status not in (Status.NOT_APPLICABLE, Status.CLOSED) or everything]
    if not tracks:
        return
    titles = {r.id: r.title for r in a.routes}
    page.heading("Fast tracks")
    full = [
        t for t in tracks if everything or (t.recommended and (t.jurisdiction or t.status is not Status.UNDETERMINED))
    ]
    for track in full:
        _fast_track(page, track, titles)
    rest = [t for t in tracks if t not in full]
    for status in Status:
        named = [t for t in rest if t.status is status]
        if named:
            page.para(Text(STATUS_WORDS[status], style=STATUS_STYLE[status][0]), 2)
        for track in named:
            instead = (
                f"  Instead: {track.replaced_text}" if track.replaced_text and status is Status.DISCONTINUED else ""
            )
            page.item("-", Text.assemble(track.title, instead, (f"  {track.route}", "dim")), 4)


def _fast_track(page: Page, track: FastTrackResult, titles: dict[str, str]) -> None:
    style, symbol, plain = STATUS_STYLE[track.status]
    head = Text.assemble((track.title, "bold"), (f"  {track.status.value.upper()}", style), (f"  {track.route}", "dim"))
    page.item(Text(symbol if page.unicode else plain, style=style), head)
    page.para(f"Saves: {track.saves} {page.cite(track.sources)}", 4)
    for caveat in track.caveats:
        page.item("-", Text(caveat), 4)
    if track.excludes:
        page.item("-", f"Cannot be followed together with: {_named(track.excludes, titles)}.", 4)


def _next_steps(page: Page, a: Assessment, everything: bool) -> None:
    steps = [s for s in a.next_steps if s.kind != "find_out"]
    questions = [s for s in a.next_steps if s.kind == "find_out"]
    if steps:
        page.heading("Next steps, in order")
    for i, step in enumerate(steps if everything else steps[:10], 1):
        page.item(f"{i}.", step.text)
    if len(steps) > 10 and not everything:
        page.para(f"... and {len(steps) - 10} more (--all).", 4, "dim")
    if questions:
        page.heading("To find out first")
        for step in questions if everything else questions[:6]:
            page.item(page.mark(Outcome.UNKNOWN), Text.assemble(step.text, (f"  {step.fact}", "dim")))
        if len(questions) > 6 and not everything:
            page.para(f"... and {len(questions) - 6} more (--all).", 4, "dim")


def _advice(page: Page, a: Assessment, everything: bool) -> None:
    """The best founded advice that certainly concerns the applicant."""
    concerning = [x for x in a.advice if x.certain and x.strength == "strong"]
    chosen = a.advice if everything else concerning[:5]
    if not chosen:
        return
    page.heading("Advice")
    for item in chosen:
        page.item("-", Text.assemble((f"{item.title}. ", "bold"), f"{item.text} {page.cite(item.sources)}"))
    if len(a.advice) > len(chosen):
        page.para(f"{len(a.advice) - len(chosen)} more (--all).", 2, "dim")


def print_reason(reason: Reason, case: Case, version: str, page: Page | None = None) -> None:
    """An explanation as an indented tree with its sources below."""
    page = page or Page()
    page.console.print(Text(f"{case.id}, judged on {show_date(case.as_of)}; rules {version}", style="dim"))
    page.console.print()
    _reason(page, reason, 0)
    page.bibliography()


def _reason(page: Page, reason: Reason, depth: int) -> None:
    words = {Outcome.MET: "met", Outcome.NOT_MET: "not met", Outcome.UNKNOWN: "unknown"}[reason.outcome]
    text = Text(reason.text, style="bold" if reason.kind in ("route", "requirement", "finding", "excuse") else "")
    if reason.kind in ("route", "requirement", "finding", "excuse"):
        text.append(f": {words}", style=MARKS[reason.outcome][2])
        text.append(f"  {reason.name}", style="dim")
    if reason.sources:
        text.append(f" {page.cite(reason.sources)}", style="dim")
    mark = (
        Text("·" if page.unicode else "-") if reason.kind in ("fact", "derived", "group") else page.mark(reason.outcome)
    )
    indent = min(2 * depth, 24)
    page.item(mark, text, indent)
    if reason.note:
        page.para(reason.note, indent + 2, "italic")
    for child in reason.because:
        _reason(page, child, depth + 1)
