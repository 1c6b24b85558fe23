"""The library in two calls, for notebooks. `Assessor` is the same for many cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, make_case
from imgrules.assessment.explain import Reason, explain
from imgrules.assessment.result import Assessment
from imgrules.rulebase.load import load_rulebase
from imgrules.rulebase.rulebase import Rulebase

_assessors: WeakKeyDictionary[Rulebase, Assessor] = WeakKeyDictionary()
_default: list[Rulebase] = []


def _assessor(rulebase: Rulebase | None) -> Assessor:
    if rulebase is None:
        if not _default:
            _default.append(load_rulebase())
        rulebase = _default[0]
    return _assessors.setdefault(rulebase, Assessor(rulebase))


def _case(
    case: Case | Mapping[str, Any], assessor: Assessor, as_of: date | str | None, jurisdictions: Iterable[str]
) -> Case:
    if isinstance(case, Case):
        return case
    return make_case(case, assessor.rulebase, as_of=as_of, jurisdictions=jurisdictions)


def assess(
    case: Case | Mapping[str, Any],
    rulebase: Rulebase | None = None,
    *,
    as_of: date | str | None = None,
    jurisdictions: Iterable[str] = (),
) -> Assessment:
    """Assess a case, or facts given as a mapping (nested or dotted), with the shipped rules unless others are given.

    `as_of` and `jurisdictions` go with facts given as a mapping. Raises `CaseError` for bad or contradictory facts.
    """
    assessor = _assessor(rulebase)
    return assessor.assess(_case(case, assessor, as_of, jurisdictions))


def why(
    case: Case | Mapping[str, Any],
    name: str,
    rulebase: Rulebase | None = None,
    *,
    as_of: date | str | None = None,
    jurisdictions: Iterable[str] = (),
) -> Reason:
    """The proof of a finding, requirement or route, whatever its outcome. Raises `InputError` for an unknown name."""
    assessor = _assessor(rulebase)
    return explain(assessor.derive(_case(case, assessor, as_of, jurisdictions)), name)
