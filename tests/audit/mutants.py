"""Random changes of random rulebases: every kind of edit that an expert might make, and some that mean nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any

import yaml

from imgrules.assessment.case import Case
from imgrules.errors import Severity
from imgrules.rulebase.load import check_files
from imgrules.rulebase.rulebase import Rulebase
from tests.worlds import CODES, DAY, evidence, make_facts, make_world

Files = dict[str, str]
SIZE = 7


def load(files: Files) -> Rulebase:
    """A rulebase from texts that must be right."""
    rulebase, problems = check_files(files, lint=False)
    errors = [str(p) for p in problems if p.severity is Severity.ERROR]
    assert not errors
    assert rulebase
    return rulebase


@cache
def pair(seed: int, changes: int = 6) -> tuple[Rulebase, Rulebase]:
    """A random rulebase, and the same after some random changes."""
    r = Random(seed)
    files = make_world(seed, size=SIZE).files
    data = {name: yaml.load(text, Loader=yaml.CSafeLoader) for name, text in files.items()}
    _date_a_route(data, r)
    old = load(_dump(data))
    new = old
    for _ in range(changes):
        changed = deepcopy(data)
        r.choice(MUTATIONS)(changed, r)
        _drop_unused(changed)
        rulebase, problems = check_files(_dump(changed), lint=False)
        if rulebase and not any(p.severity is Severity.ERROR for p in problems):
            data, new = changed, rulebase
    return old, new


def case_of(seed: int, days: int = 0) -> Case:
    """A random case for the rulebases of a seed."""
    return Case("c", DAY + timedelta(days=days), CODES, make_facts(make_world(seed, size=SIZE), seed + 1, 0.8))


def _dump(data: dict[str, Any]) -> Files:
    return {name: yaml.dump(body, Dumper=_Dumper, sort_keys=False) for name, body in data.items()}


class _Dumper(yaml.CSafeDumper):
    """Rule files have no references to elsewhere."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _drop_unused(data: dict[str, Any]) -> None:
    main = data["main.yaml"]
    rest = str({k: v for k, v in main.items() if k not in ("facts", "parameters")})
    words = set(re.split(r"[^a-z0-9_.]+", rest))
    main["facts"] = {name: fact for name, fact in main["facts"].items() if name in words}


def _date_a_route(data: dict[str, Any], r: Random) -> None:
    if r.random() < 0.5:
        data["main.yaml"]["routes"]["way"]["in_force"] = {"from": DAY + timedelta(days=r.randint(-3, 3))}


# one change each --------------------------------------------------------------------------------------------------------


def _any_value(r: Random, kind: str) -> dict[str, Any]:
    if kind == "set":
        return {r.choice(["value", "includes"]): r.sample(["IN", "NO", "US"], r.randint(1, 2))}
    n = r.randint(0, 8)
    figure: Any = n if kind == "int" else DAY + timedelta(days=n)
    return {r.choice(["value", "at_least", "at_most"]): figure}


def _value(data: dict[str, Any], r: Random) -> None:
    """Another value from some day on."""
    main = data["main.yaml"]
    name = r.choice(sorted(main["parameters"]))
    spec = main["parameters"][name]
    holder, key = (data[f"{r.choice(CODES)}.yaml"]["parameters"], name) if "for_each" in spec else (spec, "values")
    new = {**_any_value(r, spec["type"]), **evidence()}
    start = DAY + timedelta(days=r.randint(-4, 4))
    if r.random() < 0.5 or len(holder[key]) > 1:
        holder[key] = [new]
    else:
        holder[key] = [{**holder[key][0], "to": start - timedelta(days=1)}, {**new, "from": start}]


