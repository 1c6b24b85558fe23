"""Inputs whose rows are documents: NDJSON, one object a line, and case files, one a file.

Both become a table with a column for each dotted name. What a name means is judged later, with the rulebase; a row
whose shape only the reader of case files can judge is marked as odd.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from imgrules.assessment.case import MAX_BYTES, CaseFile
from imgrules.batch.cells import not_a_number
from imgrules.batch.mapping import SPECIAL, Mapping
from imgrules.batch.plainyaml import NotPlain, read_plain
from imgrules.batch.raw import Chunk, Documents, Raw, Reject, error
from imgrules.errors import InputError, Problem
from imgrules.rulebase.document import read_document

_BOM = b"\xef\xbb\xbf"
_ASIDE = frozenset({"about", "pins", "expect"})  # keys of a case file that say nothing to a batch
_BLOCK = 64  # rows turned into columns at a time: few enough to stay in the processor's cache
_NATIVE: dict[type, Any] = {str: pl.String, bool: pl.Boolean, int: pl.Int64, date: pl.Date}


class Flattened:
    """Rows under construction: cells by dotted name after the mapping, and the rows that need a closer look."""

    def __init__(self, mapping: Mapping | None = None) -> None:
        self.mapping = mapping
        self.rows: list[dict[str, Any]] = []
        self.odd: set[int] = set()

    def add(self, special: dict[str, Any], facts: dict[str, Any]) -> None:
        """One row: special cells as they are, facts nested or dotted."""
        flat = facts
        if dict in map(type, facts.values()):
            flat = {}
            self._nest(facts, "", flat)
        if not flat.keys().isdisjoint(SPECIAL):
            self.odd.add(len(self.rows))
        row = {**flat, **special}
        self.rows.append(self._renamed(row) if self.mapping else row)

    def _renamed(self, row: dict[str, Any]) -> dict[str, Any]:
        assert self.mapping is not None
        found: dict[str, Any] = {}
        for name, value in row.items():
            target = self.mapping.target(name)
            if target in found:
                self.odd.add(len(self.rows))
            elif target is not None:
                found[target] = value
        return found

    def _nest(self, data: dict[str, Any], prefix: str, flat: dict[str, Any]) -> None:
        for key, value in data.items():
            name = prefix + key
            if type(value) is dict and value:
                self._nest(value, f"{name}.", flat)
            elif type(value) is dict or name in flat:
                self.odd.add(len(self.rows))
            else:
                flat[name] = value

    @property
    def nulls(self) -> frozenset[str]:
        """The names that a row gives as null."""
        return frozenset(n for row in self.rows if None in row.values() for n, value in row.items() if value is None)

    def table(self) -> tuple[pl.DataFrame, frozenset[str]]:
        """The table, and which of its columns hold JSON texts because their cells are of several types."""
        names: dict[str, Any] = {"case": None}
        for row in self.rows:
            names.update(row)
        columns: dict[str, list[Any]] = {name: [] for name in names}
        for first in range(0, len(self.rows), _BLOCK):
            block = self.rows[first : first + _BLOCK]
            for name, cells in columns.items():
                cells += [row.get(name) for row in block]
        series, coded = as_series(columns)
        return pl.DataFrame(series), coded


def as_series(columns: dict[str, list[Any]]) -> tuple[list[pl.Series], frozenset[str]]:
    """Columns of Python values, and the names of those that became JSON texts because their cells are of several types."""
    found, coded = [], set()
    for name, cells in columns.items():
        kinds = set(map(type, cells)) - {type(None)}
        series = _native(name, cells, kinds.pop() if kinds else str) if len(kinds) < 2 else None
        if series is None:
            coded.add(name)
            series = pl.Series(name, _coded(cells), dtype=pl.String)
        found.append(series)
    return found, frozenset(coded)


def _native(name: str, cells: list[Any], kind: type) -> pl.Series | None:
    if kind not in _NATIVE:
        return None
    try:
        return pl.Series(name, cells, dtype=_NATIVE[kind], strict=True)
    except (OverflowError, TypeError):  # an integer beyond 64 bits
        return None


def _coded(cells: list[Any]) -> list[str | None]:
    seen: dict[Any, str] = {}
    texts: list[str | None] = []
    for cell in cells:
        if cell is None:
            texts.append(None)
        elif isinstance(cell, list | dict):
            texts.append(json.dumps(cell, default=str))
        else:
            key = (type(cell), cell)
            if key not in seen:
                seen[key] = str(cell) if isinstance(cell, Decimal) else json.dumps(cell, default=str)
            texts.append(seen[key])
    return texts


@dataclass(frozen=True)
class Ndjson:
    """A file of JSON objects, one a line. `columns` are the names that the first line gives a value to."""

    file: str
    start: int
    columns: tuple[str, ...]
    identified: bool = True
    mapping: Mapping | None = None
    total: int | None = None
    paths: None = None

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Stretches of so many rows, by byte range; blank lines are no rows."""
        with open(self.file, "rb") as stream:
            stream.seek(self.start)
            offset, row, count = self.start, 0, 0
            begin = (offset, 1, 0)
            for number, line in enumerate(stream, 1):
                offset += len(line)
                if not line.strip():
                    continue
                row += 1
                count += 1
                if count == rows:
                    yield Chunk(begin[2], count, partial(self._read, begin[0], offset - begin[0], *begin[1:]))
                    begin, count = (offset, number + 1, row), 0
            if count:
                yield Chunk(begin[2], count, partial(self._read, begin[0], offset - begin[0], *begin[1:]))

    def _read(self, offset: int, size: int, line: int, row: int) -> Raw:
        with open(self.file, "rb") as stream:
            stream.seek(offset)
            data = stream.read(size)
        flat, rejects = Flattened(self.mapping), []
        places, texts = [], []
        for number, data_line in enumerate(data.split(b"\n"), line):
            if not data_line.strip():
                continue
            text = data_line.decode(errors="backslashreplace").removesuffix("\r")
            try:
                cells, facts = _parts_of(parse_line(data_line))
            except BadLine as bad:
                rejects.append(Reject(self.file, row, number, None, text, [error(bad.problem)]))
            else:
                flat.add(cells, facts)
                places.append((number, row))
                texts.append(text)
            row += 1
        table, coded = flat.table()
        documents = Documents(texts, frozenset(flat.odd), flat.nulls)
        lines, rows = [at for at, _ in places], [at for _, at in places]
        return Raw(table, lines, rejects, self.file, rows, coded, self.identified, documents)


