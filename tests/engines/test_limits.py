"""The fence: every limit of the library is met before the library is."""

from __future__ import annotations

import builtins
import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from imgrules.engines import durable, productions
from imgrules.engines.durable import DurableEngine, encode
from imgrules.engines.protocol import Step
from imgrules.engines.reference import truths
from imgrules.errors import EngineError
from imgrules.rulebase.ir import GateNode, JunctionNode, LeafNode, Node, Program, Segment, Test


def program(nodes: list[Node]) -> Program:
    return Program((Segment(None, tuple(nodes), {}, (), {}, 0),), {})


def leaf(i: int, fact: str, op: str = ">=", value: Any = 0) -> LeafNode:
    against = {">=": "<", "==": "!=", "in": "not in"}[op]
    return LeafNode(f"n{i}", fact, Test(op, value), Test(against, value), "")


def agree(nodes: list[Node], values: dict[str, Any]) -> None:
    made = program(nodes)
    found, expected = DurableEngine().run(made, values), truths(made, values)
    assert {n: found.truth(f"{n}+") for n in expected} == expected


def test_more_tests_than_a_root_can_hold() -> None:
    """Two thousand facts are cut into several rulesets; the library alone hangs at 513."""
    nodes: list[Node] = [leaf(i, f"f{i}") for i in range(2000)]
    nodes.append(JunctionNode("n2000", "all", tuple(f"n{i}+" for i in range(2000))))
    agree(nodes[:-1], {f"f{i}": i % 2 for i in range(2000)})


def test_more_true_thresholds_of_one_fact_than_can_wait() -> None:
    """Five hundred thresholds on one fact, all true; the library alone fails at 65."""
    agree([leaf(i, "f", ">=", i) for i in range(500)], {"f": 1000})


@pytest.mark.parametrize("width", [14, 15, 16, 17, 170])
def test_wide_conditions_are_folded(width: int) -> None:
    """All and any of many parts, true, false and unknown; the library alone takes 16 antecedents."""
    nodes: list[Node] = [leaf(i, f"f{i}") for i in range(width)]
    parts = tuple(f"n{i}+" for i in range(width))
    nodes += [JunctionNode("n1000", "all", parts), JunctionNode("n1001", "any", parts)]
    for values in (
        {f"f{i}": 1 for i in range(width)},
        {f"f{i}": -1 for i in range(width)},
        {f"f{i}": 1 for i in range(width - 1)},
    ):
        agree(nodes, values)
    found = DurableEngine().run(program(nodes), {f"f{i}": 1 for i in range(width)})
    assert len(found.proved["n1000+"][0].premises) == width
    assert len(found.proved["n1001+"]) == width


def test_many_rules_that_end_in_one_test() -> None:
    """Six hundred conditions on one literal; the library alone crashes at 256."""
    nodes: list[Node] = [leaf(0, "a"), leaf(1, "b")]
    nodes += [JunctionNode(f"n{i}", "all", ("n1+", "n0+") if i % 2 else ("n0+", "n1+")) for i in range(2, 602)]
    agree(nodes, {"a": 1, "b": 1})
    agree(nodes, {"a": 1, "b": -1})


def test_sets_dates_decimals_and_gates() -> None:
    """Membership, days, exact fractions, and evidence that decides one side only."""
    nodes: list[Node] = [
        LeafNode("n0", "c", Test("in", frozenset({"IN"})), None, ""),
        leaf(1, "day", ">=", date(2026, 1, 1)),
        leaf(2, "x", "==", Decimal("0.1")),
        LeafNode("n3", "s", Test("overlaps", frozenset({"A"})), Test("disjoint", frozenset({"A"})), ""),
        GateNode("n4", "n1+", "met", "r"),
        GateNode("n5", "n1-", "not_met", "r"),
        GateNode("n6", "n1+", "nothing", "r"),
    ]
    for day in (date(2025, 12, 31), date(2026, 1, 1)):
        for country in ("IN", "NO"):
            agree(nodes, {"c": country, "day": day, "x": Decimal("0.1"), "s": frozenset({"A", "B"})})
    agree(nodes, {"s": frozenset(), "x": Decimal("0.2")})


