"""The Systems Manager document that starts a recovery: an approver approves, then AWS runs the tool as a task. Pure.

Where one person may recover it starts full drills, and asks nobody: people begin recoveries themselves there.

Nobody who may start it may approve it (dr_estate.iam.statements), and nobody may change it but who deploys the control
stack. Source: Systems Manager User Guide, aws:approve, aws:executeScript, aws:waitForAwsResourceProperty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.invocation import Command

GOALS = ("failover", "failback", "fence")
# The goal of a full drill, the only one beside LOOK where one person may recover.
DRILL = "drill"
# The goal of a dry start: the task runs `status` and changes nothing, so that nobody has to approve it.
LOOK = "look"
CONTAINER = "dr"
# The size of the task that runs this tool.
CPU_UNITS, MEMORY_MIB = 1024, 2048
# The volumes of that task and where its image (deploy/Dockerfile) has them: it writes nowhere else.
WRITABLE = {"state": "/var/lib/dr", "tmp": "/tmp"}  # noqa: S108 - a volume of the task's own
# Seconds that it has for the call under way when it is stopped: the most that Fargate allows.
STOP_S = 120
ALONE, APPROVE, RESULT = "alone", "approve", "result"
# The options that a task may be given: what else the command line takes is of a person's own machine, or a sandbox.
TAKEN = (
    *("--abort", "--confirm", "--deadline", "--override", "--planned", "--release", "--replan"),
    *("--side", "--since", "--staged", "--tenant"),
)
# Those that choose the plan, and how many values follow an option: a reason that reads "--abort" is none.
_OF_PLAN = ("--abort", "--planned", "--release", "--side", "--staged", "--tenant")
_VALUES = {"--override": 4} | dict.fromkeys(("--confirm", "--deadline", "--side", "--since", "--tenant"), 1)
# The output of the step RESULT. An execution whose last step fails keeps it there, and may have no outputs itself.
EXIT_CODE = "ExitCode"
_MOST_APPROVERS = 10
_EXECUTION = "{{automation:EXECUTION_ID}}"
_ASKED = {"goal": "{{Goal}}", "arguments": "{{Arguments}}"}
# Characters of a parameter's value; a list has 50 values. Source: SSM API, StartAutomationExecution, Parameters.
LONGEST_VALUE = 512
_MOST_CHARACTERS = 7_500  # RunTask takes 8,192 of overrides (API_TaskOverride), the fixed words of the command too
# boto3 is there in the runtime; of two that begin at once the later one by time and id gives way.
_JOINED = '*json.loads("".join(events["arguments"])'
_OF_MANY = ("ParentAutomationExecutionId", "Targets", "TargetMaps", "TargetParameterName", "TargetLocationsURL")
_SCRIPT = '''
import json

import boto3

GOING = ["Pending", "InProgress", "Waiting", "Cancelling"]
TAKEN = @TAKEN@
MANY = ["ParentAutomationExecutionId", "Targets", "TargetMaps", "TargetParameterName", "TargetLocationsURL"]


def looks(row):
    """Whether an execution is known to be a dry start, which holds up no recovery."""
    try:
        answer = boto3.client("ssm").get_automation_execution(AutomationExecutionId=row["AutomationExecutionId"])
    except Exception:
        return False
    return answer["AutomationExecution"].get("Parameters", {}).get("Goal") == ["look"]


def by_itself(row):
    """Whether an execution goes on without a word for each step, and is not one of many: such hold up nobody."""
    many = row.get("AutomationType") == "CrossAccount" or any(row.get(name) for name in MANY)
    return row.get("Mode") != "Interactive" and not many


def alone(events, context):
    """Refuse words that no task is given, and to go on beside one that began earlier, or otherwise than by itself."""
    words = json.loads("".join(events["arguments"]) or "[]")
    if odd := [word for word in words if word.startswith("-") and word.partition("=")[0] not in TAKEN]:
        raise Exception(f"No task is given {odd[0]}: it may be given {', '.join(TAKEN)}.")
    if events["goal"] == "look" and words:
        raise Exception("A dry start is given no words.")
    filters = [
        {"Key": "DocumentNamePrefix", "Values": [events["document"]]},
        {"Key": "ExecutionStatus", "Values": GOING},
    ]
    pages = boto3.client("ssm").get_paginator("describe_automation_executions").paginate(Filters=filters)
    rows = [row for page in pages for row in page["AutomationExecutionMetadataList"]]
    rows = [row for row in rows if row["DocumentName"] == events["document"]]
    if [row for row in rows if row["AutomationExecutionId"] == events["execution"] and not by_itself(row)]:
        raise Exception("It was started step by step, or for several targets: a recovery runs once, by itself.")
    if events["goal"] == "look":
        return {}
    rows = [row for row in rows if by_itself(row) and not looks(row)]
    rows.sort(key=lambda row: (row["ExecutionStartTime"], row["AutomationExecutionId"]))
    if rows and rows[0]["AutomationExecutionId"] != events["execution"]:
        first = rows[0]
        raise Exception(f"{first['AutomationExecutionId']} of {first['ExecutedBy']} is under way: one at a time.")
    return {}


def start(events, context):
    """Run the tool as a task of its own, in the subnets that are named for it, else in those of a service."""
    ecs, cluster = boto3.client("ecs"), events["cluster"]
    services = ecs.list_services(cluster=cluster, maxResults=1)["serviceArns"]
    network = ecs.describe_services(cluster=cluster, services=services)["services"][0]["networkConfiguration"]
    network["awsvpcConfiguration"]["subnets"] = events["subnets"] or network["awsvpcConfiguration"]["subnets"]
    command = [*events["command"], *json.loads("".join(events["arguments"]) or "[]")]
    command = events["look"] if events["goal"] == "look" else command
    answer = ecs.run_task(
        cluster=cluster,
        taskDefinition=events["family"],
        launchType="FARGATE",
        count=1,
        clientToken=events["execution"],
        startedBy=events["execution"],
        networkConfiguration=network,
        overrides={"containerOverrides": [{"name": events["container"], "command": command}]},
    )
    if not answer["tasks"]:
        raise Exception(f"The task was not started: {answer['failures']}")
    return {"task": answer["tasks"][0]["taskArn"]}


def succeed(events, context):
    """Fail unless the run ended with exit 0: EventBridge and people see by the execution that it did not.

    A dry start also with 1: it saw the estate, and found it not ready.
    """
    answer = boto3.client("ecs").describe_tasks(cluster=events["cluster"], tasks=[events["task"]])
    task = answer["tasks"][0]
    if (code := task["containers"][0].get("exitCode")) not in ([0, 1] if events["goal"] == "look" else [0]):
        how = task.get("stoppedReason") if code is None else f"exit {code}"
        record = f" `dr log --incident {events['incident']}` has its record." if events["goal"] != "look" else ""
        raise Exception(f"The run did not succeed: {how}.{record}")
    return {}
'''.replace("@TAKEN@", json.dumps(TAKEN))


def as_values(words: Sequence[str]) -> list[str]:
    """The words of a run as the values of the parameter Arguments: their JSON in pieces, for a list has few values.

    Raises ValueError where they do not fit.
    """
    text = json.dumps(list(words), separators=(",", ":")) if words else ""
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"they are {len(text):,} characters, and {_MOST_CHARACTERS:,} fit")
    return [text[at : at + LONGEST_VALUE] for at in range(0, len(text), LONGEST_VALUE)]


def goes_by_itself(row: Mapping[str, Any]) -> bool:
    """Whether an execution is one that the document lets run: neither step by step nor for several targets.

    Source: SSM API, AutomationExecutionMetadata and AutomationExecution.
    """
    many = row.get("AutomationType") == "CrossAccount" or any(row.get(name) for name in _OF_MANY)
    return row.get("Mode") != "Interactive" and not many


def waits_for_approver(execution: Mapping[str, Any]) -> bool:
    """Whether an execution waits for an approver, by its own status or by that of the step that asks for one."""
    steps = {step.get("StepName"): step.get("StepStatus") for step in execution.get("StepExecutions") or ()}
    return "Waiting" in (execution.get("AutomationExecutionStatus"), steps.get(APPROVE))


def is_approved(execution: Mapping[str, Any]) -> bool:
    """Whether an execution was approved and is not over."""
    steps = {step.get("StepName"): step.get("StepStatus") for step in execution.get("StepExecutions") or ()}
    return (execution.get("AutomationExecutionStatus"), steps.get(APPROVE)) == ("InProgress", "Success")


@dataclass(frozen=True, slots=True)
class RefusedStart:
    """A run that AWS started and that the tool refused as its task: nobody sees the task's own screen."""

    incident: str
    execution: str
    says: str
    at: datetime

    @property
    def sentence(self) -> str:
        """The refusal as an operator reads it."""
        return f"REFUSED at {self.at:%Y-%m-%d %H:%M} UTC, the run that AWS started ({self.execution}): {self.says}"


