"""Signed checkpoints: what the ledger was at one size, in the signed-note format that transparency logs share.

A checkpoint is a few lines of text, to be kept elsewhere (mailed, printed, put under version control). The first line
names the ledger, then come its size and its root, then what it kept and when; a signature follows. Whoever holds one
can tell for ever whether the ledger still begins as it did then.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from imgrules.audit.merkle import HASH_BYTES
from imgrules.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_SIGNATURE = "\u2014 "


@dataclass(frozen=True)
class Checkpoint:
    """A ledger at one size. `kept` and `chain` say how many texts (rulebases, lists of names) it holds, and which."""

    origin: str
    size: int
    root: bytes
    kept: int
    chain: bytes
    at: datetime
    signatures: tuple[tuple[str, bytes], ...] = ()

    @property
    def body(self) -> str:
        """The signed text."""
        at = self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\nkept {self.kept} {_b64(self.chain)}\ntime {at}\n"

    @property
    def text(self) -> str:
        """The whole checkpoint, as kept in a file."""
        lines = [f"{_SIGNATURE}{name} {_b64(value)}\n" for name, value in self.signatures]
        return f"{self.body}\n{''.join(lines)}"

    def signed(self, key: Ed25519PrivateKey) -> Checkpoint:
        """The same with a signature, and no other."""
        value = key_hash(self.origin, key.public_key()) + key.sign(self.body.encode())
        return Checkpoint(self.origin, self.size, self.root, self.kept, self.chain, self.at, ((self.origin, value),))

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether one of the signatures is this key's over this text."""
        from cryptography.exceptions import InvalidSignature

        wanted = key_hash(self.origin, key)
        for name, value in self.signatures:
            if name == self.origin and value[:4] == wanted:
                try:
                    key.verify(value[4:], self.body.encode())
                except InvalidSignature:
                    continue
                return True
        return False


def parse_checkpoint(text: str, where: str = "The checkpoint") -> Checkpoint:
    """Read a checkpoint; `InputError` if it is none. Says nothing about its signature."""
    body, _, signatures = text.partition("\n\n")
    try:
        origin, size, root, kept, at = body.split("\n")
        kept_word, count, chain = kept.split(" ")
        time_word, time = at.split(" ")
        found = Checkpoint(
            origin, int(size), _unb64(root), int(count), _unb64(chain), datetime.fromisoformat(time),
            tuple(_signature(line) for line in signatures.splitlines()),
        )  # fmt: skip
        if (kept_word, time_word) == ("kept", "time") and found.text == text and len(found.root) == HASH_BYTES:
            return found
    except (ValueError, binascii.Error):
        pass
    raise InputError(
        f"{where} is not a checkpoint of a ledger, or it was changed. `imgrules audit checkpoint` makes one."
    )


def key_hash(name: str, key: Ed25519PublicKey) -> bytes:
    """How a signature names its key."""
    return sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]


def verifier(name: str, key: Ed25519PublicKey) -> str:
    """A public key as one line of text, for whoever checks: `name+hash+key`."""
    return f"{name}+{key_hash(name, key).hex()}+{_b64(_ED25519 + key.public_bytes_raw())}"


def parse_verifier(text: str) -> Ed25519PublicKey:
    """Read what `verifier` writes; `InputError` if it is nothing of the kind."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    parts = text.strip().split("+", 2)
    try:
        name, hashed, raw = parts[0], parts[1], _unb64(parts[2])
        key = Ed25519PublicKey.from_public_bytes(raw[1:])
        if raw[:1] == _ED25519 and key_hash(name, key).hex() == hashed:
            return key
    except (ValueError, IndexError, binascii.Error):
        pass
    raise InputError("This is not the public key of a ledger. `imgrules audit checkpoint --public-key` prints it.")


def _signature(line: str) -> tuple[str, bytes]:
    if not line.startswith(_SIGNATURE):
        raise ValueError(line)
    name, value = line.removeprefix(_SIGNATURE).split(" ")
    return name, _unb64(value)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unb64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
