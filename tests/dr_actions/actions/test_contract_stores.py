"""What every action of the stores does to an emulated AWS: planned, sent, seen to be done, and taken back where it can.

The world goes through a failover and its failback, then from its healthy state again through each other story, action
by action. A test takes its action where the world has come to; alone, it takes those before it too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.registry import actions
from dr_actions.model.action import Action, PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import TRIAL, new_id
from dr_estate.readers import efs, rds
from dr_estate.reading.reader import TrackedChanges
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.dr_actions.actions.batched_world import batched, replicated_back
from tests.dr_actions.actions.estates import AT_ONCE
from tests.dr_actions.actions.failback_world import Home, lead, past_the_second, stop_primary
from tests.dr_checks.databases import accepting
from tests.worlds import borrowed, healthy

pytestmark = pytest.mark.proof

NAME, SECRET, BUCKET = "sit-mysql", "sit-tenant-1-db-credentials", "bbws-tenant-assets-sit"
QUICK = {**dict.fromkeys(("transition_s", "log_upload_s", "files_lag_s", "replica_lag_s"), 0.0), "lag_published_s": 0.5}
TAKEN_BACK = {
    *(
        "database/close_primary",
        "database/freeze",
        "database/rename_old_primary",
        "database/rename_old_dr",
        "database/unfreeze",
    ),
    *("files/freeze", "files/allow_overwrite_dr", "canary/drive"),
}
OTHERS = {"compute", "notifications", "traffic"}
STORES = {name: action for name, action in actions().items() if name.partition("/")[0] not in OTHERS}
WATCHED = sorted({part for action in STORES.values() for part in action.reads_parts} | {"s3.buckets"})
EMULATED = AT_ONCE.model_copy(update={"failback": AT_ONCE.failback.model_copy(update={"dns_samples": 20})})
REPLICATED_BACK = batched(EMULATED)
UNVAULTED = EMULATED.model_copy(
    update={"names": EMULATED.names.model_copy(update=dict.fromkeys(("primary_vault", "dr_vault", "file_system"), ""))}
)
PROMOTING = EMULATED.model_copy(update={"replication": accepting("read-replica").replication})


class Estate(Home):
    """A world in which one goal after another is pursued, each by a plan of what was seen when it began."""

    def __init__(self, endpoint: Endpoint, env: Environment, seen: Snapshot) -> None:
        self.incident, self.followed = new_id(TRIAL, seen.taken_at), tuple[str, ...]()
        self.planned, self.recorded, self.primary_lost = dict[str, list[Step]](), dict[str, Any](), True
        super().__init__(endpoint, env, seen)

    def pursue(self, goal: Goal) -> None:
        """Read again what the stores are, and plan what the goal does to them."""
        self.goal, self.healthy = goal, self.whole(*WATCHED)
        self.recorded = {step.id: step.before for steps in self.planned.values() for step in steps}
        self.sent_at, self.confirmed_at, self.changes = {}, {}, {}
        self.planned = {name: list(action.plan_steps(self.sight())) for name, action in STORES.items()}

    def sight(self, snapshot: Snapshot | None = None, **changes: Any) -> PlanContext:
        known = {"incident": self.incident, "recorded": self.recorded, "changes": dict(self.changes)}
        answers = self.goal is not Goal.FAILOVER or not self.primary_lost
        return super().sight(snapshot, **{**known, "primary_answers": answers, **changes})

    def look(self, action: Action, upon: Snapshot | None = None) -> PlanContext:
        followed = TrackedChanges(tuple(self.changes.values()), self.followed)
        return super().look(action, replace(upon or self.healthy, followed=followed))

    def does(self, action: Action, step: Step) -> None:
        """Send the step's call where it is ready, and wait for what it is to bring about."""
        self.followed = tuple(step.after.get("asks", ()))
        ready = self.confirm(action, step)
        if step.call is not None and ready.state is not StepState.DONE:
            assert ready.state is StepState.READY, ready.message
            self.act(action, step, context=self.latest)
        done = self.until(StepState.DONE, action, step)
        assert done.state is StepState.DONE, done.message

    def put(self, side: Side, key: str) -> None:
        """Write an object of a tenant."""
        bucket = BUCKET if side is Side.PRIMARY else f"{BUCKET}-dr"
        self.send(side, "s3:PutObject", Bucket=bucket, Key=key, Body=b"written")


