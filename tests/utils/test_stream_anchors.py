"""Where AWS anchors the control table, what an operator rewrites is not believed, and nobody keeps AWS from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_actions.journal.entries import Entry
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.dynamodb_values import encode_item, instant
from dr_estate.model.run_records import RunKind, RunRecord, to_item
from dr_estate.readers import control_table
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws
from tests.utils.running import Ran, at_endpoint, rules
from tests.utils.test_forged_log import INCIDENT, WORDS, Record
from tests.worlds import borrowed

BUCKET, FUNCTION = "bbws-dr-stream-sit", "sit-dr-anchors"
FORGED = (WORDS[0], "nothing happened", WORDS[2])
PEOPLE = ("reader", "operator", "approver", "driller")


def client(record: Record, person: str, service: str, side: Side = Side.DR) -> Any:
    return Aws(record.world.url, record.world.people[person], record.env, tenant="").client(service, side)


def table(env: Environment) -> str:
    return env.named(env.names.control_table)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rules(tmp_path_factory.mktemp("config"), "sit", f'[names]\nstream_bucket = "{BUCKET}"')


@pytest.fixture(scope="module")
def world(config: Path) -> Iterator[Endpoint]:
    with borrowed(load_environment(config, "sit"), 1) as found:
        yield found


@pytest.fixture
def record(
    world: Endpoint, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Record:
    """A record of three entries, of which a run put every head that it should."""
    world.ask("POST", "return", {"name": "as it began"})
    world.enforce_iam(True)
    found = Record(world, tmp_path, load_environment(config, "sit"), monkeypatch, capsys)
    found.file_holds(found.chain())
    found.mirror_holds(found.chain())
    return found


def verified(record: Record, config: Path) -> Ran:
    return record.verify(f"--config {config} --format json")


def put(record: Record, person: str, item: dict[str, Any]) -> None:
    client(record, person, "dynamodb").put_item(TableName=table(record.env), Item=encode_item(item))


def rewrite(record: Record, entries: list[Entry]) -> None:
    """What an operator's keys can do: rewrite file and mirror alike, and put heads of it into the log."""
    record.file_holds(entries)
    record.mirror_holds(entries)
    record.anchors_hold(entries)


def test_a_record_that_aws_anchored_is_believed_and_says_by_what(record: Record, config: Path) -> None:
    ran = record.verify(f"--config {config}")
    shown = " ".join(ran.out.split())
    assert (ran.code, "anchors by AWS: anchored: 3 heads, the last of entry 3" in shown) == (0, True), ran.out


def test_heads_that_an_operator_puts_into_the_log_spoil_nothing_there(record: Record, config: Path) -> None:
    record.anchors_hold(record.chain(FORGED))
    ran = verified(record, config)
    assert (ran.code, ran.report["anchors"]["compared"]) == (0, True), ran.out


def test_a_record_that_is_rewritten_everywhere_else_is_not_believed(record: Record, config: Path) -> None:
    true = record.chain()
    rewrite(record, record.chain(FORGED))
    ran = verified(record, config)
    says = ran.report["anchors"]["says"]
    assert (ran.code, ran.report["anchors"]["differs_at"]) == (3, 2), says
    assert says.startswith(f"by AWS: REWRITTEN at entry 2: AWS saw {true[1].digest[:12]} 2"), says
    assert "(as recorded)" in says


@pytest.mark.parametrize("with_file", [True, False])
@pytest.mark.parametrize("key", ["!", "zzz", f"{4:09d}"])
def test_an_item_without_a_head_after_a_whole_record_is_only_named(
    record: Record, config: Path, key: str, with_file: bool
) -> None:
    if not with_file:
        record.file.unlink()
    record.mirror_gets(key, text="put in")
    ran = verified(record, config)
    assert (ran.code, f"JOURNAL#{INCIDENT} / {key}, which no run wrote" in ran.report["mirror"]["says"]) == (0, True)


def test_an_item_in_the_place_of_an_entry_or_with_a_head_counts(record: Record, config: Path) -> None:
    record.mirror_gets(f"{4:09d}", text="put in", digest="f" * 64)
    assert verified(record, config).code == 3
    record.mirror_gets(f"{3:09d}", text="put in")
    ran = verified(record, config)
    assert (ran.code, ran.report["anchors"]["differs_at"]) == (3, 3), ran.out


