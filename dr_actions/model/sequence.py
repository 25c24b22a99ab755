"""The order of every plan: one table a goal, read from top to bottom. Stage, playbook step, owner and planes derive.

Steps of one stage and action run at once, stages one after another. A stage's number orders, and says nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from dr_actions.model.plan import Goal, Plan, Step, prefix_of
from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import MOST_STAGES
from dr_estate.model import playbook
from dr_estate.model.playbook import Plane, PlaybookStep


class Role(StrEnum):
    """What a row is to the rooms that ask for it; a row that nobody asks for has none."""

    NOTIFY = "notify"
    NOTIFY_END = "notify at the end"
    ANNOUNCE = "announce a change by hand"
    WAIT = "wait for the primary"
    FREEZE = "freeze"
    FREEZE_FILES = "freeze the files"
    FREEZE_SEEN = "a refused write is seen"
    BACKUP = "backup"
    RENAME = "rename"
    ZERO_LOSS = "zero loss"
    COPY_BACK = "copy back"
    DATABASE = "database"
    SERVICES = "services"
    TRAFFIC = "traffic"
    FENCE = "fence"
    CLOSE = "close the old database"


START_BATCHES = 10
FREEZES = frozenset({Role.FREEZE, Role.FREEZE_FILES})
SEEN_FREEZES = FREEZES | {Role.FREEZE_SEEN}
NOTIFYING = frozenset({Role.NOTIFY, Role.NOTIFY_END, Role.ANNOUNCE})
PLANES = {Side.PRIMARY: Plane.PRIMARY, Side.DR: Plane.DR, Side.GLOBAL: Plane.GLOBAL}


@dataclass(frozen=True, slots=True)
class SequenceRow:
    """One place in the order.

    ``part`` distinguishes its steps' ids from those of the action's other row. ``owner`` is the playbook step's, unless
    given. ``planes`` are the control planes of a call; empty stands for that of the step's side. ``most`` is how many
    stages the row takes at most, and ``last`` the playbook step of the last of them, where it is another.
    """

    stage: int
    playbook: PlaybookStep
    action: str
    role: Role | None = None
    part: str = ""
    owner: str = ""
    planes: tuple[Plane, ...] = ()
    most: int = 1
    last: PlaybookStep | None = None

    @property
    def prefix(self) -> str:
        """What an id of one of its steps begins with."""
        return f"{self.action}.{self.part}" if self.part else self.action


_, _, _, _BEGIN, _PROVISION, _RESTORE, _SHIFT, _VALIDATE, _NOTIFY = playbook.FAILOVER
_RECOVERED, _SYNC, _CHECK, _SHARES, _SWITCH, _STOP, _ = playbook.FAILBACK
_CLEAN_UP = PlaybookStep(0, "clean up after a drill", "DR Manager")
_STOP_WRITES = PlaybookStep(0, "stop one region from writing", "DR Manager")
_GIVE_UP = PlaybookStep(0, "bring everybody back to the DR region", "DR Manager")
_RETURN = replace(_BEGIN, name="failback begins")
_LET_WRITE = PlaybookStep(0, "let a fenced region write again", "DR Manager")
_SNS, _BACKUP_MANAGER, _MONITORING = _NOTIFY.owner, _RESTORE.owner, _VALIDATE.owner
_TO_PRIMARY, _TO_DR = (Plane.PRIMARY, Plane.DR), (Plane.DR, Plane.PRIMARY)
_MOST_SHARES, _MOST_STATES = 2 * MOST_STAGES, 2 + MOST_STAGES  # canary tenants first; as today, and all led away

_TO_DR_ROWS = (
    SequenceRow(10, _BEGIN, "notifications/start", Role.NOTIFY, owner=_SNS),
    SequenceRow(20, _BEGIN, "compute/fence_scaling", Role.FENCE),
    SequenceRow(21, _BEGIN, "compute/fence_services", Role.FENCE),
    SequenceRow(30, _PROVISION, "provisioning/apply"),
    SequenceRow(39, _RESTORE, "database/restore_dr", part="promotable"),
    SequenceRow(40, _RESTORE, "database/restore_dr", Role.DATABASE),
    SequenceRow(41, _RESTORE, "database/protect_dr"),
    SequenceRow(41, _RESTORE, "files/restore_dr"),
    SequenceRow(41, _RESTORE, "files/restore_copy"),
    SequenceRow(41, _RESTORE, "files/tag_copy", part="restored"),
    SequenceRow(41, _RESTORE, "files/mount_copy"),
    SequenceRow(41, _RESTORE, "files/register_mover"),
    SequenceRow(41, _RESTORE, "files/move_copy"),
    SequenceRow(41, _RESTORE, "files/create_access_points"),
    SequenceRow(41, _RESTORE, "files/tag_copy", part="replaced"),
    SequenceRow(42, _RESTORE, "files/tag_copy"),
    SequenceRow(42, _RESTORE, "secrets/promote_replicas"),
    SequenceRow(43, _RESTORE, "secrets/point_to_dr"),
    SequenceRow(44, _RESTORE, "compute/repoint_dr_tasks"),
    SequenceRow(45, _RESTORE, "compute/raise_dr_scaling"),
    SequenceRow(46, _RESTORE, "compute/scale_dr_services", Role.SERVICES),
    SequenceRow(48, _SHIFT, "traffic/verify_targets"),
    SequenceRow(49, _SHIFT, "notifications/manual_step", Role.NOTIFY, owner=_SNS),
    SequenceRow(50, _SHIFT, "traffic/shift_to_dr", Role.TRAFFIC),
    SequenceRow(54, _SHIFT, "traffic/pin_from_dr"),
    SequenceRow(55, _SHIFT, "traffic/pin_primary"),
    SequenceRow(56, _SHIFT, "traffic/verify_arrival"),
    SequenceRow(60, _VALIDATE, "database/protect_dr", part="second_zone", owner=_BACKUP_MANAGER),
    SequenceRow(70, _NOTIFY, "notifications/end", Role.NOTIFY_END),
)
# What stands in for a primary region that does not do its part in time; a switchover's is well, or it is taken back.
_STAND_INS = (
    SequenceRow(22, _BEGIN, "database/close_primary", Role.CLOSE),
    SequenceRow(42, _RESTORE, "files/open_dr_locally"),
)
_ZERO_LOSS = SequenceRow(39, _RESTORE, "database/verify_zero_loss", Role.ZERO_LOSS)
# A marker of after the last tenant's write must be in what the DR region serves: before a replica is promoted, or else
# as soon as what was restored can be asked.
_MARKERS = (
    SequenceRow(38, _RESTORE, "database/write_marker"),
    SequenceRow(39, _RESTORE, "database/verify_marker", part="replica"),
    SequenceRow(40, _RESTORE, "database/verify_marker"),
    SequenceRow(60, _VALIDATE, "database/remove_marker"),
)
_FAILOVER = tuple(sorted((*_TO_DR_ROWS, *_STAND_INS), key=lambda row: row.stage))
_SWITCHOVER = tuple(sorted((*_TO_DR_ROWS, _ZERO_LOSS, *_MARKERS), key=lambda row: row.stage))
_FAILBACK = (
    SequenceRow(10, _RETURN, "notifications/start", Role.NOTIFY, owner=_SNS),
    SequenceRow(14, _RETURN, "traffic/shift_to_dr"),
    SequenceRow(15, _RECOVERED, "traffic/wait_primary_stable", Role.WAIT),
    SequenceRow(16, _RECOVERED, "compute/fence_scaling_again"),
    SequenceRow(17, _RECOVERED, "compute/fence_services_again"),
    # the DR region serves and takes writes meanwhile
    SequenceRow(18, _SYNC, "backup/create_backups", Role.BACKUP),
    SequenceRow(19, _SYNC, "database/end_stale_replication"),
    SequenceRow(19, _SYNC, "database/own_group", part="create"),
    SequenceRow(20, _SYNC, "database/rename_old_primary", Role.RENAME),
    SequenceRow(20, _SYNC, "database/own_group", part="use"),
    # a reboot: long before the write pause, and before a replica follows the database
    SequenceRow(21, _SYNC, "database/own_group"),
    SequenceRow(21, _SYNC, "database/unfreeze", part="primary"),
    SequenceRow(22, _SYNC, "database/replicate_to_primary", part="source_backups"),
    SequenceRow(23, _SYNC, "database/replicate_to_primary", Role.COPY_BACK, planes=_TO_PRIMARY),
    SequenceRow(23, _SYNC, "files/end_stale_replication"),
    SequenceRow(24, _SYNC, "files/allow_overwrite_primary"),
    SequenceRow(25, _SYNC, "files/replicate_to_primary", planes=_TO_PRIMARY),
    # a job of S3 may bring most of the objects, where one is configured; the run's own copies bring what it leaves
    SequenceRow(26, _SYNC, "objects/replicate_to_primary", planes=_TO_PRIMARY),
    SequenceRow(26, _SYNC, "objects/end_replication"),
    SequenceRow(26, _SYNC, "objects/copy_to_primary", planes=_TO_PRIMARY),
    SequenceRow(27, _CHECK, "secrets/copy_to_primary"),
    SequenceRow(28, _CHECK, "compute/repoint_primary_tasks"),
    # in the primary region they start while the database and the files are still read-only
    SequenceRow(29, _CHECK, "compute/restore_primary_scaling"),
    SequenceRow(30, _CHECK, "compute/start_primary_services", Role.SERVICES),
    SequenceRow(31, _SYNC, "database/wait_replica_lag"),
    SequenceRow(31, _SYNC, "files/wait_sync_lag"),
    SequenceRow(31, _SYNC, "files/write_marker"),
    # uploads pause: from here on no file is written in the DR region
    SequenceRow(32, _SYNC, "files/freeze", Role.FREEZE_FILES),
    SequenceRow(33, _SYNC, "files/verify_freeze"),
    SequenceRow(33, _SYNC, "files/verify_primary_in_sync"),
    SequenceRow(34, _SYNC, "files/verify_marker"),
    SequenceRow(34, _SYNC, "files/promote_primary", planes=_TO_PRIMARY),
    SequenceRow(35, _SYNC, "files/protect_primary"),
    # Route 53's checkers take minutes to believe it: no write waits for them. The weights lead to the DR region still
    SequenceRow(35, _SHARES, "traffic/unpin_from_dr"),
    SequenceRow(35, _SHARES, "traffic/unpin_primary"),
    SequenceRow(35, _SYNC, "database/write_marker"),
    # who changes DNS by hand reads and checks the first change before anybody is kept from writing
    SequenceRow(35, _SHARES, "notifications/manual_step", Role.ANNOUNCE, part="ahead", owner=_SNS),
    # the write pause: from here on nobody writes in the DR region
    SequenceRow(36, _SYNC, "database/freeze", Role.FREEZE),
    SequenceRow(37, _SYNC, "database/verify_freeze", Role.FREEZE_SEEN),
    SequenceRow(37, _SYNC, "objects/copy_to_primary", part="last", planes=_TO_PRIMARY),
    SequenceRow(37, _SYNC, "tables/write_marker"),
    SequenceRow(38, _SYNC, "tables/verify_marker"),
    SequenceRow(38, _SYNC, "objects/verify_primary_in_sync"),
    SequenceRow(38, _SYNC, "tables/verify_primary_in_sync"),
    SequenceRow(38, _SYNC, "database/verify_marker"),
    # CloudWatch publishes meanwhile how far the replica is
    SequenceRow(39, _SYNC, "database/verify_primary_in_sync"),
    SequenceRow(40, _SYNC, "database/promote_primary", Role.DATABASE),
    SequenceRow(46, _SHARES, "traffic/verify_targets"),
    # visitors of the primary region write from the first stage on; those of the DR region only read until the last
    SequenceRow(50, _SHARES, "notifications/manual_step", Role.NOTIFY, owner=_SNS, most=_MOST_SHARES, last=_SWITCH),
    SequenceRow(50, _SHARES, "traffic/shift_to_primary", Role.TRAFFIC, most=_MOST_SHARES, last=_SWITCH),
    SequenceRow(59, _STOP, "database/remove_marker"),
    SequenceRow(59, _STOP, "files/remove_marker"),
    SequenceRow(59, _STOP, "tables/remove_marker"),
    SequenceRow(59, _STOP, "database/protect_primary"),
    SequenceRow(59, _STOP, "objects/copy_to_primary_final", planes=_TO_PRIMARY),
    SequenceRow(60, _STOP, "compute/restore_dr_scaling"),
    SequenceRow(61, _STOP, "compute/stop_dr_services"),
    SequenceRow(62, _STOP, "database/rename_old_dr", Role.RENAME),
    SequenceRow(63, _STOP, "files/unfreeze"),
    SequenceRow(63, _STOP, "database/unfreeze"),
    SequenceRow(64, _STOP, "files/allow_overwrite_dr"),
    SequenceRow(65, _STOP, "files/replicate_to_dr", planes=_TO_PRIMARY),
    SequenceRow(65, _STOP, "database/replicate_to_dr", planes=_TO_DR),
    SequenceRow(66, _STOP, "database/replicate_to_dr", part="replica_backups"),
    SequenceRow(66, _STOP, "secrets/replicate_to_dr", planes=_TO_PRIMARY),
    SequenceRow(70, _NOTIFY, "notifications/end", Role.NOTIFY_END),
)
_RESTORE_TEST = (
    SequenceRow(40, _RESTORE, "restore_test/restore_database"),
    SequenceRow(41, _RESTORE, "files/restore_copy"),
    SequenceRow(42, _RESTORE, "files/tag_copy"),
    SequenceRow(43, _RESTORE, "files/create_access_points"),
    SequenceRow(45, _RESTORE, "restore_test/start_tasks", most=START_BATCHES),
    SequenceRow(55, _VALIDATE, "restore_test/query_database"),
)
_START_TEST = (SequenceRow(45, _RESTORE, "restore_test/start_tasks", most=START_BATCHES),)
_CANARY = (SequenceRow(50, _SHIFT, "canary/drive", most=_MOST_STATES),)
_CLEANING = (
    SequenceRow(10, _NOTIFY, "restore_test/stop_tasks", owner=_MONITORING),
    SequenceRow(19, _CLEAN_UP, "restore_test/remove_databases", most=2),
    SequenceRow(20, _NOTIFY, "restore_test/remove_files", owner=_BACKUP_MANAGER, most=3),
    SequenceRow(50, _SHIFT, "canary/remove"),
)
_FENCE = (
    SequenceRow(10, _STOP_WRITES, "notifications/start", Role.NOTIFY, owner=_SNS),
    SequenceRow(20, _STOP_WRITES, "compute/fence_scaling"),
    SequenceRow(20, _STOP_WRITES, "compute/fence_scaling", part="dr"),
    SequenceRow(21, _STOP_WRITES, "compute/fence_services"),
    SequenceRow(21, _STOP_WRITES, "compute/fence_services", part="dr"),
    SequenceRow(22, _STOP_WRITES, "database/freeze"),
    SequenceRow(22, _STOP_WRITES, "database/freeze", part="dr"),
)
_RELEASE = (
    SequenceRow(10, _LET_WRITE, "notifications/start", Role.NOTIFY, owner=_SNS),
    SequenceRow(20, _LET_WRITE, "database/unfreeze"),
    SequenceRow(21, _LET_WRITE, "compute/release_services"),
    SequenceRow(22, _LET_WRITE, "compute/release_scaling"),
)
_ABORT = (
    SequenceRow(10, _GIVE_UP, "notifications/start", Role.NOTIFY, owner=_SNS),
    # nobody writes in the primary region before the DR region does again
    SequenceRow(20, _GIVE_UP, "compute/fence_scaling_again"),
    SequenceRow(21, _GIVE_UP, "compute/fence_services_again"),
    SequenceRow(30, _GIVE_UP, "files/unfreeze"),
    SequenceRow(31, _GIVE_UP, "database/unfreeze"),
    # what the failback wrote of its own goes too
    SequenceRow(32, _GIVE_UP, "database/remove_marker"),
    SequenceRow(32, _GIVE_UP, "files/remove_marker"),
    SequenceRow(32, _GIVE_UP, "tables/remove_marker"),
    # nobody is led back to the primary region by health alone
    SequenceRow(33, _GIVE_UP, "traffic/pin_from_dr"),
    SequenceRow(33, _GIVE_UP, "traffic/pin_primary"),
    SequenceRow(34, _GIVE_UP, "files/protect_primary_again"),
    SequenceRow(70, _NOTIFY, "notifications/end", Role.NOTIFY_END),
)
SEQUENCE: Mapping[Goal, tuple[SequenceRow, ...]] = {
    Goal.FAILOVER: _FAILOVER,
    Goal.SWITCHOVER: _SWITCHOVER,
    Goal.FAILBACK: _FAILBACK,
    Goal.RESTORE_TEST: _RESTORE_TEST,
    Goal.START_TEST: _START_TEST,
    Goal.CANARY: _CANARY,
    Goal.CLEAN_UP: _CLEANING,
    Goal.FENCE: _FENCE,
    Goal.RELEASE: _RELEASE,
    Goal.ABORT: _ABORT,
}


def goals_of(action: str) -> frozenset[Goal]:
    """The goals in whose table ``action`` is."""
    return frozenset(goal for goal, rows in SEQUENCE.items() if any(row.action == action for row in rows))


def row_of(goal: Goal, action: str, part: str = "") -> SequenceRow:
    """The row of that ``part`` of ``action``. Raises ValueError without one."""
    for row in SEQUENCE[goal]:
        if row.action == action and row.part == part:
            return row
    raise ValueError(f"{action} {part}".rstrip() + f" has no place in a {goal}: add it to dr_actions/model/sequence.py")


def playbook_step(goal: Goal, step: Step) -> PlaybookStep:
    """The playbook step that a step of a plan of ``goal`` belongs to. Raises ValueError for none of the table's."""
    prefix, _, part = prefix_of(step.id).partition(".")
    row = row_of(goal, prefix, part)
    return row.last if row.last is not None and row.last.number == step.number else row.playbook


