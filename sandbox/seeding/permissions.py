"""Who may do what: the operator's role and the people, each with the equivalent of the policies that deploy/ generates.

Read permissions are given per service by the first word of the operation: the readers have the exact list, which the
sandbox does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from dr_estate.config.environment import Environment
from dr_estate.iam import scopes
from dr_estate.iam.statements import (
    AUTOMATION,
    TASKS,
    Statement,
    acting,
    approving,
    approving_starts,
    break_glass_trust,
    document,
    drilling,
    failback_statements,
    never,
    never_in_drills,
    read_statements,
    running_the_task,
    service_trust,
    starting,
    statement,
)
from dr_estate.model.playbook import FAILBACK_WRITES, changing_actions
from sandbox.seeding.site import Estate, as_list, tag_map

_WORDS = {
    "account": "Get",
    "acm": "Describe List",
    "application-autoscaling": "Describe",
    "backup": "Describe Get List",
    "cloudfront": "Get List",
    "cloudwatch": "Describe Get List",
    "dynamodb": "Condition Describe Get List Query Scan",
    "ec2": "Describe Get",
    "ecr": "Describe Get List",
    "ecs": "Describe List",
    "elasticache": "Describe",
    "elasticfilesystem": "Describe",
    "elasticloadbalancing": "Describe",
    "events": "List",
    "iam": "Get List Simulate",
    "kms": "Describe Get List",
    "lambda": "Get List",
    "logs": "Describe Get",
    "rds": "Describe List",
    "route53": "Get List Test",
    "route53resolver": "List",
    "s3": "Describe Get List",
    "scheduler": "Get List",
    "secretsmanager": "BatchGet Describe Get List",
    "servicediscovery": "List",
    "servicequotas": "Get List",
    "ses": "List",
    "sns": "Get List",
    "sqs": "Get List",
    "ssm": "Describe Get",
    "sts": "Get",
    "tag": "Get",
    "wafv2": "Get List",
}
# Without the contents, which are read of the environment's own things alone.
_NARROW = {
    "ecr": "Describe GetLifecyclePolicy GetRepositoryPolicy List",
    "dynamodb": "Describe GetResourcePolicy List Query Scan",
    "logs": "Describe",
    "s3": "Describe GetA GetB GetE GetL GetR List",
    "secretsmanager": "BatchGet Describe GetResourcePolicy List",
    "ssm": "Describe GetA GetD",
}
_CONTENTS = (
    *("dynamodb:GetItem", "kms:Decrypt", "logs:GetLogEvents", "s3:GetObject", "secretsmanager:GetSecretValue"),
    "ssm:GetParametersByPath",
)
_RECORD = ("dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query")
# The policies that deny all but reading must leave PassRole and STS to the policy of the one who acts.
_BESIDE = ("iam:PassRole", "sts:*")


def build(estate: Estate) -> None:
    """Make the policies and the operator's role, and give the people who are there theirs (the admin has all)."""
    env, iam = estate.environment, estate.world_wide("iam")
    arns = {name: _policy(estate, name, policy) for name, policy in recovery_policies(env).items()}
    approver = [_policy(estate, f"{env.name}-dr-approver-own", approving(env, reading()))]
    drill = [_policy(estate, name, policy) for name, policy in drill_policies(env).items()]
    account = {"AWS": f"arn:aws:iam::{env.account}:root"}
    # Where AWS runs the recovery only its task may take the role; else the account's own people.
    taken_by = [service_trust(env, TASKS)] if env.automation.enabled else _trust(account)
    _role(estate, env.acting_role, taken_by, arns.values())
    look = arns[f"{env.name}-dr-look"]
    known = {user["UserName"] for user in iam.list_users()["Users"]}
    # Without the denials of a recovery: a full drill is refused by its own.
    recover = [arn for name, arn in arns.items() if not name.endswith("-never")]
    operating = list(arns.values())
    if env.automation.enabled:
        operating = [look, _policy(estate, f"{env.name}-dr-operator-start", starting(env, reading()))]
        approver = [_policy(estate, f"{env.name}-dr-approver-start", approving_starts(env, reading()))]
        users = [f"arn:aws:iam::{env.account}:user/{person}" for person in ("operator", "approver")]
        _role(estate, env.named(env.names.break_glass_role), break_glass_trust(*users), arns.values())
    of_people = {
        "reader": [look],
        "operator": operating,
        "approver": [look, *approver],
        "driller": [*(recover if env.approvals.full_drill else [look]), *drill],
    }
    if env.holds_full_drills:
        _role(estate, env.named(env.names.recovery_role), [service_trust(env, TASKS)], of_people["driller"])
    if env.automation.enabled or env.holds_full_drills:
        run = _policy(estate, f"{env.name}-dr-automation-run", running_the_task(env))
        _role(estate, env.named(env.names.automation_role), [service_trust(env, AUTOMATION)], [run])
    for person in known & of_people.keys():
        for arn in of_people[person]:
            iam.attach_user_policy(UserName=person, PolicyArn=arn)


def _trust(principal: Mapping[str, str]) -> list[Statement]:
    return [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]


def _role(estate: Estate, name: str, trust: list[Statement], arns: Iterable[str]) -> None:
    env, iam = estate.environment, estate.world_wide("iam")
    text = json.dumps(document(trust))
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=text, Tags=as_list(tag_map(env, name)))
    for arn in arns:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)


def recovery_policies(env: Environment) -> dict[str, list[Statement]]:
    """The policies of a recovery by name, the operator's where AWS starts none: looking, acting, and what is never
    done.
    """
    of_record = statement("LookAtTheRecord", "Allow", _RECORD, scopes.control_table(env))
    look = [
        statement("Look", "Allow", _patterns({**_WORDS, **_NARROW}), ["*"]),
        *read_statements(env, _CONTENTS),
        of_record,
    ]
    return {
        f"{env.name}-dr-look": look,
        f"{env.name}-dr-operator-act": list(acting(env, changing_actions())),
        f"{env.name}-dr-operator-home": list(failback_statements(env, FAILBACK_WRITES)),
        f"{env.name}-dr-operator-never": list(never(env, reading())),
    }


def drill_policies(env: Environment) -> dict[str, list[Statement]]:
    """Return the drill's own policies by name: what it may do, and what is never done.

    People who hold drills have them in addition to the policy for reading, and where full drills are allowed also to
    those for acting and for failing back.
    """
    return {
        f"{env.name}-dr-drill-act": list(drilling(env)),
        f"{env.name}-dr-drill-never": list(never_in_drills(env, reading())),
    }


def reading() -> set[str]:
    """What only looks, in the words of a policy that denies all else."""
    return {*_patterns(_WORDS), "kms:Decrypt", *_BESIDE}


def _patterns(words: Mapping[str, str]) -> list[str]:
    return [f"{service}:{word}*" for service, prefixes in words.items() for word in prefixes.split()]


def _policy(estate: Estate, name: str, statements: Iterable[Statement]) -> str:
    env, iam = estate.environment, estate.world_wide("iam")
    text = json.dumps(document(statements), separators=(",", ":"))
    response = iam.create_policy(PolicyName=name, PolicyDocument=text, Tags=as_list(tag_map(env, name)))
    return str(response["Policy"]["Arn"])
