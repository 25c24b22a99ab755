"""Examples of the prerequisites, topics and Terraform checks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.model.playbook import FAILBACK_WRITES, FORBIDDEN, needed_actions
from dr_estate.model.session_life import SessionLife
from dr_estate.readers import (
    account_regions,
    control_table,
    efs,
    iam_simulation,
    runbook,
    sns_delivery,
    sns_topics,
    ssm_parameters,
    sts_identity,
    terraform_state,
    vpc,
)
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import with_part
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

FINE, FAILS, UNSEEN, IDLE, WARNS = (
    *(Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE),
    Status.WARN,
)
NOBODY = SIT.model_copy(update={"people": SIT.people.model_copy(update={"contacts": {"DR Manager": "dr@example.org"}})})
TWO = SIT.model_copy(update={"approvals": SIT.approvals.model_copy(update={"people": 2, "approvers": ("approver",)})})
NOWHERE = SIT.model_copy(update={"people": SIT.people.model_copy(update={"runbook": ""})})
PIN = control_table.RulesPin("approver", NOW)


def _both(reader: Reader[Any], primary: Any, dr: Any) -> Any:
    return world({(reader, Side.PRIMARY): primary, (reader, Side.DR): dr})


def _dr(reader: Reader[Any], value: Any) -> Any:
    return world({(reader, Side.DR): value})


def _global(reader: Reader[Any], value: Any) -> Any:
    return world({(reader, Side.GLOBAL): value})


CALLER = sts_identity.CallerIdentity(SIT.account, "arn:aws:iam::1:user/reader")


def _until(minutes: int) -> sts_identity.CallerIdentity:
    life = SessionLife("env", temporary=True, ends_at=NOW + timedelta(minutes=minutes))
    return replace(CALLER, session=life)


_OF_UNKNOWN_END = replace(CALLER, session=SessionLife("env", temporary=True))
STRANGER = sts_identity.CallerIdentity("111122223333", "arn:aws:iam::2:user/x")


def _opt(status: str) -> tuple[account_regions.RegionOptIn, ...]:
    return (account_regions.RegionOptIn("p", status), account_regions.RegionOptIn("d", "ENABLED_BY_DEFAULT"))


def _asked(count: int | None) -> control_table.RequiredPeople:
    return control_table.RequiredPeople("sit-dr-control", count, "two" if count is None else str(count or ""))


def _runbook(text: str | None, reviewed: date | None = None) -> runbook.Runbook:
    return runbook.Runbook("s3://b/runbook.md", text, reviewed)


_REVIEWED = _runbook("x", date(2026, 2, 1))


def _operator(*denied: str, deletes: bool = False) -> iam_simulation.Operator:
    needed = [(action, "implicitDeny" if action in denied else "allowed") for action in needed_actions()]
    forbidden = [(action, "allowed" if deletes else "explicitDeny") for action in FORBIDDEN]
    decisions = (
        iam_simulation.SimulatedDecision(*row, "eu-west-1", "arn", ("aws:SourceIp",)) for row in [*needed, *forbidden]
    )
    return iam_simulation.Operator("role", tuple(decisions))


_BY_PERIMETER = iam_simulation.SimulatedDecision(
    "ecs:UpdateService", "explicitDeny", "eu-west-1", "arn", ("aws:PrincipalOrgID",)
)


def _stopped(*actions: str) -> iam_simulation.Operator:
    """A policy of the organization ended the simulation of these."""
    rows = [
        replace(row, decision="explicitDeny", of_organization=row.action in actions) if row.action in actions else row
        for row in _operator().decisions or ()
    ]
    return iam_simulation.Operator("role", tuple(rows))


def _by_perimeter(*actions: str) -> iam_simulation.Operator:
    """A deny of others than the organization's is met, for the simulator fills its name in for nobody."""
    rows = [
        replace(row, decision="explicitDeny", missing=("aws:PrincipalOrgID",)) if row.action in actions else row
        for row in _operator().decisions or ()
    ]
    return iam_simulation.Operator("role", tuple(rows))


