"""What somebody with the operator's keys and this source may try: calls and commands, drawn at random by a seed.

Calls are those that an Allow of the operator's generated policies names, and some that tempt; their arguments are made
of botocore's own shapes and the names of the estate. Each attempt is a plain value, so that a sequence can be played
again, and be cut down to what is needed of it.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.model import ListShape, MapShape, Shape, StructureShape

from dr_estate.config.environment import Environment, Side
from sandbox.client.endpoint import Endpoint
from tests.utils.forking import begin
from tests.utils.running import ROOT, command_of, signed_in

POLICIES = ROOT / "deploy" / "policies"
GLOBAL_REGION = "us-east-1"
EXECUTION = "the execution that was started last"
COMMAND_S = 20.0
# by AWS, or by botocore, which cannot write down whatever is drawn
REFUSED = (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, ValueError, TypeError)
_CLIENTS = {"elasticfilesystem": "efs", "elasticloadbalancing": "elbv2"}
_WORLD_WIDE = ("iam", "route53")
_OPTIONAL = 0.3
_DEEPEST = 6
# Beside what is allowed: what would be a way, were it.
TEMPTING = (
    *("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:TagResource"),
    *("dynamodb:TransactWriteItems", "dynamodb:UntagResource", "dynamodb:UpdateItem", "ecs:UpdateService"),
    *("iam:AttachUserPolicy", "iam:CreateAccessKey", "iam:PutUserPolicy", "iam:TagRole", "iam:UpdateAssumeRolePolicy"),
    *("rds:DeleteDBInstance", "ssm:CreateDocument", "ssm:SendAutomationSignal", "ssm:StartAutomationExecution"),
    *("ssm:UpdateDocument", "sts:AssumeRole"),
)
RECORDING = (*["dynamodb:PutItem"] * 3, "dynamodb:TransactWriteItems", "dynamodb:UpdateItem", "logs:PutLogEvents")


@dataclass(frozen=True)
class Attempt:
    """One thing to try: a call of botocore's, or a command where ``service`` is empty."""

    service: str
    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""

    def __str__(self) -> str:
        shown = json.dumps(self.params, default=str, sort_keys=True) if self.service else ""
        return f"{self.service or 'dr'} {self.operation} {shown} {self.region}".strip()


@dataclass
class Attacker:
    """Who tries: the keys that they have, a machine of their own, and what they were given on the way."""

    world: Endpoint
    home: Path
    sessions: list[dict[str, str]] = field(default_factory=list)
    execution: str = ""
    _clients: dict[tuple[str, str, int], Any] = field(default_factory=dict)

    def forget(self) -> None:
        """Begin anew, with the operator's keys alone."""
        keys = self.world.people["operator"]
        own = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
        self.sessions, self.execution = [own], ""
        self._clients.clear()

    def attempt(self, attempt: Attempt) -> None:
        """Try it with every session that was got so far; that it is refused is nothing new."""
        if not attempt.service:
            self._command(attempt.operation)
            return
        for number in range(len(self.sessions)):
            params = json.loads(json.dumps(attempt.params).replace(EXECUTION, self.execution or "none"))
            with contextlib.suppress(*REFUSED):
                call = getattr(self._client(attempt, number), xform_name(attempt.operation))
                self._keep(call(**params))

    def _keep(self, answer: dict[str, Any]) -> None:
        """Keep what opens more: an execution, and keys."""
        self.execution = answer.get("AutomationExecutionId", self.execution)
        if keys := answer.get("Credentials") or answer.get("AccessKey"):
            session = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}
            token = {"aws_session_token": keys["SessionToken"]} if "SessionToken" in keys else {}
            self.sessions.append({**session, **token})

    def _client(self, attempt: Attempt, number: int) -> Any:
        key = (attempt.service, attempt.region, number)
        if key not in self._clients:
            quick = Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=20)
            self._clients[key] = boto3.client(
                attempt.service, attempt.region, endpoint_url=self.world.url, config=quick, **self.sessions[number]
            )
        return self._clients[key]

    def _command(self, words: str) -> None:
        """Run a command of the tool; one that waits for somebody is left."""
        self.home.mkdir(exist_ok=True)
        line = words.replace(EXECUTION, self.execution or "none")
        command, variables = command_of(line, self.home, **signed_in(self.world, "operator"))
        with contextlib.suppress(TimeoutError):
            begin(command, variables, self.home / "said").wait(COMMAND_S)


