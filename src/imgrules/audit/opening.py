"""Opening a ledger: its database brought up to date, and the keys that fit it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select

from imgrules.audit import keys, tables
from imgrules.audit.checkpoint import Checkpoint
from imgrules.audit.merkle import EMPTY
from imgrules.audit.store import Store
from imgrules.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from imgrules.audit.vault import Vault

DAMAGED = "The ledger {name} is damaged: {what}. Nothing was recorded. `imgrules audit verify` says where."
_PLAIN = "plain"


@dataclass(frozen=True)
class Opened:
    """An open ledger's database and keys. `begun`: it was made just now. `origin` names it in its checkpoints."""

    store: Store
    origin: str
    public_key: Ed25519PublicKey
    signing_key: Ed25519PrivateKey | None
    maybe_vault: Vault | None
    begun: bool

    @property
    def name(self) -> str:
        """Where it is, without a password."""
        return self.store.name

    @property
    def sealed(self) -> bool:
        """Whether facts are kept from whoever lacks the key."""
        return not self.origin.endswith(f"/{_PLAIN}")

    @property
    def vault(self) -> Vault:
        """What seals and opens. `InputError` without the key."""
        if self.maybe_vault is None:
            raise InputError(
                f"The facts in {self.name} are sealed, and the key is not here. Give it in {keys.MASTER[0]}, "
                f"or as the file {keys.default_folder() / keys.MASTER[1]}."
            )
        return self.maybe_vault

    @property
    def signer(self) -> Ed25519PrivateKey:
        """The key that signs for this ledger. `InputError` if it is not here."""
        if self.signing_key is None or self.signing_key.public_key() != self.public_key:
            raise InputError(
                f"The key that signs for the ledger {self.name} is not here, so nothing can be recorded. "
                f"Give it in {keys.SIGNING[0]}, or as the file {keys.default_folder() / keys.SIGNING[1]}."
            )
        return self.signing_key

    def unwrap(self, token: bytes, lookup: bytes, wrapped: bytes) -> bytes:
        """A case's key. `InputError` if it was changed."""
        from imgrules.audit.vault import Damaged

        try:
            return self.vault.unwrap(token, lookup, wrapped)
        except Damaged:
            raise InputError(DAMAGED.format(name=self.name, what="the key of a case was changed")) from None


def open_store(place: Path | str, key: keys.KeyLike, signing_key: keys.KeyLike, *, create: bool, plain: bool) -> Opened:
    """Open a ledger's database, begin or migrate it, and find its keys. `InputError` as `Ledger.open` says."""
    store, begun = Store(place, create=create), False
    with store.reading() as connection:
        version = tables.schema_version(connection)
    if version < len(tables.MIGRATIONS):
        if version == 0 and not create:
            raise InputError(f"There is no ledger in {store.name}.")
        with store.writing() as connection:
            version = tables.schema_version(connection)  # another process may have been faster
            if version == 0:
                _begin(connection, key, signing_key, plain)
                begun = True
            else:
                tables.migrate(connection, version)
    return _opened(store, key, signing_key, begun)


def _opened(store: Store, key: keys.KeyLike, signing_key: keys.KeyLike, begun: bool) -> Opened:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    with store.reading() as connection:
        about = connection.execute(select(tables.ledger)).one()
    vault = _vault(about.origin, key)
    if vault is not None and vault.check != about.key_check:
        raise InputError(
            f"The key is not that of the ledger {store.name}. Give the one it was begun with: "
            f"{keys.MASTER[0]}, or the file {keys.default_folder() / keys.MASTER[1]}."
        )
    try:
        public = Ed25519PublicKey.from_public_bytes(about.public_key)
    except (ValueError, TypeError):
        raise InputError(f"The ledger {store.name} is damaged: the public key it names is none.") from None
    return Opened(store, about.origin, public, _signer(signing_key, make=False), vault, begun)


def _begin(connection: Connection, key: keys.KeyLike, signing_key: keys.KeyLike, plain: bool) -> None:
    """The tables and the signed empty state of a new ledger."""
    origin = f"imgrules.ledger/{uuid.uuid4()}/{_PLAIN if plain else 'sealed'}"
    signer = _signer(signing_key, make=True)
    vault = _vault(origin, key, make=True)
    assert signer is not None
    assert vault is not None
    tables.create(connection, origin, signer.public_key().public_bytes_raw(), vault.check)
    at = datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)
    empty = Checkpoint(origin, 0, EMPTY, 0, EMPTY, at).signed(signer)
    connection.execute(insert(tables.head).values(one=1, size=0, peaks=b"", note=empty.text))


def _vault(origin: str, key: keys.KeyLike, make: bool = False) -> Any:
    from imgrules.audit.vault import PlainVault, SealedVault

    if origin.endswith(f"/{_PLAIN}"):
        return PlainVault()
    master = keys.find_key(key, keys.MASTER, make=make)
    return SealedVault(master, origin) if master is not None else None


def _signer(key: keys.KeyLike, make: bool) -> Ed25519PrivateKey | None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    found = keys.find_key(key, keys.SIGNING, make=make)
    return Ed25519PrivateKey.from_private_bytes(found) if found is not None else None
