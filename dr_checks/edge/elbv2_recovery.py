"""Checks of how soon targets of the DR region are served again once they answer."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_estate.readers import elbv2

# The other nine tenths belong to the database, to the tasks' start and to DNS.
_SHARE = 0.1
_MINUTE_S = 60
# ELB's own interval, and the least passes that it takes: 2 of 2 to 10 (API_CreateTargetGroup).
_INTERVAL_S, _TIMEOUT_S, _PASSES = 30, 10, 2


@check(
    "targets of the DR region that answer again are served within a tenth of the recovery time",
    none=("all target groups", "none exists: see elbv2-routing.target-groups"),
)
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("T54", "REL13-BP01", "ISO22301 8.4")
def soon_healthy(view: View) -> Iterator[Finding]:
    """Interval times healthy threshold: so long a target that once failed must pass its checks before it is used.

    A new target needs one check. One that waited for its database has failed some. Source: Elastic Load Balancing
    guide, "Health checks for Application Load Balancer target groups"; DescribeTargetGroups.
    """
    rto_s = view.env.objectives.rto_minutes * _MINUTE_S
    groups = {group.name: group for group in view.get(elbv2.target_groups)}
    wanted = f"{rto_s * _SHARE / _MINUTE_S:g} minutes or less"
    named = [(t, view.env.named(view.env.names.target_group, tenant=t.id)) for t in view.tenants]
    ours = [(tenant, groups[name]) for tenant, name in named if name in groups]
    for tenant, group in ours:
        needed_s = group.check_interval_s * group.healthy_after
        measured = (
            f"{group.healthy_after} checks, one each {group.check_interval_s} s: {needed_s / _MINUTE_S:g} minutes"
        )
        if needed_s <= rto_s * _SHARE:
            yield view.ok(group.name, measured, wanted, "targets serve soon after they answer", tenant.id)
        else:
            reason = (
                f"so much of the recovery time of {view.env.objectives.rto_minutes} minutes passes by waiting alone"
            )
            # A warning: visitors wait for it, and are served.
            yield view.warn(group.name, measured, wanted, reason, _sooner(view, group), tenant.id)


def _sooner(view: View, group: elbv2.TargetGroup) -> Remedy:
    """The sentence and the command that check a target more often."""
    settings = {
        "HealthCheckIntervalSeconds": min(group.check_interval_s, _INTERVAL_S),
        "HealthCheckTimeoutSeconds": min(group.check_timeout_s or _TIMEOUT_S, _TIMEOUT_S),
        "HealthyThresholdCount": _PASSES,
    }
    sentence = (
        f"aws_lb_target_group '{group.name}' in {view.region}: interval {_INTERVAL_S}, healthy_threshold {_PASSES}."
    )
    return Remedy(sentence, (view.command("elbv2", "ModifyTargetGroup", TargetGroupArn=group.arn, **settings),))
