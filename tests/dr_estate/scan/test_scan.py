"""`scan` of an account that it knows nothing of: every workload, store and pair is named, and what is missing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from dr_estate.config.environment import load_environment
from dr_estate.model.estate_map import Relation
from sandbox.client import launcher
from sandbox.client.endpoint import Endpoint
from tests.dr_estate.scan.second_team import AWAY, HOME, HOST, build, schedule
from tests.utils.running import ROOT, Ran, signed_in
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse


@dataclass(frozen=True)
class Scanner:
    """The command in the second team's account."""

    capsys: pytest.CaptureFixture[str]

    def run(self, words: str) -> Ran:
        code = run_command(parse(["scan", *shlex.split(words)]))
        output = self.capsys.readouterr()
        return Ran(code, output.out, output.err)

    def map(self, words: str = "") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(f"--format json {words}").out)
        return found


@pytest.fixture(scope="module", params=[pytest.param("moto", marks=pytest.mark.proof), "an empty sandbox"])
def account(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The usual AWS variables of an account that holds the second team's platform and nothing else."""
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true"}
    if request.param == "moto":
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        url = "http://{}:{}".format(*server.get_host_and_port())
        build(url)
        schedule(url)
        yield {**keys, "AWS_ENDPOINT_URL": url}
        server.stop()
        return
    with launcher.running(load_environment(ROOT / "environments", "sit"), 0, seeded=False) as world:
        admin = world.people["admin"]
        build(world.url, admin.access_key_id, admin.secret_access_key)
        schedule(world.url, admin.access_key_id, admin.secret_access_key)
        yield {**keys, **signed_in(world, "admin")}


@pytest.fixture
def scanner(account: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scanner:
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return Scanner(capsys)


def test_regions_and_entry_are_those_that_dns_leads_to(scanner: Scanner) -> None:
    found = scanner.map()
    assert (HOME, AWAY) == (found["primary"], found["dr"])
    (entry,) = found["entries"]
    assert (HOST, ["www.example.com"]) == (entry["name"], entry["aliases"])
    assert [(HOME, True), (AWAY, False)] == [(leg["balancer"]["region"], leg["leads"]) for leg in entry["legs"]]


def test_services_of_other_names_are_paired_by_their_rules(scanner: Scanner) -> None:
    rows = {row["service"]["name"]: row for row in scanner.map()["workloads"]}
    pairs = {name: (row["counterpart"] or {}).get("thing", {}).get("name") for name, row in rows.items()}
    assert {"web-20251104": "web-77aa01", "api-20251104": "api-77aa01", "mailer-20251104": None} == pairs
    assert rows["api-20251104"]["counterpart"]["relation"] == "the same host and path rule"


def test_stores_are_found_by_variable_role_and_secret_and_foreign_ones_not(scanner: Scanner) -> None:
    found = scanner.map()
    users = {row["thing"]["name"]: len(row["used_by"]) for row in found["stores"]}
    assert {"orders-20251104": 3, "shop-media-x1": 3, "carts": 3, "shop/payments": 3, "shop/web": 3} == users
    assert found["beside"] == {"objects": 1}
    (copy,) = next(row["counterparts"] for row in found["stores"] if row["kind"] == "database")
    assert ("orders-standby", "read replica") == (copy["thing"]["name"], copy["relation"])


def test_gaps_name_what_has_no_counterpart_data_first(scanner: Scanner) -> None:
    ran = scanner.run("")
    assert ran.code == Exit.NOT_READY
    screen = " ".join(ran.out.split())
    subjects = ["ECS service mailer-20251104", "bucket shop-media-x1", "table carts", "secret shop/payments"]
    places = [screen.index(f"{subject} has no counterpart in {AWAY}") for subject in subjects]
    assert places == sorted(places)
    assert "orders-20251104 has no counterpart" not in screen


def test_a_schedule_that_starts_tasks_has_its_counterpart_or_is_a_gap(scanner: Scanner) -> None:
    rows = {row["thing"]["name"]: row["counterpart"] for row in scanner.map()["schedules"]}
    assert {"reindex-20251104", "bill", "old-bill", "sweep"} == set(rows)
    assert "reindex-77aa01" == rows["reindex-20251104"]["thing"]["name"]
    screen = " ".join(scanner.run("").out.split())
    for gap in ("Scheduler schedule bill", "EventBridge rule sweep"):
        assert f"{gap} has no counterpart in {AWAY}: " in screen
    assert "old-bill has no" not in screen, "it starts nothing in the primary region either"
    assert f"Schedules of {HOME} that start tasks: 4, with a counterpart in {AWAY}: 1" in screen


def test_schedules_that_were_not_read_are_no_gap(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SCHEDULER", "http://127.0.0.1:9")
    found = scanner.map()
    assert "scheduler" in {row["service"] for row in found["unread"]}
    assert not [row for row in found["gaps"] if "sweep" in row["what"] or "bill" in row["what"]]


@pytest.mark.parametrize(("start", "workloads"), [("www.example.com", 3), ("shop-20251104", 3)])
def test_a_record_or_a_cluster_is_a_start(scanner: Scanner, start: str, workloads: int) -> None:
    assert workloads == len(scanner.map(start)["workloads"])


def test_an_unknown_start_names_what_there_is(scanner: Scanner) -> None:
    ran = scanner.run("shopp.example.com")
    assert ran.code == Exit.USAGE
    assert f"Nothing here is called shopp.example.com. It may begin at: shop-20251104, shop-77aa01, {HOST}." in ran.err


def test_an_empty_region_says_what_was_looked_for(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_ROUTE_53", "http://127.0.0.1:9")  # nobody answers there
    ran = scanner.run("--region sa-east-1")
    assert (ran.code, "No ECS service runs here" in ran.err) == (Exit.USAGE, True), ran.err


def test_what_could_not_be_read_is_not_a_gap(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    found = scanner.map()
    unread = {row["service"] for row in found["unread"]}
    assert {"dynamodb"} == unread - {"efs"}, "moto knows no EFS replication"
    assert not [row for row in found["gaps"] if "carts" in row["what"]]


def test_the_next_command_runs_as_it_is_printed(scanner: Scanner) -> None:
    words = scanner.run("").out.rstrip().rpartition("dr_cli.py scan")[2]
    assert "--all" in words
    assert scanner.run(words).code == Exit.NOT_READY


def test_the_map_is_saved_where_that_is_asked_for(scanner: Scanner, tmp_path: Path) -> None:
    printed = scanner.map(f"--save {tmp_path / 'map.json'}")
    assert printed == json.loads((tmp_path / "map.json").read_text(encoding="utf-8"))


@pytest.mark.proof
def test_the_shipped_platform_is_found_without_its_file(
    sandbox_world: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in signed_in(sandbox_world, "admin").items():
        monkeypatch.setenv(name, value)
    found = Scanner(capsys).map()
    assert ("af-south-1", "eu-west-1", [], []) == (found["primary"], found["dr"], found["gaps"], found["unread"])
    tenants = [row for row in found["workloads"] if row["counterpart"]["relation"] == Relation.SAME_RULE]
    assert len(tenants) == len(sandbox_world.state()["tenants"])
    kinds = {row["kind"]: {copy["relation"] for copy in row["counterparts"]} for row in found["stores"]}
    assert {Relation.BACKUP_REPLICATION, Relation.BACKUP_COPY} == kinds["database"]
    assert {Relation.FILE_REPLICATION, Relation.BACKUP_COPY} == kinds["files"]
    assert [{Relation.BUCKET_REPLICATION}, {Relation.GLOBAL_TABLE}] == [kinds["objects"], kinds["table"]]
    assert [{Relation.SECRET_REPLICA}, {Relation.REGISTRY_REPLICATION}] == [kinds["secret"], kinds["images"]]
