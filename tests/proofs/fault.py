"""A fault of what a recovery needs in the DR region, made by plain boto3, and by the edge that it breaks.

Some break nothing: what nobody asks for may be closed. Which is which is the world's to say, not a table's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws


@dataclass(frozen=True)
class Fault:
    """``touches`` are the services whose parts are read again."""

    name: str
    edge: NeedKind
    touches: tuple[str, ...]
    make: Callable[[Aws], object]


def policy_of(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def role_named(aws: Aws, purpose: str) -> str:
    return f"{aws.env.name}-ecs-{purpose}-role"


def iam_of(aws: Aws) -> Any:
    return aws.client("iam", Side.GLOBAL)


def files_of(aws: Aws) -> tuple[Any, str]:
    efs = aws.client("efs", Side.DR)
    return efs, str(efs.describe_file_systems()["FileSystems"][0]["FileSystemId"])
