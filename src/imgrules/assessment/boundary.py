"""Boundary cases made from the rulebase itself: somebody on each side of every limit, judged by the engine.

For each comparison of a fact with a parameter that is a number or a date, in each jurisdiction and for each of its
dated values, applicants are made who stand on the limit and one unit to either side. What the comparison must come to
is worked out here from the value as written and the operator, with nothing of the grounder's or the engine's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from imgrules.assessment.applicants import Sketch
from imgrules.assessment.assess import Assessor, values_of
from imgrules.assessment.case import make_case
from imgrules.assessment.probes import Probe, with_probes
from imgrules.errors import CaseError
from imgrules.rulebase import schema
from imgrules.rulebase.grammar import TODAY, Compare, Leaf, Name, Param, leaves
from imgrules.rulebase.lint import last_checked
from imgrules.rulebase.rulebase import Entry, Rulebase
from imgrules.rulebase.values import ORDERED, QUANTUM, Outcome, ValueType, read_value, show

_SECTIONS = ("rules", "fast_tracks", "advice", "alerts", "contradictions", "facts")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Difference(_Model):
    """An applicant for whom the engine did not say what the parameter says."""

    comparison: str
    jurisdiction: str | None
    day: date
    known: str
    value: str
    expected: str
    got: str
    facts: dict[str, str]


class Boundary(_Model):
    """The answer of `imgrules rules boundary`.

    `outside`: applicants beyond the sensible range of a fact, who cannot be. `contradictory`: those whom assessments
    refuse; the comparison is judged all the same. `unreached`: comparisons for which no applicant could be made.
    """

    comparisons: int
    limits: int
    applicants: int
    outside: int
    contradictory: int
    unreached: list[str]
    differences: list[Difference]


@dataclass(frozen=True, eq=False)
class _Comparison:
    """A comparison in one jurisdiction, or nationally (None)."""

    probe: Probe
    scope: str | None
    fact: str
    op: str
    parameter: Entry[schema.Parameter]
    values: tuple[schema.ParameterValue, ...]
    type: ValueType
    fact_type: ValueType
    derived: bool

    @property
    def text(self) -> str:
        assert isinstance(self.probe.condition, Leaf)
        return self.probe.condition.text

    @property
    def name(self) -> str:
        return f"{self.text} {f'in {self.scope}' if self.scope else 'nationally'}"


@dataclass
class _Counts:
    limits: int = 0
    applicants: int = 0
    outside: int = 0
    contradictory: int = 0


def boundary(rulebase: Rulebase) -> Boundary:
    """Make and judge every boundary case."""
    found = list(_comparisons(rulebase))
    probes = {id(item.probe): item.probe for item in found}
    runner = _Runner(with_probes(rulebase, probes.values()))
    differences: list[Difference] = []
    unreached: list[str] = []
    for item in found:
        before = runner.counts.applicants
        differences += runner.judge(item)
        if runner.counts.applicants == before:
            unreached.append(item.name)
    counts = runner.counts
    return Boundary(
        comparisons=len(found),
        limits=counts.limits,
        applicants=counts.applicants,
        outside=counts.outside,
        contradictory=counts.contradictory,
        unreached=unreached,
        differences=differences,
    )


def _comparisons(rulebase: Rulebase) -> Iterator[_Comparison]:
    """Every comparison of a fact with a number or date parameter, once in each jurisdiction it is grounded in."""
    probes: dict[tuple[Any, ...], Probe] = {}
    seen: set[tuple[Any, ...]] = set()
    for entry, field, leaf in _leaves(rulebase):
        body = leaf.body
        if not (isinstance(body, Compare) and isinstance(body.left, Name) and isinstance(body.right, Param)):
            continue
        key = (entry.scope, entry.each, body.left, body.op, body.right)
        for scope in rulebase.jurisdictions if entry.each else [entry.scope]:
            found = rulebase.find_parameter(body.right.name, scope)
            fact = rulebase.find(body.left.name, scope, entry.each)
            if found is None or rulebase.value_type(found[0].model).kind not in ORDERED:
                continue
            name = fact[0] if fact else TODAY
            if (name, body.op, found[0].name, found[1]) not in seen:
                seen.add((name, body.op, found[0].name, found[1]))
                probe = probes.setdefault(key, Probe(len(probes), entry, field, leaf))
                values = rulebase.values.get(found[0].name, {}).get(found[1], ())
                type_ = rulebase.value_type(found[0].model)
                derived = bool(fact and fact[1].section == "derived")
                fact_type = rulebase.types.get(fact[1].name if fact else TODAY, type_)
                yield _Comparison(probe, scope, name, body.op, found[0], values, type_, fact_type, derived)


def _leaves(rulebase: Rulebase) -> Iterator[tuple[Entry[Any], str, Leaf]]:
    for section in _SECTIONS:
        for entry in getattr(rulebase, section).values():
            for field, condition in entry.conditions.items():
                for leaf in leaves(condition):
                    yield entry, field, leaf


class _Runner:
    """Makes applicants and has them judged by the engine that judges everybody."""

    def __init__(self, rulebase: Rulebase) -> None:
        self.rulebase = rulebase
        self.assessor = Assessor(rulebase)
        self.counts = _Counts()
        self.today = last_checked(rulebase)
        self.written: set[_Comparison] = set()

    def judge(self, item: _Comparison) -> Iterator[Difference]:
        """Every applicant of a comparison, for each dated value of its parameter."""
        for value in item.values:
            points = list(_points(value, item))
            self.counts.limits += len({point for point, limit in points if limit})
            for point in dict.fromkeys(point for point, _ in points):
                sketch = Sketch(self.rulebase, item.scope, value.from_ or value.to or self.today)
                if sketch.reach(item.fact, point):
                    sketch.finish()
                    yield from self._run(item, sketch, point)
                else:
                    self.counts.outside += 1

    def _run(self, item: _Comparison, sketch: Sketch, point: Any) -> Iterator[Difference]:
        self.counts.applicants += 1
        known = value_on(item.values, sketch.day)
        wanted = expected(point, item.op, known, item.type)
        got = self._got(item, sketch, point)
        if got != wanted:
            yield Difference(
                comparison=item.text,
                jurisdiction=item.scope,
                day=sketch.day,
                known=written(known, item.type),
                value=show(point, item.fact_type),
                expected=wanted.value,
                got=got,
                facts={name: show(value, self.rulebase.types[name]) for name, value in sketch.facts.items()},
            )

    def _got(self, item: _Comparison, sketch: Sketch, point: Any) -> str:
        """What the engine says of the comparison; whatever goes wrong on the way is a difference, not an end."""
        codes = [item.scope] if item.scope else []
        name = item.probe.grounded(item.scope)
        try:
            case = make_case(sketch.facts, self.rulebase, id="boundary", as_of=sketch.day, jurisdictions=codes)
            program = self.assessor.grounder.program(case.as_of, case.jurisdictions)
            values = values_of(case, program)
            if values.get(item.fact) != point:
                return f"an applicant with {show(values.get(item.fact), item.fact_type)}"
            try:
                derived = self.assessor.derive(case)
            except CaseError:  # only a contradiction is left: the comparison may be one, and still has an outcome
                self.counts.contradictory += 1
                return self.assessor.engine.run(program, values).outcome(program.rules[name].literal).value
            if item not in self.written:  # the whole answer is written once a comparison: it takes longest by far
                self.written.add(item)
                assert derived.assessment.case == case.id
            return derived.outcome(name).value
        except Exception as error:  # a crash is what this looks for: name the applicant and go on
            return f"{type(error).__name__}: {error}"


# what must come out ---------------------------------------------------------------------------------------------------


def value_on(values: tuple[schema.ParameterValue, ...], day: date) -> schema.ParameterValue | None:
    """The dated value that covers a day."""
    covering = (v for v in values if (v.from_ or date.min) <= day <= (v.to or date.max))
    return next(covering, None)


def expected(actual: Any, op: str, known: schema.ParameterValue | None, type_: ValueType) -> Outcome:
    """What `actual op parameter` must come to: certain only where every figure the parameter may have agrees.

    No limit is kept by everybody. An equality with a figure known only within bounds stays unknown.
    """
    if known is None or known.value == "unknown":
        return Outcome.UNKNOWN
    if "value" in known.model_fields_set and known.value is None:
        return Outcome.MET
    low, high = _figures(known, type_)
    if op in ("==", "!="):
        if low is None or low != high:
            return Outcome.UNKNOWN
        return Outcome.MET if (actual == low) == (op == "==") else Outcome.NOT_MET
    upper, strict = op in ("<", "<="), op in ("<", ">")
    sure, out = (low, high) if upper else (high, low)
    if sure is not None and ((actual == sure and not strict) or (actual < sure if upper else actual > sure)):
        return Outcome.MET
    if out is not None and ((actual == out and strict) or (actual > out if upper else actual < out)):
        return Outcome.NOT_MET
    return Outcome.UNKNOWN


def _figures(known: schema.ParameterValue, type_: ValueType) -> tuple[Any, Any]:
    """The least and greatest figure a parameter may have; None where nothing bounds it."""
    if "value" in known.model_fields_set:
        return (read_value(known.value, type_),) * 2
    bounds = (None if raw is None else read_value(raw, type_) for raw in (known.at_least, known.at_most))
    low, high = bounds
    return low, high


def _points(known: schema.ParameterValue, item: _Comparison) -> Iterator[tuple[Any, bool]]:
    """The values to try, and which of them are limits: each limit and its neighbours, or anything where there is none."""
    units: list[Any] = [timedelta(days=1) if item.type.kind == "date" else 1]
    if item.fact_type.kind == "decimal" and not item.derived:
        units.append(QUANTUM)
    limits: list[Any] = []
    if known.value != "unknown" and not ("value" in known.model_fields_set and known.value is None):
        limits = list(dict.fromkeys(f for f in _figures(known, item.type) if f is not None))
    for limit in limits:
        yield limit, True
        yield from ((near, False) for unit in units for near in (limit - unit, limit + unit))
    if not limits:
        anything: tuple[Any, ...] = (
            (known.from_ or known.to or date(2000, 1, 1),) if item.type.kind == "date" else (0, 1, 5)
        )
        yield from ((value, False) for value in anything)


def written(known: schema.ParameterValue | None, type_: ValueType) -> str:
    """A parameter's value as its file has it."""
    if known is None:
        return "no value for the day"
    if "value" in known.model_fields_set:
        unknown = known.value in (None, "unknown")
        return str(known.value) if unknown else show(read_value(known.value, type_), type_)
    return ", ".join(
        f"{k}: {v}" for k, v in (("at_least", known.at_least), ("at_most", known.at_most)) if v is not None
    )
