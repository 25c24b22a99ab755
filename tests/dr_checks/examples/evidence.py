"""Examples of what an auditor believes a run by."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import evidence_stores
from dr_estate.readers.evidence_stores import AnchorLog, SigningKey, TableWitness
from tests.dr_checks.worlds import DENIED, SIT, Example, world

NAMED = SIT.model_copy(update={"names": SIT.names.model_copy(update={"stream_bucket": "stream-{env}"})})
STREAM = "arn:aws:dynamodb:eu-west-1:1:table/sit-dr-control/stream/1"
WITNESS = TableWitness("sit-dr-control", STREAM, "sit-dr-anchors", "Enabled", "u-1", "stream-sit", "COMPLIANCE")
ALIAS, LOG = "alias/sit-dr-evidence", "/dr/sit/anchors"
KEY, OPERATOR = "arn:aws:kms:eu-west-1:1:key/1", "arn:aws:iam::1:role/operator"
ACCOUNT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "kms:*", "Resource": "*"}
DENIAL = {"Effect": "Deny", "Principal": "*", "Action": "kms:Sign", "Resource": "*"}


def _key(expected: Status, state: str, usage: str = "SIGN_VERIFY") -> Example:
    return _signed(expected, SigningKey(ALIAS, "arn:aws:kms:eu-west-1:1:key/1", state, usage))


def _read(expected: Status, policy: Any, algorithms: tuple[str, ...] = ("ECDSA_SHA_256",)) -> Example:
    """A key of which everything was read; a policy that is no string was not."""
    text = json.dumps({"Statement": policy}) if isinstance(policy, list) else policy
    return _signed(expected, SigningKey(ALIAS, KEY, "Enabled", "SIGN_VERIFY", algorithms, text))


def _signed(expected: Status, value: Any) -> Example:
    subjects = frozenset() if value is DENIED else frozenset({ALIAS})
    return Example("evidence.signed", expected, world({(evidence_stores.signing_key, Side.DR): value}), subjects)


def _anchors(expected: Status, value: Any) -> Example:
    subjects = frozenset() if value is DENIED else frozenset({LOG})
    return Example("evidence.anchored", expected, world({(evidence_stores.anchors, Side.DR): value}), subjects)


def _witness(expected: Status, *subjects: str, **changes: str) -> Example:
    seen: Any = replace(WITNESS, **changes) if changes or expected is not Status.UNKNOWN else DENIED
    parts = {(evidence_stores.anchors, Side.DR): AnchorLog(LOG, exists=True), (evidence_stores.witness, Side.DR): seen}
    return Example("evidence.anchored", expected, world(parts), frozenset(subjects), NAMED)


EXAMPLES = [
    _key(Status.PASS, "Enabled"),
    _key(Status.FAIL, "Disabled"),
    _key(Status.FAIL, "PendingDeletion"),
    _key(Status.FAIL, "absent", ""),
    _key(Status.FAIL, "Enabled", "ENCRYPT_DECRYPT"),
    _key(Status.UNKNOWN, "Sleeping"),
    _signed(Status.UNKNOWN, DENIED),
    _read(Status.PASS, [ACCOUNT]),
    _read(Status.PASS, [ACCOUNT, DENIAL | {"Principal": {"AWS": OPERATOR}}]),
    _read(Status.PASS, [ACCOUNT | {"Principal": {"AWS": "arn:aws:iam::1:role/approver"}}]),
    _read(Status.PASS, [ACCOUNT, DENIAL | {"Condition": {"ArnNotLike": {"aws:PrincipalArn": "*approver"}}}]),
    _read(Status.FAIL, [ACCOUNT, DENIAL]),
    _read(Status.FAIL, [ACCOUNT | {"Action": ["kms:DescribeKey", "kms:PutKeyPolicy"]}]),
    _read(Status.FAIL, [ACCOUNT], ("RSASSA_PSS_SHA_256",)),
    _read(Status.UNKNOWN, DENIED),
    _anchors(Status.PASS, AnchorLog(LOG, exists=True)),
    _anchors(Status.PASS, AnchorLog(LOG, exists=True, retention_days=365)),
    _anchors(Status.FAIL, AnchorLog(LOG, exists=True, retention_days=180)),
    _anchors(Status.FAIL, AnchorLog(LOG, exists=False)),
    _anchors(Status.UNKNOWN, DENIED),
    _witness(Status.PASS),
    _witness(Status.FAIL, "sit-dr-control", stream="", mapping="absent"),
    _witness(Status.FAIL, "sit-dr-anchors", mapping="absent"),
    _witness(Status.FAIL, "sit-dr-anchors", mapping="Disabled"),
    _witness(Status.FAIL, "sit-dr-anchors", mapping="Enabling"),
    _witness(Status.FAIL, "sit-dr-anchors", mapping="filtered"),
    _witness(Status.UNKNOWN, "sit-dr-anchors", mapping="Dreaming"),
    _witness(Status.FAIL, "stream-sit", lock=""),
    _witness(Status.FAIL, "stream-sit", lock="GOVERNANCE"),
    _witness(Status.UNKNOWN),
]