def open_ndjson(path: str, mapping: Mapping | None = None) -> Ndjson:
    """Look at the first line of a file of JSON objects. It need not be a good one: then no columns are known."""
    with open(path, "rb") as stream:
        head = stream.read(len(_BOM))
        start = len(_BOM) if head == _BOM else 0
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise InputError(f"{path} is UTF-16 text. Save the file in UTF-8.")
        stream.seek(start)
        first = next((line for line in stream if line.strip()), b"")
    if not first:
        raise InputError(f"{path} is empty. It must hold one JSON object on each line.")
    flat = Flattened()
    try:
        cells, facts = _parts_of(parse_line(first))
    except BadLine:
        return Ndjson(path, start, ("case",), mapping=mapping)
    flat.add(cells, facts)
    names = tuple(name for name, value in flat.rows[0].items() if value is not None)
    return Ndjson(path, start, names, mapping=mapping)


class BadLine(ValueError):
    """A line is no JSON object that can be read."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        self.problem = Problem(code, message, fix)
        super().__init__(message)


def parse_line(line: bytes) -> dict[str, Any]:
    """The object on a line of NDJSON; `BadLine` if it is none."""
    try:
        text = line.decode()
        data = json.loads(text, parse_float=Decimal, parse_constant=not_a_number, object_pairs_hook=_once)
        if "\\u" in text:
            json.dumps(data, ensure_ascii=False, default=str).encode()
    except BadLine:
        raise
    except UnicodeError:
        raise BadLine("T002", "The row is not UTF-8 text.", "Save the file in UTF-8.") from None
    except json.JSONDecodeError as wrong:
        message = f"The line is not valid JSON: {wrong.msg} at column {wrong.colno}."
        raise BadLine("T004", message, "Write one JSON object on each line.") from None
    except RecursionError:
        raise BadLine("T004", "The line nests too deep.", "Write facts by their dotted names.") from None
    except ValueError:
        raise BadLine("T004", "A number on the line has thousands of digits.", "Check the numbers.") from None
    if not isinstance(data, dict):
        raise BadLine("T004", "The line is not a JSON object.", 'Write {"case": ..., "facts": {...}} on each line.')
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadLine("T004", f"The key {twice} stands twice in one object.", "Keep one of them.")
    return found


def _parts_of(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Special cells and facts. A line is a case file, with facts under `facts`, or a row of a table, with facts beside `case`."""
    special = {name: data[name] for name in SPECIAL if name in data}
    if "facts" not in data:
        return special, {name: value for name, value in data.items() if name not in special}
    facts = {} if data["facts"] is None else data["facts"]
    beside = [name for name in data if name not in special and name not in _ASIDE and name != "facts"]
    if beside or not isinstance(facts, dict):
        what = f"The key {beside[0]} stands beside facts" if beside else "What stands under facts is not an object"
        raise BadLine("T004", f"{what}.", "Put all facts under facts, or all beside case.")
    return special, facts


