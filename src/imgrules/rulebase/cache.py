"""What was worked out once, kept in the user's own cache folder for the next start of the program.

A rulebase that loaded is kept, parsed and checked, under the hash of its files; beside it the parts that a program
was made of. A file is only ever read back by the user who wrote it, and only by the same program, and what cannot be read
or written only costs time. `IMGRULES_CACHE` names another folder, `IMGRULES_CACHE=off` does without.
"""

from __future__ import annotations

import gc
import hashlib
import io
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from imgrules._version import __version__
from imgrules.rulebase.rulebase import Entry, Rulebase

# The newest are kept: rulebases of 2 MB, and parts of each: those of all jurisdictions on a day are some 6 MB.
MAX_RULEBASES = 6
MAX_PARTS = 64

_UNREADABLE = (
    OSError, pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, KeyError, TypeError, ValueError,
)  # fmt: skip
_parts: WeakKeyDictionary[Rulebase, Path] = WeakKeyDictionary()


def place_of(version: str, label: str) -> Path | None:
    """The file of a rulebase by its version and the folder that its entries name; None where nothing is kept."""
    if os.environ.get("IMGRULES_CACHE") == "off":
        return None
    base = os.environ.get("IMGRULES_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "imgrules"
    )
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    place = hashlib.sha256(label.encode()).hexdigest()[:8]  # entries remember their file
    return Path(base) / f"{version}-{place}-{__version__}-{_program_stamp()}-{python}.pickle"


@lru_cache(1)
def _program_stamp() -> str:
    """Changes whenever the code behind what is kept does, so that a development checkout never reads a stale shape."""
    package = Path(__file__).parents[1]
    files = [path for folder in ("rulebase", "engines") for path in sorted((package / folder).glob("*.py"))]
    return hashlib.sha256("".join(f"{p.name}{p.stat().st_mtime_ns}" for p in files).encode()).hexdigest()[:8]


def read_rulebase(path: Path) -> Rulebase | None:
    """The rulebase kept at a place, if there is one that can be trusted and read."""
    found = _read(path, pickle.Unpickler)
    if not isinstance(found, Rulebase):
        return None
    _parts[found] = path.with_suffix(".parts")
    return found


def keep_rulebase(path: Path, rulebase: Rulebase) -> None:
    """Keep a rulebase, and drop the oldest where there are too many."""
    _write(path, rulebase, _Writer)
    _parts[rulebase] = path.with_suffix(".parts")
    for old in _oldest(path.parent, MAX_RULEBASES):
        for part in old.with_suffix(".parts").glob("*.pickle"):
            _drop(part)
        with suppress(OSError):
            old.with_suffix(".parts").rmdir()
        _drop(old)


def read_part(rulebase: Rulebase, name: str) -> Any:
    """A part kept beside a rulebase; None where there is none. Definitions in it are those of the rulebase itself."""
    if rulebase not in _parts:
        return None

    class Reader(pickle.Unpickler):
        def persistent_load(self, pid: tuple[str, str]) -> Any:
            return getattr(rulebase, pid[0])[pid[1]]

    return _read(_parts[rulebase] / f"{name}.pickle", Reader)


def keep_part(rulebase: Rulebase, name: str, part: Any) -> None:
    """Keep a part beside its rulebase, if that is kept; the oldest make way."""
    if rulebase not in _parts:
        return

    class Writer(_Writer):
        def persistent_id(self, obj: Any) -> tuple[str, str] | None:
            return (obj.section, obj.name) if type(obj) is Entry else None

    _write(_parts[rulebase] / f"{name}.pickle", part, Writer)
    for old in _oldest(_parts[rulebase], MAX_PARTS):
        _drop(old)


class _Writer(pickle.Pickler):
    """Writes values of ours as calls of their classes, which read back several times faster than the usual states."""

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if isinstance(obj, type) or not is_dataclass(kind) or "__slots__" not in vars(kind):
            return NotImplemented
        return kind, tuple([getattr(obj, field.name) for field in fields(kind)])


@contextmanager
def uncollected() -> Iterator[None]:
    """A while in which no garbage is looked for: of a hundred thousand objects that come to stay, it costs a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _read(path: Path, reader: type[pickle.Unpickler]) -> Any:
    try:
        info = path.stat()
        if hasattr(os, "getuid") and (info.st_uid != os.getuid() or info.st_mode & 0o022):
            return None
        with uncollected():
            return reader(io.BytesIO(path.read_bytes())).load()  # only what this user wrote and nobody else may write
    except _UNREADABLE:
        return None


def _write(path: Path, what: object, writer: type[pickle.Pickler]) -> None:
    """Best effort: a read-only home only costs time."""
    import tempfile  # slow to import, and a start that finds everything kept needs none of it

    body = io.BytesIO()
    writer(body, pickle.HIGHEST_PROTOCOL).dump(what)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(body.getbuffer())
        os.replace(temporary, path)


def _oldest(folder: Path, most: int) -> list[Path]:
    """The files that were written before the newest `most`."""
    try:
        found = sorted(folder.glob("*.pickle"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    except OSError:
        return []  # somebody else is tidying up
    return found[most:]


def _drop(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
