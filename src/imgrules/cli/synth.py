"""`imgrules synth`: made-up applicants for trying batches."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imgrules.cli.common import the_rulebase

if TYPE_CHECKING:
    from imgrules.assessment.case import Case
    from imgrules.rulebase.rulebase import Rulebase


@click.command()
@click.argument("rows", metavar="N", type=click.IntRange(min=1))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Where to write; a folder for cases."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet", "ndjson", "cases"]),
    help="By the name of FILE if left out.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The same seed gives the same bytes."
)
@click.option(
    "--states",
    default="random:3",
    show_default=True,
    metavar="WHICH",
    help="States aimed at: codes or names with commas, `all`, or `random:3` for three drawn for each applicant.",
)
@click.option(
    "--as-of",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day all are judged on; the day the rules were last checked if left out.",
)
@click.option(
    "--missing", type=click.FloatRange(0, 1), default=0.2, show_default=True, help="Share of the answers made unknown."
)
@click.option(
    "--dirty", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share of rows with a fault."
)
@click.option(
    "--like",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Case files to take after; the golden cases if left out.",
)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def synth(
    rows: int,
    out: Path,
    form: str | None,
    seed: int,
    states: str,
    day: datetime | None,
    missing: float,
    dirty: float,
    like: Path | None,
    force: bool,
) -> None:
    """Make up N realistic applicants, for trying batches and measuring.

    Each life is drawn from the golden cases and varied: dates in order, answers that fit together, some unknown.
    """
    from imgrules.batch.synth.files import format_of, write
    from imgrules.batch.synth.population import Plan, Population
    from imgrules.rulebase.lint import last_checked

    form = form or format_of(out)
    _check_free(out, form, force)
    rulebase = the_rulebase()
    codes, pick = _states(states, rulebase)
    cases = _models(like, rulebase)
    plan = Plan(rows, day.date() if day else last_checked(rulebase), codes, pick, seed, missing, dirty)
    done = write(Population(plan, rulebase, cases), out, form)  # type: ignore[arg-type]  # click checks it
    click.echo(
        f"Wrote {done.rows:,} applicants to {out}: {done.facts} facts, {done.known:.0f} of them known on average."
    )


def _check_free(out: Path, form: str, force: bool) -> None:
    """`InputError` if something stands where the applicants are to go. A folder must be empty: old cases would mix with new."""
    from imgrules.errors import InputError

    if out.is_dir():
        if form != "cases" or any(out.iterdir()):
            what = "is not empty" if form == "cases" else "is a folder"
            raise InputError(f"{out} {what}. Choose another name.")
    elif out.exists() and (form == "cases" or not force):
        hint = "Choose another name." if form == "cases" else "Choose another name, or --force to overwrite it."
        raise InputError(f"{out} exists already. {hint}")


def _states(text: str, rulebase: Rulebase) -> tuple[tuple[str, ...], int | None]:
    """The jurisdictions that may be aimed at, and how many are drawn for each applicant (None: all of them)."""
    from imgrules.assessment.case import find_jurisdiction
    from imgrules.errors import InputError

    every = tuple(sorted(rulebase.jurisdictions))
    if text.strip().lower() == "all":
        return every, None
    drawn = re.fullmatch(r"random:(\d+)", text.strip().lower())
    if drawn is None:
        found = [find_jurisdiction(part, rulebase) for part in text.split(",") if part.strip()]
        if not found:
            raise InputError(f"--states {text} names no jurisdiction. Give codes, `all` or `random:3`.")
        return tuple(dict.fromkeys(found)), None
    if int(drawn[1]) > len(every):
        raise InputError(f"--states {text}: there are only {len(every)} jurisdictions.")
    return every, int(drawn[1])


def _models(like: Path | None, rulebase: Rulebase) -> list[Case]:
    """The cases to take after. Other rules than the shipped ones have no golden cases unless some are named."""
    from imgrules.assessment.case import read_case
    from imgrules.assessment.golden import golden_files
    from imgrules.rulebase.load import shipped

    if like is None and click.get_current_context().obj["rules"]:
        return []
    return [read_case(path, rulebase) for path in golden_files(like or shipped("cases"))]
