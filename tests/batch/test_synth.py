"""Made-up applicants: each could exist, the same seed gives the same bytes, and gaps and faults are as many as asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules import cli
from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, dump_facts, make_case, read_case
from imgrules.assessment.golden import golden_files
from imgrules.batch.facts import read_facts
from imgrules.batch.inputs import open_inputs
from imgrules.batch.synth import files as files_module
from imgrules.batch.synth import moves as moves_module
from imgrules.batch.synth import population as population_module
from imgrules.batch.synth.conditions import Conditions
from imgrules.batch.synth.dirt import Spoiler
from imgrules.batch.synth.files import write
from imgrules.batch.synth.habits import Habits, learn
from imgrules.batch.synth.lives import Life
from imgrules.batch.synth.moves import STEP, Mover, Moves
from imgrules.batch.synth.population import BLOCK, LIVES, Plan, Population
from imgrules.batch.synth.population import ROWS as STREAM
from imgrules.batch.synth.tables import KEYS, text, typed
from imgrules.errors import CaseError
from imgrules.rulebase.ground import Grounder
from imgrules.rulebase.lint import last_checked
from imgrules.rulebase.load import check_files, shipped
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import Value
from tests.worlds import make_world

ROWS = 240
SEEDS = st.integers(min_value=0, max_value=10**6)
Facts = dict[str, Value]


@pytest.fixture(scope="module")
def cases(rules: Rulebase) -> list[Case]:
    """Every fourth golden case: enough to take after, and quick to read."""
    return [read_case(path, rules) for path in golden_files(shipped("cases"))[::4]]


@pytest.fixture(scope="module")
def plan(rules: Rulebase) -> Plan:
    return Plan(ROWS, last_checked(rules), tuple(sorted(rules.jurisdictions)), 3, seed=1, missing=0.0)


@pytest.fixture(scope="module")
def whole(plan: Plan, rules: Rulebase, cases: list[Case]) -> Population:
    """A population that forgets nothing."""
    return Population(plan, rules, cases)


@pytest.fixture(scope="module")
def rows(whole: Population, rules: Rulebase) -> list[Case]:
    """Its rows, as the reader of cases takes them: types, codes and ranges are checked."""
    return [told(row, rules) for row in typed(whole.block(0, ROWS), whole).to_pylist()]


@pytest.fixture(scope="module")
def lives(whole: Population) -> list[Life]:
    """The life that each row was drawn from."""
    numbers = whole.random(STREAM, 0).integers(LIVES, size=BLOCK)[:ROWS].tolist()
    return [whole.maker.life(number) for number in numbers]


def again(population: Population, **changes: Any) -> Population:
    """The same lives under another plan, without making them anew. Only what is not part of the lives may differ."""
    other = object.__new__(Population)
    other.__dict__.update(population.__dict__, plan=replace(population.plan, **changes))
    return other


def told(row: dict[str, Any], rules: Rulebase) -> Case:
    facts = {name: value for name, value in row.items() if value is not None and name not in KEYS}
    return make_case(facts, rules, id=row["case"], as_of=row["as_of"], jurisdictions=row["jurisdictions"].split())


def impossible(facts: Facts, conditions: Conditions, habits: Habits, today: date) -> Iterator[str]:
    """Everything that cannot be true of one applicant."""
    yield from (name for name, small in conditions.contradictions.items() if small.truth(facts) is True)
    yield from (f"{fact} makes no sense" for fact in facts if conditions.asked(fact, facts) is False)
    for first, others in habits.after.items():
        for last in others & facts.keys() if first in facts else ():
            places = [habits.axes[fact].position(facts[fact], today) for fact in (first, last)]
            if places[0] > places[1]:
                yield f"{first} after {last}"
    said = {feature for fact, value in facts.items() for feature in habits.features(fact, value)}
    yield from (f"{a} with {b}" for a in said for b in habits.apart.get(a, ()) if b in said)


# applicants who could exist ---------------------------------------------------------------------------------------------


def test_rows_could_exist(rows: list[Case], whole: Population, plan: Plan) -> None:
    """No row contradicts itself, answers a senseless question, or breaks an order or habit that golden cases keep."""
    maker = whole.maker
    assert maker.conditions.contradictions
    assert maker.habits.apart
    for row in rows:
        assert list(impossible(dict(row.facts), maker.conditions, maker.habits, plan.today)) == []


def test_rows_are_assessed(rows: list[Case], assessor: Assessor) -> None:
    """The engine refuses none, and different applicants stand differently."""
    statuses = {route.status.value for row in rows[:15] for route in assessor.assess(row).routes}
    assert {"open", "reachable", "closed", "undetermined", "not_applicable"} <= statuses


def test_rows_differ_and_tell_much(rows: list[Case], rules: Rulebase) -> None:
    """A row tells from 60 to 200 facts, no two rows are alike, and most of the vocabulary comes up."""
    assert all(60 <= len(row.facts) <= 200 for row in rows)
    assert len({repr(sorted(dump_facts(row.facts).items())) for row in rows}) == len(rows)
    assert len({fact for row in rows for fact in row.facts}) > 0.9 * len(rules.facts)


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values and lives move as far as nothing forbids: only what must not be passed holds them."""
    for name, value in {"DAYS": 4000, "SHARE": 20.0, "EARLIER": 4000, "LATER": 4000}.items():
        monkeypatch.setattr(moves_module, name, value)


