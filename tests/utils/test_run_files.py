"""A command's answer and the files of its run are one report; those of an executed run cover the whole run."""

from __future__ import annotations

import csv
import io
import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dr_estate.config.environment import Side, load_environment
from dr_estate.model.recovery_names import canary_name
from reports.allure.results import FORMS, redraw_page
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.proofs.changes import Aws
from tests.utils.running import ROOT, Ran, at_endpoint, dr_cli, rules
from tests.worlds import borrowed

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs" / "report.schema.json").read_text()))
HEALTHY = ROOT / "tests" / "golden" / "evidence" / "sit-healthy.json.xz"
QUICK = "[execution]\npoll_s = 0.1\ncool_down_minutes = 0\n[observation]\nattempts = 1"
HOME_CONFIRMED = " ".join(
    f"--confirm {step}"
    for step in (
        "files/allow_overwrite_primary:sit-efs",
        "files/replicate_to_primary:sit-efs",
        "database/promote_primary:sit-mysql",
    )
)
SHORT = "[failback]\nbake_minutes = 0.05\nstable_minutes = 0\nfiles_freeze_minutes = 0\ndns_samples = 60"
ONE_PERSON = "people = 1\nticket = false"
TWO_PEOPLE = """people = 2
ticket = true
approvers = ["approver"]
identities = {{operator = ["arn:aws:iam::{0}:user/operator"], approver = ["arn:aws:iam::{0}:user/approver"]}}"""
INCIDENT = "INC-20260107-001"
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
EXECUTE = (
    f"--format json failover --execute --incident {INCIDENT} --since {BEGAN.isoformat()} "
    "--confirm files/restore_dr:sit-efs"
)


def newest(home: Path) -> Path:
    """The folder of the last run from the ``home`` folder that wrote a report."""
    return max((home / "out").glob("*/report.json"), key=lambda path: path.stat().st_mtime_ns).parent


def assert_page_is_drawn_again(folder: Path) -> None:
    """The values beside a run's page give the same page."""
    page = folder / "report.html"
    drawn = page.read_text(encoding="utf-8")
    page.unlink()
    redraw_page(folder, linked=False)
    assert page.read_text(encoding="utf-8") == drawn


@dataclass(frozen=True)
class Estate:
    """A small SIT in which two people must agree, and where its commands keep their files."""

    world: Endpoint
    home: Path
    config: Path

    def run(self, words: str, person: str = "operator") -> Ran:
        """Run a command as ``person``."""
        return at_endpoint(self.world, self.home, f"-e sit --config {self.config} {words}", person)

    @property
    def newest(self) -> Path:
        """The folder of the last run that wrote a report."""
        return newest(self.home)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    home = tmp_path_factory.mktemp("files")
    config = rules(home, "sit", QUICK)
    path = config / "sit.toml"
    text = path.read_text(encoding="utf-8")
    assert ONE_PERSON in text
    account = load_environment(config, "sit").account
    path.write_text(text.replace(ONE_PERSON, TWO_PEOPLE.format(account)), encoding="utf-8")
    with borrowed(load_environment(config, "sit"), 1) as world:
        world.timing(transition_s=0.1)
        yield Estate(world, home, config)


@dataclass(frozen=True)
class Offline:
    """Evidence of the healthy estate, and where commands upon it keep their files."""

    home: Path

    def run(self, words: str) -> Ran:
        """Run a command upon the evidence."""
        return dr_cli(f"-e sit {words} --from-evidence {self.home / 'healthy.json'}", self.home)


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Offline:
    home = tmp_path_factory.mktemp("offline")
    (home / "healthy.json").write_bytes(lzma.decompress(HEALTHY.read_bytes()))
    return Offline(home)


@dataclass(frozen=True)
class Executed:
    """A failover that was executed, its printed report, and the folder of its files."""

    ran: Ran
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        """The report as it is kept."""
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def failed(estate: Estate) -> Executed:
    """The failover of a lost primary region, approved by a second person; its database cannot be restored yet."""
    assert estate.run("status --replication", "reader").code == 0
    estate.world.inject("primary-dark")
    approved = estate.run(f"approve --incident {INCIDENT}", "approver")
    assert approved.code == 0, approved.err
    denied = Outage("eu-west-1", "deny", "rds", "RestoreDBInstanceToPointInTime")
    estate.world.begin(denied)
    try:
        return Executed(estate.run(EXECUTE), estate.newest)
    finally:
        estate.world.end(denied)


