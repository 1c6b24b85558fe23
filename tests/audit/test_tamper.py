"""Nobody changes the past unnoticed: every byte of every row, every row lost, added or moved, and whole histories forged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from shutil import copy
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, select, update

from imgrules.audit import tables
from imgrules.audit.checkpoint import Checkpoint, parse_checkpoint
from imgrules.audit.entry import leaf_of
from imgrules.audit.ledger import Ledger
from imgrules.audit.merkle import Frontier
from imgrules.audit.tree import extend
from imgrules.audit.verify import Verification
from imgrules.errors import InputError
from tests.audit.samples import SIGNING, decision, decisions, open_ledger

TABLES = ("records", "head", "texts", "case_keys", "ledger", "tiles", "checkpoints")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A ledger of three records, one of them erased."""
    place = str(tmp_path / "ledger.db")
    with open_ledger(place) as ledger:
        list(ledger.record_many(decisions(2), "t"))
        ledger.erase("case 1", "t")
    return place


@pytest.fixture
def long_path(tmp_path: Path) -> str:
    """A ledger of several tiles: 600 records in batches of 250, 260 and 90."""
    place = str(tmp_path / "long.db")
    with open_ledger(place) as ledger:
        for start, count in ((0, 250), (250, 260), (510, 90)):
            list(ledger.record_many(decisions(count, start), "t"))
    return place


def verdict(place: str, checkpoint: Checkpoint | None = None) -> Verification | str:
    """What verifying says, or the message with which the ledger refuses to open."""
    try:
        with open_ledger(place) as ledger:
            return ledger.verify(checkpoint)
    except InputError as error:
        return str(error)


def noticed(found: Verification | str) -> bool:
    return isinstance(found, str) or not found.ok


def variants(value: Any, every: bool) -> Iterator[Any]:
    """Changes of one byte, digit or character (of `every` one, or of some eight), and the value cut or lengthened."""
    step = 1 if every or not isinstance(value, bytes | str) else len(value) // 8 + 1
    if isinstance(value, bytes):
        for i in range(0, len(value), step):
            yield value[:i] + bytes([value[i] ^ 1 << i % 8]) + value[i + 1 :]
        yield from (value[:-1], value + b"\x00", b"") if value else (b"\x00",)
    elif isinstance(value, str):
        for i in range(0, len(value), step):
            yield value[:i] + chr(ord(value[i]) ^ 1) + value[i + 1 :]
        yield from (value[:-1], value + "x")
    elif isinstance(value, int):
        yield from (value + 1000, -value - 1)
    else:
        yield from (b"\x00" * 32, "2026-11-22")


def test_every_byte_of_every_row(path: str) -> None:
    """One byte, digit or character changed is noticed: all of them in records, where the record is named; some elsewhere."""
    assert not noticed(verdict(path))
    tried = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as db, open_ledger(path) as ledger:
        db.execute("PRAGMA synchronous=OFF")
        for table in TABLES:
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            key = columns[0]
            for row in db.execute(f"SELECT * FROM {table}").fetchall():
                for column, value in zip(columns, row, strict=True):
                    for changed in variants(value, table == "records"):
                        statement = f"UPDATE {table} SET {column} = ? WHERE {key} IS ?"
                        try:
                            db.execute(statement, (changed, row[0]))
                        except sqlite3.IntegrityError:
                            continue  # the database itself refuses, as for an id that is there already
                        found = verdict(path) if table == "ledger" else ledger.verify()
                        where = (table, row[0], column, changed)
                        assert noticed(found), where
                        if table == "records" and column != "number":
                            assert isinstance(found, Verification)
                            assert found.first_bad == row[0], where
                        if table == "records" and column == "number":
                            assert isinstance(found, Verification)
                            assert found.first_bad == min(row[0], changed), where
                        db.execute(statement, (value, changed if column == key else row[0]))
                        tried += 1
    assert tried > 1000
    assert not noticed(verdict(path))


