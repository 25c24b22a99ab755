"""Systems Manager Automation: documents of schema 0.3 with the actions that the control stack's document uses.

Played are aws:approve, aws:branch (to a later step), aws:executeScript (the document's own script, in a process of its
own with the keys of the document's role), aws:waitForAwsResourceProperty and aws:executeAwsApi. Each execution goes on
in a thread, past which callers only look. One started in the mode Interactive waits at its first step: no caller of the
sandbox has a word for it. One with targets has a child of each. Plain boto3: ``start_automation_execution``,
``get_automation_execution``, ``describe_automation_executions``, ``send_automation_signal``,
``stop_automation_execution``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import boto3
from botocore import xform_name
from moto.iam.models import iam_backends
from moto.ssm.exceptions import InvalidDocument
from moto.ssm.models import SimpleSystemManagerBackend, ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.sts.models import sts_backends

from sandbox.core import truth
from sandbox.core.patching import operation, page, refused, state
from sandbox.core.state import now
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.moto_ext.ecs.processes import environment_of, role_variables


@dataclass
class DocumentExecution:
    """An execution of a document. ``approvers`` are the ARNs that approved, ``outputs`` the steps' by ``step.Name``.

    ``otherwise`` is how it was started if not by itself: its mode, its targets, or the execution it is a part of.
    """

    id: str
    document: str
    content: dict[str, Any]
    parameters: dict[str, list[str]]
    executed_by: str
    began_at: datetime
    status: str = "Pending"
    failure: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    approvers: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    ended_at: datetime | None = None
    otherwise: dict[str, Any] = field(default_factory=dict)


def filled_value(value: Any, execution: DocumentExecution) -> Any:
    """``value`` with its ``{{ }}`` filled in; a whole text that names a list becomes that list."""
    if isinstance(value, dict):
        return {name: filled_value(member, execution) for name, member in value.items()}
    if isinstance(value, list):
        return [filled_value(member, execution) for member in value]
    if not isinstance(value, str):
        return value
    known = dict(_known_values(execution))
    if whole := re.fullmatch(r"\{\{\s*([\w:.]+)\s*\}\}", value):
        return known[whole[1]]
    return re.sub(r"\{\{\s*([\w:.]+)\s*\}\}", lambda found: str(known[found[1]]), value)


def _known_values(execution: DocumentExecution) -> Iterator[tuple[str, Any]]:
    declared = execution.content.get("parameters", {})
    for name, values in execution.parameters.items():
        yield name, values if declared[name]["type"] == "StringList" else "".join(values)
    yield "automation:EXECUTION_ID", execution.id
    yield from execution.outputs.items()


def selection(value: Any, selector: str) -> Any:
    """What a selector such as ``$.tasks[0].lastStatus`` finds, None where there is nothing."""
    for part in re.findall(r"[^.\[\]$]+", selector):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


PENDING, IN_PROGRESS, WAITING = "Pending", "InProgress", "Waiting"
SUCCESS, FAILED, TIMED_OUT, CANCELLED, REJECTED = "Success", "Failed", "TimedOut", "Cancelled", "Rejected"
OVER = (SUCCESS, FAILED, TIMED_OUT, CANCELLED, REJECTED)
_POLL_S = 0.3
# aws:executeScript ends after ten minutes (Automation guide). As
# default of other steps it is ours: aws:approve has 7 days.
_SCRIPT_S = 600
_MOST_VALUES, _LONGEST_VALUE = 50, 512  # SSM API, AutomationParameterValueList and AutomationParameterValue
# The name of the topic of aws:approve must begin so (Automation guide, aws:approve).
_TOPIC_PREFIX = "Automation"
_RUNNER = """
import json, sys
events = json.loads(sys.stdin.readline())
print(json.dumps({handler}(events, {{}})))
"""


class _StepFailed(Exception):
    """A step did not succeed; the message is its FailureMessage."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


def _executions(backend: SimpleSystemManagerBackend) -> dict[str, DocumentExecution]:
    return state(backend, "automation_executions")


