"""A decision as a letter: one HTML page that needs nothing else, for the applicant, a printer and a screen reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from html import escape

from imgrules.assessment.assess import Derived
from imgrules.assessment.plainly import capital
from imgrules.assessment.result import Blocker, FastTrackResult, NextStep, RouteResult, Source, Status, Unknown
from imgrules.audit.record import Record
from imgrules.rulebase.values import Outcome, show, show_date

STATUSES = {
    Status.OPEN: ("Open", "Every requirement is met."),
    Status.REACHABLE: ("Within reach", "What is missing can be put right."),
    Status.UNDETERMINED: ("Not decided", "It depends on something that is not known yet."),
    Status.CLOSED: ("Closed", "Something stands in the way that cannot be mended."),
    Status.UPCOMING: ("Not yet available", "It is enacted but had not started on the day judged on."),
    Status.DISCONTINUED: ("No longer exists", "It had ended by the day judged on."),
    Status.NOT_APPLICABLE: ("Not meant for you", "It is made for other applicants."),
}
BLOCKERS = {
    "permanent": "cannot be mended",
    "fixable": "you can put it right",
    "waiting": "time alone mends it",
    "external": "somebody else decides",
}
OUTCOMES = {Outcome.MET: "reached", Outcome.NOT_MET: "not reached", Outcome.UNKNOWN: "not known"}
STEPS = {"do": "Do", "wait": "Wait", "ask": "Ask", "find_out": "Answer"}
WHAT_IT_IS = (
    "This letter says where you stood on the day it names, by the rules recorded on that day and by what you told. "
    "It is not legal advice, not a decision of any board or authority, and no promise that one will agree. Rules change: "
    "confirm with the body named before you decide, pay or travel."
)

_STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 Georgia, "Times New Roman", serif; color: #1a1a1a; background: #fff; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3, th, .status, caption { font-family: Verdana, Arial, sans-serif; line-height: 1.25; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; border-bottom: 2px solid #1a1a1a; margin-top: 2rem; padding-bottom: .2rem; } h3 { font-size: 1rem; }
a { color: #003f8a; } a:focus { outline: 3px solid #b35900; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; font-size: .9rem; padding-bottom: .3rem; }
th, td { border: 1px solid #767676; padding: .3rem .5rem; text-align: left; vertical-align: top; } th { background: #f2f2f2; font-size: .85rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { font-weight: bold; } dd { margin: 0; overflow-wrap: anywhere; }
.status { border: 2px solid #1a1a1a; padding: .1rem .5rem; font-weight: bold; white-space: nowrap; }
.what { border-left: 4px solid #1a1a1a; padding-left: 1rem; } li { margin-bottom: .4rem; } .small { font-size: .85rem; }
footer { margin-top: 2rem; border-top: 1px solid #767676; font-size: .85rem; overflow-wrap: anywhere; }
@page { size: auto; margin: 20mm 18mm; }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 10.5pt; } a { color: #1a1a1a; }
  h2, h3, caption { break-after: avoid; } li, tr, .what { break-inside: avoid; }
}
"""


def letter(derived: Derived, record: Record | None = None) -> str:
    """The whole page; with a record also when and by whom it was recorded, and its id and hash at the foot."""
    return _Letter(derived, record).page()


