"""The talk itself: shows questions, reads answers and commands, keeps the session file whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from imgrules.assessment.result import NextStep
from imgrules.cli.ask import COMMANDS, Lines, Stopped
from imgrules.cli.text import STATUS_WORDS, Page, print_assessment
from imgrules.errors import ImgrulesError
from imgrules.interview.session import SKIP, Clash, Interview, Question
from imgrules.interview.store import save
from imgrules.rulebase.values import show

MANY = 6
LATER = "Type why ROUTE, what-if fact=value, change ROUTE, show ROUTE, back, save FILE, or quit."


class Talk:
    """One interview at a terminal or pipe."""

    def __init__(self, talk: Interview, lines: Lines, path: Path | None) -> None:
        self.talk = talk
        self.lines = lines
        self.path = path
        self._saved: set[Path] = set()
        self.page = Page(Console(width=80, no_color=True, highlight=False) if lines.plain else None)
        if lines.plain:
            self.page.unicode = False

    def run(self) -> None:
        """Ask until nothing more can matter, then show the answer. Ctrl-C keeps everything."""
        try:
            self._keep()
            self._head()
            self._questions()
            self._answer()
            self._after()
        except (Stopped, KeyboardInterrupt):
            click.echo()
            if self.path:
                self.page.para(f"Your answers are kept in {self.path}. To go on: imgrules ask --session {self.path}", 0)

    def _keep(self) -> None:
        if self.path:
            save(self.talk, self.path)

    def _head(self) -> None:
        wanted = [self.talk.title(name) for name in self.talk.wanted[:MANY]]
        more = len(self.talk.wanted) - len(wanted)
        click.echo()
        self.page.para(f"About: {'; '.join(wanted)}{f' and {more} more routes' if more else ''}.", 0)
        self.page.para("Type help for what you can type beside an answer. Not knowing is a fine answer: skip.", 0)

    # questions --------------------------------------------------------------------------------------------------------

    def _questions(self) -> None:
        while question := self.talk.next():
            self._show(question)
            while True:
                try:
                    if self._line(question, self.lines.ask("> ", question.fact)):
                        break
                except Clash as clash:
                    self._clash(clash, question)
                except ImgrulesError as error:
                    self.page.para(f"{error}", 0)
            self._keep()

    def _show(self, question: Question) -> None:
        progress = self.talk.progress
        click.echo()
        settled = f"{progress.settled} of {progress.wanted} routes settled" if progress.wanted > 1 else ""
        left = f"at most {progress.at_most} left, usually fewer" if progress.at_most > 1 else "the last one"
        parts = [f"Question {progress.asked + 1}", *([] if question.again else [settled, left])]
        self.page.para(", ".join(filter(None, parts)), 0, "dim")
        again = "You skipped this; without it nothing more can be decided. " if question.again else ""
        self.page.para(Text(f"{again}{question.text}", style="bold"), 0)
        if question.help:
            self.page.para(question.help, 2, "italic")
        for i, label in enumerate(question.choices.values(), 1):
            self.page.item(f"{i}.", label)
        self.page.para(f"({question.hint}; why, skip, back, help)", 0, "dim")

    def _line(self, question: Question, line: str) -> bool:
        """Do what a line says. True when the question is settled, or another one is to be shown."""
        word, _, rest = line.strip().partition(" ")
        commands: dict[str, Callable[[Question, str], bool]] = {
            "why": self._why, "help": self._help, "skip": self._skip, "?": self._skip, "back": self._back,
            "save": self._save, "answers": self._told, "stop": self._stop, "quit": self._stop,
        }  # fmt: skip
        known = {"i don't know", "don't know", "dont know", "unknown", "i do not know"}
        if line.strip().lower() in known:
            return self._skip(question, "")
        if not line.strip():
            self.page.para("Type an answer, or skip.", 0)
            return False
        if word.lower() in commands and (not rest or word.lower() in ("back", "save")):
            return commands[word.lower()](question, rest.strip())
        value = self.talk.answer(question.fact, line)
        understood = show(value, self.talk.rulebase.types[question.fact])
        if understood.lower() != line.strip().lower():
            self.page.para(f"Understood: {understood}", 0, "dim")
        return True

    def _why(self, question: Question, _: str) -> bool:
        self.page.para(question.why, 2)
        for hanging in self.talk.why(question.fact):
            how = "; ".join(hanging.requirements[:4]) or "whether it is meant for you at all"
            self.page.item("-", Text.assemble((hanging.title, "bold"), f": {how}", (f"  {hanging.route}", "dim")), 2)
        return False

    def _help(self, question: Question, _: str) -> bool:
        if question.help:
            self.page.para(question.help, 2)
        self.page.para(f"Answer with {question.hint}. The fact is called {question.fact}.", 2)
        click.echo(COMMANDS, nl=False)
        return False

    def _skip(self, question: Question, _: str) -> bool:
        self.talk.skip(question.fact)
        return True

    def _back(self, _: Question, rest: str) -> bool:
        if rest and not rest.isdigit():
            fallen = self.talk.revise(rest)
            self.page.para(f"Taken back: {', '.join(fallen)}.", 0)
            return True
        undone = self.talk.undo(int(rest or 1))
        self.page.para(f"Taken back: {', '.join(s.fact for s in undone) or 'nothing; this is the beginning'}.", 0)
        return True

    def _save(self, _: Question | None, rest: str) -> bool:
        from imgrules.assessment.case import case_text
        from imgrules.interview.store import write_whole

        target = Path(rest or "my-case.json")
        if target.exists() and target not in self._saved:
            self.page.para(f"{target} is there already, so nothing was written. Give another name: save FILE.", 0)
            return False
        self._saved.add(target)
        write_whole(target, case_text(self.talk.case))
        self.page.para(f"Wrote {target}: imgrules assess {target}", 0)
        return False

    def _told(self, _: Question | None, __: str) -> bool:
        for fact, value in self.talk.facts.items():
            model = self.talk.rulebase.facts[fact].model
            shown = show(value, self.talk.rulebase.types[fact])
            self.page.item("-", Text.assemble(f"{model.title}: {shown}", (f"  {fact}", "dim")))
        return False

    def _stop(self, _: Question | None, __: str) -> bool:
        self._answer()
        raise Stopped

    def _clash(self, clash: Clash, question: Question) -> None:
        self.page.para(Text(f"These answers clash. {clash}", style="bold"), 0)
        known = self.talk.facts
        for fact in clash.facts:
            title = self.talk.rulebase.facts[fact].model.title
            if fact in known:
                shown = show(known[fact], self.talk.rulebase.types[fact])
                self.page.item("-", f"{title}: {shown} (back {fact} takes it back)")
            else:
                self.page.item("-", f"{title}: what you typed just now, not taken")
        if self.lines.scripted:
            self.talk.skip(question.fact)
            raise Stopped

    # the answer -------------------------------------------------------------------------------------------------------

    def _answer(self) -> None:
        """The assessment, narrowed to what was wanted."""
        assessment = self.talk.assessment()
        progress = self.talk.progress
        click.echo()
        asked = f"{progress.asked} question{'' if progress.asked == 1 else 's'} asked"
        if progress.settled == progress.wanted:
            now = "No further answer can change what follows."
        elif progress.wanted > 1:
            now = f"So far {progress.settled} of {progress.wanted} routes are settled."
        else:
            now = "Further answers can still change what follows."
        self.page.para(f"{asked}. {now}", 0)
        wanted = [route for route in assessment.routes if route.id in self.talk.wanted]
        if len(wanted) > MANY:
            self._table()
            return
        self.page.heading("What you asked")
        for route in wanted:
            self.page.item("-", Text.assemble((route.title, "bold"), f": {STATUS_WORDS[route.status]}"))
        self.page.console.print()
        shown = [route.model_copy(update={"main": True}) for route in wanted]
        tracks = [track for track in assessment.fast_tracks if track.route in self.talk.wanted]
        steps = [step for step in assessment.next_steps if self._concerns(step)]
        update = {
            "routes": shown,
            "fast_tracks": tracks,
            "next_steps": steps,
            "stages": [stage for stage in assessment.stages if any(r.stage == stage.id for r in wanted)],
            "alerts": [alert for alert in assessment.alerts if alert.certain],
            "advice": [],
        }
        print_assessment(assessment.model_copy(update=update), False, self.page)

    def _concerns(self, step: NextStep) -> bool:
        """Whether a step belongs to what was wanted; once nothing matters any more, no question does but those skipped."""
        if step.kind == "find_out" and self.talk.done:
            return any(s.fact == step.fact and s.kind == SKIP for s in self.talk.steps)
        return not set(self.talk.wanted).isdisjoint(step.routes)

    def _table(self) -> None:
        """Many routes: grouped by status."""
        outcomes = self.talk.outcomes
        for status, words in STATUS_WORDS.items():
            names = [name for name, found in outcomes.items() if found is status]
            if names:
                self.page.heading(words)
                for name in names:
                    self.page.item("-", Text.assemble(self.talk.title(name), (f"  {name}", "dim")))

    def _after(self) -> None:
        """Why, what if, save: as often as wanted."""
        if self.path:
            click.echo()
            self.page.para(
                f"Kept in {self.path}. For the whole assessment, with dates and advice: save FILE, then imgrules assess FILE.",
                0,
            )
        if self.lines.scripted and not self.lines.queue:
            return
        click.echo()
        self.page.para(LATER, 0)
        while True:
            try:
                if self._later(self.lines.ask("> ")):
                    return
            except ImgrulesError as error:
                self.page.para(str(error), 0)

    def _later(self, line: str) -> bool:
        from imgrules.assessment.explain import explain
        from imgrules.cli.moves import print_changes, print_comparison
        from imgrules.cli.text import print_reason
        from imgrules.interview.change import changes
        from imgrules.interview.whatif import compare, read_settings, supposed

        word, _, rest = line.strip().partition(" ")
        rest, case = rest.strip(), self.talk.case
        assessor, rulebase = self.talk.assessor, self.talk.rulebase
        page = Page(self.page.console)
        page.unicode = self.page.unicode
        if word in ("quit", "exit", "stop", "q", ""):
            return word != ""
        if word == "why":
            print_reason(explain(assessor.derive(case), rest), case, rulebase.version, page)
        elif word == "what-if":
            settings = read_settings(rest.split(",") if "," in rest else [rest], rulebase, case.as_of)
            print_comparison(compare(assessor, case, supposed(case, settings)), page)
        elif word == "change":
            print_changes(changes(assessor, case, rest), page)
        elif word == "show":
            route = assessor.assess(case).route(rest) if rest in self.talk.outcomes else None
            if route is None:
                raise ImgrulesError(f"{rest} is not among the wanted routes.")
            one = assessor.assess(case).model_copy(update={"routes": [route.model_copy(update={"main": True})]})
            print_assessment(one, False, page)
        elif word == "save":
            self._save(None, rest)
        elif word == "answers":
            self._told(None, "")
        elif word == "back":
            self.talk.revise(rest) if rest and not rest.isdigit() else self.talk.undo(int(rest or 1))
            self._keep()
            self._questions()
            self._answer()
        else:
            self.page.para(LATER, 0)
        return False
