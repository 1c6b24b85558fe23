"""Why: the proof of a conclusion down to facts, parameters and sources, whatever its outcome.

A finding that is met or not met is explained by the engine's own firings, every alternative of them; one that is
unknown by the parts that are not decided. Sentences come from the rules' own texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from imgrules.assessment.assess import Derived
from imgrules.assessment.causes import cause_text
from imgrules.assessment.result import Source
from imgrules.assessment.unknowns import Cause
from imgrules.errors import InputError, did_you_mean
from imgrules.rulebase.ground import DISCONTINUED, NO_LIMIT, NOT_IN_FORCE, UPCOMING, WEAK
from imgrules.rulebase.ir import FixedNode, GateNode, GroundRule, JunctionNode, LeafNode, Node, node_of, opposite
from imgrules.rulebase.ir import Literal as Sign
from imgrules.rulebase.values import Outcome, ValueType, show

Kind = Literal[
    "route", "requirement", "finding", "excuse", "group", "fact", "derived", "parameter", "confirm", "unknown"
]


class Reason(BaseModel):
    """One line of an explanation, with what it rests on beneath it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    name: str
    text: str
    outcome: Outcome
    alternatives: bool = False
    note: str | None = None
    confidence: str | None = None
    sources: list[Source] = []
    because: list[Reason] = []


def explain(derived: Derived, name: str) -> Reason:
    """Why a finding, requirement or route has the outcome it has. `InputError` with suggestions for an unknown name."""
    rules = derived.program.rules
    if name not in rules:
        scoped = [full for full in rules if full.partition("@")[0] == name]
        if len(scoped) != 1:
            raise InputError(_no_such_name(derived, name, scoped))
        name = scoped[0]
    return _Explainer(derived).rule(rules[name])


def _no_such_name(derived: Derived, name: str, scoped: list[str]) -> str:
    if scoped:
        return f"{name} is worked out for each jurisdiction. Name one: {', '.join(scoped[:6])}{' ...' if len(scoped) > 6 else ''}."
    base, _, code = name.partition("@")
    rulebase = derived.rulebase
    if code and code in rulebase.jurisdictions and rulebase.find(base, code) and code not in derived.case.jurisdictions:
        return f"{name} needs the jurisdiction {code}, which this case does not aim at. Add --state {code}."
    if not code and (entry := rulebase.rules.get(base)) and entry.each:
        return f"{name} is worked out for each jurisdiction. Add --state XX, or jurisdictions: to the case."
    if name in rulebase.facts or name in rulebase.derived:
        return f"{name} is a fact, not a conclusion. `imgrules facts {name}` describes it."
    hint = did_you_mean(name, derived.program.rules) or "`imgrules rules list` lists findings, requirements and routes."
    return f"There is no finding, requirement or route {name}. {hint}"


