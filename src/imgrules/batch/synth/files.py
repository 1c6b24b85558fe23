"""Applicants to files: CSV, Parquet, NDJSON or a folder of case files, some thousand rows at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from imgrules.batch.synth.dirt import Spoiler
from imgrules.batch.synth.population import Population
from imgrules.batch.synth.tables import KEYS, NOTHING, printable, text, typed
from imgrules.errors import InputError

Format: TypeAlias = Literal["csv", "parquet", "ndjson", "cases"]
SUFFIXES: dict[str, Format] = {".csv": "csv", ".parquet": "parquet", ".ndjson": "ndjson", ".jsonl": "ndjson"}
GROUP = 8  # blocks of rows to a row group of Parquet


@dataclass(frozen=True)
class Written:
    """What was written: rows, columns of facts, and the facts that rows tell on average."""

    rows: int
    facts: int
    known: float


def format_of(path: Path) -> Format:
    """The format that a file name says. `InputError` if it says none."""
    if path.suffix.lower() in SUFFIXES:
        return SUFFIXES[path.suffix.lower()]
    raise InputError(f"The name {path} does not say a format. Give --format: csv, parquet, ndjson or cases.")


def write(population: Population, path: Path, form: Format) -> Written:
    """Write all rows. A file appears whole or not at all. `InputError` if it cannot be written."""
    counted = _Counter()
    tables = counted.through(_tables(population, form))
    try:
        if form == "cases":
            _write_cases(tables, population, path)
        else:
            _write_file(tables, population, path, form)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None
    return Written(counted.rows, len(population.columns), counted.cells / max(counted.rows, 1))


def _tables(population: Population, form: Format) -> Iterator[pa.Table]:
    if population.plan.dirty:
        spoiler = Spoiler(population)
        return (spoiler.spoil(text(block, population), block) for block in population.blocks())
    make = {"parquet": typed, "cases": text}.get(form, printable)
    return (make(block, population) for block in population.blocks())


class _Counter:
    """Counts what passes."""

    def __init__(self) -> None:
        self.rows = self.cells = 0

    def through(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for table in tables:
            self.rows += table.num_rows
            self.cells += sum(len(column) - column.null_count for column in table.columns[len(KEYS) :])
            yield table


def _write_file(tables: Iterator[pa.Table], population: Population, path: Path, form: Format) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            if form == "parquet":
                _write_parquet(tables, file)
            else:
                for number, table in enumerate(tables):
                    frame = pl.from_arrow(table)
                    assert isinstance(frame, pl.DataFrame)
                    if form == "csv":
                        frame.write_csv(file, include_header=number == 0)
                    else:
                        _write_ndjson(frame, population, file)
        os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _write_parquet(tables: Iterator[pa.Table], file: BinaryIO) -> None:
    writer: Any = None
    while group := list(islice(tables, GROUP)):
        table = pa.concat_tables(group)
        writer = writer or pq.ParquetWriter(
            file, table.schema, compression="zstd", compression_level=1, store_schema=False
        )
        writer.write_table(table, row_group_size=table.num_rows)
    if writer is not None:
        writer.close()


def _write_ndjson(frame: pl.DataFrame, population: Population, file: BinaryIO) -> None:
    """One object a line, unknown facts left out; facts by their dotted names."""
    whole = population.plan.dirty == 0  # a spoilt cell may not be of its type, so all are text
    fields = [_json_field(name, population, whole) for name in frame.columns]
    lines = frame.select(line=pl.concat_str(fields, separator="", ignore_nulls=True))
    lines = lines.select(pl.lit("{") + pl.col("line").str.strip_prefix(",") + pl.lit("}"))
    file.write("\n".join(lines.to_series().to_list()).encode() + b"\n" if len(lines) else b"")


def _json_field(name: str, population: Population, whole: bool) -> pl.Expr:
    cell = pl.col(name)
    kind = population.rulebase.types[name].kind if name in population.columns else "text"
    if whole and kind in ("bool", "int", "decimal"):
        value = cell.cast(pl.String)
    elif whole and kind == "set":
        members = pl.lit('["') + cell.str.replace_all(" ", '","', literal=True) + pl.lit('"]')
        value = pl.when(cell == NOTHING).then(pl.lit("[]")).otherwise(members)
    else:
        value = pl.lit('"') + cell.cast(pl.String) + pl.lit('"')
    return pl.lit(f',"{name}":') + value


def _write_cases(tables: Iterator[pa.Table], population: Population, folder: Path) -> None:
    """A case file for each row. Ids that are repeated get a file of their own all the same."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for table in tables:
        for row in table.to_pylist():
            number += 1
            (folder / f"case-{number:07d}.yaml").write_text(_case_text(row, population), encoding="utf-8")


def _case_text(row: dict[str, str | None], population: Population) -> str:
    whole = population.plan.dirty == 0
    lines = [
        f"case: {row['case']}",
        f"as_of: {row['as_of']}",
        f"jurisdictions: [{', '.join((row['jurisdictions'] or '').split())}]",
    ]
    facts = [
        f"  {name}: {_yaml(name, cell, population, whole)}" for name, cell in row.items() if cell and name not in KEYS
    ]
    return "\n".join([*lines, "facts:" if facts else "facts: {}", *facts]) + "\n"


def _yaml(name: str, cell: str, population: Population, whole: bool) -> str:
    if population.rulebase.types[name].kind == "set":
        members = [] if cell == NOTHING else cell.split()
        return f"[{', '.join(members if whole else map(json.dumps, members))}]"
    return cell if whole else json.dumps(cell)


__all__ = ["Format", "Written", "format_of", "write"]
