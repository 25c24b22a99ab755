"""A lone operator with the operator's keys, IAM enforced: no journal that they can write runs a plan in PROD."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Side
from dr_estate.model.dynamodb_values import encode_item
from sandbox.core.state import Outage
from tests.utils.forking import begin
from tests.utils.lost_prod import EXECUTE, HOUR, INCIDENT, MINUTE, Prod
from tests.utils.running import ROOT, at_endpoint, command_of, direct_rules, signed_in

PATIENCE_S = 600
SOON = datetime.now(UTC).date() + timedelta(days=30)
ACCEPTED = f"""[[exception]]
check = "prerequisites.control-table"
subject = "prod-dr-control"
who = "operator"
why = "it is fine"
until = {SOON}
"""
EVERYTHING = {"every subject": ("prod-dr-control", "*"), "for ever": (str(SOON), "2099-12-31")}
ALONE = {"people = 2": "people = 1"}
APPROVES_ITSELF = {
    'approvers = ["approver"]': 'approvers = ["somebody"]',
    "approver = [": 'somebody = ["arn:aws:iam::093646564004:user/operator"]\napprover = [',
}


@pytest.mark.proof
@pytest.mark.parametrize(
    ("edits", "exceptions", "named"),
    [
        pytest.param(ALONE, "", "approvals.people is 1 (pinned: 2)", id="one person"),
        pytest.param(
            APPROVES_ITSELF,
            "",
            'approvals.approvers is ["somebody"] (pinned: ["approver"])',
            id="another approver",
        ),
        pytest.param(
            {"rpo_minutes = 60": "rpo_minutes = 600000"},
            "",
            "objectives.rpo_minutes is 600000 (pinned: 60)",
            id="an easier objective",
        ),
        pytest.param(
            {},
            ACCEPTED,
            f"the exception of prerequisites.control-table for prod-dr-control until {SOON} is not pinned",
            id="an exception",
        ),
    ],
)
def test_other_rules_than_the_pinned_ones_run_nothing_and_are_named(
    prod: Prod, tmp_path: Path, edits: dict[str, str], exceptions: str, named: str
) -> None:
    config = direct_rules(tmp_path, "prod", "")
    text = (prod.home / "environments" / "prod.toml").read_text(encoding="utf-8")
    for pinned, edited in edits.items():
        assert pinned in text
        text = text.replace(pinned, edited)
    (config / "prod.toml").write_text(text, encoding="utf-8")
    (config / "exceptions.toml").write_text(exceptions, encoding="utf-8")
    prod.approve(MINUTE, prod.plan.digest)
    prod.world.reset_mutations()
    ran = prod.run(EXECUTE, config=config)
    assert (ran.code, ran.out) == (4, ""), ran.err
    assert "authority.rules: these are not the rules that are pinned for prod by approver" in ran.err
    assert named in ran.err
    assert "approve --rules" in ran.err
    assert [] == prod.world.mutations()


@pytest.mark.proof
@pytest.mark.parametrize("accepts", EVERYTHING)
@pytest.mark.parametrize(
    ("command", "person"),
    [("status", "operator"), ("failover", "operator"), (EXECUTE, "operator"), ("approve --rules", "approver")],
)
def test_a_wildcard_or_endless_exception_is_refused_for_two_people(
    prod: Prod, tmp_path: Path, accepts: str, command: str, person: str
) -> None:
    config = direct_rules(tmp_path, "prod", "")
    (config / "exceptions.toml").write_text(ACCEPTED.replace(*EVERYTHING[accepts]), encoding="utf-8")
    prod.world.reset_mutations()
    ran = prod.run(command, person, config=config)
    assert (ran.code, ran.out, prod.world.mutations()) == (2, "", []), ran.err
    assert "exceptions.toml: prod accepts no gap that nobody saw" in ran.err
    assert "accepted by operator until" in ran.err


@pytest.mark.proof
def test_where_nobody_pinned_rules_a_file_for_one_person_runs_nothing(prod: Prod, tmp_path: Path) -> None:
    """The account's own control table asks for two, by a tag that IAM lets no operator write."""
    config = direct_rules(tmp_path, "prod", "")
    (config / "prod.toml").write_text(
        (prod.home / "environments" / "prod.toml").read_text(encoding="utf-8").replace("people = 2", "people = 1")
    )
    table = prod.aws("admin").client("dynamodb", Side.DR)
    name = prod.env.named(prod.env.names.control_table)
    for pin in table.scan(TableName=name)["Items"]:
        table.delete_item(TableName=name, Key={key: pin[key] for key in ("pk", "sk")})
    prod.world.reset_mutations()
    ran = prod.run(EXECUTE, config=config)
    assert (ran.code, ran.out, prod.world.mutations()) == (4, "", []), ran.err
    assert "authority.people: the tag dr:people of prod-dr-control asks for 2 people" in ran.err
    arn = table.describe_table(TableName=name)["Table"]["TableArn"]
    operator = prod.aws("operator").client("dynamodb", Side.DR)
    with pytest.raises(ClientError, match="AccessDenied"):
        operator.tag_resource(ResourceArn=arn, Tags=[{"Key": "dr:people", "Value": "1"}])
    with pytest.raises(ClientError, match="AccessDenied"):
        operator.untag_resource(ResourceArn=arn, TagKeys=["dr:people"])


