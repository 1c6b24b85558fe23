"""The next question: the one that most of a crowd of sampled applicants would have to answer.

A *certificate* is a set of answers after which no other answer can change a wanted route; no interview can ask less
than a smallest one. Which facts an applicant's certificate holds is not known before they answer, but it can be sampled:
applicants are drawn who agree with what was told so far, and from each one's answers all that can be spared is struck
out. What is left is a certificate of theirs. The fact that is left for most of them is asked next.

All of a crowd are worked out at once: the truth of a node for every applicant is two whole numbers, one bit an
applicant, the first saying for whom it is true and the second for whom it is false.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from random import Random
from typing import TypeAlias

from imgrules.interview.goals import Goal
from imgrules.interview.network import ALL, DECIDED, FALSE, FIXED, GATE, LEAF, STUCK, TRUE, Codes, Network, Part

CROWD = 128
EVERYBODY = (1 << CROWD) - 1
HOPE = 3
STEPS = 16
Masks: TypeAlias = tuple[int, int]


class Crowd:
    """The answers of sampled applicants, drawn once for a network; they are overruled by what is really told.

    Each region of a fact, or of a derived fact, is drawn with the same weight, up to four times as much if it meets
    what the wanted routes need: most who ask about a route meet most of what it needs.
    """

    def __init__(self, network: Network, goals: Iterable[Goal]) -> None:
        self.network = network
        random = Random(0)
        wishes = _wishes(network, goals)
        self.leaves: dict[int, Masks] = {}
        for subject, leaves in network.leaves.items():
            wished = [wishes[leaf.index] for leaf in leaves]
            made = [[leaf.code(value) for leaf in leaves] for value in network.regions.of(subject)]
            # On some days the range of a fact is empty.
            drawn = (
                random.choices(made, [1 + HOPE * _welcome(codes, wished) for codes in made], k=CROWD) if made else []
            )
            for k, leaf in enumerate(leaves):
                true = sum((codes[k] == TRUE) << person for person, codes in enumerate(drawn))
                false = sum((codes[k] == FALSE) << person for person, codes in enumerate(drawn))
                self.leaves[leaf.index] = true, false


def _wishes(network: Network, goals: Iterable[Goal]) -> list[int]:
    """For every node, whether needs are met through its being true (1), through its being false (2), or both (3)."""
    wishes = [0] * len(network.nodes)
    for goal in goals:
        for _, part in goal.needs:
            wishes[part >> 1] |= 2 if part & 1 else 1
    for i in reversed(range(len(wishes))):
        swapped = (wishes[i] & 1) << 1 | wishes[i] >> 1
        for part in network.parts[i]:
            wishes[part >> 1] |= swapped if part & 1 else wishes[i]
    return wishes


def _welcome(codes: Sequence[int], wishes: Sequence[int]) -> float:
    """How far a region meets what is wished of the leaves that look at it: 1 all of it, 0 nothing."""
    clear = [(code, wish) for code, wish in zip(codes, wishes, strict=True) if wish in (1, 2)]
    return sum((code == TRUE) if wish == 1 else (code == FALSE) for code, wish in clear) / len(clear) if clear else 0.5


class Forecast:
    """What a crowd would still have to answer about some wanted routes, in one state of an interview."""

    def __init__(
        self,
        crowd: Crowd,
        codes: Codes,
        goals: Sequence[Goal],
        sensible: Mapping[str, Part],
        known: Callable[[str], bool],
    ) -> None:
        self.network = crowd.network
        self.codes = codes
        self.goals = goals
        self._crowd = crowd
        self._sensible = sensible
        self._known = known
        self._true: dict[int, int] = {}
        self._false: dict[int, int] = {}
        self._telling: dict[str, int] = {}
        for node in sorted(self._live_nodes()):
            self._evaluate(node)
        self._reading: dict[int, list[int]] = {}
        for g, goal in enumerate(goals):
            for part in goal.parts:
                self._reading.setdefault(part >> 1, []).append(g)
        self._statuses = [self._status(goal) for goal in goals]

    def _live_nodes(self) -> set[int]:
        """The undecided nodes from which something can still reach the status of a route."""
        found: set[int] = set()
        stack = [part >> 1 for goal in self.goals for part, _ in goal.wanted(self.codes)]
        stack += [goal.literal >> 1 for goal in self.goals]
        while stack:
            i = stack.pop()
            if i not in found and STUCK < self.codes[i] < DECIDED:
                found.add(i)
                stack.extend(part >> 1 for part in self.network.parts[i])
        return found

    # evaluation -------------------------------------------------------------------------------------------------------

    def _evaluate(self, i: int) -> None:
        """Work out a node, and first what it hangs on, with everybody telling all that makes sense for them."""
        if i in self._true or not STUCK < self.codes[i] < DECIDED:
            return
        if self.network.kinds[i] == LEAF:
            subject = self.network.subject[i]
            if subject not in self._telling:
                self._telling[subject] = self._who_tells(subject)
        for part in self.network.parts[i]:
            self._evaluate(part >> 1)
        self._true[i], self._false[i] = self._node(i)

    def _who_tells(self, subject: str) -> int:
        """Those for whom every question that a subject hangs on makes sense."""
        telling = EVERYBODY
        for fact in self.network.facts[subject]:
            part = self._sensible.get(fact)
            if part is not None and not self._known(fact):
                self._evaluate(part >> 1)
                telling &= self._of(part)[0]
        return telling

    def _of(self, part: Part) -> Masks:
        """For whom a part is true, and for whom false."""
        i = part >> 1
        code = self.codes[i]
        true = EVERYBODY if code == TRUE else self._true.get(i, 0)
        false = EVERYBODY if code == FALSE else self._false.get(i, 0)
        return (false, true) if part & 1 else (true, false)

    def _node(self, i: int) -> Masks:
        kind = self.network.kinds[i]
        if kind == LEAF:
            telling = self._telling[self.network.subject[i]]
            true, false = self._crowd.leaves[i]
            return true & telling, false & telling
        if kind == FIXED:
            return 0, 0
        found = [self._of(part) for part in self.network.parts[i]]
        if kind == GATE:
            yes, no = self.network.lets_through(i)
            return found[0][0] if yes else 0, found[0][1] if no else 0
        together, either = (0, 1) if kind == ALL else (1, 0)
        every, some = EVERYBODY, 0
        for masks in found:
            every &= masks[together]
            some |= masks[either]
        return (every, some) if kind == ALL else (some, every)

    def _settle(self, leaves: Iterable[int]) -> set[int]:
        """Work upwards from leaves; the nodes that changed."""
        heap = list(leaves)
        heapify(heap)
        waiting = set(heap)
        changed = set()
        while heap:
            i = heappop(heap)
            waiting.discard(i)
            true, false = self._node(i)
            if true == self._true[i] and false == self._false[i]:
                continue
            self._true[i], self._false[i] = true, false
            changed.add(i)
            for parent in self.network.parents[i]:
                if parent in self._true and parent not in waiting:
                    waiting.add(parent)
                    heappush(heap, parent)
        return changed

    def _status(self, goal: Goal) -> tuple[int, ...]:
        """For whom a route is not applicable, closed, open and reachable; for all others it is undetermined."""
        applies, foreign = (EVERYBODY, 0) if goal.applies is None else self._of(goal.applies)
        barred, failed, known, foreign_inside = (EVERYBODY if goal.barred else 0), 0, EVERYBODY, 0
        for _, part in goal.needs:
            true, false = self._of(part)
            failed |= false
            known &= true | false
            if part in goal.permanent:
                barred |= false
        for part in goal.inner_applies:
            true, false = self._of(part)
            foreign_inside |= false
            known &= true | false
        closed = applies & barred
        rest = applies & ~barred
        opened = rest & self._of(goal.literal)[0]
        rest &= ~opened
        return foreign | (rest & foreign_inside), closed, opened, rest & ~foreign_inside & known & failed

    # certificates -----------------------------------------------------------------------------------------------------

    def votes(self, order: Sequence[str]) -> dict[str, int]:
        """For how many of the crowd each fact is left when what can be spared is struck out in this order."""
        return {fact: self._strike(fact).bit_count() for fact in order}

    def _strike(self, fact: str) -> int:
        """Let those who can spare a fact leave it unknown; the others."""
        subjects = [s for s in self.network.users.get(fact, ()) if s in self._telling]
        leaves = [leaf.index for s in subjects for leaf in self.network.leaves[s] if leaf.index in self._true]
        before = {s: self._telling[s] for s in subjects}
        for subject in subjects:
            self._telling[subject] = 0
        needing = 0
        for g in {g for i in self._settle(leaves) for g in self._reading.get(i, ())}:
            for was, now in zip(self._statuses[g], self._status(self.goals[g]), strict=True):
                needing |= was ^ now
        if needing:
            for subject in subjects:
                self._telling[subject] = before[subject] & needing
            self._settle(leaves)
        return needing


def ranked(votes: Mapping[str, int], facts: Collection[str], order: Mapping[str, int]) -> list[str]:
    """Facts by their votes, roughly; what is about as likely to be needed comes in the vocabulary's order."""
    return sorted(facts, key=lambda f: (-(votes.get(f, 0) * STEPS // CROWD), order.get(f, 0)))
