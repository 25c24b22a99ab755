"""Runs that AWS starts: ask for one, approve it, and watch it from any machine.

The control stack's document waits for an approver and then runs this tool as a task in the DR region. Watching a run
only reads: the execution, and the journal's mirror. The task asks AWS who began its execution, and whether it was
approved there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from textwrap import shorten
from typing import Any

from dr_actions.authorization.people import person_of
from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.guard.context import GuardContext
from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.config.environment import Environment, Side
from dr_estate.iam.scopes import DEFAULT_VERSION
from dr_estate.model.recovery_document import (
    ALONE,
    APPROVE,
    DRILL,
    EXIT_CODE,
    LONGEST_VALUE,
    LOOK,
    RESULT,
    as_values,
    goes_by_itself,
    takes_words,
    waits_for_approver,
    words_of,
)
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from utils.aws_mgmt.app.connections import AUTOMATION_CALLS, AppContext
from utils.aws_mgmt.app.errors import Refused

RULE = "authority.automation"
# The document's PlanDigest takes 64 hex digits and nothing else, also where there is no plan.
_NO_PLAN = 64 * "0"
_CUT = " ... (cut: look at the plan)"


class ExecutionState(StrEnum):
    """Where an execution stands, of AWS's many words."""

    BEGINS = "begins"
    AWAITED = "waits for an approver"
    RUNNING = "runs"
    ENDED = "ended"
    FAILED = "failed"


_OVER = (ExecutionState.ENDED, ExecutionState.FAILED)
# One that is cancelled goes on until its steps have ended (API_AutomationExecution, AutomationExecutionStatus).
_STATES = {
    "Pending": ExecutionState.RUNNING,
    "InProgress": ExecutionState.RUNNING,
    "Cancelling": ExecutionState.RUNNING,
    "Success": ExecutionState.ENDED,
    "CompletedWithSuccess": ExecutionState.ENDED,
}


@dataclass(frozen=True)
class RecoveryExecution:
    """An execution of the document. ``exit_code`` is the task's, None while it has none; ``failure`` AWS's own word,
    ``arguments`` what the starter gave the run beside goal, incident and digest. ``beside_another``: it was refused
    because one that began earlier was not over. ``approved_at`` is when AWS took the approver's signal.
    """

    id: str
    state: ExecutionState
    executed_by: str
    began_at: datetime
    goal: str
    incident: str
    digest: str
    approved: bool
    failure: str = ""
    exit_code: int | None = None
    arguments: tuple[str, ...] = ()
    beside_another: bool = False
    approved_at: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether AWS does nothing more for it."""
        return self.state in _OVER


@dataclass(frozen=True)
class RecoveryStart:
    """What is asked of AWS: the plan by its digest, and the words that the run is to be given beside it."""

    goal: str
    incident: str
    digest: str
    arguments: Sequence[str]
    summary: str

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The document's parameters, the summary as long as AWS takes one. Raises Refused for too many words."""
        try:
            arguments = as_values(self.arguments)
        except ValueError as wrong:
            raise Refused(
                f"{RULE}: the words of this run cannot be handed to AWS: {wrong}. Shorten the reasons."
            ) from wrong
        return {
            "Goal": [self.goal],
            "Incident": [self.incident],
            "PlanDigest": [self.digest],
            "Arguments": arguments,
            "Summary": [shorten(self.summary, LONGEST_VALUE, placeholder=_CUT)],
        }