@pytest.mark.proof
def test_a_table_without_pins_and_tag_believes_a_file_for_one_person(prod: Prod, tmp_path: Path) -> None:
    """What is left to refuse is the operator's own to give. `prerequisites.people` and `.rules-pinned` fail there."""
    config = direct_rules(tmp_path, "prod", "")
    (config / "prod.toml").write_text(
        (prod.home / "environments" / "prod.toml").read_text(encoding="utf-8").replace("people = 2", "people = 1")
    )
    table = prod.aws("admin").client("dynamodb", Side.DR)
    name = prod.env.named(prod.env.names.control_table)
    for pin in table.scan(TableName=name)["Items"]:
        table.delete_item(TableName=name, Key={key: pin[key] for key in ("pk", "sk")})
    table.untag_resource(ResourceArn=table.describe_table(TableName=name)["Table"]["TableArn"], TagKeys=["dr:people"])
    ran = prod.run(EXECUTE.partition(" --confirm")[0], config=config)
    assert (ran.code, re.findall(r"authority\.[a-z-]+", ran.err)) == (4, ["authority.irreversible"]), ran.err


def test_who_is_no_approver_pins_no_rules(prod: Prod) -> None:
    ran = prod.run("approve --rules")
    assert (ran.code, "operator" in ran.err, "Nothing was written" in ran.err) == (4, True, True), ran.err


def test_iam_keeps_the_operator_from_pinning_rules_by_plain_calls(prod: Prod) -> None:
    userid = prod.aws("admin").client("iam", Side.GLOBAL).get_user(UserName="operator")["User"]["UserId"]
    for owner in (userid, "AIDASOMEBODY"):
        with pytest.raises(ClientError, match="AccessDenied"):
            prod.put("operator", {"pk": f"APPROVAL#{owner}", "sk": "#RULES", "digest": "0" * 64})


@pytest.mark.proof
def test_a_malformed_stop_switch_holds_all_runs_and_has_a_remedy(prod: Prod) -> None:
    prod.put("operator", {"pk": "STANDING", "sk": "PAUSE", "closed_at": "", "why": "no more than this"})
    prod.world.reset_mutations()
    ran = prod.run(EXECUTE)
    assert (ran.code, [], "unpause" in ran.err) == (4, prod.world.mutations(), True), ran.err
    assert "authority.paused: All runs are stopped: somebody: The item STANDING / PAUSE of the control" in ran.err
    assert prod.run("unpause").code == 0
    assert "authority.paused" not in prod.run(EXECUTE).err


def test_an_endless_pause_is_released_by_no_command_and_says_so(prod: Prod) -> None:
    """As where AWS starts runs, and each person pauses under the own key."""
    word = {"at": "9999-12-31T23:59:59.999999+00:00", "paused": True, "why": "for ever"}
    prod.put("operator", {"pk": "PAUSE#AIDA9", "sk": "PAUSE", "who": "Mallory", "words": [word]})
    ran = prod.run("unpause", config=ROOT / "environments")
    assert (ran.code, ran.out) == (4, ""), ran
    assert "authority.paused: Mallory stopped all runs by a word of the end of all time" in ran.err
    key = encode_item({"pk": "PAUSE#AIDA9", "sk": "PAUSE"})
    table = prod.aws("admin").client("dynamodb", Side.DR)
    table.delete_item(TableName=prod.env.named(prod.env.names.control_table), Key=key)
    assert "authority.paused" not in prod.run("unpause", config=ROOT / "environments").err


def test_an_approval_given_under_other_rules_allows_nothing(prod: Prod) -> None:
    prod.approve(10 * MINUTE, prod.plan.digest, rules_digest="0" * 64)
    prod.forge_mirror(prod.begun(ago=MINUTE))
    prod.refuses("it was given under other rules (000000000000, now ")


def test_a_forged_journal_on_the_operators_disk_runs_nothing(prod: Prod) -> None:
    prod.forge_file(prod.begun())
    prod.refuses("the control table holds no approval that allows it")


