"""What goes in comes out, on SQLite and on PostgreSQL alike; proofs; filters; forgetting; what is refused."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from imgrules.assessment.result import Status
from imgrules.audit.checkpoint import parse_checkpoint, parse_verifier, verifier
from imgrules.audit.entry import as_text, canonical, entry_of, new_ids, time_of, with_leaf
from imgrules.audit.ledger import Ledger
from imgrules.audit.payload import Packer, Unpacker
from imgrules.audit.record import OUTCOME_LETTERS, STATUS_LETTERS, Decision, Marks
from imgrules.errors import InputError
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import plain
from tests.audit.samples import MASTER, SIGNING, decision, decisions, open_ledger, small_rules


def plainly(facts: object) -> object:
    assert isinstance(facts, dict)
    return {name: plain(value) for name, value in facts.items()}


@given(st.integers(0, 10**6))
def test_a_decision_packed_and_unpacked_is_the_same(seed: int) -> None:
    """Facts, outcomes, statuses, proof and note survive; so do mappings given as letters, and any order of names."""
    made = decision(seed)
    packer = Packer()
    unpacker = Unpacker(lambda digest: packer.texts[digest][1])
    told = unpacker.unpack(packer.pack(made))
    assert told.case == made.case
    assert told.jurisdictions == made.jurisdictions
    assert told.facts == plainly(made.facts)
    assert told.outcomes == made.outcomes
    assert told.routes == made.routes
    assert made.proof is not None
    assert told.proof == made.proof.digest.hex()
    names = list(made.outcomes)
    marks = made.proof.marks
    assert told.proofs == {
        n: marks[2 * i : 2 * i + 2].hex() for i, n in enumerate(names) if any(marks[2 * i : 2 * i + 2])
    }
    assert told.note == made.note
    assert isinstance(made.outcomes, dict)
    assert isinstance(made.routes, dict)
    lettered = replace(
        made,
        outcomes=Marks(tuple(made.outcomes), "".join(OUTCOME_LETTERS[o] for o in made.outcomes.values())),
        routes=Marks(tuple(made.routes), "".join(STATUS_LETTERS[s] for s in made.routes.values())),
    )
    assert unpacker.unpack(packer.pack(lettered)) == told


@given(
    st.recursive(
        st.one_of(st.text(), st.integers(-(2**53) + 1, 2**53 - 1), st.booleans(), st.none()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.from_regex("[ -~]*", fullmatch=True), inner)),
    )
)
def test_what_is_hashed_is_canonical(value: object) -> None:
    """Our JSON is RFC 8785's, by its reference library, for what the ledger hashes."""
    try:
        expected = rfc8785.dumps(value)  # type: ignore[arg-type]
    except rfc8785.CanonicalizationError:
        return  # a lone surrogate
    assert canonical(value) == expected


@given(
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.text(st.characters(codec="utf-8")),
    st.booleans(),
    st.binary(),
)
def test_entries_are_canonical(who: str, kind: str, erasure: bool, data: bytes) -> None:
    """The entry written out by hand is RFC 8785's of the same fields."""
    row = with_leaf(
        7,
        b"i" * 16,
        who,
        kind,
        "1.0",
        None if erasure else b"r" * 32,
        None if erasure else "2026-11-22",
        b"s" * 16,
        data,
    )
    fields = {
        "as_of": row.as_of, "id": row.id.hex(), "kind": kind, "number": 7, "rules": row.rules.hex() if row.rules else None,
        "sealed": sha256(data).hexdigest(), "subject": row.subject.hex(), "tool": "1.0", "who": who,
    }  # fmt: skip
    assert entry_of(row) == rfc8785.dumps(fields)
    assert row.leaf == sha256(b"\x00" + entry_of(row)).digest()


