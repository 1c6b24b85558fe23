"""`imgrules rules`: what the program knows, and whether it holds together."""

from __future__ import annotations

import click

from imgrules.cli import audit_more, upkeep
from imgrules.cli.common import the_rulebase, write_json

KINDS = (
    "jurisdictions", "routes", "requirements", "findings", "parameters", "derived", "excuses", "fast_tracks", "advice", "alerts",
    "contradictions", "stages",
)  # fmt: skip


@click.group()
def rules() -> None:
    """List, show and check the rules, their sources, and the golden cases."""


@rules.command("list")
@click.argument("kind", type=click.Choice(KINDS), required=False)
@click.option("--state", "-s", metavar="XX", help="Only what is one jurisdiction's own.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_(kind: str | None, state: str | None, form: str) -> None:
    """Names and titles of everything, or of one KIND."""
    rulebase = the_rulebase()
    found = {
        k: {n: _title(e) for n, e in getattr(rulebase, k).items() if state is None or e.scope == state.upper()}
        for k in ([kind] if kind else KINDS)
    }
    if form == "json":
        write_json(found)
        return
    for k, names in found.items():
        if not kind and names:
            click.echo(f"{k} ({len(names)})")
        for name, title in names.items():
            click.echo(f"{'' if kind else '  '}{name}  {title}")


def _title(entry: object) -> str:
    model = entry.model  # type: ignore[attr-defined]
    return str(getattr(model, "title", None) or getattr(model, "name", None) or getattr(model, "text", ""))


@rules.command()
@click.argument("name")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(name: str, form: str) -> None:
    """One rule, parameter, route or jurisdiction: its text, where it stands, evidence, and who uses it."""
    from imgrules.assessment.describe import describe

    found = describe(the_rulebase(), name)
    if form == "json":
        write_json([item.model_dump(mode="json", exclude_none=True) for item in found])
    else:
        from imgrules.cli.describe import print_descriptions

        print_descriptions(found)


@rules.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--cases", metavar="DIR", help="Also report routes that no golden case of DIR shows both ways.")
@click.argument("folder", required=False, type=click.Path())
def check(form: str, cases: str | None, folder: str | None) -> None:
    """Load the rules and report every error and warning in them. Exit code 1 if there are errors."""
    from pathlib import Path

    from imgrules.errors import Severity
    from imgrules.rulebase.load import check_files, default_folder, read_files

    root = Path(folder or click.get_current_context().obj["rules"] or default_folder())
    rulebase, problems = check_files(read_files(root), label=str(root) if folder else root.name)
    errors = [p for p in problems if p.severity is Severity.ERROR]
    if cases and rulebase and not errors:
        from imgrules.assessment.coverage import unshown_routes

        problems += unshown_routes(rulebase, Path(cases))
    if form == "json":
        write_json([{slot: getattr(p, slot) for slot in p.__slots__} for p in problems])
    else:
        for problem in problems:
            click.echo(f"{problem.severity.value}: {problem}")
        warnings = len(problems) - len(errors)
        if rulebase and not errors:
            click.echo(
                f"rules {rulebase.version}: {len(rulebase.jurisdictions)} jurisdictions, {len(rulebase.routes)} routes, "
                f"{len(rulebase.requirements)} requirements, {len(rulebase.parameters)} parameters with "
                f"{sum(1 for _ in rulebase.all_values())} values, {len(rulebase.facts)} facts, {len(rulebase.sources)} sources."
            )
        click.echo(f"{len(errors)} errors, {warnings} warnings.")
    if errors:
        raise click.exceptions.Exit(1)


@rules.command()
@click.argument("text", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def sources(text: str | None, form: str) -> None:
    """The bibliography, or the entries whose id, title, publisher or address hold TEXT."""
    from datetime import date

    from imgrules.assessment.wording import Wording, cite

    rulebase = the_rulebase()
    wording = Wording(rulebase, date.today())
    found = [wording.source(name) for name in sorted(rulebase.sources)]
    if text:
        found = [s for s in found if text.lower() in f"{s.id} {s.title} {s.publisher} {s.address}".lower()]
    if form == "json":
        write_json([s.model_dump(mode="json", exclude_none=True) for s in found])
    else:
        for source in found:
            click.echo(f"{source.id}: {cite(source)}")


@rules.command()
@click.argument("folder", required=False, type=click.Path())
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def test(folder: str | None, form: str) -> None:
    """Run the golden cases (of FOLDER, or the shipped ones) and report every difference. Exit code 1 if there is one."""
    from pathlib import Path

    from imgrules.assessment.golden import run_golden
    from imgrules.rulebase.load import shipped

    results = run_golden(the_rulebase(), Path(folder) if folder else shipped("cases"))
    failed = [r for r in results if r.differences]
    if form == "json":
        write_json([{"file": r.file, "case": r.case, "pins": r.pins, "differences": r.differences} for r in results])
    else:
        for result in results:
            click.echo(f"{'FAIL' if result.differences else 'ok  '} {result.file}: {result.pins or result.case}")
            for difference in result.differences:
                click.echo(f"       {difference}")
        click.echo(f"{len(results) - len(failed)} of {len(results)} golden cases as expected.")
    if failed:
        raise click.exceptions.Exit(1)


for command in (upkeep.stale, upkeep.coverage, upkeep.boundary, upkeep.rulebook, audit_more.diff):
    rules.add_command(command)