def test_every_record_lost_doubled_or_moved(path: str) -> None:
    """Deleted, cut off, inserted, swapped: noticed, and the first bad record is named."""

    def attempt(change: Callable[[sqlite3.Connection], object], first: int) -> None:
        trial = f"{path}.trial"
        copy(path, trial)
        with closing(sqlite3.connect(trial)) as db:
            change(db)
            db.commit()
        found = verdict(trial)
        assert isinstance(found, Verification)
        assert found.first_bad == first
        assert str(first) in str(found.flaws[0])

    columns = "id, who, kind, tool, rules, as_of, subject, sealed, leaf"
    for number in range(1, 4):
        attempt(lambda db, n=number: db.execute("DELETE FROM records WHERE number = ?", (n,)), number)  # type: ignore[misc]
        attempt(lambda db, n=number: db.execute("DELETE FROM records WHERE number >= ?", (n,)), number)  # type: ignore[misc]
        for place in (4, 9, 0, -1):
            attempt(
                lambda db, n=number, p=place: db.execute(  # type: ignore[misc]
                    f"INSERT INTO records SELECT ?, zeroblob(16), {columns.removeprefix('id, ')} FROM records WHERE number = ?",
                    (p, n),
                ),
                place,
            )
        for other in range(1, number):

            def swap(db: sqlite3.Connection, a: int = number, b: int = other) -> None:
                for one, two in ((a, -1), (b, a), (-1, b)):
                    db.execute("UPDATE records SET number = ? WHERE number = ?", (two, one))

            attempt(swap, other)


def test_keys_taken_or_brought_back(path: str) -> None:
    """A key deleted without an erasure on record, a key that is there again, and a key of nobody are noticed."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT * FROM case_keys").fetchall()
        token = db.execute("SELECT subject FROM records WHERE kind = 'erase'").fetchone()[0]

        def after(statement: str, *values: object) -> str:
            db.execute(statement, values)
            db.commit()
            found = verdict(path)
            assert isinstance(found, Verification)
            return " ".join(flaw.text for flaw in found.flaws)

        insert_ = "INSERT INTO case_keys VALUES (?, ?, ?)"
        assert after("SELECT 1") == ""
        assert "no erasure" in after("DELETE FROM case_keys WHERE token = ?", rows[0][0])
        assert after(insert_, *rows[0]) == ""
        assert "there again" in after(insert_, token, bytes(16), rows[0][2])
        assert after("DELETE FROM case_keys WHERE token = ?", token) == ""
        assert "no record" in after(insert_, bytes(16), bytes(16), rows[0][2])


def test_bytes_of_the_file(path: str) -> None:
    """A byte changed anywhere in the database file is noticed, unless all that is read is still the same."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = Path(path).read_bytes()

    def contents(place: str) -> object:
        with closing(sqlite3.connect(place)) as db:
            return [db.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]

    r, expected, seen = Random(7), contents(path), 0
    used = [i for i, byte in enumerate(whole) if byte]
    for trial in range(80):
        place = f"{path}.{trial}"
        at = r.choice(used)
        Path(place).write_bytes(whole[:at] + bytes([whole[at] ^ 1 << r.randrange(8)]) + whole[at + 1 :])
        if noticed(verdict(place)):
            seen += 1
        else:
            assert contents(place) == expected
    assert seen > 20


# forged histories -----------------------------------------------------------------------------------------------------


