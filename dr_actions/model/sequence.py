"""The order of every plan: one table a goal, read from top to bottom. Stage, playbook step, owner and planes derive.

Steps of one stage and action run at once, stages one after another. A stage's number orders, and says nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dr_actions.model.plan import Goal, Plan
from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import MOST_STAGES
from dr_estate.model import playbook
from dr_estate.model.playbook import Plane, PlaybookStep


class Role(StrEnum):
    """What a row is to the rooms that ask for it; a row that nobody asks for has none."""

    NOTIFY = "notify"
    NOTIFY_END = "notify at the end"
    WAIT = "wait for the primary"
    FREEZE = "freeze"
    BACKUP = "backup"
    RENAME = "rename"
    SYNC = "sync"
    ZERO_LOSS = "zero loss"
    DATABASE = "database"
    SERVICES = "services"
    TRAFFIC = "traffic"


NOTIFYING = frozenset({Role.NOTIFY, Role.NOTIFY_END})
PLANES = {Side.PRIMARY: Plane.PRIMARY, Side.DR: Plane.DR, Side.GLOBAL: Plane.GLOBAL}


@dataclass(frozen=True, slots=True)
class Row:
    """One place in the order.

    ``ids`` begins the ids of its steps, where that is not the action's name. ``owner`` is the playbook step's, unless
    given. ``planes`` are the control planes of a call; empty stands for that of the step's side. ``most`` is how many
    stages the row takes at most, and ``last`` the playbook step of the last of them, where it is another.
    """

    stage: int
    playbook: PlaybookStep
    action: str
    role: Role | None = None
    ids: str = ""
    owner: str = ""
    planes: tuple[Plane, ...] = ()
    most: int = 1
    last: PlaybookStep | None = None

    @property
    def prefix(self) -> str:
        """What an id of one of its steps begins with, up to the first dot."""
        return self.ids or self.action


_, _, _, _BEGIN, _PROVISION, _RESTORE, _SHIFT, _VALIDATE, _NOTIFY = playbook.FAILOVER
_RECOVERED, _SYNC, _CHECK, _SHARES, _SWITCH, _STOP, _ = playbook.FAILBACK
_CLEAN_UP = PlaybookStep(0, "clean up after a drill", "DR Manager", (), ())
_SNS, _BACKUP_MANAGER, _MONITORING = _NOTIFY.owner, _RESTORE.owner, _VALIDATE.owner
_TO_PRIMARY, _TO_DR = (Plane.PRIMARY, Plane.DR), (Plane.DR, Plane.PRIMARY)
_MOST_SHARES, _MOST_STATES = 2 * MOST_STAGES, 2 + MOST_STAGES  # canary tenants first; as today, and all led away

_FAILOVER = (
    Row(10, _BEGIN, "notify_start", Role.NOTIFY, owner=_SNS),
    Row(20, _BEGIN, "fence_minimum"),
    Row(21, _BEGIN, "fence_services"),
    Row(30, _PROVISION, "provision"),
    Row(39, _RESTORE, "database", ids="promotable"),
    Row(40, _RESTORE, "database", Role.DATABASE),
    Row(41, _RESTORE, "database_protection"),
    Row(41, _RESTORE, "files"),
    Row(42, _RESTORE, "promoted_secrets"),
    Row(43, _RESTORE, "rewritten_secrets"),
    Row(44, _RESTORE, "task_definitions"),
    Row(45, _RESTORE, "minimum"),
    Row(46, _RESTORE, "services", Role.SERVICES),
    Row(49, _SHIFT, "notify_manual", Role.NOTIFY, owner=_SNS),
    Row(50, _SHIFT, "shift_traffic", Role.TRAFFIC),
    Row(55, _SHIFT, "pin_primary"),
    Row(70, _NOTIFY, "notify_end", Role.NOTIFY_END),
)
_ZERO_LOSS = Row(39, _RESTORE, "prove_zero_loss", Role.ZERO_LOSS, ids="zero-loss")
_SWITCHOVER = tuple(sorted((*_FAILOVER, _ZERO_LOSS), key=lambda row: row.stage))
_FAILBACK = (
    Row(10, _BEGIN, "notify_start", Role.NOTIFY, owner=_SNS),
    Row(15, _RECOVERED, "primary_stable", Role.WAIT),
    Row(16, _RECOVERED, "fence_returned_minimum"),
    Row(17, _RECOVERED, "fence_returned_services"),
    Row(18, _SYNC, "freeze_database", Role.FREEZE),
    Row(19, _SYNC, "freeze_files", Role.FREEZE),
    Row(20, _SYNC, "back_up", Role.BACKUP),
    Row(25, _SYNC, "set_aside", Role.RENAME),
    Row(29, _SYNC, "database_home", ids="source_backups"),
    Row(30, _SYNC, "database_home", Role.SYNC, planes=_TO_PRIMARY),
    Row(30, _SYNC, "end_old_replication"),
    Row(31, _SYNC, "open_files"),
    Row(32, _SYNC, "replicate_files_home", planes=_TO_PRIMARY),
    Row(33, _SYNC, "copy_objects_home", planes=_TO_PRIMARY),
    Row(35, _SYNC, "proven_database"),
    Row(35, _SYNC, "prove_files_home"),
    Row(35, _SYNC, "prove_objects_home"),
    Row(35, _SYNC, "prove_tables_home"),
    Row(37, _SYNC, "promoted_home", Role.DATABASE),
    Row(38, _SYNC, "home_protection"),
    Row(38, _SYNC, "release_files_home", planes=_TO_PRIMARY),
    Row(39, _SYNC, "protect_files"),
    Row(40, _CHECK, "secrets_home"),
    Row(44, _CHECK, "task_definitions_home"),
    Row(45, _CHECK, "home_minimum"),
    Row(46, _CHECK, "home_services", Role.SERVICES),
    Row(48, _SHARES, "unpin_primary"),
    Row(50, _SHARES, "notify_manual", Role.NOTIFY, owner=_SNS, most=_MOST_SHARES, last=_SWITCH),
    Row(50, _SHARES, "stage_traffic", Role.TRAFFIC, most=_MOST_SHARES, last=_SWITCH),
    Row(59, _STOP, "copy_objects_last", planes=_TO_PRIMARY),
    Row(60, _STOP, "dr_minimum"),
    Row(61, _STOP, "stop_dr_services"),
    Row(62, _STOP, "set_aside_dr", Role.RENAME),
    Row(63, _STOP, "thaw_files"),
    Row(63, _STOP, "thawed_database"),
    Row(64, _STOP, "open_dr_files"),
    Row(65, _STOP, "protect_files_again", planes=_TO_PRIMARY),
    Row(65, _STOP, "protected_database", planes=_TO_DR),
    Row(66, _STOP, "protected_database", ids="replica_backups"),
    Row(66, _STOP, "protected_secrets", planes=_TO_PRIMARY),
    Row(70, _NOTIFY, "notify_end", Role.NOTIFY_END),
)
_RESTORE_TEST = (
    Row(40, _RESTORE, "try_database"),
    Row(41, _RESTORE, "try_files"),
    Row(42, _RESTORE, "mark_files"),
    Row(43, _RESTORE, "open_tried_files"),
    Row(45, _VALIDATE, "ask_database"),
)
_CANARY = (Row(50, _SHIFT, "drive_canary", most=_MOST_STATES),)
_CLEANING = (
    Row(10, _NOTIFY, "stop_probes", owner=_MONITORING),
    Row(19, _CLEAN_UP, "remove_databases", most=2),
    Row(20, _NOTIFY, "remove_files", owner=_BACKUP_MANAGER, most=3),
    Row(50, _SHIFT, "remove_canary"),
)
SEQUENCE: Mapping[Goal, tuple[Row, ...]] = {
    Goal.FAILOVER: _FAILOVER,
    Goal.SWITCHOVER: _SWITCHOVER,
    Goal.FAILBACK: _FAILBACK,
    Goal.RESTORE_TEST: _RESTORE_TEST,
    Goal.CANARY: _CANARY,
    Goal.CLEAN_UP: _CLEANING,
}


def goals_of(action: str) -> frozenset[Goal]:
    """The goals in whose table ``action`` is."""
    return frozenset(goal for goal, rows in SEQUENCE.items() if any(row.action == action for row in rows))


def row_of(goal: Goal, action: str, ids: str = "") -> Row:
    """The row of ``action`` whose steps' ids begin with ``ids`` (the action's name). Raises ValueError without one."""
    for row in SEQUENCE[goal]:
        if row.action == action and row.ids == ids:
            return row
    name = f"{action} ({ids})" if ids else action
    raise ValueError(f"{name} has no place in a {goal}: add it to dr_actions/model/sequence.py")


def prefix_of(step_id: str) -> str:
    """What the id begins with: the action's name, or the row's own."""
    return step_id.partition(".")[0]


def role_of(goal: Goal, step_id: str) -> Role | None:
    """The role of the step of that id in a plan of ``goal``; None where it has none, or is none of the table's."""
    return next((row.role for row in SEQUENCE[goal] if row.prefix == prefix_of(step_id)), None)


def roles_in(plan: Plan) -> frozenset[Role]:
    """Every role that a step of the plan has."""
    return frozenset(role for step in plan.steps if (role := role_of(plan.goal, step.id)))
