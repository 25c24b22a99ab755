"""Checks of CloudWatch alarms: existence, state, thresholds and notifications."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.core.model import BOTH, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.readers import cloudwatch_alarms, elbv2

_NONE = "none of the alarms exists here: see alarms.exist"
# API_PutMetricAlarm, ComparisonOperator: those of a fixed threshold.
_ABOVE = ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold")
_BELOW = ("LessThanThreshold", "LessThanOrEqualToThreshold")


@check("the CloudWatch alarms of the platform exist in both regions")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, BOTH)
@cite("T40", "cloudwatch-alarm-resource-check", "REL06-BP01", "REL11-BP01")
def exist(view: View) -> Iterator[Finding]:
    """Each name of names.alarms is an alarm of this region. Source: CloudWatch DescribeAlarms."""
    there, wanted = {alarm.name for alarm in view.get(cloudwatch_alarms.alarms)}, view.env.names.alarms
    for name in (view.env.named(pattern) for pattern in wanted):
        if name in there:
            yield view.ok(name, "present", "present", "the alarm exists in this region")
        else:
            reason = f"this problem would raise no alarm in {view.region}"
            remedy = f"Apply aws_cloudwatch_metric_alarm '{name}' with the provider of {view.region}."
            yield view.gap(name, "absent", "present", reason, remedy)
    if not wanted:
        yield view.none_expected("all alarms", "names.alarms names none")


@check("no CloudWatch alarm of the platform is in ALARM state", none=("all alarms", _NONE))
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, BOTH)
@cite("CloudWatchAlarmState", "REL11-BP01")
def state(view: View) -> Iterator[Finding]:
    """ALARM fails. INSUFFICIENT_DATA is a warning where the platform serves; a standby may have nothing to measure."""
    there = view.get(cloudwatch_alarms.alarms)
    for alarm in there:
        remedy = f"Read why the alarm '{alarm.name}' is in this state in {view.region}, and fix its cause."
        found = states.ALARM[alarm.state]
        if not found.known:
            yield view.unknown(alarm.name, "not ALARM", f"AWS does not document the state {alarm.state} of an alarm.")
        elif found.broken:
            yield view.gap(alarm.name, alarm.state, "OK", alarm.reason or "its threshold is crossed", remedy)
        elif found.serves:
            yield view.ok(alarm.name, alarm.state, "not ALARM", "its metric is within the threshold")
        # INSUFFICIENT_DATA: where the platform serves, a metric that is not published is a blind alarm.
        elif view.side is Side.PRIMARY:
            yield view.warn(alarm.name, alarm.state, "OK", "its metric is not published", remedy)
        else:
            yield view.ok(alarm.name, alarm.state, "not ALARM", "a standby may have nothing to measure")


@check(
    "alarms of the DR region have the metrics and thresholds of the primary region's",
    none=("all alarms", "no alarm exists in both regions: see alarms.exist"),
)
@weigh(Severity.MINOR, Area.INFRASTRUCTURE)
@cite("R53HealthCheckCloudWatchAlarm", "REL13-BP04")
def parity(view: View) -> Iterator[Finding]:
    """Metric, comparison, periods and missing data are equal, and the load balancer is this region's; the threshold is
    crossed no later.

    Source: CloudWatch DescribeAlarms; User Guide of load balancers, "CloudWatch metrics" (the dimension LoadBalancer).
    """
    there = {alarm.name: alarm for alarm in view.get(cloudwatch_alarms.alarms, Side.PRIMARY)}
    pairs = [(alarm, there[alarm.name]) for alarm in view.get(cloudwatch_alarms.alarms) if alarm.name in there]
    for mine, theirs in pairs:
        measured, wanted = _rule_text(mine), _rule_text(theirs)
        if mine.balancer and (own := _own_balancer(view)) and _is_of_another(mine.balancer, own):
            remedy = f"aws_cloudwatch_metric_alarm '{mine.name}' in {view.region}: dimensions.LoadBalancer = \"{own}\"."
            reason = f"it watches a load balancer that is not in {view.region}: it never goes off"
            yield view.gap(mine.name, mine.balancer, own, reason, remedy)
        elif measured == wanted or _goes_off_first(mine, theirs):
            yield view.ok(mine.name, measured, wanted, "the same problem raises the alarm in both regions")
        else:
            reason = "after the failover the same problem would raise the alarm later, or not at all"
            remedy = f"aws_cloudwatch_metric_alarm '{mine.name}' in {view.region}: as in {view.env.regions.primary}."
            yield view.gap(mine.name, measured, wanted, reason, remedy)


def _goes_off_first(mine: cloudwatch_alarms.Alarm, theirs: cloudwatch_alarms.Alarm) -> bool:
    """Whether the alarms differ in the threshold alone, and what crosses the primary's has crossed this one before."""
    if mine.threshold is None or theirs.threshold is None:
        return False
    crossed = _ABOVE if mine.threshold < theirs.threshold else _BELOW
    return mine.comparison in crossed and _rule_text(replace(mine, threshold=theirs.threshold)) == _rule_text(theirs)


