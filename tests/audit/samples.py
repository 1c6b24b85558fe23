"""Small rulebases and decisions to record, without running an engine."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from random import Random

from imgrules.assessment.result import Status
from imgrules.audit.ledger import Ledger
from imgrules.audit.record import Decision, Proof
from imgrules.rulebase.load import check_files
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Outcome
from tests.worlds import CODES, DAY, World, make_facts, make_world

MASTER, SIGNING = b"m" * 32, b"s" * 32


@cache
def small_rules(seed: int = 5) -> tuple[Rulebase, World]:
    """A random rulebase with its files."""
    world = make_world(seed, size=8)
    rulebase, _ = check_files(world.files)
    assert rulebase is not None
    return rulebase, world


def open_ledger(place: str, key: bytes = MASTER, signing_key: bytes = SIGNING, plain: bool = False) -> Ledger:
    """A ledger with the test keys that knows the small rulebase's files."""
    ledger = Ledger.open(place, key=key, signing_key=signing_key, plain=plain)
    ledger.keep(small_rules()[1].files)
    return ledger


def decision(seed: int, case: str | None = None, proof: bool = True) -> Decision:
    """A random decision under the small rulebase. It need not follow from its facts."""
    rulebase, world = small_rules()
    r = Random(seed)
    names = [n if not e.each else f"{n}@{c}" for n, e in rulebase.rules.items() for c in (CODES if e.each else [""])]
    outcomes = {name: r.choice(list(Outcome)) for name in names}
    routes = {f"route.n{i}@{r.choice(CODES)}": r.choice(list(Status)) for i in range(3)}
    return Decision(
        rulebase,
        case or f"case {seed}",
        DAY + timedelta(days=r.randint(-900, 900)),
        CODES[: r.randint(0, 2)],
        make_facts(world, seed),
        outcomes,
        routes,
        Proof(r.randbytes(32), _marks(r, outcomes)) if proof else None,
        r.choice([None, "a note"]),
    )


def _marks(r: Random, outcomes: dict[str, Outcome]) -> bytes:
    """Two bytes for what is decided, zeros for what is not."""
    return b"".join(bytes(2) if o is Outcome.UNKNOWN else bytes([1, r.randrange(256)]) for o in outcomes.values())


def decisions(count: int, start: int = 0) -> list[Decision]:
    """So many random decisions, each of a case of its own."""
    return [decision(i) for i in range(start, start + count)]
