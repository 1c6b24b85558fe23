"""A million applicants from some thousand lives: drawn, moved, renamed and thinned out column by column.

Rows come in blocks of a fixed size, each drawn from random numbers of its own, so that a row depends on the seed and
its number alone: not on how many rows are made or in what portions they are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgrules.assessment.case import Case
from imgrules.batch.synth.habits import PLACES
from imgrules.batch.synth.lives import LifeMaker
from imgrules.batch.synth.moves import STEP, Mover
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import DECIMAL_PLACES, Value, ValueType

Ints = NDArray[np.int64]

BLOCK = 8192  # rows; part of what a seed means
LIVES = 2048  # lives that rows are drawn from; part of what a seed means
NULL = np.int64(np.iinfo(np.int64).min)
SCALE = 10**DECIMAL_PLACES
EPOCH = date(1970, 1, 1).toordinal()

RENAMED = 0.5  # of the rows, those whose country (and jurisdiction) is called something else
REDRAWN = 0.08  # of the answers that nothing hangs together with, those drawn anew
AT_HOME = 0.7  # of the rows, those that aim at a jurisdiction that already plays a part in the life
RARE = {"country": 0.5, "jurisdiction": 2.0}  # cases that every code is taken to come up in besides the real ones

REMEMBERED = 100_000  # renamed sets, so that memory stays bounded
ROWS, GAPS, DIRT = 0, 1, 2  # streams of random numbers


@dataclass(frozen=True)
class Plan:
    """What is asked for. `states`: codes that every row aims at, or `pick` of them drawn for each row."""

    rows: int
    today: date
    states: tuple[str, ...]
    pick: int | None = None
    seed: int = 0
    missing: float = 0.2
    dirty: float = 0.0


@dataclass(eq=False)
class Column:
    """One fact over all lives: values as whole numbers (days, scaled decimals, places in `words`) and their boxes."""

    name: str
    type: ValueType
    words: list[Any]
    values: Ints
    low: Ints | None = None
    high: Ints | None = None
    chances: NDArray[np.float64] | None = None
    index: dict[Any, int] = field(default_factory=dict)

    @property
    def place(self) -> str | None:
        """The kind of place its codes stand for, if they do."""
        kind = self.type.of if self.type.kind == "set" else self.type.kind
        return kind if kind in PLACES else None

    @property
    def step(self) -> int:
        """One step of its values, as stored."""
        return int(STEP * SCALE) if self.type.kind == "decimal" else 1

    def store(self, value: Value) -> int:
        """A value as a whole number. A set that comes up for the first time gets the next place."""
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, date):
            return value.toordinal() - EPOCH
        if isinstance(value, Decimal):
            return int(value.scaleb(DECIMAL_PLACES))
        if isinstance(value, int):
            return value
        if value not in self.index:
            self.index[value] = len(self.words)
            self.words.append(value)
        return self.index[value]


@dataclass(frozen=True)
class Block:
    """Some rows: the number of the first, the values of every fact (NULL: unknown), and the jurisdictions aimed at."""

    first: int
    rows: int
    values: dict[str, Ints]
    jurisdictions: list[str]


class Population:
    """All the applicants of a plan. Lives are made when a row is first drawn from them."""

    def __init__(self, plan: Plan, rulebase: Rulebase, cases: Sequence[Case]) -> None:
        self.plan, self.rulebase = plan, rulebase
        self.maker = LifeMaker(rulebase, cases, plan.today, plan.seed)
        self.mover = Mover(self.maker)
        self.codes = {"country": sorted(rulebase.countries), "jurisdiction": sorted(rulebase.jurisdictions)}
        self.columns = {name: self._column(name) for name in rulebase.facts}
        self.weights = {kind: self._weights(kind) for kind in sorted(PLACES)}
        self.made = np.zeros(LIVES, dtype=bool)
        self.shift = np.zeros((2, LIVES), dtype=np.int64)
        self.called = {kind: np.full(LIVES, -1, dtype=np.int64) for kind in PLACES}
        self.home = np.full(LIVES, -1, dtype=np.int64)
        self._renamed_sets: dict[tuple[str, int, int, int], int] = {}

    def blocks(self) -> Iterator[Block]:
        """The rows of the plan, in order."""
        for number in range(-(-self.plan.rows // BLOCK)):
            yield self.block(number, min(BLOCK, self.plan.rows - number * BLOCK))

    def block(self, number: int, rows: int = BLOCK) -> Block:
        """The first rows of one block."""
        r = self.random(ROWS, number)
        lives = r.integers(LIVES, size=BLOCK)[:rows]
        self._make(lives)
        days = self._days(r, lives, rows)
        names = {kind: self._names(r, kind, lives, rows) for kind in sorted(PLACES)}
        jurisdictions = self._aims(r, lives, names["jurisdiction"], rows)
        values = {}
        shares: dict[str, NDArray[np.float64]] = {}
        for column in self.columns.values():
            found = column.values[lives]
            known = found != NULL
            if column.low is not None and column.high is not None:
                share = shares.setdefault(self._group(column.name), r.random(BLOCK)[:rows])
                low, high = column.low[lives], column.high[lives]
                found += column.step * (low + np.floor(share * (high - low + 1)).astype(np.int64))
            if column.name in self.mover.shifted:
                found += days
            if column.place:
                found = self._rename(column, found, *names[column.place])
            if column.chances is not None:
                anew = r.random(BLOCK)[:rows] < REDRAWN
                found = np.where(anew, np.searchsorted(column.chances, r.random(BLOCK)[:rows], side="right"), found)
            values[column.name] = np.where(known, found, NULL)
        self._forget(values, number, rows)
        return Block(number * BLOCK, rows, values, jurisdictions)

    def random(self, stream: int, number: int) -> np.random.Generator:
        """The random numbers of a block for one purpose."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.plan.seed, stream, number])))

    def _group(self, fact: str) -> str:
        """The first of the facts that move together with this one."""
        return min([fact, *self.maker.habits.twins(fact)])

    # lives ------------------------------------------------------------------------------------------------------------

    def _column(self, name: str) -> Column:
        type_ = self.rulebase.types[name]
        words: list[Any] = [] if type_.kind == "set" else sorted(type_.codes)
        column = Column(name, type_, words, np.full(LIVES, NULL), index={w: i for i, w in enumerate(words)})
        if type_.kind in ("int", "decimal", "date"):
            column.low, column.high = np.zeros(LIVES, dtype=np.int64), np.zeros(LIVES, dtype=np.int64)
        elif type_.kind in ("bool", "enum") and name not in self._bound:
            column.chances = self._chances(name, max(2, len(words)), column)
        return column

    @cached_property
    def _bound(self) -> set[str]:
        """Facts that a condition looks at or that keep apart from others: their values are not drawn by themselves."""
        looked_at = {fact for small in self.maker.conditions.all for fact in small.facts}
        return looked_at | {fact for fact, _ in self.maker.habits.apart}

    def _chances(self, name: str, size: int, column: Column) -> NDArray[np.float64]:
        """How often each value of a fact comes up in the cases, as if each came up once more."""
        counts = np.ones(size)
        for case in self.maker.telling.get(name, ()):
            counts[column.store(case.facts[name])] += 1
        total: NDArray[np.float64] = np.cumsum(counts / counts.sum())[:-1]
        return total

    def _weights(self, kind: str) -> NDArray[np.float64]:
        """How often each place is drawn for another. Places that conditions name never are."""
        counts: Counter[Any] = Counter()
        for column in self.columns.values():
            if column.place == kind:
                for case in self.maker.telling.get(column.name, ()):
                    value = case.facts[column.name]
                    counts.update(value if isinstance(value, frozenset) else [value])
        weights = [0 if c in self.maker.habits.telling[kind] else counts[c] + RARE[kind] for c in self.codes[kind]]
        total: NDArray[np.float64] = np.cumsum(np.array(weights) / max(sum(weights), 1e-9))[:-1]
        return total

    def _make(self, lives: Ints) -> None:
        for number in np.unique(lives[~self.made[lives]]).tolist():
            self.made[number] = True
            life = self.maker.life(number)
            moves = self.mover.moves(life)
            for fact, value in life.facts.items():
                self.columns[fact].values[number] = self.columns[fact].store(value)
            for fact, (low, high) in moves.steps.items():
                column = self.columns[fact]
                assert column.low is not None
                assert column.high is not None
                column.low[number], column.high[number] = low, high
            self.shift[:, number] = moves.shift
            for kind, code in moves.renamed.items():
                self.called[kind][number] = self.codes[kind].index(code)
            aims = [*life.aims, *filter(None, [moves.renamed.get("jurisdiction")])]
            if aims:
                self.home[number] = self.codes["jurisdiction"].index(aims[number % len(aims)])

    # rows -------------------------------------------------------------------------------------------------------------

    def _days(self, r: np.random.Generator, lives: Ints, rows: int) -> Ints:
        """By how many days each life is moved: small moves more often than large ones."""
        draw = 2 * r.random(BLOCK)[:rows] - 1
        earliest, latest = self.shift[0][lives], self.shift[1][lives]
        far = np.abs(draw) ** 1.5
        days: Ints = np.where(draw < 0, np.ceil(far * earliest), np.floor(far * latest)).astype(np.int64)
        return days

    def _names(self, r: np.random.Generator, kind: str, lives: Ints, rows: int) -> tuple[Ints, Ints]:
        """For each row the place that is called something else (-1: none), and what it is called."""
        old = np.where(r.random(BLOCK)[:rows] < RENAMED, self.called[kind][lives], -1)
        new = np.searchsorted(self.weights[kind], r.random(BLOCK)[:rows], side="right")
        wanted = [self.codes[kind].index(s) for s in self.plan.states] if kind == "jurisdiction" else []
        if wanted and self.plan.pick is None:
            drawn = np.array(wanted)[r.integers(len(wanted), size=BLOCK)[:rows]]
            new = np.where(r.random(BLOCK)[:rows] < AT_HOME, drawn, new)
        return old, new.astype(np.int64)

    def _rename(self, column: Column, values: Ints, old: Ints, new: Ints) -> Ints:
        if column.type.kind != "set":
            return np.where(values == old, new, values)
        at = np.flatnonzero((old >= 0) & (values != NULL))
        size = len(self.codes[column.place or ""])
        keys, where = np.unique((values[at] * size + old[at]) * size + new[at], return_inverse=True)
        triples = [(key // size // size, key // size % size, key % size) for key in keys.tolist()]
        renamed = [self._renamed_set(column, *triple) for triple in triples]
        values[at] = np.array(renamed, dtype=np.int64)[where] if len(at) else values[at]
        return values

    def _renamed_set(self, column: Column, place: int, old: int, new: int) -> int:
        key = (column.name, place, old, new)
        if key not in self._renamed_sets:
            if len(self._renamed_sets) >= REMEMBERED:
                self._renamed_sets.clear()
            codes = self.codes[column.place or ""]
            members: frozenset[str] = column.words[place]
            if codes[old] in members:
                place = column.store(members - {codes[old]} | {codes[new]})
            self._renamed_sets[key] = place
        return self._renamed_sets[key]

    def _aims(self, r: np.random.Generator, lives: Ints, names: tuple[Ints, Ints], rows: int) -> list[str]:
        """The jurisdictions that each row aims at, as codes joined by a space."""
        if self.plan.pick is None:
            return [" ".join(sorted(self.plan.states))] * rows
        pool = np.array([self.codes["jurisdiction"].index(s) for s in self.plan.states])
        keys = r.random((BLOCK, len(pool)))[:rows]
        home = self.home[lives]
        home = np.where((names[0] >= 0) & (home == names[0]), names[1], home)
        stay = r.random(BLOCK)[:rows] < AT_HOME
        keys[(pool[None, :] == home[:, None]) & stay[:, None]] = -1
        first = np.argsort(keys, axis=1, kind="stable")[:, : self.plan.pick]
        codes = self.codes["jurisdiction"]
        return [" ".join([codes[i] for i in row]) for row in np.sort(pool[first], axis=1).tolist()]

    def _forget(self, values: dict[str, Ints], number: int, rows: int) -> None:
        """Make a share of the answers unknown: most applicants forget little, a few nearly everything."""
        r, missing = self.random(GAPS, number), self.plan.missing
        rate = r.random(BLOCK)[:rows] ** (1 / missing - 1) if missing else np.zeros(rows)
        limit = np.round(rate * 65536).astype(np.int64)
        for found in values.values():
            found[r.integers(65536, size=BLOCK, dtype=np.uint16)[:rows] < limit] = NULL
