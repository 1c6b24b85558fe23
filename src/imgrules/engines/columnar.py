"""The columnar executor: a program as Polars expressions, a table of cases in, a column of truths for each node out.

A fact is a column, null where it is unknown; a node is a Boolean column, null where it is undecided. Polars' own `&`, `|`
and `~` on nulls are strong Kleene logic, so a junction is a junction. Nodes that nothing wanted hangs on are left out,
and each node, leaf and derived fact is computed once, layer by layer.

Columns of the table: Boolean, Int64 (int), Int64 in units of 0.0001 (decimal), Date, and Enum for codes and for sets,
where a category is the codes of one set, sorted and joined by a space. A fact without a column is unknown throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl

from imgrules.engines.column_arithmetic import Array, compute, layers
from imgrules.errors import EngineError
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ir import (
    FixedNode,
    GateNode,
    GroundDerived,
    JunctionNode,
    LeafNode,
    Literal,
    Node,
    Program,
    Test,
    Values,
    node_of,
    opposite,
)
from imgrules.rulebase.values import DECIMAL_PLACES, ORDERED, Value, ValueType

_SCALE = 10**DECIMAL_PLACES
_COMPLEMENT = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", "<=": ">", ">": "<="}


@dataclass(frozen=True)
class Table:
    """Cases with what was found of them: facts, derived facts and a Boolean column for each node that was wanted.

    `beyond`: the cases with a number no engine takes, of which nothing here is to be believed; None if there can be none.
    """

    frame: pl.DataFrame
    beyond: Array | None = None

    def truth(self, literal: Literal) -> pl.Series:
        """The truth of a literal, case by case; null where it is undecided."""
        column = self.frame[node_of(literal)]
        return column if literal[-1] == "+" else ~column


class Columnar:
    """A program compiled for tables.

    `wanted`: the literals to find, by default those of every rule; `values`: derived facts wanted for themselves.
    """

    def __init__(self, program: Program, wanted: Iterable[Literal] | None = None, values: Iterable[str] = ()) -> None:
        self.program = program
        literals = [rule.literal for rule in program.rules.values()] if wanted is None else list(wanted)
        self.nodes = {node.id: node for node in below(program.nodes, literals)}
        leaves = [node for node in self.nodes.values() if isinstance(node, LeafNode)]
        derived = {item.name: item for segment in program.segments for item in segment.derived}
        needed = _needed({leaf.fact for leaf in leaves}.union(values), derived)
        self.facts = frozenset(
            name
            for name in {leaf.fact for leaf in leaves}.union(*(item.inputs.values() for item in needed), values)
            if name not in derived and name != TODAY
        )
        self._derived = {s.scope: layers([item for item in s.derived if item in needed]) for s in program.segments}
        self._layers = {s.scope: _layers([node for node in s.nodes if node.id in self.nodes]) for s in program.segments}
        self._lookups: dict[tuple[str, tuple[str, ...]], pl.Expr] = {}
        self._expressions: dict[str, pl.Expr] = {}

    def run(self, frame: pl.DataFrame) -> Table:
        """Every derived fact and node wanted. The table needs a Date column `today`; other columns are kept."""
        found = Table(frame)
        for segment in self.program.segments:
            found = self.run_segment(found, segment.scope)
        return found

    def run_segment(self, table: Table, scope: str | None) -> Table:
        """The derived facts and nodes of one segment; those of the national one must be in the table already."""
        frame = table.frame
        frame = frame.with_columns(_empty(name, self.program.types[name]) for name in self.facts - set(frame.columns))
        beyond = [] if table.beyond is None else [table.beyond]
        for layer in self._derived[scope]:
            found = [compute(item, frame, self._type) for item in layer]
            beyond += [mask for _, mask in found if mask is not None]
            frame = frame.with_columns(series for series, _ in found)
        for nodes in self._layers[scope]:
            frame = frame.with_columns(self._column(node, frame) for node in nodes)
        return Table(frame, reduce(np.logical_or, beyond) if beyond else None)

    def _type(self, name: str) -> ValueType:
        return ValueType("date") if name == TODAY else self.program.types[name]

    def _column(self, node: Node, frame: pl.DataFrame) -> pl.Expr:
        """The expression of a node, written once; only tests of codes depend on the table, by its categories."""
        coded = isinstance(node, LeafNode) and self.program.types[node.fact].kind not in (*ORDERED, "bool")
        if coded:
            assert isinstance(node, LeafNode)
            return self._lookup(node, self.program.types[node.fact], frame)
        if node.id not in self._expressions:
            self._expressions[node.id] = self._expression(node).alias(node.id)
        return self._expressions[node.id]

    def _expression(self, node: Node) -> pl.Expr:
        if isinstance(node, LeafNode):
            return self._leaf(node)
        if isinstance(node, FixedNode):
            return pl.lit(node.truth, dtype=pl.Boolean)
        if isinstance(node, GateNode):
            return _gate(node)
        parts = [_literal(part) for part in node.parts]
        return pl.all_horizontal(parts) if node.kind == "all" else pl.any_horizontal(parts)

    def _leaf(self, node: LeafNode) -> pl.Expr:
        type_ = self.program.types[node.fact]
        column = pl.col(node.fact)
        sides = [_compare(column, test, type_) if test else None for test in (node.proves, node.refutes)]
        proves, refutes = sides
        if proves is not None and _whole(node):
            return proves
        truth = pl.when(proves).then(True) if proves is not None else None
        if refutes is None:
            return truth if truth is not None else pl.lit(None, dtype=pl.Boolean)
        return truth.when(refutes).then(False) if truth is not None else pl.when(refutes).then(False)

    def _lookup(self, node: LeafNode, type_: ValueType, frame: pl.DataFrame) -> pl.Expr:
        """Codes and sets: the test is made once for each category, and looked up for each case."""
        dtype = frame.get_column(node.fact).dtype
        assert isinstance(dtype, pl.Enum)
        categories = tuple(dtype.categories)
        key = (node.id, categories)
        if key not in self._lookups:
            if len(self._lookups) > 50_000:  # tables whose sets all differ: remembering them would only cost memory
                self._lookups.clear()
            read = [frozenset(c.split()) if type_.kind == "set" else c for c in categories]
            truths = [_holds(node, value) for value in read]
            self._lookups[key] = _looked_up(pl.col(node.fact).to_physical(), truths).alias(node.id)
        return self._lookups[key]


def _looked_up(codes: pl.Expr, truths: list[bool | None]) -> pl.Expr:
    """The truth of each code. A comparison, where one code differs from all others, is ten times as fast as a look-up."""
    if None not in truths and truths:
        for odd in (True, False):
            if truths.count(odd) == 1:
                return codes == truths.index(odd) if odd else codes != truths.index(odd)
    return pl.lit(pl.Series(truths or [None], dtype=pl.Boolean)).gather(codes)


def _whole(node: LeafNode) -> bool:
    """Whether every known value passes one test or the other."""
    a, b = node.proves, node.refutes
    return a is not None and b is not None and a.value == b.value and _COMPLEMENT[a.op] == b.op


def _holds(node: LeafNode, value: object) -> bool | None:
    if node.proves and node.proves.holds(value):
        return True
    return False if node.refutes and node.refutes.holds(value) else None


def _literal(literal: Literal) -> pl.Expr:
    column = pl.col(node_of(literal))
    return column if literal[-1] == "+" else ~column


def _gate(node: GateNode) -> pl.Expr:
    if node.decides == "both":
        return _literal(node.part)
    if node.decides == "nothing":
        return pl.lit(None, dtype=pl.Boolean)
    if node.decides == "met":
        return pl.when(_literal(node.part)).then(True)
    return pl.when(_literal(opposite(node.part))).then(False)


def _compare(column: pl.Expr, test: Test, type_: ValueType) -> pl.Expr:
    if type_.kind == "bool":
        return column if (test.op == "==") == test.value else ~column
    value = pl.lit(int(test.value * _SCALE)) if type_.kind == "decimal" else pl.lit(test.value)
    match test.op:
        case "==":
            return column == value
        case "!=":
            return column != value
        case "<":
            return column < value
        case "<=":
            return column <= value
        case ">":
            return column > value
        case ">=":
            return column >= value
    raise EngineError(f"{test.op} cannot be used with {type_}. This is a defect of imgrules: please report it.")


def _empty(name: str, type_: ValueType) -> pl.Expr:
    """The column of a fact that nobody told."""
    return pl.lit(None, dtype=dtype_of(type_)).alias(name)


def dtype_of(type_: ValueType) -> pl.DataType | type[pl.DataType]:
    """The column type of a fact that nobody told, or of a fact whose categories do not matter."""
    match type_.kind:
        case "bool":
            return pl.Boolean
        case "int" | "decimal":
            return pl.Int64
        case "date":
            return pl.Date
    return pl.Enum([])


def table(rows: Sequence[Values], types: Mapping[str, ValueType]) -> pl.DataFrame:
    """Known values of some cases as the columns that `Columnar.run` takes; `today` among them if given."""
    names = sorted({name for row in rows for name in row})
    return pl.DataFrame([_series(name, [row.get(name) for row in rows], types) for name in names])


def _series(name: str, values: list[Value | None], types: Mapping[str, ValueType]) -> pl.Series:
    kind = "date" if name == TODAY else types[name].kind
    if kind == "decimal":
        return pl.Series(name, [None if v is None else int(v * _SCALE) for v in values], dtype=pl.Int64)
    if kind in ("bool", "int", "date"):
        return pl.Series(name, values, dtype=dtype_of(ValueType(kind)))
    texts = [" ".join(sorted(v)) if isinstance(v, frozenset) else v for v in values]
    return pl.Series(name, texts, dtype=pl.Enum(sorted({str(t) for t in texts if t is not None})))


def below(nodes: Mapping[str, Node], literals: Iterable[Literal]) -> list[Node]:
    """Every node that some literal hangs on, in the program's order."""
    found: set[str] = set()
    stack = [node_of(literal) for literal in literals]
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack += [node_of(part) for part in parts_of(nodes[id])]
    return [node for id, node in nodes.items() if id in found]


def parts_of(node: Node) -> tuple[Literal, ...]:
    """The literals that a node is made of."""
    if isinstance(node, JunctionNode):
        return node.parts
    return (node.part,) if isinstance(node, GateNode) else ()


def _layers(nodes: Iterable[Node]) -> list[list[Node]]:
    """The nodes of a segment by how deep they stand: each layer leans only on earlier ones, or on the national segment."""
    depth: dict[str, int] = {}
    layers: list[list[Node]] = []
    for node in nodes:
        depth[node.id] = 1 + max((depth.get(node_of(part), -1) for part in parts_of(node)), default=-1)
        while len(layers) <= depth[node.id]:
            layers.append([])
        layers[depth[node.id]].append(node)
    return layers


def _needed(facts: Iterable[str], derived: Mapping[str, GroundDerived]) -> list[GroundDerived]:
    """The derived facts among some facts, and those that they are computed from, in the program's order."""
    found: set[str] = set()
    stack = [name for name in facts if name in derived]
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += [source for source in derived[name].inputs.values() if source in derived]
    return [item for name, item in derived.items() if name in found]
