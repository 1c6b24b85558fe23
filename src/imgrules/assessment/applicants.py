"""Applicants made to measure: facts that give a fact or derived fact exactly the value wanted.

Arithmetic is turned round: of a sum one part is chosen and the other follows, of a span one end. Where a choice leads
nowhere the next is tried; the result is always computed forwards again before it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from imgrules.rulebase.grammar import TODAY, Call, Constant, Expression, Name, Param
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Value, ValueType, add_months, read_value

_SHIFTED: dict[str, Callable[[date, int], date]] = {
    "add_years": lambda day, n: add_months(day, -12 * n),
    "add_months": lambda day, n: add_months(day, -n),
    "add_days": lambda day, n: day - timedelta(days=n),
}
_MONTHS = {"years_between": 12, "months_between": 1}


@dataclass
class Sketch:
    """Facts chosen so far for one applicant, judged on a day. `moved` is set where only another day would do."""

    rulebase: Rulebase
    scope: str | None
    day: date
    facts: dict[str, Value] = field(default_factory=dict)
    later: list[tuple[Expression, Any]] = field(default_factory=list)
    moved: bool = False

    def copy(self) -> Sketch:
        """Another with the same choices, free to go its own way."""
        return replace(self, facts=dict(self.facts), later=list(self.later))

    def take(self, other: Sketch) -> bool:
        """Adopt another's choices."""
        self.facts, self.later, self.day, self.moved = other.facts, other.later, other.day, other.moved
        return True

    # what is wanted ---------------------------------------------------------------------------------------------------

    def reach(self, name: str, target: Any) -> bool:
        """Choose facts that give a fact or derived fact a value; False if none were found."""
        found = self.rulebase.find(name, self.scope)
        if name == TODAY:
            return self._today(target)
        if found is None:
            return False
        full, entry = found
        if entry.section == "derived":
            assert entry.expression is not None
            return self._solve(entry.expression, target)
        if full in self.facts:
            return bool(self.facts[full] == target)
        if not in_range(self.rulebase, full, target, self.day):
            return False
        if entry.model.type == "int" and target != int(target):
            return False
        self.facts[full] = int(target) if entry.model.type == "int" else target
        return True

    def finish(self) -> None:
        """Give what was left open, such as the middle one of three dates, a value that changes nothing."""
        for expression, target in self.later:
            attempt = self.copy()
            if attempt._solve(expression, target):
                self.take(attempt)

    def _today(self, target: Any) -> bool:
        if target != self.day and not self.moved and not self.facts:
            self.day, self.moved = target, True
        return bool(target == self.day)

    def _attempt(self, wanted: Iterable[tuple[Expression, Any]]) -> bool:
        """All of some expressions at once, or nothing."""
        attempt = self.copy()
        return all(attempt._solve(e, t) for e, t in wanted) and self.take(attempt)

    def _solve(self, expression: Expression, target: Any) -> bool:
        if isinstance(expression, Name):
            return self.reach(expression.name, target)
        if isinstance(expression, Constant | Param):
            return bool(self._known(expression) == target)
        assert isinstance(expression, Call)
        return any(self._attempt(choice) for choice in self._choices(expression, target))

    def _known(self, expression: Expression) -> Any:
        """The value of a constant or of a parameter that is known exactly; None otherwise."""
        if isinstance(expression, Constant):
            return expression.value
        found = self.rulebase.find_parameter(expression.name, self.scope) if isinstance(expression, Param) else None
        value = self.rulebase.value_on(*found, self.day) if found else None
        if found is None or value is None or value.value in (None, "unknown"):
            return None
        return read_value(value.value, self.rulebase.value_type(found[0].model))

    # arithmetic turned round ------------------------------------------------------------------------------------------

    def _choices(self, call: Call, target: Any) -> Iterator[list[tuple[Expression, Any]]]:
        """Ways to give the parts of a call values that make it come to the target."""
        a, b = call.arguments[0], call.arguments[-1]
        match call.function:
            case "+":
                yield from ([(b, share), (a, target - share)] for share in _shares(target))
            case "-":
                yield from ([(b, share), (a, target + share)] for share in _shares(target))
            case "*":
                yield from self._factors(a, b, target)
            case "number":
                yield from ([(a, truth)] for truth in (True, False) if target == truth)
            case "min" | "max":
                yield from self._extreme(call, target)
            case "add_years" | "add_months" | "add_days":
                if isinstance(steps := self._known(b), int):
                    yield [(a, _SHIFTED[call.function](target, steps))]
            case _:
                yield from self._span(call, target)

    def _factors(self, a: Expression, b: Expression, target: Any) -> Iterator[list[tuple[Expression, Any]]]:
        for free, other in ((a, b), (b, a)):
            factor = self._known(other)
            if factor and target % factor == 0:
                yield [(free, target // factor)]

    def _extreme(self, call: Call, target: Any) -> Iterator[list[tuple[Expression, Any]]]:
        """One part reaches the target, and what is still open follows in the end."""
        order = call.arguments if call.function == "min" else tuple(reversed(call.arguments))
        for chosen in order:
            attempt = self.copy()
            if attempt._solve(chosen, target):
                self.later = [*attempt.later, *((other, target) for other in order if other is not chosen)]
                yield [(chosen, target)]

    def _span(self, call: Call, target: Any) -> Iterator[list[tuple[Expression, Any]]]:
        start, end = call.arguments
        for last in (self.day, self.day - timedelta(days=400)):
            if call.function == "days_between":
                yield [(end, last), (start, last - timedelta(days=int(target)))]
            else:
                months = Decimal(target) * _MONTHS[call.function]
                if months == int(months):
                    yield [(end, last), (start, add_months(last, -int(months)))]


def _shares(target: Any) -> list[Any]:
    """Values to try for one part of a sum: nothing, one, even shares, all."""
    whole = max(int(target), 0)
    return list(dict.fromkeys([0, 1, whole // 3, whole // 2, whole]))


def in_range(rulebase: Rulebase, fact: str, value: Any, today: date) -> bool:
    """Whether a value lies within the sensible bounds of a fact."""
    model = rulebase.facts[fact].model
    if model.range is None:
        return True
    type_: ValueType = rulebase.value_type(model)
    low, high = (today if bound == "today" else read_value(bound, type_) for bound in model.range)
    return bool(low <= value <= high)