def allowed_calls(env: Environment) -> list[str]:
    """Every call that an Allow of the operator's policies names, with those that are tempting, as ``service:Call``."""
    actions: set[str] = set(TEMPTING)
    for file in sorted(POLICIES.glob(f"{env.name}-dr-operator-*.json")):
        rows = json.loads(file.read_text(encoding="utf-8"))["Statement"]
        actions |= {action for row in rows if row["Effect"] == "Allow" for action in row["Action"]}
    return sorted(action for action in actions if _is_call(action))


def _is_call(action: str) -> bool:
    service, _, operation = action.partition(":")
    return operation in _model(_CLIENTS.get(service, service)).operation_names


def _model(service: str) -> Any:
    session = botocore.session.get_session()
    return session.get_service_model(service)


@dataclass
class Draw:
    """Draws attempts by a seed. ``names`` holds what is known to fit a parameter, by its name in lower case."""

    random: random.Random
    env: Environment
    names: Mapping[str, list[Any]]
    commands: list[str]
    _lavish: bool = False

    def call(self, action: str) -> Attempt:
        """A call of ``service:Call`` with arguments of its shape, in the DR region or the world's."""
        prefix, _, operation = action.partition(":")
        service = _CLIENTS.get(prefix, prefix)
        shape = _model(service).operation_model(operation).input_shape
        self._lavish = self.random.random() < 1 / 2
        region = GLOBAL_REGION if service in _WORLD_WIDE else self.env.region(Side.DR)
        return Attempt(service, operation, self._of(shape, 0) if shape else {}, region)

    def command(self) -> Attempt:
        """A command of the tool."""
        return Attempt("", self.random.choice(self.commands))

    def sequence(self, calls: list[str], most_calls: int, most_commands: int) -> list[Attempt]:
        """Calls and commands in any order; half of the time the commands come last, upon all that was written."""
        drawn = [self.call(self.random.choice(calls)) for _ in range(most_calls)]
        last = [self.command() for _ in range(most_commands)]
        if self.random.random() < 1 / 2:
            return drawn + last
        drawn += last
        self.random.shuffle(drawn)
        return drawn

    def _of(self, shape: Shape, depth: int, name: str = "") -> Any:
        known = [value for value in self.names.get(name.lower(), ()) if fits(value, shape)]
        if known:
            return self.random.choice(known)
        if isinstance(shape, StructureShape):
            return self._structure(shape, depth)
        if isinstance(shape, ListShape):
            return [self._of(shape.member, depth + 1, name.removesuffix("s"))]
        if isinstance(shape, MapShape):
            return {str(self._of(shape.key, depth + 1, name)): self._of(shape.value, depth + 1, name)}
        return self._plain(shape)

    def _structure(self, shape: StructureShape, depth: int) -> dict[str, Any]:
        found = {}
        for name, member in shape.members.items():
            wanted = name in shape.required_members or self.random.random() < self._chance(name, depth)
            if wanted and depth < _DEEPEST:
                found[name] = self._of(member, depth + 1, name)
        return found

    def _chance(self, name: str, depth: int) -> float:
        """What is known is given often; of the rest nothing in every other call: most of it makes a call invalid."""
        if name.lower() in self.names:
            return 2 * _OPTIONAL
        return _OPTIONAL / (depth + 1) if self._lavish else 0.0

    def _plain(self, shape: Shape) -> Any:
        if enum := getattr(shape, "enum", None):
            return self.random.choice(enum)
        values: dict[str, Callable[[], Any]] = {
            "boolean": lambda: self.random.random() < 1 / 2,
            "integer": lambda: self.random.choice([0, 1, 2, 7]),
            "timestamp": lambda: "2026-01-01T00:00:00Z",
            "double": lambda: 1.0,
            "float": lambda: 1.0,
            "long": lambda: self.random.choice([0, 1, 60]),
        }
        text = self.random.choice(["a", "prod", "*", "operator"])
        return values.get(shape.type_name, lambda: text)()


def fits(value: Any, shape: Shape) -> bool:
    """Whether a value is of the shape: names of parameters mean other things elsewhere."""
    if isinstance(value, dict):
        return isinstance(shape, MapShape) or (isinstance(shape, StructureShape) and value.keys() <= {*shape.members})
    if isinstance(value, list):
        return isinstance(shape, ListShape) and all(fits(member, shape.member) for member in value)
    return not isinstance(shape, (StructureShape, ListShape, MapShape))


def shortest(sequence: list[Attempt], moves: Callable[[list[Attempt]], bool]) -> list[Attempt]:
    """What is left of a sequence that moves the estate once everything is cut off that is not needed, half by half."""
    left, size = list(sequence), max(len(sequence) // 2, 1)
    while True:
        for start in range(0, len(left), size):
            without = left[:start] + left[start + size :]
            if without and moves(without):
                left = without
                break
        else:
            if size == 1:
                return left
            size = max(size // 2, 1)