def test_a_forged_mirror_that_iam_lets_the_operator_write_runs_nothing(prod: Prod) -> None:
    prod.forge_mirror(prod.begun(ago=MINUTE))
    prod.refuses("the control table holds no approval that allows it")


def test_an_approval_that_was_withdrawn_allows_nothing_any_more(prod: Prod) -> None:
    prod.approve(10 * MINUTE, prod.plan.digest)
    prod.forge_mirror(prod.begun(ago=MINUTE))
    withdrawn = prod.run(f"approve --withdraw --incident {INCIDENT}", "approver")
    assert (withdrawn.code, "withdrew every approval of INC-123" in withdrawn.out) == (0, True), withdrawn.err
    prod.refuses("the control table holds no approval that allows it")
    again = prod.run("approve --withdraw --incident INC-9", "approver")
    assert (again.code, "approver approved nothing of INC-9" in again.err) == (4, True)


def test_approvals_are_withdrawn_and_waiting_runs_are_not_called_ended(prod: Prod) -> None:
    prod.approve(MINUTE, prod.plan.digest)
    prod.world.begin(Outage(prod.env.region(Side.DR), "error", "ssm"))
    ran = prod.run(f"approve --withdraw --incident {INCIDENT}", "approver", config=ROOT / "environments")
    words = ("withdrew every approval of INC-123" in ran.out, "nobody may run" in ran.out, "ssm" in ran.err.lower())
    assert (ran.code, *words) == (3, True, False, True), ran


def test_an_approval_of_another_plan_allows_no_other(prod: Prod) -> None:
    prod.approve(10 * MINUTE, prod.plan.digest)
    prod.forge_mirror(prod.begun(plan=replace(prod.plan, steps=prod.plan.steps[1:])))
    prod.refuses("it is for another plan")


@pytest.mark.proof
def test_an_approval_made_after_the_beginning_does_not_reach_back(prod: Prod) -> None:
    prod.forge_mirror(prod.begun(ago=MINUTE))
    approved = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert (approved.code, prod.plan.digest[:12] in approved.out) == (0, True), approved.err
    prod.refuses("it was made at")


@pytest.mark.parametrize(
    ("approved", "began", "reason"),
    [(30 * HOUR, 29.5 * HOUR, "approvals.resume_hours"), (3 * HOUR, MINUTE, "it expired at")],
)
def test_an_old_approval_allows_no_new_beginning_and_no_endless_going_on(
    prod: Prod, approved: timedelta, began: timedelta, reason: str
) -> None:
    prod.approve(approved, prod.plan.digest)
    prod.forge_mirror(prod.begun(ago=began))
    prod.refuses(reason)


@pytest.mark.proof
def test_a_run_that_changed_nothing_yet_is_weighed_again_before_it_goes_on(prod: Prod) -> None:
    prod.approve(10 * MINUTE, prod.plan.digest)
    prod.forge_mirror(prod.begun(ago=MINUTE))
    prod.world.repair("primary-dark")
    prod.world.reset_mutations()
    ran = prod.run(EXECUTE)
    assert (ran.code, ran.out) == (4, ""), ran.err
    assert "posture.expected: the primary region answers, runs its tasks" in ran.err
    assert "authority.approval" not in ran.err
    assert [] == prod.world.mutations()


@pytest.mark.proof
def test_a_run_that_was_truly_approved_and_killed_goes_on_and_ends_done(prod: Prod) -> None:
    options = f"-e prod --config {prod.home / 'environments'}"
    assert at_endpoint(prod.world, prod.home, f"{options} approve --incident {INCIDENT}", "approver").code == 0
    prod.world.reset_mutations()
    command, variables = command_of(f"{options} {EXECUTE}", prod.home, **signed_in(prod.world, "operator"))
    run = begin(command, variables, prod.home / "said")
    until = time.monotonic() + PATIENCE_S
    while run.goes_on and time.monotonic() < until and not _restored(prod):
        time.sleep(0.05)
    run.kill()
    assert _restored(prod), run.err
    again = at_endpoint(prod.world, prod.home, f"{options} approve --incident {INCIDENT}", "approver")
    assert again.code == 0, "an approval of what is left does not take the first one away"
    on = at_endpoint(prod.world, prod.home, f"{options} --format json {EXECUTE}", "operator")
    assert (on.code, on.report["run"]["outcome"]) == (0, "done"), on.err
    assert on.report["run"]["approver"] == prod.arn("approver")
    assert (
        len(
            [
                mutation
                for mutation in prod.world.mutations()
                if mutation["operation"] == "RestoreDBInstanceToPointInTime"
            ]
        )
        == 1
    )
    assert [] == prod.world.denied()


def _restored(prod: Prod) -> bool:
    return any(mutation["operation"] == "RestoreDBInstanceToPointInTime" for mutation in prod.world.mutations())
