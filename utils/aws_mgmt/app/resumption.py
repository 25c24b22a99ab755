"""What a run that is gone on with starts from: the plan and clearance on record, and the gates as they stand now."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from dr_actions.authorization.clearance import Clearance
from dr_actions.authorization.resumption import RULE, gates_to_go_on
from dr_actions.drills.phases import changed
from dr_actions.journal.entries import Entry
from dr_actions.model import plan as plans
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Plan
from dr_checks.core.model import Status
from dr_estate.config.environment import Environment
from dr_estate.snapshot.snapshot import Snapshot
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.assessment import assess
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.incident_record import clearance_from_json
from utils.aws_mgmt.app.options import PlanOptions


def recorded_by(begun: Entry) -> tuple[Plan, Clearance]:
    """The plan and the clearance that the journal says the run began with. Raises Refused where it says neither."""
    try:
        return plans.from_json(begun.data["plan"]), clearance_from_json(dict(begun.data["clearance"]))
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError) as damaged:
        raise Refused(f"{RULE}: the journal holds no clearance that can be read. Begin with --replan.") from damaged


def gates_now(
    options: PlanOptions, env: Environment, snapshot: Snapshot, run: evaluation.Run, since: Sequence[Entry]
) -> tuple[Gate, ...]:
    """The gates that count for the rest of the plan that began ``since``, weighed upon ``snapshot``."""
    report, (plan, _) = assess(options, env, snapshot, run), recorded_by(since[0])
    if report.assessment is None:
        raise UsageError("There is nothing to decide upon.")
    unseen = {f"check.{result.check}" for result in report.verdict.results if result.status is Status.UNKNOWN}
    return gates_to_go_on(report.assessment.gates, report.assessment.posture, plan, changed(since), unseen)