def test_a_record_that_is_cut_in_file_and_mirror_is_not_believed(record: Record, config: Path) -> None:
    key = encode_item({"pk": f"JOURNAL#{INCIDENT}", "sk": f"{3:09d}"})
    client(record, "admin", "dynamodb").delete_item(TableName=table(record.env), Key=key)
    record.file_holds(record.chain()[:2])
    ran = verified(record, config)
    assert (ran.code, ran.report["anchors"]["differs_at"]) == (3, 3), ran.out
    assert ran.report["anchors"]["says"].partition(" UTC, then ")[2].startswith("it taken out 2")


def test_a_record_of_before_or_after_its_time_is_not_believed(record: Record, config: Path) -> None:
    record.world.ask("POST", "return", {"name": "as it began"})
    record.world.enforce_iam(True)
    rewrite(record, record.chain(later=timedelta(hours=-3)))
    ran = verified(record, config)
    assert (ran.code, "NOT PROVEN from entry 1 on" in ran.report["anchors"]["says"]) == (3, True), ran.out


def history(sk: str, says: str = "as it was") -> dict[str, Any]:
    return {"pk": "HISTORY", "sk": sk, "by": "olga", "values": {"says": says}}


@pytest.mark.parametrize(
    ("later", "says", "flaw"),
    [
        (timedelta(), ("as it was",), ""),
        (timedelta(), ("as it was", "otherwise"), "rewritten"),
        (timedelta(hours=-2), ("as it was",), "was written"),
    ],
)
def test_what_is_on_record_is_as_it_was_written_and_when(
    record: Record, config: Path, later: timedelta, says: tuple[str, ...], flaw: str
) -> None:
    sk = f"{instant(datetime.now(UTC) + later)}#INCIDENT"
    for word in says:
        put(record, "operator", history(sk, word))
    ran = verified(record, config)
    altered = ran.report["anchors"]["altered"]
    assert (ran.code, len(altered)) == ((3, 1) if flaw else (0, 0)), ran.out
    assert all(flaw in row and row.startswith(f"HISTORY / {sk}") for row in altered)


@pytest.mark.parametrize("closed", ["", "2026-01-01T00:00:00.000000+00:00"])
def test_an_override_that_no_command_gave_or_closed_shows(record: Record, config: Path, closed: str) -> None:
    put(record, "operator", {"pk": "STANDING", "sk": "OVERRIDE#gate.rpo", "closed_at": closed})
    ran = verified(record, config)
    (altered,) = ran.report["anchors"]["altered"]
    assert (ran.code, altered.startswith("STANDING / OVERRIDE#gate.rpo was changed ")) == (3, True), ran.out


def runs_on_record(record: Record) -> tuple[set[str], str]:
    """Those that the schedule counts, and what was left out, as the reader sees it."""
    keys = record.world.people["reader"]
    reader = Credentials(record.world.url, keys.access_key_id, keys.secret_access_key)
    seen = observe(record.env, reader, "sandbox", only=frozenset({control_table.runs.name}))
    past = seen.get(control_table.runs, Side.DR)
    return {run.run for run in past.runs}, " ".join(run.says for run in past.refused)


@pytest.mark.parametrize(("days_ago", "changed", "counts"), [(0, False, True), (5, False, False), (0, True, False)])
def test_an_invented_or_changed_test_counts_for_no_schedule(
    record: Record, days_ago: int, changed: bool, counts: bool
) -> None:
    before, _ = runs_on_record(record)
    at = datetime.now(UTC) - timedelta(days=days_ago)
    run = RunRecord(RunKind.RESTORE_TEST, at, "invented", "dora", "live", "done", complete=True)
    put(record, "driller", to_item(run))
    if changed:
        put(record, "driller", to_item(replace(run, verdict="done again")))
    after, left_out = runs_on_record(record)
    assert ("invented" in after, "HISTORY#restore-test" in left_out) == (counts, not counts), left_out
    assert before <= after


@pytest.mark.parametrize(("minutes_ago", "counts"), [(0, True), (16, False)])
def test_a_test_put_without_aws_anchors_counts_for_a_quarter_of_an_hour(
    record: Record, minutes_ago: int, counts: bool
) -> None:
    """The administrator disabled the mapping. The anchor of what was put just now may be on its way."""
    service, operation, params = attacks(record.world, record.env)["disable the mapping"]
    getattr(client(record, "admin", service), operation)(**params)
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    put(
        record, "driller", to_item(RunRecord(RunKind.RESTORE_TEST, at, "unseen", "dora", "live", "done", complete=True))
    )
    believed, left_out = runs_on_record(record)
    assert ("unseen" in believed, "HISTORY#restore-test" in left_out) == (counts, not counts), left_out


