"""explain: what a tenant needs in the DR region, edge by edge; what an observation asks of AWS, call by call."""

from __future__ import annotations

from functools import partial

from dr_checks.core.model import View
from dr_checks.derived.needs import needs_of
from dr_estate.config.environment import Environment, Side
from dr_estate.snapshot.call_growth import CallPlan
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.tenants import discover
from reports.render.diagnosis import render_calls
from reports.render.needs import render
from reports.terminal import console
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evaluation import evidence_of
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DIAGNOSIS, READINESS
from utils.aws_mgmt.app.options import ExplainOptions, Options, StatusOptions
from utils.aws_mgmt.app.target import world_of

_FORMS = ("terminal", "json")


def explain_needs(options: ExplainOptions, environment: Environment) -> Exit:
    """Print the tenant's needs. Returns 0, or 3 where a part was not seen.

    Raises UsageError for a tenant that is not there, and DataUnavailable where the DR region's services cannot be seen.
    """
    snapshot = _snapshot(options, environment, "needs")
    view = View("needs", Side.DR, environment.on(Side.DR), snapshot)
    known = {name: tenant.id for tenant in view.tenants for name in (tenant.dns, tenant.id)}
    if options.name not in known:
        raise UsageError(f"There is no tenant '{options.name}' in {environment.name}: {', '.join(sorted(known))}.")
    needs = needs_of(view, known[options.name])
    console.result(render(needs, options.format), options.format)
    code = Exit.COULD_NOT_SEE if needs.unseen else Exit.READY
    answer = f"{len(needs.edges)} needs of {needs.tenant}, {len(needs.unseen)} parts not seen, exit {code}"
    console.conclude(options.format, answer, str(DIAGNOSIS) if needs.unseen else READINESS)
    return code


def explain_calls(options: ExplainOptions | StatusOptions, environment: Environment) -> Exit:
    """Print the calls of one observation by operation, and the estimate for another number of tenants.

    Returns 0, or 3 where a part was not seen, so that not all calls were made.
    Raises UsageError, and DataUnavailable where the tenants cannot be seen.
    """
    snapshot = _snapshot(options, environment, "calls")
    tenants = len(discover(snapshot, environment))
    number = options.number if isinstance(options, ExplainOptions) else None
    plan = CallPlan.of(snapshot, tenants, number or tenants)
    console.result(render_calls(plan, options.format), options.format)
    code = Exit.COULD_NOT_SEE if plan.unseen else Exit.READY
    answer = (
        f"{sum(plan.estimate.values()):,} calls for {plan.number} tenants, {plan.unseen} parts not seen, exit {code}"
    )
    console.conclude(options.format, answer, str(DIAGNOSIS) if plan.unseen else READINESS)
    return code


def _snapshot(options: Options, environment: Environment, action: str) -> Snapshot:
    if options.format not in _FORMS:
        raise UsageError(f"explain {action} is not written as {options.format}: use {', '.join(_FORMS)}.")
    if options.from_evidence:
        return evidence_of(options, environment)
    with console.progress() as advance, world_of(options, environment) as world:
        return world.observe(environment, progress=partial(advance, "Looking"))
