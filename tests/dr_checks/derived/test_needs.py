"""What a tenant needs in the DR region is followed from its service to its end, and each edge names its checks."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import View
from dr_checks.core.registry import checks
from dr_checks.derived.need_kinds import FOLLOWED, NeedKind
from dr_checks.derived.needs import Need, Needs, needs_of
from dr_estate.config.environment import Side
from dr_estate.readers import cloudfront, ecr, ecs, elbv2, rds, sns_topics, vpc
from dr_estate.readers.cloudfront import Origin
from dr_estate.readers.elbv2 import GuardedBalancer
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import D, definition
from tests.dr_checks.edges import DISTRIBUTION
from tests.dr_checks.network import connected
from tests.dr_checks.worlds import DENIED, SIT

NAME = "sit-tenant1-service"


def _needs(snapshot: Snapshot) -> Needs:
    return needs_of(View("needs", Side.DR, SIT, snapshot), "tenant1")


def test_every_kind_of_edge_is_followed_by_checks_or_says_why_not() -> None:
    assert set(FOLLOWED) == set(NeedKind)
    assert {name for followed in FOLLOWED.values() for name in followed.checks} <= set(checks())
    assert all(followed.checks or followed.reason for followed in FOLLOWED.values())


def test_the_route_of_a_task_is_followed_through_gateways_to_the_internet() -> None:
    edges = set(_needs(connected({(vpc.network_acls, Side.DR): ()})).edges)
    assert {
        Need("tenant1", NeedKind.SERVICE, NAME),
        Need(NAME, NeedKind.SUBNET, "subnet-1"),
        Need("subnet-1", NeedKind.ROUTE, "nat-1"),
        Need("nat-1", NeedKind.GATEWAY_SUBNET, "public-1"),
        Need("public-1", NeedKind.ROUTE, "igw-1"),
        Need("public-1", NeedKind.RESOLVER, "vpc-1"),
    } <= edges


def test_what_a_task_definition_names_is_needed() -> None:
    named = definition("tenant1", D)
    edges = _needs(connected({(ecs.task_definitions, Side.DR): (named,)})).edges
    assert {
        NeedKind.IMAGE,
        NeedKind.SECRET,
        NeedKind.LOG_GROUP,
        NeedKind.EXECUTION_ROLE,
        NeedKind.TASK_ROLE,
        NeedKind.DATABASE,
    } <= {edge.kind for edge in edges if edge.source == "sit-tenant1:1"}


def test_the_key_of_a_repository_is_needed_by_its_images() -> None:
    named = definition("tenant1", D)
    image = named.containers[0].image
    here = ecr.image_ref(image)
    found = ecr.Repository(here.account, here.repository, (), key="arn:aws:kms:eu-west-1:1:key/k")

    def edges(repository: ecr.Repository) -> Needs:
        return _needs(
            connected({(ecs.task_definitions, Side.DR): (named,), (ecr.repositories, Side.DR): (repository,)})
        )

    of_keys = [edge for edge in edges(found).edges if edge.kind is NeedKind.IMAGE_KEY]
    assert of_keys == [Need(image, NeedKind.IMAGE_KEY, "k")]
    for other in (replace(found, key=""), replace(found, account="2"), replace(found, key=DENIED)):
        assert NeedKind.IMAGE_KEY not in {edge.kind for edge in edges(other).edges}
    unseen = edges(replace(found, key=DENIED))
    assert DENIED in unseen.unseen
    assert NeedKind.LOG_GROUP in {edge.kind for edge in unseen.edges}


def test_a_part_that_was_not_seen_is_reported_and_hides_no_other() -> None:
    needs = _needs(connected({(vpc.network_acls, Side.DR): (), (rds.automated_backups, Side.DR): DENIED}))
    assert rds.automated_backups.name in {unavailable.part for unavailable in needs.unseen}
    assert Need("subnet-1", NeedKind.ROUTE, "nat-1") in needs.edges


def test_without_a_service_nothing_below_it_is_claimed() -> None:
    needs = _needs(connected({(ecs.services, Side.DR): ()}))
    assert (Need("tenant1", NeedKind.SERVICE, NAME),) == needs.edges


def test_a_bucket_that_outside_visitors_fetch_from_is_needed() -> None:
    bucket = Origin("assets", f"assets.s3.{SIT.regions.dr}.amazonaws.com", "", 3, 10, "s3", access_control="oac-1")
    away = replace(bucket, id="away", domain=f"pictures.s3.{SIT.regions.primary}.amazonaws.com")
    found = replace(DISTRIBUTION, origins=(*DISTRIBUTION.origins, bucket, away), other_targets=("assets", "away"))
    needs = _needs(
        connected(
            {
                (cloudfront.distributions, Side.GLOBAL): (found,),
                (elbv2.guarded, Side.DR): GuardedBalancer("b", None),
            }
        )
    )
    fetched = {edge for edge in needs.edges if edge.kind is NeedKind.ORIGIN_BUCKET}
    assert fetched == {Need(DISTRIBUTION.id, NeedKind.ORIGIN_BUCKET, "assets")}


def test_subscribers_of_a_topic_in_aws_are_needed_and_a_mailbox_ends_it() -> None:
    queue, function = f"arn:aws:sqs:{D}:1:orders", f"arn:aws:lambda:{D}:1:function:page"
    heard = tuple(
        sns_topics.TopicSubscription("alarms", who, (), end)
        for who, end in (("sqs", queue), ("lambda", function), ("email ops@shop.example", ""))
    )
    edges = _needs(connected({(sns_topics.topics, Side.DR): (), (sns_topics.listeners, Side.DR): heard})).edges
    assert {edge for edge in edges if edge.source == "alarms"} == {
        Need("alarms", NeedKind.TOPIC_QUEUE, "orders"),
        Need("alarms", NeedKind.TOPIC_FUNCTION, "page"),
    }
