"""failover as its users run it: what it answers to a healthy, a lost and an unseen estate, and to whom it says no."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dr_estate.config.environment import Side, load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.proofs.changes import Aws
from tests.utils.pseudo_terminal import at_terminal
from tests.utils.running import ROOT, Ran, at_endpoint, direct_rules, dr_cli, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs" / "report.schema.json").read_text()))
QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1"
INCIDENT = "INC-20260107-001"
CONFIRMED = "--confirm files/restore_dr:prod-efs"


@dataclass(frozen=True)
class Prod:
    """A small PROD, and where its commands keep their files."""

    world: Endpoint
    home: Path
    config: Path

    def run(self, words: str, person: str = "operator") -> Ran:
        """Run a command of PROD as ``person``."""
        return at_endpoint(self.world, self.home, f"-e prod --config {self.config} {words}", person)

    def assess(self, words: str = "") -> Ran:
        """Assess as the reader, who may change nothing."""
        return self.run(f"failover --format json {words}", "reader")

    @property
    def evidence(self) -> Path:
        """What was seen of the healthy estate."""
        return self.home / "healthy.json"


@dataclass(frozen=True)
class Here:
    """Runs what looks at nothing in this process: quicker, and otherwise the same."""

    prod: Prod
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, words: str, person: str = "operator") -> Ran:
        """Run a command of PROD as ``person``."""
        keys = self.prod.world.people[person]
        self.monkeypatch.setenv("XDG_STATE_HOME", str(self.prod.home))
        self.monkeypatch.setenv("AWS_ENDPOINT_URL", self.prod.world.url)
        self.monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key_id)
        self.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_access_key)
        options = ["-e", "prod", "--config", str(self.prod.config), "--output", str(self.prod.home / "out")]
        code = run_command(parse([*options, *words.split()]))
        output = self.capsys.readouterr()
        return Ran(code, output.out, output.err)


@pytest.fixture
def here(prod: Prod, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(prod, monkeypatch, capsys)


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prod]:
    home = tmp_path_factory.mktemp("prod")
    config = direct_rules(home, "prod", QUICK)
    with borrowed(load_environment(config, "prod"), tenants=2) as world:
        world.keep("healthy")
        yield Prod(world, home, config)


@pytest.fixture
def dark(prod: Prod) -> Iterator[Prod]:
    """PROD while its primary region is dark; whatever the test changed is as before afterwards."""
    prod.world.inject("primary-dark")
    yield prod
    prod.world.return_to("healthy")


def _refusals(ran: Ran) -> dict[str, str]:
    """What each rule said, of a command that was refused."""
    assert (ran.code, ran.out) == (4, ""), ran.err
    lines = [line.strip() for line in ran.err.splitlines() if line.startswith("  ")]
    return {rule: message for rule, _, message in (line.partition(": ") for line in lines)}


def test_a_healthy_primary_is_nothing_to_fail_over_from(prod: Prod) -> None:
    ran = prod.assess(f"--save-evidence {prod.evidence}")
    report = ran.report
    assert (ran.code, report["exit"], report["recommendation"], report["posture"]) == (
        1,
        1,
        "DO_NOT_FAILOVER",
        "NORMAL",
    )
    assert "There is nothing to fail over from" in report["reasons"][0]
    assert [gate["id"] for gate in report["gates"] if not gate["met"]] == ["posture.expected"]
    assert [] == list(SCHEMA.iter_errors(report))


def test_a_lost_primary_is_left_with_loss_plan_and_recovery_time(dark: Prod) -> None:
    dark.world.reset_mutations()
    ran = dark.assess("--assess-only")
    report = ran.report
    assert (ran.code, report["recommendation"], report["posture"]) == (0, "PROCEED", "PRIMARY_LOST"), ran.out
    database = [loss for loss in report["data_loss"] if loss["store"] == "database"]
    assert {loss["tenant"] for loss in database} == set(report["tenants"])
    assert all(0 < loss["seconds"] <= 3600 and "RestoreWindow" in loss["basis"] for loss in database), database
    assert len(report["plan"]["digest"]) == 64
    assert (report["plan"]["goal"], report["plan"]["posture"]) == ("failover", "PRIMARY_LOST")
    assert 0 < report["rto_estimate_s"] < report["rto_target_s"] == 4 * 3600
    assert report["cost"]["hourly"] > 0
    assert [] == list(SCHEMA.iter_errors(report))
    assert [] == dark.world.mutations(), "assessing changes nothing"
    primary = load_environment(dark.config, "prod").region(Side.PRIMARY)
    assert [s["id"] for s in report["plan"]["steps"] if s["call"] and s["call"]["region"] == primary] == []
    assert any(gate["relaxed"] for gate in report["gates"])


@contextmanager
def _outages(prod: Prod, *outages: Outage) -> Iterator[None]:
    """The estate while these outages last."""
    for outage in outages:
        prod.world.begin(outage)
    try:
        yield
    finally:
        prod.world.return_to("healthy")


def _unmet(ran: Ran) -> list[str]:
    return [gate["id"] for gate in ran.report["gates"] if not gate["met"] and not gate["relaxed"]]


@pytest.mark.proof
@pytest.mark.parametrize("how", ["error", "throttle", "refuse"])
def test_however_us_east_1_fails_to_answer_it_is_one_gate_to_set_aside(prod: Prod, how: str) -> None:
    primary = load_environment(prod.config, "prod").region(Side.PRIMARY)
    with _outages(prod, Outage("us-east-1", how), Outage(primary, "refuse")):
        ran = prod.assess()
    assert (ran.code, ran.report["posture"]) == (1, "PRIMARY_LOST")
    assert ["planes.us-east-1"] == _unmet(ran)


@pytest.mark.proof
def test_what_is_denied_in_a_lost_primary_is_no_reason_to_proceed(prod: Prod) -> None:
    primary = load_environment(prod.config, "prod").region(Side.PRIMARY)
    denied = [Outage(primary, "deny", service) for service in ("efs", "dynamodb", "secretsmanager")]
    with _outages(prod, *denied, Outage(primary, "error")):
        ran = prod.assess()
    report = ran.report
    assert (ran.code, report["recommendation"], report["posture"]) == (1, "RISKY", "PRIMARY_LOST"), ran.out
    assert {"check.efs-access.point-parity", "check.secrets.in-sync", "check.dynamodb.replica-status"} <= {*_unmet(ran)}
    assert any(gate["relaxed"] for gate in report["gates"]), "what the silent region alone could show is still relaxed"
    causes = [finding["unseen"] for result in report["results"] for finding in result["findings"] if finding["unseen"]]
    assert {("denied", primary), ("unreachable", primary)} == {(cause["kind"], cause["region"]) for cause in causes}
    assert [] == list(SCHEMA.iter_errors(report))


@pytest.mark.proof
def test_a_primary_with_unreadable_services_is_not_called_healthy(prod: Prod) -> None:
    primary = load_environment(prod.config, "prod").region(Side.PRIMARY)
    with _outages(prod, Outage(primary, "deny", "ecs", person="reader")):
        ran = prod.assess()
    report, reason = ran.report, ran.report["reasons"][0]
    assert (ran.code, report["recommendation"], report["posture"]) == (3, "DO_NOT_FAILOVER", "PRIMARY_UNSEEN")
    assert ("healthy" in reason, "is denied" in reason) == (False, True), reason
    assert [] == list(SCHEMA.iter_errors(report))


@pytest.mark.proof
def test_a_dr_region_that_cannot_be_seen_is_never_proceed(prod: Prod) -> None:
    prod.world.inject("dr-dark")
    try:
        ran = prod.assess()
        prod.world.inject("primary-dark")
        blind = prod.assess()
    finally:
        prod.world.return_to("healthy")
    assert (ran.code, ran.report["recommendation"], ran.report["posture"]) == (3, "DO_NOT_FAILOVER", "DR_UNSEEN")
    assert blind.code == 3
    assert "PROCEED" not in ran.out + blind.out


def test_prod_asks_for_everything_at_once_and_changes_nothing_without_it(dark: Prod) -> None:
    dark.world.reset_mutations()
    refusals = _refusals(dark.run("failover --execute"))
    assert set(refusals) == {"authority.ticket", "authority.two-people", "authority.irreversible"}
    assert "--incident INC-123" in refusals["authority.ticket"]
    assert "Another person runs: `python utils/aws_mgmt/dr_cli.py -e prod " in refusals["authority.two-people"]
    assert refusals["authority.two-people"].endswith(" approve`.")
    assert refusals["authority.irreversible"].endswith(f"{CONFIRMED}.")
    assert [] == dark.world.mutations()


@pytest.mark.proof
def test_a_plan_without_the_confirmed_step_is_refused_with_its_obstacle(prod: Prod) -> None:
    """Who pastes the command of a run is shown why its plan has no such step now."""
    words = f"failback --staged --execute --incident {INCIDENT} --confirm database/promote_primary:prod-mysql"
    refused = prod.run(words)
    assert refused.code == 4, refused.err
    assert "posture.away: traffic is served by af-south-1: there is nothing to fail back." in refused.err
    assert "no such step" not in refused.err


@pytest.mark.proof
def test_keys_that_end_before_the_plan_stop_it_unless_relaxed_by_name(dark: Prod) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=5)
    short = {"AWS_SESSION_TOKEN": "token", "AWS_CREDENTIAL_EXPIRATION": ends.isoformat()}
    variables = signed_in(dark.world, "operator") | short
    ran = dr_cli(f"-e prod --config {dark.config} failover --execute", dark.home, **variables)
    refusal = _refusals(ran)["credentials.outlive-plan"]
    assert "this session (env) ends at" in refusal
    assert "--override credentials.outlive-plan" in refusal
    assessed = dr_cli(f"-e prod --config {dark.config} failover --format json", dark.home, **variables)
    report = assessed.report
    assert (report["session"]["coverage"], report["recommendation"]) == ("ends", "RISKY")
    assert any(reason.startswith("credentials.outlive-plan: ") for reason in report["reasons"])
    assert [] == list(SCHEMA.iter_errors(report))
    override = ("--override", "credentials.outlive-plan", "Alice", "2099-01-01T00:00Z", "new keys are at hand")
    again = dr_cli(f"-e prod --config {dark.config} failover --execute", dark.home, override, **variables)
    assert "credentials.outlive-plan" not in _refusals(again)


@pytest.mark.proof
def test_keys_of_unknown_end_do_not_begin_a_plan_of_more_than_an_hour(dark: Prod) -> None:
    variables = signed_in(dark.world, "operator") | {"AWS_SESSION_TOKEN": "token"}
    ran = dr_cli(f"-e prod --config {dark.config} failover --execute", dark.home, **variables)
    refusal = _refusals(ran)["credentials.outlive-plan"]
    assert (ran.code, "temporary keys that do not say when they end" in refusal) == (4, True)
    assert "AWS_CREDENTIAL_EXPIRATION" in refusal
    assert [] == dark.world.mutations()


def test_the_operator_cannot_approve_and_nothing_is_written(here: Here) -> None:
    here.prod.world.reset_mutations()
    ran = here.run(f"approve --incident {INCIDENT}", "operator")
    assert (ran.code, ran.out) == (4, "")
    assert "authority.two-people: operator" in ran.err
    assert "is not among the approvers of prod: approver" in ran.err
    assert [] == here.prod.world.mutations()


@pytest.mark.proof
def test_an_approval_is_for_the_plan_that_was_seen_and_for_no_later_one(dark: Prod, here: Here) -> None:
    approved = dark.run(f"approve --incident {INCIDENT}", "approver")
    assert approved.code == 0, approved.err
    assert f"failover --execute --incident {INCIDENT}" in approved.out
    assert "the operator's AWS session is to last until" in approved.out
    _change_the_estate(dark)
    assert here.run("pause --reason storm").code == 0
    dark.world.reset_mutations()
    refusals = _refusals(dark.run(f"failover --execute --incident {INCIDENT} {CONFIRMED}"))
    assert set(refusals) == {"authority.two-people", "authority.paused", "check.run-begin.possible"}, refusals
    assert "approver: it is for another plan" in refusals["authority.two-people"]
    assert "the estate changed since" in refusals["authority.two-people"]
    assert "operator since" in refusals["authority.paused"]
    assert "storm" in refusals["authority.paused"]
    assert [] == dark.world.mutations()


def _change_the_estate(prod: Prod) -> None:
    """Somebody raises a service's bounds in the DR region."""
    env = load_environment(prod.config, "prod")
    aws = Aws(prod.world.url, prod.world.people["admin"], env, prod.world.state()["tenants"][-1])
    service = f"service/{aws.named(env.names.cluster)}/{aws.named(env.names.service)}"
    what = {"ServiceNamespace": "ecs", "ResourceId": service, "ScalableDimension": "ecs:service:DesiredCount"}
    aws.client("application-autoscaling", Side.DR).register_scalable_target(**what, MaxCapacity=9)


