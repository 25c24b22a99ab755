"""Examples of the roles of tasks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.iam.moments import Ending
from dr_estate.readers import iam_key_roles, iam_store_roles, iam_task_roles, store_policies
from dr_estate.readers.iam_simulation import SimulatedDecision
from dr_estate.readers.iam_store_roles import StoreRight, StoreRole
from dr_estate.readers.iam_task_roles import TaskRole
from dr_estate.readers.store_policies import StoreKind, StorePolicy
from tests.dr_checks.compute import IN_DR, PSQL
from tests.dr_checks.worlds import DENIED, NOW, Example, world

PULLS = SimulatedDecision("ecr:BatchGetImage", "allowed", "eu-west-1")
CLOSED = SimulatedDecision("secretsmanager:GetSecretValue", "implicitDeny", "eu-west-1", "arn:secret")
BY_TAG = replace(CLOSED, action="kms:Decrypt", missing=("aws:ResourceTag/Environment",))
BY_SCP = replace(CLOSED, of_organization=True)
BY_PERIMETER = replace(CLOSED, decision="explicitDeny", missing=("aws:ResourceOrgID",))
OUTSIDE = replace(CLOSED, decision="explicitDeny", bounded=True)
KEPT_OUT = SimulatedDecision("kms:Decrypt", "explicitDeny", "eu-west-1", "arn:key, by its own policy", of_resource=True)
ROLE = TaskRole("arn:aws:iam::1:role/execution", True, True, ("sit-tenant1",), (PULLS,))
ABSENT = replace(ROLE, exists=False, trusted=None, decisions=())
END = NOW + timedelta(days=3)
NAMED = frozenset({ROLE.arn})


def _given(check: str, expected: Status, *roles: object, subjects: frozenset[str] = frozenset()) -> Example:
    return Example(f"roles.{check}", expected, world({(iam_task_roles.roles, Side.GLOBAL): roles}), subjects)


READS = StoreRight("s3:GetObject", "arn:aws:s3:::assets/any", "arn:aws:s3:::assets-dr/any", "implicitDeny")
TABLE = "arn:aws:dynamodb:{}:1:table/state"
ASKS = StoreRight("dynamodb:Query", TABLE.format("af-south-1"), TABLE.format("eu-west-1"), "explicitDeny")
USES = StoreRole("arn:aws:iam::1:role/task", "arn:aws:iam::1:role/task", (replace(READS, decision="allowed"),))
USING = frozenset({USES.arn})


def _opened(principal: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "s3:*",
        "Resource": f"{READS.copy[:-3]}*",
    }
    return json.dumps({"Statement": [statement]})


def _stores(expected: Status, *roles: object, policy: object = "", subjects: frozenset[str] = USING) -> Example:
    row = StorePolicy(StoreKind.BUCKET, "assets-dr", policy) if isinstance(policy, str) else policy
    parts = {(iam_store_roles.rights, Side.GLOBAL): roles, (store_policies.policies, Side.DR): (row,)}
    return Example("roles.stores-allowed", expected, world(parts), subjects)


def _keys(expected: Status, *roles: object, subjects: frozenset[str] = USING) -> Example:
    return Example("roles.store-keys-allowed", expected, world({(iam_key_roles.rights, Side.GLOBAL): roles}), subjects)


OPENS = StoreRight("kms:Decrypt", READS.source, "arn:aws:kms:eu-west-1:1:key/1", "allowed")
USES_KEYS = replace(USES, rights=(OPENS, replace(OPENS, action="kms:GenerateDataKey")))

_ASKING = replace(ROLE, families=tuple(IN_DR))
EXAMPLES = [
    *(
        Example(f"roles.{check}", Status.WARN, world({(iam_task_roles.roles, Side.GLOBAL): (role,)}), NAMED, PSQL)
        for check, role in (
            ("assumable", replace(_ASKING, trusted=False)),
            ("tasks-allowed", replace(_ASKING, decisions=(CLOSED,))),
        )
    ),
    _keys(Status.PASS, USES_KEYS),
    _keys(Status.FAIL, replace(USES_KEYS, rights=(replace(OPENS, decision="implicitDeny"),))),
    _keys(Status.FAIL, replace(USES_KEYS, rights=(replace(OPENS, decision="explicitDeny", bounded=True),))),
    _keys(Status.UNKNOWN, replace(USES_KEYS, rights=(replace(OPENS, decision="implicitDeny", missing=("a",)),))),
    _keys(Status.UNKNOWN, USES_KEYS, DENIED, subjects=frozenset()),
    _keys(Status.NOT_APPLICABLE, replace(USES_KEYS, rights=()), subjects=frozenset()),
    _keys(Status.NOT_APPLICABLE, subjects=frozenset()),
    _given("assumable", Status.PASS, ROLE),
    _given("assumable", Status.FAIL, ROLE, replace(ABSENT, arn="arn:aws:iam::1:role/task")),
    _given("assumable", Status.FAIL, replace(ROLE, trusted=False), subjects=NAMED),
    _given("assumable", Status.WARN, replace(ROLE, trust_ends=END), subjects=NAMED),
    _given("tasks-allowed", Status.WARN, replace(ROLE, ends=(Ending("arn:key", END),)), subjects=NAMED),
    _given("tasks-allowed", Status.FAIL, replace(ROLE, decisions=(CLOSED,), ends=(Ending("arn:key", END),))),
    _given("assumable", Status.UNKNOWN, replace(ROLE, trusted=None), subjects=NAMED),
    _given("assumable", Status.UNKNOWN, ROLE, DENIED),
    _given("assumable", Status.NOT_APPLICABLE),
    _given("tasks-allowed", Status.PASS, ROLE),
    _given("tasks-allowed", Status.FAIL, replace(ROLE, decisions=(PULLS, CLOSED)), subjects=NAMED),
    _given("tasks-allowed", Status.FAIL, replace(ROLE, decisions=(PULLS, KEPT_OUT)), subjects=NAMED),
    _given("tasks-allowed", Status.UNKNOWN, replace(ROLE, decisions=(PULLS, BY_TAG)), subjects=NAMED),
    _given("tasks-allowed", Status.FAIL, replace(ROLE, decisions=(CLOSED, BY_TAG)), subjects=NAMED),
    _given("tasks-allowed", Status.UNKNOWN, replace(ROLE, decisions=(BY_SCP, BY_TAG)), subjects=NAMED),
    _given("tasks-allowed", Status.FAIL, replace(ROLE, decisions=(BY_SCP, OUTSIDE)), subjects=NAMED),
    _given("tasks-allowed", Status.UNKNOWN, replace(ROLE, decisions=(BY_PERIMETER,)), subjects=NAMED),
    _given("tasks-allowed", Status.FAIL, replace(ROLE, decisions=(BY_PERIMETER, CLOSED)), subjects=NAMED),
    _given("tasks-allowed", Status.UNKNOWN, ROLE, DENIED),
    _given("tasks-allowed", Status.NOT_APPLICABLE, ABSENT),
    _given("tasks-allowed", Status.NOT_APPLICABLE, replace(ROLE, decisions=())),
    _stores(Status.PASS, USES),
    _stores(Status.FAIL, replace(USES, rights=(READS,))),
    _stores(Status.FAIL, replace(USES, rights=(ASKS,))),
    _stores(Status.FAIL, replace(USES, rights=(*USES.rights, replace(READS, action="s3:PutObject")))),
    _stores(Status.PASS, replace(USES, rights=(READS,)), policy=_opened(USES.arn)),
    _stores(Status.FAIL, replace(USES, rights=(replace(READS, decision="explicitDeny"),)), policy=_opened(USES.arn)),
    _stores(Status.FAIL, replace(USES, rights=(READS,)), policy=_opened("arn:aws:iam::1:role/other")),
    _stores(Status.FAIL, replace(USES, rights=(replace(READS, bounded=True),))),
    _stores(Status.FAIL, replace(USES, rights=(replace(READS, bounded=True),)), policy=_opened(USES.arn)),
    _stores(Status.UNKNOWN, replace(USES, rights=(replace(READS, missing=("aws:SourceVpce",)),))),
    _stores(Status.FAIL, replace(USES, rights=(READS, replace(READS, missing=("aws:SourceVpce",))))),
    _stores(Status.FAIL, replace(USES, rights=(replace(ASKS, missing=("aws:SourceVpce",)),))),
    _stores(Status.UNKNOWN, replace(USES, rights=(replace(READS, of_organization=True),)), policy=_opened(USES.arn)),
    _stores(Status.UNKNOWN, replace(USES, rights=(replace(ASKS, missing=("aws:PrincipalOrgID",)),))),
    _stores(Status.WARN, replace(USES, rights=())),
    _stores(Status.WARN, replace(USES, denied=(("s3:PutObject", READS.source),))),
    _stores(Status.WARN, replace(USES, rights=(replace(READS, action="s3:PutObject", decision="allowed"),))),
    _stores(Status.PASS, replace(USES, rights=(*USES.rights, replace(USES.rights[0], action="s3:PutObject")))),
    _stores(Status.UNKNOWN, USES, DENIED, subjects=frozenset()),
    _stores(Status.NOT_APPLICABLE, subjects=frozenset()),
]
