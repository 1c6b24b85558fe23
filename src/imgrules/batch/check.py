"""The cross-check of a run: some of its cases derived again, one by one, on the forward-chaining engine.

Two things are compared for each: every finding that the columnar executor comes to, and the lines that the run has
written, read back from its files. Any difference stops the run and leaves the case behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.case import Case, case_text
from imgrules.batch.evaluate import case_of
from imgrules.batch.plan import STATUSES, routes_of
from imgrules.batch.work import Job
from imgrules.engines.column_arithmetic import Array
from imgrules.engines.columnar import Columnar
from imgrules.errors import EngineError
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.rulebase import Rulebase

_PARTS = 8  # so many parts are read back at most, however many the run has


@dataclass(frozen=True)
class Difference:
    """Where the two executors, or a written line, disagree about a case."""

    case: Case
    name: str
    engine: str
    batch: str

    def __str__(self) -> str:
        return f"case {self.case.id}: {self.name}: the rule engine says {self.engine}, the batch {self.batch}"


@dataclass(frozen=True)
class Checked:
    """How much was compared. `differences` stay empty in a run that ends."""

    rows: int
    comparisons: int
    differences: tuple[Difference, ...] = ()


def check(job: Job, rulebase: Rulebase, parts: Sequence[int], rows: int) -> Checked:
    """Compare so many rows of some finished parts. `EngineError` on any difference, with a reproducer beside the run."""
    random = np.random.default_rng(job.seed)
    chosen = sorted(random.permutation(np.array(parts, np.int64))[:_PARTS].tolist())
    checker, left, compared, comparisons = _Checker(job, rulebase), rows, 0, 0
    for i, part in enumerate(chosen):
        samples = pl.read_parquet(job.path("samples", part))
        wanted = min(-(-left // (len(chosen) - i)), samples.height)
        places = np.sort(random.choice(samples.height, wanted, replace=False))
        differences, n = checker.part(part, samples[places])
        if differences:
            raise EngineError(_told(job, differences))
        left, compared, comparisons = left - wanted, compared + wanted, comparisons + n
    return Checked(compared, comparisons)


class _Checker:
    def __init__(self, job: Job, rulebase: Rulebase) -> None:
        self.job = job
        self.rulebase = rulebase
        self.assessor = Assessor(rulebase)

    def part(self, part: int, samples: pl.DataFrame) -> tuple[list[Difference], int]:
        """Everything that differs in some rows of a part, and how many comparisons were made."""
        differences: list[Difference] = []
        comparisons = 0
        written = _Written(self.job, part, samples["place"].to_numpy())
        for (day, aims), rows in samples.group_by("as_of", "jurisdictions", maintain_order=True):
            assert isinstance(day, date)
            for derived, findings, place in self._derived(rows, day, str(aims).split()):
                pairs = [*self._findings(derived, findings), *written.pairs(derived, place)]
                comparisons += len(pairs)
                differences += [Difference(derived.case, *pair) for pair in pairs if pair[1] != pair[2]]
        return differences, comparisons

    def _derived(
        self, rows: pl.DataFrame, day: date, codes: list[str]
    ) -> Iterator[tuple[Derived, dict[str, bool | None], int]]:
        """Each row run through the engine, beside what the columnar executor says of every finding."""
        program = self.assessor.grounder.program(day, codes)
        table = Columnar(program).run(rows.with_columns(pl.col("as_of").alias(TODAY)))
        truths = {name: table.truth(rule.literal).to_list() for name, rule in program.rules.items()}
        for i, row in enumerate(rows.iter_rows(named=True)):
            derived = self.assessor.derive(case_of(row, self.rulebase))
            yield derived, {name: truth[i] for name, truth in truths.items()}, row["place"]

    def _findings(self, derived: Derived, findings: dict[str, bool | None]) -> Iterator[tuple[str, str, str]]:
        for name, truth in findings.items():
            yield name, derived.outcome(name).value, {True: "met", False: "not_met", None: "unknown"}[truth]


class _Written:
    """The lines of some cases of one part, read back."""

    def __init__(self, job: Job, part: int, places: Array) -> None:
        self.wanted = job.wanted
        self.cases = as_texts(scan_written(job.path("cases", part)).collect())
        statuses = [status.value for status in STATUSES]
        totals = self.cases.select(pl.sum_horizontal(pl.col(statuses).cast(pl.Int64)).alias("n"))["n"].to_numpy()
        self.starts = np.concatenate(([0], np.cumsum(totals)))
        lines = [np.arange(self.starts[place], self.starts[place + 1]) for place in places]
        wanted = pl.Series(np.concatenate([np.arange(0), *lines]), dtype=pl.get_index_type())
        # A part may have many lines: only those of these cases are kept while the file streams by.
        found = scan_written(job.path("routes", part)).with_row_index("at").filter(pl.col("at").is_in(wanted.implode()))
        self.routes = found.collect(engine="streaming")

    def pairs(self, derived: Derived, place: int) -> Iterator[tuple[str, str, str]]:
        """What one case was told, beside its assessment."""
        assessment, case = derived.assessment, self.cases.row(place, named=True)
        yield "case", assessment.case, case["case"]
        for stage in assessment.stages:
            yield f"stage {stage.id}", stage.outcome.value, case[stage.id]
        wanted = routes_of(derived.rulebase, derived.program, self.wanted)
        told = {line["route"]: line for line in self._lines(place)}
        yield "routes", _sorted(wanted), _sorted(told)
        for route in assessment.routes:
            line = told.get(route.id)
            if line is None:
                continue
            yield f"{route.id} status", route.status.value, line["status"]
            yield f"{route.id} blockers", _sorted(b.requirement for b in route.blockers), _names(line["blockers"])
            for kind, column in (("fact", "unknown"), ("confirm", "confirm")):
                names = {u.name for u in route.unknown if u.kind == kind}
                yield f"{route.id} {column}", _sorted(names), _names(line[column])

    def _lines(self, place: int) -> Iterable[dict[str, Any]]:
        start, end = int(self.starts[place]), int(self.starts[place + 1])
        here = self.routes.filter(pl.col("at").is_between(start, end, closed="left")).drop("at")
        return as_texts(here).iter_rows(named=True)


def as_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """A table with every cell as text, as files of any format can hold it."""
    return frame.with_columns(pl.all().cast(pl.String))


def scan_written(path: Path) -> pl.LazyFrame:
    """A part's file, whatever its format."""
    if path.suffix == ".parquet":
        return pl.scan_parquet(path)
    if path.suffix == ".csv":
        return pl.scan_csv(path, infer_schema=False)
    return pl.scan_ndjson(path, infer_schema_length=None)


def _sorted(names: Iterable[str]) -> str:
    return " ".join(sorted(names))


def _names(text: str | None) -> str:
    return _sorted((text or "").split())


def _told(job: Job, differences: list[Difference]) -> str:
    """The message for the first difference; the case is written down so that anybody can look into it."""
    first = differences[0]
    path = Path(job.folder).parent / "difference.json"
    path.write_text(case_text(first.case), encoding="utf-8")
    more = f" ({len(differences) - 1:,} more)" if len(differences) > 1 else ""
    return (
        f"The batch disagrees with the rule engine, so nothing of it is to be trusted: {first}{more}. "
        f"The case is in {path}; `imgrules assess {path}` shows what the rule engine says. Please report it."
    )
