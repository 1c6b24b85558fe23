"""`imgrules what-if` and `imgrules change`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from imgrules.cli.common import state_option, the_case, the_rulebase, write_json

if TYPE_CHECKING:
    from imgrules.interview.change import Changes


@click.command("what-if")
@click.argument("case", metavar="CASE")
@click.option(
    "--set", "settings", multiple=True, metavar="FACT=VALUE", help="Suppose a fact; repeatable. `unknown` forgets it."
)
@click.option("--as-of", metavar="DATE", help="Suppose another day, such as 2026-11-22.")
@state_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def what_if(case: str, settings: tuple[str, ...], as_of: str | None, states: tuple[str, ...], form: str) -> None:
    """What moves when facts or the day change: before and after, side by side, with the proof of each change."""
    from imgrules.assessment.assess import Assessor
    from imgrules.interview.whatif import compare, read_settings, supposed

    if not settings and not as_of:
        raise click.UsageError("Give --set FACT=VALUE, or --as-of DATE.")
    rulebase = the_rulebase()
    before = the_case(case, rulebase, states)
    day = the_case(case, rulebase, states, as_of).as_of
    after = supposed(before, read_settings(settings, rulebase, day), day)
    comparison = compare(Assessor(rulebase), before, after)
    if form == "json":
        click.echo(comparison.model_dump_json(indent=2))
    else:
        from imgrules.cli.moves import print_comparison

        print_comparison(comparison)


@click.command()
@click.argument("case", metavar="CASE")
@click.argument("route", metavar="ROUTE")
@state_option
@click.option("--as-of", metavar="DATE", help="Judge on this day instead of the case's own, such as 2026-11-22.")
@click.option("--most", type=click.IntRange(1, 50), default=5, show_default=True, help="How many sets to show.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def change(case: str, route: str, states: tuple[str, ...], as_of: str | None, most: int, form: str) -> None:
    """The smallest sets of changes that would open ROUTE, smallest first, over facts that a person can change."""
    from imgrules.assessment.assess import Assessor
    from imgrules.interview.change import changes

    rulebase = the_rulebase()
    if not states and "@" in route:
        states = (route.partition("@")[2],)
    found = changes(Assessor(rulebase), the_case(case, rulebase, states, as_of), route, most)
    if form == "json":
        write_json(_json(found))
    else:
        from imgrules.cli.moves import print_changes

        print_changes(found)


def _json(found: Changes) -> dict[str, Any]:
    from imgrules.rulebase.values import plain

    return {
        "route": found.route.id,
        "status": found.route.status.value,
        "complete": found.complete,
        "sets": [
            [
                {
                    "fact": a.fact,
                    "title": a.title,
                    "before": a.before,
                    "after": a.after,
                    "value": plain(a.value),
                    "known": a.known,
                    "blockers": [b.model_dump(mode="json") for b in a.blockers],
                }
                for a in chosen.actions
            ]
            for chosen in found.sets
        ],
        "standing": [b.model_dump(mode="json") for b in found.standing],
        "confirm": [u.model_dump(mode="json") for u in found.confirm],
    }
