"""The conditions of some routes as clauses for a SAT solver: exact questions about what answers could come to.

A state of knowledge is one choice for every fact and derived fact: its region, or unknown. Truths of nodes are
three-valued, so each node has a variable for being true and one for being false, and these are tied to the choice in one
direction only, which is all that a question needs:

PROVED  the variable holds only if the condition does, once everything supposed is told
HELD    if the condition does, the variable holds
LESS    the same as HELD, but with the facts marked as dropped left unknown

Derived facts are chosen as if they were facts. Each answer of the solver is therefore tried by `Arithmetic`; choices that
no values of facts lead to are forbidden by one more clause, and the solver is asked again, until it is right.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from imgrules.interview.arithmetic import Arithmetic, GaveUp
from imgrules.interview.network import ALL, FALSE, FIXED, GATE, LEAF, TRUE, Leaf, Network, Part
from imgrules.interview.regions import Signature
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ir import FixedNode, Test
from imgrules.rulebase.values import Value

PROVED, HELD, LESS = "proved", "held", "less"
ROUNDS = 400
CORE = 400
_SOME = ("contains", "overlaps")

Lit: TypeAlias = int


class Formula:
    """The clauses of a network, made as they are needed and kept. One solver, asked under assumptions."""

    def __init__(self, network: Network, today: Value, budget: int) -> None:
        from pysat.solvers import Solver  # type: ignore[import-untyped, unused-ignore]

        self.network = network
        self.regions = network.regions
        self.arithmetic = Arithmetic(network, budget)
        self._today = {TODAY: today}
        self._solver: Any = Solver(name="glucose4")
        self._count = 0
        self._names: dict[Hashable, Lit] = {}
        self.drops: dict[str, Lit] = {}
        self._model: frozenset[Lit] = frozenset()
        self._leaves = {leaf.index: leaf for found in network.leaves.values() for leaf in found}
        self._regions: dict[str, dict[Signature | None, Lit]] = {}
        self._arithmetical = {s for s in network.leaves if s in network.derived}
        self._arithmetical |= {f for s in self._arithmetical for f in network.facts[s]}
        self._members: dict[str, dict[Signature, Lit]] = {}
        self.true = self.new()
        self.clause([self.true])

    # variables --------------------------------------------------------------------------------------------------------

    def new(self, name: Hashable = None) -> Lit:
        """A variable that nothing is said of yet."""
        self._count += 1
        if name is not None:
            self._names[name] = self._count
        return self._count

    def clause(self, lits: Sequence[Lit]) -> None:
        """One of these holds."""
        self._solver.add_clause(list(lits))

    def all_of(self, name: Hashable, lits: Sequence[Lit]) -> Lit:
        """A variable that holds just when all of these do."""
        if name not in self._names:
            lit = self.new(name)
            for other in lits:
                self.clause([-lit, other])
            self.clause([lit, *(-other for other in lits)])
        return self._names[name]

    def any_of(self, name: Hashable, lits: Callable[[], Sequence[Lit]]) -> Lit:
        """A variable that holds only if one of these does; they are made when it is."""
        if name not in self._names:
            made = lits()
            lit = self.new(name)
            self.clause([-lit, *made])
        return self._names[name]

    def known(self, subject: str) -> Lit:
        """That a fact or derived fact is known."""
        name = ("known", subject)
        if name in self._names:
            return self._names[name]
        item = self.network.derived.get(subject)
        if subject == TODAY:
            return self.true
        if item is None:
            return self.new(name)
        if any(value is None for value in item.parameters.values()):
            return -self.true
        return self.all_of(name, [self.known(source) for source in item.inputs.values()])

    def dropped(self, fact: str) -> Lit:
        """That a fact counts as unknown in LESS."""
        if fact not in self.drops:
            self.drops[fact] = self.new()
        return self.drops[fact]

    def same(self, fact: str, value: Value) -> Lit:
        """That a fact has just this value."""
        name = ("same", fact, value)
        if name not in self._names:
            lit = self.new(name)
            for other in self.at(fact, value):
                self.clause([-lit, other])
        return self._names[name]

    def at(self, subject: str, value: Value) -> list[Lit]:
        """What says together that a fact or derived fact is known and in the region of a value.

        `GaveUp` for a value out of its range.
        """
        if subject not in self.network.leaves:
            return [self.known(subject)]
        if self._is_set(subject) and isinstance(value, frozenset):
            members = self.members(subject)
            classes = self.regions.classes(subject)
            return [self.known(subject), *(lit if value & set(classes[k]) else -lit for k, lit in members.items())]
        region = self.region(subject).get(self.regions.signature(subject, value))
        if region is None:  # a value out of its range
            raise GaveUp
        return [self.known(subject), region]

    def _is_set(self, subject: str) -> bool:
        return self.regions.types[subject].kind == "set"

    def region(self, subject: str) -> dict[Signature | None, Lit]:
        """For each region of a fact or derived fact that is no set, that it is there; just one holds if it is known.

        The region None stands for any: nothing is proved by it then, and everything may be so. It spares arithmetic.
        """
        if subject not in self._regions:
            found: dict[Signature | None, Lit] = {}
            found |= {signature: self.new() for signature in self.regions.by_signature(subject)}
            if subject in self._arithmetical:
                found[None] = self.new()
                self._solver.set_phases([found[None]])
            lits, known = list(found.values()), self.known(subject)
            self.clause([-known, *lits])
            for i, lit in enumerate(lits):
                self.clause([-lit, known])
                for other in lits[:i]:
                    self.clause([-lit, -other])
            self._regions[subject] = found
        return self._regions[subject]

    def members(self, subject: str) -> dict[Signature, Lit]:
        """For each class of codes that the tests of a set tell apart, that the set has one of them."""
        if subject not in self._members:
            found = {signature: self.new() for signature in self.regions.classes(subject)}
            for lit in found.values():
                self.clause([-lit, self.known(subject)])
            self._members[subject] = found
        return self._members[subject]

    # conditions -------------------------------------------------------------------------------------------------------

    def truth(self, mode: str, part: Part, truth: bool = True) -> Lit:
        """That a part is true, or that it is false, in the sense of the mode."""
        i = part >> 1
        truth = truth != bool(part & 1)
        name = (mode, i, truth)
        if name not in self._names:
            self._names[name] = self._node(mode, i, truth)
        return self._names[name]

    def _node(self, mode: str, i: int, truth: bool) -> Lit:
        kind = self.network.kinds[i]
        node = self.network.nodes[i]
        if kind == LEAF:
            return self._leaf(mode, self._leaves[i], truth)
        if kind == FIXED:
            assert isinstance(node, FixedNode)
            return self.true if node.truth is truth else -self.true
        parts = self.network.parts[i]
        if kind == GATE:
            lets = self.network.lets_through(i)[0 if truth else 1]
            return self.truth(mode, parts[0], truth) if lets else -self.true
        return self.tied(mode, [self.truth(mode, p, truth) for p in parts], every=(kind == ALL) == truth)

    def tied(self, mode: str, lits: Sequence[Lit], every: bool) -> Lit:
        """A variable tied, in the direction of the mode, to all or to any of some others."""
        if len(lits) == 1:
            return lits[0]
        lit = self.new()
        proved = mode == PROVED
        if every == proved:
            for other in lits:
                self.clause([-lit, other] if proved else [-other, lit])
        else:
            self.clause([-lit, *lits] if proved else [lit, *(-other for other in lits)])
        return lit

    def _leaf(self, mode: str, leaf: Leaf, truth: bool) -> Lit:
        ways = self._ways(leaf, truth)
        if mode != PROVED and ways and leaf.subject in self._arithmetical:
            ways.append(self.region(leaf.subject)[None])
        if mode != LESS:
            return self.tied(mode, ways, every=False) if ways else -self.true
        if not ways:
            return -self.true
        lit = self.new()
        drops = [self.dropped(fact) for fact in self.network.facts[leaf.subject] if fact != TODAY]
        for way in ways:
            self.clause([-way, *drops, lit])
        return lit

    def _ways(self, leaf: Leaf, truth: bool) -> list[Lit]:
        """Choices of which any makes a leaf true, or false; each holds just when what it says is so."""
        if self._is_set(leaf.subject):
            test = leaf.proves if truth else leaf.refutes
            return self._set_ways(leaf.subject, test) if test else []
        code = TRUE if truth else FALSE
        return [
            self.region(leaf.subject)[signature]
            for signature, value in self.regions.by_signature(leaf.subject).items()
            if leaf.code(value) == code
        ]

    def _set_ways(self, subject: str, test: Test) -> list[Lit]:
        """A set passes `contains` and `overlaps` by one of its codes, `lacks` and `disjoint` by all of them."""
        classes = self.regions.classes(subject)
        passing = {k: test.holds(frozenset(codes[:1])) for k, codes in classes.items()}
        members = self.members(subject)
        if test.op in _SOME:
            return [lit for k, lit in members.items() if passing[k]]
        bad = [-lit for k, lit in members.items() if not passing[k]]
        return [self.all_of(("lacks", subject, test), [self.known(subject), *bad])]

    # questions --------------------------------------------------------------------------------------------------------

    def told(self, values: Mapping[str, Value]) -> list[Lit]:
        """What is known, as assumptions: the facts, and the derived facts that follow from them."""
        found: list[Lit] = []
        everything = {**values, **self._today}
        for fact in self.network.users:
            if fact in values and fact != TODAY:
                found.append(self.same(fact, values[fact]))
        for subject in self.network.leaves:
            if subject in self.network.derived:
                value = self.network.value(subject, everything)
                if value is not None:
                    found += self.at(subject, value)
        return found

    def solve(self, assumptions: Sequence[Lit], known: Mapping[str, Value], near: Mapping[str, Value]) -> bool:
        """Whether a state of knowledge satisfies everything; it can then be read by `value` and `holds`.

        `known` are the facts whose values are assumed, `near` values to stay close to. `GaveUp` when arithmetic, or
        the number of rounds, goes too far.
        """
        self.arithmetic.left = self.arithmetic.budget
        for _ in range(ROUNDS):
            if not self._solver.solve(assumptions=list(assumptions)):
                return False
            self._model = frozenset(lit for lit in self._solver.get_model() if lit > 0)
            self._values: dict[str, Value] = {}
            if self._real(known, near):
                return True
        raise GaveUp

    def holds(self, lit: Lit) -> bool:
        """Whether a variable holds in the state that was found."""
        return lit in self._model if lit > 0 else -lit not in self._model

    def value(self, fact: str, near: Mapping[str, Value]) -> Value | None:
        """The value of a fact in the state that was found, as near as may be to another; None if it is unknown."""
        if not self.holds(self.known(fact)):
            return None
        if fact in self._values:
            return self._values[fact]
        if fact not in self.network.leaves:
            return near.get(fact, self.regions.of(fact)[0])
        wish = near.get(fact)
        if self._is_set(fact):
            return self._set_value(fact, wish if isinstance(wish, frozenset) else frozenset())
        here = self._here(fact)
        return near.get(fact, self.regions.of(fact)[0]) if here is None else self.regions.nearest(fact, here, wish)

    def _set_value(self, fact: str, wish: frozenset[str]) -> Value:
        classes = self.regions.classes(fact)
        value: set[str] = set()
        for signature, lit in self.members(fact).items():
            if self.holds(lit):
                value |= (wish & set(classes[signature])) or set(classes[signature][:1])
        return frozenset(value)

    def _here(self, subject: str) -> Signature | None:
        return next(k for k, lit in self.region(subject).items() if self.holds(lit))

    # arithmetic -------------------------------------------------------------------------------------------------------

    def _real(self, known: Mapping[str, Value], near: Mapping[str, Value]) -> bool:
        """Whether values of facts lead to the choices made for derived facts; if not, the choices are forbidden."""
        same = {f: self._names.get(("same", f, v)) for f, v in known.items()}
        fixed = {f: v for f, v in known.items() if (lit := same[f]) is not None and self.holds(lit)} | self._today
        for group in self._groups(fixed):
            values = self.arithmetic.values(group, _only(fixed, self.arithmetic.inputs(group)), near)
            if values is None:
                self._forbid(group, fixed)
                return False
            self._values |= values
        return True

    def _groups(self, fixed: Mapping[str, Value]) -> list[dict[str, Signature]]:
        """Derived facts that hang together by facts not fixed, with those facts: where each of them is to be."""
        groups: list[tuple[set[str], dict[str, Signature]]] = []
        for subject in self._regions:
            if subject not in self.network.derived or not self.holds(self.known(subject)):
                continue
            here = self._here(subject)
            free = {f for f in self.network.facts[subject] if f not in fixed}
            if here is None or (not free and here == self._there(subject, fixed)):
                continue
            touching = [g for g in groups if g[0] & free]
            groups = [g for g in groups if not g[0] & free]
            wanted = {s: k for g in touching for s, k in g[1].items()} | {subject: here}
            groups.append((free.union(*(g[0] for g in touching)), wanted))
        for free, wanted in groups:
            found = ((f, self._here(f)) for f in sorted(free) if f in self._regions)
            wanted |= {f: here for f, here in found if here is not None}
        return [wanted for _, wanted in groups]

    def _there(self, subject: str, fixed: Mapping[str, Value]) -> Signature | None:
        """The region of a derived fact whose inputs are all fixed."""
        value = self.network.value(subject, fixed)
        return None if value is None else self.regions.signature(subject, value)

    def _forbid(self, wanted: Mapping[str, Signature], fixed: Mapping[str, Value]) -> None:
        """A clause against a smallest part of the choices that no values lead to."""
        core = dict(wanted)
        for subject in wanted:
            fewer = {s: k for s, k in core.items() if s != subject}
            try:
                left = _only(fixed, self.arithmetic.inputs(fewer))
                if fewer and self.arithmetic.values(fewer, left, {}, most=CORE) is None:
                    core = fewer
            except GaveUp:
                continue
        inputs = self.arithmetic.inputs(core)
        facts = [-self.same(f, fixed[f]) for f in inputs if f in fixed and f != TODAY]
        self.clause([*facts, *(-self.region(s)[k] for s, k in core.items())])


def _only(values: Mapping[str, Value], names: Iterable[str]) -> dict[str, Value]:
    return {name: values[name] for name in names if name in values}
