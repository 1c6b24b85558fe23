"""The one line that says what a machine lacks."""

from __future__ import annotations

import sys
import sysconfig

import pytest
from scripts import preflight


def test_this_machine_lacks_nothing() -> None:
    """The machine that runs the tests can build the engine."""
    assert preflight.missing() is None


def test_each_lack_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong Python, no compiler, no headers: each is told with the package that brings it."""
    with monkeypatch.context() as m:
        m.setattr(sys, "version_info", (3, 10, 0))
        assert "3.10" in str(preflight.missing())
    with monkeypatch.context() as m:
        m.setenv("PATH", "")
        assert "C compiler" in str(preflight.missing())
    with monkeypatch.context() as m:
        m.setattr(sysconfig, "get_path", lambda name: "/nowhere")
        assert "headers" in str(preflight.missing())
