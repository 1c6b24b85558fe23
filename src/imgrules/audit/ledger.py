"""The ledger: what was decided, for whom, when, by whom and under which rules; provably as it was written.

Every record is a leaf of an append-only Merkle tree whose state is signed with each append. Facts and outcomes are
sealed with a key of their case, so that a case can be forgotten while the tree still verifies. The rule files are kept
whole, so that a decision can be derived again from the ledger alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from imgrules.assessment.assess import Derived
from imgrules.assessment.case import Case
from imgrules.assessment.result import Status
from imgrules.audit import keys, tables
from imgrules.audit.checkpoint import Checkpoint
from imgrules.audit.entry import Row, as_text, entry_of, time_of
from imgrules.audit.library import Library
from imgrules.audit.log import Draft, Log, nodes
from imgrules.audit.merkle import consistency, inclusion
from imgrules.audit.opening import Opened, open_store
from imgrules.audit.payload import Packer, Unpacker
from imgrules.audit.proof import proof_of
from imgrules.audit.prove import Consistency, Inclusion
from imgrules.audit.queries import fits, pages, rows_to_open, wanted
from imgrules.audit.record import Decision, Record
from imgrules.errors import InputError
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import read_value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from imgrules.audit.verify import Verification

ERASE = "erase"
CHUNK = 5_000
MAX_WHO = 200


class Ledger:
    """An open ledger. Use `Ledger.open`."""

    def __init__(self, opened: Opened, rules: Path | None) -> None:
        self._at = opened
        self._store = opened.store
        self._library = Library(opened.store, rules)
        self._log = Log(opened, self._library)
        self._packer = Packer()
        self._unpacker = Unpacker(self._library.text)

    # opening ----------------------------------------------------------------------------------------------------------

    @classmethod
    def open(
        cls,
        url_or_path: Path | str,
        *,
        key: keys.KeyLike = None,
        signing_key: keys.KeyLike = None,
        create: bool = True,
        plain: bool = False,
        rules: Path | str | None = None,
    ) -> Ledger:
        """Open a ledger: an SQLite file or a PostgreSQL address; a new one unless `create` is False.

        `key` opens and seals facts, `signing_key` signs: 32 bytes, base64, hex or a key file; by default from the
        environment or the user's key files, which are made for a new ledger. `plain` begins a ledger without secrecy.
        `rules` is the folder of the rules in use, if it is not the shipped one. Without the keys a ledger can still
        be verified. `InputError` if it cannot be opened or the keys are another ledger's.
        """
        opened = open_store(url_or_path, key, signing_key, create=create, plain=plain)
        return cls(opened, Path(rules) if rules else None)

    def close(self) -> None:
        """Close it. Everything recorded is kept already."""
        self._store.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Where it is, without a password."""
        return self._at.name

    @property
    def origin(self) -> str:
        """What its checkpoints call it."""
        return self._at.origin

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key that its signatures are checked with, as the ledger names it."""
        return self._at.public_key

    @property
    def sealed(self) -> bool:
        """Whether facts are kept from whoever lacks the key."""
        return self._at.sealed

    @property
    def begun(self) -> bool:
        """Whether opening it made it."""
        return self._at.begun

    @property
    def size(self) -> int:
        """How many records there are."""
        return self.checkpoint().size

    # recording --------------------------------------------------------------------------------------------------------

    def record(self, derived: Derived, who: str, kind: str = "assess", note: str | None = None) -> Record:
        """Record what the engine derived, with the digest of its proofs. On return it is kept, whatever happens next."""
        (row,) = self._append_decisions([_decision(derived, note)], who, kind)
        return self.get(as_text(row.id))

    def record_many(
        self, decisions: Iterable[Decision | Derived], who: str, kind: str = "batch", chunk: int = CHUNK
    ) -> Iterator[str]:
        """Record many decisions; gives the id of each, in order, once it is kept.

        Every `chunk` of them is one transaction: all of it is kept, or nothing. Nothing is recorded beyond what the
        caller takes: use `list(...)` or a loop.
        """
        waiting = iter(decisions)
        while part := [d if isinstance(d, Decision) else _decision(d, None) for d in islice(waiting, chunk)]:
            yield from [as_text(row.id) for row in self._append_decisions(part, who, kind)]

    def keep(self, files: Mapping[str, str]) -> str:
        """Keep a rulebase given as texts by file name, for decisions under it; gives its version."""
        return self._library.offer(files)

    def erase(self, case: str, who: str) -> Record:
        """Forget a case: destroy its key, and record that. Its records stay in the log and say that they are erased.

        `InputError` if there is no such case, or the ledger is plain. A later record of the same case begins anew.
        """
        vault = self._at.vault
        if not self.sealed:
            raise InputError(f"The ledger {self.name} is kept in plain text, so nothing can be erased from it.")
        _check_who(who)
        with self._store.writing() as connection:
            where = tables.case_keys.c.lookup == vault.lookup(case)
            token = connection.scalar(select(tables.case_keys.c.token).where(where))
            if token is None:
                raise InputError(f"There is no case of this id in {self.name}, or it was erased already.")
            connection.execute(delete(tables.case_keys).where(where))
            (row,) = self._log.append(connection, [Draft(None, who, ERASE, None, None, b"", token)])
        self.finish_erasing()
        return self.get(as_text(row.id))

    def finish_erasing(self) -> None:
        """Leave nothing of destroyed keys in the files of the ledger. Part of `erase`; again if that could not."""
        self._store.clean(tables.case_keys)

    def _append_decisions(self, decisions: list[Decision], who: str, kind: str) -> list[Row]:
        _check_who(who)
        drafts = []
        for decision in decisions:
            rules = self._library.digest(decision.rulebase)
            data = self._packer.pack(decision)
            drafts.append(Draft(decision.case, who, kind, rules, decision.as_of.isoformat(), data))
        with self._store.writing() as connection:
            rows = self._log.append(connection, drafts, {**self._library.offered, **self._packer.texts})
        self._library.known(self._packer.texts)
        self._packer.texts.clear()
        return rows

    # reading ----------------------------------------------------------------------------------------------------------

    def get(self, id: str | int) -> Record:
        """One record by its id, or by its number. `InputError` if there is none."""
        where = tables.records.c.number == id
        if isinstance(id, str):
            try:
                where = tables.records.c.id == uuid.UUID(id).bytes
            except ValueError:
                if not id.isdecimal():
                    raise InputError(f"{id} is not the id of a record. `imgrules audit list` shows ids.") from None
                where = tables.records.c.number == int(id)
        with self._store.reading() as connection:
            row = connection.execute(rows_to_open().where(where)).one_or_none()
        if row is None:
            raise InputError(f"There is no record {id} in {self.name}. `imgrules audit list` shows ids.")
        return self._opened_record(row)

    def records(
        self,
        case: str | None = None,
        since: date | None = None,
        until: date | None = None,
        rulebase: str | None = None,
        route: str | None = None,
        status: str | None = None,
        newest: int | None = None,
    ) -> Iterator[Record]:
        """Records in the order they were made, those that fit every filter; only the `newest` so many, if given.

        `since` and `until` are days or moments (UTC), both included. `route` keeps records in which it has a status,
        `status` those in which some route, or `route`, has it: these two are sealed, so each record is opened to look.
        """
        if status is not None and status not in list(Status):
            raise InputError(f"There is no status {status}. Use one of: {', '.join(Status)}.")
        lookup = self._at.vault.lookup(case) if case is not None else None
        query = rows_to_open().where(*wanted(lookup, since, until, rulebase))
        rows = pages(self._store, query, backwards=newest is not None)
        found = (record for row in rows if fits(record := self._opened_record(row), route, status))
        yield from found if newest is None else reversed(list(islice(found, newest)))

    def _opened_record(self, row: Any) -> Record:
        from imgrules.audit.vault import Damaged

        try:
            return self._record_of(row)
        except (Damaged, ValueError, KeyError, IndexError, TypeError, OSError):
            raise InputError(
                f"Record {row.number} of {self.name} does not open: it, its key or its names were changed. "
                "`imgrules audit verify` says more."
            ) from None

    def _record_of(self, row: Any) -> Record:
        made = time_of(row.id)
        head = {
            "id": as_text(row.id), "number": row.number, "at": made, "who": row.who, "kind": row.kind, "tool": row.tool,
            "rulebase": row.version or "", "as_of": row.as_of or made.date(), "leaf": row.leaf.hex(),
        }  # fmt: skip
        if row.kind == ERASE or row.wrapped is None:
            note = "The key of this case was destroyed." if row.kind == ERASE else None
            return Record(**head, case=f"erased-{row.subject[6:].hex()}", facts=None, erased=True, note=note)
        key = self._at.unwrap(row.subject, row.lookup, row.wrapped)
        told = self._unpacker.unpack(self._at.vault.open(key, row.id, row.sealed))
        return Record(
            **head, case=told.case, jurisdictions=told.jurisdictions, facts=told.facts, outcomes=told.outcomes,
            routes=told.routes, proof=told.proof, proofs=told.proofs, note=told.note,
        )  # fmt: skip

    def rulebase(self, version: str) -> Rulebase:
        """The rules of a version, from the files kept here. `InputError` if they are not, or no longer load."""
        return self._library.rulebase(version)

    def case(self, record: Record) -> Case:
        """The case as it was recorded, its facts typed by the rules of that day. `InputError` if it was erased."""
        if record.facts is None:
            raise InputError(f"Record {record.number} was erased: its facts are gone.")
        types = self.rulebase(record.rulebase).types
        facts = {name: read_value(value, types[name]) for name, value in record.facts.items()}
        return Case(record.case, record.as_of, record.jurisdictions, facts)

    # proving ----------------------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """The signed state of now. Keep its `text` elsewhere."""
        with self._store.reading() as connection:
            return self._log.state(connection).checkpoint

    def inclusion(self, id: str | int) -> Inclusion:
        """The proof that a record is in the log, for somebody who holds a checkpoint and not the ledger."""
        number = self.get(id).number if not isinstance(id, int) else id
        with self._store.reading() as connection:
            state = self._log.state(connection)
            row = connection.execute(select(tables.records).where(tables.records.c.number == number)).one_or_none()
            if row is None or not 0 < number <= state.frontier.size:
                raise InputError(f"There is no record {number} in {self.name}.")
            path = inclusion(nodes(connection, state), number - 1, state.frontier.size)
            return Inclusion(entry_of(row).decode(), number, path, state.checkpoint)

    def consistency(self, old: Checkpoint) -> Consistency:
        """The proof that the log only grew since a checkpoint. `InputError` if it is another ledger's, or of more records."""
        with self._store.reading() as connection:
            state = self._log.state(connection)
            if old.origin != self.origin:
                raise InputError(f"This checkpoint is of another ledger than {self.name}.")
            if old.size > state.frontier.size:
                raise InputError(
                    f"This checkpoint is of {old.size} records; {self.name} has {state.frontier.size}: records are missing."
                )
            path = consistency(nodes(connection, state), old.size, state.frontier.size)
            return Consistency(old, state.checkpoint, path)

    def verify(
        self,
        checkpoint: Checkpoint | None = None,
        progress: Callable[[int, int], None] | None = None,
        public_key: Ed25519PublicKey | None = None,
    ) -> Verification:
        """Check every record, the tree, the signatures, the kept texts and, with a checkpoint kept elsewhere, the past.

        `public_key` is the key to trust; by default that of the signing key at hand, else the one the ledger names.
        """
        from imgrules.audit.verify import verify

        mine = self._at.signing_key
        trusted = public_key or (mine.public_key() if mine else None)
        return verify(self._at, trusted, checkpoint, progress)


def _check_who(who: str) -> None:
    if not who.strip() or not who.isprintable() or len(who) > MAX_WHO:
        raise InputError(f"Say who records this, in at most {MAX_WHO} characters: --who NAME, or IMGRULES_WHO.")


def _decision(derived: Derived, note: str | None) -> Decision:
    case = derived.case
    outcomes = {name: derived.derivation.outcome(rule.literal) for name, rule in derived.program.rules.items()}
    routes = {route.id: route.status for route in derived.assessment.routes}
    return Decision(
        derived.rulebase, case.id, case.as_of, case.jurisdictions, case.facts, outcomes, routes, proof_of(derived), note
    )