def _failing_back(denied: frozenset[str]) -> iam_simulation.Operator:
    """What is needed is allowed in the DR region, and the failback's writes in the primary region but ``denied``."""
    words = {action: "implicitDeny" if action in denied else "allowed" for action in sorted(FAILBACK_WRITES)}
    in_primary = (
        iam_simulation.SimulatedDecision(action, word, SIT.regions.primary, "arn") for action, word in words.items()
    )
    return iam_simulation.Operator("role", (*(_operator().decisions or ()), *in_primary))


def _topics(exists: bool = True, confirmed: int = 1) -> tuple[sns_topics.Topic, ...]:
    return (sns_topics.Topic("bbws-dr-events", exists, confirmed if exists else 0, 1),)


MAIL, QUEUE = ("email team@example.com", ()), ("sqs", ("raw",))
TOPIC = "bbws-dr-events"


def _subscribed(here: Any, there: Any = (MAIL, QUEUE), settings: tuple[str, ...] = (), exists: bool = True) -> Snapshot:
    def listening(given: Any) -> Any:
        return (
            tuple(sns_topics.TopicSubscription(TOPIC, *listener) for listener in given)
            if isinstance(given, tuple)
            else given
        )

    return world(
        {
            (sns_topics.topics, Side.PRIMARY): _topics(),
            (sns_topics.topics, Side.DR): tuple(replace(topic, settings=settings) for topic in _topics(exists)),
            (sns_topics.listeners, Side.PRIMARY): listening(there),
            (sns_topics.listeners, Side.DR): listening(here),
        }
    )


QUEUE_ARN = f"arn:aws:sqs:{SIT.regions.dr}:{SIT.account}:desk"
TOPIC_ARN = f"arn:aws:sns:{SIT.regions.dr}:{SIT.account}:{TOPIC}"


def _policy(action: str, service: str, effect: str = "Allow", condition: Any = None, *more: Any) -> str:
    row = {"Effect": effect, "Principal": {"Service": service}, "Action": action, "Resource": "*"}
    row |= {"Condition": condition} if condition else {}
    return json.dumps({"Statement": [row, *more]})


FILES_HERE, FILES_THERE = "fs-0123456789abcdef0", "fs-0123456789abcdef1"


def _valued(
    ids: tuple[str, ...] = (FILES_HERE,), neutral: str = "a", kind: str = "String", seen: Any = None
) -> Snapshot:
    """A parameter of both regions that names the region's own file system, but for how it is in the DR region."""
    parameter = ssm_parameters.Parameter
    there = parameter("/sit/files", "String", False, (FILES_THERE,), "a")
    parts: dict[tuple[Reader[Any], Side], Any] = {
        (SETTINGS, Side.DR): (parameter("/sit/files", kind, False, ids, neutral),) if seen is None else seen,
        (SETTINGS, Side.PRIMARY): (there,),
    }
    for side, id_ in ((Side.PRIMARY, FILES_THERE), (Side.DR, FILES_HERE)):
        system = efs.FileSystem(id_, "", "", "available", 0, "elastic", 0, "generalPurpose", True, "", "ENABLED", "")
        parts |= {(efs.file_systems, side): (system,), (vpc.vpc, side): None}
        parts |= {(vpc.subnets, side): (), (vpc.security_groups, side): ()}
    return world(parts)


OPEN, TAKES = _policy("sns:Publish", "cloudwatch.amazonaws.com"), _policy("sqs:SendMessage", "sns.amazonaws.com")


def _arriving(
    topic: str = OPEN, queue: Any = TAKES, key: Any = None, endpoint: str = QUEUE_ARN, topics: Any = None
) -> Snapshot:
    """A topic of the DR region with one queue; ``key`` is a NotificationKey, ``queue`` its policy or how it is seen."""
    own = sns_topics.Topic(TOPIC, True, 1, 0, (), topic, "k" if key else "")
    heard = sns_delivery.SubscribedQueue(QUEUE_ARN, True, queue) if isinstance(queue, str) else queue
    return world(
        {
            (sns_topics.topics, Side.DR): (own,) if topics is None else topics,
            (sns_topics.listeners, Side.DR): (sns_topics.TopicSubscription(TOPIC, "sqs", (), endpoint),),
            (sns_delivery.queues, Side.DR): (heard,),
            (sns_delivery.keys, Side.DR): (key,) if key else (),
        }
    )