@pytest.fixture(scope="module")
def executed(estate: Estate, failed: Executed) -> Executed:
    """The same command again, which goes on and ends well."""
    assert failed.ran.code == 5, failed.ran.err
    ran = estate.run(EXECUTE)
    assert ran.code == 0, ran.err
    return Executed(ran, estate.newest)


@pytest.mark.parametrize(
    "words",
    [
        "status --infrastructure",
        "failback --profile of-an-auditor",
        *(
            pytest.param(words, marks=pytest.mark.proof)
            for words in ("test --dns", "failover", "failover --planned", "failover --validate")
        ),
    ],
)
def test_what_a_command_prints_is_what_it_keeps(offline: Offline, words: str) -> None:
    ran = offline.run(f"{words} --format json")
    assert ran.out == (newest(offline.home) / "report.json").read_text(encoding="utf-8")
    assert (ran.code, ran.report["command"]) == (ran.report["exit"], words.split(maxsplit=1)[0])
    assert ran.report["files"]["Results"] == str(newest(offline.home))
    own = [command for command in ran.report["next_step"].split("`")[1::2] if "dr_cli.py" in command]
    assert all(" --sandbox " in command for command in own), "evidence of a rehearsal leads to no live account"
    assert all(" --profile " not in command for command in own), "the sandbox has keys of its own: both are refused"
    assert [] == list(SCHEMA.iter_errors(ran.report))


@pytest.mark.parametrize(
    ("form", "words"),
    [("markdown", "failover --planned"), ("csv", "failover")]
    + [pytest.param(form, "failback", marks=pytest.mark.proof) for form in FORMS if form != "terminal"],
)
def test_every_format_is_kept_as_it_is_printed(offline: Offline, form: str, words: str) -> None:
    ran, name = offline.run(f"{words} --format {form}"), FORMS[form]
    assert ran.out == (newest(offline.home) / name).read_text(encoding="utf-8")
    assert len(ran.out) > 1000
    assert ("zero loss is proven, before promotion" in ran.out) == ("--planned" in words), "it loses none of its files"


@pytest.mark.proof
def test_an_executed_run_prints_what_it_keeps(executed: Executed) -> None:
    assert executed.ran.out == (executed.folder / "report.json").read_text(encoding="utf-8")
    assert [] == list(SCHEMA.iter_errors(executed.report))
    assert_page_is_drawn_again(executed.folder)


@pytest.mark.proof
def test_the_json_report_holds_people_plan_gates_losses_and_phases(executed: Executed) -> None:
    run = executed.report["run"]
    assert (run["incident"], run["outcome"], run["exit"]) == (INCIDENT, "done", 0)
    assert (run["operator"].rpartition("/")[2], run["approver"].rpartition("/")[2]) == ("operator", "approver")
    assert (run["plan"]["digest"], run["plan"]["goal"]) == (run["digest"], "failover")
    assert {step["action"] for step in run["plan"]["steps"]} >= {"database/restore_dr", "files/restore_dr"}
    assert any(gate["id"] == "posture.expected" and gate["met"] for gate in run["gates"])
    assert {loss["store"] for loss in run["data_loss"]} >= {"database", "files"}
    last = json.loads(Path(run["journal"]).read_text(encoding="utf-8").splitlines()[-1])
    assert (last["kind"], last["digest"]) == ("end", run["journal_head"])
    seconds = {phase["phase"]: phase["seconds"] for phase in run["phases"]}
    assert seconds["execute"] > 0
    assert seconds["validate"] > 0
    assert 30 * 60 < run["rto"]["reached_s"] < run["rto"]["objective_s"] == 240 * 60
    assert (datetime.fromisoformat(run["rto"]["since"]), run["rto"]["since_by"]) == (BEGAN, "ticket")
    assert 0 < run["rto"]["run_s"] <= run["rto"]["reached_s"] - 30 * 60
    assert BEGAN < datetime.fromisoformat(run["approved_at"]) < datetime.now(UTC)
    assert run["rto"]["met"] is True