def _lead_away(estate: Estate) -> None:
    """Visitors go to the DR region, and there a password is changed and an object written."""
    lead(estate, Side.DR)
    text = estate.send(Side.DR, "secretsmanager:GetSecretValue", SecretId=SECRET)["SecretString"]
    changed = json.dumps({**json.loads(text), "password": "changed while away"})
    estate.send(Side.DR, "secretsmanager:PutSecretValue", SecretId=SECRET, SecretString=changed)
    estate.put(Side.DR, "away.txt")
    past_the_second(estate)


def _lead_alone(estate: Estate) -> None:
    """Visitors go to the DR region."""
    lead(estate, Side.DR)


def _lead_away_on_a_group_of_aws(estate: Estate) -> None:
    """Visitors go to the DR region, whose database has the group that AWS made."""
    group = {"DBInstanceIdentifier": NAME, "DBParameterGroupName": "default.mysql8.0", "ApplyImmediately": True}
    estate.send(Side.DR, "rds:ModifyDBInstance", **group)
    estate.send(Side.DR, "rds:RebootDBInstance", DBInstanceIdentifier=NAME)
    lead(estate, Side.DR)


def _lead_to_primary(estate: Estate) -> None:
    """Visitors are led to the primary region; an object was still written to the DR region before."""
    past_the_second(estate)
    estate.put(Side.DR, "late.txt")
    lead(estate, Side.PRIMARY)


def _expose(side: Side) -> Callable[[Estate], None]:
    """RDS did not heed that the side's database is to be protected."""

    def expose(estate: Estate) -> None:
        given = {"BackupRetentionPeriod": 1} if side is Side.PRIMARY else {}
        (found,) = [
            row for row in estate.whole("rds.instances").get(rds.instances, side) if "before" not in row.identifier
        ]
        params = {
            "DBInstanceIdentifier": found.identifier,
            "DeletionProtection": False,
            "ApplyImmediately": True,
            **given,
        }
        estate.send(side, "rds:ModifyDBInstance", **params)

    return expose


def _leave_files_open(estate: Estate) -> None:
    """EFS did not switch the protection on again by itself."""
    (found,) = estate.whole("efs.file_systems").get(efs.file_systems, Side.PRIMARY)
    params = {"FileSystemId": found.id, "ReplicationOverwriteProtection": "DISABLED"}
    estate.send(Side.PRIMARY, "efs:UpdateFileSystemProtection", **params)


def _leave_a_task(estate: Estate) -> None:
    """A drill's task that does not end."""
    (step,) = estate.planned["restore_test/query_database"]
    estate.endpoint.timing(transition_s=60)
    call = actions()[step.action].build_call(step, estate.look(actions()[step.action]))
    estate.send(Side.DR, "ecs:RunTask", **{**call.params, "clientToken": "another"})
    estate.endpoint.timing(transition_s=0)


def _replicate_back(estate: Estate) -> None:
    """A rule replicates the copies back, and a role may start jobs; what was written away is older than the rule."""
    lead(estate, Side.DR)
    estate.put(Side.DR, "away.txt")
    past_the_second(estate)
    replicated_back(estate.endpoint, estate.env)


def _leave_a_job(estate: Estate) -> None:
    """A job of the same failback's earlier plan that takes its time."""
    step = next(step for step in estate.planned["objects/replicate_to_primary"] if step.subject == BUCKET)
    estate.endpoint.fill([f"{BUCKET}-dr"], "later/", 1)
    estate.endpoint.timing(transition_s=60)
    call = actions()[step.action].build_call(step, estate.look(actions()[step.action]))
    estate.send(
        Side.DR,
        "s3control:CreateJob",
        **{**call.params, "ClientRequestToken": "earlier", "Description": f"{call.params['Description']}-earlier"},
    )


def _break_secrets(estate: Estate) -> None:
    """A secret of the DR region leads to the primary's database."""
    estate.endpoint.inject("secrets-host-of-the-primary")


def _nothing(_estate: Estate) -> None:
    """Nobody does anything."""


def _replica_exposed(estate: Estate) -> None:
    """A replica of the database stands in the DR region, and is not protected."""
    estate.endpoint.inject("replica-without-backups")
    _expose(Side.DR)(estate)


def _unreplicated(estate: Estate) -> None:
    """Nothing replicates the files into the DR region: the copies in its vault are all there is."""
    estate.endpoint.inject("efs-replication-deleted")


def _sicken(estate: Estate) -> None:
    """The primary region is sick, and answers."""
    estate.primary_lost = False


def _half_delete(estate: Estate) -> None:
    """The primary's EFS does not do its half of a deletion that was asked for."""
    estate.endpoint.begin(Outage(estate.env.regions.primary, "error", "efs"))
    (step,) = estate.planned["files/restore_dr"]
    estate.act(actions()[step.action], step)


