"""A file system policy with the statement that freezes it, and without. Pure.

A policy replaces EFS's default, which allows everything to every client that reaches a mount target: where there was no
policy, the frozen policy states what the default allows, except writing, and on condition of the mount target: without
that condition it would count as public (T66). A deny overrides every allow, for every client. Source: EFS User Guide,
"Using IAM to control access to file systems" and "Creating file system policies".
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from dr_estate.readers.efs import FROZEN_SID, STAMP, FileSystemPolicy

# Characters of a file system policy. Source: API_PutFileSystemPolicy.
LONGEST = 20_000
_DEFAULT_SID = "ReadWhileFrozenForFailback"
_VERSION = "2012-10-17"
_MOUNTED = {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}
_READ = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientRootAccess"]
Statement = dict[str, Any]


def unfrozen(policy: FileSystemPolicy) -> str:
    """The policy's text without what freezes it; "" where nothing else is in it, or there was none."""
    if not policy.text or policy.freeze_time is None:
        return policy.text
    document = json.loads(policy.text)
    statements = [statement for statement in _statements(document) if not _is_own(statement)]
    return json.dumps({**document, "Statement": statements}) if statements else ""


def policy_with_freeze(text: str, arn: str, moment: datetime) -> str:
    """The policy ``text`` of the file system ``arn`` ("" for none) with the statement that freezes it."""
    # Without a policy everything is allowed; a Deny alone would end that, so the default's reads are written out.
    document = json.loads(text) if text else {"Version": _VERSION, "Statement": [_default(arn)]}
    return json.dumps({**document, "Statement": [*_statements(document), _deny(arn, f"{moment:{STAMP}}")]})


def policies_match(text: str, other: str) -> bool:
    """Whether two policies say the same, whatever their white space and order of keys."""
    return text == other or bool(text and other and json.loads(text) == json.loads(other))


def _statements(document: dict[str, Any]) -> list[Statement]:
    listed = document.get("Statement", [])
    return listed if isinstance(listed, list) else [listed]


def _is_own(statement: Statement) -> bool:
    sid = str(statement.get("Sid", ""))
    return sid.startswith(FROZEN_SID) or sid == _DEFAULT_SID


def _default(arn: str) -> Statement:
    return {**_statement(_DEFAULT_SID, "Allow", _READ, arn), "Condition": _MOUNTED}


def _deny(arn: str, stamp: str) -> Statement:
    return _statement(f"{FROZEN_SID}{stamp}", "Deny", "elasticfilesystem:ClientWrite", arn)


def _statement(sid: str, effect: str, action: str | list[str], arn: str) -> Statement:
    return {"Sid": sid, "Effect": effect, "Principal": {"AWS": "*"}, "Action": action, "Resource": arn}
