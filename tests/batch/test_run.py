"""A run of a batch: nothing lost, nothing twice, whatever cuts it off; and nothing believed that the engine does not confirm."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pyarrow import parquet

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import case_text, read_case
from imgrules.batch.check import as_texts
from imgrules.batch.inputs import open_inputs
from imgrules.batch.run import Settings, run
from imgrules.batch.work import Job, Worker
from imgrules.cli import run as command
from imgrules.engines.columnar import Columnar
from imgrules.errors import CaseError, EngineError, InputError, ProblemsError
from imgrules.rulebase.rulebase import Rulebase
from tests.cases import random_case

DAY = date(2026, 11, 22)
FILES = sorted((Path(__file__).parents[2] / "cases" / "visas").rglob("*.yaml"))[:24]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, assessor: Assessor) -> Path:
    """A CSV of golden cases with some rows that cannot be judged, case ids that come twice, and names from anywhere."""
    path = tmp_path_factory.mktemp("in") / "people.csv"
    cases = [read_case(file, assessor.rulebase) for file in FILES]
    rows: list[dict[str, Any]] = []
    for i, case in enumerate(cases):
        facts = json.loads(case_text(case))["facts"]
        cells = {name: (" ".join(v) or "none") if isinstance(v, list) else str(v) for name, v in facts.items()}
        aims = " ".join(case.jurisdictions) if i == 1 else "TX"
        rows.append({"case": f"Zoë {i} 医", "as_of": str(case.as_of), "jurisdictions": aims, **cells})
    rows[3]["usmle.step1.attempts"] = "many"
    rows[7]["case"] = rows[5]["case"]
    rows[9] |= {"degree.status": "student", "degree.graduated_on": "2020-01-01"}
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("too,few\n")
    return path


def job(rules: Rulebase, **options: Any) -> Job:
    return Job("", None, rules.version, DAY, **options)


def batch(
    table: Path, out: Path, rules: Rulebase, size: int = 10, settings: Settings | None = None, **options: Any
) -> Any:
    return run(open_inputs([table], rows_per_part=size), job(rules, **options), out, settings or Settings(check=3))


def contents(out: Path) -> dict[str, str]:
    """Every file that does not tell the time, by name, as a hash."""
    files = sorted(p for p in out.rglob("*") if p.is_file())
    timed = {"manifest.json", "summary.json", "report.html"}
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.name not in timed}


@pytest.fixture(scope="module")
def unbroken(table: Path, rules: Rulebase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("unbroken") / "out"
    batch(table, out, rules)
    return out


# what comes out ---------------------------------------------------------------------------------------------------------


def test_every_row_is_judged_or_handed_back(table: Path, unbroken: Path) -> None:
    """Cases and rejects together are the rows, a reject is whole, with its line and everything wrong with it."""
    manifest = json.loads((unbroken / "manifest.json").read_text(encoding="utf-8"))
    rows = len(table.read_text(encoding="utf-8").splitlines()) - 1
    assert manifest["cases"] == {"in": rows, "out": rows - 3, "rejects": 3}
    days = pl.read_parquet(unbroken / "cases")["as_of"]
    assert manifest["days"] == [str(days.min()), str(days.max())]
    rejects = [json.loads(line) for line in (unbroken / "rejects.ndjson").read_text(encoding="utf-8").splitlines()]
    assert [(r["line"], r["errors"][0]["code"]) for r in rejects][:2] == [(5, "C011"), (11, "C020")]
    assert rejects[0]["raw"]["usmle.step1.attempts"] == "many"
    assert rejects[2]["raw"] == "too,few"
    cases = pl.read_parquet(unbroken / "cases")
    assert cases.height == rows - 3
    told = sorted([*cases["line"], *(r["line"] for r in rejects)])
    assert told == list(range(2, rows + 2))


def test_the_written_lines_are_the_assessment(table: Path, unbroken: Path, assessor: Assessor) -> None:
    """The tables say what `assess` says of the same person, in the states that were asked for."""
    cases, routes = pl.read_parquet(unbroken / "cases"), pl.read_parquet(unbroken / "routes")
    assessment = assessor.assess(read_case(FILES[1], assessor.rulebase))
    row = cases.filter(pl.col("line") == 3).row(0, named=True)
    assert row["as_of"] == assessment.as_of
    lines = {line["route"]: line for line in routes.filter(pl.col("case") == row["case"]).to_dicts()}
    assert lines
    for name, line in lines.items():
        assert line["status"] == assessment.route(name).status
        assert line["blockers"].split() == [b.requirement for b in assessment.route(name).blockers]


def test_names_and_totals_explain_the_tables(unbroken: Path) -> None:
    """Each name that the tables use is in names.csv; the summary's counts are the tables' own."""
    names = set(pl.read_csv(unbroken / "names.csv")["name"])
    routes = pl.read_parquet(unbroken / "routes").with_columns(pl.all().cast(pl.String))
    used = {n for column in ("blockers", "unknown", "confirm") for text in routes[column] for n in text.split()}
    assert used | set(routes["route"]) <= names
    summary = json.loads((unbroken / "summary.json").read_text(encoding="utf-8"))
    for route in summary["routes"]:
        mine = routes.filter(pl.col("route") == route["route"])["status"]
        assert {s: route[s] for s in mine.unique()} == dict(mine.value_counts().iter_rows())
    top = summary["blockers"][0]
    assert top["cases"] == sum(top["name"] in text.split() for text in routes["blockers"])
    assert summary["duplicates"]["ids"] == 1
    assert len(summary["duplicates"]["examples"][0]["places"]) == 2
    page = (unbroken / "report.html").read_text(encoding="utf-8")
    assert top["title"] in page.replace("&#x27;", "'")


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_text_formats_say_the_same(form: str, table: Path, unbroken: Path, rules: Rulebase, tmp_path: Path) -> None:
    """Asked for as text, the tables are one file each, with the same lines."""
    batch(table, tmp_path / "out", rules, format=form)
    for kind in ("cases", "routes"):
        path = tmp_path / "out" / f"{kind}.{form}"
        found = pl.read_csv(path, infer_schema=False) if form == "csv" else pl.read_ndjson(path)
        texts = [
            f.with_columns(pl.all().cast(pl.String).replace("", None))
            for f in (found, pl.read_parquet(unbroken / kind))
        ]
        assert texts[0].equals(texts[1])


@pytest.mark.parametrize("form", ["parquet", "csv", "ndjson"])
def test_the_same_however_few_lines_are_held(
    form: str, table: Path, rules: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that comes to many lines is worked on piece by piece, which changes nothing that is read."""
    batch(table, tmp_path / "whole", rules, size=1000, format=form)
    monkeypatch.setattr("imgrules.batch.evaluate._LINES", 100)
    batch(table, tmp_path / "pieces", rules, size=1000, format=form, settings=Settings(check=5))
    if form != "parquet":
        assert contents(tmp_path / "pieces") == contents(tmp_path / "whole")
        return
    assert parquet.ParquetFile(next((tmp_path / "pieces" / "routes").iterdir())).num_row_groups > 3
    for kind in ("cases", "routes"):
        whole, pieces = (as_texts(pl.read_parquet(tmp_path / name / kind)) for name in ("whole", "pieces"))
        assert whole.equals(pieces)


