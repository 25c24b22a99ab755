"""Executes a plan batch by batch: observes, confirms, records, sends, observes. A run can end anywhere and resume.

For each batch (one action of one stage) the state is observed again and again until every step is as wanted. What is as
wanted already is recorded and not done again; what is neither as before nor as wanted is not touched (T43); what is as
it was when the plan was made is sent once, between two records. A step is given up when nothing of it moved for its
budget, unless AWS says that it works on it (``is_awaited``) or nobody can write meanwhile (``write_pause_watch``), or
when a person ends the wait; what AWS still works on is left in place, and is not reported as failed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from dr_actions.actions.notifications import step_takes_long
from dr_actions.actions.registry import actions
from dr_actions.execution import lost_effects, rollback, sender, sick_primary, write_pause_watch
from dr_actions.execution.progress import ProgressWatch
from dr_actions.execution.rollback import RollbackResult
from dr_actions.execution.run import OVERDUE, FailureCause, ManualPending, PlanRun, ReadFailed, StepFailed
from dr_actions.execution.write_pause_watch import raise_alarm
from dr_actions.journal.entries import EntryKind, RecordedState, of_last_plan, step_back, wait_data
from dr_actions.journal.point_of_no_return import last_reversible_step
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import SendFailed, Step, batches
from dr_actions.model.sequence import Role, role_of
from dr_estate.model.durations import duration
from dr_estate.model.recovery_names import is_trial
from dr_estate.model.unavailable import DataUnavailable

# A step that AWS works on for long ends no run: people are asked and alarmed once the RTO is at stake.
#
# A restore to a point in time is `creating` for up to a few hours, without any other sign of life (T78). Where a run
# ends for that, another has to be ordered, and in PROD approved, while AWS goes on with the same work. A trial is given
# up after the objective: that its restore takes longer is what it is to find.

_MINUTE_S = 60


def is_awaited(run: PlanRun, action: Action, how: StepStatus, still_s: float) -> bool:
    """Whether a step that stood still for ``still_s`` is waited for on.

    So it is where AWS's own word says that it works, and in a run of AWS also where anything of the step was seen:
    there nobody goes on by the same command without another approval. What is not essential holds nothing up: it is
    waited for when all else is done (``executor.await_rest``). While nobody can write, every essential step is.
    """
    if write_pause_watch.is_waited_on(run, action):
        return True
    if how.state is not StepState.IN_PROGRESS or not (action.essential or run.awaits_rest):
        return False
    if is_trial(run.clearance.incident):
        return how.works and still_s <= run.env.objectives.rto_minutes * _MINUTE_S
    return how.works or (run.started_by_aws and bool(how.progress))


def motion(how: StepStatus, stands: bool) -> str:
    """Say whether a step that takes long moves."""
    if how.state is StepState.UNAVAILABLE:
        return "it cannot be seen"
    if not stands:
        return "it moves"
    works = how.works or (how.state is StepState.IN_PROGRESS and how.progress)
    return f"nothing of it moves{', and AWS works on it' if works else ''}"


_WAITS = "The run looks, and goes on by itself when the change is there. Ctrl-C stops it; it can be resumed."


@dataclass
class Outcome:
    """How a run ended. ``degraded`` steps failed without ending it; ``undone`` is what became of taking steps back.

    ``under_way`` are steps that AWS works on still and the run did not wait for any longer, ``left`` the ids of all
    that ever were. ``unfenced`` is why the old primary was not stopped, "" where it was; ``unseen`` are steps without a
    call whose effect was not seen in its time.
    """

    finished: bool = False
    degraded: list[str] = field(default_factory=list)
    under_way: list[str] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    unseen: list[str] = field(default_factory=list)
    owed: list[str] = field(default_factory=list)
    unfenced: str = ""
    undone: list[RollbackResult] = field(default_factory=list)
    trouble: str = ""


@dataclass
class Batch:
    """The open steps of one batch, those whose call was sent already, and since when the batch is at work.

    ``awaited`` are manual steps, requested and not seen done; ``since`` is when a step was sent or, a manual step,
    requested, or else seen done. ``watch`` knows what moves, ``overruns`` how often each step was reported to take
    longer than its budget, ``questioned`` of which people were asked then. Moments are seconds of the world's monotonic
    clock.
    """

    action: Action
    open: dict[str, Step]
    began_s: float
    sent: set[str] = field(default_factory=set)
    awaited: set[str] = field(default_factory=set)
    since: dict[str, float] = field(default_factory=dict)
    watch: ProgressWatch = field(default_factory=ProgressWatch)
    overruns: dict[str, int] = field(default_factory=dict)
    questioned: set[str] = field(default_factory=set)
    lost_s: float = 0.0

    def excuse(self, lost_s: float) -> None:
        """Let no step be late for the time in which there were no credentials: ``lost_s`` is the run's so far."""
        away_s = lost_s - self.lost_s
        self.began_s, self.lost_s = self.began_s + away_s, lost_s
        self.since = {step_id: moment_s + away_s for step_id, moment_s in self.since.items()}
        self.watch.shift(away_s)


