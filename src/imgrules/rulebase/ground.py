"""From a rulebase and a day to a program: parameters filled in, rules written once grounded for each jurisdiction.

Between two days on which nothing comes into or goes out of force, every day gives the same segments; `Grounder` keeps
them by that stretch of days (an *epoch*) and jurisdiction.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from imgrules.errors import InputError, did_you_mean
from imgrules.rulebase import schema
from imgrules.rulebase.grammar import (
    HERE,
    TODAY,
    Call,
    Compare,
    Condition,
    Expression,
    Leaf,
    Name,
    Param,
    atoms,
)
from imgrules.rulebase.ir import (
    FixedNode,
    GateNode,
    GroundDerived,
    GroundRule,
    JunctionNode,
    LeafNode,
    Literal,
    Node,
    Program,
    Segment,
    Test,
    opposite,
)
from imgrules.rulebase.rulebase import Entry, Rulebase, excuse_name
from imgrules.rulebase.values import ORDERED, Value, ValueType, read_value

_NEGATED = {
    "==": "!=", "!=": "==", "<": ">=", ">=": "<", "<=": ">", ">": "<=",
    "in": "not in", "not in": "in", "contains": "lacks", "overlaps": "disjoint",
}  # fmt: skip


# Why a FixedNode is as it is; people see the sentences of `assessment.explain`.
WEAK = "weak"
DISCONTINUED = "discontinued"
UPCOMING = "upcoming"
OPENING_UNKNOWN = "opening unknown"
NOT_IN_FORCE = "not in force"
NO_LIMIT = "no such limit"
UNESTABLISHED = "not established"

# Programs kept for another case with the same aims in the same stretch of days; they share their segments.
MAX_PROGRAMS = 64


class Grounder:
    """Grounds one rulebase, remembering what it has grounded.

    `recall` may know a segment, by its epoch and scope, from an earlier start of the program.
    """

    def __init__(self, rulebase: Rulebase, recall: Callable[[int, str | None], Segment | None] | None = None) -> None:
        self.rulebase = rulebase
        self.recall = recall
        self._segments: dict[tuple[int, str | None], Segment] = {}
        self._programs: dict[tuple[int, tuple[str, ...]], Program] = {}

    def program(self, day: date, jurisdictions: Iterable[str] = ()) -> Program:
        """The program for a day and some jurisdictions. `InputError` for a jurisdiction nobody knows."""
        key = (bisect_right(self.rulebase.breaks, day), tuple(dict.fromkeys(jurisdictions)))
        if key not in self._programs:
            if len(self._programs) >= MAX_PROGRAMS:
                self._programs.clear()
            self._programs[key] = self._program(*key, day)
        return self._programs[key]

    def _program(self, epoch: int, jurisdictions: tuple[str, ...], day: date) -> Program:
        national = self._segment(epoch, None, day, None)
        segments = [national]
        for code in jurisdictions:
            if code not in self.rulebase.jurisdictions:
                known = self.rulebase.jurisdiction_names
                hint = (
                    did_you_mean(code, [*known, *known.values()]) or "`imgrules rules list jurisdictions` lists them."
                )
                raise InputError(f"There is no jurisdiction {code}. {hint}")
            segments.append(self._segment(epoch, code, day, national))
        types = dict(self.rulebase.types)
        for segment in segments:
            types |= {d.name: d.type for d in segment.derived}
        return Program(tuple(segments), types)

    def _segment(self, epoch: int, scope: str | None, day: date, national: Segment | None) -> Segment:
        if (epoch, scope) not in self._segments:
            known = self.recall(epoch, scope) if self.recall else None
            self._segments[epoch, scope] = known or _Builder(self.rulebase, day, scope, national).build(epoch)
        return self._segments[epoch, scope]


class _Builder:
    """Grounds one segment. Equal conditions become one node."""

    def __init__(self, rulebase: Rulebase, day: date, scope: str | None, national: Segment | None) -> None:
        self.rulebase = rulebase
        self.day = day
        self.scope = scope
        self.national = national
        self.nodes: list[Node] = []
        self.seen: dict[tuple[Any, ...], str] = {}
        self.rules: dict[str, GroundRule] = {}
        self.derived: dict[str, GroundDerived] = {}
        self.conditions: dict[tuple[str, str], Literal] = {}

    def build(self, epoch: int) -> Segment:
        for name, entry in self.rulebase.rules.items():
            if (full := self._mine(name, entry)) is not None:
                self.rule(full, entry)
        for name, derived in self.rulebase.derived.items():
            if (full := self._mine(name, derived)) is not None:
                self.derive(full, derived)
        for section in ("fast_tracks", "advice", "alerts", "contradictions", "facts"):
            for name, entry in getattr(self.rulebase, section).items():
                if (full := self._mine(name, entry)) is not None:
                    self._extra(section, full, entry)
        return Segment(self.scope, tuple(self.nodes), self.rules, tuple(self.derived.values()), self.conditions, epoch)

    def _mine(self, name: str, entry: Entry[Any]) -> str | None:
        """The grounded name of an entry in this segment, or None if it belongs to another."""
        if entry.each:
            own = f"{name}@{self.scope}"
            return own if self.scope and own not in getattr(self.rulebase, entry.section) else None
        return name if entry.scope == self.scope else None

    def _extra(self, section: str, name: str, entry: Entry[Any]) -> None:
        """Conditions and dates of what is shown beside the routes."""
        for field in ("when", "suits_when", "asked_when"):
            if field in entry.conditions:
                self.conditions[f"{section}:{name}", field] = self.condition(entry.conditions[field], entry)
        if section == "alerts" and entry.expression is not None:
            self._derive_expression(f"alert:{name}", ValueType("date"), entry.expression, entry)

    # nodes ----------------------------------------------------------------------------------------------------------

    def _add(self, key: tuple[Any, ...], make: Any) -> Literal:
        if key not in self.seen:
            node_id = f"{self.scope or 'n'}{len(self.nodes)}"
            self.seen[key] = node_id
            self.nodes.append(make(node_id))
        return self.seen[key] + "+"

    def fixed(self, truth: bool | None, text: str, parameter: str | None = None, reason: str = "") -> Literal:
        return self._add(
            ("fixed", truth, text, parameter, reason), lambda i: FixedNode(i, truth, text, parameter, reason)
        )

    def leaf(
        self,
        fact: str,
        proves: Test | None,
        refutes: Test | None,
        text: str,
        parameter: str | None = None,
        owner: str | None = None,
    ) -> Literal:
        key = ("leaf", fact, proves, refutes, parameter, owner)
        return self._add(key, lambda i: LeafNode(i, fact, proves, refutes, text, parameter, owner))

    def junction(self, kind: str, parts: Iterable[Literal], owner: str | None = None) -> Literal:
        unique = tuple(dict.fromkeys(parts))
        if len(unique) == 1:
            return unique[0]
        return self._add((kind, unique, owner), lambda i: JunctionNode(i, kind, unique, owner))

    def gate(self, part: Literal, decides: str, owner: str) -> Literal:
        return self._add(("gate", part, decides, owner), lambda i: GateNode(i, part, decides, owner))

    def own(self, literal: Literal, name: str) -> Literal:
        """The literal, if its node is the rule's own; else that of a new node which is."""
        node = next((n for n in reversed(self.nodes) if n.id == literal[:-1]), None)
        return literal if getattr(node, "rule", None) == name else self.gate(literal, "both", name)

    # rules ----------------------------------------------------------------------------------------------------------

    def rule(self, name: str, entry: Entry[Any]) -> GroundRule:
        """Ground a rule (once)."""
        if name not in self.rules:
            make = self._route if entry.section == "routes" else self._finding
            self.rules[name] = make(name, entry)
        return self.rules[name]

    def _in_force(self, period: schema.Period | None) -> bool:
        if period is None:
            return True
        started = period.from_ is None or (isinstance(period.from_, date) and period.from_ <= self.day)
        return started and (period.to is None or self.day <= period.to)

    def _finding(self, name: str, entry: Entry[Any]) -> GroundRule:
        model = entry.model
        if not self._in_force(model.in_force):
            vacuous = entry.section == "requirements"
            fixed = self.fixed(True if vacuous else None, name, reason=NOT_IN_FORCE)
            literal = self.own(fixed, name)
            return GroundRule(name, entry, self.scope, literal, in_force=False)
        if entry.section != "requirements":
            literal = self._decided(entry.conditions["when"], entry, name, name)
            return GroundRule(name, entry, self.scope, self.own(literal, name), met=literal)
        applies = self._optional("applies_when", entry)
        excused = [e for e in (self._optional("excused_when", entry), self._excuse(name)) if e]
        others = ([opposite(applies)] if applies else []) + excused
        met = self._decided(entry.conditions["met_when"], entry, name, None if others else name)
        literal = self.own(
            self.junction("any", [*others[:1], met, *others[1:]] if applies else [met, *others], name), name
        )
        return GroundRule(name, entry, self.scope, literal, applies, met, tuple(excused))

    def _decided(self, condition: Condition, entry: Entry[Any], name: str, owner: str | None) -> Literal:
        """A rule's condition, less the side on which its evidence is too weak to decide."""
        if entry.model.decides == "both":
            return self.condition(condition, entry, owner)
        inner = self.condition(condition, entry)
        return self.gate(inner, entry.model.decides, name)

    def _optional(self, field: str, entry: Entry[Any]) -> Literal | None:
        return self.condition(entry.conditions[field], entry) if field in entry.conditions else None

    def _excuse(self, name: str) -> Literal | None:
        entry = self.rulebase.excuses.get(name)
        return self.rule(excuse_name(name), entry).literal if entry and self._in_force(entry.model.in_force) else None

    def _route(self, name: str, entry: Entry[schema.Route]) -> GroundRule:
        needs = [self._resolve(need, entry) for need in entry.model.needs]
        needs += [
            req.name
            for req in self.rulebase.requirements.values()
            if req.model.for_route and req.scope == self.scope and self._resolve(req.model.for_route, req) == name
        ]
        parts = [self._named(need) for need in needs]
        applies = self._optional("applies_when", entry)
        if applies:
            parts.insert(0, applies)
        available = self._available(entry.model)
        if available is not None:
            parts.append(self.fixed(available[0], name, reason=available[1]))
        if not entry.model.firm:
            parts.append(self.fixed(None, name, reason=WEAK))
        literal = self.own(self.junction("all", parts, name), name)
        in_force = available is None or available[0] is not False
        return GroundRule(
            name, entry, self.scope, literal, applies, literal, needs=tuple(dict.fromkeys(needs)), in_force=in_force
        )

    def _available(self, route: schema.Route) -> tuple[bool | None, str] | None:
        """Whether a route exists on the day, where its dates say anything: (False, why), (None, why) or None for yes."""
        period = route.in_force
        if period and period.to is not None and self.day > period.to:
            return False, DISCONTINUED
        if period and (period.from_ == "unknown" or (isinstance(period.from_, date) and self.day < period.from_)):
            return False, UPCOMING
        if isinstance(route.opens, date) and self.day < route.opens:
            return False, UPCOMING
        return (None, OPENING_UNKNOWN) if route.opens == "unknown" else None

    def _resolve(self, name: str, entry: Entry[Any]) -> str:
        found = self.rulebase.find(name, self.scope, False if entry.scope else entry.each)
        assert found is not None, f"{name} passed the checks but is not there"
        return found[0]

    def _named(self, full: str) -> Literal:
        """The literal of a rule by its grounded name, the national segment's included."""
        if self.national and full in self.national.rules:
            return self.national.rules[full].literal
        base = full.partition("@")[0]
        entry = self.rulebase.rules.get(full) or self.rulebase.rules[base]
        return self.rule(full, entry).literal

    # conditions -----------------------------------------------------------------------------------------------------

    def condition(self, condition: Condition, entry: Entry[Any], owner: str | None = None) -> Literal:
        """The literal of a condition; with an owner, on a node of that rule's own where one is made."""
        if isinstance(condition, Leaf):
            literal = self._leaf(condition, entry, owner)
            return opposite(literal) if condition.negated else literal
        if condition.kind == "not":
            return opposite(self.condition(condition.parts[0], entry, owner))
        parts = [self.condition(part, entry) for part in condition.parts]
        if condition.kind == "at_least":
            return self._at_least(condition.n, parts)
        return self.junction(condition.kind, parts, owner)

    def _at_least(self, n: int, parts: list[Literal]) -> Literal:
        """`n` of the parts, as alternatives that share their tails, so the size grows with n times the parts."""
        if n == 1:
            return self.junction("any", parts)
        if n == len(parts):
            return self.junction("all", parts)
        with_first = self.junction("all", [parts[0], self._at_least(n - 1, parts[1:])])
        return self.junction("any", [with_first, self._at_least(n, parts[1:])])

    def _leaf(self, leaf: Leaf, entry: Entry[Any], owner: str | None) -> Literal:
        body = leaf.body
        if isinstance(body, Param):
            return self._fixed_parameter(body.name, "==", True, leaf.text)
        if isinstance(body, Name):
            full, target = self._found(body.name, entry)
            if target is not None and target.section not in ("facts", "derived"):
                return self._named(full)
            return self.leaf(full, Test("==", True), Test("==", False), leaf.text, None, owner)
        if isinstance(body.left, Param):
            assert not isinstance(body.right, Param | Name)
            return self._fixed_parameter(body.left.name, body.op, body.right, leaf.text)
        return self._comparison(body, leaf.text, entry, owner)

    def _found(self, name: str, entry: Entry[Any]) -> tuple[str, Entry[Any] | None]:
        if name == TODAY:
            return TODAY, None
        found = self.rulebase.find(name, self.scope, entry.each)
        assert found is not None, f"{name} passed the checks but is not there"
        if found[1].section == "derived":
            self.derive(*found)
        return found

    def _comparison(self, body: Compare, text: str, entry: Entry[Any], owner: str | None) -> Literal:
        assert isinstance(body.left, Name)
        full, target = self._found(body.left.name, entry)
        type_ = ValueType("date") if target is None else self._type(target)
        right = body.right
        if isinstance(right, Name):
            return self._against_today(full, body.op, text, owner)
        if isinstance(right, Param):
            return self._against_parameter(full, type_, body.op, right.name, text, owner)
        item = type_.item if type_.kind == "set" else type_
        value: Any = (
            frozenset(str(read_value(v, item)) for v in right) if isinstance(right, tuple) else read_value(right, item)
        )
        return self.leaf(full, Test(body.op, value), Test(_NEGATED[body.op], value), text, None, owner)

    def _type(self, entry: Entry[Any]) -> ValueType:
        if entry.section == "derived":
            return ValueType(entry.model.type, entry.model.unit)
        return self.rulebase.value_type(entry.model)

    def _against_today(self, fact: str, op: str, text: str, owner: str | None) -> Literal:
        """A date against today becomes a number of days against 0, so that the program does not change every day."""
        name = f"days to {fact}"
        call = Call("days_between", (Name(TODAY), Name(fact)))
        self.derived.setdefault(
            name, GroundDerived(name, ValueType("int", "days"), call, {TODAY: TODAY, fact: fact}, {})
        )
        return self.leaf(name, Test(op, 0), Test(_NEGATED[op], 0), text, None, owner)

    # parameters -----------------------------------------------------------------------------------------------------

    def parameter(self, name: str) -> tuple[str, ValueType, schema.ParameterValue | None]:
        """Grounded name, type and value in force of a parameter."""
        found = self.rulebase.find_parameter(name, self.scope)
        assert found is not None, f"${name} passed the checks but is not there"
        entry, scope = found
        full = f"{entry.local_name}@{scope}" if scope else entry.name
        return full, self.rulebase.value_type(entry.model), self.rulebase.value_on(entry, scope, self.day)

    def _fixed_parameter(self, name: str, op: str, literal: object, text: str) -> Literal:
        if name == HERE:
            codes = {str(c) for c in literal} if isinstance(literal, tuple) else literal
            return self.fixed(Test(op, codes).holds(self.scope), text)
        full, type_, value = self.parameter(name)
        proves, refutes = _tests_turned(op, type_, value, literal)
        if value is not None and "value" in value.model_fields_set and value.value is None:
            return self.fixed(True, text, full, NO_LIMIT)
        truth = True if proves else False if refutes else None
        return self.fixed(truth, text, full, "" if truth is not None else UNESTABLISHED)

    def _against_parameter(
        self, fact: str, type_: ValueType, op: str, name: str, text: str, owner: str | None
    ) -> Literal:
        if name == HERE:
            return self.leaf(fact, Test(op, self.scope), Test(_NEGATED[op], self.scope), text, None, owner)
        full, param_type, value = self.parameter(name)
        if value is not None and "value" in value.model_fields_set and value.value is None:
            return self.fixed(True, text, full, NO_LIMIT)
        proves, refutes = _tests(op, param_type, value)
        if proves is None and refutes is None:
            return self.fixed(None, text, full, UNESTABLISHED)
        return self.leaf(fact, proves, refutes, text, full, owner)

    # derived facts --------------------------------------------------------------------------------------------------

    def derive(self, name: str, entry: Entry[Any]) -> None:
        """Ground a derived fact (once), those it leans on first."""
        if name in self.derived or (self.national and any(d.name == name for d in self.national.derived)):
            return
        assert entry.expression is not None
        self._derive_expression(name, self._type(entry), entry.expression, entry)

    def _derive_expression(self, name: str, type_: ValueType, expression: Expression, entry: Entry[Any]) -> None:
        inputs: dict[str, str] = {}
        parameters: dict[str, Value | None] = {}
        for atom in atoms(expression):
            if isinstance(atom, Name):
                inputs[atom.name] = self._found(atom.name, entry)[0]
            else:
                _, param_type, value = self.parameter(atom.name)
                exact = value is not None and "value" in value.model_fields_set and value.value not in (None, "unknown")
                parameters[atom.name] = read_value(value.value, param_type) if value is not None and exact else None
        self.derived[name] = GroundDerived(name, type_, expression, inputs, parameters)


