"""Two rulebases side by side: every difference in words, and whom it affects, grouped by what causes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from pydantic import BaseModel, ConfigDict

from imgrules.assessment.case import Case
from imgrules.audit.causes import Causes, Comparer, Move
from imgrules.audit.diff import Edit
from imgrules.audit.diff_words import Change, Words
from imgrules.rulebase.lint import last_checked
from imgrules.rulebase.rulebase import Rulebase

KINDS = {
    "routes": "route",
    "requirements": "requirement",
    "fast_tracks": "fast track",
    "contradictions": "contradiction",
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Affected(_Model):
    """Something that comes out otherwise for one case: a route's status, a requirement's outcome, a recommendation."""

    case: str
    as_of: date
    kind: str
    name: str
    title: str
    before: str
    after: str


class Group(_Model):
    """Whom the same changes affect.

    `causes`: sets of changes by number. Each set is enough by itself, and its changes are needed together. `smallest`:
    no smaller set is enough; otherwise none of the changes of the set can be left out. `carried`: changes that the
    causes cannot be made without, such as the question that a new condition asks for.
    """

    causes: list[list[int]]
    carried: list[int] = []
    smallest: bool = True
    affected: list[Affected]


class Difference(_Model):
    """The answer of `imgrules rules diff`. `cases`: how many were looked at; None where none were given."""

    old: str
    new: str
    changes: list[Change]
    cases: int | None = None
    cases_affected: int = 0
    groups: list[Group] = []
    unread: list[str] = []


def difference(
    old: Rulebase,
    new: Rulebase,
    cases: Iterable[Case] | None = None,
    unread: Iterable[str] = (),
    progress: Callable[[int], None] | None = None,
) -> Difference:
    """Compare two rulebases; with cases, also say whom each change affects, each case judged on its own day."""
    comparer = Comparer(old, new)
    words = Words(old, new, max(last_checked(old), last_checked(new)))
    numbers = {edit: number for number, edit in enumerate(comparer.edits, 1)}
    changes = [words.change(edit, number) for edit, number in numbers.items()]
    if cases is None:
        return Difference(old=old.version, new=new.version, changes=changes)
    groups: dict[Causes, list[Affected]] = {}
    count, hit = 0, 0
    for count, case in enumerate(cases, 1):
        moves = comparer.moves(case)
        hit += bool(moves)
        for move in moves:
            groups.setdefault(move.causes, []).append(_affected(case, move, words))
        if progress:
            progress(count)
    found = [_group(causes, affected, numbers, comparer) for causes, affected in groups.items()]
    return Difference(
        old=old.version,
        new=new.version,
        changes=changes,
        cases=count,
        cases_affected=hit,
        groups=sorted(found, key=lambda group: (-len({a.case for a in group.affected}), group.causes)),
        unread=list(unread),
    )


def _affected(case: Case, move: Move, words: Words) -> Affected:
    return Affected(
        case=case.id,
        as_of=case.as_of,
        kind=KINDS[move.item.section],
        name=move.item.name,
        title=words.title(move.item.key, move.item.scope),
        before=move.before,
        after=move.after,
    )


def _group(causes: Causes, affected: list[Affected], numbers: dict[Edit, int], comparer: Comparer) -> Group:
    sets = [[c for c in chosen if isinstance(c, Edit)] for chosen in causes.sets]
    named = {edit for chosen in sets for edit in chosen}
    carried = {edit for chosen in sets for edit in comparer.mixer.close(chosen)} - named
    return Group(
        causes=sorted(sorted(numbers[edit] for edit in chosen) for chosen in sets),
        carried=sorted(numbers[edit] for edit in carried),
        smallest=causes.smallest,
        affected=affected,
    )