@pytest.mark.proof
def test_a_test_that_aws_did_not_see_written_is_unknown_to_the_schedule(record: Record, config: Path) -> None:
    """Those of the estate were put before the stream was read."""
    believed, left_out = runs_on_record(record)
    assert (believed, "has no anchor of AWS's" in left_out) == (set(), True), left_out
    seen = at_endpoint(record.world, record.home, f"-e sit --config {config} status --format json", "reader")
    results = {row["check"]: row["findings"] for row in seen.report["results"]}
    unproven = [row["status"] for row in results["drills.on-schedule"] if "has no anchor of AWS's" in row["because"]]
    assert (seen.code, set(unproven)) == (3, {"unknown"})


def test_without_anchors_the_schedule_says_that_its_records_are_not_proven(record: Record) -> None:
    ran = at_endpoint(record.world, record.home, "-e sit schedule", "reader")
    assert "These records are not proven" in ran.out


@pytest.mark.proof
def test_an_entry_that_aws_saw_differently_makes_the_record_unknown(record: Record, config: Path) -> None:
    times = {"since": instant(record.began), "unprotected_since": "", "closed_at": ""}
    standing = {"pk": "STANDING", "sk": "INCIDENT", "incident": INCIDENT, "goal": "switchover", "phase": "open"}
    put(record, "operator", {**standing, **times})

    def finding() -> dict[str, Any]:
        seen = at_endpoint(record.world, record.home, f"-e sit --config {config} status --format json", "reader")
        rows = next(row["findings"] for row in seen.report["results"] if row["check"] == "run-begin.possible")
        return next(dict(row) for row in rows if row["subject"] == "the record of the open incident")

    assert finding()["status"] == "pass"
    record.mirror_holds(record.chain(FORGED))
    assert (finding()["status"], "entry 2 was rewritten" in finding()["because"]) == ("unknown", True)


def test_an_estate_without_it_says_what_its_heads_do_not_show(record: Record) -> None:
    record.anchors_hold(record.chain())
    ran = record.verify()
    shown = " ".join(ran.out.split())
    assert (ran.code, "The keys of runs put these heads: they show no rewritten approval" in shown) == (0, True)


def attacks(world: Endpoint, env: Environment) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """What would take anchors away, let false ones in, or keep AWS from writing any."""
    bucket, function = env.named(env.names.stream_bucket), env.named(env.names.stream_function)
    admin = Aws(world.url, world.people["admin"], env, tenant="")
    mappings = admin.client("lambda", Side.DR).list_event_source_mappings()["EventSourceMappings"]
    stored = admin.client("s3", Side.DR).list_object_versions(Bucket=bucket)["Versions"][0]
    mapping = mappings[0]["UUID"]
    version = {"Bucket": bucket, "Key": stored["Key"], "VersionId": stored["VersionId"]}
    event = json.dumps({"Records": []}).encode()
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    role = {"RoleName": function}
    arn = f"arn:aws:iam::{env.account}:role/{function}"
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    return {
        "delete an anchor": ("s3", "delete_object", version),
        "hide an anchor": ("s3", "delete_object", {"Bucket": bucket, "Key": stored["Key"]}),
        "overwrite an anchor": ("s3", "put_object", {"Bucket": bucket, "Key": stored["Key"], "Body": b"false"}),
        "put a false one": ("s3", "put_object", {"Bucket": bucket, "Key": f"stream/{env.name}/false", "Body": b""}),
        "ease the lock": ("s3", "put_object_lock_configuration", {"Bucket": bucket, "ObjectLockConfiguration": lock}),
        "open the bucket": ("s3", "put_bucket_policy", {"Bucket": bucket, "Policy": document}),
        "open it otherwise": ("s3", "delete_bucket_policy", {"Bucket": bucket}),
        "change the function": ("lambda", "update_function_code", {"FunctionName": function, "ZipFile": b"PK"}),
        "lead it elsewhere": ("lambda", "update_function_configuration", {"FunctionName": function, "Timeout": 1}),
        "delete the function": ("lambda", "delete_function", {"FunctionName": function}),
        "let it run for nobody": (
            *("lambda", "put_function_concurrency"),
            {"FunctionName": function, "ReservedConcurrentExecutions": 0},
        ),
        "start it by hand": ("lambda", "invoke", {"FunctionName": function, "Payload": event}),
        "disable the mapping": ("lambda", "update_event_source_mapping", {"UUID": mapping, "Enabled": False}),
        "delete the mapping": ("lambda", "delete_event_source_mapping", {"UUID": mapping}),
        "turn the stream off": (
            "dynamodb",
            "update_table",
            {"TableName": table(env), "StreamSpecification": {"StreamEnabled": False}},
        ),
        "delete the table": ("dynamodb", "delete_table", {"TableName": table(env)}),
        "take the role": ("sts", "assume_role", {"RoleArn": arn, "RoleSessionName": "olga"}),
        "trust the role to people": ("iam", "update_assume_role_policy", {**role, "PolicyDocument": document}),
        "keep the role from writing": (
            "iam",
            "put_role_policy",
            {**role, "PolicyName": "x", "PolicyDocument": document},
        ),
        "take its rights away": ("iam", "delete_role_policy", {**role, "PolicyName": "anchor"}),
    }