def _caller_arn(response: SimpleSystemManagerResponse) -> str:
    """Return the caller's ARN, as STS reports it."""
    account, key = response.current_account, str(response.access_key)
    session = sts_backends[account]["aws"].get_assumed_role_from_access_key(key)
    if session is not None:
        return str(session.arn)
    for user in iam_backends[account]["aws"].users.values():
        if any(access_key.access_key_id == key for access_key in user.access_keys):
            return str(user.arn)
    return f"arn:aws:iam::{account}:root"


@operation(SimpleSystemManagerResponse, "start_automation_execution")
def _start(response: SimpleSystemManagerResponse, params: dict[str, Any]) -> dict[str, Any]:
    backend, name, version = response.ssm_backend, str(params["DocumentName"]), params.get("DocumentVersion")
    tokens: dict[str, str] = state(backend, "automation_tokens")
    # A token that was used before starts nothing (API_StartAutomationExecution, ClientToken).
    known = tokens.get(str(params.get("ClientToken")))
    if known and truth.answer("ssm.client-token-starts-once"):
        return {"AutomationExecutionId": known}
    try:
        # moto's get_document takes no $DEFAULT: an empty version is the default one to it.
        named = "" if version in (None, "$DEFAULT") else str(version)
        content = json.loads(backend.get_document(name, named, "", "")["Content"])
    except InvalidDocument as missing:
        message = f"Automation document {name} cannot be found."
        raise refused("AutomationDefinitionNotFoundException", message) from missing
    target = params.get("TargetParameterName")
    given = _complete_parameters(content.get("parameters", {}), params.get("Parameters") or {}, {target})
    how = {"Mode": "Interactive"} if params.get("Mode") == "Interactive" else {}
    begun = _start_many(response, params, content, given) if target else _begin(response, name, content, given, how).id
    tokens.update({str(params["ClientToken"]): begun} if params.get("ClientToken") else {})
    return {"AutomationExecutionId": begun}


def _start_many(
    response: SimpleSystemManagerResponse, params: dict[str, Any], content: dict[str, Any], given: dict[str, list[str]]
) -> str:
    """Rate control: one execution that waits for a child of each value of the parameter that the targets name."""
    name, named = str(params["DocumentName"]), str(params["TargetParameterName"])
    values = [value for row in params.get("Targets") or () for value in row["Values"]]
    how = {"TargetParameterName": named, "Targets": params.get("Targets") or []}
    parent = _begin(response, name, content, given, how)
    for value in values:
        declared = content.get("parameters", {})
        of_child = _complete_parameters(declared, {**(params.get("Parameters") or {}), named: [value]})
        _begin(response, name, content, of_child, {"ParentAutomationExecutionId": parent.id, "Target": value})
    return parent.id


def _begin(
    response: SimpleSystemManagerResponse,
    name: str,
    content: dict[str, Any],
    given: dict[str, list[str]],
    how: dict[str, Any],
) -> DocumentExecution:
    """Begin an execution. One that goes step by step waits for a word for each; a parent has no steps of its own."""
    backend = response.ssm_backend
    steps = [{"StepName": row["name"], "Action": row["action"], "StepStatus": PENDING} for row in content["mainSteps"]]
    execution = DocumentExecution(str(uuid.uuid4()), name, content, given, _caller_arn(response), now(), steps=steps)
    execution.otherwise, execution.status = how, WAITING if "Mode" in how else IN_PROGRESS
    _executions(backend)[execution.id] = execution
    if "Mode" in how:
        return execution
    player = _run_many if "TargetParameterName" in how else _run
    # moto has no Automation at all: SSM keeps documents alone.
    threading.Thread(target=player, args=(backend.account_id, backend.region_name, execution.id), daemon=True).start()
    return execution


