"""Examples of what an auditor believes a run by."""

from __future__ import annotations

from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import evidence_stores
from dr_estate.readers.evidence_stores import AnchorLog, SigningKey
from tests.dr_checks.worlds import DENIED, Example, world

ALIAS, LOG = "alias/sit-dr-evidence", "/dr/sit/anchors"


def _key(expected: Status, state: str, usage: str = "SIGN_VERIFY") -> Example:
    return _signed(expected, SigningKey(ALIAS, "arn:aws:kms:eu-west-1:1:key/1", state, usage))


def _signed(expected: Status, value: Any) -> Example:
    subjects = frozenset() if value is DENIED else frozenset({ALIAS})
    return Example("evidence.signed", expected, world({(evidence_stores.signing_key, Side.DR): value}), subjects)


def _anchors(expected: Status, value: Any) -> Example:
    subjects = frozenset() if value is DENIED else frozenset({LOG})
    return Example("evidence.anchored", expected, world({(evidence_stores.anchors, Side.DR): value}), subjects)


EXAMPLES = [
    _key(Status.PASS, "Enabled"),
    _key(Status.FAIL, "Disabled"),
    _key(Status.FAIL, "PendingDeletion"),
    _key(Status.FAIL, "absent", ""),
    _key(Status.FAIL, "Enabled", "ENCRYPT_DECRYPT"),
    _key(Status.UNKNOWN, "Sleeping"),
    _signed(Status.UNKNOWN, DENIED),
    _anchors(Status.PASS, AnchorLog(LOG, exists=True)),
    _anchors(Status.PASS, AnchorLog(LOG, exists=True, retention_days=365)),
    _anchors(Status.FAIL, AnchorLog(LOG, exists=True, retention_days=180)),
    _anchors(Status.FAIL, AnchorLog(LOG, exists=False)),
    _anchors(Status.UNKNOWN, DENIED),
]
