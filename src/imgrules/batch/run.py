"""A run: every part worked on once, whatever happens in between, then checked, summed up and published.

Everything is written below `DIR/.run` first: for each part its cases, routes and rejects, and last the note that the
part is done. A run that was cut off goes on with the parts that have no note. What a reader sees appears at the end, by
renaming; the manifest comes last, so a folder with a manifest holds a whole run.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from imgrules.batch.check import Checked, check
from imgrules.batch.files import join_files, sync_folder, write_json
from imgrules.batch.inputs import Inputs, Part
from imgrules.batch.mapping import Mapping
from imgrules.batch.summary import Totals, summarise
from imgrules.batch.work import Job, Worker
from imgrules.errors import CaseError, ImgrulesError, InputError, Problem

if TYPE_CHECKING:
    from imgrules.audit.ledger import Ledger

RUN = ".run"
MANIFEST = "manifest.json"
KINDS = ("cases", "routes", "rejects", "done", "ids", "samples")
_EARLY = 10  # rows checked after the first part, so that a broken plan is found in seconds


@dataclass
class Progress:
    """How far a run is. `total` is None while it is not known how many rows there are."""

    rows: int
    total: int | None
    rejects: int
    resumed: int
    seconds: float


@dataclass(frozen=True)
class Settings:
    """How a run goes about it; none of this changes what comes out."""

    workers: int = 1
    check: int = 200
    strict: bool = False
    resume: bool = False
    master: str | None = None
    ledger: Ledger | None = None
    who: str = ""
    notify: Callable[[Progress], None] = lambda _: None


def run(inputs: Inputs, job: Job, out: Path, settings: Settings) -> dict[str, Any]:
    """Run a batch into a folder; the manifest, as written.

    `InputError` for a folder that cannot be used or inputs that changed, `CaseError` for the first reject with
    `strict`, `EngineError` where the cross-check finds a difference. Whatever is done by then is kept for `resume`.
    """
    started = time.time()
    described = inputs.describe()
    if settings.resume and (manifest := _finished(out, job, described)):
        return manifest
    folder = out / RUN
    worker = Worker(job)
    inputs.check(worker.rulebase)  # before anything is left behind
    job = _begin(replace(job, folder=str(folder)), described, inputs.rows_per_part, out, settings.resume)
    worker = Worker(job)
    if not (folder / "final" / MANIFEST).exists():
        try:
            notes = list(_work(inputs, job, worker, settings, started))
        except ImgrulesError:
            if not any((folder / "done").iterdir()):  # nothing to go on with: the folder can be used again
                shutil.rmtree(folder)
            raise
        _whole(inputs, notes)
        parts = sorted(note["part"] for note in notes if note["cases"])  # whoever was done first
        checked = check(job, worker.rulebase, parts, settings.check) if parts and settings.check else Checked(0, 0)
        recorded = _record(job, worker, inputs, settings) if settings.ledger else None
        _finish(job, worker, described, notes, checked, recorded, started)
    return _publish(job, out)


# beginning and going on -----------------------------------------------------------------------------------------------


def _begin(job: Job, described: list[dict[str, Any]], rows_per_part: int, out: Path, resume: bool) -> Job:
    """Open the run's folder; the job, with the day of the run as it was when the run began."""
    folder = Path(job.folder)
    state = folder / "run.json"
    if state.exists():
        if not resume:
            raise InputError(f"{out} holds a run that was cut off. Go on with --resume, or give another folder.")
        known = json.loads(state.read_text(encoding="utf-8"))
        job = replace(job, as_of=date.fromisoformat(known["job"]["as_of"])) if not job.one_day else job
        known = {name: value for name, value in known.items() if name != "run"}
        if known != _state(job, described, rows_per_part):
            changed = _differences(known, _state(job, described, rows_per_part))
            raise InputError(
                f"{out} holds a run of something else ({changed}), so it cannot go on. Give the same inputs and options "
                "as then, or another folder."
            )
        return job
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        left = [p.name for p in out.iterdir() if p.name != RUN] if out.is_dir() else [out.name]
        if left or not resume:
            raise InputError(f"{out} is not empty. Give a folder that does not exist yet.")
    try:
        for kind in (*KINDS, "final"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror or error}.") from None
    write_json(state, {**_state(job, described, rows_per_part), "run": uuid4().hex})
    return job


