"""Checks of what starts a recovery where AWS does: document, task, image and roles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, weigh
from dr_checks.derived import role_limits
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_document import CONTAINER, CPU_UNITS, MEMORY_MIB
from dr_estate.readers import recovery_automation as automation

_RULES = ("NIST CP-2", "NIST AC-5", "REL13-BP02", "SOC2 CC6.1")
# No graver: as a gate of a failover it would stand in the way of the break-glass run, which is what is left then.
_SEVERITY = Severity.NORMAL
_PASSED = frozenset({'"$@"', "$@"})
_SHELLS = frozenset({"ash", "bash", "busybox", "dash", "ksh", "sh", "zsh"})
_COMMAND = re.compile(r"-[A-Za-z]*c[A-Za-z]*")
_LOST = "`failover --execute` cannot be started"


def _aws_starts_runs(env: Environment) -> str | None:
    return None if env.automation.enabled else f"AWS starts no runs of {env.name} (automation.enabled)"


def _remedy(env: Environment, what: str) -> str:
    """The way to set it right, and the one that is left until then."""
    role = env.named(env.names.break_glass_role)
    return (
        f"{what} (deploy/README.md, Runs that AWS starts). Until then a run goes by the role {role}, which an approver "
        "opens (Break-glass, there)."
    )


@check("the document that starts a recovery is in the DR region, and says what the environment file says")
@weigh(_SEVERITY, Area.PREREQUISITES, applies=_aws_starts_runs)
@cite(*_RULES)
def document(view: View) -> Iterator[Finding]:
    """Its content is that of deploy/: the same approvers, the same task, the same times. Source: SSM GetDocument."""
    found = view.get(automation.start)
    if found is None:
        return
    if found.current:
        yield view.ok(found.document, "as generated", "as generated", "an approver is asked, and AWS starts the run")
    elif found.current is None:
        yield view.gap(found.document, "absent", "present", _LOST, _remedy(view.env, "Create the document"))
    else:
        reason = "it asks other approvers, or starts another task or command, than the environment file says"
        yield view.gap(found.document, "another text", "as generated", reason, _remedy(view.env, "Deploy it again"))


@check("the task that runs a recovery is defined in the DR region, and its image is there")
@weigh(_SEVERITY, Area.PREREQUISITES, applies=_aws_starts_runs)
@cite(*_RULES)
def task(view: View) -> Iterator[Finding]:
    """The newest revision has the recovery's role and size, the container that the document gives its command, and log
    groups and images that are in this region, of each container: one that cannot start ends the task. The command is
    the tool's words alone: an entry point in place of the image's must start the tool. Source: ECS, ECR, CloudWatch
    Logs.
    """
    found, env = view.get(automation.start), view.env
    if found is None:
        return
    if found.image is None:
        yield view.gap(found.family, "absent", "defined", _LOST, _remedy(env, "Register the task definition"))
        return
    role = f"arn:aws:iam::{env.account}:role/{env.named(env.names.recovery_role)}"
    if found.task_role != role:
        reason = "the run has other rights than a recovery needs"
        yield view.gap(found.family, found.task_role or "no role", role, reason, _remedy(env, "Set its task role"))
    elif lacks := _lacks(view, found.parts):
        reason = f"the task is not started, or ends before the run does: {_LOST}"
        yield view.gap(found.family, "; ".join(lacks), "as in deploy/", reason, _remedy(env, "Register it again"))
    else:
        yield view.ok(found.family, "defined", "defined", "the run has the rights of a recovery")
    yield _image(view, found.image, found.image_region, found.image_there)
    for row in found.parts.sidecars if found.parts else ():
        yield _image(view, row.image, row.image_region, row.image_there)


def _lacks(view: View, parts: automation.TaskParts | None) -> list[str]:
    """What the task lacks of what deploy/ gives it."""
    if parts is None:
        return []
    found = [] if CONTAINER in parts.containers else [f"no container {CONTAINER}"]
    # The entry points that get the document's command and do not hand it to the tool.
    strange = [words for name, words in parts.entry_points if name == CONTAINER and not _passes_on(words)]
    found += [f"starts {' '.join(words)}, not the tool" for words in strange]
    found += [] if parts.execution_role else ["no execution role"]
    containers: tuple[automation.TaskParts | automation.Sidecar, ...] = (parts, *parts.sidecars)
    for row in containers:
        found += [] if row.log_there else [f"no log group {row.log_group}"]
        found += [f"logs in {row.log_region}"] if row.log_region == view.env.regions.primary else []
    sizes = ((parts.cpu, CPU_UNITS, "CPU units"), (parts.memory, MEMORY_MIB, "MiB"))
    return found + [f"{size} {unit}, deploy/ {wanted}" for size, wanted, unit in sizes if size < wanted]


def _passes_on(words: tuple[str, ...]) -> bool:
    """Whether the tool gets the words that follow; a shell with -c drops them, unless its command passes them on.

    Its first word after the command is the command's own name, $0. Source: POSIX, sh.
    """
    # The command of a shell that is given one (-c, -ec, -lc), and what follows it.
    shell = next((number for number, word in enumerate(words) if word.rpartition("/")[2] in _SHELLS), len(words))
    options = (number for number, word in enumerate(words) if number > shell and _COMMAND.fullmatch(word))
    option = next(options, None)
    if option is not None:
        command, *named = words[option + 1 :] or ("",)
        script = command.replace("${@}", "$@").split()
        first = _tool_at(script)
        return bool(named) and first is not None and bool(_PASSED & set(script[first:]))
    return _tool_at(words) is not None


def _tool_at(words: Sequence[str]) -> int | None:
    return next((number for number, word in enumerate(words) if word.rpartition("/")[2] == "dr"), None)


def _image(view: View, image: str, region: str, there: bool | None) -> Finding:
    wanted = f"an image in {view.region}"
    if there:
        return view.ok(image, "there", wanted, "the task can be started without another region")
    # A warning: a registry other than ECR is not read, and may answer.
    if region in ("", view.region) and there is None:
        reason = "whether it can be pulled while the primary region is lost is not known"
        return view.warn(image, "in no registry of ECR", wanted, reason, _remedy(view.env, "Push it to ECR"))
    measured = "absent" if region == view.region else f"in {region}"
    reason = "the task would not start, or not while that region is lost"
    return view.gap(image, measured, wanted, reason, _remedy(view.env, f"Push the image to ECR in {view.region}"))


@check("the roles by which AWS starts a recovery are there, and the services may assume them")
@weigh(_SEVERITY, Area.PREREQUISITES, applies=_aws_starts_runs)
@cite(*_RULES)
def roles(view: View) -> Iterator[Finding]:
    """Those of the document, of the task and of the break-glass way. Source: IAM GetRole."""
    for role in view.get(automation.roles, Side.GLOBAL):
        if not role.exists:
            reason = _LOST if role.service else "nobody could run a recovery while Systems Manager is lost"
            yield view.gap(role.name, "absent", "a role", reason, _remedy(view.env, "Create the role"))
        elif role.service and role.trusted is False:
            reason = f"{role.service} may not assume it: {_LOST}"
            yield view.gap(role.name, "not trusted", role.service, reason, _remedy(view.env, "Set its trust policy"))
        elif role.service and role.trusted is None:
            reason = "a condition of its trust policy decides, which is known only during a run"
            yield view.warn(role.name, "trusted upon a condition", role.service, reason, "Try it in a drill.")
        elif role.trust_ends:
            policy = f"the trust policy of '{role.name}'"
            measured, remedy = (
                role_limits.ends_on(policy, role.trust_ends),
                role_limits.prolongation(policy, role.trust_ends),
            )
            yield view.warn(role.name, measured, role.service, f"from then on {_LOST}", remedy)
        else:
            yield view.ok(role.name, "there", "there", "it can be taken when a recovery begins")
