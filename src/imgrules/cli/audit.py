"""`imgrules audit`: the ledger of decisions; and the options by which other commands record theirs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from imgrules.cli import audit_more
from imgrules.cli.common import counting, write_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from imgrules.assessment.assess import Derived
    from imgrules.audit.checkpoint import Checkpoint
    from imgrules.audit.ledger import Ledger
    from imgrules.audit.record import Record

F = TypeVar("F", bound=Callable[..., Any])
NOT_RECORDED = "off"
SHOWN = 40
_ledger = click.option(
    "--ledger", "place", metavar="LEDGER", envvar="IMGRULES_LEDGER", required=True, show_envvar=True,
    help="The ledger: an SQLite file or a PostgreSQL address.",
)  # fmt: skip
_who = click.option("--who", envvar="IMGRULES_WHO", show_envvar=True, help="Who does this; by default your login name.")
_json = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


def record_options(command: F) -> F:
    """Adds `--record LEDGER` and `--who NAME` to a command that decides something; hand both to `keep`."""
    record = click.option(
        "--record", "record", metavar="LEDGER", envvar="IMGRULES_LEDGER", show_envvar=True,
        help="Record the decision in this ledger: an SQLite file or a PostgreSQL address; `off` for none.",
    )  # fmt: skip
    who = click.option(
        "--who", envvar="IMGRULES_WHO", show_envvar=True, help="Who records it; your login name if left out."
    )
    return record(who(command))


def keep(derived: Derived, record: str | None, who: str | None, kind: str) -> Record | None:
    """Record a decision if a ledger was named, and say so on standard error."""
    with ledger_for(record) as ledger:
        if ledger is None:
            return None
        kept = ledger.record(derived, name_of(who), kind)
        click.echo(f"Recorded as {kept.id} in {ledger.name}.", err=True)
        return kept


@contextmanager
def ledger_for(record: str | None) -> Iterator[Ledger | None]:
    """The ledger that `--record` names, begun if it is new; None if it names none."""
    if not record or record == NOT_RECORDED:
        yield None
        return
    with _open(record, create=True) as ledger:
        _tell_if_begun(ledger)
        yield ledger


def name_of(who: str | None) -> str:
    """Who acts: as given, or the login name."""
    if who:
        return who
    import getpass

    from imgrules.errors import InputError

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise InputError("Say who records this: --who NAME, or IMGRULES_WHO.") from None


@contextmanager
def _open(place: str, create: bool = False, plain: bool = False) -> Iterator[Ledger]:
    from imgrules.audit.ledger import Ledger

    with Ledger.open(place, create=create, plain=plain, rules=click.get_current_context().obj["rules"]) as ledger:
        yield ledger


def _tell_if_begun(ledger: Ledger) -> None:
    if ledger.begun:
        from imgrules.audit.keys import default_folder

        keys = f"Its keys, unless you gave others, are in {default_folder()}: keep a copy elsewhere. "
        lost = "Without ledger.key nobody can read a fact in it again."
        click.echo(f"Began the ledger {ledger.name}. {keys}{lost if ledger.sealed else ''}".rstrip(), err=True)


@click.group()
def audit() -> None:
    """The ledger of decisions: what was decided, for whom, when, by whom and under which rules."""


@audit.command()
@click.argument("place", metavar="LEDGER")
@click.option(
    "--plain", is_flag=True, help="Keep facts readable for whoever has the ledger. Nothing can then be erased."
)
def new(place: str, plain: bool) -> None:
    """Begin a LEDGER: an SQLite file or a PostgreSQL address. `--record` begins one too."""
    from imgrules.errors import InputError

    with _open(place, create=True, plain=plain) as ledger:
        if not ledger.begun:
            raise InputError(f"There is a ledger in {ledger.name} already.")
        _tell_if_begun(ledger)
        click.echo(ledger.checkpoint().text, nl=False)


# looking ----------------------------------------------------------------------------------------------------------------


def _filters(command: F) -> F:
    day = click.DateTime(["%Y-%m-%d"])
    for option in reversed(
        [
            click.option("--case", metavar="CASE", help="Only this case."),
            click.option(
                "--since", type=day, metavar="DATE", help="Only what was recorded on this day (UTC) or later."
            ),
            click.option(
                "--until", type=day, metavar="DATE", help="Only what was recorded on this day (UTC) or earlier."
            ),
            click.option("--rulebase", metavar="VERSION", help="Only decisions under these rules."),
            click.option("--route", metavar="ROUTE", help="Only decisions about this route."),
            click.option(
                "--status", metavar="STATUS", help="Only decisions in which a route, or --route, has this status."
            ),
        ]
    ):
        command = option(command)
    return command


def _wanted(filters: dict[str, Any]) -> dict[str, Any]:
    """Filters as the ledger takes them."""
    from imgrules.assessment.result import Status
    from imgrules.errors import InputError

    if filters["status"] is not None and filters["status"] not in list(Status):
        raise InputError(f"There is no status {filters['status']}. Use one of: {', '.join(Status)}.")
    days = {name: filters[name].date() if filters[name] else None for name in ("since", "until")}
    return {**filters, **days}


@audit.command("list")
@_ledger
@_filters
@click.option("--limit", type=click.IntRange(1), help=f"The latest so many; text shows {SHOWN} if left out.")
@click.option("--all", "everything", is_flag=True, help="Text: all of them.")
@_json
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV.")
def list_(place: str, limit: int | None, everything: bool, as_json: bool, as_csv: bool, **filters: Any) -> None:
    """Records, oldest first: number, time, kind, who, case, day, rules and id."""
    from imgrules.audit.export import heads_csv, line

    if limit is None and not (everything or as_json or as_csv):
        limit = SHOWN
    with _open(place) as ledger:
        found = list(ledger.records(**_wanted(filters), newest=limit))
        if as_json:
            write_json([line(record) for record in found])
        elif as_csv:
            click.echo(heads_csv(found), nl=False)
        else:
            from imgrules.cli.audit_text import print_list

            print_list(found, ledger.size, limit)


@audit.command()
@click.argument("id", metavar="ID")
@_ledger
@click.option("--proof", is_flag=True, help="With the proof that it is in the log, for whoever holds a checkpoint.")
@_json
def show(id: str, place: str, proof: bool, as_json: bool) -> None:
    """One record in full. ID is its id or its number."""
    with _open(place) as ledger:
        record = ledger.get(id)
        proven = ledger.inclusion(record.number).plain() if proof else None
    if as_json:
        found = record.model_dump(mode="json")
        write_json({**found, "inclusion": proven} if proven else found)
    else:
        from imgrules.cli.audit_text import print_record

        print_record(record, proven)


@audit.command()
@click.argument("id", metavar="ID")
@click.argument("name", metavar="NAME")
@_ledger
@_json
def why(id: str, name: str, place: str, as_json: bool) -> None:
    """Why NAME came out as it did in record ID: the proof, derived again under the rules of that day."""
    from imgrules.assessment.explain import explain
    from imgrules.audit.replay import derive_again

    with _open(place) as ledger:
        record = ledger.get(id)
        derived = derive_again(ledger, record)
    reason = explain(derived, name)
    if as_json:
        click.echo(reason.model_dump_json(indent=2))
        return
    from imgrules.cli.text import print_reason

    print_reason(reason, derived.case, derived.rulebase.version)
    if (recorded := record.outcomes.get(reason.name)) not in (None, reason.outcome):
        click.echo(f"Recorded was {recorded}: compare with `imgrules audit replay {id}`.", err=True)


@audit.command()
@_ledger
@_filters
@_json
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV instead of JSON lines.")
@click.option(
    "--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write to FILE instead of standard output."
)
def export(place: str, as_json: bool, as_csv: bool, out: str | None, **filters: Any) -> None:
    """All records that fit, whole: one JSON object a line (the default), or CSV."""
    from imgrules.audit.export import write
    from imgrules.errors import InputError

    if as_json and as_csv:
        raise click.UsageError("Give --json or --csv, not both.")
    with _open(place) as ledger:
        records = ledger.records(**_wanted(filters))
        if out is None:
            write(records, sys.stdout, as_csv)
            return
        try:
            with open(out, "w", encoding="utf-8", newline="") as file:
                count = write(records, file, as_csv)
        except OSError as error:
            raise InputError(f"{out} cannot be written: {error.strerror or error}.") from None
        click.echo(f"Wrote {count} records to {out}.", err=True)


# checking ---------------------------------------------------------------------------------------------------------------


@audit.command()
@_ledger
@click.option("--checkpoint", metavar="FILE", help="Check the past against this checkpoint, kept elsewhere.")
@click.option("--public-key", metavar="KEY", help="The key to trust, or a file that holds it; yours if left out.")
@_json
def verify(place: str, checkpoint: str | None, public_key: str | None, as_json: bool) -> None:
    """Check every record, the tree, the signatures and the kept rules. Exit code 1 if anything was changed."""
    kept = _checkpoint(checkpoint) if checkpoint else None
    with _open(place) as ledger, counting("records checked") as progress:
        found = ledger.verify(kept, progress, _key(public_key) if public_key else None)
    if as_json:
        from dataclasses import asdict

        write_json({"ok": found.ok, "first_bad": found.first_bad, **asdict(found), "rate": round(found.rate)})
    else:
        from imgrules.cli.audit_text import print_verification

        print_verification(found, kept is not None)
    if not found.ok:
        raise click.exceptions.Exit(1)


@audit.command()
@_ledger
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write it to FILE.")
@click.option("--since", metavar="FILE", help="Prove that the ledger only grew since this checkpoint.")
@click.option("--public-key", "key", is_flag=True, help="Print the public key that checkpoints are checked with.")
def checkpoint(place: str, out: str | None, since: str | None, key: bool) -> None:
    """The signed state of the ledger: keep it elsewhere, and nobody can change the past unnoticed."""
    from imgrules.audit.checkpoint import verifier
    from imgrules.errors import InputError

    with _open(place) as ledger:
        if key:
            click.echo(verifier(ledger.origin, ledger.public_key))
            return
        if since:
            old = _checkpoint(since)
            if not ledger.consistency(old).holds(ledger.public_key):
                raise InputError(f"The ledger did not grow from {since}: its past was changed, or the checkpoint was.")
            click.echo(f"The ledger only grew since {since}: from {old.size} to {ledger.size} records.", err=True)
        text = ledger.checkpoint().text
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from None
    click.echo(f"Wrote {out}. Keep it where nobody who can change the ledger can change it.", err=True)


@audit.command()
@click.argument("id", metavar="ID", required=False)
@_ledger
@click.option("--all", "everything", is_flag=True, help="Every record.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="N records chosen at random.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the sample.")
@_json
def replay(id: str | None, place: str, everything: bool, sample: int | None, seed: int, as_json: bool) -> None:
    """Derive record ID, or --all or a --sample of them, again under the rules of that day, and compare everything.

    Exit code 1 if an outcome, a status or a proof comes out otherwise.
    """
    from imgrules.audit.replay import replay as compare

    if (id is not None) + everything + (sample is not None) != 1:
        raise click.UsageError("Give ID, --all or --sample N.")
    with _open(place) as ledger, counting("records derived again") as progress:
        records = _chosen(ledger, id, sample, seed)
        found = compare(ledger, records, progress)
    if as_json:
        from dataclasses import asdict

        write_json({"ok": found.ok, **asdict(found)})
    else:
        from imgrules.cli.audit_text import print_replay

        print_replay(found)
    if not found.ok:
        raise click.exceptions.Exit(1)


def _chosen(ledger: Ledger, id: str | None, sample: int | None, seed: int) -> Iterator[Record]:
    from random import Random

    if id is not None:
        yield ledger.get(id)
    elif sample is not None:
        size = ledger.size
        for number in sorted(Random(seed).sample(range(1, size + 1), min(sample, size))):
            yield ledger.get(number)
    else:
        yield from ledger.records()


@audit.command()
@click.argument("case", metavar="CASE", required=False)
@_ledger
@_who
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--finish", is_flag=True, help="Only clear what an interrupted erasure left in the ledger's files.")
def erase(case: str | None, place: str, who: str | None, yes: bool, finish: bool) -> None:
    """Forget CASE: its facts and outcomes can never be read again. That it was erased stays on record."""
    if (case is not None) == finish:
        raise click.UsageError("Give CASE, or --finish.")
    with _open(place) as ledger:
        if case is None:
            ledger.finish_erasing()
            click.echo("Nothing of erased cases is left in the ledger's files.")
            return
        if not yes:
            click.confirm("Nobody will be able to read this case again, you included. Erase it?", abort=True, err=True)
        receipt = ledger.erase(case, name_of(who))
        click.echo(
            f"Erased, on record as {receipt.id}. Copies and backups of the ledger made before still hold the key."
        )


def _checkpoint(path: str) -> Checkpoint:
    from imgrules.audit.checkpoint import parse_checkpoint

    return parse_checkpoint(_read(path), path)


def _key(text: str) -> Ed25519PublicKey:
    from imgrules.audit.checkpoint import parse_verifier

    return parse_verifier(_read(text) if Path(text).is_file() else text)


def _read(path: str) -> str:
    from imgrules.errors import InputError

    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None


for _command in (audit_more.recheck, audit_more.letter, audit_more.prov):
    audit.add_command(_command)

__all__ = ["audit", "keep", "ledger_for", "name_of", "record_options"]
