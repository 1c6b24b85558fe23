"""Definitions as text."""

from __future__ import annotations

import click
import yaml

from imgrules.assessment.describe import Description
from imgrules.assessment.wording import cite


def print_descriptions(found: list[Description]) -> None:
    """Each definition: title, place, body as in the file, evidence, users."""
    for i, item in enumerate(found):
        if i:
            click.echo()
        click.echo(f"{item.name} ({item.section})  {item.title}")
        click.echo(f"  {item.place}, checked {item.checked}")
        if item.body:
            text = yaml.safe_dump(item.body, sort_keys=False, allow_unicode=True, width=96)
            click.echo("\n".join(f"  {line}" for line in text.splitlines()))
        for value in item.values:
            where = f"{value.jurisdiction}: " if value.jurisdiction else ""
            click.echo(f"  {where}{value.says}  ({value.days}; {value.basis}, {value.confidence} confidence)")
            if value.note:
                click.echo(f"      {value.note}")
            for source in value.sources:
                click.echo(f"      {cite(source)}")
        for source in item.sources:
            click.echo(f"  source: {cite(source)}")
        if item.used_by:
            click.echo(f"  used by: {', '.join(item.used_by)}")
