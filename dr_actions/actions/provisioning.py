"""Provisions what the DR region lacks, by Terraform: the plan is judged first, and exactly that plan is applied.

A warm standby has everything already: then Terraform is not run at all, because an incident is no time to repair drift.
What is missing is part of the step, and so of the digest. What Terraform creates is confirmed by observing it; a run
that was killed in between plans again, and what exists is not created twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dr_actions.actions.shared import name_list, service_name, tenants_of
from dr_actions.model.action import Action, PlanContext, ProgramContext, StepState, StepStatus
from dr_actions.model.plan import Danger, Step, step_id
from dr_estate.config.environment import Environment, Side
from dr_estate.model import states
from dr_estate.model.playbook import Plane
from dr_estate.readers import ecs, efs, elbv2, rds_groups

# What of a Terraform plan may be applied in a failover: judged from ``terraform show -json`` of the plan file. Pure.
#
# Refused: deleting or replacing anything of the primary region (also where the region is unknown), or of a protected
# type anywhere; any action on a denied zone, or on the origin records, because only step 7 moves traffic; creating,
# removing or disabling a health check, since a new or disabled check counts as healthy (T03, T04); actions that
# Terraform would invoke beside resources; and an incomplete plan. The format is version 1 of
# developer.hashicorp.com/terraform/internals/json-format.

Plan = Mapping[str, Any]
_IDLE = ({"no-op"}, {"read"})
_ARN_PARTS = 6
_RECORD, _HEALTH_CHECK = "aws_route53_record", "aws_route53_health_check"
_ZONE_ID, _ZONE_NAMES = ("zone_id", "hosted_zone_id"), ("name", "fqdn")


def changes(plan: Plan) -> tuple[str, ...]:
    """Return what the plan changes, ``address: actions`` each, in order of address and without values."""
    rows = ((_name(row), _actions(row)) for row in plan.get("resource_changes") or ())
    return tuple(sorted(f"{name}: {' then '.join(actions)}" for name, actions in rows if set(actions) not in _IDLE))


def refusals(plan: Plan, env: Environment) -> tuple[str, ...]:
    """Why the plan must not be applied, a sentence each with the address; empty where it may be."""
    # A new minor version adds, a new major one may change what is read here (the format's own rule).
    if str(plan.get("format_version", "")).partition(".")[0] != "1":
        return (f"The plan's format {plan.get('format_version')} is not one this version can judge (1.x).",)
    if plan.get("errored") or plan.get("complete") is False:
        return ("Terraform did not plan everything: an incomplete plan is not applied.",)
    invoked = [str(row.get("address")) for row in plan.get("action_invocations") or ()]
    found = [f"{address} would be invoked: what an action does cannot be judged." for address in invoked]
    regions, zones = _Regions(plan), _zone_names(plan)
    for row in plan.get("resource_changes") or ():
        if set(_actions(row)) not in _IDLE:
            found += _refusals(row, regions.of(row), zones, env)
    return tuple(found)


def _refusals(row: Mapping[str, Any], region: str, zones: Mapping[str, str], env: Environment) -> Iterator[str]:
    actions, name = _actions(row), _name(row)
    if "delete" in actions:
        doing = "replaced" if "create" in actions else "deleted"
        if row["type"] in env.provision.protected:
            yield f"{name} would be {doing}: {row['type']} is a protected type."
        elif region == env.regions.primary:
            yield f"{name} would be {doing}: it is in the primary region {region}."
        # Only AWS's resources have a region: one of `random` or `null` lies in none.
        elif not region and str(row["type"]).startswith(("aws_", "awscc_")):
            yield f"{name} would be {doing}, and its region is unknown."
    if zone := _denied_zone(row, zones, env):
        yield f"{name} would be changed: it is of the denied zone {zone}."
    names = {_plain(attributes.get("name")) for attributes in _values(row)}
    if row["type"] == _RECORD and env.traffic.origin_record in names:
        yield f"{name} would be changed: it is the origin record, and traffic is moved by its own step alone."
    if row["type"] == _HEALTH_CHECK and _endangers(row):
        yield f"{name} would be made, removed or disabled: such a health check counts as healthy (T03, T04)."


def _endangers(row: Mapping[str, Any]) -> bool:
    after = row["change"].get("after") or {}
    return bool({"create", "delete"} & set(_actions(row)) or after.get("disabled"))


def _actions(row: Mapping[str, Any]) -> list[str]:
    return [str(action) for action in row["change"]["actions"]]


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['address']} (deposed {row['deposed']})" if row.get("deposed") else str(row["address"])


# Both states: a record that gets another name touches the old one too.
def _values(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for state in ("before", "after"):
        if isinstance(attributes := row["change"].get(state), Mapping):
            yield attributes


class _Regions:
    """In which region a resource lies: by its own region, its ARN, its zone, or its provider's configuration."""

    def __init__(self, plan: Plan) -> None:
        configuration = plan.get("configuration") or {}
        self._providers = configuration.get("provider_config") or {}
        self._variables = plan.get("variables") or {}
        self._keys = dict(_provider_keys(configuration.get("root_module") or {}, ""))

    def of(self, row: Mapping[str, Any]) -> str:
        """Return the region, "" where it cannot be determined."""
        for attributes in _values(row):
            if region := _own_region(attributes):
                return region
        # The configuration spells an address without `[...]`, whatever stands in them.
        parts, depth, quoted = [], 0, False
        for sign in str(row["address"]):
            if sign == '"':
                quoted = not quoted
            elif sign == "[" and not quoted:
                depth += 1
            elif sign == "]" and not quoted:
                depth -= 1
            elif not depth:
                parts.append(sign)
        return self._configured_region(self._keys.get("".join(parts), ""))

    def _configured_region(self, key: str) -> str:
        expressions = (self._providers.get(key) or {}).get("expressions") or {}
        region = expressions.get("region") or {}
        if "constant_value" in region:
            return str(region["constant_value"])
        named = [str(row).removeprefix("var.") for row in region.get("references") or () if str(row).startswith("var.")]
        variable = self._variables.get(named[0]) if named else None
        return str(variable.get("value") or "") if isinstance(variable, Mapping) else ""


