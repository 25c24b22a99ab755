"""explain: what a tenant needs in the DR region on the day, edge by edge, and which check follows each."""

from __future__ import annotations

from functools import partial

from dr_checks.core.model import View
from dr_checks.derived.needs import needs_of
from dr_estate.config.environment import Environment, Side
from reports.render.needs import render
from reports.terminal import console
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evaluation import evidence_of
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DIAGNOSIS, READINESS
from utils.aws_mgmt.app.options import ExplainOptions
from utils.aws_mgmt.app.target import world_of

_FORMS = ("terminal", "json")


def explain_needs(options: ExplainOptions, environment: Environment) -> Exit:
    """Print the tenant's needs. Returns 0, or 3 where a part was not seen.

    Raises UsageError for a tenant that is not there, and DataUnavailable where the DR region's services cannot be seen.
    """
    if options.format not in _FORMS:
        raise UsageError(f"What a tenant needs is not written as {options.format}: use {', '.join(_FORMS)}.")
    if options.from_evidence:
        snapshot = evidence_of(options, environment)
    else:
        with console.progress() as advance, world_of(options, environment) as world:
            snapshot = world.observe(environment, progress=partial(advance, "Looking"))
    view = View("needs", Side.DR, environment, snapshot)
    known = {name: tenant.id for tenant in view.tenants for name in (tenant.dns, tenant.id)}
    if options.name not in known:
        raise UsageError(f"There is no tenant '{options.name}' in {environment.name}: {', '.join(sorted(known))}.")
    needs = needs_of(view, known[options.name])
    console.result(render(needs, options.format), machine=options.format == "json")
    code = Exit.COULD_NOT_SEE if needs.unseen else Exit.READY
    answer = f"{len(needs.edges)} needs of {needs.tenant}, {len(needs.unseen)} parts not seen, exit {code}"
    console.conclude(options.format, answer, str(DIAGNOSIS) if needs.unseen else READINESS)
    return code
