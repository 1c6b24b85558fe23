"""One workload on our columnar executor and on its peers, in turns in one process: `python -m bench.peers`.

N applicants with 60 facts (20 truths, 20 whole numbers, 10 decimals, 10 codes) and 120 rules in three layers (60 over
facts, 40 over those and facts, 20 over both): thresholds, conjunctions of two or three, disjunctions. Ours is written as
a rule file and goes the whole way: loader, checks, grounding, columnar program; nothing in it knows that no fact is
missing. Every engine must give the same 120 answers for every applicant as a plain evaluation does. What is timed is
from loaded data to 120 answers in the engine's own form; engines that take one applicant at a time get fewer of them.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

Condition: TypeAlias = tuple[str, str, Any]
Rule: TypeAlias = tuple[str, str, list[Condition]]
Person: TypeAlias = dict[str, Any]
Run: TypeAlias = Callable[[], Any]

CODES = ["p1", "p2", "p3", "p4", "p5", "p6"]
OPS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b, ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b,
}  # fmt: skip


def make_rules() -> list[Rule]:
    """The rules, in an order in which each leans only on earlier ones."""
    r = random.Random(7)
    found: list[Rule] = []

    def add(kind: str, conditions: list[Condition]) -> None:
        found.append((f"d{len(found)}", kind, conditions))

    def least() -> Condition:
        return (f"i{r.randrange(20)}", ">=", r.randrange(30, 80))

    def decimal(op: str) -> Condition:
        return (f"x{r.randrange(10)}", op, r.randrange(300, 800) / 1000)

    def truth() -> Condition:
        return (f"b{r.randrange(20)}", "==", True)

    def code() -> Condition:
        return (f"s{r.randrange(10)}", "==", r.choice(CODES))

    def rule(low: int, high: int) -> Condition:
        return (f"d{r.randrange(low, high)}", "==", True)

    for k in range(60):
        if k < 20:
            add("all", [least()])
        elif k < 36:
            add("all", [truth(), least()])
        elif k < 48:
            add("all", [truth(), code(), decimal("<=")])
        else:
            add("any", [least(), decimal(">=")])
    for k in range(40):
        two = [(f"d{n}", "==", True) for n in r.sample(range(60), 2)]
        add("all" if k < 20 or k >= 30 else "any", two if k < 30 else [rule(0, 60), truth()])
    for k in range(20):
        two = [(f"d{n}", "==", True) for n in r.sample(range(60, 100), 2)]
        add("all" if k < 12 else "any", two if k < 12 else [rule(60, 100), rule(0, 60)])
    return found


def make_people(n: int) -> list[Person]:
    """Applicants of whom everything is known."""
    r = random.Random(11)
    people = []
    for _ in range(n):
        person: Person = {f"b{i}": r.random() < 0.5 for i in range(20)}
        person.update((f"i{i}", r.randrange(101)) for i in range(20))
        person.update((f"x{i}", r.randrange(1001) / 1000) for i in range(10))
        person.update((f"s{i}", r.choice(CODES)) for i in range(10))
        people.append(person)
    return people


RULES = make_rules()
HEADS = [head for head, _, _ in RULES]
LAYERS = [RULES[:60], RULES[60:100], RULES[100:]]


def plain(person: Person) -> list[bool]:
    """What must come out."""
    known = dict(person)
    for head, kind, conditions in RULES:
        known[head] = (all if kind == "all" else any)(OPS[op](known[name], value) for name, op, value in conditions)
    return [known[head] for head in HEADS]


# ours -------------------------------------------------------------------------------------------------------------------


def rule_file() -> str:
    """The workload as a rule file."""
    import yaml

    evidence = {"sources": ["law"], "basis": "primary", "confidence": "high"}
    types: dict[str, Any] = {"b": {"type": "bool"}, "i": {"type": "int"}, "x": {"type": "decimal"}}
    types["s"] = {"type": "enum", "values": {code: code for code in CODES}}
    used = {name for _, _, conditions in RULES for name, _, _ in conditions if name[0] != "d"}
    facts = {
        f"f.{name}": {**types[name[0]], "title": name, "question": f"{name}?", "why": "It counts."}
        for name in sorted(used)
    }

    def leaf(condition: Condition) -> str:
        name, op, value = condition
        full = f"{'r' if name[0] == 'd' else 'f'}.{name}"
        return full if value is True else f"{full} {op} {value}"

    findings = {
        f"r.{head}": {"title": head, "when": {kind: [leaf(c) for c in conditions]}, **evidence}
        for head, kind, conditions in RULES
    }
    law = {"title": "L", "publisher": "P", "address": None, "consulted": "2026-11-22", "kind": "primary"}
    data = {"checked": "2026-11-22", "facts": facts, "findings": findings, "sources": {"law": law}}
    return yaml.safe_dump(json.loads(json.dumps(data)), sort_keys=False)


def _program() -> Any:
    from datetime import date

    from imgrules.errors import Severity
    from imgrules.rulebase.ground import Grounder
    from imgrules.rulebase.load import check_files

    rulebase, problems = check_files({"main.yaml": rule_file().replace("'2026-11-22'", "2026-11-22")})
    assert rulebase
    wrong = [p for p in problems if p.severity is Severity.ERROR]
    assert not wrong, wrong[:3]
    return Grounder(rulebase).program(date(2026, 11, 22))


def imgrules(people: Sequence[Person]) -> Run:
    """Our columnar executor, three-valued."""
    from datetime import date

    import polars as pl

    from imgrules.engines.columnar import Columnar, table
    from imgrules.rulebase.grammar import TODAY

    program = _program()
    rows = [
        {
            f"f.{k}": Decimal(str(v)) if isinstance(v, float) else v
            for k, v in person.items()
            if f"f.{k}" in program.types
        }
        for person in people
    ]
    frame = table(rows, program.types).with_columns(pl.lit(date(2026, 11, 22)).alias(TODAY))
    columnar = Columnar(program)
    literals = {head: program.rules[f"r.{head}"].literal for head in HEADS}

    def run() -> Any:
        found = columnar.run(frame)
        return [found.truth(literal) for literal in literals.values()]

    return run


def imgrules_durable(people: Sequence[Person]) -> Run:
    """Our engine for one applicant, with every proof."""
    from imgrules.engines.durable import DurableEngine

    program, engine = _program(), DurableEngine()
    rows = [{f"f.{k}": Decimal(str(v)) if isinstance(v, float) else v for k, v in p.items()} for p in people]
    literals = [program.rules[f"r.{head}"].literal for head in HEADS]

    def one(values: Any) -> list[bool | None]:
        found = engine.run(program, values)
        return [found.truth(literal) for literal in literals]

    return lambda: [one(row) for row in rows]


# peers ------------------------------------------------------------------------------------------------------------------


def polars(people: Sequence[Person]) -> Run:
    """Polars written by hand for this workload, two-valued."""
    import polars as pl

    frame = pl.DataFrame(people)

    def expression(kind: str, conditions: list[Condition]) -> Any:
        parts = [pl.col(n) if v is True else OPS[op](pl.col(n), v) for n, op, v in conditions]
        return pl.all_horizontal(parts) if kind == "all" else pl.any_horizontal(parts)

    layers = [[expression(kind, conditions).alias(head) for head, kind, conditions in layer] for layer in LAYERS]

    def run() -> Any:
        query = frame.lazy()
        for layer in layers:
            query = query.with_columns(layer)
        found = query.select(HEADS).collect()
        return [found[head] for head in HEADS]

    return run


def numpy(people: Sequence[Person]) -> Run:
    """NumPy written by hand."""
    import numpy as np

    columns = {name: np.array([person[name] for person in people]) for name in people[0]}

    def run() -> Any:
        known: dict[str, Any] = dict(columns)
        for head, kind, conditions in RULES:
            parts = [known[n] if v is True else OPS[op](known[n], v) for n, op, v in conditions]
            found = parts[0]
            for part in parts[1:]:
                found = found & part if kind == "all" else found | part
            known[head] = found
        return [known[head] for head in HEADS]

    return run


def duckdb(people: Sequence[Person]) -> Run:
    """DuckDB, one query of three layers, two threads."""
    import duckdb as library
    import polars as pl

    connection = library.connect()
    connection.execute("set threads=2")
    connection.register("source", pl.DataFrame(people).with_row_index("id").to_arrow())
    connection.execute("create table people as select * from source")

    def condition(c: Condition) -> str:
        name, op, value = c
        shown = f"'{value}'" if isinstance(value, str) else repr(value)
        return name if value is True else f"{name} {'=' if op == '==' else op} {shown}"

    def layer(rules: list[Rule]) -> str:
        words = {"all": " and ", "any": " or "}
        return ", ".join(f"({words[kind].join(map(condition, cs))}) as {head}" for head, kind, cs in rules)

    query = (
        f"with a as (select *, {layer(LAYERS[0])} from people), b as (select *, {layer(LAYERS[1])} from a), "
        f"c as (select *, {layer(LAYERS[2])} from b) select {', '.join(HEADS)} from c order by id"
    )

    def run() -> Any:
        found = connection.execute(query).fetchnumpy()
        return [found[head] for head in HEADS]

    return run


def openfisca(people: Sequence[Person]) -> Run:
    """OpenFisca, vectorised; its floats are of 32 bits, which changes no answer here."""
    import numpy as np
    from openfisca_core.entities import build_entity
    from openfisca_core.periods import DateUnit
    from openfisca_core.simulations import SimulationBuilder
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    entity = build_entity(key="person", plural="persons", label="", is_person=True)
    system = TaxBenefitSystem([entity])
    kinds: dict[str, type] = {"b": bool, "i": int, "x": float, "s": str, "d": bool}

    def variable(name: str, **more: Any) -> None:
        body = {"value_type": kinds[name[0]], "entity": entity, "definition_period": DateUnit.ETERNITY, "label": name}
        system.add_variable(type(name, (Variable,), {**body, **more}))

    def formula(kind: str, conditions: list[Condition]) -> Any:
        def compute(population: Any, period: Any) -> Any:
            parts = [
                population(n, period) if v is True else OPS[op](population(n, period), v) for n, op, v in conditions
            ]
            found = parts[0]
            for part in parts[1:]:
                found = found & part if kind == "all" else found | part
            return found

        return compute

    for name in people[0]:
        variable(name)
    for head, kind, conditions in RULES:
        variable(head, formula=formula(kind, conditions))
    columns = {name: np.array([person[name] for person in people]) for name in people[0]}
    cast = {"x": np.float32, "s": object}

    def run() -> Any:
        simulation = SimulationBuilder().build_default_simulation(system, count=len(people))
        for name, column in columns.items():
            simulation.set_input(name, "2024", column.astype(cast[name[0]]) if name[0] in cast else column)
        return [np.asarray(simulation.calculate(head, "2024")) for head in HEADS]

    return run


def zen(people: Sequence[Person]) -> Run:
    """ZEN (GoRules), a decision of three expression nodes."""
    import zen as library

    def node(id: str, type: str, content: Any = None) -> dict[str, Any]:
        found = {"id": id, "type": type, "name": id, "position": {"x": 0, "y": 0}}
        return {**found, "content": content} if content else found

    def expression(rule: Rule) -> dict[str, str]:
        head, kind, conditions = rule
        parts = [c[0] if c[2] is True else f"{c[0]} {c[1]} {json.dumps(c[2])}" for c in conditions]
        return {"id": head, "key": head, "value": {"all": " and ", "any": " or "}[kind].join(parts)}

    inner = [
        node(f"l{i}", "expressionNode", {"passThrough": True, "expressions": [expression(rule) for rule in layer]})
        for i, layer in enumerate(LAYERS)
    ]
    nodes = [node("in", "inputNode"), *inner, node("out", "outputNode")]
    ids = [n["id"] for n in nodes]
    edges = [
        {"id": f"e{i}", "type": "edge", "sourceId": a, "targetId": b}
        for i, (a, b) in enumerate(itertools.pairwise(ids))
    ]
    decision = library.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))

    def one(person: Person) -> list[bool]:
        found = decision.evaluate(person)["result"]
        return [found[head] for head in HEADS]

    return lambda: [one(person) for person in people]


def clips(people: Sequence[Person]) -> Run:
    """CLIPS, a template with a slot a fact."""
    import clips as library

    environment, symbol, seen = library.Environment(), library.Symbol, set[str]()
    environment.define_function(lambda head: seen.add(str(head)), "got")
    environment.build("(deftemplate a " + " ".join(f"(slot {name})" for name in people[0]) + ")")
    environment.build("(deftemplate d (slot n))")

    def pattern(condition: Condition, i: int) -> str:
        name, op, value = condition
        if name[0] == "d":
            return f"(d (n {name}))"
        shown = "TRUE" if value is True else f'"{value}"' if isinstance(value, str) else repr(value)
        return f"(a ({name} {shown if op == '==' else f'?v{i}&:({op} ?v{i} {shown})'}))"

    for head, kind, conditions in RULES:
        body = " ".join(pattern(c, i) for i, c in enumerate(conditions))
        body = f"(or {body})" if kind == "any" and len(conditions) > 1 else body
        environment.build(f"(defrule {head} {body} => (assert (d (n {head}))) (got {head}))")
    symbols = {True: symbol("TRUE"), False: symbol("FALSE")}
    rows = [{k: symbols[v] if isinstance(v, bool) else v for k, v in person.items()} for person in people]
    template = environment.find_template("a")

    def one(row: Person) -> list[bool]:
        environment.reset()
        seen.clear()
        template.assert_fact(**row)
        environment.run()
        return [head in seen for head in HEADS]

    return lambda: [one(row) for row in rows]


def durable(people: Sequence[Person]) -> Run:
    """durable-rules as its documentation drives it: its host, one rule a conjunction, conclusions asserted."""
    from durable import engine

    class Host(engine.Host):  # type: ignore[misc]
        def _run(self) -> None:
            """No threads in the background."""

    got: set[str] = set()

    def conclude(head: str) -> Callable[[Any], None]:
        def act(context: Any) -> None:
            if head != "begin" and head not in got:
                got.add(head)
                with contextlib.suppress(engine.MessageNotHandledException):
                    context.assert_fact({"k": head, "v": True})

        return act

    def test(condition: Condition) -> dict[str, Any]:
        name, op, value = condition
        wanted = {"v": value} if op == "==" else {{">=": "$gte", "<=": "$lte"}[op]: {"v": value}}
        return {"$and": [{"k": name}, wanted]}

    rules: dict[str, Any] = {"begin": {"all": [{"b": {"k": "begin"}}], "run": conclude("begin")}}
    for head, kind, conditions in RULES:
        for j, together in enumerate([conditions] if kind == "all" else [[c] for c in conditions]):
            rules[f"{head}.{j}"] = {"all": [{f"c{i}": test(c)} for i, c in enumerate(together)], "run": conclude(head)}
    host = Host({"t": rules})

    def one(i: int, person: Person) -> list[bool]:
        got.clear()
        with contextlib.suppress(engine.MessageNotHandledException):
            host.assert_facts("t", [{"sid": str(i), "k": k, "v": v} for k, v in person.items()])
        host.assert_fact("t", {"sid": str(i), "k": "begin"})
        host.delete_state("t", str(i))
        return [head in got for head in HEADS]

    return lambda: [one(i, person) for i, person in enumerate(people)]


# side by side -------------------------------------------------------------------------------------------------------------

COLUMNS = ("imgrules", "polars", "numpy", "duckdb", "openfisca")
ONE_BY_ONE = {"zen": 2000, "clips": 1000, "imgrules_durable": 300, "durable": 300}


def answers(found: Any, columns: bool) -> list[list[bool]]:
    """An engine's answers as rows of truths."""
    if not columns:
        return [[bool(x) for x in row] for row in found]
    lists = [column.to_list() if hasattr(column, "to_list") else column.tolist() for column in found]
    return [[bool(x) for x in row] for row in zip(*lists, strict=True)]


