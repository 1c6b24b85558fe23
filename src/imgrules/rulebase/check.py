"""What must hold between the definitions of a rulebase, beyond the shape of each: names, types, dates, evidence, cycles.

Every check looks at everything and reports all it finds; none stops at the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from imgrules.errors import Problem, Severity, did_you_mean
from imgrules.rulebase import schema
from imgrules.rulebase.document import Document
from imgrules.rulebase.document import Path as DataPath
from imgrules.rulebase.grammar import (
    HERE,
    TODAY,
    Call,
    Compare,
    Condition,
    Constant,
    Expression,
    Group,
    Leaf,
    Name,
    Param,
    atoms,
    leaves,
)
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import CODED, NUMERIC, ORDERED, BadValue, ValueType, read_value

Places = Mapping[tuple[str, str | None, int], tuple[str, DataPath]]
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_WORDS = frozenset({"jurisdiction", "board", TODAY})
_BOOL = ValueType("bool")


def check(rulebase: Rulebase, documents: Mapping[str, Document], value_paths: Places) -> list[Problem]:
    """Every problem of a rulebase whose files have the right shape. What can hardly be meant is for `lint` to find."""
    return list(_Checker(rulebase, documents, value_paths).run())


class _Checker:
    def __init__(self, rulebase: Rulebase, documents: Mapping[str, Document], value_paths: Places) -> None:
        self.rulebase = rulebase
        self.documents = documents
        self.value_paths = value_paths
        self.used: set[str] = set()
        self.used_parameters: set[str] = set()
        self.used_rules: set[str] = set()
        self.cited: set[str] = set()

    def run(self) -> Iterator[Problem]:
        """All checks; the ones about what is unused come last because they need what the others saw."""
        for entry in self._entries():
            yield from self._names(entry)
            yield from self._evidence_of(entry)
            yield from self._texts(entry)
        yield from self._parameters()
        yield from self._references()
        yield from self._side_by_side()
        yield from self._cycles()
        yield from self._unused()

    def _entries(self) -> Iterator[Entry[Any]]:
        r = self.rulebase
        for table in (
            r.facts, r.derived, r.parameters, r.findings, r.requirements, r.excuses, r.routes, r.fast_tracks, r.advice,
            r.alerts, r.contradictions, r.stages, r.sources,
        ):  # fmt: skip
            yield from table.values()

    def _at(
        self,
        entry: Entry[Any],
        code: str,
        message: str,
        fix: str = "",
        path: DataPath = (),
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        line, column = entry.line, entry.column
        if path and entry.file in self.documents:
            line, column = self.documents[entry.file].place(path)
        return Problem(code, f"{entry.name}: {message}", fix, entry.file, line, column, severity)

    def _field(self, entry: Entry[Any], *path: str | int) -> DataPath:
        return (entry.section, entry.local_name, *path)

    # names and types ------------------------------------------------------------------------------------------------

    def _names(self, entry: Entry[Any]) -> Iterator[Problem]:
        for condition in entry.conditions.values():
            for leaf in leaves(condition):
                yield from self._leaf(entry, leaf)
            yield from self._absent_limits(entry, condition, negated=False)
        if entry.expression is not None:
            yield from self._expression(entry)

    def _absent_limits(self, entry: Entry[Any], condition: Condition, negated: bool) -> Iterator[Problem]:
        """A parameter that may be null means `no condition`, which has no sensible opposite."""
        if isinstance(condition, Group):
            for part in condition.parts:
                yield from self._absent_limits(entry, part, negated != (condition.kind == "not"))
            return
        body = condition.body
        sides = (body.left, body.right) if isinstance(body, Compare) else (body,)
        for side in sides:
            found = self.rulebase.find_parameter(side.name, self._scope(entry)) if isinstance(side, Param) else None
            if found and (negated or condition.negated) and self._ever_null(found[0].name):
                fix = "Turn the comparison round instead of using `not`."
                message = (
                    f"`{condition.text}` stands under `not`, but ${found[0].name} is null somewhere: no such limit."
                )
                yield self._at(entry, "R033", message, fix, condition.path)

    def _ever_null(self, name: str) -> bool:
        values = (v for scope in self.rulebase.values.get(name, {}).values() for v in scope)
        return any("value" in v.model_fields_set and v.value is None for v in values)

    def _known(self) -> set[str]:
        r = self.rulebase
        return {n.partition("@")[0] for table in (r.facts, r.derived, r.rules) for n in table} | {TODAY}

    def _type_of(self, entry: Entry[Any], name: str) -> ValueType | None:
        """The type a name has in an entry's scope; None when there is no such name."""
        if name == TODAY:
            return ValueType("date")
        found = self.rulebase.find(name, self._scope(entry), entry.each)
        if not found:
            return None
        _, target = found
        if target.section == "facts":
            self.used.add(target.name)
            return self.rulebase.value_type(target.model)
        if target.section == "derived":
            self.used.add(target.name)
            return ValueType(target.model.type, target.model.unit)
        self.used_rules.add(target.name)
        return _BOOL

    def _scope(self, entry: Entry[Any]) -> str | None:
        """The scope names are looked up in; any jurisdiction will do for what is written once for all of them."""
        if entry.scope or not entry.each:
            return entry.scope
        return next(iter(self.rulebase.jurisdictions), None)

    def _param_type(self, entry: Entry[Any], name: str) -> ValueType | None:
        if name == HERE and (entry.scope or entry.each):
            return ValueType("jurisdiction", codes=self.rulebase.jurisdiction_names)
        found = self.rulebase.find_parameter(name, self._scope(entry))
        if not found:
            return None
        self.used_parameters.add(found[0].name)
        return self.rulebase.value_type(found[0].model)

    def _unknown_name(self, entry: Entry[Any], name: str, path: DataPath) -> Problem:
        fix = did_you_mean(name.partition("@")[0], self._known())
        return self._at(
            entry, "R011", f"there is no fact or finding {name} here.", fix or "Define it, or correct the name.", path
        )

    def _unknown_param(self, entry: Entry[Any], name: str, path: DataPath) -> Problem:
        known = {n.partition("@")[0] for n in self.rulebase.parameters}
        fix = did_you_mean(name, known) or "Define it, or correct the name."
        return self._at(entry, "R012", f"there is no parameter ${name} here.", fix, path)

    def _leaf(self, entry: Entry[Any], leaf: Leaf) -> Iterator[Problem]:
        body = leaf.body
        subject = body.left if isinstance(body, Compare) else body
        if isinstance(subject, Name):
            type_ = self._type_of(entry, subject.name)
            if "@" in subject.name and subject.name.partition("@")[2] != entry.scope:
                fix = "A conclusion may lean on its own jurisdiction's rules and on national ones only."
                yield self._at(entry, "R016", f"`{leaf.text}` leans on another jurisdiction's rule.", fix, leaf.path)
                return
            if type_ is None:
                yield self._unknown_name(entry, subject.name, leaf.path)
        else:
            type_ = self._param_type(entry, subject.name)
            if type_ is None:
                yield self._unknown_param(entry, subject.name, leaf.path)
        if type_ is None:
            return
        if isinstance(body, Compare):
            yield from self._comparison(entry, leaf, body, type_)
        elif type_.kind != "bool":
            fix = f"Compare it with a value: `{subject.name} >= ...`."
            yield self._at(entry, "R013", f"`{leaf.text}` is of type {type_}, not a truth.", fix, leaf.path)

    def _comparison(self, entry: Entry[Any], leaf: Leaf, body: Compare, left: ValueType) -> Iterator[Problem]:
        wrong = self._operator_problem(body.op, left)
        if wrong:
            yield self._at(entry, "R013", f"`{leaf.text}`: {wrong}", "", leaf.path)
            return
        right = body.right
        if isinstance(right, Param):
            type_ = self._param_type(entry, right.name)
            if type_ is None:
                yield self._unknown_param(entry, right.name, leaf.path)
            elif mismatch := _mismatch(body.op, left, type_):
                yield self._at(entry, "R013", f"`{leaf.text}`: {mismatch}", "Compare like with like.", leaf.path)
            elif isinstance(body.left, Param):
                fix = "Compare a parameter with a literal only."
                yield self._at(entry, "R013", f"`{leaf.text}` compares two parameters.", fix, leaf.path)
        elif isinstance(right, Name):
            if left.kind != "date":
                yield self._at(entry, "R013", f"`{leaf.text}`: only a date compares with today.", "", leaf.path)
        else:
            item = left.item if left.kind == "set" else left
            for literal in right if isinstance(right, tuple) else (right,):
                try:
                    read_value(literal, item)
                except BadValue as error:
                    yield self._at(entry, "R013", f"`{leaf.text}`: {error}.", "", leaf.path)

    def _operator_problem(self, op: str, left: ValueType) -> str:
        allowed: tuple[str, ...] = {"set": ("contains", "overlaps"), "bool": ("==", "!=")}.get(left.kind, ())
        if left.kind in CODED:
            allowed = ("==", "!=", "in", "not in")
        if left.kind in ORDERED:
            allowed = ("==", "!=", "<", "<=", ">", ">=")
        if allowed and op not in allowed:
            return f"{op} does not fit {left}; use {' '.join(allowed)}."
        return ""

    # arithmetic -----------------------------------------------------------------------------------------------------

    def _expression(self, entry: Entry[Any]) -> Iterator[Problem]:
        assert entry.expression is not None
        path = self._field(entry, "on" if entry.section == "alerts" else "is")
        missing = False
        for atom in atoms(entry.expression):
            if isinstance(atom, Name) and self._type_of(entry, atom.name) is None:
                missing = True
                yield self._unknown_name(entry, atom.name, path)
            elif isinstance(atom, Param) and self._param_type(entry, atom.name) is None:
                missing = True
                yield self._unknown_param(entry, atom.name, path)
        if missing:
            return
        try:
            kind = self._kind(entry, entry.expression)
        except BadValue as error:
            yield self._at(entry, "R013", f"{error}.", "", path)
            return
        wanted = "date" if entry.section == "alerts" else entry.model.type
        if kind != wanted and not (wanted == "decimal" and kind == "int"):
            yield self._at(
                entry,
                "R013",
                f"this gives a value of type {kind}, not {wanted}.",
                "Correct the type or the formula.",
                path,
            )

    def _kind(self, entry: Entry[Any], expression: Expression) -> str:
        if isinstance(expression, Constant):
            value = expression.value
            return "date" if isinstance(value, date) else "decimal" if isinstance(value, Decimal) else "int"
        if isinstance(expression, Name):
            type_ = self._type_of(entry, expression.name)
            return type_.kind if type_ else "int"
        if isinstance(expression, Param):
            type_ = self._param_type(entry, expression.name)
            return type_.kind if type_ else "int"
        return _call_kind(expression, [self._kind(entry, a) for a in expression.arguments])

    # evidence -------------------------------------------------------------------------------------------------------

    def _evidence_of(self, entry: Entry[Any]) -> Iterator[Problem]:
        if isinstance(entry.model, schema.Evidence):
            yield from self._evidence(entry.model, lambda c, m, f, *p: self._at(entry, c, m, f, self._field(entry, *p)))
            decides = getattr(entry.model, "decides", None)
            if decides == "both" and not entry.model.firm:
                message = f"its basis is {entry.model.basis} with {entry.model.confidence} confidence, so it must not decide both ways."
                fix = "Add `decides: met`, `not_met` or `nothing`: the side on which an error harms nobody."
                yield self._at(entry, "R032", message, fix, self._field(entry))
        if entry.section == "sources":
            address = entry.model.address
            if address is not None and not re.match(r"https?://[^\s/]+\.[^\s]+$", address):
                yield self._at(
                    entry,
                    "R061",
                    f"{address!r} is not a web address.",
                    "Write it as https://...",
                    self._field(entry, "address"),
                )

    def _evidence(self, model: schema.Evidence, at: Callable[..., Problem]) -> Iterator[Problem]:
        kinds = set()
        for citation in model.cited:
            self.cited.add(citation.id)
            source = self.rulebase.sources.get(citation.id)
            if source is None:
                fix = did_you_mean(citation.id, self.rulebase.sources) or "Add it under sources:."
                yield at("R030", f"there is no source {citation.id} in the bibliography.", fix, "sources")
            else:
                kinds.add(source.model.kind)
        if model.basis == "primary" and kinds == {"secondary"}:
            fix = "Cite the primary source, or say basis: secondary."
            yield at("R031", "the basis is primary but every source cited is secondary.", fix, "basis")

    # texts ----------------------------------------------------------------------------------------------------------

    def _texts(self, entry: Entry[Any]) -> Iterator[Problem]:
        for field_name, text in _shown_texts(entry.model):
            for name in PLACEHOLDER.findall(text):
                if name in _WORDS and (name == TODAY or entry.scope or entry.each):
                    continue
                if self._type_of(entry, name) is None and self._param_type(entry, name) is None:
                    known = self._known() | {n.partition("@")[0] for n in self.rulebase.parameters}
                    fix = did_you_mean(name, known) or "Name a fact, derived fact or parameter in the braces."
                    yield self._at(
                        entry, "R060", f"{{{name}}} names nothing here.", fix, self._field(entry, field_name)
                    )

    # parameters -----------------------------------------------------------------------------------------------------

    def _parameters(self) -> Iterator[Problem]:
        r = self.rulebase
        for name, entry in r.parameters.items():
            if entry.each:
                for code, home in r.jurisdictions.items():
                    if code not in r.values.get(name, {}) and (entry.model.required or name in self.used_parameters):
                        message = f"{code} gives no value for ${name}."
                        fix = (
                            f"Add {name} under parameters: in its file; `value: unknown` if nobody could establish it."
                        )
                        yield self._at(home, "R023", message, fix)
            elif entry.scope not in r.values.get(name, {}):
                yield self._at(entry, "R023", "this parameter has no values.", "Add values:.")
        for name, scopes in r.values.items():
            found = {s: r.parameters.get(name) or (r.find_parameter(name, s) or (None,))[0] for s in scopes}
            for scope, values in scopes.items():
                entry_ = found[scope]
                if entry_ is None:
                    file, path = self.value_paths[name, scope, 0]
                    fix = did_you_mean(name, r.parameters) or "Define it with title: and type: in a shared file."
                    yield self.documents[file].problem("R012", path, f"There is no parameter {name}.", fix)
                    continue
                yield from self._values(name, scope, entry_, values)

    def _values(
        self, name: str, scope: str | None, entry: Entry[schema.Parameter], values: tuple[schema.ParameterValue, ...]
    ) -> Iterator[Problem]:
        if scope is not None and scope not in self.rulebase.jurisdictions:
            file, path = self.value_paths[name, scope, 0]
            fix = "Add rules/jurisdictions/" + scope + ".yaml with jurisdiction:."
            yield self.documents[file].problem("R070", path, f"There is no jurisdiction {scope}.", fix)
        for i, value in enumerate(values):
            file, path = self.value_paths[name, scope, i]

            def at(code: str, message: str, fix: str = "", *_: str, f: str = file, p: DataPath = path) -> Problem:
                return self.documents[f].problem(code, p, f"{name}{f'@{scope}' if scope else ''}: {message}", fix)

            yield from self._evidence(value, at)
            yield from self._value(entry, value, at)
            if value.from_ and value.to and value.to < value.from_:
                yield at("R022", f"it ends on {value.to}, before it starts on {value.from_}.", "Correct from or to.")
            if i:
                yield from _sequence(values[i - 1], value, at)

    def _value(
        self, entry: Entry[schema.Parameter], value: schema.ParameterValue, at: Callable[..., Problem]
    ) -> Iterator[Problem]:
        type_ = self.rulebase.value_type(entry.model)
        exact = "value" in value.model_fields_set and value.value != "unknown"
        bounds = [b for b in (value.at_least, value.at_most) if b is not None]
        if bounds and type_.kind not in ORDERED:
            yield at("R013", f"bounds do not fit a parameter of type {type_}.", "Use value: or includes:.")
            return
        if value.includes is not None and type_.kind != "set":
            yield at("R013", "includes: is for sets only.", "Use value: or bounds.")
            return
        written: list[Any] = bounds + ([value.includes] if value.includes is not None else [])
        if exact and value.value is not None:
            written.append(value.value)
        for raw in written:
            try:
                read_value(raw, type_)
            except BadValue as error:
                yield at("R013", f"{error}.")
        if exact and not value.firm and not entry.model.informational:
            message = f"an exact value that is {value.basis} with {value.confidence} confidence would decide both ways."
            fix = "Write what is safe to say: at_most, at_least, includes, or value: unknown."
            yield at("R032", message, fix)

    # references between definitions ---------------------------------------------------------------------------------

    def _references(self) -> Iterator[Problem]:
        r = self.rulebase
        for entry in r.routes.values():
            for i, name in enumerate(entry.model.needs):
                if (found := r.find(name, self._scope(entry), entry.each)) is None:
                    yield self._unknown_name(entry, name, self._field(entry, "needs", i))
                elif found[1].section not in ("requirements", "routes"):
                    message = f"it needs {name}, which has no blocker kind and no remedy."
                    fix = f"Write a requirement with `met_when: {name}`, blocker: and remedy:, and need that."
                    yield self._at(entry, "R041", message, fix, self._field(entry, "needs", i))
                else:
                    self.used_rules.add(found[1].name)
            others = [(n, "after", i) for i, n in enumerate(entry.model.after)]
            others += [(n, "excludes", i) for i, n in enumerate(entry.model.excludes)]
            others += [(lead.route, "leads_to", i) for i, lead in enumerate(entry.model.leads_to)]
            if entry.model.replaced_by:
                others.append((entry.model.replaced_by, "replaced_by", 0))
            for name, field_name, i in others:
                yield from self._route_named(entry, name, self._field(entry, field_name, i))
            if entry.model.stage not in r.stages:
                fix = did_you_mean(entry.model.stage, r.stages) or f"There are: {', '.join(r.stages)}."
                yield self._at(
                    entry, "R011", f"there is no stage {entry.model.stage}.", fix, self._field(entry, "stage")
                )
        for track in r.fast_tracks.values():
            yield from self._route_named(track, track.model.route, self._field(track, "route"))
            if track.model.instead_of:
                yield from self._route_named(track, track.model.instead_of, self._field(track, "instead_of"))
        for req in r.requirements.values():
            if req.model.for_route:
                yield from self._route_named(req, req.model.for_route, self._field(req, "for_route"))
                self.used_rules.add(req.name)
            if req.model.ready_on and getattr(self._type_of(req, req.model.ready_on), "kind", None) != "date":
                yield self._at(
                    req,
                    "R013",
                    f"ready_on {req.model.ready_on} is not a date.",
                    "Name a date fact.",
                    self._field(req, "ready_on"),
                )
        for excuse in r.excuses.values():
            found = r.find(excuse.local_name, excuse.scope)
            if found is None or found[1].section != "requirements":
                fix = did_you_mean(excuse.local_name, {n.partition("@")[0] for n in r.requirements})
                yield self._at(excuse, "R011", f"there is no requirement {excuse.local_name} to excuse.", fix)
            if excuse.scope is None:
                yield self._at(excuse, "R070", "an excuse belongs in a jurisdiction's file.", "Move it there.")
        for stage in r.stages.values():
            found = r.find(stage.model.shown_by, None)
            if found is None or found[1].section in ("facts", "derived"):
                yield self._unknown_name(stage, stage.model.shown_by, self._field(stage, "shown_by"))
            else:
                self.used_rules.add(found[1].name)
        for entry in self._entries():
            if entry.scope and entry.scope not in r.jurisdictions:
                yield self._at(
                    entry,
                    "R070",
                    f"there is no jurisdiction {entry.scope}.",
                    f"Add rules/jurisdictions/{entry.scope}.yaml.",
                )
            period = getattr(entry.model, "in_force", None)
            if period and isinstance(period.from_, date) and period.to and period.to < period.from_:
                yield self._at(
                    entry,
                    "R022",
                    "in_force ends before it starts.",
                    "Correct from or to.",
                    self._field(entry, "in_force"),
                )

    def _route_named(self, entry: Entry[Any], name: str, path: DataPath) -> Iterator[Problem]:
        scope = self._scope(entry) or next(iter(self.rulebase.jurisdictions), None)
        found = self.rulebase.find(name, scope, entry.each)
        if found is None or found[1].section != "routes":
            known = set(self.rulebase.routes) | {n.partition("@")[0] for n in self.rulebase.routes}
            yield self._at(entry, "R011", f"there is no route {name}.", did_you_mean(name, known) or "Define it.", path)

    # jurisdictions side by side -------------------------------------------------------------------------------------

    def _side_by_side(self) -> Iterator[Problem]:
        """One main route written for each jurisdiction, amounts still missing that compare, one tile each."""
        main = [e for e in self.rulebase.routes.values() if e.each and e.model.main]
        for entry in main[1:]:
            message = f"{main[0].name} is already the one main route written for each jurisdiction."
            yield self._at(entry, "R043", message, "Keep main: true on one of them.", self._field(entry, "main"))
        units: dict[str, str] = {}
        for requirement in self.rulebase.requirements.values():
            for i, name in enumerate(requirement.model.shortfall or ()):
                yield from self._shortfall(requirement, name, self._field(requirement, "shortfall", i), units)
        yield from self._tiles()

    def _shortfall(
        self, entry: Entry[schema.Requirement], name: str, path: DataPath, units: dict[str, str]
    ) -> Iterator[Problem]:
        """An amount of which more would meet the requirement: a number with a unit, asked for with >=."""
        type_ = self._type_of(entry, name)
        if type_ is None:
            yield self._unknown_name(entry, name, path)
            return
        if type_.kind not in NUMERIC or not type_.unit:
            fix = "Name an int or decimal fact (or derived fact) that has a unit."
            yield self._at(entry, "R013", f"shortfall {name} is of type {type_}, not an amount.", fix, path)
            return
        condition = entry.conditions.get("met_when")
        bodies = [leaf.body for leaf in leaves(condition)] if condition else []
        if not any(isinstance(b, Compare) and b.op == ">=" and b.left == Name(name) for b in bodies):
            fix = f"Write `{name} >= ...` in met_when, or leave {name} out of shortfall."
            yield self._at(entry, "R042", f"met_when does not ask for an amount of {name}.", fix, path)
        other = next((n for n, unit in units.items() if unit != type_.unit), None)
        if other:
            message = f"shortfall {name} is in {type_.unit}, {other} in {units[other]}, so they do not compare."
            yield self._at(entry, "R042", message, "Use one unit for all shortfalls.", path)
        units.setdefault(name, type_.unit)

    def _tiles(self) -> Iterator[Problem]:
        taken: dict[tuple[int, ...], str] = {}
        homes = self.rulebase.jurisdictions
        for code, home in homes.items():
            if home.model.tile is None:
                if any(other.model.tile for other in homes.values()):
                    fix = "Add tile: [row, column]; without one it is drawn below the map."
                    yield self._at(home, "R072", "it has no tile on the map.", fix, severity=Severity.WARNING)
            elif (first := taken.setdefault(tuple(home.model.tile), code)) != code:
                message = f"its tile {home.model.tile} is {first}'s already."
                yield self._at(home, "R071", message, "Give it a free row and column.", ("jurisdiction", "tile"))

    # cycles ---------------------------------------------------------------------------------------------------------

    def _cycles(self) -> Iterator[Problem]:
        done: set[str] = set()
        entries = {**self.rulebase.rules, **self.rulebase.derived}
        for name, entry in entries.items():
            if name not in done:
                yield from self._walk(name, entry, [], done)

    def _walk(self, name: str, entry: Entry[Any], trail: list[str], done: set[str]) -> Iterator[Problem]:
        if name in trail:
            circle = " → ".join([*trail[trail.index(name) :], name])
            yield self._at(
                entry,
                "R015",
                f"it depends on itself: {circle}.",
                "Break the circle: one of them must not need the next.",
            )
            return
        if name in done:
            return
        for target_name, target in self._depends_on(entry):
            yield from self._walk(target_name, target, [*trail, name], done)
        done.add(name)

    def _depends_on(self, entry: Entry[Any]) -> Iterator[tuple[str, Entry[Any]]]:
        names = [
            subject.name
            for condition in entry.conditions.values()
            for leaf in leaves(condition)
            if isinstance(subject := leaf.body.left if isinstance(leaf.body, Compare) else leaf.body, Name)
        ]
        if entry.expression is not None:
            names += [a.name for a in atoms(entry.expression) if isinstance(a, Name)]
        if entry.section == "routes":
            names += entry.model.needs
        for name in names:
            found = self.rulebase.find(name, self._scope(entry), entry.each)
            if found and found[1].section != "facts":
                yield found[1].name, found[1]

    # what nobody uses -----------------------------------------------------------------------------------------------

    def _unused(self) -> Iterator[Problem]:
        r = self.rulebase
        for name, fact in r.facts.items():
            if name not in self.used:
                yield self._at(
                    fact, "R050", "no rule uses this fact.", "Use it, or delete it: every question must matter."
                )
        for name, source in r.sources.items():
            if name not in self.cited:
                yield self._at(
                    source, "R051", "nobody cites this source.", "Cite it, or delete it.", severity=Severity.WARNING
                )
        rules: dict[str, Entry[Any]] = {**r.derived, **r.findings, **r.requirements}
        for name, entry in rules.items():
            if name not in self.used and name not in self.used_rules:
                yield self._at(entry, "R052", "nothing uses this.", "Use it, or delete it.", severity=Severity.WARNING)
        for name, parameter in r.parameters.items():
            if name not in self.used_parameters and not parameter.model.informational:
                fix = "Use it, delete it, or mark it informational: true."
                yield self._at(parameter, "R052", "no rule uses this parameter.", fix, severity=Severity.WARNING)


