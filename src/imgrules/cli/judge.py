"""`imgrules assess` and `imgrules why`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imgrules.cli.audit import keep, record_options
from imgrules.cli.common import as_of_option, derive, state_option

if TYPE_CHECKING:
    from imgrules.assessment.assess import Derived
    from imgrules.audit.record import Record


@click.command()
@click.argument("case", metavar="CASE")
@state_option
@as_of_option
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Text: every route in full, not only the main ones.")
@click.option(
    "--letter",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write it as a letter to the applicant (HTML).",
)
@record_options
def assess(
    case: str,
    states: tuple[str, ...],
    as_of: str | None,
    form: str,
    everything: bool,
    letter: Path | None,
    record: str | None,
    who: str | None,
) -> None:
    """Judge a case file: stages, routes, blockers, fast tracks, advice, alerts and next steps."""
    derived = derive(case, states, as_of)
    assessment = derived.assessment
    kept = keep(derived, record, who, "assess")
    if letter:
        _write_letter(letter, derived, kept)
    if form == "json":
        click.echo(assessment.model_dump_json(indent=2))
    elif form == "markdown":
        from imgrules.cli.markdown import assessment_markdown

        click.echo(assessment_markdown(assessment))
    else:
        from imgrules.cli.text import print_assessment

        print_assessment(assessment, everything)


def _write_letter(path: Path, derived: Derived, kept: Record | None) -> None:
    from imgrules.audit.letter import letter
    from imgrules.errors import InputError

    try:
        path.write_text(letter(derived, kept), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None
    click.echo(f"Wrote {path}.", err=True)


@click.command()
@click.argument("case", metavar="CASE")
@click.argument("name", metavar="NAME")
@state_option
@as_of_option
@click.option("--format", "form", type=click.Choice(["text", "json", "dot"]), default="text", show_default=True)
def why(case: str, name: str, states: tuple[str, ...], as_of: str | None, form: str) -> None:
    """Why a finding, requirement or route is met, not met or unknown: the proof down to facts and sources.

    NAME is as `imgrules assess --format json` gives it: licence.standard@CA, ecfmg.certification. A jurisdiction's
    name may leave the code off when the case aims at only one.
    """
    from imgrules.assessment.explain import explain, to_dot

    if not states and "@" in name:
        states = (name.partition("@")[2],)
    derived = derive(case, states, as_of)
    reason = explain(derived, name)
    if form == "json":
        click.echo(reason.model_dump_json(indent=2))
    elif form == "dot":
        click.echo(to_dot(reason), nl=False)
    else:
        from imgrules.cli.text import print_reason

        print_reason(reason, derived.case, derived.rulebase.version)
