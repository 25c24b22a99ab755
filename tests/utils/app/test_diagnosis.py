"""What doctor concludes from what it heard: plain exchanges, no world."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from dr_estate.aws.clock import WORLD_CLOCK, clock_skew_s
from dr_estate.aws.read_client import Credentials
from dr_estate.aws.recording import Exchange
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.model.world_id import WorldId
from dr_estate.readers import recovery_automation as automation
from dr_estate.readers.recovery_automation import StartOfRuns
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart
from reports.render.diagnosis import headline, render
from reports.values.diagnosis import Diagnosis, Fact, Problem, ServiceAccess, Standing
from tests.dr_checks.examples.recovery_automation import ROLES, START, STARTED
from tests.dr_checks.worlds import world as values
from tests.utils.running import ROOT
from utils.aws_mgmt.app.diagnosis import Examination, diagnose
from utils.aws_mgmt.app.next_steps import after_diagnosis
from utils.aws_mgmt.app.target import ObservedWorld

SIT = load_environment(ROOT / "environments", "sit")
NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)
HEARD = Exchange("rds:DescribeDBInstances", "eu-west-1", {}, 200, "", None, {"DBInstances": []}, 0.1, 0.0)


def concluded(*exchanges: Exchange) -> Diagnosis:
    world = ObservedWorld(WorldId.live(SIT.account), Credentials(None, "key", "secret"))
    return diagnose(SIT, world, Examination(exchanges, None), NOW)


def state(diagnosis: Diagnosis, subject: str) -> Standing:
    return next(fact.state for fact in diagnosis.facts if fact.subject == subject)


@pytest.mark.parametrize(
    ("skew_s", "expected"),
    [
        (0, Standing.OK),
        (-59, Standing.OK),
        (61, Standing.WARN),
        (-299, Standing.WARN),
        (300, Standing.FAIL),
        (None, Standing.UNKNOWN),
    ],
)
def test_a_clock_is_judged_by_when_aws_refuses_its_signatures(skew_s: float | None, expected: Standing) -> None:
    assert state(concluded(replace(HEARD, skew_s=skew_s)), "clock") is expected


def test_a_sandbox_with_a_clock_of_its_own_is_no_fault_of_this_machine() -> None:
    world = ObservedWorld(WorldId.live(SIT.account), Credentials(None, "key", "secret"))
    world.clock.correct({WORLD_CLOCK: f"{NOW.timestamp()} 60"}, 0, 0, loopback=True)
    (clock,) = (f for f in diagnose(SIT, world, Examination((HEARD,), None), NOW).facts if f.subject == "clock")
    assert (clock.state, "60 times as fast" in clock.message) == (Standing.OK, True)


def test_skew_is_measured_from_the_date_header() -> None:
    headers = {"Date": format_datetime(NOW - timedelta(minutes=7), usegmt=True)}
    assert clock_skew_s(headers, NOW.timestamp()) == 420
    assert clock_skew_s({}) is None
    assert clock_skew_s({"Date": "today"}) is None


def test_an_error_that_says_there_is_no_such_thing_is_an_answer() -> None:
    absent = replace(HEARD, status=404, code="DBInstanceNotFound", kind=UnavailableKind.ERROR)
    denied = replace(HEARD, status=403, code="AccessDenied", kind=UnavailableKind.DENIED)
    assert concluded(absent).problems == ()
    (problem,) = concluded(HEARD, denied).problems
    assert (problem.failed, problem.calls, problem.kind) == (1, 2, "denied")


def test_a_word_that_the_model_does_not_list_is_reported_with_its_place() -> None:
    answer = {"SourceRegions": [], "services": [{"schedulingStrategy": "SOMETIMES", "launchType": "FARGATE"}]}
    (shape,) = concluded(replace(HEARD, operation="ecs:DescribeServices", answer=answer)).shapes
    assert "services.schedulingStrategy has SOMETIMES" in shape


def test_a_word_that_ec2_documents_beside_its_model_is_no_surprise() -> None:
    answer = {"InternetGateways": [{"Attachments": [{"State": "available", "VpcId": "vpc-1"}]}]}
    assert concluded(replace(HEARD, operation="ec2:DescribeInternetGateways", answer=answer)).shapes == ()


@pytest.mark.parametrize("kind", [UnavailableKind.UNREADABLE, UnavailableKind.DEFECT])
def test_a_malformed_part_is_shown_with_what_was_expected(kind: UnavailableKind) -> None:
    part = SnapshotPart("rds.instances", Side.DR, "eu-west-1", NOW, Unavailable(kind, "not understood", "eu-west-1"))
    snapshot = Snapshot("sit", SIT.account, "someone", "live", NOW, {("rds.instances", Side.DR): part})
    world = ObservedWorld(WorldId.live(SIT.account), Credentials(None, "key", "secret"))
    assert diagnose(SIT, world, Examination((HEARD,), snapshot), NOW).shapes == ("not understood",)


@pytest.mark.parametrize(
    ("kind", "action"),
    [(UnavailableKind.CREDENTIALS, "Log in again"), (UnavailableKind.UNREACHABLE, "Let this machine reach AWS")],
)
def test_without_a_proven_account_the_next_step_is_what_lets_it_be_proven(kind: UnavailableKind, action: str) -> None:
    world = ObservedWorld(WorldId.live(SIT.account), Credentials(None, "key", "secret"))
    diagnosis = diagnose(SIT, world, Examination((), None, Unavailable(kind, "No.", "eu-west-1")), NOW)
    assert after_diagnosis(diagnosis).startswith(action)


def test_a_dark_region_goes_before_what_is_only_to_be_prepared() -> None:
    silent = replace(HEARD, region="af-south-1", status=0, code="ConnectTimeoutError", kind=UnavailableKind.UNREACHABLE)
    diagnosis = replace(concluded(HEARD, silent), identity="someone")
    assert "break-glass" in {fact.subject for fact in diagnosis.facts if fact.action}
    assert "status" in after_diagnosis(diagnosis)


@pytest.mark.parametrize(
    ("problems", "facts", "sentence"),
    [
        (0, 1, "Every read tried is answered; 1 fact needs attention."),
        (1, 0, "1 read is unanswered."),
        (0, 0, "Every read tried is answered; nothing is in the way."),
        (2, 2, "2 reads are unanswered; 2 facts need attention."),
    ],
)
def test_the_answer_counts_what_is_in_the_way(problems: int, facts: int, sentence: str) -> None:
    rows = tuple(
        Problem("rds:DescribeDBInstances", "eu-west-1", "denied", "AccessDenied", 1, 1) for _ in range(problems)
    )
    diagnosis = replace(
        concluded(HEARD),
        identity="someone",
        services=(ServiceAccess("rds", 1, rows, ()),),
        facts=(Fact("clock", Standing.WARN, "off"),) * facts,
    )
    assert headline(diagnosis) == sentence


@pytest.mark.parametrize(
    ("supported", "expected"), [(True, Standing.OK), (False, Standing.FAIL), (None, Standing.FAIL)]
)
def test_regions_without_backup_replication_fail_where_it_is_needed(supported: bool | None, expected: Standing) -> None:
    row = {"RegionName": "af-south-1", "SupportsDBInstanceAutomatedBackupsReplication": supported}
    answer = {"SourceRegions": [] if supported is None else [row]}
    heard = replace(HEARD, operation="rds:DescribeSourceRegions", answer=answer)
    assert state(concluded(heard), "RDS backups") is expected


@pytest.mark.parametrize(("minutes", "expected"), [(30, Standing.FAIL), (10_000, Standing.OK)])
def test_a_session_is_compared_with_how_long_a_recovery_takes(
    monkeypatch: pytest.MonkeyPatch, minutes: int, expected: Standing
) -> None:
    for name, value in (("ACCESS_KEY_ID", "A"), ("SECRET_ACCESS_KEY", "B"), ("SESSION_TOKEN", "C")):
        monkeypatch.setenv(f"AWS_{name}", value)
    now = datetime.now(UTC)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", (now + timedelta(minutes=minutes)).isoformat())
    world = ObservedWorld(WorldId.live(SIT.account), Credentials())
    assert state(diagnose(SIT, world, Examination((HEARD,), None), now), "session") is expected


USER = f"arn:aws:iam::{SIT.account}:user/break-glass"
OF_SSO = f"arn:aws:iam::{SIT.account}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123"
DENIED = Unavailable(UnavailableKind.DENIED, "iam:SimulatePrincipalPolicy is denied.")


@pytest.mark.parametrize(
    ("principal", "decision", "expected"),
    [
        ("", None, Standing.WARN),
        (USER, None, Standing.FAIL),
        (USER, "implicitDeny", Standing.FAIL),
        (USER, DENIED, Standing.UNKNOWN),
        (USER, "allowed", Standing.OK),
        (OF_SSO, "allowed", Standing.FAIL),
    ],
)
def test_somebody_can_sign_in_where_the_identity_provider_is_lost(
    principal: str, decision: str | Unavailable | None, expected: Standing
) -> None:
    env = SIT.model_copy(update={"people": SIT.people.model_copy(update={"break_glass": principal})})
    heard = Examination((HEARD,), None, break_glass=decision)
    world = ObservedWorld(WorldId.live(SIT.account), Credentials(None, "key", "secret"))
    assert state(diagnose(env, world, heard, NOW), "break-glass") is expected


def test_a_region_that_gave_no_answer_at_all_is_unknown() -> None:
    silent = replace(HEARD, region="af-south-1", status=0, code="ConnectTimeoutError", kind=UnavailableKind.UNREACHABLE)
    diagnosis = concluded(HEARD, silent)
    assert state(diagnosis, "primary region af-south-1") is Standing.UNKNOWN
    assert state(diagnosis, "dr region eu-west-1") is Standing.OK
    assert diagnosis.exit == 3


def test_calls_that_could_not_be_signed_say_nothing_of_a_region() -> None:
    unsigned = replace(HEARD, status=0, code="NoCredentialsError", kind=UnavailableKind.CREDENTIALS)
    fact = next(fact for fact in concluded(unsigned).facts if fact.subject == "dr region eu-west-1")
    assert (fact.state, "none of" in fact.message) == (Standing.UNKNOWN, False)


def test_only_the_fact_of_a_silent_region_leaves_out_the_reads_of_it() -> None:
    denied = concluded(replace(HEARD, status=403, code="AccessDenied", kind=UnavailableKind.DENIED))
    titled = "Reads without an answer"
    other = Fact("break-glass of region eu-west-1", Standing.UNKNOWN, "not seen")
    assert titled in render(replace(denied, facts=(other,)), "terminal")
    silent = Fact("dr region eu-west-1", Standing.UNKNOWN, "none of 9 calls was answered", region="eu-west-1")
    assert titled not in render(replace(denied, facts=(silent,)), "terminal")


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_a_screen_ends_with_the_policy_that_allows_what_was_denied(form: str) -> None:
    denied = replace(HEARD, status=403, code="AccessDenied", kind=UnavailableKind.DENIED)
    shown = render(concluded(denied), form)
    assert '"Effect": "Allow"' in shown
    assert "rds:DescribeDBInstances" in shown


@pytest.mark.parametrize(
    ("start", "expected", "message"),
    [
        (START, Standing.OK, "AWS can start a run"),
        (replace(START, current=None), Standing.FAIL, "sit-dr-recovery: absent"),
        (replace(START, image="ghcr.io/dr:7", image_region="", image_there=None), Standing.WARN, "ghcr.io/dr:7"),
        (DENIED, Standing.UNKNOWN, ""),
    ],
)
def test_where_aws_starts_the_runs_the_control_stack_is_a_fact_of_its_own(
    start: StartOfRuns | Unavailable, expected: Standing, message: str
) -> None:
    seen = values({(automation.start, Side.DR): start, (automation.roles, Side.GLOBAL): ROLES})
    world = ObservedWorld(WorldId.live(SIT.account), Credentials(None, "key", "secret"))
    facts = {fact.subject: fact for fact in diagnose(STARTED, world, Examination((HEARD,), seen), NOW).facts}
    assert facts["control stack"].state is expected
    assert message in facts["control stack"].message
    assert "control stack" not in {
        fact.subject for fact in diagnose(SIT, world, Examination((HEARD,), seen), NOW).facts
    }


def test_where_aws_starts_runs_a_person_recovers_by_the_break_glass_role() -> None:
    env = STARTED.model_copy(update={"people": STARTED.people.model_copy(update={"break_glass": USER})})
    world = ObservedWorld(WorldId.live(SIT.account), Credentials(None, "key", "secret"))
    heard = Examination((HEARD,), None, break_glass="allowed")
    (fact,) = (fact for fact in diagnose(env, world, heard, NOW).facts if fact.subject == "break-glass")
    assert fact.message.endswith("role/sit-dr-break-glass")
