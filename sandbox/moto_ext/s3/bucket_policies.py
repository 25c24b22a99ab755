"""Bucket policies: the emulator passes over conditions, so that a statement with one would speak to everybody.

Such a statement is judged where IAM is enforced (sandbox/moto_ext/iam/enforcement.py), and nowhere else.
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from sandbox.core.patching import wrap
from sandbox.moto_ext.iam.policies import statements


@wrap(FakeBucket, "get_permission")
def _get_permission(original: Any, self: FakeBucket, action: str, resource: str) -> PermissionResult:
    rows = statements(self.policy.decode()) if self.policy else []
    # moto's IAMPolicy reads no conditions: a statement limited to one role would admit or deny everybody.
    if any("Condition" in row for row in rows):
        document = {"Version": "2012-10-17", "Statement": [row for row in rows if "Condition" not in row]}
        return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)
    found: PermissionResult = original(self, action, resource)
    return found
