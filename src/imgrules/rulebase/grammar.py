"""The small language of rule files: leaves, conditions and the arithmetic of derived facts.

Only what is written here can be said; there is no way from a rule file to Python. Parsing gives plain trees of the
classes below; names are looked up later, by `check`, so that every error of a file is reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from imgrules.rulebase.document import Path

TODAY = "today"
HERE = "here"
Literal: TypeAlias = bool | int | Decimal | date | str


@dataclass(frozen=True, slots=True)
class Name:
    """A fact, derived fact, finding, requirement or route, perhaps of a named jurisdiction (`name@CA`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter, written with a dollar sign."""

    name: str


@dataclass(frozen=True, slots=True)
class Compare:
    """One fact (or parameter) against a literal, a list of literals, a parameter or today."""

    left: Name | Param
    op: str
    right: Literal | tuple[Literal, ...] | Param | Name


@dataclass(frozen=True, slots=True)
class Group:
    """`all`, `any`, `not` (of one part) or `at_least` `n` of the parts."""

    kind: str
    parts: tuple[Condition, ...]
    n: int = 0


@dataclass(frozen=True, slots=True)
class Leaf:
    """A truth or a comparison, with its text and its path in the file."""

    body: Name | Param | Compare
    negated: bool
    text: str
    path: Path


Condition: TypeAlias = Group | Leaf


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator of derived facts with its arguments."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or date standing in an expression."""

    value: int | Decimal | date


Expression: TypeAlias = Name | Param | Call | Constant


class GrammarError(ValueError):
    """A text is not of the language. `path` says which part of the surrounding structure it is."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.path = path


COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in", "not in", "contains", "overlaps")
FUNCTIONS: dict[str, tuple[int, int]] = {  # name: fewest and most arguments
    "years_between": (2, 2),
    "months_between": (2, 2),
    "days_between": (2, 2),
    "add_years": (2, 2),
    "add_months": (2, 2),
    "add_days": (2, 2),
    "min": (2, 16),
    "max": (2, 16),
    "number": (1, 1),
    "date": (1, 1),
}

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<date>\d{4}-\d{2}-\d{2})
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<param>\$[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*(?:@[A-Z]{2})?)
      | (?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*(?:@[A-Z]{2})?)
      | (?P<quoted>"[^"]*"|'[^']*')
      | (?P<op>==|!=|<=|>=|[<>+\-*(),\[\]])
    )""",
    re.VERBOSE,
)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise GrammarError(f"`{text}` cannot be read from `{text[position:].strip()[:20]}` on")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        position = match.end()
    if not found:
        raise GrammarError("there is nothing here")
    return found


