"""Roles that tasks of the DR region run as: whom they trust, and what they may do with what the tasks need there.

IAM's simulator judges identity policies and boundaries on the real ARNs. It sees no policy of a resource: a key whose
own policy admits the role is not asked for, nor files that no policy guards, for EFS then lets in every client. Source:
API_SimulatePrincipalPolicy; EFS User Guide, "Default EFS file system policy".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.iam.simulation_requests import REGION, ContextKey, SimulationRequest
from dr_estate.iam.trust import trusts
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecr, ecs, efs, efs_policy, iam_simulation, kms, secretsmanager
from dr_estate.readers.iam_simulation import SimulatedDecision
from dr_estate.reading.part import GLOBAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"iam:GetRole", "iam:SimulatePrincipalPolicy"})
_SERVICE = "ecs-tasks.amazonaws.com"
_ABSENT = "NoSuchEntity"
_RESOURCES_A_CALL = 50
_ARN_PARTS = 7
_Needs = dict[tuple[str, ...], set[str]]

SECRET, PARAMETER, DECRYPT = ("secretsmanager:GetSecretValue",), ("ssm:GetParameters",), ("kms:Decrypt",)
TOKEN, PULL = ("ecr:GetAuthorizationToken",), ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
MOUNT = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")


@dataclass(frozen=True, slots=True)
class TaskRole:
    """A role of the DR region's task definitions. ``trusted``: ECS may assume it there, None where nobody can tell.

    ``families`` are the definitions that name it. ``decisions`` is the worst one of each action.
    """

    arn: str
    exists: bool
    trusted: bool | None
    families: tuple[str, ...]
    decisions: tuple[SimulatedDecision, ...] = ()


@part(*GLOBAL, reads=READS)
def roles(context: ReadContext) -> tuple[TaskRole | Unavailable, ...]:
    """Every role of the DR region's task definitions: one call for each, and one for each kind of thing it needs."""
    needs: defaultdict[str, _Needs] = defaultdict(lambda: defaultdict(set))
    families: defaultdict[str, set[str]] = defaultdict(set)
    unread = []
    for definition in context.part(ecs.task_definitions, Side.DR):
        if isinstance(definition, Unavailable):
            unread.append(definition)
            continue
        for role, actions, resource in _needs(context, definition):
            needs[role][actions].add(resource)
            families[role].add(definition.family)
    wanted = sorted(role for role in needs if role)
    found = context.maybe(lambda role: _role(context, role, needs[role], families[role]), wanted)
    return (*found, *dict.fromkeys(unread))


def _needs(context: ReadContext, definition: ecs.TaskDefinition) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(role, actions, resource) of all that the definition's tasks ask for; "*" is what has no ARN of its own."""
    region, role = context.env.region(Side.DR), definition.execution_role
    for container in definition.containers:
        image = ecr.image_ref(container.image)
        if image.region == region:
            yield role, TOKEN, "*"
            yield role, PULL, f"arn:aws:ecr:{region}:{image.account}:repository/{image.repository}"
        if container.log_group:
            group = f"log-group:{container.log_group}:log-stream:any"
            yield role, LOG, f"arn:aws:logs:{region}:{context.env.account}:{group}"
        for source in {":".join(source.split(":")[:_ARN_PARTS]) for _, source in container.secrets}:
            if source.startswith("arn:") and f":{region}:" in source:  # else definitions.primary-region-names tells
                yield role, SECRET if ":secretsmanager:" in source else PARAMETER, source
                yield from ((role, DECRYPT, key) for key in _keys_asked(context, source, role))
    for system in _guarded_files(context, {volume.file_system_id for volume in definition.volumes if volume.iam}):
        yield definition.task_role, MOUNT, system
    yield definition.task_role, (), ""
    yield role, (), ""


def _keys_asked(context: ReadContext, secret: str, role: str) -> Iterator[str]:
    """The customer's key of a secret, where only the account's policies can let the role use it."""
    refs = {row.key for row in context.part(secretsmanager.secrets, Side.DR) if row.arn == secret and row.key}
    for key in context.part(kms.keys, Side.DR) if refs else ():
        if not isinstance(key, kms.KmsKey) or isinstance(key.admits, Unavailable):
            continue  # kms.key-usable tells of a key that cannot be seen
        if key.ref in refs and key.arn and not {role, "*"} & set(key.admits):
            yield key.arn


def _guarded_files(context: ReadContext, ids: set[str]) -> Iterator[str]:
    """The ARNs of those file systems whose own policy does not admit everybody."""
    policies = context.part(efs_policy.policies, Side.DR) if ids else ()
    closed = {
        policy.file_system
        for policy in policies
        if isinstance(policy, efs_policy.FileSystemPolicy)
        and policy.present
        and not any('"AWS": "*"' in statement or '"Principal": "*"' in statement for statement in policy.allows)
    }
    yield from (s.arn for s in context.part(efs.file_systems, Side.DR) if s.id in ids & closed)


def _role(context: ReadContext, arn: str, needs: _Needs, families: set[str]) -> TaskRole:
    name = arn.rpartition("/")[2]
    found = context.find("iam", "get_role", (_ABSENT,), RoleName=name)
    if found is None:
        return TaskRole(arn, exists=False, trusted=None, families=tuple(sorted(families)))
    region, account = context.env.region(Side.DR), context.env.account
    document = found["Role"].get("AssumeRolePolicyDocument")
    source = f"arn:aws:ecs:{region}:{account}:task"
    trusted = trusts(document, _SERVICE, account, source) if isinstance(document, dict) else None
    worst: dict[str, SimulatedDecision] = {}
    for request in _requests(region, needs):
        for decision in iam_simulation.asked(context, arn, request) or ():
            known = worst.setdefault(decision.action, decision)
            worst[decision.action] = decision if known.decision == "allowed" else known
    return TaskRole(arn, True, trusted, tuple(sorted(families)), tuple(worst[action] for action in sorted(worst)))


def _requests(region: str, needs: _Needs) -> Iterator[SimulationRequest]:
    where = (ContextKey(REGION, "string", (region,)),)
    for actions, named in sorted(needs.items()):
        resources = sorted(named - {"*", ""})
        pages = [resources[n : n + _RESOURCES_A_CALL] for n in range(0, len(resources), _RESOURCES_A_CALL)]
        for page in pages if actions and "*" not in named else [[]] if actions else []:
            yield SimulationRequest(region, actions, tuple(page), where)
