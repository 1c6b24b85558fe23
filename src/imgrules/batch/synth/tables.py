"""Rows as tables: typed for Parquet, as text for everything that is text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imgrules.batch.synth.population import NULL, SCALE, Block, Column, Ints, Population

DECIMAL = pa.decimal128(18, 4)
TYPES = {"bool": pa.bool_(), "int": pa.int64(), "decimal": DECIMAL, "date": pa.date32(), "set": pa.list_(pa.string())}
KEYS = ("case", "as_of", "jurisdictions")
NOTHING = "[]"  # a set without members, which an empty cell cannot say: that is an unknown one


def case_id(seed: int, row: int) -> str:
    """The id of a row, counted from 0."""
    return f"s{seed}-{row + 1:07d}"


def typed(block: Block, population: Population) -> pa.Table:
    """A block with the types of the facts."""
    today = pa.array([population.plan.today] * block.rows, type=pa.date32())
    facts = {name: _typed(column, block.values[name]) for name, column in population.columns.items()}
    return pa.table({**_keys(block, population), "as_of": today, **facts})


def text(block: Block, population: Population) -> pa.Table:
    """A block as text, as a case file or a cell would have it; null where unknown."""
    today = pa.array([population.plan.today.isoformat()] * block.rows, type=pa.string())
    facts = {name: _text(column, block.values[name]) for name, column in population.columns.items()}
    return pa.table({**_keys(block, population), "as_of": today, **facts})


def printable(block: Block, population: Population) -> pa.Table:
    """The same, but for columns that every writer of text writes that way by itself: truths, whole numbers and dates."""
    today = pa.array([population.plan.today] * block.rows, type=pa.date32())
    facts = {
        name: (_typed if column.type.kind in ("bool", "int", "date") else _text)(column, block.values[name])
        for name, column in population.columns.items()
    }
    return pa.table({**_keys(block, population), "as_of": today, **facts})


def _keys(block: Block, population: Population) -> dict[str, Any]:
    ids = [case_id(population.plan.seed, block.first + i) for i in range(block.rows)]
    jurisdictions = pa.array(block.jurisdictions, type=pa.string())
    return {"case": pa.array(ids, type=pa.string()), "as_of": None, "jurisdictions": jurisdictions}


def _typed(column: Column, values: Ints) -> pa.Array:
    unknown = values == NULL
    match column.type.kind:
        case "bool":
            return pa.array(values == 1, mask=unknown)
        case "int":
            return pa.array(values, mask=unknown)
        case "date":
            return pa.array(np.where(unknown, 0, values).astype(np.int32), type=pa.date32(), mask=unknown)
        case "decimal":
            return _decimals(values, unknown)
        case "set":
            return _taken([sorted(word) for word in column.words], TYPES["set"], values, unknown)
        case _:
            return _taken(column.words, pa.string(), values, unknown)


def _text(column: Column, values: Ints) -> pa.Array:
    unknown = values == NULL
    match column.type.kind:
        case "bool":
            return _taken(["false", "true"], pa.string(), values, unknown)
        case "int" | "date":
            return pc.cast(_typed(column, values), pa.string())
        case "decimal":
            found, where = np.unique(np.where(unknown, 0, values), return_inverse=True)
            words = [plain_number(int(number)) for number in found.tolist()]
            return _taken(words, pa.string(), where.astype(np.int64), unknown)
        case "set":
            words = [" ".join(sorted(word)) or NOTHING for word in column.words]
            return _taken(words, pa.string(), values, unknown)
        case _:
            return _taken(column.words, pa.string(), values, unknown)


def _taken(words: Sequence[Any], type_: Any, values: Ints, unknown: Any) -> pa.Array:
    if not words:
        return pa.nulls(len(values), type_)
    return pa.array(words, type=type_).take(pa.array(np.where(unknown, 0, values), mask=unknown))


def _decimals(values: Ints, unknown: Any) -> pa.Array:
    """Scaled whole numbers as decimals, without a Python object for each: 128 bits, the lower half first."""
    whole = np.where(unknown, 0, values)
    halves = np.empty((len(whole), 2), dtype="<i8")
    halves[:, 0], halves[:, 1] = whole, whole >> 63
    known = pa.py_buffer(np.packbits(~unknown, bitorder="little").tobytes())
    return pa.Array.from_buffers(DECIMAL, len(whole), [known, pa.py_buffer(halves.tobytes())])


def plain_number(scaled: int) -> str:
    """A scaled decimal without zeros at its end."""
    return f"{(Decimal(scaled) / SCALE).normalize():f}"