@pytest.mark.proof
def test_the_markdown_holds_the_same(executed: Executed) -> None:
    run, text = executed.report["run"], (executed.folder / "report.md").read_text(encoding="utf-8")
    for value in (INCIDENT, run["operator"], run["approver"], run["digest"], run["journal"], run["journal_head"]):
        assert value in text
    for title in ("## Gates", "## What would be lost", "## Plan", "## Phases"):
        assert title in text
    assert "recovered in " in text
    assert f"outage began {BEGAN:%Y-%m-%d %H:%M:%S} UTC, by the ticket" in text
    assert "run took " in text
    calls = [step["call"]["operation"] for step in run["plan"]["steps"] if step["call"]]
    assert calls
    assert [] == [call for call in calls if f":{call}`" not in text]


@pytest.mark.proof
def test_the_csv_has_a_row_for_each_of_them(executed: Executed) -> None:
    run, text = executed.report["run"], (executed.folder / "report.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["area"] == "run"]
    assert rows
    measured = {row["check"]: row["measured"] for row in rows}
    for name in ("incident", "outcome", "operator", "approver", "approved_at", "digest", "journal", "journal_head"):
        assert measured[f"run.{name}"] == run[name]
    assert float(measured["run.rto"]) == run["rto"]["reached_s"]
    for check, subjects in {
        "run.step": [step["id"] for step in run["plan"]["steps"]],
        "run.gate": [gate["id"] for gate in run["gates"]],
        "run.loss": [f"{loss['store']}: {loss['subject']}" for loss in run["data_loss"]],
        "run.phase": [phase["phase"] for phase in run["phases"]],
    }.items():
        assert subjects == [row["subject"] for row in rows if row["check"] == check]


@pytest.mark.proof
def test_the_allure_results_have_the_run_with_its_account(executed: Executed) -> None:
    run, results = executed.report["run"], executed.folder / "allure-results"
    properties = (results / "environment.properties").read_text(encoding="utf-8")
    for value in (INCIDENT, run["operator"], run["approver"], run["digest"], run["journal_head"], "by the ticket"):
        assert value in properties
    found = [json.loads(path.read_text(encoding="utf-8")) for path in results.glob("*-result.json")]
    (result,) = [document for document in found if document["fullName"] == "run#failover"]
    assert (result["status"], result["name"]) == ("passed", f"failover {INCIDENT} of sit")
    assert [step["name"].partition(" (")[0] for step in result["steps"]] == [phase["phase"] for phase in run["phases"]]
    account = (results / result["attachments"][0]["source"]).read_text(encoding="utf-8")
    for value in (run["approver"], run["digest"], "## Gates", "## Plan", "## Phases"):
        assert value in account


@pytest.mark.proof
def test_a_run_that_failed_reports_the_same_of_itself(failed: Executed) -> None:
    assert failed.ran.out == (failed.folder / "report.json").read_text(encoding="utf-8")
    assert [] == list(SCHEMA.iter_errors(failed.report))
    run = failed.report["run"]
    assert (failed.ran.code, run["outcome"], run["rto"]["reached_s"]) == (5, "failed", None), run["says"]
    *weighed, of_running = run["gates"]
    assert (weighed, of_running["id"]) == (failed.report["gates"], "credentials.outlive-plan")
    assert run["plan"] == failed.report["plan"]
    results = [json.loads(path.read_text(encoding="utf-8")) for path in failed.folder.rglob("*-result.json")]
    (result,) = [result for result in results if result["fullName"] == "run#failover"]
    assert (result["status"], result["statusDetails"]["message"].startswith("failed: ")) == ("failed", True)


@pytest.mark.proof
def test_a_run_that_went_on_shows_what_the_one_before_was_cleared_upon(failed: Executed, executed: Executed) -> None:
    before, after = failed.report["run"], executed.report["run"]
    assert before["run"] != after["run"]
    for name in ("incident", "digest", "plan", "gates", "data_loss", "journal"):
        assert before[name] == after[name]
    assert before["journal_head"] in Path(after["journal"]).read_text(encoding="utf-8")
    assert "readiness" not in executed.report, "it was not assessed again: the journal alone knows"


@pytest.fixture(scope="module")
def practised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """A small SIT that one person may move to the DR region and back."""
    home = tmp_path_factory.mktemp("practised")
    config = rules(home, "sit", f"{QUICK}\n{SHORT}")
    path = config / "sit.toml"
    text = path.read_text(encoding="utf-8")
    assert "bake_minutes = 1" in text
    path.write_text(text.replace("bake_minutes = 1\n", "bake_minutes = 0.05\n"), encoding="utf-8")
    with borrowed(load_environment(config, "sit"), 1) as world:
        world.timing(transition_s=0.1, log_upload_s=0.5, files_lag_s=0.5, replica_lag_s=0, lag_published_s=0.5)
        yield Estate(world, home, config)


@pytest.mark.proof
def test_two_drills_that_are_cleaned_up_at_once_are_one_report(practised: Estate) -> None:
    env = load_environment(practised.config, "sit")
    dns = Aws(practised.world.url, practised.world.people["admin"], env, "").client("route53", Side.GLOBAL)
    zones = dns.list_hosted_zones_by_name(DNSName=env.traffic.zone)["HostedZones"]
    incidents = ["TRIAL-20260101-030000", "TRIAL-20260102-030000"]
    left = [canary_name(env, env.traffic.zone, incident) for incident in incidents]
    records = [{"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]} for name in left]
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record} for record in records]}
    dns.change_resource_record_sets(HostedZoneId=zones[0]["Id"], ChangeBatch=batch)
    ran = practised.run("drill clean --format json", "driller")
    assert ran.out == (practised.newest / "report.json").read_text(encoding="utf-8"), ran.err
    assert [] == list(SCHEMA.iter_errors(ran.report))
    assert incidents == [drill["incident"] for drill in ran.report["drills"]]
    assert ran.code == ran.report["exit"] == max(drill["exit"] for drill in ran.report["drills"])
    log = f"log --incident {incidents[0]}"
    assert f"{log}` shows" in ran.report["next_step"], "there is nothing left to clean"
    assert practised.run(log).code == 0