class RecoveryAutomation:
    """The environment's document. Raises DataUnavailable where Systems Manager is silent, Refused where it says no."""

    def __init__(self, app: AppContext) -> None:
        self._app, self._env = app, app.env
        self._document = app.env.named(app.env.names.recovery_document)

    def start(self, wanted: RecoveryStart) -> str:
        """Ask for a run; returns the execution's id. Raises Refused where AWS's document cannot hand its words on."""
        if wanted.arguments and not self._takes_words():
            raise Refused(
                f"{RULE}: the document {self._document} in AWS is an earlier version's, and cannot hand "
                f"{wanted.arguments[0]} on. Nothing was begun: deploy it again (deploy/README.md, Runs that AWS "
                f"starts). {break_glass(self._env)}"
            )
        # IAM lets the default version alone be started: another one could ask for no approval (T75).
        named = {"DocumentName": self._document, "DocumentVersion": DEFAULT_VERSION, "Parameters": wanted.parameters}
        token = str(uuid.uuid4())  # an answer that is lost is asked for again, and begins no second execution
        answer = self._send("StartAutomationExecution", **named, ClientToken=token)
        return str(answer["AutomationExecutionId"])

    def start_look(self) -> str:
        """Ask for a dry start, which nobody approves; returns the execution's id."""
        incident = f"LOOK-{self._app.clock.now():%Y%m%d-%H%M%S}"
        return self.start(RecoveryStart(LOOK, incident, _NO_PLAN, (), "A dry start: it runs status as the task."))

    def _takes_words(self) -> bool:
        """Return whether the document in AWS passes on the arguments of a run; True where it cannot be read.

        AWS itself then accepts or refuses the arguments.
        """
        try:
            return takes_words(str(self._send("GetDocument", Name=self._document)["Content"]))
        except DataUnavailable:
            return True

    def of(self, execution_id: str) -> RecoveryExecution:
        """The execution of that id. Raises Refused for one of another document."""
        row = self._send("GetAutomationExecution", AutomationExecutionId=execution_id)["AutomationExecution"]
        if row["DocumentName"] != self._document:
            raise Refused(f"{RULE}: {execution_id} is an execution of {row['DocumentName']}, not of {self._document}.")
        return _execution(row)

    def newest(self, incident: str) -> RecoveryExecution | None:
        """The execution for the incident that is not over, else the newest, None where there is none.

        One that was refused beside it is newer, and is not the one to approve, to end or to watch.
        """
        own = [found for found in self._executions() if found.incident == incident and found.goal != LOOK]
        return next((found for found in own if found.state not in _OVER), own[0] if own else None)

    def approve(self, execution: RecoveryExecution) -> None:
        """Approve it there, as the caller."""
        self._send("SendAutomationSignal", AutomationExecutionId=execution.id, SignalType="Approve")

    def reject(self, execution: RecoveryExecution) -> None:
        """Reject what waits there, as the caller: it is over then, and runs nothing."""
        self._send("SendAutomationSignal", AutomationExecutionId=execution.id, SignalType="Reject")

    def going(self) -> RecoveryExecution | None:
        """The one that is not over yet; None where there is none."""
        return next((found for found in self._executions() if found.state not in _OVER and found.goal != LOOK), None)

    def _executions(self) -> Iterator[RecoveryExecution]:
        """Every execution that AWS keeps (30 days) and lets run, the newest first.

        Anybody who may start one can start it step by step or for several targets: such hold up and hide no other.
        """
        # Of names the filter knows prefixes alone (Systems Manager API, AutomationExecutionFilter): compared below.
        only = [{"Key": "DocumentNamePrefix", "Values": [self._document]}]
        token: dict[str, Any] = {}
        while True:
            found = self._send("DescribeAutomationExecutions", Filters=only, **token)
            rows = [row for row in found["AutomationExecutionMetadataList"] if row["DocumentName"] == self._document]
            rows = [row for row in rows if goes_by_itself(row)]
            for row in sorted(rows, key=lambda row: row["ExecutionStartTime"], reverse=True):
                yield self.of(str(row["AutomationExecutionId"]))
            if not found.get("NextToken"):
                return
            token = {"NextToken": found["NextToken"]}

    def _send(self, operation: str, **params: Any) -> dict[str, Any]:
        call = Call("ssm", operation, self._env.region(Side.DR), params)
        with self._app.client.permitting(GuardContext(self._env, AUTOMATION_CALLS)):
            try:
                return self._app.client.send(call)
            except GuardRefused as refused:
                raise Refused(str(refused)) from refused
            except SendFailed as failed:
                message = (
                    f"{failed} {break_glass(self._env)}" if operation == "StartAutomationExecution" else f"{failed}"
                )
                lost = failed.trouble is FailureKind.CREDENTIALS
                kind = UnavailableKind.CREDENTIALS if lost else UnavailableKind.UNREACHABLE
                raise DataUnavailable(Unavailable(kind, message)) from failed


def break_glass(env: Environment) -> str:
    """The way that is left where Systems Manager is lost, or what deploy/ makes is not there."""
    role = env.named(env.names.break_glass_role)
    if not env.automation.enabled:
        return (
            "Make what AWS holds drills with (deploy/README.md, Runs that AWS starts), or hold it from here: "
            "`dr_cli.py test --full-drill`."
        )
    return (
        "`dr_cli.py status` shows whether all that deploy/ makes is there. Where it is not, or Systems Manager is "
        f"lost, an approver opens the role {role}: deploy/README.md, Break-glass."
    )


