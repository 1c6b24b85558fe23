"""The audit ledger, measured: `python -m bench.ledger` (a million records: `--size 1000000`).

On SQLite and, where it is installed, on PostgreSQL, both with every commit forced to the disk: appending one by one and
in batches, verifying, proving, the size of a record. First, in turns, the same decisions in a plain SQLite table:
written as JSON columns, and the ledger's own rows written ready-made. Decisions are synthetic: facts of a
shipped case, every case its own, random outcomes.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from tests.audit import postgres

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import dump_facts, read_case
from imgrules.audit.ledger import Ledger
from imgrules.audit.record import OUTCOME_LETTERS, STATUS_LETTERS, Decision, Marks
from imgrules.rulebase.load import load_rulebase, shipped

BATCH = 10_000
_OUTCOME_OF = {letter: outcome.value for outcome, letter in OUTCOME_LETTERS.items()}
_STATUS_OF = {letter: status.value for status, letter in STATUS_LETTERS.items()}


def say(text: str) -> None:
    """A line of the report, at once."""
    print(text, flush=True)


def open_ledger(place: Path | str) -> Ledger:
    """A ledger with keys of the bench's own."""
    return Ledger.open(place, key=b"k" * 32, signing_key=b"s" * 32)


def template() -> Decision:
    """The demo case as a batch would record it: outcomes and statuses as letters, no proofs."""
    rulebase = load_rulebase()
    case = read_case(shipped("cases") / "demo.yaml", rulebase)
    derived = Assessor(rulebase).derive(case)
    routes = [(route.id, route.status) for route in derived.assessment.routes]
    outcomes = [(name, derived.outcome(name)) for name in derived.program.rules]
    return Decision(
        rulebase,
        case.id,
        case.as_of,
        case.jurisdictions,
        dump_facts(case.facts),
        Marks(tuple(name for name, _ in outcomes), "".join(OUTCOME_LETTERS[outcome] for _, outcome in outcomes)),
        Marks(tuple(name for name, _ in routes), "".join(STATUS_LETTERS[status] for _, status in routes)),
    )


def decisions(like: Decision, count: int, start: int = 0) -> Iterator[Decision]:
    """So many of them, each of a case of its own; a tenth of the outcomes changed at random, in a thousand ways."""
    assert isinstance(like.outcomes, Marks)
    r = Random(1)
    names, base = like.outcomes.names, like.outcomes.letters
    ways = [Marks(names, "".join(r.choice("mnu") if r.random() < 0.1 else x for x in base)) for _ in range(1000)]
    for i in range(start, start + count):
        yield replace(
            like, case=f"applicant {i}", facts={**like.facts, "gme.us_months": i % 61}, outcomes=ways[i % 1000]
        )


def one_by_one(ledger: Ledger, like: Decision, count: int) -> None:
    """Each record in a transaction of its own, its proofs' digest with it."""
    times = []
    for made in decisions(like, count, 10**9):
        start = time.perf_counter()
        list(ledger.record_many([made], "bench"))
        times.append(time.perf_counter() - start)
    times.sort()
    say(
        f"  one by one, each forced to disk   {1 / statistics.mean(times):12,.0f} records/s   "
        f"median {1000 * statistics.median(times):.2f} ms, 99% {1000 * times[int(count * 0.99)]:.2f} ms"
    )


def batches(ledger: Ledger, like: Decision, size: int) -> None:
    """Batches up to a size; only the time spent in the ledger counts."""
    spent, used, written = 0.0, 0.0, 0
    while written < size:
        part = list(decisions(like, min(BATCH, size - written), written))
        start, cpu = time.perf_counter(), time.process_time()
        for _ in ledger.record_many(part, "bench", chunk=BATCH):
            pass
        spent += time.perf_counter() - start
        used += time.process_time() - cpu
        written += len(part)
    say(
        f"  batches of {BATCH:,}                 {size / spent:12,.0f} records/s   "
        f"{1e6 * spent / size:.1f} us a record, {1e6 * used / size:.1f} us of them this process"
    )


