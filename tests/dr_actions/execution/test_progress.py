"""A step is given up when nothing of it moves for its budget, or when a person decides it; never for taking long."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dr_actions.execution import executor
from dr_actions.execution.executor import Batch, Outcome
from dr_actions.execution.progress import ProgressWatch
from dr_actions.execution.run import CONTRADICTIONS, FailureCause, PlanRun, StepFailed
from dr_actions.journal.entries import EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.model.action import Action, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Goal, Plan, Step
from dr_estate.config.environment import Side
from dr_estate.model.durations import duration
from dr_estate.model.recovery_names import TRIAL
from tests.dr_actions.control_tables import WORLD, Clock
from tests.dr_actions.hearing import RecordingListener
from tests.dr_actions.plain import SIT
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DRILL_CLEAN, NextStep
from utils.aws_mgmt.app.run_result import result_of, result_of_error

BUDGET_S, LOOK_S, HOUR_S = 600, 60, 3600
STEP = Step(
    *("files/restore_dr:sit-efs", 6, 41, "files/restore_dr", "sit-efs", "Backup Manager", Side.DR),
    *("Restore.", Danger.COMPENSABLE, "None.", BUDGET_S),
)
AGAIN = NextStep(DRILL_CLEAN, "goes on")
Shows = Callable[[float], StepStatus]


def _at_work(*progress: str) -> StepStatus:
    return StepStatus(StepState.IN_PROGRESS, "The restore job is RUNNING.", progress=progress)


def _by_percent(seconds: float) -> Shows:
    """A restore that is done after ``seconds``, and reports each whole percent of it."""

    def shows(age_s: float) -> StepStatus:
        if age_s >= seconds:
            return StepStatus(StepState.DONE, "It is restored.")
        return _at_work("RUNNING", str(int(100 * age_s / seconds)))

    return shows


@dataclass
class Wait:
    """One sent step that is looked at each minute of a clock moved by hand, by the executor's own rules."""

    folder: Path
    essential: bool = True
    impatient: bool = False
    started_by_aws: bool = False
    awaits_rest: bool = False
    incident: str = "INC-1"
    rto_ends_s: float | None = None
    paused_s: float | None = None
    outcome: Outcome = field(default_factory=Outcome)
    waited_s: float = 0.0
    published: list[str] = field(default_factory=list)
    reported: list[tuple[datetime | None, datetime | None]] = field(default_factory=list)

    @contextmanager
    def permitting(self, _context: object) -> Iterator[None]:
        yield

    def send(self, call: Call) -> None:
        self.published.append(f"{call.params['TopicArn']} {call.params['Message']}")

    def of(self, shows: Shows) -> float:
        """Seconds until the step is done or left; raises what the executor raises."""
        clock, self.listener = Clock(), RecordingListener(impatient=self.impatient)
        with Journal.open(self.folder, SIT.name, "INC-1", "run", clock.now, world=WORLD) as journal:
            plan = Plan(SIT.name, SIT.account, Goal.FAILOVER, "PRIMARY_LOST", (STEP,))
            ends = None if self.rto_ends_s is None else clock.now() + timedelta(seconds=self.rto_ends_s)
            known: dict[str, Any] = {"clock": clock, "listener": self.listener, "journal": journal, "plan": plan}
            known |= {"env": SIT, "client": self, "clearance": SimpleNamespace(incident=self.incident, rules="")}
            known |= {
                "started_by_aws": self.started_by_aws,
                "awaits_rest": self.awaits_rest,
                "guard_context": lambda _allowed: None,
            }
            known |= {
                "no_writes_since": None if self.paused_s is None else clock.now() - timedelta(seconds=self.paused_s),
                "report_writes": lambda *moments: self.reported.append(moments),
            }
            run = cast(PlanRun, SimpleNamespace(**known, rto_ends_at=ends, estimate_s=lambda _steps: 0.0, stop=None))
            run.endangers_rto = lambda step: PlanRun.endangers_rto(run, step)  # type: ignore[method-assign]
            action = cast(Action, SimpleNamespace(essential=self.essential))
            batch = Batch(action, {STEP.id: STEP}, 0.0, sent={STEP.id}, since={STEP.id: 0.0})
            while batch.open:
                self.waited_s = clock.monotonic()
                batch.excuse(0.0)
                executor._settle(run, batch, {STEP.id: shows(clock.monotonic())}, self.outcome)
                clock.move(seconds=LOOK_S if batch.open else 0)
            self.kinds = [entry.kind for entry in journal.entries]
        return clock.monotonic()


