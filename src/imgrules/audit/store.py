"""The database under a ledger: SQLite or PostgreSQL, read in one view, written by one process at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from imgrules.errors import InputError

BUSY_SECONDS = 120
CLEAN_SECONDS = 20
_LOCK = 7_310_584_211  # any number: the same for all of imgrules' ledgers in one PostgreSQL database
_WRITING = "imgrules_writing"
_SQLITE_CACHE_KIB = 65_536


class Store:
    """A connection to one ledger's database. `InputError` says what is wrong with it, never what is in it."""

    def __init__(self, place: Path | str, *, create: bool) -> None:
        text = str(place)
        self.sqlite = "://" not in text or text.startswith("sqlite")
        self.path = Path(text.removeprefix("sqlite:///")) if self.sqlite else None
        if self.path and not create and not self.path.exists():
            raise InputError(f"There is no ledger {self.path}. `imgrules assess CASE --record {self.path}` begins one.")
        self.engine = self._engine(text)
        self.name = str(self.path) if self.path else self.engine.url.render_as_string(hide_password=True)

    def _engine(self, text: str) -> Engine:
        if self.path:
            arguments: dict[str, Any] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
            engine = create_engine(f"sqlite:///{self.path}", connect_args=arguments, hide_parameters=True)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        try:
            url = make_url(text)
            if url.drivername in ("postgres", "postgresql"):
                url = url.set(drivername="postgresql+psycopg")
            if url.get_backend_name() != "postgresql":
                raise InputError(f"A ledger is an SQLite file or a PostgreSQL database, not {url.get_backend_name()}.")
            return create_engine(url, hide_parameters=True, isolation_level="REPEATABLE READ", pool_pre_ping=True)
        except (ArgumentError, ValueError, ModuleNotFoundError) as error:
            hint = (
                "pip install 'imgrules[postgres]'"
                if isinstance(error, ModuleNotFoundError)
                else "postgresql://user@host/name"
            )
            raise InputError(f"The address of the ledger cannot be used. Try: {hint}") from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One view of the database, whatever others append meanwhile."""
        with self._errors(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer shares: all of it is kept, or nothing."""
        options: dict[str, Any] = {_WRITING: True} if self.sqlite else {"isolation_level": "READ COMMITTED"}
        with self._errors(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            if not self.sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection

    def insert_rows(self, connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
        """Many rows at once, each with a value for every column in the table's order."""
        if not rows:
            return
        names = [column.name for column in table.columns]
        if self.sqlite:
            marks = ", ".join("?" * len(names))
            connection.exec_driver_sql(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", rows)
            return
        cursor: Any = connection.connection.cursor()
        with cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def clean(self, table: Table) -> None:
        """Leave nothing of a table's deleted rows in the database's files. Needs the database for itself for a moment."""
        with self._errors():
            if not self.sqlite:
                with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.exec_driver_sql(f"VACUUM FULL {table.name}")
                return
            self._clean_sqlite()

    def _clean_sqlite(self) -> None:
        raw = self.engine.raw_connection()  # outside any transaction
        try:
            cursor: Any = raw.cursor()
            cursor.execute(f"PRAGMA busy_timeout={1000 * CLEAN_SECONDS}")
            for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                row = cursor.execute(statement).fetchone()
                if row and row[0]:
                    raise InputError(_UNCLEAN.format(name=self.name))
        except sqlite3.Error:
            raise InputError(_UNCLEAN.format(name=self.name)) from None
        finally:
            raw.cursor().execute(f"PRAGMA busy_timeout={1000 * BUSY_SECONDS}")
            raw.close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        driver = self.engine.dialect.loaded_dbapi.Error  # what is done past SQLAlchemy, as COPY is, raises these
        try:
            yield
        except (SQLAlchemyError, driver, UnicodeDecodeError) as error:
            raise InputError(f"The ledger {self.name} {_reason(error)}") from None


def upsert(table: Table, sqlite: bool) -> Insert:
    """An insert that replaces the other columns where the primary key is there already."""
    if sqlite:
        from sqlalchemy.dialects.sqlite import insert as make
    else:
        from sqlalchemy.dialects.postgresql import insert as make  # type: ignore[assignment]
    statement = make(table)
    keys = [column.name for column in table.primary_key]
    others = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


_UNCLEAN = (
    "The ledger {name} is in use or its disk is full, so what was deleted may still be in its files. "
    "Close other programs that use it, then: imgrules audit erase --finish"
)
_REASONS = {
    "full": "cannot be written: the disk is full. Nothing of this was recorded; make room and try again.",
    "disk i/o": "cannot be read or written: the disk is full or failing. Nothing of this was recorded.",
    "no space": "cannot be written: the disk is full. Nothing of this was recorded; make room and try again.",
    "could not extend": "cannot be written: the disk is full. Nothing of this was recorded; make room and try again.",
    "locked": "is in use by another process that does not let go. Nothing of this was recorded; try again.",
    "readonly": "cannot be written: you may only read it. Ask for the right to write, or name another ledger.",
    "read-only": "cannot be written: you may only read it. Ask for the right to write, or name another ledger.",
    "unable to open": "cannot be opened. Check that its folder exists and that you may write there.",
    "not a database": "is not a ledger: it is a file of another kind.",
    "malformed": "is damaged: SQLite cannot read it. Restore it from a backup, then `imgrules audit verify`.",
}


def _reason(error: Exception) -> str:
    """What went wrong, in words that show no value."""
    if isinstance(error, UnicodeDecodeError):
        return _REASONS["malformed"]
    text = str(error.orig if isinstance(error, DBAPIError) else "" if isinstance(error, SQLAlchemyError) else error)
    for sign, words in _REASONS.items():
        if sign in text.lower():
            return words
    first = text.splitlines()[0] if text else type(error).__name__
    return f"cannot be used: {first.rstrip('.')}."


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below
    for setting in (
        "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", f"cache_size=-{_SQLITE_CACHE_KIB}", "temp_store=MEMORY",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
