"""`Interview`: next question, answer, skip, undo, why, done. Every face of the interview is thin over this.

    talk = Interview(rulebase, case, ["licence.standard@CA"])
    while question := talk.next():
        talk.answer(question.fact, input(question.text))
    talk.assessment()

An interview is its case and its steps; everything else follows from them, so that undoing and resuming are exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from imgrules.assessment.assess import Assessor, values_of
from imgrules.assessment.case import Case
from imgrules.assessment.result import Assessment, Status
from imgrules.assessment.wording import Wording
from imgrules.errors import InputError, did_you_mean
from imgrules.interview.answers import hint, read_answer
from imgrules.interview.board import Board, Layout
from imgrules.rulebase.rulebase import Rulebase
from imgrules.rulebase.values import BadValue, Value, show

TELL, SKIP, FORGET = "tell", "skip", "forget"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: a fact told, a question skipped, or a fact of the case taken back."""

    kind: str
    fact: str
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question with all that a face shows of it. `again`: it was skipped before, and nothing else is left."""

    fact: str
    text: str
    title: str
    why: str
    help: str | None
    hint: str
    choices: dict[str, str] = field(default_factory=dict)
    again: bool = False


@dataclass(frozen=True, slots=True)
class Hanging:
    """A wanted route that hangs on a fact, through these requirements (or because it may not be for this applicant)."""

    route: str
    title: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an interview is: wanted routes that no answer can change any more, and a bound on the questions left."""

    settled: int
    wanted: int
    asked: int
    at_most: int


class Clash(InputError):
    """An answer contradicts an earlier one. `facts` are the facts that clash; the answer is not taken."""

    def __init__(self, text: str, facts: tuple[str, ...]) -> None:
        self.facts = facts
        super().__init__(text)