def test_a_restore_that_moves_is_waited_for_over_four_times_its_budget(tmp_path: Path) -> None:
    wait = Wait(tmp_path)
    assert wait.of(_by_percent(4 * BUDGET_S)) == 4 * BUDGET_S
    assert EntryKind.LATE not in wait.kinds
    overruns = [message for message in wait.listener.said if "its budget was 10 min" in message]
    assert len(overruns) == 3, "once for each budget that it overruns, and not at every look"


def test_a_restore_that_stands_still_is_given_up_and_reported_as_under_way(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="nothing moved within its 600 s: The restore job is RUNNING") as given_up:
        Wait(tmp_path).of(lambda _age_s: _at_work("RUNNING", "12"))
    assert given_up.value.cause is FailureCause.UNDER_WAY
    result = result_of_error(given_up.value, Outcome(), AGAIN)
    assert result is not None
    assert (result.outcome, result.exit) == ("under way", Exit.UNDER_WAY)
    assert "Nothing was taken back for that." in result.message


def _creating(seconds: float) -> Shows:
    """A restore by a point in time: RDS says nothing but `creating` until it is done."""
    works = StepStatus(StepState.IN_PROGRESS, "It is restored and creating.", progress=("creating",), works=True)
    return lambda age_s: works if age_s < seconds else StepStatus(StepState.DONE, "It is restored.")


@pytest.mark.parametrize("hours", [1.5, 3])
def test_creating_is_waited_for_while_the_objective_is_not_at_stake(tmp_path: Path, hours: float) -> None:
    wait = Wait(tmp_path, impatient=True, rto_ends_s=4 * HOUR_S)
    assert wait.of(_creating(hours * HOUR_S)) == hours * HOUR_S
    assert (wait.published, EntryKind.LATE in wait.kinds) == ([], False)
    assert any("nothing of it moves, and AWS works on it" in message for message in wait.listener.said)


def test_at_the_objective_people_are_asked_and_alarmed_and_the_run_waits(tmp_path: Path) -> None:
    wait = Wait(tmp_path, rto_ends_s=HOUR_S + 5 * LOOK_S)
    assert wait.of(_creating(2 * HOUR_S)) == 2 * HOUR_S
    questions = [message for message in wait.listener.said if "asks whether to give up" in message]
    assert f"has taken {duration(HOUR_S + 6 * LOOK_S)}" in questions[0], "at that moment, and not a budget later"
    assert len(questions) == len(wait.published) == 6
    assert all(SIT.named(SIT.names.topics[-1]) in message for message in wait.published)
    assert "The recovery time objective is at stake." in wait.published[0]
    with pytest.raises(StepFailed, match="given up by a person") as given_up:
        Wait(tmp_path / "hasty", impatient=True, rto_ends_s=0.0).of(_creating(2 * HOUR_S))
    assert given_up.value.cause is FailureCause.UNDER_WAY


def test_without_an_outage_people_are_asked_after_the_budget_and_it_waits(tmp_path: Path) -> None:
    wait = Wait(tmp_path)
    assert wait.of(_creating(2 * BUDGET_S)) == 2 * BUDGET_S
    assert len(wait.published) == 1
    assert "at stake" not in wait.published[0]


def test_a_run_of_aws_waits_on_for_whatever_was_seen_of_a_step(tmp_path: Path) -> None:
    wait = Wait(tmp_path, started_by_aws=True, rto_ends_s=4 * HOUR_S)
    assert wait.of(lambda age_s: _at_work("12") if age_s < HOUR_S else _by_percent(0)(age_s)) == HOUR_S
    assert len(wait.published) == 5, "people are told after each budget: nothing of AWS says that it ends by itself"


def test_a_run_of_aws_defers_what_blocks_nothing_and_ends_with_its_wait(tmp_path: Path) -> None:
    first = Wait(tmp_path, essential=False, started_by_aws=True, rto_ends_s=4 * HOUR_S)
    first.of(lambda _age_s: _at_work("12"))
    assert (first.waited_s, first.outcome.left) == (BUDGET_S + LOOK_S, {STEP.id})
    rest = Wait(tmp_path / "rest", essential=False, started_by_aws=True, awaits_rest=True, rto_ends_s=4 * HOUR_S)
    assert rest.of(lambda age_s: _at_work("12") if age_s < HOUR_S else _by_percent(0)(age_s)) == HOUR_S
    assert (rest.outcome.under_way, result_of(rest.outcome, True, AGAIN).exit) == ([], Exit.READY)


