"""CSV and its cousins (semicolons, tabs): split exactly, each row with its physical line, nothing dropped.

Lines without a quote, nearly all, are only counted here and split by Polars. Lines with one are split by Python's
`csv`, which also says where a record with line breaks in it ends.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from imgrules.batch.raw import Chunk, Raw, Reject, error
from imgrules.errors import InputError, Problem

if TYPE_CHECKING:
    import polars as pl

DELIMITERS = (",", ";", "\t")
_BOM = b"\xef\xbb\xbf"
_HEADER_BYTES = 1_000_000
_SAVE_AS = "Save the file as CSV in UTF-8."


class Record(NamedTuple):
    """One record: its bytes, the physical lines it takes, and its fields where it has quotes (None: not split yet)."""

    data: bytes
    lines: int
    fields: list[str] | None
    broken: bool = False


@dataclass(frozen=True)
class Delimited:
    """A delimited text file whose header has been read. `start` is the offset of the line after it."""

    file: str
    delimiter: str
    columns: tuple[str, ...]
    start: int
    first_line: int
    identified: bool = True
    total: int | None = None
    paths: None = None

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Stretches of so many rows, by byte range: each can be read by itself."""
        with open(self.file, "rb") as stream:
            stream.seek(self.start)
            offset, line, row = self.start, self.first_line, 0
            begin, count = (offset, line, row), 0
            for record in split_records(stream, self.delimiter, len(self.columns)):
                offset += len(record.data)
                line += record.lines
                if not record.data.strip(b"\r\n"):
                    continue
                row += 1
                count += 1
                if count == rows:
                    yield Chunk(begin[2], count, partial(self._read, begin[0], offset - begin[0], begin[1], begin[2]))
                    begin, count = (offset, line, row), 0
            if count:
                yield Chunk(begin[2], count, partial(self._read, begin[0], offset - begin[0], begin[1], begin[2]))

    def _read(self, offset: int, size: int, line: int, row: int) -> Raw:
        with open(self.file, "rb") as stream:
            stream.seek(offset)
            data = stream.read(size)
        return _Splitter(self, _is_utf8(data)).split(data, line, row)


def open_delimited(path: Path | str) -> Delimited:
    """Read the header of a delimited file: `InputError` if there is none or it is not UTF-8 text.

    The delimiter is the one of comma, semicolon and tab that splits the header into the most columns.
    """
    with open(path, "rb") as stream:
        head = stream.read(_HEADER_BYTES)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path} is UTF-16 text. {_SAVE_AS}")
    start = len(_BOM) if head.startswith(_BOM) else 0
    best: tuple[list[str], int, int, str] = ([], 0, 0, ",")
    for delimiter in DELIMITERS:
        offset, line = start, 1
        for record in split_records(io.BytesIO(head[start:]), delimiter, None):
            offset += len(record.data)
            line += record.lines
            if record.data.strip(b"\r\n"):
                names = _header(record, delimiter, path)
                if len(names) > len(best[0]):
                    best = (names, offset, line, delimiter)
                break
    names, offset, line, delimiter = best
    if not names:
        raise InputError(f"{path} is empty. Its first line must name the columns.")
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(f"{path} has more than one column {', '.join(n or '(no name)' for n in doubled)}.")
    return Delimited(str(path), delimiter, tuple(names), offset, line)


def _header(record: Record, delimiter: str, path: Path | str) -> list[str]:
    try:
        text = record.data.decode().strip("\r\n")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text. {_SAVE_AS}") from None
    if "\r" in text and record.fields is None:
        raise InputError(f"{path} ends its lines in a way that went out of use (CR alone). {_SAVE_AS}")
    return [name.strip() for name in record.fields or text.split(delimiter)]


def split_records(lines: Iterable[bytes], delimiter: str, columns: int | None) -> Iterator[Record]:
    """The records of lines ended by LF or CRLF; blank lines come as records too.

    A quote opens a field only at its start. Where quotes do not close as they should, or a record over several lines
    has not the right number of fields, its first line alone is given as broken, and reading goes on at the next line.
    """
    ahead: deque[bytes] = deque()
    source = iter(lines)
    while True:
        line = ahead.popleft() if ahead else next(source, b"")
        if not line:
            return
        if b'"' not in line:
            yield Record(line, 1, None)
            continue
        taken: list[bytes] = []
        fields = _quoted(line, ahead, source, taken, delimiter)
        if fields is None or (len(taken) > 1 and columns is not None and len(fields) != columns):
            ahead.extendleft(reversed(taken[1:]))
            yield Record(line, 1, None, broken=True)
        else:
            yield Record(b"".join(taken), len(taken), fields)