@dataclass(frozen=True, slots=True)
class WaitingStart:
    """A run that ``asked_by`` (an ARN) asked AWS for at ``asked_at``: the execution ``id`` waits for an approver.

    ``approved``: AWS begins it, and its task holds no lock yet.
    """

    id: str
    goal: str
    incident: str
    digest: str
    words: tuple[str, ...]
    asked_by: str
    asked_at: datetime
    approved: bool = False

    @property
    def command(self) -> Command:
        """What goes on with it: an approver's command, or the one that watches it."""
        return Command(("attach", "--incident", self.incident)) if self.approved else self.approval

    @property
    def approval(self) -> Command:
        """The approver's command for this plan alone."""
        goal = (f"--{self.goal}",) if self.goal != GOALS[0] else ()
        return Command(
            ("approve", *goal, *_plan_words(self.words), "--incident", self.incident, "--digest", self.digest[:12])
        )

    @property
    def says(self) -> str:
        """Who asked for what, and how it is approved or ended."""
        withdrawal = Command(("approve", "--withdraw", "--incident", self.incident))
        who = self.asked_by.rpartition("/")[2]
        of = f"{self.goal} for {self.incident}, plan {self.digest[:12]}, by {who} at {self.asked_at:%Y-%m-%d %H:%M} UTC"
        if self.approved:
            return f"APPROVED: {of}: AWS begins it. {self.command} watches it"
        return f"REQUESTED: {of}: it waits for an approver. {withdrawal} ends it"


