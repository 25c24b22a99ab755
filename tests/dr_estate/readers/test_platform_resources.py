"""What the platform owns is recognised by its tags or its names; what another team tagged as its own is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.readers import iam_called_roles, platform_resources
from dr_estate.readers.platform_resources import LISTED, known_rows
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.aws_answers import read
from tests.proofs.changes import Aws
from tests.proofs.watching import reader_of
from tests.worlds import borrowed

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
THEIRS = {"Environment": "sit", "Project": "payments"}
OURS = {"Environment": "sit", "Project": "wordpress-platform"}


@pytest.fixture
def world() -> Iterator[Endpoint]:
    with borrowed(SIT, tenants=2) as endpoint:
        yield endpoint


def _aws(world: Endpoint) -> Aws:
    return Aws(world.url, world.people["admin"], SIT, "")


def _seen(world: Endpoint, env: Environment = SIT) -> Snapshot:
    parts = frozenset({platform_resources.listings.name, iam_called_roles.roles.name})
    return observe(env, reader_of(world), "sandbox", only=parts)


def _judged(snapshot: Snapshot, env: Environment = SIT) -> CheckResult:
    return judge(checks()["counterparts.in-dr-region"], snapshot, env)


def _queue(world: Endpoint, name: str, tags: dict[str, str]) -> None:
    sqs: Any = _aws(world).client("sqs", Side.PRIMARY)
    sqs.create_queue(QueueName=name, tags=tags)


def test_what_only_the_primary_has_is_one_finding_with_all_of_it(world: Endpoint) -> None:
    _queue(world, "sit-untagged", {})
    _queue(world, "mails", OURS)
    aws: Any = _aws(world).client("elasticache", Side.PRIMARY)
    aws.create_replication_group(ReplicationGroupId="sit-sessions", ReplicationGroupDescription="sessions")
    found = _judged(_seen(world))
    assert [f.status for f in found.findings] == [Status.FAIL]
    assert found.findings[0].members == ("sqs mails", "sqs sit-untagged", "elasticache:replicationgroup sit-sessions")


def test_another_teams_things_of_a_like_name_are_not_the_platforms(world: Endpoint) -> None:
    _queue(world, "sit-payments", THEIRS)
    _queue(world, "elsewhere", {})
    assert _judged(_seen(world)).status is Status.PASS


def test_a_cache_of_smaller_nodes_in_the_dr_region_is_warned_of(world: Endpoint) -> None:
    for side, node in ((Side.PRIMARY, "cache.m7g.large"), (Side.DR, "cache.t4g.micro")):
        aws: Any = _aws(world).client("elasticache", side)
        group = {"ReplicationGroupId": "sit-pages", "ReplicationGroupDescription": "pages", "CacheNodeType": node}
        aws.create_replication_group(**group, NumCacheClusters=3)
    (found,) = [row for row in _judged(_seen(world)).findings if row.status is Status.WARN]
    assert found.subject == "elasticache:replicationgroup sit-pages"
    assert (found.measured, found.wanted) == ("node type cache.t4g.micro", "node type cache.m7g.large")


def test_mutable_tags_of_a_repository_in_the_dr_region_alone_are_a_warning(world: Endpoint) -> None:
    name = SIT.named(SIT.names.repository)
    _aws(world).client("ecr", Side.DR).put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")
    (found,) = [row for row in _judged(_seen(world)).findings if row.status is Status.WARN]
    assert (found.subject, found.measured, found.wanted) == (f"ecr:repository {name}", "tags MUTABLE", "tags IMMUTABLE")


def _trust(service: str) -> str:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _function(aws: Aws, side: Side, name: str, reserved: int | None) -> None:
    roles, functions = aws.client("iam", Side.GLOBAL), aws.client("lambda", side)
    if name not in [row["RoleName"] for row in roles.list_roles()["Roles"]]:
        roles.create_role(RoleName=name, AssumeRolePolicyDocument=_trust("lambda"), Path="/functions/")
    role = roles.get_role(RoleName=name)["Role"]["Arn"]
    code = {"ZipFile": b"def handler(event, context): pass"}
    functions.create_function(FunctionName=name, Runtime="python3.12", Role=role, Handler="it.handler", Code=code)
    if reserved is not None:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)


def test_a_function_that_may_not_run_in_the_dr_region_alone_is_warned_of(world: Endpoint) -> None:
    for name, there, here in (("sit-clean", None, 0), ("sit-idle", 0, 0), ("sit-few", None, 5)):
        _function(_aws(world), Side.PRIMARY, name, there)
        _function(_aws(world), Side.DR, name, here)
    found = _judged(_seen(world))
    assert found.status is Status.WARN
    warned = [row for row in found.findings if row.status is Status.WARN]
    assert [row.subject for row in warned] == ["lambda:function sit-clean"]
    freed = f"aws lambda delete-function-concurrency --region {SIT.regions.dr} --function-name sit-clean"
    assert warned[0].commands == (freed,)
    _aws(world).client("lambda", Side.DR).delete_function_concurrency(FunctionName="sit-clean")
    assert _judged(_seen(world)).status is Status.PASS


def test_a_function_or_schedule_whose_role_cannot_be_assumed_is_a_warning(world: Endpoint) -> None:
    aws, roles = _aws(world), _aws(world).client("iam", Side.GLOBAL)
    for side in (Side.PRIMARY, Side.DR):
        _function(aws, side, "sit-mail", None)
        function = aws.client("lambda", side).get_function(FunctionName="sit-mail")["Configuration"]["FunctionArn"]
        target = {"Arn": function, "RoleArn": f"arn:aws:iam::{SIT.account}:role/nobody"}
        timed = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}}
        aws.client("scheduler", side).create_schedule(Name="sit-report", Target=target, **timed)
    roles.update_assume_role_policy(RoleName="sit-mail", PolicyDocument=_trust("ec2"))
    found = {row.subject: row.measured for row in _judged(_seen(world)).findings if row.status is Status.WARN}
    distrusted = "sit-mail does not trust lambda.amazonaws.com"
    scheduled = {"scheduler:schedule sit-report": "there is no role nobody"}
    assert found == {"lambda:function sit-mail": distrusted} | scheduled


@pytest.mark.proof
def test_a_sweep_takes_as_many_calls_whatever_the_tenants_are() -> None:
    with borrowed(SIT, tenants=1) as small, borrowed(SIT, tenants=12) as large:
        few, many = _seen(small).calls, _seen(large).calls
    assert few == many
    tagged = sum(call.taggable for call in LISTED)  # whose they are is asked of all that a list found at once
    assert len(LISTED) * 2 <= sum(few.values()) <= (len(LISTED) + tagged) * 2 + 3


def test_without_any_resource_of_the_platform_tags_its_owner_is_unknown(world: Endpoint) -> None:
    env = SIT.model_copy(update={"names": SIT.names.model_copy(update={"tags": {"Project": "of another name"}})})
    assert _judged(_seen(world, env), env).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("unknown", "rows"),
    [
        ("", ["sqs", "sns", "mwaa", "dms", "glue"]),
        ("mwaa", ["sqs", "sns", "dms", "glue"]),
        ("sqs glue", ["sns", "mwaa", "dms"]),
        ("sqs sns mwaa dms glue", None),
    ],
)
def test_types_that_the_tagging_api_does_not_know_hide_no_other(unknown: str, rows: list[str] | None) -> None:
    def rows_of(types: Sequence[str]) -> list[str] | None:
        return None if set(types) & set(unknown.split()) else list(types)

    refused: list[str] = []
    assert known_rows(rows_of, ("sqs", "sns", "mwaa", "dms", "glue"), refused) == rows
    assert set(refused) == set(unknown.split())


def test_rules_are_asked_for_their_targets_within_one_thread() -> None:
    begins, queue = f"arn:aws:events:{SIT.region(Side.DR)}:{SIT.account}:rule/", "arn:aws:sqs:eu-west-1:1:q"
    empty: dict[str, Any] = {call.operation: {call.key: []} for call in LISTED}
    answers = empty | {
        "get_resources": {"ResourceTagMappingList": []},
        "list_rules": {"Rules": [{"Name": name, "Arn": begins + name} for name in ("sit-a", "sit-b")]},
        "list_targets_by_rule": {"Targets": [{"Id": "1", "Arn": queue}]},
    }
    found = {row.service: row.leads for row in read(platform_resources.listings, Side.DR, answers)}
    assert found["events list-rules"] == tuple((begins + name, queue) for name in ("sit-a", "sit-b"))
    assert sum(map(len, found.values())) == 2


def test_the_sandbox_refuses_a_type_that_the_tagging_api_does_not_know(world: Endpoint) -> None:
    tags: Any = _aws(world).client("resourcegroupstaggingapi", Side.PRIMARY)
    with pytest.raises(tags.exceptions.InvalidParameterException, match="Unsupported service=docdb"):
        tags.get_resources(ResourceTypeFilters=["sqs", "docdb"])
    assert tags.get_resources(ResourceTypeFilters=["sqs"])["ResponseMetadata"]["HTTPStatusCode"] == 200
