"""What every assessment by one program has alike: worked out once a program, so that a case costs what is its own.

Between two days on which the rules change, a program says the same to everybody: which routes there are and in what
order, what each needs, which exclude each other, which texts depend on the applicant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from imgrules.assessment.wording import Wording
from imgrules.rulebase.ir import FixedNode, GroundRule, JunctionNode, Literal, Program, node_of, opposite
from imgrules.rulebase.rulebase import Entry, Rulebase

_TEXTS = ("title", "remedy", "note", "decided_by", "summary", "gives", "replaced_text")


@dataclass(frozen=True, slots=True)
class RuleOutline:
    """A rule with the literals that say whether it is met and whether it applies (None: it always does)."""

    rule: GroundRule
    met: Literal
    unmet: Literal
    applies: Literal | None
    spared: Literal | None
    varies: bool  # whether its texts depend on the applicant


@dataclass(frozen=True, slots=True)
class RouteOutline:
    """A route with every requirement of it by name, those of the routes it needs in their place."""

    rule: GroundRule
    needs: tuple[str, ...]
    inner: tuple[GroundRule, ...]
    own: tuple[Literal, ...]  # what it hangs on beside its requirements
    after: tuple[str, ...]
    excludes: tuple[str, ...]
    ended: date | None  # not in force: the day after which it is gone rather than still to come


class Outline:
    """One program's routes and rules, as far as no applicant can change them."""

    def __init__(self, rulebase: Rulebase, program: Program, wording: Wording) -> None:
        self.rulebase = rulebase
        self.program = program
        self.wording = wording
        self.scopes = tuple(segment.scope for segment in program.segments)
        self.rules = {name: self._rule(rule) for name, rule in program.rules.items()}
        self.exclusive = self._exclusive()
        self.routes = [self._route(rule) for rule in self._ordered()]
        self.fast_tracks = list(self._scoped("fast_tracks"))
        self.advice = list(self._scoped("advice"))
        self.alerts = list(self._scoped("alerts"))
        self.stages = sorted(rulebase.stages.values(), key=lambda e: e.model.order)

    def _rule(self, rule: GroundRule) -> RuleOutline:
        said = vars(rule.entry.model)  # asking a model for what it may lack is slow
        varies = bool(said.get("ready_on")) or any(
            self.wording.varies(text, rule.scope) for field in _TEXTS if (text := said.get(field))
        )
        spared = opposite(rule.applies) if rule.applies else None
        return RuleOutline(rule, rule.literal, opposite(rule.literal), rule.applies, spared, varies)

    def _ordered(self) -> list[GroundRule]:
        """The routes by stage, then by the order of the jurisdictions aimed at, main ones first."""
        order = {e.name: e.model.order for e in self.rulebase.stages.values()}
        places = {scope: i for i, scope in enumerate(self.scopes)}
        found = [rule for rule in self.program.rules.values() if rule.entry.section == "routes"]
        return sorted(found, key=lambda r: (order[r.entry.model.stage], places[r.scope], not r.entry.model.main))

    def _route(self, rule: GroundRule) -> RouteOutline:
        model = rule.entry.model
        inner = (self.program.rules[name] for name in rule.needs)
        return RouteOutline(
            rule,
            tuple(dict.fromkeys(self._flat_needs(rule))),
            tuple(route for route in inner if route.entry.section == "routes"),
            tuple(dict.fromkeys(self._own(rule))),
            tuple(self._present(model.after, rule)),
            tuple(self.exclusive.get(rule.name, ())),
            model.in_force.to if model.in_force else None,
        )

    def _flat_needs(self, rule: GroundRule) -> Iterator[str]:
        for name in rule.needs:
            needed = self.program.rules[name]
            if needed.entry.section == "routes":
                yield from self._flat_needs(needed)
            else:
                yield name

    def _own(self, route: GroundRule) -> Iterator[Literal]:
        """What a route hangs on beside its requirements: whether it is for this applicant, whether it is what it is said to be."""
        if route.applies:
            yield route.applies
        node = self.program.nodes[node_of(route.literal)]
        for part in node.parts if isinstance(node, JunctionNode) else ():
            if isinstance(self.program.nodes[node_of(part)], FixedNode):
                yield part
        for name in route.needs:
            needed = self.program.rules[name]
            if needed.entry.section == "routes":
                yield from self._own(needed)

    def _present(self, names: list[str], rule: GroundRule) -> list[str]:
        """The routes that some names mean for a route, as far as they are part of this program."""
        found = (self.rulebase.find(name, rule.scope) for name in names)
        return [target[0] for target in found if target and target[0] in self.program.rules]

    def _exclusive(self) -> dict[str, list[str]]:
        """Which routes cannot be followed together, said on either side."""
        pairs: dict[str, list[str]] = {}
        for rule in self.program.rules.values():
            for other in self._present(vars(rule.entry.model).get("excludes", []), rule):
                for one, two in ((rule.name, other), (other, rule.name)):
                    if two not in pairs.setdefault(one, []):
                        pairs[one].append(two)
        return pairs

    def _scoped(self, section: str) -> Iterator[tuple[str, Entry[Any]]]:
        """The entries of a section that concern these jurisdictions, by their grounded names."""
        for name, entry in getattr(self.rulebase, section).items():
            if entry.each:
                yield from ((f"{name}@{code}", entry) for code in self.scopes if code)
            elif entry.scope in self.scopes:
                yield name, entry
