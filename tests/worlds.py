"""Random rulebases and cases, and a second, naive reading of the rule language to compare ours with.

The oracle here reads the same data as the loader, but shares no code with `grammar`, `ground` or the engines: leaves
are kept as Python tuples, and outcomes follow the rule format's own words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import yaml

CODES = ("AA", "BB")
ENUM = ("red", "green", "blue")
DAY = date(2026, 11, 22)
NEGATE = {None: None, True: False, False: True}


@dataclass
class World:
    """A random rulebase as files, with what the oracle needs to judge it."""

    files: dict[str, str]
    types: dict[str, str]
    parameters: dict[str, Any]
    rules: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def kleene(kind: str, parts: list[bool | None], n: int = 0) -> bool | None:
    """`all`, `any` and `at_least n` by counting."""
    yes, no = parts.count(True), parts.count(False)
    need = {"all": len(parts), "any": 1, "at_least": n}[kind]
    return True if yes >= need else False if len(parts) - no < need else None


class _Maker:
    def __init__(self, seed: int, size: int) -> None:
        self.r = Random(seed)
        self.size = size
        self.facts: dict[str, Any] = {}
        self.parameters: dict[str, Any] = {}
        self.values: dict[str, dict[str, Any]] = {code: {} for code in CODES}
        self.used: set[str] = set()

    def make(self) -> World:
        kinds = ["bool", "int", "decimal", "date", "enum", "set", "country"]
        for i in range(6 + self.size // 3):
            self._fact(f"f.n{i}", self.r.choice(kinds))
        for i in range(4):
            self._parameter(f"p.n{i}", self.r.choice(["int", "date", "set"]), each=i % 2 == 0)
        findings: dict[str, Any] = {}
        requirements: dict[str, Any] = {}
        rules: list[tuple[str, dict[str, Any]]] = []
        for i in range(self.size):
            name = f"r.n{i}"
            spec = self._rule(name, [n for n, s in rules], dict(rules))
            rules.append((name, spec))
            (requirements if spec["section"] == "requirements" else findings)[name] = spec["yaml"]
        for name in list(self.facts):
            if name not in self.used:
                del self.facts[name]
        files = {"main.yaml": self._dump(findings, requirements, rules)}
        for code in CODES:
            files[f"{code}.yaml"] = yaml.safe_dump(
                {
                    "checked": DAY,
                    "jurisdiction": {
                        "code": code,
                        "name": f"Land {code}",
                        "kind": "state",
                        "board": {"name": f"Board {code}"},
                    },
                    "parameters": self.values[code],
                },
                sort_keys=False,
            )
        types = {n: f["type"] for n, f in self.facts.items()}
        return World(files, types, {"national": self.parameters, **self.values}, rules)

    def _dump(self, findings: Any, requirements: Any, rules: Any) -> str:
        self._any_fact_leaf()
        routes = {
            "way": {
                "title": "the way", "stage": "only", "summary": "All of it.", "needs": [*requirements, "req.always"],
                "for_each": "jurisdiction", **evidence(),
            }
        }  # fmt: skip
        body = {
            "checked": DAY,
            "countries": {"IN": "India", "NO": "Norway", "US": "United States"},
            "facts": self.facts,
            "parameters": self.parameters,
            "findings": findings,
            "requirements": {**requirements, "req.always": _always()},
            "routes": routes,
            "sources": {
                "law": {
                    "title": "The law",
                    "publisher": "The state",
                    "address": None,
                    "consulted": DAY,
                    "kind": "primary",
                }
            },
        }
        body["stages"] = (
            {"only": {"title": "Only", "order": 1, "shown_by": rules[0][0]}} if not rules[0][1]["each"] else {}
        )
        if not body["stages"]:
            body["findings"]["shown"] = {"title": "shown", "when": self._any_fact_leaf(), **evidence()}
            body["stages"] = {"only": {"title": "Only", "order": 1, "shown_by": "shown"}}
        body["facts"] = {n: f for n, f in self.facts.items() if n in self.used}
        return yaml.safe_dump(body, sort_keys=False)

    def _any_fact_leaf(self) -> str:
        self.facts.setdefault("f.shown", _fact("bool"))
        self.used.add("f.shown")
        return "f.shown"

    def _fact(self, name: str, kind: str) -> None:
        self.facts[name] = _fact(kind)

    def _parameter(self, name: str, kind: str, each: bool) -> None:
        spec: dict[str, Any] = {"title": name, "type": kind}
        if kind == "set":
            spec |= {"of": "country"}
        self.parameters[name] = spec
        if each:
            spec["for_each"] = "jurisdiction"
            for code in CODES:
                self.values[code][name] = [{**self._value(kind), **evidence()}]
        else:
            spec["values"] = [{**self._value(kind), **evidence()}]

    def _value(self, kind: str) -> dict[str, Any]:
        if kind == "set":
            members = self.r.sample(["IN", "NO", "US"], self.r.randint(1, 2))
            return {self.r.choice(["value", "includes"]): members}
        low = self.r.randint(0, 6)
        high = low + self.r.randint(0, 3)
        a, b = (low, high) if kind == "int" else (DAY + timedelta(days=low), DAY + timedelta(days=high))
        return self.r.choice(
            [
                {"value": a},
                {"value": None},
                {"value": "unknown"},
                {"at_least": a},
                {"at_most": b},
                {"at_least": a, "at_most": b},
            ]
        )

    def _rule(self, name: str, earlier: list[str], specs: dict[str, Any]) -> dict[str, Any]:
        each = self.r.random() < 0.4
        visible = [n for n in earlier if each or not specs[n]["each"]]
        section = self.r.choice(["findings", "requirements"]) if each else "findings"
        decides = self.r.choice(["both", "both", "both", "met", "not_met", "nothing"])
        spec: dict[str, Any] = {"section": section, "each": each, "decides": decides, "conditions": {}}
        fields = ["when"] if section == "findings" else ["met_when"]
        if section == "requirements":
            fields += [f for f in ("applies_when", "excused_when") if self.r.random() < 0.3]
        body: dict[str, Any] = {"title": name, "decides": decides, **evidence()}
        if each:
            body["for_each"] = "jurisdiction"
        if section == "requirements":
            body |= {"blocker": self.r.choice(["permanent", "fixable", "external"]), "remedy": "Do it."}
        for key in fields:
            text, tree = self._condition(2, visible, each)
            body[key] = text
            spec["conditions"][key] = tree
        return {**spec, "yaml": body}

    def _condition(self, depth: int, visible: list[str], each: bool, negative: bool = False) -> tuple[Any, Any]:
        kind = self.r.choice(["leaf", "leaf", "all", "any", "not", "at_least"]) if depth else "leaf"
        if kind == "leaf":
            return self._leaf(visible, each, negative)
        if kind == "not":
            text, tree = self._condition(depth - 1, visible, each, True)
            return {"not": text}, ("not", [tree], 0)
        made = [self._condition(depth - 1, visible, each, negative) for _ in range(self.r.choice([2, 3, 4, 17]))]
        texts, trees = [m[0] for m in made], [m[1] for m in made]
        if kind == "at_least":
            n = self.r.randint(1, min(4, len(made)))
            return {"at_least": n, "of": texts}, ("at_least", trees, n)
        return {kind: texts}, (kind, trees, 0)

    def _leaf(self, visible: list[str], each: bool, negative: bool) -> tuple[str, Any]:
        if visible and self.r.random() < 0.3:
            name = self.r.choice(visible)
            sign = self.r.random() < 0.3
            return (f"not {name}" if sign else name), ("rule", name, sign)
        name = self.r.choice(sorted(n for n in self.facts if n != "f.shown"))
        self.used.add(name)
        kind = self.facts[name]["type"]
        if kind == "bool":
            sign = self.r.random() < 0.3
            return (f"not {name}" if sign else name), ("bool", name, sign)
        fitting = [n for n, p in self.parameters.items() if (each or "for_each" not in p) and _fits(kind, p["type"])]
        if fitting and not negative and self.r.random() < 0.5:
            param = self.r.choice(fitting)
            op = self.r.choice({"country": ["in", "not in"], "set": ["overlaps"]}.get(kind, ["<", "<=", ">", ">="]))
            return f"{name} {op} ${param}", ("param", name, op, param)
        op, literal, text = self._literal(kind)
        return f"{name} {op} {text}", ("literal", name, op, literal)

    def _literal(self, kind: str) -> tuple[str, Any, str]:
        r = self.r
        compare = r.choice(["==", "!=", "<", "<=", ">", ">="])
        if kind == "int":
            n = r.randint(0, 9)
            return compare, n, str(n)
        if kind == "decimal":
            d = Decimal(r.randint(0, 90)) / 10
            return compare, d, str(d)
        if kind == "date":
            day = DAY + timedelta(days=r.randint(0, 9))
            return compare, day, day.isoformat()
        if kind == "set":
            if r.random() < 0.5:
                return "contains", "IN", "IN"
            return "overlaps", {"IN", "NO"}, "[IN, NO]"
        codes = list(ENUM) if kind == "enum" else ["IN", "NO", "US"]
        if r.random() < 0.5:
            code = r.choice(codes)
            return r.choice(["==", "!="]), code, code
        chosen = r.sample(codes, 2)
        return r.choice(["in", "not in"]), set(chosen), f"[{', '.join(chosen)}]"


def _fits(kind: str, parameter: str) -> bool:
    return {"int": "int", "decimal": "int", "date": "date", "country": "set", "set": "set"}.get(kind) == parameter


def _fact(kind: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": kind, "title": "a thing", "question": "Which is it?", "why": "It matters."}
    if kind == "enum":
        spec["values"] = {code: code.title() for code in ENUM}
    if kind == "set":
        spec["of"] = "country"
    return spec


def _always() -> dict[str, Any]:
    return {"title": "t", "met_when": "f.shown", "blocker": "fixable", "remedy": "Do it.", **evidence()}


def evidence() -> dict[str, Any]:
    """Evidence firm enough to decide both ways."""
    return {"sources": ["law"], "basis": "primary", "confidence": "high"}


def make_world(seed: int, size: int = 12) -> World:
    """The random rulebase of a seed."""
    return _Maker(seed, size).make()


def make_facts(world: World, seed: int, known: float = 0.6) -> dict[str, Any]:
    """Random facts for a world, about so many of them known."""
    r = Random(seed)
    found: dict[str, Any] = {}
    for name, kind in world.types.items():
        if r.random() < known:
            found[name] = random_value(r, kind)
    return found


def random_value(r: Random, kind: str) -> Any:
    """A random value of a fact's kind."""
    makers: dict[str, Callable[[], Any]] = {
        "bool": lambda: r.random() < 0.5,
        "int": lambda: r.randint(0, 9),
        "decimal": lambda: Decimal(r.randint(0, 90)) / 10,
        "date": lambda: DAY + timedelta(days=r.randint(0, 9)),
        "enum": lambda: r.choice(ENUM),
        "country": lambda: r.choice(["IN", "NO", "US"]),
        "set": lambda: frozenset(r.sample(["IN", "NO", "US"], r.randint(0, 3))),
    }
    return makers[kind]()


