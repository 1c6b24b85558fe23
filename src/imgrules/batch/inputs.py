"""Tables of applicants as files: CSV, NDJSON, Parquet, Excel and folders of case files, cut into parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from glob import glob, has_magic
from pathlib import Path
from typing import Any, cast

from imgrules.batch.facts import check_columns
from imgrules.batch.mapping import Mapping
from imgrules.batch.raw import Raw, Reject, Source
from imgrules.errors import InputError, Problem, ProblemsError
from imgrules.rulebase.rulebase import Rulebase

__all__ = ["Inputs", "Part", "Raw", "Reject", "open_inputs"]

DELIMITED = (".csv", ".tsv", ".tab", ".txt")
NDJSON = (".ndjson", ".jsonl")
PARQUET = (".parquet", ".pq")
EXCEL = (".xlsx",)
CASE_FILES = (".yaml", ".yml", ".json")
TABLES = (*DELIMITED, *NDJSON, *PARQUET, *EXCEL)


@dataclass(frozen=True)
class Part:
    """A stretch of rows of one input: the unit of work, of resuming and of a cluster's task.

    `index` counts over all inputs in order and is the same for the same inputs and rows per part. `first_row` counts
    the rows of the file (or the files of a folder) from 0. A part can be pickled; one of an Excel file carries its rows.
    """

    index: int
    file: str
    first_row: int
    rows: int | None
    load: Callable[[], Raw] = field(repr=False)

    def read(self) -> Raw:
        """The rows as they stand in the file. `InputError` if it cannot be read any more."""
        return self.load()


@dataclass(frozen=True)
class Inputs:
    """All inputs of a run, opened: what their first lines or footers say has been read, their rows have not."""

    sources: tuple[Source, ...]
    rows_per_part: int
    mapping: Mapping | None = None

    def check(self, rulebase: Rulebase) -> None:
        """Refuse columns that are neither facts nor special: `ProblemsError` with all of them, before any work."""
        problems: list[Problem] = []
        for source in self.sources:
            try:
                check_columns(source.columns or (), source.file, rulebase, self.mapping)
            except ProblemsError as error:
                problems += error.problems
        if problems:
            raise ProblemsError(problems)

    def parts(self) -> Iterator[Part]:
        """The parts in order. Of text files the lines are counted along the way."""
        index = 0
        for source in self.sources:
            for chunk in source.chunks(self.rows_per_part):
                yield Part(index, source.file, chunk.first_row, chunk.rows, chunk.load)
                index += 1

    @property
    def total(self) -> int | None:
        """The number of rows; None where only reading a text file would tell."""
        counts = [source.total for source in self.sources]
        return None if None in counts else sum(count for count in counts if count is not None)

    @property
    def bytes(self) -> int:
        """The size of all files in bytes."""
        return sum(path.stat().st_size for source in self.sources for path in _files(source))

    def describe(self) -> list[dict[str, Any]]:
        """Path, size in bytes and SHA-256 of each input, for the record. All files are read to the end for it.

        A folder of case files is one entry; its hash is of the sorted lines `NAME SHA-256` of its files.
        """
        return [_described(source) for source in self.sources]


def open_inputs(paths: Sequence[Path | str], *, rows_per_part: int, mapping: Mapping | None = None) -> Inputs:
    """Open tables and folders for reading by parts of at most so many rows.

    A path is a file, a folder (of case files, or of tables such as the part files of a Parquet data set), a pattern
    with `*`, or `file.xlsx#Sheet`. `InputError` if one cannot be used; nothing is judged yet.
    """
    if rows_per_part < 1:
        raise InputError(f"{rows_per_part} rows per part are too few. Give at least 1.")
    mapping = mapping or Mapping()
    sources: list[Source] = []
    for given in paths:
        sources += [_identified(source, mapping) for source in _sources(str(given), mapping)]
    if not sources:
        raise InputError("There is nothing to read. Give a table, a folder of case files or a pattern.")
    files = [str(Path(source.file).absolute()) for source in sources]
    twice = sorted({file for file in files if files.count(file) > 1}) if len(set(files)) < len(files) else []
    if twice:
        raise InputError(f"These inputs are given twice: {', '.join(twice)}. Give each once.")
    return Inputs(tuple(sources), rows_per_part, mapping)


def _identified(source: Source, mapping: Mapping) -> Source:
    """The source, told whether one of its columns holds case ids."""
    if source.columns is None:
        return source
    ids = "case" in {mapping.target(column) for column in source.columns}
    return cast(Source, replace(cast(Any, source), identified=ids))


def _sources(given: str, mapping: Mapping) -> list[Source]:
    path = Path(given)
    if path.is_dir():
        return _folder(path, mapping)
    if path.exists():
        return [_file(given, mapping)]
    if has_magic(given):
        found = sorted(name for name in glob(given, recursive=True) if not _hidden(Path(Path(name).name)))
        if not found:
            raise InputError(f"No file is named like {given}. Put the pattern in quotes, and check the folder.")
        return [source for name in found for source in _sources(name, mapping)]
    if "#" in given and Path(given.rpartition("#")[0]).suffix.lower() in EXCEL:
        return [_file(given, mapping)]
    raise InputError(f"There is no file or folder {given}.")


def _file(given: str, mapping: Mapping) -> Source:
    suffix = Path(given.rpartition("#")[0] or given).suffix.lower()
    if suffix in DELIMITED:
        from imgrules.batch.delimited import open_delimited

        return _opened(open_delimited, given)
    if suffix in PARQUET:
        from imgrules.batch.parquet import open_parquet

        return _opened(open_parquet, given)
    if suffix in NDJSON:
        from imgrules.batch.documents import open_ndjson

        return _opened(partial(open_ndjson, mapping=mapping), given)
    if suffix in EXCEL:
        from imgrules.batch.excel import open_excel

        return _opened(open_excel, given)
    if suffix in CASE_FILES:
        from imgrules.batch.documents import CaseFiles

        return CaseFiles(given, (given,))
    raise InputError(f"{given} is no table that can be read. Give {', '.join(TABLES)}, or a folder of case files.")


def _opened(open_: Callable[[str], Source], given: str) -> Source:
    try:
        return open_(given)
    except OSError as error:
        raise InputError(f"{given} cannot be read: {error.strerror or error}.") from None


def _folder(folder: Path, mapping: Mapping) -> list[Source]:
    """What a folder holds, in the order of the names: tables, or case files, never both."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not _hidden(p.relative_to(folder)))
    tables = [p for p in files if p.suffix.lower() in TABLES]
    cases = [p for p in files if p.suffix.lower() in CASE_FILES]
    if tables and cases:
        raise InputError(f"{folder} holds both tables ({tables[0].name}) and case files ({cases[0].name}). Part them.")
    if not tables and not cases:
        raise InputError(f"{folder} holds no tables and no case files ({', '.join((*TABLES, *CASE_FILES))}).")
    for table in tables:
        keyed = [part for part in table.relative_to(folder).parts[:-1] if "=" in part]
        if keyed:
            fix = "Write the table anew without partitions by column."
            raise InputError(f"{folder} keeps a column in the name of a folder ({keyed[0]}), which is not read. {fix}")
    if cases:
        from imgrules.batch.documents import CaseFiles

        return [CaseFiles(str(folder), tuple(map(str, cases)))]
    return [_file(str(p), mapping) for p in tables]


def _hidden(path: Path) -> bool:
    return any(part[:1] in "._" and part not in (".", "..") for part in path.parts)


def _files(source: Source) -> list[Path]:
    if source.paths is not None:
        return [Path(path) for path in source.paths]
    path = Path(source.file)
    return [path if path.exists() else Path(source.file.rpartition("#")[0])]


def _described(source: Source) -> dict[str, Any]:
    files = _files(source)
    size = sum(path.stat().st_size for path in files)
    if source.paths is None or source.paths == (source.file,):
        return {"path": source.file, "size": size, "sha256": _sha256(files[0])}
    names = sorted((path.relative_to(source.file).as_posix(), path) for path in files)
    lines = "".join(f"{name} {_sha256(path)}\n" for name, path in names)
    return {"path": source.file, "size": size, "sha256": hashlib.sha256(lines.encode()).hexdigest()}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
