"""What holds after a failover alone: all of it does after a switchover of SIT, and each change turns the right check.

The disasters of the sandbox break a healthy estate, so these checks have none; here a failed-over one is changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from dr_checks.core.model import Area, Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side, load_environment
from dr_estate.snapshot.snapshot import Snapshot, read_evidence
from tests.proofs.changes import Aws
from tests.proofs.watching import Results, Watch, not_passed
from tests.utils.running import Ran, at_endpoint, rules
from tests.worlds import borrowed


def _scaled(aws: Aws, side: Side, count: int) -> int:
    """Give the tenant's service that many tasks; returns how many it was to have."""
    ecs, cluster = aws.client("ecs", side), aws.named(aws.env.names.cluster)
    service = aws.named(aws.env.names.service)
    was = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["desiredCount"]
    ecs.update_service(cluster=cluster, service=service, desiredCount=count)
    return int(was)


@contextmanager
def one_task_left(aws: Aws) -> Iterator[None]:
    """A tenant's service runs one task in the DR region, and as many as before."""
    was = _scaled(aws, Side.DR, 1)
    yield
    _scaled(aws, Side.DR, was)


@contextmanager
def no_task_left(aws: Aws) -> Iterator[None]:
    """A tenant's service runs no task in the DR region, and as many as before."""
    was = _scaled(aws, Side.DR, 0)
    yield
    _scaled(aws, Side.DR, was)


@contextmanager
def old_primary_started(aws: Aws) -> Iterator[None]:
    """A tenant's service is started again in the old primary region, and stopped."""
    was = _scaled(aws, Side.PRIMARY, 1)
    yield
    _scaled(aws, Side.PRIMARY, was)


@contextmanager
def definition_of_the_primary(aws: Aws) -> Iterator[None]:
    """A tenant runs a revision that names a host of the primary region, and the one before."""
    ecs, cluster = aws.client("ecs", Side.DR), aws.named(aws.env.names.cluster)
    service = aws.named(aws.env.names.service)
    was = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["taskDefinition"]
    found = ecs.describe_task_definition(taskDefinition=was)["taskDefinition"]
    copied_keys = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "cpu", "memory")
    host = {"name": "CACHE_HOST", "value": f"cache.{aws.env.regions.primary}.example"}
    containers: list[dict[str, Any]] = found["containerDefinitions"]
    changed = [{**container, "environment": [*container["environment"], host]} for container in containers]
    task_definition_arn = ecs.register_task_definition(
        containerDefinitions=changed,
        requiresCompatibilities=["FARGATE"],
        **{key: found[key] for key in copied_keys if key in found},
    )["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=service, taskDefinition=task_definition_arn)
    yield
    ecs.update_service(cluster=cluster, service=service, taskDefinition=was)


@contextmanager
def record_turned_back(aws: Aws) -> Iterator[None]:
    """The traffic name leads to the primary region whatever its health, and to the DR region again."""
    route53, traffic = aws.client("route53", Side.GLOBAL), aws.env.traffic
    listed = route53.list_hosted_zones_by_name(DNSName=traffic.zone)["HostedZones"]
    zone = next(hosted_zone["Id"] for hosted_zone in listed if hosted_zone["Name"] == f"{traffic.zone}.")
    response = route53.list_resource_record_sets(HostedZoneId=zone, StartRecordName=traffic.origin_record)
    pair = [rrset for rrset in response["ResourceRecordSets"] if rrset["Name"] == f"{traffic.origin_record}."]
    back = [
        _back(rrset) if rrset["SetIdentifier"] == traffic.primary_set_identifier else {**rrset, "Weight": 0}
        for rrset in pair
    ]

    def upsert(records: list[dict[str, Any]]) -> None:
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record} for record in records]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    upsert(back)
    yield
    upsert(pair)


def _back(record: dict[str, Any]) -> dict[str, Any]:
    unchecked = {key: value for key, value in record.items() if key != "HealthCheckId"}
    return {**unchecked, "Weight": 100, "AliasTarget": {**record["AliasTarget"], "EvaluateTargetHealth": False}}