@pytest.mark.usefixtures("far")
def test_a_life_moved_as_far_as_it_may_could_exist(whole: Population, lives: list[Life]) -> None:
    """Even with every value at an end of its box, however wide, and the whole life at an end of its span."""
    maker, mover = whole.maker, whole.mover
    for number, life in enumerate(lives[:80]):
        moves = mover.moves(life)
        r = Random(number)
        for _ in range(4):
            facts = moved(life, moves, r, whole)
            made = dict(make_case(facts, whole.rulebase, as_of=maker.today).facts)
            assert list(impossible(made, maker.conditions, maker.habits, maker.today)) == []


def moved(life: Life, moves: Moves, r: Random, population: Population) -> Facts:
    """A life with every value at one end of its box. Facts that always have the same value draw the same end."""
    days, facts = r.choice(moves.shift), dict(life.facts)
    ends: dict[str, int] = {}
    for fact, value in life.facts.items():
        first = min([fact, *population.maker.habits.twins(fact)])
        steps = moves.steps.get(fact, (0, 0))[ends.setdefault(first, r.randrange(2))]
        if isinstance(value, date):
            facts[fact] = value + timedelta(days=steps + (days if fact in population.mover.shifted else 0))
        elif not isinstance(value, str | bool | frozenset):
            facts[fact] = value + steps * (1 if isinstance(value, int) else STEP)
    return facts


@pytest.mark.usefixtures("far")
def test_events_a_day_apart_keep_their_order(whole: Population) -> None:
    """Whichever of them move with the life and whichever by themselves."""
    habits = whole.maker.habits
    pairs = [(a, b) for a, others in habits.after.items() for b in sorted(others - habits.twins(a))]
    dates = [p for p in pairs if {whole.rulebase.types[fact].kind for fact in p} == {"date"}]
    assert any(len(set(p) & whole.mover.shifted) == 1 for p in dates)
    for first, last in dates:
        for gap in (0, 1, 40):
            day = whole.plan.today - timedelta(days=300)
            life = Life({first: day, last: day + timedelta(days=gap)}, ())
            moves = whole.mover.moves(life)
            for seed in range(8):
                facts = moved(life, moves, Random(seed), whole)
                assert facts[first] <= facts[last]  # type: ignore[operator]  # both are dates


def test_facts_that_always_agree_move_as_one(whole: Population) -> None:
    """What holds one of them holds the others: here a later event is near to one only."""
    mover = Mover(whole.maker)
    stated = whole.maker.habits.after.keys() | whole.maker.habits.before.keys()
    a, b, c = sorted(mover.shifted - stated)[:3]
    orders = {(a, b), (b, a), (b, c)}
    after = {f: frozenset(y for x, y in orders if x == f) for f in (a, b)}
    before = {f: frozenset(x for x, y in orders if y == f) for f in (a, b, c)}
    mover.habits = replace(whole.maker.habits, after=after, before=before)
    day = whole.plan.today - timedelta(days=700)
    steps = mover.moves(Life({a: day, b: day, c: day + timedelta(days=10)}, ())).steps
    assert steps[a] == steps[b]
    assert steps[b][1] <= 5 <= 10 + steps[c][0]


