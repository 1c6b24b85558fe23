"""An empty table with a column for every fact, and the data dictionary that explains its columns."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Literal

import polars as pl

from imgrules.batch.mapping import SPECIAL
from imgrules.errors import InputError
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import DECIMAL_PLACES, ValueType

Kind = Literal["csv", "parquet"]
FIELDS = ("column", "type", "unit", "range", "allowed", "question", "group")
_LABELLED = 60  # more values than these are listed by their codes alone
_DTYPES: dict[str, Any] = {
    "bool": pl.Boolean,
    "int": pl.Int64,
    "decimal": pl.Decimal(18, DECIMAL_PLACES),
    "date": pl.Date,
    "set": pl.List(pl.String),
}
_WRITTEN = {"bool": "true or false", "date": "a day such as 2026-11-22", "int": "a whole number", "decimal": "a number"}
_ABOUT_SPECIAL = {
    "case": ("text", "An id for the applicant, different in every row."),
    "as_of": ("date", "On what day is the applicant judged? The day of the run if empty."),
    "jurisdictions": ("set of jurisdiction", "Which states and territories does the applicant aim at?"),
}


def template(kind: Kind, rulebase: Rulebase) -> bytes:
    """The empty table as a file: CSV with its header, or Parquet with typed columns."""
    schema: dict[str, Any] = {"case": pl.String, "as_of": pl.Date, "jurisdictions": pl.List(pl.String)}
    schema |= {name: _DTYPES.get(rulebase.types[name].kind, pl.String) for name in rulebase.facts}
    if kind == "csv":
        return (",".join(schema) + "\n").encode()
    stream = io.BytesIO()
    pl.DataFrame(schema=schema).write_parquet(stream)
    return stream.getvalue()


def data_dictionary(rulebase: Rulebase) -> str:
    """What each column means, as CSV text: its type, unit, range, allowed values, question and group."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FIELDS)
    codes = ValueType("jurisdiction", codes=rulebase.jurisdiction_names)
    for name in SPECIAL:
        type_, question = _ABOUT_SPECIAL[name]
        allowed = {"as_of": _WRITTEN["date"], "jurisdictions": _allowed(codes)}.get(name, "")
        writer.writerow([name, type_, "", "", allowed, question, ""])
    for name, entry in rulebase.facts.items():
        fact = rulebase.types[name]
        bounds = " to ".join(map(str, entry.model.range or ()))
        kind = f"set of {fact.of}" if fact.kind == "set" else fact.kind
        group = name.partition(".")[0].replace("_", " ")
        writer.writerow([name, kind, fact.unit or "", bounds, _allowed(fact), entry.model.question, group])
    return stream.getvalue()


def _allowed(type_: ValueType) -> str:
    if type_.kind in _WRITTEN:
        return _WRITTEN[type_.kind]
    if len(type_.codes) > _LABELLED:
        return " ".join(type_.codes)
    return "; ".join(f"{code}: {label}" for code, label in type_.codes.items())


def write_template(kind: Kind, path: Path | str, rulebase: Rulebase) -> tuple[Path, Path]:
    """Write the empty table to `path` and the data dictionary beside it; gives both paths.

    The dictionary of `people.csv` is `people.columns.csv`. `InputError` if a file is there already or cannot be written.
    """
    table = Path(path)
    dictionary = table.with_name(f"{table.stem}.columns.csv")
    for target in (table, dictionary):
        if target.exists():
            raise InputError(f"{target} is there already. Move it away, or give another name.")
    try:
        table.write_bytes(template(kind, rulebase))
        dictionary.write_text(data_dictionary(rulebase), encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"{error.filename} cannot be written: {error.strerror}.") from None
    return table, dictionary
