"""Sessions on disk: one JSON file, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from imgrules.assessment.assess import Assessor
from imgrules.assessment.case import Case, make_case
from imgrules.errors import CaseError, InputError
from imgrules.interview.session import FORGET, SKIP, TELL, Interview, Step
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import BadValue, plain, read_value

FORMAT = 1


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one go: a reader, or a run killed at any moment, sees the old text or the new, never a part."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None


def dump(talk: Interview) -> dict[str, Any]:
    """An interview as JSON data."""
    case = talk.base
    return {
        "imgrules_interview": FORMAT,
        "rulebase": talk.rulebase.version,
        "case": case.id,
        "as_of": case.as_of.isoformat(),
        "jurisdictions": list(case.jurisdictions),
        "wanted": list(talk.wanted),
        "facts": {name: plain(value) for name, value in sorted(case.facts.items())},
        "steps": [{s.kind: s.fact} | ({"value": plain(s.value)} if s.kind == TELL else {}) for s in talk.steps],
    }


def save(talk: Interview, path: Path) -> None:
    """Write an interview. `InputError` if that cannot be done."""
    write_whole(path, json.dumps(dump(talk), indent=1, ensure_ascii=False) + "\n")


def load(path: Path, rulebase: Rulebase, assessor: Assessor | None = None) -> Interview:
    """Read an interview back to where it was. `InputError` if the file is not one, or does not fit the rules any more."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise InputError(f"{path} is not an interview: it is not JSON. Choose another --session file.") from None
    try:
        if data["imgrules_interview"] != FORMAT:
            raise InputError(f"{path} was written by another version of imgrules. Begin anew with --new.")
        case = _case(data, rulebase)
        steps = [_step(item, rulebase) for item in data["steps"]]
        return Interview(rulebase, case, data["wanted"], steps, assessor)
    except (KeyError, TypeError, AttributeError, BadValue, CaseError) as error:
        raise InputError(
            f"{path} is not an interview, or does not fit the rules any more ({error}). Begin anew with --new."
        ) from None


def _case(data: dict[str, Any], rulebase: Rulebase) -> Case:
    return make_case(
        data["facts"],
        rulebase,
        id=data["case"],
        as_of=date.fromisoformat(data["as_of"]),
        jurisdictions=data["jurisdictions"],
    )


def _step(item: dict[str, Any], rulebase: Rulebase) -> Step:
    for kind in (TELL, SKIP, FORGET):
        if kind in item:
            fact = item[kind]
            return Step(kind, fact, read_value(item["value"], rulebase.types[fact]) if kind == TELL else None)
    raise KeyError("a step without its kind")
