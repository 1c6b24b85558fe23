"""Parts worked on by a Spark cluster: the same work on the same parts, wherever a task happens to run.

A task gets a part, not rows: it reads the part's rows from the input, writes the part's files into the run's folder and
answers with its note. So inputs and output must be on storage that all machines see under the same path, imgrules and
the same rules must be installed on each, and what a killed task leaves is overwritten, whole, by the one that repeats it.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from imgrules.batch.inputs import Part
from imgrules.batch.work import Job, Worker
from imgrules.errors import ImgrulesError, InputError, ProblemsError

if TYPE_CHECKING:
    import pyarrow as pa

_POLL = 0.5  # seconds between looks for new notes
_workers: dict[bytes, Worker] = {}


def on_cluster(job: Job, parts: Sequence[Part], master: str) -> Iterator[dict[str, Any]]:
    """The notes of the parts as they are done. `InputError` if there is no Spark, no master or the job fails."""
    if not parts:
        return
    spark = _session(master)
    rows = [(part.index, bytearray(pickle.dumps(part))) for part in parts]
    try:
        frame = spark.createDataFrame(rows, "part long, work binary").repartitionByRange(len(rows), "part")
        running = _Collecting(frame.mapInArrow(partial(_do, pickle.dumps(job)), "part long, note string"))
        yield from running.notes(job, {part.index for part in parts})
    finally:
        spark.stop()


def _session(master: str) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise InputError(
            'Spark is not installed here. `pip install "imgrules[spark]"` brings it; it needs Java 17 as well.'
        ) from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return (
            SparkSession.builder.master(master)
            .appName("imgrules batch")
            .config("spark.executorEnv.POLARS_MAX_THREADS", "1")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
    except Exception as error:  # whatever Java says
        raise InputError(f"Spark at {master} cannot be used: {str(error).splitlines()[0]}") from None


class _Collecting:
    """A Spark job in a thread of its own, while its notes are looked for in the run's folder."""

    def __init__(self, frame: Any) -> None:
        self._rows: list[Any] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._collect, args=(frame,), daemon=True)
        self._thread.start()

    def _collect(self, frame: Any) -> None:
        try:
            self._rows = frame.collect()
        except BaseException as error:
            self._error = error

    def notes(self, job: Job, waiting: set[int]) -> Iterator[dict[str, Any]]:
        while self._thread.is_alive():
            for index in sorted(waiting):
                path = job.path("done", index)
                if path.exists():
                    waiting.discard(index)
                    yield json.loads(path.read_text(encoding="utf-8"))
            self._thread.join(_POLL)
        if self._error is not None:
            raise InputError(f"The Spark job failed: {str(self._error).splitlines()[0]} See the logs of its workers.")
        answers = {row["part"]: json.loads(row["note"]) for row in self._rows}
        for note in answers.values():
            if "error" in note:
                raise pickle.loads(bytes.fromhex(note["error"]))  # noqa: S301  # made by `_do`, sent by Spark itself
        for index in sorted(waiting):
            yield answers[index]


def _do(job: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """What a task does with the parts it is given. An error of the user's is an answer: repeating would not help."""
    import pyarrow as pa

    worker = _workers.setdefault(job, Worker(pickle.loads(job)))  # noqa: S301  # made by `on_cluster`
    for batch in batches:
        for index, work in zip(batch["part"].to_pylist(), batch["work"].to_pylist(), strict=True):
            try:
                note = worker.work(pickle.loads(work))  # noqa: S301  # the same
            except (ImgrulesError, ProblemsError) as error:
                note = {"error": pickle.dumps(error).hex()}
            yield pa.RecordBatch.from_pydict({"part": [index], "note": [json.dumps(note)]})