def test_a_condition_of_any_width_is_decided() -> None:
    """Five hundred parts in one condition: more than any ruleset may hold."""
    nodes: list[Node] = [leaf(i, f"f{i}") for i in range(500)]
    nodes.append(JunctionNode("n500", "all", tuple(f"n{i}+" for i in range(500))))
    for values in ({f"f{i}": 1 for i in range(500)}, {f"f{i}": 1 for i in range(499)}, {"f3": -1}):
        agree(nodes, values)


def test_a_rule_beyond_the_library_is_refused() -> None:
    """The same fact twice in one rule, which the library would never fire, is an error before the library is called."""
    nodes: list[Node] = [leaf(0, "f"), JunctionNode("n1", "all", ("n0+", "n0+"))]
    with pytest.raises(EngineError, match=r"n1\+.0 is outside"):
        DurableEngine().run(program(nodes), {})


def test_a_literal_proved_before_and_again_where_it_is_listened_to() -> None:
    """One alternative fires rulesets ahead of the other, which fires beside the listener: both are kept, in their order."""
    nodes: list[Node] = [leaf(0, "a"), leaf(1, "b"), JunctionNode("n2", "any", ("n0-", "n1+"))]
    nodes += [JunctionNode(f"n{i}", "all", ("n0+", f"n{i - 1}+")) for i in range(3, 80)]
    nodes += [JunctionNode("n80", "any", ("n79+", "n1+")), JunctionNode("n81", "all", ("n80+", "n0+"))]
    for values in ({"a": 1, "b": 1}, {"a": 1, "b": -1}, {"a": -1, "b": -1}, {"b": 1}):
        agree(nodes, values)
    made = program(nodes)
    stages = DurableEngine().plan(made.segments[0]).stages
    proving = [i for i, stage in enumerate(stages) for rules in stage.rules for head, _ in rules if head == "n80+"]
    assert (proving[0], proving[-1]) == (0, len(stages) - 1)
    assert "n80+" in stages[-1].keys
    found = DurableEngine().run(made, {"a": 1, "b": 1})
    assert found.proved["n80+"] == (Step("n80+.0", ("n79+",)), Step("n80+.1", ("n1+",)))


def test_rules_with_the_same_antecedents_fire_once_and_keep_their_names() -> None:
    """Two conditions of one meaning, as two rules own them: one production, a proof for each."""
    nodes: list[Node] = [leaf(0, "a"), leaf(1, "b")]
    nodes += [JunctionNode("n2", "all", ("n0+", "n1+"), "x"), JunctionNode("n3", "all", ("n0+", "n1+"), "y")]
    (ruleset,) = productions.rulesets(nodes)
    assert [[rule.name for rule in p.rules] for p in ruleset.productions if len(p.antecedents) == 2] == [
        ["n2+.0", "n3+.0"]
    ]
    found = DurableEngine().run(program(nodes), {"a": 1, "b": 1})
    assert found.proved["n2+"] == (Step("n2+.0", ("n0+", "n1+")),)
    assert found.proved["n3+"] == (Step("n3+.0", ("n0+", "n1+")),)


def test_what_was_remembered_is_what_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run of the same facts asks the library nothing; other facts, or an engine without memory, do."""
    nodes: list[Node] = [leaf(0, "a"), leaf(1, "b"), JunctionNode("n2", "any", ("n0+", "n1+"))]
    made, engine, bare = program(nodes), DurableEngine(), DurableEngine(remember=0)
    first = engine.run(made, {"a": 1, "b": 1})
    assert first == bare.run(made, {"a": 1, "b": 1})
    runs: list[int] = []
    real = durable._Compiled.run

    def run(self: Any, *given: Any) -> Any:
        runs.append(1)
        return real(self, *given)

    monkeypatch.setattr(durable._Compiled, "run", run)
    assert engine.run(made, {"a": 1, "b": 1}) == first
    assert engine.run(made, {}).proved == {}
    assert runs == []
    assert engine.run(made, {"a": 1, "b": -1}) != first
    assert bare.run(made, {"a": 1, "b": 1}) == first
    assert len(runs) == 2


def test_values_beyond_the_engine_are_refused() -> None:
    """Integers past 63 bits, and things that are no values."""
    for wrong in (2**62, 1.5, None):
        with pytest.raises(EngineError):
            encode(wrong)
    assert encode(True) == 1
    assert encode(2) == encode(Decimal("2.0"))


def test_names_the_engine_confuses_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two texts with one hash, or a text that breaks out of JSON."""
    with pytest.raises(EngineError, match="cannot hold"):
        DurableEngine().run(program([leaf(0, 'f"')]), {})
    monkeypatch.setattr(productions, "_fnv", lambda text: 1)
    with pytest.raises(EngineError, match="look the same"):
        DurableEngine().run(program([leaf(0, "other.fact")]), {})


