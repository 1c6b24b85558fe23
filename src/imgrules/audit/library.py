"""The texts that records rest on, kept once each under their own hash: rule files, lists of names, layouts.

They are numbered and chained, and the signed head says how many there are and what their chain comes to, so that a text
that was changed, dropped or slipped in is noticed.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection, select

from imgrules.audit.checkpoint import Checkpoint
from imgrules.audit.entry import canonical
from imgrules.audit.store import Store
from imgrules.audit.tables import texts
from imgrules.errors import InputError, Severity
from imgrules.rulebase.load import check_files, content_hash, default_folder, load_rulebase, read_files
from imgrules.rulebase.rulebase import Rulebase

Text: TypeAlias = tuple[str, bytes]
RULES = "rules"
_LEVEL = 9


class Library:
    """The kept texts of one ledger."""

    def __init__(self, store: Store, folder: Path | None) -> None:
        self._store = store
        self._folder = folder
        self._rulebases: dict[str, Rulebase] = {}
        self._digests: dict[str, bytes] = {}
        self._known: set[bytes] = set()
        self.offered: dict[bytes, Text] = {}

    def offer(self, files: Mapping[str, str]) -> str:
        """Have a rulebase's files at hand, to be kept with the first record under it; its version."""
        version, content = content_hash(files), canonical(dict(files))
        self._digests[version] = sha256(content).digest()
        self.offered[self._digests[version]] = (RULES, content)
        return version

    def digest(self, rulebase: Rulebase) -> bytes:
        """The hash under which a rulebase is kept, or will be. `InputError` if its files are nowhere to be found."""
        version = rulebase.version
        if version not in self._digests:
            with self._store.reading() as connection:
                where = (texts.c.kind == RULES) & (texts.c.version == version)
                found = connection.scalar(select(texts.c.digest).where(where))
            if found is not None:
                self._digests[version] = found
            elif (files := self._files(rulebase)) is not None:
                self.offer(files)
            else:
                raise InputError(
                    f"The files of the rules {version} are not where they were, so the ledger {self._store.name} "
                    "cannot keep them. Name their folder with --rules."
                )
        return self._digests[version]

    def _files(self, rulebase: Rulebase) -> dict[str, str] | None:
        """The files a rulebase was read from, if they still are what they were."""
        for folder in (self._folder, default_folder(), _folder_of(rulebase)):
            try:
                if folder is not None and content_hash(files := read_files(folder)) == rulebase.version:
                    return files
            except InputError:
                continue
        return None

    def add(self, connection: Connection, wanted: Mapping[bytes, Text], head: Checkpoint) -> tuple[int, bytes]:
        """Keep those texts that are not kept yet; the number of all and their chain."""
        count, chain = head.kept, head.chain
        missing = [digest for digest in wanted if digest not in self._known]
        present = set(connection.scalars(select(texts.c.digest).where(texts.c.digest.in_(missing)))) if missing else ()
        rows = []
        for digest in missing:
            if digest not in present:
                kind, text = wanted[digest]
                content = zlib.compress(text, _LEVEL)
                count, chain = count + 1, chained(chain, digest, content, kind)
                version = content_hash(json.loads(text)) if kind == RULES else None
                rows.append((count, digest, kind, version, content))
        self._store.insert_rows(connection, texts, rows)
        return count, chain

    def known(self, digests: Iterable[bytes]) -> None:
        """These are kept for good: the transaction is through."""
        self._known.update(digests, self.offered)
        self.offered.clear()

    def text(self, digest: bytes) -> bytes:
        """A kept text. `KeyError` if there is none."""
        with self._store.reading() as connection:
            content = connection.scalar(select(texts.c.content).where(texts.c.digest == digest))
        if content is None:
            raise KeyError(digest.hex())
        return unpack(content, digest)

    def rulebase(self, version: str) -> Rulebase:
        """The rules of a version, from their kept files."""
        if version not in self._rulebases:
            self._rulebases[version] = self._load(version)
        return self._rulebases[version]

    def _load(self, version: str) -> Rulebase:
        with self._store.reading() as connection:
            where = (texts.c.kind == RULES) & (texts.c.version == version)
            row = connection.execute(select(texts.c.digest, texts.c.content).where(where)).first()
        if row is None:
            raise InputError(f"The ledger {self._store.name} keeps no rules of version {version or '(none)'}.")
        try:
            files: dict[str, str] = json.loads(unpack(row.content, row.digest))
        except ValueError:
            raise InputError(f"The rules {version} kept in {self._store.name} were changed.") from None
        if files == read_files(default_folder()):
            return load_rulebase()  # the same files: parsed already
        rulebase, problems = check_files(files, lint=False)
        errors = [p for p in problems if p.severity is Severity.ERROR]
        if rulebase is None or errors or rulebase.version != version:
            raise InputError(
                f"The rules {version} kept in {self._store.name} cannot be read by this version of imgrules: "
                f"{errors[0] if errors else 'they are of another version'}. Use the version that recorded them."
            )
        return rulebase


def unpack(content: bytes, digest: bytes) -> bytes:
    """A text as kept, opened and checked against its hash; `ValueError` if it is not what it was."""
    try:
        text = zlib.decompress(content)
    except zlib.error:
        raise ValueError(digest.hex()) from None
    if sha256(text).digest() != digest:
        raise ValueError(digest.hex())
    return text


def chained(chain: bytes, digest: bytes, content: bytes, kind: str) -> bytes:
    """The chain with one more text, by its hash and as it is stored."""
    return sha256(chain + digest + sha256(content).digest() + kind.encode()).digest()


def _folder_of(rulebase: Rulebase) -> Path | None:
    """The folder that all definitions of a rulebase stand in."""
    files = {entry.file for entry in (*rulebase.facts.values(), *rulebase.rules.values(), *rulebase.sources.values())}
    try:
        return Path(os.path.commonpath([os.path.dirname(file) for file in files]))
    except ValueError:
        return None
