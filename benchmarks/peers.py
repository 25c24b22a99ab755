"""Other readers of AWS, on facts that they share with this one, each in an environment of its own (``make peers``).

Cloud Custodian (c7n) lists the resources of a policy's kind, and reads of each what its filters may want. Prowler runs
its checks of a service. Both look at both regions of the environment, and at AWS_ENDPOINT_URL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr_estate.config.environment import Environment

MOST_TENANTS = 12
TOOLS = Path(__file__).parents[1] / ".tools"
KINDS = (
    "ecs-service",
    "ecs-task",
    "ecs-task-definition",
    "app-elb",
    "app-elb-target-group",
    "rds",
    "efs",
    "s3",
    "secrets-manager",
    "kms-key",
    "dynamodb-table",
    "ecr",
    "log-group",
    "alarm",
    "sns",
    "backup-vault",
    "acm-certificate",
)
"""What Custodian lists: kinds of which the readers read all, and more."""
SERVICES = ("ecs", "elbv2", "rds", "efs", "s3", "secretsmanager", "kms", "dynamodb", "ecr", "backup", "acm", "sns")
"""What Prowler looks at. Those that it reads an account's history for are left out."""


@dataclass(frozen=True)
class Peer:
    """Another reader: its program, and what it is to be called with for an environment, given a folder of its own."""

    what: str
    program: Path
    words: Callable[[Environment, Path], Sequence[str]]


def _custodian(environment: Environment, folder: Path) -> Sequence[str]:
    policies = folder / "policies.json"
    policies.write_text(
        json.dumps({"policies": [{"name": kind, "resource": f"aws.{kind}"} for kind in KINDS]}), encoding="utf-8"
    )
    regions = (environment.regions.primary, environment.regions.dr)
    # Without 0 a second run reads Custodian's own cache, not AWS.
    return ["run", "-s", f"{folder}/out", "--cache-period", "0", *_repeated_option("-r", regions), str(policies)]


def _prowler(environment: Environment, folder: Path) -> Sequence[str]:
    regions = (environment.regions.primary, environment.regions.dr)
    # Prowler ends with 3 where a check failed: that is a result, and no failure of the run.
    out = ["--output-formats", "csv", "--output-directory", f"{folder}/out", "--no-banner", "--ignore-exit-code-3"]
    return ["aws", "--region", *regions, "--service", *SERVICES, *out]


def _repeated_option(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


PEERS = (
    Peer(f"peer: Cloud Custodian, {len(KINDS)} kinds of resources", TOOLS / "custodian/bin/custodian", _custodian),
    Peer(f"peer: Prowler, its checks of {len(SERVICES)} services", TOOLS / "prowler/bin/prowler", _prowler),
)


def installed_peers(tenants: int) -> list[Peer]:
    """The peers that ``make peers`` has put here; of more tenants than ``MOST_TENANTS`` they take many minutes."""
    return [peer for peer in PEERS if peer.program.exists() and tenants <= MOST_TENANTS]