FUNCTION_ARN = f"arn:aws:lambda:{SIT.regions.dr}:{SIT.account}:function:pager"
INVOKES = _policy("lambda:InvokeFunction", "sns.amazonaws.com", condition={"ArnLike": {"AWS:SourceArn": TOPIC_ARN}})


def _called(
    policy: str = INVOKES, arn: str = FUNCTION_ARN, seen: Any = None, state: str = "Active", runs: bool = True
) -> Snapshot:
    """A topic of the DR region that a function alone hears."""
    function = sns_delivery.SubscribedFunction(arn, state, runs, policy)
    return world(
        {
            (sns_topics.topics, Side.DR): (sns_topics.Topic(TOPIC, True, 1, 0, (), OPEN, ""),),
            (sns_topics.listeners, Side.DR): (sns_topics.TopicSubscription(TOPIC, "lambda", (), arn),),
            (sns_delivery.queues, Side.DR): (),
            (sns_delivery.functions, Side.DR): (function,) if seen is None else seen,
        }
    )


def _state(size: int | None, replication: str = "COMPLETED", digest: str = "") -> terraform_state.StateObject:
    return terraform_state.StateObject("b", "k", size, NOW, replication, digest)


def _locks(*statuses: str | None) -> tuple[terraform_state.LockTable, ...]:
    return tuple(terraform_state.LockTable(f"lock-{n}", status) for n, status in enumerate(statuses))


def _held(minutes: int | None, name: str = "4711") -> terraform_state.StateLock:
    since = None if minutes is None else NOW - timedelta(minutes=minutes)
    return terraform_state.StateLock("lock-0", "b/k", name, "OperationTypeApply", since)


def _locked(*locks: object, table: str | None = "ACTIVE") -> Snapshot:
    return world({(LOCKS, Side.DR): _locks(table), (HELD, Side.DR): locks})


def _parameters(*names: str, names_primary: bool = False) -> tuple[ssm_parameters.Parameter, ...]:
    return tuple(ssm_parameters.Parameter(name, "String", names_primary) for name in names)


def _written_away(phase: str = control_table.ON_DR, size: int = 10, digest: str = "b") -> Snapshot:
    """Terraform wrote into the DR region's copy while an incident is in that phase."""
    incident = control_table.Incident("INC-1", "failover", phase, NOW, None)
    reader = terraform_state.state
    return world(
        {
            (reader, Side.PRIMARY): _state(10, digest="b"),
            (reader, Side.DR): _state(size, digest=digest),
            (control_table.standing, Side.DR): control_table.ControlState(incident=incident),
        }
    )


