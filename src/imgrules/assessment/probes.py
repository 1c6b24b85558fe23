"""Parts of conditions asked about one by one: a copy of a rulebase in which each is a finding of its own.

A program says what rules come to, not what a part of a condition written in a file comes to: equal parts share a node,
and a part looks different in each jurisdiction. Asked as a finding, a part is grounded, run and named like any rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from imgrules.rulebase import schema
from imgrules.rulebase.grammar import Condition
from imgrules.rulebase.rulebase import Entry, Rulebase

PREFIX = "probe."


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A condition, or a part of one, of an entry; `number` is its own among the probes of a rulebase."""

    number: int
    entry: Entry[Any]
    field: str
    condition: Condition

    @property
    def name(self) -> str:
        """The name of the finding that asks it, as the rulebase holds it."""
        return f"{PREFIX}n{self.number}{f'@{self.entry.scope}' if self.entry.scope else ''}"

    def grounded(self, scope: str | None) -> str:
        """The name of the finding in one jurisdiction's segment, or in the national one (None)."""
        return f"{PREFIX}n{self.number}{f'@{scope}' if scope else ''}"


def with_probes(rulebase: Rulebase, probes: Iterable[Probe]) -> Rulebase:
    """The rulebase with a finding for each probe, written where its entry is: national, one jurisdiction's or each's."""
    return replace(rulebase, findings={**rulebase.findings, **{p.name: _finding(p) for p in probes}})


def _finding(probe: Probe) -> Entry[schema.Finding]:
    entry = probe.entry
    model = schema.Finding.model_construct(
        title=probe.name,
        when=None,
        for_each="jurisdiction" if entry.each else None,
        sources=[],
        basis="primary",
        confidence="high",
    )
    conditions = {"when": probe.condition}
    return Entry(
        "findings", probe.name, model, entry.scope, entry.file, entry.line, entry.column, entry.checked, conditions
    )
