"""What is said to who runs by other rules than the pinned ones, or with fewer people than the account asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_actions.authorization.clearance import Clearance, decide
from dr_actions.authorization.rules import EffectiveRules
from dr_estate.readers.control_table import RequiredPeople
from tests.dr_actions.authorization.test_rules import ALONE, GAP, OTHERS, pin
from tests.dr_actions.deciding import AS_OPERATOR, EARLIER, NOW, OPERATOR_ROLE_ID, PROD, approval, case
from tests.golden.recording import compare

OF_ONE = EffectiveRules.of(ALONE, (), "1.0")
OWN = pin(OF_ONE, userid=OPERATOR_ROLE_ID, arn=AS_OPERATOR)
TABLE = "prod-dr-control"
CASES: dict[str, dict[str, Any]] = {
    "the pinned rules": {"pins": (pin(),)},
    "an exception that is not pinned": {"rules": OTHERS, "pins": (pin(),)},
    "a pinned exception is missing": {"pins": (pin(OTHERS),)},
    "an exception that ends on another day": {
        "rules": OTHERS,
        "pins": (pin(EffectiveRules.of(PROD, (replace(GAP, until=GAP.until - timedelta(days=1)),), "1.0")),),
    },
    "one person where two are pinned": {"rules": OF_ONE, "pins": (pin(),)},
    "nobody pinned, approved under these": {"pins": ()},
    "nobody pinned, approved under others": {"approvals": (approval(rules="0" * 64),)},
    "nobody pinned, approved under none": {"approvals": (approval(rules=""),)},
    "the operator's own pin alone": {"rules": OF_ONE, "pins": (OWN,)},
    "the operator's own pin is newer": {"pins": (pin(OTHERS, at=EARLIER - timedelta(days=1)), OWN)},
    "the newest pin cannot be read": {"pins": (pin(), pin(digest="", at=NOW))},
    "the account asks for as many people": {"people": RequiredPeople(TABLE, 2, "2")},
    "the account asks for more people": {"people": RequiredPeople(TABLE, 3, "3")},
    "the account asks for a number that is none": {"people": RequiredPeople(TABLE, None, "two")},
    "the account asks for nothing": {"people": RequiredPeople(TABLE, 0, "")},
}


def test_what_is_said_to_other_rules_and_to_too_few_people_is_as_on_record() -> None:
    lines = []
    for name, changes in CASES.items():
        for people, env in ((2, PROD), (1, ALONE)):
            found = decide(case(**changes), env)
            refused = () if isinstance(found, Clearance) else found
            lines.append(f"\n{name}, {people} people by the environment file")
            lines += [f"    {refusal.rule}: {refusal.message}" for refusal in refused] or ["    cleared"]
    compare("rules.golden", lines)
