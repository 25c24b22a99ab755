"""Examples of the policies of buckets and tables."""

from __future__ import annotations

import json
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import dynamodb, ecs, iam_store_roles, s3, store_policies, vpc
from dr_estate.readers.iam_store_roles import StoreRight, StoreRole
from dr_estate.readers.store_policies import StoreKind, StorePolicy
from tests.dr_checks.compute import D, both_services, definitions
from tests.dr_checks.worlds import DENIED, SIT, Example, world

BUCKET, COPY = s3.pairs(SIT)[0]
TABLE = dynamodb.names(SIT)[0]
TASKS = next(row.task_role for row in definitions(D) if isinstance(row, ecs.TaskDefinition))
OPERATOR = f"arn:aws:iam::{SIT.account}:role/{SIT.acting_role}"
OURS = [TASKS, f"arn:aws:iam::{SIT.account}:role/sit-*"]
OWN = vpc.VpcEndpoint("s3", "Gateway", "available", "vpce-1a", route_tables=("rtb-1",))
THEIRS = vpc.VpcEndpoint("s3", "Gateway", "available", "vpce-9f", route_tables=("rtb-9",))
GATEWAYS = (vpc.NatGateway("nat-1", "available", "subnet-1", True, ("198.51.100.7",)),)


def _says(effect: str, principal: Any, *actions: str, **more: Any) -> str:
    row = {"Effect": effect, "Principal": principal, "Action": list(actions), "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [row]})


def _unless(key: str, value: str) -> dict[str, Any]:
    return {"Condition": {"StringNotEquals": {key: value}}}


def _case(expected: Status, subject: str, here: str = "", there: str = "", **parts: Any) -> Example:
    """The policies of the bucket, or of the table where the subject is one, in the primary and in the DR region."""
    kind, source = (StoreKind.TABLE, TABLE) if subject == TABLE else (StoreKind.BUCKET, BUCKET)
    values = {
        (store_policies.policies, Side.PRIMARY): parts.get("primary", (StorePolicy(kind, source, here),)),
        (store_policies.policies, Side.DR): parts.get("dr", (StorePolicy(kind, subject, there),)),
        (ecs.services, Side.DR): both_services(),
        (ecs.task_definitions, Side.DR): definitions(D),
        (vpc.endpoints, Side.DR): parts.get("own", (OWN,)),
        (vpc.endpoints, Side.PRIMARY): (THEIRS,),
        (vpc.vpc, Side.DR): vpc.Vpc("vpc-d", "available", "", False, ()),
        (vpc.vpc, Side.PRIMARY): vpc.Vpc("vpc-p", "available", "", False, ()),
        (vpc.nat_gateways, Side.DR): GATEWAYS,
        (vpc.nat_gateways, Side.PRIMARY): (),
        (iam_store_roles.rights, Side.GLOBAL): parts.get("rights", (StoreRole(TASKS, TASKS, ()),)),
    }
    check = parts.get("check", "store-access.admits-alike")
    return Example(check, expected, world(values), frozenset({subject} if subject else ()))


def _of_operator(expected: Status, subject: str, here: str = "", there: str = "", **parts: Any) -> Example:
    return _case(expected, subject, here, there, check="store-access.admits-operator", **parts)


DENIES = _says("Deny", "*", "s3:GetObject")
BY_ENDPOINT = _says("Deny", "*", "s3:*", **_unless("aws:SourceVpce", "vpce-1a"))
BY_ANOTHER = _says("Deny", "*", "s3:*", **_unless("aws:SourceVpce", "vpce-9f"))
BY_NETWORK = _says("Deny", {"AWS": TASKS}, "s3:*", **_unless("aws:SourceVpc", "vpc-p"))
BY_OWN_NETWORK = _says("Deny", {"AWS": TASKS}, "s3:*", **_unless("aws:SourceVpc", "vpc-d"))
_ELSEWHERE = {"Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}
BY_ADDRESS = _says("Deny", {"AWS": TASKS}, "s3:*", **_ELSEWHERE)
ADMITS = _says("Allow", {"AWS": TASKS}, "s3:GetObject")
IN_SECRET = _says("Allow", {"AWS": TASKS}, "s3:GetObject", Condition={"StringEquals": {"aws:Referer": "x"}})
BY_IAM = StoreRight("s3:GetObject", f"arn:aws:s3:::{BUCKET}/any", f"arn:aws:s3:::{COPY}/any", "allowed")

EXAMPLES = [
    _case(Status.PASS, COPY),
    _case(Status.PASS, TABLE),
    _case(Status.FAIL, COPY, there=DENIES),
    _case(Status.FAIL, COPY, there=_says("Deny", {"AWS": TASKS}, "s3:Put*")),
    _case(Status.FAIL, COPY, there=_says("Deny", "*", "s3:ListBucket")),
    _case(Status.WARN, COPY, there=_says("Deny", {"AWS": TASKS}, "s3:DeleteObject")),
    _case(Status.PASS, COPY, here=_says("Deny", "*", "s3:Delete*"), there=_says("Deny", "*", "s3:Delete*")),
    _case(Status.WARN, TABLE, there=_says("Deny", "*", "dynamodb:DeleteItem")),
    _case(Status.FAIL, TABLE, there=_says("Deny", "*", "dynamodb:*")),
    _case(Status.FAIL, TABLE, there=_says("Deny", "*", "dynamodb:*", **_unless("s3:ResourceAccount", SIT.account))),
    _case(
        Status.PASS,
        TABLE,
        there=_says("Deny", "*", "dynamodb:*", Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ),
    _case(Status.PASS, COPY, here=DENIES, there=DENIES),
    _case(Status.PASS, COPY, there=_says("Deny", {"AWS": "arn:aws:iam::1:role/nobody"}, "s3:*")),
    _case(Status.PASS, COPY, there=_says("Deny", "*", "s3:DeleteBucket")),
    _case(Status.PASS, COPY, there=_says("Deny", "*", "s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})),
    _case(Status.PASS, COPY, there=_says("Deny", "*", "s3:*", Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}})),
    _case(
        Status.UNKNOWN, COPY, there=_says("Deny", "*", "s3:*", Condition={"NumericLessThan": {"s3:TlsVersion": "1.3"}})
    ),
    _case(Status.FAIL, COPY, there=_says("Deny", "*", "s3:*", **_unless("aws:RequestedRegion", SIT.regions.primary))),
    _case(Status.FAIL, COPY, here=BY_ENDPOINT, there=BY_ANOTHER),
    _case(Status.PASS, COPY, here=BY_ANOTHER, there=BY_ENDPOINT),
    _case(Status.FAIL, COPY, here=BY_NETWORK, there=BY_NETWORK),
    _case(Status.PASS, COPY, here=BY_NETWORK, there=BY_OWN_NETWORK),
    _case(Status.FAIL, COPY, here=BY_NETWORK, there=BY_OWN_NETWORK, own=()),
    _case(Status.PASS, COPY, here=BY_NETWORK, there=BY_ADDRESS, own=()),
    _case(Status.FAIL, COPY, here=BY_NETWORK, there=BY_ADDRESS),
    _case(Status.UNKNOWN, COPY, there=_says("Deny", "*", "s3:*", **_unless("aws:PrincipalOrgID", "o-1"))),
    _case(
        Status.PASS, COPY, there=_says("Allow", "*", "s3:*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})
    ),
    _case(Status.PASS, COPY, there=_says("Deny", "*", "s3:*", **_unless("s3:ResourceAccount", SIT.account))),
    _case(Status.PASS, COPY, there=_says("Deny", "*", "s3:*", Condition={"ArnNotLike": {"aws:PrincipalArn": OURS}})),
    _case(
        Status.PASS, COPY, there=_says("Deny", "*", "s3:*", Condition={"ArnNotLike": {"aws:PrincipalArn": OURS[:1]}})
    ),
    _of_operator(
        Status.FAIL, COPY, there=_says("Deny", "*", "s3:*", Condition={"ArnNotLike": {"aws:PrincipalArn": OURS[:1]}})
    ),
    _case(Status.FAIL, COPY, here=ADMITS),
    _case(Status.PASS, COPY, here=ADMITS, there=ADMITS),
    _case(Status.PASS, COPY, here=ADMITS, rights=(StoreRole(TASKS, TASKS, (BY_IAM,)),)),
    _case(Status.UNKNOWN, COPY, here=ADMITS, there=IN_SECRET),
    _case(Status.UNKNOWN, COPY, here=ADMITS, rights=DENIED),
    _case(Status.PASS, COPY, here=_says("Allow", {"AWS": f"arn:aws:iam::{SIT.account}:root"}, "s3:*"), rights=DENIED),
    _case(Status.FAIL, TABLE, here=_says("Allow", {"AWS": TASKS}, "dynamodb:GetItem")),
    _case(Status.UNKNOWN, COPY, there="nonsense"),
    _case(Status.UNKNOWN, "", dr=(DENIED,)),
    _case(Status.UNKNOWN, "", primary=DENIED),
    _case(Status.NOT_APPLICABLE, "", dr=()),
    _case(Status.PASS, COPY, there=_says("Deny", {"AWS": OPERATOR}, "s3:*")),
    _of_operator(Status.PASS, COPY, there=_says("Deny", {"AWS": TASKS}, "s3:*")),
    _of_operator(Status.FAIL, COPY, there=_says("Deny", {"AWS": OPERATOR}, "s3:ListBucket")),
    _of_operator(Status.FAIL, TABLE, there=_says("Deny", "*", "dynamodb:*")),
    _of_operator(Status.PASS, COPY, here=DENIES, there=DENIES),
    _of_operator(Status.UNKNOWN, COPY, there=_says("Deny", "*", "s3:*", **_unless("aws:PrincipalOrgID", "o-1"))),
    _of_operator(Status.UNKNOWN, "", dr=(DENIED,)),
    _of_operator(Status.NOT_APPLICABLE, "", dr=()),
]
