"""doctor: try every declared read once, and find out what else a recovery depends on. It changes nothing."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, StringShape, StructureShape

from dr_actions.iam.action_names import actions_of
from dr_actions.planning.planner import failover_estimate_s
from dr_checks.core.model import Status, worst
from dr_checks.core.registry import checks, judge
from dr_estate import speed
from dr_estate.aws.clock import WorldClock
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.aws.read_rules import PROOF
from dr_estate.aws.recording import Exchange, ExchangeRecorder
from dr_estate.aws.session_life import session_life
from dr_estate.config.environment import Environment, Side
from dr_estate.iam.simulation_requests import keys_of_time
from dr_estate.iam.statements import document, read_statements
from dr_estate.model.session_life import Coverage, coverage_of
from dr_estate.model.unavailable import SILENT, DataUnavailable, Unavailable, UnavailableKind, understand
from dr_estate.readers import account_regions
from dr_estate.snapshot.observer import Progress, observe_with
from dr_estate.snapshot.registry import DIAGNOSED, reads
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.diagnosis import Diagnosis, Fact, Problem, ServiceAccess, Standing
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.target import ObservedWorld

(SOURCE_REGIONS,) = DIAGNOSED
_GLOBAL = frozenset({"account", "cloudfront", "iam", "route53"})
# ERROR is an answer: AWS says that there is no such thing.
_FAILED = frozenset(UnavailableKind) - {UnavailableKind.ERROR}
_SKEW_WARN_S, _SKEW_FAIL_S = 60, 300  # SigV4 refuses a signature older than 5 minutes (IAM User Guide)
# Six words show the pattern; more would hide the other findings.
_SEEN_ONCE = 6
# Words that AWS documents, and that botocore's model does not list. Source: API_InternetGatewayAttachment.
_DOCUMENTED = {("ec2:DescribeInternetGateways", "InternetGateways.Attachments.State", "available")}
_OF_IDENTITY_CENTER = "AWSReservedSSO_"
_CONTROL_STACK = ("recovery-automation.document", "recovery-automation.task", "recovery-automation.roles")
_JUDGED = {Status.WARN: Standing.WARN, Status.FAIL: Standing.FAIL, Status.UNKNOWN: Standing.UNKNOWN}
_Call = tuple[str, str]
_STANDINGS = {
    Coverage.LASTS: Standing.OK,
    Coverage.RENEWED: Standing.WARN,
    Coverage.ENDS: Standing.FAIL,
    Coverage.UNKNOWN: Standing.UNKNOWN,
    Coverage.NONE: Standing.FAIL,
}


@dataclass(frozen=True)
class Examination:
    """What was heard while everything was tried. ``snapshot`` is None where no region's STS proved the account.

    ``break_glass`` is IAM's decision on whether the break-glass principal may assume the operator's role: None where
    there is no such principal, or none is named.
    """

    exchanges: tuple[Exchange, ...]
    snapshot: Snapshot | None
    refused: Unavailable | None = None
    break_glass: str | Unavailable | None = None


def examine(environment: Environment, world: ObservedWorld, progress: Progress) -> Examination:
    """Observe the estate, then try what the observation had no reason to call. Raises WrongAccount."""
    recorder = ExchangeRecorder()
    # DIAGNOSED|More than a look may call: a diagnosis tries each declared call, also those that nothing asked for.
    allowed = reads() | DIAGNOSED
    client = ReadClient(environment, allowed, replace(world.credentials, recorder=recorder))
    try:
        snapshot = observe_with(client, world.name, progress)
    except DataUnavailable as refused:
        return Examination(tuple(recorder.exchanges), None, refused.unavailable)
    called = {(exchange.operation, exchange.region) for exchange in recorder.exchanges}
    for operation, region in sorted(_calls_by_region(environment, allowed) - called):
        _try(client, operation, region, environment)
    break_glass = _simulated_break_glass(client, environment)
    return Examination(tuple(recorder.exchanges), snapshot, break_glass=break_glass)


def _simulated_break_glass(read_client: ReadClient, environment: Environment) -> str | Unavailable | None:
    """IAM's decision on assuming the operator's role; None without such a principal (API_SimulatePrincipalPolicy)."""
    principal = environment.people.break_glass
    if not principal:
        return None
    wanted = {
        "PolicySourceArn": principal,
        "ActionNames": ["sts:AssumeRole"],
        "ResourceArns": [_operator_role(environment)],
        "ContextEntries": [
            {"ContextKeyName": key.name, "ContextKeyValues": list(key.values), "ContextKeyType": key.kind}
            for key in keys_of_time(read_client.credentials.clock.now())
        ],
    }
    region = environment.region(Side.GLOBAL)
    try:
        answer = read_client.call("iam", region, lambda iam: iam.simulate_principal_policy(**wanted), ("NoSuchEntity",))
        return understand(lambda: _decision(answer), principal, region)
    except DataUnavailable as unseen:
        return unseen.unavailable


def _decision(answer: Mapping[str, Any] | None) -> str | None:
    return str(answer["EvaluationResults"][0]["EvalDecision"]) if answer else None


def _operator_role(environment: Environment) -> str:
    """The role in which a person recovers: the break-glass role where AWS starts the runs."""
    names = environment.names
    name = names.break_glass_role if environment.automation.enabled else names.operator_role
    return f"arn:aws:iam::{environment.account}:role/{environment.named(name)}"


def _calls_by_region(environment: Environment, allowed: Iterable[str]) -> set[_Call]:
    """Each operation in each region where a reader would call it; what the two regions share is asked in one."""
    regions = [environment.region(side) for side in (Side.PRIMARY, Side.DR)]
    return {
        (operation, region)
        for operation in allowed
        for region in (
            [environment.region(Side.GLOBAL)]
            if operation.partition(":")[0] in _GLOBAL
            else regions[1:]
            if operation == SOURCE_REGIONS
            else regions
        )
    }


def _try(read_client: ReadClient, operation: str, region: str, environment: Environment) -> None:
    """Call ``operation`` once if it needs no name of anything. Its end is the recorder's to hear."""
    service, _, name = operation.partition(":")
    client = read_client.caller(service, region)
    shape = client.meta.service_model.operation_model(name).input_shape
    # Without a name nothing could be asked for: a made-up one would be denied where the policy names resources.
    if shape is not None and shape.required_members:
        return
    # Asked in the DR region, of the primary: where copies may come from (RDS API, DescribeSourceRegions).
    params = {"RegionName": environment.region(Side.PRIMARY)} if operation == SOURCE_REGIONS else {}
    try:
        read_client.call(service, region, lambda ready: getattr(ready, xform_name(name))(**params))
    except DataUnavailable:
        return