def _rules(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    main = data["main.yaml"]
    return [*main["findings"].items(), *main["requirements"].items()]


def _condition(data: dict[str, Any], r: Random) -> None:
    """A condition turned round, joined with a new fact, or another rule's."""
    _, rule = r.choice(_rules(data))
    field = "when" if "when" in rule else "met_when"
    main = data["main.yaml"]
    kind = r.choice(["not", "fact", "other", "all"])
    if kind == "not":
        rule[field] = {"not": rule[field]}
    elif kind == "other":
        other = r.choice(_rules(data))[1]
        rule[field] = other.get("when", other.get("met_when"))
    else:
        name = f"f.extra{r.randint(0, 2)}"
        main["facts"].setdefault(name, {"type": "bool", "title": "x", "question": "Is it?", "why": "It matters."})
        rule[field] = name if kind == "fact" else {r.choice(["all", "any"]): [rule[field], name]}


def _beside(data: dict[str, Any], r: Random) -> None:
    """To whom a requirement applies, or what excuses from it."""
    rule = r.choice(list(data["main.yaml"]["requirements"].values()))
    field = r.choice(["applies_when", "excused_when"])
    if rule.pop(field, None) is None or r.random() < 0.5:
        rule[field] = r.choice(["f.shown", "not f.shown"])


def _decides(data: dict[str, Any], r: Random) -> None:
    r.choice(_rules(data))[1]["decides"] = r.choice(["both", "met", "not_met", "nothing"])


def _blocker(data: dict[str, Any], r: Random) -> None:
    r.choice(list(data["main.yaml"]["requirements"].values()))["blocker"] = r.choice(
        ["permanent", "fixable", "external"]
    )


def _add(data: dict[str, Any], r: Random) -> None:
    """A new requirement of the route, over a new fact through a new finding."""
    main, n = data["main.yaml"], r.randint(0, 9)
    main["facts"][f"f.new{n}"] = {"type": "int", "title": "x", "question": "How many?", "why": "It matters."}
    main["findings"][f"g.n{n}"] = {"title": "g", "when": f"f.new{n} >= 3", **evidence()}
    main["requirements"][f"q.n{n}"] = {
        "title": "q", "met_when": f"g.n{n}", "blocker": r.choice(["permanent", "fixable"]), "remedy": "Do.", **evidence(),
    }  # fmt: skip
    main["routes"]["way"]["needs"].append(f"q.n{n}")


def _drop(data: dict[str, Any], r: Random) -> None:
    """One need fewer; the requirement may go with it."""
    main = data["main.yaml"]
    needs = main["routes"]["way"]["needs"]
    if len(needs) > 1:
        name = needs.pop(r.randrange(len(needs)))
        if r.random() < 0.5:
            main["requirements"].pop(name, None)


def _own(data: dict[str, Any], r: Random) -> None:
    """A jurisdiction gets a requirement of its own, or an excuse."""
    body = data[f"{r.choice(CODES)}.yaml"]
    names = sorted(data["main.yaml"]["requirements"])
    if r.random() < 0.5:
        each = [n for n in names if "for_each" in data["main.yaml"]["requirements"][n]]
        if each:
            body["excuses"] = {r.choice(each): {"title": "e", "when": "f.shown", **evidence()}}
    else:
        body["requirements"] = {
            "own.one": {
                "for_route": "way", "title": "o", "met_when": "not f.shown", "blocker": "permanent", "remedy": "Do.", **evidence(),
            }
        }  # fmt: skip


def _dates(data: dict[str, Any], r: Random) -> None:
    spec = r.choice([data["main.yaml"]["routes"]["way"], r.choice(_rules(data))[1]])
    day = DAY + timedelta(days=r.randint(-4, 4))
    spec["in_force"] = r.choice([{"from": day}, {"to": day}])


def _weaken(data: dict[str, Any], r: Random) -> None:
    data["main.yaml"]["routes"]["way"]["confidence"] = r.choice(["low", "high", "medium"])


def _retype(data: dict[str, Any], r: Random) -> None:
    """A truth becomes a number, and everybody who asks for it compares it."""
    main = data["main.yaml"]
    names = [n for n, f in main["facts"].items() if f["type"] == "bool" and n != "f.shown"]
    if names:
        name = r.choice(names)
        main["facts"][name]["type"] = "int"
        for rule in (rule for _, rule in _rules(data)):
            for field in ("when", "met_when", "applies_when", "excused_when"):
                if field in rule:
                    rule[field] = _compared(rule[field], name)


def _compared(condition: Any, name: str) -> Any:
    if isinstance(condition, str):
        return {name: f"{name} >= 1", f"not {name}": f"{name} < 1"}.get(condition, condition)
    if isinstance(condition, list):
        return [_compared(part, name) for part in condition]
    if isinstance(condition, dict):
        return {key: _compared(part, name) for key, part in condition.items()}
    return condition


def rewrite(data: dict[str, Any], r: Random) -> None:
    """Nothing that means anything: another order, needless brackets, another wording of the same."""
    main = data["main.yaml"]
    for section in ("facts", "findings", "requirements"):
        pairs = list(main[section].items())
        r.shuffle(pairs)
        main[section] = dict(pairs)
    r.shuffle(main["routes"]["way"]["needs"])
    for _, rule in _rules(data):
        field = "when" if "when" in rule else "met_when"
        rule[field] = r.choice(
            [rule[field], {"all": [rule[field]]}, {"not": {"not": rule[field]}}, {"at_least": 1, "of": [rule[field]]}]
        )
        rule[field] = _shuffled(rule[field], r)


def _shuffled(condition: Any, r: Random) -> Any:
    if isinstance(condition, dict):
        condition = {key: _shuffled(part, r) for key, part in condition.items()}
        for key in ("all", "any", "of"):
            if key in condition:
                r.shuffle(condition[key])
    elif isinstance(condition, list):
        condition = [_shuffled(part, r) for part in condition]
    return condition


def rewritten(seed: int) -> tuple[Rulebase, Rulebase]:
    """A random rulebase and the same one in other words, split over other files."""
    r = Random(seed)
    data = {name: yaml.load(text, Loader=yaml.CSafeLoader) for name, text in make_world(seed, size=SIZE).files.items()}
    old = load(_dump(data))
    rewrite(data, r)
    findings = data["main.yaml"].pop("findings")
    data["elsewhere.yaml"] = {"checked": DAY, "findings": findings}
    return old, load(_dump(data))


MUTATIONS: list[Callable[[dict[str, Any], Random], None]] = [
    _value, _value, _condition, _condition, _beside, _beside, _decides, _blocker, _add, _drop, _own, _dates, _weaken, _retype, rewrite,
]  # fmt: skip