@pytest.mark.proof
@pytest.mark.parametrize(
    ("words", "goals"),
    [
        pytest.param("test --dns --canary", ["canary", "clean-up"], marks=pytest.mark.whole_run("test --dns --canary")),
        pytest.param(
            "test --infra --restore",
            ["restore test", "clean-up"],
            marks=pytest.mark.whole_run("test --infra --restore"),
        ),
        pytest.param(
            "test --full-drill",
            ["switchover", "failback", "clean-up"],
            marks=pytest.mark.whole_run("test --full-drill"),
        ),
        pytest.param(
            "failover --planned --execute --confirm files/restore_dr:sit-efs",
            ["switchover"],
            marks=pytest.mark.whole_run("failover --planned"),
        ),
        pytest.param(
            f"failback --staged --execute {HOME_CONFIRMED}", ["failback"], marks=pytest.mark.whole_run("failback")
        ),
    ],
)
def test_drills_and_planned_moves_print_what_they_keep_and_each_part(
    practised: Estate, words: str, goals: list[str]
) -> None:
    person = "driller" if words.startswith("test") else "operator"
    ran = practised.run(f"{words} --format json", person)
    assert ran.out == (practised.newest / "report.json").read_text(encoding="utf-8"), ran.err
    report = ran.report
    assert (ran.code, [error.message for error in SCHEMA.iter_errors(report)]) == (report["exit"], []), ran.err
    assert (report["standing"]["incident"] is None) == (goals != ["switchover"]), "it is closed once all is home"
    drills = report.get("drills", [])
    parts = [part for drill in drills for part in drill["parts"]] or [report["run"]]
    assert goals == [part["goal"] for part in parts]
    assert goals == [part["plan"]["goal"] for part in parts]
    assert all(part["journal_head"] and part["plan"]["digest"] == part["digest"] for part in parts)
    assert all(part["gates"] or part["goal"] == "clean-up" for part in parts)
    texts = [(practised.newest / name).read_text(encoding="utf-8") for name in ("report.md", "report.csv")]
    heads = [drill["journal_head"] for drill in drills] + [part["journal_head"] for part in parts]
    assert [] == [head for head in heads for text in texts[:2] if head not in text]
    assert [] == [part["operator"] for part in parts for text in texts[:2] if part["operator"] not in text]
    properties = (practised.newest / "allure-results" / "environment.properties").read_text(encoding="utf-8")
    assert [] == [part["digest"] for part in parts if part["digest"] not in properties]
    assert_page_is_drawn_again(practised.newest)


def test_a_time_that_has_not_come_is_no_beginning_of_an_outage(offline: Offline) -> None:
    ran = offline.run("failover --since 2099-01-01T00:00Z")
    assert (ran.code, "has not come yet" in ran.err) == (2, True)
