"""What a run comes to: totals of all parts, case ids that come twice, and the files that say so to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from imgrules.assessment.assess import Derived
from imgrules.assessment.causes import cause_text
from imgrules.assessment.wording import cite
from imgrules.batch.check import Checked, as_texts, scan_written
from imgrules.batch.evaluate import OUTCOMES, Evaluator, nobody
from imgrules.batch.files import whole, write_json
from imgrules.batch.plan import STATUSES
from imgrules.batch.report import report
from imgrules.batch.work import Job
from imgrules.rulebase.ir import GroundRule
from imgrules.rulebase.rulebase import Rulebase

_TOP = 50
_EXAMPLES = 20
_BUCKET = 20_000_000  # hashes of case ids looked at together: 160 MB


@dataclass
class Totals:
    """All parts' notes added up."""

    rows: int = 0
    cases: int = 0
    rejects: int = 0
    parts: list[int] = field(default_factory=list)
    routes: Counter[tuple[str, str]] = field(default_factory=Counter)
    stages: Counter[tuple[str, str]] = field(default_factory=Counter)
    blockers: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    confirm: Counter[str] = field(default_factory=Counter)
    aims: Counter[str] = field(default_factory=Counter)
    days: list[str] = field(default_factory=list)
    reasons: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, notes: Iterable[dict[str, Any]]) -> Totals:
        """The totals of some parts."""
        found = cls()
        for note in notes:
            found._add(note)
        return found

    def _add(self, note: dict[str, Any]) -> None:
        self.rows, self.cases, self.rejects = (
            self.rows + note["rows"],
            self.cases + note["cases"],
            self.rejects + note["rejects"],
        )
        self.parts.append(note["part"])
        for *key, n in note["tally"]["routes"]:
            self.routes[key[0], key[1]] += n
        for *key, n in note["tally"]["stages"]:
            self.stages[key[0], key[1]] += n
        for name in ("blockers", "unknown", "confirm"):
            getattr(self, name).update(note["tally"][name])
        for aim, n in note["aims"].items():
            self.aims.update(dict.fromkeys(aim.split(), n))
        days = [*self.days, *note["days"]]
        self.days = [min(days), max(days)] if days else []
        for reason in note["reasons"]:
            known = self.reasons.setdefault(reason["code"], {**reason, "rows": 0})
            known["rows"] += reason["rows"]
        for step, seconds in note["seconds"].items():
            self.seconds[step] = round(self.seconds.get(step, 0.0) + seconds, 3)


def summarise(
    job: Job, evaluator: Evaluator, totals: Totals, run: dict[str, Any], checked: Checked, folder: Path
) -> dict[str, Any]:
    """Write summary.json, report.html and names.csv; the summary."""
    names = list(_names(job, evaluator, totals))
    about = {entry["name"]: entry for entry in names}
    summary = {
        "title": "imgrules batch",
        "names": dict(evaluator.rulebase.jurisdiction_names),
        "run": run,
        "cases": {"in": totals.rows, "out": totals.cases, "rejects": totals.rejects},
        "jurisdictions": dict(sorted(totals.aims.items())),
        "stages": _stages(evaluator.rulebase, totals),
        "routes": list(_routes(about, evaluator, totals)),
        "blockers": [
            {
                "name": name,
                "title": about[name]["title"],
                "kind": about[name]["kind"],
                "remedy": about[name]["text"],
                "cases": n,
            }
            for name, n in _top(totals.blockers)
        ],
        "unknown": [{"name": name, "question": about[name]["text"], "rows": n} for name, n in _top(totals.unknown)],
        "confirm": [{"name": name, "text": about[name]["text"], "rows": n} for name, n in _top(totals.confirm)],
        "rejects": sorted(totals.reasons.values(), key=lambda reason: -reason["rows"]),
        "duplicates": duplicates(job, totals.parts),
        "check": {"rows": checked.rows, "comparisons": checked.comparisons, "differences": 0},
    }
    write_json(folder / "summary.json", summary)
    with whole(folder / "report.html") as path:
        path.write_text(report(summary), encoding="utf-8")
    with whole(folder / "names.csv") as path:
        pl.DataFrame(names, schema=dict.fromkeys(_COLUMNS, pl.String)).write_csv(path)
    return summary


