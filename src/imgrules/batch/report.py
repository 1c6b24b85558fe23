"""The report of a batch: what a run came to, as one HTML page for an adviser or a ministry.

The page needs nothing but itself: no script, no font, no address is loaded. What is counted is either cases or results; a
result is one case judged on one route.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import takewhile
from typing import Any, TypeAlias

from imgrules.assessment.result import Status
from imgrules.batch.report_parts import (
    Bar,
    Html,
    Kind,
    code,
    count,
    duration,
    figure,
    fold,
    html,
    listing,
    number,
    patterns,
    section,
    share,
    size,
    style,
    swatch,
    table,
    tag,
)
from imgrules.rulebase.values import Outcome, show_date

Summary: TypeAlias = Mapping[str, Any]

STATUSES = {
    Status.OPEN: Kind("good", "Open", "everything it needs is met"),
    Status.REACHABLE: Kind("near", "Reachable", "what is missing can be put right"),
    Status.UNDETERMINED: Kind("unsure", "Undetermined", "it hangs on what is not known yet"),
    Status.CLOSED: Kind("bad", "Closed", "something permanent bars it"),
    Status.UPCOMING: Kind("later", "Upcoming", "enacted, but not in force or not open yet"),
    Status.DISCONTINUED: Kind("gone", "Discontinued", "it no longer exists"),
    Status.NOT_APPLICABLE: Kind("aside", "Not applicable", "not meant for the applicant"),
}
OUTCOMES = {
    Outcome.MET: Kind("good", "Met"),
    Outcome.UNKNOWN: Kind("unsure", "Unknown"),
    Outcome.NOT_MET: Kind("bad", "Not met"),
}
BLOCKERS = {
    "fixable": Kind("near", "Fixable", "the applicant can act"),
    "waiting": Kind("later", "Waiting", "time alone mends it"),
    "external": Kind("unsure", "External", "someone else decides"),
    "permanent": Kind("bad", "Permanent", "nothing the applicant does mends it"),
}
_ASKED = Kind("plain", "Results that hang on it")
_AIMED = Kind("plain", "Cases")
_REST = "\u2026"  # stands for what differs between titles
_FEW = 10  # routes of single jurisdictions that are shown at once; more are folded away by jurisdiction
_NOT_ADVICE = "These are counts of what the rules say, not legal advice. Rules change: confirm with whoever decides before acting on them."


def report(summary: Summary) -> str:
    """The page for the summary of a run, as the batch writes it.

    `summary` may also hold `names`, the name of each jurisdiction by its code. Whatever the texts in it are, they come
    out as text. `KeyError` if a part is missing.
    """
    standing_out = _standing_out(summary)
    sections = [("figures", "What stands out", standing_out)] if standing_out else []
    if summary["cases"]["out"]:
        sections += [
            ("aims", "Where the cases aim", _aims(summary)),
            ("stages", "How far the cases are", _stages(summary)),
            ("routes", "Routes", _routes(summary)),
            ("blockers", "What stands in the way", _blockers(summary)),
            ("unknown", "What is not known", _unknown(summary)),
        ]
    sections += [
        ("rejects", "Cases that could not be judged", _rejects(summary)),
        ("run", "How this was made", _run(summary)),
    ]
    links = tag("ul", (tag("li", tag("a", title, href=f"#{key}")) for key, title, _ in sections))
    top = tag("header", tag("h1", summary["title"]), tag("p", _lead(summary), class_="lead"))
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#main", class_="skip"),
        patterns(),
        top,
        tag("nav", links, aria_label="Contents"),
        tag("main", (section(key, title, content) for key, title, content in sections), id="main"),
        tag("footer", tag("p", _NOT_ADVICE)),
    )
    return f"<!DOCTYPE html>\n{tag('html', _head(summary['title']), body, lang='en')}\n"


def _head(title: str) -> Html:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        style(),
    )


# in a few words -----------------------------------------------------------------------------------------------------


def _lead(summary: Summary) -> str:
    cases, places = summary["cases"], _aimed(summary)
    given, judged, refused = cases["in"], cases["out"], cases["rejects"]
    if not given:
        return "There was no case to judge: the files hold no rows."
    if not judged:
        return f"No case was judged. {'The only case was' if refused == 1 else f'All {number(refused)} were'} refused."
    aims = f", for {count(len(places), 'jurisdiction')}" if places else ""
    left = f"{number(refused)} could not be judged" if refused else "none was refused"
    return f"{count(judged, 'case')} judged as of {_as_of(summary)}{aims}; {left}."


def _as_of(summary: Summary) -> str:
    """The day of all cases, or the first and the last of their own days."""
    days = [show_date(date.fromisoformat(day)) for day in summary["run"]["days"] or [summary["run"]["as_of"]]]
    return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}, each case on its own day"


def _standing_out(summary: Summary) -> Html:
    cases, check = summary["cases"], summary["check"]
    lost = cases["in"] - cases["out"] - cases["rejects"]
    warnings = []
    if lost:
        warnings.append(
            f"{count(abs(lost), 'case')} {'unaccounted for' if lost > 0 else 'more than were read'}: do not rely on this page."
        )
    if check["differences"]:
        warnings.append(f"The check found {count(check['differences'], 'difference')}: do not rely on this page.")
    points = [*_on_routes(summary), *_on_obstacles(summary)] if cases["out"] else []
    points += [_on_rejects(summary)] if cases["in"] else []
    points += [_on_check(summary)] if cases["out"] else []
    told = tag("ul", (tag("li", point) for point in points)) if points else None
    return html((tag("p", tag("strong", warning), class_="warn") for warning in warnings), told)


def _on_routes(summary: Summary) -> Iterable[str]:
    main = [route for route in summary["routes"] if route["main"]]
    counts = _added(main)
    total = sum(counts) - counts[-1]  # a route that is not meant for somebody tells nothing about them
    if not total:
        return
    parts = [
        f"{share(n, total)} {kind.word.lower()}" for n, kind in zip(counts[:-1], STATUSES.values(), strict=False) if n
    ]
    yield f"Of {count(total, 'result')} on main routes (one result is one case on one route), {listing(parts)}."


def _on_obstacles(summary: Summary) -> Iterable[str]:
    if summary["blockers"]:
        first = summary["blockers"][0]
        kind = BLOCKERS[first["kind"]]
        n = count(first["cases"], "result")
        yield f"The most frequent obstacle: {first['title']} ({n}; {kind.word.lower()}: {kind.meaning})."
    if summary["unknown"]:
        first = summary["unknown"][0]
        yield f"The question that most results hang on: {first['question']} ({count(first['rows'], 'result')})."


def _on_rejects(summary: Summary) -> str:
    refused, twice = summary["cases"]["rejects"], summary["duplicates"]
    told = f"{count(refused, 'case')} could not be judged." if refused else "No case was refused."
    if twice["ids"]:
        told += f" {count(twice['ids'], 'case id')} stand{'s' if twice['ids'] == 1 else ''} on more than one row."
    return told


def _on_check(summary: Summary) -> str:
    check = summary["check"]
    if not check["rows"]:
        return "No result of this run was derived a second time as a check."
    differed = number(check["differences"]) if check["differences"] else "none"
    rows, compared = count(check["rows"], "row"), count(check["comparisons"], "outcome")
    return f"As a check, {rows} drawn at random were judged again by a second engine: {compared} compared, {differed} differed."


# where, and how far -------------------------------------------------------------------------------------------------


def _aimed(summary: Summary) -> list[tuple[str, int]]:
    return sorted(
        ((place, n) for place, n in summary["jurisdictions"].items() if n), key=lambda item: (-item[1], item[0])
    )


def _aims(summary: Summary) -> Html:
    places = _aimed(summary)
    if not places:
        return tag("p", "No case names a jurisdiction, so only routes of the whole country were judged.")
    names = [_place(summary, place) for place, _ in places]
    bars = [Bar(name, (n,), count(n, "case")) for name, (_, n) in zip(names, places, strict=True)]
    rows = [[name, number(n)] for name, (_, n) in zip(names, places, strict=True)]
    caption = "Cases by the jurisdictions they aim at"
    equivalent = table(caption, ["Jurisdiction", "Cases"], rows, numbers=[1])
    intro = tag("p", "A case that aims at several jurisdictions is counted in each.", class_="quiet")
    return html(intro, figure("aim", caption, bars, [_AIMED], equivalent, limit=8, of=summary["cases"]["out"]))


def _place(summary: Summary, code_: str) -> str:
    name = summary.get("names", {}).get(code_)
    return f"{name} ({code_})" if name else code_


def _stages(summary: Summary) -> Html:
    kinds = list(OUTCOMES.values())
    bars = [Bar(stage["title"], tuple(stage[outcome] for outcome in OUTCOMES)) for stage in summary["stages"]]
    caption = f"Stages of the way, in shares of {count(summary['cases']['out'], 'case')}"
    rows = [[bar.label, *map(number, bar.counts)] for bar in bars]
    equivalent = table(caption, ["Stage", *(kind.word for kind in kinds)], rows, numbers=range(1, 4))
    intro = "A stage is met when the case has passed it, and unknown where the case does not tell."
    return html(tag("p", intro, class_="quiet"), figure("stage", caption, bars, kinds, equivalent))


# routes -------------------------------------------------------------------------------------------------------------


def _counts(route: Summary) -> tuple[int, ...]:
    return tuple(route[status] for status in STATUSES)


def _added(routes: Iterable[Summary]) -> tuple[int, ...]:
    counts = [_counts(route) for route in routes]
    return tuple(map(sum, zip(*counts, strict=True))) if counts else (0,) * len(STATUSES)


def _routes(summary: Summary) -> Html:
    judged = [route for route in summary["routes"] if any(_counts(route))]
    if not judged:
        return tag("p", "No route was judged.")
    meanings = tag("dl", (
        tag("div", swatch(kind), tag("dt", kind.word), tag("dd", kind.meaning)) for kind in STATUSES.values()
    ), class_="meanings")  # fmt: skip
    intro = (
        "Each bar is a route. Its parts are the shares of the cases judged on it, by the status the route has for them."
    )
    titles = {stage["id"]: stage["title"] for stage in summary["stages"]}
    order = [*titles, *sorted({route["stage"] for route in judged} - titles.keys())]
    parts = []
    for i, stage in enumerate(order, 1):
        if routes := [route for route in judged if route["stage"] == stage]:
            title = titles.get(stage, stage)
            parts += [tag("h3", title), _of_stage(f"r{i}", title, routes, summary)]
    left = len(summary["routes"]) - len(judged)
    outside = f"{count(left, 'route')} on which no case was judged {'is' if left == 1 else 'are'} left out."
    return html(tag("p", intro, class_="quiet"), meanings, parts, tag("p", outside, class_="quiet") if left else None)


def _of_stage(key: str, stage: str, routes: list[Summary], summary: Summary) -> Html:
    """The routes of a stage: those of the whole country and shared ones at once, then each jurisdiction folded away."""
    families, own = _families(routes, summary)
    shown = [(r["main"], _bar(r)) for r in routes if r["jurisdiction"] is None]
    for title, members in families:
        total = _added(members)
        note = f"{count(len(members), 'jurisdiction')}, {count(sum(total), 'result')}"
        shown.append((members[0]["main"], Bar(title, total, note)))
    at_once = own if len(own) <= _FEW else [route for route in own if route["main"]]
    shown += [(r["main"], _bar(r, _place(summary, r["jurisdiction"]))) for r in at_once]
    first = [bar for _, bar in sorted(shown, key=lambda item: not item[0])]
    parts = [_chart(key, f"{stage}: routes, in shares of the cases judged on each", "Route", first)] if first else []
    for i, (title, members) in enumerate(families, 1):
        compared = _compared(f"{key}-{i}", title, members, summary)
        parts.append(fold(f"{title}, by jurisdiction ({len(members)})", compared))
    rest = [route for route in own if route not in at_once]
    return html(parts, _by_place(f"{key}-j", stage, rest, summary))


def _families(routes: list[Summary], summary: Summary) -> tuple[list[tuple[str, list[Summary]]], list[Summary]]:
    """Routes that several jurisdictions share, each with its title, and those that single jurisdictions have alone."""
    named: dict[str, list[Summary]] = {}
    for route in routes:
        if route["jurisdiction"] is not None:
            named.setdefault(route["route"].partition("@")[0], []).append(route)
    families, own = [], []
    for members in sorted(named.values(), key=lambda members: not members[0]["main"]):
        title = _shared_title(members, summary) if len(members) > 1 else ""
        if title:
            families.append((title, members))
        else:
            own += members
    return families, own


def _shared_title(routes: list[Summary], summary: Summary) -> str:
    """What the titles of routes in several jurisdictions have in common, `_REST` standing for the rest.

    Empty if that is less than half of a title: then they are different routes that happen to be named alike.
    """
    names = summary.get("names", {})
    told = [(str(route["title"]), names.get(route["jurisdiction"])) for route in routes]
    titles = sorted({title.replace(name, _REST) if name else title for title, name in told})
    if len(titles) == 1:
        return titles[0]
    words = [title.split() for title in titles]
    start = _alike(words)
    end = _alike([list(reversed(some[start:])) for some in words])
    first = words[0]
    enough = 2 * (start + end) >= max(map(len, words))
    return " ".join([*first[:start], _REST, *first[len(first) - end :]]) if enough else ""


def _alike(lists: list[list[str]]) -> int:
    """How many words all lists begin with."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*lists, strict=False)))


