"""Checks that a ledger is what was written: every record, the tree, the signatures, the kept texts, and the past.

Records are hashed again one by one and compared with the leaf beside them, with the tile above them and, through the
tree, with the signed head and every checkpoint. So a record that was changed is named; where somebody changed the tree
as well, the first stretch of records that no longer leads to what was signed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, exists, func, select

from imgrules.audit.checkpoint import Checkpoint, parse_checkpoint
from imgrules.audit.entry import leaf_of
from imgrules.audit.library import RULES, chained, unpack
from imgrules.audit.merkle import EMPTY, Frontier, Hash, fold
from imgrules.audit.opening import Opened
from imgrules.audit.tables import case_keys, checkpoints, head, records, texts, tiles
from imgrules.audit.tree import TILE, split
from imgrules.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from imgrules.audit.vault import Vault

MOST = 100
_ERASE = "erase"
_ROWS = 1_000


@dataclass(frozen=True)
class Flaw:
    """Something that is not as it was written: the records it concerns, first to last, and what is wrong."""

    text: str
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        if self.first is None or (self.first == self.last and f"record {self.first}" in self.text):
            return self.text
        return (
            f"{self.text} (record {self.first})"
            if self.first == self.last
            else f"{self.text} (records {self.first} to {self.last})"
        )


@dataclass
class Verification:
    """What was checked, and what was found. `flaws` holds at most a hundred, in the order of the records."""

    size: int = 0
    checked: int = 0
    erased: int = 0
    checkpoints: int = 0
    texts: int = 0
    keys: int | None = None
    trusted: bool = False
    seconds: float = 0.0
    flaws: list[Flaw] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything is as it was written."""
        return not self.flaws

    @property
    def first_bad(self) -> int | None:
        """The first record that is not as it was written, or that the first flawed stretch begins with."""
        return min((flaw.first for flaw in self.flaws if flaw.first is not None), default=None)

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.checked / self.seconds if self.seconds else 0.0


def verify(
    opened: Opened,
    trusted: Ed25519PublicKey | None,
    kept: Checkpoint | None,
    progress: Callable[[int, int], None] | None,
) -> Verification:
    """Check a ledger in one view of its database. `trusted` is the key to believe; without it, the one the ledger names."""
    start = time.perf_counter()
    with opened.store.reading() as connection:
        check = _Check(connection, opened.origin, trusted or opened.public_key, kept)
        check.result.trusted = trusted is not None
        if trusted is not None and trusted != opened.public_key:
            check.flaw(
                "The ledger names another key than yours as its signer. If it is somebody else's, give their public key"
            )
        check.run(progress or (lambda done, size: None))
        check.texts()
        check.keys(opened.maybe_vault)
    check.result.flaws = sorted(check.result.flaws, key=lambda f: (f.first is None, f.first or 0))[:MOST]
    check.result.seconds = time.perf_counter() - start
    return check.result


