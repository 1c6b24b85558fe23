"""Rows spoilt as rows of real tables are.

Mistyped codes, impossible dates, numbers in words or out of bounds, values of the wrong column, repeated ids, answers
that contradict each other: every spoilt row has one fault, which a careful reader must find.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random

import pyarrow as pa

from imgrules.batch.synth.population import BLOCK, DIRT, Block, Population
from imgrules.batch.synth.tables import NOTHING, case_id
from imgrules.rulebase.values import Value, read_value

Cells = dict[str, str | None]

_WORDS = ("one", "two", "three", "about 5", "n.a.", "12 or so", "1,5", "3 yrs", "many")
_TRUTHS = ("Y", "N", "yes", "no", "1", "0", "x", "TRUE!")
_FAMILY = {"int": "number", "decimal": "number", "date": "date", "bool": "bool"}  # all others are codes


class Spoiler:
    """Spoils a share of the rows of a population. Which rows, and how, depends on the seed and the row's number alone."""

    def __init__(self, population: Population) -> None:
        self.population = population
        self.types = population.rulebase.types
        self.words = {
            name: frozenset(word.lower() for pair in column.type.codes.items() for word in pair)
            for name, column in population.columns.items()
        }
        self.faults: tuple[Callable[[Random, Cells, str], bool], ...] = (
            self._mistype,
            self._impossible_day,
            self._number_in_words,
            self._beyond_bounds,
            self._other_truth,
            self._wrong_column,
            self._contradict,
            self._repeat_id,
        )

    def spoil(self, table: pa.Table, block: Block) -> pa.Table:
        """The table, all text, with its share of spoilt rows."""
        import polars as pl

        plan = self.population.plan
        draws = self.population.random(DIRT, block.first // BLOCK).random(BLOCK)[: block.rows]
        chosen = [row for row, draw in enumerate(draws.tolist()) if draw < plan.dirty]
        before: list[Cells] = table.take(pa.array(chosen, type=pa.int64())).to_pylist()
        changes: dict[str, dict[int, str | None]] = {}
        for row, cells in zip(chosen, before, strict=True):
            after = dict(cells)
            number = block.first + row
            self._spoil_row(Random(f"{plan.seed}/{number}"), after, case_id(plan.seed, number - 1 if number else 1))
            for name, cell in after.items():
                if cell != cells[name]:
                    changes.setdefault(name, {})[row] = cell
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        spoilt = [frame[name].scatter(list(rows), list(rows.values())) for name, rows in changes.items()]
        return frame.with_columns(spoilt).to_arrow().cast(table.schema)

    def _spoil_row(self, r: Random, cells: Cells, other_id: str) -> None:
        faults = r.sample(self.faults, len(self.faults))
        for fault in faults:
            if fault(r, cells, other_id):
                return

    def _pick(self, r: Random, cells: Cells, *families: str) -> str | None:
        """A fact that the row tells, of one of some families."""
        known = [name for name, cell in cells.items() if cell and name in self.types and self._family(name) in families]
        return r.choice(known) if known else None

    def _family(self, name: str) -> str:
        return _FAMILY.get(self.types[name].kind, "code")

    # faults -----------------------------------------------------------------------------------------------------------

    def _mistype(self, r: Random, cells: Cells, _: str) -> bool:
        name = self._pick(r, cells, "code")
        if name is None or cells[name] == NOTHING:
            return False
        text = cells[name] or ""
        at = r.randrange(len(text))
        slip = text[:at] + r.choice((text[at] * 2, "", "q", "_")) + text[at + 1 :]
        words = self.words[name]
        if not slip.strip() or slip.lower() in words or all(word in words for word in slip.lower().split()):
            return False
        cells[name] = slip
        return True

    def _impossible_day(self, r: Random, cells: Cells, _: str) -> bool:
        name = self._pick(r, cells, "date")
        if name is None:
            return False
        year, month, day = (cells[name] or "").split("-")
        cells[name] = r.choice(
            (
                f"{year}-02-30",
                f"{year}-13-{day}",
                f"{day}/{month}/{year}",
                f"{month}.{day}.{year[2:]}",
                f"{year}-{month}",
                "0000-00-00",
            )
        )
        return True

    def _number_in_words(self, r: Random, cells: Cells, _: str) -> bool:
        name = self._pick(r, cells, "number")
        if name is not None:
            cells[name] = r.choice(_WORDS)
        return name is not None

    def _beyond_bounds(self, r: Random, cells: Cells, _: str) -> bool:
        name = self._pick(r, cells, "number")
        bounds = self.population.rulebase.facts[name].model.range if name else None
        if name is None or not bounds:
            return False
        low, high = (read_value(bound, self.types[name]) for bound in bounds)
        assert isinstance(low, int | Decimal)
        assert isinstance(high, int | Decimal)
        cells[name] = str(r.choice((low - r.randint(1, 9), high + r.randint(1, 9), high * 10 + 9)))
        return True

    def _other_truth(self, r: Random, cells: Cells, _: str) -> bool:
        name = self._pick(r, cells, "bool")
        if name is not None:
            cells[name] = r.choice(_TRUTHS)
        return name is not None

    def _wrong_column(self, r: Random, cells: Cells, _: str) -> bool:
        """A value of another kind, as if a cell had slipped."""
        source = self._pick(r, cells, "date", "bool", "number")
        families = {"date", "bool", "number", "code"} - {self._family(source) if source else ""}
        target = self._pick(r, cells, *sorted(families))
        if source is None or target is None:
            return False
        cells[target] = cells[source]
        return True

    def _contradict(self, r: Random, cells: Cells, _: str) -> bool:
        """Answers that cannot all be true, each good by itself."""
        witnesses = self.population.maker.conditions.witnesses
        for name, value in r.choice(witnesses).items() if witnesses else ():
            cells[name] = _written(value)
        return bool(witnesses)

    def _repeat_id(self, r: Random, cells: Cells, other_id: str) -> bool:
        cells["case"] = other_id
        return True


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return " ".join(sorted(value)) or NOTHING
    return str(value)
