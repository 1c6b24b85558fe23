"""From a folder of rule files to a checked `Rulebase`, or to every problem that stands in the way.

A rulebase that loaded once is kept (`cache`), so that a second start costs a read instead of a parse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from imgrules.errors import InputError, Problem, RulebaseError, Severity, did_you_mean
from imgrules.rulebase import schema
from imgrules.rulebase.cache import keep_rulebase, place_of, read_rulebase, uncollected
from imgrules.rulebase.document import Document, read_document
from imgrules.rulebase.document import Path as DataPath
from imgrules.rulebase.grammar import Condition, Expression, GrammarError, parse_condition, parse_expression
from imgrules.rulebase.rulebase import Entry, Rulebase

SECTIONS = (
    "facts",
    "derived",
    "parameters",
    "findings",
    "requirements",
    "excuses",
    "routes",
    "fast_tracks",
    "advice",
    "alerts",
    "contradictions",
    "stages",
    "sources",
)
CONDITION_FIELDS = ("when", "applies_when", "met_when", "excused_when", "suits_when", "asked_when")
SCOPED = frozenset(SECTIONS) - {"facts", "stages", "sources"}


def default_folder() -> Path:
    """The rules that come with the program: inside the installed package, or beside `src/` in a checkout."""
    return shipped("rules")


def shipped(name: str) -> Path:
    """A folder that comes with the program (`rules`, `cases`, `schemas`)."""
    package = Path(__file__).parents[1]
    installed = package / "data" / name
    return installed if installed.is_dir() else package.parents[1] / name


@dataclass
class _Collected:
    """What has been read so far, over all files."""

    sections: dict[str, dict[str, Entry[Any]]] = field(default_factory=lambda: {s: {} for s in SECTIONS})
    values: dict[str, dict[str | None, list[schema.ParameterValue]]] = field(default_factory=dict)
    value_paths: dict[tuple[str, str | None, int], tuple[str, DataPath]] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    jurisdictions: dict[str, Entry[schema.Jurisdiction]] = field(default_factory=dict)
    countries: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_files(folder: Path) -> dict[str, str]:
    """Every rule file of a folder by its relative path, in order. `InputError` if there is none."""
    if not folder.is_dir():
        raise InputError(f"There is no rules folder {folder}. Give one with --rules, or reinstall imgrules.")
    paths = sorted(p for p in folder.rglob("*.y*ml") if p.suffix in (".yaml", ".yml"))
    if not paths:
        raise InputError(f"The rules folder {folder} holds no .yaml file.")
    try:
        return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in paths}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"A file in {folder} cannot be read: {error}. Rule files are UTF-8 text.") from None


def content_hash(files: Mapping[str, str]) -> str:
    """The version of a rulebase: a hash over the names and contents of its files, the same on every machine."""
    digest = hashlib.sha256()
    for name in sorted(files):
        body = files[name].replace("\r\n", "\n").encode()
        digest.update(f"{len(name.encode())}:{len(body)}:".encode() + name.encode() + body)
    return digest.hexdigest()[:16]


def load_rulebase(folder: Path | str | None = None, *, cache: bool = True) -> Rulebase:
    """Load and check a rules folder (by default the one that comes with imgrules).

    Raises `RulebaseError` with every problem found, `InputError` when the folder cannot be read.
    """
    root = Path(folder) if folder is not None else default_folder()
    files = read_files(root)
    label = _label(root)
    stored = place_of(content_hash(files), label) if cache else None
    if stored and (found := read_rulebase(stored)):
        return found
    rulebase, problems = check_files(files, label, lint=False)
    errors = [p for p in problems if p.severity is Severity.ERROR]
    if rulebase is None or errors:
        raise RulebaseError(errors)
    if stored:
        keep_rulebase(stored, rulebase)
    return rulebase


def _label(root: Path) -> str:
    """How messages name a rules folder: as it was given, or `rules` for the shipped one wherever it stands."""
    return "rules" if root == default_folder() else str(root)


def check_files(
    files: Mapping[str, str], label: str = "rules", *, lint: bool = True
) -> tuple[Rulebase | None, list[Problem]]:
    """Read rule files given as text; the rulebase (None if too broken) and every problem.

    Warnings included; with `lint`, which takes as long as all else, also those about what can hardly be meant.
    """
    with uncollected():
        return _check_files(files, label, lint)


def _check_files(files: Mapping[str, str], label: str, lint: bool) -> tuple[Rulebase | None, list[Problem]]:
    from imgrules.rulebase.check import check

    collected = _Collected()
    for name, text in files.items():
        _read_file(read_document(text, f"{label}/{name}" if label else name), collected)
    rulebase = Rulebase(
        version=content_hash(files),
        **collected.sections,
        values={name: {scope: tuple(v) for scope, v in scopes.items()} for name, scopes in collected.values.items()},
        jurisdictions=collected.jurisdictions,
        countries=collected.countries,
    )
    problems = collected.problems + check(rulebase, collected.documents, collected.value_paths)
    if lint:
        from imgrules.rulebase import lint as linting

        problems += linting.lint(rulebase, collected.documents, problems)
    return rulebase, sorted(problems, key=lambda p: (p.file, p.line, p.column, p.code))


def _read_file(document: Document, into: _Collected) -> None:
    from pydantic import ValidationError

    into.problems += document.problems
    into.documents[document.file] = document
    if document.data is None:
        if not document.problems:
            into.problems.append(
                document.problem("R001", (), "This file is empty.", "Delete it, or write rules in it.")
            )
        return
    parsed: schema.RuleFile | None
    try:
        parsed = schema.RuleFile.model_validate(document.data)
    except ValidationError as error:
        found = [schema_problem(document, e, "R003") for e in error.errors()]
        told = {problem.line for problem in document.problems}
        into.problems += [problem for problem in found if problem.line not in told]
        parsed = _without_bad_entries(document, error)
    if parsed is not None:
        _collect(document, parsed, into)


def _without_bad_entries(document: Document, error: Any) -> schema.RuleFile | None:
    """The file less its bad entries, so that one mistake does not raise a hundred unknown names."""
    from pydantic import ValidationError

    if not isinstance(document.data, dict):
        return None
    data = {k: dict(v) if isinstance(v, dict) else v for k, v in document.data.items()}
    for item in error.errors():
        loc = item["loc"]
        if len(loc) >= 2 and isinstance(data.get(loc[0]), dict) and loc[0] not in ("jurisdiction",):
            data[loc[0]].pop(loc[1], None)
        elif loc:
            data.pop(loc[0], None)
    data.setdefault("checked", date.min)
    with suppress(ValidationError):
        return schema.RuleFile.model_validate(data)
    return None


_SCHEMA_WORDS = {
    "missing": ("{field} is missing.", "Add `{field}:`. {help}"),
    "extra_forbidden": (
        "{field} is not a key that belongs here.",
        "{near} Remove it, or put it where it belongs (see docs/rule-format.md).",
    ),
    "string_pattern_mismatch": (
        "{value} is not a valid name.",
        "Use lower case, dots and underscores, as in exam.attempts.",
    ),
    "literal_error": ("{value} is not allowed for {field}.", "Use {expected}."),
    "too_short": ("{field} is empty.", "Write at least one entry. {help}"),
    "string_too_short": ("{field} is empty.", "Write it, or leave the key out. {help}"),
    "model_type": ("{field} is not a mapping.", "Indent its keys below it."),
}


def schema_problem(document: Document, error: Any, code: str) -> Problem:
    """One of pydantic's errors in our words, at its place in the file."""
    path = _data_path(document, error["loc"])
    field_name = str(path[-1]) if path else "the file"
    message, fix = _SCHEMA_WORDS.get(error["type"], ("{field}: {reason}.", ""))
    words = {
        "field": field_name,
        "value": repr(error.get("input")) if not isinstance(error.get("input"), dict) else field_name,
        "expected": str(error.get("ctx", {}).get("expected", "")),
        "reason": str(error["msg"]).removeprefix("Value error, ").rstrip("."),
        "help": _HELP.get(field_name, ""),
        "near": did_you_mean(field_name, _known_keys()),
    }
    where = f"{path[0]}.{path[1]}: " if len(path) > 2 else ""
    return document.problem(code, path, where + message.format(**words), " ".join(fix.format(**words).split()))


