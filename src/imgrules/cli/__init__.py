"""The command line: thin. It reads options, calls the library and prints.

Exit codes: 0 done, 1 the user's error (a bad file, an unknown name), 2 wrong usage, 3 an internal error.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from imgrules import __version__
from imgrules.cli import ask, audit, batch, case, facts, judge, rules, states, synth, whatif
from imgrules.errors import EngineError, ImgrulesError, ProblemsError

DONE, USER_ERROR, USAGE, INTERNAL = 0, 1, 2, 3

HELP = """Where an International Medical Graduate stands on the way to practising in the United States.

imgrules works out which requirements are met, not met or still unknown, what blocks each route, which fast tracks are
open and what to do next, with a source for every conclusion. It is not legal advice: confirm before you decide.

\b
  imgrules case new me.yaml       write a template to fill in
  imgrules assess me.yaml         judge it
  imgrules why me.yaml NAME       the proof of a conclusion
"""


class _Group(click.Group):
    """A group whose unknown commands get a suggestion."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from imgrules.errors import did_you_mean

            hint = did_you_mean(args[0], self.commands)
            if hint and "Did you mean" not in error.format_message():
                raise click.UsageError(f"{error.format_message()} {hint}", ctx) from None
            raise


@click.group(cls=_Group, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="imgrules")
@click.option(
    "--rules", "folder", metavar="DIR", envvar="IMGRULES_RULES", help="Rules to use instead of the shipped ones."
)
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
@click.pass_context
def app(ctx: click.Context, folder: str | None, debug: bool) -> None:
    ctx.obj = {"rules": folder, "debug": debug}


app.add_command(judge.assess)
app.add_command(judge.why)
app.add_command(states.states)
app.add_command(ask.ask)
app.add_command(whatif.what_if)
app.add_command(whatif.change)
app.add_command(facts.facts)
app.add_command(facts.schema)
app.add_command(rules.rules)
app.add_command(case.case)
app.add_command(batch.batch)
app.add_command(synth.synth)
app.add_command(audit.audit)


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with one of the four codes."""
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    debug = "--debug" in (args if args is not None else sys.argv)
    try:
        result = app.main(args, prog_name="imgrules", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return USER_ERROR
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        error.show()
        return USER_ERROR
    except ImgrulesError as error:
        _show(error)
        return INTERNAL if isinstance(error, EngineError) else USER_ERROR
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        return USER_ERROR
    except Exception as error:
        if debug:
            raise
        click.echo(
            f"imgrules failed: {type(error).__name__}: {error}\nThis is a defect of imgrules, not of your file. "
            "Run again with `imgrules --debug ...` and report what it prints.",
            err=True,
        )
        return INTERNAL


def _show(error: ImgrulesError) -> None:
    click.echo(str(error), err=True)
    if isinstance(error, ProblemsError):
        n = len(error.problems)
        click.echo(f"{n} {'problem' if n == 1 else 'problems'}.", err=True)