def test_moves_have_room(whole: Population, lives: list[Life]) -> None:
    """Boxes that nothing could leave would be safe, too: most lives shift by months, most numbers and dates move."""
    mover = Mover(whole.maker)
    moves = [mover.moves(life) for life in lives[:40]]
    assert sum(m.shift[1] - m.shift[0] > 180 for m in moves) > len(moves) / 2
    spans = [span for m in moves for span in m.steps.values()]
    assert sum(high > low for low, high in spans) > len(spans) / 3


def test_rows_are_lives_moved_within_their_boxes(whole: Population, rows: list[Case], lives: list[Life]) -> None:
    """Dates shift together, each value moves by its own steps; fixed days and what conditions look at stay."""
    for life, row in zip(lives, rows, strict=True):
        moves = whole.mover.moves(life)
        earliest, latest = moves.shift
        assert row.facts.keys() == life.facts.keys()
        for fact, value in life.facts.items():
            low, high = moves.steps.get(fact, (0, 0))
            now = row.facts[fact]
            if isinstance(value, date) and isinstance(now, date):
                days = (now - value).days
                if fact in whole.mover.shifted:
                    earliest, latest = max(earliest, days - high), min(latest, days - low)
                else:
                    assert low <= days <= high
            elif isinstance(value, int | Decimal) and not isinstance(value, bool):
                assert low <= (now - value) / (STEP if isinstance(value, Decimal) else 1) <= high  # type: ignore[operator]
            elif whole.columns[fact].chances is None and whole.columns[fact].place is None:
                assert now == value
        assert earliest <= latest  # one shift explains all


def test_a_place_is_renamed_throughout(whole: Population, rows: list[Case], lives: list[Life]) -> None:
    """Whatever a life calls by one name, its row calls by one name: school, citizenship and passport stay together."""
    renamed = 0
    for life, row in zip(lives, rows, strict=True):
        for kind in ("country", "jurisdiction"):
            called: dict[str, str] = {}
            for fact, value in life.facts.items():
                if whole.columns[fact].place == kind and isinstance(value, str):
                    assert called.setdefault(value, str(row.facts[fact])) == row.facts[fact]
                elif whole.columns[fact].place == kind and isinstance(value, frozenset):
                    assert {called.get(code, code) for code in value if code in called} <= set(_codes(row.facts[fact]))
            renamed += sum(old != new for old, new in called.items())
    assert renamed > ROWS / 4


def _codes(value: Value) -> frozenset[str]:
    assert isinstance(value, frozenset)
    return value


# the same seed ----------------------------------------------------------------------------------------------------------


def test_same_seed_same_bytes(whole: Population, rules: Rulebase, cases: list[Case], tmp_path: Path) -> None:
    """Also if lives were made before in another order; another seed gives other bytes."""
    small: dict[str, Any] = {"rows": 40, "missing": 0.3, "dirty": 0.2}
    fresh = Population(replace(whole.plan, **small), rules, cases)
    other = Population(replace(whole.plan, **small, seed=2), rules, cases)
    forms: list[Any] = ["csv", "parquet", "ndjson"]
    for form in forms:
        written = []
        for name, population in (("a", again(whole, **small)), ("b", fresh), ("c", other)):
            write(population, tmp_path / name, form)
            written.append((tmp_path / name).read_bytes())
        assert written[0] == written[1] != written[2]
    assert not list(tmp_path.glob(".*"))
    assert again(whole, seed=2).block(0, 20).jurisdictions != whole.block(0, 20).jurisdictions


def test_a_row_depends_on_its_number_alone(whole: Population) -> None:
    """Not on how many rows are made, nor on which were made before."""
    some = again(whole, missing=0.3, dirty=0.3)
    more, fewer, later = some.block(0, 90), some.block(0, 60), some.block(1, 20)
    spoiler = Spoiler(some)
    tables = [spoiler.spoil(text(block, some), block) for block in (more, fewer)]
    assert tables[0].slice(0, 60).equals(tables[1])
    assert text(some.block(1, 20), some).equals(text(later, some))
    assert later.first == 8192


