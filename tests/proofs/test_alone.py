"""Somebody who has the operator's keys and this source, and nobody's word, moves nothing of PROD: a search for a way.

Sequences of calls and commands are drawn by a seed and played with IAM enforced, from the same world each time; what of
the estate is another thing afterwards is looked up by plain boto3 with the admin's keys. ``DR_FULL_ALONE=1`` plays two
hundred sequences of each kind; else two of each are, by the day's seed. A way that is found is cut down to what is
needed of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import botocore.session
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.model import ListShape, MapShape, Shape, StructureShape

from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.iam.statements import acting, document
from dr_estate.model.playbook import changing_actions
from dr_estate.model.recovery_document import as_values
from sandbox.client.endpoint import Endpoint
from tests.proofs.attacked import EXECUTION, INCIDENT, State, commands, estate, known_names
from tests.proofs.changes import Aws
from tests.sampling import SEED
from tests.utils.forking import begin
from tests.utils.running import ROOT, at_endpoint, command_of, direct_rules, rules, signed_in
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

SEQUENCES = 200 if os.environ.get("DR_FULL_ALONE") == "1" else 2
CALLS, COMMANDS = 24, 2
AUTOMATED, BY_HAND = "started by AWS", "run by the operator"
QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\nlease_s = 2\n[observation]\nattempts = 1\n"
TIMING = {"transition_s": 0.1, "log_upload_s": 1, "files_lag_s": 1, "replica_lag_s": 0, "lag_published_s": 1}
FAR, PAST = "2099-01-01T00:00:00.000000+00:00", "2026-01-01T00:00:00.000000+00:00"
_APART = ("APPROVAL", "PAUSE", "approval", "APPROVAL ")
POLICIES = ROOT / "deploy" / "policies"
GLOBAL_REGION = "us-east-1"
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
        """Start again, with the operator's keys alone."""
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


@dataclass(frozen=True)
class Forgery:
    """Items of the control table that would mean something: keys, sort keys and attributes, which are drawn apart."""

    keys: tuple[str, ...]
    sorts: tuple[str, ...]
    attributes: tuple[Mapping[str, str], ...]

    def items(self, draw: random.Random) -> Iterator[dict[str, dict[str, str]]]:
        """Items for PutItem, without an end."""
        while True:
            texts = {"pk": draw.choice(self.keys), "sk": draw.choice(self.sorts), **draw.choice(self.attributes)}
            yield {name: {"S": text} for name, text in texts.items()}


def forgery(env: Environment, ids: Mapping[str, str], digest: str, rules: str) -> Forgery:
    """What would mean something of this plan and these rules; ``ids`` are the user ids of people."""
    own = [f"{kind}#{userid}" for kind in _APART for userid in ids.values()]
    keys = (*own, *own, "STANDING", "LOCK", "HISTORY", f"JOURNAL#{INCIDENT}", f"RUN#{INCIDENT}")
    gates = [f"OVERRIDE#authority.{gate}" for gate in ("two-people", "approval", "rules", "people")]
    sorts = (*[INCIDENT] * 6, "#RULES", "PAUSE", "INCIDENT", "RUN", "DATABASE", "000000001", *gates)
    person = {"arn": f"arn:aws:iam::{env.account}:user/approver", "person": "approver"}
    approval = {**person, "plan": digest, "environment": env.name, "at": PAST, "expires_at": FAR, "rules": rules}
    pin = {**person, "digest": rules, "at": FAR, "rules": '{"environment":{},"exceptions":[]}'}
    incident = {"incident": INCIDENT, "goal": "failover", "phase": "on the DR region", "since": PAST, "closed_at": ""}
    gate = {"gate": "authority.two-people", "by": "approver", "why": "so", "until": FAR, "closed_at": "", **person}
    attributes = (*[{**approval, "withdrawn_at": ""}] * 3, approval, pin, incident, gate)
    return Forgery(keys, sorts, (*attributes, {**gate, **incident, **pin, **approval}))


