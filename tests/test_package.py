"""What is installed: the exported names, and a wheel that works from any folder in a clean environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import imgrules

ROOT = Path(__file__).parents[1]


def test_exported_names() -> None:
    """Exactly these are public, each can be had, and a wrong one is an AttributeError."""
    assert sorted(imgrules.__all__) == [
        "Assessment", "Assessor", "Case", "CaseError", "EngineError", "ImgrulesError", "InputError", "Interview", "Outcome", "Problem", "Reason",
        "Rulebase", "RulebaseError", "Status", "__version__", "assess", "load_rulebase", "make_case", "parse_case", "read_case", "why",
    ]  # fmt: skip
    assert dir(imgrules) == sorted(imgrules.__all__)
    for name in imgrules.__all__:
        assert getattr(imgrules, name) is not None
    assert not hasattr(imgrules, "nothing")


def test_the_version_is_told_once() -> None:
    """The package, pyproject.toml and the changelog agree."""
    assert f'version = "{imgrules.__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert f"## {imgrules.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_wheel_works_from_any_folder(tmp_path: Path) -> None:
    """Built, installed into a new environment and run from an empty folder, with its own rules, cases and schemas."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "IMGRULES", "COV"))}
    env["IMGRULES_CACHE"] = str(tmp_path / "cache")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, env=env)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=False, system_site_packages=False)
    site = subprocess.run(
        [tmp_path / "venv/bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True, env=env,
    ).stdout.strip()  # fmt: skip
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, str(wheel)]
    subprocess.run(pip, check=True, env=env, capture_output=True)
    ours = next(p for p in sys.path if p.endswith("site-packages"))
    (Path(site) / "dependencies.pth").write_text(ours + "\n")  # the libraries, without building them again
    away = tmp_path / "away"
    away.mkdir()

    def run(*args: str) -> str:
        call = [str(tmp_path / "venv/bin/python"), "-m", "imgrules", *args]
        return subprocess.run(call, cwd=away, env=env, check=True, capture_output=True, text=True).stdout

    where = subprocess.run(
        [tmp_path / "venv/bin/python", "-c", "import imgrules; print(imgrules.__file__)"],
        cwd=away, env=env, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert where.startswith(site)
    assert "0 errors" in run("rules", "check")
    run("case", "new", "me.yaml")
    assert json.loads(run("assess", "me.yaml", "--format", "json", "--state", "CA"))["rulebase"]
    assert "golden cases as expected" in run("rules", "test")
