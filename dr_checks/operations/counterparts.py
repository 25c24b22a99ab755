"""Check that nothing which the platform owns stands in the primary region alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.counterparts import (
    absent_targets,
    bears_no_tag,
    led_astray,
    missing,
    off_counterparts,
    schedule_differences,
    shape_differences,
    unlisted_types,
)
from dr_estate.config.environment import Side
from dr_estate.model.references import resource_of
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import iam_called_roles, platform_resources

# One finding names all that is missing: a row of each would bury the blockers of a large estate.
_SHOWN = 8
_WANTED = "each in both regions"
_ACTS = "a role that its service may assume"
_TERRAFORM = {
    "lambda": "aws_lambda_function",
    "ecr": "aws_ecr_repository",
    "events": "aws_cloudwatch_event_rule",
    "scheduler": "aws_scheduler_schedule",
    "sqs": "aws_sqs_queue",
    "logs": "aws_cloudwatch_log_metric_filter",
}


@check("every resource with the platform's tags or names in the primary region has its counterpart in the DR region")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("T17", "T40", "REL13-BP04", "NIST CP-2", "NIST CP-7")
def in_dr_region(view: View) -> Iterator[Finding]:
    """By type and by name without the region's: schedules, functions, queues, caches, mail identities, web ACLs ...

    Rules, schedules and functions that are off here, and on there, are warned of, rules and schedules that start at
    other times, what calls the primary region, and what is unlike its counterpart: code, role, variables, URL and
    callers of a function, targets of rules and schedules, rules of a bus, times of a queue, smaller caches, and
    whether tags of images may be moved: one leads to another image here than there then. So are functions, rules and
    schedules whose role is gone, or trusts their service no longer.
    What the environment file names is other checks'; global services have no region. One finding, with the whole list.
    Source: Resource Groups Tagging API GetResources, and a list call of each type that may bear no tag.
    """
    yield from _unread_findings(view)
    subject = f"resources of {view.env.regions.primary}"
    if bears_no_tag(view):
        tags = ", ".join(f"{key}={view.env.named(value)}" for key, value in view.env.names.tags.items())
        yield view.unknown(subject, _WANTED, f"No resource bears the tags {tags}: set names.tags to the platform's.")
    yield from _off(view)
    yield from _schedule_findings(view)
    yield from _astray(view)
    yield from _unlike(view)
    yield from _role_findings(view)
    # Types and names are compared without the region in them: a counterpart is seldom named letter for letter alike.
    lacking, compared = missing(view)
    named = tuple(f"{kind} {name or '(no Name tag)'}" for kind, name in lacking)
    if named:
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        measured = f"{len(named)} of {compared} in the primary region alone: {', '.join(named[:_SHOWN])}{more}"
        reason = (
            f"nothing of this type and name bears the platform's tags or names in {view.region}: after a failover what "
            "depends on it stops"
        )
        remedy = (
            f"Apply its module with the provider of {view.region} too; accept what belongs to one region in the "
            "exceptions file."
        )
        yield view.gap_of(named, subject, measured, _WANTED, reason, remedy)
    elif compared:
        yield view.ok(subject, f"{compared} in both regions", _WANTED, "nothing else of the platform is left behind")
    else:
        yield view.none_expected(subject, "the platform owns nothing else in the primary region")


def _off(view: View) -> Iterator[Finding]:
    """A warning for each rule, schedule or function that is there and is switched off, unlike its counterpart."""
    for arn in off_counterparts(view):
        kind, name = resource_of(arn)
        if kind.startswith("lambda:"):
            yield _concurrency_finding(view, kind, name)
            continue
        # EventBridge Scheduler has no call that only switches on: UpdateSchedule replaces the whole schedule.
        command = (view.command("events", "EnableRule", Name=name),) if kind.startswith("events") else ()
        reason = "a failover does not switch it on: what it starts in the primary region stops with it"
        sentence = "Switch it on in a failover, or now where it does no harm; accept it in the exceptions file."
        yield view.warn(f"{kind} {name}", "switched off", "as in the primary region", reason, Remedy(sentence, command))


def _concurrency_finding(view: View, kind: str, name: str) -> Finding:
    reason = "a failover does not let it run: every call of it is throttled, and what it does is not done"
    command = view.command("lambda", "DeleteFunctionConcurrency", FunctionName=name)
    sentence = "Let it run in a failover, or now where it does no harm; accept it in the exceptions file."
    measured = "may not run: its reserved concurrency is 0"
    return view.warn(f"{kind} {name}", measured, "as in the primary region", reason, Remedy(sentence, (command,)))


def _schedule_findings(view: View) -> Iterator[Finding]:
    """A warning for each rule and schedule that starts what it starts at other times than its counterpart."""
    for arn, mine, theirs in schedule_differences(view):
        kind, name = resource_of(arn)
        reason = "after a failover what it starts runs at other hours, more often, or not at all"
        remedy = f"{_TERRAFORM[kind.partition(':')[0]]} '{name}' in {view.region}: schedule_expression = \"{theirs}\"."
        yield view.warn(f"{kind} {name}", mine, theirs, reason, remedy)


def _astray(view: View) -> Iterator[Finding]:
    """A warning for each rule, schedule and function that leads to the primary region, or to nobody."""
    for arn, word in led_astray(view):
        kind, name = resource_of(arn)
        reason = "what it starts is lost with the primary region" if word else "it starts nothing, unlike the primary's"
        remedy = f"{kind} '{name}' in {view.region}: targets and variables of this region."
        yield view.warn(f"{kind} {name}", word or "calls nobody", f"leads to {view.region}", reason, remedy)
    for arn, target in absent_targets(view):
        kind, name = resource_of(arn)
        reason = "what it calls is not there: it starts nothing, and nobody hears of it"
        remedy = f"{kind} '{name}' in {view.region}: a target that is there, or make {target.rpartition(':')[2]}."
        measured = f"calls {target}, which is not there"
        yield view.warn(f"{kind} {name}", measured, "a target that is there", reason, remedy)


def _unlike(view: View) -> Iterator[Finding]:
    """A warning for each resource that is not as its counterpart."""
    for arn, parts in shape_differences(view):
        kind, name = resource_of(arn)
        measured = ", ".join("another code" if p == "code" else f"{p} {mine or 'none'}" for p, mine, _ in parts)
        wanted = ", ".join("the primary's code" if p == "code" else f"{p} {theirs or 'none'}" for p, _, theirs in parts)
        reason = "after a failover it does something else, or less, than it does today"
        resource = _TERRAFORM.get(kind.partition(":")[0], "aws_elasticache_replication_group")
        sentence = f"{resource} '{name}' in {view.region}: as the primary's, or accept it in the exceptions file."
        remedy = Remedy(sentence, _tags_command(view, name, {part: theirs for part, _, theirs in parts}))
        yield view.warn(f"{kind} {name}", measured, wanted, reason, remedy)


def _role_findings(view: View) -> Iterator[Finding]:
    """A warning for each function, rule and schedule that cannot act as its role."""
    for role in view.get(iam_called_roles.roles, Side.GLOBAL):
        if isinstance(role, Unavailable):
            yield view.unknown("a role of functions, rules and schedules", _ACTS, role)
            continue
        (kind, of), name = resource_of(role.of), role.arn.rpartition("/")[2]
        if role.exists and role.trusted is None:
            reason = f"The trust policy of {name} has conditions that only IAM itself evaluates."
            yield view.undecided(f"{kind} {of}", _ACTS, reason, f"the trust policy of '{name}'")
        elif not (role.exists and role.trusted):
            measured = f"{name} does not trust {role.service}" if role.exists else f"there is no role {name}"
            reason = "it cannot run, and what it does is not done; IAM cannot be changed during a run"
            yield view.warn(f"{kind} {of}", measured, _ACTS, reason, f"aws_iam_role '{name}': assume_role_policy.")


def _tags_command(view: View, name: str, wanted: Mapping[str, str]) -> tuple[str, ...]:
    """The command that lets tags of a repository be moved as the primary's; none where filters belong to it."""
    setting = wanted.get("tags")
    if setting not in ("MUTABLE", "IMMUTABLE"):
        return ()
    return (view.command("ecr", "PutImageTagMutability", repositoryName=name, imageTagMutability=setting),)


def _unread_findings(view: View) -> Iterator[Finding]:
    """Yield an UNKNOWN for each service that could not be listed, or for the region if no service could."""
    for side in (Side.PRIMARY, Side.DR):
        listings = view.get(platform_resources.listings, side)
        dark = [(row.service, row.resources) for row in listings if isinstance(row.resources, Unavailable)]
        region = view.env.region(side)
        # A region that answers nothing is one cause, not one for each service.
        if dark and len(dark) == len(listings):
            dark = [("all services", dark[0][1])]
        for service, unavailable in dark:
            yield view.unknown(f"{service} in {region}", _WANTED, unavailable)
    for kind in unlisted_types(view):
        reason = f"The tagging API of {view.region} does not know this type, that of the primary region does."
        yield view.unknown(f"{kind} in {view.region}", _WANTED, reason)
