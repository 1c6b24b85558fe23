"""The ledger as text: lists, records, verifications and replays."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from imgrules.assessment.result import Status
from imgrules.audit.record import Record
from imgrules.audit.replay import Replay
from imgrules.audit.verify import Verification
from imgrules.rulebase.values import show_date

MOST = 20


def print_list(records: list[Record], size: int, limit: int | None) -> None:
    """One line a record."""
    for record in records:
        at = f"{record.at:%Y-%m-%d %H:%M}"
        what = "erased" if record.erased else f"judged on {record.as_of}, rules {record.rulebase}"
        click.echo(f"{record.number:>6}  {at}  {record.kind:<8} {record.who}  {record.case}  {what}  {record.id}")
    shown = f"{_count(len(records), 'record')} of {size:,}"
    click.echo(f"{shown}, the latest; --all shows all." if limit == len(records) < size else f"{shown}.")


def print_record(record: Record, proof: dict[str, Any] | None) -> None:
    """Everything in a record."""
    lines = {
        "Record": f"{record.number}, {record.id}",
        "Made": f"{show_date(record.at.date())}, {record.at:%H:%M:%S} UTC, by {record.who} ({record.kind}, imgrules {record.tool})",
        "Case": record.case,
    }
    if not record.erased:
        lines |= {
            "Judged on": show_date(record.as_of),
            "Rules": record.rulebase,
            "Aimed at": ", ".join(record.jurisdictions) or "no jurisdiction",
            "Proof": record.proof or "none kept",
        }
    if record.note:
        lines["Note"] = record.note
    lines["Hash"] = record.leaf
    for name, text in lines.items():
        click.echo(f"{name + ':':<11}{text}")
    if record.erased:
        click.echo("\nThis case was erased: its facts and outcomes cannot be read any more.")
    else:
        _print_body(record)
    if proof:
        click.echo("\nPROOF THAT IT IS IN THE LOG")
        click.echo(f"  entry {proof['entry']}")
        for step in proof["path"]:
            click.echo(f"  {step}")
        click.echo("\n" + proof["checkpoint"], nl=False)


def _print_body(record: Record) -> None:
    click.echo("\nFACTS AS GIVEN")
    for name, value in (record.facts or {}).items():
        shown = (
            ", ".join(map(str, value))
            if isinstance(value, list)
            else str(value).lower()
            if value in (True, False)
            else value
        )
        click.echo(f"  {name}: {shown}")
    click.echo("\nROUTES")
    order = list(Status)
    for name, status in sorted(record.routes.items(), key=lambda item: order.index(item[1])):
        click.echo(f"  {status.replace('_', ' '):<15} {name}")
    counts = Counter(record.outcomes.values())
    told = ", ".join(f"{counts[outcome]} {outcome.replace('_', ' ')}" for outcome in sorted(counts))
    click.echo(
        f"\n{_count(len(record.outcomes), 'outcome')}: {told or 'none'}. `imgrules audit why {record.number} NAME` explains one."
    )


def print_verification(found: Verification, against: bool) -> None:
    """What was checked and what was found."""
    for flaw in found.flaws[:MOST]:
        click.echo(f"BAD: {flaw}.")
    if len(found.flaws) > MOST:
        click.echo(f"... and more; --json lists up to {len(found.flaws)}.")
    keys = "" if found.keys is None else f", {_count(found.keys, 'key')}"
    click.echo(
        f"{_count(found.checked, 'record')} checked in {found.seconds:.1f} s ({found.rate:,.0f} a second), {found.erased:,} of them erased; "
        f"{_count(found.checkpoints, 'signature')}, {_count(found.texts, 'kept text')}{keys}."
    )
    if not found.trusted:
        click.echo(
            "Signatures were checked with the key that the ledger itself names: give --public-key to be sure of it."
        )
    if found.ok:
        told = (
            "with the checkpoint, so is its past."
            if against
            else "with a checkpoint kept elsewhere, --checkpoint, more can be told."
        )
        click.echo(f"All is as it was written; {told}")
    else:
        click.echo("The ledger is not as it was written.")


def print_replay(found: Replay) -> None:
    """What was derived again and what differs."""
    for difference in found.differences[:MOST]:
        click.echo(f"DIFFERENT: {difference}  ({difference.id})")
    if len(found.differences) > MOST:
        click.echo("... and more; --json lists them.")
    click.echo(
        f"{_count(found.replayed, 'record')} derived again in {found.seconds:.1f} s, {found.with_proof:,} with proofs: "
        f"{_count(found.outcomes, 'outcome')} and {_count(found.statuses, 'status', 'statuses')} compared, "
        f"{_count(found.different, 'record')} different; {found.erased:,} erased."
    )


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
