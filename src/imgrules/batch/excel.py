"""Excel workbooks, one sheet at a time, streamed. The first row that is not blank names the columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import openpyxl
import polars as pl

from imgrules.batch.documents import as_series
from imgrules.batch.raw import Chunk, Raw, Reject, error, plain_cell
from imgrules.errors import InputError, Problem, did_you_mean

# A formula whose result is not in the file would be read as an empty cell.
_NO_RESULT = re.compile(rb"(?:</f>|<f[^>]*/>)\s*(?:<v\s*/>|<v>\s*</v>|</c>)")
_OVERLAP = 1_000


@dataclass(frozen=True)
class Excel:
    """A sheet whose header has been read. `header` is the row of the sheet, counted from 1, that names the columns."""

    file: str
    path: str
    sheet: str
    columns: tuple[str, ...]
    header: int
    identified: bool = True
    total: None = None
    paths: None = None

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Stretches of so many rows. A sheet cannot be read from its middle, so each stretch carries its cells."""
        kept: list[tuple[int, list[Any]]] = []
        first = 0
        for number, cells in _rows(self.path, self.sheet):
            if number > self.header:
                kept.append((number, cells))
                if len(kept) == rows:
                    yield Chunk(first, rows, partial(_whole, self._raw(kept, first)))
                    kept, first = [], first + rows
        if kept:
            yield Chunk(first, len(kept), partial(_whole, self._raw(kept, first)))

    def _raw(self, kept: list[tuple[int, list[Any]]], first: int) -> Raw:
        width, rejects, good = len(self.columns), [], []
        for row, (number, cells) in enumerate(kept, first):
            if len(cells) > width:
                fix = "Name the column in the header, or clear the cells."
                problem = Problem("T001", f"The row has {len(cells)} cells and the header has {width}.", fix)
                text = "\t".join("" if cell is None else str(cell) for cell in cells)
                rejects.append(Reject(self.file, row, number, None, text, [error(problem)]))
            else:
                good.append((number, row, cells + [None] * (width - len(cells))))
        columns = list(zip(*(cells for _, _, cells in good), strict=True)) or [()] * width
        series, coded = as_series(dict(zip(self.columns, map(list, columns), strict=True)))
        lines, rows = [line for line, _, _ in good], [row for _, row, _ in good]
        return Raw(pl.DataFrame(series), lines, rejects, self.file, rows, coded, self.identified)


def _whole(raw: Raw) -> Raw:
    return raw


def open_excel(given: str) -> Excel:
    """Read the header of a sheet: the first, or the one after `#`. `InputError` if there is no such sheet or header."""
    path, _, sheet = (given, "", "") if Path(given).exists() else given.rpartition("#")
    try:
        book = openpyxl.load_workbook(path, read_only=True)
        names = book.sheetnames
        book.close()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except (BadZipFile, KeyError, ValueError, OSError) as wrong:
        raise InputError(f"{path} cannot be read as an Excel workbook: {wrong}. Save it as .xlsx.") from None
    if sheet and sheet not in names:
        hint = did_you_mean(sheet, names) or f"It has {', '.join(names)}."
        raise InputError(f"{path} has no sheet {sheet}. {hint}")
    _refuse_uncounted(path)
    sheet = sheet or names[0]
    for number, cells in _rows(path, sheet):
        columns = ["" if cell is None else str(cell).strip() for cell in cells]
        doubled = sorted({name for name in columns if columns.count(name) > 1})
        if doubled:
            raise InputError(f"{given} has more than one column {', '.join(n or '(no name)' for n in doubled)}.")
        return Excel(given, path, sheet, tuple(columns), number)
    raise InputError(f"{given} is empty. Its first row must name the columns.")


def _refuse_uncounted(path: str) -> None:
    with ZipFile(path) as book:
        for name in book.namelist():
            if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
                continue
            with book.open(name) as stream:
                tail = b""
                while block := stream.read(1 << 20):
                    if _NO_RESULT.search(tail + block):
                        raise InputError(
                            f"{path} has formulas whose results are not in the file. Open it in Excel and save it."
                        )
                    tail = block[-_OVERLAP:]


def _rows(path: str, sheet: str) -> Iterator[tuple[int, list[Any]]]:
    """Rows that are not blank: the row of the sheet, counted from 1, and its cells up to the last that is not empty."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        worksheet = book[sheet]
        worksheet.reset_dimensions()  # what the file says of its size may be wrong
        for number, cells in enumerate(worksheet.iter_rows(values_only=True), 1):
            found = [_cell(cell) for cell in cells]
            while found and found[-1] is None:
                found.pop()
            if found:
                yield number, found
    finally:
        book.close()


def _cell(cell: Any) -> Any:
    """A cell as it is shown: midnight is a day, numbers have the 15 digits that Excel keeps, blank text is empty."""
    if isinstance(cell, str):
        return cell if cell.strip() else None
    if isinstance(cell, float):
        return float(f"{cell:.15g}")
    if isinstance(cell, datetime):
        return cell.date() if cell.time() == time(0) else str(cell)
    return cell if cell is None or isinstance(cell, bool | int | date) else plain_cell(cell)
