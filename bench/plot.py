"""Draws docs/growth.svg from docs/growth.csv: wall seconds of a batch against rows and jurisdictions, both axes logarithmic.

    python -m bench.plot

The table's lines are what `python -m bench.batch --growth` prints. The dashed line is proportional growth through the
largest run: where the points lie on it, twice the rows take twice the time.
"""

from __future__ import annotations

import csv
from html import escape
from math import ceil, floor, log10
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 440, 300, 60, 46, 46
LABELS = {
    "rows": "rows (3 states)",
    "jurisdictions": "jurisdictions (50,000 rows)",
}


def panel(kind: str, points: list[tuple[float, float]], x: int) -> list[str]:
    """One plot, its left edge at x."""
    low = [floor(log10(min(p[i] for p in points))) for i in range(2)]
    high = [ceil(log10(max(p[i] for p in points))) for i in range(2)]
    wide, tall = WIDTH - LEFT - 20, HEIGHT - TOP - BOTTOM

    def at(a: float, b: float) -> tuple[float, float]:
        right = (log10(a) - low[0]) / (high[0] - low[0])
        up = (log10(b) - low[1]) / (high[1] - low[1])
        return x + LEFT + right * wide, TOP + (1 - up) * tall

    found = [f'<text x="{x + LEFT}" y="24" class="head">Wall seconds against {escape(LABELS[kind])}</text>']
    for power in range(low[0], high[0] + 1):
        across, _ = at(10**power, 10 ** low[1])
        found.append(f'<path d="M{across:.1f} {TOP}V{TOP + tall}" class="grid"/>')
        found.append(f'<text x="{across:.1f}" y="{TOP + tall + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(low[1], high[1] + 1):
        _, down = at(10 ** low[0], 10**power)
        found.append(f'<path d="M{x + LEFT} {down:.1f}h{wide}" class="grid"/>')
        found.append(f'<text x="{x + LEFT - 6}" y="{down + 4:.1f}" text-anchor="end">{10**power:,}</text>')
    most = points[-1]
    start = max(10 ** low[0], most[0] * 10 ** low[1] / most[1])
    (a, b), (c, d) = at(start, most[1] * start / most[0]), at(*most)
    found.append(f'<path d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" class="even"/>')
    line = " ".join(f"{p:.1f},{q:.1f}" for p, q in (at(*point) for point in points))
    found.append(f'<polyline points="{line}" class="line"/>')
    for point in points:
        p, q = at(*point)
        found.append(f'<circle cx="{p:.1f}" cy="{q:.1f}" r="4"/>')
        side = "start" if point is points[0] else "middle"
        found.append(f'<text x="{p:.1f}" y="{q - 9:.1f}" text-anchor="{side}" class="value">{point[1]:,.0f} s</text>')
    return found


def main() -> None:
    """Draw it."""
    runs: dict[str, list[tuple[float, float]]] = {}
    with (DOCS / "growth.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            runs.setdefault(row["against"], []).append((float(row["size"]), float(row["seconds"])))
    body = [line for i, kind in enumerate(LABELS) for line in panel(kind, sorted(runs[kind]), i * WIDTH)]
    told = "; ".join(f"{LABELS[k]}: " + ", ".join(f"{a:,.0f}: {b:.1f} s" for a, b in sorted(runs[k])) for k in LABELS)
    text = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT}" role="img" aria-labelledby="t d">
<title id="t">How a batch grows with rows and jurisdictions</title>
<desc id="d">Wall seconds. {escape(told)}. The dashed lines are proportional growth.</desc>
<style>text{{font:12px sans-serif;fill:#222}}.head{{font-weight:bold}}.value{{font-size:11px}}.grid{{stroke:#ddd}}.even{{stroke:#999;\
stroke-dasharray:5 4;fill:none}}.line{{stroke:#1b5e9b;stroke-width:2;fill:none}}circle{{fill:#1b5e9b}}</style>
<rect width="100%" height="100%" fill="#fff"/>
"""
    (DOCS / "growth.svg").write_text(text + "\n".join(body) + "\n</svg>\n", encoding="utf-8")


if __name__ == "__main__":
    main()
