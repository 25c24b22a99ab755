"""Rules that an approver pinned: what they are compared with, whose pin counts, and what is never asked of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from dr_actions.authorization.rules import RULE, EffectiveRules, PinnedRules, differences, digest_of
from dr_checks.core.exceptions import ExceptionRule
from dr_estate.config.environment import Environment
from dr_estate.config.recovery_settings import AutomationSettings
from tests.dr_actions.deciding import (
    APPROVER,
    APPROVER_ID,
    AS_OPERATOR,
    EARLIER,
    NOW,
    OPERATOR_ROLE_ID,
    PROD,
    RULES,
    SIT,
    approval,
    override,
    refused,
)

GAP = ExceptionRule("prerequisites.control-table", "*", "operator", "it is fine", date(2099, 12, 31))
ALONE = PROD.model_copy(
    update={"approvals": PROD.approvals.model_copy(update={"people": 1}), "automation": AutomationSettings()}
)
OTHERS = EffectiveRules.of(PROD, (GAP,), "1.0")


def pin(rules: EffectiveRules = RULES, **changed: Any) -> PinnedRules:
    """What the approver pinned a moment ago."""
    plain = PinnedRules(APPROVER_ID, APPROVER, "approver", EARLIER, rules.digest, rules.environment, rules.exceptions)
    return replace(plain, **changed)


def test_the_pinned_rules_allow_a_run_and_others_are_named() -> None:
    assert {} == refused(pins=(pin(),))
    found = refused(pins=(pin(OTHERS),))
    assert "the pinned exception of prerequisites.control-table for * until 2099-12-31 is missing" in found[RULE]
    assert "is not pinned" in refused(rules=OTHERS, pins=(pin(),))[RULE]


def test_one_person_of_an_edited_file_is_refused_by_the_pinned_number() -> None:
    alone = EffectiveRules.of(ALONE, (), "1.0")
    message = refused(ALONE, rules=alone, pins=(pin(),))[RULE]
    assert "approvals.people is 1 (pinned: 2); automation.enabled is false (pinned: true)" in message


def test_the_newest_pin_of_another_person_counts() -> None:
    older = pin(OTHERS, at=EARLIER - timedelta(days=1))
    assert {} == refused(pins=(older, pin()))
    assert RULE in refused(pins=(replace(older, digest=RULES.digest), pin(OTHERS)))


@pytest.mark.parametrize(("userid", "arn"), [(OPERATOR_ROLE_ID, AS_OPERATOR), (OPERATOR_ROLE_ID, APPROVER)])
def test_a_pin_by_the_operator_under_whichever_name_counts_for_nothing(userid: str, arn: str) -> None:
    alone = EffectiveRules.of(ALONE, (), "1.0")
    own = pin(alone, userid=userid, arn=arn)
    assert "nobody but the operator pinned rules" in refused(ALONE, rules=alone, pins=(own,))[RULE]
    assert RULE in refused(ALONE, rules=alone, pins=(own, pin()))


def test_a_pin_that_cannot_be_read_holds_every_run() -> None:
    assert "cannot be read" in refused(pins=(pin(), pin(digest="", at=NOW)))[RULE]


def test_an_approval_counts_under_its_own_rules_alone() -> None:
    assert "it was given under other rules" in refused(approvals=(approval(rules="0" * 64),))["authority.two-people"]
    assert "it was given under none" in refused(approvals=(approval(rules=""),))["authority.two-people"]
    pinned = refused(approvals=(approval(rules=""),), pins=(pin(),))
    assert "it was given under none" in pinned["authority.two-people"], (
        "pinned rules are no approver's word of this plan"
    )


def test_no_override_sets_the_rules_aside() -> None:
    found = refused(overrides=(override(RULE),), pins=(pin(OTHERS),))
    assert RULE in found


@pytest.mark.parametrize("env", [SIT, PROD])
def test_how_long_is_looked_and_which_version_looks_are_no_rules(env: Environment) -> None:
    hasty = env.model_copy(update={"observation": env.observation.model_copy(update={"deadline_s": 1})})
    assert EffectiveRules.of(env, (), "1.0").digest == EffectiveRules.of(hasty, (), "2.0").digest
    assert EffectiveRules.of(env, (), "1.0").digest_with(()) != EffectiveRules.of(env, (), "2.0").digest_with(())


def test_an_override_changes_the_verdict_of_a_run_and_not_its_pins() -> None:
    assert len({RULES.digest_with(()), RULES.digest_with((override(),)), RULES.digest}) == len("abc")


def test_of_many_differences_the_first_five_are_named_and_the_rest_counted() -> None:
    pinned = pin(EffectiveRules({"same": 1}, (), "1.0"))
    seven, five = (EffectiveRules({"same": 1, **{f"key{n}": n for n in range(most)}}, (), "1.0") for most in (7, 5))
    named = [f"key{n} is {n} (pinned: not set)" for n in range(5)]
    assert differences(seven, pinned) == [*named, "2 more"]
    assert differences(five, pinned) == named


def test_settings_that_this_version_cannot_read_are_compared_as_they_stand() -> None:
    here, there = ({"new": {"deep": value, "same": 1}} for value in ("a", "é"))
    assert differences(EffectiveRules(here, (), "1.0"), pin(EffectiveRules(there, (), "1.0"))) == [
        'new.deep is "a" (pinned: "é")'
    ]
    emptied = EffectiveRules({"new": {}}, (), "1.0")
    assert differences(emptied, pin(emptied)) == []


def test_a_run_s_record_has_both_digests_the_version_and_the_rules() -> None:
    record = OTHERS.record_with((override(),))
    assert record == {
        "digest": OTHERS.digest_with((override(),)),
        "pinned": OTHERS.digest,
        "version": "1.0",
        "environment": OTHERS.environment,
        "exceptions": list(OTHERS.exceptions),
    }
    assert OTHERS.digest == digest_of(OTHERS.environment, OTHERS.exceptions)


def test_the_folder_of_a_terraform_module_is_a_rule_and_its_text_is_not(tmp_path: Path) -> None:
    def digest(folder: Path) -> str:
        provision = PROD.provision.model_copy(update={"folder": str(folder)})
        return EffectiveRules.of(PROD.model_copy(update={"provision": provision}), (), "1.0").digest

    before = digest(tmp_path)
    (tmp_path / "main.tf").write_text('resource "aws_db_instance" "gone" {}', encoding="utf-8")
    assert (digest(tmp_path) == before, digest(tmp_path / "other") == before) == (True, False)
