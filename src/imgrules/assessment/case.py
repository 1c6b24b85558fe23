"""Case files: one applicant's facts, read with the line of everything that is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from imgrules.errors import CaseError, InputError, Problem, did_you_mean
from imgrules.rulebase.document import Document, read_document
from imgrules.rulebase.document import Path as DataPath
from imgrules.rulebase.load import schema_problem
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import ORDERED, BadValue, Value, ValueType, read_date, read_value, show

MAX_BYTES = 1_000_000


class Expectation(BaseModel):
    """What a golden case must give. Routes: status. Findings: outcome. Blockers and unknowns: exactly these names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    routes: dict[str, str] = {}
    findings: dict[str, str] = {}
    blockers: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    alerts: list[str] = []
    fast_tracks: dict[str, bool] = {}


class CaseFile(BaseModel):
    """A case file as written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    case: str = Field(min_length=1, max_length=200, description="The case's id.")
    about: str | None = Field(default=None, description="Who this is, in a sentence.")
    pins: str | None = Field(default=None, description="Golden cases: what this case pins down.")
    as_of: date | None = Field(default=None, description="The day to judge on; today if left out.")
    jurisdictions: list[str] = Field(default=[], description="The states and territories aimed at, by code.")
    facts: dict[str, Any] = Field(default={}, description="Facts, nested or dotted. Leave out what is not known.")
    expect: Expectation | None = None

    @field_validator("facts", mode="before")
    @classmethod
    def _nothing_told(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("jurisdictions", mode="before")
    @classmethod
    def _no_aim(cls, value: Any) -> Any:
        return [] if value is None else value


@dataclass(frozen=True)
class Case:
    """One applicant: an id, the day to judge on, the jurisdictions aimed at, and what is known."""

    id: str
    as_of: date
    jurisdictions: tuple[str, ...] = ()
    facts: Mapping[str, Value] = field(default_factory=dict)
    about: str | None = None
    pins: str | None = None
    expect: Expectation | None = None
    document: Document | None = field(default=None, repr=False, compare=False)
    paths: Mapping[str, DataPath] = field(default_factory=dict, repr=False, compare=False)

    def changed(
        self,
        *,
        as_of: date | None = None,
        jurisdictions: Iterable[str] | None = None,
        facts: Mapping[str, Value] | None = None,
    ) -> Case:
        """The same case with another day, other jurisdictions or other facts."""
        return replace(
            self,
            as_of=as_of or self.as_of,
            jurisdictions=tuple(jurisdictions) if jurisdictions is not None else self.jurisdictions,
            facts=self.facts if facts is None else facts,
        )


def read_case(path: Path | str, rulebase: Rulebase) -> Case:
    """Read a case file, YAML or JSON. `InputError` if it cannot be opened, `CaseError` with every problem in it."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than a case file can be ({MAX_BYTES:,} bytes). Is it the right file?")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"There is no file {path}. `imgrules case new {path}` writes a template.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text. Save it as UTF-8, as YAML or JSON.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    return parse_case(text, rulebase, str(path))


def parse_case(text: str, rulebase: Rulebase, name: str = "case") -> Case:
    """Read a case from YAML or JSON text; `CaseError` with every problem in it."""
    document = read_document(text, name, prefix="C")
    if document.problems:
        raise CaseError(document.problems)
    if not isinstance(document.data, dict):
        raise CaseError(
            [
                document.problem(
                    "C003", (), "A case file is a mapping with case: and facts:.", "See `imgrules case new`."
                )
            ]
        )
    try:
        file = CaseFile.model_validate(document.data)
    except ValidationError as error:
        raise CaseError(schema_problem(document, e, "C003") for e in error.errors()) from None
    return _case(file, rulebase, document)


def make_case(
    facts: Mapping[str, Any],
    rulebase: Rulebase,
    *,
    id: str = "case",
    as_of: date | str | None = None,
    jurisdictions: Iterable[str] = (),
) -> Case:
    """A case from Python values, checked as a file is. Facts may be nested or dotted."""
    day = read_date(as_of) if as_of is not None else None
    file = CaseFile(case=id, as_of=day, jurisdictions=list(jurisdictions), facts=dict(facts))
    return _case(file, rulebase, Document(id))