@contextmanager
def subscriptions_removed(aws: Aws) -> Iterator[None]:
    """Nobody listens to a topic of the DR region any more, and everybody again."""
    sns, name = aws.client("sns", Side.DR), aws.named(aws.env.names.topics[0])
    arn = f"arn:aws:sns:{aws.env.regions.dr}:{aws.env.account}:{name}"
    listeners = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    for listener in listeners:
        sns.unsubscribe(SubscriptionArn=listener["SubscriptionArn"])
    yield
    for listener in listeners:
        sns.subscribe(TopicArn=arn, Protocol=listener["Protocol"], Endpoint=listener["Endpoint"])


@contextmanager
def database_stopped(aws: Aws) -> Iterator[None]:
    """The database of the DR region is stopped, and started."""
    rds, name = aws.client("rds", Side.DR), aws.named(aws.env.names.database)
    rds.stop_db_instance(DBInstanceIdentifier=name)
    yield
    rds.start_db_instance(DBInstanceIdentifier=name)


@contextmanager
def database_unprotected(aws: Aws) -> Iterator[None]:
    """The database of the DR region may be deleted, and may not."""
    rds, name = aws.client("rds", Side.DR), aws.named(aws.env.names.database)
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
    yield
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=True, ApplyImmediately=True)


@contextmanager
def replicated_into_again(aws: Aws) -> Iterator[None]:
    """The old primary's files are replicated into the DR file system again, and no longer."""
    here, there = aws.client("efs", Side.PRIMARY), aws.client("efs", Side.DR)
    name = aws.named(aws.env.names.file_system)
    systems = {efs: efs.describe_file_systems()["FileSystems"] for efs in (here, there)}
    source, copy = (
        next(file_system for file_system in systems[efs] if file_system["Name"] == name) for efs in (here, there)
    )
    there.update_file_system_protection(FileSystemId=copy["FileSystemId"], ReplicationOverwriteProtection="DISABLED")
    into = {"Region": aws.env.regions.dr, "FileSystemId": copy["FileSystemId"], "KmsKeyId": copy["KmsKeyId"]}
    here.create_replication_configuration(SourceFileSystemId=source["FileSystemId"], Destinations=[into])
    yield
    here.delete_replication_configuration(SourceFileSystemId=source["FileSystemId"])


@contextmanager
def table_deleted(aws: Aws) -> Iterator[None]:
    """The DR region's replica of a table is deleted, and made again."""
    tables, region = aws.client("dynamodb", Side.PRIMARY), aws.env.regions.dr
    name = aws.named(aws.env.names.tables[0])
    aws.client("dynamodb", Side.DR).update_table(TableName=name, DeletionProtectionEnabled=False)
    tables.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": region}}])
    yield
    tables.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": region}}])


@contextmanager
def replica_elsewhere(aws: Aws) -> Iterator[None]:
    """The DR region's database gets a replica in the primary region, which is then deleted."""
    rds, there = aws.client("rds", Side.PRIMARY), aws.client("rds", Side.DR)
    name = aws.named(aws.env.names.database)
    source = there.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceArn"]
    key = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["KmsKeyId"]
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier=f"{name}-back",
        SourceDBInstanceIdentifier=source,
        SourceRegion=aws.env.regions.dr,
        KmsKeyId=key,
    )
    yield
    rds.delete_db_instance(DBInstanceIdentifier=f"{name}-back", SkipFinalSnapshot=True)


Made = Callable[[Aws], Any]


pytestmark = pytest.mark.proof

QUICK = "[execution]\npoll_s = 0.2"
PATIENCE_S = 600
UNPROTECTED = {"validation-data.protected-again": Status.WARN}
"""Nothing copies the DR region's data anywhere until failback."""
OURS = {name: check for name, check in checks().items() if check.area is Area.VALIDATION}


@dataclass(frozen=True)
class FailedOver:
    """A small SIT after its switchover: how the command ended, and the world as its validation saw it."""

    ran: Ran
    watch: Watch

    @property
    def aws(self) -> Aws:
        """Plain boto3 for its last tenant."""
        world = self.watch.world
        return Aws(world.url, world.people["admin"], self.watch.environment, world.state()["tenants"][-1])

    def judged(self, *touched: str) -> Results:
        """The validation checks, after a change to these services."""
        return _judged(self.watch, self.watch.again(touched))


