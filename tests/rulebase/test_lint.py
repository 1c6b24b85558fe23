"""What can hardly be meant is warned of, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgrules.errors import Problem, Severity
from imgrules.rulebase.load import check_files, default_folder, read_files
from tests.worlds import make_world

HERE = Path(__file__).parent
LAND = (HERE / "land.yaml").read_text()
EVIDENCE = "sources: [law], basis: primary, confidence: high"


def lint(extra: str, land: str = LAND) -> list[Problem]:
    """The warnings that come of the small good rulebase with some rules added."""
    files = {
        "base.yaml": (HERE / "base.yaml").read_text(),
        "land.yaml": land,
        "extra.yaml": f"checked: 2026-11-22\n{extra}",
    }
    problems = check_files(files, label="")[1]
    assert [p for p in problems if p.severity is Severity.ERROR] == []
    return [p for p in problems if p.code.startswith("R1")]


def finding(when: str, more: str = "") -> str:
    """A finding that an alert uses, so that it is not unused."""
    return (
        f"findings:\n  new.finding: {{title: t, when: {when}, {EVIDENCE}{more}}}\n"
        f"alerts:\n  new.alert: {{title: t, on: exam.passed_on, when: new.finding, warn_days: 1, text: t, {EVIDENCE}}}\n"
    )


def test_the_small_good_rulebase_has_no_warning() -> None:
    """Nothing to warn of, nothing said."""
    assert lint("") == []


@pytest.mark.parametrize(
    ("when", "answer"),
    [
        ("exam.attempts >= 0", "always"),  # the fact's range says so
        ("exam.attempts > 20", "never"),
        ("{all: [exam.attempts >= 3, exam.attempts < 3]}", "never"),
        ("{any: [exam.passed, not exam.passed]}", "always"),
        ("{any: [exam.attempts <= 3, exam.attempts > 3]}", "always"),
        ("{all: [exam.passed_on < 2020-01-01, exam.passed_on > 2020-01-01]}", "never"),
        ("{any: [training.months <= 3, training.months > 3]}", "always"),
        ("{all: [person.status == citizen, person.status == visitor]}", "never"),
        ("{any: [person.status == citizen, person.status == visitor]}", "always"),
        ('"person.status in [citizen, visitor]"', "always"),
        ("{at_least: 2, of: [exam.passed, not exam.passed, exam.attempts >= 0]}", "always"),
        ("{all: [exam.ok, not exam.passed]}", "never"),  # through another rule
    ],
)
def test_a_condition_that_no_applicant_changes_is_named(when: str, answer: str) -> None:
    """With its rule, its field, what it always is, and the line it stands on; and so is what hangs on it alone."""
    found = [p for p in lint(finding(when)) if p.code == "R100"]
    assert found[0].message == f"new.finding: when is {answer} true, on every date."
    assert (found[0].file, found[0].line, found[0].severity) == ("extra.yaml", 3, Severity.WARNING)
    assert [p.message.partition(":")[0] for p in found] == ["new.finding", "new.alert"]


@pytest.mark.parametrize(
    "when",
    [
        "exam.attempts >= 1",
        "{all: [exam.attempts >= 3, exam.attempts <= 3]}",
        "{all: [training.months > 3, training.months < 3.001]}",
        "{any: [exam.passed, person.status == citizen]}",
        "exam.age <= 3",
        "{all: ['person.countries overlaps [IN]', {not: 'person.countries overlaps [NO]'}]}",
        "{all: [person.countries contains IN, {not: 'person.countries overlaps [IN]'}]}",  # sets are not cut up
        "{all: [exam.ok, exam.passed]}",
    ],
)
def test_a_condition_that_some_applicant_changes_is_left_alone(when: str) -> None:
    """However narrow the case in which it does."""
    assert [p for p in lint(finding(when)) if p.code == "R100"] == []


def test_a_condition_that_evidence_is_too_weak_for_is_left_alone() -> None:
    """What decides one way or not at all is unknown on purpose."""
    assert lint(finding("exam.attempts > 20", ", decides: met")) == []
    assert lint(finding("exam.attempts > 20", ", decides: nothing")) == []


SWITCH = """
parameters:
  new.switch:
    title: a switch
    type: bool
    values:
      - {value: false, to: 2019-12-31, sources: [law], basis: primary, confidence: high}
      - {value: %s, from: 2020-01-01, sources: [law], basis: primary, confidence: high}
