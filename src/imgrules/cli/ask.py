"""`imgrules ask`: the interview in a terminal or over a pipe. Everything it knows is `imgrules.interview.session`'s."""

from __future__ import annotations

import sys
from collections import deque
from datetime import date
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import click

from imgrules.cli.audit import NOT_RECORDED, keep, record_options
from imgrules.cli.common import as_of_option, state_option, the_case, the_rulebase

if TYPE_CHECKING:
    from imgrules.assessment.case import Case
    from imgrules.interview.session import Interview
    from imgrules.rulebase.rulebase import Rulebase

COMMANDS = """Answer, or type:
  why           which routes hang on this question, and how
  help          more about the question and how to answer it
  skip, ?       leave it unknown (asked once more when nothing else is left)
  back [N]      take back the last answer, or the last N
  back FACT     take back one answer, and those that made sense only with it
  answers       what you have told so far
  save FILE     write a case file for `imgrules assess`
  stop          show what follows so far; `imgrules ask` goes on another time
"""
DEFAULT_SESSION = "imgrules-interview.json"


class Stopped(Exception):
    """The person has had enough, or the answers have run out."""


class Lines:
    """Where answers come from: a script, or the terminal or pipe at standard input."""

    def __init__(self, script: str | None, plain: bool) -> None:
        self.plain = plain
        self.named: dict[str, str] = {}
        self.queue: deque[str] | None = None
        if script is not None:
            self._read(Path(script))

    def _read(self, path: Path) -> None:
        from imgrules.errors import InputError

        try:
            text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}.") from None
        self.queue = deque()
        for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
            sign = min((s for s in "=:" if s in line), key=line.index, default="=")
            name, found, value = line.partition(sign)
            if found and "." in name.strip() and " " not in name.strip():
                self.named[name.strip()] = value.strip()
            else:
                self.queue.append(line)

    @property
    def scripted(self) -> bool:
        return self.queue is not None

    def ask(self, prompt: str, fact: str | None = None) -> str:
        """The next line. In a script: the answer given for the fact by name, else the next nameless one, else `skip`."""
        if self.queue is None:
            return self._typed(prompt)
        if fact is not None and fact in self.named:
            answer = self.named.pop(fact)
        elif self.queue:
            answer = self.queue.popleft()
        elif fact is not None:
            answer = "skip"
        else:
            raise Stopped
        click.echo(f"{prompt}{answer}")
        return answer

    def _typed(self, prompt: str) -> str:
        click.echo(prompt, nl=False)
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            click.echo()
            raise Stopped
        if not sys.stdin.isatty():
            click.echo(line.rstrip("\n"))
        return line.strip()


@click.command()
@click.argument("case", metavar="[CASE]", required=False)
@click.option(
    "--for", "wanted", multiple=True, metavar="ROUTE", help="A route or stage wanted; repeatable. `all` for all."
)
@state_option
@as_of_option
@click.option("--session", metavar="FILE", help=f"Where the interview is kept.  [default: {DEFAULT_SESSION}]")
@click.option("--new", is_flag=True, help="Begin anew although the session file holds an interview.")
@click.option("--answers", metavar="FILE", help="Replay a script: `fact = value` lines, or bare answers in order.")
@click.option("--plain", is_flag=True, help="No colours and no drawing: for screen readers and logs.")
@record_options
def ask(
    case: str | None,
    wanted: tuple[str, ...],
    states: tuple[str, ...],
    as_of: str | None,
    session: str | None,
    new: bool,
    answers: str | None,
    plain: bool,
    record: str | None,
    who: str | None,
) -> None:
    """Ask only what can still change the answer, then give it.

    With CASE, goes on from what the case file says. Every answer is kept at once in the session file; the same command
    goes on from it after a stop, Ctrl-C or a power cut.
    """
    from imgrules.cli.talk import Talk
    from imgrules.interview.store import load

    lines = Lines(answers, plain)
    path = Path(session or DEFAULT_SESSION) if session or not lines.scripted else None
    rulebase = the_rulebase()
    if path is not None and path.exists() and not new:
        talk = load(path, rulebase)
        count = len(talk.steps)
        answered = f"{count} question{'' if count == 1 else 's'} answered"
        click.echo(f"Going on with {path}: {answered}. (--new begins anew.)")
        given = [o for o, v in (("CASE", case), ("--for", wanted), ("--state", states), ("--as-of", as_of)) if v]
        if given:
            click.echo(f"Its goal stays as it was; {', '.join(given)} left aside.")
    else:
        talk = _begin(rulebase, lines, case, wanted, states, as_of)
    Talk(talk, lines, path).run()
    if (
        record and record != NOT_RECORDED and talk.next() is None
    ):  # an interview that was stopped has decided nothing yet
        from imgrules.assessment.assess import Assessor

        keep(Assessor(rulebase).derive(talk.case), record, who, "ask")


