"""Provisions what the DR region lacks, by Terraform: the plan is judged first, and exactly that plan is applied.

A warm standby has everything already: then Terraform is not run at all, because an incident is no time to repair drift.
What is missing is part of the step, and so of the digest. What Terraform creates is confirmed by observing it; a run
that was killed in between plans again, and what exists is not created twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dr_actions.actions.common.unavailable_handling import name_list, service_name, tenants_of
from dr_actions.actions.provisioning import plan_review
from dr_actions.model.action import Action, PlanContext, ProgramContext, StepState, StepStatus
from dr_actions.model.plan import Danger, Step, step_id
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.playbook import Plane
from dr_estate.readers import ecs, efs, elbv2, rds_groups

_MINUTE_S = 60


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step where a folder is configured and the DR region lacks something that a failover needs."""
    provision, region = context.env.provision, context.env.regions.dr
    lacks = missing_parts(context)
    # Nothing lacks, nothing runs: an incident is no time to repair drift.
    if not provision.folder or not lacks:
        return
    yield context.step(
        APPLY.name,
        provision.folder,
        label="terraform",
        side=Side.DR,
        says=f"Run {provision.program} in {provision.folder}: {region} lacks {name_list(lacks)}. Its plan is "
        f"judged, then "
        "applied as it is; deleting or replacing anything of the primary region or of a protected type is refused.",
        danger=Danger.COMPENSABLE,
        undo="Nothing is destroyed in an incident: what was made stays, and is taken away after the failback.",
        budget_s=provision.timeout_minutes * _MINUTE_S,
        before={"program": provision.program, "folder": provision.folder, "missing": list(lacks)},
        after={"missing": []},
        planes=(Plane.DR,),
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE when nothing is missing; READY while something of what the plan named is."""
    lacks = missing_parts(context)
    if not lacks:
        return StepStatus(StepState.DONE, f"{context.env.regions.dr} has all that a failover needs.")
    # The plan was approved for what was missing then: more is missing now.
    if strange := [name for name in lacks if name not in step.before["missing"]]:
        message = f"{context.env.regions.dr} lacks {name_list(strange)}, which was there when the plan was made"
        return StepStatus(StepState.DRIFTED, f"{message}: somebody is at work there.")
    return StepStatus(StepState.READY, f"{context.env.regions.dr} lacks {name_list(lacks)}.")


def run_program(step: Step, program: ProgramContext) -> None:
    """Run Terraform. Raises terraform.TerraformFailed: refused by the gate, or whatever it failed of."""
    from dr_actions.clients.terraform import Terraform, TerraformFailed

    env = program.env
    terraform = Terraform(
        env.provision.program, Path(env.provision.folder), program.folder, program.variables(), step.budget_s
    )
    # Nothing to change, and yet something is missing: to go on would scale services that are not there.
    if not terraform.provision(lambda plan: plan_review.refusals(plan, env)):
        raise TerraformFailed(
            f"{env.provision.program} has nothing to change in {env.provision.folder}, and yet {env.regions.dr} lacks "
            f"{name_list(step.before['missing'])}: add it to that folder, or take provision.folder to the right one."
        )


def missing_parts(context: PlanContext) -> tuple[str, ...]:
    """What a failover needs in the DR region and is not there, in words with names. Raises DataUnavailable."""
    env, snapshot, side = context.env.on(Side.DR), context.snapshot, Side.DR
    names = env.names
    balancers = [(part, own.on(side)) for part, own in snapshot.of_entrances(env)]
    seen = {own.named(own.names.load_balancer): part for part, own in balancers}
    groups = {group.name for group in snapshot.get(elbv2.target_groups, side)}
    services = {service.name for service in snapshot.get(ecs.services, side) if not states.SERVICE[service.status].gone}
    subnets = {group.name for group in snapshot.get(rds_groups.subnet_groups, side)}
    files = {
        system.name for system in snapshot.get(efs.file_systems, side) if not states.FILE_SYSTEM[system.state].gone
    }
    others = snapshot.get(ecs.other_clusters, side) if len(env.clusters) > 1 else ()
    # A deleted cluster may be described for a while, as INACTIVE (ECS API, Cluster): its state counts.
    there = {
        **{
            f"the cluster {row.name}": states.CLUSTER[row.status or ""].serves
            for row in (snapshot.get(ecs.cluster, side), *others)
        },
        **{f"the load balancer {name}": part.get(elbv2.load_balancer, side) is not None for name, part in seen.items()},
    }
    if names.database:
        group = env.named(names.db_subnet_group)
        there[f"the DB subnet group {group}"] = group in subnets
    if names.file_system:
        there[f"the file system {env.named(names.file_system)}"] = env.named(names.file_system) in files
    for tenant in tenants_of(context):
        group = env.named(names.target_group, tenant=tenant.id)
        there[f"the target group {group}"] = group in groups
        service = service_name(env, tenant, side)
        there[f"the service {service}"] = service in services
    return tuple(name for name, present in there.items() if not present)


def notes(context: PlanContext) -> Iterator[str]:
    """Why nothing is provisioned, or what of it is not in the plan."""
    env, lacks = context.env, missing_parts(context)
    region, folder = env.regions.dr, env.provision.folder
    if not lacks:
        kind = "warm standby" if env.standby.mode == "warm" else "pilot light"
        run = f": {env.provision.program} is not run in {folder}" if folder else ""
        yield f"Nothing is provisioned: the {kind} in {region} has all that a failover needs already{run}."
    elif not folder:
        reason = f"Nothing is provisioned: {region} lacks {name_list(lacks)}, and provision.folder names no Terraform"
        yield f"{reason}. This {env.standby.mode} cannot serve until somebody makes it."
    else:
        yield (
            f"What {env.provision.program} makes in {region} is not in this plan yet: assess again once the step "
            f"{step_id(APPLY.name, 'terraform')} is done, and approve the plan for the rest."
        )


APPLY = Action(
    "provisioning/apply",
    "Provisions what the DR region lacks, by Terraform: the plan is judged first, and exactly that plan is applied.",
    frozenset(),
    (
        ecs.cluster,
        ecs.other_clusters,
        ecs.services,
        elbv2.load_balancer,
        elbv2.target_groups,
        rds_groups.subnet_groups,
        efs.file_systems,
    ),
    plan_steps,
    observe,
    omissions=notes,
    run_program=run_program,
)