@dataclass(frozen=True)
class Stage:
    """A PROD whose primary region is lost and whose rules are pinned, what its estate is, and who wants to move it."""

    world: Endpoint
    env: Environment
    attacker: Attacker
    names: dict[str, list[Any]]
    forgery: Forgery
    commands: list[str]
    before: State
    began: str = "lost"

    def draw(self, seed: int) -> Draw:
        """What draws by that seed."""
        drawing = random.Random(seed)  # noqa: S311 - to be drawn again, not to be secret
        items = list(islice(self.forgery.items(drawing), 40))
        keys = [{name: item[name] for name in ("pk", "sk")} for item in items]
        return Draw(drawing, self.env, {**self.names, "item": items, "key": keys}, self.commands)

    def moved(self, sequence: list[Attempt]) -> State:
        """What of the estate is another thing after the sequence, each with what it is now."""
        self.world.return_to(self.began)
        self.attacker.forget()
        for attempt in sequence:
            self.attacker.attempt(attempt)
        now = estate(self.world, self.env)
        return {name: value for name, value in now.items() if value != self.before[name]}

    def ways(self, seeds: range, calls: list[str], most: tuple[int, int]) -> Iterator[str]:
        """The ways that are found by these seeds, each as short as it can be."""
        for seed in seeds:
            sequence = self.draw(seed).sequence(calls, *most)
            if moved := self.moved(sequence):
                way = shortest(sequence, lambda shorter: bool(self.moved(shorter)))
                yield f"seed {seed} moves {', '.join(moved)}: " + "; ".join(map(str, way))


def stage(world: Endpoint, home: Path, config: Path, env: Environment) -> Stage:
    """Lose the primary region, pin the rules by the approver's keys, and see what there is."""
    world.put_image(config)
    world.timing(**TIMING)
    world.inject("primary-dark")
    world.enforce_iam(True)
    rules_of = f"-e prod --config {config}"
    pinned = at_endpoint(world, home, f"{rules_of} approve --rules", "approver")
    assert pinned.code == 0, pinned.err
    report = at_endpoint(world, home, f"{rules_of} --format json failover", "operator").report
    world.keep("lost")
    forged, before = home / "forged", estate(world, env)
    forged.mkdir()
    text = (config / "prod.toml").read_text(encoding="utf-8")
    (forged / "prod.toml").write_text(text.replace("people = 2", "people = 1"), encoding="utf-8")
    digest, iam = report["plan"]["digest"], Aws(world.url, world.people["admin"], env, "").client("iam", Side.GLOBAL)
    ids = {person: iam.get_user(UserName=person)["User"]["UserId"] for person in ("operator", "approver")}
    start = {"Goal": ["failover"], "Incident": [INCIDENT], "PlanDigest": [digest]}
    tricks: list[list[str]] = [[], ["--config", str(forged)], ["--automation", EXECUTION, "--digest", "0" * 64]]
    names = known_names(env, world.state()["tenants"], before)
    names["parameters"] = [{**start, "Arguments": as_values(arguments)} for arguments in tricks]
    items = forgery(env, ids, digest, report["rules"]["digest"])
    return Stage(world, env, Attacker(world, home), names, items, commands(config, forged, digest), before)


@pytest.fixture(scope="module", params=[AUTOMATED, BY_HAND])
def prod(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("alone")
    config = (rules if request.param == AUTOMATED else direct_rules)(home, "prod", QUICK)
    env = load_environment(config, "prod")
    with borrowed(env, 1) as world:
        yield stage(world, home, config, env)


def test_no_sequence_of_calls_and_commands_moves_prod_without_an_approver(prod: Stage) -> None:
    """Where the operator holds a recovery's rights, the calls are the record's alone: docs/security.md says why."""
    calls = allowed_calls(prod.env) if prod.env.automation.enabled else list(RECORDING)
    assert [] == list(prod.ways(range(SEED, SEED + SEQUENCES), calls, (CALLS, COMMANDS)))


@pytest.mark.parametrize("prod", [AUTOMATED], indirect=True)
def test_the_search_finds_a_way_that_was_left_open_and_cuts_it_down(prod: Stage) -> None:
    """What the search is worth: the same draws, where the operator holds a recovery's rights permanently."""
    prod.world.return_to("lost")
    iam = Aws(prod.world.url, prod.world.people["admin"], prod.env, tenant="").client("iam", Side.GLOBAL)
    for policy in iam.list_attached_user_policies(UserName="operator")["AttachedPolicies"]:
        iam.detach_user_policy(UserName="operator", PolicyArn=policy["PolicyArn"])
    text = json.dumps(document(acting(prod.env, changing_actions())))
    iam.put_user_policy(UserName="operator", PolicyName="open", PolicyDocument=text)
    prod.world.keep("open")
    opened = replace(prod, before=estate(prod.world, prod.env), began="open")
    way = next(opened.ways(range(40), allowed_calls(prod.env), (CALLS, 0)), "")
    assert " moves " in way
    assert way.count("; ") <= 1, way
