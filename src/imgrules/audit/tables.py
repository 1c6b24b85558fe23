"""The ledger's tables, and how an older ledger is brought up to date.

Records, tiles, checkpoints and texts are only ever added to. `head` is the signed state of the log, replaced with each
append; `case_keys` is what forgetting deletes from.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    inspect,
    select,
    update,
)

from imgrules.errors import InputError

metadata = MetaData()
_Number = BigInteger().with_variant(Integer, "sqlite")

ledger = Table(
    "ledger",
    metadata,
    Column("one", SmallInteger, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("schema_version", Integer, nullable=False),
    Column("origin", Text, nullable=False),  # names the ledger in its checkpoints, and says whether facts are sealed
    Column("public_key", LargeBinary, nullable=False),  # of the key that signs
    Column("key_check", LargeBinary, nullable=False),  # tells the right master key from a wrong one
)
head = Table(
    "head",
    metadata,
    Column("one", SmallInteger, CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),  # roots of the complete subtrees, largest first
    Column("note", Text, nullable=False),  # the signed checkpoint of this size
)
records = Table(
    "records",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("id", LargeBinary(16), nullable=False, unique=True),  # UUIDv7: holds the time
    Column("who", String(200), nullable=False),
    Column("kind", String(50), nullable=False),
    Column("tool", String(50), nullable=False),
    Column("rules", LargeBinary(32)),  # hash of the rule files kept in `texts`; null for an erasure
    Column("as_of", String(10)),
    Column("subject", LargeBinary(16), nullable=False, index=True),  # random token of the case
    Column("sealed", LargeBinary, nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),
)
tiles = Table(
    "tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", _Number, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", _Number, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
texts = Table(
    "texts",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("version", String(16), index=True),  # of a rulebase
    Column("content", LargeBinary, nullable=False),  # compressed
)
case_keys = Table(
    "case_keys",
    metadata,
    Column("token", LargeBinary(16), primary_key=True),
    Column("lookup", LargeBinary(16), nullable=False),  # keyed hash of the case id
    Column("wrapped", LargeBinary, nullable=False),  # the case's key, sealed by the master key
    UniqueConstraint("lookup"),
    sqlite_with_rowid=False,
)


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


# One step a version, never changed once released. A later step alters tables by its own statements.
MIGRATIONS: list[Callable[[Connection], None]] = [_first]


def schema_version(connection: Connection) -> int:
    """The version of the tables; 0 if there are none. `InputError` if the tables are something else's, or newer."""
    names = set(inspect(connection).get_table_names())
    if "ledger" not in names:
        if names & set(metadata.tables):
            raise InputError("This database has tables of other programs by the ledger's names. Use one of its own.")
        return 0
    found: int | None = connection.scalar(select(ledger.c.schema_version))
    if found is None or found < 1:
        raise InputError("This ledger is damaged: it does not say which version it is of.")
    if found > len(MIGRATIONS):
        raise InputError("This ledger was made by a newer imgrules. Update imgrules to use it.")
    return found


def create(connection: Connection, origin: str, public_key: bytes, key_check: bytes) -> None:
    """The tables of a new ledger."""
    for step in MIGRATIONS:
        step(connection)
    values = {"origin": origin, "public_key": public_key, "key_check": key_check}
    connection.execute(insert(ledger).values(one=1, schema_version=len(MIGRATIONS), **values))


def migrate(connection: Connection, version: int) -> None:
    """Bring the tables from a version up to date."""
    for step in MIGRATIONS[version:]:
        step(connection)
    connection.execute(update(ledger).values(schema_version=len(MIGRATIONS)))
