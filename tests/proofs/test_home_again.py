"""Away and home again where IAM is enforced: not one call is denied, and whoever is killed on the way goes on.

The failback is killed and resumed in the world that the failover left: every process dies at another of its calls, one
in the midst of a bake, one right after a stage was stepped back. It ends as the one nobody disturbed, with what people
wrote meanwhile. ``DR_FULL_KILLS=1`` kills it before and after each of its calls that change something, all in one world
and each in a world of its own, also where more must be led home.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_estate.environments import Side, load_environment
from sandbox.embedded import running
from tests.proofs.compared import calls_of, facts_validated
from tests.proofs.dying import When
from tests.proofs.enforced import Enforced, Ran, Written
from tests.proofs.killing import Undisturbed, at_what_none_met, further_on, gone_on_with
from tests.proofs.processes import Process
from tests.proofs.rig import FULL, Rig, order, quick
from tests.proofs.rough import IN_EACH_BAKE, TO_THE_END, UNTIL_STEPPED_BACK, Rough
from tests.proofs.sent_home import SENT
from tests.utils.running import rules
from utils.aws_mgmt.exits import Exit

AWAY = ("files.sit-efs",)
HOME = ("open_files.sit-efs", "replicate_files_home.sit-efs", "promoted_home.sit-mysql")
EVERY_SIDE = tuple(Side)
SHORT = """[execution]
poll_s = 0.2
cool_down_minutes = 0
[failback]
bake_minutes = 0.015
stable_minutes = 0
files_freeze_minutes = 0
dns_samples = 20
"""
# What is left behind makes more verbs, and an estate that is not ready before nor after.
PLAIN = (("primary-dark",), Exit.READY)
LEFT_BEHIND = (
    ("secrets-host-of-the-primary", "definition-primary-database", "primary-dark"),
    Exit.VALIDATION_FAILED,
)


@pytest.fixture(scope="module", params=[PLAIN, LEFT_BEHIND] if FULL else [PLAIN])
def asked(request: pytest.FixtureRequest) -> Any:
    """What is broken, and how the way home ends."""
    return request.param


@pytest.fixture(scope="module")
def enforced(asked: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforced]:
    home = tmp_path_factory.mktemp("enforced")
    folder = rules(home, "sit", SHORT)
    env = load_environment(folder, "sit")
    with running(env, 1) as world:
        world.timing(transition_s=0.1, log_upload_s=0, files_lag_s=0, replica_lag_s=0, lag_published_s=1)
        for name in asked[0]:
            world.break_(name)
        world.enforce_iam(True)
        yield Enforced(world, env, home)


@pytest.fixture(scope="module")
def away(enforced: Enforced) -> Ran:
    """The failover."""
    return enforced.execute("failover", AWAY)


@pytest.fixture(scope="module")
def written(enforced: Enforced, away: Ran) -> Written:
    """What is written in the DR region."""
    assert away.code == 0, away.said
    return Written.away(enforced)


@pytest.fixture(scope="module")
def due(enforced: Enforced, written: Written) -> Rig:
    """The failback is due: the primary region is mended."""
    enforced.world.mend("primary-dark")
    assert written.writer.written
    return Rig.of(
        enforced.world,
        quick(enforced.env, poll_s=0.2),
        enforced.home / "rig",
        order("failback", enforced.env, "staged"),
    )


everywhere = pytest.mark.skipif(not FULL, reason="DR_FULL_KILLS=1 asks for it")


@dataclass(frozen=True)
class Back:
    """The failback that nobody disturbed."""

    ran: Ran
    undisturbed: Undisturbed


@pytest.fixture(scope="module")
def back(enforced: Enforced, due: Rig) -> Back:
    """The failback by the command line."""
    due.begin()
    ran = enforced.execute("failback", HOME, "--staged")
    ends = "done" if ran.code == Exit.READY else "invalid"
    facts = facts_validated(enforced.evidence("failback"), EVERY_SIDE)
    return Back(ran, Undisturbed(due, ends, facts, calls_of(due), EVERY_SIDE))


def test_a_failover_is_run_without_one_call_denied(enforced: Enforced, away: Ran) -> None:
    assert (away.code, away.denied) == (0, []), away.said
    assert [one for one in enforced.world.mutations() if one["person"] == "operator" and not one["control"]]


def test_the_failback_after_it_is_run_without_one_call_denied_and_sends_each_where_the_policies_expect_it(
    asked: Any, enforced: Enforced, back: Back, written: Written
) -> None:
    assert (back.ran.code, back.ran.denied) == (asked[1], []), back.ran.said
    assert written.is_home()
    plan, regions = enforced.plan, enforced.env.region
    assert plan.goal == "failback"
    calls = [(step.verb, step.call) for step in plan.steps if step.call is not None]
    assert {"back_up", "copy_objects_home", "database_home", "open_files", "promoted_home", "set_aside"} <= {
        verb for verb, _ in calls
    }
    strayed = [
        (verb, call.name, call.region)
        for verb, call in calls
        if call.region not in {regions(side) for side in SENT[verb][call.name]}
    ]
    assert [] == strayed


def test_a_failback_killed_in_a_bake_and_right_after_it_stepped_back_goes_on_and_ends_as_if_undisturbed(
    enforced: Enforced, due: Rig, back: Back, written: Written
) -> None:
    """It steps back from a half to a tenth once its processes died at the freeze, backup, sync, promotion and bake."""
    rough = Rough(enforced, due)
    due.begin()

    def met(process: Process) -> None:
        written.writer.write_one()
        if process.died[0] is When.LATER:
            assert rough.bakes()
            rough.tasks_at_home(0)

    stepped = gone_on_with(due, rough.name, rough.dies(UNTIL_STEPPED_BACK), met=met)
    assert Exit.VALIDATION_FAILED == stepped.code, stepped.last.said
    said = stepped.last.said.splitlines()[-1]
    assert said.startswith("stepped back: A gate failed, and traffic went back to the last good weights: ")
    assert "stage_traffic.50: gate.targets: too few healthy targets at home: " in said
    assert [10, 50, 10] == rough.weights()
    rough.tasks_at_home(enforced.env.capacity.tasks_per_service)
    ended = gone_on_with(due, rough.name, rough.dies(TO_THE_END), stepped.died, met)
    assert [10, 50, 10, 50, 100] == rough.weights()
    assert written.is_home()
    back.undisturbed.same(rough.name, ended, rough.besides)
    assert [] == enforced.world.denied()


@everywhere
def test_a_failback_killed_before_and_after_each_call_that_changes_something_ends_as_if_undisturbed(back: Back) -> None:
    undisturbed = back.undisturbed
    died = undisturbed.survives("mutations", at_what_none_met)
    assert undisturbed.operations == {name.split()[1] for _, name in died}
    assert 2 * undisturbed.calls.total() == len(set(died)) == len(died)


@everywhere
def test_a_failback_killed_in_each_bake_ends_as_if_undisturbed(enforced: Enforced, due: Rig, back: Back) -> None:
    died = back.undisturbed.survives("bakes", Rough(enforced, due, "bakes").dies(IN_EACH_BAKE))
    assert [When.LATER] * len(IN_EACH_BAKE) == [when for when, _ in died]


@everywhere
def test_a_failback_killed_between_its_records_ends_as_if_undisturbed(back: Back) -> None:
    died = back.undisturbed.survives("records", further_on(step=1))
    assert {"dynamodb:TransactWriteItems"} < {name.split()[1] for _, name in died}


@everywhere
def test_a_failback_killed_at_one_point_alone_ends_as_if_undisturbed(back: Back) -> None:
    back.undisturbed.survives_each_alone(back.undisturbed.points)


def test_a_call_that_the_policies_do_not_allow_is_told_as_denied(enforced: Enforced) -> None:
    assert [] == enforced.world.denied()
    with pytest.raises(ClientError, match="AccessDenied"):
        enforced.aws("operator").client("rds", Side.PRIMARY).delete_db_instance(
            DBInstanceIdentifier="sit-mysql", SkipFinalSnapshot=True
        )
    assert ["rds:DeleteDBInstance"] == [one["action"] for one in enforced.world.denied()]
