"""What is not wrong in a rulebase but can hardly be meant: rules that decide nothing, and the same rule written twice.

Runs only where `check` found no error, on the grounded rules. A condition counts as constant only if every applicant,
on every day on which something about it changes and in every jurisdiction, gets the same answer from it.

    R100  a condition is always true, or never
    R101  two rules have the same meaning
    R102  a requirement that no route needs, directly or through a condition
    R103  a requirement that only conditions name, so that nobody is ever shown its remedy
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any, TypeAlias

from imgrules.errors import Problem, Severity
from imgrules.rulebase.document import Document
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import (
    FixedNode,
    GateNode,
    GroundRule,
    JunctionNode,
    LeafNode,
    Literal,
    Node,
    Program,
    node_of,
)
from imgrules.rulebase.load import CONDITION_FIELDS
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.usage import names_in, parameters_in
from imgrules.rulebase.values import ORDERED, QUANTUM, ValueType, read_value

TRUE, FALSE, UNKNOWN = 1, 2, 4
SAMPLES = 12
SEARCH_STEPS = 100
_SWAPPED = {mask: (mask & UNKNOWN) | (TRUE if mask & FALSE else 0) | (FALSE if mask & TRUE else 0) for mask in range(8)}
_PASSED = {"both": 7, "met": TRUE | UNKNOWN, "not_met": FALSE | UNKNOWN, "nothing": UNKNOWN}
_Watch: TypeAlias = "dict[tuple[int, str], _Watched]"
_SHOWN = ("fast_tracks", "advice", "alerts", "contradictions", "facts")


def lint(rulebase: Rulebase, documents: Mapping[str, Document], problems: Iterable[Problem]) -> list[Problem]:
    """Warnings about a rulebase; none where it has errors or is incomplete, since it cannot be grounded then."""
    if any(p.severity is Severity.ERROR for p in problems) or not _complete(rulebase, documents):
        return []
    warn = _Warner(documents)
    grounder = Grounder(rulebase)
    program = grounder.program(last_checked(rulebase), rulebase.jurisdictions)
    return [
        *_constant_conditions(grounder, program, warn),
        *_same_meaning(program, warn),
        *_unneeded(rulebase, program, warn),
    ]


def _complete(rulebase: Rulebase, documents: Mapping[str, Document]) -> bool:
    """Whether every file was read and every condition in it was understood."""
    if any(document.problems for document in documents.values()):
        return False
    entries = [e for section in ("rules", "derived", *_SHOWN) for e in getattr(rulebase, section).values()]
    written = [(e, f) for e in entries for f in CONDITION_FIELDS if getattr(e.model, f, None) is not None]
    computed = all(e.expression is not None for e in entries if e.section in ("derived", "alerts"))
    return computed and all(f in e.conditions for e, f in written)


def last_checked(rulebase: Rulebase) -> date:
    """The day the rules describe best: the same on every machine, whatever its clock says."""
    tables = (rulebase.rules, rulebase.parameters, rulebase.facts, rulebase.jurisdictions)
    return max((e.checked for table in tables for e in table.values()), default=date.max)


@dataclass(frozen=True)
class _Warner:
    documents: Mapping[str, Document]

    def __call__(self, entry: Entry[Any], code: str, message: str, fix: str, *path: str) -> Problem:
        line, column = entry.line, entry.column
        if path and entry.file in self.documents:
            line, column = self.documents[entry.file].place((entry.section, entry.local_name, *path))
        return Problem(code, f"{entry.name}: {message}", fix, entry.file, line, column, Severity.WARNING)


@dataclass
class _Watched:
    """One condition of a rule file, wherever it is grounded, and the answers it has been seen to give."""

    entry: Entry[Any]
    field: str
    seen: int = 0

    @property
    def varies(self) -> bool:
        return self.seen.bit_count() > 1

    @property
    def constant(self) -> bool:
        return self.seen in (TRUE, FALSE)


def _constant_conditions(grounder: Grounder, program: Program, warn: _Warner) -> Iterator[Problem]:
    rulebase, leaning = grounder.rulebase, _Leaning(grounder.rulebase)
    watched: _Watch = {}
    _Trial(rulebase, program, watched).run()
    for item in (item for item in watched.values() if item.constant):
        scopes = [item.entry.scope] if item.entry.scope else list(rulebase.jurisdictions) if item.entry.each else []
        for day in leaning.days(item.entry):
            if not item.constant:
                break
            _Trial(rulebase, grounder.program(day, scopes), watched, item).run()
        if item.constant:
            answer = f"{item.field} is {'always' if item.seen == TRUE else 'never'} true"
            message = f"{answer}, on every date{', in every jurisdiction' if item.entry.each else ''}."
            yield warn(item.entry, "R100", message, "Correct it, or delete what it makes pointless.", item.field)


class _Leaning:
    """Which entries and parameters each entry leans on; looked up once each."""

    def __init__(self, rulebase: Rulebase) -> None:
        self.rulebase = rulebase
        self._direct: dict[int, tuple[list[Entry[Any]], set[str]]] = {}

    def direct(self, entry: Entry[Any]) -> tuple[list[Entry[Any]], set[str]]:
        """What an entry's own conditions, arithmetic, needs and excuses name, in any jurisdiction."""
        if id(entry) not in self._direct:
            find, find_parameter = self.rulebase.find, self.rulebase.find_parameter
            names, parameters = set(names_in(entry)), set(parameters_in(entry))
            entries: dict[int, Entry[Any]] = {}
            values: set[str] = set()
            for scope in [entry.scope] if entry.scope or not entry.each else self.rulebase.jurisdictions:
                entries |= {id(f[1]): f[1] for name in names if (f := find(name, scope, entry.each))}
                values |= {g[0].name for name in parameters if (g := find_parameter(name, scope))}
                excuse = self.rulebase.excuses.get(f"{entry.local_name}@{scope}")
                if excuse and entry.section == "requirements":
                    entries[id(excuse)] = excuse
            self._direct[id(entry)] = [e for e in entries.values() if e.section != "facts"], values
        return self._direct[id(entry)]

    def below(self, entry: Entry[Any]) -> tuple[list[Entry[Any]], set[str]]:
        """The same, and what those lean on in turn; the entry itself included."""
        found = {id(entry): entry}
        waiting, parameters = [entry], set()
        while waiting:
            entries, values = self.direct(waiting.pop())
            parameters |= values
            waiting += [e for e in entries if id(e) not in found]
            found |= {id(e): e for e in entries}
        return list(found.values()), parameters

    def days(self, entry: Entry[Any]) -> list[date]:
        """The days on each side of every change of anything that an entry leans on, the latest first."""
        entries, parameters = self.below(entry)
        periods: list[Any] = [e.model.in_force for e in entries if getattr(e.model, "in_force", None)]
        for name in parameters:
            periods += [value for values in self.rulebase.values.get(name, {}).values() for value in values]
        one = timedelta(days=1)
        starts = {p.from_ for p in periods if isinstance(p.from_, date)} | {p.to + one for p in periods if p.to}
        return sorted(starts | {day - one for day in starts}, reverse=True)