def diagnose(environment: Environment, world: ObservedWorld, heard: Examination, at: datetime) -> Diagnosis:
    """What the examination says. Pure, but for the settings by which this process signs in."""
    services = _services(heard)
    denied = {problem.operation for service in services for problem in service.problems if problem.kind == "denied"}
    facts = (
        *_regions(environment, heard),
        _clock(heard, world.clock),
        *_sign_in(environment, world.credentials, _needed_s(environment, heard.snapshot), at),
        _break_glass(environment, heard.break_glass),
        *_control_stack(environment, heard),
        *_region_facts(heard),
        _replication(environment, heard),
    )
    # Only what was denied: a policy for everything would be attached without being read.
    grant = document(read_statements(environment, {action for name in denied for action in actions_of(name)}))
    bad = any(fact.state is Standing.FAIL for fact in facts) or any(service.problems for service in services)
    silent = heard.snapshot is None or any(problem.kind in SILENT for s in services for problem in s.problems)
    return Diagnosis(
        environment=environment.name,
        world=world.name,
        at=at,
        identity=heard.snapshot.identity if heard.snapshot else "",
        services=services,
        facts=facts,
        shapes=tuple(_shapes(heard)),
        grant=grant if denied else {},
        # First: what was not heard must not read as a fault of the estate.
        exit=Exit.COULD_NOT_SEE if silent else Exit.NOT_READY if bad else Exit.READY,
    )