def _state(job: Job, described: list[dict[str, Any]], rows_per_part: int) -> dict[str, Any]:
    """What must be the same for a run to go on, as JSON has it."""
    plain = asdict(job) | {"as_of": job.as_of.isoformat(), "mapping": _plain(job.mapping)}
    del plain["folder"]
    return json.loads(json.dumps({"job": plain, "inputs": described, "rows_per_part": rows_per_part}, default=str))  # type: ignore[no-any-return]


def _plain(mapping: Mapping) -> dict[str, Any]:
    return {"columns": dict(mapping.columns), "values": dict(mapping.values), "ignore": sorted(mapping.ignore)}


def _differences(known: dict[str, Any], now: dict[str, Any]) -> str:
    """What changed since a run began, in words."""
    names = [name for name in now["job"] if known["job"].get(name) != now["job"][name]]
    names += [name for name in ("inputs", "rows_per_part") if known.get(name) != now[name]]
    return _words(names) + " changed"


def _words(names: list[str]) -> str:
    """What the settings of a run are called by the person who gives them."""
    called = {
        "samples": "--check",
        "wanted": "--routes",
        "jurisdictions": "--state",
        "rows_per_part": "--rows-per-part",
    }
    return ", ".join(called.get(name, name.replace("_", " ")) for name in names)


