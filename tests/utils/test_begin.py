"""What keeps a run from beginning is found by status and by an assessment, as a run would be refused for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dr_actions.control_table.control import ControlStore
from dr_actions.control_table.lock import Owner, release, take
from dr_actions.control_table.table import Put, SentTable
from dr_actions.journal.entries import EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.journal.mirror import TableMirror
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.dynamodb_values import instant
from dr_estate.model.world_id import WorldId
from dr_estate.readers.control_table import RecordedOverride
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.dr_actions.control_tables import Clock, Plain
from tests.proofs.changes import Aws
from tests.utils.running import Ran, at_endpoint, direct_rules, dr_cli
from tests.worlds import borrowed

BEGINS = "run-begin.possible"
OWNER = Owner("Alice", "arn:aws:iam::1:user/alice")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("begin")


@pytest.fixture(scope="module")
def rules(home: Path) -> Path:
    return direct_rules(home, "sit", "[execution]\nlease_s = 600\ncool_down_minutes = 30")


@pytest.fixture(scope="module")
def sit(rules: Path) -> Environment:
    return load_environment(rules, "sit")


@pytest.fixture(scope="module")
def world(sit: Environment) -> Iterator[Endpoint]:
    with borrowed(sit, tenants=1) as started:
        started.keep("ready")
        yield started


@pytest.fixture
def ready(world: Endpoint) -> Endpoint:
    world.return_to("ready")
    return world


@pytest.fixture
def control(ready: Endpoint, sit: Environment) -> ControlStore:
    table = SentTable(Plain(ready), sit.named(sit.names.control_table), sit.regions.dr)
    return ControlStore(table, WorldClock())


def _dr(world: Endpoint, home: Path, rules: Path, words: str, person: str = "operator") -> Ran:
    return at_endpoint(world, home, f"-e sit --config {rules} {words}", person)


def _findings(ran: Ran) -> dict[str, dict[str, Any]]:
    return {found["subject"]: found for found in _all(ran, BEGINS)}


def _all(ran: Ran, check: str) -> list[dict[str, Any]]:
    return [found for row in ran.report["results"] if row["check"] == check for found in row["findings"]]


def _gates(ran: Ran) -> dict[str, bool]:
    return {gate["id"]: gate["met"] for gate in ran.report["gates"]}


@pytest.mark.proof
def test_a_table_without_its_index_is_not_ready_and_no_run_begins(ready: Endpoint, home: Path, rules: Path) -> None:
    ready.inject("control-table-unindexed")
    seen = _dr(ready, home, rules, "status --format json", "reader")
    assert (seen.code, seen.report["recommendation"]) == (1, "NOT_READY")
    assert _findings(seen)["sit-dr-control"]["status"] == "fail"
    weighed = _dr(ready, home, rules, "failover --planned --format json")
    assert (weighed.code, _gates(weighed)[f"check.{BEGINS}"]) == (1, False)
    run = _dr(ready, home, rules, "failover --planned --execute --incident INC-1")
    assert run.code == 4, run.err
    assert f"check.{BEGINS}: sit-dr-control: its index by-sk is absent" in run.err
    assert "There is no control table" not in run.err
    trial = _dr(ready, home, rules, "test --restore", "driller")
    assert (trial.code, f"check.{BEGINS}: sit-dr-control" in trial.err) == (4, True), trial.err


@pytest.mark.proof
def test_what_status_may_not_ask_of_the_table_is_unknown(ready: Endpoint, home: Path, rules: Path) -> None:
    outage = Outage("eu-west-1", "deny", "dynamodb", "Query")
    ready.begin(outage)
    seen = _dr(ready, home, rules, "status --format json", "reader")
    ready.end(outage)
    assert (seen.code, seen.statuses()[BEGINS]) == (3, "unknown")


@pytest.mark.proof
def test_a_pause_is_a_finding_and_not_ready(ready: Endpoint, control: ControlStore, home: Path, rules: Path) -> None:
    control.pause("Bob", "wait for the vendor")
    seen = _dr(ready, home, rules, "status --format json", "reader")
    assert (seen.code, seen.report["recommendation"]) == (1, "NOT_READY")
    assert "wait for the vendor" in _findings(seen)["the stop switch"]["measured"]


@pytest.mark.proof
def test_an_assessment_shows_the_lock_of_a_run_at_work(
    ready: Endpoint, control: ControlStore, sit: Environment, home: Path, rules: Path
) -> None:
    lock = take(control, OWNER, "run-1", "INC-1", sit.execution)
    weighed = _dr(ready, home, rules, "failover --planned --format json")
    assert (weighed.code, _gates(weighed)["lock.held"]) == (1, False)
    release(control, lock, "done")
    other = _dr(ready, home, rules, "failover --planned --incident INC-2 --format json")
    assert (other.code, _gates(other)["lock.cool-down"]) == (1, False)
    same = _dr(ready, home, rules, "failover --planned --incident INC-1 --format json")
    assert (same.code, {gate for gate in _gates(same) if gate.startswith("lock.")}) == (0, set())


@pytest.mark.proof
def test_each_refusal_of_the_cool_down_ends_with_a_command_and_a_time(
    ready: Endpoint, control: ControlStore, sit: Environment, home: Path, rules: Path
) -> None:
    lock = take(control, OWNER, "run-1", "INC-1", sit.execution)
    release(control, lock, "done")
    begins = f"Can begin at {control.now() + timedelta(minutes=30):%Y-%m-%d}"
    run = "failover --planned --execute --incident INC-2"
    refused = _dr(ready, home, rules, run)
    assert (refused.code, "lock.cool-down: " in refused.err) == (4, True), refused.err
    explained, command = refused.err.splitlines()[-2:]
    assert (begins in explained, command.split(" failover ")[1]) == (True, run.partition(" ")[2]), refused.err
    assert "Fix it" not in refused.err
    weighed = _dr(ready, home, rules, "failover --planned --incident INC-2")
    explained, command = weighed.out.splitlines()[-2:]
    assert ("it can begin at " in weighed.out, command.split(" failover ")[1]) == (
        True,
        "--planned --execute --incident INC-2",
    )
    assert "--override" not in command


@pytest.mark.proof
def test_a_lease_that_is_over_stops_no_assessment(ready: Endpoint, sit: Environment, home: Path, rules: Path) -> None:
    table = SentTable(Plain(ready), sit.named(sit.names.control_table), sit.regions.dr)
    take(ControlStore(table, Clock()), OWNER, "run-1", "INC-1", sit.execution)
    weighed = _dr(ready, home, rules, "failover --planned --incident INC-1 --format json")
    assert "lock.held" not in _gates(weighed)


@pytest.mark.proof
def test_an_assessment_shows_a_broken_record_of_the_open_incident(
    ready: Endpoint, control: ControlStore, home: Path, rules: Path
) -> None:
    control.open_incident("INC-7", "switchover", control.now(), "Alice")
    entry = {"digest": "x", "text": "{}", "packed": False, "pieces": 1}
    control.table.put(Put({"pk": "JOURNAL#INC-7", "sk": "000000001", **entry}))
    weighed = _dr(ready, home, rules, "failover --planned --format json")
    assert (weighed.code, _gates(weighed)["journal"]) == (1, False)
    assert any("The journal is broken at line 1" in reason for reason in weighed.report["reasons"])


@pytest.mark.proof
def test_status_sees_the_broken_record_of_the_open_incident(
    ready: Endpoint, control: ControlStore, home: Path, rules: Path
) -> None:
    control.open_incident("INC-7", "switchover", control.now(), "Alice")
    assert _status_of_record(ready, home, rules) == ("pass", "0 entries")
    entry = {"digest": "x", "text": "{}", "packed": False, "pieces": 1}
    control.table.put(Put({"pk": "JOURNAL#INC-7", "sk": "000000001", **entry}))
    status, measured = _status_of_record(ready, home, rules)
    assert (status, "The journal is broken at line 1" in measured) == ("fail", True), measured


@pytest.mark.proof
def test_status_by_a_recoverys_role_says_that_its_session_ends_too_soon(
    ready: Endpoint, sit: Environment, home: Path, rules: Path
) -> None:
    sts = Aws(ready.url, ready.people["admin"], sit, tenant="").client("sts", Side.DR)
    role = f"arn:aws:iam::{sit.account}:role/{sit.acting_role}"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="olga")["Credentials"]
    session = {
        "AWS_ENDPOINT_URL": ready.url,
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "AWS_CREDENTIAL_EXPIRATION": (datetime.now(UTC) + timedelta(minutes=16)).isoformat(),
    }
    seen = dr_cli(f"-e sit --config {rules} status --format json", home, **session)
    (found,) = [row for row in _all(seen, "prerequisites.credentials-work") if row["subject"] == "this session"]
    assert (found["status"], "ends in 15 min" in found["measured"]) == ("warn", True)
    assert "(the plan)" in found["wanted"]
    outlives = {"AWS_CREDENTIAL_EXPIRATION": (datetime.now(UTC) + timedelta(hours=2)).isoformat()}
    seen = dr_cli(f"-e sit --config {rules} status --format json", home, **(session | outlives))
    assert {row["status"] for row in _all(seen, "prerequisites.credentials-work")} == {"pass"}, (
        "shorter than the objective"
    )
    short = _dr(ready, home, rules, "status --format json", "reader")
    assert {row["status"] for row in _all(short, "prerequisites.credentials-work")} == {"pass"}


def _status_of_record(world: Endpoint, home: Path, rules: Path) -> tuple[str, str]:
    seen = _dr(world, home, rules, "status --format json", "reader")
    found = _findings(seen)["the record of the open incident"]
    return found["status"], found["measured"]


@pytest.mark.proof
def test_overrides_are_the_journals_and_no_item_invents_or_closes_one(
    ready: Endpoint, control: ControlStore, sit: Environment, home: Path, rules: Path
) -> None:
    now = control.now()
    lock = take(control, OWNER, "run-1", "INC-7", sit.execution)
    control.open_incident("INC-7", "switchover", now, "Alice", fence=lock.fence)
    world_id = WorldId.live(sit.account, ready.url)
    given = {"by": "Alice", "arn": OWNER.arn, "why": "known", "until": instant(now + timedelta(hours=1))}
    mirror = TableMirror(control, lock.fence)
    with Journal.open(home / "journals", "sit", "INC-7", "run-1", control.now, mirror, world=world_id) as journal:
        journal.append(EntryKind.RESUMED, says="Alice goes on.", digest="abc")
        journal.append(EntryKind.OVERRIDE, gate="rpo.database", **given)
    invented = RecordedOverride("fence.primary", "Mallory", "it is fine", now + timedelta(hours=1), "INC-7", "abc")
    control.override(invented)
    closed = {"pk": "STANDING", "sk": "OVERRIDE#rpo.database", "closed_at": instant(now)}
    control.table.put(Put(closed))
    seen = _dr(ready, home, rules, "status --format json", "reader")
    shown = [(row["gate"], row["by"]) for row in seen.report["standing"]["overrides"]]
    assert shown == [("rpo.database", "Alice")]


@pytest.mark.proof
@pytest.mark.parametrize(
    ("disaster", "check", "named"),
    [
        ("ecs-deployed-by-codedeploy", "supported.services", "deployed by CODE_DEPLOY"),
        ("database-in-a-cluster", "supported.database", "a member of the DB cluster sit-mysql-cluster"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    ready: Endpoint, home: Path, rules: Path, disaster: str, check: str, named: str
) -> None:
    ready.inject(disaster)
    seen = _dr(ready, home, rules, "status --format json", "reader")
    assert (seen.code, seen.report["recommendation"]) == (1, "NOT_READY")
    assert any(named in found["measured"] for found in _all(seen, check))
    weighed = _dr(ready, home, rules, "failover --planned --format json")
    assert (weighed.report["recommendation"], _gates(weighed)[f"check.{check}"]) == ("DO_NOT_FAILOVER", False)
    run = _dr(ready, home, rules, "failover --planned --execute --incident INC-1")
    assert (run.code, f"check.{check}: " in run.err, named in run.err) == (4, True, True)
    assert run.err.count("  check.") == 1, "nothing else was weighed: no plan was made"


@pytest.mark.proof
def test_a_replica_that_is_relied_on_is_named_by_the_settings(ready: Endpoint, tmp_path: Path) -> None:
    folder = direct_rules(tmp_path, "sit", "")
    file = folder / "sit.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[replication]\n", '[replication]\ndatabase = ["read-replica", "backup-copy"]\n'))
    aws = Aws(ready.url, ready.people["admin"], load_environment(folder, "sit"), tenant="")
    (source,) = aws.client("rds", Side.PRIMARY).describe_db_instances()["DBInstances"]
    (key,) = aws.client("rds", Side.DR).describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    aws.client("rds", Side.DR).create_db_instance_read_replica(
        DBInstanceIdentifier="sit-mysql-reports",
        SourceDBInstanceIdentifier=source["DBInstanceArn"],
        SourceRegion=aws.env.regions.primary,
        KmsKeyId=key["KmsKeyId"],
    )
    seen = at_endpoint(ready, tmp_path, f"-e sit --config {folder} status --format json")
    (found,) = [row for row in _all(seen, "supported.database") if row["status"] == "fail"]
    assert found["measured"] == "a read replica called sit-mysql-reports"
    named = '[names_in_dr]\ndatabase = "sit-mysql-reports"\n'
    assert 'names_in_dr.database = "sit-mysql-reports"' in found["remedy"]
    file.write_text(file.read_text(encoding="utf-8") + named, encoding="utf-8")
    again = at_endpoint(ready, tmp_path, f"-e sit --config {folder} status --format json")
    assert {row["status"] for row in _all(again, "supported.database")} == {"pass"}