class _Explainer:
    def __init__(self, derived: Derived) -> None:
        self.d = derived
        self.nodes = derived.program.nodes
        self.shown: set[str] = set()

    def rule(self, rule: GroundRule) -> Reason:
        """A rule with its outcome. A rule shown before is only named again."""
        model = rule.entry.model
        outcome = self.d.derivation.outcome(rule.literal)
        kind: Kind = {"routes": "route", "requirements": "requirement", "excuses": "excuse"}.get(
            rule.entry.section, "finding"
        )  # type: ignore[assignment]
        repeated = rule.name in self.shown
        self.shown.add(rule.name)
        because = [] if repeated else list(self._because(rule, outcome))
        title = self.d.wording.fill(model.title, self.d.values, rule.scope)
        note = model.note and self.d.wording.fill(model.note, self.d.values, rule.scope)
        return Reason(
            kind=kind,
            name=rule.name,
            text=title + (" (explained above)" if repeated else ""),
            outcome=outcome,
            note=None if repeated else note,
            confidence=model.confidence,
            sources=[] if repeated else self.d.wording.sources(model),
            because=because,
        )

    def _because(self, rule: GroundRule, outcome: Outcome) -> Iterator[Reason]:
        if rule.entry.section == "requirements" and rule.applies and self.d.derivation.truth(rule.applies) is False:
            yield self._group("It does not apply here", Outcome.MET, self.reasons(opposite(rule.applies)))
        elif outcome is Outcome.UNKNOWN:
            yield from _once(self._undecided_inside(self.nodes[node_of(rule.literal)]))
        else:
            yield from self._inside(rule.literal if outcome is Outcome.MET else opposite(rule.literal))

    def _rule_at(self, node: Node) -> GroundRule | None:
        """The rule whose own node this is."""
        name = getattr(node, "rule", None)
        rule = self.d.program.rules[name] if name else None
        return rule if rule and node_of(rule.literal) == node.id else None

    def _group(
        self, text: str, outcome: Outcome, because: Iterator[Reason] | list[Reason], alternatives: bool = False
    ) -> Reason:
        return Reason(
            kind="group", name="", text=text, outcome=outcome, alternatives=alternatives, because=list(because)
        )

    def _confirm(self, cause: Cause) -> Reason:
        return Reason(kind="confirm", name=cause.name, text=cause_text(self.d, cause, None), outcome=Outcome.UNKNOWN)

    # decided ----------------------------------------------------------------------------------------------------------

    def reasons(self, literal: Sign) -> Iterator[Reason]:
        """What a proved literal rests on: from the engine's firings, all alternatives."""
        rule = self._rule_at(self.nodes[node_of(literal)])
        if rule:
            yield self.rule(rule)
        else:
            yield from self._inside(literal)

    def _inside(self, literal: Sign) -> Iterator[Reason]:
        node = self.nodes[node_of(literal)]
        if isinstance(node, GateNode):
            yield from self.reasons(node.part if literal[-1] == "+" else opposite(node.part))
        elif isinstance(node, LeafNode):
            yield self._leaf(node, literal)
        elif isinstance(node, FixedNode):
            yield self._fixed(node)
        else:
            yield from self._junction(node, literal)

    def _junction(self, node: JunctionNode, literal: Sign) -> Iterator[Reason]:
        steps = self.d.derivation.proved[literal]
        if len(steps) == 1:
            for premise in steps[0].premises:
                yield from self.reasons(premise)
            return
        outcome = Outcome.MET if literal[-1] == "+" else Outcome.NOT_MET
        parts = [list(self._flat(step.premises)) for step in steps]
        if outcome is Outcome.NOT_MET or all(len(part) == 1 for part in parts):
            for part in parts:
                yield from part
            return
        grouped = [part[0] if len(part) == 1 else self._group("Together", outcome, part) for part in parts]
        yield self._group("Each of these alone is enough", outcome, grouped, alternatives=True)

    def _flat(self, premises: tuple[str, ...]) -> Iterator[Reason]:
        for premise in premises:
            yield from self.reasons(premise)

    def _leaf(self, node: LeafNode, literal: Sign) -> Reason:
        truth = literal[-1] == "+"
        test = node.proves if truth else node.refutes
        assert test is not None
        type_ = self.d.program.types.get(node.fact, ValueType("int"))
        outcome = Outcome.MET if truth else Outcome.NOT_MET
        text = f"{self._title(node.fact)}: {self._value(node.fact, type_)}"
        if not isinstance(test.value, bool):
            text = self._compared(node, text, self.d.wording.test(test, type_))
        because = list(self._inputs(node.fact))
        sources, note, confidence = self._parameter_evidence(node.parameter)
        kind: Kind = "derived" if node.fact in self.d.unknowns.derived else "fact"
        return Reason(
            kind=kind,
            name=node.fact,
            text=text,
            outcome=outcome,
            because=because,
            sources=sources,
            note=note,
            confidence=confidence,
        )

    def _compared(self, node: LeafNode, text: str, words: str) -> str:
        if node.fact.startswith("days to "):
            day = node.fact.removeprefix("days to ")
            type_ = self.d.program.types.get(day, ValueType("date"))
            value = self.d.values.get(self.d.unknowns.derived[node.fact].inputs[day])
            assert isinstance(value, type(self.d.case.as_of))
            direction = (
                "is the day judged on"
                if value == self.d.case.as_of
                else "has passed"
                if value < self.d.case.as_of
                else "is still to come"
            )
            return f"{self._title(day)}: {show(value, type_)}, which {direction}"
        if not node.parameter:
            return text if text.endswith(f": {words}") else f"{text}, that is {words}"
        base, _, code = node.parameter.partition("@")
        found = self.d.rulebase.find_parameter(base, code or None)
        where = f", {self.d.rulebase.jurisdiction_names[code]}" if code else ""
        return f"{text}, that is {words} ({found[0].model.title if found else base}{where})"

    def _parameter_evidence(self, parameter: str | None) -> tuple[list[Source], str | None, str | None]:
        if not parameter:
            return [], None, None
        base, _, code = parameter.partition("@")
        found = self.d.rulebase.find_parameter(base, code or None)
        value = self.d.rulebase.value_on(*found, self.d.case.as_of) if found else None
        return (self.d.wording.sources(value), value.note, value.confidence) if value else ([], None, None)

    def _title(self, name: str) -> str:
        base = name.removeprefix("days to ")
        entry = (
            self.d.rulebase.facts.get(base)
            or self.d.rulebase.derived.get(base.partition("@")[0])
            or self.d.rulebase.derived.get(base)
        )
        title = entry.model.title if entry else "the day judged on" if base == "today" else base
        return title[0].upper() + title[1:]

    def _value(self, name: str, type_: ValueType) -> str:
        return show(self.d.values.get(name), type_)

    def _inputs(self, name: str) -> Iterator[Reason]:
        """What a derived fact was computed from."""
        item = self.d.unknowns.derived.get(name)
        if item is None or name.startswith("days to "):
            return
        for source in item.inputs.values():
            if source == "today":
                continue
            type_ = self.d.program.types.get(source, ValueType("int"))
            kind: Kind = "derived" if source in self.d.unknowns.derived else "fact"
            text = f"{self._title(source)}: {self._value(source, type_)}"
            yield Reason(kind=kind, name=source, text=text, outcome=Outcome.MET, because=list(self._inputs(source)))

    def _fixed(self, node: FixedNode) -> Reason:
        outcome = Outcome.UNKNOWN if node.truth is None else Outcome.MET if node.truth else Outcome.NOT_MET
        if not node.parameter:
            words = {
                NOT_IN_FORCE: "This rule is not in force on the day judged on",
                UPCOMING: "It is not yet in force, or takes no applications yet, on the day judged on",
                DISCONTINUED: "It no longer exists on the day judged on",
            }
            return Reason(kind="group", name="", text=words.get(node.reason, node.text), outcome=outcome)
        base, _, code = node.parameter.partition("@")
        found = self.d.rulebase.find_parameter(base, code or None)
        assert found is not None
        where = f" in {self.d.rulebase.jurisdiction_names[code]}" if code else ""
        known = self.d.wording.parameter(*found)
        title = found[0].model.title
        text = f"{title[0].upper()}{title[1:]}{where}: {'none' if node.reason == NO_LIMIT else known}"
        sources, note, confidence = self._parameter_evidence(node.parameter)
        return Reason(
            kind="parameter",
            name=node.parameter,
            text=text,
            outcome=outcome,
            sources=sources,
            note=note,
            confidence=confidence,
        )

    # undecided --------------------------------------------------------------------------------------------------------

    def undecided(self, literal: Sign) -> Iterator[Reason]:
        """What an unknown literal hangs on."""
        if self.d.derivation.truth(literal) is not None:
            return
        node = self.nodes[node_of(literal)]
        rule = self._rule_at(node)
        if rule:
            yield self.rule(rule)
        else:
            yield from self._undecided_inside(node)

    def _is_refuted_leaf(self, literal: Sign) -> bool:
        """An alternative that is plainly false: it says why the others matter."""
        is_leaf = isinstance(self.nodes[node_of(literal)], LeafNode)
        return is_leaf and self.d.derivation.truth(literal) is False

    def _undecided_inside(self, node: Node) -> Iterator[Reason]:
        if isinstance(node, GateNode):
            yield from self.undecided(node.part)
            if self.d.derivation.truth(node.part) is not None:
                yield self._confirm(Cause.of("rule", node.rule, WEAK))
        elif isinstance(node, JunctionNode):
            for part in node.parts:
                if node.kind == "any" and self._is_refuted_leaf(part):
                    yield from self.reasons(opposite(part))
                yield from self.undecided(part)
        else:
            for cause in self.d.unknowns.of(f"{node.id}+"):
                if cause.kind == "fact":
                    text = f"{self._title(cause.name)}: not known. {cause_text(self.d, cause, None)}"
                    yield Reason(kind="unknown", name=cause.name, text=text, outcome=Outcome.UNKNOWN)
                else:
                    yield self._confirm(cause)


def _once(reasons: Iterator[Reason]) -> Iterator[Reason]:
    """The same, each line once."""
    seen: set[tuple[str, str]] = set()
    for reason in reasons:
        if (reason.kind, reason.text) not in seen:
            seen.add((reason.kind, reason.text))
            yield reason


def to_dot(reason: Reason) -> str:
    """An explanation as a Graphviz graph."""
    lines = ["digraph why {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    counter = iter(range(1_000_000))
    marks = {Outcome.MET: "met", Outcome.NOT_MET: "NOT MET", Outcome.UNKNOWN: "unknown"}

    def draw(item: Reason) -> str:
        node = f"n{next(counter)}"
        label = f"{item.text}\n[{marks[item.outcome]}]" if item.kind != "fact" else item.text
        border = {"met": "solid", "not_met": "bold", "unknown": "dashed"}[item.outcome]
        lines.append(f'  {node} [label={json.dumps(label, ensure_ascii=False)}, style="rounded,{border}"];')
        for child in item.because:
            lines.append(f"  {draw(child)} -> {node};")
        return node

    draw(reason)
    return "\n".join([*lines, "}"]) + "\n"