STATE, LOCKS, HELD, TOPICS, SETTINGS = (
    terraform_state.state,
    terraform_state.lock_tables,
    terraform_state.held_locks,
    sns_topics.topics,
    ssm_parameters.parameters,
)
_CREDENTIALS = [
    Example("prerequisites.credentials-work", FINE, _both(sts_identity.caller, CALLER, CALLER)),
    Example("prerequisites.credentials-work", WARNS, _both(sts_identity.caller, CALLER, _until(16))),
    Example("prerequisites.credentials-work", WARNS, _both(sts_identity.caller, CALLER, _OF_UNKNOWN_END)),
    Example("prerequisites.credentials-work", FINE, _both(sts_identity.caller, CALLER, _until(600))),
    Example("prerequisites.credentials-work", FAILS, _both(sts_identity.caller, CALLER, STRANGER)),
    Example("prerequisites.credentials-work", UNSEEN, _both(sts_identity.caller, DENIED, CALLER)),
    Example("prerequisites.opted-in", FINE, _global(account_regions.opt_in, _opt("ENABLED"))),
    Example("prerequisites.opted-in", FAILS, _global(account_regions.opt_in, _opt("DISABLING")), frozenset({"p"})),
    Example("prerequisites.opted-in", UNSEEN, _global(account_regions.opt_in, DENIED)),
]
_CONTROL = [
    Example("prerequisites.people", FINE, _dr(control_table.people, _asked(1))),
    Example("prerequisites.people", IDLE, _dr(control_table.people, _asked(0))),
    Example("prerequisites.people", FAILS, _dr(control_table.people, _asked(2))),
    Example("prerequisites.people", FAILS, _dr(control_table.people, _asked(None))),
    Example("prerequisites.people", FAILS, _dr(control_table.people, _asked(0)), env=TWO),
    Example("prerequisites.people", FAILS, _dr(control_table.people, _asked(1)), env=TWO),
    Example("prerequisites.people", FINE, _dr(control_table.people, _asked(2)), env=TWO),
    Example("prerequisites.people", IDLE, _dr(control_table.people, None), env=TWO),
    Example("prerequisites.people", UNSEEN, _dr(control_table.people, DENIED)),
    Example("prerequisites.rules-pinned", FINE, _dr(control_table.pins, (PIN,)), env=TWO),
    Example("prerequisites.rules-pinned", FAILS, _dr(control_table.pins, ()), env=TWO),
    Example("prerequisites.rules-pinned", FAILS, _dr(control_table.pins, (replace(PIN, person="operator"),)), env=TWO),
    Example("prerequisites.rules-pinned", IDLE, _dr(control_table.pins, None), env=TWO),
    Example("prerequisites.rules-pinned", IDLE, _dr(control_table.pins, ())),
    Example("prerequisites.rules-pinned", UNSEEN, _dr(control_table.pins, DENIED), env=TWO),
]
_DOCUMENTS = [
    Example("prerequisites.runbook-current", FINE, _dr(runbook.runbook, _runbook("x", date(2025, 12, 2)))),
    Example("prerequisites.runbook-current", FAILS, _dr(runbook.runbook, _runbook("x", date(2025, 12, 1)))),
    Example("prerequisites.runbook-current", FAILS, _dr(runbook.runbook, _runbook("x"))),
    Example("prerequisites.runbook-current", FAILS, _dr(runbook.runbook, _runbook(None))),
    Example("prerequisites.runbook-current", FAILS, _dr(runbook.runbook, _runbook(None)), env=NOWHERE),
    Example("prerequisites.runbook-current", FINE, _dr(runbook.runbook, replace(_REVIEWED, region=SIT.regions.dr))),
    Example(
        "prerequisites.runbook-current", FAILS, _dr(runbook.runbook, replace(_REVIEWED, region=SIT.regions.primary))
    ),
    Example("prerequisites.runbook-current", UNSEEN, _dr(runbook.runbook, DENIED)),
    Example("prerequisites.contacts-named", FINE, world({})),
    Example("prerequisites.contacts-named", FAILS, world({}), frozenset({"Platform Admin"}), NOBODY),
]
_PERMISSIONS = [
    Example("prerequisites.operator-allowed", FINE, _global(iam_simulation.operator, _operator())),
    Example(
        "prerequisites.operator-allowed",
        FAILS,
        _global(iam_simulation.operator, _operator("sns:Publish")),
        frozenset({"sns:Publish in eu-west-1"}),
    ),
    Example("prerequisites.operator-allowed", FINE, _global(iam_simulation.operator, _failing_back(frozenset()))),
    Example(
        "prerequisites.operator-allowed",
        Status.WARN,
        _global(iam_simulation.operator, _failing_back(FAILBACK_WRITES)),
        frozenset({"sit-dr-operator-home"}),
    ),
    Example(
        "prerequisites.operator-allowed",
        FAILS,
        _global(iam_simulation.operator, _failing_back(frozenset({"s3:PutObject"}))),
        frozenset({f"s3:PutObject in {SIT.regions.primary}"}),
    ),
    *(
        Example(
            "prerequisites.operator-allowed",
            expected,
            _global(iam_simulation.operator, replace(_operator(), let_in=admitted)),
        )
        for expected, admitted in (
            (FINE, ("arn:aws:iam::1:root",)),
            (FINE, ("arn:aws:iam::1:saml-provider/people",)),
            (FAILS, ()),
            (FAILS, ("ec2.amazonaws.com",)),
            (Status.UNKNOWN, DENIED),
        )
    ),
    Example(
        "prerequisites.operator-allowed", FAILS, _global(iam_simulation.operator, iam_simulation.Operator("role", None))
    ),
    Example("prerequisites.operator-allowed", UNSEEN, _global(iam_simulation.operator, DENIED)),
    Example(
        "prerequisites.operator-allowed",
        UNSEEN,
        _global(iam_simulation.operator, replace(_operator(), unseen=(DENIED,))),
    ),
    Example("prerequisites.operator-cannot-delete", FINE, _global(iam_simulation.operator, _operator())),
    Example("prerequisites.operator-cannot-delete", FAILS, _global(iam_simulation.operator, _operator(deletes=True))),
    Example("prerequisites.operator-cannot-delete", UNSEEN, _global(iam_simulation.operator, DENIED)),
    Example("prerequisites.operator-cannot-delete", FINE, _global(iam_simulation.operator, _stopped(*FORBIDDEN))),
    Example(
        "prerequisites.operator-cannot-delete",
        UNSEEN,
        _global(iam_simulation.operator, _by_perimeter(*FORBIDDEN, "sns:Publish")),
        frozenset(FORBIDDEN),
    ),
    Example(
        "prerequisites.operator-cannot-delete",
        UNSEEN,
        _global(iam_simulation.operator, _stopped(*FORBIDDEN, "sns:Publish")),
    ),
    Example(
        "prerequisites.operator-allowed",
        UNSEEN,
        _global(iam_simulation.operator, _stopped("sns:Publish", "rds:PromoteReadReplica")),
        frozenset({"role in eu-west-1"}),
    ),
    Example(
        "prerequisites.operator-allowed",
        UNSEEN,
        _global(iam_simulation.operator, iam_simulation.Operator("role", (_BY_PERIMETER,))),
        frozenset({"role in eu-west-1"}),
    ),
]
_OURS = frozenset({TOPIC})
_FILES = frozenset({"/sit/files"})
_NOT_HERE = {"ArnEquals": {"aws:SourceArn": TOPIC_ARN.replace(SIT.regions.dr, SIT.regions.primary)}}
_ELSEWHERE = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
_CLEAR = {"Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
_OWN = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{SIT.account}:root"}, "Action": "kms:*", "Resource": "*"}
_SHUT = {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{SIT.account}:role/{SIT.acting_role}"}}
_ENCRYPTS = _policy("kms:*", "cloudwatch.amazonaws.com", "Allow", None, _OWN)
_KEPT_OUT = _policy(
    "kms:*", "cloudwatch.amazonaws.com", "Allow", None, _OWN, _SHUT | {"Action": "kms:*", "Resource": "*"}
)
_BY_SNS = {"StringEquals": {"kms:ViaService": f"sns.{SIT.regions.dr}.amazonaws.com"}}
_UNDER = sns_delivery.SubscribedQueue(QUEUE_ARN, True, TAKES, "k")
_BY_AWS = replace(_UNDER, key="alias/aws/sqs")
_OF_QUEUE = tuple(_policy("kms:*", f"{service}.amazonaws.com") for service in ("sns", "cloudwatch"))


def _heard_under(policy: str, state: str) -> Snapshot:
    """The queue is encrypted under a key of its own, the topic is not."""
    found = _arriving(queue=_UNDER)
    key = (sns_delivery.NotificationKey("k", state, policy),)
    return with_part(found, sns_delivery.keys, Side.DR, key)


_TOPICS = [
    Example("topics.delivered", FINE, _arriving(), _OURS),
    Example("topics.delivered", FINE, _arriving(key=sns_delivery.NotificationKey("k", "Enabled", _ENCRYPTS)), _OURS),
    Example("topics.delivered", FAILS, _arriving(key=sns_delivery.NotificationKey("k", "Disabled", _ENCRYPTS)), _OURS),
    Example("topics.delivered", FAILS, _arriving(key=sns_delivery.NotificationKey("k", "Enabled", OPEN)), _OURS),
    *(
        Example(
            "topics.delivered", expected, _arriving(key=sns_delivery.NotificationKey("k", "Enabled", policy)), _OURS
        )
        for expected, policy in (
            (FAILS, _KEPT_OUT),
            (FAILS, _policy("kms:*", "cloudwatch.amazonaws.com")),
            (FAILS, _policy("kms:GenerateDataKey*", "cloudwatch.amazonaws.com", "Allow", None, _OWN)),
            (FINE, _policy("kms:*", "cloudwatch.amazonaws.com", "Allow", _BY_SNS, _OWN)),
        )
    ),
    *(
        Example("topics.delivered", expected, _heard_under(policy, state), _OURS)
        for expected, policy, state in (
            (FINE, _OF_QUEUE[0], "Enabled"),
            (FAILS, _OF_QUEUE[1], "Enabled"),
            (FAILS, _OF_QUEUE[0], "Disabled"),
        )
    ),
    Example("topics.delivered", FAILS, _arriving(queue=_BY_AWS), _OURS),
    Example("topics.delivered", FAILS, _arriving(_policy("sns:Publish", "events.amazonaws.com")), _OURS),
    Example("topics.delivered", FAILS, _arriving(_policy("sns:Publish", "cloudwatch.amazonaws.com", "Deny")), _OURS),
    Example(
        "topics.delivered", FINE, _arriving(_policy("sns:*", "cloudwatch.amazonaws.com", "Allow", {}, _CLEAR)), _OURS
    ),
    Example(
        "topics.delivered", FINE, _arriving(queue=_policy("sqs:*", "sns.amazonaws.com", "Allow", {}, _CLEAR)), _OURS
    ),
    Example("topics.delivered", FAILS, _arriving(queue=""), _OURS),
    Example(
        "topics.delivered", FAILS, _arriving(queue=_policy("sqs:*", "sns.amazonaws.com", condition=_NOT_HERE)), _OURS
    ),
    Example("topics.delivered", FAILS, _arriving(queue=sns_delivery.SubscribedQueue(QUEUE_ARN, False)), _OURS),
    Example("topics.delivered", FAILS, _arriving(endpoint=QUEUE_ARN.replace(SIT.regions.dr, SIT.regions.primary))),
    Example("topics.delivered", UNSEEN, _arriving(queue=DENIED), _OURS),
    Example(
        "topics.delivered", UNSEEN, _arriving(_policy("sns:*", "cloudwatch.amazonaws.com", condition=_ELSEWHERE)), _OURS
    ),
    Example("topics.delivered", IDLE, _arriving(topics=_topics(exists=False))),
    Example("topics.delivered", FINE, _called(), _OURS),
    Example("topics.delivered", FINE, _called(state="Inactive"), _OURS),
    Example("topics.delivered", FAILS, _called(""), _OURS),
    Example("topics.delivered", FAILS, _called(INVOKES.replace(TOPIC, "another")), _OURS),
    Example("topics.delivered", FAILS, _called(state="absent"), _OURS),
    Example("topics.delivered", FAILS, _called(state="Failed"), _OURS),
    Example("topics.delivered", FAILS, _called(runs=False), _OURS),
    Example("topics.delivered", FAILS, _called(arn=FUNCTION_ARN.replace(SIT.regions.dr, SIT.regions.primary)), _OURS),
    Example("topics.delivered", UNSEEN, _called(state="Sleepwalking"), _OURS),
    Example("topics.delivered", UNSEEN, _called(seen=DENIED)),
    Example("topics.delivered", UNSEEN, _called(seen=(DENIED,)), _OURS),
    Example("topics.alike", FINE, _subscribed((QUEUE, MAIL))),
    Example("topics.alike", FINE, _subscribed((MAIL, QUEUE, ("sms +1", ())))),
    Example("topics.alike", IDLE, _subscribed((), exists=False), frozenset({"topics"})),
    Example("topics.alike", FAILS, _subscribed((QUEUE,)), frozenset({TOPIC})),
    Example("topics.alike", FAILS, _subscribed((MAIL, ("sqs", ()))), frozenset({TOPIC})),
    Example("topics.alike", FINE, _subscribed((MAIL, QUEUE), settings=("shown as X",))),
    Example("topics.alike", Status.WARN, _subscribed((MAIL, QUEUE), settings=("encrypted",)), frozenset({TOPIC})),
    Example("topics.alike", UNSEEN, _subscribed(DENIED)),
    Example("topics.alike", UNSEEN, _subscribed((MAIL, QUEUE), there=DENIED)),
    Example("topics.in-both-regions", FINE, _both(TOPICS, _topics(), _topics())),
    Example("topics.in-both-regions", FAILS, _both(TOPICS, _topics(), _topics(exists=False))),
    Example("topics.in-both-regions", UNSEEN, _both(TOPICS, DENIED, _topics())),
    Example("topics.subscribed", FINE, _both(TOPICS, _topics(), _topics(exists=False))),
    Example("topics.subscribed", FAILS, _both(TOPICS, _topics(), _topics(confirmed=0))),
    Example("topics.subscribed", UNSEEN, _both(TOPICS, DENIED, _topics())),
]
_TERRAFORM = [
    Example("terraform.state-reachable", FINE, _dr(STATE, _state(10))),
    Example("terraform.state-reachable", FAILS, _dr(STATE, _state(None))),
    Example("terraform.state-reachable", FAILS, _dr(STATE, _state(0))),
    Example("terraform.state-reachable", UNSEEN, _dr(STATE, DENIED)),
    Example("terraform.state-current", FINE, _both(STATE, _state(10), _state(10))),
    Example("terraform.state-current", FAILS, _both(STATE, _state(12), _state(10))),
    Example("terraform.state-current", FAILS, _both(STATE, _state(10, "FAILED"), _state(10))),
    Example("terraform.state-current", FINE, _both(STATE, _state(10, digest="a"), _state(10, digest="a"))),
    Example("terraform.state-current", FINE, _both(STATE, _state(10, digest="a"), _state(10))),
    Example("terraform.state-current", FAILS, _both(STATE, _state(10, digest="a"), _state(10, digest="b"))),
    Example("terraform.state-current", Status.WARN, _written_away(digest="a")),
    Example("terraform.state-current", Status.WARN, _written_away(size=12)),
    Example("terraform.state-current", FAILS, _written_away(phase="failing over", digest="a")),
    Example("terraform.state-current", UNSEEN, _both(STATE, DENIED, _state(10))),
    Example("terraform.lock-table", FINE, _dr(LOCKS, _locks(None, "ACTIVE"))),
    Example("terraform.lock-table", FAILS, _dr(LOCKS, _locks(None, None))),
    Example("terraform.lock-table", UNSEEN, _dr(LOCKS, DENIED)),
    Example("terraform.not-locked", FINE, _locked()),
    Example("terraform.not-locked", IDLE, _locked(table=None)),
    Example("terraform.not-locked", FINE, _locked(_held(minutes=59))),
    Example("terraform.not-locked", FAILS, _locked(_held(minutes=60)), frozenset({"lock-0: b/k"})),
    Example("terraform.not-locked", FAILS, _locked(_held(minutes=None))),
    Example("terraform.not-locked", FAILS, _locked(_held(minutes=90, name=""))),
    Example("terraform.not-locked", UNSEEN, _locked(DENIED)),
    Example("terraform.not-locked", UNSEEN, _dr(HELD, DENIED)),
    Example("terraform.parameter-values", FINE, _valued(), _FILES),
    Example("terraform.parameter-values", FAILS, _valued((FILES_THERE,)), _FILES),
    Example("terraform.parameter-values", Status.WARN, _valued(("fs-0123456789abcdef9",)), _FILES),
    Example("terraform.parameter-values", Status.WARN, _valued(neutral="b"), _FILES),
    Example("terraform.parameter-values", IDLE, _valued(kind="SecureString")),
    Example("terraform.parameter-values", UNSEEN, _valued(seen=DENIED)),
    Example("terraform.parameter-parity", FINE, _both(SETTINGS, _parameters("/a"), _parameters("/a", "/b"))),
    Example("terraform.parameter-parity", IDLE, _both(SETTINGS, (), ())),
    Example("terraform.parameter-parity", FAILS, _both(SETTINGS, _parameters("/a", "/b"), _parameters("/a"))),
    Example(
        "terraform.parameter-parity",
        FAILS,
        _both(SETTINGS, _parameters("/a"), _parameters("/a", names_primary=True)),
        frozenset({"/a"}),
    ),
    Example("terraform.parameter-parity", UNSEEN, _both(SETTINGS, DENIED, ())),
]
EXAMPLES = [*_CREDENTIALS, *_CONTROL, *_DOCUMENTS, *_PERMISSIONS, *_TOPICS, *_TERRAFORM]
