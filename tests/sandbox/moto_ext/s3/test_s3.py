"""S3 replication to a bucket in another region: later objects, metadata, delete markers, outages."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE
from sandbox.moto_ext.s3.s3 import backlog
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, go_dark

SOURCE, TARGET = "shop-assets", "shop-assets-dr"


def _bucket(s3: Any, name: str, region: str, versioned: bool = True) -> None:
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _rule(**more: Any) -> dict[str, Any]:
    return {
        "ID": "all",
        "Priority": 3,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{TARGET}"},
        **more,
    }


def _configure(s3: Any, *rules: dict[str, Any]) -> None:
    role = "arn:aws:iam::123456789012:role/replication"
    s3.put_bucket_replication(Bucket=SOURCE, ReplicationConfiguration={"Role": role, "Rules": list(rules)})


def _pair(aws: Clients, **rule: Any) -> tuple[Any, Any]:
    s3, standby = aws("s3", PRIMARY), aws("s3", DR)
    _bucket(s3, SOURCE, PRIMARY)
    _bucket(standby, TARGET, DR)
    _configure(s3, _rule(**rule))
    return s3, standby


def _keys(s3: Any, bucket: str) -> set[str]:
    return {content["Key"] for content in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_later_objects_arrive_whole_and_earlier_ones_do_not(served: Clients) -> None:
    s3, standby = served("s3", PRIMARY), served("s3", DR)
    _bucket(s3, SOURCE, PRIMARY)
    _bucket(standby, TARGET, DR)
    s3.put_object(Bucket=SOURCE, Key="early", Body=b"1")
    _configure(s3, _rule())
    s3.put_object(Bucket=SOURCE, Key="late", Body=b"2", Metadata={"tenant": "tenant1"}, Tagging="a=b")
    assert _keys(standby, TARGET) == {"late"}
    mine, theirs = s3.head_object(Bucket=SOURCE, Key="late"), standby.head_object(Bucket=TARGET, Key="late")
    assert (mine["ReplicationStatus"], theirs["ReplicationStatus"]) == ("COMPLETED", "REPLICA")
    assert (mine["VersionId"], mine["ETag"]) == (theirs["VersionId"], theirs["ETag"])
    assert theirs["Metadata"] == {"tenant": "tenant1"}
    assert standby.get_object(Bucket=TARGET, Key="late")["Body"].read() == b"2"
    assert standby.get_object_tagging(Bucket=TARGET, Key="late")["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert "ReplicationStatus" not in s3.head_object(Bucket=SOURCE, Key="early")
    places = [s3.get_bucket_location(Bucket=name)["LocationConstraint"] for name in (SOURCE, TARGET)]
    assert places == [PRIMARY, DR]


def test_a_bucket_without_replication_says_nothing(aws: Clients) -> None:
    s3 = aws("s3", PRIMARY)
    _bucket(s3, SOURCE, PRIMARY)
    s3.put_object(Bucket=SOURCE, Key="one", Body=b"1")
    assert "ReplicationStatus" not in s3.head_object(Bucket=SOURCE, Key="one")
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFound"):
        s3.get_bucket_replication(Bucket=SOURCE)


@pytest.mark.parametrize(("status", "left"), [("Disabled", {"one"}), ("Enabled", set())])
def test_delete_markers_follow_only_where_the_rule_says_so(aws: Clients, status: str, left: set[str]) -> None:
    s3, standby = _pair(aws, DeleteMarkerReplication={"Status": status})
    s3.put_object(Bucket=SOURCE, Key="one", Body=b"1")
    s3.delete_object(Bucket=SOURCE, Key="one")
    assert _keys(s3, SOURCE) == set()
    assert _keys(standby, TARGET) == left
    assert len(standby.list_object_versions(Bucket=TARGET)["Versions"]) == 1


def test_rules_choose_by_prefix_and_tag(aws: Clients) -> None:
    both = {"And": {"Prefix": "keep/", "Tags": [{"Key": "dr", "Value": "yes"}]}}
    s3, standby = _pair(aws, Filter=both)
    s3.put_object(Bucket=SOURCE, Key="keep/a", Body=b"1", Tagging="dr=yes")
    s3.put_object(Bucket=SOURCE, Key="keep/b", Body=b"1")
    s3.put_object(Bucket=SOURCE, Key="other/c", Body=b"1", Tagging="dr=yes")
    assert _keys(standby, TARGET) == {"keep/a"}
    assert "ReplicationStatus" not in s3.head_object(Bucket=SOURCE, Key="keep/b")


def test_the_configuration_is_returned_as_it_was_put(aws: Clients) -> None:
    timed = {
        "Bucket": f"arn:aws:s3:::{TARGET}",
        "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
        "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
    }
    rule = _rule(Destination=timed, DeleteMarkerReplication={"Status": "Enabled"}, Filter={"Prefix": "x/"})
    s3, _ = _pair(aws)
    _configure(s3, rule)
    assert s3.get_bucket_replication(Bucket=SOURCE)["ReplicationConfiguration"]["Rules"] == [rule]


def test_a_destination_must_exist_and_be_versioned(aws: Clients) -> None:
    s3 = aws("s3", PRIMARY)
    _bucket(s3, SOURCE, PRIMARY)
    with pytest.raises(ClientError, match="must exist"):
        _configure(s3, _rule())
    _bucket(aws("s3", DR), TARGET, DR, versioned=False)
    with pytest.raises(ClientError, match="versioning"):
        _configure(s3, _rule())


def test_an_object_fails_when_its_destination_is_gone(aws: Clients) -> None:
    s3, standby = _pair(aws)
    standby.delete_bucket(Bucket=TARGET)
    s3.put_object(Bucket=SOURCE, Key="one", Body=b"1")
    assert s3.head_object(Bucket=SOURCE, Key="one")["ReplicationStatus"] == "FAILED"


def test_objects_wait_out_an_outage(aws: Clients) -> None:
    s3, standby = _pair(aws)
    go_dark(DR)
    s3.put_object(Bucket=SOURCE, Key="one", Body=b"12345")
    assert s3.head_object(Bucket=SOURCE, Key="one")["ReplicationStatus"] == "PENDING"
    operations, size, since = backlog(ACCOUNT, SOURCE)
    assert (operations, size) == (1, 5)
    assert since is not None
    assert _keys(standby, TARGET) == set()
    STATE.stopped.clear()
    assert _keys(standby, TARGET) == {"one"}
    assert s3.head_object(Bucket=SOURCE, Key="one")["ReplicationStatus"] == "COMPLETED"
    assert backlog(ACCOUNT, SOURCE) == (0, 0, None)


def test_replicas_are_not_replicated_back(aws: Clients) -> None:
    s3, standby = _pair(aws)
    back = _rule(Destination={"Bucket": f"arn:aws:s3:::{SOURCE}"})
    role = "arn:aws:iam::123456789012:role/replication"
    standby.put_bucket_replication(Bucket=TARGET, ReplicationConfiguration={"Role": role, "Rules": [back]})
    s3.put_object(Bucket=SOURCE, Key="one", Body=b"1")
    standby.put_object(Bucket=TARGET, Key="two", Body=b"2")
    assert _keys(s3, SOURCE) == _keys(standby, TARGET) == {"one", "two"}
    assert len(s3.list_object_versions(Bucket=SOURCE)["Versions"]) == 2


def test_us_east_1_is_named_by_no_location_and_refused_by_name(aws: Clients) -> None:
    s3 = aws("s3", "us-east-1")
    with pytest.raises(ClientError, match="InvalidLocationConstraint"):
        s3.create_bucket(Bucket="by-name", CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
    s3.create_bucket(Bucket="by-none")
    assert s3.get_bucket_location(Bucket="by-none").get("LocationConstraint") is None


def test_the_owner_of_a_bucket_pays_for_requests(served: Clients) -> None:
    s3 = served("s3", PRIMARY)
    _bucket(s3, SOURCE, PRIMARY)
    assert "BucketOwner" == s3.get_bucket_request_payment(Bucket=SOURCE)["Payer"]
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.get_bucket_request_payment(Bucket=TARGET)
