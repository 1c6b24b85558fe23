"""The batch measured on the real rules: `python -m bench.batch [--rows 1000000] [--growth] [--clips]`.

Made-up applicants (`imgrules synth`, seed 0) as Parquet, the command run as an adviser would, reading and writing
included. For each run: rows a second, the largest memory of any process (by /proc, twice a second, and the sum over all
of them), and how the workers' time divides into reading, evaluating and writing. `--growth` goes from 10^4 rows to
--rows and from 1 state to all; `--clips` runs the same compiled rules in CLIPS on a sample, outcomes only, in turns.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DAY = "2026-11-22"


def made(folder: Path, rows: int, states: str) -> Path:
    """A table of applicants, made once."""
    path = folder / f"people-{rows}-{states.replace(',', '')[:20].replace(':', '')}.parquet"
    if not path.exists():
        line = [sys.executable, "-m", "imgrules", "synth", str(rows), "--out", str(path), "--states", states]
        subprocess.run([*line, "--as-of", DAY], check=True, stdout=subprocess.DEVNULL)
    return path


def memory(root: int) -> tuple[int, int]:
    """Resident bytes of the largest process of a family, and of all of them together (shared pages counted in each)."""
    sizes: dict[int, int] = {}
    parents: dict[int, int] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                sizes[int(process.name)] = int((process / "statm").read_text().split()[1]) * 4096
            except (OSError, IndexError):
                continue
            parents[int(process.name)] = int(fields[1])
    family = {root}
    while grown := {p for p, parent in parents.items() if parent in family} - family:
        family |= grown
    found = [sizes[p] for p in family if p in sizes]
    return max(found, default=0), sum(found)


def run(table: Path, out: Path, *options: str) -> dict[str, Any]:
    """One run of the command; its manifest with the seconds it took from outside and the memory it took."""
    shutil.rmtree(out, ignore_errors=True)
    line = [sys.executable, "-m", "imgrules", "batch", str(table), "--out", str(out), "--as-of", DAY, *options]
    start = time.perf_counter()
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    largest = together = 0
    while process.poll() is None:
        one, every = memory(process.pid)
        largest, together = max(largest, one), max(together, every)
        time.sleep(0.5)
    wall = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(line)} failed")
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return {**manifest, "wall": wall, "largest": largest, "together": together, "written": written}


def told(label: str, found: dict[str, Any]) -> None:
    """One line of the table."""
    rows, steps = found["cases"]["in"], found["seconds_by_step"]
    total = sum(steps.values()) or 1
    shares = " ".join(f"{name} {seconds / total:.0%}" for name, seconds in steps.items())
    print(
        f"{label:34}{rows:>12,}{found['wall']:>9.1f} s{rows / found['wall']:>11,.0f}/s{found['largest'] / 2**30:>8.2f} GiB"
        f"{found['together'] / 2**30:>8.2f} GiB{found['written'] / 2**20:>9,.0f} MiB  {shares}",
        flush=True,
    )


def growth(folder: Path, rows: int) -> None:
    """Cost against rows, and against states."""
    size = 10_000
    while size <= rows:
        told("3 states, main routes", run(made(folder, size, "CA,TX,NY"), folder / "out"))
        size *= 10
    for states in ("TX", "CA,TX,NY", "CA,TX,NY,FL,IL,PA,OH,MI,GA,NC", "all"):
        n = len(states.split(",")) if states != "all" else "all"
        told(f"{n} states, main routes", run(made(folder, 50_000, states), folder / "out"))


def clips(folder: Path, rounds: int = 5, sample: int = 60) -> None:
    """The columnar executor and CLIPS on the same program and applicants: every outcome of three states' rules."""
    from datetime import date

    import polars as pl

    from bench.clips_engine import ClipsEngine
    from imgrules.assessment.assess import values_of
    from imgrules.batch.evaluate import case_of
    from imgrules.batch.facts import read_facts
    from imgrules.batch.inputs import open_inputs
    from imgrules.engines.columnar import Columnar
    from imgrules.rulebase.grammar import TODAY
    from imgrules.rulebase.ground import Grounder
    from imgrules.rulebase.load import load_rulebase

    rulebase = load_rulebase()
    codes = ("CA", "NY", "TX")
    program = Grounder(rulebase).program(date.fromisoformat(DAY), codes)
    part = next(iter(open_inputs([made(folder, 100_000, "CA,TX,NY")], rows_per_part=50_000).parts()))
    frame = read_facts(part.read(), rulebase, as_of=date.fromisoformat(DAY)).frame
    frame = frame.with_columns(pl.col("as_of").alias(TODAY))
    cases = [case_of(row, rulebase) for row in frame[:sample].iter_rows(named=True)]
    values = [values_of(case, program) for case in cases]
    columnar, engine = Columnar(program), ClipsEngine()
    columnar.run(frame[:sample])
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        columnar.run(frame)
        ours.append((time.perf_counter() - start) / frame.height)
        start = time.perf_counter()
        for known in values:
            engine.run(program, known)
        theirs.append((time.perf_counter() - start) / len(values))
    a, b = statistics.median(ours) * 1e6, statistics.median(theirs) * 1e6
    print(f"outcomes of 3 states' rules: columnar {a:.1f} us a case, CLIPS {b:,.0f} us a case, ratio {b / a:,.0f}")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--all-states-rows", type=int, default=100_000)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--clips", action="store_true")
    parser.add_argument("--folder", type=Path, help="Keep the tables here; a temporary folder if left out.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if options.clips:
            clips(folder)
            return
        print(f"{'':34}{'rows':>12}{'wall':>11}{'rate':>13}{'largest':>12}{'together':>12}{'written':>13}")
        if options.growth:
            growth(folder, options.rows)
            return
        table = made(folder, options.rows, "CA,TX,NY")
        told("3 states, main routes", run(table, folder / "out"))
        told("3 states, all routes", run(table, folder / "out", "--routes", "all"))
        told("all states, main routes", run(made(folder, options.all_states_rows, "all"), folder / "out"))


if __name__ == "__main__":
    main()
