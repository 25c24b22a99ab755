"""Examples of VPC endpoints that tasks start through."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, iam_store_roles, vpc
from dr_estate.readers.iam_store_roles import StoreRight, StoreRole
from dr_estate.readers.vpc import VpcEndpoint
from tests.dr_checks.compute import D, P, definitions
from tests.dr_checks.network import PLACES, connected, group
from tests.dr_checks.worlds import DENIED, Example

CHECK = "endpoints.admit-tasks"
DEFINITIONS, GROUPS = (ecs.task_definitions, Side.DR), (vpc.security_groups, Side.DR)
OPEN = group("endpoints", ("tcp 443-443 sit-ecs-sg",))
TASKS = group("sit-ecs-sg")
BY_SUBNETS = ("tcp 443-443 10.0.0.0/24", "tcp 443-443 10.0.1.0/24")
ROLE = "arn:aws:iam::1:role/execution"


def _policy(**changed: Any) -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **changed}
    return json.dumps({"Statement": [statement]})


def _endpoint(service: str = "ecr.dkr", policy: str = "", **changed: Any) -> VpcEndpoint:
    own: dict[str, Any] = {"groups": (OPEN.id,), "subnets": PLACES, "id": "vpce-1", **changed}
    return VpcEndpoint(service, "Interface", "available", policy=policy, **own)


def _given(expected: Status, *endpoints: VpcEndpoint, **changed: Any) -> Example:
    parts = {"groups": GROUPS, "definitions": DEFINITIONS, "theirs": (vpc.security_groups, Side.PRIMARY)}
    values: dict[Any, Any] = {
        (vpc.endpoints, Side.DR): endpoints,
        GROUPS: (TASKS, OPEN),
        DEFINITIONS: definitions(D),
    }
    snapshot = connected(values | {parts[key]: value for key, value in changed.items()})
    named = (
        frozenset({"ecr.dkr vpce-1"}) if expected is Status.FAIL and endpoints[0].kind == "Interface" else frozenset()
    )
    return Example(CHECK, expected, snapshot, named)


GATEWAY = VpcEndpoint("s3", "Gateway", "available", policy=_policy(Action="s3:PutObject"), route_tables=("rtb-1",))

BUCKET, TABLE = "arn:aws:s3:::{}/any", "arn:aws:dynamodb:{}:1:table/state"
READS = StoreRight("s3:GetObject", BUCKET.format("assets"), BUCKET.format("assets-dr"), "allowed")
ASKS = StoreRight("dynamodb:Query", TABLE.format(P), TABLE.format(D), "allowed")
USES = StoreRole("arn:aws:iam::1:role/task", "arn:aws:iam::1:role/task", (READS, ASKS))
OF_SOURCES = replace(GATEWAY, policy=_policy(Resource="arn:aws:s3:::assets/*"))
OF_COPIES = replace(GATEWAY, policy=_policy(Resource="arn:aws:s3:::assets-dr/*"))
OF_LAYERS = replace(GATEWAY, policy=_policy(Resource="arn:aws:s3:::layers/*"))
OF_TABLES = VpcEndpoint("dynamodb", "Gateway", "available", policy=_policy(), route_tables=("rtb-1",))
ELSEWHERE = _policy(Condition={"StringEquals": {"aws:RequestedRegion": P}})
OF_AN_ORGANIZATION = _policy(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})


def _storing(expected: Status, *endpoints: VpcEndpoint, theirs: Any = (), rights: Any = (USES,)) -> Example:
    values: dict[Any, Any] = {
        (vpc.endpoints, Side.DR): endpoints,
        (vpc.endpoints, Side.PRIMARY): theirs,
        (iam_store_roles.rights, Side.GLOBAL): rights,
        DEFINITIONS: definitions(D),
    }
    return Example("endpoints.admit-stores", expected, connected(values))


STARTING = {
    "ecr.api": "ecr:GetAuthorizationToken",
    "ecr.dkr": "ecr:BatchGetImage",
    "secretsmanager": "secretsmanager:GetSecretValue",
    "logs": "logs:CreateLogStream",
}
"""What a task needs of each service as it starts, and nothing else of it."""

EXAMPLES = [
    _given(Status.PASS, _endpoint()),
    _given(Status.PASS, _endpoint(policy=_policy())),
    *(_given(Status.PASS, _endpoint(name, _policy(Action=action))) for name, action in STARTING.items()),
    _given(Status.PASS, replace(GATEWAY, policy=_policy(Action="s3:GetObject"))),
    _given(Status.PASS, _endpoint(policy=_policy(Principal={"AWS": ROLE}, Resource=f"arn:aws:ecr:{D}:*:repository/*"))),
    _given(Status.FAIL, _endpoint(policy=_policy(Effect="Deny"))),
    _given(Status.FAIL, _endpoint(policy=_policy(Action="ecr:PutImage"))),
    _given(Status.FAIL, _endpoint(), groups=(TASKS, group("endpoints", ("tcp 443-443 sit-alb-sg",)))),
    _given(Status.PASS, _endpoint(), groups=(TASKS, group("endpoints", ("tcp 443-443 10.0.0.0/16",)))),
    _given(Status.PASS, _endpoint(), groups=(TASKS, group("endpoints", ("all vpc",)))),
    _given(Status.PASS, _endpoint(), groups=(TASKS, group("endpoints", BY_SUBNETS))),
    _given(Status.FAIL, _endpoint(), groups=(TASKS, group("endpoints", BY_SUBNETS[:1]))),
    _given(Status.PASS, _endpoint(), theirs=DENIED),
    _given(Status.FAIL, _endpoint(), groups=(TASKS, group("endpoints", ("udp 443-443 vpc",)))),
    _given(Status.FAIL, GATEWAY),
    _given(Status.UNKNOWN, _endpoint(policy=_policy(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}))),
    _given(Status.UNKNOWN, _endpoint(), groups=DENIED),
    _given(Status.UNKNOWN, _endpoint(), definitions=(DENIED,)),
    _given(Status.NOT_APPLICABLE, _endpoint(private_names=False)),
    _given(Status.NOT_APPLICABLE, _endpoint(service="sqs", policy=_policy(Effect="Deny"))),
    _given(Status.NOT_APPLICABLE),
    _storing(Status.PASS, replace(GATEWAY, policy="")),
    _storing(Status.PASS, OF_COPIES),
    _storing(Status.FAIL, OF_SOURCES),
    _storing(Status.FAIL, OF_SOURCES, theirs=(OF_SOURCES,)),
    _storing(Status.FAIL, OF_LAYERS),
    _storing(Status.PASS, OF_LAYERS, theirs=(OF_LAYERS,)),
    _storing(Status.NOT_APPLICABLE, OF_LAYERS, rights=(replace(USES, rights=(ASKS,)),)),
    _storing(Status.PASS, OF_TABLES),
    _storing(Status.FAIL, replace(OF_TABLES, policy=_policy(Effect="Deny"))),
    _storing(Status.FAIL, replace(OF_TABLES, policy=ELSEWHERE)),
    _storing(Status.UNKNOWN, replace(OF_TABLES, policy=OF_AN_ORGANIZATION)),
    _storing(Status.UNKNOWN, replace(OF_TABLES, policy=OF_AN_ORGANIZATION), theirs=DENIED),
    _storing(
        Status.PASS,
        replace(OF_TABLES, policy=OF_AN_ORGANIZATION),
        theirs=(replace(OF_TABLES, policy=OF_AN_ORGANIZATION),),
    ),
    _storing(Status.UNKNOWN, replace(OF_TABLES, policy=OF_AN_ORGANIZATION), theirs=(OF_TABLES,)),
    _storing(Status.FAIL, OF_LAYERS, theirs=(replace(OF_LAYERS, state="pending"),)),
    _storing(Status.NOT_APPLICABLE, rights=DENIED),
    _storing(Status.UNKNOWN, OF_LAYERS, theirs=DENIED),
    _storing(Status.PASS, OF_COPIES, theirs=DENIED),
    _storing(Status.UNKNOWN, OF_COPIES, rights=(USES, DENIED)),
    _storing(Status.UNKNOWN, OF_COPIES, rights=DENIED),
    _storing(Status.NOT_APPLICABLE, replace(OF_SOURCES, route_tables=("rtb-9",))),
    _storing(Status.NOT_APPLICABLE, replace(OF_SOURCES, state="pending")),
    _storing(Status.NOT_APPLICABLE, _endpoint()),
]