def forge(place: str, number: int, key: Ed25519PrivateKey | None, upto: str) -> None:
    """Somebody with the database rewrites who made a record, and everything above it up to `upto`."""
    with open_ledger(place) as ledger, ledger._store.writing() as c:
        t = tables.records
        row = c.execute(select(t).where(t.c.number == number)).one()
        c.execute(update(t).where(t.c.number == number).values(who="somebody else"))
        row = c.execute(select(t).where(t.c.number == number)).one()
        c.execute(update(t).where(t.c.number == number).values(leaf=leaf_of(row)))
        if upto == "record":
            return
        leaves = list(c.scalars(select(t.c.leaf).order_by(t.c.number)))
        c.execute(delete(tables.tiles))
        extend(c, 0, leaves, ledger._store.sqlite)
        frontier = Frontier()
        frontier.extend(leaves)
        if upto == "tree":
            return
        head = parse_checkpoint(c.scalar(select(tables.head.c.note)) or "")
        made = Checkpoint(head.origin, head.size, frontier.root, head.kept, head.chain, head.at, head.signatures)
        if key is not None:
            made = made.signed(key)
        c.execute(update(tables.head).values(peaks=b"".join(frontier.peaks), note=made.text))
        for row in c.execute(select(tables.checkpoints)).all():
            old = parse_checkpoint(row.note)
            part = Frontier()
            part.extend(leaves[: old.size])
            again = Checkpoint(old.origin, old.size, part.root, old.kept, old.chain, old.at, old.signatures)
            again = again.signed(key) if key is not None else again
            c.execute(update(tables.checkpoints).where(tables.checkpoints.c.size == old.size).values(note=again.text))


@pytest.mark.parametrize(("number", "first"), [(100, 100), (256, 256), (300, 300), (590, 511)])
def test_a_record_changed_with_its_hash(long_path: str, number: int, first: int) -> None:
    """The tile above names the record; after the last full tile, the stretch since the last checkpoint is named."""
    forge(long_path, number, None, "record")
    found = verdict(long_path)
    assert isinstance(found, Verification)
    assert found.first_bad == first


@pytest.mark.parametrize(("number", "first"), [(100, 1), (300, 1), (590, 511)])
def test_a_record_changed_with_the_tree(long_path: str, number: int, first: int) -> None:
    """The signed checkpoints name the stretch."""
    forge(long_path, number, None, "tree")
    found = verdict(long_path)
    assert isinstance(found, Verification)
    assert found.first_bad == first


def test_history_forged_without_the_signing_key(long_path: str) -> None:
    """Everything made anew, with the old signatures or with another key: the signature does not fit."""
    copy(long_path, f"{long_path}.other")
    forge(long_path, 300, None, "head")
    assert noticed(verdict(long_path))
    stranger = Ed25519PrivateKey.generate()
    forge(f"{long_path}.other", 300, stranger, "head")
    assert noticed(verdict(f"{long_path}.other"))
    with closing(sqlite3.connect(f"{long_path}.other")) as db:
        db.execute("UPDATE ledger SET public_key = ?", (stranger.public_key().public_bytes_raw(),))
        db.commit()
    found = verdict(f"{long_path}.other")
    assert isinstance(found, Verification)
    assert any("another key than yours" in flaw.text for flaw in found.flaws)


def test_history_forged_with_the_signing_key(long_path: str) -> None:
    """Nothing inside the ledger can tell; a checkpoint kept elsewhere does, if it is of the forged record or later."""
    with open_ledger(long_path) as ledger:
        kept = ledger.checkpoint()
        key = ledger.public_key
    forge(long_path, 300, Ed25519PrivateKey.from_private_bytes(SIGNING), "head")
    assert not noticed(verdict(long_path))
    found = verdict(long_path, kept)
    assert isinstance(found, Verification)
    assert "you kept" in found.flaws[0].text
    with open_ledger(long_path) as ledger:
        assert not ledger.consistency(kept).holds(key)


def test_a_ledger_rolled_back(long_path: str) -> None:
    """An old copy put in place of the ledger verifies by itself; a checkpoint kept elsewhere says what is missing."""
    copy(long_path, f"{long_path}.old")
    with open_ledger(long_path) as ledger:
        list(ledger.record_many([decision(1000)], "t"))
        kept = ledger.checkpoint()
    assert not noticed(verdict(f"{long_path}.old"))
    found = verdict(f"{long_path}.old", kept)
    assert isinstance(found, Verification)
    assert found.first_bad == 601


