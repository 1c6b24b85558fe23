"""Every golden case recorded under older rules, then derived again from the ledger alone: `python -m tests.audit.golden`.

The older rules are the shipped ones with the first limit of 36 found in each of their files lowered by half a year, so
they say something else of many cases. In a few minutes: all cases, every outcome, status and proof.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from imgrules.assessment.assess import Assessor, Derived
from imgrules.assessment.case import read_case
from imgrules.assessment.golden import golden_files
from imgrules.audit.ledger import Ledger
from imgrules.audit.recheck import recheck
from imgrules.audit.replay import replay
from imgrules.rulebase.load import check_files, load_rulebase, read_files, shipped
from imgrules.rulebase.rulebase import Rulebase
from tests.audit.samples import MASTER, SIGNING


def older() -> dict[str, str]:
    """The shipped rules as they might have been."""
    files = read_files(shipped("rules"))
    return {name: text.replace("value: 36,", "value: 30,", 1) for name, text in files.items()}


def derived(rulebase: Rulebase) -> Iterator[Derived]:
    assessor = Assessor(rulebase)
    for path in golden_files(shipped("cases")):
        yield assessor.derive(read_case(path, rulebase))


def main() -> int:
    files = older()
    before, problems = check_files(files)
    if before is None or before.version == load_rulebase().version:
        sys.exit(f"The older rules are none: {problems[:3]}")
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "ledger.db"
        with Ledger.open(place, key=MASTER, signing_key=SIGNING) as ledger:
            ledger.keep(files)
            kept = len(list(ledger.record_many(derived(before), "campaign", "assess")))
        recorded = time.monotonic() - start
        with Ledger.open(place, key=MASTER, signing_key=SIGNING, create=False) as ledger:
            found = replay(ledger, ledger.records())
            verified = ledger.verify()
            now = recheck(ledger, load_rulebase(), next(ledger.records()).as_of)
    _say(f"{kept} golden cases recorded under rules {before.version} in {recorded:.0f} s")
    _say(
        f"replayed {found.replayed} ({found.with_proof} with proofs) in {found.seconds:.0f} s: {found.outcomes} outcomes, "
        f"{found.statuses} statuses, {found.different} different; ledger {'verifies' if verified.ok else 'DOES NOT VERIFY'}"
    )
    _say(f"by the shipped rules now: {now.same} cases the same, {now.moved} moved, {now.not_judged} not judged")
    for difference in found.differences[:20]:
        _say(str(difference))
    return 0 if found.ok and verified.ok and kept == found.replayed == found.with_proof else 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