def test_an_engine_that_proves_both_sides_is_not_believed() -> None:
    """A contradiction in the derivation is an error, never an answer."""
    steps = {"n0+": [Step("n0+.0", ("=f",))], "n0-": [Step("n0-.0", ("=f",))]}
    with pytest.raises(EngineError, match="both sides"):
        durable._derivation(steps)


def test_a_failing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error out of the C code becomes an EngineError, and the ruleset is not used again."""

    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(f"{name}: error code: 303")

    nodes: list[Node] = [leaf(0, "broken.fact")]
    engine = DurableEngine(remember=0)
    made = program(nodes)
    engine.run(made, {"broken.fact": 1})
    (stage,) = engine.plan(made.segments[0]).stages
    monkeypatch.setattr(stage.compiled, "engine", Broken())
    with pytest.raises(EngineError, match="303"):
        engine.run(made, {"broken.fact": 1})
    agree(nodes, {"broken.fact": 1})
    assert engine.run(made, {}).proved == {}
    monkeypatch.setattr(durable, "_library", Broken)
    with pytest.raises(EngineError, match="refused a ruleset"):
        DurableEngine().run(program([leaf(0, "new.fact")]), {"new.fact": 1})


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("call", ["start_action_for_state", "complete_and_start_action"])
def test_nothing_of_a_run_cut_off_reaches_the_next(
    monkeypatch: pytest.MonkeyPatch, call: str, error: type[BaseException]
) -> None:
    """After a failure or Ctrl-C in the middle, the same engine concludes from the new facts alone."""
    made, engine = program([leaf(0, f"cut.{call}.{error.__name__}"), leaf(1, "cut.other")]), DurableEngine()
    fact = f"cut.{call}.{error.__name__}"
    engine.run(made, {"cut.other": -1})
    (stage,) = engine.plan(made.segments[0]).stages
    compiled = stage.compiled
    assert compiled
    real = compiled.engine

    class Cut:
        def __getattr__(self, name: str) -> Any:
            if name == call:
                raise error("cut off")
            return getattr(real, name)

    monkeypatch.setattr(compiled, "engine", Cut())
    with pytest.raises((EngineError, KeyboardInterrupt)):
        engine.run(made, {fact: 1})
    monkeypatch.setattr(compiled, "engine", real)
    assert engine.run(made, {"cut.other": 1}).proved.keys() == {"n1+"}


def test_a_library_that_does_not_load_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way to build it, instead of a traceback."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "durable_rules_engine":
            raise ImportError("undefined symbol: PyEval_CallObject")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EngineError, match="CPPFLAGS"):
        durable._library()


def test_threads_share_an_engine() -> None:
    """Eight threads on one engine give what one gives."""
    nodes: list[Node] = [leaf(i, f"f{i % 7}", ">=", i) for i in range(60)]
    nodes.append(JunctionNode("n60", "any", tuple(f"n{i}+" for i in range(60))))
    made, engine, wrong = program(nodes), DurableEngine(), []

    def work(seed: int) -> None:
        for i in range(40):
            values = {f"f{k}": (seed * 7 + i * k) % 60 for k in range(7)}
            found, expected = engine.run(made, values), truths(made, values)
            if {n: found.truth(f"{n}+") for n in expected} != expected:
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
