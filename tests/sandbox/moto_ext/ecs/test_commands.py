"""A task that is run with a command of its own: it asks the database that it is pointed at, writes to its log, ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.rds.models import rds_backends

from dr_actions.actions.restore_test import database
from dr_estate.model.engines import MYSQL, POSTGRES, Engine
from dr_estate.readers import drill_resources
from dr_estate.snapshot.tenants import Tenant
from sandbox.core.state import STATE, now
from sandbox.moto_ext.data import stored_data
from tests.dr_checks.worlds import SIT
from tests.sandbox.moto_ext.compute import Platform, platform
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, Clock

GROUP, TENANT = "/ecs/shop", Tenant("shop", "shop")
LOGS = {"awslogs-group": GROUP, "awslogs-region": DR, "awslogs-stream-prefix": "web"}


def _database(
    aws: Clients, region: str = DR, holds: bool = True, engine: str = "mysql", version: str = "8.0.40"
) -> str:
    db_instance = aws("rds", region).create_db_instance(
        DBInstanceIdentifier="copy",
        DBInstanceClass="db.t3.small",
        Engine=engine,
        EngineVersion=version,
        AllocatedStorage=30,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
    )["DBInstance"]
    if holds:
        instance = rds_backends[ACCOUNT][region].databases["copy"]
        stored_data.install_schema(instance, "shop_db", "shop", now())
        stored_data.write_row(instance, "a post", "shop")
    return str(db_instance["Endpoint"]["Address"])


def _stage(aws: Clients, group: bool = True, **more: Any) -> Platform:
    there = platform(aws, DR)
    there.client("ecs").create_cluster(clusterName="shop")
    if group:
        aws("logs", DR).create_log_group(logGroupName=GROUP)
    there.register("nginx:1.27", logConfiguration={"logDriver": "awslogs", "options": LOGS}, **more)
    return there


def _run(there: Platform, host: str, engine: Engine = MYSQL, **more: Any) -> dict[str, Any]:
    overrides = database.probe_overrides(SIT, "web", "TRIAL-20260107-101500", TENANT, host, engine)
    answer: dict[str, Any] = there.client("ecs").run_task(
        cluster="shop",
        taskDefinition="tenant-a",
        launchType="FARGATE",
        networkConfiguration=there.network,
        startedBy="TRIAL-20260107-101500",
        overrides=overrides,
        tags=[{"key": "dr:drill", "value": "TRIAL-20260107-101500"}],
        **more,
    )
    return answer


def _now(there: Platform, task: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = there.client("ecs").describe_tasks(cluster="shop", tasks=[task["taskArn"]])["tasks"][0]
    return found


def _line(there: Platform, task: dict[str, Any]) -> str:
    stream = f"web/web/{task['taskArn'].rpartition('/')[2]}"
    (event,) = there.client("logs").get_log_events(logGroupName=GROUP, logStreamName=stream)["events"]
    return str(event["message"])


def test_it_counts_what_the_database_holds_of_the_tenant_and_ends_well(aws: Clients) -> None:
    there, host = _stage(aws), _database(aws)
    (task,) = _run(there, host)["tasks"]
    ended = _now(there, task)
    assert (ended["lastStatus"], ended["containers"][0]["exitCode"]) == ("STOPPED", 0)
    assert (ended["stopCode"], ended["startedBy"]) == ("EssentialContainerExited", "TRIAL-20260107-101500")
    answer = drill_resources.answer_in(ended["taskArn"], _line(there, task))
    assert answer is not None
    servers = {answer.server}
    assert database.reason_to_doubt(answer, "TRIAL-20260107-101500", "shop", "shop_db", host, servers) == ""
    assert (answer.tables, answer.rows) == (12, 2)
    assert there.client("ecs").list_tasks(cluster="shop", startedBy="nobody", desiredStatus="STOPPED")["taskArns"] == []


@pytest.mark.parametrize(("given", "code"), [(("PGUSER", "PGPASSWORD"), 0), (("PGUSER",), 1)])
def test_postgresql_is_counted_by_psql_which_needs_a_user_and_a_password(
    aws: Clients, given: tuple[str, ...], code: int
) -> None:
    there = _stage(aws, environment=[{"name": name, "value": "shop"} for name in given])
    (task,) = _run(there, _database(aws, engine="postgres", version="16.4"), POSTGRES)["tasks"]
    assert _now(there, task)["containers"][0]["exitCode"] == code
    answer = drill_resources.answer_in(task["taskArn"], _line(there, task))
    assert (answer.rows if answer else _line(there, task)) == (2 if not code else "psql: error: no PGPASSWORD supplied")


def test_a_host_that_is_a_secret_is_asked_around_and_not_overridden(aws: Clients) -> None:
    """T74: the restored database is asked all the same, and what the definition names is not."""
    secret = aws("secretsmanager", DR).create_secret(Name="host", SecretString="live.example:3306")["ARN"]
    there, host = _stage(aws, secrets=[{"name": "WORDPRESS_DB_HOST", "valueFrom": secret}]), _database(aws)
    (task,) = _run(there, host)["tasks"]
    answer = drill_resources.answer_in(task["taskArn"], _line(there, _now(there, task)))
    assert answer is not None
    assert (answer.host, bool(answer.server), answer.rows) == (host, True, 2)
    ecs, override = there.client("ecs"), {"name": "WORDPRESS_DB_HOST", "value": host}
    with pytest.raises(ecs.exceptions.ClientException, match=r"secret name must be unique .* 'WORDPRESS_DB_HOST'"):
        ecs.run_task(
            cluster="shop",
            taskDefinition="tenant-a",
            launchType="FARGATE",
            networkConfiguration=there.network,
            overrides={"containerOverrides": [{"name": "web", "command": ["true"], "environment": [override]}]},
        )


@pytest.mark.proof
def test_it_is_provisioned_runs_and_stops_in_time(aws: Clients, clock: Clock) -> None:
    there, host = _stage(aws), _database(aws)
    STATE.extras["transition_s"] = 0.5
    (task,) = _run(there, host)["tasks"]
    seen = [task["lastStatus"]]
    for _ in range(100):
        clock.shift(0.02)
        status = _now(there, task)["lastStatus"]
        seen += [status] if status != seen[-1] else []
    assert seen == ["PROVISIONING", "PENDING", "RUNNING", "STOPPED"]


@pytest.mark.proof
@pytest.mark.parametrize("what", ["nobody's host", "another region's", "without the schema", "not available"])
def test_where_tenant_data_cannot_be_found_it_exits_1_with_the_reason(aws: Clients, what: str) -> None:
    there = _stage(aws)
    host = "nobody.example"
    if what != "nobody's host":
        host = _database(aws, PRIMARY if what == "another region's" else DR, holds=what != "without the schema")
    if what == "not available":
        rds_backends[ACCOUNT][DR].databases["copy"].status = "stopped"
    (task,) = _run(there, host)["tasks"]
    ended, line = _now(there, task), _line(there, task)
    assert (ended["lastStatus"], ended["containers"][0]["exitCode"]) == ("STOPPED", 1)
    if what == "without the schema":
        assert json.loads(line)["tables"] == 0
    else:
        assert line.startswith("mysqli_sql_exception: ")


def test_a_task_whose_log_group_or_secret_is_absent_never_starts(aws: Clients) -> None:
    there, host = _stage(aws, group=False), _database(aws)
    (task,) = _run(there, host)["tasks"]
    ended = _now(there, task)
    assert (ended["stopCode"], ended["containers"][0].get("exitCode")) == ("TaskFailedToStart", None)
    assert "log group does not exist" in ended["stoppedReason"]
    aws("logs", DR).create_log_group(logGroupName=GROUP)
    secret = f"arn:aws:secretsmanager:{DR}:{ACCOUNT}:secret:shop-AbCdEf:password::"
    logged = {"logConfiguration": {"logDriver": "awslogs", "options": LOGS}}
    there.register("nginx:1.27", secrets=[{"name": "WORDPRESS_DB_PASSWORD", "valueFrom": secret}], **logged)
    (task,) = _run(there, host)["tasks"]
    assert "unable to pull secrets" in _now(there, task)["stoppedReason"]


def test_one_token_runs_one_task_and_a_stop_kills_a_running_one(aws: Clients) -> None:
    there, host = _stage(aws), _database(aws)
    assert (
        _run(there, host, clientToken="one")["tasks"][0]["taskArn"]
        == (_run(there, host, clientToken="one")["tasks"][0]["taskArn"])
    )
    (task,) = there.client("ecs").run_task(
        cluster="shop",
        taskDefinition="tenant-a",
        launchType="FARGATE",
        networkConfiguration=there.network,
        overrides={"containerOverrides": [{"name": "web", "command": ["sleep", "infinity"]}]},
    )["tasks"]
    assert _now(there, task)["lastStatus"] == "RUNNING"
    there.client("ecs").stop_task(cluster="shop", task=task["taskArn"], reason="clean-up")
    ended = _now(there, task)
    assert (ended["lastStatus"], ended["containers"][0]["exitCode"], ended["stoppedReason"]) == (
        "STOPPED",
        137,
        "clean-up",
    )


@pytest.mark.parametrize("option", ["-c", "-ec"])
def test_a_shell_as_entry_point_keeps_the_words_from_the_tool(aws: Clients, option: str) -> None:
    there = _stage(aws)
    there.register("nginx:1.27", entryPoint=["sh", option, "dr"])
    (task,) = there.client("ecs").run_task(
        cluster="shop",
        taskDefinition="tenant-a",
        launchType="FARGATE",
        networkConfiguration=there.network,
        overrides={"containerOverrides": [{"name": "web", "command": ["-e", "sit", "failover"]}]},
    )["tasks"]
    ended = _now(there, task)
    assert (ended["lastStatus"], ended["containers"][0]["exitCode"]) == ("STOPPED", 127)
