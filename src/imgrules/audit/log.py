"""The log itself: records appended under one lock, with the tree above them and a signed head."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from imgrules._version import __version__
from imgrules.audit import tables
from imgrules.audit.checkpoint import Checkpoint, parse_checkpoint
from imgrules.audit.entry import Row, new_ids, time_of, with_leaf
from imgrules.audit.library import Library, Text
from imgrules.audit.merkle import Frontier
from imgrules.audit.opening import DAMAGED, Opened
from imgrules.audit.tree import TILE, StoredTree, extend, split
from imgrules.errors import InputError

_MANY = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """A record without its place in the log. Either `case` or, for an erasure, the case's token `subject` is given."""

    case: str | None
    who: str
    kind: str
    rules: bytes | None
    as_of: str | None
    data: bytes
    subject: bytes = b""


@dataclass
class State:
    """The head of the log within a transaction."""

    checkpoint: Checkpoint
    frontier: Frontier


class Log:
    """Appends to a ledger, and reads its state. Every call is within a transaction of the caller's."""

    def __init__(self, opened: Opened, library: Library) -> None:
        self._opened = opened
        self._library = library

    def append(
        self, connection: Connection, drafts: list[Draft], texts: Mapping[bytes, Text] | None = None
    ) -> list[Row]:
        """Add records to the log within a transaction that holds the lock."""
        state = self.state(connection)
        size = state.frontier.size
        last = connection.scalar(select(tables.records.c.id).where(tables.records.c.number == size)) if size else None
        now = time.time_ns() // 1_000_000
        ids = new_ids(len(drafts), last, now)
        case_keys = self._case_keys(connection, drafts, ids)
        vault = self._opened.vault
        rows = []
        for number, (id, draft) in enumerate(zip(ids, drafts, strict=True), size + 1):
            token, sealed = draft.subject, b""
            if draft.case is not None:
                token, case_key = case_keys[draft.case]
                sealed = vault.seal(case_key, id, draft.data)
            rows.append(
                with_leaf(number, id, draft.who, draft.kind, __version__, draft.rules, draft.as_of, token, sealed)
            )
        self._opened.store.insert_rows(connection, tables.records, rows)  # type: ignore[arg-type]  # a Row is a tuple
        leaves = [row.leaf for row in rows]
        extend(connection, size, leaves, self._opened.store.sqlite)
        state.frontier.extend(leaves)
        kept, chain = self._library.add(connection, texts or {}, state.checkpoint)
        self._advance(connection, state, kept, chain, ids[-1])
        return rows

    def _case_keys(
        self, connection: Connection, drafts: list[Draft], ids: list[bytes]
    ) -> dict[str, tuple[bytes, bytes]]:
        """The token and key of each case, made for those that are new."""
        vault, table = self._opened.vault, tables.case_keys
        found: dict[str, tuple[bytes, bytes]] = {}
        wanted = {vault.lookup(draft.case): draft.case for draft in drafts if draft.case is not None}
        lookups = list(wanted)
        for i in range(0, len(lookups), _MANY):
            for row in connection.execute(select(table).where(table.c.lookup.in_(lookups[i : i + _MANY]))):
                found[wanted[row.lookup]] = row.token, self._opened.unwrap(row.token, row.lookup, row.wrapped)
        new = [lookup for lookup, case in wanted.items() if case not in found]
        rows = []
        for lookup, token in zip(new, new_ids(len(new), None, int.from_bytes(ids[0][:6])), strict=True):
            key, wrapped = vault.new_key(token, lookup)
            found[wanted[lookup]] = token, key
            rows.append((token, lookup, wrapped))
        self._opened.store.insert_rows(connection, table, rows)
        return found

    def state(self, connection: Connection) -> State:
        """The head, checked: nothing is built upon a state that was not signed."""
        row = connection.execute(select(tables.head)).one_or_none()
        if row is None:
            raise InputError(DAMAGED.format(name=self._opened.name, what="its head is missing"))
        found = parse_checkpoint(row.note, f"The head of the ledger {self._opened.name}")
        frontier = Frontier(row.size, split(row.peaks))
        if not (
            found.origin == self._opened.origin
            and found.size == row.size
            and frontier.whole()
            and frontier.root == found.root
            and found.is_signed_by(self._opened.public_key)
        ):
            raise InputError(DAMAGED.format(name=self._opened.name, what="its head was changed"))
        return State(found, frontier)

    def _advance(self, connection: Connection, state: State, kept: int, chain: bytes, id: bytes) -> None:
        """Sign the new state, and keep its checkpoint wherever a tile was filled."""
        frontier = state.frontier
        made = Checkpoint(self._opened.origin, frontier.size, frontier.root, kept, chain, time_of(id)).signed(
            self._opened.signer
        )
        values = {"size": frontier.size, "peaks": b"".join(frontier.peaks), "note": made.text}
        connection.execute(update(tables.head).values(**values))
        if frontier.size // TILE > state.checkpoint.size // TILE:
            connection.execute(insert(tables.checkpoints).values(size=frontier.size, note=made.text))


def nodes(connection: Connection, state: State) -> Callable[[int, int], bytes]:
    """Nodes of the stored tree; the roots of its right edge are at hand."""
    tree = StoredTree(connection)
    edge: dict[tuple[int, int], bytes] = {}
    start = 0
    for level in reversed(range(state.frontier.size.bit_length())):
        if state.frontier.size >> level & 1:
            edge[level, start >> level] = state.frontier.peaks[len(edge)]
            start += 1 << level
    return lambda level, index: edge[level, index] if (level, index) in edge else tree.node(level, index)