def role_of(goal: Goal, step_id: str) -> Role | None:
    """The role of the step of that id in a plan of ``goal``; None where it has none, or is none of the table's."""
    return next((row.role for row in SEQUENCE[goal] if row.prefix == prefix_of(step_id)), None)


def serving_side(plan: Plan) -> Side:
    """The side that visitors are to be led to once the plan is done; of a fence the one that it does not stop."""
    if plan.goal is Goal.FENCE:
        stopped = next((step.side for step in plan.steps if role_of(plan.goal, step.id) is None), Side.PRIMARY)
        return Side.PRIMARY if stopped is Side.DR else Side.DR
    return Side.PRIMARY if plan.goal in (Goal.FAILBACK, Goal.RELEASE) else Side.DR


def roles_in(plan: Plan) -> frozenset[Role]:
    """Every role that a step of the plan has."""
    return frozenset(role for step in plan.steps if (role := role_of(plan.goal, step.id)))


def announced_step(plan: Plan, step_id: str) -> Step | None:
    """Return the manual change that the step of that id announces ahead of time; None where it announces nothing."""
    if role_of(plan.goal, step_id) is not Role.ANNOUNCE:
        return None
    return next((step for step in plan.steps if step.manual and role_of(plan.goal, step.id) is Role.TRAFFIC), None)