# the oracle ---------------------------------------------------------------------------------------------------------


def oracle(world: World, facts: dict[str, Any]) -> dict[str, bool | None]:
    """The truth of every rule, `name` or `name@CODE`, by the words of the rule format."""
    specs = dict(world.rules)
    found: dict[str, bool | None] = {}
    for code in (None, *CODES):
        for name, spec in world.rules:
            if spec["each"] == (code is not None):
                found[f"{name}@{code}" if code else name] = _judge(spec, code, world, facts, found, specs)
    return found


def _judge(spec: Any, code: str | None, world: World, facts: Any, found: Any, specs: Any) -> bool | None:
    def value(tree: Any) -> bool | None:
        return _tree(tree, code, world, facts, found, specs)

    main = value(spec["conditions"].get("when") or spec["conditions"]["met_when"])
    if main is not None and spec["decides"] != "both" and spec["decides"] != ("met" if main else "not_met"):
        main = None
    parts = [main]
    if "applies_when" in spec["conditions"]:
        parts.append(NEGATE[value(spec["conditions"]["applies_when"])])
    if "excused_when" in spec["conditions"]:
        parts.append(value(spec["conditions"]["excused_when"]))
    return kleene("any", parts)


def _tree(tree: Any, code: str | None, world: World, facts: Any, found: Any, specs: Any) -> bool | None:
    kind = tree[0]
    if kind == "rule":
        truth = found[f"{tree[1]}@{code}" if specs[tree[1]]["each"] else tree[1]]
        return NEGATE[truth] if tree[2] else truth
    if kind == "bool":
        truth = facts.get(tree[1])
        return NEGATE[truth] if tree[2] else truth
    if kind == "literal":
        actual = facts.get(tree[1])
        return None if actual is None else _compare(actual, tree[2], tree[3])
    if kind == "param":
        return _against(facts.get(tree[1]), tree[2], _parameter_value(world, tree[3], code))
    parts = [_tree(part, code, world, facts, found, specs) for part in tree[1]]
    return NEGATE[parts[0]] if kind == "not" else kleene(kind, parts, tree[2])