def _complete_parameters(
    declared: dict[str, Any], given: dict[str, list[str]], left_out: Collection[str | None] = ()
) -> dict[str, list[str]]:
    """The parameters with their defaults. Raises InvalidAutomationExecutionParametersException.

    ``left_out`` are those of which each target has its own.
    """
    wrong = "InvalidAutomationExecutionParametersException"
    if unknown := sorted(set(given) - set(declared)):
        raise refused(wrong, f"Parameter {unknown[0]} is not defined in the document.")
    found: dict[str, list[str]] = {}
    for name, about in declared.items():
        if name in left_out:
            found[name] = []
            continue
        if name not in given and "default" not in about:
            raise refused(wrong, f"Parameter {name} is required.")
        default = about.get("default", [])
        values = given.get(name, default if isinstance(default, list) else [default])
        # The length is checked of what a caller gives, not of the document's own defaults.
        if len(values) > _MOST_VALUES or any(not 1 <= len(value) <= _LONGEST_VALUE for value in given.get(name, ())):
            raise refused("ValidationException", f"Value at 'parameters.{name}' failed to satisfy constraint.")
        for value in values:
            if "allowedPattern" in about and not re.search(about["allowedPattern"], value):
                raise refused(wrong, f"Parameter {name} does not match {about['allowedPattern']}.")
            if "allowedValues" in about and value not in about["allowedValues"]:
                raise refused(wrong, f"Parameter {name} must be one of {about['allowedValues']}.")
        found[name] = values
    return found


@operation(SimpleSystemManagerResponse, "send_automation_signal")
def _signal(response: SimpleSystemManagerResponse, params: dict[str, Any]) -> None:
    """Only who is named in the step may approve or reject it (aws:approve)."""
    execution = _execution_of(response, params)
    waiting = next((step for step in execution.steps if step["StepStatus"] == WAITING), None)
    if waiting is None or params["SignalType"] not in ("Approve", "Reject"):
        raise refused("InvalidAutomationSignalException", "The execution waits for no such signal.")
    inputs = next(row for row in execution.content["mainSteps"] if row["name"] == waiting["StepName"])["inputs"]
    caller = _caller_arn(response)
    # An approver is a user, a role or a session of it (Automation
    # guide, aws:approve); MinRequiredApprovals is not played.
    if not any(_is(caller, approver) for approver in inputs["Approvers"]):
        raise refused("AccessDeniedException", f"{caller} is not an approver of the step {waiting['StepName']}.")
    waiting["Signal"] = params["SignalType"]
    execution.approvers.append(caller)


def _is(caller: str, approver: str) -> bool:
    """Whether ``approver`` is the caller, or the role whose session it is."""
    session = re.fullmatch(r"arn:aws:sts::(\d+):assumed-role/([^/]+)/.+", caller)
    role = f"arn:aws:iam::{session[1]}:role/{session[2]}" if session else caller
    return approver in (caller, role)


@operation(SimpleSystemManagerResponse, "stop_automation_execution")
def _stop(response: SimpleSystemManagerResponse, params: dict[str, Any]) -> None:
    execution = _execution_of(response, params)
    if execution.status not in OVER:
        # At once: the type Complete, which lets the running step end, is not played.
        execution.status, execution.ended_at = CANCELLED, now()


def _execution_of(response: SimpleSystemManagerResponse, params: dict[str, Any]) -> DocumentExecution:
    execution = _executions(response.ssm_backend).get(params["AutomationExecutionId"])
    if execution is None:
        raise refused("AutomationExecutionNotFoundException", "There is no such execution.")
    return execution


@operation(SimpleSystemManagerResponse, "get_automation_execution")
def _get(response: SimpleSystemManagerResponse, params: dict[str, Any]) -> dict[str, Any]:
    execution = _execution_of(response, params)
    steps = [{name: value for name, value in step.items() if name != "Signal"} for step in execution.steps]
    return {
        "AutomationExecution": {
            **_about(execution),
            "StepExecutions": steps,
            "Parameters": execution.parameters,
            "Outputs": {
                name: [str(execution.outputs[name])]
                for name in execution.content.get("outputs", ())
                if name in execution.outputs
            },
        }
    }


def _about(execution: DocumentExecution) -> dict[str, Any]:
    about = {
        "AutomationExecutionId": execution.id,
        "DocumentName": execution.document,
        # Only one version is played: the default one of the document.
        "DocumentVersion": "1",
        "AutomationExecutionStatus": execution.status,
        "ExecutionStartTime": execution.began_at,
        "ExecutedBy": execution.executed_by,
        "FailureMessage": execution.failure or None,
        "Mode": "Auto",
        **execution.otherwise,
    }
    return {**about, **({"ExecutionEndTime": execution.ended_at} if execution.ended_at else {})}


