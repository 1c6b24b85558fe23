"""What would be decided now for everybody in the ledger: what changed, and which rule, value or date made it change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from imgrules.assessment.case import Case
from imgrules.assessment.plainly import capital
from imgrules.assessment.result import Source
from imgrules.audit.causes import CLOCK, Change, Comparer, Comparison, Move
from imgrules.audit.diff import VALUES, Edit, Key, on_day, value_meaning
from imgrules.audit.diff_words import NOUNS, Words
from imgrules.audit.hybrid import Crossing, entry_of, undated
from imgrules.audit.impact import KINDS
from imgrules.audit.limits import Limit, limits
from imgrules.audit.record import Record
from imgrules.errors import ImgrulesError
from imgrules.rulebase import schema
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import show, show_date


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cause(_Model):
    """One change in words. `kind`: the rules say otherwise, a dated value or rule crossed its day, or time went by."""

    kind: Literal["rules", "date", "time"]
    name: str
    text: str
    on: date | None = None
    sources: list[Source] = []


class Moved(_Model):
    """Something that would come out otherwise now.

    `causes`: sets of changes; each set is enough by itself and needs all of its changes. `smallest`: no smaller set is
    enough; otherwise nothing can be left out of the one found.
    """

    kind: str
    name: str
    title: str
    before: str
    after: str
    causes: list[list[Cause]]
    smallest: bool = True


class Rechecked(_Model):
    """The latest decision for one case, and what would differ now. `why_not`: why it could not be judged again."""

    case: str
    record: str
    at: datetime
    rulebase: str
    as_of: date
    state: Literal["same", "moved", "erased", "not_judged"]
    moved: list[Moved] = []
    why_not: str | None = None


class Recheck(_Model):
    """The answer of `imgrules audit recheck`."""

    rulebase: str
    as_of: date
    same: int
    moved: int
    erased: int
    not_judged: int
    cases: list[Rechecked]


class LedgerLike(Protocol):
    """What is asked of a ledger."""

    def records(self) -> Iterator[Record]:
        """Every record, oldest first."""
        ...

    def rulebase(self, version: str) -> Rulebase:
        """The rules of a version."""
        ...

    def case(self, record: Record) -> Case:
        """The case as it was recorded."""
        ...


def latest(ledger: LedgerLike) -> list[Record]:
    """The last decision on each case, oldest first; erasures themselves are no decisions."""
    found: dict[str, Record] = {}
    for record in ledger.records():
        if record.kind != "erase":
            found.pop(record.case, None)
            found[record.case] = record
    return list(found.values())


def recheck(
    ledger: LedgerLike, rulebase: Rulebase, as_of: date, progress: Callable[[int, int], None] | None = None
) -> Recheck:
    """Judge the latest decision of each case again, under these rules on this day, and say what made it differ."""
    comparers: dict[str, Comparer] = {}
    found: list[Rechecked] = []
    records = latest(ledger)
    for count, record in enumerate(records, 1):
        found.append(_one(ledger, record, rulebase, as_of, comparers))
        if progress:
            progress(count, len(records))
    counts = {state: sum(r.state == state for r in found) for state in ("same", "moved", "erased", "not_judged")}
    return Recheck(rulebase=rulebase.version, as_of=as_of, cases=found, **counts)


def _one(
    ledger: LedgerLike, record: Record, rulebase: Rulebase, as_of: date, comparers: dict[str, Comparer]
) -> Rechecked:
    head: dict[str, Any] = {
        "case": record.case,
        "record": record.id,
        "at": record.at,
        "rulebase": record.rulebase,
        "as_of": record.as_of,
    }
    if record.erased:
        return Rechecked(**head, state="erased")
    try:
        case = ledger.case(record)
        if record.rulebase not in comparers:
            comparers[record.rulebase] = Comparer(ledger.rulebase(record.rulebase), rulebase)
    except ImgrulesError as error:
        return Rechecked(**head, state="not_judged", why_not=str(error))
    moved = changes_since(comparers[record.rulebase], case, as_of)
    return Rechecked(**head, state="moved" if moved else "same", moved=moved)


def changes_since(comparer: Comparer, case: Case, as_of: date) -> list[Moved]:
    """What would come out otherwise for a case under the new rules on a day, each with its causes in words."""
    comparison = Comparison(comparer, case, as_of)
    teller = _Teller(comparison)
    return [teller.moved(move) for move in comparison.moves()]


class _Teller:
    """Says what made the items of one case come out otherwise."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.words = Words(comparison.c.old, comparison.c.new, comparison.last)
        self.wording = self.words.new.wording

    def moved(self, move: Move) -> Moved:
        return Moved(
            kind=KINDS[move.item.section],
            name=move.item.name,
            title=self.words.title(move.item.key, move.item.scope),
            before=move.before,
            after=move.after,
            causes=[
                [c for change in chosen for c in self._causes(move, chosen, change)] for chosen in move.causes.sets
            ],
            smallest=move.causes.smallest,
        )

    def _causes(self, move: Move, chosen: frozenset[Change], change: Change) -> Iterator[Cause]:
        if isinstance(change, Edit):
            said = self.words.change(change, 0)
            yield Cause(kind="rules", name=change.key.name, text=said.text, on=change.first, sources=said.sources)
        elif change.what == VALUES:
            yield self._value(change)
        elif change.what == CLOCK:
            passed = limits(self.comparison, move.item, chosen, change)
            yield from (self._limit(limit) for limit in passed)
        else:
            yield self._dated(change)

    def _value(self, change: Crossing) -> Cause:
        """A parameter that has another value on the later day."""
        for rulebase in (self.comparison.c.new, self.comparison.c.old):
            values = rulebase.values.get(change.name, {}).get(change.scope, ())
            was, now = (on_day(values, day) for day in (self.comparison.first, self.comparison.last))
            entry = rulebase.parameters.get(change.name)
            if entry is not None:
                type_ = rulebase.value_type(entry.model)
                if value_meaning(was, type_) != value_meaning(now, type_):
                    break
        plainly = self.words.new if rulebase is self.comparison.c.new else self.words.old
        assert entry is not None
        place = f"{rulebase.jurisdiction_names[change.scope]}: " if change.scope else ""
        title = self.words.title(Key("parameters", change.name), change.scope)
        since = f", since {show_date(now.from_)}" if now and now.from_ else ""
        cited = now or was
        return Cause(
            kind="date",
            name=change.name + (f"@{change.scope}" if change.scope else ""),
            text=capital(f"{place}{title}{since}: {self.words.figures(change.name, was, now)}."),
            on=now.from_ if now else None,
            sources=plainly.wording.sources(cited) if cited else [],
        )

    def _dated(self, change: Crossing) -> Cause:
        """A rule or route that came into force, ended or opened in between."""
        key = Key(change.section, change.name)
        entry = entry_of(self.comparison.c.new, key) or entry_of(self.comparison.c.old, key)
        assert entry is not None
        head = f"{NOUNS[change.section]} {change.name} ({self.words.title(key, entry.scope)})"
        text, on = _event(entry, change.what, self.comparison.last)
        sources = self.wording.sources(entry.model) if isinstance(entry.model, schema.Evidence) else []
        return Cause(kind="date", name=change.name, text=capital(f"{head} {text}."), on=on, sources=sources)

    def _limit(self, limit: Limit) -> Cause:
        """A fact counted up to today that went past something."""
        cited = self._evidence(limit)
        since = f"since {show_date(limit.first)}"
        if limit.fact.startswith("days to "):
            title = self._title(limit.fact.removeprefix("days to "))
            text = f"{title}: {'passed' if isinstance(limit.now, int) and limit.now < 0 else 'not yet passed'} {since}."
        else:
            was, now = (show(v, limit.type) for v in (limit.was, limit.now))
            test = limit.node.proves or limit.node.refutes
            words = self.wording.test(limit.node.proves, limit.type) if limit.node.proves else str(test and test.value)
            turn = {True: "now", False: "no longer", None: "not certain any more whether"}[limit.holds]
            text = f"{self._title(limit.fact)}: {was} then, {now} now; {turn} {words}{self._named(limit)}, {since}."
        return Cause(kind="time", name=limit.fact, text=capital(text), on=limit.first, sources=cited)

    def _title(self, name: str) -> str:
        base = name.partition("@")[0]
        section = "derived" if base in self._derived or name in self._derived else "facts"
        return self.words.title(Key(section, name if name in self._derived else base), name.partition("@")[2] or None)

    @property
    def _derived(self) -> set[str]:
        return {*self.comparison.c.old.derived, *self.comparison.c.new.derived}

    def _named(self, limit: Limit) -> str:
        if not limit.parameter:
            return ""
        base, _, code = limit.parameter.partition("@")
        return f" ({self.words.title(Key('parameters', base), code or None)})"

    def _evidence(self, limit: Limit) -> list[Source]:
        """Where the limit stands: its own dated value, else the rules that hold the comparison."""
        for rulebase in (self.comparison.c.new, self.comparison.c.old) if limit.parameter else ():
            base, _, code = str(limit.parameter).partition("@")
            found = rulebase.find_parameter(base, code or None)
            value = rulebase.value_on(*found, self.comparison.last) if found else None
            if value is not None:
                return self._plain_sources(rulebase, value)
        models = [entry.model for entry in limit.entries if isinstance(entry.model, schema.Evidence)]
        found_sources = [s for model in models for s in self._plain_sources(self.comparison.c.new, model)]
        return list(dict.fromkeys(found_sources))

    def _plain_sources(self, rulebase: Rulebase, evidence: schema.Evidence) -> list[Source]:
        wording = (self.words.new if rulebase is self.comparison.c.new else self.words.old).wording
        other = (self.words.old if rulebase is self.comparison.c.new else self.words.new).wording
        known = all(c.id in wording.rulebase.sources for c in evidence.cited)
        return (wording if known else other).sources(evidence)


def _event(entry: Entry[Any], what: str, day: date) -> tuple[str, date | None]:
    """What happened to a dated rule by a day, and when."""
    model = entry.model
    if what == "opens":
        return f"takes applications since {show_date(model.opens)}", model.opens
    period = model.in_force
    if period is None:
        return "is in force", None
    now = undated(period, day)
    if now is not None and now.to is not None:
        return f"ended on {show_date(period.to)}", period.to
    if now is None and isinstance(period.from_, date):
        return f"came into force on {show_date(period.from_)}", period.from_
    return "is not in force", None