def execute(run: PlanRun, steps: Sequence[Step], outcome: Outcome) -> None:
    """Execute ``steps`` in order, and record in ``outcome`` what became of them.

    Raises StepFailed (after compensation), ManualPending, RunStopped (the operator's Ctrl-C), and what ``run`` raises
    when the lock is lost. Everything is in the journal then, and the same command resumes from there.
    """
    # A database that somebody deleted since is found before any later step is taken upon it.
    lost_effects.require_database(lost_effects.reopen(run, steps))
    for steps_at_once in batches(steps):
        try:
            # Before the batch: what serves visitors must not begin while the old primary may still write (T41).
            outcome.unfenced = sick_primary.weigh_fence(run, steps_at_once[0]) or outcome.unfenced
            # Before its first call: a run that dies within the batch has left the note on record.
            _note_point_of_no_return(run, steps_at_once)
            _run_batch(run, actions()[steps_at_once[0].action], steps_at_once, outcome)
        except ManualPending:  # a person's missing change contradicts nothing that was done: no rollback
            raise
        except StepFailed as failed:
            failed.add(lost_effects.reopen(run, steps).message)
            outcome.trouble = str(failed)
            # On record before anything is taken back: a run that dies here must not go on as if all was well.
            run.journal.append(_kind(failed.cause), failed.step, says=str(failed))
            outcome.undone += rollback.roll_back(run, steps_at_once, failed)
            raise
    outcome.finished = True


def await_rest(run: PlanRun, outcome: Outcome) -> None:
    """Wait for what AWS worked on still when the run went on without it. Raises what ``execute`` raises."""
    run.awaits_rest, outcome.under_way = True, []
    execute(run, [step for step in run.plan.steps if step.id in outcome.left], outcome)


def _note_point_of_no_return(run: PlanRun, steps: Sequence[Step]) -> None:
    """Notify the operator, and record, that a failback can no longer be aborted from here on."""
    last, regions = last_reversible_step(run.plan), run.env.regions
    if last not in steps or last is None or run.journal.state_of(last.id) is not RecordedState.NONE:
        return
    message = f"Point of no return: from {last.id} on {regions.primary} is to write, and no abort leads back."
    run.journal.append(EntryKind.NOTE, says=message)
    run.listener.note(message)


def _run_batch(run: PlanRun, action: Action, steps: Sequence[Step], outcome: Outcome) -> None:
    not_done = {step.id: step for step in steps if run.journal.state_of(step.id) is not RecordedState.DONE}
    batch = Batch(action, not_done, run.clock.monotonic(), lost_s=run.sign_in.lost_s)
    if not batch.open:
        return
    run.stop_if_asked()
    run.listener.begins(list(batch.open.values()))
    if not action.observable:
        _send_message(run, batch, outcome)
        return
    while True:
        # Look, settle, then send: what is done already is never sent again (T43).
        context, statuses = _observe(run, batch)
        batch.excuse(run.sign_in.lost_s)
        if context is not None:
            # Before _settle: what is DONE at its first look leaves the batch there, and later steps ask when it began.
            _record_beginnings(run, batch, statuses, context)
        _settle(run, batch, statuses, outcome)
        ready = [s for s in batch.open.values() if statuses[s.id].state is StepState.READY and s.id not in batch.sent]
        if context is not None:
            # Before the calls leave: others must hear of a pause even if this process dies while it sends.
            write_pause_watch.report(run, context)
            _send(run, batch, [step for step in ready if not step.manual], context, outcome)
        for step in ready:
            if step.manual and step.id not in batch.awaited:
                batch.awaited.add(step.id)
                batch.since[step.id] = run.clock.monotonic()
                shown, unread = shown_call(batch.action, step, context)
                # within a write pause no wait ends the run: a countdown would promise an end that does not come
                limit_s = sick_primary.by_hand_limit_s(run, step) if run.no_writes_since is None else None
                run.journal.append(EntryKind.MANUAL_WAIT, step.id, **wait_data(step, shown, limit_s))
                run.listener.by_hand(shown, unread)
                write_pause_watch.notify(run, shown)
                if unread:
                    run.journal.append(EntryKind.NOTE, step.id, says=unread)
                run.listener.note(_WAITS)
        if not batch.open:
            return
        run.wait()
        _stop_if_paused(run, batch)


