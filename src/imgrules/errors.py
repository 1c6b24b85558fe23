"""Everything that can go wrong for a user, as one family.

    ImgrulesError
    ├── InputError            a file, folder or name the user gave cannot be used
    ├── ProblemsError         a file was read and is wrong; carries every problem found
    │   ├── RulebaseError     ... in rules/
    │   └── CaseError         ... in a case file
    └── EngineError           the rule engine's limits would be crossed, or it disagreed with itself

The command line prints the message and exits 1, or 3 for an EngineError. Anything else that is raised is a defect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Severity(StrEnum):
    """How bad a problem is: an error stops, a warning is only shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file: a stable code, the place, one sentence, and what to do about it."""

    code: str
    message: str
    fix: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    severity: Severity = Severity.ERROR

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and terminals understand it."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        head = f"{self.place}: {self.code} {self.message}" if self.file else f"{self.code} {self.message}"
        return f"{head}\n    {self.fix}" if self.fix else head


class ImgrulesError(Exception):
    """The base of every error a user can cause or meet."""


class InputError(ImgrulesError):
    """A file, folder, name or option given by the user cannot be used."""


class ProblemsError(ImgrulesError):
    """A file is wrong; `problems` holds everything found, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.file, p.line, p.column, p.code))
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[ProblemsError], tuple[list[Problem]]]:
        return type(self), (self.problems,)


class RulebaseError(ProblemsError):
    """`rules/` does not load."""


class CaseError(ProblemsError):
    """A case file does not load, or its facts contradict each other."""


class EngineError(ImgrulesError):
    """A limit of the rule engine would be crossed, or its answers are impossible: never reasoned over silently."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean a, b?` for the nearest known names, or an empty string."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(near)}?" if near else ""