def _bar(route: Summary, place: str = "") -> Bar:
    n = count(sum(_counts(route)), "case")
    return Bar(route["title"], _counts(route), f"{place}, {n}" if place else n)


def _compared(key: str, title: str, routes: list[Summary], summary: Summary) -> Html:
    """One route in all its jurisdictions, those where it is open or reachable for most cases first."""

    def best_first(route: Summary) -> tuple[float, float, str]:
        counts = _counts(route)
        return -(counts[0] + counts[1]) / sum(counts), -counts[0] / sum(counts), route["jurisdiction"]

    bars = [
        Bar(_place(summary, r["jurisdiction"]), _counts(r), count(sum(_counts(r)), "case"))
        for r in sorted(routes, key=best_first)
    ]
    caption = f"{title}, the largest share open or reachable first"
    return _chart(key, caption, "Jurisdiction", bars, limit=len(bars))


def _by_place(key: str, stage: str, routes: list[Summary], summary: Summary) -> Html:
    """What only single jurisdictions have, each folded away."""
    parts = []
    for i, place in enumerate(sorted({route["jurisdiction"] for route in routes}), 1):
        here = [route for route in routes if route["jurisdiction"] == place]
        name = _place(summary, place)
        chart = _chart(f"{key}{i}", f"{stage}: routes of {name} alone", "Route", [_bar(route) for route in here])
        parts.append(fold(f"{name}: {count(len(here), 'route')}", chart))
    return fold(f"Routes of single jurisdictions ({len(routes)})", parts) if parts else html()


