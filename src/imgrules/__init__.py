"""imgrules: where an International Medical Graduate stands on the way to practising in the United States.

import imgrules

rules = imgrules.load_rulebase()
case = imgrules.read_case("cases/fresh-graduate.yaml", rules)
answer = imgrules.assess(case, rules)
answer.route("ecfmg.certification").status
print(imgrules.why(case, "ecfmg.certification", rules))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgrules._version import __version__

__all__ = [
    "Assessment",
    "Assessor",
    "Case",
    "CaseError",
    "EngineError",
    "ImgrulesError",
    "InputError",
    "Interview",
    "Outcome",
    "Problem",
    "Reason",
    "Rulebase",
    "RulebaseError",
    "Status",
    "__version__",
    "assess",
    "load_rulebase",
    "make_case",
    "parse_case",
    "read_case",
    "why",
]

if TYPE_CHECKING:
    from imgrules.api import assess, why
    from imgrules.assessment.assess import Assessor
    from imgrules.assessment.case import Case, make_case, parse_case, read_case
    from imgrules.assessment.explain import Reason
    from imgrules.assessment.result import Assessment, Status
    from imgrules.errors import CaseError, EngineError, ImgrulesError, InputError, Problem, RulebaseError
    from imgrules.interview.session import Interview
    from imgrules.rulebase.load import load_rulebase
    from imgrules.rulebase.rulebase import Rulebase
    from imgrules.rulebase.values import Outcome

_HOMES = {
    "imgrules.api": ("assess", "why"),
    "imgrules.assessment.assess": ("Assessor",),
    "imgrules.assessment.case": ("Case", "make_case", "parse_case", "read_case"),
    "imgrules.assessment.explain": ("Reason",),
    "imgrules.assessment.result": ("Assessment", "Status"),
    "imgrules.errors": ("CaseError", "EngineError", "ImgrulesError", "InputError", "Problem", "RulebaseError"),
    "imgrules.interview.session": ("Interview",),
    "imgrules.rulebase.load": ("load_rulebase",),
    "imgrules.rulebase.rulebase": ("Rulebase",),
    "imgrules.rulebase.values": ("Outcome",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Names load when first used, so that `imgrules --help` and scripts pay only for what they touch."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'imgrules' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
