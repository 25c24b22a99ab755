"""One tenant was wired to another tenant's database by a restore: find which, and put back that one alone."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.training.scenarios import scenario
from sandbox.training.scenarios.observation import WorldObservation, call_names, parameter
from sandbox.training.scenarios.scenario import GoalResult, GoalState, Scenario, ScenarioGoal, goal_result, harm_result


def _victim(seen: WorldObservation) -> str:
    return seen.tenants[-1]


def _judge_schema(seen: WorldObservation) -> GoalResult:
    """The tenant's service runs a definition that names its own schema."""
    env, tenant = seen.env, _victim(seen)
    own = env.named(env.names.tenant_schema, tenant=tenant)
    service = seen.service(Side.DR, tenant)
    if service is None:
        return GoalResult(GoalState.NOT_MET, f"The service of {tenant} is gone from {env.regions.dr}.")
    others = {env.named(env.names.tenant_schema, tenant=name) for name in seen.tenants} - {own}
    wrong = [f"{name}={value}" for name, value in service.variables.items() if value in others]
    right = own in service.variables.values() and not wrong
    text = ", ".join(wrong) or (f"opens {own}" if right else f"names no schema {own}")
    return goal_result(
        right and service.running >= env.standby.tasks_per_service,
        f"{service.definition}: {text}; {service.running} run.",
    )


def _alone(seen: WorldObservation) -> GoalResult:
    """Nothing but that one service (and a revision of its definition) was changed."""
    env, tenant = seen.env, _victim(seen)
    name, family = env.named(env.names.service, tenant=tenant), env.named(env.names.task_family, tenant=tenant)
    other = []
    for call in seen.changes():
        mine = call["operation"] == "UpdateService" and parameter(call, "service").rpartition("/")[2] == name
        is_registration = call["operation"] == "RegisterTaskDefinition" and parameter(call, "family") == family
        if call["region"] != env.regions.dr or not (mine or is_registration):
            other.append(call)
    return harm_result(f"Changed beside it: {call_names(other)}." if other else "", f"Nothing but {name} was changed.")


SCENARIO = Scenario(
    name="wrong-database",
    sentence="A tenant was restored to the wrong database",
    teaches="to find one tenant's wrong wiring among many that are right, and to fix only that one",
    minutes=15,
    briefing="""16:30, local time. You are on call for {env}.

Yesterday one tenant's database was restored in an exercise in {dr}; the ticket was closed: "restored, site is up".

Today the exercise's tester writes: "I rehearse with {dr}'s sites. In one shop I saw products that are not that
shop's. I closed the browser, and I do not remember which shop it was." Nobody is hurt yet: the visitors are in
{primary}. If {dr} had to take over tonight, a tenant would write into another's database.

Reachable: the tester, tomorrow. Which tenant is it, and how do you put it right without making it worse?""",
    disasters=("definition-of-another-tenant",),
    goals=(
        ScenarioGoal(
            "repointed",
            "The tenant's service in {dr} opens its own database, and runs as its standby says",
            "A site that answers 200 proves nothing of whose data it shows.",
            ("T18",),
            _judge_schema,
        ),
        ScenarioGoal(
            "alone",
            "Nothing else was changed",
            "Restoring, restarting or rewriting everything to be sure destroys the evidence, and what was right.",
            ("T43",),
            _alone,
        ),
        scenario.NOTHING_DELETED,
    ),
    hints=(
        "`test --infra` judges every tenant's wiring. `--tenant T` narrows what you read to one.",
        "definitions.own-tenant names the task definition, and the variable that leads to another tenant.",
        "The revision before is still there: `aws ecs update-service --region {dr} --cluster CLUSTER --service SERVICE "
        "--task-definition FAMILY:REVISION`, for that service alone (`sandbox show --format json` has the keys "
        "for any AWS client).",
    ),
)
