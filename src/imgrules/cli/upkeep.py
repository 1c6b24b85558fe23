"""`imgrules rules stale`, `coverage`, `boundary` and `rulebook`: keeping the knowledge right."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imgrules.cli.common import the_rulebase, write_json

if TYPE_CHECKING:
    from imgrules.assessment.boundary import Boundary
    from imgrules.assessment.coverage import Count, Coverage
    from imgrules.assessment.places import Places
    from imgrules.assessment.stale import Stale, Statement

SHOWN = 40
_format = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


def _places() -> Places:
    """The rule files of this run with their lines."""
    from imgrules.assessment.places import Places
    from imgrules.rulebase.load import default_folder

    folder = click.get_current_context().obj["rules"]
    return Places(Path(folder or default_folder()), folder or "rules")


# stale ------------------------------------------------------------------------------------------------------------------


@click.command()
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="List what was checked before DATE.")
@click.option("--older-than", type=click.IntRange(min=0), metavar="MONTHS", help="List what was checked so long ago.")
@click.option("--all", "everything", is_flag=True, help=f"Text: list all, not only the first {SHOWN}.")
@_format
def stale(before: datetime | None, older_than: int | None, everything: bool, form: str) -> None:
    """What to check again first: rules, routes and values by age and evidence, what has ended, and what is unsettled."""
    from imgrules.assessment.stale import months_before
    from imgrules.assessment.stale import stale as judge

    if before is not None and older_than is not None:
        raise click.UsageError("Give --before or --older-than, not both.")
    today = date.today()
    limit = before.date() if before else None if older_than is None else months_before(today, older_than)
    found = judge(the_rulebase(), _places(), today, limit)
    if form == "json":
        write_json(found.model_dump(mode="json", exclude_none=True))
    else:
        _print_stale(found, everything)


def _print_stale(found: Stale, everything: bool) -> None:
    click.echo(f"{found.statements:,} statements on {found.today}.")
    click.echo(f"  kinds: {_counts(found.by_kind)}")
    click.echo(f"  last checked: {_counts(found.by_checked)}")
    click.echo(f"  evidence: {_counts(found.by_evidence)}")
    if found.before:
        click.echo(f"  {len(found.old):,} last checked before {found.before}")
    click.echo(f"  {len(found.ended):,} in force no longer, {len(found.unsettled):,} truths unknown today")
    heads = (
        ("Oldest and weakest first", found.old),
        ("In force no longer, the latest first", found.ended),
        ("Truths unknown today", found.unsettled),
    )
    for head, statements in heads:
        if statements:
            click.echo(f"\n{head}")
        for statement in statements if everything else statements[:SHOWN]:
            click.echo(f"  {_statement(statement)}")
        if len(statements) > SHOWN and not everything:
            click.echo(f"  ... and {len(statements) - SHOWN:,} more (--all)")


def _counts(counts: dict[str, int]) -> str:
    return "; ".join(f"{n:,} {words}" for words, n in counts.items())


def _statement(s: Statement) -> str:
    where = f" in {s.jurisdiction}" if s.jurisdiction and "@" not in s.name else ""
    until = f", until {s.holds_to}" if s.holds_to else ""
    return f"{s.checked}  {s.confidence}, {s.basis}  {s.name}{where}{until}  {s.place}"


# coverage ---------------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("folder", required=False, type=click.Path())
@click.option(
    "--suggest", "out", metavar="DIR", help="Write a case file without expectations to DIR for all that is missing."
)
@_format
def coverage(folder: str | None, out: str | None, form: str) -> None:
    """Which conditions and requirements ever decided something in the golden cases (of FOLDER, or the shipped ones).

    A condition is decisive for its truth in a case if its rule would come to something else were it the other way
    round; a requirement, if a route that needs it would. What never was is named with its place. For that, --suggest
    searches applicants; fill in what they must get from the rule and its source. The search takes some minutes.
    """
    from imgrules.assessment.coverage import coverage as judge
    from imgrules.rulebase.load import shipped

    cases = Path(folder) if folder else shipped("cases")
    if out is not None:
        _suggest(cases, Path(out))
        return
    found = judge(the_rulebase(), cases, _places())
    if form == "json":
        write_json(found.model_dump(mode="json"))
    else:
        _print_coverage(found)


def _suggest(cases: Path, out: Path) -> None:
    from imgrules.assessment.suggest import suggest, write_suggestions
    from imgrules.errors import InputError

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not an empty folder. Name one that is new or empty.")
    found = suggest(the_rulebase(), cases, _places())
    try:
        written = write_suggestions(the_rulebase(), found, out)
    except OSError as error:
        raise InputError(f"The suggestions cannot be written to {out}: {error.strerror or error}.") from None
    for one in found.left:
        click.echo(f"nobody found: {one}")
    shown = sum(len(suggestion.shows) for suggestion in found.found)
    click.echo(f"Wrote {len(written)} case files to {out}, for {shown} things; nobody found for {len(found.left)}.")


def _print_coverage(found: Coverage) -> None:
    for file in found.files:
        click.echo(f"{file.file}: requirements {_count(file.requirements)}, conditions {_count(file.conditions)}")
        for item in file.uncovered:
            click.echo(f"  {item.place}: {item.rule}: never decisive when {' or '.join(item.missing)}: {item.text}")
    for name in found.unread:
        click.echo(f"not read: {name}")
    click.echo(f"{found.cases} cases.")
    for words, count in (("requirements", found.requirements), ("conditions", found.conditions)):
        click.echo(
            f"{words} decisive both ways: {_count(count)}; "
            f"those that can go one way only, that way: {count.one_way} of {count.can_one_way}; "
            f"{count.not_asked} that nothing could make decisive on the days of the cases"
        )


def _count(count: Count) -> str:
    share = f" ({100 * count.both_ways // count.can_both_ways} %)" if count.can_both_ways else ""
    return f"{count.both_ways} of {count.can_both_ways}{share}"


# boundary ---------------------------------------------------------------------------------------------------------------


@click.command()
@_format
def boundary(form: str) -> None:
    """Judge somebody on each side of every limit in the rules, and compare. Exit code 1 if there is a difference."""
    from imgrules.assessment.boundary import boundary as judge

    found = judge(the_rulebase())
    if form == "json":
        write_json(found.model_dump(mode="json", exclude_none=True))
    else:
        _print_boundary(found)
    if found.differences:
        raise click.exceptions.Exit(1)


def _print_boundary(found: Boundary) -> None:
    for d in found.differences:
        where = f" in {d.jurisdiction}" if d.jurisdiction else ""
        click.echo(
            f"DIFFERENT {d.comparison}{where} on {d.day}: the parameter is {d.known}, the applicant has {d.value}"
        )
        click.echo(
            f"    expected {d.expected}, got {d.got}; facts: {'; '.join(f'{n}: {v}' for n, v in d.facts.items())}"
        )
    for name in found.unreached:
        click.echo(f"not tried: {name}: no applicant could be made for it")
    click.echo(
        f"{found.comparisons:,} comparisons with {found.limits:,} limits, {found.applicants:,} applicants "
        f"({found.outside} more outside the sensible range of a fact, {found.contradictory} with facts that "
        f"contradict each other). {len(found.differences)} differences."
    )


# rulebook ---------------------------------------------------------------------------------------------------------------


@click.command()
@click.option("--out", metavar="DIR", default="docs/rulebook", show_default=True, help="Where the pages stand.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit code 1 if the pages are out of date.")
def rulebook(out: str, only_check: bool) -> None:
    """Write the rules as Markdown, a page a jurisdiction and a topic, for experts to review without YAML."""
    from imgrules.assessment.rulebook import outdated, write
    from imgrules.assessment.rulebook import rulebook as pages_of
    from imgrules.errors import InputError

    pages = pages_of(the_rulebase())
    try:
        wrong = outdated(pages, Path(out))
        if not only_check:
            write(pages, Path(out))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The rulebook in {out} cannot be read or written: {error}.") from None
    if only_check:
        for line in wrong:
            click.echo(line)
        click.echo("Up to date." if not wrong else "Run `imgrules rules rulebook` to write it again.")
    else:
        click.echo(f"Wrote {len(pages)} pages to {out}; {len(wrong)} of them were new or out of date.")
    if only_check and wrong:
        raise click.exceptions.Exit(1)
