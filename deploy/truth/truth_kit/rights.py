"""Questions about rights: which keys AWS fills in for a condition, and what it asks for beside the operation itself."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from truth_kit.account import Account, is_refused
from truth_kit.callers import DENIED, allow, caller, role_for
from truth_kit.files import create
from truth_kit.scene import Answer

DEFAULT = "$DEFAULT"
START, REPLICATE = "ssm:StartAutomationExecution", "elasticfilesystem:CreateReplicationConfiguration"
_BOTH_ENDS = ["elasticfilesystem:ReplicationRead", "elasticfilesystem:ReplicationWrite"]


def ask_of_starts(account: Account) -> Iterator[Answer]:
    """Start a document by its default version, twice by one token, and by a right to pass its role in the region."""
    plain, passing = (_document(account, what) for what in ("plain", "passing"))
    ours = f"arn:aws:ssm:{account.dr}:{account.number}"
    beside = [allow(START, f"{ours}:automation-{kind}/*") for kind in ("definition", "execution")]
    default: dict[str, Any] = {"ForAnyValue:StringEquals": {"ssm:DocumentVersion": [DEFAULT]}}
    document = f"{ours}:document/{plain}"
    wide, narrow = allow(START, document), allow(START, document, **default)
    yield "ssm.default-version-bears-its-name", _starts(account, plain, [*beside, wide], [*beside, narrow])
    yield "ssm.client-token-starts-once", _starts_once(account, plain)
    region: dict[str, Any] = {"StringEquals": {"aws:RequestedRegion": account.dr}}
    wide, narrow = allow("iam:PassRole"), allow("iam:PassRole", **region)
    yield "iam.pass-role-bears-region", _starts(account, passing, [allow(START), wide], [allow(START), narrow])


def _document(account: Account, what: str) -> str:
    """Make a document that rests for a second, by a role where it is the passing one; return its name."""
    role = {"assumeRole": role_for(account, "passed", {"Service": "ssm.amazonaws.com"})} if what == "passing" else {}
    rests = {"name": "rest", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}
    content, name = {"schemaVersion": "0.3", **role, "mainSteps": [rests]}, account.prefix + what
    account.client("ssm", account.dr).create_document(
        Name=name, Content=json.dumps(content), DocumentType="Automation", DocumentFormat="JSON", Tags=account.tags
    )
    return name


def _starts(account: Account, document: str, wide: list[dict[str, Any]], narrow: list[dict[str, Any]]) -> bool:
    """Whether the narrow rights are enough to start the document: the wide ones are."""
    what = document.removeprefix(account.prefix)

    def may(keys: dict[str, str]) -> Callable[[], bool]:
        ssm = account.client("ssm", account.dr, **keys)
        return lambda: (
            not is_refused(
                lambda: ssm.start_automation_execution(DocumentName=document, DocumentVersion=DEFAULT), *DENIED
            )
        )

    # The wide rights first: once they work, a refusal of the narrow ones is an answer, and no delay of IAM's.
    account.until("the document can be started", may(caller(account, f"{what}-wide", wide)))
    return account.shows(may(caller(account, f"{what}-narrow", narrow)))


def _starts_once(account: Account, document: str) -> bool:
    """Whether a second start with the token of the first one, alike in all, answers with the execution of the first."""
    ssm, token = account.client("ssm", account.dr), str(uuid.uuid4())
    starts = [ssm.start_automation_execution(DocumentName=document, ClientToken=token) for _ in range(2)]
    return len({start["AutomationExecutionId"] for start in starts}) == 1


def ask_of_trusts(account: Account) -> Iterator[Answer]:
    """Give a schedule, and a state machine, a role that is to be taken for the work of this ARN alone."""
    scheduler, states = account.client("scheduler", account.dr), account.client("stepfunctions", account.dr)
    rests = json.dumps({"StartAt": "Rest", "States": {"Rest": {"Type": "Pass", "End": True}}})

    def schedule(name: str, role: str) -> Any:
        # Never run: it is disabled, and there is no such document.
        given = json.dumps({"DocumentName": name})
        target = {"Arn": "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution", "RoleArn": role, "Input": given}
        window, often = {"Mode": "OFF"}, "rate(30 days)"
        return scheduler.create_schedule(
            Name=name, ScheduleExpression=often, State="DISABLED", FlexibleTimeWindow=window, Target=target
        )

    def machine(name: str, role: str) -> Any:
        return states.create_state_machine(name=name, definition=rests, roleArn=role, tags=account.lower_tags)

    ours = f"{account.dr}:{account.number}"
    group, each = f"arn:aws:scheduler:{ours}:schedule-group/default", f"arn:aws:states:{ours}:stateMachine:"
    yield "scheduler.role-bears-group", _takes(account, "scheduler", schedule, "ValidationException", lambda _: group)
    yield (
        "states.role-bears-machine",
        _takes(account, "states", machine, "AccessDeniedException", lambda name: f"{each}{name}"),
    )


def _takes(
    account: Account, service: str, make: Callable[[str, str], Any], code: str, source: Callable[[str], str]
) -> bool:
    """Whether the service takes a role for its own source alone: it takes one for the account."""
    principal, number = {"Service": f"{service}.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": account.number}}

    def may(what: str, **condition: Any) -> Callable[[], bool]:
        name = f"{account.prefix}{what}"
        role = role_for(account, what, principal, **number, **condition)
        return lambda: not is_refused(lambda: make(name, role), code)

    # The account alone first: once it is enough, a refusal of the other is the condition's.
    account.until(f"{service} takes a role", may(f"{service}-wide"))
    narrow = f"{service}-narrow"
    return account.shows(may(narrow, ArnLike={"aws:SourceArn": source(account.prefix + narrow)}))


def ask_of_replications(account: Account) -> Iterator[Answer]:
    """Replicate into an existing file system without rights to either end, then with them."""
    source, target = create(account, account.primary, "source"), create(account, account.dr, "target")
    account.client("efs", account.dr).update_file_system_protection(
        FileSystemId=target["FileSystemId"], ReplicationOverwriteProtection="DISABLED"
    )
    destination = {"Region": account.dr, "FileSystemId": target["FileSystemId"]}
    beside = allow([REPLICATE, "elasticfilesystem:Describe*", "iam:CreateServiceLinkedRole"])

    def may(keys: dict[str, str]) -> Callable[[], bool]:
        efs = account.client("efs", account.primary, **keys)
        return lambda: (
            not is_refused(
                lambda: efs.create_replication_configuration(
                    SourceFileSystemId=source["FileSystemId"], Destinations=[destination]
                ),
                *DENIED,
            )
        )

    without = account.shows(may(caller(account, "ends-narrow", [beside])))
    if not without:
        account.until("the replication can be made", may(caller(account, "ends-wide", [beside, allow(_BOTH_ENDS)])))
    yield "efs.replication-asks-for-both-ends", not without
