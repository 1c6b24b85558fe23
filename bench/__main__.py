"""`make bench`: one case at a time, warm and cold, side by side with CLIPS on the same compiled rules.

Medians over rounds in which every contender takes its turn, so that a busy moment hits all alike. CLIPS gets the same
rules as durable-rules (one rule a literal and way to prove it) and the same facts; what it does not do is keep the
matched facts of each firing, so its figure is outcomes only.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.clips_engine import ClipsEngine
from imgrules.assessment.assess import Assessor, values_of
from imgrules.assessment.case import Case, read_case
from imgrules.assessment.golden import golden_files
from imgrules.engines.reference import truths
from imgrules.rulebase.load import check_files, default_folder, load_rulebase, read_files, shipped
from imgrules.rulebase.rulebase import Rulebase

STATES = ("CA", "NY", "TX")


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that some work takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def medians(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median and worst of each contender, in turns."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            found[name].append(timed(work))
    return {name: (statistics.median(times), max(times)) for name, times in found.items()}


def cases(rulebase: Rulebase, codes: tuple[str, ...], many: int) -> list[Case]:
    """Golden cases of the day, aimed at some states."""
    found = (read_case(path, rulebase) for path in golden_files(shipped("cases")))
    return [case.changed(jurisdictions=codes) for case in found if case.as_of.year == 2026][:many]


def one_case(rulebase: Rulebase, codes: tuple[str, ...], rounds: int) -> None:
    """Full assessments and their parts for one set of jurisdictions."""
    assessor, clips = Assessor(rulebase), ClipsEngine()
    chosen = cases(rulebase, codes, 12)
    programs = [assessor.grounder.program(case.as_of, codes) for case in chosen]
    values = [values_of(case, program) for case, program in zip(chosen, programs, strict=True)]
    pairs = list(zip(programs, values, strict=True))
    for case in chosen:
        assessor.assess(case)
    for program, facts in pairs:
        nodes, proved = truths(program, facts), clips.run(program, facts)
        derivation = assessor.engine.run(program, facts)
        assert all((f"{n}+" in proved, f"{n}-" in proved) == (t is True, t is False) for n, t in nodes.items())
        assert all(derivation.truth(f"{n}+") is t for n, t in nodes.items())
    contenders: dict[str, Callable[[], object]] = {
        "assessment with all proofs": lambda: [assessor.assess(case) for case in chosen],
        "durable-rules, all proofs": lambda: [assessor.engine.run(*pair) for pair in pairs],
        "CLIPS, outcomes only": lambda: [clips.run(*pair) for pair in pairs],
        "reference, outcomes only": lambda: [truths(*pair) for pair in pairs],
    }
    size = sum(len(segment.nodes) for segment in programs[0].segments)
    say(f"\n{len(codes)} jurisdictions, {len(chosen)} golden cases, {size:,} conditions; milliseconds a case")
    base = 0.0
    for name, (median, worst) in medians(contenders, rounds).items():
        each = median / len(chosen)
        base = base or each
        say(f"  {name:32} median {each:8.2f}   worst round {worst / len(chosen):8.2f}   {each / base:5.2f} x the first")


def loading() -> None:
    """The rulebase from its files, and from the cache."""
    say("\nloading, milliseconds")
    files = read_files(default_folder())
    with tempfile.TemporaryDirectory() as cache:
        os.environ["IMGRULES_CACHE"] = cache
        load_rulebase()
        found = medians({"read and check all files": lambda: check_files(files), "from the cache": load_rulebase}, 5)
    for name, (median, worst) in found.items():
        say(f"  {name:32} median {median:8.0f}   worst {worst:8.0f}")


def processes(rounds: int) -> None:
    """Whole processes, started cold."""
    say("\na process from start to end, milliseconds")
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.yaml"
        case.write_text("case: x\nas_of: 2026-11-22\njurisdictions: [CA, NY, TX]\nfacts: {visa.status: lpr}\n")
        env = {**os.environ, "IMGRULES_CACHE": folder}
        call = [sys.executable, "-m", "imgrules"]

        def run(*args: str) -> Callable[[], object]:
            return lambda: subprocess.run([*call, *args], env=env, check=True, capture_output=True)

        run("assess", str(case))()
        contenders = {
            "python -c pass": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
            "imgrules --help": run("--help"),
            "imgrules assess, 3 states": run("assess", str(case)),
            "imgrules assess --state all": run("assess", str(case), "--state", "all"),
        }
        for name, (median, worst) in medians(contenders, rounds).items():
            say(f"  {name:32} median {median:8.0f}   worst {worst:8.0f}")


def say(text: str) -> None:
    """A line of the report, at once."""
    print(text, flush=True)


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    rulebase = load_rulebase()
    say(f"imgrules bench: Python {sys.version.split()[0]}, {os.cpu_count()} cores, rules {rulebase.version}")
    one_case(rulebase, STATES, rounds)
    one_case(rulebase, tuple(rulebase.jurisdiction_names), max(3, rounds // 3))
    loading()
    processes(rounds)


if __name__ == "__main__":
    main()