class _Check:
    def __init__(self, connection: Connection, origin: str, key: Ed25519PublicKey, kept: Checkpoint | None) -> None:
        self.connection = connection
        self.origin = origin
        self.key = key
        self.result = Verification()
        self.frontier = Frontier()
        self.bad: set[int] = set()
        self.erasures: dict[bytes, int] = {}
        self.rules: dict[bytes, int] = {}
        self.stretches: list[Flaw] = []
        self.agreed = 0  # up to here the records lead to something signed
        self.head = self._head()
        self.milestones = self._milestones(kept)
        self.limit = self.head.size if self.head else self._count()

    def flaw(self, text: str, first: int | None = None, last: int | None = None) -> None:
        """Note something wrong. All flaws are wanted in order, so only a bounded number of later ones is dropped."""
        if len(self.result.flaws) < 2 * MOST:
            self.result.flaws.append(Flaw(text, first, first if last is None else last))

    # what was signed --------------------------------------------------------------------------------------------------

    def _signed(self, note: str, what: str, size: int | None = None) -> Checkpoint | None:
        try:
            found = parse_checkpoint(note, what)
        except InputError:
            self.flaw(f"{what} was changed: it cannot be read")
            return None
        if found.origin != self.origin:
            self.flaw(f"{what} is of another ledger")
        elif not found.is_signed_by(self.key):
            self.flaw(f"{what} was changed or signed with another key")
        elif size is not None and found.size != size:
            self.flaw(f"{what} was changed: it is of {found.size} records")
        else:
            self.result.checkpoints += 1
            return found
        return None

    def _head(self) -> Checkpoint | None:
        row = self.connection.execute(select(head)).one_or_none()
        if row is None:
            self.flaw("The head of the ledger is missing")
            return None
        found = self._signed(row.note, "The head of the ledger", row.size)
        if found is not None:
            frontier = Frontier(row.size, split(row.peaks))
            if not frontier.whole() or frontier.root != found.root:
                self.flaw("The head of the ledger was changed: its peaks are not those that were signed")
        self.result.size = found.size if found is not None else self._count()
        return found

    def _count(self) -> int:
        return self.connection.scalar(select(func.count()).select_from(records)) or 0

    def _milestones(self, kept: Checkpoint | None) -> list[tuple[str, Checkpoint]]:
        """Everything signed, by size."""
        found = []
        for row in self.connection.execute(select(checkpoints)):
            what = f"The checkpoint of {row.size} records"
            if (signed := self._signed(row.note, what, row.size)) is not None:
                found.append((what, signed))
        if self.head is not None:
            found.append(("The head of the ledger", self.head))
        if kept is not None:
            what = "The checkpoint you kept"
            if (signed := self._signed(kept.text, what)) is not None:
                found.append((what, signed))
        return sorted(found, key=lambda item: item[1].size)

    # records and tree -------------------------------------------------------------------------------------------------

    def run(self, progress: Callable[[int, int], None]) -> None:
        """Every record in order, and the tree above them."""
        milestones, tile_rows = iter(self.milestones), self._tiles(0)
        milestone = next(milestones, None)
        expected = 1
        block: list[Hash] = []
        tile_roots: list[Hash] = []
        while milestone is not None and milestone[1].size == 0:
            self._meet(*milestone)
            milestone = next(milestones, None)
        for row in self._rows():
            if not 1 <= row.number <= self.limit:
                self._bad("The ledger was never signed with this record", row.number)
                continue
            if row.number > expected:
                self._missing(expected, row.number - 1)
                block += [EMPTY] * (row.number - expected)
                self.frontier.extend([EMPTY] * (row.number - expected))
                expected = row.number
            self._record(row)
            block.append(row.leaf)
            self.frontier.append(row.leaf)
            while len(block) >= TILE:
                tile_roots.append(self._tile(tile_rows, len(tile_roots), block[:TILE]))
                block = block[TILE:]
            while milestone is not None and milestone[1].size <= expected:
                self._meet(*milestone)
                milestone = next(milestones, None)
            if expected % _ROWS == 0:
                progress(expected, self.result.size)
            expected += 1
        if self.head is not None and expected <= self.head.size:
            self._missing(expected, self.head.size)
        for name, signed in [milestone, *milestones] if milestone is not None else []:
            self._meet(name, signed)
        self._upper(tile_rows, tile_roots)
        for flaw in self.stretches:  # unless a record in it was named, which is why
            if not any((flaw.first or 0) <= number <= (flaw.last or 0) for number in self.bad):
                self.flaw(flaw.text, flaw.first, flaw.last)
        progress(expected - 1, self.result.size)

    def _rows(self) -> Iterator[Any]:
        query = select(records).order_by(records.c.number)
        with self.connection.execution_options(yield_per=_ROWS).execute(query) as rows:
            yield from rows

    def _record(self, row: Any) -> None:
        self.result.checked += 1
        if row.kind == _ERASE:
            self.erasures[row.subject] = row.number
        if row.rules is not None:
            self.rules.setdefault(row.rules, row.number)
        try:
            same = leaf_of(row) == row.leaf
        except (AttributeError, TypeError, ValueError):
            same = False  # a value of another kind
        if not same:
            self._bad("The record was changed", row.number)

    def _bad(self, text: str, number: int) -> None:
        self.bad.add(number)
        self.flaw(text, number)

    def _missing(self, first: int, last: int) -> None:
        self.bad.add(first)
        self.flaw("The record is missing" if first == last else "The records are missing", first, last)

    def _meet(self, name: str, signed: Checkpoint) -> None:
        """The tree so far against something signed at its size."""
        if self.frontier.size < signed.size:
            if name.endswith("kept"):
                self._missing(self.frontier.size + 1, signed.size)
            return
        if self.frontier.size == signed.size and self.frontier.root == signed.root:
            self.agreed = max(self.agreed, signed.size)
        elif self.frontier.size == signed.size:
            first = min(self.agreed + 1, signed.size) or None
            self.stretches.append(Flaw(f"{name} was signed over other records", first, signed.size))

    def _tiles(self, level: int) -> Iterator[Any]:
        query = select(tiles).where(tiles.c.level == level).order_by(tiles.c.position)
        with self.connection.execution_options(yield_per=16).execute(query) as rows:
            yield from rows

    def _tile(self, rows: Iterator[Any], position: int, leaves: list[Hash]) -> Hash:
        """A full tile against its records."""
        row = next(rows, None)
        first = position * TILE + 1
        if row is None or row.position != position:
            self.flaw("The hashes above these records are missing", first, first + TILE - 1)
        elif (hashes := split(row.hashes)) != leaves:
            wrong = [first + i for i, (a, b) in enumerate(zip(hashes, leaves, strict=False)) if a != b] or [first]
            if not self.bad.issuperset(wrong):
                at = min(set(wrong) - self.bad)
                self._bad("The record was changed together with its hash, or the tree above it was", at)
        return fold(leaves)

    def _upper(self, rest: Iterator[Any], roots: list[Hash]) -> None:
        """The higher levels of the tree against what lies below them."""
        extra = next(rest, None)
        if extra is not None:
            self.flaw("There are hashes of records that were never signed")
        level, below = 1, roots
        while below:
            stored = [row.hashes for row in self._tiles(level)]
            for i in range(0, len(below), TILE):
                if i // TILE >= len(stored) or split(stored[i // TILE]) != below[i : i + TILE]:
                    first, last = i * TILE**level + 1, min(i + TILE, len(below)) * TILE**level
                    if not any(first <= number <= last for number in self.bad):
                        self.flaw("The tree was changed above these records", first, last)
            below = [fold(below[i : i + TILE]) for i in range(0, len(below) - len(below) % TILE, TILE)]
            level += 1
        above = self.connection.scalar(select(func.count()).select_from(tiles).where(tiles.c.level >= level))
        if above:
            self.flaw("There are hashes of records that were never signed")

    # texts and keys ---------------------------------------------------------------------------------------------------

    def texts(self) -> None:
        """The kept texts against their hashes and the signed chain."""
        from imgrules.rulebase.load import content_hash

        chain, count = EMPTY, 0
        for row in self.connection.execution_options(yield_per=50).execute(select(texts).order_by(texts.c.number)):
            count += 1
            try:
                chain = chained(chain, row.digest, row.content, row.kind)
                text = unpack(row.content, row.digest)
                version = content_hash(json.loads(text)) if row.kind == RULES else None
                right = row.number == count and row.version == version
            except (ValueError, AttributeError, TypeError):
                right = False
            if not right:
                self.flaw(f"Text {row.number} ({'rules' if row.kind == RULES else 'names'}) was changed")
        self.result.texts = count
        if self.head is not None and (count, chain) != (self.head.kept, self.head.chain):
            self.flaw("The kept texts are not those that were signed")
        kept = set(self.connection.scalars(select(texts.c.digest)))
        lost = [number for digest, number in self.rules.items() if digest not in kept]
        if lost:
            self.flaw("The rules of the record are not kept", min(lost))

    def keys(self, vault: Vault | None) -> None:
        """Keys against the erasures on record and, where the master key is at hand, each against its seal."""
        keyless = select(records.c.number, records.c.subject, records.c.kind).order_by(records.c.number)
        keyless = keyless.where(~exists().where(case_keys.c.token == records.c.subject))
        gone: int | None = None
        for row in self.connection.execution_options(yield_per=_ROWS).execute(keyless):
            if row.subject in self.erasures:
                self.result.erased += row.kind != _ERASE
            elif gone is None:
                gone = row.number
        if gone is not None:
            self._of_case("The key of the case of record {} is gone, and no erasure is on record", gone)
        tokens = list(self.erasures)
        for i in range(0, len(tokens), _ROWS):
            back = select(case_keys.c.token).where(case_keys.c.token.in_(tokens[i : i + _ROWS]))
            for token in self.connection.scalars(back):
                self._of_case("The case was erased by record {}, but its key is there again", self.erasures[token])
        strays = select(func.count()).select_from(case_keys)
        strays = strays.where(~exists().where(records.c.subject == case_keys.c.token))
        if self.connection.scalar(strays):
            self.flaw("There are keys of cases that have no record")
        if vault is not None:
            self._seals(vault)

    def _of_case(self, text: str, number: int) -> None:
        """Erasures are read from records: where records were changed, they are named, and not what follows from it."""
        self.flaw(text.format(number), None if self.bad else number)

    def _seals(self, vault: Vault) -> None:
        from imgrules.audit.vault import Damaged

        self.result.keys = 0
        for row in self.connection.execution_options(yield_per=_ROWS).execute(select(case_keys)):
            self.result.keys += 1
            try:
                vault.unwrap(row.token, row.lookup, row.wrapped)
            except (Damaged, TypeError):
                of = select(func.min(records.c.number)).where(records.c.subject == row.token)
                self.flaw("The key of the record's case was changed", self.connection.scalar(of))
