"""Golden cases: case files that say what they must give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, Expectation, read_case
from imgrules.assessment.result import Assessment
from imgrules.errors import ImgrulesError, InputError
from imgrules.rulebase.rulebase import Rulebase


@dataclass(frozen=True, slots=True)
class GoldenResult:
    """One golden case and how it differs from what it must give."""

    file: str
    case: str
    pins: str | None
    differences: list[str]


def golden_files(folder: Path) -> list[Path]:
    """The case files of a folder, in order. `InputError` if there are none."""
    found = sorted(p for p in folder.rglob("*") if p.suffix in (".yaml", ".yml", ".json"))
    if not found:
        raise InputError(f"There are no case files in {folder}.")
    return found


def run_golden(rulebase: Rulebase, folder: Path) -> list[GoldenResult]:
    """Assess every golden case of a folder and compare."""
    assessor = Assessor(rulebase)
    results = []
    for path in golden_files(folder):
        try:
            case = read_case(path, rulebase)
            if case.expect is None:
                results.append(GoldenResult(path.name, case.id, case.pins, ["it has no expect:, so it pins nothing"]))
                continue
            differences = list(compare(assessor.assess(case), case.expect))
            results.append(GoldenResult(path.name, case.id, case.pins, differences))
        except ImgrulesError as error:
            results.append(GoldenResult(path.name, path.stem, None, str(error).splitlines()))
    return results


def compare(a: Assessment, expect: Expectation) -> Iterator[str]:
    """Every difference between an assessment and what was expected."""
    routes = {r.id: r for r in a.routes}
    for name, status in expect.routes.items():
        found = routes[name].status.value if name in routes else "(no such route)"
        if found != status:
            yield f"{name}: expected {status}, got {found}"
    for name, wanted in expect.findings.items():
        got = a.findings[name].outcome.value if name in a.findings else "(no such finding)"
        if got != wanted:
            yield f"{name}: expected {wanted}, got {got}"
    for label, expected in (("blockers", expect.blockers), ("unknown", expect.unknown)):
        for name, names in expected.items():
            if name not in routes:
                yield f"{name}: there is no such route"
                continue
            route = routes[name]
            actual = {b.requirement for b in route.blockers} if label == "blockers" else {u.name for u in route.unknown}
            if actual != set(names):
                missing, extra = sorted(set(names) - actual), sorted(actual - set(names))
                yield f"{name} {label}: missing {missing or 'none'}, not expected {extra or 'none'}"
    alerts = {x.id for x in a.alerts}
    for name in expect.alerts:
        if name not in alerts:
            yield f"alert {name}: expected, not given"
    tracks = {t.id: t.recommended for t in a.fast_tracks}
    for name, recommended in expect.fast_tracks.items():
        if tracks.get(name) is not recommended:
            yield f"fast track {name}: expected recommended={recommended}, got {tracks.get(name)}"


def expectation_of(a: Assessment, routes: list[str]) -> Expectation:
    """What a case gives now, for some routes: a starting point for a new golden case, to be checked by hand."""
    chosen = {r.id: r for r in a.routes if r.id in routes}
    return Expectation(
        routes={n: r.status.value for n, r in chosen.items()},
        blockers={n: [b.requirement for b in r.blockers] for n, r in chosen.items()},
        unknown={n: [u.name for u in r.unknown] for n, r in chosen.items()},
    )


__all__ = ["Case", "GoldenResult", "compare", "expectation_of", "golden_files", "run_golden"]
