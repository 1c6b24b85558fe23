"""The Merkle tree as stored: 256 hashes of one level side by side in a *tile*.

Tiles of level 0 hold leaf hashes and are written when full (until then the leaves stand in the records alone); a tile
of a higher level holds the roots of the full tiles below it and grows with them. So any node is one tile away.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from imgrules.audit.merkle import HASH_BYTES, Hash, fold
from imgrules.audit.store import upsert
from imgrules.audit.tables import records, tiles

TILE_BITS = 8
TILE = 1 << TILE_BITS


class StoredTree:
    """Reads nodes of the stored tree. Good for one view of the database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> Hash:
        """The root of the complete subtree over the leaves from `index * 2**level` on."""
        tile_level, inner = divmod(level, TILE_BITS)
        first = index << inner
        position, offset = divmod(first, TILE)
        hashes = self._tile(tile_level, position)[offset * HASH_BYTES : (offset + (1 << inner)) * HASH_BYTES]
        parts = split(hashes)
        if len(parts) != 1 << inner:
            raise LookupError(f"level {level}, node {index}")
        return fold(parts)

    def _tile(self, level: int, position: int) -> bytes:
        key = (level, position)
        if key not in self._tiles:
            where = (tiles.c.level == level) & (tiles.c.position == position)
            found = self._connection.scalar(select(tiles.c.hashes).where(where))
            if found is None and level == 0:
                found = b"".join(leaves(self._connection, position * TILE, (position + 1) * TILE))
            self._tiles[key] = found or b""
        return self._tiles[key]


def leaves(connection: Connection, lo: int, hi: int) -> list[Hash]:
    """The leaf hashes at the indexes from `lo` to before `hi`, from the records."""
    number = records.c.number
    found = connection.scalars(select(records.c.leaf).where(number > lo, number <= hi).order_by(number))
    return list(found)


def extend(connection: Connection, size: int, new: Sequence[Hash], sqlite: bool) -> None:
    """Write the tiles that new leaves fill, at a tree of `size` leaves before them. Their records are stored already."""
    level, start, hashes = 0, size, list(new)
    while hashes:
        position, offset = divmod(start, TILE)
        if level == 0:
            if offset + len(hashes) < TILE:
                return
            hashes = leaves(connection, position * TILE, size) + hashes
        elif offset:
            where = (tiles.c.level == level) & (tiles.c.position == position)
            hashes = split(connection.scalar(select(tiles.c.hashes).where(where)) or b"")[:offset] + hashes
        rows, roots = [], []
        for i in range(0, len(hashes), TILE):
            part = hashes[i : i + TILE]
            if len(part) == TILE:
                roots.append(fold(part))
            elif level == 0:
                break
            rows.append({"level": level, "position": position + i // TILE, "hashes": b"".join(part)})
        connection.execute(upsert(tiles, sqlite), rows)
        level, start, hashes = level + 1, position, roots


def split(hashes: bytes) -> list[Hash]:
    """Hashes written side by side, apart again."""
    return [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]