@operation(SimpleSystemManagerResponse, "describe_automation_executions")
def _describe(response: SimpleSystemManagerResponse, params: dict[str, Any]) -> dict[str, Any]:
    rows = sorted(_executions(response.ssm_backend).values(), key=lambda row: row.began_at, reverse=True)
    tests: dict[str, Callable[[DocumentExecution, list[str]], bool]] = {
        "DocumentNamePrefix": lambda row, values: row.document.startswith(tuple(values)),
        "ExecutionStatus": lambda row, values: row.status in values,
        "ExecutionId": lambda row, values: row.id in values,
    }
    for wanted in params.get("Filters") or ():
        rows = [row for row in rows if tests[wanted["Key"]](row, wanted["Values"])]
    found, token = page([_about(row) for row in rows], params, 50, "InvalidNextToken")
    return {"AutomationExecutionMetadataList": found, "NextToken": token}


def _run(account: str, region: str, execution_id: str) -> None:
    """Take the steps of an execution, until it is over or its world is gone."""
    player = _Player(account, region, execution_id)
    content = player.execution().content if player.alive() else {"mainSteps": []}
    beyond = ""
    for number, step in enumerate(content["mainSteps"]):
        # Looked at before each step: a world that was exchanged for another no longer has the execution.
        if not player.alive():
            return
        # aws:branch leads forward only here: a step before it would never be reached.
        if beyond not in ("", step["name"]):
            continue
        beyond = ""
        player.set_step(number, IN_PROGRESS)
        try:
            beyond = player.take(number, step)
        except _StepFailed as failed:
            player.set_step(number, failed.status, str(failed))
            # The default is Abort (Automation guide, onFailure).
            if step.get("onFailure") == "Continue":
                continue
            player.end(REJECTED if failed.status == REJECTED else failed.status, f"{step['name']}: {failed}")
            return
        player.set_step(number, SUCCESS)
    player.end(SUCCESS, "")


def _run_many(account: str, region: str, parent_id: str) -> None:
    """Wait for the children of an execution."""
    player = _Player(account, region, parent_id)
    while player.alive():
        with WORLD_LOCK:
            every = _executions(ssm_backends[account][region]).values()
            children = [row for row in every if row.otherwise.get("ParentAutomationExecutionId") == parent_id]
        if all(row.status in OVER for row in children):
            player.end(SUCCESS if all(row.status == SUCCESS for row in children) else FAILED, "")
        time.sleep(_POLL_S)