def _stop_if_paused(run: PlanRun, batch: Batch) -> None:
    """Raise StepFailed where all runs were stopped while a person is waited for: the next call may be hours away."""
    if step := next((step for step in batch.open.values() if step.id in batch.awaited), None):
        with suppress(SendFailed):  # a table that is silent pauses nothing: the heartbeat weighs how long it may be
            run.stop_if_paused(step.id)


def _send_message(run: PlanRun, batch: Batch, outcome: Outcome) -> None:
    """Send what nothing shows afterwards, a message: the record decides whether it left, and "sent" counts as done."""
    unsent = [step for step in batch.open.values() if not _was_sent(run, step)]
    try:
        context = run.context(batch.action, sick_primary.sides_of(run.plan, batch.action.name))
    except ReadFailed:
        context = run.context_with(frozenset())  # a message says what was seen last (T40)
    _send(run, batch, unsent, context, outcome)
    for step in batch.open.values():
        _confirm(run, step, StepStatus(StepState.DONE, "sent"))


def _was_sent(run: PlanRun, step: Step) -> bool:
    """Whether this plan's record says that the call was sent: one without a visible effect is not sent twice."""
    own = (entry for entry in of_last_plan(run.journal.entries) if entry.step == step.id)
    outcomes = [entry for entry in own if entry.kind is EntryKind.OUTCOME]
    return bool(outcomes) and outcomes[-1].data.get("result") == "sent"


def _observe(run: PlanRun, batch: Batch) -> tuple[PlanContext | None, dict[str, StepStatus]]:
    """How each open step stands now; where nobody can look at all, each is UNAVAILABLE."""
    try:
        context = run.context(batch.action, sick_primary.sides_of(run.plan, batch.action.name))
    except ReadFailed as error:
        return None, {step_id: StepStatus(StepState.UNAVAILABLE, str(error)) for step_id in batch.open}
    return context, {step.id: batch.action.observe(step, context) for step in batch.open.values()}


def _record_beginnings(run: PlanRun, batch: Batch, statuses: dict[str, StepStatus], context: PlanContext) -> None:
    """Record when a step that is under way or done began, where no record has it.

    ``PlanContext.sent_at`` gives that time to later steps. A manual step begins when it is seen; so does a step whose
    call was sent and whose answer was lost, or never recorded, and a change of traffic that somebody else made.
    """
    for step in batch.open.values():
        how = statuses[step.id]
        if how.state not in (StepState.IN_PROGRESS, StepState.DONE) or step.id in context.sent_at:
            continue
        if step.manual and how.state is StepState.IN_PROGRESS:
            batch.awaited.discard(step.id)
            batch.since[step.id] = run.clock.monotonic()
            run.journal.append(EntryKind.MANUAL_DONE, step.id, says=how.message)
        elif not step.manual and (run.journal.state_of(step.id) is RecordedState.INTENDED or _is_led(run, step, how)):
            run.journal.append(EntryKind.LOOKED, step.id, says=f"it took effect: {how.message}", took_effect=True)


def _is_led(run: PlanRun, step: Step, how: StepStatus) -> bool:
    """Whether visitors are led as the step leads them, and that is to be watched from now on."""
    return how.state is StepState.IN_PROGRESS and role_of(run.plan.goal, step.id) is Role.TRAFFIC