class _Reader:
    """A cursor over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.position = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.position] if self.position < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.position += 1
        return token

    def accept(self, value: str) -> bool:
        if self.peek()[1] == value and self.peek()[0] != "quoted":
            self.position += 1
            return True
        return False

    def expect(self, value: str) -> None:
        if not self.accept(value):
            raise GrammarError(f"`{self.text}`: expected `{value}`, found `{self.peek()[1] or 'the end'}`")

    def finish(self) -> None:
        if self.peek()[0] != "end":
            raise GrammarError(
                f"`{self.text}`: `{self.peek()[1]}` is one thing too many; use all: or any: to join conditions"
            )


def parse_leaf(text: str, path: Path = ()) -> Leaf:
    """Parse one leaf: `name`, `not name`, `$switch`, `name op value`. `GrammarError` if it is none of these."""
    reader = _Reader(text)
    negated = reader.accept("not")
    kind, value = reader.take()
    if kind not in ("name", "param"):
        raise GrammarError(f"`{text}` does not start with the name of a fact, finding or $parameter")
    left: Name | Param = Name(value) if kind == "name" else Param(value[1:])
    if reader.peek()[0] == "end":
        return Leaf(left, negated, text, path)
    if negated:
        raise GrammarError(f"`{text}`: `not` goes before a plain truth; turn the comparison round instead")
    op = reader.take()[1]
    if op == "not":
        reader.expect("in")
        op = "not in"
    if op not in COMPARISONS:
        raise GrammarError(f"`{text}`: `{op}` is not a comparison; use one of {', '.join(COMPARISONS)}")
    right = _right_side(reader)
    reader.finish()
    return Leaf(Compare(left, op, right), False, text, path)


def _right_side(reader: _Reader) -> Literal | tuple[Literal, ...] | Param | Name:
    if reader.accept("["):
        members = [_literal(reader)]
        while reader.accept(","):
            members.append(_literal(reader))
        reader.expect("]")
        return tuple(members)
    kind, value = reader.peek()
    if kind == "param":
        reader.take()
        return Param(value[1:])
    if (kind, value) == ("name", TODAY):
        reader.take()
        return Name(TODAY)
    return _literal(reader)


def _literal(reader: _Reader) -> Literal:
    sign = -1 if reader.accept("-") else 1
    kind, value = reader.take()
    match kind:
        case "date":
            try:
                return date.fromisoformat(value)
            except ValueError:
                raise GrammarError(f"`{reader.text}`: {value} is not a day of the calendar") from None
        case "number":
            return sign * (Decimal(value) if "." in value else int(value))
        case "quoted":
            return value[1:-1]
        case "name":
            return {"true": True, "false": False}.get(value, value)
        case _:
            raise GrammarError(f"`{reader.text}`: expected a value, found `{value or 'the end'}`")


def parse_condition(data: Any, path: Path = ()) -> Condition:
    """Parse a condition as written in YAML: a leaf, or a mapping with `all`, `any`, `not`, or `at_least` and `of`."""
    if isinstance(data, str):
        try:
            return parse_leaf(data, path)
        except GrammarError as error:
            raise GrammarError(str(error), path) from None
    if not isinstance(data, dict):
        raise GrammarError(f"`{data}` is not a condition; write a leaf, or all:, any:, not:, at_least: with of:", path)
    keys = set(data)
    if keys == {"at_least", "of"}:
        parts = _parts(data["of"], (*path, "of"))
        n = data["at_least"]
        if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= len(parts):
            raise GrammarError(f"at_least must be a whole number from 1 to {len(parts)}", (*path, "at_least"))
        return Group("at_least", parts, n)
    if keys == {"not"}:
        return Group("not", (parse_condition(data["not"], (*path, "not")),))
    for kind in ("all", "any"):
        if keys == {kind}:
            return Group(kind, _parts(data[kind], (*path, kind)))
    raise GrammarError("a condition has exactly one of all:, any:, not:, or at_least: with of:", path)


def _parts(data: Any, path: Path) -> tuple[Condition, ...]:
    if not isinstance(data, list) or not data:
        raise GrammarError("a list of at least one condition belongs here", path)
    return tuple(parse_condition(part, (*path, i)) for i, part in enumerate(data))


def parse_expression(text: str) -> Expression:
    """Parse the arithmetic of a derived fact. `GrammarError` if it is not of the language."""
    reader = _Reader(text)
    expression = _sum(reader)
    if reader.peek()[0] != "end":
        raise GrammarError(f"`{text}`: `{reader.peek()[1]}` is one thing too many")
    return expression


def _sum(reader: _Reader) -> Expression:
    left = _product(reader)
    while reader.peek()[1] in ("+", "-"):
        op = reader.take()[1]
        left = Call(op, (left, _product(reader)))
    return left


def _product(reader: _Reader) -> Expression:
    left = _atom(reader)
    while reader.accept("*"):
        left = Call("*", (left, _atom(reader)))
    return left


def _atom(reader: _Reader) -> Expression:
    if reader.accept("("):
        inner = _sum(reader)
        reader.expect(")")
        return inner
    kind, value = reader.peek()
    if kind == "param":
        reader.take()
        return Param(value[1:])
    if kind in ("date", "number") or value == "-":
        return Constant(_literal(reader))  # type: ignore[arg-type]  # these tokens give numbers and dates only
    if kind != "name":
        raise GrammarError(f"`{reader.text}`: expected a name, number or date, found `{value or 'the end'}`")
    reader.take()
    if not reader.accept("("):
        return Name(value)
    if value not in FUNCTIONS:
        raise GrammarError(f"`{reader.text}`: there is no function {value}; there are {', '.join(FUNCTIONS)}")
    arguments = [_sum(reader)]
    while reader.accept(","):
        arguments.append(_sum(reader))
    reader.expect(")")
    fewest, most = FUNCTIONS[value]
    if not fewest <= len(arguments) <= most:
        raise GrammarError(
            f"`{reader.text}`: {value} takes {fewest if fewest == most else f'{fewest} to {most}'} arguments"
        )
    return arguments[0] if value == "date" else Call(value, tuple(arguments))


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Every leaf of a condition, left to right."""
    if isinstance(condition, Leaf):
        yield condition
    else:
        for part in condition.parts:
            yield from leaves(part)


def atoms(expression: Expression) -> Iterator[Name | Param]:
    """Every name and parameter of an expression, left to right."""
    if isinstance(expression, Call):
        for argument in expression.arguments:
            yield from atoms(argument)
    elif not isinstance(expression, Constant):
        yield expression
