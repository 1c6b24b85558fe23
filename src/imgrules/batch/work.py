"""The work on one part: read, judge, write, and leave a note that it is done. The same on one machine and on a cluster."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from imgrules._version import __version__
from imgrules.batch.evaluate import Evaluator, Tally
from imgrules.batch.facts import read_facts
from imgrules.batch.files import table_file, whole, write_json, write_lines
from imgrules.batch.inputs import Part
from imgrules.batch.mapping import Mapping
from imgrules.batch.raw import Raw, Reject, error
from imgrules.errors import EngineError, InputError, Problem
from imgrules.rulebase.load import load_rulebase
from imgrules.rulebase.rulebase import Rulebase


@dataclass(frozen=True)
class Job:
    """What is to be done, for whoever does it: given to each worker and kept in the run's folder.

    `as_of` holds for rows that name no day, or for all rows with `one_day`. `jurisdictions`: instead of the rows' own.
    `wanted`: `main`, `all` or names of routes. `samples`: rows set aside a part, from which the cross-check is drawn.
    """

    folder: str
    rules: str | None
    version: str
    as_of: date
    one_day: bool = False
    jurisdictions: tuple[str, ...] | None = None
    wanted: str | tuple[str, ...] = "main"
    format: str = "parquet"
    samples: int = 200
    seed: int = 0
    mapping: Mapping = field(default_factory=Mapping)
    program: str = __version__

    def path(self, kind: str, index: int) -> Path:
        """Where a part's file of one kind stands."""
        suffix = {"cases": self.format, "routes": self.format, "rejects": "ndjson", "done": "json", "ids": "npy"}
        return Path(self.folder) / kind / f"part-{index:06}.{suffix.get(kind, 'parquet')}"


class Worker:
    """Works on parts, one after the other, with one rulebase."""

    def __init__(self, job: Job) -> None:
        self.job = job

    @cached_property
    def rulebase(self) -> Rulebase:
        """The rules of the run; `InputError` if they are not the same any more."""
        found = load_rulebase(self.job.rules)
        if found.version != self.job.version:
            raise InputError(
                f"The rules have changed since the run began (they were {self.job.version}, they are {found.version}). "
                "Start a new run in another folder."
            )
        return found

    @cached_property
    def evaluator(self) -> Evaluator:
        return Evaluator(self.rulebase, self.job.wanted)

    def read(self, raw: Raw) -> tuple[pl.DataFrame, list[Reject]]:
        """The rows that can be judged, and the others."""
        job = self.job
        facts = read_facts(
            raw,
            self.rulebase,
            as_of=job.as_of,
            one_day=job.one_day,
            jurisdictions=job.jurisdictions,
            mapping=job.mapping,
        )
        return facts.frame, [*raw.rejects, *facts.rejects]

    def work(self, part: Part) -> dict[str, Any]:
        """Do a part: its files are written first, the note that it is done last. The note, as written."""
        clock = _Clock()
        raw = part.read()
        frame, rejects = self.read(raw)
        clock.end("read")
        tally, refused = self._judge(part, raw, frame, clock)
        rejects = sorted([*rejects, *self._refused(raw, frame, refused)], key=lambda reject: reject.row)
        _count(part, raw, tally, rejects)
        write_lines(self.job.path("rejects", part.index), map(asdict, rejects))
        self._set_aside(part, frame, refused)
        clock.end("write")
        note = {
            "part": part.index,
            "file": part.file,
            "first_row": part.first_row,
            "rows": raw.table.height + len(raw.rejects),
            "cases": tally.cases,
            "rejects": len(rejects),
            "reasons": _reasons(rejects),
            "tally": _noted(tally),
            "days": [str(day) for day in (frame["as_of"].min(), frame["as_of"].max()) if day],
            "aims": dict(frame["jurisdictions"].value_counts().iter_rows()),
            "seconds": {step: round(seconds, 4) for step, seconds in clock.seconds.items()},
        }
        write_json(self.job.path("done", part.index), note)
        return note

    def _judge(
        self, part: Part, raw: Raw, frame: pl.DataFrame, clock: _Clock
    ) -> tuple[Tally, dict[int, list[Problem]]]:
        """Write what the rows come to, piece by piece; what it adds up to, and the rows of the table that are refused."""
        tally, refused, start = Tally(), dict[int, list[Problem]](), 0
        with (
            table_file(self.job.path("cases", part.index), self.job.format) as add_cases,
            table_file(self.job.path("routes", part.index), self.job.format) as add_routes,
        ):
            for piece in self.evaluator.pieces(frame):
                found = self.evaluator.evaluate(piece)
                clock.end("evaluate")
                add_cases(_placed(raw, found.cases))
                add_routes(found.routes)
                clock.end("write")
                tally.add(found.tally)
                refused |= {start + row: problems for row, problems in found.refused.items()}
                start += piece.height
        return tally, refused

    def _refused(self, raw: Raw, frame: pl.DataFrame, refused: dict[int, list[Problem]]) -> Iterable[Reject]:
        rows, ids = frame["row"], frame["case"]
        for i, problems in refused.items():
            at = int(rows[i])
            yield Reject(
                raw.file_of(at), int(raw.rows[at]), raw.lines[at], ids[i], raw.cells(at), [error(p) for p in problems]
            )

    def _set_aside(self, part: Part, frame: pl.DataFrame, refused: dict[int, list[Problem]]) -> None:
        """Hashes of the case ids, to find those that come twice, and some rows for the cross-check, each with its place."""
        with whole(self.job.path("ids", part.index)) as temporary, temporary.open("wb") as stream:
            np.save(stream, np.sort(frame["case"].hash().to_numpy()))
        good = np.setdiff1d(np.arange(frame.height), np.fromiter(refused, np.int64, len(refused)))
        random = np.random.default_rng([self.job.seed, part.index])
        places = np.sort(random.choice(len(good), min(self.job.samples, len(good)), replace=False))
        with whole(self.job.path("samples", part.index)) as temporary:
            frame[good[places]].with_columns(pl.Series("place", places)).write_parquet(temporary)


