"""`make bench`: one case at a time, warm and cold, side by side with CLIPS on the same compiled rules.

Medians over rounds in which every contender takes its turn, so that a busy moment hits all alike; processor time beside
the clock, since it suffers less from what else the machine does. CLIPS gets the same rules as durable-rules (one rule a
literal and way to prove it) and the same facts; what it does not do is keep the matched facts of each firing, so its
figure is outcomes only.

The engine remembers what a ruleset gave for exactly the same facts, and the writer what it wrote about exactly the same
outcomes. So three figures stand side by side: cases seen before, cases not seen before (golden cases in turn, each once),
and each case with everything forgotten, rules compiled.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from bench.clips_engine import ClipsEngine
from imgrules.assessment.assess import Assessor, values_of
from imgrules.assessment.case import Case, read_case
from imgrules.assessment.golden import golden_files
from imgrules.engines.durable import DurableEngine
from imgrules.engines.reference import truths
from imgrules.rulebase.load import check_files, default_folder, load_rulebase, read_files, shipped
from imgrules.rulebase.rulebase import Rulebase

STATES = ("CA", "NY", "TX")


Times = tuple[float, float]


def processor() -> float:
    """Seconds of processor time of this process and of those it has run."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def timed(work: Callable[[], object]) -> Times:
    """Milliseconds that some work takes: by the clock, and of the processor."""
    start, used = time.perf_counter(), processor()
    work()
    return (time.perf_counter() - start) * 1000, (processor() - used) * 1000


def medians(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float, float]]:
    """Median by the clock, median of the processor, and worst by the clock of each contender, in turns."""
    found: dict[str, list[Times]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            found[name].append(timed(work))
    return {
        name: (statistics.median(t for t, _ in times), statistics.median(t for _, t in times), max(t for t, _ in times))
        for name, times in found.items()
    }


def cases(rulebase: Rulebase, codes: tuple[str, ...]) -> list[Case]:
    """Golden cases of the day, aimed at some states."""
    found = (read_case(path, rulebase) for path in golden_files(shipped("cases")))
    return [case.changed(jurisdictions=codes) for case in found if case.as_of.year == 2026]


def one_case(rulebase: Rulebase, codes: tuple[str, ...], rounds: int, many: int = 12) -> None:
    """Full assessments and their parts for one set of jurisdictions."""
    assessor, fresh, other = (Assessor(rulebase) for _ in range(3))  # each with a memory of its own
    bare, clips = DurableEngine(remember=0), ClipsEngine()
    everybody = cases(rulebase, codes)
    chosen, unseen = everybody[:many], iter(everybody[many:])
    programs = [assessor.grounder.program(case.as_of, codes) for case in chosen]
    values = [values_of(case, program) for case, program in zip(chosen, programs, strict=True)]
    pairs = list(zip(programs, values, strict=True))
    for case in chosen:
        for one in (assessor, fresh, other):
            one.assess(case)
    for program, facts in pairs:
        nodes, proved = truths(program, facts), clips.run(program, facts)
        assert assessor.engine.run(program, facts) == (derivation := bare.run(program, facts))
        assert all((f"{n}+" in proved, f"{n}-" in proved) == (t is True, t is False) for n, t in nodes.items())
        assert all(derivation.truth(f"{n}+") is t for n, t in nodes.items())

    def forgetful() -> None:
        for case in chosen:
            other.forget()
            other.assess(case)

    contenders: dict[str, Callable[[], object]] = {
        "assessment, seen before": lambda: [assessor.assess(case) for case in chosen],
        "assessment, not seen before": lambda: [fresh.assess(case) for case in islice(unseen, many)],
        "assessment, all forgotten": forgetful,
        "durable-rules, seen before": lambda: [assessor.engine.run(*pair) for pair in pairs],
        "durable-rules, all forgotten": lambda: [bare.run(*pair) for pair in pairs],
        "CLIPS, outcomes only": lambda: [clips.run(*pair) for pair in pairs],
        "reference, outcomes only": lambda: [truths(*pair) for pair in pairs],
    }
    rounds = min(rounds, len(everybody) // many - 1)
    size = sum(len(segment.nodes) for segment in programs[0].segments)
    say(f"\n{len(codes)} jurisdictions, {many} golden cases a round, {size:,} conditions; milliseconds a case")
    for name, found in medians(contenders, rounds).items():
        row(name, (found[0] / many, found[1] / many, found[2] / many), digits=2)


def row(name: str, found: tuple[float, float, float], digits: int = 0) -> None:
    """A line of the report."""
    clock, used, worst = found
    say(f"  {name:32} median {clock:8.{digits}f}   processor {used:8.{digits}f}   worst {worst:8.{digits}f}")


def loading() -> None:
    """The rulebase from its files, and from the cache."""
    say("\nloading, milliseconds")
    files = read_files(default_folder())
    with tempfile.TemporaryDirectory() as cache:
        os.environ["IMGRULES_CACHE"] = cache
        load_rulebase()
        contenders: dict[str, Callable[[], object]] = {
            "read and check all files": lambda: check_files(files, lint=False),
            "the same, and look for slips": lambda: check_files(files),
            "from the cache": load_rulebase,
        }
        for name, found in medians(contenders, 5).items():
            row(name, found)


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

        run("assess", str(case), "--state", "all")()
        contenders = {
            "imgrules assess, the demo case": run("assess", str(shipped("cases") / "demo.yaml")),
            "python -c pass": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
            "imgrules --help": run("--help"),
            "imgrules assess, 3 states": run("assess", str(case)),
            "imgrules assess --state all": run("assess", str(case), "--state", "all"),
        }
        for name, found in medians(contenders, rounds).items():
            row(name, found)


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
