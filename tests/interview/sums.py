"""Small random rulebases with arithmetic, questions that make sense only by others, and contradictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from itertools import product
from random import Random
from typing import Any

import yaml

from imgrules.assessment.assess import Assessor
from imgrules.errors import Severity
from imgrules.interview.board import Layout
from imgrules.interview.goals import truth
from imgrules.interview.network import TRUE
from imgrules.rulebase.load import check_files
from imgrules.rulebase.values import Value
from tests.worlds import DAY, evidence

TOP = 3
DERIVED = (
    "a.n0 + a.n1", "a.n0 - a.n1", "a.n0 * a.n1", "max(a.n0, a.n1)", "min(a.n0, 2) + a.n1", "a.n1 + number(a.b)",
    "days_between(a.d0, a.d1)", "days_between(a.d0, add_days(a.d1, a.n0))", "months_between(a.d0, a.d1)", "s.n0 + a.n1",
)  # fmt: skip
ROUTE = "way"


def make_sums(seed: int, gates: bool = True) -> Assessor:
    """A rulebase with one national route, its requirements over six facts and what is computed from them."""
    rulebase, problems = check_files({"main.yaml": _text(Random(seed), gates)})
    errors = [p for p in problems if p.severity is Severity.ERROR]
    assert rulebase, errors
    assert not errors, errors
    return Assessor(rulebase)


def _text(r: Random, gates: bool) -> str:
    derived = {"s.n0": "a.n0 + a.n1"} | {f"s.n{i}": r.choice(DERIVED) for i in range(1, 3)}
    facts: dict[str, Any] = {name: _fact("bool") for name in ("a.b", "a.c")}
    facts |= {f"a.n{i}": {**_fact("int"), "range": [0, TOP]} for i in range(2)}
    facts |= {f"a.d{i}": {**_fact("date"), "range": [DAY, DAY + timedelta(days=TOP)]} for i in range(2)}
    if gates and r.random() < 0.7:
        facts["a.n1"]["asked_when"] = r.choice(["a.b", "not a.c", "a.n0 >= 1", {"all": ["a.b", "a.n0 <= 1"]}])
        facts["a.d1"]["asked_when"] = r.choice(["not a.b", "a.c", "a.n0 <= 1", "a.n0 >= 2"])
    if gates and r.random() < 0.5:
        facts["a.c"]["asked_when"] = "a.b"
    names = every = [*facts, *derived]
    if r.random() < 0.5:  # few names in many conditions: what one of them could decide, another often has decided
        names = r.sample(every, 3)
    permanent = r.choice([0.5, 0.5, 0.9, 1])
    requirements = {}
    for i in range(r.randint(2, 4)):
        requirements[f"r.n{i}"] = {
            "title": "t", "remedy": "Do it.", "blocker": _blocker(r, permanent),
            "met_when": _condition(r, names, derived, 2), **evidence(),
        }  # fmt: skip
        if r.random() < 0.3:
            requirements[f"r.n{i}"]["applies_when"] = _condition(r, names, derived, 1)
    everything = [_leaf(r, name, derived) for name in every]
    findings = {}
    if r.random() < 0.5:
        requirements["r.all"] = {
            "title": "t", "remedy": "Do it.", "blocker": _blocker(r, permanent), "met_when": {"any": everything},
            **evidence(),
        }  # fmt: skip
    else:  # every fact must be used somewhere
        findings["f.all"] = {"title": "t", "when": {"any": everything}, **evidence()}
    route = {"title": "w", "stage": "only", "summary": "All of it.", "needs": [*requirements], **evidence()}
    if r.random() < 0.3:
        route["applies_when"] = _condition(r, names, derived, 1)
    body: dict[str, Any] = {
        "checked": DAY,
        "facts": facts,
        "derived": {n: {"type": _type(t), "title": n, "is": t} for n, t in derived.items()},
        "findings": findings,
        "requirements": requirements,
        "routes": {ROUTE: route},
        "stages": {"only": {"title": "Only", "order": 1, "shown_by": ROUTE}},
        "sources": {
            "law": {"title": "L", "publisher": "P", "address": None, "consulted": DAY, "kind": "primary"},
        },
    }
    if r.random() < 0.5:
        body["contradictions"] = {"odd": {"when": _condition(r, names, derived, 1), "text": "That cannot be."}}
    return yaml.safe_dump(body, sort_keys=False)


def _blocker(r: Random, permanent: float) -> str:
    return "permanent" if r.random() < permanent else "fixable"


def _fact(kind: str) -> dict[str, Any]:
    return {"type": kind, "title": "a thing", "question": "What?", "why": "It matters.", "changeable": True}


def _type(text: str) -> str:
    return "decimal" if text.startswith("months") else "int"


def _condition(r: Random, names: list[str], derived: Mapping[str, str], depth: int) -> Any:
    kind = r.choice(["leaf", "all", "any", "not"]) if depth else "leaf"
    if kind == "leaf":
        return _leaf(r, r.choice(names), derived)
    if kind == "not":
        return {"not": _condition(r, names, derived, depth - 1)}
    return {kind: [_condition(r, names, derived, depth - 1) for _ in range(2)]}


def _leaf(r: Random, name: str, derived: Mapping[str, str]) -> str:
    if name in ("a.b", "a.c"):
        return r.choice([name, f"not {name}"])
    op = r.choice(["<", "<=", ">", ">=", "==", "!="])
    if name.startswith("a.d"):
        return f"{name} {op} {DAY + timedelta(days=r.randint(0, TOP))}"
    if _type(derived.get(name, "")) == "decimal":
        return f"{name} {r.choice(['<', '>='])} {r.choice(['0', '0.05', '-0.05'])}"
    return f"{name} {op} {r.randint(-1, 5)}"


def values_of(fact: str) -> list[Value]:
    """Every value that a fact of these rulebases may have."""
    if fact in ("a.b", "a.c"):
        return [True, False]
    return [DAY + timedelta(days=n) if fact.startswith("a.d") else n for n in range(TOP + 1)]


@cache
def layout_of(assessor: Assessor) -> Layout:
    """The route's layout."""
    return Layout(assessor.rulebase, assessor.grounder.program(DAY, ()), DAY, [ROUTE])


class Everyone:
    """Every case of some facts, not knowing included, and what it comes to: by trying them all."""

    def __init__(self, layout: Layout, told: Mapping[str, Value], facts: list[str]) -> None:
        self.layout = layout
        self.told = dict(told)
        self.facts = facts
        self.status: dict[tuple[Value | None, ...], Any] = {}
        self.possible: dict[tuple[Value | None, ...], bool] = {}
        for combo in product(*([*values_of(f), None] for f in facts)):
            chosen = {f: v for f, v in zip(facts, combo, strict=True) if v is not None}
            codes = layout.network.evaluate({**self.told, **chosen, "today": layout.day})
            self.status[combo] = layout.goals[0].status(codes)
            clash = any(truth(codes, part) == TRUE for part in layout.clashes.values())
            sense = all(truth(codes, p) == TRUE for f, p in layout.asked_when.items() if f in chosen)
            self.possible[combo] = sense and not clash

    def useful(self) -> Iterator[str]:
        """The facts of which some possible answer changes the status."""
        for i, fact in enumerate(self.facts):
            if any(
                self.possible[c] and c[i] is not None and self.status[c] != self.status[(*c[:i], None, *c[i + 1 :])]
                for c in self.status
            ):
                yield fact
