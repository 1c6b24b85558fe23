"""Parts worked on by several processes of this machine, each with one thread: the work is of many small steps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from imgrules.batch.inputs import Part
from imgrules.batch.work import Job, Worker
from imgrules.errors import InputError

_worker: Worker | None = None


def in_processes(job: Job, parts: Sequence[Part], workers: int) -> Iterator[dict[str, Any]]:
    """The notes of the parts as they are done. `InputError` if a process dies, as it does when memory runs out."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # for the children: this process has Polars already
    waiting, running = iter(parts), set[Future[dict[str, Any]]]()
    pool = ProcessPoolExecutor(min(workers, len(parts)), get_context("spawn"), _start, (job,))
    try:
        for part in waiting:
            running.add(pool.submit(_do, part))
            if len(running) >= 2 * workers:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    except BrokenProcessPool:
        raise InputError(
            "A worker process died, perhaps for want of memory. Run the same command with --resume and fewer --jobs, "
            "or start anew with fewer --rows-per-part."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start(job: Job) -> None:
    global _worker
    _worker = Worker(job)


def _do(part: Part) -> dict[str, Any]:
    assert _worker is not None, "made when the process began"
    return _worker.work(part)