def test_the_same_whatever_the_parts_and_processes(
    table: Path, unbroken: Path, rules: Rulebase, tmp_path: Path
) -> None:
    """How rows are cut into parts and who works on them changes nothing."""
    batch(table, tmp_path / "two", rules, settings=Settings(workers=2, check=0))
    assert contents(tmp_path / "two") == contents(unbroken)
    batch(table, tmp_path / "one", rules, size=1000)
    for kind in ("cases", "routes"):
        read = [
            pl.read_parquet(out / kind).with_columns(pl.col(pl.Categorical).cast(pl.String))
            for out in (tmp_path / "one", unbroken)
        ]
        assert read[0].equals(read[1])


def test_states_and_day_of_the_command_line(table: Path, rules: Rulebase, tmp_path: Path) -> None:
    """States replace the rows' own, and a day does."""
    batch(table, tmp_path / "out", rules, jurisdictions=("VT",), one_day=True)
    cases = pl.read_parquet(tmp_path / "out" / "cases")
    assert set(cases["jurisdictions"]) == {"VT"}
    assert set(cases["as_of"]) == {DAY}


def test_a_folder_of_case_files(rules: Rulebase, tmp_path: Path, assessor: Assessor) -> None:
    """Case files as they are, good and bad."""
    folder = tmp_path / "cases"
    folder.mkdir()
    for i in range(5):
        case = random_case(assessor.rulebase, i, known=0.1)
        (folder / f"{i}.json").write_text(case_text(case), encoding="utf-8")
    (folder / "bad.yaml").write_text("case: [", encoding="utf-8")
    manifest = run(open_inputs([folder], rows_per_part=2), job(rules), tmp_path / "out", Settings(check=2))
    assert manifest["cases"]["in"] == 6
    assert manifest["cases"]["rejects"] >= 1


# cut off ------------------------------------------------------------------------------------------------------------------


def test_strict_stops_at_the_first_reject(table: Path, rules: Rulebase, tmp_path: Path) -> None:
    """The error names file, line and what is wrong; nothing is published."""
    with pytest.raises(CaseError, match=r"people.csv:5.*many is not a whole number"):
        batch(table, tmp_path / "out", rules, settings=Settings(strict=True))
    assert [p.name for p in (tmp_path / "out").iterdir()] == [".run"]


