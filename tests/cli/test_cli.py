"""The command line as its users meet it: output, exit codes, no tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from imgrules import cli
from imgrules.errors import EngineError
from imgrules.rulebase.load import shipped
from imgrules.rulebase.rulebase import Rulebase

CASE = """case: maria
as_of: 2026-11-22
jurisdictions: [CA]
facts:
  visa.status: lpr
  usmle.step1: {passed: true, passed_on: 2021-03-01, attempts: 1}
  usmle.step2ck: {passed: true, passed_on: 2022-03-01, attempts: 1}
"""


@pytest.fixture
def case(tmp_path: Path) -> str:
    path = tmp_path / "maria.yaml"
    path.write_text(CASE)
    return str(path)


class Run:
    """One run of the command line: exit code, standard output and error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def call(*args: str) -> Run:
        code = cli.run(list(args))
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err)

    return call


def test_assess_as_text(run, case: str) -> None:  # type: ignore[no-untyped-def]
    """The text names the case, the day, the rules' version, the routes and the sources, in 80 columns without colour."""
    done = run("assess", case)
    assert done.code == 0
    for words in (
        "maria, judged on 22 November 2026",
        "THE WAY",
        "ROUTES",
        "Full licence in California",
        "TO FIND OUT FIRST",
        "SOURCES",
    ):
        assert words in done.out
    lines = done.out.splitlines()
    assert max(map(len, (line for line in lines if "http" not in line))) <= 80
    assert "\x1b" not in done.out
    assert not [line for line in lines if line != line.rstrip()]
    assert "[1]" in done.out


def test_assess_in_full_names_every_route(run, case: str) -> None:  # type: ignore[no-untyped-def]
    """--all shows each route that is meant for the applicant."""
    data = json.loads(run("assess", case, "--format", "json").out)
    full = " ".join(run("assess", case, "--all").out.split())
    for route in data["routes"]:
        if route["status"] != "not_applicable":
            assert route["id"] in full


def test_assess_as_json_follows_the_published_schema(run, case: str) -> None:  # type: ignore[no-untyped-def]
    """The JSON validates against the schema that the program and the repository publish."""
    done = run("assess", case, "--format", "json", "--state", "TX", "--state", "new york", "--as-of", "2026-12-01")
    data = json.loads(done.out)
    jsonschema.validate(data, json.loads((shipped("schemas") / "assessment.schema.json").read_text()))
    assert data["jurisdictions"] == ["TX", "NY"]
    assert data["as_of"] == "2026-12-01"


def test_assess_as_markdown(run, case: str) -> None:  # type: ignore[no-untyped-def]
    """Markdown has the same routes and steps."""
    out = run("assess", case, "--format", "markdown").out
    assert out.startswith("# maria\n")
    assert "## Routes" in out
    assert "## Next steps" in out


def test_why_in_three_forms(run, case: str) -> None:  # type: ignore[no-untyped-def]
    """A proof as text, JSON and a graph; a name with a code needs no --state."""
    assert "lawful permanent resident" in run("why", case, "visa.none_needed").out
    assert json.loads(run("why", case, "licence.standard@TX", "--format", "json").out)["name"] == "licence.standard@TX"
    assert run("why", case, "visa.none_needed", "--format", "dot").out.startswith("digraph")


def test_facts(run, rules: Rulebase) -> None:  # type: ignore[no-untyped-def]
    """All facts, a group, one in full with who uses it, and a suggestion for a typo."""
    assert len([line for line in run("facts").out.splitlines() if not line.startswith(" ")]) == len(rules.facts)
    assert "usmle.step1.passed " in run("facts", "usmle").out
    one = run("facts", "visa.status").out
    assert "asked:" in one
    assert "used by:" in one
    assert "citizen:" in one
    assert json.loads(run("facts", "visa.status", "--format", "json").out)["visa.status"]["type"] == "enum"
    wrong = run("facts", "usmle.step1.pased")
    assert wrong.code == 1
    assert "Did you mean usmle.step1.passed" in wrong.err


def test_rules_list_and_sources(run, rules: Rulebase) -> None:  # type: ignore[no-untyped-def]
    """Lists by kind, by state, as JSON; the bibliography searched."""
    assert len(run("rules", "list", "jurisdictions").out.splitlines()) == len(rules.jurisdictions)
    assert "routes (" in run("rules", "list").out
    own = json.loads(run("rules", "list", "requirements", "--state", "ny", "--format", "json").out)
    assert all(name.endswith("@NY") for name in own["requirements"])
    assert "law" in run("rules", "sources", "statute").out.lower() or run("rules", "sources").out
    assert len(json.loads(run("rules", "sources", "--format", "json").out)) == len(rules.sources)


def test_rules_show_anything(run, rules: Rulebase) -> None:  # type: ignore[no-untyped-def]
    """A requirement, a parameter of one state, a fact, a jurisdiction; unknown names get suggestions."""
    assert "met_when" in run("rules", "show", "licence.gme_months").out
    shown = run("rules", "show", "$licence.gme_months@CA").out
    assert "CA: 24 months" in shown
    assert "NY:" not in shown
    for name in ("visa.status", "CA", "usmle.attempts_total", "licence.ptal@CA"):
        assert run("rules", "show", name).code == 0
    assert json.loads(run("rules", "show", "CA", "--format", "json").out)[0]["title"] == "California"
    assert "Did you mean" in run("rules", "show", "licence.gme_month").err
    assert "CA" in run("rules", "show", "licence.ptal").err


