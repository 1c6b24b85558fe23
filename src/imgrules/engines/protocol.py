"""What an executor takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from imgrules.rulebase.ir import Literal, Program, Values, node_of, opposite
from imgrules.rulebase.values import Outcome


@dataclass(frozen=True, slots=True)
class Step:
    """One firing: `rule` proved a literal from `premises`, which are literals and, for leaves, `fact:` names."""

    rule: str
    premises: tuple[str, ...]


@dataclass(frozen=True)
class Derivation:
    """What was proved, and every way in which it was: the alternatives of a literal, in rulebase order."""

    proved: Mapping[Literal, tuple[Step, ...]]

    def truth(self, literal: Literal) -> bool | None:
        """True if the literal is proved, False if its opposite is, None if neither."""
        if literal in self.proved:
            return True
        return False if opposite(literal) in self.proved else None

    def outcome(self, literal: Literal) -> Outcome:
        """The same, as an outcome."""
        truth = self.truth(literal)
        return Outcome.UNKNOWN if truth is None else Outcome.MET if truth else Outcome.NOT_MET


class Engine(Protocol):
    """Something that runs programs."""

    def run(self, program: Program, values: Values) -> Derivation:
        """Everything that follows from known values (derived facts included); None and absent mean unknown."""
        ...


__all__ = ["Derivation", "Engine", "Step", "node_of"]
