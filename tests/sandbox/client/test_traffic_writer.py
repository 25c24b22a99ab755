"""A writer follows DNS and remembers what was acknowledged; a switchover with stopped writers loses none of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites, Writer, duplicates, missing
from sandbox.core.errors import SandboxError
from tests.sandbox.conftest import client_of, standby_at_once
from tests.worlds import borrowed

PRIMARY, DR = "af-south-1", "eu-west-1"


@pytest.fixture(scope="module")
def seeded(sit: Environment, sandbox_home: Path) -> Iterator[Endpoint]:  # noqa: ARG001 - sets the folder
    with borrowed(sit, 2) as endpoint:
        yield standby_at_once(endpoint, sit)


def scale(estate: Endpoint, region: str, tasks: int) -> None:
    ecs = client_of(estate, "ecs", region)
    for service in ("sit-tenant-1-service", "sit-tenant2-service"):
        ecs.update_service(cluster="sit-cluster", service=service, desiredCount=tasks)


def bring_data_over(estate: Endpoint) -> None:
    rds, efs = client_of(estate, "rds", DR), client_of(estate, "efs", DR)
    copies = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=copies[0]["DBInstanceAutomatedBackupsArn"],
        TargetDBInstanceIdentifier="sit-mysql",
        UseLatestRestorableTime=True,
    )
    source = efs.describe_replication_configurations()["Replications"][0]["SourceFileSystemId"]
    efs.delete_replication_configuration(SourceFileSystemId=source)


def move_traffic(estate: Endpoint, sit: Environment) -> None:
    route53 = client_of(estate, "route53", sit.region(Side.GLOBAL))
    checks = route53.list_health_checks()["HealthChecks"]
    primary = min(checks, key=lambda check: PRIMARY not in check["HealthCheckConfig"]["FullyQualifiedDomainName"])
    route53.update_health_check(HealthCheckId=primary["Id"], Inverted=True)


@pytest.mark.proof
def test_the_writer_writes_for_all_tenants_where_dns_leads(estate: Endpoint, sit: Environment) -> None:
    writer = Writer(estate, sit)
    for _ in range(8):
        assert writer.write_one() is not None
    assert {"rows", "files"} == {row.kind for row in writer.written}
    assert {f"tenant{n}.{sit.traffic.tenant_domain}" for n in (1, 2)} == {row.host for row in writer.written}
    assert ({PRIMARY}, {}) == ({row.region for row in writer.written}, writer.refused)
    assert [] == missing(writer.sites, writer.written, PRIMARY)


def test_it_writes_in_the_background_until_it_is_stopped(estate: Endpoint, sit: Environment) -> None:
    with Writer(estate, sit) as writer:
        until = time.monotonic() + 60
        while len(writer.written) < 3 and time.monotonic() < until:
            time.sleep(0.05)
    written = len(writer.written)
    assert written > 2
    time.sleep(0.1)
    assert written == len(writer.written)


def test_refusals_of_a_fenced_primary_are_counted_with_their_reason(estate: Endpoint, sit: Environment) -> None:
    writer = Writer(estate, sit)
    writer.write_one()
    scale(estate, PRIMARY, 0)
    assert writer.write_one() is None
    assert 1 == len(writer.written)
    assert 1 == writer.refused.total()
    assert all("503" in reason for reason in writer.refused)


@pytest.mark.proof
def test_a_switchover_with_stopped_writers_loses_no_acknowledged_write(estate: Endpoint, sit: Environment) -> None:
    with Writer(estate, sit, name="steady") as writer:
        time.sleep(0.3)
        scale(estate, PRIMARY, 0)
        time.sleep(1.1)
        bring_data_over(estate)
        move_traffic(estate, sit)
        until = time.monotonic() + 600
        while not any(row.region == DR for row in writer.written) and time.monotonic() < until:
            time.sleep(0.1)
    assert {PRIMARY, DR} == {row.region for row in writer.written}
    assert [] == missing(writer.sites, writer.written, DR)


def test_what_had_not_reached_the_copies_is_found_missing(estate: Endpoint, sit: Environment) -> None:
    writer = Writer(estate, sit).write(0.3)
    estate.timing(log_upload_s=300, files_lag_s=600)
    bring_data_over(estate)
    assert writer.written == missing(writer.sites, writer.written, DR)


class Listing(Sites):
    """Sites of one host that list these ids."""

    def __init__(self, *ids: str) -> None:
        self._listed = list(ids)

    @property
    def hosts(self) -> list[str]:
        return ["tenant1.example"]

    def ask(self, *words: Any, **_: Any) -> tuple[int, dict[str, Any]]:
        return 200, {"rows": self._listed if "rows" in words else [], "files": []}


def test_what_is_served_twice_is_found_doubled() -> None:
    assert [] == duplicates(Listing("writer-1", "writer-2"), PRIMARY)
    assert [("tenant1.example", "rows", "writer-1")] == duplicates(Listing("writer-1", "writer-2", "writer-1"), PRIMARY)


def test_a_region_that_lists_nothing_proves_nothing(estate: Endpoint, sit: Environment) -> None:
    writer = Writer(estate, sit)
    writer.write_one()
    with pytest.raises(SandboxError, match=f"does not list its rows: 503 .*leads to no database of {DR}"):
        missing(writer.sites, writer.written, DR)


def test_dns_names_the_region_that_serves(estate: Endpoint, sit: Environment) -> None:
    sites = Sites(estate, sit)
    assert PRIMARY == sites.serving()
    move_traffic(estate, sit)
    assert DR == sites.serving()
