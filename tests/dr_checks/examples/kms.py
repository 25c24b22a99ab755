"""Examples of the checks of keys."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import kms
from dr_estate.readers.kms import ACCOUNT, KmsKey
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

HOME, AWAY = SIT.regions.primary, SIT.regions.dr
ROLE = "arn:aws:iam::1:role/task"


def _key(region: str, name: str, noun: str, multi_region: str = "") -> KmsKey:
    arn = f"arn:aws:kms:{region}:1:key/{name}"
    return KmsKey(arn, arn, "Enabled", (noun,), multi_region, (HOME, AWAY) if multi_region else (), None, (ACCOUNT,))


HERE = (_key(HOME, "a", "files"), _key(HOME, "mrk-s", "secrets", "PRIMARY"))
THERE = (_key(AWAY, "b", "files"), _key(AWAY, "mrk-s", "secrets", "REPLICA"))
FILES = THERE[0].ref
ARRIVING = _key(AWAY, "r", "replicated objects")


def _case(
    check: str, expected: Status, subject: str = FILES, here: Any = None, there: Any = None, **changed: Any
) -> Example:
    """A healthy pair of keys; ``changed`` changes the files' key of the DR region."""
    values = {
        (kms.keys, Side.PRIMARY): HERE if here is None else here,
        (kms.keys, Side.DR): (replace(THERE[0], **changed), THERE[1]) if there is None else there,
    }
    return Example(f"kms.{check}", expected, world(values), frozenset({subject} if subject else ()))


def _replicas(check: str, expected: Status, subject: str, found: Any) -> Example:
    """The same with keys of replicated objects, which are a part of their own."""
    values = {(kms.keys, Side.DR): THERE, (kms.replica_keys, Side.DR): found}
    return Example(f"kms.{check}", expected, world(values), frozenset({subject}))


def _shared(*regions: str) -> tuple[KmsKey, ...]:
    return (HERE[0], replace(HERE[1], related_regions=regions))


TASK_ONLY = (replace(HERE[0], admits=(ACCOUNT, ROLE)), HERE[1])


def _said(*effects: str, who: str = "*", when: Any = None) -> dict[str, Any]:
    """The files' key with a policy that allows or denies ``who`` to decrypt, one statement an effect."""
    rows = [{"Effect": e, "Principal": {"Service": who} if who != "*" else who, "Action": "kms:*"} for e in effects]
    rows = [{**row, "Condition": when} if when and row["Effect"] == "Deny" else row for row in rows]
    return {"policy": json.dumps({"Statement": rows})}


def _stored(expected: Status, **changed: Any) -> Example:
    return _case("services-admitted", expected, uses=("storage of tasks",), **changed)


def _source(noun: str, **changed: Any) -> tuple[KmsKey, ...]:
    """The primary region's keys, the first that of ``noun``."""
    return (replace(HERE[0], uses=(noun,), **changed), HERE[1])


def _denies(action: str) -> dict[str, Any]:
    """A policy that allows all and denies ``action`` to everybody."""
    rows = [
        {"Effect": "Allow", "Principal": "*", "Action": "kms:*"},
        {"Effect": "Deny", "Principal": "*", "Action": action},
    ]
    return {"policy": json.dumps({"Statement": rows})}