class _Trial:
    """Tries the conditions of one program: with random applicants first, then by search where they left a doubt."""

    def __init__(self, rulebase: Rulebase, program: Program, watched: _Watch, only: _Watched | None = None) -> None:
        self.nodes = program.nodes
        self.places = {node_id: i for i, node_id in enumerate(self.nodes)}
        self.variables = _Variables(rulebase, program)
        self.conditions = [
            (watched.setdefault((id(entry), name), _Watched(entry, name)), literal)
            for entry, name, literal in _conditions(rulebase, program)
            if only is None or (entry is only.entry and name == only.field)
        ]

    def run(self) -> None:
        """Add the answers seen to each condition watched."""
        random = Random(0)  # the same applicants, and so the same warnings, every time
        doubtful = self.conditions
        for _ in range(SAMPLES):
            masks = _masks(self._cone(literal for _, literal in doubtful), self.variables.choose(random))
            for item, literal in doubtful:
                item.seen |= _signed(literal, masks)
            doubtful = [(item, literal) for item, literal in doubtful if not item.varies]
        for item, literal in doubtful:
            self._search(item, literal)

    def _cone(self, literals: Iterable[Literal]) -> list[Node]:
        """The nodes beneath some literals, each after those it leans on."""
        ids: set[str] = set()
        waiting = [node_of(literal) for literal in literals]
        while waiting:
            one = waiting.pop()
            if one not in ids:
                ids.add(one)
                waiting += [node_of(part) for part in _parts(self.nodes[one])]
        return [self.nodes[one] for one in sorted(ids, key=self.places.__getitem__)]

    def _search(self, item: _Watched, literal: Literal) -> None:
        """Every applicant who could matter, one fact after another. Where there are too many, the condition passes."""
        cone = self._cone([literal])
        order = list(dict.fromkeys(self.variables.of[node.id] for node in cone if isinstance(node, LeafNode)))
        steps = count()

        def look(free: list[str], known: dict[str, int]) -> None:
            left = _signed(literal, _masks(cone, {**self.variables.open, **known}))
            if item.varies or next(steps) > SEARCH_STEPS:
                item.seen = TRUE | FALSE
            elif left in (TRUE, FALSE, UNKNOWN):
                item.seen |= left
            elif left & ~item.seen:
                for cell in self.variables.cells[free[0]]:
                    look(free[1:], {**known, **cell})

        look(order, {})


