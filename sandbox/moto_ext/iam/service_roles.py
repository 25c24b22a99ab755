"""Whether EventBridge Scheduler and Step Functions can take the role that a schedule or a state machine is given.

Both take it once when it is given, and refuse one that does not trust them: judged where IAM is enforced. Plain boto3:
``create_schedule``, ``create_state_machine``. Source: EventBridge Scheduler User Guide, "Confused deputy prevention";
Step Functions Developer Guide, "Creating an IAM role for your state machine".
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import BaseResponse
from moto.scheduler.responses import EventBridgeSchedulerResponse
from moto.stepfunctions.responses import StepFunctionResponse

from sandbox.core import truth
from sandbox.core.patching import refused, wrap
from sandbox.core.state import STATE
from sandbox.moto_ext.iam.enforcement import denial
from sandbox.moto_ext.iam.role_access import role_of, trusts


def _can_be_taken(response: BaseResponse, role: str, service: str, work: str) -> bool:
    account = response.current_account
    found, source = role_of(account, role), f"arn:aws:{service}:{response.region}:{account}:{work}"
    allowed = found is not None and trusts(found, f"{service}.amazonaws.com", account, source)
    return allowed or not STATE.extras.get("enforce_iam")


@wrap(EventBridgeSchedulerResponse, "create_schedule")
def _create_schedule(original: Any, self: EventBridgeSchedulerResponse) -> Any:
    given = json.loads(self.body)
    group, name = given.get("GroupName") or "default", self.uri.split("/")[-1]
    work = f"schedule-group/{group}" if truth.answer("scheduler.role-bears-group") else f"schedule/{group}/{name}"
    if not _can_be_taken(self, given["Target"]["RoleArn"], "scheduler", work):
        message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        raise refused("ValidationException", message)
    return original(self)


@wrap(StepFunctionResponse, "create_state_machine")
def _create_state_machine(original: Any, self: StepFunctionResponse) -> Any:
    given = json.loads(self.body)
    name = given["name"] if truth.answer("states.role-bears-machine") else ""
    if not _can_be_taken(self, given["roleArn"], "states", f"stateMachine:{name}"):
        message = "Neither the global service principal states.amazonaws.com, nor the regional one is authorized"
        raise denial(self, f"{message} to assume the provided role.")
    return original(self)