def _needed_s(environment: Environment, snapshot: Snapshot | None) -> float:
    """Seconds that today's plan is estimated to take; the RTO where nothing was seen to plan from."""
    return failover_estimate_s(environment, snapshot) if snapshot else environment.objectives.rto_minutes * 60


def _services(heard: Examination) -> tuple[ServiceAccess, ...]:
    calls: defaultdict[_Call, list[Exchange]] = defaultdict(list)
    for exchange in heard.exchanges:
        calls[exchange.operation, exchange.region].append(exchange)
    found = []
    wanted = sorted(reads() | DIAGNOSED | {PROOF})
    for service in sorted({operation.partition(":")[0] for operation in wanted}):
        own = [operation for operation in wanted if operation.startswith(f"{service}:")]
        problems = tuple(p for key in sorted(calls) if key[0] in own for p in _problems(key, calls[key]))
        tried = {operation for operation, _ in calls}
        answered = len([name for name in own if name in tried and not any(p.operation == name for p in problems)])
        found.append(ServiceAccess(service, answered, problems, tuple(name for name in own if name not in tried)))
    return tuple(found)


def _problems(call: _Call, exchanges: list[Exchange]) -> Iterator[Problem]:
    """One problem for each kind of failure; an error that says "there is no such thing" is an answer."""
    by_kind: defaultdict[UnavailableKind, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        if exchange.kind in _FAILED:
            by_kind[exchange.kind].append(exchange)
    for kind, failed in sorted(by_kind.items()):
        yield Problem(*call, kind.value, failed[0].code, len(failed), len(exchanges))


def _regions(environment: Environment, heard: Examination) -> Iterator[Fact]:
    """Which region answers at all."""
    if heard.refused is not None:
        signed_out = heard.refused.kind is UnavailableKind.CREDENTIALS
        action = "Log in again" if signed_out else "Let this machine reach AWS (network, proxy, AWS_ENDPOINT_URL)"
        yield Fact("account", Standing.UNKNOWN, heard.refused.why, f"{action}, then run this again.")
    for side in (Side.PRIMARY, Side.DR):
        region = environment.region(side)
        own = [exchange for exchange in heard.exchanges if exchange.region == region]
        answered = [exchange for exchange in own if exchange.status]
        if answered:
            slowest_s = max(exchange.took_s for exchange in answered)
            message = f"{len(answered)} of {len(own)} calls were answered; the slowest took {slowest_s:.1f} s"
            yield Fact(f"{side} region {region}", Standing.OK, message, region=region)
        # Not the region's fault: without a signature no call left this machine.
        elif own and all(exchange.kind is UnavailableKind.CREDENTIALS for exchange in own):
            message = f"not asked: no call could be signed ({own[0].code})"
            yield Fact(f"{side} region {region}", Standing.UNKNOWN, message, region=region)
        elif own:
            message = f"none of {len(own)} calls was answered ({own[0].code})"
            yield Fact(f"{side} region {region}", Standing.UNKNOWN, message, region=region)


def _clock(heard: Examination, clock: WorldClock) -> Fact:
    if clock.is_sandboxs:
        return Fact("clock", Standing.OK, f"the sandbox has a clock of its own, {clock.speed:g} times as fast")
    # The median: one answer that was late on its way says nothing of the clock.
    skews = [exchange.skew_s for exchange in heard.exchanges if exchange.skew_s is not None]
    if not skews:
        return Fact("clock", Standing.UNKNOWN, "no answer had a Date header")
    skew_s = statistics.median(skews)
    ahead = "ahead of" if skew_s > 0 else "behind"
    if abs(skew_s) < _SKEW_WARN_S:
        return Fact("clock", Standing.OK, f"this machine agrees with AWS within {max(abs(skew_s), 1):.0f} s")
    state = Standing.FAIL if abs(skew_s) >= _SKEW_FAIL_S else Standing.WARN
    message = f"this machine is {abs(skew_s):.0f} s {ahead} AWS, which refuses signatures from 300 s on"
    return Fact("clock", state, message, "Set the clock (NTP), then run this again.")


def _sign_in(environment: Environment, credentials: Credentials, needed_s: float, at: datetime) -> Iterator[Fact]:
    """How this process signs in, for how long, and through which region."""
    covered = coverage_of(session_life(environment, credentials, at), at, needed_s)
    yield Fact("session", _STANDINGS[covered.coverage], covered.says, covered.remedy)
    if credentials.access_key_id or covered.coverage is Coverage.NONE:
        return
    session = botocore.session.Session()
    session.set_config_variable("region", environment.region(Side.DR))
    # The region of the identity provider and of its STS: lost with the primary region, nobody could sign in.
    profile: Mapping[str, Any] = session.get_scoped_config()
    sso = session.full_config.get("sso_sessions", {}).get(profile.get("sso_session", ""), {})
    region = sso.get("sso_region") or profile.get("sso_region", "")
    legacy = session.get_config_variable("sts_regional_endpoints") == "legacy"
    lost = environment.region(Side.PRIMARY)
    if region == lost:
        message = f"IAM Identity Center signs in through {region}: it is lost with the primary region"
        yield Fact("sign-in region", Standing.FAIL, message, "Prepare a break-glass user or role that needs no SSO.")
    elif legacy:
        message = "STS is asked by its global endpoint in us-east-1 (sts_regional_endpoints = legacy)"
        yield Fact("sign-in region", Standing.WARN, message, "Set AWS_STS_REGIONAL_ENDPOINTS=regional.")
    else:
        where = f"IAM Identity Center in {region}" if region else "no identity provider of AWS"
        yield Fact("sign-in region", Standing.OK, f"{where}; STS is asked in {environment.region(Side.DR)} first")


def _break_glass(environment: Environment, decision: str | Unavailable | None) -> Fact:
    """Whether somebody can sign in and recover where the identity provider, or the primary region, is lost.

    Only the principal's own policies are simulated: whether the role trusts it, and its MFA, are not.
    """
    subject, principal, role = "break-glass", environment.people.break_glass, _operator_role(environment)
    if not principal:
        message = "nobody is named who can sign in where the identity provider or the primary region is lost"
        remedy = f'Name an IAM user: people.break_glass = "arn:aws:iam::{environment.account}:user/NAME".'
        return Fact(subject, Standing.WARN, message, remedy)
    # Its roles bear this prefix (IAM Identity Center User Guide, "Permission sets").
    if _OF_IDENTITY_CENTER in principal:
        message = f"{principal} is signed in to by IAM Identity Center alone: it is lost with its region"
        return Fact(subject, Standing.FAIL, message, "Name an IAM user or a role that needs no Identity Center.")
    if isinstance(decision, Unavailable):
        return Fact(subject, Standing.UNKNOWN, decision.why)
    if decision is None:
        return Fact(subject, Standing.FAIL, f"there is no {principal}", "Create it, or correct people.break_glass.")
    if decision != "allowed":
        message = f"{principal} may not assume {role} ({decision})"
        return Fact(subject, Standing.FAIL, message, f"Allow it sts:AssumeRole on {role}.")
    return Fact(subject, Standing.OK, f"{principal} may assume {role}")


def _control_stack(environment: Environment, heard: Examination) -> Iterator[Fact]:
    """Whether AWS can start a run: what `status` says of the document, the task, its image and their roles."""
    if not environment.automation.enabled or heard.snapshot is None:
        return
    results = [judge(checks()[name], heard.snapshot, environment) for name in _CONTROL_STACK]
    status = worst([result.status for result in results])
    bad = [finding for result in results for finding in result.findings if finding.status is status]
    if status not in _JUDGED:
        message = "AWS can start a run: document, task, image and roles are there"
        yield Fact("control stack", Standing.OK, message)
        return
    message = "; ".join(f"{finding.subject}: {finding.measured}, {finding.because}" for finding in bad)
    yield Fact("control stack", _JUDGED[status], message, bad[0].remedy)


def _region_facts(heard: Examination) -> Iterator[Fact]:
    if heard.snapshot is None:
        return
    try:
        statuses = {row.region: row.status for row in heard.snapshot.get(account_regions.opt_in, Side.GLOBAL)}
    except DataUnavailable as unseen:
        yield Fact("opt-in", Standing.UNKNOWN, unseen.unavailable.why)
        return
    # ENABLED, or ENABLED_BY_DEFAULT (Account Management API, Region).
    off = {region: status for region, status in statuses.items() if not status.startswith("ENABLED")}
    if off:
        listed = ", ".join(f"{region} is {status}" for region, status in off.items())
        command = f"aws account enable-region --region-name {min(off)}"
        yield Fact("opt-in", Standing.FAIL, listed, f"`{command}` (takes minutes to hours).")
    else:
        yield Fact("opt-in", Standing.OK, f"both regions are enabled ({', '.join(statuses)})")


def _replication(environment: Environment, heard: Examination) -> Fact:
    """Whether RDS replicates automated backups between the two regions. Source: RDS API, DescribeSourceRegions."""
    primary, dr = environment.region(Side.PRIMARY), environment.region(Side.DR)
    subject, pair = "RDS backups", f"{primary} to {dr}"
    answers = [e.answer for e in heard.exchanges if e.operation == SOURCE_REGIONS and e.kind is None]
    rows = [row for answer in answers for row in answer.get("SourceRegions", []) if row.get("RegionName") == primary]
    if not answers:
        return Fact(subject, Standing.UNKNOWN, f"whether automated backups replicate from {pair} was not answered")
    if any(row.get("SupportsDBInstanceAutomatedBackupsReplication") for row in rows):
        return Fact(subject, Standing.OK, f"automated backups can replicate from {pair}")
    needed = "automated-backup" in environment.replication.database
    message = f"AWS does not replicate automated backups from {pair}"
    # Only a warning where another mechanism copies the database.
    advice = "Choose another mechanism in replication.database." if needed else ""
    return Fact(subject, Standing.FAIL if needed else Standing.WARN, message, advice)


def _shapes(heard: Examination) -> Iterator[str]:
    """Where answers differ from what this version reads: words that no model lists, rows and readers that failed."""
    # the models that the answers were read by: botocore's own session reads them all again, for half a second
    model_of = cache(speed.account(reads() | DIAGNOSED | {PROOF}).session.get_service_model)
    odd = (UnavailableKind.DEFECT, UnavailableKind.UNREADABLE)
    words: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for exchange in heard.exchanges:
        if exchange.kind is None:
            service, _, name = exchange.operation.partition(":")
            model: OperationModel = model_of(service).operation_model(name)
            for member, word in _unknown_words(exchange.answer, model.output_shape, ""):
                if (exchange.operation, member, word) not in _DOCUMENTED:
                    words[exchange.operation, member].add(word)
    for (operation, member), found in sorted(words.items()):
        yield f"{operation}: {member} has {', '.join(sorted(found)[:_SEEN_ONCE])}, which its model does not list"
    if heard.snapshot is not None:
        for part in heard.snapshot.unavailable_parts():
            if part.value.kind in odd:
                yield part.value.why
        for part in heard.snapshot.parts.values():
            yield from (f"{part.name} on the {part.side} side: {row.unseen.why}" for row in part.unreadable)


def _unknown_words(value: Any, shape: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name, member in shape.members.items():
            if name in value:
                yield from _unknown_words(value[name], member, f"{at}.{name}".lstrip("."))
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for row in value:
            yield from _unknown_words(row, shape.member, at)
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for inner in value.values():
            yield from _unknown_words(inner, shape.value, at)
    elif isinstance(shape, StringShape) and shape.enum and value and value not in shape.enum:
        yield at, value
