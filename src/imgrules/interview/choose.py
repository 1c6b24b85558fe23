"""The next question: which unknown fact is likely to decide the wanted routes with the fewest further questions.

Every undecided node has a guess at how likely it is to come out true and at how many answers deciding it will take. A
conjunction is cheapest decided by trying first what is cheap and likely to fail, a disjunction by what is cheap and
likely to hold (the ratio rule, which is optimal where parts share no facts). Each undecided route so has a head
question; routes vote for theirs with a weight that grows as the route gets nearer to its decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from imgrules.interview.goals import Goal, truth
from imgrules.interview.network import CAN_BOTH, DECIDED, STUCK, TRUE, Codes, Network, Part

_ALL, _ANY, _GATE, _LEAF = range(4)
_TINY = 1e-6


class Planner:
    """Chances and costs of every node of a network, kept up to date."""

    def __init__(self, network: Network, codes: Codes) -> None:
        self.network = network
        self.codes = codes
        self.chance = [0.5] * len(network.nodes)
        self.cost = [0.0] * len(network.nodes)
        self.head: list[int] = [-1] * len(network.nodes)
        self._share = {
            leaf.index: network.regions.share(subject, leaf.proves)
            for subject, leaves in network.leaves.items()
            for leaf in leaves
        }
        self.refresh(range(len(network.nodes)))

    def refresh(self, changed: Iterable[int]) -> set[int]:
        """Work out again what hangs on nodes whose codes changed; every node whose chance or cost may have changed."""
        heap = list(changed)
        heapify(heap)
        waiting = set(heap)
        touched = set(heap)
        while heap:
            i = heappop(heap)
            waiting.discard(i)
            before = self.chance[i], self.cost[i], self.head[i]
            self._node(i)
            if (self.chance[i], self.cost[i], self.head[i]) == before and 0 < self.codes[i] < DECIDED:
                continue
            touched.add(i)
            for parent in self.network.parents[i]:
                if parent not in waiting:
                    waiting.add(parent)
                    heappush(heap, parent)
        return touched

    def _node(self, i: int) -> None:
        code = self.codes[i]
        if code >= DECIDED or code == STUCK:
            self.chance[i], self.cost[i], self.head[i] = (1.0 if code == TRUE else 0.0), 0.0, -1
        elif self.network.kinds[i] == _LEAF:
            chance = self._share[i] if code == CAN_BOTH else 1.0 if code == 1 else 0.0
            subject = self.network.subject[i]
            self.chance[i], self.cost[i], self.head[i] = chance, float(len(self.network.facts[subject])), i
        elif self.network.kinds[i] == _GATE:
            part = self.network.parts[i][0]
            self.chance[i], self.cost[i], self.head[i] = self.of(part)
        else:
            self.chance[i], self.cost[i], self.head[i] = self._junction(i)

    def of(self, part: Part) -> tuple[float, float, int]:
        """Chance of being true, cost and head leaf of a part."""
        i = part >> 1
        chance = self.chance[i]
        return (1.0 - chance if part & 1 else chance), self.cost[i], self.head[i]

    def _junction(self, i: int) -> tuple[float, float, int]:
        """By the ratio rule: what decides the junction alone is tried first where it is cheap and likely."""
        conjunction = self.network.kinds[i] == _ALL
        open_parts = []
        for part in self.network.parts[i]:
            code = truth(self.codes, part)
            if code < DECIDED and code != STUCK:
                chance, cost, head = self.of(part)
                decides = 1.0 - chance if conjunction else chance
                open_parts.append((cost / max(decides, _TINY), decides, cost, head))
        if not open_parts:
            return 0.5, 0.0, -1
        open_parts.sort(key=lambda p: p[0])
        remaining, total = 1.0, 0.0
        for _, decides, cost, _ in open_parts:
            total += remaining * cost
            remaining *= 1.0 - decides
        return (remaining if conjunction else 1.0 - remaining), total, open_parts[0][3]

    def plan(self, goal: Goal) -> tuple[float, int]:
        """How many answers deciding a route will take, about, and the leaf to begin with (-1: none)."""
        codes = self.codes
        tests = []
        rest = 0.0
        head = -1
        for part, want in goal.wanted(codes):
            code = truth(codes, part)
            if code >= DECIDED or not code & want:
                continue
            chance, cost, first = self.of(part)
            fails = part in goal.permanent or part == goal.applies or part in goal.inner_applies
            ratio = cost / max(1.0 - chance, _TINY) if fails else cost / _TINY
            tests.append((ratio, 1.0 - chance if fails else 0.0, cost, first))
        tests.sort(key=lambda t: t[0])
        remaining = 1.0
        for _, stops, cost, first in tests:
            head = first if head < 0 else head
            rest += remaining * cost
            remaining *= 1.0 - stops
        return rest, head
