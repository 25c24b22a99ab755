"""Only the environment's own recovery document is started, in the DR region, and only where AWS may start runs."""

from __future__ import annotations

import pytest

from dr_actions.guard.automation_exemptions import SIGNAL, START, exempt
from dr_actions.guard.context import GuardContext
from dr_actions.model.plan import Call
from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import AutomationSettings
from tests.dr_actions.deciding import PROD, SIT

OWN = {"DocumentName": PROD.named(PROD.names.recovery_document)}
DR, PRIMARY = PROD.region(Side.DR), PROD.region(Side.PRIMARY)


def _call(name: str, region: str = DR, **params: str) -> Call:
    return Call("ssm", name.partition(":")[2], region, params)


@pytest.mark.parametrize(
    ("call", "passes"),
    [
        (_call(START, **OWN), True),
        (_call(START, DocumentName="AWS-RunShellScript"), False),
        (_call(START), False),
        (_call(START, PRIMARY, **OWN), False),
        (_call(SIGNAL, SignalType="Approve"), True),
        (_call(SIGNAL, SignalType="Reject"), True),
        (_call(SIGNAL, SignalType="StartStep"), False),
        (_call(SIGNAL), False),
        (_call("ssm:StopAutomationExecution", SignalType="Approve", **OWN), False),
    ],
)
def test_what_may_be_handed_to_systems_manager(call: Call, passes: bool) -> None:
    assert PROD.automation.enabled
    assert exempt(call, GuardContext(PROD)) is passes
    by_hand = PROD.model_copy(update={"automation": AutomationSettings()})
    assert not exempt(call, GuardContext(by_hand)), "where people run it themselves, nothing is started"


def test_where_one_person_may_recover_a_full_drill_starts_unapproved() -> None:
    assert exempt(_call(START, DocumentName=SIT.named(SIT.names.recovery_document)), GuardContext(SIT))
    assert not exempt(_call(SIGNAL, SignalType="Approve"), GuardContext(SIT))
