"""Where a decision comes from, as W3C PROV: it reads back, and every conclusion leads to facts and sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prov.model import ProvDocument

from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.case import read_case
from imgrules.audit.prov import prov_json, provenance
from imgrules.errors import InputError
from tests.audit.people import applicant, entry, small

CASES = Path(__file__).parents[2] / "cases"


def written(
    derived: Derived, of: str | None = None, who: str = "an adviser"
) -> dict[str, dict[str, dict[str, object]]]:
    """A decision's provenance as PROV-JSON, read back and compared on the way."""
    record = entry(1, derived.case, derived.rulebase.version, who=who)
    text = prov_json(derived, record, of)
    assert ProvDocument.deserialize(content=text, format="json") == provenance(derived, record, of)
    found: dict[str, dict[str, dict[str, object]]] = json.loads(text)
    return found


def edges(found: dict[str, dict[str, dict[str, object]]]) -> dict[str, set[str]]:
    """What each entity was derived from."""
    made: dict[str, set[str]] = {}
    for relation in found["wasDerivedFrom"].values():
        made.setdefault(str(relation["prov:generatedEntity"]), set()).add(str(relation["prov:usedEntity"]))
    return made


def behind(name: str, made: dict[str, set[str]]) -> set[str]:
    """Everything an entity was derived from, directly or not; a circle never ends, so there is none."""
    return set().union(*({other} | behind(other, made) for other in made.get(name, ())))


def test_a_conclusion_leads_to_facts_rules_and_sources() -> None:
    rules = small()
    found = written(Assessor(rules).derive(applicant(rules, training_months=3)), "licence.full@AA")
    below = behind("imgrules:conclusion/licence.full@AA", edges(found))
    assert {
        "imgrules:conclusion/licence.trained@AA", "imgrules:rule/licence.trained@AA", "imgrules:fact/training.months",
        "imgrules:source/law", f"imgrules:rulebase/{rules.version}",
    } <= below  # fmt: skip
    entity = found["entity"]["imgrules:conclusion/licence.full@AA"]
    assert (entity["imgrules:outcome"], entity["imgrules:status"]) == ("not_met", "reachable")
    assert entity["prov:label"] == "Full licence in Aland"


def test_who_did_what_with_what() -> None:
    rules = small()
    found = written(Assessor(rules).derive(applicant(rules)))
    assert list(found["activity"]) == ["imgrules:derivation/record-1"]
    assert set(found["agent"]) == {"imgrules:operator/an%20adviser", "imgrules:program/0.1.0"}
    [plan] = [relation["prov:plan"] for relation in found["wasAssociatedWith"].values()]
    assert plan == f"imgrules:rulebase/{rules.version}"
    used = {str(relation["prov:entity"]) for relation in found["used"].values()}
    assert {"imgrules:fact/exam.attempts", "imgrules:rule/exam.ok"} <= used
    generated = {str(relation["prov:entity"]) for relation in found["wasGeneratedBy"].values()}
    assert {"imgrules:record/record-1", "imgrules:conclusion/exam.ok"} <= generated
    assert found["entity"]["imgrules:record/record-1"]["imgrules:hash"] == "ab" * 32


def test_a_worked_out_fact_was_derived_from_what_was_told() -> None:
    rules = small()
    found = written(Assessor(rules).derive(applicant(rules)), "exam.fresh")
    assert edges(found)["imgrules:derived/exam.age"] == {"imgrules:fact/exam.passed_on"}
    value = found["entity"]["imgrules:fact/exam.passed_on"]["prov:value"]
    assert value == "2022-03-01"


def test_what_is_not_known_is_named() -> None:
    rules = small()
    found = written(Assessor(rules).derive(applicant(rules, training_months=None)), "licence.full@AA")
    assert "imgrules:unknown/training.months" in behind("imgrules:conclusion/licence.full@AA", edges(found))


def test_every_relation_names_what_is_there(assessor: Assessor) -> None:
    """On the shipped rules, all routes: no relation points at an entity that is not described, and nothing is circular."""
    found = written(assessor.derive(read_case(CASES / "demo.yaml", assessor.rulebase)))
    known = {*found["entity"], *found["activity"], *found["agent"]}
    ends = (
        "entity",
        "activity",
        "agent",
        "plan",
        "generatedEntity",
        "usedEntity",
        "collection",
        "delegate",
        "responsible",
    )
    for kind, relations in found.items():
        if kind not in ("prefix", "entity", "activity", "agent"):
            named = {str(r[f"prov:{end}"]) for r in relations.values() for end in ends if f"prov:{end}" in r}
            assert named <= known, kind
    made = edges(found)
    for name in list(made)[:40]:
        behind(name, made)


@settings(max_examples=20)
@given(st.text(min_size=1, max_size=40).filter(str.strip))
def test_any_operator_can_be_written(who: str) -> None:
    rules = small()
    assert written(Assessor(rules).derive(applicant(rules)), "exam.ok", who)


def test_an_unknown_name_gets_a_suggestion() -> None:
    rules = small()
    with pytest.raises(InputError, match=r"Did you mean exam\.ok"):
        written(Assessor(rules).derive(applicant(rules)), "exam.okk")
