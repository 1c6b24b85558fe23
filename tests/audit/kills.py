"""Processes that append and are killed at any moment: `python -m tests.audit.kills --kills 200` for a long campaign.

A worker acknowledges each record on a pipe after the ledger said it is kept. Then it is killed (SIGKILL). Whatever was
acknowledged must be in the ledger, which must verify, each time.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from random import Random

from imgrules.audit.ledger import Ledger
from tests.audit import postgres
from tests.audit.samples import decision, open_ledger

UUID_LENGTH = 37


def in_child(work: Callable[[int], None]) -> tuple[int, int]:
    """Run work in a process of its own; gives its id and the end of the pipe that it writes to."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            work(writing)
            code = 0
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    os.close(writing)
    return child, reading


def read_all(reading: int) -> str:
    """What a process wrote, until it ended."""
    with os.fdopen(reading) as pipe:
        return pipe.read()


def append(place: str, seed: int, writing: int, batches: Iterable[int]) -> None:
    """Append batches of these sizes and acknowledge each record."""
    with open_ledger(place) as ledger:
        os.write(writing, b"open\n")
        for number, size in enumerate(batches):
            made = [decision(seed + i, case=f"{seed}-{number}-{i}") for i in range(size)]
            for id in ledger.record_many(made, f"worker {seed}", chunk=size):
                os.write(writing, f"{id}\n".encode())


def kill_one(place: str, seed: int, longest: float) -> set[str]:
    """Start a worker, kill it at a random moment, mostly once it is at work; the ids that it acknowledged."""
    r = Random(seed)
    sizes = (r.choice([1, 1, 1, 2, 40, 400]) for _ in count())
    child, reading = in_child(lambda writing: append(place, seed * 1000, writing, sizes))
    if r.random() < 0.8:
        select.select([reading], [], [], 60)
    time.sleep(r.random() * longest)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    lines = read_all(reading).splitlines(keepends=True)
    return {line.strip() for line in lines if len(line) == UUID_LENGTH}


def check(place: str, acknowledged: set[str]) -> int:
    """The ledger verifies and holds all that was acknowledged, once; its size."""
    with open_ledger(place) as ledger:
        found = ledger.verify()
        assert found.ok, found.flaws
        ids = _ids(ledger)
        assert len(ids) == len(set(ids)) == found.size
        lost = acknowledged - set(ids)
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged records are lost"
        return found.size


def _ids(ledger: Ledger) -> list[str]:
    import uuid

    import sqlalchemy

    from imgrules.audit.tables import records

    with ledger._store.reading() as connection:
        return [str(uuid.UUID(bytes=id)) for id in connection.scalars(sqlalchemy.select(records.c.id))]


def campaign(place: str, kills: int, every: int = 1, longest: float = 0.25) -> tuple[int, int]:
    """So many kills of one ledger, from before it exists; how many records were acknowledged, and how many there are."""
    acknowledged: set[str] = set()
    for seed in range(kills):
        acknowledged |= kill_one(place, seed, longest)
        if (seed + 1) % every == 0 or seed + 1 == kills:
            size = check(place, acknowledged)
    return len(acknowledged), size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    kills = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as folder, postgres.server(durable=True) as address:
        places = {
            "SQLite": str(Path(folder) / "ledger.db"),
            "PostgreSQL": postgres.create_database(address, "kills"),
        }
        for name, place in places.items():
            told, size = campaign(place, kills, every=5, longest=1.0)
            sys.stdout.write(f"{name}: {kills} kills, {told} records acknowledged, 0 lost; {size} records verify\n")


if __name__ == "__main__":
    main()