def test_as_of_states_and_aims(whole: Population, rules: Rulebase, cases: list[Case]) -> None:
    """The day and the jurisdictions are those asked for, on any day."""
    codes = sorted(rules.jurisdictions)
    assert all(len(set(aims.split())) == 3 for aims in whole.block(0, 50).jurisdictions)
    fixed = again(whole, states=(codes[3], codes[1]), pick=None)
    assert set(fixed.block(0, 9).jurisdictions) == {f"{codes[1]} {codes[3]}"}
    earlier = Population(replace(whole.plan, today=date(2024, 5, 6)), rules, cases)
    for row in typed(earlier.block(0, 12), earlier).to_pylist():
        case = told(row, rules)
        assert case.as_of == date(2024, 5, 6)
        found = impossible(dict(case.facts), earlier.maker.conditions, earlier.maker.habits, case.as_of)
        assert list(found) == []


# gaps and faults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_missing_share(whole: Population, share: float) -> None:
    """About the share asked for is forgotten, and nothing else changes."""
    full, thin = text(whole.block(0, ROWS), whole), text(again(whole, missing=share).block(0, ROWS), whole)
    kept = known = 0
    for name in whole.columns:
        before, after = full.column(name).to_pylist(), thin.column(name).to_pylist()
        assert all(b == a for b, a in zip(before, after, strict=True) if a is not None)
        known += sum(cell is not None for cell in before)
        kept += sum(cell is not None for cell in after)
    assert kept / known == pytest.approx(1 - share, abs=0.06)


def test_dirty_share(whole: Population) -> None:
    """About the share asked for is spoilt, each of those rows in a few cells, and the others stay as they are."""
    clean, spoilt = _pair(whole, 0.25)
    changed = [sum(a[k] != b[k] for k in a) for a, b in zip(clean, spoilt, strict=True)]
    assert sum(n > 0 for n in changed) / ROWS == pytest.approx(0.25, abs=0.08)
    assert max(changed) <= 4


def test_every_spoilt_row_has_a_fault(whole: Population, rules: Rulebase) -> None:
    """It cannot be read, contradicts itself, or has the id of another row; all kinds of faults come up."""
    clean, spoilt = _pair(whole, 1.0)
    ids = {row["case"] for row in clean}
    faults = {"unreadable": 0, "contradictory": 0, "repeated": 0}
    for before, after in zip(clean, spoilt, strict=True):
        if after["case"] != before["case"]:
            assert after["case"] in ids
            faults["repeated"] += 1
            continue
        try:
            case = told({k: _members(k, v, rules) for k, v in after.items()}, rules)
        except CaseError:
            faults["unreadable"] += 1
            continue
        truths = [small.truth(dict(case.facts)) for small in whole.maker.conditions.contradictions.values()]
        assert True in truths, {k: (before[k], after[k]) for k in after if before[k] != after[k]}
        faults["contradictory"] += 1
    assert min(faults.values()) > ROWS / 20
    assert faults["unreadable"] > ROWS / 2


