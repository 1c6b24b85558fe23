"""Random partial cases of a rulebase, plausible or not: anything the types allow."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from imgrules.assessment.case import Case
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ORDERED, Value, ValueType, read_value


def random_case(rulebase: Rulebase, seed: int, known: float | None = None) -> Case:
    """A case on a random day, aiming at up to three jurisdictions, with each fact known with one probability."""
    r = Random(seed)
    share = r.random() if known is None else known
    as_of = date(2019, 1, 1) + timedelta(days=r.randrange(365 * 10))
    codes = r.sample(sorted(rulebase.jurisdictions), min(r.randrange(4), len(rulebase.jurisdictions)))
    facts = {
        name: random_value(r, rulebase.types[name], entry.model.range, as_of)
        for name, entry in rulebase.facts.items()
        if r.random() < share and _exists(rulebase.types[name], entry.model.range, as_of)
    }
    return Case(f"random-{seed}", as_of, tuple(codes), facts)


def random_value(r: Random, type_: ValueType, bounds: Any, as_of: date) -> Value:
    """A random value of a type within a fact's range, leaning towards the small and the recent."""
    if type_.kind == "bool":
        return r.random() < 0.5
    if type_.kind == "set":
        return frozenset(r.sample(sorted(type_.codes), min(r.randrange(4), len(type_.codes))))
    if type_.kind not in ORDERED:
        return r.choice(sorted(type_.codes))
    low, high = _bounds(type_, bounds, as_of)
    if isinstance(low, date):
        day: date = max(low, min(high, as_of - timedelta(days=int(r.expovariate(1 / 1500)) - 400)))
        return day
    span = min(float(high - low), r.choice([3.0, 12.0, 60.0, 600.0]))
    value = Decimal(str(round(r.uniform(0, span), 1))) + low
    return int(value) if type_.kind == "int" else value


def _exists(type_: ValueType, bounds: Any, as_of: date) -> bool:
    """Whether the fact can have any value on the day: what began later cannot."""
    low, high = _bounds(type_, bounds, as_of) if type_.kind in ORDERED else (0, 0)
    return bool(low <= high)


def _bounds(type_: ValueType, bounds: Any, as_of: date) -> tuple[Any, Any]:
    default: tuple[Any, Any] = (date(1950, 1, 1), date(2040, 1, 1)) if type_.kind == "date" else (0, 100)
    if not bounds:
        return default
    low, high = (as_of if b == "today" else read_value(b, type_) for b in bounds)
    return low, high