def _conditions(rulebase: Rulebase, program: Program) -> Iterator[tuple[Entry[Any], str, Literal]]:
    """Every written condition that is in force in a program, with the entry and field it is written in."""
    for segment in program.segments:
        for rule in segment.rules.values():
            if rule.applies:
                yield rule.entry, "applies_when", rule.applies
            if rule.excused and "excused_when" in rule.entry.conditions:
                yield rule.entry, "excused_when", rule.excused[0]
            if rule.met and rule.entry.section != "routes" and rule.entry.model.decides != "nothing":
                yield rule.entry, "met_when" if rule.entry.section == "requirements" else "when", rule.met
        for (place, name), literal in segment.conditions.items():
            section, _, full = place.partition(":")
            table = getattr(rulebase, section)
            yield table.get(full) or table[full.partition("@")[0]], name, literal


class _Variables:
    """What applicants can differ in, as far as the leaves of a program can tell: each fact cut into a few cells.

    A cell says what each leaf on the fact comes to. Sets are not cut up: each leaf on one may be anything.
    """

    def __init__(self, rulebase: Rulebase, program: Program) -> None:
        leaves = [node for node in program.nodes.values() if isinstance(node, LeafNode)]
        types = {name: program.types.get(name, ValueType("int")) for name in {leaf.fact for leaf in leaves}}
        self.of = {leaf.id: leaf.id if types[leaf.fact].kind == "set" else leaf.fact for leaf in leaves}
        grouped: dict[str, list[LeafNode]] = {}
        for leaf in leaves:
            grouped.setdefault(self.of[leaf.id], []).append(leaf)
        self.cells = {name: _cells(rulebase, types[group[0].fact], group) for name, group in grouped.items()}
        self.open: dict[str, int] = {}
        for cell in (cell for cells in self.cells.values() for cell in cells):
            for leaf_id, mask in cell.items():
                self.open[leaf_id] = self.open.get(leaf_id, 0) | mask

    def choose(self, random: Random) -> dict[str, int]:
        """A random applicant who has told everything."""
        return {leaf: mask for cells in self.cells.values() for leaf, mask in random.choice(cells).items()}


def _cells(rulebase: Rulebase, type_: ValueType, leaves: list[LeafNode]) -> list[dict[str, int]]:
    if type_.kind == "set":
        (leaf,) = leaves
        found = [mask for test, mask in ((leaf.proves, TRUE), (leaf.refutes, FALSE)) if test]
        return [{leaf.id: mask} for mask in (found if len(found) == 2 else [*found, UNKNOWN])]
    cells = ({leaf.id: _on(leaf, value) for leaf in leaves} for value in _values(rulebase, type_, leaves))
    return list({tuple(cell.items()): cell for cell in cells}.values())


def _on(leaf: LeafNode, value: Any) -> int:
    refuted = leaf.refutes and leaf.refutes.holds(value)
    return TRUE if leaf.proves and leaf.proves.holds(value) else FALSE if refuted else UNKNOWN


def _values(rulebase: Rulebase, type_: ValueType, leaves: list[LeafNode]) -> list[Any]:
    """One value from each cell: every value that a leaf names, and one from each gap between them."""
    named = {test.value for leaf in leaves for test in (leaf.proves, leaf.refutes) if test}
    if type_.kind == "bool":
        return [True, False]
    if type_.kind not in ORDERED:
        codes = {code for value in named for code in (value if isinstance(value, frozenset) else {value})}
        return [*sorted(codes), *[code for code in type_.codes if code not in codes][:1]]
    step: Any = timedelta(days=1) if type_.kind == "date" else QUANTUM if type_.kind == "decimal" else 1
    tried = sorted({near for value in named for near in (value - step, value, value + step)})
    fact = rulebase.facts.get(leaves[0].fact)
    for side, bound in zip((0, 1), (fact.model.range if fact and fact.model.range else ()), strict=False):
        if bound != "today":
            limit: Any = read_value(bound, type_)
            tried = [value for value in tried if (value >= limit if side == 0 else value <= limit)] or [limit]
    return tried


def _parts(node: Node) -> tuple[Literal, ...]:
    return node.parts if isinstance(node, JunctionNode) else (node.part,) if isinstance(node, GateNode) else ()


def _signed(literal: Literal, masks: Mapping[str, int]) -> int:
    mask = masks[literal[:-1]]
    return mask if literal[-1] == "+" else _SWAPPED[mask]


def _masks(cone: Iterable[Node], leaves: Mapping[str, int]) -> dict[str, int]:
    """What each node can still be, given what each leaf can be."""
    found: dict[str, int] = {}
    for node in cone:
        found[node.id] = _mask(node, found, leaves)
    return found