def _chart(key: str, caption: str, head: str, bars: Sequence[Bar], limit: int = 12) -> Html:
    used = [i for i in range(len(STATUSES)) if any(bar.counts[i] for bar in bars)]
    kinds = list(STATUSES.values())
    rows = [[_told(bar), number(bar.total), *(number(bar.counts[i]) for i in used)] for bar in bars]
    heads = [head, "Cases", *(kinds[i].word for i in used)]
    equivalent = table(caption, heads, rows, numbers=range(1, len(heads)))
    return figure(key, caption, bars, kinds, equivalent, limit=limit)


def _told(bar: Bar) -> str:
    """The label in a table, with the place or places that the bar is of."""
    place = bar.note.rpartition(", ")[0]
    return f"{bar.label}, {place}" if place else bar.label


# obstacles and unknowns ---------------------------------------------------------------------------------------------


def _scoped(title: str, name: str) -> str:
    """A title with the jurisdiction that its name carries."""
    scope = name.partition("@")[2]
    return f"{title} ({scope})" if scope else title


def _blockers(summary: Summary) -> Html:
    found = summary["blockers"]
    if not found:
        return tag("p", "No requirement is known to be missing on any route judged.")
    kinds = list(BLOCKERS.values())
    bars, rows = [], []
    for item in found:
        kind, n, title = BLOCKERS[item["kind"]], item["cases"], _scoped(item["title"], item["name"])
        bars.append(
            Bar(title, tuple(n if k is kind else 0 for k in kinds), f"{count(n, 'result')}, {kind.word.lower()}")
        )
        rows.append([html(title, " ", code(item["name"])), number(n), kind.word, item["remedy"]])
    caption = "Requirements not met, the most frequent first"
    equivalent = table(caption, ["Requirement", "Results", "Kind", "What to do"], rows, numbers=[1])
    meanings = "; ".join(f"{kind.word.lower()}: {kind.meaning}" for kind in kinds)
    intro = f"A result is one case on one route. Bars are measured against the longest. Kinds of obstacle: {meanings}."
    most = max(bar.total for bar in bars)
    return html(tag("p", intro, class_="quiet"), figure("blocker", caption, bars, kinds, equivalent, limit=10, of=most))


