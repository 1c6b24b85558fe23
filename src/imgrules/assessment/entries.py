"""One definition of the rules as Markdown, with its evidence: the paragraphs of the rulebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from imgrules.assessment.plainly import Plainly, capital, days, escape
from imgrules.assessment.wording import cite
from imgrules.rulebase import schema
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import show_date

_LEADS = {
    "asked_when": "Asked when: ",
    "when": "When: ",
    "suits_when": "Recommended unless this is false: ",
    "applies_when": "Applies when: ",
    "met_when": "Met when: ",
    "excused_when": "Also met when: ",
}
_BLOCKERS = {
    "permanent": "permanent: nothing the applicant does mends it",
    "fixable": "fixable: the applicant can act",
    "waiting": "waiting: time alone mends it",
    "external": "external: somebody else decides",
}
_DECIDES = {
    "met": "Can only be found met; otherwise it is unknown, to be confirmed.",
    "not_met": "Can only be found not met; otherwise it is unknown, to be confirmed.",
    "nothing": "Never decided here: shown as something to confirm.",
}


class Entries:
    """Writes definitions, each below a heading that others can point at."""

    def __init__(self, rulebase: Rulebase, plainly: Plainly) -> None:
        self.rulebase = rulebase
        self.plainly = plainly

    def anchor(self, entry: Entry[Any]) -> str:
        """Where a definition stands on its page. Rules share one space of names; other sections are set apart."""
        shared = entry.section in ("facts", "derived", "findings", "requirements", "routes")
        return entry.name if shared else f"{entry.section}-{entry.name}"

    def entry(self, entry: Entry[Any], scope: str | None) -> Iterator[str]:
        """A definition in full."""
        model = entry.model
        title = getattr(model, "title", entry.local_name.rpartition(".")[2].replace("_", " "))
        heading = capital(self.plainly.text(title, scope))
        yield from ["", f'<a id="{self.anchor(entry)}"></a>', f"### {heading}", "", f"`{entry.name}`", ""]
        yield from self._body(entry, scope)
        if isinstance(model, schema.Evidence):
            yield self._evidence(model, entry.checked.isoformat())

    def _body(self, entry: Entry[Any], scope: str | None) -> Iterator[str]:
        writers: dict[str, Callable[[Any, str | None], Iterator[str]]] = {
            "facts": self._fact,
            "derived": self._derived,
            "parameters": self._parameter,
            "requirements": self._requirement,
            "excuses": self._excuse,
            "routes": self._route,
            "fast_tracks": self._fast_track,
            "advice": self._advice,
            "alerts": self._alert,
            "stages": self._stage,
            "contradictions": self._contradiction,
        }
        if entry.section in writers:
            yield from writers[entry.section](entry, scope)
        for field, lead in _LEADS.items():
            if field in entry.conditions:
                yield from self.plainly.condition(entry.conditions[field], scope, lead)
        yield from self._rest(entry, scope)

    def _rest(self, entry: Entry[Any], scope: str | None) -> Iterator[str]:
        """What several kinds of definition have alike."""
        model = entry.model
        if (decides := getattr(model, "decides", "both")) != "both":
            yield f"- {_DECIDES[decides]}"
        if period := getattr(model, "in_force", None):
            yield f"- In force: {days(period.from_, period.to)}"
        for field, words in (("weeks", "weeks"), ("cost_usd", "US dollars")):
            if span := getattr(model, field, None):
                yield f"- About {span[0]} to {span[1]} {words}" if span[0] != span[1] else f"- About {span[0]} {words}"
        if note := getattr(model, "note", None):
            yield f"- Note: {self.plainly.text(note, scope)}"

    # each kind --------------------------------------------------------------------------------------------------------

    def _fact(self, entry: Entry[schema.Fact], _: str | None) -> Iterator[str]:
        model = entry.model
        yield f"- Asked: {escape(model.question)}"
        yield f"- Why: {escape(model.why)}"
        if model.help:
            yield f"- Help: {escape(model.help)}"
        yield f"- Answer: {escape(str(self.rulebase.value_type(model)))}" + (
            f", from {model.range[0]} to {model.range[1]}" if model.range else ""
        )
        for code, label in (model.values or {}).items():
            yield f"  - {escape(label)} (`{code}`)"
        if model.changeable:
            yield "- The applicant can change it by acting."

    def _derived(self, entry: Entry[schema.Derived], scope: str | None) -> Iterator[str]:
        assert entry.expression is not None
        yield f"- Worked out as: {self.plainly.formula(entry.expression, scope)}"

    def _parameter(self, entry: Entry[schema.Parameter], scope: str | None) -> Iterator[str]:
        scopes = self.rulebase.values.get(entry.name, {})
        if entry.each and scope is None:
            yield f"- Each jurisdiction gives its own; see their pages ({len(scopes)} do)."
        for code, label in (entry.model.values_allowed or {}).items() if scope is None or entry.scope else ():
            yield f"- `{code}`: {escape(label)}"
        where = scope if entry.each or entry.scope else None
        for value in scopes.get(where, ()):
            says = capital(self.plainly.value(entry, value))
            yield f"- **{says}**, {days(value.from_, value.to)}."
            if value.note:
                yield f"  {self.plainly.text(value.note, scope)}"
            yield f"  {self._evidence(value, None).removeprefix('- ')}"
        if entry.model.informational:
            yield "- Shown only; no rule uses it."

    def _requirement(self, entry: Entry[schema.Requirement], scope: str | None) -> Iterator[str]:
        model = entry.model
        if model.for_route:
            route = self.plainly.find(model.for_route, scope)
            yield f"- Added to: {self._title(route, scope) if route else model.for_route}"
        yield f"- When not met: {_BLOCKERS[model.blocker]}. {self.plainly.text(model.remedy, scope)}"
        if model.decided_by:
            yield f"- Decided by: {self.plainly.text(model.decided_by, scope)}"
        if model.ready_on and (ready := self.plainly.find(model.ready_on, scope)):
            yield f"- Mended on: {self._title(ready, scope)}"

    def _excuse(self, entry: Entry[schema.Excuse], scope: str | None) -> Iterator[str]:
        if excused := self.plainly.find(entry.local_name, scope):
            yield f"- Accepted instead of: {self._title(excused, scope)}"

    def _route(self, entry: Entry[schema.Route], scope: str | None) -> Iterator[str]:
        model = entry.model
        stage = self.rulebase.stages[model.stage].model.title
        yield from [f"{self.plainly.text(model.summary, scope)}", "", f"- Stage: {escape(stage)}"]
        if model.gives:
            yield f"- Gives: {self.plainly.text(model.gives, scope)}"
        yield "- Needs:"
        added = [e.name for e in self.rulebase.requirements.values() if self._adds_to(e, entry, scope)]
        for name in dict.fromkeys([*model.needs, *added]):
            need = self.plainly.find(name, scope)
            yield f"  - {self._title(need, scope) if need else name}"
        if model.opens:
            opens = "not established" if model.opens == "unknown" else show_date(model.opens)
            yield f"- Applications taken from: {opens}"
        lists = (("Comes after", model.after), ("Cannot be followed together with", model.excludes))
        for words, names in (*lists, ("Replaced by", [model.replaced_by] if model.replaced_by else [])):
            found = [(name, self.plainly.find(name, scope)) for name in names]
            if found:
                yield f"- {words}: {'; '.join(self._title(e, scope) if e else n for n, e in found)}"
        if model.replaced_text:
            yield f"- Instead: {self.plainly.text(model.replaced_text, scope)}"
        for lead in model.leads_to:
            target = self.plainly.find(lead.route, scope)
            yield f"- Leads to: {self._title(target, scope) if target else lead.route}, after {escape(lead.after)}"

    def _adds_to(self, requirement: Entry[schema.Requirement], route: Entry[schema.Route], scope: str | None) -> bool:
        name = requirement.model.for_route
        return bool(name) and requirement.scope == scope and self.plainly.find(str(name), scope) is route

    def _fast_track(self, entry: Entry[schema.FastTrack], scope: str | None) -> Iterator[str]:
        model = entry.model
        for words, name in (("Route", model.route), ("Instead of", model.instead_of)):
            if name and (target := self.plainly.find(name, scope)):
                yield f"- {words}: {self._title(target, scope)}"
        yield f"- Saves: {self.plainly.text(model.saves, scope)}"
        yield "- Caveats:"
        yield from (f"  - {self.plainly.text(caveat, scope)}" for caveat in model.caveats)

    def _advice(self, entry: Entry[schema.Advice], scope: str | None) -> Iterator[str]:
        model = entry.model
        yield from [self.plainly.text(model.text, scope), ""]
        yield f"- Evidence that it helps: {model.strength}. {self.plainly.text(model.evidence, scope)}"

    def _alert(self, entry: Entry[schema.Alert], scope: str | None) -> Iterator[str]:
        assert entry.expression is not None
        yield from [self.plainly.text(entry.model.text, scope), ""]
        yield f"- On: {self.plainly.formula(entry.expression, scope)}"
        after = f", and for {entry.model.passed_days} days after" if entry.model.passed_days else ""
        yield f"- Shown from {entry.model.warn_days} days before{after}"

    def _stage(self, entry: Entry[schema.Stage], _: str | None) -> Iterator[str]:
        shown = self.plainly.find(entry.model.shown_by, None)
        yield f"- Number {entry.model.order}; reached with: {self._title(shown, None) if shown else entry.model.shown_by}"

    def _contradiction(self, entry: Entry[schema.Contradiction], scope: str | None) -> Iterator[str]:
        yield f"- {self.plainly.text(entry.model.text, scope)}"

    def _title(self, entry: Entry[Any], scope: str | None) -> str:
        return self.plainly.link(self.plainly.text(entry.model.title, scope), entry)

    # evidence ---------------------------------------------------------------------------------------------------------

    def _evidence(self, evidence: schema.Evidence, checked: str | None) -> str:
        parts = [f"[{c.id}](#source-{c.id})" + (f" ({escape(c.section)})" if c.section else "") for c in evidence.cited]
        day = evidence.checked.isoformat() if evidence.checked else checked
        words = f"{evidence.basis}, {evidence.confidence} confidence" + (f", checked {day}" if day else "")
        return f"- Evidence: {words}. Sources: {', '.join(parts)}"

    def bibliography(self, entries: Iterable[Entry[Any]], scope: str | None) -> Iterator[str]:
        """The sources that a page cites, with their addresses."""
        cited = {c.id for e in entries if isinstance(e.model, schema.Evidence) for c in e.model.cited}
        national = {e.name for e in entries if e.section == "parameters"}
        for name, code, value in self.rulebase.all_values():
            if code == scope and (scope is not None or name in national):
                cited |= {c.id for c in value.cited}
        if cited:
            yield from ["", "## Sources", ""]
        for id in sorted(cited):
            yield f'- <a id="source-{id}"></a>**{id}**: {_cited(cite(self.plainly.wording.source(id)))}'


def _cited(line: str) -> str:
    """A citation as Markdown, its address left as a link."""
    text, _, address = line.partition(" <http")
    return f"{escape(text)} <http{address}" if address else escape(line)
