"""Checks of DynamoDB auto scaling in the DR region."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.tables.dynamodb import named_tables
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import application_autoscaling

_OFF = ", suspended"


def _target_bounds(view: View, side: Side = Side.DR) -> dict[tuple[str, str], str]:
    """Bounds and policy of every target, by table and what it scales."""
    rules: dict[str, list[str]] = {}
    for policy in view.get(application_autoscaling.table_policies, side):
        rules.setdefault(policy.resource, []).append(policy.rule)
    found: dict[tuple[str, str], str] = {}
    for target in view.get(application_autoscaling.table_targets, side):
        # A target without a policy never moves: equal bounds alone are not alike.
        by = "; ".join(sorted(rules.get(f"{target.table} {target.what}", []))) or "no policy"
        off = _OFF if target.suspended else ""
        found[target.table, target.what] = f"{target.minimum} to {target.maximum}, {by}{off}"
    return found


@check("every table with auto scaling in the primary region has it in the DR region, with the same limits")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite(
    "T36",
    "DynamoAutoScalingConfiguration",
    "DYNAMODB_AUTOSCALING_ENABLED",
    "dynamodb_table_autoscaling_enabled",
    "REL07-BP01",
    "REL13-BP04",
)
def alike(view: View) -> Iterator[Finding]:
    """Bounds and target of each scalable table and index; a replica paid by request needs none.

    Source: ARC DynamoAutoScalingConfiguration, DescribeScalableTargets. Capacity itself dynamodb-parity says.
    """
    there, here = _target_bounds(view, Side.PRIMARY), _target_bounds(view)
    provisioned = 0
    for name, table in named_tables(view):
        wanted = {what: bounds for (of, what), bounds in there.items() if of == name}
        if not wanted:
            continue
        if isinstance(table, Unavailable):
            provisioned += 1
            yield view.unknown(name, "scaled alike", table)
        elif table.billing == "PROVISIONED":
            provisioned += 1
            yield from _scaling_findings(view, name, wanted, {what: b for (of, what), b in here.items() if of == name})
    if not provisioned:
        yield view.none_expected("all tables", "no table has auto scaling, or its replica is billed on demand")


def _scaling_findings(view: View, name: str, wanted: dict[str, str], mine: dict[str, str]) -> Iterator[Finding]:
    for what, bounds in sorted(wanted.items()):
        measured = mine.get(what, "no scalable target")
        # One that is suspended in the primary region alone scales better here.
        if measured in (bounds, bounds.removesuffix(_OFF)):
            yield view.ok(f"{name} {what}", measured, bounds, "it scales with the load as in the primary region")
        else:
            reason = "after the failover it would be throttled at a load for which the primary's scales"
            remedy = (
                f"Apply aws_appautoscaling_target and aws_appautoscaling_policy of 'table/{name}' with the provider of "
                f"{view.region}, or billing_mode = PAY_PER_REQUEST."
            )
            yield view.gap(f"{name} {what}", measured, bounds, reason, remedy)
