"""What a table of cases is to be told: the routes wanted, and how to read status, blockers and unknowns off their columns.

A plan is made for one stretch of days on which the rules stay the same and for some jurisdictions; every case of a table
then has the national routes and those of the jurisdictions it aims at. Statuses follow the same table as assessments of
one case do, and the tests hold them to be the same; here they are worked out for all cases at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa

from imgrules.assessment.result import Status
from imgrules.assessment.unknowns import Cause
from imgrules.engines.column_arithmetic import Array
from imgrules.engines.columnar import Columnar, Table, below, parts_of
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ir import (
    FixedNode,
    GateNode,
    GroundDerived,
    GroundRule,
    JunctionNode,
    LeafNode,
    Literal,
    Program,
    node_of,
)
from imgrules.rulebase.rulebase import Rulebase

STATUSES = tuple(Status)
_CODE = {status: i for i, status in enumerate(STATUSES)}


@dataclass(frozen=True)
class RoutePlan:
    """A route wanted: what it needs, those of the routes it needs in their place, and all that it could hang on."""

    rule: GroundRule
    needs: tuple[GroundRule, ...]
    inner: tuple[GroundRule, ...]
    causes: tuple[Cause, ...]
    roots: tuple[str, ...]

    @cached_property
    def literals(self) -> list[Literal]:
        """Every literal whose truth is looked at."""
        rules = (self.rule, *self.needs, *self.inner)
        return [rule.literal for rule in rules] + [rule.applies for rule in rules if rule.applies]


class Plan:
    """The routes wanted of one program, compiled for tables."""

    def __init__(
        self, rulebase: Rulebase, program: Program, routes: Iterable[str], extra: Iterable[Literal] = ()
    ) -> None:
        self.rulebase = rulebase
        self.program = program
        self.nodes = program.nodes
        self.derived = {item.name: item for segment in program.segments for item in segment.derived}
        wanted = [self._route(program.rules[name]) for name in routes]
        self.routes: dict[str | None, list[RoutePlan]] = {segment.scope: [] for segment in program.segments}
        for plan in wanted:
            self.routes[plan.rule.scope].append(plan)
        self.stages = {
            entry.name: program.rules[entry.model.shown_by].literal
            for entry in sorted(rulebase.stages.values(), key=lambda e: e.model.order)
        }
        self.contradictions = self._contradictions()
        literals = [literal for plan in wanted for literal in plan.literals] + [
            f"{r}+" for p in wanted for r in p.roots
        ]
        literals += [*self.stages.values(), *self.contradictions.values(), *extra]
        self.ready = {name: day for plan in wanted for need in plan.needs for name, day in self._ready(need)}
        self.columnar = Columnar(program, literals, set(self.ready.values()))

    def _contradictions(self) -> dict[tuple[str, str | None], Literal]:
        found = {}
        for segment in self.program.segments:
            for (key, _), literal in segment.conditions.items():
                section, _, name = key.partition(":")
                if section == "contradictions":
                    found[name, segment.scope] = literal
        return found

    def _ready(self, need: GroundRule) -> Iterator[tuple[str, str]]:
        """The fact or derived fact that says when a requirement will be met by time alone."""
        name = getattr(need.entry.model, "ready_on", None)
        target = self.rulebase.find(name, need.scope) if name else None
        if target:
            yield need.name, target[0]

    # a route --------------------------------------------------------------------------------------------------------

    def _route(self, rule: GroundRule) -> RoutePlan:
        rules = self.program.rules
        needs = tuple(rules[name] for name in dict.fromkeys(self._needs(rule)))
        inner = tuple(rules[name] for name in rule.needs if rules[name].entry.section == "routes")
        own = list(self._own(rule))
        roots = dict.fromkeys(node_of(literal) for literal in [*(need.literal for need in needs), *own])
        causes = dict.fromkeys(cause for root in roots for cause in self._causes(root, set()))
        facts_first = sorted(causes, key=lambda cause: cause.kind != "fact")
        return RoutePlan(rule, needs, inner, tuple(facts_first), tuple(roots))

    def _needs(self, rule: GroundRule) -> Iterator[str]:
        for name in rule.needs:
            if self.program.rules[name].entry.section == "routes":
                yield from self._needs(self.program.rules[name])
            else:
                yield name

    def _own(self, route: GroundRule) -> Iterator[Literal]:
        """What a route hangs on beside its requirements: whether it is for the applicant, and whether it is what it is said to be."""
        if route.applies:
            yield route.applies
        node = self.nodes[node_of(route.literal)]
        for part in node.parts if isinstance(node, JunctionNode) else ():
            if isinstance(self.nodes[node_of(part)], FixedNode):
                yield part
        for name in route.needs:
            if self.program.rules[name].entry.section == "routes":
                yield from self._own(self.program.rules[name])

    def _causes(self, id: str, seen: set[str]) -> Iterator[Cause]:
        """Everything that a node could hang on, whatever the case."""
        if id in seen:
            return
        seen.add(id)
        node = self.nodes[id]
        for part in parts_of(node):
            yield from self._causes(node_of(part), seen)
        yield from own_causes(node, self.derived)


def own_causes(
    node: LeafNode | FixedNode | JunctionNode | GateNode, derived: Mapping[str, GroundDerived]
) -> Iterator[Cause]:
    """The causes that begin at a node."""
    if isinstance(node, GateNode):
        if node.decides != "both":
            yield Cause.of("rule", node.rule, "weak")
    elif isinstance(node, FixedNode):
        if node.truth is None:
            yield Cause.of("parameter" if node.parameter else "rule", node.parameter or node.text, node.reason)
    elif isinstance(node, LeafNode):
        yield from (cause for cause, _ in fact_causes(node.fact, derived))
        if node.parameter:
            yield Cause.of("parameter", node.parameter, "bounds")


def fact_causes(name: str, derived: Mapping[str, GroundDerived]) -> Iterator[tuple[Cause, str]]:
    """What could leave a fact or derived fact unknown, each with the fact that is null then (its own name for a parameter)."""
    item = derived.get(name)
    if item is None:
        if name != TODAY:
            yield Cause.of("fact", name), name
        return
    for parameter, value in item.parameters.items():
        if value is None:
            scope = f"@{name.partition('@')[2]}" if "@" in name else ""
            yield Cause.of("parameter", f"{parameter}{scope}", "not established"), name
    for source in item.inputs.values():
        yield from fact_causes(source, derived)


class Reading:
    """What a table of cases that have all been run says of each route. Arrays have one entry a case."""

    def __init__(self, plan: Plan, table: Table) -> None:
        self.plan = plan
        self.table = table
        self.height = table.frame.height
        self._true: dict[str, Array] = {}
        self._null: dict[str, Array] = {}

    def null(self, column: str) -> Array:
        """Where a node or fact is not known."""
        if column not in self._null:
            series = self.table.frame.get_column(column)
            self._null[column] = (
                _bits(series.to_arrow())[1] if series.dtype == pl.Boolean else series.is_null().to_numpy()
            )
        return self._null[column]

    def true(self, literal: Literal) -> Array:
        """Where a literal is true."""
        if literal not in self._true:
            yes, null = _bits(self.table.frame.get_column(node_of(literal)).to_arrow())
            self._null[node_of(literal)] = null
            self._true[literal] = yes & ~null if literal[-1] == "+" else ~(yes | null)
        return self._true[literal]

    def false(self, literal: Literal) -> Array:
        """Where a literal is false."""
        return ~(self.true(literal) | self.null(node_of(literal)))

    def applies(self, rule: GroundRule) -> tuple[Array, Array]:
        """Where a rule is for the applicant, and where it is not."""
        if not rule.in_force:
            return np.zeros(self.height, bool), np.ones(self.height, bool)
        if rule.applies is None:
            return np.ones(self.height, bool), np.zeros(self.height, bool)
        return self.true(rule.applies), self.false(rule.applies)

    def status(self, route: RoutePlan, day_of_epoch: object) -> Array:
        """The status of a route as its place in `STATUSES`."""
        rule = route.rule
        if not rule.in_force:
            ended = rule.entry.model.in_force and rule.entry.model.in_force.to
            over = ended is not None and ended is not False and day_of_epoch > ended
            return np.full(self.height, _CODE[Status.DISCONTINUED if over else Status.UPCOMING], np.uint8)
        applies, not_meant = self.applies(rule)
        no, unmet = np.zeros(self.height, bool), [self.false(need.literal) for need in route.needs]
        barred = [
            array for need, array in zip(route.needs, unmet, strict=True) if need.entry.model.blocker == "permanent"
        ]
        if any(not inner.in_force for inner in route.inner):
            barred.append(~no)
        inner = [self.applies(other) for other in route.inner]
        undecided = [self.null(node_of(need.literal)) for need in route.needs] + [~(a | b) for a, b in inner]
        table = [
            (not_meant, Status.NOT_APPLICABLE),
            (~applies, Status.UNDETERMINED),
            (np.logical_or.reduce([no, *barred]), Status.CLOSED),
            (self.true(rule.literal), Status.OPEN),
            (np.logical_or.reduce([no, *(b for _, b in inner)]), Status.NOT_APPLICABLE),
            (np.logical_or.reduce([no, *undecided]), Status.UNDETERMINED),
            (np.logical_or.reduce([no, *unmet]), Status.REACHABLE),
        ]
        found = np.full(self.height, _CODE[Status.UNDETERMINED], np.uint8)
        for where, status in reversed(table):
            found[where] = _CODE[status]
        return found

    def blockers(self, route: RoutePlan) -> list[Array]:
        """For each requirement of a route, where it is not met."""
        return [self.false(need.literal) for need in route.needs]

    def unknowns(self, route: RoutePlan) -> list[Array]:
        """For each cause that a route could hang on, where it does.

        Downwards from what the route looks at: an undecided node is heard if something undecided above it listens.
        """
        nodes = self.plan.nodes
        cone = below(nodes, (f"{root}+" for root in route.roots))
        heard: dict[str, Array] = {root: self.null(root) for root in route.roots}
        causes: dict[Cause, Array] = {}
        for node in reversed(cone):
            here = heard.get(node.id)
            if here is None or not here.any():
                continue
            for part in parts_of(node):
                id = node_of(part)
                above = here & self.null(id)
                heard[id] = heard[id] | above if id in heard else above
            for cause, where in self._own(node, here):
                causes[cause] = causes[cause] | where if cause in causes else where
        nowhere = np.zeros(self.height, bool)
        return [causes.get(cause, nowhere) for cause in route.causes]

    def _own(self, node: LeafNode | FixedNode | JunctionNode | GateNode, here: Array) -> Iterator[tuple[Cause, Array]]:
        """The causes that begin at a node, given where it is heard."""
        if isinstance(node, LeafNode):
            for cause, fact in fact_causes(node.fact, self.plan.derived):
                yield cause, here & self.null(fact)
            if node.parameter:
                yield Cause.of("parameter", node.parameter, "bounds"), here & ~self.null(node.fact)
        elif isinstance(node, GateNode):
            for cause in own_causes(node, self.plan.derived):
                yield cause, here & ~self.null(node_of(node.part))
        else:
            for cause in own_causes(node, self.plan.derived):
                yield cause, here


def _bits(column: pa.BooleanArray) -> tuple[Array, Array]:
    """A Boolean column as bytes: what is true (or anything, where null), and what is null. Ten times as fast as by calls."""
    valid, values = column.buffers()
    end = column.offset + len(column)

    def unpacked(buffer: pa.Buffer) -> Array:
        return np.unpackbits(np.frombuffer(buffer, np.uint8), count=end, bitorder="little")[column.offset :].view(bool)

    return unpacked(values), np.zeros(len(column), bool) if valid is None else ~unpacked(valid)


def routes_of(rulebase: Rulebase, program: Program, wanted: str | Sequence[str]) -> list[str]:
    """The routes of a program that are wanted: `all`, `main` (and the fast tracks), or names with or without a jurisdiction."""
    routes = {name: rule for name, rule in program.rules.items() if rule.entry.section == "routes"}
    if wanted == "all":
        return list(routes)
    if wanted == "main":
        fast = {track.model.route for track in rulebase.fast_tracks.values()}
        fast |= {f"{track.model.route}@{track.scope}" for track in rulebase.fast_tracks.values() if track.scope}
        return [
            name for name, r in routes.items() if r.entry.model.main or name in fast or name.partition("@")[0] in fast
        ]
    return [name for name in routes if name in wanted or name.partition("@")[0] in wanted]
