"""GetResources lists rules of EventBridge, and buckets in their own region alone."""

from __future__ import annotations

from typing import Any

from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients

TAG = {"Key": "Project", "Value": "platform"}


def _listed(aws: Clients, region: str, kind: str) -> list[str]:
    answer: dict[str, Any] = aws("resourcegroupstaggingapi", region).get_resources(ResourceTypeFilters=[kind])
    return [row["ResourceARN"].rpartition(":")[2] for row in answer["ResourceTagMappingList"]]


def test_a_tagged_rule_is_listed_in_its_region(aws: Clients) -> None:
    aws("events", DR).put_rule(Name="nightly", ScheduleExpression="rate(1 day)", Tags=[TAG])
    aws("events", DR).put_rule(Name="untagged", ScheduleExpression="rate(1 day)")
    assert (_listed(aws, DR, "events:rule"), _listed(aws, PRIMARY, "events:rule")) == (["rule/nightly"], [])


def test_a_bucket_is_listed_in_its_own_region_alone(aws: Clients) -> None:
    for region, name in ((PRIMARY, "here"), (DR, "there")):
        s3 = aws("s3", region)
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [TAG]})
    assert (_listed(aws, PRIMARY, "s3"), _listed(aws, DR, "s3")) == (["here"], ["there"])
