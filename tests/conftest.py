"""Fixtures shared by all tests: the shipped rulebase, loaded once, and how long hypothesis may search."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from imgrules.assessment.assess import Assessor
from imgrules.rulebase.load import load_rulebase
from imgrules.rulebase.rulebase import Rulebase

settings.register_profile("default", deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
settings.register_profile("long", deadline=None, max_examples=1000, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests never read or leave anything in the user's cache."""
    os.environ["IMGRULES_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def rules() -> Rulebase:
    """The shipped rulebase."""
    return load_rulebase()


@pytest.fixture(scope="session")
def assessor(rules: Rulebase) -> Assessor:
    """One assessor of the shipped rulebase."""
    return Assessor(rules)