def _own_balancer(view: View) -> str:
    """This region's load balancer as CloudWatch names it, "" where there is none."""
    found = view.get(elbv2.load_balancer)
    return found.arn.partition(":loadbalancer/")[2] if found else ""


def _is_of_another(watched: str, own: str) -> bool:
    """Whether it has the name of this region's load balancer, and the id of another region's or of a former one."""
    return watched != own and watched.rpartition("/")[0] == own.rpartition("/")[0]


def _rule_text(alarm: cloudwatch_alarms.Alarm) -> str:
    return f"{alarm.rule} {alarm.threshold}, {alarm.periods} periods, missing data {alarm.missing_data or 'missing'}"


# What an alarm starts beside these changes capacity or an instance, or runs code (API_PutMetricAlarm, AlarmActions).
_TOPIC = "sns"
_NOTIFYING = frozenset({_TOPIC, "ssm-incidents"})


def _service(arn: str) -> str:
    return next(iter(arn.split(":")[2:3]), "")


@check("alarms notify somebody, those of the DR region through the DR region", none=("all alarms", _NONE))
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, BOTH)
@cite("T40", "cloudwatch-alarm-action-check", "cloudwatch-alarm-action-enabled-check", "REL06-BP03")
def actions(view: View) -> Iterator[Finding]:
    """Actions are enabled; in the DR region one notifies by a topic outside the dark one. Source: DescribeAlarms, T40.

    A silent alarm of the primary region is how nobody hears of the outage that a failover is for.
    """
    there, primary = view.get(cloudwatch_alarms.alarms), f":{view.env.regions.primary}:"
    reason = "it would notify nobody, or only a topic in the lost primary region"
    if view.side is Side.PRIMARY:
        reason = "it notifies nobody: an outage that it sees is found by visitors"
    for alarm in there:
        # A topic of the primary region is dark with it (T40); one that the primary's own alarm names is right.
        there_now = [arn for arn in alarm.actions if arn not in alarm.lost_topics]
        usable = [arn for arn in there_now if primary not in arn or view.side is Side.PRIMARY]
        heard = [arn for arn in usable if _service(arn) in _NOTIFYING]
        named = [f"{arn}, which is not there" if arn in alarm.lost_topics else arn for arn in alarm.actions]
        measured = f"{'enabled' if alarm.actions_enabled else 'disabled'}, {', '.join(named) or 'no action'}"
        if alarm.actions_enabled and heard:
            by_topic = _TOPIC in map(_service, heard)
            effect = "the alarm notifies a topic of this region" if by_topic else "the alarm starts a response plan"
            yield view.ok(alarm.name, measured, f"enabled, a topic of {view.region}", effect)
        elif alarm.actions_enabled and usable and not _NOTIFYING & set(map(_service, alarm.actions)):
            yield view.warn(
                alarm.name,
                measured,
                f"enabled, a topic of {view.region}",
                "none of its actions is a topic: it changes capacity or runs code, which need not notify anybody",
                f"aws_cloudwatch_metric_alarm '{alarm.name}': a topic of {view.region} in alarm_actions, too.",
            )
        else:
            yield view.gap(
                alarm.name,
                measured,
                f"enabled, a topic of {view.region}",
                reason,
                Remedy(
                    f"aws_cloudwatch_metric_alarm '{alarm.name}': actions_enabled = true, alarm_actions = a topic of "
                    f"{view.region}.",
                    # Enabling actions helps only an alarm that has a usable one; a topic is Terraform's.
                    (view.command("cloudwatch", "EnableAlarmActions", AlarmNames=[alarm.name]),) if heard else (),
                ),
            )