def _begin(
    rulebase: Rulebase,
    lines: Lines,
    path: str | None,
    wanted: tuple[str, ...],
    states: tuple[str, ...],
    as_of: str | None,
) -> Interview:
    """A new interview: the case, and what is wanted, asked in plain words where it was not said."""
    from imgrules.assessment.assess import Assessor
    from imgrules.assessment.case import make_case
    from imgrules.interview.session import Interview
    from imgrules.interview.wants import named

    if path:
        case = the_case(path, rulebase, states, as_of)
    else:
        empty = make_case({}, rulebase, id="interview", as_of=as_of or date.today())
        case = empty.changed(jurisdictions=_codes(states, rulebase))
    assessor = Assessor(rulebase)
    if "all" in wanted:
        program = assessor.grounder.program(case.as_of, case.jurisdictions)
        routes = [name for name, rule in program.rules.items() if rule.entry.section == "routes"]
    elif wanted:
        routes = [route for text in wanted for route in named(text, rulebase, case.jurisdictions)]
    else:
        case, routes = _goal(rulebase, lines, case)
    codes = dict.fromkeys([*case.jurisdictions, *(r.partition("@")[2] for r in routes if "@" in r)])
    return Interview(rulebase, case.changed(jurisdictions=codes), routes, assessor=assessor)


def _codes(states: tuple[str, ...], rulebase: Rulebase) -> list[str]:
    from imgrules.assessment.case import find_jurisdiction

    wanted = [part.strip() for text in states for part in text.split(",") if part.strip()]
    return list(rulebase.jurisdiction_names) if "all" in wanted else [find_jurisdiction(s, rulebase) for s in wanted]


def _goal(rulebase: Rulebase, lines: Lines, case: Case) -> tuple[Case, list[str]]:
    """Ask what is wanted, in the words of the routes."""
    from imgrules.assessment.wording import Wording
    from imgrules.errors import ImgrulesError
    from imgrules.interview.wants import named, routes_of, wants

    choices = wants(rulebase, Wording(rulebase, case.as_of))
    click.echo("What do you want to know?")
    for i, want in enumerate(choices, 1):
        click.echo(fill(want.text, 80, initial_indent=f"  {i}. ", subsequent_indent="     "))
    click.echo(f"  {len(choices) + 1}. One route, by its name")
    while True:
        text = lines.ask("> ").strip()
        try:
            if text.isdigit() and 1 <= int(text) <= len(choices):
                want = choices[int(text) - 1]
                codes = _places(rulebase, lines, case, want.where)
                return case.changed(jurisdictions=codes), routes_of(want, rulebase, codes)
            if text == str(len(choices) + 1):
                text = lines.ask("Which route? ").strip()
            return case, named(text, rulebase, case.jurisdictions)
        except ImgrulesError as error:
            click.echo(f"{error} Type a number from 1 to {len(choices) + 1}, or a route.")


def _places(rulebase: Rulebase, lines: Lines, case: Case, where: str) -> list[str]:
    from imgrules.errors import ImgrulesError

    if where == "all":
        return list(rulebase.jurisdiction_names)
    if not where or case.jurisdictions:
        return list(case.jurisdictions)
    while True:
        text = lines.ask("Which states or territories, by name or code, with commas? ")
        try:
            codes = _codes((text,), rulebase)
        except ImgrulesError as error:
            click.echo(str(error))
            continue
        if codes:
            return codes
        click.echo("Name at least one.")
