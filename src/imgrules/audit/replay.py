"""Derives recorded decisions again, with the rules of their day kept in the ledger, and compares everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from imgrules.assessment.assess import Assessor, Derived
from imgrules.audit.ledger import Ledger
from imgrules.audit.proof import marks_by_name, proof_of
from imgrules.audit.record import Record
from imgrules.errors import CaseError, InputError

MOST = 1_000
_ASSESSORS = 4


@dataclass(frozen=True)
class Difference:
    """Something that came out otherwise. `part`: outcome, status, proof, or record where nothing could be derived."""

    id: str
    number: int
    part: str
    name: str
    recorded: str
    now: str

    def __str__(self) -> str:
        where = f"record {self.number}: {self.part} {self.name}".rstrip()
        return f"{where}: was {self.recorded}, is {self.now}"


@dataclass
class Replay:
    """What was derived again, and every difference (the first thousand of them)."""

    replayed: int = 0
    with_proof: int = 0
    erased: int = 0
    outcomes: int = 0
    statuses: int = 0
    different: int = 0
    seconds: float = 0.0
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every decision came out as it was recorded."""
        return not self.different


def replay(ledger: Ledger, records: Iterable[Record], progress: Callable[[int], None] | None = None) -> Replay:
    """Derive records again on the rule engine and compare outcome by outcome, status by status and proof by proof.

    Erased records cannot be and are counted. A record made without proofs (by a batch) is compared in what it holds.
    `progress` is told how many are done.
    """
    start = time.perf_counter()
    result = Replay()
    assessors: dict[str, Assessor] = {}
    for record in records:
        if record.erased:
            result.erased += 1
            continue
        found = list(_differences(ledger, record, assessors))
        result.replayed += 1
        result.with_proof += record.proof is not None
        result.outcomes += len(record.outcomes)
        result.statuses += len(record.routes)
        result.different += bool(found)
        result.differences += found[: MOST - len(result.differences)]
        if progress:
            progress(result.replayed)
    result.seconds = time.perf_counter() - start
    return result


def derive_again(ledger: Ledger, record: Record, assessors: dict[str, Assessor] | None = None) -> Derived:
    """What follows from a record's facts under the rules it was made with. `InputError` if it was erased."""
    assessors = {} if assessors is None else assessors
    case = ledger.case(record)
    if record.rulebase not in assessors:
        while len(assessors) >= _ASSESSORS:
            del assessors[next(iter(assessors))]
        assessors[record.rulebase] = Assessor(ledger.rulebase(record.rulebase))
    return assessors[record.rulebase].derive(case)


def _differences(ledger: Ledger, record: Record, assessors: dict[str, Assessor]) -> Iterator[Difference]:
    def difference(part: str, name: str, recorded: object, now: object) -> Difference:
        return Difference(record.id, record.number, part, name, str(recorded), str(now))

    try:
        derived = derive_again(ledger, record, assessors)
    except CaseError:
        yield difference("record", "", "derived", "refused, because its facts contradict each other")
        return
    except (InputError, KeyError, ValueError) as error:
        why = str(error) if isinstance(error, InputError) else "its facts do not fit its rules"
        yield difference("record", "", "derived", f"not derivable: {why}")
        return
    outcomes = {name: derived.derivation.outcome(rule.literal) for name, rule in derived.program.rules.items()}
    statuses = {route.id: route.status for route in derived.assessment.routes}
    parts: tuple[tuple[str, dict[str, object], dict[str, object]], ...] = (
        ("outcome", {**record.outcomes}, {**outcomes}),
        ("status", {**record.routes}, {**statuses}),
    )
    for part, before, now in parts:
        names = [*before, *(name for name in now if name not in before)] if record.proof else [*before]
        for name in names:
            if before.get(name) != now.get(name):
                yield difference(part, name, before.get(name, "absent"), now.get(name, "absent"))
    if record.proof is None:
        return
    proof = proof_of(derived)
    if proof.digest.hex() != record.proof:
        marks = marks_by_name(tuple(outcomes), proof.marks)
        names = [name for name in {**record.proofs, **marks} if record.proofs.get(name) != marks.get(name)]
        for name in names or [""]:
            yield difference("proof", name, record.proofs.get(name, "another"), marks.get(name, "another"))
