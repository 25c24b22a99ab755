"""The policy that freezes a file system: it denies writing to everybody, and is not public."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from dr_actions.actions.files.failback import policies_match, policy_with_freeze, unfrozen
from dr_estate.readers.efs import FileSystemPolicy

ARN = "arn:aws:elasticfilesystem:eu-west-1:815856636111:file-system/fs-2"
NOW = datetime(2026, 1, 7, 10, tzinfo=UTC)
MOUNTED = {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}
OURS = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Ours", "Effect": "Deny", "Action": "*"}]})


def test_without_a_policy_before_only_clients_of_a_mount_target_get_access() -> None:
    """An allow for everybody without that condition counts as public (T66)."""
    allow, deny = json.loads(policy_with_freeze("", ARN, NOW))["Statement"]
    assert (allow["Effect"], allow["Principal"], allow["Condition"]) == ("Allow", {"AWS": "*"}, MOUNTED)
    assert (deny["Effect"], deny["Action"]) == ("Deny", "elasticfilesystem:ClientWrite")
    assert "Condition" not in deny, "nobody may write, whichever way they come"


def test_what_froze_it_is_taken_out_to_the_letter() -> None:
    for text in ("", OURS):
        assert policies_match(
            unfrozen(FileSystemPolicy("fs-2", True, (), (), policy_with_freeze(text, ARN, NOW))), text
        )
