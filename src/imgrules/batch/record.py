"""A run's decisions for the ledger: what every case was told, all findings and routes, worked out as columns again.

They are recorded when the run has been checked and before it is published, part by part and each case once. A run that
was cut off in between counts what the ledger holds of the part it was at, and goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from imgrules.assessment.result import Status
from imgrules.batch.evaluate import Evaluator, case_of, epochs
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
    for day, rows in epochs(frame, worker.rulebase):
        found |= dict(_epoch(worker, rows, day, note))
    yield from (found[place] for place in range(frame.height))


@dataclass
class _Told:
    """What one segment of the rules told some cases: names, and each case's letters by its row. `at`: row to case."""

    at: Array
    findings: tuple[str, ...]
    outcomes: list[str]
    routes: tuple[str, ...]
    statuses: list[str]


def _epoch(worker: Worker, rows: pl.DataFrame, day: date, note: str) -> Iterator[tuple[int, Decision]]:
    """The decisions of cases between whose days no rule changes, by their place in the part.

    One plan for all of them, the national part for everybody, each jurisdiction's for those that aim at it: cases that
    all aim elsewhere cost no more than cases that aim at the same.
    """
    from imgrules.audit.record import Decision, Marks

    rulebase, aims = worker.rulebase, rows["jurisdictions"]
    codes = sorted({code for text in aims.unique().to_list() for code in text.split()})
    program = worker.evaluator.grounder.program(day, codes)
    literals = [rule.literal for rule in program.rules.values()]
    plan = Plan(rulebase, program, routes_of(rulebase, program, "all"), literals)
    national = plan.columnar.run_segment(Table(rows.with_columns(pl.col("as_of").alias(TODAY))), None)
    told: dict[str | None, _Told] = {None: _told(plan, national, None, day, np.ones(rows.height, bool))}
    for code in codes:
        aiming = aims.is_in([text for text in aims.unique().to_list() if code in text.split()])
        here = plan.columnar.run_segment(Table(national.frame.filter(aiming)), code)
        told[code] = _told(plan, here, code, day, aiming.to_numpy())
    names: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for i, row in enumerate(rows.iter_rows(named=True)):
        case = case_of(row, rulebase)
        parts = [told[scope] for scope in (None, *case.jurisdictions)]
        if row["jurisdictions"] not in names:
            names[row["jurisdictions"]] = (
                tuple(name for part in parts for name in part.findings),
                tuple(name for part in parts for name in part.routes),
            )
        findings, routes = names[row["jurisdictions"]]
        outcomes = "".join(part.outcomes[part.at[i]] for part in parts)
        statuses = "".join(part.statuses[part.at[i]] for part in parts)
        marks = Marks(findings, outcomes), Marks(routes, statuses)
        yield row["place"], Decision(rulebase, case.id, case.as_of, case.jurisdictions, case.facts, *marks, note=note)


def _told(plan: Plan, table: Table, scope: str | None, day: date, mask: Array) -> _Told:
    from imgrules.audit.record import OUTCOME_LETTERS, STATUS_LETTERS

    reading, routes = Reading(plan, table), plan.routes[scope]
    rules = {name: rule.literal for name, rule in plan.program.rules.items() if rule.scope == scope}
    letters = [OUTCOME_LETTERS[outcome] for outcome in ("unknown", "not_met", "met")]  # type: ignore[index]
    truths = [np.where(reading.true(lit), 2, np.where(reading.null(node_of(lit)), 0, 1)) for lit in rules.values()]
    statuses = [reading.status(route, day) for route in routes]
    return _Told(
        np.cumsum(mask) - 1,
        tuple(rules),
        _texts(truths, letters, int(mask.sum())),
        tuple(route.rule.name for route in routes),
        _texts(statuses, [STATUS_LETTERS[Status(status)] for status in STATUSES], int(mask.sum())),
    )


def _texts(columns: list[Array], letters: list[str], height: int) -> list[str]:
    """One text a case, one letter a column."""
    if not columns:
        return [""] * height
    table = np.frombuffer("".join(letters).encode(), np.uint8)
    matrix = table[np.stack(columns, axis=1)]
    return [row.tobytes().decode() for row in matrix]
