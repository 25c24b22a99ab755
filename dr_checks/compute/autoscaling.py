"""Checks of auto scaling: the DR region can scale to the load, and stays at that size (T36)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.database_copies import runs_database
from dr_checks.derived.pairing import service_name, tenant_services
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling

_NONE = "no service of the DR region is scaled automatically"


def _targets(view: View, side: Side = Side.DR) -> dict[str, application_autoscaling.ScalableTarget]:
    return {target.service: target for target in view.get(application_autoscaling.targets, side)}


@check(
    "every service with auto scaling in the primary region has it in the DR region",
    none=("all services", "no service is scaled automatically in the primary region"),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T36", "AsgMinSizeAndMaxSize", "REL07-BP01", "REL13-BP04")
def targets_exist(view: View) -> Iterator[Finding]:
    """Each service with a scalable target in the primary region has one here. Source: DescribeScalableTargets."""
    there, here = _targets(view, Side.PRIMARY), _targets(view)
    pairs = [(tenant, s, there.get(service_name(view, tenant, Side.PRIMARY))) for tenant, s in tenant_services(view)]
    scaled = [(tenant, service, target) for tenant, service, target in pairs if target]
    for tenant, service, theirs in scaled:
        if service.name in here:
            yield view.ok(service.name, "scalable", "scalable", "it can scale with the load", tenant.id)
        else:
            # The primary's bounds; a pilot light's minimum is 0 (T54)
            minimum = 0 if view.env.standby.mode == "pilot-light" else theirs.minimum
            resource = _resource(view, service.name)
            wanted = f"{theirs.minimum} to {theirs.maximum} tasks"
            reason = "after the failover it would stay at a fixed size, whatever the load"
            remedy = Remedy(
                f"Apply aws_appautoscaling_target '{resource}' and its policies with the provider of {view.region}.",
                (register(view, service.name, MinCapacity=minimum, MaxCapacity=theirs.maximum),),
            )
            yield view.gap(service.name, "no scalable target", wanted, reason, remedy, tenant.id)


def register(view: View, service: str, **changes: object) -> str:
    """The command that makes or changes the scalable target of a service in the DR region."""
    # RegisterScalableTarget also updates: what is not named stays as it is (API_RegisterScalableTarget).
    return view.command("application-autoscaling", "RegisterScalableTarget", **_scalable(view, service), **changes)


def _scalable(view: View, service: str) -> dict[str, str]:
    dimension = "ecs:service:DesiredCount"
    return {"ServiceNamespace": "ecs", "ScalableDimension": dimension, "ResourceId": _resource(view, service)}


def _resource(view: View, service: str) -> str:
    return view.env.scaling_id(service)


@check(
    "every service of the DR region scales by the same policies as in the primary region",
    none=("all services", "no service of the primary region scales by a policy"),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T36", "REL07-BP01", "REL13-BP04")
def policies_alike(view: View) -> Iterator[Finding]:
    """A target without a policy never moves; metric and threshold are alike. Source: DescribeScalingPolicies.

    Names are not compared, and more policies are fine; targets that are missing autoscaling.targets-exist says.
    """
    there, here = _policies(view, Side.PRIMARY), _policies(view)
    standing = _targets(view)
    standing_services = [(t, s.name) for t, s in tenant_services(view) if s.name in standing]
    named = [(tenant, name, service_name(view, tenant, Side.PRIMARY)) for tenant, name in standing_services]
    scaled = [(tenant, name, source) for tenant, name, source in named if there.get(source)]
    for tenant, name, source in scaled:
        mine, wanted = here.get(name, []), there[source]
        measured, all_wanted = _text(mine) or "no policy", _text(wanted)
        lacking = {policy.rule for policy in wanted if not any(_is_no_slower(own, policy) for own in mine)}
        # The policy that asks for the most tasks takes precedence (API_PutScalingPolicy): more of them do no harm.
        if not lacking:
            yield view.ok(name, measured, all_wanted, "it scales with the load as in the primary region", tenant.id)
        else:
            reason = "after the failover it would not scale with the load, or too late"
            remedy = Remedy(
                f"Apply aws_appautoscaling_policy '{_resource(view, name)}' with the provider of {view.region}: "
                f"{'; '.join(sorted(lacking))}.",
                tuple(_policy_commands(view, name, source, lacking)),
            )
            yield view.gap(name, measured, all_wanted, reason, remedy, tenant.id)


def _policy_commands(view: View, service: str, source: str, lacking: set[str]) -> Iterator[str]:
    """Commands that make policies of the primary region's ``source`` here; one that tracks the same metric is changed.

    AWS takes no second one of the same metric. Source: Application Auto Scaling User Guide, "Considerations".
    """
    here = [row for row in view.get(application_autoscaling.policies) if row.resource == service and row.tracking]
    names = {_metric(row): row.name for row in here}
    for row in view.get(application_autoscaling.policies, Side.PRIMARY):
        # Only target tracking is one call; step scaling needs an alarm beside it, which Terraform makes.
        if row.resource == source and row.rule in lacking and row.tracking:
            yield view.command(
                "application-autoscaling",
                "PutScalingPolicy",
                **_scalable(view, service),
                PolicyName=names.get(_metric(row), row.name),
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=json.loads(row.tracking),
            )


def _metric(policy: application_autoscaling.ScalingPolicy) -> str:
    return str(json.loads(policy.tracking)["PredefinedMetricSpecification"]["PredefinedMetricType"])


def _policies(view: View, side: Side = Side.DR) -> dict[str, list[application_autoscaling.ScalingPolicy]]:
    found: dict[str, list[application_autoscaling.ScalingPolicy]] = {}
    for policy in view.get(application_autoscaling.policies, side):
        found.setdefault(policy.resource, []).append(policy)
    return found


def _text(policies: list[application_autoscaling.ScalingPolicy]) -> str:
    return "; ".join(sorted({policy.rule for policy in policies}))


def _is_no_slower(mine: application_autoscaling.ScalingPolicy, theirs: application_autoscaling.ScalingPolicy) -> bool:
    """Whether it does what the primary's does; a shorter pause after tasks were added only adds the next ones sooner.

    Source: API_TargetTrackingScalingPolicyConfiguration, ScaleOutCooldown.
    """
    if not (mine.tracking and theirs.tracking):
        return mine.rule == theirs.rule
    here, there = json.loads(mine.tracking), json.loads(theirs.tracking)
    pause, usual = (row.pop("ScaleOutCooldown", application_autoscaling.USUAL_PAUSE_S) for row in (here, there))
    return mine.rule == theirs.rule or (here == there and pause <= usual)


@check(
    "auto scaling in the DR region allows every service its standby and its failover size", none=("all services", _NONE)
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T36", "T54", "AsgMinSizeAndMaxSize", "EcsDesiredVsPlanned", "REL07-BP01")
def bounds(view: View) -> Iterator[Finding]:
    """The maximum is capacity.tasks_per_service or more, else scaling pushes the service back (T36).

    One below the primary's does not grow to the size that the primary region reaches under load: a warning.
    Under a pilot light the minimum is 0 until a database runs there, else scaling starts tasks without one (T54).
    """
    here = _targets(view)
    scaled = [(tenant, here[s.name]) for tenant, s in tenant_services(view) if s.name in here]
    # Read without a claim: a dark primary region must not hide whether the DR region's own bounds suffice.
    there = view.read_for_remedy(application_autoscaling.targets, Side.PRIMARY) or ()
    theirs = {row.service: row.maximum for row in there}
    starting = view.env.standby.mode == "pilot-light" and any(target.minimum for _, target in scaled)
    without_database = starting and not runs_database(view)
    for tenant, target in scaled:
        needed = view.env.tasks_of(tenant.id)
        measured, wanted = f"{target.minimum} to {target.maximum} tasks", f"a maximum of {needed} or more"
        if without_database and target.minimum:
            yield _too_many(view, target, measured, tenant.id)
        # A warning: the failover size fits, and only a load above it would wait.
        elif needed <= target.maximum < (most := theirs.get(service_name(view, tenant, Side.PRIMARY), 0)):
            yield _lower(view, target, most, tenant.id)
        elif target.maximum >= needed:
            yield view.ok(target.service, measured, wanted, "the failover size is within the bounds", tenant.id)
        else:
            reason = "auto scaling would push the service back below what the failover needs"
            remedy = Remedy(
                f"aws_appautoscaling_target of '{target.service}' in {view.region}: max_capacity = {needed} or more.",
                (register(view, target.service, MaxCapacity=needed),),
            )
            yield view.gap(target.service, measured, wanted, reason, remedy, tenant.id)


def _too_many(view: View, target: application_autoscaling.ScalableTarget, measured: str, tenant: str) -> Finding:
    wanted = f"0 to {view.env.tasks_of(tenant)} or more (standby.mode is pilot-light)"
    reason = f"no database runs in {view.region}: auto scaling would start tasks that answer 500 (T54)"
    sentence = f"aws_appautoscaling_target of '{target.service}' in {view.region}: min_capacity = 0."
    remedy = Remedy(sentence, (register(view, target.service, MinCapacity=0),))
    return view.gap(target.service, measured, wanted, reason, remedy, tenant)


def _lower(view: View, target: application_autoscaling.ScalableTarget, maximum: int, tenant: str) -> Finding:
    measured, wanted = f"{target.minimum} to {target.maximum} tasks", f"a maximum of {maximum}, the primary's, or more"
    sentence = f"aws_appautoscaling_target of '{target.service}' in {view.region}: max_capacity = {maximum}."
    remedy = Remedy(sentence, (register(view, target.service, MaxCapacity=maximum),))
    reason = "under load it would stay smaller than it gets in the primary region, and answer late"
    return view.warn(target.service, measured, wanted, reason, remedy, tenant)


@check("auto scaling of the DR region's services is not suspended", none=("all services", _NONE))
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("T36", "REL07-BP01", "REL11-BP05")
def not_suspended(view: View) -> Iterator[Finding]:
    """Scaling out is not suspended; a suspension left over from a drill is a trap. A schedule that is suspended here
    alone is a warning: it may have nothing to do yet. Source: DescribeScalableTargets.
    """
    here = _targets(view)
    # Read without a claim: a dark primary region must not hide what is suspended here.
    there = view.read_for_remedy(application_autoscaling.targets, Side.PRIMARY) or ()
    on_schedule = {row.service for row in there if not row.schedule_suspended}
    scaled = [(tenant, here[s.name]) for tenant, s in tenant_services(view) if s.name in here]
    for tenant, target in scaled:
        # Suspended scaling in is no finding: too many tasks cost money, too few cost visitors.
        if target.out_suspended:
            reason = "after the failover it would not scale with the load"
            remedy = Remedy(
                "Resume it.",
                (register(view, target.service, SuspendedState={"DynamicScalingOutSuspended": False}),),
            )
            yield view.gap(target.service, "scaling out suspended", "active", reason, remedy, tenant.id)
        elif target.schedule_suspended and service_name(view, tenant, Side.PRIMARY) in on_schedule:
            changed = {"SuspendedState": {"ScheduledScalingSuspended": False}}
            remedy = Remedy("Resume it.", (register(view, target.service, **changed),))
            reason = "after the failover no schedule would prepare it for the hours of load"
            yield view.warn(target.service, "scheduled scaling suspended", "active", reason, remedy, tenant.id)
        else:
            yield view.ok(target.service, "active", "active", "it can scale with the load", tenant.id)


@check("no scheduled action scales the DR region's services down while they would carry the load")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, stops=True)
@cite("T36", "EcsDesiredVsPlanned", "REL07-BP01")
def no_scheduled_shrink(view: View) -> Iterator[Finding]:
    """No scheduled action caps a service below its failover size; with a scaling_schedule, none that is not lifted."""
    actions, env = view.get(application_autoscaling.scheduled_actions), view.env
    needs = {a.service: env.tasks_of(env.tenant_of(env.names.service, a.service) or "") for a in actions}
    # An action may set one bound alone (API_ScalableTargetAction): the minimum alone lifts no maximum.
    lifted = {a.service for a in actions if a.maximum is not None and a.maximum >= needs[a.service]}
    # Lower at night and higher in the morning is a schedule; lower without a later action is a trap (T36).
    on_purpose = lifted if view.env.scaling_schedule else set()
    small = [a for a in actions if a.maximum is not None and a.maximum < needs[a.service]]
    shrinking = [a for a in small if a.service not in on_purpose]
    later = ", or a later action to raise it" if env.scaling_schedule else ""
    for action in shrinking:
        named = {"ScheduledActionName": action.name, **_scalable(view, action.service)}
        measured = f"'{action.name}' at {action.schedule}: at most {action.maximum} tasks"
        wanted = f"{needs[action.service]} tasks or more{later}"
        reason = "after a failover this schedule would take the tenant down"
        remedy = Remedy(
            "Delete it, and remove its aws_appautoscaling_scheduled_action.",
            (view.command("application-autoscaling", "DeleteScheduledAction", **named),),
        )
        tenant = view.env.tenant_of(view.env.names.service, action.service)
        yield view.gap(action.service, measured, wanted, reason, remedy, tenant, stops=action.maximum == 0)
    if actions and not shrinking:
        reason = "no schedule keeps a service below its failover size"
        yield view.ok("all services", f"{len(actions)} scheduled actions", "none that shrinks", reason)
    if not actions:
        yield view.none_expected("all services", "no service of the DR region is scaled by a schedule")