def main() -> None:
    """Run every engine asked for in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--applicants", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--engine", action="append", choices=[*COLUMNS, *ONE_BY_ONE])
    options = parser.parse_args()
    people = make_people(options.applicants)
    runs: dict[str, tuple[Run, int]] = {}
    for name in options.engine or [*COLUMNS, *ONE_BY_ONE]:
        some = people[: ONE_BY_ONE.get(name, len(people))]
        try:
            runs[name] = (globals()[name](some), len(some))
        except ImportError as error:
            print(f"{name}: left out, not installed ({error.name})")
            continue
        checked = answers(runs[name][0](), name in COLUMNS)[:5000]
        wrong = sum(row != plain(person) for row, person in zip(checked, some, strict=False))
        if wrong:
            raise SystemExit(f"{name} is wrong about {wrong} of {len(checked)} applicants")
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, (run, n) in runs.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) / n)
    base = statistics.median(times["imgrules"]) if "imgrules" in times else float("nan")
    print(f"{'engine':18}{'applicants':>12}{'us each':>12}{'spread':>18}{'of ours':>12}")
    for name, found in sorted(times.items(), key=lambda item: statistics.median(item[1])):
        middle = statistics.median(found)
        spread = f"{min(found) * 1e6:.3f}-{max(found) * 1e6:.3f}"
        print(f"{name:18}{runs[name][1]:>12,}{middle * 1e6:>12.3f}{spread:>18}{middle / base:>12.2f}")


if __name__ == "__main__":
    main()
