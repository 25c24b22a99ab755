"""Kills a run again and again, and goes on with it each time, until it ends: it must end like one nobody disturbed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.model.plan import Call
from tests.proofs.compared import AWAY, Calls, Facts, Sides, calls_of, facts_validated, settled
from tests.proofs.dying import Make, When, at, dying, is_mutation, name_of
from tests.proofs.processes import Process
from tests.proofs.rig import LEASE_S, Rig

PUBLISH = "sns:Publish"

Died = list[tuple[When, str]]


@dataclass(frozen=True)
class Ended:
    """A run that ended by itself: with which exit code, the process that did, and where those before it died."""

    code: int
    last: Process
    died: Died


@dataclass(frozen=True)
class Undisturbed:
    """A rig, and how a run in it ends when nobody disturbs it: in which word, which world, and after which calls.

    ``passing`` are facts in which AWS goes on by itself after the run: those of a later end may be further on.
    """

    rig: Rig
    ends: str
    facts: Facts
    calls: Calls
    sides: Sides = AWAY
    passing: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rig: Rig, sides: Sides = AWAY, passing: frozenset[str] = frozenset()) -> Undisturbed:
        """Let nobody disturb it."""
        rig.begin()
        run = rig.run("undisturbed")
        run.wait()
        return cls(rig, run.ending, facts_validated(rig.home / "undisturbed", sides), calls_of(rig), sides, passing)

    @property
    def operations(self) -> set[str]:
        """What it sent, once or more."""
        return {call.split()[1] for call in self.calls}

    def survives(self, name: str, next_death: Callable[[Died], Make]) -> Died:
        """The run ``name`` dies so from its beginning on, and ends like the undisturbed one. Where it died."""
        self.rig.begin()
        ended = gone_on_with(self.rig, name, next_death)
        self.same(name, ended)
        return ended.died

    def survives_each_alone(self, points: Iterable[tuple[int, When]]) -> None:
        """Each run dies at one of the ``points`` alone: before or after the nth mutation."""
        for nth, when in points:
            (where,) = self.survives(f"alone-{nth}-{when}", once(at(nth, when, is_mutation)))
            sys.stdout.write(f"{nth:3} of {self.calls.total()} {when:6} {where[1]}: as if undisturbed\n")

    @property
    def points(self) -> list[tuple[int, When]]:
        """Before and after each mutation."""
        sides = (When.BEFORE, When.AFTER)
        return [(nth, when) for nth in range(1, self.calls.total() + 1) for when in sides]

    def same(self, name: str, ended: Ended, besides: Mapping[str, int] = MappingProxyType({})) -> None:
        """The run ``name`` ended like the undisturbed one.

        No more is doubled than the messages that may be, and what is named in ``besides``.
        """
        assert ended.last.ending == self.ends, ended.last.said
        apart = settled(self.rig, name, self.facts, self.sides)
        assert apart.keys() <= self.passing, apart
        calls, undisturbed = _lasting(calls_of(self.rig)), _lasting(self.calls)
        extra = Counter(call.partition(" {")[0] for call in (calls - undisturbed).elements())
        extra.subtract(besides)
        regions = self.rig.env.regions
        messages = {region: extra.pop(f"{region} {PUBLISH}", 0) for region in (regions.primary, regions.dr)}
        assert all(count in may_come_again(ended.died, region) for region, count in messages.items()), messages
        doubled = {name: n for name, n in extra.items() if n}
        assert (Counter(), {}) == (undisturbed - calls, doubled), calls - undisturbed
        self.rig.whole_journal(name)


def _lasting(calls: Calls) -> Calls:
    """The calls but for tasks that write or look for a marker: each attempt runs its own, named after its moment."""
    return Counter({call: count for call, count in calls.items() if '"group": "dr-marker-' not in call})


def may_come_again(died: Died, region: str) -> range:
    """How many of the ``region``'s messages come twice: those sent, and not noted, when their process died.

    The messages of one batch leave at once, one to each region: a process that dies at the other region's may have sent
    this one too, or not yet.
    """
    deaths = [(when, name.split()[0]) for when, name in died if name.split()[1] == PUBLISH]
    sure = deaths.count((When.AFTER, region))
    return range(sure, sure + sum(where != region for _, where in deaths) + 1)


def gone_on_with(
    of: Rig,
    name: str,
    next_death: Callable[[Died], Make],
    before: Died | None = None,
    met: Callable[[Process], None] = lambda _: None,
) -> Ended:
    """Let one process after the other die, each a lease later, until one ends by itself.

    The world is as it is now; in ``before`` processes of this run died already; ``met`` receives each that dies now.
    """
    died = list(before or [])
    while True:
        process = of.run(name, next_death(died), later_s=len(died) * (LEASE_S + 1))
        code = process.wait()
        if code >= 0:
            return Ended(code, process, died)
        died.append(process.died)
        met(process)


def at_what_none_met(died: Died, dies: Callable[[Call], bool] = is_mutation) -> Make:
    """Clients that die at the first mutation (of those that ``dies`` names) before which, or else after, none died."""
    met = Counter(name for _, name in died)

    def decide(call: Call) -> When | None:
        return (When.BEFORE, When.AFTER, None)[met[name_of(call)]] if dies(call) else None

    return dying(decide)


def further_on(step: int) -> Callable[[Died], Make]:
    """Each process dies ``step`` calls further on, before and after one in turn, whatever the call is."""
    return lambda died: at(1 + step * len(died), (When.BEFORE, When.AFTER)[len(died) % 2])


def once(death: Make) -> Callable[[Died], Make]:
    """The first process dies so, the next lives."""
    return lambda died: MutatingClient if died else death


def at_each_kind(died: Died) -> Make:
    """Clients that die at the first mutation of a kind at which none died, before and after one in turn."""
    kinds = {name.split()[1] for _, name in died}

    def decide(call: Call) -> When | None:
        fresh = is_mutation(call) and call.name not in kinds
        return (When.BEFORE, When.AFTER)[len(died) % 2] if fresh else None

    return dying(decide)