@dataclass(frozen=True)
class CaseFiles:
    """A folder of case files, or one case file."""

    file: str
    paths: tuple[str, ...]
    columns: None = None

    @property
    def total(self) -> int:
        """The number of files."""
        return len(self.paths)

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Stretches of so many files."""
        for first in range(0, len(self.paths), rows):
            paths = self.paths[first : first + rows]
            yield Chunk(first, len(paths), partial(read_case_files, self.file, paths, first))


def read_case_files(file: str, paths: Sequence[str], first: int) -> Raw:
    """Case files as rows. What cannot be opened is rejected; what is no case file is left for its reader to refuse."""
    flat, rejects, rows, texts, files = Flattened(), [], [], [], []
    for row, path in enumerate(paths, first):
        try:
            text = case_file_text(path)
        except InputError as wrong:
            fix = "A case file is YAML or JSON text in UTF-8."
            whole = Path(path).read_bytes().decode(errors="backslashreplace") if Path(path).is_file() else ""
            rejects.append(Reject(path, row, None, None, whole, [error(Problem("T006", str(wrong), fix))]))
            continue
        case = _case_file(text)
        if case is None:
            flat.odd.add(len(flat.rows))
            flat.add({}, {})
        else:
            flat.add({"case": case.case, "as_of": case.as_of, "jurisdictions": case.jurisdictions or None}, case.facts)
        rows.append(row)
        texts.append(text)
        files.append(path)
    table, coded = flat.table()
    documents = Documents(texts, frozenset(flat.odd), flat.nulls, files)
    return Raw(table, [1] * len(rows), rejects, file, rows, coded, True, documents)


def case_file_text(path: str) -> str:
    """The text of a case file; `InputError` as `read_case` raises it."""
    try:
        data = Path(path).read_bytes()
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text. Save it as UTF-8, as YAML or JSON.") from None
    except OSError as wrong:
        raise InputError(f"{path} cannot be read: {wrong.strerror or wrong}.") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} is larger than a case file can be ({MAX_BYTES:,} bytes). Is it the right file?")
    return text


def _case_file(text: str) -> CaseFile | None:
    """What a case file holds; None if it is none."""
    try:
        data = read_plain(text)
    except NotPlain:
        document = read_document(text, "")
        if document.problems:
            return None
        data = document.data
    try:
        return CaseFile.model_validate(data)
    except ValidationError:
        return None
