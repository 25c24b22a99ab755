"""Examples of the checks of what starts a recovery where AWS does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import AutomationSettings
from dr_estate.readers import recovery_automation as automation
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

FINE, FAILS, UNSEEN, IDLE, WARNS = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE, Status.WARN
STARTED = SIT.model_copy(
    update={
        "automation": AutomationSettings(enabled=True),
        "approvals": SIT.approvals.model_copy(update={"people": 2, "approvers": ("adam",)}),
    }
)
REPOSITORY = f"{SIT.account}.dkr.ecr.{SIT.regions.dr}.amazonaws.com/dr-manager"
ROLE = f"arn:aws:iam::{SIT.account}:role/sit-dr-recovery"
START = automation.StartOfRuns(
    "sit-dr-recovery", True, "dr-recovery-sit", f"{REPOSITORY}@sha256:1", SIT.regions.dr, True, ROLE
)
ECS, SSM = "ecs-tasks.amazonaws.com", "ssm.amazonaws.com"
ROLES = (
    automation.RecoveryRole("sit-dr-automation", True, SSM, True),
    automation.RecoveryRole("sit-dr-recovery", True, ECS, True),
    automation.RecoveryRole("sit-dr-break-glass", True, "", None),
)


def _document(expected: Status, value: Any) -> Example:
    started = world({(automation.start, Side.DR): value})
    return Example("recovery-automation.document", expected, started, env=STARTED)


def _task(expected: Status, value: Any, *subjects: str) -> Example:
    started = world({(automation.start, Side.DR): value})
    return Example("recovery-automation.task", expected, started, frozenset(subjects), env=STARTED)


def _roles(expected: Status, value: Any, *subjects: str) -> Example:
    there = world({(automation.roles, Side.GLOBAL): value})
    return Example("recovery-automation.roles", expected, there, frozenset(subjects), env=STARTED)


def _with_image(image: str, region: str, there: bool | None) -> automation.StartOfRuns:
    return replace(START, image=image, image_region=region, image_there=there)


def _with_role(number: int, **changes: Any) -> tuple[automation.RecoveryRole, ...]:
    return tuple(replace(role, **changes) if at == number else role for at, role in enumerate(ROLES))


PARTS = automation.TaskParts(1024, 2048, ("dr",), "arn:aws:iam::1:role/start", "/dr/sit", SIT.regions.dr, True)


def _with_parts(**changes: Any) -> automation.StartOfRuns:
    return replace(START, parts=replace(PARTS, **changes))


AGENT = automation.Sidecar("agent", f"{REPOSITORY}:agent", SIT.regions.dr, True, "/dr/agent", SIT.regions.dr, True)
IN_PRIMARY = REPOSITORY.replace(SIT.regions.dr, SIT.regions.primary)
EXAMPLES = [
    _document(FINE, START),
    _document(FAILS, replace(START, current=None)),
    _document(FAILS, replace(START, current=False)),
    _document(UNSEEN, DENIED),
    Example("recovery-automation.document", IDLE, world({(automation.start, Side.DR): None})),
    _task(FINE, START),
    _task(FAILS, automation.StartOfRuns("sit-dr-recovery", True, "dr-recovery-sit", None, "", None, "")),
    _task(FAILS, replace(START, task_role=ROLE.replace("recovery", "operator")), "dr-recovery-sit"),
    _task(FAILS, _with_image(f"{REPOSITORY}:7", SIT.regions.dr, False), f"{REPOSITORY}:7"),
    _task(FAILS, _with_image(f"{IN_PRIMARY}:7", SIT.regions.primary, None), f"{IN_PRIMARY}:7"),
    _task(WARNS, _with_image("ghcr.io/team/dr:7", "", None)),
    _task(FINE, _with_parts()),
    _task(FINE, _with_parts(cpu=2048, memory=4096, containers=("agent", "dr"))),
    _task(FINE, _with_parts(entry_points=(("dr", ("/opt/dr/bin/dr", "--config", "/etc/dr/environments")),))),
    _task(FINE, _with_parts(entry_points=(("agent", ("/bin/agent",)),))),
    _task(FINE, _with_parts(entry_points=(("dr", ("/sbin/tini", "--", "/opt/dr/bin/dr")),))),
    _task(FAILS, _with_parts(entry_points=(("dr", ("sh", "-c", "exec dr")),)), "dr-recovery-sit"),
    _task(FAILS, _with_parts(entry_points=(("dr", ("sh", "-c", "dr")),)), "dr-recovery-sit"),
    _task(FINE, _with_parts(entry_points=(("dr", ("sh", "-c", 'exec dr "$@"', "dr")),))),
    _task(FINE, _with_parts(entry_points=(("dr", ("/bin/bash", "-c", "umask 77; exec /opt/dr/bin/dr ${@}", "sh")),))),
    _task(FAILS, _with_parts(entry_points=(("dr", ("sh", "-c", 'exec dr "$@"')),)), "dr-recovery-sit"),
    _task(FAILS, _with_parts(entry_points=(("dr", ("sh", "-c", 'exec true "$@"', "dr")),)), "dr-recovery-sit"),
    _task(FAILS, _with_parts(entry_points=(("dr", ("sh", "-c", 'exec dr "$*"', "dr")),)), "dr-recovery-sit"),
    _task(FAILS, _with_parts(entry_points=(("dr", ("sh", "-ec", "dr")),)), "dr-recovery-sit"),
    _task(FAILS, _with_parts(entry_points=(("dr", ("/bin/bash", "-lc", "true", "dr")),)), "dr-recovery-sit"),
    _task(
        FAILS, _with_parts(entry_points=(("dr", ("tini", "--", "sh", "-o", "errexit", "-c", "dr")),)), "dr-recovery-sit"
    ),
    _task(FINE, _with_parts(entry_points=(("dr", ("sh", "-ec", 'exec dr "$@"', "dr")),))),
    _task(FINE, _with_parts(entry_points=(("dr", ("ionice", "-c", "2", "dr")),))),
    _task(FINE, _with_parts(entry_points=(("dr", ("sh", "/opt/dr/bin/dr")),))),
    _task(FAILS, _with_parts(cpu=512), "dr-recovery-sit"),
    _task(FAILS, _with_parts(memory=1024), "dr-recovery-sit"),
    _task(FAILS, _with_parts(containers=("wordpress",)), "dr-recovery-sit"),
    _task(FAILS, _with_parts(execution_role=""), "dr-recovery-sit"),
    _task(FAILS, _with_parts(log_there=False), "dr-recovery-sit"),
    _task(FAILS, _with_parts(log_region=SIT.regions.primary), "dr-recovery-sit"),
    _task(FINE, _with_parts(sidecars=(AGENT,))),
    _task(FAILS, _with_parts(sidecars=(replace(AGENT, image_there=False),)), AGENT.image),
    _task(
        FAILS, _with_parts(sidecars=(replace(AGENT, image_region=SIT.regions.primary, image_there=None),)), AGENT.image
    ),
    _task(FAILS, _with_parts(sidecars=(replace(AGENT, log_there=False),)), "dr-recovery-sit"),
    _task(FAILS, _with_parts(sidecars=(replace(AGENT, log_region=SIT.regions.primary),)), "dr-recovery-sit"),
    _task(UNSEEN, DENIED),
    Example("recovery-automation.task", IDLE, world({(automation.start, Side.DR): None})),
    _roles(FINE, ROLES),
    _roles(FAILS, _with_role(0, exists=False), "sit-dr-automation"),
    _roles(FAILS, _with_role(2, exists=False), "sit-dr-break-glass"),
    _roles(FAILS, _with_role(1, trusted=False), "sit-dr-recovery"),
    _roles(WARNS, _with_role(1, trusted=None)),
    _roles(WARNS, _with_role(1, trust_ends=NOW + timedelta(days=3))),
    _roles(UNSEEN, DENIED),
    Example("recovery-automation.roles", IDLE, world({(automation.roles, Side.GLOBAL): ()})),
]
