"""YAML (and JSON, its subset) read with the line and column of everything in it.

PyYAML composes the node tree; the values of plain scalars follow the YAML 1.2 core rules instead of PyYAML's 1.1
ones, so that the country code NO stays text and 0.1 stays exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

import yaml

from imgrules.errors import Problem

Path: TypeAlias = tuple[str | int, ...]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_PLACES = 300_000
_INT = re.compile(r"[-+]?\d+$")
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)$")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}$")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(slots=True)
class Document:
    """One parsed file: its data, and where each path of it stands (1-based line and column)."""

    file: str
    data: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column of a path, or of the nearest enclosing one that exists."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def problem(self, code: str, path: Path, message: str, fix: str = "") -> Problem:
        """A problem at a path."""
        line, column = self.place(path)
        return Problem(code, message, fix, self.file, line, column)


def read_document(text: str, file: str, prefix: str = "R") -> Document:
    """Parse YAML or JSON. Syntax errors, repeated keys and bad dates become problems, not exceptions."""
    document = Document(file)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reason = error.problem or "cannot be read"
        document.problems.append(
            Problem(f"{prefix}001", f"This is not valid YAML: {reason}.", _syntax_fix(reason), file, line, column)
        )
        return document
    except yaml.YAMLError as error:
        document.problems.append(Problem(f"{prefix}001", f"This is not valid YAML: {error}.", "", file, 1, 1))
        return document
    if root is not None:
        try:
            document.data = _construct(root, (), document, prefix)
        except (_TooLarge, RecursionError):
            message = (
                "This file holds more than anybody writes by hand: aliases (*name) multiply it, or it nests too deep."
            )
            document.problems.append(Problem(f"{prefix}001", message, "Write the values out.", file, 1, 1))
    return document


def _syntax_fix(reason: str) -> str:
    if "mapping values are not allowed" in reason or "could not find expected ':'" in reason:
        return "Put text that contains a colon and a space in double quotes, and check the indentation."
    if "tab" in reason or "\\t" in reason:
        return "Indent with spaces, not tabs."
    return "Check quotes, brackets and indentation just before this place."


class _TooLarge(Exception):
    """Aliases multiplied the document beyond what anybody writes."""


def _construct(node: yaml.Node, path: Path, document: Document, prefix: str) -> Any:
    if len(document.places) > MAX_PLACES:
        raise _TooLarge
    document.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, path, document, prefix)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(child, (*path, i), document, prefix) for i, child in enumerate(node.value)]
    result: dict[str, Any] = {}
    assert isinstance(node, yaml.MappingNode)
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
        here = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if key in result:
            message = f"The key {key} stands twice here."
            fix = "Remove one of them, or merge their contents."
            document.problems.append(Problem(f"{prefix}002", message, fix, document.file, *here))
            continue
        result[key] = _construct(value_node, (*path, key), document, prefix)
        document.places[(*path, key)] = here
    return result


def _scalar(node: yaml.ScalarNode, path: Path, document: Document, prefix: str) -> object:
    text: str = node.value
    if node.style in ('"', "'", "|", ">"):
        return text
    if text.lower() in _WORDS and text in ("", "~", text.lower(), text.capitalize(), text.upper()):
        return _WORDS[text.lower()]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return Decimal(text)
    if _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            message = f"{text} is not a day of the calendar."
            document.problems.append(document.problem(f"{prefix}004", path, message, "Write a date as 2026-11-22."))
            return text
    return text