@pytest.mark.proof
def test_nobody_but_an_administrator_keeps_aws_from_anchoring(record: Record, config: Path) -> None:
    """In SIT the operator holds a recovery's policies; a break-glass session holds the same."""
    refused = []
    tried = attacks(record.world, record.env)
    for name, (service, operation, params) in tried.items():
        for person in PEOPLE:
            with pytest.raises(ClientError) as answer:
                getattr(client(record, person, service), operation)(**params)
            if "AccessDenied" in answer.value.response["Error"]["Code"]:
                refused.append((name, person))
    assert refused == [(name, person) for name in tried for person in PEOPLE]
    assert verified(record, config).code == 0


@pytest.mark.proof
def test_status_names_what_keeps_aws_from_anchoring(record: Record, config: Path) -> None:
    def findings() -> list[tuple[str, str, list[str]]]:
        seen = at_endpoint(record.world, record.home, f"-e sit --config {config} status --format json", "reader")
        rows = next(row["findings"] for row in seen.report["results"] if row["check"] == "evidence.anchored")
        return [(row["subject"], row["status"], row["commands"]) for row in rows[1:]]

    subjects = (table(record.env), FUNCTION, BUCKET)
    assert [row[:2] for row in findings()] == [(subject, "pass") for subject in subjects]
    tried = attacks(record.world, record.env)
    service, operation, params = tried["disable the mapping"]
    getattr(client(record, "admin", service), operation)(**params)
    ((failed, commands),) = [(subject, commands) for subject, status, commands in findings() if status == "fail"]
    assert (failed, commands[0].startswith("aws lambda update-event-source-mapping")) == (FUNCTION, True)
    service, operation, params = tried["turn the stream off"]
    getattr(client(record, "admin", service), operation)(**params)
    assert [row[:2] for row in findings()] == [(table(record.env), "fail"), (BUCKET, "pass")]


@pytest.mark.proof
def test_status_names_a_mapping_that_lets_no_change_through(record: Record, config: Path) -> None:
    """Lambda says Enabled of it."""
    mappings = client(record, "admin", "lambda")
    (mapping,) = mappings.list_event_source_mappings()["EventSourceMappings"]
    nothing = {"Filters": [{"Pattern": json.dumps({"eventName": ["NONE"]})}]}
    mappings.update_event_source_mapping(UUID=mapping["UUID"], FilterCriteria=nothing)
    seen = at_endpoint(record.world, record.home, f"-e sit --config {config} status --format json", "reader")
    rows = next(row["findings"] for row in seen.report["results"] if row["check"] == "evidence.anchored")
    (found,) = [row for row in rows if row["subject"] == FUNCTION]
    assert (found["status"], "--filter-criteria" in " ".join(found["commands"])) == ("fail", True), found


@pytest.mark.proof
def test_an_administrator_takes_no_anchor_away_either(record: Record, config: Path) -> None:
    """The bucket's policy names the function's role alone, and the lock keeps each version, root's too."""
    tried = attacks(record.world, record.env)
    for name in ("delete an anchor", "hide an anchor", "overwrite an anchor", "put a false one", "take the role"):
        service, operation, params = tried[name]
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(client(record, "admin", service), operation)(**params)
    assert verified(record, config).code == 0