def _unknown(summary: Summary) -> Html:
    parts = [tag("h3", "Facts that the cases do not tell")]
    if summary["unknown"]:
        intro = "Answers to these questions could decide results that are undetermined now."
        items = [(item["question"], item["name"], item["rows"]) for item in summary["unknown"]]
        parts += [
            tag("p", intro, class_="quiet"),
            _hanging("fact", "Questions, by the results that hang on them", "Question", items),
        ]
    else:
        parts.append(tag("p", "No result hangs on a fact that the cases do not tell."))
    parts.append(tag("h3", "To confirm with whoever decides"))
    if summary["confirm"]:
        intro = "Here the rules themselves are not certain enough to decide."
        items = [(_scoped(item["text"], item["name"]), item["name"], item["rows"]) for item in summary["confirm"]]
        parts += [
            tag("p", intro, class_="quiet"),
            _hanging("confirm", "Points, by the results that hang on them", "Point", items),
        ]
    else:
        parts.append(tag("p", "No result hangs on a point to confirm."))
    return html(parts)


def _hanging(key: str, caption: str, head: str, items: list[tuple[str, str, int]]) -> Html:
    bars = [Bar(text, (n,), count(n, "result")) for text, _, n in items]
    rows = [[html(text, " ", code(name)), number(n)] for text, name, n in items]
    equivalent = table(caption, [head, "Results"], rows, numbers=[1])
    return figure(key, caption, bars, [_ASKED], equivalent, limit=8, of=max(n for *_, n in items))