class Interview:
    """An interview about some wanted routes, beginning with what a case already says."""

    def __init__(
        self,
        rulebase: Rulebase,
        case: Case,
        wanted: Sequence[str],
        steps: Iterable[Step] = (),
        assessor: Assessor | None = None,
    ) -> None:
        self.rulebase = rulebase
        self.base = case
        self.assessor = assessor or Assessor(rulebase)
        self.program = self.assessor.grounder.program(case.as_of, case.jurisdictions)
        unknown = [name for name in wanted if name not in self._routes()]
        if unknown or not wanted:
            raise InputError(self._no_route(unknown[0]) if unknown else "An interview needs at least one route.")
        self.wanted = tuple(dict.fromkeys(wanted))
        self.layout = Layout(rulebase, self.program, case.as_of, self.wanted)
        self.layout.relevance.prepare()
        self.wording = Wording(rulebase, case.as_of)
        self.steps: list[Step] = []
        self._replay(steps)

    def _routes(self) -> list[str]:
        return [name for name, rule in self.program.rules.items() if rule.entry.section == "routes"]

    def _no_route(self, name: str) -> str:
        return f"There is no route {name} here. {did_you_mean(name, self._routes())}".rstrip()

    # state ------------------------------------------------------------------------------------------------------------

    def _replay(self, steps: Iterable[Step]) -> None:
        """Begin anew and take the same steps: the same state follows."""
        self.steps = []
        self._past: list[Board] = []
        self._board = Board(self.layout, self.base.facts)
        self._next: tuple[Question | None] | None = None
        for step in steps:
            self._take(step)

    def _take(self, step: Step) -> None:
        self.next()
        self._past.append(self._board.copy())
        self.steps.append(step)
        if step.kind == TELL and step.value is not None:
            self._board.tell(step.fact, step.value)
        elif step.kind == SKIP:
            self._board.set_aside(step.fact)
        else:
            aside = [s.fact for s in self.steps if s.kind == SKIP]
            self._board = Board(self.layout, self.facts, aside)
        self._next = None

    @property
    def facts(self) -> dict[str, Value]:
        """Everything known: the case's facts and the answers."""
        known = dict(self.base.facts)
        for step in self.steps:
            if step.kind == FORGET:
                known.pop(step.fact, None)
            elif step.kind == TELL and step.value is not None:
                known[step.fact] = step.value
        return known

    @property
    def case(self) -> Case:
        """The case as it now stands."""
        return self.base.changed(facts=self.facts)

    @property
    def outcomes(self) -> dict[str, Status]:
        """The status of every wanted route, as far as it is known."""
        return {goal.name: self._board.status(goal) for goal in self.layout.goals}

    @property
    def done(self) -> bool:
        """Whether no answer can change any wanted route."""
        return self.next() is None

    @property
    def progress(self) -> Progress:
        """How far the interview is."""
        board = self._board
        left = {first for fact in board.open_facts() - board.barred if (first := board.before(fact))}
        left |= board.open_facts() - board.barred
        answered = sum(step.kind != FORGET for step in self.steps)
        return Progress(len(self.wanted) - len(board.unsettled()), len(self.wanted), answered, len(left))

    def assessment(self) -> Assessment:
        """The whole answer, by the rule engine."""
        return self.assessor.assess(self.case)

    # questions --------------------------------------------------------------------------------------------------------

    def next(self) -> Question | None:
        """The next question; None when no answer can change a wanted route."""
        if self._next is None:
            fact, again = self._board.choose(), False
            if fact is None:
                fact = self._skipped_once()
                again = fact is not None
            self._next = (self.question(fact, again) if fact else None,)
        return self._next[0]

    def _skipped_once(self) -> str | None:
        """When nothing else is left: a question that was skipped and would still matter."""
        skips = Counter(step.fact for step in self.steps if step.kind == SKIP)
        if not any(n == 1 and f not in self._board.values for f, n in skips.items()):
            return None
        return Board(self.layout, self.facts, [fact for fact, n in skips.items() if n > 1]).choose()

    def question(self, fact: str, again: bool = False) -> Question:
        """The question of a fact. `InputError` if there is no such fact."""
        if fact not in self.rulebase.facts:
            raise InputError(f"There is no fact {fact}. {did_you_mean(fact, self.rulebase.facts)}".rstrip())
        model = self.rulebase.facts[fact].model
        type_ = self.rulebase.types[fact]
        choices = dict(type_.codes) if model.values else {}
        shown = [show(self.base.as_of if b == "today" else b, type_) for b in model.range or []]
        unit = (type_.unit or "").removesuffix("s")
        bounds = [text.removesuffix(f" {unit}s").removesuffix(f" {unit}") for text in shown]
        return Question(
            fact, model.question, model.title, model.why, model.help, hint(type_, bounds or None), choices, again
        )

    def why(self, fact: str, most: int = 6) -> list[Hanging]:
        """The wanted routes that hang on a fact and how; at most so many, those nearest to their decision first."""
        board = self._board
        direct = list(board.hanging(fact))
        if not direct:
            gated = [f for f in board.open_facts() - {fact} if board.before(f) == fact]
            return list({h.route: h for f in sorted(gated) for h in self.why(f, most)}.values())[:most]
        routes = sorted(direct, key=board.left)[:most]
        return [self._hanging(g, fact) for g in routes]

    def _hanging(self, g: int, fact: str) -> Hanging:
        network, goal = self.layout.network, self.layout.goals[g]
        leaves = {leaf.index for s in network.users.get(fact, ()) for leaf in network.leaves[s]}
        wanted = dict(goal.wanted(self._board.codes))
        names = [
            name
            for name, part in goal.needs
            if part in wanted and not leaves.isdisjoint(network.live(self._board.codes, [(part, wanted[part])]))
        ]
        return Hanging(goal.name, self.title(goal.name), tuple(self.title(name) for name in names))

    def title(self, name: str) -> str:
        """The title of a route or requirement."""
        rule = self.program.rules[name]
        return self.wording.fill(rule.entry.model.title, self.facts, rule.scope)

    # answers ----------------------------------------------------------------------------------------------------------

    def answer(self, fact: str, raw: object) -> Value:
        """Take an answer, in any form that `read_answer` understands, and give the value it was read as.

        `InputError` if it cannot be read or the fact is known already, `Clash` if it contradicts an earlier answer;
        nothing is taken then.
        """
        self.question(fact)
        if fact in self._board.values:
            raise InputError(f"{fact} is known already. Take the answer back first.")
        try:
            value = read_answer(raw, fact, self.rulebase, self.base.as_of)
        except BadValue as error:
            raise InputError(f"{error}.") from None
        self._refuse_clash(fact, value)
        self._take(Step(TELL, fact, value))
        return value

    def _refuse_clash(self, fact: str, value: Value) -> None:
        before = set(self._board.clashes())
        new = [name for name in self._board.clashes_with(fact, value) if name not in before]
        if not new:
            return
        entry = self.rulebase.contradictions[new[0]]
        case = self.base.changed(facts={**self.facts, fact: value})
        text = self.wording.fill(entry.model.text, values_of(case, self.program), entry.scope)
        part = self.layout.clashes[new[0]]
        facts = [f for f in self.layout.network.facts_of(part) if f in case.facts]
        raise Clash(text, tuple(facts))

    def skip(self, fact: str) -> None:
        """Leave a fact unknown. It is asked once more when nothing else is left."""
        self.question(fact)
        self._take(Step(SKIP, fact))

    def undo(self, steps: int = 1) -> list[Step]:
        """Take back the last steps, and give them, last first."""
        count = min(max(steps, 0), len(self.steps))
        left = len(self.steps) - count
        undone = self.steps[left:][::-1]
        if undone:
            self._board, self._next = self._past[left], None
            del self._past[left:], self.steps[left:]
        return undone

    def revise(self, fact: str) -> list[str]:
        """Take back the answer to one question, whenever it was given, and the answers that made sense only with it."""
        if fact not in self.facts and not any(s.fact == fact for s in self.steps):
            raise InputError(f"{fact} has not been answered. {did_you_mean(fact, self.facts)}".rstrip())
        fallen = {fact} | self._depending(fact)
        steps = [s for s in self.steps if s.fact not in fallen]
        steps += [Step(FORGET, f) for f in sorted(fallen) if f in self.base.facts]
        self._replay(steps)
        return sorted(fallen, key=lambda f: self.layout.order.get(f, 0))

    def _depending(self, fact: str) -> set[str]:
        """Known facts whose question makes sense only by what is known of another, directly or not."""
        found: set[str] = set()
        waiting = [fact]
        while waiting:
            earlier = waiting.pop()
            for later, part in self.layout.asked_when.items():
                if later in self.facts and later not in found and earlier in self.layout.network.facts_of(part):
                    found.add(later)
                    waiting.append(later)
        return found
