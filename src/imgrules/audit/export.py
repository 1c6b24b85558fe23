"""Records as lines of JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any, TextIO

from imgrules.audit.record import Record

HEAD = (
    "number", "id", "at", "kind", "who", "tool", "rulebase", "as_of", "case", "jurisdictions", "erased", "note", "proof", "leaf",
)  # fmt: skip
BODY = ("facts", "outcomes", "routes")


def line(record: Record) -> dict[str, Any]:
    """What `list` shows of a record: everything but facts, outcomes and statuses."""
    return record.model_dump(mode="json", include=set(HEAD))


def heads_csv(records: Iterable[Record]) -> str:
    """The same as CSV."""
    text = io.StringIO()
    _write_csv(records, text, HEAD)
    return text.getvalue()


def write(records: Iterable[Record], stream: TextIO, as_csv: bool) -> int:
    """Whole records: a JSON object a line, or CSV with facts, outcomes and statuses as JSON; how many."""
    if as_csv:
        return _write_csv(records, stream, (*HEAD, *BODY))
    count = 0
    for record in records:
        stream.write(record.model_dump_json() + "\n")
        count += 1
    return count


def _write_csv(records: Iterable[Record], stream: TextIO, columns: tuple[str, ...]) -> int:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for record in records:
        whole = record.model_dump(mode="json", include=set(columns))
        writer.writerow([_cell(whole[name]) for name in columns])
        count += 1
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    return value
