"""`imgrules batch`: many cases at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from imgrules.cli.audit import ledger_for, name_of, record_options
from imgrules.cli.common import as_of_option, state_option, the_rulebase

if TYPE_CHECKING:
    from imgrules.batch.run import Progress
    from imgrules.rulebase.rulebase import Rulebase


@click.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("--out", "out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A folder to make.")
@state_option
@as_of_option
@click.option(
    "--routes",
    "wanted",
    default="main",
    show_default=True,
    metavar="WHICH",
    help="Routes to judge: `main` (with the fast tracks), `all`, or names with commas, with or without @STATE.",
)
@click.option("--map", "mapping", metavar="FILE", help="What the columns and cells of your own table mean.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "ndjson"]),
    default="parquet",
    show_default=True,
    help="How cases and routes are written.",
)
@click.option("--resume", is_flag=True, help="Go on with a run that was cut off.")
@click.option("--strict", is_flag=True, help="Stop at the first row that cannot be judged.")
@click.option(
    "--check",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    metavar="N",
    help="Rows derived again on the rule engine, one by one, and compared.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Which rows are compared.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to use; one a core if left out.")
@click.option(
    "--rows-per-part",
    "size",
    type=click.IntRange(min=1),
    default=25_000,
    show_default=True,
    metavar="N",
    help="Rows held in memory by each process at a time.",
)
@click.option("--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True)
@click.option("--master", metavar="URL", help="Spark's master, as in spark://host:7077.")
@click.option("--template", type=click.Choice(["csv", "parquet"]), help="Write an empty table to --out instead.")
@record_options
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def batch(inputs: tuple[str, ...], out: Path, template: Literal["csv", "parquet"] | None, **options: Any) -> None:
    """Judge many cases: tables in, tables out.

    INPUT is a folder of case files, or a CSV, NDJSON, Parquet or Excel file; several may be given, and patterns in
    quotes. Columns are facts by name. Nothing is lost: a row is judged, or handed back whole with what is wrong.
    """
    rulebase = the_rulebase()
    if template:
        from imgrules.batch.template import write_template

        for path in write_template(template, out, rulebase):
            click.echo(f"Wrote {path}.", err=True)
        return
    if not inputs:
        raise click.UsageError("Give at least one INPUT: a table or a folder of case files.")
    if (options["engine"] == "spark") != bool(options["master"]):
        raise click.UsageError("--engine spark and --master URL go together.")
    _run(rulebase, inputs, out, **options)


def _run(
    rulebase: Rulebase,
    inputs: tuple[str, ...],
    out: Path,
    states: tuple[str, ...],
    as_of: str | None,
    wanted: str,
    mapping: str | None,
    form: str,
    resume: bool,
    strict: bool,
    check: int,
    seed: int,
    jobs: int | None,
    size: int,
    engine: str,
    master: str | None,
    record: str | None,
    who: str | None,
    as_json: bool,
) -> None:
    from imgrules.batch.inputs import open_inputs
    from imgrules.batch.mapping import Mapping, read_mapping
    from imgrules.batch.run import Settings, run
    from imgrules.batch.work import Job
    from imgrules.cli.common import write_json

    columns = read_mapping(mapping, rulebase) if mapping else Mapping()
    opened = open_inputs(inputs, rows_per_part=size, mapping=columns)
    job = Job(
        folder="",
        rules=click.get_current_context().obj["rules"],
        version=rulebase.version,
        as_of=_day(as_of),
        one_day=as_of is not None,
        jurisdictions=_codes(states, rulebase),
        wanted=_wanted(wanted, rulebase),
        format=form,
        samples=check,
        seed=seed,
        mapping=columns,
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ledger_for(record) as ledger, _progress() as notify:
        operator = name_of(who) if ledger else ""
        settings = Settings(jobs or cores, check, strict, resume, master, ledger, operator, notify)
        try:
            manifest = run(opened, job, out, settings)
        except KeyboardInterrupt:
            click.echo("Stopped. To go on: the same command with --resume.", err=True)
            raise click.exceptions.Exit(1) from None
    if as_json:
        write_json(manifest)
        return
    _say(manifest, out)


def _day(text: str | None) -> date:
    from imgrules.errors import InputError
    from imgrules.rulebase.values import BadValue, read_date

    try:
        return read_date(text) if text else date.today()
    except BadValue as error:
        raise InputError(f"--as-of: {error}.") from None


def _codes(states: tuple[str, ...], rulebase: Rulebase) -> tuple[str, ...] | None:
    from imgrules.assessment.case import find_jurisdiction

    wanted = [part for text in states for part in text.split(",") if part.strip()]
    if not wanted:
        return None
    if "all" in wanted:
        return tuple(rulebase.jurisdictions)
    return tuple(dict.fromkeys(find_jurisdiction(text, rulebase) for text in wanted))


def _wanted(text: str, rulebase: Rulebase) -> str | tuple[str, ...]:
    """The routes asked for; `InputError` for one that nobody knows."""
    from imgrules.errors import InputError, did_you_mean

    if text.strip().lower() in ("main", "all"):
        return text.strip().lower()
    names = tuple(_named(part.strip(), rulebase) for part in text.split(",") if part.strip())
    if not names:
        raise InputError("--routes names no route. Give main, all, or names with commas.")
    known = {*rulebase.routes, *(name.partition("@")[0] for name in rulebase.routes)}
    for name in names:
        base, _, code = name.partition("@")
        if base not in known or (code and code not in rulebase.jurisdictions):
            hint = did_you_mean(name, known) or "`imgrules rules list routes` lists them."
            raise InputError(f"There is no route {name}. {hint}")
    return names


def _named(name: str, rulebase: Rulebase) -> str:
    """The name of a route with its jurisdiction's code, however that was written."""
    from imgrules.assessment.case import find_jurisdiction

    base, at, place = name.partition("@")
    return f"{base}@{find_jurisdiction(place, rulebase)}" if at else base


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """Rows, rate and time left on a terminal; nothing anywhere else."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.fields[told]}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("rows", total=None, told="Reading ...", left="")

        def notify(now: Any) -> None:
            rate = (now.rows - now.resumed) / max(now.seconds, 0.001)
            left = "" if not now.total or not rate else f"about {_span((now.total - now.rows) / rate)} left"
            told = f"{now.rows:,}{f' of {now.total:,}' if now.total else ''} rows, {rate:,.0f} a second"
            told += f", {now.rejects:,} rejected" if now.rejects else ""
            bars.update(task, completed=now.rows, total=now.total, told=told, left=left)

        yield notify


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _say(manifest: dict[str, Any], out: Path) -> None:
    """What came of it, in a few lines."""
    import json

    cases, check = manifest["cases"], manifest["check"]
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    click.echo(f"{_count(cases['in'], 'row')}: {_count(cases['out'], 'case')} judged, {cases['rejects']:,} rejected.")
    for reason in summary["rejects"][:5]:
        click.echo(f"  {reason['rows']:,} x {reason['code']}, first at {reason['example']}: {reason['message']}")
    if summary["duplicates"]["ids"]:
        example = summary["duplicates"]["examples"][0]
        click.echo(
            f"{summary['duplicates']['ids']:,} case ids come more than once, such as {example['case']} "
            f"({', '.join(example['places'][:3])}); each row was judged."
        )
    if check["rows"]:
        click.echo(
            f"{check['rows']:,} cases were derived again on the rule engine: {check['comparisons']:,} comparisons, no difference."
        )
    elif cases["out"]:
        click.echo("Nothing was derived again on the rule engine (--check 0).")
    if manifest["recorded"]:
        click.echo(f"{manifest['recorded']['cases']:,} cases are recorded in {manifest['recorded']['ledger']}.")
    click.echo(f"Read {out / 'report.html'} first; tables, rejects and the manifest are beside it.")
