"""From a table of facts to what each case is told: stages, and status, blockers, unknowns and next step of each route."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import compute

from imgrules.assessment.assess import Derived, Notes, values_of
from imgrules.assessment.case import Case
from imgrules.assessment.causes import cause_text
from imgrules.assessment.result import Status
from imgrules.assessment.wording import Wording
from imgrules.batch.plan import STATUSES, Plan, Reading, RoutePlan, routes_of
from imgrules.engines.column_arithmetic import Array
from imgrules.engines.columnar import Table
from imgrules.engines.protocol import Derivation
from imgrules.errors import Problem
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import Program
from imgrules.rulebase.rulebase import Rulebase

_AHEAD = [STATUSES.index(Status.REACHABLE), STATUSES.index(Status.UNDETERMINED)]
_NO_DAY = -(2**31)
_LINES = (
    2_000_000  # lines of routes at a time, so that what a process holds does not grow with the jurisdictions aimed at
)
OUTCOMES = ("unknown", "not_met", "met")


class Names:
    """Texts by number: what is told of many cases is written once."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts: list[str] = list(texts)
        self._codes = {text: i for i, text in enumerate(self.texts)}

    def code(self, text: str) -> int:
        """The number of a text, a new one if need be."""
        if text not in self._codes:
            self._codes[text] = len(self.texts)
            self.texts.append(text)
        return self._codes[text]

    def column(self, codes: Array, null: int | None = None) -> pa.DictionaryArray:
        """Numbers as the texts they stand for."""
        mask = None if null is None else codes == null
        indices = pa.array(np.where(mask, 0, codes) if mask is not None else codes, pa.int32(), mask=mask)
        return pa.DictionaryArray.from_arrays(indices, pa.array(self.texts or [""], pa.string()))


class Sets:
    """For each of some rows, which of some things hold: few different sets in many rows, so each is written once.

    `codes`: the set of each row. `texts`: each set's names, joined by a space. `first`: each set's first thing, -1 for
    none. `counts`: in how many rows each thing holds.
    """

    def __init__(self, names: Sequence[str], masks: Sequence[Array], height: int) -> None:
        rows = [np.flatnonzero(mask) for mask in masks]
        self.counts = [len(found) for found in rows]
        codes = pa.array(np.zeros(height, np.uint64)).dictionary_encode()
        for start in range(0, len(masks), 63):
            word = np.zeros(height, np.uint64)
            for j, found in enumerate(rows[start : start + 63]):
                word[found] |= np.uint64(1 << j)
            if start:
                word = _codes(codes) * np.uint64(height + 1) + _codes(pa.array(word).dictionary_encode())
            codes = pa.array(word).dictionary_encode()
        self.codes = np.asarray(codes.indices)
        examples = np.zeros(len(codes.dictionary), np.int64)
        examples[self.codes] = np.arange(height)
        held = np.array([mask[examples] for mask in masks], bool).reshape(len(masks), len(examples)).T
        of, things = np.nonzero(held)
        offsets = np.searchsorted(of, np.arange(len(examples) + 1)).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(names, pa.string()).take(pa.array(things)))
        self.texts = compute.binary_join(lists, " ")
        self.first = np.where(offsets[1:] > offsets[:-1], np.append(things, -1)[offsets[:-1]], -1)


class Texts:
    """A column of texts collected from several places, each text once."""

    def __init__(self, height: int) -> None:
        self.codes = np.zeros(height, np.int32)
        self._dictionaries: list[pa.Array] = []
        self._size = 0

    def put(self, places: Array, codes: Array, texts: pa.Array) -> None:
        """The texts of some rows, by their numbers among `texts`."""
        self.codes[places] = codes + self._size
        self._dictionaries.append(texts)
        self._size += len(texts)

    def column(self) -> pa.DictionaryArray:
        """All of them; equal texts from different places become one."""
        together = pa.concat_arrays([*self._dictionaries, pa.array([""], pa.string())]).dictionary_encode()
        codes = np.asarray(together.indices)[self.codes]
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), together.dictionary)


def _codes(column: pa.DictionaryArray) -> Array:
    return np.asarray(column.indices).astype(np.uint64)


