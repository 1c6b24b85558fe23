"""A run's decisions for the ledger: what every case was told, all findings and routes, worked out as columns again.

They are recorded when the run has been checked and before it is published, part by part and each case once. A run that
was cut off in between counts what the ledger holds of the part it was at, and goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from imgrules.assessment.result import Status
from imgrules.batch.evaluate import Evaluator, case_of
from imgrules.batch.files import write_json
from imgrules.batch.inputs import Part
from imgrules.batch.plan import STATUSES, Plan, Reading, routes_of
from imgrules.batch.work import Job, Worker
from imgrules.engines.column_arithmetic import Array
from imgrules.engines.columnar import Table
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ir import node_of

if TYPE_CHECKING:
    from imgrules.audit.ledger import Ledger
    from imgrules.audit.record import Decision

KIND = "batch"


def record(ledger: Ledger, who: str, run: str, started: date, job: Job, worker: Worker, parts: Iterator[Part]) -> int:
    """Record every case of a run that is not in the ledger yet; how many the run has in it now."""
    recorded = 0
    for part in parts:
        mark = job.path("recorded", part.index).with_suffix(".json")
        note = f"batch {run} part {part.index}"
        if not mark.exists():
            mark.parent.mkdir(exist_ok=True)
            done = _kept(ledger, note, started) if part.index == _first_open(job) else 0
            decisions = islice(decisions_of(worker, part, note), done, None)
            write_json(mark, {"cases": done + sum(1 for _ in ledger.record_many(decisions, who, KIND))})
        recorded += _count(mark)
    return recorded


def _first_open(job: Job) -> int:
    """The part at which a run that was cut off may have been: all before it are marked."""
    marks = {int(path.stem.partition("-")[2]) for path in job.path("recorded", 0).parent.glob("part-*.json")}
    return next(i for i in range(len(marks) + 1) if i not in marks)


def _count(mark: Any) -> int:
    import json

    return int(json.loads(mark.read_text(encoding="utf-8"))["cases"])


def _kept(ledger: Ledger, note: str, started: date) -> int:
    """How many cases of a part the ledger holds already."""
    return sum(kept.kind == KIND and kept.note == note for kept in ledger.records(since=started))


def decisions_of(worker: Worker, part: Part, note: str) -> Iterator[Decision]:
    """What each case of a part was told, in the part's order, rejected rows left out."""
    frame, _ = worker.read(part.read())
    refused = Evaluator(worker.rulebase, ()).evaluate(frame).refused
    keep = np.ones(frame.height, bool)
    keep[list(refused)] = False
    frame = frame.filter(pl.Series(keep)).with_row_index("place")
    found: dict[int, Decision] = {}
    for (day, aims), rows in frame.group_by("as_of", "jurisdictions", maintain_order=True):
        assert isinstance(day, date)
        found |= dict(_same(worker, rows, day, str(aims).split(), note))
    yield from (found[place] for place in range(frame.height))


def _same(worker: Worker, rows: pl.DataFrame, day: date, codes: list[str], note: str) -> Iterator[tuple[int, Decision]]:
    """The decisions of cases of one day that aim at the same jurisdictions, by their place in the part."""
    from imgrules.audit.record import OUTCOME_LETTERS, STATUS_LETTERS, Decision, Marks

    rulebase = worker.rulebase
    program = worker.evaluator.grounder.program(day, codes)
    literals = [rule.literal for rule in program.rules.values()]
    plan = Plan(rulebase, program, routes_of(rulebase, program, "all"), literals)
    table = plan.columnar.run(Table(rows.with_columns(pl.col("as_of").alias(TODAY))).frame)
    reading = Reading(plan, table)
    routes = [route for several in plan.routes.values() for route in several]
    letters = [OUTCOME_LETTERS[outcome] for outcome in ("unknown", "not_met", "met")]  # type: ignore[index]
    outcomes = [np.where(reading.true(lit), 2, np.where(reading.null(node_of(lit)), 0, 1)) for lit in literals]
    statuses = [reading.status(route, day) for route in routes]
    told = _texts(outcomes, letters, rows.height)
    stood = _texts(statuses, [STATUS_LETTERS[Status(status)] for status in STATUSES], rows.height)
    findings, names = tuple(program.rules), tuple(route.rule.name for route in routes)
    for i, row in enumerate(rows.iter_rows(named=True)):
        case = case_of(row, rulebase)
        marks = Marks(findings, told[i]), Marks(names, stood[i])
        yield row["place"], Decision(rulebase, case.id, day, tuple(codes), case.facts, *marks, note=note)


def _texts(columns: list[Array], letters: list[str], height: int) -> list[str]:
    """One text a case, one letter a column."""
    if not columns:
        return [""] * height
    table = np.frombuffer("".join(letters).encode(), np.uint8)
    matrix = table[np.stack(columns, axis=1)]
    return [row.tobytes().decode() for row in matrix]
