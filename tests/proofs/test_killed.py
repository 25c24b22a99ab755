"""A run that is killed anywhere goes on as if nothing had happened.

SIGKILL meets the process right before and right after each call it sends: each that changes the estate, and those that
keep lock, journal mirror and stop switch, between which every line of the journal is written. What is then resumed, in
a new process under the same incident, ends in the world and with the calls of an undisturbed run: none twice.

By default each kind of call is met once, before or after it in turn, and every thirteenth call of any kind; all of
them are, with DR_FULL_KILLS=1.

One thing may come twice, and only where the process died between sending and recording it: a notification. Nothing
that can be looked at tells whether SNS took it, so it is sent at least once, under the same event id both times.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from dr_actions.hands import Hands
from dr_actions.plan import Call
from tests.proofs.compared import Calls, Facts, calls_of, facts_of, settled
from tests.proofs.dying import Make, When, at, dying, is_mutation, name_of
from tests.proofs.processes import Process
from tests.proofs.rig import LEASE_S, Rig, rig

FULL = os.environ.get("DR_FULL_KILLS") == "1"

PUBLISH = "sns:Publish"
LOST = {
    "rds:RestoreDBInstanceToPointInTime",
    "efs:DeleteReplicationConfiguration",
    "application-autoscaling:RegisterScalableTarget",
    "ecs:UpdateService",
    "route53:ChangeResourceRecordSets",
    "route53:UpdateHealthCheck",
    PUBLISH,
}
POINTERS = {"secretsmanager:StopReplicationToReplica", "secretsmanager:PutSecretValue", "ecs:RegisterTaskDefinition"}


# More verbs arise where secrets and definitions of the DR region lead to the primary: what is broken, and what is sent.
LEFT_BEHIND = (("secrets-host-of-the-primary", "definition-primary-database", "primary-dark"), LOST | POINTERS)
PLAIN = (("primary-dark",), LOST)


class Undisturbed:
    """A rig, and how a run in it ends when nobody disturbs it."""

    def __init__(self, of: Rig, sends: set[str]) -> None:
        self.rig, self.sends = of, sends
        of.begin()
        run = of.run("undisturbed")
        assert run.wait() == 0, run.said
        self.facts: Facts = facts_of(of)
        self.calls: Calls = calls_of(of)

    def same(self, name: str, last: Process, published_again: Counter[str]) -> None:
        """The run ``name`` ended like the undisturbed one; no more is doubled than the messages that may be."""
        assert last.said.splitlines()[-1].startswith("done: "), last.said
        assert settled(self.rig, self.facts) == {}
        calls = calls_of(self.rig)
        extra = Counter(call.partition(" {")[0] for call in (calls - self.calls).elements())
        assert self.calls - calls == Counter()
        assert extra == published_again
        chain = self.rig.journal(name)
        assert (None, b"") == (chain.fault, chain.torn)


@pytest.fixture(scope="module", params=[LEFT_BEHIND, PLAIN] if FULL else [LEFT_BEHIND])
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    broken, sends = request.param
    with rig(tmp_path_factory.mktemp("killed"), *broken) as made:
        yield Undisturbed(made, sends)


Died = list[tuple[When, str]]


def chain(of: Rig, name: str, next_death: Callable[[Died], Make]) -> tuple[Process, Died]:
    """Let one process after the other die, each a lease later, until one ends by itself. Where the others died."""
    died: Died = []
    of.begin()
    while True:
        process = of.run(name, next_death(died), later_s=len(died) * (LEASE_S + 1))
        if process.wait() >= 0:
            return process, died
        died.append(process.died)


def may_come_again(died: Died) -> Counter[str]:
    """The messages whose process died after they were sent, and before that was recorded."""
    return Counter(name.rpartition(" ")[0] for when, name in died if when is When.AFTER and PUBLISH in name)


def at_what_none_met(died: Died) -> Make:
    """Hands that die at the first mutation that no process has died before, or else after."""
    met = Counter(name for _, name in died)
    kinds = {name.split()[1] for _, name in died}

    def decide(call: Call) -> When | None:
        if not is_mutation(call):
            return None
        if FULL:
            return (When.BEFORE, When.AFTER, None)[met[name_of(call)]]
        return None if name_of(call).split()[1] in kinds else (When.BEFORE, When.AFTER)[len(died) % 2]

    return dying(decide)


def test_a_run_killed_before_and_after_each_call_that_changes_something_ends_as_if_undisturbed(
    undisturbed: Undisturbed,
) -> None:
    """Every process dies at the first such point that none before it has met: all are met, in one world."""
    last, died = chain(undisturbed.rig, "mutations", at_what_none_met)
    undisturbed.same("mutations", last, may_come_again(died))
    assert undisturbed.sends == {name.split()[1] for _, name in died}
    assert (2 * undisturbed.calls.total() if FULL else len(undisturbed.sends)) == len(set(died)) == len(died)


def test_a_run_killed_between_its_records_ends_as_if_undisturbed(undisturbed: Undisturbed) -> None:
    """Every process dies some calls further on, whatever the call is: at the lock, the mirror, the stop switch, STS."""
    step = 1 if FULL else 13

    def further_on(died: Died) -> Make:
        return at(1 + step * len(died), (When.BEFORE, When.AFTER)[len(died) % 2])

    last, died = chain(undisturbed.rig, "records", further_on)
    undisturbed.same("records", last, may_come_again(died))
    assert {"dynamodb:TransactWriteItems"} < {name.split()[1] for _, name in died}


def once(death: Make) -> Callable[[Died], Make]:
    """The first process dies so, the next lives."""
    return lambda died: Hands if died else death


def test_a_run_killed_at_one_point_alone_ends_as_if_undisturbed(undisturbed: Undisturbed) -> None:
    """Each point in a world of its own with DR_FULL_KILLS=1, else the one right after the database's restore began."""
    most = undisturbed.calls.total()
    points = [(nth, when) for nth in range(1, most + 1) for when in When] if FULL else [(2, When.AFTER)]
    for nth, when in points:
        name = f"alone-{nth}-{when}"
        last, died = chain(undisturbed.rig, name, once(at(nth, when, is_mutation)))
        undisturbed.same(name, last, may_come_again(died))
        sys.stdout.write(f"{nth:3} of {most} {when:6} {died[0][1]}: as if undisturbed\n")
