"""Rules in plain words and Markdown, from their own titles: for readers who never see the files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from imgrules.assessment.wording import Wording
from imgrules.rulebase import schema
from imgrules.rulebase.grammar import (
    HERE,
    TODAY,
    Call,
    Compare,
    Condition,
    Constant,
    Expression,
    Leaf,
    Literal,
    Name,
    Param,
)
from imgrules.rulebase.ir import Test
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import Value, ValueType, read_value, show, show_date

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_NUMBERS = {"==": "exactly", "!=": "other than", "<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_DATES = {"==": "on", "!=": "not on", "<": "before", "<=": "on or before", ">": "after", ">=": "on or after"}
_SETS = {"in": "one of", "not in": "none of", "contains": "includes", "overlaps": "includes one of"}
_GROUPS = {"all": "all of these:", "any": "any one of these:", "not": "not this:"}
_SPANS = {"years_between": "years", "months_between": "months", "days_between": "days"}
_STEPS = {"add_years": "years", "add_months": "months", "add_days": "days"}
_DAY = "the day judged on"


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([*<\[\]`])", r"\\\1", text)


def capital(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


class Plainly:
    """Says what conditions and values mean, as known on one day; `link` makes a title point at its definition."""

    def __init__(self, rulebase: Rulebase, day: date, link: Callable[[str, Entry[Any]], str]) -> None:
        self.rulebase = rulebase
        self.wording = Wording(rulebase, day)
        self.link = link

    # texts ------------------------------------------------------------------------------------------------------------

    def text(self, text: str, scope: str | None) -> str:
        """A rule's text with `{names}` filled in where they are the same for everybody, else named."""
        return escape(_PLACEHOLDER.sub(lambda match: self._named(match[1], scope), text))

    def _named(self, name: str, scope: str | None) -> str:
        if name == "jurisdiction":
            return self.rulebase.jurisdiction_names[scope] if scope else "the jurisdiction"
        if name == "board":
            return self.rulebase.jurisdictions[scope].model.board.name if scope else "the board"
        if name == TODAY:
            return _DAY
        parameter = self._parameter(name, scope)
        if parameter and not (parameter[0].each and parameter[1] is None):
            return self.wording.parameter(*parameter)
        entry = parameter[0] if parameter else self.find(name, scope)
        return f"({entry.model.title})" if entry else name

    def find(self, name: str, scope: str | None) -> Entry[Any] | None:
        """What a name means in a jurisdiction's file, or in a shared one (None)."""
        found = self.rulebase.find(name, scope) or self.rulebase.find(name, next(iter(self.rulebase.jurisdictions), ""))
        return found[1] if found else None

    def _parameter(self, name: str, scope: str | None) -> tuple[Entry[schema.Parameter], str | None] | None:
        if found := self.rulebase.find_parameter(name, scope):
            return found
        entry = self.rulebase.parameters.get(name)
        return (entry, None) if entry else None

    # conditions -------------------------------------------------------------------------------------------------------

    def condition(self, condition: Condition, scope: str | None, lead: str, indent: int = 0) -> Iterator[str]:
        """A condition as a Markdown list whose first line starts with `lead`."""
        start = f"{'  ' * indent}- {lead}"
        if isinstance(condition, Leaf):
            yield f"{start}{self.leaf(condition, scope)}"
            return
        inner = condition.parts[0]
        if condition.kind == "not" and isinstance(inner, Leaf):
            yield f"{start}not: {self.leaf(inner, scope)}"
            return
        yield f"{start}{_GROUPS.get(condition.kind) or f'at least {condition.n} of these:'}"
        for part in condition.parts:
            yield from self.condition(part, scope, "", indent + 1)

    def leaf(self, leaf: Leaf, scope: str | None) -> str:
        """One comparison or truth in words."""
        body = leaf.body
        if isinstance(body, Param):
            return f"{self._parameter_words(body.name, scope)}: {'no' if leaf.negated else 'yes'}"
        if isinstance(body, Name):
            entry = self.find(body.name, scope)
            if entry is None or entry.section == "facts":
                return f"{self._subject(body, scope)}: {'no' if leaf.negated else 'yes'}"
            return f"{'not: ' if leaf.negated else ''}{self._subject(body, scope)}"
        return f"{self._subject(body.left, scope)}: {self._compared(body, scope)}"

    def _subject(self, name: Name | Param, scope: str | None) -> str:
        if isinstance(name, Param):
            return "this jurisdiction" if name.name == HERE else self._parameter_words(name.name, scope)
        if name.name == TODAY:
            return _DAY
        entry = self.find(name.name, scope)
        return self.link(self.text(entry.model.title, scope), entry) if entry else escape(name.name)

    def _compared(self, body: Compare, scope: str | None) -> str:
        type_ = self._type(body.left, scope)
        if isinstance(body.right, Name):
            return f"{_DATES[body.op]} {_DAY}"
        if isinstance(body.right, Param):
            if body.right.name == HERE:
                return f"{'' if body.op == '==' else 'not '}this jurisdiction"
            words = _SETS.get(body.op) or (_DATES if type_.kind == "date" else _NUMBERS)[body.op]
            return f"{words} {self._parameter_words(body.right.name, scope)}"
        return escape(self._literal(body.op, body.right, type_))

    def _literal(self, op: str, right: Literal | tuple[Literal, ...], type_: ValueType) -> str:
        item = type_.item if type_.kind == "set" else type_
        if isinstance(right, tuple):
            labels = [show(read_value(code, item), item) for code in right]
            return f"{_SETS[op]} {', '.join(labels)}"
        if op == "contains":
            return f"{_SETS[op]} {show(read_value(right, item), item)}"
        value: Value = read_value(right, item)
        return self.wording.test(Test(op, value), type_)

    def _type(self, subject: Name | Param, scope: str | None) -> ValueType:
        if isinstance(subject, Param):
            found = self._parameter(subject.name, scope)
            return self.rulebase.value_type(found[0].model) if found else ValueType("jurisdiction")
        entry = self.find(subject.name, scope)
        if subject.name == TODAY or entry is None:
            return ValueType("date")
        return self.wording.type_of(entry)

    def _parameter_words(self, name: str, scope: str | None) -> str:
        """A parameter by its title, with what is known of it where that is one thing."""
        found = self._parameter(name, scope)
        if found is None:
            return escape(name)
        entry, where = found
        title = self.link(escape(entry.model.title), entry)
        if entry.each and where is None:
            return f"{title} (differs by jurisdiction)"
        known = escape(self.wording.parameter(entry, where))
        return f"{title} ({known.strip('()')})"

    # values and arithmetic --------------------------------------------------------------------------------------------

    def value(self, entry: Entry[schema.Parameter], value: schema.ParameterValue) -> str:
        """What one dated value says."""
        type_ = self.rulebase.value_type(entry.model)
        if value.value == "unknown":
            return "not established"
        if "value" in value.model_fields_set:
            return "none" if value.value is None else escape(show(read_value(value.value, type_), type_))
        if value.includes is not None:
            return f"{escape(show(read_value(value.includes, type_), type_))}, perhaps others"
        bounds = (("at least", value.at_least), ("at most", value.at_most))
        return " and ".join(f"{word} {show(read_value(b, type_), type_)}" for word, b in bounds if b is not None)

    def formula(self, expression: Expression, scope: str | None) -> str:
        """Arithmetic in words."""
        if isinstance(expression, Constant):
            return show_date(expression.value) if isinstance(expression.value, date) else str(expression.value)
        if isinstance(expression, Name | Param):
            return self._subject(expression, scope)
        assert isinstance(expression, Call)
        parts = [self.formula(argument, scope) for argument in expression.arguments]
        name = expression.function
        if name in _SPANS:
            return f"{_SPANS[name]} from {parts[0]} to {parts[1]}"
        if name in _STEPS:
            steps = expression.arguments[1]
            counted = parts[1] if isinstance(steps, Param) else f"{_bracketed(steps, parts[1])} {_STEPS[name]}"
            return f"{counted} after {parts[0]}"
        if name in ("min", "max"):
            dates = self._is_date(expression, scope)
            word = {"min": "earliest" if dates else "least", "max": "latest" if dates else "greatest"}[name]
            return f"the {word} of ({'; '.join(parts)})"
        if name == "number":
            return f"1 if {parts[0]}, else 0"
        return f" {name} ".join(map(_bracketed, expression.arguments, parts))

    def _is_date(self, expression: Expression, scope: str | None) -> bool:
        if isinstance(expression, Name | Param):
            return self._type(expression, scope).kind == "date"
        if isinstance(expression, Constant):
            return isinstance(expression.value, date)
        return expression.function in _STEPS or (
            expression.function in ("min", "max") and self._is_date(expression.arguments[0], scope)
        )


def _bracketed(expression: Expression, words: str) -> str:
    return f"({words})" if isinstance(expression, Call) else words


def days(start: date | str | None, end: date | None) -> str:
    """A stretch of days, both included."""
    if start == "unknown":
        return "enacted, start not established" + (f", until {show_date(end)}" if end else "")
    first = f"from {show_date(start)}" if isinstance(start, date) else ""
    last = f"until {show_date(end)}" if end else ""
    return " ".join(filter(None, [first, last])) or "always"
