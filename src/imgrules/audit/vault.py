"""How facts are kept from whoever must not read them, and how a case is forgotten.

Each case has a random key of its own, which seals all that was recorded of it (AES-GCM, bound to the record). The
case's key is itself sealed by a key derived from the ledger's master key. Destroying it takes the facts from everybody,
the owner of the master key included, while the sealed bytes and so the log stay as they were.
"""

from __future__ import annotations

import hmac
import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# A nonce must never serve one key twice. Ids and tokens are never the same twice: twelve bytes of them are the nonce,
# of which 74 bits are a counter and chance, and the rest is the time.
_NONCE_FROM = 4
LOOKUP_BYTES = 16


class Damaged(Exception):
    """Something sealed does not open: it was changed, or sealed with another key."""


class Vault(Protocol):
    """Seals and opens what is recorded of cases."""

    def lookup(self, case: str) -> bytes:
        """What a case is found by, which says nothing about it without the master key."""
        ...

    def new_key(self, token: bytes, lookup: bytes) -> tuple[bytes, bytes]:
        """A new case's key, and the same sealed by the master key."""
        ...

    def unwrap(self, token: bytes, lookup: bytes, wrapped: bytes) -> bytes:
        """A case's key; `Damaged` if any of the three was changed."""
        ...

    def seal(self, key: bytes, record: bytes, data: bytes) -> bytes:
        """What a record keeps, sealed with its case's key."""
        ...

    def open(self, key: bytes, record: bytes, sealed: bytes) -> bytes:
        """What was sealed; `Damaged` if it was changed or belongs to another record."""
        ...


class SealedVault:
    """Facts sealed under a master key, for one ledger: the same key makes nothing comparable between two ledgers."""

    def __init__(self, master: bytes, origin: str) -> None:
        self.check = _derive(master, origin, b"check")[:LOOKUP_BYTES]
        self._lookup_key = _derive(master, origin, b"lookup")
        self._wrap = AESGCM(_derive(master, origin, b"wrap"))

    def lookup(self, case: str) -> bytes:
        return hmac.digest(self._lookup_key, case.encode(), "sha256")[:LOOKUP_BYTES]

    def new_key(self, token: bytes, lookup: bytes) -> tuple[bytes, bytes]:
        key = os.urandom(32)
        return key, self._wrap.encrypt(token[_NONCE_FROM:], key, token + lookup)

    def unwrap(self, token: bytes, lookup: bytes, wrapped: bytes) -> bytes:
        try:
            return self._wrap.decrypt(token[_NONCE_FROM:], wrapped, token + lookup)
        except (InvalidTag, ValueError):
            raise Damaged from None

    def seal(self, key: bytes, record: bytes, data: bytes) -> bytes:
        return AESGCM(key).encrypt(record[_NONCE_FROM:], data, record)

    def open(self, key: bytes, record: bytes, sealed: bytes) -> bytes:
        try:
            return AESGCM(key).decrypt(record[_NONCE_FROM:], sealed, record)
        except (InvalidTag, ValueError):
            raise Damaged from None


class PlainVault:
    """No secrecy, for whoever asked for it: the ledger's own hashes still show every change."""

    check = b""

    def lookup(self, case: str) -> bytes:
        return hmac.digest(b"plain", case.encode(), "sha256")[:LOOKUP_BYTES]

    def new_key(self, token: bytes, lookup: bytes) -> tuple[bytes, bytes]:
        return b"", hmac.digest(token, lookup, "sha256")

    def unwrap(self, token: bytes, lookup: bytes, wrapped: bytes) -> bytes:
        if not hmac.compare_digest(wrapped, hmac.digest(token, lookup, "sha256")):
            raise Damaged
        return b""

    def seal(self, key: bytes, record: bytes, data: bytes) -> bytes:
        return data

    def open(self, key: bytes, record: bytes, sealed: bytes) -> bytes:
        return sealed


def _derive(master: bytes, origin: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=origin.encode(), info=b"imgrules ledger " + purpose).derive(master)