def _mask(node: Node, found: Mapping[str, int], leaves: Mapping[str, int]) -> int:
    """What a node can be: exact where each part can be one thing only, else at least all it can be."""
    if isinstance(node, LeafNode):
        return leaves[node.id]
    if isinstance(node, FixedNode):
        return UNKNOWN if node.truth is None else TRUE if node.truth else FALSE
    if isinstance(node, GateNode):
        mask = _signed(node.part, found)
        passed = _PASSED[node.decides]
        return mask & passed | (UNKNOWN if mask & ~passed else 0)
    assert isinstance(node, JunctionNode)
    swap = _SWAPPED if node.kind == "any" else range(8)
    masks = [swap[_signed(part, found)] for part in node.parts]
    true = TRUE if all(mask & TRUE for mask in masks) else 0
    false = FALSE if any(mask & FALSE for mask in masks) else 0
    unknown = UNKNOWN if any(mask & UNKNOWN for mask in masks) and all(mask & (TRUE | UNKNOWN) for mask in masks) else 0
    return swap[true | false | unknown]


def _same_meaning(program: Program, warn: _Warner) -> Iterator[Problem]:
    """Two rules, both national or both for every jurisdiction, that come to the same wherever they are grounded."""
    shapes = _Shapes(program)
    meanings: dict[str, list[object]] = {}
    entries: dict[str, Entry[Any]] = {}
    for rule in program.rules.values():
        if rule.entry.section in ("findings", "requirements") and rule.entry.scope is None:
            entries[rule.entry.name] = rule.entry
            meanings.setdefault(rule.entry.name, []).append(shapes.meaning(rule))
    first: dict[object, str] = {}
    for name, meaning in meanings.items():
        other = first.setdefault(tuple(meaning), name)
        if other != name:
            twin = entries[other]
            message = f"it has the same meaning as {other} ({twin.file}:{twin.line})."
            yield warn(entries[name], "R101", message, "Keep one of them, or let one name the other.")


class _Shapes:
    """A number for what each node says, whatever its id and the order of its parts. Other rules count by their names."""

    def __init__(self, program: Program) -> None:
        self.owners = {node_of(rule.literal): rule.name for rule in program.rules.values()}
        self.numbers: dict[object, int] = {}
        self.of: dict[str, int] = {}
        for node in program.nodes.values():
            self.of[node.id] = self.numbers.setdefault(self._shape(node), len(self.numbers))

    def _shape(self, node: Node) -> object:
        if isinstance(node, LeafNode):
            return ("leaf", node.fact, node.proves, node.refutes, node.parameter)
        if isinstance(node, FixedNode):
            return ("fixed", node.truth, node.text, node.parameter, node.reason)
        parts = frozenset(self._part(part) for part in _parts(node))
        return (node.decides if isinstance(node, GateNode) else node.kind, parts)

    def _part(self, literal: Literal, asker: str = "") -> object:
        owner = self.owners.get(node_of(literal), asker)
        return (self.of[node_of(literal)] if owner == asker else owner, literal[-1])

    def meaning(self, rule: GroundRule) -> object:
        """What a rule comes to in its jurisdiction: its conditions, and what kind of obstacle it is."""
        model = rule.entry.model
        literals = (rule.applies, rule.met, *rule.excused)
        said = tuple(self._part(literal, rule.name) if literal else None for literal in literals)
        obstacle = (getattr(model, "blocker", None), getattr(model, "decided_by", None), str(model.in_force))
        return (rule.entry.section, rule.scope, model.decides, obstacle, said)


def _unneeded(rulebase: Rulebase, program: Program, warn: _Warner) -> Iterator[Problem]:
    """Requirements that are used, as R052 sees it, and yet no route ever shows."""
    leaning = _Leaning(rulebase)
    shown = {id(program.rules[name].entry) for rule in program.rules.values() for name in rule.needs}
    shown |= {id(found[1]) for e in rulebase.stages.values() if (found := rulebase.find(e.model.shown_by, None))}
    everything = [e for section in ("rules", *_SHOWN) for e in getattr(rulebase, section).values()]
    named = {id(entry) for one in everything for entry in leaning.direct(one)[0] if entry is not one}
    roots = [one for one in everything if one.section == "routes" or id(one) in shown]
    leaned_on = {id(entry) for one in roots for entry in leaning.below(one)[0]}
    for entry in rulebase.requirements.values():
        if id(entry) in named and id(entry) not in shown | leaned_on:
            fix = "Let a route need it, write it as a finding, or delete it."
            yield warn(entry, "R102", "no route needs this requirement, directly or through a condition.", fix)
        elif id(entry) in leaned_on - shown:
            message = "only conditions name this requirement, so nobody is shown its remedy."
            yield warn(entry, "R103", message, "Let a route need it, or write it as a finding.")
