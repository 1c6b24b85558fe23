"""Many processes at once, processes killed, and disks that are full: nothing acknowledged is lost, nothing is torn."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from imgrules.audit import tables
from imgrules.audit.ledger import Ledger
from imgrules.errors import InputError
from tests.audit import postgres
from tests.audit.kills import append, campaign, check, in_child, read_all
from tests.audit.samples import MASTER, SIGNING, decision, decisions, open_ledger, small_rules


def finish(children: list[tuple[int, int]]) -> list[str]:
    """What each child acknowledged, after all went well."""
    told = [[line for line in read_all(reading).split() if line != "open"] for _, reading in children]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children] == [0] * len(children)
    return [id for ids in told for id in ids]


def test_eight_processes_at_once(place: str) -> None:
    """From before the ledger exists: no record lost, none twice, the tree whole."""
    sizes = [1] * 6 + [60] + [1] * 6
    children = [
        in_child(lambda writing, i=i: append(place, i * 10_000, writing, sizes))  # type: ignore[misc]
        for i in range(8)
    ]
    ids = finish(children)
    assert len(set(ids)) == len(ids) == 8 * sum(sizes)
    assert check(place, set(ids)) == len(ids)


def test_one_case_from_many_processes(place: str) -> None:
    """Processes that meet a case for the first time at the same moment give it one key."""
    open_ledger(place).close()

    def work(writing: int) -> None:
        with open_ledger(place) as ledger:
            for _ in range(5):
                for id in ledger.record_many([decision(1, case="the same")], "t"):
                    os.write(writing, f"{id}\n".encode())

    ids = finish([in_child(work) for _ in range(4)])
    with open_ledger(place) as ledger:
        assert len(list(ledger.records(case="the same"))) == len(ids) == 20
        with ledger._store.reading() as connection:
            assert len(connection.execute(select(tables.case_keys)).all()) == 1


def test_killed_at_any_moment(place: str) -> None:
    """Ten times on each database, from before it exists; `python -m tests.audit.kills` does it two hundred times."""
    told, size = campaign(place, 10, every=2)
    assert size >= told > 0


def test_disk_full_by_the_database(tmp_path: Path) -> None:
    """A file that may not grow: a clear message, what was there is whole, and it goes on once there is room."""
    place = str(tmp_path / "ledger.db")
    with open_ledger(place) as ledger:
        list(ledger.record_many(decisions(50), "t"))
        ids = {r.id for r in ledger.records()}

        def limit(connection: sqlite3.Connection, _: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages + 5}")

        from sqlalchemy import event

        ledger._store.engine.dispose()
        event.listen(ledger._store.engine, "connect", limit)
        with pytest.raises(InputError, match=r"disk is full.*Nothing of this was recorded"):
            list(ledger.record_many(decisions(500, 50), "t"))
        assert ledger.verify().ok
    assert check(place, ids) == 50
    with open_ledger(place) as ledger:
        list(ledger.record_many(decisions(500, 50), "t"))
        assert ledger.verify().ok
        assert ledger.size == 550


def test_disk_full_by_the_system(tmp_path: Path) -> None:
    """The same where the system refuses to write further into a file."""
    place = str(tmp_path / "ledger.db")
    with open_ledger(place) as ledger:
        list(ledger.record_many(decisions(50), "t"))

    def work(writing: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, resource.RLIM_INFINITY))
        with open_ledger(place) as ledger:
            try:
                for start in range(50, 5000, 50):
                    for id in ledger.record_many(decisions(50, start), "t"):
                        os.write(writing, f"{id}\n".encode())
            except InputError as error:
                os.write(writing, f"refused:{str(error).replace(' ', '_')}\n".encode())

    *ids, last = finish([in_child(work)])
    assert "disk_is_full" in last
    assert check(place, set(ids)) == 50 + len(ids)
    with open_ledger(place) as ledger:
        list(ledger.record_many(decisions(50, 9000), "t"))
        assert ledger.verify().ok


def test_disk_full_on_postgresql(full_postgres: tuple[str, Callable[[int], None]]) -> None:
    """The same where a shared server finds no room."""
    address, limit = full_postgres
    place = postgres.create_database(address, "full")
    told: set[str] = set()
    with open_ledger(place) as ledger:
        kept = ledger.record_many(decisions(20_000), "t", chunk=500)
        with pytest.raises(InputError, match=r"disk is full.*Nothing of this was recorded"):
            told.update(kept)
        assert ledger.verify().ok
    assert check(place, told) == len(told) > 0
    limit(1 << 40)
    with open_ledger(place) as ledger:
        list(ledger.record_many(decisions(500, 90_000), "t"))
        assert ledger.verify().ok
        assert ledger.size == len(told) + 500


@pytest.mark.parametrize("change", ["as_of = 'rubbish'", "id = x'0102'"])
def test_a_changed_record_is_told_as_such(tmp_path: Path, change: str) -> None:
    """Also where what was changed is no longer a day, or no id: no defect of the program."""
    place = tmp_path / "ledger.db"
    with open_ledger(str(place)) as ledger:
        list(ledger.record_many(decisions(3), "t"))
    with closing(sqlite3.connect(place)) as db, db:
        db.execute(f"UPDATE records SET {change} WHERE number = 2")  # our own words
    with open_ledger(str(place)) as ledger, pytest.raises(InputError, match=r"Record 2 of .* were changed"):
        list(ledger.records())


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    """Each with its reason: no file, no folder, another kind of file, another database's tables, a newer ledger."""
    with pytest.raises(InputError, match="There is no ledger"):
        Ledger.open(tmp_path / "none.db", create=False)
    with pytest.raises(InputError, match="folder exists"):
        Ledger.open(tmp_path / "no" / "folder.db")
    (tmp_path / "text.db").write_text("this is no database, but it is long enough to look at" * 30)
    with pytest.raises(InputError, match="file of another kind"):
        Ledger.open(tmp_path / "text.db")
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE records (x)")
    with pytest.raises(InputError, match="other programs"):
        Ledger.open(tmp_path / "other.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(InputError, match="no ledger in"):
        Ledger.open(tmp_path / "empty.db", create=False)
    open_ledger(str(tmp_path / "new.db")).close()
    with closing(sqlite3.connect(tmp_path / "new.db")) as db:
        db.execute("UPDATE ledger SET schema_version = 99")
        db.commit()
    with pytest.raises(InputError, match="newer imgrules"):
        open_ledger(str(tmp_path / "new.db"))
    for address in ("mysql://host/name", "postgresql://host:port/x", "nonsense://"):
        with pytest.raises(InputError, match="ledger"):
            Ledger.open(address)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    """Nothing of an address's password stands in a message."""
    with pytest.raises(InputError) as caught:
        Ledger.open(f"postgresql://me:verysecret@/nowhere?host={tmp_path}")
    assert "verysecret" not in str(caught.value)
    assert "me:***@" in str(caught.value)


def test_an_older_ledger_is_brought_up_to_date(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later version's step runs once, whoever opens first, and nothing recorded changes."""
    with open_ledger(place) as ledger:
        list(ledger.record_many(decisions(3), "t"))
        before = list(ledger.records())
    steps: list[str] = []

    def step(connection: object) -> None:
        steps.append("step")
        connection.exec_driver_sql("ALTER TABLE ledger ADD COLUMN later TEXT")  # type: ignore[attr-defined]

    monkeypatch.setattr(tables, "MIGRATIONS", [*tables.MIGRATIONS, step])
    for _ in range(2):
        with Ledger.open(place, key=MASTER, signing_key=SIGNING) as ledger:
            ledger.keep(small_rules()[1].files)
            assert list(ledger.records()) == before
            assert ledger.verify().ok
    assert steps == ["step"]