def _finished(out: Path, job: Job, described: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The manifest of a run that needs no going on."""
    path = out / MANIFEST
    if not path.exists() or (out / RUN).exists():
        return None
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    wanted = {"inputs": described, "rulebase": job.version, **_options(job)}
    known = {**manifest, "as_of": manifest["as_of"] if job.one_day else job.as_of.isoformat()}
    changed = [name for name, value in wanted.items() if known[name] != value]
    if changed:
        raise InputError(f"{out} holds a whole run of something else ({_words(changed)} changed). Give another folder.")
    return manifest


def _options(job: Job) -> dict[str, Any]:
    """What was asked for, as the manifest tells it."""
    return {
        "as_of": job.as_of.isoformat(),
        "routes": job.wanted if isinstance(job.wanted, str) else list(job.wanted),
        "options": {
            "one_day": job.one_day,
            "jurisdictions": None if job.jurisdictions is None else list(job.jurisdictions),
            "format": job.format,
            "seed": job.seed,
        },
        "mapping": _plain(job.mapping),
    }


# working --------------------------------------------------------------------------------------------------------------


def _work(inputs: Inputs, job: Job, worker: Worker, settings: Settings, started: float) -> Iterator[dict[str, Any]]:
    """The notes of all parts, in order of being done: those found first, then those worked on now."""
    todo: list[Part] = []
    rows = rejects = resumed = 0
    parts = list(inputs.parts())  # this counts the lines of text files
    total = sum(part.rows or 0 for part in parts) if all(part.rows is not None for part in parts) else None
    for part in parts:
        note = _note(job, part)
        if note is None:
            todo.append(part)
            continue
        rows, rejects, resumed = rows + note["rows"], rejects + note["rejects"], resumed + note["rows"]
        _strict(job, note, settings)
        yield note
    checked = bool(resumed) or not settings.check
    for note in _executor(job, worker, settings)(todo):
        rows, rejects = rows + note["rows"], rejects + note["rejects"]
        settings.notify(Progress(rows, total, rejects, resumed, time.time() - started))
        _strict(job, note, settings)
        if not checked and note["cases"]:
            check(job, worker.rulebase, [note["part"]], min(_EARLY, settings.check))
            checked = True
        yield note


def _note(job: Job, part: Part) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        note: dict[str, Any] = json.loads(job.path("done", part.index).read_text(encoding="utf-8"))
        return note
    return None


def _executor(job: Job, worker: Worker, settings: Settings) -> Callable[[list[Part]], Iterable[dict[str, Any]]]:
    """Who does the parts: a cluster, several processes, or this one."""
    if settings.master:
        from imgrules.batch.cluster import on_cluster

        return lambda parts: on_cluster(job, parts, settings.master or "")
    if settings.workers > 1:
        from imgrules.batch.pool import in_processes

        # A process needs seconds before it is of use, which a part or two do not take.
        return lambda parts: in_processes(job, parts, settings.workers) if len(parts) > 2 else map(worker.work, parts)
    return lambda parts: map(worker.work, parts)


def _strict(job: Job, note: dict[str, Any], settings: Settings) -> None:
    """With --strict the first reject stops the run."""
    if settings.strict and note["rejects"]:
        line = job.path("rejects", note["part"]).read_text(encoding="utf-8").splitlines()[0]
        reject = json.loads(line)
        raise CaseError(
            Problem(e["code"], e["message"], e["fix"], reject["file"], e.get("line") or reject["line"] or 0, 1)
            for e in reject["errors"]
        )


def _record(job: Job, worker: Worker, inputs: Inputs, settings: Settings) -> dict[str, Any]:
    """Put what every case was told into the ledger, each case once however often the run was cut off."""
    from imgrules.batch.record import record

    assert settings.ledger
    state = Path(job.folder) / "run.json"
    run = json.loads(state.read_text(encoding="utf-8"))["run"]
    began = datetime.fromtimestamp(state.stat().st_mtime, UTC).date()
    cases = record(settings.ledger, settings.who, run, began, job, worker, inputs.parts())
    return {"ledger": settings.ledger.name, "run": run, "cases": cases, "who": settings.who}


def _whole(inputs: Inputs, notes: list[dict[str, Any]]) -> None:
    """Every row of every input has been read: nothing is missing, nothing comes twice."""
    rows = sum(note["rows"] for note in notes)
    if sorted(note["part"] for note in notes) != list(range(len(notes))):
        raise ImgrulesError("Parts of the run are missing. This is a defect of imgrules: please report it.")
    if inputs.total is not None and rows != inputs.total:
        raise InputError(f"The inputs have {inputs.total} rows, but {rows} were read. Did they change meanwhile?")


# ending ---------------------------------------------------------------------------------------------------------------


def _finish(
    job: Job,
    worker: Worker,
    described: list[dict[str, Any]],
    notes: list[dict[str, Any]],
    checked: Checked,
    recorded: dict[str, Any] | None,
    started: float,
) -> None:
    """Everything that is made of all parts together."""
    folder, notes = Path(job.folder), sorted(notes, key=lambda note: note["part"])
    final = folder / "final"
    totals, asked = Totals.of(notes), _options(job)
    indexes = [note["part"] for note in notes]
    join_files((job.path("rejects", i) for i in indexes), final / "rejects.ndjson")
    if job.format != "parquet":
        for kind in ("cases", "routes"):
            join_files((job.path(kind, i) for i in indexes), final / f"{kind}.{job.format}")
    run = {
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 1),
        "imgrules": job.program,
        "rulebase": job.version,
        "as_of": asked["as_of"],
        "days": totals.days,
        "routes": asked["routes"],
        "inputs": described,
    }
    summarise(job, worker.evaluator, totals, run, checked, final)
    write_json(
        final / MANIFEST,
        {
            **run,
            "options": asked["options"],
            "mapping": asked["mapping"],
            "cases": {"in": totals.rows, "out": totals.cases, "rejects": totals.rejects},
            "parts": len(notes),
            "seconds_by_step": totals.seconds,
            "recorded": recorded,
            "check": {"rows": checked.rows, "comparisons": checked.comparisons, "differences": 0},
        },
    )


def _publish(job: Job, out: Path) -> dict[str, Any]:
    """Let the results appear, the manifest last; done again after being cut off, it goes on where it was."""
    folder = Path(job.folder)
    final = folder / "final"
    if job.format == "parquet":
        for kind in ("cases", "routes"):
            for torn in (folder / kind).glob(".*"):  # what a killed process was writing
                torn.unlink()
            if (folder / kind).exists():
                os.replace(folder / kind, out / kind)
    for path in sorted(final.iterdir(), key=lambda p: p.name == MANIFEST):
        if not path.name.startswith("."):
            os.replace(path, out / path.name)
    sync_folder(out)
    shutil.rmtree(folder)
    manifest: dict[str, Any] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    return manifest
