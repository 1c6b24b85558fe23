"""Parquet files, read by stretches of rows. Columns of records become columns with dotted names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from imgrules.batch.raw import Chunk, Raw
from imgrules.errors import InputError


@dataclass(frozen=True)
class Parquet:
    """A Parquet file whose footer has been read."""

    file: str
    columns: tuple[str, ...]
    total: int
    identified: bool = True
    paths: None = None

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Stretches of so many rows: each can be read by itself."""
        for first in range(0, self.total, rows):
            count = min(rows, self.total - first)
            yield Chunk(first, count, partial(self._read, first, count))

    def _read(self, first: int, count: int) -> Raw:
        try:
            table = _flat(_scan(self.file).slice(first, count).collect())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(self.file, error) from None
        rows = range(first, first + count)
        return Raw(table, range(first + 1, first + count + 1), [], self.file, rows, identified=self.identified)


def open_parquet(path: Path | str) -> Parquet:
    """Read the footer of a Parquet file: `InputError` if it is none."""
    try:
        names = _flat(_scan(str(path)).head(0).collect()).columns
        total = int(_scan(str(path)).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(str(path), error) from None
    return Parquet(str(path), tuple(names), total)


def _scan(file: str) -> pl.LazyFrame:
    return pl.scan_parquet(file, glob=False, hive_partitioning=False)


def _unreadable(file: str, error: Exception) -> InputError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return InputError(f"{file} cannot be read as Parquet: {reason}. Write it anew, or give it as CSV.")


def _flat(table: pl.DataFrame) -> pl.DataFrame:
    """Records unfolded: a field `passed` of a column `exam` becomes the column `exam.passed`."""
    while records := [name for name, dtype in table.schema.items() if isinstance(dtype, pl.Struct)]:
        for name in records:
            table = table.with_columns(pl.col(name).name.prefix_fields(f"{name}.")).unnest(name)
    return table
