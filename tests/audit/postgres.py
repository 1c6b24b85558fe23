"""A PostgreSQL server of our own for the tests: from Debian's package, on a socket in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SEGMENT = "--wal-segsize=1"  # MB; a limit of file sizes must leave room for it


class Missing(Exception):
    """There is no PostgreSQL to start."""


def programs() -> Path:
    """The folder that holds `initdb` and `postgres`."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    for folder in reversed(folders):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Missing("PostgreSQL's initdb and postgres are not installed (Debian: apt-get install postgresql)")


@contextmanager
def server(durable: bool = False) -> Iterator[str]:
    """A running server; gives the address of a database in it, to which `{name}` adds others. `durable` keeps fsync on."""
    with _server(durable) as (address, _):
        yield address


@contextmanager
def server_with_a_full_disk(limit: int) -> Iterator[tuple[str, Callable[[int], None]]]:
    """A server whose files may grow to so many bytes, its address, and what sets another limit for new connections."""
    with _server(False) as (address, data):
        process = int((data / "postmaster.pid").read_text().split()[0])

        def bound(size: int) -> None:
            _run(["prlimit", "--pid", process, f"--fsize={size}:"], _user())

        bound(limit)
        yield address, bound


@contextmanager
def _server(durable: bool) -> Iterator[tuple[str, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="imgrules-pg-", dir="/tmp"))  # a socket's path must be short
    user = _user()
    try:
        if os.getuid() == 0:
            shutil.chown(folder, user, user)
        binaries = programs()
        data = folder / "data"
        _run(
            [
                binaries / "initdb",
                "-D",
                data,
                "-U",
                "ledger",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "-N",
                SEGMENT,
            ],
            user,
        )
        options = f"-k {folder} -c listen_addresses='' -c max_connections=60"
        if not durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        log = folder / "log"
        _run([binaries / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "-t", "60", "start"], user)
        try:
            yield f"postgresql://ledger@/{{name}}?host={folder}", data
        finally:
            _run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str:
    """Who runs the server: it refuses to run as root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Missing("there is no user that PostgreSQL could run as")


def _run(command: list[object], user: str) -> None:
    words = [str(word) for word in command]
    if os.getuid() == 0:
        who = pwd.getpwnam(user)
        words = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups", "--", *words]
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{words}: {done.stderr}")


def create_database(address: str, name: str) -> str:
    """A new database of the server; its address."""
    import psycopg

    with psycopg.connect(address.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    return address.format(name=name)
