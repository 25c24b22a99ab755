"""Any field of a resource of IAM, KMS, SNS, Secrets Manager and AWS Backup, changed: by the fields of botocore's model.

A resource says here only what names it, and what it says of itself. Which operations change it, which fields these
take, and which values a field may have, the model of the service says; what a mutation breaks, the world.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault

Values = dict[str, Any]
Way = Callable[[Any, Aws], Any]
Path = tuple[str | int, ...]
_CHANGES = (
    "Cancel",
    "Delete",
    "Disable",
    "Put",
    "Remove",
    "Revoke",
    "Schedule",
    "Set",
    "Stop",
    "Unsubscribe",
    "Update",
)
_PLACES = 2  # of a list; and of a map or a document of fields, so many times as many


@dataclass(frozen=True)
class Resource:
    """``names`` are the members of inputs that name it, ``says`` those that hold what it says; ``known`` has both."""

    name: str
    service: str
    side: Side
    known: Callable[[Aws], Values]
    names: tuple[str, ...]
    says: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    """Operations that mean another thing by members of these names, and ways whose outcome AWS alone knows."""


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def _operations(resource: Resource) -> Iterator[OperationModel]:
    """The operations of the model that change the resource, and need no more than is known of it."""
    model, known = _model(resource.service), {*resource.names, *resource.says}
    for name in model.operation_names:
        found = model.operation_model(name)
        shape = found.input_shape
        if shape is None or not name.startswith(_CHANGES) or name in resource.without:
            continue
        if set(shape.required_members) <= known and set(shape.members) & set(resource.names or resource.says):
            yield found


def _fields(shape: Shape, path: Path) -> Iterator[tuple[Path, Shape]]:
    """Each field below a member of an input, of lists the first places, with its shape."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from _fields(member, (*path, name))
    elif isinstance(shape, ListShape):
        yield path, shape
        for place in range(_PLACES):
            yield from _fields(shape.member, (*path, place))
    else:
        yield path, shape