def _bounds(value: schema.ParameterValue, type_: ValueType) -> tuple[Any, Any]:
    """The least and the greatest the true figure can be; None where there is no bound."""
    if "value" in value.model_fields_set:
        exact = read_value(value.value, type_)
        return exact, exact
    low = None if value.at_least is None else read_value(value.at_least, type_)
    high = None if value.at_most is None else read_value(value.at_most, type_)
    return low, high


def _unestablished(value: schema.ParameterValue | None) -> bool:
    return value is None or value.value == "unknown"


def _tests(op: str, type_: ValueType, value: schema.ParameterValue | None) -> tuple[Test | None, Test | None]:
    """What proves and what refutes `fact op parameter`, given what is known of the parameter."""
    if value is None or _unestablished(value):
        return None, None
    if type_.kind == "set":
        return _set_tests(op, type_, value)
    if type_.kind not in ORDERED:
        exact = read_value(value.value, type_)
        return Test(op, exact), Test(_NEGATED[op], exact)
    low, high = _bounds(value, type_)
    if low is not None and low == high:
        return Test(op, low), Test(_NEGATED[op], low)
    proving, refuting = {
        "<=": (low, high), "<": (low, high), ">=": (high, low), ">": (high, low),
    }.get(op, (None, None))  # fmt: skip
    return (
        Test(op, proving) if proving is not None else None,
        Test(_NEGATED[op], refuting) if refuting is not None else None,
    )