def test_pause_and_unpause_say_who_and_what_next(here: Here) -> None:
    try:
        assert "No pause is in force" in here.run("unpause").out
        paused = here.run("pause --reason storm")
        assert (paused.code, "paused by operator" in paused.out, "storm" in paused.out) == (0, True, True)
        assert "paused by operator" in here.run("pause --reason again", "admin").out, "who was first stays"
        assert "let the runs of prod go on" in here.run("unpause").out
        bare = here.run("pause")
        assert (bare.code, "no reason was given" in bare.out) == (0, True), "the command that screens print stops all"
        assert "let the runs of prod go on" in here.run("unpause").out
        assert "No pause is in force" in here.run("unpause").out
    finally:
        here.prod.world.return_to("healthy")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("failover --execute --incident CHG-123", 4, "authority.ticket: 'CHG-123' is no incident ticket"),
        ("failover --execute --incident ../INC-1", 4, "is no incident ticket"),
        ("approve", 2, "Which incident?"),
        ("approve --incident INC-12x", 2, "Which incident?"),
        ("log --incident INC-999", 2, "Nothing is recorded of INC-999"),
        ("log", 2, "No journal of prod"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence_and_its_exit_code(here: Here, words: str, code: int, message: str) -> None:
    ran = here.run(words)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err


def test_an_approval_asks_for_the_ticket_that_only_the_approver_knows(prod: Prod) -> None:
    words = f"-e prod --config {prod.config} approve --digest 0a1b"
    with at_terminal(words, prod.home, signed_in(prod.world, "approver")) as terminal:
        terminal.until("Which incident? Type its ticket: ")
        terminal.press(b"INC-12x\n")
        assert terminal.wait() == 2, terminal.shown
    assert "Which incident? Name it:" in terminal.shown


def test_an_estate_that_did_not_fail_over_is_not_validated(prod: Prod) -> None:
    if not prod.evidence.exists():
        prod.assess(f"--save-evidence {prod.evidence}")
    ran = prod.run(f"failover --validate --format json --from-evidence {prod.evidence}", "reader")
    assert (ran.code, ran.report["exit"]) == (6, 6)
    assert {"validation.answers-lead-here", "validation-data.database-writable"} <= {
        check for check, status in ran.statuses().items() if status == "fail"
    }
    assert [] == list(SCHEMA.iter_errors(ran.report))