@dataclass
class Tally:
    """What a batch comes to, added up piece by piece and part by part."""

    cases: int = 0
    routes: Counter[tuple[str, str]] = field(default_factory=Counter)
    blockers: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    confirm: Counter[str] = field(default_factory=Counter)
    stages: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count another one in."""
        self.cases += other.cases
        for name in ("routes", "blockers", "unknown", "confirm", "stages"):
            getattr(self, name).update(getattr(other, name))


@dataclass
class Evaluated:
    """What a table of facts came to. `refused`: rows that contradict themselves, or hold a number no engine takes."""

    cases: pa.Table
    routes: pa.Table
    refused: dict[int, list[Problem]]
    tally: Tally


class Evaluator:
    """Evaluates tables of facts with one rulebase for the routes wanted; keep one for many tables.

    `wanted` is `main`, `all` or names of routes, as `routes_of` takes them.
    """

    def __init__(self, rulebase: Rulebase, wanted: str | Sequence[str] = "main") -> None:
        self.rulebase = rulebase
        self.wanted = wanted
        self.grounder = Grounder(rulebase)
        self._plans: dict[int, tuple[Plan, date, frozenset[str]]] = {}
        self._texts: dict[tuple[int, str], str] = {}

    def plan(self, day: date, codes: frozenset[str]) -> Plan:
        """The plan for a day that covers some jurisdictions, made anew only if it does not cover them yet."""
        epoch = bisect_right(self.rulebase.breaks, day)
        if epoch in self._plans and codes <= self._plans[epoch][2]:
            return self._plans[epoch][0]
        codes |= self._plans[epoch][2] if epoch in self._plans else frozenset()
        program = self.grounder.program(day, sorted(codes))
        plan = Plan(self.rulebase, program, routes_of(self.rulebase, program, self.wanted))
        self._plans[epoch] = (plan, day, codes)
        return plan

    def pieces(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """A table cut so that each piece comes to a bounded number of lines; at least one piece."""
        aims = {text: text.split() for text in frame["jurisdictions"].unique().to_list()}
        lines = 0
        if frame.height:
            day = frame["as_of"].min()
            assert isinstance(day, date)
            routes = self.plan(day, frozenset(code for codes in aims.values() for code in codes)).routes
            most = max(aims.values(), key=len)
            lines = frame.height * (len(routes[None]) + sum(len(routes[code]) for code in most))
        count = -(-lines // _LINES) or 1
        yield from frame.iter_slices(-(-frame.height // count) or 1) if count > 1 else [frame]

    def evaluate(self, frame: pl.DataFrame) -> Evaluated:
        """What each row comes to. Columns: `case`, `as_of`, `jurisdictions` (codes joined by a space), `row`, and facts."""
        found = _Found(self, frame)
        for day, rows in epochs(frame.select("as_of").with_row_index("at"), self.rulebase):
            found.add(rows["at"].to_numpy(), day)
        return found.finish()

    def text(self, plan: Plan, day: date, key: str, make: Callable[[Derived], str]) -> str:
        """A text for people that is the same for every case of an epoch, made once."""
        place = (bisect_right(self.rulebase.breaks, day), key)
        if place not in self._texts:
            self._texts[place] = make(nobody(self.rulebase, plan.program, day))
        return self._texts[place]


def epochs(frame: pl.DataFrame, rulebase: Rulebase) -> Iterator[tuple[date, pl.DataFrame]]:
    """The rows of a table by stretches of days between which no rule changes, each with its first day."""
    found: dict[int, list[date]] = {}
    for day in sorted(frame["as_of"].unique().to_list()):
        found.setdefault(bisect_right(rulebase.breaks, day), []).append(day)
    for days in found.values():
        yield days[0], frame if len(found) == 1 else frame.filter(pl.col("as_of").is_in(days))


def nobody(rulebase: Rulebase, program: Program, day: date) -> Derived:
    """A case of which nothing is known: for texts that are the same for everybody."""
    return Derived(rulebase, Case("nobody", day), program, {}, Derivation({}), Notes(Wording(rulebase, day)))


class _Found:
    """Collects what the rows of one table come to."""

    def __init__(self, evaluator: Evaluator, frame: pl.DataFrame) -> None:
        self.e = evaluator
        self.frame = frame
        self.refused: dict[int, list[Problem]] = {}
        self.statuses: list[tuple[Array, RoutePlan, Array, Reading, Plan, date]] = []
        self.stages: dict[str, Array] = {}
        self.steps, self.names = Names(), Names()  # of this table alone: what is written depends on nothing before it

    def add(self, rows: Array, day: date) -> None:
        """Run the rows of one epoch: the national part for all, each jurisdiction's for those that aim at it."""
        frame = self.frame if len(rows) == self.frame.height else self.frame[rows]
        aims = frame["jurisdictions"]
        wanted = {text: text.split() for text in aims.unique().to_list()}
        codes = sorted({code for several in wanted.values() for code in several})
        plan = self.e.plan(day, frozenset(codes))
        national = plan.columnar.run_segment(Table(frame.with_columns(pl.col("as_of").alias(TODAY))), None)
        self._take(plan, national, rows, None, day)
        for code in codes:
            aiming = [text for text, several in wanted.items() if code in several]
            if len(aiming) == len(wanted):
                self._take(plan, plan.columnar.run_segment(national, code), rows, code, day)
            else:
                mask = aims.is_in(aiming)
                here = Table(national.frame.filter(mask), None)
                self._take(plan, plan.columnar.run_segment(here, code), rows[mask.to_numpy()], code, day)

    def _take(self, plan: Plan, table: Table, rows: Array, scope: str | None, day: date) -> None:
        reading = Reading(plan, table)
        self._refuse(reading, rows, scope)
        if scope is None:
            for stage, literal in plan.stages.items():
                outcomes = self.stages.setdefault(stage, np.zeros(self.frame.height, np.int8))
                outcomes[rows] = np.where(reading.true(literal), 2, np.where(reading.null(literal[:-1]), 0, 1))
        for route in plan.routes[scope]:
            self.statuses.append((rows, route, reading.status(route, day), reading, plan, day))

    def _refuse(self, reading: Reading, rows: Array, scope: str | None) -> None:
        """Rows whose facts contradict each other, or that no engine takes."""
        for (name, where), literal in reading.plan.contradictions.items():
            if where == scope:
                for i in np.flatnonzero(reading.true(literal)):
                    self.refused.setdefault(int(rows[i]), []).append(self._contradiction(name, scope, int(rows[i])))
        if reading.table.beyond is not None:
            for i in np.flatnonzero(reading.table.beyond):
                text = "A number worked out from the facts is beyond what the rule engine can hold."
                problem = Problem("C021", text, "Check the facts' sizes.")
                told = self.refused.setdefault(int(rows[i]), [])
                if problem not in told:  # a state's table carries what the national part has found
                    told.append(problem)

    def _contradiction(self, name: str, scope: str | None, row: int) -> Problem:
        rulebase, case = self.e.rulebase, self.case(row)
        values = values_of(case, self.e.grounder.program(case.as_of, case.jurisdictions))
        entry = rulebase.contradictions[name]
        text = Wording(rulebase, case.as_of).fill(entry.model.text, values, scope)
        return Problem("C020", text, "Nothing was concluded. Correct the facts, or leave out the doubtful one.")

    def case(self, row: int) -> Case:
        return case_of(self.frame.row(row, named=True), self.e.rulebase)

    # writing down -----------------------------------------------------------------------------------------------------

    def finish(self) -> Evaluated:
        """The tables, case by case, each case's routes in the rulebase's order, national ones first."""
        height = self.frame.height
        keep = np.ones(height, bool)
        keep[list(self.refused)] = False
        slots = np.zeros(height, np.int64)
        for rows, *_ in self.statuses:
            slots[rows] += 1
        slots[~keep] = 0
        starts = np.concatenate(([0], np.cumsum(slots)))
        routes, tally = self._routes(keep, starts)
        owner = np.repeat(np.arange(height), slots)
        cases = self._cases(keep, routes, owner)
        tally.cases = int(keep.sum())
        for stage, outcomes in self.stages.items():
            for i, n in enumerate(np.bincount(outcomes[keep], minlength=3)):
                tally.stages[stage, OUTCOMES[i]] += int(n)
        ids = self.frame["case"].to_arrow().cast(pa.string()).dictionary_encode().take(pa.array(owner, pa.int32()))
        return Evaluated(cases, routes.add_column(0, "case", ids), self.refused, tally)

    def _routes(self, keep: Array, starts: Array) -> tuple[pa.Table, Tally]:
        total, tally = int(starts[-1]), Tally()
        filled = starts[:-1].copy()
        texts = {name: Texts(total) for name in ("blockers", "unknown", "confirm")}
        route_codes, status_codes = np.zeros(total, np.int32), np.zeros(total, np.int32)
        ready, steps = np.full(total, _NO_DAY, np.int32), np.full(total, -1, np.int32)
        for rows, route, status, reading, plan, day in self.statuses:
            good = np.flatnonzero(keep[rows])
            places = filled[rows[good]]
            filled[rows[good]] += 1
            name = route.rule.name
            route_codes[places] = self.names.code(name)
            status_codes[places] = status[good]
            for i, n in enumerate(np.bincount(status[good], minlength=len(STATUSES))):
                tally.routes[name, STATUSES[i]] += int(n)
            step = np.full(len(good), -1, np.int32)
            for column, items in self._hangs_on(plan, day, route, reading):
                names = [item[0] for item in items]
                found = Sets(names, [mask[good] for _, _, mask in items], len(good))
                texts[column].put(places, found.codes, found.texts)
                steps_of = np.full(len(items) + 1, -1, np.int32)
                for j in np.unique(found.first[found.first >= 0]):
                    steps_of[j] = items[j][1]()
                step = np.where(step < 0, steps_of[found.first[found.codes]], step)
                getattr(tally, column).update(dict(zip(names, found.counts, strict=True)))
            ahead = np.isin(status[good], _AHEAD)
            steps[places[ahead]] = step[ahead]
            for days, mask in self._waits(plan, route, reading):
                hit = mask[good]
                ready[places[hit]] = np.maximum(ready[places[hit]], days[good][hit])
        columns = {
            "route": self.names.column(route_codes),
            "status": Names(STATUSES).column(status_codes),
            **{name: found.column() for name, found in texts.items()},
            "next": self.steps.column(steps, null=-1),
            "ready_on": pa.array(ready, pa.int32(), mask=ready == _NO_DAY).cast(pa.date32()),
        }
        return pa.table(columns), tally

    def _hangs_on(
        self, plan: Plan, day: date, route: RoutePlan, reading: Reading
    ) -> Iterator[tuple[str, list[tuple[str, Callable[[], int], Array]]]]:
        """What stands in a route's way, and what it hangs on: each with its name, its step in words and where it holds."""
        blockers = zip(route.needs, reading.blockers(route), strict=True)
        yield "blockers", [(n.name, partial(self._step_of_need, plan, day, n), mask) for n, mask in blockers]
        found: dict[tuple[bool, str], tuple[str, Callable[[], int], Array]] = {}
        for cause, mask in zip(route.causes, reading.unknowns(route), strict=True):
            key = (cause.kind == "fact", cause.name)  # one thing may be unknown for two reasons
            step = found[key][1] if key in found else partial(self._step_of_cause, plan, day, cause, route)
            found[key] = (cause.name, step, found[key][2] | mask if key in found else mask)
        for column, facts in (("unknown", True), ("confirm", False)):
            yield column, [item for (is_fact, _), item in found.items() if is_fact == facts]

    def _waits(self, plan: Plan, route: RoutePlan, reading: Reading) -> Iterator[tuple[Array, Array]]:
        """The days on which blockers will be gone by time alone, and where they are blockers."""
        for need in route.needs:
            if need.name in plan.ready:
                days = reading.table.frame[plan.ready[need.name]].to_physical().fill_null(_NO_DAY).to_numpy()
                yield days, reading.false(need.literal)

    def _step_of_need(self, plan: Plan, day: date, need: Any) -> int:
        def make(derived: Derived) -> str:
            return derived.wording.fill(need.entry.model.remedy, {}, need.scope)

        return self.steps.code(self.e.text(plan, day, f"need:{need.name}", make))

    def _step_of_cause(self, plan: Plan, day: date, cause: Any, route: RoutePlan) -> int:
        def make(derived: Derived) -> str:
            return cause_text(derived, cause, route.rule.scope)

        key = f"{cause.kind}:{cause.reason}:{cause.name}:{route.rule.scope}"
        return self.steps.code(self.e.text(plan, day, key, make))

    def _cases(self, keep: Array, routes: pa.Table, owner: Array) -> pa.Table:
        frame = self.frame if keep.all() else self.frame.filter(pl.Series(keep))
        columns: dict[str, Any] = {
            "case": frame["case"].to_arrow().cast(pa.string()),
            "as_of": frame["as_of"].to_arrow(),
            "jurisdictions": frame["jurisdictions"].to_arrow().cast(pa.string()),
            "row": frame["row"].to_arrow(),
        }
        outcomes = Names(OUTCOMES)
        for stage, found in self.stages.items():
            columns[stage] = outcomes.column(found[keep].astype(np.int32))
        status = np.asarray(routes["status"].combine_chunks().indices)
        places = owner * len(STATUSES) + status
        counts = np.bincount(places, minlength=len(keep) * len(STATUSES)).reshape(len(keep), len(STATUSES))
        for i, name in enumerate(STATUSES):
            columns[name.value] = pa.array(counts[keep, i], pa.int32())
        return pa.table(columns)


def case_of(row: dict[str, Any], rulebase: Rulebase) -> Case:
    """One row of a table of facts as a case."""
    from decimal import Decimal

    from imgrules.rulebase.values import DECIMAL_PLACES

    facts: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or name not in rulebase.facts:
            continue
        kind = rulebase.types[name].kind
        facts[name] = (
            Decimal(value).scaleb(-DECIMAL_PLACES)
            if kind == "decimal"
            else frozenset(value.split())
            if kind == "set"
            else value
        )
    return Case(row["case"], row["as_of"], tuple(row["jurisdictions"].split()), facts)
