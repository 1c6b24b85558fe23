"""`imgrules states`: all jurisdictions side by side, as a table, for programs, or as a map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imgrules.cli.common import as_of_option, the_case, the_rulebase

if TYPE_CHECKING:
    from imgrules.assessment.result import Status
    from imgrules.assessment.states import Comparison, Standing
    from imgrules.cli.text import Page
    from imgrules.rulebase.rulebase import Rulebase

ON_TERMINAL = "-"


class _MapCommand(click.Command):
    """Lets `--map` stand alone: what follows belongs to it only if it is named like an SVG file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        found = list(args)
        for i, arg in enumerate(args):
            if arg == "--map" and not "".join(args[i + 1 : i + 2]).lower().endswith(".svg"):
                found[i] = f"--map={ON_TERMINAL}"
        return super().parse_args(ctx, found)


@click.command(cls=_MapCommand)
@click.argument("case", metavar="CASE")
@as_of_option
@click.option("--status", "statuses", multiple=True, help="Only these statuses: open,reachable ...; repeatable.")
@click.option("--only", multiple=True, metavar="XX,YY", help="Only these jurisdictions, by code or name; repeatable.")
@click.option("--with-fast-track", is_flag=True, help="Only where a fast track is recommended.")
@click.option("--map", "picture", metavar="[FILE.svg]", help="A tile map: on the terminal, or as SVG into a file.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), help="How to print the list.  [default: table]"
)
def states(
    case: str,
    as_of: str | None,
    statuses: tuple[str, ...],
    only: tuple[str, ...],
    with_fast_track: bool,
    picture: str | None,
    form: str | None,
) -> None:
    """Compare all jurisdictions for one applicant, the one where practice is possible soonest first.

    Sorted by the status of the standard route, then by what is still missing, then by the number of requirements not
    met, then by how much is unknown.
    """
    if picture and form:
        raise click.UsageError("--map draws a map and --format prints a list. Give one of them.")
    if picture and picture != ON_TERMINAL and not picture.lower().endswith(".svg"):
        raise click.UsageError(f"--map writes SVG only. Name the file {Path(picture).with_suffix('.svg')}.")
    from imgrules.assessment.assess import Assessor
    from imgrules.assessment.states import compare

    rulebase = the_rulebase()
    wanted, codes = _statuses(statuses), _codes(only, rulebase)
    everything = compare(the_case(case, rulebase, (), as_of), Assessor(rulebase))
    shown = everything.only(statuses=wanted, codes=codes, with_fast_track=with_fast_track)
    if picture:
        _draw(picture, everything, shown)
    elif form == "json":
        click.echo(shown.model_dump_json(indent=2))
    elif form == "csv":
        click.echo(csv_text(shown), nl=False)
    else:
        _print_table(everything, shown)