def _ways(path: Path, shape: Shape) -> dict[str, Way]:
    """How a value of this shape is changed."""
    if isinstance(shape, ListShape):
        return {"without the first": lambda rows, _: rows[1:]}
    if isinstance(shape, MapShape):
        return {f"number {n} turned": _turned(n) for n in range(4 * _PLACES)}
    if shape.type_name == "boolean":
        return {"turned": lambda value, _: not value}
    if shape.type_name in ("integer", "long"):
        return {"halved": lambda value, _: max(1, value // 2), "doubled": lambda value, _: value * 2}
    if isinstance(shape, StringShape) and shape.enum:
        return {f"is {word}": _written(word) for word in shape.enum}
    if not isinstance(shape, StringShape):
        return {}
    if path[-1] == "SecretString":
        return {f"field {n} of another": _field_of_another(n) for n in range(4 * _PLACES)}
    if str(path[-1]).endswith(("Policy", "Document", "AttributeValue")):
        return _OF_DOCUMENTS
    if path[-1] == "ScheduleExpression":
        return {"once a week": lambda *_: "cron(0 5 ? * SUN *)"}
    return {"of the other region": _of_other_region, "of nobody": lambda value, _: f"{value}-of-nobody"}


def _written(word: str) -> Way:
    return lambda *_: word


def _turned(number: int) -> Way:
    def turn(found: Values, _: Aws) -> Values:
        key = sorted(found)[number]  # an IndexError where there are not so many
        return {**found, key: not found[key]}

    return turn


def _of_other_region(value: str, aws: Aws) -> str:
    primary, dr = aws.env.regions.primary, aws.env.regions.dr
    return value.replace(dr, primary) if dr in value else value.replace(primary, dr)


def _field_of_another(number: int) -> Way:
    def change(text: str, _: Aws) -> str:
        found = json.loads(text)
        key = sorted(found)[number]
        return json.dumps({**found, key: f"{found[key]}9"})

    return change


def _statement(**changes: Any) -> Way:
    """Change the first statement of a policy."""

    def change(text: str, aws: Aws) -> str:
        found = json.loads(text)
        first, *others = found["Statement"]
        own = json.loads(json.dumps(changes).replace("{primary}", aws.env.regions.primary))
        return json.dumps({**found, "Statement": [{**first, **own}, *others]})

    return change


def _without_action(text: str, _: Aws) -> str:
    found = json.loads(text)
    actions = found["Statement"][0]["Action"]
    found["Statement"][0]["Action"] = actions[1:] if isinstance(actions, list) else "sts:TagSession"
    return json.dumps(found)


def _with_denial(text: str, _: Aws) -> str:
    found = json.loads(text)
    denial = {**found["Statement"][0], "Effect": "Deny"}
    return json.dumps({**found, "Statement": [*found["Statement"], denial]})


_OF_DOCUMENTS: dict[str, Way] = {
    "denies": _statement(Effect="Deny"),
    "denies too": _with_denial,
    "without an action": _without_action,
    "ended": _statement(Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
    "of the primary region": _statement(Condition={"StringEquals": {"aws:RequestedRegion": "{primary}"}}),
    "of another account": _statement(Principal={"AWS": "arn:aws:iam::111122223333:root"}),
}


def _replaced(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """``value`` with what lies at ``path`` changed. Raises LookupError where there is nothing."""
    if not path:
        return change(value)
    place, *rest = path
    inner = _replaced(value[place], tuple(rest), change)
    if isinstance(value, list):
        return [inner if at == place else row for at, row in enumerate(value)]
    return {**value, place: inner}


def _mutation(resource: Resource, operation: OperationModel, path: Path, way: Way) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        known = resource.known(aws)
        members = operation.input_shape.members if operation.input_shape else {}
        params = {name: known[name] for name in members if known.get(name) is not None}
        client = aws.client(resource.service, resource.side)
        try:
            params = _replaced(params, path, lambda value: way(value, aws)) if path else params
            return client._make_api_call(operation.name, params)
        except (LookupError, ClientError, ParamValidationError):
            return None  # there is no such field, or AWS takes no such value: nothing is changed

    return make


def _mutations(resource: Resource) -> Iterator[Fault]:
    touches = resource.touches or (resource.service,)
    for operation in _operations(resource):
        members: Mapping[str, Shape] = operation.input_shape.members if operation.input_shape else {}
        fields = [(name, member) for name, member in members.items() if name in resource.says]
        title = f"{resource.name}: {operation.name}"
        if not fields:
            yield Fault(title, NeedKind.LISTENER, touches, _mutation(resource, operation, (), lambda value, _: value))
        for name, member in fields:
            for path, shape in _fields(member, (name,)):
                for word, way in _ways(path, shape).items():
                    if word in resource.without:
                        continue
                    where = ".".join(map(str, path))
                    yield Fault(
                        f"{title} {where} {word}", NeedKind.LISTENER, touches, _mutation(resource, operation, path, way)
                    )


def _role(purpose: str, role: str) -> tuple[Resource, Resource]:
    def policy(aws: Aws) -> Values:
        name, iam = aws.env.named(role), aws.client("iam", Side.GLOBAL)
        found = iam.get_role_policy(RoleName=name, PolicyName=purpose)
        document = json.dumps(found["PolicyDocument"])
        return {"RoleName": name, "PolicyName": purpose, "PolicyDocument": document}

    def trust(aws: Aws) -> Values:
        name = aws.env.named(role)
        found = aws.client("iam", Side.GLOBAL).get_role(RoleName=name)["Role"]
        document = json.dumps(found["AssumeRolePolicyDocument"])
        return {"RoleName": name, "PolicyDocument": document, "MaxSessionDuration": found["MaxSessionDuration"]}

    of_trust, documents = ("UpdateAssumeRolePolicy",), ("PolicyDocument",)
    named = ("RoleName", "PolicyName")
    return (
        Resource(f"{purpose} role", "iam", Side.GLOBAL, policy, named, documents, without=of_trust),
        Resource(
            *(f"{purpose} role's trust", "iam", Side.GLOBAL, trust, ("RoleName",)),
            (*documents, "MaxSessionDuration"),
            # Which region a service of AWS asks STS in is nowhere documented.
            without=("of the primary region",),
        ),
    )


def _key(alias: str) -> Resource:
    def known(aws: Aws) -> Values:
        kms, name = aws.client("kms", Side.DR), aws.named(alias)
        key = kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"]
        policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        grants = [row["GrantId"] for row in kms.list_grants(KeyId=key)["Grants"]]
        return {"KeyId": key, "Policy": policy, "AliasName": name, "GrantId": next(iter(grants), None)}

    return Resource(f"key {alias}", "kms", Side.DR, known, ("KeyId", "AliasName", "GrantId"), ("Policy",))


def _topic(aws: Aws) -> Values:
    sns = aws.client("sns", Side.DR)
    arn = f"arn:aws:sns:{aws.env.regions.dr}:{aws.env.account}:{aws.named(aws.env.names.topics[0])}"
    policy = sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    heard = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"][0]["SubscriptionArn"]
    return {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": policy, "SubscriptionArn": heard}


def _secret(side: Side, master: bool = False) -> Callable[[Aws], Values]:
    def known(aws: Aws) -> Values:
        name = aws.named(aws.env.names.master_secret if master else aws.env.names.tenant_secret)
        found = aws.client("secretsmanager", side).get_secret_value(SecretId=name)
        regions = [aws.env.regions.dr] if side is Side.PRIMARY else None
        return {"SecretId": name, "SecretString": found["SecretString"], "RemoveReplicaRegions": regions}

    return known


def _vault(side: Side) -> Callable[[Aws], Values]:
    def known(aws: Aws) -> Values:
        names = aws.env.names
        name = aws.env.named(names.dr_vault if side is Side.DR else names.primary_vault)
        found = aws.client("backup", side).describe_backup_vault(BackupVaultName=name)
        admits = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["backup:*"], "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [admits]})
        return {"BackupVaultName": name, "Policy": policy, **{key: found.get(key) for key in _BOUNDS}}

    return known


def _plan(aws: Aws) -> Values:
    backup, name = aws.client("backup", Side.PRIMARY), aws.env.named(aws.env.names.backup_plan)
    rows = backup.list_backup_plans()["BackupPlansList"]
    plan = next(row["BackupPlanId"] for row in rows if row["BackupPlanName"] == name)
    found = backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]
    rules = [{key: rule[key] for key in rule if key != "RuleId"} for rule in found["Rules"]]
    selection = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"][0]["SelectionId"]
    return {"BackupPlanId": plan, "SelectionId": selection, "BackupPlan": {"BackupPlanName": name, "Rules": rules}}


def _settings(aws: Aws) -> Values:
    found = aws.client("backup", Side.PRIMARY).describe_region_settings()
    return {_OPTED_IN: found[_OPTED_IN]}


_ROLES = {
    "execution": "{env}-ecs-execution-role",
    "task": "{env}-ecs-task-role",
    "backup": "{env}-backup-role",
    "replication": "{env}-s3-replication-role",
}
_BOUNDS, _OPTED_IN = ("MinRetentionDays", "MaxRetentionDays"), "ResourceTypeOptInPreference"
_BY_SECRET, _OF_SECRET = ("SecretId",), ("secretsmanager", "iam")
RESOURCES = (
    *(resource for named in _ROLES.items() for resource in _role(*named)),
    *(_key(f"alias/{{env}}-{purpose}") for purpose in ("secrets", "efs", "backup", "rds-dr-backup")),
    Resource("topic", "sns", Side.DR, _topic, ("TopicArn", "SubscriptionArn", "AttributeName"), ("AttributeValue",)),
    Resource(
        *("secret", "secretsmanager", Side.PRIMARY, _secret(Side.PRIMARY), _BY_SECRET),
        ("SecretString", "RemoveReplicaRegions"),
        _OF_SECRET,
    ),
    Resource("secret's replica", "secretsmanager", Side.DR, _secret(Side.DR), _BY_SECRET, touches=_OF_SECRET),
    Resource(
        *("master secret", "secretsmanager", Side.PRIMARY, _secret(Side.PRIMARY, master=True), _BY_SECRET),
        ("SecretString",),
        _OF_SECRET,
    ),
    *(
        Resource(f"vault of {side}", "backup", side, _vault(side), ("BackupVaultName",), ("Policy", *_BOUNDS))
        for side in (Side.PRIMARY, Side.DR)
    ),
    Resource("plan", "backup", Side.PRIMARY, _plan, ("BackupPlanId", "SelectionId"), ("BackupPlan",)),
    Resource("region's settings", "backup", Side.PRIMARY, _settings, (), (_OPTED_IN,)),
)
FIELDS = tuple(fault for resource in RESOURCES for fault in _mutations(resource))
