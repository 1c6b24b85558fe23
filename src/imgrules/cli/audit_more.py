"""`imgrules rules diff` and `imgrules audit recheck`, `letter` and `prov`: changes of the rules, and one decision on paper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imgrules.cli.common import counting, the_rulebase

if TYPE_CHECKING:
    from imgrules.assessment.assess import Derived
    from imgrules.assessment.case import Case
    from imgrules.audit.ledger import Ledger
    from imgrules.audit.record import Record
    from imgrules.rulebase.rulebase import Rulebase

_ledger = click.option(
    "--ledger", metavar="LEDGER", envvar="IMGRULES_LEDGER", required=True, show_envvar=True,
    help="The ledger: an SQLite file or a PostgreSQL address.",
)  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="Write JSON.")
_all = click.option("--all", "everything", is_flag=True, help="Text: list everything, not only the first of each list.")


def _open(place: str) -> Ledger:
    """A ledger that is there, closed when the command ends."""
    from imgrules.audit.ledger import Ledger

    context = click.get_current_context()
    return context.with_resource(Ledger.open(place, create=False, rules=context.obj["rules"]))


# rules diff -------------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--cases", metavar="DIR", help="Say whom each change affects, among the case files of DIR.")
@click.option(
    "--ledger", metavar="LEDGER", help="Say whom it affects among the cases of a ledger, and look versions up there."
)
@_all
@_json
def diff(old: str, new: str, cases: str | None, ledger: str | None, everything: bool, as_json: bool) -> None:
    """What the rules in NEW say that those in OLD do not, in words, and whom it affects.

    OLD and NEW are rules folders, or versions held in a ledger. Each case is judged on its own day.
    """
    from imgrules.audit.impact import difference

    if cases and ledger:
        raise click.UsageError("Give --cases or --ledger, not both.")
    book = _open(ledger) if ledger else None
    before, after = _rules(old, book), _rules(new, book)
    unread: list[str] = []
    with counting("cases compared") as progress:
        found = difference(before, after, _cases(cases, book, before, after, unread), unread, progress)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        from imgrules.cli.changes_text import print_difference

        print_difference(found, everything)


def _rules(name: str, book: Ledger | None) -> Rulebase:
    from imgrules.errors import InputError
    from imgrules.rulebase.load import load_rulebase

    if Path(name).is_dir():
        return load_rulebase(name)
    if book is None:
        raise InputError(f"There is no rules folder {name}. Versions are looked up in a ledger: give --ledger.")
    return book.rulebase(name)


def _cases(
    folder: str | None, book: Ledger | None, before: Rulebase, after: Rulebase, unread: list[str]
) -> Iterator[Case] | None:
    if book is not None:
        return _recorded(book, unread)
    return _read(Path(folder), before, after, unread) if folder else None


def _read(folder: Path, before: Rulebase, after: Rulebase, unread: list[str]) -> Iterator[Case]:
    """Case files that can be read by the new rules, or else by the old ones."""
    from imgrules.assessment.case import read_case
    from imgrules.assessment.golden import golden_files
    from imgrules.errors import ImgrulesError

    for path in golden_files(folder):
        try:
            yield read_case(path, after)
        except ImgrulesError as error:
            try:
                yield read_case(path, before)
            except ImgrulesError:
                unread.append(str(error))


def _recorded(book: Ledger, unread: list[str]) -> Iterator[Case]:
    """The latest decision on each case of a ledger."""
    from imgrules.audit.recheck import latest
    from imgrules.errors import ImgrulesError

    for record in latest(book):
        try:
            yield book.case(record)
        except ImgrulesError as error:
            unread.append(f"{record.case}: {error}")


# audit recheck ----------------------------------------------------------------------------------------------------------


@click.command()
@_ledger
@click.option("--rules", "folder", metavar="DIR", help="Judge by these rules instead of those of this run.")
@click.option("--as-of", metavar="DATE", help="Judge on this day instead of today, such as 2026-11-22.")
@_all
@_json
def recheck(ledger: str, folder: str | None, as_of: str | None, everything: bool, as_json: bool) -> None:
    """What would be decided now for the latest record of each case, and which rule, value or date makes the difference."""
    from imgrules.audit.recheck import recheck as judge
    from imgrules.errors import InputError
    from imgrules.rulebase.load import load_rulebase
    from imgrules.rulebase.values import BadValue, read_date

    try:
        day = read_date(as_of) if as_of else date.today()
    except BadValue as error:
        raise InputError(f"--as-of: {error}.") from None
    rulebase = load_rulebase(folder) if folder else the_rulebase()
    with counting("cases judged again") as progress:
        found = judge(_open(ledger), rulebase, day, progress)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        from imgrules.cli.changes_text import print_recheck

        print_recheck(found, everything)


# audit letter and prov --------------------------------------------------------------------------------------------------


@click.command()
@_ledger
@click.argument("id", metavar="ID")
@click.option("--out", metavar="FILE.html", help="Where to write it; standard output if left out.")
def letter(ledger: str, id: str, out: str | None) -> None:
    """One recorded decision as a letter to the applicant: an HTML page that needs nothing else and prints well."""
    from imgrules.audit.letter import letter as page

    record, derived = _again(_open(ledger), id)
    _write(page(derived, record), out)


@click.command()
@_ledger
@click.argument("id", metavar="ID")
@click.option("--of", "name", metavar="NAME", help="One finding, requirement or route; all routes if left out.")
@click.option("--out", metavar="FILE.json", help="Where to write it; standard output if left out.")
def prov(ledger: str, id: str, name: str | None, out: str | None) -> None:
    """Where one recorded decision comes from, as W3C PROV-JSON: facts, rules that fired, sources, who and with what."""
    from imgrules.audit.prov import prov_json

    record, derived = _again(_open(ledger), id)
    _write(prov_json(derived, record, name), out)


def _again(book: Ledger, id: str) -> tuple[Record, Derived]:
    """A record with its derivation made anew by the rules of its day, which must say what the record says."""
    from imgrules.assessment.assess import Assessor
    from imgrules.errors import InputError

    record = book.get(id)
    if record.facts is None:
        raise InputError(f"The case of record {id} was erased: nothing is left to write about.")
    derived = Assessor(book.rulebase(record.rulebase)).derive(book.case(record))
    statuses = {route.id: route.status for route in derived.assessment.routes}
    differing = [name for name, status in record.routes.items() if statuses.get(name) is not status]
    if differing:
        raise InputError(
            f"Record {id} does not say what this version of imgrules derives from its facts and rules "
            f"({', '.join(differing[:3])}). Compare them with `imgrules audit replay {id}`."
        )
    return record, derived


def _write(text: str, out: str | None) -> None:
    from imgrules.errors import InputError

    if out is None:
        click.echo(text)
        return
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from None
    click.echo(f"Wrote {out}.")
