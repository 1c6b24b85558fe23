"""`imgrules case`: templates for case files."""

from __future__ import annotations

from pathlib import Path

import click

from imgrules.cli.common import the_rulebase


@click.group()
def case() -> None:
    """Case files: one applicant's facts."""


@case.command()
@click.argument("path", required=False)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def new(path: str | None, force: bool) -> None:
    """Write a commented template with every question, to PATH or to standard output."""
    from imgrules.assessment.template import template
    from imgrules.errors import InputError

    text = template(the_rulebase(), Path(path).stem if path else "my-case")
    if path is None:
        click.echo(text, nl=False)
        return
    target = Path(path)
    if target.exists() and not force:
        raise InputError(f"{target} exists already. Choose another name, or --force to overwrite it.")
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}.") from None
    click.echo(f"Wrote {target}. Fill in what you know, leave the rest, then: imgrules assess {target}")