class _Letter:
    def __init__(self, derived: Derived, record: Record | None) -> None:
        self.d = derived
        self.a = derived.assessment
        self.record = record
        for_them = [route for route in self.a.routes if route.status is not Status.NOT_APPLICABLE]
        self.routes = self.a.wanted or for_them  # rules of one's own may call no route a main one
        self.cited: dict[Source, int] = {}

    def page(self) -> str:
        title = f"Where you stand: {self.a.case}, {show_date(self.a.as_of)}"
        body = "\n".join(
            [
                f"<h1>{escape(title)}</h1>",
                *self._head(),
                f'<p class="what">{WHAT_IT_IS}</p>',
                *self._in_short(),
                *(line for route in self.routes for line in self._route(route)),
                *self._tracks(),
                *self._dates(),
                *self._steps(),
                *self._advice(),
                *self._told(),
                *self._sources(),
            ]
        )
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n{self._foot()}\n</body>\n</html>\n"
        )

    # who, when, under which rules -------------------------------------------------------------------------------------

    def _head(self) -> Iterator[str]:
        names = self.d.rulebase.jurisdiction_names
        aims = ", ".join(names.get(code, code) for code in self.a.jurisdictions) or "no state yet"
        pairs = [("Case", self.a.case), ("Judged on", show_date(self.a.as_of)), ("Aiming at", aims)]
        if self.record:
            pairs += [("Recorded", f"{_moment(self.record.at)} by {self.record.who}")]
        tool = self.record.tool if self.record else self.a.imgrules
        pairs += [("Rules", f"version {self.a.rulebase}"), ("Program", f"imgrules {tool}")]
        yield f"<dl>{''.join(f'<dt>{k}</dt><dd>{escape(v)}</dd>' for k, v in pairs)}</dl>"

    def _in_short(self) -> Iterator[str]:
        yield "<h2>In short</h2>"
        if self.routes:
            yield "<table><caption>The routes ahead of you</caption><thead>"
            yield '<tr><th scope="col">Route</th><th scope="col">Where it stands</th><th scope="col">Missing</th>'
            yield '<th scope="col">Not known</th></tr></thead><tbody>'
            for route in self.routes:
                word, _ = STATUSES[route.status]
                yield (
                    f'<tr><th scope="row"><a href="#{_anchor(route.id)}">{escape(route.title)}</a></th><td>{word}</td>'
                    f"<td>{len(route.blockers) or 'nothing'}</td><td>{len(route.unknown) or 'nothing'}</td></tr>"
                )
            yield "</tbody></table>"
        stages = "; ".join(f"{escape(s.title)}: {OUTCOMES[s.outcome]}" for s in self.a.stages)
        yield f"<p>How far you are: {stages}.</p>"

    # routes -----------------------------------------------------------------------------------------------------------

    def _route(self, route: RouteResult) -> Iterator[str]:
        word, meaning = STATUSES[route.status]
        yield f'<section aria-labelledby="{_anchor(route.id)}"><h2 id="{_anchor(route.id)}">{escape(route.title)}</h2>'
        yield f'<p><span class="status">{word}</span> {meaning}</p><p>{escape(route.summary)}{self._refs(route.sources)}</p>'
        notes = [route.note, route.replaced_text and f"Instead: {route.replaced_text}"]
        yield from (f"<p>{escape(note)}</p>" for note in notes if note)
        if route.basis != "primary" or route.confidence == "low":
            yield "<p>What is known of this route does not come from an official page. Confirm it before you rely on it.</p>"
        yield from _list("What stands in the way", (self._blocker(b) for b in route.blockers), "ul")
        yield from _list("What is not known", (self._unknown(u) for u in route.unknown), "ul")
        met = [self.a.findings[name].title for name in route.met]
        yield from _list("What is met", (escape(capital(title)) for title in met), "ul")
        yield "</section>"

    def _blocker(self, blocker: Blocker) -> str:
        ready = f" Possible from {show_date(blocker.ready_on)}." if blocker.ready_on else ""
        who = f" Decided by {escape(blocker.decided_by)}." if blocker.decided_by else ""
        span = f" This usually takes {_span(blocker.weeks)} weeks." if blocker.weeks else ""
        cost = f" It costs about {_span(blocker.cost_usd)} US dollars." if blocker.cost_usd else ""
        note = f' <span class="small">{escape(blocker.note)}</span>' if blocker.note else ""
        return (
            f"<strong>{escape(capital(blocker.title))}</strong> ({BLOCKERS[blocker.kind]}). {escape(blocker.remedy)}"
            f"{ready}{who}{span}{cost}{note}{self._refs(blocker.sources)}"
        )

    def _unknown(self, unknown: Unknown) -> str:
        lead = "You have not told: " if unknown.kind == "fact" else ""
        return f"{lead}{escape(unknown.text)}"

    # beside the routes ------------------------------------------------------------------------------------------------

    def _tracks(self) -> Iterator[str]:
        """Those that stand somewhere in full; those that still hang on something as a list."""
        tracks = [track for track in self.a.fast_tracks if track.recommended]
        undecided = [track for track in tracks if track.status is Status.UNDETERMINED]
        if tracks:
            yield "<h2>Shorter ways</h2>"
        for track in tracks:
            if track not in undecided:
                yield from self._track(track)
        yield from _list(
            "Not decided: it depends on something that is not known yet", map(self._maybe, undecided), "ul"
        )

    def _track(self, track: FastTrackResult) -> Iterator[str]:
        word, meaning = STATUSES[track.status]
        yield f'<h3>{escape(track.title)}</h3><p><span class="status">{word}</span> {meaning}</p>'
        yield f"<p>Saves: {escape(track.saves)}{self._refs(track.sources)}</p>"
        if track.note:
            yield f"<p>{escape(track.note)}</p>"
        yield f"<p>Mind:</p><ul>{''.join(f'<li>{escape(c)}</li>' for c in track.caveats)}</ul>"

    def _maybe(self, track: FastTrackResult) -> str:
        note = f" {escape(track.note)}" if track.note else ""
        mind = escape(" ".join(track.caveats))
        return (
            f"<strong>{escape(track.title)}</strong>. Saves: {escape(track.saves)}. Mind: {mind}{note}"
            f"{self._refs(track.sources)}"
        )

    def _dates(self) -> Iterator[str]:
        lines = (
            f"<strong>{show_date(x.on)}</strong>: {escape(x.title)}. {escape(x.text)}"
            f"{'' if x.certain else ' It is not known whether this concerns you.'}{self._refs(x.sources)}"
            for x in self.a.alerts
        )
        yield from _list("Dates to watch", lines, "ul", "h2")

    def _steps(self) -> Iterator[str]:
        yield from _list("What to do next", (self._step(step) for step in self.a.next_steps), "ol", "h2")

    def _step(self, step: NextStep) -> str:
        return f"{STEPS[step.kind]}: {escape(step.text)}"

    def _advice(self) -> Iterator[str]:
        lines = (
            f"<strong>{escape(x.title)}.</strong> {escape(x.text)} Evidence that it helps: {x.strength}.{self._refs(x.sources)}"
            for x in self.a.advice
        )
        yield from _list("Advice (it decides nothing)", lines, "ul", "h2")

    def _told(self) -> Iterator[str]:
        rulebase, facts = self.d.rulebase, self.d.case.facts
        yield "<h2>What you told</h2>"
        if not facts:
            yield "<p>Nothing yet.</p>"
            return
        yield "<table><caption>The answers this letter rests on</caption><thead>"
        yield '<tr><th scope="col">About</th><th scope="col">Answer</th></tr></thead><tbody>'
        for name, entry in rulebase.facts.items():
            if name in facts:
                answer = show(facts[name], rulebase.types[name])
                yield f'<tr><th scope="row">{escape(capital(entry.model.title))}</th><td>{escape(answer)}</td></tr>'
        yield "</tbody></table>"

    # sources ----------------------------------------------------------------------------------------------------------

    def _refs(self, sources: Iterable[Source]) -> str:
        """Marks that point at the sources at the end."""
        marks = []
        for source in dict.fromkeys(sources):
            number = self.cited.setdefault(source, len(self.cited) + 1)
            marks.append(f'<a href="#source-{number}" aria-label="source {number}">[{number}]</a>')
        return f" {' '.join(marks)}" if marks else ""

    def _sources(self) -> Iterator[str]:
        if self.cited:
            yield "<h2>Sources</h2><ol>"
            yield from (f'<li id="source-{number}">{_cite(source)}</li>' for source, number in self.cited.items())
            yield "</ol>"

    def _foot(self) -> str:
        said = "Not recorded in a ledger."
        if self.record:
            said = f"Record {self.record.number}, id {escape(self.record.id)}, hash {escape(self.record.leaf)}."
        return f"<footer><p>{said} Rules {escape(self.a.rulebase)}. {escape('Judged on ' + show_date(self.a.as_of))}.</p></footer>"