def _parameter_value(world: World, name: str, code: str | None) -> dict[str, Any]:
    spec = world.parameters["national"][name]
    found: dict[str, Any] = spec["values"][0] if "values" in spec else world.parameters[str(code)][name][0]
    return found


def _compare(actual: Any, op: str, wanted: Any) -> bool:
    tests: dict[str, Callable[[], bool]] = {
            "==": lambda: actual == wanted, "!=": lambda: actual != wanted, "<": lambda: actual < wanted,
            "<=": lambda: actual <= wanted, ">": lambda: actual > wanted, ">=": lambda: actual >= wanted,
            "in": lambda: actual in wanted, "not in": lambda: actual not in wanted,
            "contains": lambda: wanted in actual, "overlaps": lambda: bool(set(actual) & set(wanted)),
        }  # fmt: skip
    return bool(tests[op]())


def _against(actual: Any, op: str, value: dict[str, Any]) -> bool | None:
    """A fact against what is known of a parameter: true or false only where every possible figure agrees."""
    if "value" in value and value["value"] is None:
        return True
    if value.get("value") == "unknown" or actual is None:
        return None
    if "includes" in value:
        inside = _compare(actual, "overlaps" if op == "overlaps" else "in", value["includes"])
        return None if not inside else op != "not in"
    if "value" in value:
        return _compare(actual, op, value["value"])
    step = 1 if isinstance(value.get("at_least", value.get("at_most")), int) else timedelta(days=1)
    far = 100 * step
    low = value["at_least"] if "at_least" in value else value["at_most"] - far
    high = value["at_most"] if "at_most" in value else low + 2 * far
    figures = [low]
    while figures[-1] < high:
        figures.append(figures[-1] + step)
    verdicts = {_compare(actual, op, figure) for figure in figures}
    return verdicts.pop() if len(verdicts) == 1 else None
