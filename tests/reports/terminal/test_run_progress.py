"""What is left of a run is estimated, and a step that takes long is waited for where nobody can be asked."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dr_actions.model.plan import Call, Goal, Plan
from dr_estate.aws.read_client import Credentials
from reports.terminal.manual_step import ManualStepWriter
from reports.terminal.run_progress import RunProgress
from tests.dr_actions.deciding import step
from tests.dr_actions.plain import SIT

CALL = Call("route53", "ChangeResourceRecordSets", "us-east-1", {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": []}})


def test_the_time_that_is_left_is_the_estimate_of_the_steps_to_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = step("a"), step("b", 99)
    plan = Plan("sit", SIT.account, Goal.FAILOVER, "NORMAL", (first, second))
    progress = RunProgress(plan, False, ManualStepWriter(tmp_path, Credentials()), None, lambda left: 60.0 * len(left))
    progress.begins([first])
    progress.done(first, "done")
    progress.begins([second])
    output = capsys.readouterr().err
    assert "about 2 min to go" in output
    assert "about 1 min to go" in output


def test_the_runs_age_and_the_outages_are_seconds_of_the_world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan("sit", SIT.account, Goal.FAILOVER, "NORMAL", (step("a"),))
    by_hand = ManualStepWriter(tmp_path, Credentials())
    RunProgress(plan, False, by_hand, 3600.0, elapsed_s=lambda: 600.0).begins([step("a")])
    assert "outage 1 h 10 min, run 10 min" in capsys.readouterr().err


def test_a_change_by_hand_is_shown_with_its_command_before_its_time_and_again_when_it_is_due(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ahead = step("ahead", 35, "notifications/manual_step", id="notifications/manual_step.ahead:10.dr")
    shift = step("zone", 50, "traffic/shift_to_primary", id="traffic/shift_to_primary:10", call=CALL, manual=True)
    plan = Plan("sit", SIT.account, Goal.FAILBACK, "ON_DR", (ahead, shift))
    progress = RunProgress(plan, False, ManualStepWriter(tmp_path, Credentials()))
    progress.begins([ahead])
    shown = capsys.readouterr().err
    assert "CHECK IT NOW, RUN IT WHEN THE RUN ASKS" in shown
    assert "aws route53 change-resource-record-sets" in shown
    progress.begins([shift])
    assert "CHECK IT NOW" not in capsys.readouterr().err
    progress.by_hand(shift)
    assert "BY HAND" in (due := capsys.readouterr().err)
    assert shown.splitlines()[-1] == due.splitlines()[-1]
    progress.by_hand(shift, "The records could not be read.")
    unread = capsys.readouterr().err.splitlines()
    assert unread[-1] == due.splitlines()[-1]
    assert unread[1:3] == [
        "The records could not be read.",
        f"aws route53 list-resource-record-sets --region us-east-1 --hosted-zone-id {CALL.params['HostedZoneId']}",
    ]


def test_without_a_terminal_a_slow_step_is_waited_for_and_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan("sit", SIT.account, Goal.FAILOVER, "NORMAL", (step("a"),))
    progress = RunProgress(plan, False, ManualStepWriter(tmp_path, Credentials()))
    assert progress.gives_up(step("a"), "it takes long.", threading.Event()) is False
    output = capsys.readouterr().err
    assert "it takes long." in output
    assert "The run goes on waiting." in output


def test_steps_are_numbered_by_their_place_and_those_alike_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *alike = step("a"), step("b.1"), step("b.2"), step("b.3")
    plan = Plan("sit", SIT.account, Goal.FAILOVER, "NORMAL", (first, *alike))
    progress = RunProgress(plan, False, ManualStepWriter(tmp_path, Credentials()))
    progress.begins([first])
    progress.done(first, "so it is")
    progress.begins(alike)
    for alike_step in alike:
        progress.done(alike_step, "so it is")
    begun, done, begun_alike, done_alike = capsys.readouterr().err.splitlines()
    assert begun.startswith("step 1 of 4 a runs 2 healthy tasks.")
    assert done == "  done compute/scale_dr_services:a: so it is"
    assert begun_alike.startswith("steps 2 to 4 of 4 b.1 runs 2 healthy tasks. (and 2 alike)")
    assert done_alike == "  done compute/scale_dr_services: 3 of 3"