def _plan_words(words: Sequence[str]) -> Iterator[str]:
    """Those of a start's words that choose the plan, with their values: an approval is given them, too."""
    rest = list(words)
    while rest:
        word, *rest = rest
        values = rest[: _VALUES.get(word, 0)]
        del rest[: len(values)]
        if word in _OF_PLAN:
            yield from (word, *values)


def takes_words(content: str) -> bool:
    """Whether the document of that content passes on words as ``as_values`` writes them; an earlier version did not.

    Content that cannot be read does not count as an earlier version's.
    """
    try:
        scripts = [str(step["inputs"].get("Script", "")) for step in json.loads(content)["mainSteps"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return True
    return any(_JOINED in script for script in scripts)


def words_of(values: Sequence[str]) -> tuple[str, ...]:
    """The words behind ``as_values``; values of another kind as they are, for the document's script refuses them."""
    try:
        found = json.loads("".join(values) or "[]")
    except ValueError:
        found = None
    is_words = isinstance(found, list) and all(isinstance(word, str) for word in found)
    return tuple(found) if is_words else tuple(values)


def approvers(env: Environment) -> list[str]:
    """The ARNs that may approve: those of the environment's approvers, or their role where patterns name them."""
    known = [arn for person in env.approvals.approvers for arn in env.approvals.identities[person] if "*" not in arn]
    return known[:_MOST_APPROVERS] or [f"arn:aws:iam::{env.account}:role/{env.name}-dr-approver"]


def recovery_document(env: Environment) -> dict[str, Any]:
    """The content of the document, schema 0.3."""
    return {
        "schemaVersion": "0.3",
        "description": _description(env),
        "assumeRole": f"arn:aws:iam::{env.account}:role/{env.named(env.names.automation_role)}",
        "parameters": {
            "Goal": {"type": "String", "allowedValues": [*_goals(env), LOOK]},
            "Incident": {"type": "String", "allowedPattern": "^[A-Za-z0-9-]{1,40}$"},
            "PlanDigest": {"type": "String", "allowedPattern": "^[0-9a-f]{64}$"},
            "Arguments": {"type": "StringList", "default": []},
            "Summary": {"type": "String", "default": ""},
        },
        "mainSteps": [
            _script(ALONE, {"document": env.named(env.names.recovery_document), "execution": _EXECUTION, **_ASKED}),
            *([] if _goals(env) == (DRILL,) else _request(env)),
            {**_script("start", _script_inputs(env)), "outputs": [_output("Task", "$.Payload.task", "String")]},
            *_last_steps(env),
        ],
        "outputs": ["start.Task", f"{RESULT}.{EXIT_CODE}"],
    }


def _goals(env: Environment) -> tuple[str, ...]:
    return (DRILL,) if env.holds_full_drills else GOALS


def _description(env: Environment) -> str:
    if _goals(env) == (DRILL,):
        return f"Full drills of {env.name}: the tool moves it to the DR region and back."
    return f"Recovery of {env.name}: an approver approves the plan, then the tool runs exactly it."


def _request(env: Environment) -> list[dict[str, Any]]:
    """Return the steps that notify the approvers and wait for an approval; a message that fails stops nothing (T40).

    aws:approve itself notifies only topics whose name begins with "Automation", and those of the estate do not. Source:
    Systems Manager User Guide, "Run an automation that requires approvals".
    """
    wish = "{{Goal}} of " + env.name + " for {{Incident}}, plan {{PlanDigest}}. {{Summary}}"
    message = f"{wish} Look at it yourself, and approve by it: dr approve --incident {{{{Incident}}}}"
    approval = {
        "name": APPROVE,
        "action": "aws:approve",
        "timeoutSeconds": env.automation.approve_hours * 3600,
        "onFailure": "Abort",
        "inputs": {"Message": message, "MinRequiredApprovals": 1, "Approvers": approvers(env)},
    }
    choice = {"Variable": "{{Goal}}", "StringEquals": LOOK, "NextStep": "start"}
    if not env.names.topics:
        return [_choose(choice, APPROVE), approval]
    topic = f"arn:aws:sns:{env.regions.dr}:{env.account}:{env.named(env.names.topics[-1])}"
    publish = {"Service": "sns", "Api": "Publish", "TopicArn": topic, "Message": message}
    notice = {"name": "tell", "action": "aws:executeAwsApi", "onFailure": "Continue", "isCritical": False}
    return [_choose(choice, notice["name"]), {**notice, "inputs": publish}, approval]


def _choose(choice: dict[str, str], otherwise: Any) -> dict[str, Any]:
    """The step that leads a dry start past the approval."""
    return {"name": "choose", "action": "aws:branch", "inputs": {"Choices": [choice], "Default": otherwise}}


def _script_inputs(env: Environment) -> dict[str, Any]:
    """What the script is given: which task, and the command line of which the fixed part is not the starter's."""
    run = ["test", "--full-drill"] if _goals(env) == (DRILL,) else ["{{Goal}}", "--execute"]
    command = ["-e", env.name, *run, "--incident", "{{Incident}}"]
    plan = [] if _goals(env) == (DRILL,) else ["--digest", "{{PlanDigest}}"]
    return {
        "cluster": env.on(Side.DR).clusters[0],
        "family": env.named(env.names.recovery_task),
        "container": CONTAINER,
        "execution": _EXECUTION,
        "command": [*command, *plan, "--automation", _EXECUTION],
        "look": ["-e", env.name, "status"],
        "subnets": list(env.names.recovery_subnets),
        **_ASKED,
    }


def _last_steps(env: Environment) -> list[dict[str, Any]]:
    """Wait for the task, keep its exit code, and fail where that is not 0."""
    cluster = env.on(Side.DR).clusters[0]
    tasks = {"Service": "ecs", "Api": "DescribeTasks", "cluster": cluster, "tasks": ["{{start.Task}}"]}
    stopped = {**tasks, "PropertySelector": "$.tasks[0].lastStatus", "DesiredValues": ["STOPPED"]}
    wait = {"name": "wait", "action": "aws:waitForAwsResourceProperty", "onFailure": "Abort", "inputs": stopped}
    result = {"name": RESULT, "action": "aws:executeAwsApi", "onFailure": "Abort", "inputs": tasks}
    code = _output(EXIT_CODE, "$.tasks[0].containers[0].exitCode", "Integer")
    verdict = _script(
        "succeed", {"cluster": cluster, "task": "{{start.Task}}", "incident": "{{Incident}}", "goal": "{{Goal}}"}
    )
    return [{**wait, "timeoutSeconds": env.automation.run_hours * 3600}, {**result, "outputs": [code]}, verdict]


def _output(name: str, selector: str, kind: str) -> dict[str, str]:
    return {"Name": name, "Selector": selector, "Type": kind}


def _script(handler: str, payload: dict[str, Any]) -> dict[str, Any]:
    inputs = {"Runtime": "python3.11", "Handler": handler, "InputPayload": payload, "Script": _SCRIPT.lstrip()}
    return {"name": handler, "action": "aws:executeScript", "onFailure": "Abort", "inputs": inputs}
