"""Whether facts have values that put derived facts where they are wanted: search over intervals, exact within a budget.

Every function of the rule language rises or falls in each of its arguments all along, so that the values of a derived
fact over a box of values of its inputs lie between those at two corners. A box outside what is wanted is dropped, one
inside is taken, any other is halved, the half nearer to what is now the case first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import product
from typing import Any, TypeAlias

from imgrules.interview.network import Network
from imgrules.interview.regions import Signature
from imgrules.rulebase.arithmetic import _FUNCTIONS as FUNCTIONS
from imgrules.rulebase.grammar import Call, Constant, Expression, Name, Param
from imgrules.rulebase.ir import GroundDerived
from imgrules.rulebase.values import ORDERED, QUANTUM, Value

BUDGET = 30_000
# How finely ends are cut off where several facts are open.
FINE = 8

Span: TypeAlias = tuple[Any, Any]
Box: TypeAlias = dict[str, Span]
# Where a function falls as its argument rises; elsewhere it rises.
_FALLS = {("-", 1), ("days_between", 0), ("months_between", 0), ("years_between", 0)}


class GaveUp(Exception):
    """The search took more steps than it may."""


class Arithmetic:
    """The derived facts of a network, turned round: from where they are wanted to values of facts."""

    def __init__(self, network: Network, budget: int = BUDGET) -> None:
        self.network = network
        self.regions = network.regions
        self.budget = self.left = budget
        self._known: dict[Any, dict[str, Value] | None] = {}
        self._hard: dict[Any, int] = {}

    def values(
        self,
        wanted: Mapping[str, Signature],
        known: Mapping[str, Value],
        near: Mapping[str, Value],
        most: int | None = None,
    ) -> dict[str, Value] | None:
        """Values of the facts not `known` that put facts and derived facts in the wanted regions; None if there are none.

        `near` are the values to stay close to. `GaveUp` when what is `left` of the budget is spent, or `most` steps are.
        """
        key = (frozenset(wanted.items()), frozenset(known.items()), frozenset(near.items()))
        if key not in self._known:
            steps = self.left if most is None else min(most, self.left)
            if steps <= self._hard.get(key, -1):
                raise GaveUp
            search = _Search(self, wanted, known, near, steps)
            try:
                self._known[key] = search.found()
            except GaveUp:
                self._hard[key] = steps
                raise
            finally:
                self.left -= steps - max(search.left, 0)
        return self._known[key]

    def inputs(self, wanted: Mapping[str, Signature]) -> list[str]:
        """The facts that some facts and derived facts are computed from."""
        return list(dict.fromkeys(f for subject in wanted for f in self.network.facts[subject]))

    def image(self, name: str, box: Mapping[str, Span]) -> Span:
        """The least and the greatest value that a fact or derived fact can have in a box; exact where a box is a point.

        `OverflowError` or `ValueError` where a corner of the box leads beyond the calendar.
        """
        item = self.network.derived.get(name)
        if item is None:
            return box[name]
        low, high = self._image(item.expression, item, box)
        if item.type.kind == "decimal":
            low, high = (Decimal(x).quantize(QUANTUM, ROUND_DOWN) for x in (low, high))
        return low, high

    def _image(self, expression: Expression, item: GroundDerived, box: Mapping[str, Span]) -> Span:
        if isinstance(expression, Constant):
            return expression.value, expression.value
        if isinstance(expression, Name):
            return self.image(item.inputs[expression.name], box)
        if isinstance(expression, Param):
            return item.parameters[expression.name], item.parameters[expression.name]
        assert isinstance(expression, Call)
        spans = [self._image(argument, item, box) for argument in expression.arguments]
        name = expression.function
        if name == "*":
            corners = [FUNCTIONS[name](*corner) for corner in product(*spans)]
            return min(corners), max(corners)
        falls = [(name, place) in _FALLS for place in range(len(spans))]
        least = [span[fall] for span, fall in zip(spans, falls, strict=True)]
        most = [span[not fall] for span, fall in zip(spans, falls, strict=True)]
        return FUNCTIONS[name](*least), FUNCTIONS[name](*most)


class _Search:
    """The search for one set of wanted regions."""

    def __init__(
        self,
        owner: Arithmetic,
        wanted: Mapping[str, Signature],
        known: Mapping[str, Value],
        near: Mapping[str, Value],
        budget: int,
    ) -> None:
        self.owner = owner
        self.near = near
        self.left = budget
        inputs = owner.inputs(wanted)
        regions = owner.regions
        self.free = [f for f in inputs if f not in known]
        self.ordered = [f for f in self.free if regions.types[f].kind in ORDERED]
        self.spans = {s: regions.spans(s)[k] for s, k in wanted.items() if regions.types[s].kind in ORDERED}
        self.choices = [
            [(f, v) for v in regions.of(f) if f not in wanted or regions.signature(f, v) == wanted[f]]
            for f in self.free
            if f not in self.ordered
        ]
        self.inputs = {s: [f for f in owner.network.facts[s] if f in self.ordered] for s in self.spans}
        self.box: Box = {f: (known[f], known[f]) for f in inputs if f in known}
        self.box |= {f: regions.bounds(f) for f in self.ordered}

    def found(self) -> dict[str, Value] | None:
        """Values of the free facts, or None if there are none."""
        if any(low > high for low, high in self.box.values() if not isinstance(low, str | frozenset)):
            return None
        for chosen in product(*self.choices):
            answer = self._search(self.box | {f: (v, v) for f, v in chosen})
            if answer is not None:
                return answer
        return None

    def _search(self, box: Box) -> dict[str, Value] | None:
        """Depth first; a stack, because halving goes deep."""
        stack = [(box, list(self.spans))]
        while stack:
            here, subjects = stack.pop()
            doubtful = self._narrow(here, subjects)
            if doubtful is None:
                continue
            for point in self._points(here):
                if all(self._verdict(subject, point) for subject in doubtful):
                    return {f: point[f][0] for f in self.free}
            fact = max((f for s in doubtful for f in self.inputs[s]), key=lambda f: _width(here[f]), default=None)
            if fact is not None and _width(here[fact]):
                stack.extend(({**here, fact: half}, doubtful) for half in reversed(self._halves(fact, here[fact])))
        return None

    def _verdict(self, subject: str, box: Box) -> bool | None:
        """Whether a fact or derived fact is where it is wanted all over a box, or nowhere in it; None: it depends."""
        self.left -= 1
        if self.left < 0:
            raise GaveUp
        try:
            low, high = self.owner.image(subject, box)
        except (OverflowError, ValueError):
            return None
        if any(a <= low and high <= b for a, b in self.spans[subject]):
            return True
        return None if any(a <= high and low <= b for a, b in self.spans[subject]) else False

    def _narrow(self, box: Box, doubtful: list[str]) -> list[str] | None:
        """Cut off what is surely not wanted; what then still depends on the point, or None if nothing is left."""
        left = []
        for subject in doubtful:
            verdict = self._verdict(subject, box)
            if verdict is None:
                for fact in self.inputs[subject]:
                    self._shave(subject, fact, box)
                verdict = self._verdict(subject, box)
            if verdict is False:
                return None
            if verdict is None:
                left.append(subject)
        return left

    def _shave(self, subject: str, fact: str, box: Box) -> None:
        """Cut halves, quarters and so on off both ends of a fact's span as long as nothing there is wanted.

        Where nothing else is open the ends are found exactly, which other cuts then build on.
        """
        for end in (0, 1):
            step = _width(box[fact]) // 2
            least = step // FINE if len(self.inputs[subject]) > 1 else 0
            while step > least:
                low, high = box[fact]
                parts = _cut(low, high, step if end == 0 else _width((low, high)) - step - 1)
                if self._verdict(subject, {**box, fact: parts[end]}) is False:
                    box[fact] = parts[1 - end]
                    step = min(step, _width(box[fact]) // 2)
                else:
                    step //= 2

    def _points(self, box: Box) -> Iterator[Box]:
        """A few points of a box: the one nearest to what is now the case, both ends, the middle."""
        choices: list[Callable[[str, Span], Any]] = [
            self._nearest,
            lambda _, span: span[0],
            lambda _, span: span[1],
            lambda _, span: _cut(*span, _width(span) // 2)[0][1],
        ]
        for choose in choices:
            point = {f: choose(f, box[f]) for f in self.ordered}
            yield box | {f: (v, v) for f, v in point.items()}

    def _nearest(self, fact: str, span: Span) -> Value:
        low, high = span
        wish = self.near.get(fact, low)
        if type(wish) is not type(low) or isinstance(low, bool | str):
            return low  # type: ignore[no-any-return]
        return min(max(low, wish), high)  # type: ignore[no-any-return]

    def _halves(self, fact: str, span: Span) -> Sequence[Span]:
        """Both halves, the one nearer to the present value first."""
        first, second = _cut(*span, _width(span) // 2)
        wish = self.near.get(fact)
        return (second, first) if wish is not None and wish > first[1] else (first, second)


def _step(value: Any) -> Any:
    return timedelta(days=1) if isinstance(value, date) else QUANTUM if isinstance(value, Decimal) else 1


def _width(span: Span) -> int:
    """How many steps from one end to the other."""
    low, high = span
    return int((high - low) // _step(low))


def _cut(low: Any, high: Any, steps: int) -> tuple[Span, Span]:
    """A span in two, the first as long as that."""
    end = low + steps * _step(low)
    return (low, end), (end + _step(low), high)
