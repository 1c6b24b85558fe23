"""Writes docs/commands.md from the program's own help: `make docs`. A test compares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from imgrules.cli import app

TARGET = Path(__file__).parents[1] / "docs" / "commands.md"
HEAD = """# Commands

Every command with its options, as `--help` prints them. Made by `make docs`; do not edit.

Exit codes: 0 done, 1 the user's error (a bad file, an unknown name, a check that found something), 2 wrong usage, 3 an internal error.
`--rules DIR` (or the environment variable `IMGRULES_RULES`) goes before the command and uses other rules than the shipped ones.
The parsed rules are kept in `~/.cache/imgrules`; `IMGRULES_CACHE=DIR` moves them, `IMGRULES_CACHE=off` does without.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_commands(app, "imgrules")])


def _commands(command: click.Command, name: str) -> Iterator[str]:
    names = ["-h", "--help"]
    context = click.Context(command, info_name=name, help_option_names=names, max_content_width=100, terminal_width=100)
    if isinstance(command, click.Group):
        for sub in sorted(command.commands):
            yield from _commands(command.commands[sub], f"{name} {sub}")
        return
    yield f"## `{name}`\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
