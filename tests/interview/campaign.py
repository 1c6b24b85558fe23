"""Many simulated applicants through `Interview` itself: each must end where assessing everything they could tell ends.

python -m tests.interview.campaign [--applicants 2000] [--first SEED]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case
from imgrules.interview.board import Layout
from imgrules.interview.session import Interview
from imgrules.rulebase.load import load_rulebase
from tests.interview.people import applicant, play

DAY = date(2026, 11, 22)
# Several goals: the national main routes, one place in full, a few places; no routes named means all of them.
GOALS: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("certified", (), ("ecfmg.certification",)),
    ("match and visa", (), ("residency.match", "visa.j1_residency")),
    ("licence in CA", ("CA",), ("licence.standard@CA",)),
    ("everything in TN", ("TN",), ()),
    ("licence in TX, NY or FL", ("TX", "NY", "FL"), ("licence.standard@TX", "licence.standard@NY", "licence.standard@FL")),
]  # fmt: skip


def layouts(assessor: Assessor) -> list[tuple[tuple[str, ...], Layout]]:
    """Each goal's jurisdictions and layout."""
    found = []
    for _, codes, wanted in GOALS:
        program = assessor.grounder.program(DAY, codes)
        every = [name for name, rule in program.rules.items() if rule.entry.section == "routes"]
        found.append((codes, Layout(assessor.rulebase, program, DAY, wanted or every)))
    return found


def differences(assessor: Assessor, codes: Sequence[str], layout: Layout, seed: int) -> tuple[int, list[str]]:
    """The questions asked of one applicant, and the wanted routes that did not come out as for the full case."""
    person = applicant(layout, seed)
    talk = Interview(assessor.rulebase, Case("x", DAY, tuple(codes)), layout.wanted, assessor=assessor)
    asked = play(talk, person)
    full = {r.id: r.status for r in assessor.assess(Case("x", DAY, tuple(codes), person)).routes}
    mine = {r.id: r.status for r in talk.assessment().routes}
    wrong = [n for n in layout.wanted if not full[n] == mine[n] == talk.outcomes[n]]
    return len(asked), wrong


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the campaign; 1 if anybody came out otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--applicants", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    args = parser.parse_args()
    assessor = Assessor(load_rulebase())
    goals = layouts(assessor)
    people, questions, outcomes, wrong = Counter[str](), Counter[str](), 0, 0
    start = time.monotonic()
    for seed in range(args.first, args.first + args.applicants):
        name = GOALS[seed % len(GOALS)][0]
        codes, layout = goals[seed % len(GOALS)]
        asked, differing = differences(assessor, codes, layout, seed)
        people[name] += 1
        questions[name] += asked
        outcomes += len(layout.wanted)
        if differing:
            wrong += 1
            _say(f"applicant {seed}, {name}: {', '.join(differing)}")
    for name, count in people.items():
        _say(f"{name:26} applicants {count:5}  questions on average {questions[name] / count:.1f}")
    _say(
        f"{args.applicants} applicants, {outcomes} outcomes, {wrong} applicants differ, {time.monotonic() - start:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
