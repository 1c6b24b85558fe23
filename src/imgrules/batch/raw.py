"""Rows as they stand in an input, and the rows that are handed back with what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from imgrules.errors import Problem

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Reject:
    """A row that is not judged, whole, with everything that is wrong with it.

    `row` counts the rows of the file from 0; `line` is the place a person would look at: the physical line of a text
    file, the row of a sheet, the number of a Parquet row counted from 1. `raw` is the row by column, or its text.
    Each error has `code`, `message` and `fix`, and `line` where it has a line of its own (case files).
    """

    file: str
    row: int
    line: int | None
    case: str | None
    raw: dict[str, Any] | str
    errors: list[dict[str, Any]]


@dataclass(frozen=True)
class Documents:
    """What rows need that were documents, nested as they liked, before they became a table.

    `texts` are the documents whole. Rows in `odd` have a shape that only the one-at-a-time reader can judge. `nulls`
    are the names given a null somewhere, which a table cannot tell from names not given. `files` are the paths of case
    files, whose values are taken exactly as they stand.
    """

    texts: Sequence[str]
    odd: frozenset[int]
    nulls: frozenset[str]
    files: Sequence[str] | None = None


@dataclass
class Raw:
    """A stretch of rows of one file as read, nothing judged yet.

    `table` has one column for each column of the input, of text or typed as the file has it. `lines` and `rows` say
    for each of its rows what `Reject.line` and `Reject.row` say. `rejects` are the rows that could not be split into
    columns. Cells of the columns in `coded` are JSON texts, because the input mixes types in them. `identified`: the
    input has case ids, so a row without one is an error.
    """

    table: pl.DataFrame
    lines: Sequence[int]
    rejects: list[Reject]
    file: str = ""
    rows: Sequence[int] = ()
    coded: frozenset[str] = frozenset()
    identified: bool = True
    documents: Documents | None = field(default=None, repr=False)

    @property
    def exact(self) -> bool:
        """Whether values are those of case files, to be taken as they stand."""
        return self.documents is not None and self.documents.files is not None

    def file_of(self, row: int) -> str:
        """The file that a row of the table stands in: of a folder, the case file."""
        return self.documents.files[row] if self.documents is not None and self.documents.files else self.file

    def cells(self, row: int) -> dict[str, Any] | str:
        """A row of the table whole, in values that JSON can write."""
        if self.documents is not None:
            return self.documents.texts[row]
        import json

        found = self.table.row(row, named=True)
        return {k: json.loads(v) if k in self.coded and v is not None else plain_cell(v) for k, v in found.items()}


def plain_cell(cell: Any) -> Any:
    """A cell as JSON writes it: days and times in ISO form, decimals as text, bytes as hexadecimal."""
    if isinstance(cell, date | datetime | time):
        return cell.isoformat()
    if isinstance(cell, list):
        return [plain_cell(member) for member in cell]
    if isinstance(cell, dict):
        return {key: plain_cell(value) for key, value in cell.items()}
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, Decimal) or (isinstance(cell, float) and cell - cell != 0):
        return str(cell)
    return cell if cell is None or isinstance(cell, str | int | float | bool) else str(cell)


def error(problem: Problem) -> dict[str, Any]:
    """A problem as a reject carries it."""
    found: dict[str, Any] = {"code": problem.code, "message": problem.message, "fix": problem.fix}
    return {**found, "line": problem.line} if problem.file and problem.line > 1 else found


@dataclass(frozen=True)
class Chunk:
    """A stretch of rows of one file before it is numbered among all inputs; `load` reads it and can be pickled."""

    first_row: int
    rows: int | None
    load: Callable[[], Raw] = field(repr=False)


class Source(Protocol):
    """One input: a file, or a folder of case files."""

    @property
    def file(self) -> str: ...
    @property
    def columns(self) -> Sequence[str] | None:
        """The columns' names where the input says them before its rows."""

    @property
    def paths(self) -> Sequence[str] | None:
        """The case files of a folder; None for a table."""

    @property
    def total(self) -> int | None:
        """The number of rows where it is known without reading them."""

    def chunks(self, rows: int) -> Iterator[Chunk]: ...
