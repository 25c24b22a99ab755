"""Step Functions: state machines are executed by the emulator's own interpreter, in the name of the machine's role.

The interpreter calls other services as keys of nobody at a port of its own. Here it calls this very world, with a
session of the role, so that IAM decides where it is enforced. It sends ECS no request as AWS does (names of members),
and an execution without a name has none. Plain boto3: ``create_state_machine``, ``start_execution``,
``describe_execution``. Source: Step Functions Developer Guide, "How AWS Step Functions works with IAM".
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.session import get_session
from moto.stepfunctions import responses
from moto.stepfunctions.models import StepFunctionBackend

from sandbox.core.deployed import DEPLOYED
from sandbox.core.patching import attribute, put_around
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.moto_ext.ecs.processes import role_variables

_ACCOUNT = 4
# The interpreter's names are changed afterwards: validation would refuse them before.
_CONFIG = Config(parameter_validation=False, retries={"total_max_attempts": 1})


def client_of_role(region: str, service: str, state_credentials: Any = None) -> Any:
    """A client of a session of the machine's role, or of the role that its state names."""
    role = str(state_credentials.role_arn)
    # The interpreter runs in threads of its own, outside of any request.
    with WORLD_LOCK:
        variables = role_variables(role.split(":")[_ACCOUNT], region, role, "state-machine")
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=DEPLOYED.url,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
        config=_CONFIG,
    )


@cache
def _shape(operation: str, *, of_answer: bool) -> Any:
    model = get_session().get_service_model("ecs").operation_model(operation)
    return model.output_shape if of_answer else model.input_shape


def _outward(value: Any, shape: Any) -> Any:
    """A request in ECS's own names: a state machine's begin with capitals."""
    if isinstance(value, dict) and shape.type_name == "structure":
        # ECS's own members begin in lower case.
        names = {f"{name[0].upper()}{name[1:]}": name for name in shape.members}
        inner = {names.get(key, key): part for key, part in value.items()}
        return {key: _outward(part, shape.members[key]) for key, part in inner.items()}
    return [_outward(part, shape.member) for part in value] if isinstance(value, list) else value


def _inward(value: Any, shape: Any) -> Any:
    """An answer as a state machine sees it: names of members begin with capitals, moments are texts."""
    if isinstance(value, dict) and shape.type_name == "structure":
        known = {key: _inward(part, shape.members[key]) for key, part in value.items() if key in shape.members}
        return {f"{key[0].upper()}{key[1:]}": part for key, part in known.items()}
    if isinstance(value, list):
        return [_inward(part, shape.member) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _normalise_parameters(_self: Any, parameters: dict[str, Any], *_: Any, **__: Any) -> None:
    request = _outward(parameters, _shape("RunTask", of_answer=False))
    parameters.clear()
    parameters.update(request)


def _normalise_response(_self: Any, response: Any, _name: str = "", service_action_name: str = "", **__: Any) -> None:
    """Change the answer in its place, once: a state's result that is normal already has none of ECS's own names."""
    operation = {"run_task": "RunTask", "describe_tasks": "DescribeTasks"}.get(service_action_name)
    if operation:
        answer = _inward(response, _shape(operation, of_answer=True))
        response.clear()
        response.update(answer)


def _body_as_json(original: Any, self: Any, parameters: dict[str, Any], *more: Any) -> None:
    """What is no text becomes JSON as the body of an S3 object."""
    original(self, parameters, *more)
    if self.resource.api_name == "s3" and isinstance(parameters.get("Body"), dict | list):
        parameters["Body"] = json.dumps(parameters["Body"], separators=(",", ":")).encode()


def _start_execution(original: Any, self: Any, state_machine_arn: str, name: str | None = None, *more: Any) -> Any:
    """AWS names an execution that was given no name."""
    return original(self, state_machine_arn, name or str(uuid.uuid4()), *more)


@cache
def _prepare() -> None:
    """Repair the interpreter, whose import takes a while; its parts take our clients where they are imported after."""
    from moto.stepfunctions.parser.asl.utils import boto_client

    # Before the services are imported: they take the function by name.
    boto_client.boto_client_for = client_of_role
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_aws_sdk,
        state_task_service_ecs,
    )
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend

    for normalise in (_normalise_parameters, _normalise_response):
        setattr(state_task_service_ecs.StateTaskServiceEcs, normalise.__name__, normalise)
    put_around(state_task_service_aws_sdk.StateTaskServiceAwsSdk, "_normalise_parameters", _body_as_json)
    put_around(StepFunctionsParserBackend, "start_execution", _start_execution)


def _backend(account: str, region: str) -> StepFunctionBackend:
    _prepare()
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    backend: StepFunctionBackend = stepfunctions_parser_backends[account][region]
    return backend


# moto chooses its backend in this function: with the interpreter or without.
attribute(responses, get_backend=_backend)