@dataclass
class _Player:
    account: str
    region: str
    id: str

    def execution(self) -> DocumentExecution:
        return _executions(ssm_backends[self.account][self.region])[self.id]

    def alive(self) -> bool:
        """Whether it is of this world still, and goes on."""
        with WORLD_LOCK:
            found = _executions(ssm_backends[self.account][self.region]).get(self.id)
            return found is not None and found.status not in OVER

    def set_step(self, number: int, status: str, failure: str = "") -> None:
        with WORLD_LOCK:
            if self.alive():
                row = self.execution().steps[number]
                row["StepStatus"] = status
                row.setdefault("ExecutionStartTime", now())
                row |= {"ExecutionEndTime": now()} if status in (SUCCESS, *OVER) else {}
                row |= {"FailureMessage": failure} if failure else {}
                row |= {"Outputs": self._outputs_of(row["StepName"])} if status == SUCCESS else {}

    def end(self, status: str, failure: str) -> None:
        with WORLD_LOCK:
            if self.alive():
                execution = self.execution()
                execution.status, execution.failure, execution.ended_at = status, failure, now()

    def take(self, number: int, step: dict[str, Any]) -> str:
        """Take one step; returns the name of the later one that is next, "" for the one below. Raises _StepFailed."""
        with WORLD_LOCK:
            inputs = filled_value(step["inputs"], self.execution())
        # The machine's clock: a process that sleeps cannot follow a world whose clock runs faster.
        until = time.monotonic() + float(step.get("timeoutSeconds", _SCRIPT_S))
        if step["action"] == "aws:approve":
            topic = str(inputs.get("NotificationArn", _TOPIC_PREFIX)).rpartition(":")[2]
            if not topic.startswith(_TOPIC_PREFIX):
                raise _StepFailed(FAILED, f"The name of the topic {topic} must start with {_TOPIC_PREFIX}")
            self._await_approval(number, until)
            return ""
        if step["action"] == "aws:branch":
            # StringEquals is the test of aws:branch that the document uses: no other is played.
            choices = [row["NextStep"] for row in inputs["Choices"] if row["Variable"] == row["StringEquals"]]
            return str(next(iter(choices), inputs["Default"]))
        if step["action"] == "aws:executeScript":
            answer: Any = {"Payload": self._script(inputs)}
        elif step["action"] == "aws:executeAwsApi":
            answer = self._call(inputs)
        elif step["action"] == "aws:waitForAwsResourceProperty":
            self._await_property(inputs, until)
            return ""
        else:
            raise _StepFailed(FAILED, f"the sandbox plays no {step['action']}")
        with WORLD_LOCK:
            if self.alive():
                for row in step.get("outputs", ()):
                    self.execution().outputs[f"{step['name']}.{row['Name']}"] = selection(answer, row["Selector"])
        return ""

    def _outputs_of(self, step: str) -> dict[str, list[str]]:
        outputs = self.execution().outputs
        return {name.split(".")[1]: [str(value)] for name, value in outputs.items() if name.startswith(f"{step}.")}

    def _await_approval(self, number: int, until: float) -> None:
        with WORLD_LOCK:
            self.execution().status = WAITING
        self.set_step(number, WAITING)
        while self.alive():
            with WORLD_LOCK:
                signal = self.execution().steps[number].get("Signal")
                if signal == "Reject":
                    raise _StepFailed(REJECTED, f"Rejected by {self.execution().approvers[-1]}")
                if signal:
                    self.execution().status = IN_PROGRESS
                    return
            if time.monotonic() > until:
                raise _StepFailed(TIMED_OUT, "Nobody approved in time")
            time.sleep(_POLL_S)
        raise _StepFailed(CANCELLED, "Cancelled")

    def _await_property(self, inputs: dict[str, Any], until: float) -> None:
        call = {name: value for name, value in inputs.items() if name not in ("PropertySelector", "DesiredValues")}
        while selection(self._call(call), inputs["PropertySelector"]) not in inputs["DesiredValues"]:
            if not self.alive():
                raise _StepFailed(CANCELLED, "Cancelled")
            if time.monotonic() > until:
                raise _StepFailed(TIMED_OUT, "The property did not change in time")
            time.sleep(_POLL_S)

    def _variables(self) -> dict[str, str]:
        with WORLD_LOCK:
            role = str(self.execution().content["assumeRole"])
            return role_variables(self.account, self.region, role, f"Automation-{self.id}")

    def _call(self, inputs: dict[str, Any]) -> Any:
        keys = self._variables()
        # Over HTTP and with the role's keys: IAM judges the call, and an outage meets it.
        client = boto3.client(
            inputs["Service"],
            region_name=self.region,
            endpoint_url=keys["AWS_ENDPOINT_URL"],
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=keys["AWS_SESSION_TOKEN"],
        )
        params = {name: value for name, value in inputs.items() if name not in ("Service", "Api")}
        try:
            return getattr(client, xform_name(inputs["Api"]))(**params)
        except Exception as failed:
            raise _StepFailed(FAILED, f"{type(failed).__name__}: {failed}") from failed

    def _script(self, inputs: dict[str, Any]) -> Any:
        """Run the document's script as the Lambda behind aws:executeScript would, and return what its handler does."""
        source = inputs["Script"] + _RUNNER.format(handler=inputs["Handler"])
        ran = subprocess.run(
            [sys.executable, "-c", source],
            input=json.dumps(inputs["InputPayload"]) + "\n",
            capture_output=True,
            text=True,
            # Neither the user's own keys nor the home folder: only what the role has.
            env=environment_of(self._variables(), "/nonexistent"),
            timeout=_SCRIPT_S,
            check=False,
        )
        if ran.returncode:
            raise _StepFailed(FAILED, (ran.stderr.strip().splitlines() or ["it failed"])[-1])
        return json.loads(ran.stdout.splitlines()[-1])
