"""A longer campaign than the suite's: `python -m tests.batch.kills --times 100`.

Runs the command over a made-up table, kills it (SIGKILL) at random moments, goes on with --resume, and compares what is
published with what an unbroken run gives. A run that ends between two kills starts over.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.batch.test_run import contents, kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        table, size = Path(folder) / "people.csv", max(1, options.rows // 12)
        line = [sys.executable, "-m", "imgrules", "synth", str(options.rows), "--out", str(table), "--dirty", "0.02"]
        subprocess.run([*line, "--states", "TX"], check=True, capture_output=True)
        list(kills(table, Path(folder) / "whole", 0, 0, size))
        killed = finished = 0
        while killed < options.times:
            out = Path(folder) / f"killed-{finished}"
            killed += len(list(kills(table, out, min(10, options.times - killed), options.seed + finished, size)))
            finished += 1
            if contents(out) != contents(Path(folder) / "whole"):
                sys.exit(f"DIFFERENCE after {killed} kills: {out}")
    took = time.monotonic() - start
    sys.stdout.write(f"{killed} kills, {finished} runs finished after them, no difference; {took:.0f} s\n")


if __name__ == "__main__":
    main()
