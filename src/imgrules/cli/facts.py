"""`imgrules facts` and `imgrules schema`."""

from __future__ import annotations

import click

from imgrules.cli.common import the_rulebase, write_json


@click.command()
@click.argument("name", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def facts(name: str | None, form: str) -> None:
    """What can be told about an applicant: all facts, those whose name starts with NAME, or one in full."""
    from imgrules.errors import InputError, did_you_mean

    rulebase = the_rulebase()
    found = {n: e for n, e in rulebase.facts.items() if name is None or n == name or n.startswith(f"{name}.")}
    if not found:
        raise InputError(f"There is no fact {name}. {did_you_mean(str(name), rulebase.facts)}".rstrip())
    if form == "json":
        write_json({n: e.model.model_dump(mode="json", exclude_none=True) for n, e in found.items()})
        return
    for n, entry in found.items():
        model = entry.model
        type_ = rulebase.value_type(model)
        click.echo(f"{n}  {type_}" if name is None or len(found) > 1 else f"{n}\n  type: {type_}")
        click.echo(f"    {model.question}" if len(found) > 1 else f"  asked: {model.question}")
        if len(found) == 1:
            _fact_details(rulebase, n)


def _fact_details(rulebase: object, name: str) -> None:
    from imgrules.rulebase.rulebase import Rulebase
    from imgrules.rulebase.usage import users_of_fact

    assert isinstance(rulebase, Rulebase)
    model = rulebase.facts[name].model
    click.echo(f"  why: {model.why}")
    if model.help:
        click.echo(f"  help: {model.help}")
    if model.range:
        click.echo(f"  range: {model.range[0]} to {model.range[1]}")
    codes = rulebase.value_type(model).codes
    if codes and model.values:
        click.echo("  allowed:")
        for code, label in codes.items():
            click.echo(f"    {code}: {label}")
    click.echo(f"  can be changed by acting: {'yes' if model.changeable else 'no'}")
    users = users_of_fact(rulebase, name)
    click.echo(f"  used by: {', '.join(users[:12])}{f' and {len(users) - 12} more' if len(users) > 12 else ''}")


@click.command()
@click.argument("what", type=click.Choice(["case", "rules", "assessment"]))
def schema(what: str) -> None:
    """The JSON Schema of case files, rule files or assessments, for editors and programs."""
    from imgrules.assessment.schemas import json_schema

    write_json(json_schema(what, the_rulebase))
