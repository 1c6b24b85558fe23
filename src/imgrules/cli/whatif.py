"""`imgrules what-if` and `imgrules change`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from imgrules.cli.common import state_option, the_case, the_rulebase, write_json

if TYPE_CHECKING:
    from imgrules.assessment.explain import Reason
    from imgrules.assessment.result import Blocker
    from imgrules.cli.text import Page
    from imgrules.interview.change import Changes
    from imgrules.interview.whatif import Comparison, RuleMove


@click.command("what-if")
@click.argument("case", metavar="CASE")
@click.option(
    "--set", "settings", multiple=True, metavar="FACT=VALUE", help="Suppose a fact; repeatable. `unknown` forgets it."
)
@click.option("--as-of", metavar="DATE", help="Suppose another day (2026-11-22).")
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
        print_comparison(comparison)


def print_comparison(comparison: Comparison, page: Page | None = None) -> None:
    """Before and after on the screen."""
    from imgrules.cli.text import Page as NewPage
    from imgrules.rulebase.values import show_date

    page = page or NewPage()
    page.heading("Suppose")
    for fact in comparison.facts:
        page.item("-", Text.assemble(f"{fact.title}: {fact.before} -> {fact.after}", (f"  {fact.fact}", "dim")))
    if comparison.before_as_of != comparison.after_as_of:
        page.item("-", f"the day: {show_date(comparison.before_as_of)} -> {show_date(comparison.after_as_of)}")
    page.heading("Routes that move")
    if not comparison.routes:
        page.para("None.")
    for move in comparison.routes:
        _move(page, move)
    if comparison.requirements:
        page.heading("Requirements that move")
    shown = 12
    for move in comparison.requirements[:shown]:
        page.item("-", _head(move))
    if len(comparison.requirements) > shown:
        page.para(f"... and {len(comparison.requirements) - shown} more; --format json lists them all.", 4, "dim")
    page.bibliography()


def _head(move: RuleMove) -> Text:
    words = f": {move.before.replace('_', ' ')} -> {move.after.replace('_', ' ')}"
    return Text.assemble((move.title, "bold"), words if move.before != move.after else "", (f"  {move.name}", "dim"))


def _move(page: Page, move: RuleMove) -> None:
    page.item("-", _head(move))
    for title in move.blockers_gone:
        page.item(Text("-"), f"no longer in the way: {title}", 4)
    for title in move.blockers_new:
        page.item(Text("+"), f"now in the way: {title}", 4)
    if move.why:
        page.para("Why it now stands so:", 4, "dim")
        for reason in move.why.because:
            _tree(page, reason, 6)


def _tree(page: Page, reason: Reason, indent: int) -> None:
    """A proof, indented: what is decided, down to the facts."""
    named = reason.kind in ("route", "requirement", "finding", "excuse")
    words = {"met": ": met", "not_met": ": not met", "unknown": ": unknown"}[reason.outcome] if named else ""
    page.item(page.mark(reason.outcome), f"{reason.text}{words} {page.cite(reason.sources)}".rstrip(), indent)
    for child in reason.because:
        _tree(page, child, min(indent + 2, 24))


@click.command()
@click.argument("case", metavar="CASE")
@click.argument("route", metavar="ROUTE")
@state_option
@click.option("--as-of", metavar="DATE", help="Judge on this day instead of the case's own (2026-11-22).")
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
        print_changes(found)


def print_changes(found: Changes, page: Page | None = None) -> None:
    """The sets of changes on the screen, or what bars the route for good."""
    from imgrules.cli.text import STATUS_WORDS
    from imgrules.cli.text import Page as NewPage

    page = page or NewPage()
    page.para(Text.assemble((found.route.title, "bold"), (f"  {found.route.id}", "dim")), 0)
    page.para(f"Now {STATUS_WORDS[found.route.status]}.", 0)
    for number, chosen in enumerate(found.sets, 1):
        page.heading(f"Way {number}: {len(chosen.actions)} change{'' if len(chosen.actions) == 1 else 's'}")
        for action in chosen.actions:
            page.item(
                "-",
                Text.assemble(
                    (action.title, "bold"), f": {action.before} -> {action.after}", (f"  {action.fact}", "dim")
                ),
            )
            if not action.known:
                page.para("Not told yet: it may be so already.", 4, "italic")
            for blocker in action.blockers:
                page.para(_how(blocker), 4)
    if not found.sets:
        _none(page, found)
    elif not found.complete:
        page.para("The search was cut short: there may be smaller sets than some of these.", 0, "italic")
    else:
        page.para("\nEach was assessed again and opens the route; no part of one alone does.", 0, "dim")


def _how(blocker: Blocker) -> str:
    from imgrules.rulebase.values import show_date

    extras = [f"decided by {blocker.decided_by}" if blocker.decided_by else ""]
    for pair, text in ((blocker.weeks, "about {} weeks"), (blocker.cost_usd, "about ${}")):
        if pair:
            extras.append(text.format(f"{pair[0]:,.0f}" if pair[0] == pair[1] else f"{pair[0]:,.0f} to {pair[1]:,.0f}"))
    if blocker.ready_on:
        extras.append(f"possible from {show_date(blocker.ready_on)}")
    tail = "; ".join(filter(None, extras))
    return f"{blocker.remedy}{f' ({tail})' if tail else ''}"


def _none(page: Page, found: Changes) -> None:
    """Why no change of facts would open the route."""
    if found.route.status == "open":
        page.para("It is open already: nothing has to change.", 0)
        return
    page.para("No change of what a person can change would open it.", 0)
    for blocker in found.standing:
        page.item("x", Text.assemble((blocker.title, "bold"), f": {blocker.kind}. {_how(blocker)}"))
    for unknown in found.confirm:
        word = "Not told: " if unknown.kind == "fact" else "Cannot be settled by facts: "
        page.item("?", f"{word}{unknown.text}")
    if found.route.replaced_text:
        page.para(f"Instead: {found.route.replaced_text}", 2)


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