def _list(title: str, lines: Iterable[str], tag: str, heading: str = "h3") -> Iterator[str]:
    """A heading with a list below it; nothing where there is nothing to list."""
    items = [f"<li>{line}</li>" for line in lines]
    if items:
        yield f"<{heading}>{title}</{heading}><{tag}>{''.join(items)}</{tag}>"


def _cite(source: Source) -> str:
    parts = [f"<cite>{escape(source.title)}</cite>", *([escape(source.section)] if source.section else [])]
    parts += [escape(source.publisher), *([f"dated {escape(source.dated)}"] if source.dated else [])]
    parts.append(f"read on {_day(source.consulted)}")
    if source.kind == "secondary":
        parts.append("a secondary source: confirm with the official body")
    if source.address:
        is_link = source.address.startswith(("https://", "http://"))
        address = escape(source.address)
        parts.append(f'<a href="{address}">{address}</a>' if is_link else address)
    return "; ".join(parts) + "."


def _anchor(name: str) -> str:
    return "route-" + "".join(c if c.isalnum() else "-" for c in name)


def _span(pair: tuple[float, float]) -> str:
    low, high = (f"{n:,g}" if n < 10**6 else f"{n:,.0f}" for n in pair)
    return low if low == high else f"{low} to {high}"


def _day(day: date) -> str:
    return f'<time datetime="{day.isoformat()}">{show_date(day)}</time>'


def _moment(at: datetime) -> str:
    return f"{show_date(at.date())}, {at:%H:%M} UTC"