def _parts(texts: tuple[str, ...]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _statuses(texts: tuple[str, ...]) -> list[Status]:
    from imgrules.assessment.result import Status
    from imgrules.errors import InputError, did_you_mean

    found = []
    for part in _parts(texts):
        name = part.lower().replace(" ", "_").replace("-", "_")
        if name not in list(Status):
            hint = did_you_mean(name, list(Status)) or f"There are: {', '.join(Status)}."
            raise InputError(f"There is no status {part}. {hint}")
        found.append(Status(name))
    return found


def _codes(texts: tuple[str, ...], rulebase: Rulebase) -> list[str]:
    from imgrules.assessment.case import find_jurisdiction

    return [find_jurisdiction(part, rulebase) for part in _parts(texts)]


def _draw(picture: str, everything: Comparison, shown: Comparison) -> None:
    from imgrules.cli.tilemap import print_map, svg_map
    from imgrules.errors import InputError

    if picture == ON_TERMINAL:
        from imgrules.cli.text import Page

        page = Page()
        _print_head(page, everything)
        print_map(page, everything, shown)
        _print_foot(page)
        return
    try:
        Path(picture).write_text(svg_map(everything, shown), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{picture} cannot be written: {error.strerror or error}.") from None
    click.echo(f"Wrote {picture}.")


# for programs -------------------------------------------------------------------------------------------------------


def csv_text(shown: Comparison) -> str:
    """The comparison as CSV, one line a jurisdiction, in order. What is not known is `unknown` or left empty."""
    import csv
    import io

    from imgrules.assessment.states import BLOCKER_KINDS

    out = io.StringIO()
    header = [
        "code", "name", "kind", "aimed_at", "route", "status",
        "missing", "missing_least", "missing_most", "missing_unit",
        "blockers", *BLOCKER_KINDS, "blocking", "unknown_facts", "to_confirm",
        "fast_track", "fast_track_status", "fast_track_route", "fast_track_title",
    ]  # fmt: skip
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(_csv_row(s) for s in shown.jurisdictions)
    return out.getvalue()


def _csv_row(s: Standing) -> list[object]:
    from imgrules.assessment.states import BLOCKER_KINDS

    missing: list[object] = [None] * 4
    if s.missing:
        exact = "unknown" if s.missing.exact is None else s.missing.exact
        missing = [exact, s.missing.least, s.missing.most, s.missing.unit]
    track: list[object] = [None] * 4
    if s.fast_track:
        track = [s.fast_track.id, s.fast_track.status.value, s.fast_track.route, s.fast_track.title]
    return [
        s.code, s.name, s.kind, "yes" if s.aimed_at else "no", s.route, s.status.value, *missing,
        s.blocker_count, *(s.blockers.get(kind, 0) for kind in BLOCKER_KINDS), " ".join(s.blocking),
        s.unknown_facts, s.to_confirm, *track,
    ]  # fmt: skip


# for people ---------------------------------------------------------------------------------------------------------


def _print_head(page: Page, shown: Comparison) -> None:
    from rich.text import Text

    from imgrules.rulebase.values import show_date

    page.console.print(Text(f"{shown.case}, judged on {show_date(shown.as_of)}", style="bold"))
    page.console.print(Text(f"{shown.title}; rules {shown.rulebase}, imgrules {shown.imgrules}", style="dim"))
    page.console.print()


def _print_foot(page: Page) -> None:
    from imgrules.cli.text import NOT_ADVICE

    page.console.print()
    page.para(NOT_ADVICE, 0, "italic")


def _print_table(everything: Comparison, shown: Comparison) -> None:
    from imgrules.cli.text import Page

    page = Page()
    _print_head(page, shown)
    if not shown.jurisdictions:
        page.para("No jurisdiction is left by these filters.", 0)
        return
    _print_rows(page, shown)
    _print_key(page, everything, shown)
    _print_foot(page)


def _print_rows(page: Page, shown: Comparison) -> None:
    """One line a jurisdiction in columns of a fixed width, and below it the best fast track at full width."""
    from rich.text import Text

    from imgrules.cli.text import STATUS_STYLE
    from imgrules.cli.tilemap import TRACK_MARK, short, symbol

    missing = f"{shown.unit} missing" if shown.unit else ""
    widths = (max(len(s.name) for s in shown.jurisdictions) + 5, 17, len(missing), 10, 10)

    def line(*cells: Text | str) -> Text:
        padded = [cell.copy() if isinstance(cell, Text) else Text(cell) for cell in cells]
        for i, (cell, width) in enumerate(zip(padded, widths, strict=True)):
            cell.align("left" if i < 2 else "right", width)
        return Text().join(padded)

    page.console.print(line("jurisdiction", "status", missing, "not met", "not known"), style="bold")
    for s in shown.jurisdictions:
        name = Text.assemble((s.code, "bold"), "*" if s.aimed_at else " ", f" {s.name}")
        status = Text(f"{symbol(page, s.status)} {s.status.value.replace('_', ' ')}", style=STATUS_STYLE[s.status][0])
        blockers = " ".join(f"{n}{kind[0]}" for kind, n in s.blockers.items())
        page.console.print(line(name, status, short(s.missing), blockers, str(s.unknown or "")))
        if s.fast_track:
            style = STATUS_STYLE[s.fast_track.status][0]
            page.item(Text(f"{TRACK_MARK} {symbol(page, s.fast_track.status)}", style=style), s.fast_track.title, 4)


def _print_key(page: Page, everything: Comparison, shown: Comparison) -> None:
    """What the signs of the table mean, those that occur in it."""
    from rich.text import Text

    from imgrules.cli.text import KIND_WORDS, STATUS_STYLE, STATUS_WORDS
    from imgrules.cli.tilemap import TRACK_MARK, statuses, symbol

    page.console.print()
    for status, count in statuses(shown):
        page.item(Text(symbol(page, status), style=STATUS_STYLE[status][0]), f"{count} {STATUS_WORDS[status]}", 0)
    left_out = len(everything.jurisdictions) - len(shown.jurisdictions)
    if left_out:
        page.item(" ", f"{left_out} left out by the filters", 0)
    kinds = {kind for s in shown.jurisdictions for kind in s.blockers}
    if kinds:
        words = ", ".join(f"{kind[0]} {text}" for kind, text in KIND_WORDS.items() if kind in kinds)
        page.para(f"not met: {words}", 0, "dim")
    if shown.unit:
        words = "0-6 where rule or case leaves it open, ? where nobody can say"
        page.para(f"{shown.unit} missing: {words}", 0, "dim")
    if any(s.fast_track for s in shown.jurisdictions):
        page.para(f"{TRACK_MARK} the best of the fast tracks recommended there, with its own status", 0, "dim")
    if any(s.aimed_at for s in shown.jurisdictions):
        page.para("* aimed at by the case", 0, "dim")
