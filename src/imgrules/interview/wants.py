"""Goals in plain words, made from the routes' and stages' own texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imgrules.assessment.wording import Wording
from imgrules.errors import InputError, did_you_mean
from imgrules.rulebase.rulebase import Rulebase


@dataclass(frozen=True, slots=True)
class Want:
    """Something a person may want to know. `where`: "" (no place matters), "named" (places are asked) or "all"."""

    key: str
    text: str
    routes: tuple[str, ...]
    where: str = ""


def wants(rulebase: Rulebase, wording: Wording) -> list[Want]:
    """What can be wanted, in the order of the stages; a named route comes on top of these."""
    stages = {name: e.model.order for name, e in rulebase.stages.items()}
    main = sorted((e for e in rulebase.routes.values() if e.model.main), key=lambda e: stages[e.model.stage])
    found: list[Want] = []
    for stage in dict.fromkeys(e.model.stage for e in main):
        here = [e for e in main if e.model.stage == stage]
        shared = tuple(e.name for e in here if not e.each and e.scope is None)
        if shared:
            titles = "; ".join(wording.fill(rulebase.routes[n].model.title, {}, None) for n in shared)
            found.append(Want(stage, f"{rulebase.stages[stage].model.title}: {titles}", shared))
        for entry in (e for e in here if e.each):
            title = wording.fill(entry.model.title, {}, None)
            found.append(Want(f"{stage}.soonest", f"{title}: where soonest?", (entry.name,), "all"))
            found.append(Want(f"{stage}.named", f"{rulebase.stages[stage].model.title} in places I name", (), "named"))
    shared = tuple(e.name for e in main if not e.each and e.scope is None)
    found.append(Want("way", "The whole way: all of these, with places I name", shared, "named"))
    return found


def routes_of(want: Want, rulebase: Rulebase, codes: Sequence[str]) -> list[str]:
    """The routes of a want, with the places it is wanted for; with places named, every route of theirs on its stage."""
    names = list(want.routes)
    stage = want.key.partition(".")[0]
    each = [e for e in rulebase.routes.values() if e.each and (e.model.main if want.where == "all" else True)]
    if want.where == "all":
        return [f"{name}@{code}" for name in names for code in codes]
    if want.where == "named":
        each = [e for e in each if e.model.stage == stage or (want.key == "way" and e.model.main)]
        names += [f"{e.name}@{code}" for code in codes for e in each]
        names += [
            e.name for code in codes for e in rulebase.routes.values() if e.scope == code and e.model.stage == stage
        ]
    return names


def named(text: str, rulebase: Rulebase, codes: Iterable[str]) -> list[str]:
    """The routes that a name means: a route, one of each place where it is worked out for each, or a stage's main ones."""
    codes = list(codes)
    base, _, code = text.partition("@")
    own = rulebase.routes.get(text)
    if own is not None and not own.each:
        return [text]
    entry = rulebase.routes.get(base)
    if entry is not None and entry.each:
        return [f"{base}@{c}" for c in ([code] if code else codes or list(rulebase.jurisdiction_names))]
    if text in rulebase.stages:
        main = [e for e in rulebase.routes.values() if e.model.stage == text and e.model.main]
        chosen = main or [e for e in rulebase.routes.values() if e.model.stage == text and not e.each and not e.scope]
        return [name for e in chosen for name in (named(e.name, rulebase, codes) if e.each else [e.name])]
    if code and entry is not None:
        raise InputError(f"{base} is not worked out for each jurisdiction: write it without @{code}.")
    by_title = [n for n, e in rulebase.routes.items() if e.model.title.lower() == text.lower()]
    if len(by_title) == 1:
        return named(by_title[0], rulebase, codes)
    hint = did_you_mean(text, [*rulebase.routes, *rulebase.stages]) or "`imgrules rules list routes` lists them."
    raise InputError(f"There is no route or stage {text}. {hint}")