STANDING = [
    StepStatus(StepState.READY, "prod-mysql does not take writes yet."),
    StepStatus(StepState.IN_PROGRESS, "no name server answered."),
    StepStatus(StepState.UNAVAILABLE, "RDS could not be seen."),
]


@pytest.mark.parametrize("stands", STANDING, ids=["without effect", "unreported", "unseen"])
def test_inside_a_write_pause_no_budget_ends_a_run_and_people_are_notified(tmp_path: Path, stands: StepStatus) -> None:
    wait = Wait(tmp_path, impatient=True, paused_s=HOUR_S)
    assert wait.of(lambda age_s: stands if age_s < 3 * HOUR_S else _by_percent(0)(age_s)) == 3 * HOUR_S
    assert not {EntryKind.LATE, EntryKind.FAILED} & set(wait.kinds)
    assert len(wait.published) == 3 * HOUR_S // BUDGET_S - 1, "once for each budget that it overruns"
    assert len({json.loads(message.partition(" ")[2])["event"] for message in wait.published}) == len(wait.published)
    assert all("OUTAGE: nobody can write since" in message and stands.message in message for message in wait.published)
    assert all(SIT.named(SIT.names.topics[-1]) in message for message in wait.published)
    assert {until - since for since, until in wait.reported if since and until} >= {timedelta(seconds=HOUR_S + 1260)}
    assert [] == [message for message in wait.listener.said if "asks whether to give up" in message]
    assert math.inf in wait.listener.limits_s, "a countdown would promise an end that does not come"


def test_in_a_write_pause_what_blocks_nothing_is_deferred_after_its_budget(tmp_path: Path) -> None:
    wait = Wait(tmp_path, essential=False, paused_s=HOUR_S)
    wait.of(lambda _age_s: _at_work("12"))
    assert (wait.waited_s, wait.outcome.left) == (BUDGET_S + LOOK_S, {STEP.id})


def test_a_restore_of_a_trial_ends_after_the_objective_without_an_alarm(tmp_path: Path) -> None:
    wait = Wait(tmp_path, incident=f"{TRIAL}20260101-120000")
    with pytest.raises(StepFailed, match="nothing moved") as given_up:
        wait.of(_creating(9 * HOUR_S))
    assert given_up.value.cause is FailureCause.UNDER_WAY
    assert (wait.waited_s, wait.published) == (SIT.objectives.rto_minutes * 60 + LOOK_S, [])


def test_a_restore_that_stands_still_ends_after_its_budget(tmp_path: Path) -> None:
    stuck = Wait(tmp_path)
    with pytest.raises(StepFailed, match="nothing moved for 11 min"):
        stuck.of(lambda age_s: _by_percent(4 * BUDGET_S)(min(age_s, 2 * BUDGET_S)))
    assert "waits" in stuck.listener.said[-1]