def _case(file: CaseFile, rulebase: Rulebase, document: Document) -> Case:
    problems: list[Problem] = []
    as_of = file.as_of or date.today()
    facts: dict[str, Value] = {}
    paths: dict[str, DataPath] = {}
    for name, raw, path in _flatten(file.facts, rulebase, document, problems):
        if name in paths:
            fix = "Keep one of them."
            problems.append(document.problem("C013", path, f"{name} is given twice.", fix))
            continue
        paths[name] = path
        if raw is None or raw == "unknown":
            continue
        type_ = rulebase.types[name]
        try:
            value = read_value(raw, type_)
            _in_range(name, value, type_, rulebase, as_of)
        except BadValue as error:
            problems.append(document.problem("C011", path, f"{name}: {error}.", _fix(name, rulebase)))
        else:
            facts[name] = value
    codes = []
    for i, code in enumerate(file.jurisdictions):
        try:
            codes.append(find_jurisdiction(code, rulebase))
        except InputError as error:
            problems.append(document.problem("C014", ("jurisdictions", i), str(error)))
    if problems:
        raise CaseError(problems)
    return Case(
        file.case, as_of, tuple(dict.fromkeys(codes)), facts, file.about, file.pins, file.expect, document, paths
    )


def find_jurisdiction(text: str, rulebase: Rulebase) -> str:
    """The code of a jurisdiction given by code or name; `InputError` with suggestions otherwise."""
    names = rulebase.jurisdiction_names
    wanted = text.strip()
    if wanted.upper() in names:
        return wanted.upper()
    for code, name in names.items():
        if name.lower() == wanted.lower():
            return code
    hint = did_you_mean(wanted.title(), names.values()) or "`imgrules rules list jurisdictions` lists them."
    raise InputError(f"There is no jurisdiction {text}. {hint}")


def _flatten(
    data: Mapping[str, Any],
    rulebase: Rulebase,
    document: Document,
    problems: list[Problem],
    prefix: str = "",
    path: DataPath = ("facts",),
) -> Iterator[tuple[str, Any, DataPath]]:
    """Every fact of nested or dotted keys, with its path; unknown names become problems."""
    for key, value in data.items():
        name, here = f"{prefix}{key}", (*path, key)
        if name in rulebase.facts:
            yield name, value, here
        elif isinstance(value, dict) and name in rulebase.fact_groups:
            yield from _flatten(value, rulebase, document, problems, f"{name}.", here)
        elif value is None and name in rulebase.fact_groups:
            continue
        else:
            fix = did_you_mean(name, rulebase.facts) or "`imgrules facts` lists what can be told."
            if name in rulebase.derived:
                fix = "It is worked out from other facts; leave it out."
            problems.append(document.problem("C010", here, f"There is no fact {name}.", fix))


def _in_range(name: str, value: Value, type_: ValueType, rulebase: Rulebase, as_of: date) -> None:
    bounds = rulebase.facts[name].model.range
    if not bounds or type_.kind not in ORDERED:
        return
    low, high = (as_of if b == "today" else read_value(b, type_) for b in bounds)
    if not low <= value <= high:  # type: ignore[operator]  # bounds and value are of one ordered type
        if high == as_of and bounds[1] == "today" and value > as_of:  # type: ignore[operator]
            raise BadValue(f"{show(value, type_)} lies after the day judged on ({show(as_of, type_)})")
        raise BadValue(f"{show(value, type_)} is not between {show(low, type_)} and {show(high, type_)}")


def _fix(name: str, rulebase: Rulebase) -> str:
    return f"Asked: {rulebase.facts[name].model.question} Leave it out if it is not known."


def dump_facts(facts: Mapping[str, Value]) -> dict[str, Any]:
    """Facts as JSON writes them, by dotted name, sorted."""
    from imgrules.rulebase.values import plain

    return {name: plain(facts[name]) for name in sorted(facts)}


def case_text(case: Case) -> str:
    """A case as a JSON file that reads back to the same case."""
    body = {
        "case": case.id,
        "as_of": case.as_of.isoformat(),
        "jurisdictions": list(case.jurisdictions),
        "facts": dump_facts(case.facts),
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
