"""Changes of the rules and of what was decided, on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import click

from imgrules.assessment.wording import cite
from imgrules.audit.diff_words import Change
from imgrules.audit.impact import Affected, Difference, Group
from imgrules.audit.recheck import Cause, Moved, Recheck, Rechecked
from imgrules.rulebase.values import show_date

SHOWN = 20
_WEIGHTS = (
    ("meaning", "Changes of meaning"),
    ("wording", "Changes of words only"),
    ("evidence", "Changes of evidence only"),
)


def print_difference(found: Difference, everything: bool) -> None:
    """Changes by what they touch; then whom they affect, by what causes it."""
    click.echo(f"rules {found.old} to {found.new}: {_count(len(found.changes), 'change')}.")
    for weight, title in _WEIGHTS:
        changes = [c for c in found.changes if c.weight == weight]
        if changes:
            click.echo(f"\n{title} ({len(changes)})")
        most = len(changes) if everything or weight == "meaning" else SHOWN
        for change in changes[:most]:
            _print_change(change)
        _print_rest(len(changes) - most)
    for problem in found.unread:
        click.echo(f"\nnot read: {problem}")
    if found.cases is not None:
        click.echo(f"\nWhom they affect: {found.cases_affected} of {_count(found.cases, 'case')}")
    for group in found.groups:
        _print_group(group, everything)


def _print_change(change: Change) -> None:
    click.echo(f"  {change.number}. {change.text}")
    for source in change.sources if change.weight == "meaning" else ():
        click.echo(f"       source: {cite(source)}")


def _print_group(group: Group, everything: bool) -> None:
    click.echo(f"\n  {_causes(group.causes)}" + ("" if group.smallest else " (perhaps not the fewest)"))
    if group.carried:
        click.echo(f"    with {_numbers(group.carried)}, which it cannot do without")
    cases = [(key, list(items)) for key, items in groupby(group.affected, key=lambda a: (a.case, a.as_of))]
    most = len(cases) if everything else SHOWN
    for (case, as_of), items in cases[:most]:
        click.echo(f"    {case} ({show_date(as_of)})")
        for item in items:
            click.echo(f"      {_move(item)}")
    _print_rest(len(cases) - most, "cases, ")


def _causes(causes: Sequence[Sequence[int]]) -> str:
    if not causes:
        return "By no set of changes that was found"
    if len(causes) == 1:
        together = " together, neither alone" if len(causes[0]) == 2 else " together" if len(causes[0]) > 2 else ""
        return f"By {_numbers(causes[0])}{together}"
    return f"By any one of these, each enough alone: {'; '.join(_numbers(chosen) for chosen in causes)}"


def _numbers(numbers: Iterable[int]) -> str:
    shown = [str(n) for n in numbers]
    return f"change {shown[0]}" if len(shown) == 1 else f"changes {', '.join(shown[:-1])} and {shown[-1]}"


def _move(item: Affected | Moved) -> str:
    return f"{item.kind} {item.name} ({item.title}): {_word(item.before)}, now {_word(item.after)}"


def _word(text: str) -> str:
    return {"absent": "not there"}.get(text, text.replace("_", " "))


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _print_rest(left: int, noun: str = "") -> None:
    if left > 0:
        click.echo(f"    and {left:,} more; {noun}--all lists them")


def print_recheck(found: Recheck, everything: bool) -> None:
    """Each case that would come out otherwise, with what made it so; then the counts."""
    moved = [case for case in found.cases if case.state == "moved"]
    most = len(moved) if everything else SHOWN
    for case in moved[:most]:
        _print_rechecked(case)
    _print_rest(len(moved) - most, "cases, ")
    for case in found.cases:
        if case.state == "not_judged":
            click.echo(f"{case.case}: could not be judged again: {case.why_not}")
        elif case.state == "erased":
            click.echo(f"{case.case}: erased on request; nothing is left to judge.")
    click.echo(
        f"rules {found.rulebase} on {show_date(found.as_of)}: {found.moved} would come out otherwise, {found.same} the same, "
        f"{found.erased} erased, {found.not_judged} could not be judged."
    )


def _print_rechecked(case: Rechecked) -> None:
    """What would come out otherwise, together with everything else that the same changes move."""
    click.echo(f"{case.case}: judged on {show_date(case.as_of)} by rules {case.rulebase} (record {case.record})")
    groups: dict[str, list[Moved]] = {}
    for moved in case.moved:
        groups.setdefault(str(moved.causes), []).append(moved)
    for items in groups.values():
        for i, chosen in enumerate(items[0].causes):
            _print_set(chosen, "because" if i == 0 else "or, enough by itself")
        for item in items:
            click.echo(f"    {_move(item)}")
    click.echo("")


def _print_set(chosen: Sequence[Cause], lead: str) -> None:
    for i, cause in enumerate(chosen):
        click.echo(f"  {lead if i == 0 else 'together with'}: {cause.text}")
        for source in cause.sources:
            click.echo(f"      source: {cite(source)}")