def test_a_state_that_goes_back_and_forth_stands_still(tmp_path: Path) -> None:
    flapping = Wait(tmp_path)
    with pytest.raises(StepFailed):
        flapping.of(lambda age_s: _at_work("running" if age_s // LOOK_S % 2 else "pending"))


def test_what_cannot_be_seen_is_no_movement_and_is_reported_as_unavailable(tmp_path: Path) -> None:
    dark = StepStatus(StepState.UNAVAILABLE, "AWS Backup could not be seen.")
    with pytest.raises(StepFailed, match="not seen within its 600 s") as unseen:
        Wait(tmp_path).of(lambda _age_s: dark)
    assert unseen.value.cause is FailureCause.UNAVAILABLE


def test_a_step_on_which_aws_reports_nothing_is_late(tmp_path: Path) -> None:
    with pytest.raises(StepFailed) as late:
        Wait(tmp_path).of(lambda _age_s: StepStatus(StepState.IN_PROGRESS, "no name server answered."))
    assert late.value.cause is FailureCause.LATE


def test_a_step_that_is_not_essential_is_left_under_way_and_no_failure(tmp_path: Path) -> None:
    wait = Wait(tmp_path, essential=False)
    wait.of(lambda _age_s: _at_work("RUNNING"))
    assert (len(wait.outcome.under_way), wait.outcome.degraded, wait.kinds) == (1, [], [EntryKind.LATE])
    assert result_of(wait.outcome, True, AGAIN).exit is Exit.UNDER_WAY


def test_once_the_objective_is_at_stake_a_person_may_give_up_the_wait(tmp_path: Path) -> None:
    patient = Wait(tmp_path, rto_ends_s=0.0)
    assert patient.of(_by_percent(2 * BUDGET_S)) == 2 * BUDGET_S, "nobody said so: the run goes on"
    assert any("asks whether to give up" in message for message in patient.listener.said)
    calm = Wait(tmp_path / "calm", impatient=True, rto_ends_s=100 * BUDGET_S)
    assert calm.of(_by_percent(2 * BUDGET_S)) == 2 * BUDGET_S, "nothing is at stake: nobody is asked"
    with pytest.raises(StepFailed, match="given up by a person after 11 min") as given_up:
        Wait(tmp_path / "hasty", impatient=True, rto_ends_s=0.0).of(_by_percent(2 * BUDGET_S))
    assert given_up.value.cause is FailureCause.UNDER_WAY


def _taken_back(after_s: float, until_s: float = float("inf")) -> Shows:
    """A restore that somebody deletes after ``after_s``; what is listed is complete again at ``until_s``."""
    absent = StepStatus(StepState.READY, "sit-efs is absent and can be restored.")

    def shows(age_s: float) -> StepStatus:
        return absent if age_s == 0 or after_s <= age_s < until_s else _by_percent(4 * BUDGET_S)(age_s)

    return shows


def test_a_resource_deleted_while_it_is_made_ends_the_wait_with_a_message(tmp_path: Path) -> None:
    wait = Wait(tmp_path)
    with pytest.raises(StepFailed) as failed:
        wait.of(_taken_back(5 * LOOK_S))
    assert failed.value.cause is FailureCause.DRIFTED
    assert "its call had taken effect (The restore job is RUNNING.), and that is gone" in str(failed.value)
    assert "sit-efs is absent and can be restored" in str(failed.value)
    assert wait.waited_s - 5 * LOOK_S < BUDGET_S / 2, "what is gone does not come back by waiting"
    assert [message for message in wait.listener.said if "it moves" in message] == []


def test_a_gate_that_finds_the_world_changed_takes_nothing_back(tmp_path: Path) -> None:
    """Two writers: who leads the other zones of the stage back leads their visitors to the second one."""
    opened = StepStatus(StepState.DRIFTED, "gate.writers: the DR region can take writes again.", gate=True)
    with pytest.raises(StepFailed) as failed:
        Wait(tmp_path).of(lambda _age_s: opened)
    assert failed.value.cause is FailureCause.HALTED
    assert failed.value.cause not in CONTRADICTIONS
    assert str(failed.value).endswith(opened.message), "what the step itself changed is as the plan wants it"


def test_one_list_that_lacks_what_is_being_made_is_no_deletion(tmp_path: Path) -> None:
    assert Wait(tmp_path).of(_taken_back(5 * LOOK_S, until_s=7 * LOOK_S)) == 4 * BUDGET_S


def test_a_call_whose_effect_does_not_show_yet_is_waited_for(tmp_path: Path) -> None:
    absent = StepStatus(StepState.READY, "sit-efs is absent and can be restored.")
    with pytest.raises(StepFailed) as late:
        Wait(tmp_path).of(lambda _age_s: absent)
    assert late.value.cause is FailureCause.LATE


def test_a_wait_for_a_list_that_lags_saw_no_effect_that_could_be_gone(tmp_path: Path) -> None:
    """ListSecrets lags for minutes: of a promoted replica the step waits, and then finds it as it was (T64)."""
    waits = StepStatus(StepState.IN_PROGRESS, "db was made a secret of its own; ListSecrets does not show it yet.")
    before = StepStatus(StepState.READY, "db is a replica of af-south-1's.")
    with pytest.raises(StepFailed) as late:
        Wait(tmp_path).of(lambda age_s: waits if 0 < age_s < 5 * LOOK_S else before)
    assert late.value.cause is FailureCause.LATE
    assert "had taken effect" not in str(late.value)


def test_a_pause_in_which_nobody_could_look_counts_for_nothing() -> None:
    watch = ProgressWatch()
    watch.observe("step", _at_work("1"), 0.0)
    watch.observe("step", _at_work("2"), 10.0)
    watch.shift(100.0)
    assert watch.still_s("step", 0.0, 115.0) == 5.0
    assert watch.still_s("another", 3.0, 5.0) == 2.0
