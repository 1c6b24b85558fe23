"""A longer search for a difference between the executors: `make campaign COMPARISONS=2000000`.

Half on random rulebases (there the oracle is compared too), half on the shipped one with random partial cases on random
days. Counts one comparison for each finding, requirement or route of each case, of which durable-rules, the columnar
executor and the reference must say the same; stops at the first difference.
"""

from __future__ import annotations

import argparse
import sys
import time

from imgrules.assessment.assess import Assessor, values_of
from imgrules.assessment.case import Case
from imgrules.engines.columnar import Columnar
from imgrules.engines.columnar import table as make_table
from imgrules.engines.durable import DurableEngine
from imgrules.engines.reference import literal_truth, truths
from imgrules.errors import Severity
from imgrules.rulebase.grammar import TODAY
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.ir import Program
from imgrules.rulebase.load import check_files, load_rulebase
from tests.cases import random_case
from tests.worlds import CODES, DAY, make_facts, make_world, oracle

CASES_A_WORLD = 40
CASES_A_DAY = 25


def compare(program: Program, case: Case, engine: DurableEngine) -> dict[str, bool | None]:
    """The outcomes by durable-rules, after checking that the reference gives the same; exits at a difference."""
    values = values_of(case, program)
    derivation, nodes = engine.run(program, values), truths(program, values)
    found = {name: derivation.truth(rule.literal) for name, rule in program.rules.items()}
    for name, rule in program.rules.items():
        expected = literal_truth(rule.literal, nodes)
        if found[name] is not expected:
            sys.exit(f"DIFFERENCE: {name} on {case}: durable {found[name]}, reference {expected}")
    return found


def columnar(program: Program, cases: list[Case], found: list[dict[str, bool | None]]) -> None:
    """Compare what was found of some cases with what the columnar executor says of all of them in one table."""
    table = Columnar(program).run(make_table([{**case.facts, TODAY: case.as_of} for case in cases], program.types))
    for name, rule in program.rules.items():
        for case, outcomes, truth in zip(cases, found, table.truth(rule.literal).to_list(), strict=True):
            if outcomes[name] is not truth:
                sys.exit(f"DIFFERENCE: {name} on {case}: durable {outcomes[name]}, columnar {truth}")


def random_rulebases(wanted: int, seed: int, engine: DurableEngine) -> tuple[int, int]:
    """Compare on random rulebases; the number of comparisons and of cases."""
    done = cases = 0
    while done < wanted:
        seed += 1
        world = make_world(seed, size=30)
        rulebase, problems = check_files(world.files)
        if rulebase is None or any(p.severity is Severity.ERROR for p in problems):
            sys.exit(f"The random rulebase {seed} does not load: {problems[:3]}")
        program = Grounder(rulebase).program(DAY, CODES)
        several = [make_facts(world, seed * 1000 + i, known=(i % 10 + 1) / 10) for i in range(CASES_A_WORLD)]
        together = [Case(f"{seed}-{i}", DAY, CODES, facts) for i, facts in enumerate(several)]
        found = [compare(program, case, engine) for case in together]
        columnar(program, together, found)
        for outcomes, facts in zip(found, several, strict=True):
            for name, expected in oracle(world, facts).items():
                if outcomes[name] is not expected:
                    sys.exit(f"DIFFERENCE: {name} of world {seed}: durable {outcomes[name]}, oracle {expected}")
        done += sum(map(len, found))
        cases += len(together)
    return done, cases


def shipped_rules(wanted: int, seed: int) -> tuple[int, int]:
    """Compare on the shipped rulebase; the number of comparisons and of cases."""
    assessor = Assessor(load_rulebase())
    engine = DurableEngine()
    done = cases = 0
    while done < wanted:
        seed += 1
        first = random_case(assessor.rulebase, seed)
        program = assessor.grounder.program(first.as_of, first.jurisdictions)
        drawn = [first, *(random_case(assessor.rulebase, seed * 1000 + i) for i in range(CASES_A_DAY - 1))]
        together = [case.changed(as_of=first.as_of, jurisdictions=first.jurisdictions) for case in drawn]
        found = [compare(program, case, engine) for case in together]
        columnar(program, together, found)
        done += sum(map(len, found))
        cases += len(together)
    return done, cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    start = time.monotonic()
    half = options.comparisons // 2
    for label, (done, cases) in (
        ("random rulebases", random_rulebases(half, options.seed, DurableEngine())),
        ("shipped rules", shipped_rules(half, options.seed)),
    ):
        sys.stdout.write(f"{label}: {done:,} comparisons in {cases:,} cases, 0 differences\n")
    sys.stdout.write(f"{time.monotonic() - start:.0f} s, seed {options.seed}\n")


if __name__ == "__main__":
    main()