def _own_region(attributes: Mapping[str, Any]) -> str:
    if isinstance(region := attributes.get("region"), str) and region:
        return region
    parts = str(attributes.get("arn") or "").split(":")
    if len(parts) >= _ARN_PARTS and parts[3]:
        return parts[3]
    zone = attributes.get("availability_zone")
    return zone[:-1] if isinstance(zone, str) and zone else ""


def _provider_keys(module: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Each configured resource's address (without instance keys) and the key of its provider's configuration."""
    for resource in module.get("resources") or ():
        yield f"{prefix}{resource['address']}", str(resource.get("provider_config_key") or "")
    for name, call in (module.get("module_calls") or {}).items():
        yield from _provider_keys(call.get("module") or {}, f"{prefix}module.{name}.")


def _zone_names(plan: Plan) -> dict[str, str]:
    """Names of hosted zones by id, as far as the plan and the state before it know them."""
    found: dict[str, str] = {}
    for row in plan.get("resource_changes") or ():
        for attributes in _values(row) if row["type"] == "aws_route53_zone" else ():
            found |= _zone_of(attributes)
    for part in ("prior_state", "planned_values"):
        # Only `prior_state` wraps its modules in `values` (JSON output format, state representation).
        root = (plan.get(part) or {}).get("values") if part == "prior_state" else plan.get(part)
        for resource in _resources((root or {}).get("root_module") or {}):
            if resource["type"] == "aws_route53_zone":
                found |= _zone_of(resource.get("values") or {})
    return found


def _zone_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    zone, name = attributes.get("zone_id"), attributes.get("name")
    return {str(zone): _plain(name)} if zone and name else {}


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources") or ()
    for child in module.get("child_modules") or ():
        yield from _resources(child)


def _denied_zone(row: Mapping[str, Any], zones: Mapping[str, str], env: Environment) -> str:
    """The denied zone that the resource is of, "" for none.

    A record is of the zone whose id it names; where that zone's name is unknown, of the longest known zone that its
    name ends with; a delegation (NS) at a zone's own name is of the zone above.
    """
    if row["type"] == _HEALTH_CHECK or "route53" not in str(row["type"]):
        return ""
    denied = {_plain(zone) for zone in env.traffic.denied_zones}
    for attributes in _values(row):
        known = [zones[str(attributes[key])] for key in _ZONE_ID if str(attributes.get(key)) in zones]
        names = known or [_longest(_plain(attributes.get(key)), attributes, env) for key in _ZONE_NAMES]
        if guilty := [name for name in names if name in denied]:
            return guilty[0]
    return ""


def _longest(name: str, attributes: Mapping[str, Any], env: Environment) -> str:
    traffic = env.traffic
    zones = {_plain(z) for z in (traffic.zone, traffic.parent_zone, *traffic.denied_zones, *traffic.canary_zones) if z}
    above = attributes.get("type") == "NS"
    fits = [zone for zone in zones if (name == zone and not above) or name.endswith(f".{zone}")]
    return max(fits, key=len, default="")


def _plain(name: Any) -> str:
    return str(name or "").rstrip(".").lower()


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
        says=f"Run {provision.program} in {provision.folder}: {region} lacks {name_list(lacks)}. Its plan is judged, "
        "then applied as it is; deleting or replacing anything of the primary region or of a protected type is "
        "refused.",
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
    folder, variables = Path(env.provision.folder), program.variables()
    terraform = Terraform(env.provision.program, folder, program.folder, variables, step.budget_s)
    # Nothing to change, and yet something is missing: to go on would scale services that are not there.
    if not terraform.provision(lambda plan: refusals(plan, env)):
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
    # The reader chose them by the Name tag, by replication or by the map: a replica may bear another name.
    files = [row for row in snapshot.get(efs.file_systems, side) if not states.FILE_SYSTEM[row.state].gone]
    others = snapshot.get(ecs.other_clusters, side) if len(env.clusters) > 1 else ()
    # A deleted cluster may be described for a while, as INACTIVE (ECS API, Cluster): its state counts.
    clusters = (snapshot.get(ecs.cluster, side), *others)
    there = {f"the cluster {row.name}": states.CLUSTER[row.status or ""].serves for row in clusters}
    for name, part in seen.items():
        there[f"the load balancer {name}"] = part.get(elbv2.load_balancer, side) is not None
    if names.database:
        group = env.named(names.db_subnet_group)
        there[f"the DB subnet group {group}"] = group in subnets
    if names.file_system:
        there[f"the file system {env.named(names.file_system)}"] = bool(files)
    for tenant in tenants_of(context):
        group = env.named(names.target_group, tenant=tenant.id)
        if group:  # a worker has none
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
        *(ecs.cluster, ecs.other_clusters, ecs.services, elbv2.load_balancer, elbv2.target_groups),
        *(rds_groups.subnet_groups, efs.file_systems),
    ),
    plan_steps,
    observe,
    omissions=notes,
    run_program=run_program,
)