def _shown_texts(model: Any) -> Iterator[tuple[str, str]]:
    for name in ("title", "summary", "gives", "text", "remedy", "note", "saves", "replaced_text"):
        text = getattr(model, name, None)
        if isinstance(text, str):
            yield name, text
    for caveat in getattr(model, "caveats", ()):
        yield "caveats", caveat


def _mismatch(op: str, left: ValueType, right: ValueType) -> str:
    item = right.item if right.kind == "set" and op in ("in", "not in") else right
    own = left.item if left.kind == "set" and op == "contains" else left
    if op in ("in", "not in") and right.kind != "set":
        return f"{op} needs a set, not {right}."
    if op == "overlaps" and (right.kind != "set" or right.of != left.of):
        return f"overlaps needs a set of {left.of}, not {right}."
    if op != "overlaps" and own.kind != item.kind and not {own.kind, item.kind} <= NUMERIC:
        return f"{left} and {right} do not compare."
    if own.unit and item.unit and own.unit != item.unit:
        return f"the units differ: {own.unit} and {item.unit}."
    return ""


def _call_kind(call: Call, kinds: list[str]) -> str:
    """The type an operator or function gives; `BadValue` when its arguments do not fit."""
    name = call.function
    numeric = all(k in NUMERIC for k in kinds)
    result = "decimal" if "decimal" in kinds else "int"
    if name in ("+", "-", "*") and numeric:
        return result
    if name in ("min", "max"):
        if numeric:
            return result
        if set(kinds) == {"date"}:
            return "date"
    if name == "number" and kinds == ["bool"]:
        return "int"
    if name.endswith("_between") and kinds == ["date", "date"]:
        return "int" if name == "days_between" else "decimal"
    if name.startswith("add_") and kinds == ["date", "int"]:
        return "date"
    raise BadValue(f"{name} does not take {' and '.join(kinds)}")


def _sequence(
    before: schema.ParameterValue, after: schema.ParameterValue, at: Callable[..., Problem]
) -> Iterator[Problem]:
    if before.to is None:
        yield at("R020", "it overlaps the value before it, which has no end.", "Give the earlier value a `to:`.")
    elif after.from_ is None or after.from_ <= before.to:
        yield at(
            "R020",
            f"it overlaps the value before it, which holds to {before.to}.",
            f"Start it on {before.to + timedelta(days=1)}.",
        )
    elif after.from_ > before.to + timedelta(days=1):
        fix = f"Start it on {before.to + timedelta(days=1)}, or add `value: unknown` for the days between."
        yield at(
            "R021",
            f"no value covers the days from {before.to + timedelta(days=1)} to {after.from_ - timedelta(days=1)}.",
            fix,
        )