Scene = tuple[Goal, str, Callable[[Estate], None]]
RECOVERY: tuple[Scene, ...] = (
    (Goal.SWITCHOVER, "database/verify_zero_loss", stop_primary),
    (Goal.FAILOVER, "secrets/promote_replicas", _break_secrets),
    (Goal.FAILOVER, "database/restore_dr", _nothing),
    (Goal.FAILOVER, "files/restore_dr", _nothing),
    (Goal.FAILOVER, "secrets/point_to_dr", _nothing),
    (Goal.FAILBACK, "backup/create_backups", _lead_away),
    (Goal.FAILBACK, "database/end_stale_replication", _nothing),
    (Goal.FAILBACK, "database/rename_old_primary", _nothing),
    (Goal.FAILBACK, "database/replicate_to_primary", _nothing),
    (Goal.FAILBACK, "files/end_stale_replication", _nothing),
    (Goal.FAILBACK, "files/allow_overwrite_primary", _nothing),
    (Goal.FAILBACK, "files/replicate_to_primary", _nothing),
    (Goal.FAILBACK, "secrets/copy_to_primary", _nothing),
    (Goal.FAILBACK, "database/wait_replica_lag", _nothing),
    (Goal.FAILBACK, "files/wait_sync_lag", _nothing),
    (Goal.FAILBACK, "files/freeze", _nothing),
    (Goal.FAILBACK, "database/freeze", _nothing),
    (Goal.FAILBACK, "objects/copy_to_primary", _nothing),
    (Goal.FAILBACK, "files/verify_primary_in_sync", _nothing),
    (Goal.FAILBACK, "objects/verify_primary_in_sync", _nothing),
    (Goal.FAILBACK, "tables/verify_primary_in_sync", _nothing),
    (Goal.FAILBACK, "database/verify_primary_in_sync", _nothing),
    (Goal.FAILBACK, "database/promote_primary", _nothing),
    (Goal.FAILBACK, "files/promote_primary", _nothing),
    (Goal.FAILBACK, "files/protect_primary", _leave_files_open),
    (Goal.FAILBACK, "database/protect_primary", _expose(Side.PRIMARY)),
    (Goal.FAILBACK, "objects/copy_to_primary_final", _lead_to_primary),
    (Goal.FAILBACK, "database/rename_old_dr", _nothing),
    (Goal.FAILBACK, "files/unfreeze", _nothing),
    (Goal.FAILBACK, "database/unfreeze", _nothing),
    (Goal.FAILBACK, "files/allow_overwrite_dr", _nothing),
    (Goal.FAILBACK, "files/replicate_to_dr", _nothing),
    (Goal.FAILBACK, "database/replicate_to_dr", _nothing),
    (Goal.FAILBACK, "secrets/replicate_to_dr", _nothing),
)
PROMOTION: tuple[Scene, ...] = (
    (Goal.FAILOVER, "database/restore_dr", _replica_exposed),
    (Goal.FAILOVER, "database/protect_dr", _nothing),
)
SNAPSHOTS: tuple[Scene, ...] = (
    (Goal.FAILOVER, "database/restore_dr", _nothing),
    (Goal.FAILBACK, "backup/create_backups", _lead_alone),
)
OWN_GROUP: tuple[Scene, ...] = (
    (Goal.FAILOVER, "database/restore_dr", _nothing),
    (Goal.FAILBACK, "database/own_group", _lead_away_on_a_group_of_aws),
)
COPIES: tuple[Scene, ...] = (
    (Goal.FAILOVER, "files/restore_copy", _unreplicated),
    (Goal.FAILOVER, "files/mount_copy", _nothing),
    (Goal.FAILOVER, "files/register_mover", _nothing),
    (Goal.FAILOVER, "files/move_copy", _nothing),
    (Goal.FAILOVER, "files/create_access_points", _nothing),
    (Goal.FAILOVER, "files/tag_copy", _nothing),
)
GIVEN_UP: tuple[Scene, ...] = (
    (Goal.FAILOVER, "files/restore_dr", _nothing),
    (Goal.ABORT, "files/protect_primary_again", _leave_files_open),
)
SICK: tuple[Scene, ...] = (
    (Goal.FAILOVER, "database/close_primary", _sicken),
    (Goal.FAILOVER, "files/open_dr_locally", _half_delete),
)
DRILLS: tuple[Scene, ...] = (
    (Goal.CANARY, "canary/drive", _nothing),
    (Goal.RESTORE_TEST, "restore_test/restore_database", _nothing),
    (Goal.RESTORE_TEST, "files/restore_copy", _nothing),
    (Goal.RESTORE_TEST, "files/tag_copy", _nothing),
    (Goal.RESTORE_TEST, "files/create_access_points", _nothing),
    (Goal.RESTORE_TEST, "restore_test/start_tasks", _nothing),
    (Goal.RESTORE_TEST, "restore_test/query_database", _nothing),
    (Goal.CLEAN_UP, "restore_test/stop_tasks", _leave_a_task),
    (Goal.CLEAN_UP, "restore_test/remove_databases", _nothing),
    (Goal.CLEAN_UP, "restore_test/remove_files", _nothing),
    (Goal.CLEAN_UP, "canary/remove", _nothing),
)