def checks(ledger: Ledger, size: int) -> None:
    """Verifying everything, and single proofs and reads."""
    cpu = time.process_time()
    found = ledger.verify(ledger.checkpoint())
    cpu = time.process_time() - cpu
    assert found.ok, found.flaws
    say(
        f"  verify {found.checked:>11,} records      {found.rate:12,.0f} records/s   {found.seconds:.1f} s in all, {cpu:.1f} s of them this process"
    )
    numbers = Random(1).sample(range(1, size + 1), 200)
    used = -time.process_time()
    times: dict[str, list[float]] = {"inclusion proof": [], "consistency proof": [], "one record, opened": []}
    old = ledger.checkpoint()
    for number in numbers:
        start = time.perf_counter()
        proof = ledger.inclusion(number)
        times["inclusion proof"].append(time.perf_counter() - start)
        assert proof.holds(ledger.public_key)
        start = time.perf_counter()
        ledger.get(number)
        times["one record, opened"].append(time.perf_counter() - start)
        start = time.perf_counter()
        ledger.consistency(old)
        times["consistency proof"].append(time.perf_counter() - start)
    used += time.process_time()
    say(
        f"  an inclusion proof, a consistency proof and a record together: {1000 * used / len(numbers):.2f} ms of this process"
    )
    for name, taken in times.items():
        taken.sort()
        say(f"  {name:33} {1000 * statistics.median(taken):10.2f} ms median   worst of 200: {1000 * taken[-1]:.2f} ms")
    start, seen = time.perf_counter(), 0
    for _ in ledger.records(newest=20_000):
        seen += 1
    say(f"  reading records, opened           {seen / (time.perf_counter() - start):12,.0f} records/s")