def _pair(whole: Population, dirty: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    population = again(whole, dirty=dirty)
    block = population.block(0, ROWS)
    table = text(block, population)
    return table.to_pylist(), Spoiler(population).spoil(table, block).to_pylist()


def _members(name: str, cell: str | None, rules: Rulebase) -> Any:
    """A cell as a case file has it."""
    if cell is None or name in KEYS or rules.types[name].kind != "set":
        return cell
    return [] if cell == "[]" else cell.split()


def test_a_fault_is_always_one(whole: Population, rules: Rulebase) -> None:
    """Whatever cell it hits: one cell is changed, and no longer readable; the last two faults are of whole rows."""
    spoiler = Spoiler(whole)
    cells = text(whole.block(0, 40), whole).to_pylist()
    hits = dict.fromkeys(range(6), 0)
    for number, fault in enumerate(spoiler.faults[:6]):
        for seed in range(400):
            before = cells[seed % len(cells)]
            after = dict(before)
            done = fault(Random(seed), after, "")
            changed = {k: _members(k, v, rules) for k, v in after.items() if v != before[k]}
            assert len(changed) == done
            if done:
                hits[number] += 1
                with pytest.raises(CaseError):
                    make_case(changed, rules, as_of=whole.plan.today)
    assert min(hits.values()) > 100


def test_every_contradiction_can_be_brought_about(whole: Population) -> None:
    conditions = whole.maker.conditions
    assert len(conditions.witnesses) == len(conditions.contradictions)
    for facts in conditions.witnesses:
        assert any(small.truth(facts) is True for small in conditions.contradictions.values())


# files ------------------------------------------------------------------------------------------------------------------


def test_formats_say_the_same(
    whole: Population, rules: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parquet, CSV, NDJSON and case files, in several portions, are read back as the same applicants, none refused."""
    monkeypatch.setattr(population_module, "BLOCK", 16)
    monkeypatch.setattr(files_module, "GROUP", 2)
    some = again(whole, rows=60, missing=0.4)
    wanted = [told(row, rules) for block in some.blocks() for row in typed(block, some).to_pylist()]
    frames = []
    forms: list[Any] = ["parquet", "csv", "ndjson", "cases"]
    for form in forms:
        path = tmp_path / (f"rows.{form}" if form != "cases" else "rows")
        done = write(some, path, form)
        assert done.rows == 60
        assert done.known == pytest.approx(sum(len(case.facts) for case in wanted) / 60)
        parts = list(open_inputs([path], rows_per_part=1000, mapping=None).parts())
        facts = [read_facts(part.read(), rules, as_of=whole.plan.today) for part in parts]
        assert [f.rejects for f in facts] == [[]]
        frames.append(facts[0].frame.with_columns(pl.col(pl.Enum).cast(pl.String)).drop("row"))
    for frame in frames[1:]:
        assert frame.select(sorted(frame.columns)).equals(frames[0].select(sorted(frame.columns)))
    assert [read_case(path, rules).facts for path in sorted((tmp_path / "rows").iterdir())] == [c.facts for c in wanted]
    assert frames[0]["case"].to_list() == [case.id for case in wanted]
    assert frames[0]["jurisdictions"].to_list() == [" ".join(case.jurisdictions) for case in wanted]


def test_parquet_is_typed(whole: Population, rules: Rulebase, tmp_path: Path) -> None:
    """Truths, numbers, dates and lists are what they are; with faults everything is text."""
    types = {"bool": pl.Boolean(), "int": pl.Int64(), "decimal": pl.Decimal(18, 4), "date": pl.Date()}
    write(again(whole, rows=5), tmp_path / "a.parquet", "parquet")
    schema = pl.read_parquet_schema(tmp_path / "a.parquet")
    assert list(schema) == [*KEYS, *rules.facts]
    for name, type_ in rules.types.items():
        if name in rules.facts:
            assert schema[name] == types.get(type_.kind, pl.List(pl.String) if type_.kind == "set" else pl.String())
    write(again(whole, rows=5, dirty=0.5), tmp_path / "b.parquet", "parquet")
    assert set(pl.read_parquet_schema(tmp_path / "b.parquet").values()) == {pl.String()}


# other rules ------------------------------------------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=15)
def test_any_rulebase_without_cases(seed: int) -> None:
    """With nobody to take after, lives are drawn from the vocabulary, and can still be told."""
    rules, _ = check_files(make_world(seed).files)
    assert rules
    plan = Plan(20, last_checked(rules), tuple(sorted(rules.jurisdictions)), 1, seed, missing=0.0, dirty=0.0)
    population = Population(plan, rules, [])
    block = population.block(0, 20)
    facts = [told(row, rules).facts for row in typed(block, population).to_pylist()]
    assert any(facts)
    assert Spoiler(population).spoil(text(block, population), block).num_rows == 20


def test_habits_are_learnt_only_where_all_keep_them(rules: Rulebase) -> None:
    """Dates in one order in all cases, and values that never meet; one exception undoes either."""
    today = last_checked(rules)
    program = Grounder(rules).program(today, ())
    conditions = Conditions(rules, program, today)
    stated = learn(rules, [], conditions, program)
    dates = [f for f in rules.facts if rules.types[f].kind == "date" and f not in stated.after | stated.before]
    truths = [f for f in rules.facts if rules.types[f].kind == "bool"]
    r = Random(4)
    cases = []
    for i in range(40):
        first = today - timedelta(days=r.randrange(1000, 9000))
        facts: Facts = {dates[0]: first, dates[1]: first + timedelta(days=r.randrange(900))}
        facts |= {truths[0]: i < 16, truths[1]: i >= 24, truths[2]: r.random() < 0.5}
        cases.append(Case(str(i), today, (), facts))
    kept = learn(rules, cases, conditions, program)
    assert dates[1] in kept.after[dates[0]]
    assert (truths[1], True) in kept.apart[truths[0], True]
    assert not any(truths[2] in (a[0], b[0]) for a, bs in kept.apart.items() for b in bs)
    odd = Case(
        "odd", today, (), {dates[0]: today, dates[1]: today - timedelta(days=1), truths[0]: True, truths[1]: True}
    )
    broken = learn(rules, [*cases, odd], conditions, program)
    assert dates[1] not in broken.after.get(dates[0], ())
    assert (truths[1], True) not in broken.apart.get((truths[0], True), ())


# the command ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def like(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A few golden cases in a folder of their own."""
    folder = tmp_path_factory.mktemp("like")
    for path in golden_files(shipped("cases"))[::40]:
        (folder / path.name).write_bytes(path.read_bytes())
    return str(folder)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def call(*args: str) -> tuple[int, str]:
        code = cli.run(["synth", *args])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def test_command(run: Callable[..., tuple[int, str]], like: str, tmp_path: Path) -> None:
    out = tmp_path / "people.csv"
    code, said = run(
        "12", "--like", like, "--out", str(out), "--states", "CA, Texas", "--as-of", "2026-01-15", "--missing", "0.5"
    )
    assert code == 0
    assert "Wrote 12 applicants" in said
    frame = pl.read_csv(out, infer_schema=False)
    assert frame["jurisdictions"].unique().to_list() == ["CA TX"]
    assert frame["as_of"].unique().to_list() == ["2026-01-15"]
    assert frame.height == frame["case"].n_unique() == 12
    assert run("2", "--like", like, "--out", str(out), "--force")[0] == 0
    assert pl.read_csv(out, infer_schema=False).height == 2


def test_command_mistakes(run: Callable[..., tuple[int, str]], like: str, tmp_path: Path) -> None:
    """Each is said in a sentence, and nothing is written."""
    new = str(tmp_path / "new.csv")
    old = tmp_path / "old.csv"
    old.write_text("mine")
    for args, words in (
        (["3", "--out", str(old)], "exists already"),
        (["3", "--out", str(tmp_path / "new")], "does not say a format"),
        (["3", "--out", new, "--states", "random:99"], "only 56 jurisdictions"),
        (["3", "--out", new, "--states", "Calfornia"], "Did you mean California"),
        (["3", "--out", new, "--states", ","], "names no jurisdiction"),
        (["3", "--out", new, "--like", str(tmp_path / "none")], "no case files"),
        (["3", "--like", like, "--out", str(tmp_path / "no" / "new.csv")], "cannot be written"),
    ):
        code, said = run(*args)
        assert (code, words in said) == (1, True), said
    assert run("3", "--out", str(tmp_path), "--format", "cases")[1].count("is not empty") == 1
    assert run("3", "--out", str(tmp_path), "--format", "csv")[1].count("is a folder") == 1
    assert run("3", "--out", str(old), "--format", "cases", "--force")[1].count("exists already") == 1
    assert run("0", "--out", new)[0] == 2
    assert run("3", "--out", new, "--missing", "2")[0] == 2
    assert [p.name for p in tmp_path.iterdir()] == ["old.csv"]
    assert old.read_text() == "mine"


def test_plan_of_an_empty_table(whole: Population) -> None:
    """A block of no rows is still a table with every column."""
    table = typed(whole.block(0, 0), whole)
    assert table.num_rows == 0
    assert isinstance(table, pa.Table)
    assert len(table.column_names) == len(whole.columns) + len(KEYS)
