"""A small ledger in memory, and decisions to put in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from imgrules.assessment.case import Case
from imgrules.audit.record import Record
from imgrules.rulebase.rulebase import Rulebase
from tests.audit.mutants import Files, load

GOOD = Path(__file__).parents[1] / "rulebase"


def entry(number: int, case: Case, rulebase: str, **more: Any) -> Record:
    """A record of a case, as a ledger would give it."""
    at = datetime(2026, 11, 22, 10, 4, tzinfo=UTC)
    given = {"who": "an adviser", "kind": "assess", "tool": "0.1.0", "leaf": "ab" * 32, "at": at, "facts": {}, **more}
    return Record(id=f"record-{number}", number=number, rulebase=rulebase, as_of=case.as_of, case=case.id, **given)


@dataclass
class Book:
    """A ledger in memory."""

    entries: list[Record] = field(default_factory=list)
    rulebases: dict[str, Rulebase] = field(default_factory=dict)
    given: dict[str, Case] = field(default_factory=dict)

    def add(self, case: Case, rulebase: Rulebase, **more: Any) -> Record:
        self.rulebases[rulebase.version] = rulebase
        self.entries.append(entry(len(self.entries) + 1, case, rulebase.version, **more))
        self.given[self.entries[-1].id] = case
        return self.entries[-1]

    def records(self) -> Iterator[Record]:
        return iter(self.entries)

    def rulebase(self, version: str) -> Rulebase:
        return self.rulebases[version]

    def case(self, record: Record) -> Case:
        return self.given[record.id]


def small_files(*changes: tuple[str, str]) -> Files:
    """The small good rulebase with some texts replaced, each of which must be there."""
    files = {name: (GOOD / name).read_text() for name in ("base.yaml", "land.yaml")}
    files["land.yaml"] = files["land.yaml"].replace(
        "[{at_most: 36, sources: [blog], basis: secondary, confidence: medium}]",
        "[{value: 24, sources: [law], basis: primary, confidence: high}]",
    )
    for old, new in changes:
        hits = [name for name, text in files.items() if old in text]
        assert hits, old
        files[hits[0]] = files[hits[0]].replace(old, new)
    return files


def small(*changes: tuple[str, str]) -> Rulebase:
    """The same, loaded."""
    return load(small_files(*changes))


def applicant(rulebase: Rulebase, id: str = "ann", as_of: date = date(2026, 11, 22), **facts: object) -> Case:
    """Somebody to whom every route of the small rulebase is open, less what is said otherwise (`exam_passed=False`)."""
    known: dict[str, object] = {
        "exam.passed": True,
        "exam.passed_on": date(2022, 3, 1),
        "exam.attempts": 2,
        "training.months": 30,
        "person.countries": frozenset({"NO"}),
        "person.status": "citizen",
    }
    known |= {name.replace("_", ".", 1): value for name, value in facts.items()}
    told = {name: value for name, value in known.items() if value is not None and name in rulebase.facts}
    return Case(id, as_of, tuple(rulebase.jurisdictions), told)  # type: ignore[arg-type]