def _judged(watched: Watch, snapshot: Snapshot) -> Results:
    return {name: judge(check, snapshot, watched.environment) for name, check in OURS.items()}


@pytest.fixture(scope="module")
def failed_over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailedOver]:
    home = tmp_path_factory.mktemp("switchover")
    folder = rules(home, "sit", QUICK)
    env = load_environment(folder, "sit")
    with borrowed(env, tenants=2) as world:
        world.timing(transition_s=0.0, log_upload_s=0.0, files_lag_s=0.0, replica_lag_s=0.0)
        words = (
            f"-e sit --config {folder} --format json failover --planned --execute --confirm files/restore_dr:sit-efs"
        )
        ran = at_endpoint(world, home, words, "operator")
        (path,) = (home / "out").glob("sit-failover-*/evidence.json")
        yield FailedOver(ran, Watch(world, env, read_evidence(path)))


def test_after_a_switchover_every_validation_scenario_passes_or_warns(failed_over: FailedOver) -> None:
    ran = failed_over.ran
    assert ran.code == 0, ran.err
    assert set(ran.statuses()) == set(OURS)
    assert {name: status for name, status in ran.statuses().items() if status != "pass"} == UNPROTECTED
    assert (ran.report["posture"], ran.report["run"]["outcome"]) == ("ON_DR", "done")
    assert not_passed(_judged(failed_over.watch, failed_over.watch.healthy)) == UNPROTECTED


FAIL = Status.FAIL
CASES: list[tuple[Made, tuple[str, ...], dict[str, Status]]] = [
    (one_task_left, ("ecs",), {"validation.services-run": FAIL}),
    (no_task_left, ("ecs",), {"validation.services-run": FAIL, "validation.tenants-served": FAIL}),
    (old_primary_started, ("ecs",), {"validation.primary-fenced": FAIL}),
    (definition_of_the_primary, ("ecs",), {"validation.independent": FAIL}),
    (
        record_turned_back,
        ("route53", "answers"),
        {"validation.answers-lead-here": FAIL, "dns-choice.stays-away": FAIL},
    ),
    (subscriptions_removed, ("sns",), {"validation.topics-heard": FAIL}),
    (
        database_stopped,
        ("rds",),
        {"validation-data.database-writable": FAIL, "validation.tenants-served": FAIL},  # a page without it is 500
    ),
    (database_unprotected, ("rds",), {"validation-data.database-protected": FAIL}),
    (replicated_into_again, ("efs",), {"validation-data.files-writable": FAIL}),
    (table_deleted, ("dynamodb",), {"validation-data.tables-writable": FAIL}),
    (replica_elsewhere, ("rds",), {"validation-data.protected-again": Status.PASS}),
]


@pytest.mark.parametrize(
    ("change", "touched", "turned"), CASES, ids=[change.__name__.replace("_", "-") for change, *_ in CASES]
)
def test_a_change_turns_exactly_the_right_validation_checks_and_back(
    change: Made, touched: tuple[str, ...], turned: dict[str, Status], failed_over: FailedOver
) -> None:
    wanted = {name: status for name, status in {**UNPROTECTED, **turned}.items() if status is not Status.PASS}
    with change(failed_over.aws):
        assert _settled(failed_over, touched, wanted) == wanted
    assert _settled(failed_over, touched, UNPROTECTED) == UNPROTECTED


def _settled(failed_over: FailedOver, touched: tuple[str, ...], wanted: dict[str, Any]) -> dict[str, Status]:
    """What did not pass, once it is as wanted; a change takes a moment, as on AWS."""
    until = time.monotonic() + PATIENCE_S
    while (statuses := not_passed(failed_over.judged(*touched))) != wanted and time.monotonic() < until:
        time.sleep(0.2)
    return statuses


def test_every_validation_check_is_turned_by_a_change() -> None:
    assert {name for _, _, turned in CASES for name in turned} == set(OURS)


def test_bare_pytest_leaves_the_validation_scenarios_out(request: pytest.FixtureRequest) -> None:
    """They hold of a failed-over estate alone, and the estate of the tests is a healthy one."""
    assert "not validation" in request.config.getini("addopts")
