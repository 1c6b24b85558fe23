"""Says in one line what a machine lacks to install imgrules, before pip says it in a hundred."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig

OLDEST, NEWEST = (3, 11), (3, 13)


def missing() -> str | None:
    """The one thing that is missing first, with what to do about it; None if nothing is."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        found = ".".join(map(str, version))
        return f"imgrules needs Python 3.11, 3.12 or 3.13, and this is {found}. Try: make PYTHON=python3.12 test"
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if not (shutil.which(compiler) or shutil.which("cc") or shutil.which("gcc")):
        return "A C compiler is needed to build durable-rules. On Debian or Ubuntu: apt-get install gcc python3-dev"
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if not os.path.exists(header):
        return f"The Python headers are missing ({header}). On Debian or Ubuntu: apt-get install python3-dev"
    try:
        import ensurepip  # noqa: F401  # only whether it is there
        import venv  # noqa: F401
    except ImportError:
        return "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"
    return None


if __name__ == "__main__":
    problem = missing()
    if problem:
        sys.exit(problem)