@pytest.mark.parametrize("after", range(3))
def test_an_error_in_between_loses_nothing(
    after: int, table: Path, unbroken: Path, rules: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off before, between and after parts, resumed: the same files; parts that were done are not done again."""
    worked: list[int] = []
    real = Worker.work

    def work(self: Worker, part: Any) -> Any:
        if len(worked) == after and not (tmp_path / "fixed").exists():
            raise KeyboardInterrupt
        worked.append(part.index)
        return real(self, part)

    monkeypatch.setattr(Worker, "work", work)
    with pytest.raises(KeyboardInterrupt):
        batch(table, tmp_path / "out", rules)
    assert not (tmp_path / "out" / "manifest.json").exists()
    (tmp_path / "fixed").touch()
    batch(table, tmp_path / "out", rules, settings=Settings(check=3, resume=True))
    assert worked == sorted(set(worked))
    assert contents(tmp_path / "out") == contents(unbroken)
    batch(table, tmp_path / "out", rules, settings=Settings(check=3, resume=True))  # nothing is left to do
    assert contents(tmp_path / "out") == contents(unbroken)


@pytest.mark.parametrize("at", [0, 1, 3, 6])
def test_cut_off_while_publishing(
    at: int, table: Path, unbroken: Path, rules: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest is the last to appear; going on finishes the rest."""
    calls = iter(range(100))
    real = os.replace

    def replace(source: Any, target: Any) -> None:
        if next(calls) == at and not (tmp_path / "fixed").exists():
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr("imgrules.batch.run.os.replace", replace)
    try:
        batch(table, tmp_path / "out", rules)
    except KeyboardInterrupt:
        assert not (tmp_path / "out" / "manifest.json").exists()
        (tmp_path / "fixed").touch()
        batch(table, tmp_path / "out", rules, settings=Settings(check=3, resume=True))
    assert contents(tmp_path / "out") == contents(unbroken)
    assert not (tmp_path / "out" / ".run").exists()


def kills(table: Path, out: Path, times: int, seed: int, size: int = 3) -> Iterator[float]:
    """Start the command, kill it at a random moment, and again with --resume; yields the moments."""
    moment = random.Random(seed)
    line = [sys.executable, "-m", "imgrules", "batch", str(table), "--out", str(out), "--as-of", "2026-11-22"]
    line += [
        "--rows-per-part",
        str(size),
        "--check",
        "2",
        "--jobs",
        "1",
        "--routes",
        "ecfmg.certification,residency.match",
    ]
    for i in range(times):
        process = subprocess.Popen([*line, *(["--resume"] if out.exists() else [])], stderr=subprocess.DEVNULL)
        wait = moment.uniform(0.3, 4)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            yield wait
        if (out / "manifest.json").exists() and not (out / ".run").exists() and i < times - 1:
            for path in sorted(out.rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
            out.rmdir()
    done = subprocess.run([*line, *(["--resume"] if out.exists() else [])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_killed_at_random_moments(table: Path, tmp_path: Path) -> None:
    """kill -9, resumed: the same files as of a run that nothing happened to. `python -m tests.batch.kills` tries more."""
    list(kills(table, tmp_path / "whole", 0, 0))
    list(kills(table, tmp_path / "killed", 4, seed=4))
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_full_disk_says_so_and_resumes(
    table: Path, unbroken: Path, rules: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No room: a clear error, nothing half written, and the run goes on when there is."""
    real = pl.DataFrame.write_parquet

    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(InputError, match=r"no room on the disk.*--resume"):
        batch(table, tmp_path / "out", rules)
    assert not list((tmp_path / "out").rglob("*.tmp"))
    monkeypatch.setattr(pl.DataFrame, "write_parquet", real)
    batch(table, tmp_path / "out", rules, settings=Settings(check=3, resume=True))
    assert contents(tmp_path / "out") == contents(unbroken)


def test_a_whole_run_is_not_taken_for_another(table: Path, rules: Rulebase, tmp_path: Path) -> None:
    """With the same options it is there already; with others it is refused, whatever they are."""
    out, again = tmp_path / "out", Settings(check=0, resume=True)
    manifest = batch(table, out, rules, settings=Settings(check=0))
    assert batch(table, out, rules, settings=again) == manifest
    for changed in ({"jurisdictions": ("TX",)}, {"format": "csv"}, {"wanted": "all"}, {"seed": 3}, {"one_day": True}):
        with pytest.raises(InputError, match="something else"):
            batch(table, out, rules, settings=again, **changed)


def test_columns_nobody_knows_leave_nothing_behind(rules: Rulebase, tmp_path: Path) -> None:
    """They are told before any work, and the folder can be used at once."""
    (tmp_path / "in.csv").write_text("case,no.such\na,1\n", encoding="utf-8")
    with pytest.raises(ProblemsError, match=r"no\.such"):
        batch(tmp_path / "in.csv", tmp_path / "out", rules)
    assert not (tmp_path / "out").exists()


def test_a_run_of_something_else_does_not_go_on(table: Path, rules: Rulebase, tmp_path: Path) -> None:
    """Other options, rules, inputs or a folder in use are refused, in words."""
    with pytest.raises(CaseError):
        batch(table, tmp_path / "out", rules, settings=Settings(strict=True))
    with pytest.raises(InputError, match="cut off"):
        batch(table, tmp_path / "out", rules)
    with pytest.raises(InputError, match="--routes changed"):
        batch(table, tmp_path / "out", rules, settings=Settings(resume=True), wanted="all")
    with pytest.raises(InputError, match="--rows-per-part changed"):
        batch(table, tmp_path / "out", rules, size=11, settings=Settings(resume=True))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(InputError, match="not empty"):
        batch(table, tmp_path / "mine", rules)
    other = Job("", None, "0" * 16, DAY)
    with pytest.raises(InputError, match="rules have changed"):
        run(open_inputs([table], rows_per_part=10), other, tmp_path / "rules", Settings())
    changed = tmp_path / "people.csv"
    changed.write_bytes(table.read_bytes())
    out = tmp_path / "changed"
    with pytest.raises(CaseError):
        batch(changed, out, rules, settings=Settings(strict=True))
    changed.write_bytes(table.read_bytes() + b"too,few\n")
    with pytest.raises(InputError, match="inputs changed"):
        batch(changed, out, rules, settings=Settings(resume=True))


# the cross-check ------------------------------------------------------------------------------------------------------------


def test_a_difference_in_what_was_written_stops_the_run(
    table: Path, rules: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that is not what the engine says: the case, the name and both answers are told, and the case is kept."""
    real = Worker.work

    def work(self: Worker, part: Any) -> Any:
        note = real(self, part)
        path = self.job.path("routes", part.index)
        lines = pl.read_parquet(path)
        lines.with_columns(pl.lit("open").alias("status")).write_parquet(path)
        return note

    monkeypatch.setattr(Worker, "work", work)
    with pytest.raises(EngineError, match=r"case Zoë .*status: the rule engine says .*, the batch open"):
        batch(table, tmp_path / "out", rules)
    kept = read_case(tmp_path / "out" / "difference.json", rules)
    assert kept.id.startswith("Zoë")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_difference_in_a_finding_stops_the_run(
    table: Path, rules: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A columnar executor that is wrong about one leaf is found out."""
    real = Columnar.run

    def wrong(self: Any, frame: Any) -> Any:
        found = real(self, frame)
        node = self.program.rules["img.is_img"].literal[:-1]
        return type(found)(found.frame.with_columns(~pl.col(node)))

    monkeypatch.setattr("imgrules.batch.check.Columnar.run", wrong)
    with pytest.raises(EngineError, match=r"img.is_img: the rule engine says"):
        batch(table, tmp_path / "out", rules)


# the command ------------------------------------------------------------------------------------------------------------------


def test_the_command(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it prints is what happened; mistakes get a sentence each."""
    out = str(tmp_path / "out")
    assert command(["batch", str(table), "--out", out, "--check", "2", "--jobs", "1", "--state", "CA"]) == 0
    said = capsys.readouterr().out
    assert "3 rejected" in said
    assert "case ids come more than once" in said
    assert "no difference" in said
    assert command(["batch", str(table), "--out", out]) == 1
    assert "not empty" in capsys.readouterr().err
    assert command(["batch", "--out", out]) == 2
    assert command(["batch", str(table), "--out", out, "--engine", "spark"]) == 2
    assert command(["batch", str(table), "--out", out, "--routes", "licence.standart"]) == 1
    assert "Did you mean licence.standard" in capsys.readouterr().err
    assert command(["batch", str(table), "--out", out, "--as-of", "soon"]) == 1
    assert command(["batch", "--template", "csv", "--out", str(tmp_path / "empty.csv")]) == 0
    assert (tmp_path / "empty.columns.csv").exists()


def test_progress_says_how_far(table: Path, rules: Rulebase, tmp_path: Path) -> None:
    """Rows done grow to all of them, with time and rejects."""
    seen: list[Any] = []
    batch(table, tmp_path / "out", rules, settings=Settings(check=0, notify=seen.append))
    assert [p.rows for p in seen] == sorted(p.rows for p in seen)
    assert {p.total for p in seen} == {seen[-1].rows}
    assert seen[-1].rejects == 3
    assert time.time() > seen[-1].seconds >= 0