WRITING = (THERE[0], replace(THERE[1], **_denies("kms:GenerateDataKey")))
TAGGED = {"StringEquals": {"aws:PrincipalTag/team": "dba"}}
OTHERS = {"StringNotEquals": {"kms:CallerAccount": SIT.account}}
EXAMPLES = [
    _case("services-admitted", Status.PASS),
    _case("services-admitted", Status.PASS, **_said("Allow")),
    _case("services-admitted", Status.FAIL, **_said("Allow", "Deny")),
    _case("services-admitted", Status.FAIL, **_said("Deny", who="elasticfilesystem.amazonaws.com")),
    _case("services-admitted", Status.PASS, **_said("Deny", who="ecr.amazonaws.com")),
    _case("services-admitted", Status.PASS, **_said("Deny", when=OTHERS)),
    _case("services-admitted", Status.UNKNOWN, **_said("Deny", when=TAGGED)),
    _case("services-admitted", Status.FAIL, uses=("images",), **_said("Deny", who="ecr.amazonaws.com")),
    _case("services-admitted", Status.FAIL, uses=("tables",), **_said("Deny", who="dynamodb.amazonaws.com")),
    _case("services-admitted", Status.FAIL, uses=("control records",), **_said("Deny")),
    _case("services-admitted", Status.PASS, uses=("files", "secrets"), **_said("Allow")),
    _case("services-admitted", Status.UNKNOWN, admits=DENIED),
    _case("services-admitted", Status.UNKNOWN, "a key", there=(THERE[0], DENIED)),
    _case("services-admitted", Status.UNKNOWN, "", there=DENIED),
    _case("services-admitted", Status.NOT_APPLICABLE, "all keys", **_said("Deny"), state="Disabled"),
    _case("services-admitted", Status.NOT_APPLICABLE, "all keys", there=THERE[1:]),
    _stored(Status.PASS, **_said("Allow", who="fargate.amazonaws.com")),
    _stored(Status.FAIL, **_said("Allow", who="ecs.amazonaws.com")),
    _case("key-usable", Status.PASS),
    _case("key-usable", Status.WARN, material_until=NOW + timedelta(days=29)),
    _case("key-usable", Status.PASS, material_until=NOW + timedelta(days=31)),
    _case("key-usable", Status.FAIL, material_until=NOW + timedelta(days=29), state="Disabled"),
    _case("key-usable", Status.FAIL, state="Disabled"),
    _case("key-usable", Status.PASS, state="Updating"),
    _case("key-usable", Status.UNKNOWN, state="a-new-word"),
    _case("key-usable", Status.FAIL, state="PendingDeletion", deletion_at=NOW),
    _case("key-usable", Status.FAIL, state="absent", arn=""),
    _case("key-usable", Status.FAIL, state="Disabled", uses=("storage of tasks",)),
    _case("key-usable", Status.FAIL, state="elsewhere"),
    _case("key-usable", Status.UNKNOWN, "a key", there=(DENIED, THERE[1])),
    _case("key-usable", Status.NOT_APPLICABLE, "all keys", there=()),
    _case("key-usable", Status.UNKNOWN, "", there=DENIED),
    _replicas("key-usable", Status.PASS, ARRIVING.ref, (ARRIVING,)),
    _replicas("key-usable", Status.FAIL, ARRIVING.ref, (replace(ARRIVING, state="Disabled"),)),
    _replicas("key-usable", Status.PASS, FILES, (replace(THERE[0], uses=("replicated objects",), state="Disabled"),)),
    _replicas("key-usable", Status.UNKNOWN, "a key", DENIED),
    _replicas("key-usable", Status.UNKNOWN, "a key", (DENIED,)),
    _case("source-key-usable", Status.PASS, HERE[0].ref),
    _case("source-key-usable", Status.FAIL, HERE[0].ref, here=(replace(HERE[0], state="PendingImport"), HERE[1])),
    _case("source-key-usable", Status.FAIL, HERE[0].ref, here=_source("files", **_said("Allow", "Deny"))),
    _case("source-key-usable", Status.FAIL, HERE[0].ref, here=_source("database", **_said("Allow", "Deny"))),
    _case("source-key-usable", Status.PASS, HERE[0].ref, here=_source("database", **_said("Deny", when=TAGGED))),
    _case("source-key-usable", Status.PASS, HERE[0].ref, here=_source("files", **_said("Deny", when=OTHERS))),
    _case("source-key-usable", Status.FAIL, HERE[0].ref, here=_source("database", **_denies("kms:CreateGrant"))),
    _case("source-key-usable", Status.PASS, HERE[0].ref, here=_source("files", **_denies("kms:CreateGrant"))),
    _case("source-key-usable", Status.FAIL, HERE[0].ref, here=_source("secrets", **_denies("kms:GenerateDataKey"))),
    _case("source-key-usable", Status.UNKNOWN, "", here=DENIED),
    _case("related-key", Status.PASS, HERE[1].ref),
    _case("related-key", Status.FAIL, HERE[1].ref, here=_shared(HOME)),
    _case("related-key", Status.NOT_APPLICABLE, "all keys", here=HERE[:1]),
    _case("related-key", Status.NOT_APPLICABLE, "all keys", here=(replace(HERE[1], uses=("database",)),)),
    _case("related-key", Status.UNKNOWN, "a key", here=(HERE[1], DENIED)),
    _case("related-key", Status.UNKNOWN, "", here=DENIED),
    _case("policy-parity", Status.PASS, f"files: {FILES}"),
    _case("policy-parity", Status.PASS, f"files: {FILES}", admits=(ACCOUNT, ROLE)),
    _case("policy-parity", Status.WARN, f"files: {FILES}", here=TASK_ONLY),
    _case("policy-parity", Status.FAIL, f"files: {FILES}", here=TASK_ONLY, admits=("arn:aws:iam::1:role/other",)),
    _case("policy-parity", Status.UNKNOWN, "files", admits=DENIED),
    _case("policy-parity", Status.PASS, f"secrets: {THERE[1].ref}", state="absent", arn="", admits=()),
    _case("policy-parity", Status.FAIL, f"secrets: {THERE[1].ref}", there=WRITING),
    _case("policy-parity", Status.PASS, f"files: {FILES}", **_denies("kms:GenerateDataKey")),
    _case("policy-parity", Status.NOT_APPLICABLE, "all keys", here=()),
    _case("policy-parity", Status.UNKNOWN, "a key", there=(THERE[0], DENIED)),
    _case("policy-parity", Status.UNKNOWN, "a key", here=(DENIED,)),
    _case("policy-parity", Status.UNKNOWN, "", here=DENIED),
]