def test_rules_check_and_test(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The shipped rules are clean; a bad folder lists its problems and exits 1; golden cases report differences."""
    good = run("rules", "check")
    assert (good.code, "0 errors" in good.out) == (0, True)
    (tmp_path / "bad.yaml").write_text("checked: 2026-11-22\nfacts:\n  a.b: {type: bool}\n")
    bad = run("rules", "check", str(tmp_path))
    assert bad.code == 1
    assert "R003" in bad.out
    assert json.loads(run("rules", "check", "--format", "json", str(tmp_path)).out)[0]["code"] == "R003"
    assert run("--rules", str(tmp_path), "facts").code == 1
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "a.yaml").write_text(CASE + "expect: {routes: {visa.none_needed: closed}}\n")
    wrong = run("rules", "test", str(cases))
    assert wrong.code == 1
    assert "expected closed, got open" in wrong.out
    assert json.loads(run("rules", "test", str(cases), "--format", "json").out)[0]["differences"]


def test_case_new(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A template to a file or to the screen; nothing is overwritten unasked."""
    target = tmp_path / "me.yaml"
    assert run("case", "new", str(target)).code == 0
    assert run("assess", str(target)).code == 0
    again = run("case", "new", str(target))
    assert (again.code, "--force" in again.err) == (1, True)
    assert run("case", "new", str(target), "--force").code == 0
    assert "facts:" in run("case", "new").out
    assert run("case", "new", str(tmp_path / "no" / "folder.yaml")).code == 1


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["assess", "nowhere.yaml"], 1, "There is no file nowhere.yaml"),
        (["assess"], 2, "Missing argument"),
        (["asess", "x"], 2, "assess"),
        (["assess", "CASE", "--state", "Califrnia"], 1, "Did you mean California"),
        (["assess", "CASE", "--as-of", "soon"], 1, "is not a date"),
        (["assess", "CASE", "--format", "pdf"], 2, "pdf"),
        (["why", "CASE", "no.such"], 1, "no finding, requirement or route"),
        (["--rules", "/nowhere", "facts"], 1, "no rules folder"),
        (["schema", "thing"], 2, "thing"),
    ],
)
def test_mistakes_get_one_clear_message(run, case: str, args: list[str], code: int, words: str) -> None:  # type: ignore[no-untyped-def]
    """Exit code 1 or 2, a sentence with what to do, never a traceback."""
    done = run(*[case if a == "CASE" else a for a in args])
    assert done.code == code
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_bad_case_lists_every_problem(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """All problems with their lines, and how many."""
    path = tmp_path / "bad.yaml"
    path.write_text("case: x\nfacts:\n  visa.statsu: lpr\n  usmle.step1.attempts: -2\n")
    done = run("assess", str(path))
    assert done.code == 1
    assert "bad.yaml:3:3: C010" in done.err
    assert "2 problems." in done.err


def test_internal_errors_are_told_apart(run, case: str, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """A defect exits 3 with how to report it, or with its traceback under --debug; so does an engine's limit."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("imgrules.cli.judge.derive", broken)
    done = run("assess", case)
    assert (done.code, "defect" in done.err) == (3, True)
    with pytest.raises(ZeroDivisionError):
        run("--debug", "assess", case)

    def beyond(*_: object) -> None:
        raise EngineError("too large")

    monkeypatch.setattr("imgrules.cli.judge.derive", beyond)
    assert run("assess", case).code == 3

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imgrules.cli.judge.derive", interrupted)
    assert run("assess", case).code == 1


def test_schemas_in_the_repository_are_up_to_date(run) -> None:  # type: ignore[no-untyped-def]
    """`make schemas` was run after the last change."""
    for what in ("case", "rules", "assessment"):
        assert json.loads(run("schema", what).out) == json.loads(
            (shipped("schemas") / f"{what}.schema.json").read_text()
        )


def test_shipped_files_follow_their_schemas() -> None:
    """Editors that check by our schemas find nothing wrong in our own files, and are told where the schema is."""
    from imgrules.rulebase.document import read_document

    for what, folder in (("rules", shipped("rules")), ("case", shipped("cases"))):
        validator = jsonschema.Draft202012Validator(
            json.loads((shipped("schemas") / f"{what}.schema.json").read_text())
        )
        for path in sorted(folder.rglob("*.yaml")):
            text = path.read_text()
            head = text.splitlines()[0]
            assert head.startswith("# yaml-language-server: $schema="), path
            assert (path.parent / head.partition("$schema=")[2]).resolve().name == f"{what}.schema.json"
            assert (path.parent / head.partition("$schema=")[2]).resolve().exists(), path
            data = json.loads(json.dumps(read_document(text, path.name).data, default=_plain))
            errors = [f"{path.name}: {e.json_path}: {e.message[:120]}" for e in validator.iter_errors(data)]
            assert errors == []


def _plain(value: object) -> object:
    from datetime import date

    return value.isoformat() if isinstance(value, date) else float(str(value))


def test_help_and_assess_load_nothing_heavy(case: str) -> None:
    """`--help` loads neither pydantic, rich nor the engine; `assess` no table or web library."""
    code = "import sys; from imgrules import cli; cli.run({args!r}); print(sorted(m for m in {heavy!r} if m in sys.modules), file=sys.stderr)"
    for args, heavy in (
        (["--help"], ["pydantic", "rich", "durable_rules_engine", "yaml"]),
        (["assess", case], ["polars", "pyspark", "pandas", "fastapi", "sqlalchemy", "hypothesis"]),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code.format(args=args, heavy=heavy)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ,
        )
        assert done.stderr.strip() == "[]"


def test_a_closed_pipe_is_not_an_error(case: str) -> None:
    """`imgrules ... | head -1` ends quietly."""
    done = subprocess.run(
        f"{sys.executable} -m imgrules facts | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stderr == ""


def test_every_command_is_documented() -> None:
    """`make docs` was run after the last change of a command, option or help text."""
    from scripts.commands import TARGET, page

    assert TARGET.read_text(encoding="utf-8") == page()
