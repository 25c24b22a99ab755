"""What the task of a run would refuse, asked before AWS starts it: the task's own screen is seen by nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from dr_actions.authorization.clearance import Approval, AuthorizationRequest, decide
from dr_actions.authorization.rules import EffectiveRules
from reports.values.report import Report
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.authorization import pause_sentence, require_clearance
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.options import Options, RecoveryOptions
from utils.aws_mgmt.app.run_begin import refuse_impossible_begin, require_free_lock


def in_world_of(options: Options, task: RecoveryOptions) -> RecoveryOptions:
    """The words of the ``task`` by the files and keys that ``options`` names here: its own are those of its image."""
    common = {field.name: getattr(options, field.name) for field in fields(Options)}
    # The one shared option that chooses what is planned: it is part of the digest.
    return replace(task, **{**common, "only_tenants": task.only_tenants})


def refuse_closed_table(app: AppContext, incident: str, task: RecoveryOptions) -> None:
    """Raise Refused where the control table keeps any run of the incident from beginning: lock, cool-down, pause."""
    refuse_impossible_begin(app, task.overrides)
    require_free_lock(app, incident, task.overrides, next_steps.approval(task, incident))
    if paused := pause_sentence(app.control.in_force()):
        raise Refused(f"authority.paused: All runs are stopped: {paused}. `dr_cli.py unpause` lets them run again.")


def refuse_as_task(
    task: RecoveryOptions,
    app: AppContext,
    report: Report,
    rules: EffectiveRules,
    starter: str,
    given: Sequence[Approval],
) -> None:
    """Raise Refused with every rule by which the ``task`` that ``starter`` asked AWS for would be refused now.

    ``report`` assesses its plan today; ``given`` are the approvals that it will find.
    """
    # First: it reads the table alone, and needs no plan of today.
    refuse_closed_table(app, task.incident, task)
    if (assessment := report.assessment) is None:
        return
    if not assessment.plan.digest.startswith(task.digest):
        raise Refused(
            f"authority.digest: the plan is {assessment.plan.digest[:12]} now, and AWS waits with {task.digest[:12]}: "
            f"the estate changed. {next_steps.withdrawal_of(task.incident)} ends that one; then the operator asks "
            "again."
        )
    request = AuthorizationRequest(
        plan=assessment.plan,
        incident=task.incident,
        operator=starter,
        # AWS's answer names no user id of who started it: an approval of the starter's own is known by its ARN.
        operator_userid="",
        approvals=given,
        gates=assessment.gates,
        overrides=task.overrides,
        now=app.clock.now(),
        rules=rules,
        pins=app.approvals.pins(),
        confirmed=frozenset(task.confirm),
        approve_with=next_steps.approval(task, task.incident),
    )
    require_clearance(decide(request, app.env))
