"""status and test, run as their users run them, against the embedded world."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dr_checks.core.registry import checks
from reports.allure.plugin import rule_link
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.utils.running import ROOT, Ran, at_endpoint, dr_cli, rules, signed_in
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

PASSWORD = "s3cret-word"
ONCE = "[observation]\nattempts = 1"
SIGNING = Counter(f"eu-west-1 {call}" for call in ("kms:GetPublicKey", "kms:Sign", "sts:GetCallerIdentity"))
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs" / "report.schema.json").read_text()))


@dataclass(frozen=True)
class Seen:
    """One look at the healthy estate that several tests share, the calls it made by operation, and its evidence.

    The endpoint was named with a password.
    """

    ran: Ran
    calls: Counter[str]
    evidence: Path


@pytest.fixture(scope="module")
def seen(sandbox_world: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    home = tmp_path_factory.mktemp("seen")
    path = home / "evidence.json"
    sandbox_world.reset_calls()
    variables = {**signed_in(sandbox_world, "reader"), "AWS_ENDPOINT_URL": _with_password(sandbox_world)}
    ran = dr_cli(f"-e sit status --format json --save-evidence {path}", home, **variables)
    return Seen(ran, Counter(sandbox_world.calls()) - SIGNING, path)


def _with_password(world: Endpoint) -> str:
    return world.url.replace("://", f"://jane:{PASSWORD}@")


@pytest.fixture(scope="module")
def denied(sandbox_world: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """A read for which one operation is denied in the DR region, and the folder of its files."""
    home, outage = tmp_path_factory.mktemp("denied"), Outage("eu-west-1", "deny", "ecs", "ListServices")
    sandbox_world.begin(outage)
    try:
        return at_endpoint(sandbox_world, home, "-e sit status --format json"), home
    finally:
        sandbox_world.end(outage)


@pytest.mark.proof
@pytest.mark.parametrize("command", ["status", "failover"])
def test_an_exception_of_everything_is_listed_on_every_answer(
    sandbox_world: Endpoint, tmp_path: Path, command: str
) -> None:
    accepted = tmp_path / "accepted.toml"
    check = "prerequisites.control-table-recoverable"
    accepted.write_text(
        f'[[exception]]\ncheck = "{check}"\nsubject = "*"\nwho = "jane"\nwhy = "x"\nuntil = 2099-12-31\n'
    )
    sandbox_world.inject("control-table-unrecoverable")
    try:
        screen, page = (
            " ".join(at_endpoint(sandbox_world, tmp_path, f"-e sit {words} --exceptions {accepted}").out.split())
            for words in (command, f"--format markdown {command}")
        )
    finally:
        sandbox_world.repair("control-table-unrecoverable")
    reason = "its subject fits whatever is found and it ends more than a year from now"
    named = f"Accepted: the exception of {check} for *, accepted by jane until 2099-12-31: x: {reason}."
    assert named in screen, screen
    assert ("Accepted: the exception of" in page, reason in page) == (True, True), page
    assert f"- jane accepted {check} for * until 2099-12-31: x" in screen or command == "status"


def test_the_healthy_estate_is_ready_with_score_100(sandbox_world: Endpoint, seen: Seen) -> None:
    ran = seen.ran
    assert (ran.code, ran.report["score"], ran.report["recommendation"]) == (0, 100, "READY"), ran.report["reasons"]
    assert ran.report["posture"] == "NORMAL"
    assert ran.report["rpo"]["compliant"] is True
    assert ran.report["world"] == f"endpoint {sandbox_world.url}"
    assert len(ran.report["tenants"]) == 3
    assert [] == list(SCHEMA.iter_errors(ran.report))


def test_a_failed_blocker_is_exit_1_whatever_else_was_denied(sandbox_world: Endpoint, tmp_path: Path) -> None:
    outage = Outage("eu-west-1", "deny", "dynamodb", "DescribeTable")
    sandbox_world.inject("database-without-copy")
    sandbox_world.begin(outage)
    try:
        ran = at_endpoint(sandbox_world, tmp_path, "-e sit status --replication --format json")
    finally:
        sandbox_world.end(outage)
        sandbox_world.repair("database-without-copy")
    statuses = ran.statuses()
    assert (statuses["rds-copy.usable"], statuses["dynamodb.table-active"]) == ("fail", "unknown")
    assert (ran.code, ran.report["recommendation"]) == (1, "NOT_READY"), ran.report["reasons"]
    assert "blocker" in ran.report["reasons"][1], "the first says how many tenants would be served"


@pytest.mark.proof
def test_one_failing_operation_names_its_service_and_no_silent_region(sandbox_world: Endpoint, tmp_path: Path) -> None:
    outage, config = (
        Outage("af-south-1", "refuse", "dynamodb", "DescribeContinuousBackups"),
        rules(tmp_path, "sit", ONCE),
    )
    sandbox_world.begin(outage)
    try:
        ran = at_endpoint(sandbox_world, tmp_path, f"-e sit --config {config} status --replication --format json")
    finally:
        sandbox_world.end(outage)
    report = ran.report
    assert (report["posture"], ran.code) == ("NORMAL", 3), report["reasons"]
    assert {("af-south-1", "dynamodb")} == {(place["region"], place["service"]) for place in report["unanswered"]}
    assert "af-south-1 is silent" not in ran.out


@pytest.mark.proof
def test_what_does_not_apply_is_named_with_its_reason_on_the_terminal(seen: Seen, tmp_path: Path) -> None:
    evidence = seen.ran.report["files"]["Evidence"]
    shown = dr_cli(f"-e sit status --from-evidence {evidence} --all", tmp_path).out.partition("Not applicable")[2]
    unapplied = [result for result in seen.ran.report["results"] if result["status"] == "not-applicable"]
    assert len(unapplied) > 5
    assert [result["check"] for result in unapplied if result["check"] not in shown] == []


def _allure(home: Path) -> list[dict[str, Any]]:
    newest = max((home / "out").iterdir()) / "allure-results"
    return [json.loads(path.read_text()) for path in newest.glob("*-result.json")]


def _labels(result: dict[str, Any], name: str) -> set[str]:
    return {label["value"] for label in result["labels"] if label["name"] == name}


@pytest.mark.proof
def test_allure_shows_each_given_and_then_with_findings_and_labels(denied: tuple[Ran, Path]) -> None:
    ran, home = denied
    results = _allure(home)
    statuses = {next(iter(_labels(r, "story"))): r["status"] for r in results}
    allure_says = {"pass": "passed", "fail": "failed", "unknown": "broken", "not-applicable": "skipped"}
    assert statuses == {check: allure_says[status] for check, status in ran.statuses().items()}
    assert "broken" in statuses.values()
    found = {result["check"]: bool(result["findings"]) for result in ran.report["results"]}
    for result in results:
        assert [step["name"].split()[0] for step in result["steps"]] == ["Given", "Then"]
        assert result["steps"][1]["status"] == result["status"]
        to_read = _labels(result, "verdict").isdisjoint({"pass", "not-applicable"})
        assert [a["name"] for a in result["steps"][1].get("attachments", ())] == ["Findings"] * to_read
        assert found[next(iter(_labels(result, "story")))] <= ("<table>" in result.get("descriptionHtml", ""))
        assert _labels(result, "epic") == {"DR readiness of sit"}
        assert _labels(result, "severity") <= {"blocker", "critical", "normal", "minor"}
        assert _labels(result, "requirement")
        assert result["description"]
        public = {rule for rule in _labels(result, "rule") if rule_link(rule)}
        assert {link["name"] for link in result.get("links", ())} == public
        assert str(ROOT) not in json.dumps(result)
        says = [part.get("statusDetails", {}).get("message", "") for part in (result, result["steps"][1])]
        assert says[0] == says[1], "a step names no class of the tool either"


@pytest.mark.proof
def test_the_sandbox_flag_attaches_to_the_world_that_is_up(tmp_path: Path) -> None:
    up = dr_cli("-e dev --tenants 2 sandbox up --format json", tmp_path)
    try:
        assert up.code == 0, up.err
        ran = dr_cli("status -e dev --sandbox --format json", tmp_path)
        assert (ran.code, ran.report["world"], len(ran.report["tenants"])) == (
            0,
            f"sandbox {json.loads(up.out)['world']}",
            2,
        ), ran.out
        skipped = [r for r in ran.report["results"] if r["status"] == "not-applicable" and not r["findings"]]
        assert skipped, "replication is not applicable in DEV"
        reasons = ("replication is not expected in dev: DEV holds no data", "AWS starts no runs of dev", "no map file")
        assert all(any(reason in r["reason"] for reason in reasons) for r in skipped)
        shown = json.loads(dr_cli("-e dev sandbox show --format json", tmp_path).out)
        assert {"reader", "operator", "approver"} <= set(shown["people"])
    finally:
        assert dr_cli("-e dev sandbox down", tmp_path).code == 0


@pytest.mark.proof
def test_workers_judge_the_same_without_looking_again(sandbox_world: Endpoint, tmp_path: Path, seen: Seen) -> None:
    sandbox_world.reset_calls()
    shared = at_endpoint(sandbox_world, tmp_path, "-e sit test --infra --dns --format json --workers 2")
    beside = Counter(sandbox_world.calls()) - seen.calls
    assert {call.split()[-1] for call in beside} == {"dynamodb:PutItem", "sts:GetCallerIdentity"}, "the test's record"
    assert seen.calls <= Counter(sandbox_world.calls())
    assert seen.ran.report["api_calls"] == seen.calls.total()
    assert seen.ran.statuses() == shared.statuses()
    assert (shared.code, shared.report["command"]) == (0, "test")


@pytest.mark.proof
def test_evidence_is_judged_again_offline(sandbox_world: Endpoint, tmp_path: Path, seen: Seen) -> None:
    path = seen.evidence
    again = dr_cli(f"-e sit status --replication --format json --from-evidence {path}", tmp_path)
    assert again.code == 0, again.err
    assert again.statuses().items() <= seen.ran.statuses().items()
    assert (again.report["api_calls"], again.report["world"]) == (0, f"endpoint {sandbox_world.url}, from evidence")
    other = dr_cli(f"-e prod status --from-evidence {path}", tmp_path)
    assert (other.code, other.out) == (2, "")
    assert "is evidence of sit" in other.err


def test_the_wrong_account_is_refused_before_anything_is_read(sandbox_world: Endpoint, tmp_path: Path) -> None:
    sandbox_world.reset_calls()
    ran = at_endpoint(sandbox_world, tmp_path, "-e sit status", "stranger")
    assert (ran.code, ran.out) == (4, "")
    assert "belong to account" in ran.err
    assert [call.split()[-1] for call in sandbox_world.calls()] == ["sts:GetCallerIdentity"]


def test_the_password_of_an_endpoint_is_written_nowhere(sandbox_world: Endpoint, tmp_path: Path, seen: Seen) -> None:
    no_host = f"http://jane:{PASSWORD}@{'x' * 300}"  # which botocore quotes in its complaint
    variables = {**signed_in(sandbox_world, "reader"), "AWS_ENDPOINT_URL": no_host}
    broken = dr_cli("-e sit status", tmp_path, **variables)
    assert (broken.code, "Invalid endpoint: http://xxx" in broken.err) == (3, True)
    files = [path for home in (tmp_path, seen.evidence.parent) for path in home.rglob("*") if path.is_file()]
    shown = seen.ran.out + seen.ran.err + broken.out + broken.err
    written = {str(path): path.read_text() for path in files} | {"shown": shown}
    assert len(written) > 8
    assert [name for name, text in written.items() if PASSWORD in text] == []


@pytest.mark.parametrize(("person", "message"), [("expired", "refused the credentials"), (None, "No AWS credentials")])
def test_credentials_that_cannot_be_used_are_a_sentence(
    sandbox_world: Endpoint, tmp_path: Path, person: str | None, message: str
) -> None:
    if person:
        ran = at_endpoint(sandbox_world, tmp_path, "-e sit status", person)
    else:
        ran = dr_cli("-e sit status", tmp_path, AWS_ENDPOINT_URL=sandbox_world.url)
    assert (ran.code, ran.out) == (3, "")
    assert message in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.proof
@pytest.mark.parametrize("side", ["primary", "dr"])
def test_a_dark_region_is_unknown_and_the_other_is_still_seen(
    sandbox_world: Endpoint, tmp_path: Path, side: str
) -> None:
    regions = {"primary": "af-south-1", "dr": "eu-west-1"}
    dark = Outage(regions[side], "refuse")
    sandbox_world.begin(dark)
    try:
        ran = at_endpoint(sandbox_world, tmp_path, "-e sit status --format json")
    finally:
        sandbox_world.end(dark)
    assert (ran.code, ran.report["recommendation"]) == (3, "CANNOT_SAY")
    assert {part["side"] for part in ran.report["unseen"]} >= {side}
    assert any(regions[side] in part["why"] for part in ran.report["unseen"])
    beside = [part["part"] for part in ran.report["unseen"] if part["side"] != side]
    assert len(beside) <= 4, "the other side is still seen, and of IAM what does not hang on the dark one's definitions"
    assert ran.report["posture"] == {"primary": "PRIMARY_LOST", "dr": "DR_UNSEEN"}[side]
    assert len(ran.report["tenants"]) == 3
    assert [] == list(SCHEMA.iter_errors(ran.report))


IMPATIENT = "[observation]\nconnect_timeout_s = 2\nread_timeout_s = 2\nattempts = 1\ndeadline_s = 20"


@pytest.mark.proof
def test_a_hanging_region_ends_within_the_deadline(sandbox_world: Endpoint, tmp_path: Path) -> None:
    hanging, config = Outage("af-south-1", "hang", seconds=60), rules(tmp_path, "sit", IMPATIENT)
    sandbox_world.begin(hanging)
    try:
        ran = at_endpoint(sandbox_world, tmp_path, f"-e sit status --format json --config {config}")
    finally:
        sandbox_world.end(hanging)
    assert ran.code == 3
    sides = [part["side"] for part in ran.report["unseen"]]
    assert sides.count("primary") > 10
    assert sides.count("dr") + sides.count("global") <= 6, "the other side is still seen"
    assert ran.report["posture"] in {"PRIMARY_LOST", "BLIND"}


def test_one_denied_operation_leaves_only_its_part_unknown(denied: tuple[Ran, Path]) -> None:
    ran, _ = denied
    assert ran.code == 3
    assert {part["kind"] for part in ran.report["unseen"]} == {"denied"}
    assert all("ecs:ListServices in eu-west-1 is denied" in part["why"] for part in ran.report["unseen"])
    assert ran.statuses()["route53.zone-accessible"] == "pass"


@pytest.mark.proof
def test_a_tenant_nobody_knows_is_refused_and_a_known_one_narrows(tmp_path: Path, seen: Seen) -> None:
    ran = dr_cli(f"-e sit status --tenant tenant9 --from-evidence {seen.evidence}", tmp_path)
    assert (ran.code, "There is no tenant tenant9" in ran.err) == (2, True)
    result = dr_cli(
        f"-e sit status --infrastructure --tenant tenant2 --format json --from-evidence {seen.evidence}", tmp_path
    )
    named = {f["tenant"] for r in result.report["results"] for f in r["findings"]} - {None}
    assert (result.code, result.report["tenants"], named) == (0, ["tenant2"], {"tenant2"})


@pytest.mark.proof
def test_evidence_goes_into_a_pipe_that_stays_readable_for_others(tmp_path: Path, seen: Seen) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe, 0o644)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    words = f"-e sit status --check prerequisites.people --from-evidence {seen.evidence} --save-evidence {pipe}"
    ran = dr_cli(words, tmp_path)
    reader.join()
    assert ran.code == 0, ran.err
    assert (json.loads(read[0])["environment"], pipe.stat().st_mode & 0o777) == ("sit", 0o644)


@pytest.mark.proof
def test_evidence_is_not_written_through_a_link(tmp_path: Path, seen: Seen) -> None:
    link, target = tmp_path / "evidence.json", tmp_path / "another"
    link.symlink_to(target)
    words = f"-e sit status --check prerequisites.people --from-evidence {seen.evidence} --save-evidence {link}"
    ran = dr_cli(words, tmp_path)
    assert (ran.code, target.exists(), f"{link} is a link" in ran.err) == (2, False, True), ran.err


@pytest.mark.proof
def test_some_checks_alone_are_judged_and_nothing_is_said_of_the_rest(tmp_path: Path, seen: Seen) -> None:
    status = f"-e sit --from-evidence {seen.evidence} status"
    chosen = dr_cli(f"{status} --format json --check prerequisites.people --check acm.days-left", tmp_path)
    assert {"prerequisites.people", "acm.days-left"} == {row["check"] for row in chosen.report["results"]}
    assert any(note.endswith("nothing here is said of them.") for note in chosen.report["notes"])
    names = dr_cli(f"-e sit --from-evidence {seen.evidence} test --dns", tmp_path)
    assert "DR status by " in names.out.splitlines()[1], names.out
    assert " checks left out), score " in names.out
    assert "recovery point" not in names.out, "no copy was judged"
    blockers = dr_cli(f"{status} --replication --severity blocker", tmp_path)
    assert "DR status by " in blockers.out.splitlines()[1]
    assert " checks left out), score 100 of 100" in blockers.out
    every = {row["check"]: row for row in seen.ran.report["results"]}
    rows = {check: row for check, row in every.items() if row["area"] == "replication"}
    # Of a check that may find a blocker, whatever its other gaps are, nothing is left out.
    judged = {check for check, row in rows.items() if row["severity"] == "blocker" or checks()[check].stops}
    assert f"by {len(judged)} checks alone" in blockers.out
    mistyped = dr_cli(f"{status} --check backup.copyage", tmp_path)
    assert (mistyped.code, "Is it one of backup.copy-age" in mistyped.err) == (2, True)
    apart = dr_cli(f"{status} --replication --check acm.days-left", tmp_path)
    assert (apart.code, "No check is left" in apart.err) == (2, True)


@pytest.mark.proof
def test_markdown_csv_and_terminal_show_the_same(tmp_path: Path, seen: Seen) -> None:
    plain = dr_cli(f"-e sit status --from-evidence {seen.evidence}", tmp_path).out
    written = max((tmp_path / "out").iterdir())
    assert "score 100/100" in (written / "report.md").read_text()
    rows = list(csv.DictReader(io.StringIO((written / "report.csv").read_text())))
    assert {row["status"] for row in rows} <= {"pass", "not-applicable"}
    assert "READY, score 100/100" in plain
    assert "\x1b" not in plain
    assert max(len(line) for line in plain.splitlines() if "/" not in line) <= 100


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("-e qa status", 2, "no such environment file"),
        ("-e qa status", 2, "init` writes it from what the account holds"),
        ("-e sit sandbox break primary-drak", 2, "Did you mean primary-dark"),
        ("-e sit sandbox break primary-drak", 2, "sandbox list` names them all"),
        ("-e prod test --full-drill", 4, "prod allows no full drill"),
        ("-e sit status --from-evidence /nowhere.json", 2, "cannot be read"),
        ("-e sit status --exceptions /nowhere.toml", 2, "cannot be read"),
        (f"-e sit status --exceptions {ROOT}/docs/pictures/report.png", 2, "not readable as TOML"),
        ("-e sit sandbox show", 2, "No sandbox of sit is up"),
        ("-e sit --sandbox pause --reason storm", 2, "`pause` decides for later commands, and no sandbox of sit is up"),
        ("-e sit --sandbox unpause", 2, "Start one that stays: `python utils/aws_mgmt/dr_cli.py"),
        ("-e sit --sandbox approve --incident INC-1", 2, "no sandbox of sit is up"),
        ("evidence verify /nowhere.tar", 2, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_its_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    code: int,
    message: str,
) -> None:
    monkeypatch.setenv("DR_SANDBOX_HOME", str(tmp_path))
    assert code == run_command(parse(["--output", str(tmp_path), *words.split()]))
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert message in output.err