def _execution(row: dict[str, Any]) -> RecoveryExecution:
    given = {name: "".join(values) for name, values in row.get("Parameters", {}).items() if name != "Arguments"}
    steps = {step["StepName"]: step["StepStatus"] for step in row.get("StepExecutions", ())}
    outputs = [step.get("Outputs") or {} for step in row.get("StepExecutions", ()) if step["StepName"] == RESULT]
    codes = [code for output in outputs for code in output.get(EXIT_CODE, ()) if code.lstrip("-").isdigit()]
    approvals = [step for step in row.get("StepExecutions", ()) if step["StepName"] == APPROVE]
    # Every other word is FAILED, also one that AWS adds one day: nobody waits for what may never come.
    state = _STATES.get(row["AutomationExecutionStatus"], ExecutionState.FAILED)
    if waits_for_approver(row):
        state = ExecutionState.AWAITED
    elif state is ExecutionState.RUNNING and steps.get(APPROVE, "Success") != "Success":
        state = ExecutionState.BEGINS
    elif codes and state is ExecutionState.FAILED:  # its run failed, and it did run
        state = ExecutionState.ENDED
    return RecoveryExecution(
        id=str(row["AutomationExecutionId"]),
        state=state,
        executed_by=str(row["ExecutedBy"]),
        began_at=row["ExecutionStartTime"],
        goal=given.get("Goal", ""),
        incident=given.get("Incident", ""),
        digest=given.get("PlanDigest", ""),
        approved=steps.get(APPROVE) == "Success",
        failure=str(row.get("FailureMessage") or ""),
        beside_another=steps.get(ALONE) == "Failed",
        arguments=words_of(row.get("Parameters", {}).get("Arguments", ())),
        approved_at=approvals[0].get("ExecutionEndTime") if steps.get(APPROVE) == "Success" else None,
        exit_code=int(codes[0]) if codes else None,
    )


def runs_directly(app: AppContext, execution_id: str) -> bool:
    """Whether this process is to run the plan by itself: AWS starts no runs here, it is the task, or the glass is
    broken.
    """
    if not app.env.automation.enabled or execution_id:
        return True
    return goes_by_break_glass(app)


def goes_by_break_glass(app: AppContext) -> bool:
    """Whether the caller has a session of the break-glass role."""
    return f":assumed-role/{app.env.named(app.env.names.break_glass_role)}/" in app.sign_in.caller.arn


def approved_execution(app: AppContext, execution_id: str, incident: str, digest: str) -> RecoveryExecution:
    """The execution of this run, as AWS has it. Raises Refused where it was not approved, or is for another."""
    found = RecoveryAutomation(app).of(execution_id)
    if not found.approved:
        raise Refused(f"{RULE}: {execution_id} was not approved in Systems Manager. Nothing was begun.")
    if (found.incident, found.digest) != (incident, digest):
        raise Refused(
            f"{RULE}: {execution_id} is for plan {found.digest[:12]} of {found.incident}, not for plan {digest[:12]} "
            f"of {incident}. Nothing was begun."
        )
    return found


def drill_execution(app: AppContext, execution_id: str, incident: str) -> RecoveryExecution:
    """The execution by which AWS holds the drill ``incident``. Raises Refused where it is for another."""
    found = RecoveryAutomation(app).of(execution_id)
    if (found.goal, found.incident) != (DRILL, incident):
        raise Refused(
            f"drill.execution: {execution_id} is {found.goal} for {found.incident}, not the drill {incident}."
        )
    return found


def describe(execution: RecoveryExecution, env: Environment) -> str:
    """One line on an execution: who asked for what, and how it stands."""
    who = person_of(execution.executed_by, env)
    # AWS's own word of a task that ended is the trace of the document's last step.
    why = f"its task ended with exit {execution.exit_code}" if execution.exit_code else execution.failure
    reason = f": {why}" if why else ""
    return (
        f"{execution.goal} for {execution.incident}, plan {execution.digest[:12]}, asked for by {who} "
        f"({execution.id}) {execution.state}{reason}"
    )
