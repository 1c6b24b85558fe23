"""Ledgers to test with: the same tests run on an SQLite file and on a real PostgreSQL."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imgrules.audit.ledger import Ledger
from imgrules.rulebase.rulebase import Rulebase
from tests.audit import postgres
from tests.audit.samples import open_ledger, small_rules


@pytest.fixture(scope="session", autouse=True)
def _own_keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests never read or leave a key in the user's folder."""
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))
    for name in [n for n in os.environ if n.startswith("IMGRULES_LEDGER") or n == "IMGRULES_WHO"]:
        del os.environ[name]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server of our own."""
    with _installed(), postgres.server() as address:
        yield address


@pytest.fixture
def full_postgres() -> Iterator[tuple[str, Callable[[int], None]]]:
    """The address of a server whose files may not grow beyond 2 MB, and what sets another limit."""
    with _installed(), postgres.server_with_a_full_disk(2 << 20) as found:
        yield found


@contextmanager
def _installed() -> Iterator[None]:
    """Without PostgreSQL installed a test is skipped, but never in CI."""
    try:
        yield
    except postgres.Missing as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error}: in CI it must be there")
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new ledger can be: a file, and a database."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    address: str = request.getfixturevalue("postgres_server")
    return postgres.create_database(address, f"t{uuid.uuid4().hex}")


@pytest.fixture
def ledger(place: str) -> Iterator[Ledger]:
    """A new ledger at each place."""
    with open_ledger(place) as found:
        yield found


@pytest.fixture(scope="session")
def small() -> Rulebase:
    """A small random rulebase."""
    return small_rules()[0]
