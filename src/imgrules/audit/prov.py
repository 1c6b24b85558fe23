"""A decision as W3C PROV: what was concluded from which facts, by which rules and sources, by whom and with what.

A conclusion is an entity, derived from what its proof names; the derivation is an activity that used the facts and the
rules that fired, with the rulebase as its plan. Made with the `prov` library, written as PROV-JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from prov.model import PROV, ProvDocument, QualifiedName

from imgrules.assessment.assess import Derived
from imgrules.assessment.explain import Reason, explain
from imgrules.assessment.result import Source
from imgrules.audit.record import Record
from imgrules.rulebase.values import plain

NAMESPACE = "urn:imgrules:"
_CONCLUSIONS = frozenset({"route", "requirement", "finding", "excuse"})


def provenance(derived: Derived, record: Record, of: str | None = None) -> ProvDocument:
    """The provenance of one conclusion, or of every route. `InputError` with suggestions for an unknown name."""
    names = [of] if of else [route.id for route in derived.assessment.routes]
    return _Writer(derived, record).write(explain(derived, name) for name in names)


def prov_json(derived: Derived, record: Record, of: str | None = None) -> str:
    """The same as PROV-JSON."""
    return str(provenance(derived, record, of).serialize(format="json", indent=2))


class _Writer:
    def __init__(self, derived: Derived, record: Record) -> None:
        self.d = derived
        self.record = record
        self.document = ProvDocument()
        self.space = self.document.add_namespace("imgrules", NAMESPACE)
        self.made: set[tuple[str, ...]] = set()
        self.derivation = self._name("derivation", record.id)

    def write(self, reasons: Iterable[Reason]) -> ProvDocument:
        self._frame()
        for reason in reasons:
            self._conclusion(reason)
        return self.document

    def _name(self, kind: str, name: str) -> QualifiedName:
        return self.space[f"{kind}/{quote(name, safe='/@._-~')}"]  # as PROV-N can write it

    def _once(self, *key: str) -> bool:
        """Whether this has not been said before."""
        new = key not in self.made
        self.made.add(key)
        return new

    # who, when, with what ---------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        record, case = self.record, self.d.case
        document = self.document
        operator, program = self._name("operator", record.who), self._name("program", record.tool)
        rulebase, decision = self._name("rulebase", self.d.rulebase.version), self._name("record", record.id)
        document.agent(operator, {PROV["label"]: record.who})
        document.agent(program, {PROV["type"]: PROV["SoftwareAgent"], PROV["label"]: f"imgrules {record.tool}"})
        document.actedOnBehalfOf(program, operator, self.derivation)
        document.entity(rulebase, {PROV["type"]: PROV["Plan"], PROV["label"]: f"rules {self.d.rulebase.version}"})
        document.activity(self.derivation, endTime=record.at, other_attributes={PROV["label"]: "derivation"})
        document.wasAssociatedWith(self.derivation, program, rulebase)
        document.entity(
            decision,
            [
                (PROV["type"], PROV["Collection"]),
                (PROV["label"], f"decision on {case.id}, judged on {case.as_of.isoformat()}"),
                (self.space["asOf"], case.as_of.isoformat()),
                (self.space["hash"], record.leaf),
                *((self.space["jurisdiction"], code) for code in case.jurisdictions),
            ],
        )
        document.wasGeneratedBy(decision, self.derivation, record.at)
        document.wasAttributedTo(decision, operator)

    # along the proof --------------------------------------------------------------------------------------------------

    def _conclusion(self, reason: Reason) -> QualifiedName:
        """A finding, requirement, excuse or route with its outcome, derived from its rule and what the proof names."""
        me = self._name("conclusion", reason.name)
        if self._once("conclusion", reason.name):
            kind = (PROV["type"], self.space[reason.kind])
            told = [(PROV["label"], reason.text), (self.space["outcome"], reason.outcome.value)]
            if reason.kind == "route":
                told.append((self.space["status"], self.d.assessment.route(reason.name).status.value))
            self.document.entity(me, [kind, *told])
            self.document.wasGeneratedBy(me, self.derivation, self.record.at)
            self.document.hadMember(self._name("record", self.record.id), me)
            self._derived(me, self._rule(reason))
        self._premises(me, reason.because)
        return me

    def _rule(self, reason: Reason) -> QualifiedName:
        rule = self._name("rule", reason.name)
        entry = self.d.program.rules[reason.name].entry
        attributes = [(PROV["type"], self.space["rule"]), (PROV["label"], reason.text)]
        self.document.entity(rule, [*attributes, (self.space["confidence"], entry.model.confidence)])
        self.document.used(self.derivation, rule)
        self._derived(rule, self._name("rulebase", self.d.rulebase.version))
        for source in self.d.wording.sources(entry.model):
            self._cites(rule, source)
        return rule

    def _premises(self, me: QualifiedName, because: Iterable[Reason]) -> None:
        for reason in because:
            if reason.kind in _CONCLUSIONS:
                self._derived(me, self._conclusion(reason))
            elif reason.kind in ("fact", "derived"):
                self._derived(me, self._fact(reason))
                for source in reason.sources:  # the dated limit that the fact was compared with
                    self._cites(me, source)
            elif reason.kind == "parameter":
                self._derived(me, self._parameter(reason))
            elif reason.kind in ("unknown", "confirm"):
                self._derived(me, self._missing(reason))
            else:
                self._premises(me, reason.because)

    def _fact(self, reason: Reason) -> QualifiedName:
        name = reason.name.removeprefix("days to ")
        kind = "fact" if name in self.d.case.facts else "derived"
        me = self._name(kind, name)
        if self._once(kind, name):
            value = plain(self.d.values.get(name))
            shown = ", ".join(value) if isinstance(value, list) else value
            attributes = [(PROV["type"], self.space[kind]), (PROV["label"], reason.text.partition(": ")[0])]
            self.document.entity(me, [*attributes, *([(PROV["value"], shown)] if shown not in (None, "") else [])])
            self.document.used(self.derivation, me)
        for source in reason.because:
            self._derived(me, self._fact(source))
        return me

    def _parameter(self, reason: Reason) -> QualifiedName:
        me = self._name("parameter", reason.name)
        if self._once("parameter", reason.name):
            self.document.entity(me, [(PROV["type"], self.space["parameter"]), (PROV["label"], reason.text)])
            self.document.used(self.derivation, me)
            self._derived(me, self._name("rulebase", self.d.rulebase.version))
        for source in reason.sources:
            self._cites(me, source)
        return me

    def _missing(self, reason: Reason) -> QualifiedName:
        """What is not known, as an entity of its own: an undecided conclusion hangs on it."""
        me = self._name("unknown", reason.name)
        if self._once("unknown", reason.name):
            self.document.entity(me, [(PROV["type"], self.space["unknown"]), (PROV["label"], reason.text)])
        return me

    def _derived(self, me: QualifiedName, other: QualifiedName) -> None:
        if self._once("derived", me.localpart, other.localpart):
            self.document.wasDerivedFrom(me, other)

    def _cites(self, me: QualifiedName, source: Source) -> None:
        cited = self._name("source", source.id)
        if self._once("source", source.id):
            attributes: list[tuple[Any, Any]] = [
                (PROV["type"], self.space["source"]),
                (PROV["label"], f"{source.title}; {source.publisher}"),
                (self.space["consulted"], source.consulted.isoformat()),
                (self.space["kind"], source.kind),
            ]
            attributes += [(PROV["location"], source.address)] if source.address else []
            self.document.entity(cited, attributes)
        if self._once("cites", me.localpart, source.id, source.section or ""):
            section = [(self.space["section"], source.section)] if source.section else []
            self.document.hadPrimarySource(me, cited, other_attributes=section)