def _set_tests(op: str, type_: ValueType, value: schema.ParameterValue) -> tuple[Test | None, Test | None]:
    """Membership: an open set (`includes`) proves who is in it and refutes nobody."""
    is_open = value.includes is not None
    members = read_value(value.includes if is_open else value.value, type_)
    inside, outside = Test(op, members), Test(_NEGATED[op], members)
    if op == "not in":
        return (None if is_open else inside), outside
    return inside, (None if is_open else outside)


_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def _tests_turned(op: str, type_: ValueType, value: schema.ParameterValue | None, literal: object) -> tuple[bool, bool]:
    """Whether `parameter op literal` is certainly true, and whether it is certainly false."""
    if value is None or _unestablished(value) or (value.value is None and "value" in value.model_fields_set):
        return False, False
    if type_.kind == "set":
        members = read_value(value.includes if value.includes is not None else value.value, type_)
        wanted = frozenset(map(str, literal)) if isinstance(literal, tuple) else str(literal)
        holds = Test(op, wanted).holds(members)
        return holds, (not holds and value.includes is None)
    if op in ("in", "not in"):
        assert isinstance(literal, tuple)
        members = frozenset(str(read_value(v, type_)) for v in literal)
        holds = Test(op, members).holds(read_value(value.value, type_))
        return holds, not holds
    proves, refutes = _tests(_TURNED[op], type_, value)
    wanted_value = read_value(literal, type_)
    return bool(proves and proves.holds(wanted_value)), bool(refutes and refutes.holds(wanted_value))