def test_decimals_are_exact(small: Rulebase) -> None:
    """A number that no float holds is written as text."""
    name = next(n for n, t in small.types.items() if t.kind == "decimal" and n in small.facts)
    for number in (Decimal("1.5"), Decimal("99999999999.9999"), Decimal(3), Decimal("0.1")):
        packer = Packer()
        made = replace(decision(1), facts={name: number})
        told = Unpacker(lambda digest, p=packer: p.texts[digest][1]).unpack(packer.pack(made))  # type: ignore[misc]
        assert Decimal(str(told.facts[name])) == number


@given(st.integers(1, 9000), st.integers(2**40, 2**41), st.integers(-5000, 5000))
def test_ids_are_in_order(count: int, now: int, back: int) -> None:
    """UUIDv7, each greater than the last, also when the clock goes backwards."""
    first = new_ids(count, None, now)
    ids = first + new_ids(3, first[-1], now + back)
    assert ids == sorted(set(ids))
    assert {(i[6] >> 4, i[8] >> 6) for i in ids} == {(7, 2)}
    assert as_text(ids[0]) == str(uuid.UUID(bytes=ids[0]))
    assert time_of(ids[0]) == datetime.fromtimestamp(now / 1000, UTC)


def test_recorded_and_read(ledger: Ledger) -> None:
    """Every field, in order, by id and by number; the whole verifies."""
    made = decisions(12)
    before = datetime.now(UTC) - timedelta(milliseconds=2)
    ids = list(ledger.record_many(made, "a tester", chunk=5))
    assert ids == sorted(ids)
    for number, (id, given_) in enumerate(zip(ids, made, strict=True), 1):
        found = ledger.get(id)
        assert found == ledger.get(number) == ledger.get(str(number))
        assert (found.number, found.who, found.kind, found.rulebase) == (
            number,
            "a tester",
            "batch",
            given_.rulebase.version,
        )
        assert (found.case, found.as_of, found.jurisdictions) == (given_.case, given_.as_of, given_.jurisdictions)
        assert (found.facts, found.outcomes, found.routes) == (plainly(given_.facts), given_.outcomes, given_.routes)
        assert not found.erased
        assert before <= found.at <= datetime.now(UTC) + timedelta(seconds=1)
        case = ledger.case(found)
        assert (case.facts, case.id, case.as_of) == (given_.facts, given_.case, given_.as_of)
    assert [r.id for r in ledger.records()] == ids
    checked = ledger.verify()
    assert checked.ok
    assert (checked.size, checked.checked, checked.keys, checked.trusted) == (12, 12, 12, True)


def test_filters(ledger: Ledger) -> None:
    """By case, day, rules, route and status; each leaves exactly what fits."""
    made = [decision(i, case=f"c{i % 3}") for i in range(9)]
    list(ledger.record_many(made, "t"))
    everything = list(ledger.records())

    def numbers(**filters: object) -> list[int]:
        return [r.number for r in ledger.records(**filters)]  # type: ignore[arg-type]

    assert numbers(case="c1") == [2, 5, 8]
    assert numbers(case="nobody") == []
    assert numbers(newest=3) == [7, 8, 9]
    assert numbers(newest=2, case="c0") == [4, 7]
    today = datetime.now(UTC).date()
    assert numbers(since=today - timedelta(days=1), until=today + timedelta(days=1)) == list(range(1, 10))
    assert numbers(since=today + timedelta(days=2)) == numbers(until=today - timedelta(days=2)) == []
    assert numbers(since=everything[0].at, until=everything[-1].at) == list(range(1, 10))
    assert numbers(rulebase=small_rules()[0].version) == list(range(1, 10))
    assert numbers(rulebase="0" * 16) == []
    route, status = next(iter(everything[3].routes.items()))
    assert numbers(route=route) == [r.number for r in everything if route in r.routes]
    assert numbers(route=route, status=status) == [r.number for r in everything if r.routes.get(route) == status]
    assert numbers(status="open") == [r.number for r in everything if Status.OPEN in r.routes.values()]