REPLICATION: tuple[Scene, ...] = (
    (Goal.FAILBACK, "objects/replicate_to_primary", _replicate_back),
    (Goal.FAILBACK, "objects/end_replication", _leave_a_job),
)


class Story:
    """Scenes that follow one another in one world."""

    def __init__(self, estate: Estate, scenes: tuple[Scene, ...]) -> None:
        self.estate, self._scenes, self.played = estate, scenes, 0

    def come_to(self, number: int) -> list[Step]:
        """Take all actions before that of the scene; returns its steps."""
        for earlier in range(self.played, number):
            for step in self._enter(earlier):
                self.estate.does(actions()[step.action], step)
        return self._enter(number)

    def _enter(self, number: int) -> list[Step]:
        self.played = number + 1
        goal, action, meanwhile = self._scenes[number]
        meanwhile(self.estate)
        if number == 0 or goal is not self._scenes[number - 1][0]:
            self.estate.pursue(goal)
        return self.estate.planned[action]


STORIES = {
    "recovery": (EMULATED, RECOVERY),
    "promotion": (PROMOTING, PROMOTION),
    "snapshots": (UNVAULTED, SNAPSHOTS),
    "own group": (EMULATED, OWN_GROUP),
    "copies": (EMULATED, COPIES),
    "given up": (EMULATED, GIVEN_UP),
    "sick": (EMULATED, SICK),
    "drills": (EMULATED, DRILLS),
    "replication": (REPLICATED_BACK, REPLICATION),
}


@pytest.fixture(scope="module")
def story_at() -> Iterator[Callable[[str, int], Story]]:
    """The story of that name before the scene of that number; begun again in the healthy world if it is past it."""
    begun = dict[str, Story]()
    with borrowed(EMULATED, tenants=1) as endpoint:
        endpoint.timing(**QUICK)
        endpoint.keep("healthy")
        seen = healthy(endpoint, EMULATED)

        def story_at(name: str, number: int) -> Story:
            if name not in begun or begun[name].played > number:
                begun.clear()
                endpoint.end()
                endpoint.return_to("healthy")
                env, scenes = STORIES[name]
                begun[name] = Story(Estate(endpoint, env, seen), scenes)
            return begun[name]

        yield story_at


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(name, number, id=f"{name}: {action}")
        for name, (_, scenes) in STORIES.items()
        for number, (_, action, _) in enumerate(scenes)
    ],
)
def test_an_action_brings_about_what_it_says_and_takes_back_what_it_can(
    story_at: Callable[[str, int], Story], name: str, number: int
) -> None:
    story = story_at(name, number)
    steps, estate = story.come_to(number), story.estate
    sent = len(estate.hand.sent)
    for step in steps:
        action_name = actions()[step.action]
        estate.does(action_name, step)
        back = action_name.rollback_call(step)
        assert (back is not None) is (step.action in TAKEN_BACK)
        if back is not None:
            estate.hand.send(back)
            undone = estate.until(StepState.READY, action_name, step)
            assert undone.state is StepState.READY, undone.message
            estate.does(action_name, step)
    assert steps, "nothing was planned"
    assert len(estate.hand.sent) > sent or not action_name.writes, "nothing was sent"


def test_every_action_of_the_stores_that_makes_a_call_is_in_a_story() -> None:
    played = {action for _, scenes in STORIES.values() for _, action, _ in scenes}
    # one task writes while another step freezes: tests/proofs/test_home_again.py and test_abort.py play them together
    marked = ("write_marker", "verify_marker", "remove_marker")
    markers = {f"{room}/{name}" for room in ("database", "files", "tables") for name in marked}
    markers |= {"database/verify_freeze", "files/verify_freeze"}
    assert played == STORES.keys() - markers - {"provisioning/apply"}
