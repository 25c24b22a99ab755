"""A run that is killed anywhere goes on as if nothing had happened.

SIGKILL meets the process right before and right after each call it sends: each that changes the estate, and those that
keep lock, journal mirror and stop switch, between which every line of the journal is written. What is then resumed, in
a new process under the same incident, ends in the world and with the calls of an undisturbed run: none twice.

By default each kind of call is met once, before or after it in turn, and every thirteenth call of any kind; all of
them are, with DR_FULL_KILLS=1.

One thing may come twice, and only where the process died between sending and recording it: a notification. No read
shows whether SNS took it, so it is sent at least once, under the same event id both times.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proofs.dying import When
from tests.proofs.killing import PUBLISH, Undisturbed, at_each_kind, at_what_none_met, further_on
from tests.proofs.rig import FULL, rig

pytestmark = pytest.mark.proof

LOST = {
    "rds:RestoreDBInstanceToPointInTime",
    "rds:ModifyDBInstance",  # its copy in a second zone, once everybody is served
    "efs:DeleteReplicationConfiguration",
    "application-autoscaling:RegisterScalableTarget",
    "ecs:UpdateService",
    "route53:ChangeResourceRecordSets",
    "route53:UpdateHealthCheck",
    PUBLISH,
}
POINTERS = {"secretsmanager:StopReplicationToReplica", "secretsmanager:PutSecretValue", "ecs:RegisterTaskDefinition"}
# More actions arise where secrets and definitions of the DR region lead to the primary: what is broken, and what is
# sent.
LEFT_BEHIND = (("secrets-host-of-the-primary", "definition-primary-database", "primary-dark"), LOST | POINTERS)
PLAIN = (("primary-dark",), LOST)


@pytest.fixture(scope="module", params=[LEFT_BEHIND, PLAIN] if FULL else [LEFT_BEHIND])
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    broken, sends = request.param
    with rig(tmp_path_factory.mktemp("killed"), *broken) as test_rig:
        whole = Undisturbed.of(test_rig)
        assert ("done", sends) == (whole.ends, whole.operations)
        yield whole


def test_a_run_killed_around_each_change_ends_as_undisturbed(
    undisturbed: Undisturbed,
) -> None:
    """Every process dies at the first such point that none before it has met: all are met, in one world."""
    died = undisturbed.survives("mutations", at_what_none_met if FULL else at_each_kind)
    assert undisturbed.operations == {name.split()[1] for _, name in died}
    points = 2 * undisturbed.calls.total() if FULL else len(undisturbed.operations)
    assert points == len(set(died)) == len(died)


def test_a_run_killed_between_its_records_ends_as_if_undisturbed(undisturbed: Undisturbed) -> None:
    """Every process dies some calls further on, whatever the call is: at the lock, the mirror, the stop switch, STS."""
    died = undisturbed.survives("records", further_on(step=1 if FULL else 13))
    assert {"dynamodb:TransactWriteItems"} < {name.split()[1] for _, name in died}


def test_a_run_killed_at_one_point_alone_ends_as_if_undisturbed(undisturbed: Undisturbed) -> None:
    """Each point in a world of its own with DR_FULL_KILLS=1, else the one right after the database's restore began."""
    undisturbed.survives_each_alone(undisturbed.points if FULL else [(2, When.AFTER)])