def test_nothing_is_built_on_a_changed_head(long_path: str) -> None:
    """A ledger whose head was changed takes no more records, so a forgery is never signed by mistake."""
    for i, (column, value) in enumerate((("size", 599), ("peaks", b""), ("peaks", bytes(4 * 32)), ("note", "x"))):
        place = f"{long_path}.{i}"
        copy(long_path, place)
        with closing(sqlite3.connect(place)) as db:
            db.execute(f"UPDATE head SET {column} = ?", (value,))
            db.commit()
        with open_ledger(place) as ledger, pytest.raises(InputError, match=r"damaged|was changed"):
            list(ledger.record_many([decision(1000)], "t"))
    copy(long_path, f"{long_path}.forged")
    forge(f"{long_path}.forged", 300, None, "head")  # whole, but for the signature
    with open_ledger(f"{long_path}.forged") as ledger, pytest.raises(InputError, match="was changed"):
        list(ledger.record_many([decision(1000)], "t"))
    with closing(sqlite3.connect(long_path)) as db:
        db.execute("DELETE FROM head")
        db.commit()
    with open_ledger(long_path) as ledger:
        assert "missing" in ledger.verify().flaws[0].text
        with pytest.raises(InputError, match="missing"):
            list(ledger.record_many([decision(1000)], "t"))


def test_tiles_lost_or_added(long_path: str) -> None:
    """The stored tree itself is checked, at every level."""
    changes = ["DELETE FROM tiles WHERE level = 0 AND position = 1", "DELETE FROM tiles WHERE level = 1",
               "INSERT INTO tiles VALUES (0, 7, zeroblob(32))", "INSERT INTO tiles VALUES (5, 0, zeroblob(32))",
               "UPDATE tiles SET position = 3 WHERE level = 0 AND position = 1"]  # fmt: skip
    for i, change in enumerate(changes):
        place = f"{long_path}.{i}"
        copy(long_path, place)
        with closing(sqlite3.connect(place)) as db:
            db.execute(change)
            db.commit()
        assert noticed(verdict(place)), change


def test_a_changed_record_is_noticed_on_either_database(place: str) -> None:
    """On PostgreSQL as on SQLite."""
    with open_ledger(place) as ledger:
        list(ledger.record_many(decisions(300), "t"))
        kept = ledger.checkpoint()
        assert ledger.verify(kept).ok
        for number in (1, 77, 300):
            where = tables.records.c.number == number
            with ledger._store.writing() as c:
                row = c.execute(select(tables.records).where(where)).one()
                c.execute(update(tables.records).where(where).values(as_of="1999-12-31"))
            assert ledger.verify().first_bad == number
            with ledger._store.writing() as c:
                c.execute(delete(tables.records).where(where))
            assert ledger.verify().first_bad == number
            with ledger._store.writing() as c:
                c.execute(insert(tables.records).values(**row._mapping))
            assert ledger.verify().ok
    forge(place, 20, Ed25519PrivateKey.from_private_bytes(SIGNING), "head")
    with open_ledger(place) as ledger:
        assert ledger.verify().ok
        assert not ledger.verify(kept).ok


def test_a_ledger_that_changes_while_it_is_checked(place: str) -> None:
    """Verifying sees one state, whatever is appended meanwhile."""
    with open_ledger(place) as ledger, open_ledger(place) as writer:
        list(writer.record_many(decisions(2100), "t"))
        seen: list[int] = []

        def append(done: int, size: int) -> None:
            seen.append(size)
            list(writer.record_many([decision(5000 + len(seen))], "t"))

        assert ledger.verify(progress=append).ok
        assert set(seen) == {2100}
        assert ledger.size == 2100 + len(seen)


def test_verification_tells_the_ledger_from_its_origin(path: str) -> None:
    """`Ledger` is opened with what the database says of itself, which the signature covers."""
    with closing(sqlite3.connect(path)) as db:
        (origin,) = db.execute("SELECT origin FROM ledger").fetchone()
        db.execute("UPDATE ledger SET origin = ?", (origin.replace("sealed", "plain"),))
        db.commit()
    assert noticed(verdict(path))
    with pytest.raises(InputError), Ledger.open(path, signing_key=SIGNING) as ledger:
        ledger.get(1)