"""


def test_a_switch_is_constant_only_if_no_date_turns_it() -> None:
    """Every day on which a value changes is tried before a condition is called constant."""
    assert [p.code for p in lint(SWITCH % "false" + finding("$new.switch"))] == ["R100", "R100"]
    assert lint(SWITCH % "true" + finding("$new.switch")) == []
    assert lint(SWITCH % "unknown" + finding("$new.switch")) == []


def test_a_rule_for_each_jurisdiction_is_constant_only_if_it_is_in_all() -> None:
    """One jurisdiction in which it decides something is enough."""
    shared = "new.limit: {for_each: jurisdiction, title: limit, type: int, unit: attempts}"
    rule = (
        f"parameters:\n  {shared}\n"
        "requirements:\n  new.rule: {for_each: jurisdiction, title: t, met_when: exam.attempts <= $new.limit, "
        f"blocker: fixable, remedy: Do., {EVIDENCE}}}\n"
        "routes:\n  new.route: {for_each: jurisdiction, title: t, stage: licence, summary: s, needs: [new.rule], "
        f"{EVIDENCE}}}\n"
    )

    def land(value: str) -> str:
        return f"{LAND}  new.limit: [{{value: {value}, {EVIDENCE}}}]\n"

    assert [p.message for p in lint(rule, land("null"))] == [
        "new.rule: met_when is always true, on every date, in every jurisdiction."
    ]
    assert lint(rule, land("4")) == []


def requirement(name: str, met: str, more: str = "") -> str:
    """One line of a requirements section."""
    return f"  {name}: {{title: t, met_when: {met}, blocker: fixable, remedy: Do., {EVIDENCE}{more}}}\n"


def route(*needs: str) -> str:
    """A routes section with a national route."""
    return f"routes:\n  new.route: {{title: t, stage: licence, summary: s, needs: [{', '.join(needs)}], {EVIDENCE}}}\n"


def test_two_rules_with_the_same_meaning_are_named_once() -> None:
    """The order of the parts does not matter; the later one is named, with the place of the first."""
    rules = (
        "requirements:\n"
        + requirement("new.one", "{all: [exam.passed, exam.attempts <= 3]}")
        + requirement("new.two", "{all: [exam.attempts <= 3, exam.passed]}")
        + route("new.one", "new.two")
    )
    (problem,) = lint(rules)
    assert problem.code == "R101"
    assert problem.message == "new.two: it has the same meaning as new.one (extra.yaml:3)."
    assert problem.line == 4


@pytest.mark.parametrize(
    ("met", "more"),
    [
        ("{all: [exam.passed, exam.attempts <= 4]}", ""),
        ("{any: [exam.passed, exam.attempts <= 3]}", ""),
        ("{all: [exam.passed, exam.attempts <= 3]}", ", decides: met"),
        ("{all: [exam.passed, exam.attempts <= 3]}", ", decided_by: somebody else"),
        ("{all: [exam.passed, exam.attempts <= 3]}", ", in_force: {from: 2020-01-01}"),
        ("{all: [exam.passed, exam.attempts <= 3]}", ", excused_when: exam.fresh"),
        ("{all: [exam.passed, exam.attempts <= 3]}", ", applies_when: exam.fresh"),
        ("new.one", ""),
    ],
)
def test_rules_that_differ_in_anything_are_not_the_same(met: str, more: str) -> None:
    """A limit, a side, a date, an excuse, who decides; and a rule may lean on another alone."""
    rules = "requirements:\n" + requirement("new.one", "{all: [exam.passed, exam.attempts <= 3]}")
    assert lint(rules + requirement("new.two", met, more) + route("new.one", "new.two")) == []


def test_a_requirement_that_no_route_reaches_is_named() -> None:
    """Directly it is R052's; used by something that is no route, it is ours."""
    alert = (
        f"alerts:\n  new.alert: {{title: t, on: exam.passed_on, when: new.one, warn_days: 1, text: t, {EVIDENCE}}}\n"
    )
    (problem,) = lint("requirements:\n" + requirement("new.one", "exam.attempts <= 3") + alert)
    assert (problem.code, problem.message) == (
        "R102",
        "new.one: no route needs this requirement, directly or through a condition.",
    )


def test_a_requirement_that_only_conditions_name_is_named() -> None:
    """It works as a finding does: nobody is ever shown its remedy."""
    rules = "requirements:\n" + requirement("new.one", "exam.attempts <= 3")
    rules += requirement("new.two", "{any: [new.one, exam.fresh]}") + route("new.two")
    assert [(p.code, p.message.partition(":")[0]) for p in lint(rules)] == [("R103", "new.one")]


def test_a_broken_rulebase_is_not_linted() -> None:
    """Errors first: nothing can be grounded before they are mended."""
    files = {"base.yaml": (HERE / "base.yaml").read_text(), "land.yaml": LAND}
    for broken in ("findings: {a.b: {title: t}}", "findings: {a.b: {title: t, when: 'exam.passed >'", "a: b: c"):
        extra = f"checked: 2026-11-22\n{broken}\n{finding('exam.attempts >= 0')}"
        problems = check_files({**files, "extra.yaml": extra}, label="")[1]
        assert [p for p in problems if p.severity is Severity.ERROR]
        assert not [p for p in problems if p.code.startswith("R1")]


@pytest.mark.no_cover
@given(st.integers(0, 10**6))
def test_a_condition_called_constant_is_so_for_every_random_applicant(seed: int) -> None:
    """Random rulebases: where the naive oracle sees a rule come out two ways, no warning calls it constant."""
    from tests.worlds import make_facts, oracle

    world = make_world(seed)
    _, problems = check_files(world.files, label="")
    called = {p.message.partition(":")[0] for p in problems if p.code == "R100" and "applies_when" not in p.message}
    called -= {p.message.partition(":")[0] for p in problems if "excused_when" in p.message}
    specs = dict(world.rules)
    plain = {n for n in called if n in specs and not {"applies_when", "excused_when"} & set(specs[n]["conditions"])}
    for facts_seed in range(12):
        truths = oracle(world, make_facts(world, facts_seed, known=1.0))
        for name in plain:
            found = {t for full, t in truths.items() if full.partition("@")[0] == name}
            assert len(found) == 1, name


def test_the_shipped_rules_are_linted_alike_every_time() -> None:
    """Warnings are warnings, with a place and a fix, and the same on every run."""
    files = read_files(default_folder())
    once, again = ([p for p in check_files(files)[1] if p.code.startswith("R1")] for _ in range(2))
    assert once == again
    assert all(p.severity is Severity.WARNING and p.line and p.fix for p in once)