def _quoted(
    line: bytes, ahead: deque[bytes], source: Iterator[bytes], taken: list[bytes], delimiter: str
) -> list[str] | None:
    """The fields of a record that starts on this line, None if its quotes are wrong; `taken` gets its lines."""

    def feed() -> Iterator[str]:
        more = line
        while more:
            taken.append(more)
            yield more.decode(errors="surrogateescape")
            more = ahead.popleft() if ahead else next(source, b"")

    try:
        return next(csv.reader(feed(), delimiter=delimiter, strict=True))
    except csv.Error:
        return None


def _is_utf8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


class _Splitter:
    """Splits one stretch of a file into a table and the rows that do not fit it."""

    def __init__(self, source: Delimited, utf8: bool) -> None:
        self.source = source
        self.utf8 = utf8
        self.rejects: list[Reject] = []
        self.plain: list[bytes] = []
        self.plain_at: list[int] = []
        self.quoted: list[list[str]] = []
        self.quoted_at: list[int] = []

    def split(self, data: bytes, line: int, row: int) -> Raw:
        source = self.source
        places: list[tuple[int, int]] = []
        width, mark = len(source.columns), source.delimiter.encode()
        for record in split_records(io.BytesIO(data), source.delimiter, width):
            text = record.data.rstrip(b"\r\n")
            if text:
                found = len(record.fields) if record.fields is not None else text.count(mark) + 1
                if record.broken or found != width or not (self.utf8 or _is_utf8(text)):
                    self._reject(record, found, line, row)
                else:
                    self._keep(text, record.fields, len(places))
                    places.append((line, row))
                row += 1
            line += record.lines
        return Raw(
            self._table(), [at for at, _ in places], self.rejects, source.file, [at for _, at in places],
            identified=source.identified,
        )  # fmt: skip

    def _keep(self, text: bytes, fields: list[str] | None, at: int) -> None:
        if fields is not None:
            bare = self.source.delimiter.join(fields)
            if bare.count(self.source.delimiter) != len(fields) - 1 or "\n" in bare or "\r" in bare:
                self.quoted.append(fields)
                self.quoted_at.append(at)
                return
            text = bare.encode()  # its quotes were not needed
        self.plain.append(text)
        self.plain_at.append(at)

    def _reject(self, record: Record, found: int, line: int, row: int) -> None:
        width = len(self.source.columns)
        if not _is_utf8(record.data):
            problem = Problem("T002", "The row is not UTF-8 text.", _SAVE_AS)
        elif record.broken:
            fix = 'Put a text in quotes whole, and write a quote within it twice: "5"" tall".'
            problem = Problem("T003", "A quoted text is not closed, or something follows the closing quote.", fix)
        else:
            fix = "Put a text that holds the delimiter in quotes, and leave no column out: unknown is empty."
            problem = Problem("T001", f"The row has {found} fields and the header has {width}.", fix)
        text = record.data.decode(errors="backslashreplace").removesuffix("\n").removesuffix("\r")
        self.rejects.append(Reject(self.source.file, row, line, None, text, [error(problem)]))

    def _table(self) -> pl.DataFrame:
        import polars as pl

        schema = dict.fromkeys(self.source.columns, pl.String)
        table = pl.DataFrame(schema=schema)
        if self.plain:
            text = b"\n".join(self.plain) + b"\n"
            mark = self.source.delimiter
            table = pl.read_csv(text, has_header=False, separator=mark, quote_char=None, schema=schema)
        if not self.quoted:
            return table
        columns = zip(self.source.columns, zip(*self.quoted, strict=True), strict=True)
        quoted = pl.DataFrame({n: pl.Series(n, c, dtype=pl.String).replace("", None) for n, c in columns})
        order = pl.Series([*self.plain_at, *self.quoted_at]).arg_sort()
        return pl.concat([table, quoted])[order]
