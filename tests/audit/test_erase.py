"""What was forgotten is gone: from the database's own files, its write-ahead log included."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from imgrules.audit import keys, store, tables
from imgrules.audit.keys import MASTER as MASTER_KEY
from imgrules.audit.keys import find_key
from imgrules.audit.vault import Damaged, SealedVault
from imgrules.errors import InputError
from tests.audit.samples import MASTER, decision, decisions, open_ledger

SECRET = "Amara Okonkwo-Lindqvist"


def everything_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_nothing_personal_is_in_the_file(tmp_path: Path) -> None:
    """Neither case ids nor facts nor outcomes are readable in a sealed ledger; in a plain one they are."""
    for plain in (False, True):
        folder = tmp_path / str(plain)
        folder.mkdir()
        with open_ledger(str(folder / "ledger.db"), plain=plain) as ledger:
            made = replace(decision(1, case=SECRET), note=None)
            list(ledger.record_many([made] * 3, "t"))
            with ledger._store.reading() as connection:
                sealed = connection.scalars(select(tables.records.c.sealed)).all()
        assert SECRET.encode() not in everything_on_disk(folder)  # compressed
        assert len(set(sealed)) == (1 if plain else 3)


def test_an_erased_key_is_nowhere(tmp_path: Path) -> None:
    """Before, the sealed key and its lookup are in the files; after, in none of them, and the facts do not open."""
    place = tmp_path / "ledger.db"
    with open_ledger(str(place)) as ledger:
        list(ledger.record_many([*decisions(200), decision(7, case=SECRET), *decisions(200, 300)], "t"))
        with ledger._store.reading() as connection:
            lookup = SealedVault(MASTER, ledger.origin).lookup(SECRET)
            row = connection.execute(select(tables.case_keys).where(tables.case_keys.c.lookup == lookup)).one()
        assert row.wrapped in everything_on_disk(tmp_path)
        assert lookup in everything_on_disk(tmp_path)
        vault = SealedVault(MASTER, ledger.origin)
        with ledger._store.reading() as connection:
            record = connection.execute(select(tables.records).where(tables.records.c.subject == row.token)).one()
        key = vault.unwrap(row.token, lookup, row.wrapped)
        assert vault.open(key, record.id, record.sealed)
        ledger.erase(SECRET, "t")
        left = everything_on_disk(tmp_path)
        for part in (row.wrapped, lookup, row.wrapped[:20], row.wrapped[-20:], key):
            assert part not in left
        assert record.sealed in left  # the log still covers it
        assert ledger.verify().ok
        with pytest.raises(Damaged):
            vault.open(b"\x00" * 32, record.id, record.sealed)
    assert row.wrapped not in everything_on_disk(tmp_path)


def test_an_erasure_that_somebody_is_in_the_way_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that holds on to the file: the key is deleted and on record, the message says what is left to do."""
    monkeypatch.setattr(store, "CLEAN_SECONDS", 0)
    place = tmp_path / "ledger.db"
    with open_ledger(str(place)) as ledger:
        list(ledger.record_many(decisions(5), "t"))
        with ledger._store.reading() as connection:
            row = connection.execute(select(tables.case_keys)).first()
        assert row is not None
        with closing(sqlite3.connect(place)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM case_keys").fetchall()
            with pytest.raises(InputError, match="--finish"):
                ledger.erase("case 0", "t")
        assert ledger.get(6).kind == "erase"
        assert row.wrapped in everything_on_disk(tmp_path)
        ledger.finish_erasing()
        assert row.wrapped not in everything_on_disk(tmp_path)
        assert ledger.verify().ok


def test_a_sealed_record_opens_only_in_its_place() -> None:
    """Bound to the record, to the case and to the ledger."""
    vault, other = SealedVault(MASTER, "one"), SealedVault(MASTER, "two")
    key, wrapped = vault.new_key(b"the token of 16b", b"lookup")
    assert vault.unwrap(b"the token of 16b", b"lookup", wrapped) == key
    sealed = vault.seal(key, b"a record's own id", b"data")
    assert vault.open(key, b"a record's own id", sealed) == b"data"
    attempts: list[Callable[[], bytes]] = [
        lambda: vault.open(key, b"a record's own iD", sealed),
        lambda: vault.open(key, b"a record's own id", sealed[:-1]),
        lambda: vault.open(key, b"a record's own id", b""),
        lambda: vault.unwrap(b"the token of 16B", b"lookup", wrapped),
        lambda: vault.unwrap(b"the token of 16b", b"lookuP", wrapped),
        lambda: other.unwrap(b"the token of 16b", b"lookup", wrapped),
    ]
    for attempt in attempts:
        with pytest.raises(Damaged):
            attempt()
    assert vault.lookup("a") != other.lookup("a") != other.lookup("b")
    assert vault.check != other.check


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given, from the environment or from a file of one's own that is made on first use; anything else is told."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert find_key(None, MASTER_KEY, make=False) is None
    made = find_key(None, MASTER_KEY, make=True)
    assert made is not None
    path = keys.default_folder() / "ledger.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert find_key(None, MASTER_KEY, make=True) == made == find_key(path, MASTER_KEY, make=False)
    assert [p.name for p in path.parent.iterdir()] == ["ledger.key"]
    assert find_key(b"k" * 32, MASTER_KEY, make=False) == find_key("6b" * 32, MASTER_KEY, make=False) == b"k" * 32
    monkeypatch.setenv("IMGRULES_LEDGER_KEY", made.hex())
    assert find_key(None, MASTER_KEY, make=False) == made
    path.chmod(0o640)
    (tmp_path / "bad").write_text("not a key")
    (tmp_path / "bad").chmod(0o600)
    for given, message in (
        (b"short", "32 bytes"),
        ("short", "neither a key"),
        (path, "chmod 600"),
        (tmp_path / "bad", "holds no key"),
    ):
        with pytest.raises(InputError, match=message):
            find_key(given, MASTER_KEY, make=False)
    monkeypatch.setenv("IMGRULES_LEDGER_KEY", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", os.devnull)
    with pytest.raises(InputError, match="cannot be made"):
        find_key(None, MASTER_KEY, make=True)
