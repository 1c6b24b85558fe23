"""What moves, and what would move it, as text: the screens of `what-if` and `change`."""

from __future__ import annotations

from rich.text import Text

from imgrules.assessment.explain import Reason
from imgrules.assessment.result import Blocker
from imgrules.cli.text import Page
from imgrules.interview.change import Changes
from imgrules.interview.whatif import Comparison, RuleMove


def print_comparison(comparison: Comparison, page: Page | None = None) -> None:
    """Before and after on the screen."""
    from imgrules.rulebase.values import show_date

    page = page or Page()
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


def print_changes(found: Changes, page: Page | None = None) -> None:
    """The sets of changes on the screen, or what bars the route for good."""
    from imgrules.cli.text import STATUS_WORDS

    page = page or Page()
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
    untold = any(unknown.kind == "fact" for unknown in found.confirm)
    if untold and not any(blocker.kind == "permanent" for blocker in found.standing):
        page.para("Too much is not told to name a way. Tell what is marked ? first, then ask again.", 0)
    else:
        page.para("No change of what a person can change would open it.", 0)
    for blocker in found.standing:
        page.item("x", Text.assemble((blocker.title, "bold"), f": {blocker.kind}. {_how(blocker)}"))
    for unknown in found.confirm:
        word = "Not told: " if unknown.kind == "fact" else "Cannot be settled by facts: "
        page.item("?", f"{word}{unknown.text}")
    if found.route.replaced_text:
        page.para(f"Instead: {found.route.replaced_text}", 2)
