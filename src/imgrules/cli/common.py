"""What several commands share: the rulebase asked for, cases with their options, writing text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from imgrules.assessment.assess import Derived
    from imgrules.assessment.case import Case
    from imgrules.rulebase.rulebase import Rulebase

state_option = click.option(
    "--state",
    "--states",
    "-s",
    "states",
    multiple=True,
    metavar="XX",
    help="A state or territory aimed at, by code or name; repeatable, or several with commas. `all` for all.",
)
as_of_option = click.option(
    "--as-of", metavar="DATE", help="Judge on this day instead of the case's own, such as 2026-11-22."
)


def the_rulebase() -> Rulebase:
    """The rulebase of this run: --rules, or the shipped one."""
    from imgrules.rulebase.load import load_rulebase

    return load_rulebase(click.get_current_context().obj["rules"])


def the_case(path: str, rulebase: Rulebase, states: tuple[str, ...] = (), as_of: str | None = None) -> Case:
    """A case file with the command line's own day and jurisdictions."""
    from imgrules.assessment.case import find_jurisdiction, read_case
    from imgrules.errors import InputError
    from imgrules.rulebase.values import BadValue, read_date

    case = read_case(path, rulebase)
    day: date | None = None
    if as_of:
        try:
            day = read_date(as_of)
        except BadValue as error:
            raise InputError(f"--as-of: {error}.") from None
    codes: list[str] | None = None
    if states:
        wanted = [part for text in states for part in text.split(",") if part.strip()]
        codes = (
            list(rulebase.jurisdiction_names) if "all" in wanted else [find_jurisdiction(s, rulebase) for s in wanted]
        )
    return case.changed(as_of=day, jurisdictions=codes)


def derive(path: str, states: tuple[str, ...], as_of: str | None) -> Derived:
    """A case file, run through the engine."""
    from imgrules.assessment.assess import Assessor

    rulebase = the_rulebase()
    return Assessor(rulebase).derive(the_case(path, rulebase, states, as_of))


def write_json(data: Any) -> None:
    """JSON on standard output, readable and in UTF-8 characters."""
    import json

    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


@contextmanager
def counting(what: str) -> Iterator[Callable[..., None]]:
    """A line that counts on a terminal's standard error, gone when done; nothing elsewhere.

    Gives what is told how many are done and, where that is known, of how many.
    """
    shown = sys.stderr.isatty()

    def tell(done: int, size: int = 0) -> None:
        if shown:
            click.echo(f"\r{done:,}{f' of {size:,}' if size else ''} {what}", err=True, nl=False)

    try:
        yield tell
    finally:
        if shown:
            click.echo("\r\033[K", err=True, nl=False)
