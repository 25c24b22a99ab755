"""An instance class that a region has none left of: no restore, no creation, no change to it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE, Outage
from tests.sandbox.moto_ext.conftest import DR, Clients

WANTED = {"Engine": "mysql", "AllocatedStorage": 30, "MasterUsername": "admin", "MasterUserPassword": "not-a-secret"}


def _create(aws: Clients, name: str, size: str) -> None:
    aws("rds", DR).create_db_instance(DBInstanceIdentifier=name, DBInstanceClass=size, **WANTED)


def test_the_scarce_class_is_refused_and_another_is_not(aws: Clients) -> None:
    STATE.outages = [Outage(DR, "no-capacity", "rds", detail="db.r6g.large")]
    with pytest.raises(ClientError, match="InsufficientDBInstanceCapacity") as scarce:
        _create(aws, "first", "db.r6g.large")
    assert "InsufficientDBInstanceCapacity" == scarce.value.response["Error"]["Code"]
    _create(aws, "second", "db.r6g.xlarge")
    with pytest.raises(ClientError, match="InsufficientDBInstanceCapacity"):
        aws("rds", DR).modify_db_instance(DBInstanceIdentifier="second", DBInstanceClass="db.r6g.large")


def test_without_any_capacity_a_copy_cannot_be_restored_either(aws: Clients) -> None:
    _create(aws, "first", "db.r6g.large")
    STATE.outages = [Outage(DR, "no-capacity", "rds")]
    with pytest.raises(ClientError, match="InsufficientDBInstanceCapacity"):
        aws("rds", DR).restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="first", TargetDBInstanceIdentifier="second", UseLatestRestorableTime=True
        )
