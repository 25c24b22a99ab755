"""What RDS offers and AWS Backup's region settings, as AWS answers them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients


def test_an_engine_version_is_offered_or_the_list_is_empty(aws: Clients) -> None:
    rds = aws("rds", DR)
    offered = rds.describe_db_engine_versions(Engine="mysql", EngineVersion="8.0.40")["DBEngineVersions"]
    assert [(version["EngineVersion"], version["DBParameterGroupFamily"]) for version in offered] == [
        ("8.0.40", "mysql8.0")
    ]
    assert rds.describe_db_engine_versions(Engine="mysql", EngineVersion="5.5.1")["DBEngineVersions"] == []


def test_a_class_is_orderable_with_its_storage_types(aws: Clients) -> None:
    ask = {"Engine": "mysql", "EngineVersion": "8.0.40"}
    rds = aws("rds", DR)
    rows = rds.describe_orderable_db_instance_options(DBInstanceClass="db.r6g.large", **ask)
    assert {row["StorageType"] for row in rows["OrderableDBInstanceOptions"]} == {"gp2", "gp3", "io1", "io2"}
    none = rds.describe_orderable_db_instance_options(DBInstanceClass="db.x9.large", **ask)
    assert none["OrderableDBInstanceOptions"] == []


def test_option_groups_can_be_listed_and_an_unknown_one_is_refused(aws: Clients) -> None:
    rds = aws("rds", PRIMARY)
    assert rds.describe_option_groups()["OptionGroupsList"] == []
    rds.create_option_group(
        OptionGroupName="audit", EngineName="mysql", MajorEngineVersion="8.0", OptionGroupDescription="audit"
    )
    assert [option_group["OptionGroupName"] for option_group in rds.describe_option_groups()["OptionGroupsList"]] == [
        "audit"
    ]
    with pytest.raises(ClientError, match="OptionGroupNotFoundFault"):
        rds.describe_option_groups(OptionGroupName="none")


def test_resource_types_are_opted_in_region_by_region(aws: Clients) -> None:
    aws("backup", PRIMARY).update_region_settings(ResourceTypeOptInPreference={"RDS": False})
    preference = {
        region: aws("backup", region).describe_region_settings()["ResourceTypeOptInPreference"]
        for region in (PRIMARY, DR)
    }
    assert (preference[PRIMARY]["RDS"], preference[PRIMARY]["EFS"], preference[DR]["RDS"]) == (False, True, True)


def test_a_resource_without_recovery_points_is_not_protected(aws: Clients) -> None:
    arn = f"arn:aws:rds:{PRIMARY}:123456789012:db:shop"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        aws("backup", PRIMARY).describe_protected_resource(ResourceArn=arn)
