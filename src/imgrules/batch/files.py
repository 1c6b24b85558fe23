"""Files of a run: written whole or not at all, in the format asked for."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgrules.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("parquet", "csv", "ndjson")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file to write that takes its name only when all of it is on the disk; `InputError` if the disk is full."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.errno in _NO_ROOM or "No space left" in str(error):
            raise no_room(path) from None
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def no_room(path: Path) -> InputError:
    """The error for a full disk."""
    return InputError(f"There is no room on the disk for {path}. Free some, then run the same command with --resume.")


def sync_folder(folder: Path) -> None:
    """Make what was renamed into a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, data: Any) -> None:
    """JSON, whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """NDJSON, whole or not at all."""
    with whole(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)


@contextmanager
def table_file(path: Path, format: str) -> Iterator[Callable[[pa.Table], None]]:
    """A table to write piece by piece in one of the formats, whole or not at all; takes its pieces one after the other."""
    with whole(path) as temporary, _WRITERS[format](temporary) as append:
        yield append


@contextmanager
def _parquet(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    from pyarrow import parquet

    writers: list[parquet.ParquetWriter] = []

    def append(table: pa.Table) -> None:
        if not writers:
            options = {"compression": "zstd", "compression_level": 1, "dictionary_pagesize_limit": 1 << 26}
            writers.append(parquet.ParquetWriter(path, table.schema, **options))
        writers[0].write_table(table)

    try:
        yield append
    finally:
        for writer in writers:
            writer.close()


@contextmanager
def _csv(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    with path.open("wb") as stream:
        yield lambda table: _plain(table).write_csv(stream, include_header=not stream.tell())


@contextmanager
def _ndjson(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    with path.open("wb") as stream:
        yield lambda table: _plain(table).write_ndjson(stream)


_WRITERS = {"parquet": _parquet, "csv": _csv, "ndjson": _ndjson}


def _plain(table: pa.Table) -> Any:
    import polars as pl

    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def join_files(parts: Iterable[Path], path: Path) -> None:
    """Text files one after the other, of CSV files the header once; whole or not at all."""
    with whole(path) as temporary, temporary.open("wb") as out:
        for i, part in enumerate(parts):
            with part.open("rb") as stream:
                if i and part.suffix == ".csv":
                    stream.readline()
                shutil.copyfileobj(stream, out, 1 << 20)
