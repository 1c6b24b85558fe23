"""What the log commits to: a record's header and the hash of what is sealed, as canonical JSON (RFC 8785).

The sealed bytes themselves say nothing without their case's key, so the entry, its hash and every proof stay valid
when the key is destroyed.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from imgrules.audit.merkle import Hash, leaf_hash

# For texts and whole numbers, and ASCII keys, Python's encoder writes what RFC 8785 asks for; a test compares.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_COUNTER_BITS = 12


class Row(NamedTuple):
    """A row of the table `records`, in the order of its columns."""

    number: int
    id: bytes
    who: str
    kind: str
    tool: str
    rules: bytes | None
    as_of: str | None
    subject: bytes
    sealed: bytes
    leaf: Hash


def entry_of(row: Any) -> bytes:
    """The canonical entry of a record, from its row."""
    return _entry(row.number, row.id, row.who, row.kind, row.tool, row.rules, row.as_of, row.subject, row.sealed)


def leaf_of(row: Any) -> Hash:
    """The hash by which the log holds a record, from its row."""
    return leaf_hash(entry_of(row))


def with_leaf(
    number: int, id: bytes, who: str, kind: str, tool: str, rules: bytes | None, as_of: str | None, subject: bytes, sealed: bytes
) -> Row:  # fmt: skip
    """A row with its leaf."""
    leaf = leaf_hash(_entry(number, id, who, kind, tool, rules, as_of, subject, sealed))
    return Row(number, id, who, kind, tool, rules, as_of, subject, sealed, leaf)


def _entry(
    number: int, id: bytes, who: str, kind: str, tool: str, rules: bytes | None, as_of: str | None, subject: bytes, sealed: bytes
) -> bytes:  # fmt: skip
    """Written out by hand, being the most frequent thing done here: keys in order, texts quoted as JSON does."""
    text = (
        f'{{"as_of":{_quoted(as_of)},"id":"{id.hex()}","kind":{_quoted(kind)},"number":{number:d},'
        f'"rules":{_quoted(rules.hex() if rules is not None else None)},"sealed":"{sha256(sealed).hexdigest()}",'
        f'"subject":"{subject.hex()}","tool":{_quoted(tool)},"who":{_quoted(who)}}}'
    )
    return text.encode()


@lru_cache(maxsize=4096)
def _quoted(text: str | None) -> str:
    return _CANONICAL.encode(text)


def canonical(value: Any) -> bytes:
    """Canonical JSON of texts, whole numbers, lists and mappings."""
    return _CANONICAL.encode(value).encode()


def new_ids(count: int, last: bytes | None, now: int) -> list[bytes]:
    """UUIDv7s for a moment (milliseconds since 1970), each greater than the one before and all greater than `last`."""
    start = now << _COUNTER_BITS
    if last is not None:
        start = max(start, (int.from_bytes(last[:6]) << _COUNTER_BITS | int.from_bytes(last[6:8]) & 0xFFF) + 1)
    random = os.urandom(8 * count)
    found = []
    for i in range(count):
        tick = start + i
        tail = random[8 * i : 8 * i + 8]
        head = (tick >> _COUNTER_BITS << 16 | 0x7000 | tick & 0xFFF).to_bytes(8)
        found.append(head + bytes((0x80 | tail[0] & 0x3F,)) + tail[1:])
    return found


def as_text(id: bytes) -> str:
    """An id as UUIDs are written."""
    text = id.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def time_of(id: bytes) -> datetime:
    """When a record was made."""
    return datetime.fromtimestamp(int.from_bytes(id[:6]) / 1000, UTC)