# what was refused, and how it was done ------------------------------------------------------------------------------


def _rejects(summary: Summary) -> Html:
    found, parts = summary["rejects"], []
    if found:
        rows = [[code(r["code"]), tag("bdi", r["message"]), number(r["rows"]), code(r["example"])] for r in found]
        heads = ["Code", "What is wrong", "Rows", "For example"]
        whole = table("Reasons, with the number of rows they hold for", heads, rows, numbers=[2])
        intro = "These rows are not in any other figure of this page. A row may have several faults."
        parts += [tag("p", intro, class_="quiet"), whole]
    elif summary["cases"]["rejects"]:
        parts.append(
            tag("p", f"{count(summary['cases']['rejects'], 'case')} could not be judged; no reasons were kept.")
        )
    else:
        parts.append(
            tag("p", "Every case could be judged." if summary["cases"]["in"] else "There was no case to judge.")
        )
    return html(parts, _duplicates(summary["duplicates"]))


def _duplicates(twice: Summary) -> Html:
    if not twice["ids"]:
        return html()
    told = f"{count(twice['ids'], 'case id')} stand{'s' if twice['ids'] == 1 else ''} on more than one row, {count(twice['rows'], 'row')} in all."
    rows = [
        [code(item["case"]), tag("ul", (tag("li", code(place)) for place in item["places"]))]
        for item in twice["examples"]
    ]
    examples = fold("Examples", table("Case ids on more than one row", ["Case", "Where"], rows)) if rows else None
    caution = "These ids are as in the files: take them out before you pass this page on." if rows else ""
    return html(tag("h3", "Case ids that occur more than once"), tag("p", told, " ", caution), examples)


def _run(summary: Summary) -> Html:
    run, cases = summary["run"], summary["cases"]
    routes = run["routes"] if isinstance(run["routes"], str) else listing(run["routes"])
    wanted = {"main": "main routes and fast tracks", "all": "all"}.get(routes, routes)
    facts = [
        ("Judged as of", _as_of(summary)),
        ("Cases", f"{number(cases['in'])} given, {number(cases['out'])} judged, {number(cases['rejects'])} refused"),
        ("Routes", wanted),
        ("Rules", code(run["rulebase"])),
        ("Program", f"imgrules {run['imgrules']}"),
        ("Started", _moment(run["started"])),
        ("Finished", html(_moment(run["finished"]), f", {duration(run['seconds'])} of work")),
        ("Check", _on_check(summary)),
    ]
    rows = [[code(i["path"]), size(i["size"]), code(i["sha256"])] for i in run["inputs"]]
    files = (
        table("Files read", ["File", "Size", "SHA-256"], rows, numbers=[1]) if rows else tag("p", "No file was read.")
    )
    return html(tag("dl", (html(tag("dt", name), tag("dd", told)) for name, told in facts)), files)


def _moment(text: str) -> Html:
    moment = datetime.fromisoformat(text)
    zone = moment.tzname()
    return tag("time", f"{show_date(moment.date())}, {moment:%H:%M}{f' {zone}' if zone else ''}", datetime=text)