def _settle(run: PlanRun, batch: Batch, statuses: dict[str, StepStatus], outcome: Outcome) -> None:
    """Record what is done, fail what cannot be done or stands still, and report the rest."""
    for step in tuple(batch.open.values()):
        how, now_s = statuses[step.id], run.clock.monotonic()
        batch.watch.observe(step.id, how, now_s)
        # READY after it was seen at work means taken back; lists of AWS may lack it for some looks, so not at once.
        if step.id in batch.sent:
            how = batch.watch.without_effect(step.id, how, now_s)
        if how.state is StepState.DONE:
            if step.id in batch.awaited:
                run.journal.append(EntryKind.MANUAL_DONE, step.id, says=how.message)
            _confirm(run, step, how)
        elif how.state is StepState.DRIFTED:
            # What changed; a gate's message states itself who changed it.
            drift = how.message if how.gate else f"{how.message} (the world changed since the plan was made, T43)"
            _fail(run, batch.action, step.id, drift, outcome, _cause(how))
        elif how.state is StepState.FAILED:
            if how.reversing_call is not None:
                run.journal.append(EntryKind.NOTE, step.id, says=step.undo, params=dict(how.reversing_call.params))
                run.listener.by_hand(step_back(step, how.reversing_call))
            cause = FailureCause.GATE if how.gate else FailureCause.FAILED
            _fail(run, batch.action, step.id, how.message, outcome, cause)
        elif not (reason := _reason_to_give_up(run, batch, step, how, now_s)):
            continue
        elif step.id in batch.awaited and not sick_primary.may_be_owed(run, step):
            raise ManualPending(step.id, f"{step.id} was not done by hand in time: {step.says}")
        else:
            _fail(run, batch.action, step.id, reason, outcome, _cause(how), owed=step.id in batch.awaited)
        del batch.open[step.id]