def test_every_record_is_provably_in_the_log(ledger: Ledger) -> None:
    """Inclusion of each record, and consistency with each earlier checkpoint, across a full tile."""
    checkpoints = [ledger.checkpoint()]
    for size in (1, 2, 250, 5, 260, 1):
        list(ledger.record_many(decisions(size, start=checkpoints[-1].size), "t"))
        checkpoints.append(ledger.checkpoint())
    assert checkpoints[-1].size == ledger.size == 519
    key = parse_verifier(verifier(ledger.origin, ledger.public_key))
    for number in (1, 2, 3, 128, 253, 255, 256, 257, 258, 512, 513, 518, 519):
        proof = ledger.inclusion(number)
        assert proof.holds(key)
        assert proof.leaf.hex() == ledger.get(number).leaf
        assert json.loads(json.dumps(proof.plain()))["number"] == number
        assert not replace(proof, number=number % 519 + 1).holds(key)
        assert not replace(proof, entry=proof.entry.replace('"who":"t"', '"who":"x"')).holds(key)
    for old in checkpoints:
        assert ledger.consistency(old).holds(key)
        assert ledger.verify(old).ok
        if old.size:
            assert not ledger.consistency(replace(old, root=bytes(32))).holds(key)
    assert ledger.verify().checkpoints == 3  # the head, and where each tile was filled


def test_forgotten(ledger: Ledger, place: str) -> None:
    """After an erasure the records are there, verify, and say so; a later record of the case begins anew."""
    list(ledger.record_many([decision(i, case=f"c{i % 2}") for i in range(4)], "t"))
    kept = ledger.checkpoint()
    receipt = ledger.erase("c1", "the boss")
    assert (receipt.kind, receipt.who, receipt.erased, receipt.facts) == ("erase", "the boss", True, None)
    with open_ledger(place) as again:
        found = list(again.records())
        assert [r.erased for r in found] == [False, True, False, True, True]
        assert {r.case for r in found if r.erased} == {receipt.case}
        assert all(
            not r.outcomes and not r.routes and r.facts is None and r.note in (None, receipt.note)
            for r in found
            if r.erased
        )
        checked = again.verify(kept)
        assert checked.ok
        assert (checked.erased, checked.keys) == (2, 1)
        with pytest.raises(InputError, match="erased"):
            again.case(found[1])
        with pytest.raises(InputError, match="no case"):
            again.erase("c1", "the boss")
        (new,) = again.record_many([decision(9, case="c1")], "t")
        assert [r.id for r in again.records(case="c1")] == [new]
        again.erase("c1", "the boss")
        assert again.verify().ok


def test_plain_text_only_if_asked_for(place: str) -> None:
    """A plain ledger reads without a key, verifies, and refuses to erase."""
    with open_ledger(place, plain=True) as ledger:
        list(ledger.record_many(decisions(3), "t"))
        assert not ledger.sealed
        with pytest.raises(InputError, match="plain"):
            ledger.erase("case 1", "t")
    with Ledger.open(place, signing_key=SIGNING, create=False) as ledger:
        assert [r.case for r in ledger.records()] == ["case 0", "case 1", "case 2"]
        assert ledger.verify().ok


def test_without_the_key_only_verifying_works(ledger: Ledger, place: str) -> None:
    """An auditor without keys can verify and read nothing; a wrong key is told at once."""
    list(ledger.record_many(decisions(3), "t"))
    with Ledger.open(place, create=False) as auditor:
        checked = auditor.verify()
        assert checked.ok
        assert (checked.keys, checked.trusted) == (None, False)
        assert auditor.verify(public_key=ledger.public_key).trusted
        for read in (lambda: list(auditor.records()), lambda: auditor.erase("case 1", "t"), lambda: auditor.get(1)):
            with pytest.raises(InputError, match="key is not here"):
                read()
    with pytest.raises(InputError, match="not that of the ledger"):
        Ledger.open(place, key=b"x" * 32)
    with Ledger.open(place, key=MASTER, signing_key=b"x" * 32) as stranger:
        stranger.keep(small_rules()[1].files)
        with pytest.raises(InputError, match="signs"):
            list(stranger.record_many(decisions(1), "t"))
        assert "another key" in stranger.verify().flaws[0].text
        assert ledger.size == 3