def _known_keys() -> set[str]:
    """Every key that some section of a rule file knows."""
    models = [m for m in vars(schema).values() if isinstance(m, type) and issubclass(m, schema.Model)]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _data_path(document: Document, loc: tuple[str | int, ...]) -> DataPath:
    """The path in the file of pydantic's location, which also names the branches of unions."""
    path: DataPath = ()
    for i, part in enumerate(loc):
        if (*path, part) in document.places or i == len(loc) - 1:
            path = (*path, part)
    return path


_HELP = {
    "blocker": "Say what kind of obstacle it is: permanent, fixable, waiting or external.",
    "remedy": "Say what would put it right.",
    "sources": "Cite at least one entry of the bibliography.",
    "needs": "List the requirements of the route.",
    "basis": "Say where it was read: primary, secondary or memory.",
    "confidence": "Say how sure it is: high, medium or low.",
    "question": "Write the question that asks this fact in plain English.",
    "why": "Say in one sentence why it is asked.",
    "checked": "Say on which day the contents were last checked.",
}


def _collect(document: Document, parsed: schema.RuleFile, into: _Collected) -> None:
    scope = parsed.scope
    if parsed.jurisdiction:
        entry = _entry(document, "jurisdiction", parsed.jurisdiction.code, parsed.jurisdiction, None, parsed, into)
        _add(into.jurisdictions, entry, into)
    into.countries |= parsed.countries
    for section in SECTIONS:
        for name, model in getattr(parsed, section).items():
            path = (section, name)
            if section == "parameters" and isinstance(model, list):
                _collect_values(document, path, name, scope, model, into)
                continue
            full = f"{name}@{scope}" if scope and section in SCOPED else name
            entry = _entry(document, section, full, model, scope if section in SCOPED else None, parsed, into, path)
            _add(into.sections[section], entry, into)
            if section == "parameters" and model.values:
                _collect_values(document, (*path, "values"), full, scope, model.values, into)


