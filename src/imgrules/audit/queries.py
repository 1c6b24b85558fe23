"""Which records are wanted, and how they are read: in pages, so that a slow reader holds nothing up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from imgrules.audit import tables
from imgrules.audit.record import Record
from imgrules.audit.store import Store

_PAGE = 500


def rows_to_open() -> Select[Any]:
    """Records with what opens them."""
    records, case_keys, texts = tables.records, tables.case_keys, tables.texts
    return (
        select(records, case_keys.c.lookup, case_keys.c.wrapped, texts.c.version)
        .outerjoin(case_keys, case_keys.c.token == records.c.subject)
        .outerjoin(texts, texts.c.digest == records.c.rules)
    )


def wanted(
    lookup: bytes | None, since: date | None, until: date | None, rulebase: str | None
) -> list[ColumnElement[bool]]:
    """The conditions of filters on what is readable: a case's lookup, days or moments (both included), rules."""
    records, case_keys = tables.records, tables.case_keys
    where: list[ColumnElement[bool]] = []
    if lookup is not None:
        token = select(case_keys.c.token).where(case_keys.c.lookup == lookup).scalar_subquery()
        where.append(records.c.subject == token)
    if since is not None:  # ids begin with the time
        where.append(records.c.id >= milliseconds(since, 0).to_bytes(6) + bytes(10))
    if until is not None:
        where.append(records.c.id < milliseconds(until, 1).to_bytes(6) + bytes(10))
    if rulebase is not None:
        where.append(tables.texts.c.version == rulebase)
    return where


def pages(store: Store, query: Select[Any], backwards: bool) -> Iterator[Any]:
    """Rows in order, a page at a time."""
    number = tables.records.c.number
    page = rest = query.order_by(number.desc() if backwards else number).limit(_PAGE)
    rows: Sequence[Any] = [None] * _PAGE
    while len(rows) == _PAGE:
        with store.reading() as connection:
            rows = connection.execute(rest).all()
        yield from rows
        if rows:
            last = rows[-1].number
            rest = page.where(number < last if backwards else number > last)


def fits(record: Record, route: str | None, status: str | None) -> bool:
    """Whether a route has a status in the record (that `status`, if given), or any route has it."""
    if route is not None:
        found = record.routes.get(route)
        return found is not None and (status is None or found == status)
    return status is None or status in record.routes.values()


def milliseconds(moment: date, after: int) -> int:
    """A moment in milliseconds since 1970; a day's begin or, `after` it, the next one's."""
    if isinstance(moment, datetime):
        known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0, int(known.timestamp() * 1000) + after)
    start = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return max(0, (int(start.timestamp()) + 86_400 * after) * 1000)