def _top(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(((name, n) for name, n in counts.items() if n), key=lambda item: (-item[1], item[0]))[:_TOP]


def _stages(rulebase: Rulebase, totals: Totals) -> list[dict[str, Any]]:
    stages = sorted(rulebase.stages.values(), key=lambda e: e.model.order)
    return [
        {"id": e.name, "title": e.model.title, **{outcome: totals.stages[e.name, outcome] for outcome in OUTCOMES}}
        for e in stages
    ]


def _routes(about: dict[str, dict[str, str]], evaluator: Evaluator, totals: Totals) -> Iterator[dict[str, Any]]:
    order = {e.name: e.model.order for e in evaluator.rulebase.stages.values()}
    routes = {name for name, _ in totals.routes}
    models = {name: evaluator.rulebase.find(name, None) for name in routes}

    def place(name: str) -> tuple[Any, ...]:
        found = models[name]
        assert found
        return (order[found[1].model.stage], name.partition("@")[2], not found[1].model.main, name)

    for name in sorted(routes, key=place):
        found = models[name]
        assert found
        yield {
            "route": name,
            "title": about[name]["title"],
            "jurisdiction": name.partition("@")[2] or None,
            "stage": found[1].model.stage,
            "main": found[1].model.main,
            **{status.value: totals.routes[name, status.value] for status in STATUSES},
        }


# names ------------------------------------------------------------------------------------------------------------------

_COLUMNS = ("name", "what", "title", "kind", "text", "decided_by", "weeks", "cost_usd", "confidence", "sources")


def _names(job: Job, evaluator: Evaluator, totals: Totals) -> Iterator[dict[str, str]]:
    """What every name in the tables means: of routes, requirements, facts and things to confirm; as of the run's day."""
    rulebase = evaluator.rulebase
    aims = frozenset(totals.aims) | frozenset(job.jurisdictions or ())
    plan = evaluator.plan(job.as_of, aims)
    derived = nobody(rulebase, plan.program, job.as_of)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for route in (route for routes in plan.routes.values() for route in routes):
        for rule in (route.rule, *route.needs):
            found.setdefault(("rule", rule.name), _rule(derived, rule))
        for cause in route.causes:
            what = "fact" if cause.kind == "fact" else "confirm"
            text = cause_text(derived, cause, route.rule.scope)
            found.setdefault((what, cause.name), {"name": cause.name, "what": what, "title": "", "text": text})
    told = {("rule", name) for name, _ in totals.routes} | {("rule", name) for name in totals.blockers}
    told |= {("fact", name) for name in totals.unknown} | {("confirm", name) for name in totals.confirm}
    for key in sorted(found.keys() | told):
        yield found.get(key) or _elsewhere(rulebase, key)


def _rule(derived: Derived, rule: GroundRule) -> dict[str, str]:
    """A route or requirement in words."""
    model, fill = rule.entry.model, derived.wording.fill
    route = rule.entry.section == "routes"
    return {
        "name": rule.name,
        "what": "route" if route else "requirement",
        "title": fill(model.title, {}, rule.scope),
        "kind": model.stage if route else model.blocker,
        "text": fill(model.summary if route else model.remedy, {}, rule.scope),
        "decided_by": fill(getattr(model, "decided_by", None) or "", {}, rule.scope),
        "weeks": _span(model.weeks),
        "cost_usd": _span(model.cost_usd),
        "confidence": model.confidence,
        "sources": " | ".join(cite(source) for source in derived.wording.sources(model)),
    }


def _span(numbers: list[Any] | None) -> str:
    return "" if not numbers else f"{numbers[0]} to {numbers[1]}"


def _elsewhere(rulebase: Rulebase, key: tuple[str, str]) -> dict[str, str]:
    """A name that only cases of other days than the run's can meet."""
    what, name = key
    entry = rulebase.find(name, None)
    title = getattr(entry[1].model, "title", "") if entry else ""
    return {"name": name, "what": what, "title": title, "kind": "", "text": title}


# case ids -------------------------------------------------------------------------------------------------------------


def duplicates(job: Job, parts: list[int]) -> dict[str, Any]:
    """Case ids that come more than once: how many, in how many rows, and some of them with their places.

    Works through the hashes of all ids by their size, so that memory stays the same however many there are.
    """
    arrays = [np.load(job.path("ids", part), mmap_mode="r") for part in parts]
    total = sum(len(array) for array in arrays)
    buckets = max(1, -(-total // _BUCKET))
    edges = [np.uint64(i * (2**64 // buckets)) for i in range(1, buckets)]
    ids = rows = 0
    examples: list[int] = []
    low = [0] * len(arrays)
    for edge in [*edges, None]:
        high = [len(a) if edge is None else int(np.searchsorted(a, edge)) for a in arrays]
        together = np.concatenate(
            [a[i:j] for a, i, j in zip(arrays, low, high, strict=True)] or [np.empty(0, np.uint64)]
        )
        low = high
        values, counts = np.unique(together, return_counts=True)
        twice = counts > 1
        ids, rows = ids + int(twice.sum()), rows + int(counts[twice].sum())
        examples += values[twice][: _EXAMPLES - len(examples)].tolist()
    return {"ids": ids, "rows": rows, "examples": list(_places(job, parts, set(examples)))}


def _places(job: Job, parts: list[int], hashes: set[int]) -> Iterator[dict[str, Any]]:
    """Some case ids by their hashes, each with the first places where it stands."""
    found: dict[str, list[str]] = {}
    for part in parts if hashes else ():
        ids = np.load(job.path("ids", part), mmap_mode="r")
        if np.isin(list(hashes), ids).any():
            cases = as_texts(scan_written(job.path("cases", part)).select("case", "file", "line").collect())
            hit = cases.filter(cases["case"].hash().is_in(list(hashes)))
            for case, file, line in hit.iter_rows():
                found.setdefault(case, []).append(f"{file}:{line}")
    yield from ({"case": case, "places": places[:_EXAMPLES]} for case, places in sorted(found.items()))
