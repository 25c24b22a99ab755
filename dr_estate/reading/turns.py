"""Turns of many sites: one that hangs keeps no other from its own, and what was answered is there by the deadline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network.http_probe import NoAnswerInTime
from dr_estate.reading.reader import ReadContext

R = TypeVar("R")
FIRST_TURN_S = 2.0
"""Seconds that each of many sites has at first: a page that is well comes in less."""
_FIRST_TURNS = 0.5
"""Part of the time left that first turns may take together: sites that are all slow need the rest for their second."""
_RESERVE_S, _RESERVE = 2.0, 0.1
"""Seconds before the deadline in which no site is visited any more, and the most they may be of all of it."""


@dataclass(frozen=True)
class Turns(Generic[R]):
    """Visits of one part: ``go`` visits a host of ``region`` within a number of seconds, or raises NoAnswerInTime.

    Who gave no answer in less than ``whole_s``, because the look's own time was short, is not known: DEADLINE.
    """

    context: ReadContext
    go: Callable[[str, float], R]
    region: str

    @property
    def whole_s(self) -> float:
        """Seconds for one visit in all: to be let in, and for the answer."""
        limits = self.context.env.observation
        return limits.connect_timeout_s + limits.read_timeout_s

    def visit(self, host: str) -> R:
        """Visit ``host`` within the whole time limit. Raises DataUnavailable."""
        return self._visit(host, self.whole_s, 0.0)

    def visit_all(self, hosts: Sequence[str]) -> list[R | Unavailable]:
        """Visit every host, and return what each answered, in order.

        Of more than there are places, each has a short turn first. Who did not answer in it, or had none, is visited
        after all others with the whole limit: the last ones first, for they are those that had none.
        """
        if len(hosts) <= self.context.env.observation.workers:
            return self.context.maybe(self.visit, hosts)
        rest_s = self._left_s * (1 - _FIRST_TURNS)
        first = self.context.maybe(lambda host: self._visit(host, FIRST_TURN_S, rest_s), hosts)
        answers = dict(zip(hosts, first, strict=True))
        late = [
            host
            for host, answer in answers.items()
            if isinstance(answer, Unavailable) and answer.kind is UnavailableKind.DEADLINE
        ][::-1]
        answers |= zip(late, self.context.maybe(self.visit, late), strict=True)
        return [answers[host] for host in hosts]

    @property
    def _left_s(self) -> float:
        """Seconds in which sites may still be visited; below 0 where the time is over."""
        reserve_s = min(_RESERVE_S, _RESERVE * self.context.env.observation.deadline_s)
        return self.context.client.seconds_left - reserve_s

    def _visit(self, host: str, most_s: float, rest_s: float) -> R:
        """Visit ``host`` for ``most_s`` at most, and leave ``rest_s`` of the look's time."""
        limit_s = min(most_s, self._left_s - rest_s)
        reason = f"{host} had not the {self.whole_s:g} s to answer before the deadline, and gave no answer in less."
        late = DataUnavailable(Unavailable(UnavailableKind.DEADLINE, reason, self.region))
        if limit_s <= 0:
            raise late
        try:
            return self.go(host, limit_s)
        except NoAnswerInTime as silent:
            # Silence in less than the whole time does not show that nobody answers.
            if limit_s < self.whole_s:
                raise late from silent
            raise
