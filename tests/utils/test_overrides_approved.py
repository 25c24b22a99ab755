"""Two people and no automation: what a run sets aside is what the second person saw, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dr_actions.model.gates import Override
from dr_estate.config.environment import Side
from tests.utils.lost_prod import EXECUTE, INCIDENT, MINUTE, Prod

pytestmark = pytest.mark.proof

OVERRIDE = "--override fence.primary 'Jane Doe' 2099-01-07T18:00+00:00 'its API is silent'"
SET_ASIDE = "Set aside: override of fence.primary by Jane Doe until 2099-01-07 18:00 UTC: its API is silent"
RULES = {":rules": {"S": "#RULES"}}
ACCEPTED = f"""[[exception]]
check = "rds-parity.parameter-group"
subject = "prod-mysql-*"
who = "Jane"
why = "DR-12"
until = {datetime.now(UTC).date() + timedelta(days=30)}
"""


@pytest.fixture
def paused(prod: Prod) -> Prod:
    """PROD with the stop switch on: every refusal is reported, and nothing begins even where there is no other."""
    assert prod.run("pause --reason 'a test'").code == 0
    return prod


def _asked_for(refusal: str) -> str:
    """The words of the command by which the refusal asks for a new approval."""
    found = re.search(r"runs: `.*? (approve --incident [^`]+)`", refusal)
    assert found, refusal
    return found[1]


def _refused(prod: Prod, words: str) -> str:
    """What a run is refused by, beside the stop switch. Nothing at all was written."""
    prod.world.reset_mutations()
    ran = prod.run(words)
    assert (ran.code, ran.out, prod.world.mutations()) == (4, "", []), ran.err
    assert "authority.paused" in ran.err
    return "\n".join(line for line in ran.err.splitlines() if "authority." in line and "authority.paused" not in line)


def test_an_override_after_the_approval_runs_nothing_until_agreed(paused: Prod) -> None:
    first = paused.run(f"approve --incident {INCIDENT}", "approver")
    assert (first.code, "No gate is overridden" in first.err) == (0, True), first.err
    assert _refused(paused, EXECUTE) == ""
    refusal = _refused(paused, f"{EXECUTE} {OVERRIDE}")
    assert (
        "authority.two-people: no approval counts (approver: it was given without the override of fence.primary)"
        in refusal
    )
    again = paused.run(_asked_for(refusal), "approver")
    assert (again.code, SET_ASIDE in again.err) == (0, True), again.err
    assert _refused(paused, f"{EXECUTE} {OVERRIDE}") == ""
    assert "its API is silent" in again.out.partition("Next: ")[2], "the operator's command has it word for word"
    other = OVERRIDE.replace("its API is silent", "I am in a hurry")
    assert "without the override of fence.primary" in _refused(paused, f"{EXECUTE} {other}")


def test_an_override_of_a_run_under_way_is_the_approvers_to_agree_to(paused: Prod) -> None:
    paused.approve(10 * MINUTE, paused.plan.digest)
    paused.forge_mirror(paused.begun(ago=MINUTE))
    assert _refused(paused, EXECUTE) == ""
    refusal = _refused(paused, f"{EXECUTE} {OVERRIDE}")
    assert "authority.approval: approver approved this plan without the override of fence.primary" in refusal
    agreed = paused.run(_asked_for(refusal), "approver")
    assert (agreed.code, SET_ASIDE in agreed.err) == (0, True), agreed.err
    assert f"Plan {paused.plan.digest[:12]} of {INCIDENT} may go on with the override of fence.primary" in agreed.out
    assert _refused(paused, f"{EXECUTE} {OVERRIDE}") == ""


def test_an_override_of_the_record_alone_is_in_the_command_of_the_approver(paused: Prod) -> None:
    """Of a run whose approval names no overrides; one that has ended counts no more."""
    recorded = Override("fence.primary", "Jane Doe", "its API is silent", datetime(2099, 1, 7, 18, tzinfo=UTC))
    ended = replace(recorded, gate="posture.expected", until=datetime.now(UTC) - MINUTE)
    paused.approve(10 * MINUTE, paused.plan.digest)
    paused.forge_mirror(paused.begun(MINUTE, None, recorded, ended))
    refusal = _refused(paused, EXECUTE)
    assert "approver approved this plan without the override of fence.primary. " in refusal
    agreed = paused.run(_asked_for(refusal), "approver")
    assert (agreed.code, SET_ASIDE in agreed.err) == (0, True), agreed.err
    assert f"Plan {paused.plan.digest[:12]} of {INCIDENT} may go on with the override of fence.primary" in agreed.out
    assert _refused(paused, EXECUTE) == ""


def test_an_exception_given_after_the_approval_is_the_approvers_to_see(paused: Prod, tmp_path: Path) -> None:
    """Where nobody pinned rules: what is pinned is refused by name anyway."""
    table, name = paused.aws("admin").client("dynamodb", Side.DR), paused.env.named(paused.env.names.control_table)
    for pin in table.scan(TableName=name, FilterExpression="sk = :rules", ExpressionAttributeValues=RULES)["Items"]:
        table.delete_item(TableName=name, Key={key: pin[key] for key in ("pk", "sk")})
    (accepted := tmp_path / "accepted.toml").write_text(ACCEPTED, encoding="utf-8")
    assert paused.run(f"approve --incident {INCIDENT}", "approver").code == 0
    assert _refused(paused, EXECUTE) == ""
    refusal = _refused(paused, f"{EXECUTE} --exceptions {accepted}")
    assert "authority.two-people: no approval counts (approver: it was given under other rules" in refusal
    again = paused.run(f"{_asked_for(refusal)} --exceptions {accepted}", "approver")
    assert (again.code, "Set aside: exception of rds-parity.parameter-group for prod-mysql-* by Jane" in again.err) == (
        0,
        True,
    )
    assert _refused(paused, f"{EXECUTE} --exceptions {accepted}") == ""


def test_an_override_that_never_counts_is_not_approved(prod: Prod) -> None:
    prod.world.reset_mutations()
    for never in ("--override authority.two-people Jane 2099-01-07T18:00Z x", OVERRIDE.replace("2099", "2020")):
        ran = prod.run(f"approve --incident {INCIDENT} {never}", "approver")
        assert (ran.code, ran.out, prod.world.mutations()) == (4, "", []), ran.err
