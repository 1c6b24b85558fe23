"""A decision as compact bytes: names are written once in the ledger, an outcome takes two bits, a status four.

A *layout* names the facts, findings and routes that a record's values stand for. It is made of lists of names, one for
what is national and one for each jurisdiction, so that few lists serve any choice of jurisdictions. Lists and layouts
are texts kept in the ledger under their own hashes.

A packed decision is a format byte, the layout's hash, the outcomes, the statuses, the proof if there is one (its hash
and the marks of what was decided), and the rest as compressed JSON.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from imgrules.audit.proof import MARK_BYTES, marks_by_name
from imgrules.audit.record import OUTCOME_LETTERS, STATUS_LETTERS, Decision, Marks
from imgrules.errors import InputError
from imgrules.rulebase.values import Outcome, plain

_DIGEST = 32
_WITHOUT_PROOF, _WITH_PROOF = b"\x01", b"\x02"
NAMES, LAYOUT = "names", "layout"
# What is left to compress is below a kilobyte or two: a small window, instead of zlib's usual one, is six times as fast.
_WINDOW, _MEMORY, _LEVEL = -11, 3, 1


class _Alphabet:
    """Letters packed into a few bits each."""

    def __init__(self, letters: Mapping[Any, str], bits: int) -> None:
        self.letters = letters
        self.values = {letter: value for value, letter in letters.items()}
        self._bits = bits
        self._known = "".join(letters.values()).encode()
        self._digits = str.maketrans({letter: f"{i:x}" for i, letter in enumerate(letters.values())})
        order = [*letters.values()]
        steps = [""]
        for _ in range(4 // bits):
            steps = [step + (order[i] if i < len(order) else "?") for step in steps for i in range(1 << bits)]
        self._unpacked = str.maketrans({f"{i:x}": step for i, step in enumerate(steps)})

    def pack(self, letters: str, order: _Order) -> bytes:
        """Letters in the given order as bytes in the layout's order. `InputError` unless there is one for each name."""
        if len(letters) != len(order.names) or letters.encode().translate(None, self._known):
            raise InputError("Outcomes to record must have one letter for each name.")
        if order.moves is not None:
            letters = "".join([letters[i] for i in order.moves])
        padding = "0" * (-len(letters) % (8 // self._bits))
        return int(letters.translate(self._digits) + padding or "0", 1 << self._bits).to_bytes(self.size(len(letters)))

    def unpack(self, data: bytes, names: tuple[str, ...]) -> dict[str, Any]:
        """The values by name."""
        letters = data.hex().translate(self._unpacked)[: len(names)]
        values = self.values
        return dict(zip(names, [values[letter] for letter in letters], strict=True))

    def size(self, count: int) -> int:
        """The bytes that so many letters take."""
        return (count * self._bits + 7) // 8


_OUTCOMES, _STATUSES = _Alphabet(OUTCOME_LETTERS, 2), _Alphabet(STATUS_LETTERS, 4)


@dataclass(frozen=True)
class _Order:
    """Names grouped by jurisdiction, and how a row of values gets from the given order into that."""

    lists: tuple[bytes, ...]
    names: tuple[str, ...]
    moves: tuple[int, ...] | None


@dataclass(frozen=True)
class _Layout:
    digest: bytes
    facts: Mapping[str, int]
    outcomes: _Order
    routes: _Order


class Packer:
    """Writes decisions as bytes. `texts` gathers, by hash, the lists and layouts that they rest on."""

    def __init__(self) -> None:
        self.texts: dict[bytes, tuple[str, bytes]] = {}
        self._layouts: dict[tuple[str, tuple[str, ...], tuple[str, ...]], _Layout] = {}
        self._orders: dict[tuple[str, ...], _Order] = {}

    def pack(self, decision: Decision) -> bytes:
        """The bytes of a decision. `InputError` for a fact that its rules do not know, or values of the wrong kind."""
        outcomes, statuses = _marks(decision.outcomes, _OUTCOMES), _marks(decision.routes, _STATUSES)
        layout = self._layout(decision, outcomes.names, statuses.names)
        index, proof = layout.facts, decision.proof
        try:
            facts = [
                item for name, value in decision.facts.items() if value is not None for item in (index[name], value)
            ]
            rest = _ENCODER.encode([decision.case, decision.jurisdictions, facts, decision.note])
        except KeyError as error:
            raise InputError(f"The rules {decision.rulebase.version} know no fact {error.args[0]}.") from None
        except (TypeError, ValueError):
            raise InputError("A fact to record is not a value that a case can have.") from None
        parts = [
            _WITH_PROOF if proof else _WITHOUT_PROOF,
            layout.digest,
            _OUTCOMES.pack(outcomes.letters, layout.outcomes),
            _STATUSES.pack(statuses.letters, layout.routes),
        ]
        if proof:
            parts += [proof.digest, _decided_marks(proof.marks, outcomes.letters, layout.outcomes)]
        return b"".join((*parts, _deflate(rest.encode())))

    def _layout(self, decision: Decision, outcomes: tuple[str, ...], routes: tuple[str, ...]) -> _Layout:
        key = (decision.rulebase.version, outcomes, routes)
        found = self._layouts.get(key)
        if found is None:
            facts = tuple(decision.rulebase.facts)
            first, second = self._order(outcomes), self._order(routes)
            text = json.dumps(
                {
                    "facts": self._keep(NAMES, "\n".join(facts).encode()).hex(),
                    "outcomes": [digest.hex() for digest in first.lists],
                    "routes": [digest.hex() for digest in second.lists],
                }
            )
            digest = self._keep(LAYOUT, text.encode())
            found = _Layout(digest, {name: i for i, name in enumerate(facts)}, first, second)
            self._layouts[key] = found
        return found

    def _order(self, names: tuple[str, ...]) -> _Order:
        if names not in self._orders:
            groups: dict[str, list[int]] = {}
            for i, name in enumerate(names):
                groups.setdefault(name.partition("@")[2], []).append(i)
            moves = tuple(i for group in groups.values() for i in group)
            lists = tuple(self._keep(NAMES, "\n".join(names[i] for i in group).encode()) for group in groups.values())
            straight = moves == tuple(range(len(names)))
            self._orders[names] = _Order(lists, tuple(names[i] for i in moves), None if straight else moves)
        return self._orders[names]

    def _keep(self, kind: str, text: bytes) -> bytes:
        digest = sha256(text).digest()
        self.texts[digest] = (kind, text)
        return digest


@dataclass(frozen=True)
class Unpacked:
    """The fields of a record that were sealed."""

    case: str
    jurisdictions: tuple[str, ...]
    facts: dict[str, Any]
    outcomes: dict[str, Any]
    routes: dict[str, Any]
    proof: str | None
    proofs: dict[str, str]
    note: str | None


class Unpacker:
    """Reads what `Packer` wrote. `text` gives a kept text by its hash."""

    def __init__(self, text: Callable[[bytes], bytes]) -> None:
        self._text = text
        self._layouts: dict[bytes, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {}

    def unpack(self, data: bytes) -> Unpacked:
        """The fields; `ValueError` or `KeyError` if the bytes are not a decision's."""
        if data[:1] not in (_WITHOUT_PROOF, _WITH_PROOF):
            raise ValueError("unknown format")
        facts, outcomes, routes = self._layout(data[1 : 1 + _DIGEST])
        sizes = [_OUTCOMES.size(len(outcomes)), _STATUSES.size(len(routes))]
        met, statuses, rest = _cut(data[1 + _DIGEST :], sizes)
        found, proof = _OUTCOMES.unpack(met, outcomes), []
        decided = tuple(name for name, outcome in found.items() if outcome is not Outcome.UNKNOWN)
        if data[:1] == _WITH_PROOF:
            *proof, rest = _cut(rest, [_DIGEST, MARK_BYTES * len(decided)])
        case, jurisdictions, told, note = json.loads(zlib.decompress(rest, _WINDOW))
        return Unpacked(
            case=case,
            jurisdictions=tuple(jurisdictions),
            facts={facts[told[i]]: told[i + 1] for i in range(0, len(told), 2)},
            outcomes=found,
            routes=_STATUSES.unpack(statuses, routes),
            proof=proof[0].hex() if proof else None,
            proofs=marks_by_name(decided, proof[1]) if proof else {},
            note=note,
        )

    def _layout(self, digest: bytes) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        if digest not in self._layouts:
            layout = json.loads(self._text(digest))
            facts, outcomes, routes = ([layout["facts"]], layout["outcomes"], layout["routes"])
            self._layouts[digest] = (self._names(facts), self._names(outcomes), self._names(routes))
        return self._layouts[digest]

    def _names(self, lists: list[str]) -> tuple[str, ...]:
        texts = (self._text(bytes.fromhex(digest)).decode() for digest in lists)
        return tuple(name for text in texts for name in text.split("\n") if name)


def _deflate(text: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY)
    return packer.compress(text) + packer.flush()


def _cut(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """Parts of these sizes, and what is left."""
    parts, start = [], 0
    for size in sizes:
        parts.append(data[start : start + size])
        start += size
    return [*parts, data[start:]]


def _marks(values: Mapping[Any, Any] | Marks, alphabet: _Alphabet) -> Marks:
    if isinstance(values, Marks):
        return values
    try:
        return Marks(tuple(values), "".join([alphabet.letters[value] for value in values.values()]))
    except KeyError as error:
        raise InputError(f"{error.args[0]} is neither an outcome nor a status.") from None


def _decided_marks(marks: bytes, letters: str, order: _Order) -> bytes:
    """The marks of what is met or not met, in the layout's order: nothing was proved of the rest."""
    n, unknown = MARK_BYTES, OUTCOME_LETTERS[Outcome.UNKNOWN]
    if len(marks) != n * len(letters):
        raise InputError("A proof to record must have a mark for each outcome.")
    moves = range(len(letters)) if order.moves is None else order.moves
    return b"".join([marks[n * i : n * i + n] for i in moves if letters[i] != unknown])


def _exact(value: object) -> object:
    """A typed value as JSON writes it, without loss: a decimal that no float holds is written as text."""
    if isinstance(value, Decimal):
        near = plain(value)
        return near if Decimal(str(near)) == value else str(value)
    if isinstance(value, list | dict | bytes) or (found := plain(value)) is value:
        raise TypeError
    return found


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_exact)