def test_what_is_refused(ledger: Ledger, small: Rulebase) -> None:
    """Bad decisions are told and leave nothing behind."""
    good = decision(1)
    bad: list[tuple[str, Decision, str]] = [
        ("", good, "who"),
        ("x\n", good, "who"),
        ("t", replace(good, facts={"no.such": 1}), "no.such"),
        ("t", replace(good, facts={next(iter(small.facts)): object()}), "not a value"),
        ("t", replace(good, facts={next(iter(small.facts)): float("nan")}), "not a value"),
        ("t", replace(good, outcomes=Marks(("a", "b"), "m")), "letter"),
        ("t", replace(good, outcomes=Marks(("a", "b"), "mx")), "letter"),
        ("t", replace(good, routes={"a": "half-open"}), "half-open"),  # type: ignore[dict-item]
    ]
    for who, made, message in bad:
        with pytest.raises(InputError, match=message):
            list(ledger.record_many([decision(2), made], who))
    assert ledger.size == 0
    assert ledger.verify().ok
    for id in ("nonsense", "0", "7", "01a20573-022d-7000-8130-8eb5de744ac3"):
        with pytest.raises(InputError, match="audit list"):
            ledger.get(id)
    with pytest.raises(InputError, match="no record"):
        ledger.inclusion(1)
    with pytest.raises(InputError, match="keeps no rules"):
        ledger.rulebase("0" * 16)


def test_rules_that_are_nowhere(place: str) -> None:
    """A decision under rules whose files cannot be found is not recorded, for it could never be derived again."""
    with Ledger.open(place, key=MASTER, signing_key=SIGNING) as ledger:
        with pytest.raises(InputError, match="--rules"):
            list(ledger.record_many(decisions(1), "t"))
        assert ledger.size == 0


def test_a_checkpoint_is_text(ledger: Ledger) -> None:
    """It reads back; whatever is changed in it is noticed."""
    list(ledger.record_many(decisions(2), "t"))
    text = ledger.checkpoint().text
    assert parse_checkpoint(text) == ledger.checkpoint()
    for i in range(len(text)):
        changed = text[:i] + chr(ord(text[i]) ^ 1) + text[i + 1 :]
        try:
            found = parse_checkpoint(changed)
        except InputError:
            continue
        assert not found.is_signed_by(ledger.public_key)
    public = verifier(ledger.origin, ledger.public_key)
    for broken in ("", "x", public[:-4], public.replace("+", "-")):
        with pytest.raises(InputError, match="public key"):
            parse_verifier(broken)


def test_of_another_ledger(ledger: Ledger, place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A checkpoint of another ledger, or of a longer one, is told apart."""
    with open_ledger(str(tmp_path_factory.mktemp("other") / "other.db")) as other:
        list(other.record_many(decisions(2), "t"))
        with pytest.raises(InputError, match="another ledger"):
            ledger.consistency(other.checkpoint())
        assert "another ledger" in ledger.verify(other.checkpoint()).flaws[0].text
        with pytest.raises(InputError, match="missing"):
            ledger.consistency(replace(ledger.checkpoint(), size=9))


def test_the_day_of_a_filter() -> None:
    """A day counts from its first millisecond to its last."""
    from imgrules.audit.queries import milliseconds as _milliseconds

    day = date(2026, 11, 22)
    assert _milliseconds(day, 1) - _milliseconds(day, 0) == 86_400_000
    assert _milliseconds(datetime(2026, 11, 22), 0) == _milliseconds(day, 0)
