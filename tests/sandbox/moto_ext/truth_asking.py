"""What the tests of the truth kit share: an account in which the questions can be asked at once, and other answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox.core import truth
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY
from truth_kit.account import Account

ROWS: list[dict[str, Any]] = json.loads(truth.SHIPPED.read_text(encoding="utf-8"))
ANSWERS = {row["id"]: row["answer"] for row in ROWS}


def other(name: str) -> truth.Value:
    """Another answer than the shipped one."""
    value = ANSWERS[name]
    if isinstance(value, bool):
        return not value
    return {"ENABLED": "DISABLED"}[value] if isinstance(value, str) else value + 1


def write_answers(path: Path, answers: dict[str, Any]) -> Path:
    """Write a file of answers, by id, as a run writes it."""
    rows = [{"id": name, "answer": value} for name, value in answers.items()]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def account(run: str = "t1", endpoint_url: str | None = None, number: str = ACCOUNT) -> Account:
    """The account of the test's world, with what Terraform makes around the questions."""
    throw_away = Account(run, PRIMARY, DR, number, endpoint_url, poll_s=0.02, grace_s=0.3, patience_s=20)
    throw_away.standing.update(stand(throw_away))
    return throw_away


def stand(account: Account) -> dict[str, str]:
    """Make by plain calls what deploy/truth/terraform makes. Returns its outputs."""
    outputs = {"backup_role": f"arn:aws:iam::{account.number}:role/{account.prefix}backup"}
    for side, region in (("primary", account.primary), ("dr", account.dr)):
        ec2, name = account.client("ec2", region), account.prefix.rstrip("-")
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/24")["Vpc"]["VpcId"]
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.0.{64 * place}/26", AvailabilityZone=zone)["Subnet"]
            for place, zone in enumerate(zones)
        ]
        account.client("rds", region).create_db_subnet_group(
            DBSubnetGroupName=f"{name}-subnets",
            DBSubnetGroupDescription="x",
            SubnetIds=[subnet["SubnetId"] for subnet in subnets],
        )
        account.client("backup", region).create_backup_vault(BackupVaultName=f"{name}-vault")
        outputs[f"{side}_key"] = account.client("kms", region).create_key()["KeyMetadata"]["Arn"]
        outputs |= {f"{side}_vault": f"{name}-vault", f"{side}_subnet_group": f"{name}-subnets"}
    return outputs
