"""What is not known, in words: the question to answer, or what to confirm and with whom."""

from __future__ import annotations

from imgrules.assessment.assess import Derived
from imgrules.assessment.unknowns import Cause
from imgrules.rulebase import schema
from imgrules.rulebase.ground import DISCONTINUED, NOT_IN_FORCE, OPENING_UNKNOWN, UPCOMING, WEAK
from imgrules.rulebase.rulebase import Rulebase


def cause_text(derived: Derived, cause: Cause, scope: str | None) -> str:
    """What is not known, in words: the question, or what to confirm and with whom."""
    rulebase = derived.rulebase
    if cause.kind == "fact":
        return str(rulebase.facts[cause.name].model.question)
    if cause.kind == "parameter":
        base, _, code = cause.name.partition("@")
        found = rulebase.find_parameter(base, code or None)
        title = found[0].model.title if found else base
        where = f" in {rulebase.jurisdiction_names[code]}" if code else ""
        known = ""
        value = rulebase.value_on(*found, derived.case.as_of) if found else None
        if cause.reason == "bounds" and found:
            known = f" (what is known: {derived.wording.parameter(*found)})"
        note = f" {value.note}" if value and value.note else ""
        return (
            f"Not established: {title}{where}{known}. Confirm with {_authority(rulebase, code or scope, value)}.{note}"
        )
    rule = derived.program.rules[cause.name]
    title = derived.wording.fill(rule.entry.model.title, derived.values, rule.scope)
    reasons = {
        WEAK: f"{_doubt(rule.entry.model)}: {title}.",
        OPENING_UNKNOWN: f"Whether applications are taken yet could not be established: {title}.",
        NOT_IN_FORCE: f"No rule in force on this date says: {title}.",
        UPCOMING: f"Not yet in force: {title}.",
        DISCONTINUED: f"No longer exists: {title}.",
    }
    return f"{reasons[cause.reason]} Confirm with {_authority(rulebase, rule.scope or scope, rule.entry.model)}."


def _doubt(model: schema.Evidence) -> str:
    """Why a rule's evidence does not settle the matter."""
    if model.firm:
        return "What is known does not settle it"
    if model.basis == "secondary":
        return "Known only from secondary sources"
    return "Known only from memory" if model.basis == "memory" else "Known only from sources that leave doubt"


def _authority(rulebase: Rulebase, code: str | None, evidence: schema.Evidence | None) -> str:
    """Whom to ask: the jurisdiction's board, else the official body whose own page is cited."""
    if code:
        return rulebase.jurisdictions[code].model.board.name
    models = [rulebase.sources[c.id].model for c in evidence.cited] if evidence else []
    official = [model.publisher for model in models if model.kind == "primary"]
    return official[0] if official else "the body that decides"
