"""An assessment as Markdown, for mail and files."""

from __future__ import annotations

from imgrules.assessment.result import Assessment, RouteResult, Status
from imgrules.assessment.wording import cite
from imgrules.rulebase.values import show_date

OUTCOME = {"met": "met", "not_met": "**not yet**", "unknown": "not known"}
NOT_ADVICE = "Not legal advice. Rules change: confirm with the body named before you decide anything."


def assessment_markdown(a: Assessment) -> str:
    """The assessment as one Markdown document."""
    lines = [
        f"# {a.case}",
        "",
        f"Judged on {show_date(a.as_of)}. Aiming at {', '.join(a.jurisdictions) or 'no state yet'}.",
    ]
    lines += [f"Rules `{a.rulebase}`, imgrules {a.imgrules}, {len(a.facts)} facts known.", "", "## The way", ""]
    lines += [f"- {stage.title}: {OUTCOME[stage.outcome]}" for stage in a.stages]
    if a.alerts:
        lines += ["", "## Dates to watch", ""]
        lines += [f"- **{show_date(x.on)}**: {x.title}. {x.text}" for x in a.alerts]
    lines += ["", "## Routes", ""]
    for route in a.routes:
        if route.status is not Status.NOT_APPLICABLE:
            lines += _route(route)
    if a.fast_tracks:
        lines += ["## Fast tracks", ""]
    for track in a.fast_tracks:
        recommended = ", recommended" if track.recommended else ""
        lines += [f"### {track.title} ({track.status.value}{recommended})", "", f"Saves: {track.saves}", ""]
        lines += [*(f"- {caveat}" for caveat in track.caveats), ""]
    if a.next_steps:
        lines += ["## Next steps", ""]
        lines += [f"{i}. {'Find out: ' if s.kind == 'find_out' else ''}{s.text}" for i, s in enumerate(a.next_steps, 1)]
    if a.advice:
        lines += ["", "## Advice", ""]
        lines += [f"- **{x.title}** ({x.strength} evidence). {x.text}" for x in a.advice]
    sources = {s.id: s for r in a.routes for s in [*r.sources, *(x for b in r.blockers for x in b.sources)]}
    lines += ["", "## Sources", "", *(f"- {cite(s)}" for s in sources.values()), "", f"*{NOT_ADVICE}*"]
    return "\n".join(lines)


def _route(route: RouteResult) -> list[str]:
    lines = [f"### {route.title}: {route.status.value}", "", route.summary, ""]
    if route.note:
        lines += [f"*{route.note}*", ""]
    if route.replaced_text:
        lines += [f"Instead: {route.replaced_text}", ""]
    for blocker in route.blockers:
        ready = f" Possible from {show_date(blocker.ready_on)}." if blocker.ready_on else ""
        lines.append(f"- Missing ({blocker.kind}): **{blocker.title}**. {blocker.remedy}{ready}")
    lines += [f"- Not known: {unknown.text}" for unknown in route.unknown]
    return [*lines, ""] if route.blockers or route.unknown else lines