def _collect_values(
    document: Document, path: DataPath, name: str, scope: str | None, values: Any, into: _Collected
) -> None:
    slot = into.values.setdefault(name, {})
    if scope in slot:
        message = f"Values of {name} are given twice{f' for {scope}' if scope else ''}."
        into.problems.append(document.problem("R010", path, message, "Keep one list of values."))
        return
    slot[scope] = list(values)
    for i in range(len(values)):
        into.value_paths[name, scope, i] = (document.file, (*path, i))


def _add(table: dict[str, Entry[Any]], entry: Entry[Any], into: _Collected) -> None:
    if entry.name in table:
        first = table[entry.name]
        message = f"{entry.name} is defined twice; the first stands at {first.file}:{first.line}."
        into.problems.append(
            Problem("R010", message, "Rename or remove one of them.", entry.file, entry.line, entry.column)
        )
    else:
        table[entry.name] = entry


def _entry(
    document: Document,
    section: str,
    name: str,
    model: Any,
    scope: str | None,
    parsed: schema.RuleFile,
    into: _Collected,
    path: DataPath = (),
) -> Entry[Any]:
    conditions: dict[str, Condition] = {}
    expression: Expression | None = None
    said = vars(model)  # asking a model for what it may lack is slow
    for field_name in CONDITION_FIELDS:
        if (raw := said.get(field_name)) is not None:
            try:
                conditions[field_name] = parse_condition(raw, (*path, field_name))
            except GrammarError as error:
                into.problems.append(_grammar_problem(document, error.path, f"{name}: {error}"))
    for field_name in ("is", "on"):
        if (raw := said.get("is_" if field_name == "is" else "on")) is not None:
            try:
                expression = parse_expression(raw)
            except GrammarError as error:
                into.problems.append(_grammar_problem(document, (*path, field_name), f"{name}: {error}"))
    line, column = document.place(path or ("jurisdiction",))
    checked = said.get("checked") or parsed.checked
    return Entry(section, name, model, scope, document.file, line, column, checked, conditions, expression)


def _grammar_problem(document: Document, path: DataPath, message: str) -> Problem:
    fix = "See “Conditions” and “Derived facts” in docs/rule-format.md."
    return document.problem("R014", path, f"{message}.", fix)
