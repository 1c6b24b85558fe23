"""Proofs to hand out: that a record is in the log, and that the log only grew. Checked without the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgrules.audit.checkpoint import Checkpoint
from imgrules.audit.merkle import Hash, consistent, included, leaf_hash

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True)
class Inclusion:
    """That a record, given as its canonical entry, is in the log of a checkpoint."""

    entry: str
    number: int
    path: list[Hash]
    checkpoint: Checkpoint

    @property
    def leaf(self) -> Hash:
        """The hash by which the log holds the record."""
        return leaf_hash(self.entry.encode())

    def holds(self, key: Ed25519PublicKey) -> bool:
        """Whether it is a proof, by a checkpoint that this key signed."""
        found = self.checkpoint
        inside = included(self.leaf, self.number - 1, found.size, self.path, found.root)
        return inside and found.is_signed_by(key)

    def plain(self) -> dict[str, Any]:
        """As JSON writes it."""
        return {
            "entry": self.entry,
            "number": self.number,
            "leaf": self.leaf.hex(),
            "path": [step.hex() for step in self.path],
            "checkpoint": self.checkpoint.text,
        }


@dataclass(frozen=True)
class Consistency:
    """That the log of one checkpoint is how that of a later one began."""

    old: Checkpoint
    new: Checkpoint
    path: list[Hash]

    def holds(self, key: Ed25519PublicKey) -> bool:
        """Whether it is a proof, by checkpoints that this key signed."""
        old, new = self.old, self.new
        grew = consistent(old.size, new.size, self.path, old.root, new.root)
        return grew and old.origin == new.origin and old.is_signed_by(key) and new.is_signed_by(key)