class _Clock:
    """Wall seconds by step of the work, each from the end of the one before."""

    def __init__(self) -> None:
        self.seconds = {"read": 0.0, "evaluate": 0.0, "write": 0.0}
        self._last = time.perf_counter()

    def end(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] += now - self._last
        self._last = now


def _placed(raw: Raw, cases: pa.Table) -> pa.Table:
    """The cases with the file and line that each came from, as a person would look for it."""
    at, rows = cases.column_names.index("row"), cases["row"].to_numpy()
    lines = np.asarray(raw.lines, np.int64)[rows]
    files = pa.array([raw.file_of(int(row)) for row in rows], pa.string()).dictionary_encode()
    return cases.set_column(at, "line", pa.array(lines)).add_column(at, "file", files)


def _count(part: Part, raw: Raw, tally: Tally, rejects: list[Reject]) -> None:
    """Nothing may be lost: rows in = cases out + rejects."""
    rows = raw.table.height + len(raw.rejects)
    if rows != tally.cases + len(rejects) or (part.rows is not None and rows != part.rows):
        raise EngineError(
            f"{part.file}, rows from {part.first_row}: {part.rows} rows were expected, {rows} were read, and "
            f"{tally.cases} cases and {len(rejects)} rejects came of them. This is a defect of imgrules: please report it."
        )


def _reasons(rejects: list[Reject]) -> list[dict[str, Any]]:
    """Why rows were rejected: how many by code, and the first of each."""
    counts: Counter[str] = Counter(code for reject in rejects for code in {e["code"] for e in reject.errors})
    first: dict[str, dict[str, Any]] = {}
    for reject in rejects:
        for e in reject.errors:
            place = f"{reject.file}:{reject.line}" if reject.line else reject.file
            first.setdefault(e["code"], {"message": e["message"], "example": place})
    return [{"code": code, "rows": n, **first[code]} for code, n in sorted(counts.items())]


def _noted(tally: Tally) -> dict[str, Any]:
    return {
        "routes": [[*key, n] for key, n in sorted(tally.routes.items())],
        "stages": [[*key, n] for key, n in sorted(tally.stages.items())],
        **{name: dict(sorted(getattr(tally, name).items())) for name in ("blockers", "unknown", "confirm")},
    }
