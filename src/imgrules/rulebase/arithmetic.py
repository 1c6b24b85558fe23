"""Derived facts: arithmetic over facts. Unknown in, unknown out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from imgrules.rulebase.grammar import Call, Constant, Expression, Name, Param
from imgrules.rulebase.ir import GroundDerived, Values
from imgrules.rulebase.values import QUANTUM, Value, add_days, add_months, months_between, years_between

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "min": min,
    "max": max,
    "number": int,
    "days_between": lambda a, b: (b - a).days,
    "months_between": months_between,
    "years_between": years_between,
    "add_days": add_days,
    "add_months": add_months,
    "add_years": lambda day, years: add_months(day, 12 * years),
}


def with_derived(values: Values, derived: Iterable[GroundDerived]) -> dict[str, Value | None]:
    """The values with every derived fact added, in the order given; None where an input is unknown."""
    result = dict(values)
    for item in derived:
        result[item.name] = compute(item, result)
    return result


def compute(item: GroundDerived, values: Values) -> Value | None:
    """One derived fact. A result beyond the calendar is unknown."""
    try:
        value = _evaluate(item.expression, item, values)
    except (OverflowError, ValueError):
        return None
    if value is None:
        return None
    if item.type.kind == "decimal":
        return Decimal(value).quantize(QUANTUM, ROUND_DOWN)
    return value  # type: ignore[no-any-return]


def _evaluate(expression: Expression, item: GroundDerived, values: Values) -> Any:
    if isinstance(expression, Constant):
        return expression.value
    if isinstance(expression, Name):
        return values.get(item.inputs[expression.name])
    if isinstance(expression, Param):
        return item.parameters[expression.name]
    assert isinstance(expression, Call)
    arguments = [_evaluate(a, item, values) for a in expression.arguments]
    if any(a is None for a in arguments):
        return None
    return _FUNCTIONS[expression.function](*arguments)


def days_from(today: date, day: date) -> int:
    """Days from today to a day; negative when it has passed."""
    return (day - today).days