def _reason_to_give_up(run: PlanRun, batch: Batch, step: Step, how: StepStatus, now_s: float) -> str:
    """Why a step is given up: it stands still, or a person decides so; "" while it is waited for."""
    since_s = batch.since.get(step.id, batch.began_s)
    age_s, tried = now_s - since_s, sick_primary.is_tried(run.plan, step)
    limit_s = _limit_s(run, batch, step, age_s)
    # A step on a sick primary, or by hand, is limited by its age: neither shows progress that could be trusted.
    still_s = age_s if tried or step.id in batch.awaited else batch.watch.still_s(step.id, since_s, now_s)
    # a step that is ready and was not sent yet: the look that finds it so may have taken long
    stands = still_s > limit_s and not (how.state is StepState.READY and step.id not in batch.sent | batch.awaited)
    if stands and (tried or not is_awaited(run, batch.action, how, still_s)):
        what = "not seen" if how.state is StepState.UNAVAILABLE else "nothing moved"
        moved = batch.watch.has_moved(step.id) and not tried
        within = f"for {duration(still_s)}" if moved else f"within its {max(0, limit_s):.0f} s"
        return f"{what} {within}: {how.message}"
    paused = write_pause_watch.is_waited_on(run, batch.action)
    run.listener.waits(step, age_s, math.inf if paused else age_s - still_s + limit_s, how.message)
    if not stands and (age_s <= limit_s or not batch.watch.has_moved(step.id)):
        return ""
    unbounded = run.rto_ends_at is None or not how.works
    at_stake, overruns = run.endangers_rto(step) or (stands and unbounded), batch.overruns.get(step.id, 0)
    if age_s <= limit_s * (1 + overruns) and (step.id in batch.questioned or not at_stake):
        return ""
    # One report for each whole budget that is over, however many looks fell into it.
    batch.overruns[step.id] = int(age_s // limit_s)
    goes_on = motion(how, stands)
    message = f"{step.id} has taken {duration(age_s)}, its budget was {duration(limit_s)}, and {goes_on}: {how.message}"
    if paused:
        if _is_next_of_batch(batch, step):
            write_pause_watch.notify_late(run, step, batch.overruns[step.id], message)
        batch.questioned.add(step.id)
    if paused or not at_stake:
        run.journal.append(EntryKind.NOTE, step.id, says=message)  # who watches a run of AWS sees its record alone
        run.listener.note(f"{message} {_WAITS}")
    elif _ask(run, batch, step, message):
        return f"given up by a person after {duration(age_s)}: {how.message}"
    return ""


def _ask(run: PlanRun, batch: Batch, step: Step, message: str) -> bool:
    """Alarm the critical topic, once for a batch, and ask who sits here whether to wait no longer."""
    if run.rto_ends_at is not None:
        message = f"{message} The recovery time objective is at stake."
    incident = run.clearance.incident
    if _is_next_of_batch(batch, step) and not is_trial(incident):
        number = batch.overruns[step.id]
        raise_alarm(run, step_takes_long(run.env, incident, step.id, number, message, run.journal.run), message)
    batch.questioned.add(step.id)
    return run.listener.gives_up(step, message, run.stop)


def _is_next_of_batch(batch: Batch, step: Step) -> bool:
    """Whether no other step of the batch was reported as often: people are notified once for all of them."""
    return batch.overruns[step.id] > max((batch.overruns[other] for other in batch.questioned - {step.id}), default=0)


def _cause(how: StepStatus) -> FailureCause:
    """Why a step is not done: what AWS itself reports on is under way still.

    Where a gate finds something else changed nothing speaks against what the steps of the batch did.
    """
    if how.state is StepState.DRIFTED:
        return FailureCause.HALTED if how.gate else FailureCause.DRIFTED
    if how.state is StepState.UNAVAILABLE:
        return FailureCause.UNAVAILABLE
    seen = (how.progress or how.works) and how.state is StepState.IN_PROGRESS
    return FailureCause.UNDER_WAY if seen else FailureCause.LATE


def _limit_s(run: PlanRun, batch: Batch, step: Step, age_s: float) -> float:
    if step.id in batch.awaited and run.no_writes_since is not None:
        return math.inf  # who leaves now leaves everybody without writes
    if step.id in batch.awaited:
        return sick_primary.by_hand_limit_s(run, step)
    return sick_primary.limit_s(run, step, age_s)


def _send(run: PlanRun, batch: Batch, steps: list[Step], context: PlanContext, outcome: Outcome) -> None:
    """Send the calls of ``steps``; what was refused fails and leaves the batch."""
    if not steps:
        return
    # Marked before the calls leave: this loop never sends a step twice, the sender repeats only what had no effect.
    batch.sent |= {step.id for step in steps}
    began_s, paced_s = run.clock.monotonic(), run.paced_s
    batch.since |= {step.id: began_s for step in steps}
    refusals = sender.send_all(run, batch.action, steps, context)
    batch.since |= {step.id: began_s + run.paced_s - paced_s for step in steps}  # no step is late for AWS's rates
    for step_id, refused in refusals.items():
        owed = refused.cause is FailureCause.LATE and sick_primary.is_led_by_health(run, batch.open[step_id])
        _fail(run, batch.action, step_id, refused.reason, outcome, refused.cause, owed)
        del batch.open[step_id]


def _confirm(run: PlanRun, step: Step, status: StepStatus) -> None:
    run.journal.append(EntryKind.CONFIRMED, step.id, says=status.message, facts=dict(status.evidence))
    run.listener.done(step, status.message)


def _fail(
    run: PlanRun,
    action: Action,
    step_id: str,
    reason: str,
    outcome: Outcome,
    cause: FailureCause = FailureCause.FAILED,
    owed: bool = False,
) -> None:
    """Raise StepFailed for an essential step; record and report another step's failure, which leaves the run degraded.

    Not so where a failover only tried what the primary region had to do, or where a step only observes and saw nothing.
    A change that us-east-1 does not take is ``owed`` where visitors are in the DR region already.
    """
    step = run.plan.step(step_id)
    tried = sick_primary.is_tried(run.plan, step)
    if action.essential and not (tried or owed):
        raise StepFailed(step_id, f"{step_id}: {reason}", cause)
    if owed:
        reason = f"{reason.rstrip('.')}. Until it is done, visitors reach {run.env.regions.dr} by health alone (T05)."
    run.journal.append(_kind(cause), step_id, says=reason)
    if owed:
        outcome.owed.append(f"{step_id}: {reason}")
        run.listener.note(f"Owed, the run goes on without it: {step_id}: {reason}")
        return
    if cause is FailureCause.UNDER_WAY:
        outcome.under_way.append(f"{step_id}: {reason}")
        outcome.left.add(step_id)
        run.listener.note(f"Still under way, the run goes on without it: {step_id}: {reason}")
        return
    # A step without a call only looks: nothing was left undone, so the run is not degraded.
    if step.call is None and cause is FailureCause.UNAVAILABLE:
        outcome.unseen.append(f"{step_id}: {reason}")
    elif not tried:
        outcome.degraded.append(f"{step_id}: {reason}")
    run.listener.degraded(step_id, reason)


def _kind(cause: FailureCause) -> EntryKind:
    return EntryKind.LATE if cause in OVERDUE else EntryKind.FAILED


def shown_call(action: Action, step: Step, context: PlanContext | None) -> tuple[Step, str]:
    """The step with the call that would be sent now, for a person makes that one; and what to say of it, "" nothing.

    Where the world cannot be read at that moment the call is the planned one, and a person has to compare it.
    """
    if step.call is None or context is None:
        return step, ""
    try:
        return replace(step, call=action.build_call(step, context)), ""
    except DataUnavailable as error:
        reason = f"This is the change as planned, for what it changes could not be read: {error.unavailable.why}"
        return step, f"{reason} Compare targets, weights and health checks with the records before you make it."
