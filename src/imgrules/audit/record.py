"""What goes into the ledger and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from imgrules.assessment.result import Status
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Outcome

OUTCOME_LETTERS = {Outcome.MET: "m", Outcome.NOT_MET: "n", Outcome.UNKNOWN: "u"}
STATUS_LETTERS = {
    Status.OPEN: "o",
    Status.REACHABLE: "r",
    Status.UNDETERMINED: "u",
    Status.CLOSED: "c",
    Status.UPCOMING: "f",
    Status.DISCONTINUED: "d",
    Status.NOT_APPLICABLE: "n",
}


@dataclass(frozen=True, slots=True)
class Marks:
    """Outcomes or statuses as tables have them: names, and one letter for each (`OUTCOME_LETTERS`, `STATUS_LETTERS`).

    Give the same tuple of names for many cases: it is then looked at once.
    """

    names: tuple[str, ...]
    letters: str


Outcomes: TypeAlias = Mapping[str, Outcome] | Marks
Statuses: TypeAlias = Mapping[str, Status] | Marks


@dataclass(frozen=True, slots=True)
class Proof:
    """What tells one derivation from another: a digest of the whole, and two bytes for each rule to find a difference by.

    `marks` has two bytes a rule, in the order of the program's rules; zeros where nothing was proved.
    """

    digest: bytes
    marks: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """Something to record. Facts by dotted name, as JSON writes them or as typed values; what is unknown is left out."""

    rulebase: Rulebase
    case: str
    as_of: date
    jurisdictions: tuple[str, ...]
    facts: Mapping[str, Any]
    outcomes: Outcomes
    routes: Statuses
    proof: Proof | None = None
    note: str | None = None


class Record(BaseModel):
    """One entry of the ledger, opened. Of an erased case only what says nothing about the applicant is left."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="UUIDv7: records sort by it in the order in which they were made.")
    number: int = Field(description="Its place in the log, from 1.")
    at: datetime = Field(description="When it was made, UTC, to the millisecond.")
    who: str = Field(description="The operator or service that recorded it.")
    kind: str = Field(description="The command: assess, ask, batch ...; `erase` for the forgetting of a case.")
    tool: str = Field(description="The version of imgrules.")
    rulebase: str = Field(description="The version of the rules; empty for an erasure.")
    as_of: date = Field(description="The day judged on; the day itself for an erasure.")
    case: str = Field(description="The case id; `erased-...` once erased.")
    jurisdictions: tuple[str, ...] = ()
    facts: dict[str, Any] | None = Field(description="The facts as given; null once erased.")
    outcomes: dict[str, Outcome] = {}
    routes: dict[str, Status] = {}
    proof: str | None = Field(default=None, description="Digest of the derivation; null if it was made without proofs.")
    proofs: dict[str, str] = Field(default={}, description="Four hex digits of each proof, to find a difference by.")
    erased: bool = False
    note: str | None = None
    leaf: str = Field(description="The hash by which the log holds the record.")
