"""The rulebook: everything under rules/ as Markdown pages that a licensing expert can review without YAML.

One page a jurisdiction, one a topic (a folder of rules/), and an index. The same rules give the same pages, byte for
byte, on every day and machine: texts are filled with what holds on the day the rules were last checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from imgrules.assessment.entries import Entries
from imgrules.assessment.plainly import Plainly, capital, escape
from imgrules.engines.reference import literal_truth, truths
from imgrules.rulebase import schema
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import GroundRule, Program
from imgrules.rulebase.lint import last_checked
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import show_date

MARK = "<!-- Written from rules/ by `imgrules rules rulebook`. Do not edit: correct the rules and run it again. -->"
INDEX = "README.md"
HEADINGS = {
    "stages": "Stages",
    "routes": "Routes",
    "fast_tracks": "Fast tracks",
    "requirements": "Requirements",
    "excuses": "What is accepted instead",
    "findings": "Findings",
    "parameters": "Figures and switches",
    "alerts": "Dates to watch",
    "advice": "Advice",
    "contradictions": "Facts that cannot all be true",
    "derived": "Computed values",
    "facts": "Questions",
}

_COUNTED = {
    "routes": ("route", "routes"),
    "fast_tracks": ("fast track", "fast tracks"),
    "requirements": ("requirement", "requirements"),
    "findings": ("finding", "findings"),
    "parameters": ("figure or switch", "figures and switches"),
    "alerts": ("date to watch", "dates to watch"),
    "advice": ("piece of advice", "pieces of advice"),
    "derived": ("computed value", "computed values"),
    "facts": ("question", "questions"),
}


def rulebook(rulebase: Rulebase) -> dict[str, str]:
    """Every page by its path within the folder."""
    return dict(_Book(rulebase).pages())


def outdated(pages: Mapping[str, str], folder: Path) -> list[str]:
    """What a folder lacks, has differently, or has too much of, a line each; nothing if it is up to date."""
    found = []
    for name, text in pages.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{path}: missing")
        elif path.read_text(encoding="utf-8") != text:
            found.append(f"{path}: out of date")
    return found + [f"{path}: no longer part of the rulebook" for path in _left_over(pages, folder)]


def write(pages: Mapping[str, str], folder: Path) -> None:
    """Write the pages, and remove earlier pages of the rulebook that are none any more."""
    for path in _left_over(pages, folder):
        path.unlink()
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _left_over(pages: Mapping[str, str], folder: Path) -> list[Path]:
    """Pages in the folder that we wrote and would not write now."""
    present = sorted(folder.rglob("*.md")) if folder.is_dir() else []
    ours = (p for p in present if p.relative_to(folder).as_posix() not in pages)
    return [p for p in ours if p.read_text(encoding="utf-8").startswith(MARK)]


class _Book:
    def __init__(self, rulebase: Rulebase) -> None:
        self.rulebase = rulebase
        self.day = last_checked(rulebase)
        self.topics = self._topics()
        self.page = ""
        self.plainly = Plainly(rulebase, self.day, self._link)
        self.entries = Entries(rulebase, self.plainly)
        self.grounder = Grounder(rulebase)

    def pages(self) -> Iterator[tuple[str, str]]:
        """Index, topics and jurisdictions."""
        yield INDEX, self._text(self._index())
        for topic in self.topics:
            self.page = f"{topic}.md"
            yield self.page, self._text(self._topic(topic))
        for code in self.rulebase.jurisdiction_names:
            self.page = f"jurisdictions/{code}.md"
            yield self.page, self._text(self._jurisdiction(code))

    def _text(self, lines: Iterable[str]) -> str:
        return "\n".join([MARK, "", *lines]).rstrip() + "\n"

    # which page -------------------------------------------------------------------------------------------------------

    def _everything(self) -> Iterator[Entry[Any]]:
        for section in HEADINGS:
            yield from getattr(self.rulebase, section).values()

    def _topics(self) -> dict[str, list[Entry[Any]]]:
        """The shared definitions by folder, in the order of the files."""
        found: dict[str, list[Entry[Any]]] = {}
        for entry in sorted((e for e in self._everything() if not e.scope), key=lambda e: (e.file, e.line)):
            found.setdefault(_topic(entry), []).append(entry)
        return found

    def _link(self, title: str, entry: Entry[Any]) -> str:
        page = f"jurisdictions/{entry.scope}.md" if entry.scope else f"{_topic(entry)}.md"
        up = "../" if "/" in self.page and not entry.scope else ""
        near = page.removeprefix("jurisdictions/") if "/" in self.page else page
        target = "" if page == self.page else f"{up}{near}"
        return f"[{title}]({target}#{self.entries.anchor(entry)})"

    # pages ------------------------------------------------------------------------------------------------------------

    def _index(self) -> Iterator[str]:
        r = self.rulebase
        yield from ["# The rulebook", ""]
        yield (
            f"What imgrules knows, in words, from rules `{r.version}`, last checked on {show_date(self.day)}. "
            "Each statement has its evidence and its sources. It is not legal advice."
        )
        yield from ["", "## Topics", ""]
        for topic, entries in self.topics.items():
            counts = [(sum(e.section == s for e in entries), words) for s, words in _COUNTED.items()]
            shown = ", ".join(f"{n} {words[n != 1]}" for n, words in counts if n)
            yield f"- [{capital(topic)}]({topic}.md): {shown}"
        yield from ["", "## Jurisdictions", ""]
        yield from [
            "| | board | values | not established | own routes | last checked |",
            "| --- | --- | ---: | ---: | ---: | --- |",
        ]
        for code, name in sorted(r.jurisdiction_names.items(), key=lambda item: item[1]):
            home = r.jurisdictions[code]
            values = [v for _, scope, v in r.all_values() if scope == code]
            unknown = sum(v.value == "unknown" for v in values)
            routes = sum(e.scope == code for e in r.routes.values())
            board = escape(home.model.board.name).replace("|", "\\|")
            yield f"| [{name}](jurisdictions/{code}.md) | {board} | {len(values)} | {unknown} | {routes} | {home.checked} |"
        yield from ["", "## How to read it", "", *_HOW_TO_READ]

    def _topic(self, topic: str) -> Iterator[str]:
        entries = self.topics[topic]
        yield from [f"# {capital(topic)}", ""]
        present = [s for s in HEADINGS if any(e.section == s for e in entries)]
        yield "Contents: " + ", ".join(f"[{HEADINGS[s].lower()}](#{_slug(HEADINGS[s])})" for s in present)
        for section in present:
            yield from ["", f"## {HEADINGS[section]}"]
            for entry in (e for e in entries if e.section == section):
                yield from self.entries.entry(entry, None)
        yield from self.entries.bibliography(entries, None)

    def _jurisdiction(self, code: str) -> Iterator[str]:
        home = self.rulebase.jurisdictions[code]
        model = home.model
        own = sorted((e for e in self._everything() if e.scope == code), key=lambda e: (e.file, e.line))
        yield from [f"# {escape(model.name)} ({code})", ""]
        board = (
            f"[{escape(model.board.name)}]({model.board.address})" if model.board.address else escape(model.board.name)
        )
        yield f"{capital(model.kind)}; licensed by {board}; last checked on {show_date(home.checked)}. [Index](../{INDEX})"
        if model.note:
            yield from ["", escape(model.note)]
        yield from self._shared_routes(code)
        for section, heading in HEADINGS.items():
            if section != "parameters" and any(e.section == section for e in own):
                yield from ["", f"## {heading}"]
                for entry in (e for e in own if e.section == section):
                    yield from self.entries.entry(entry, code)
        yield from ["", f"## {HEADINGS['parameters']}"]
        for entry in self._valued(code):
            yield from self.entries.entry(entry, code)
        yield from self.entries.bibliography(own, code)

    def _valued(self, code: str) -> Iterator[Entry[schema.Parameter]]:
        """The parameters that have values here."""
        for entry in self.rulebase.parameters.values():
            if entry.scope == code or (entry.each and code in self.rulebase.values.get(entry.name, {})):
                yield entry

    def _shared_routes(self, code: str) -> Iterator[str]:
        """The routes written once for all, with their needs as they stand here."""
        program = self.grounder.program(self.day, [code])
        known = truths(program, {})
        routes = [r for r in program.segments[1].rules.values() if r.entry.section == "routes" and r.entry.each]
        if routes:
            yield from ["", f"## Shared routes, as they stand here on {show_date(self.day)}"]
        for route in routes:
            title = self.plainly.text(route.entry.model.title, code)
            yield from ["", f"### {self._link(title, route.entry)}", ""]
            for name in route.needs:
                yield f"- {self._need(program.rules[name], program, known, code)}"

    def _need(self, rule: GroundRule, program: Program, known: Mapping[str, bool | None], code: str) -> str:
        words = self._link(capital(self.plainly.text(rule.entry.model.title, code)), rule.entry)
        met = literal_truth(rule.literal, known)
        applies = rule.in_force and (rule.applies is None or literal_truth(rule.applies, known) is not False)
        if not applies:
            return f"{words}: does not apply here"
        if met is True:
            return f"{words}: asked of nobody here"
        if met is False:
            return f"{words}: met by nobody here"
        excuse = self.rulebase.excuses.get(rule.name)
        return f"{words}, or {self._link(self.plainly.text(excuse.model.title, code), excuse)}" if excuse else words


def _topic(entry: Entry[Any]) -> str:
    """The folder of a shared definition, or its file's name where it is in none."""
    folder, _, file = entry.file.rpartition("/")
    return folder.rpartition("/")[2] or file.rpartition(".")[0]


def _slug(heading: str) -> str:
    return heading.lower().replace(" ", "-")


_HOW_TO_READ = (
    "- A figure is shown with the days it holds on, both included. *Not established* means that nobody could find out, and",
    "  whatever hangs on it is answered “unknown, confirm with the board”; *none* means that there is no such limit.",
    "- *At most 36 months* for a figure means: the true figure is 36 or less. What is certain either way is answered, the",
    "  rest is unknown.",
    "- Evidence is *primary* (read in the law or on the official body's own page), *secondary* (only in somebody else's",
    "  account) or *memory* (well known, not read anywhere), with the confidence of whoever wrote it down.",
    "- A fact that an applicant has not told is unknown, never false.",
    "- Found something wrong? Name the word in `code letters` beneath the heading: it is the rule's own name.",
)