def side_by_side(folder: Path, like: Decision, rounds: int) -> None:
    """A batch into a ledger, the same decisions as JSON into a plain table, and the ledger's rows ready-made into another.

    In turns, so that a busy moment hits all alike; everything forced to the disk after each batch. Medians of the rounds.
    """
    db = sqlite3.connect(folder / "plain.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(
        "CREATE TABLE decisions (number INTEGER PRIMARY KEY, at TEXT, who TEXT, kind TEXT, tool TEXT, rulebase TEXT, "
        "as_of TEXT, case_id TEXT, jurisdictions TEXT, facts TEXT, outcomes TEXT, routes TEXT)"
    )
    db.execute("CREATE INDEX of_case ON decisions (case_id)")
    db.execute(
        "CREATE TABLE ready (number INTEGER PRIMARY KEY, id BLOB UNIQUE, who TEXT, kind TEXT, tool TEXT, rules BLOB, "
        "as_of TEXT, subject BLOB, sealed BLOB, leaf BLOB)"
    )
    db.execute("CREATE INDEX of_subject ON ready (subject)")
    as_json, as_ready = f"INSERT INTO decisions VALUES (NULL{', ?' * 11})", f"INSERT INTO ready VALUES (?{', ?' * 9})"
    taken: dict[str, list[tuple[float, float]]] = {"ledger": [], "JSON": [], "ready": []}

    def timed(name: str, work: Callable[[], object]) -> None:
        start, cpu = time.perf_counter(), time.process_time()
        work()
        taken[name].append((time.perf_counter() - start, time.process_time() - cpu))

    def write(statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        db.execute("BEGIN")
        db.executemany(statement, rows)
        db.execute("COMMIT")

    place = folder / "turns.db"
    with open_ledger(place) as ledger, closing(sqlite3.connect(place)) as source:
        for turn in range(rounds):
            part = list(decisions(like, BATCH, turn * BATCH))
            timed("ledger", lambda part=part: list(ledger.record_many(part, "bench", chunk=BATCH)))  # type: ignore[misc]
            timed("JSON", lambda part=part: write(as_json, map(_json_row, part)))  # type: ignore[misc]
            ready = source.execute("SELECT * FROM records WHERE number > ?", (turn * BATCH,)).fetchall()
            timed("ready", lambda ready=ready: write(as_ready, ready))  # type: ignore[misc]
    db.close()
    say(f"SQLite, batches of {BATCH:,} in turns, {rounds} rounds, median us a record (of them this process)")
    wall = {name: statistics.median(t for t, _ in times) / BATCH * 1e6 for name, times in taken.items()}
    used = {name: statistics.median(t for _, t in times) / BATCH * 1e6 for name, times in taken.items()}
    for name, text in (
        ("ledger", "the ledger: sealed, hashed, signed"),
        ("JSON", "the same decisions as JSON in a plain table"),
        ("ready", "the ledger's rows, ready-made, in a plain table"),
    ):
        times, cpu = wall["ledger"] / wall[name], used["ledger"] / used[name]
        say(f"  {text:48} {wall[name]:8.1f} ({used[name]:6.1f})   the ledger takes {times:.2f} x ({cpu:.2f} x)")


def _json_row(d: Decision) -> tuple[Any, ...]:
    assert isinstance(d.outcomes, Marks)
    assert isinstance(d.routes, Marks)
    outcomes = {n: _OUTCOME_OF[x] for n, x in zip(d.outcomes.names, d.outcomes.letters, strict=True)}
    routes = {n: _STATUS_OF[x] for n, x in zip(d.routes.names, d.routes.letters, strict=True)}
    return (
        "2026-11-22T00:00:00Z", "bench", "batch", "0.1.0", d.rulebase.version, str(d.as_of), d.case, json.dumps(d.jurisdictions),
        json.dumps(d.facts), json.dumps(outcomes), json.dumps(routes),
    )  # fmt: skip


def on_sqlite(folder: Path, like: Decision, size: int, singles: int) -> None:
    """All of it on a file."""
    place = folder / "ledger.db"
    say("SQLite (WAL, synchronous=FULL)")
    with open_ledger(place) as ledger:
        batches(ledger, like, size)
        checks(ledger, size)
        one_by_one(ledger, like, singles)
    total = sum(path.stat().st_size for path in folder.glob("ledger.db*"))
    db = sqlite3.connect(place)
    sealed = db.execute("SELECT avg(length(sealed)) FROM records").fetchone()[0]
    tiles = db.execute("SELECT sum(length(hashes)) FROM tiles").fetchone()[0] or 0
    db.close()
    say(
        f"  size                              {total / (size + singles):12,.0f} bytes a record, of them {sealed:,.0f} sealed, {tiles / size:.0f} tree"
    )


def on_postgresql(like: Decision, size: int, singles: int) -> None:
    """All of it on a server of our own, fsync on."""
    try:
        with postgres.server(durable=True) as address:
            say("PostgreSQL (own server on a socket, fsync and synchronous_commit on)")
            place = postgres.create_database(address, "bench")
            with open_ledger(place) as ledger:
                batches(ledger, like, size)
                checks(ledger, size)
                one_by_one(ledger, like, singles)
            import psycopg

            with psycopg.connect(place) as db:
                row = db.execute("SELECT pg_database_size(current_database())").fetchone()
            assert row
            say(f"  size                              {row[0] / (size + singles):12,.0f} bytes a record")
    except postgres.Missing as error:
        say(f"PostgreSQL: not measured, {error}")


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=50_000)
    parser.add_argument("--singles", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    like = template()
    assert isinstance(like.outcomes, Marks)
    assert isinstance(like.routes, Marks)
    say(
        f"imgrules ledger bench: Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores; "
        f"{options.size:,} records of {len(like.facts)} facts, {len(like.outcomes.names)} outcomes, {len(like.routes.names)} statuses"
    )
    with tempfile.TemporaryDirectory() as folder:
        side_by_side(Path(folder), like, options.rounds)
        on_sqlite(Path(folder), like, options.size, options.singles)
    on_postgresql(like, options.size, options.singles)


if __name__ == "__main__":
    main()
