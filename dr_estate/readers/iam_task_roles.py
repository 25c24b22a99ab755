"""Roles that tasks of the DR region run as: whom they trust, and what they may do with what the tasks need there.

IAM's simulator judges identity policies and boundaries on the real ARNs. It sees no policy of a resource: a key whose
own policy admits the role is not asked for. Files that no policy guards let in every client, and of those that sign in
all whose own policies do not deny it. Source: API_SimulatePrincipalPolicy; EFS User Guide, "Default EFS file system
policy" and "Using IAM to control access to file systems".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from dr_estate.config.environment import Side
from dr_estate.iam.moments import Ending, turns_of
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of, condition_keys, denial_of, of_a_role
from dr_estate.iam.simulation_requests import Context, ContextKey, SimulationRequest, of_the_account, via_service
from dr_estate.model.ecs_settings import SecretSource, by_named_arn, source_of, without_suffix
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import cloudwatch_logs, ecr, ecs, efs, kms, secret_policies, secretsmanager, task_sources, vpc
from dr_estate.readers.iam_simulation import (
    DENIED,
    TASKS,
    RoleAnswers,
    RoleRequest,
    SimulatedDecision,
    resource_pages,
    trust_of,
    worst_by_action,
)
from dr_estate.readers.network_ways import NetworkWays, tests_network
from dr_estate.reading.reader import GLOBAL, ReadContext, part

READS = frozenset({"iam:GetRole", "iam:SimulatePrincipalPolicy"})
_WORST = (PolicyAnswer.DENIED, PolicyAnswer.UNDECIDED, PolicyAnswer.SILENT, PolicyAnswer.ALLOWED)
_Needs = dict[tuple[str, ...], set[str]]
_Ask = Callable[[str, PolicyRequest], PolicyAnswer]

SECRET, PARAMETER, DECRYPT = ("secretsmanager:GetSecretValue",), ("ssm:GetParameters",), ("kms:Decrypt",)
TOKEN, PULL = ("ecr:GetAuthorizationToken",), ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOG, MAKE_LOG = ("logs:CreateLogStream", "logs:PutLogEvents"), ("logs:CreateLogGroup",)
MOUNT = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
_EVERY_CLIENT = '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}]}'


@dataclass(frozen=True, slots=True)
class TaskRole:
    """A role of the DR region's task definitions. ``trusted``: ECS may assume it there, None where that is unknown.

    ``families`` are the definitions that name it. ``decisions`` has the worst decision of each action. ``trust_ends``
    is when ECS may no longer assume it, None where that is not soon; ``ends`` is when policies of what it needs stop
    admitting it.
    """

    arn: str
    exists: bool
    trusted: bool | None
    families: tuple[str, ...]
    decisions: tuple[SimulatedDecision, ...] = ()
    trust_ends: datetime | None = None
    ends: tuple[Ending, ...] = ()


@part(*GLOBAL, reads=READS)
def roles(context: ReadContext) -> tuple[TaskRole | Unavailable, ...]:
    """Every role of the DR region's task definitions: one call for each, and one for each kind of thing it needs."""
    needs: defaultdict[str, _Needs] = defaultdict(lambda: defaultdict(set))
    families: defaultdict[str, set[str]] = defaultdict(set)
    rows = ecs.run_definitions(context, Side.DR)
    definitions = [row for row in rows if not isinstance(row, Unavailable)]
    for definition in definitions:
        families[definition.execution_role].add(definition.family)
        families[definition.task_role].add(definition.family)
    wanted = sorted(role for role in families if role)
    found = dict(zip(wanted, context.maybe(lambda arn: _role(context, arn, families[arn]), wanted), strict=True))
    policies = _Policies(context)  # of parts that are read late
    for definition in definitions:
        for role, actions, resource in _needs(context, definition, policies):
            needs[role][actions].add(resource)
    there = {arn: role for arn, role in found.items() if isinstance(role, TaskRole) and role.exists}
    todo = [RoleRequest(arn, arn, request) for arn in there for request in _requests(policies, arn, needs[arn])]
    answers = RoleAnswers(context, todo)
    decided = context.maybe(lambda arn: _role_with_decisions(there[arn], needs[arn], policies, answers), there)
    found |= zip(there, decided, strict=True)
    unread = [row for row in rows if isinstance(row, Unavailable)]
    return (*found.values(), *dict.fromkeys((*unread, *policies.unread)))


class _Policies:
    """The policies of the DR region's keys, secrets, repositories and file systems by ARN, and what was not read."""

    def __init__(self, context: ReadContext) -> None:
        region = context.env.region(Side.DR)
        self.context, self.now = context, context.now
        self.account, self.region = context.env.account, region
        self.root = f"arn:aws:iam::{context.env.account}:root"
        self.unread: list[Unavailable] = []
        self.by_arn: dict[str, str] = {}
        self.open_files: set[str] = set()  # which only a deny of the role's own policies closes
        self.asked_via: defaultdict[tuple[str, str], set[str]] = defaultdict(set)  # services, by the role and the key
        for repository in context.part(ecr.repositories, Side.DR):
            if isinstance(repository.policy, Unavailable):
                self.unread.append(repository.policy)
            else:
                arn = f"arn:aws:ecr:{region}:{repository.account}:repository/{repository.name}"
                self.by_arn[arn] = repository.policy
        for key in context.part(kms.keys, Side.DR):
            if isinstance(key, kms.KmsKey) and not isinstance(key.admits, Unavailable):
                self.by_arn[key.arn] = key.policy  # kms.key-usable reports a key that cannot be seen
        for secret in context.part(secret_policies.policies, Side.DR):
            if isinstance(secret, Unavailable):
                self.unread.append(secret)
            else:  # a task definition may name it without its suffix
                self.by_arn[secret.arn] = self.by_arn[without_suffix(secret.arn)] = secret.text

    def at(self, moment: datetime) -> _Policies:
        """The same policies, asked at another moment."""
        then = copy(self)
        then.now = moment
        return then

    @cached_property
    def secret_keys(self) -> dict[str, list[str]]:
        """The keys of the region's secrets, by each ARN that a task definition may name."""
        return by_named_arn((row.arn, row.key) for row in self.context.part(secretsmanager.secrets, Side.DR) if row.key)

    @cached_property
    def secret_tags(self) -> dict[str, list[tuple[tuple[str, str], ...]]]:
        """The tags of the region's secrets, by each ARN that a task definition may name."""
        return by_named_arn((row.arn, row.tags) for row in self.context.part(secretsmanager.secrets, Side.DR))

    @cached_property
    def parameter_keys(self) -> dict[str, set[str]]:
        """The keys of the region's parameters, by name."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for name, key in self.context.part(task_sources.sources, Side.DR).keys:
            found[name].add(key)
        return found

    def answer_to_role(self, role: str, action: str, resource: str) -> PolicyAnswer:
        """What the resource's own policy says to the role itself."""
        return self._answer_to((role,), action, resource)

    def refuses(self, role: str, action: str, resource: str) -> PolicyAnswer | None:
        """Why the resource's policy keeps, or may keep, the role out, whatever IAM says; None where it does not."""
        is_key = action in DECRYPT and bool(self.by_arn.get(resource))  # a key's policy admits nobody by its silence
        ask = answer_of if is_key or (action in PULL and self._is_foreign(resource)) else denial_of
        found = self._answer_to((role, self.root), action, resource, ask)
        closed = found is PolicyAnswer.SILENT and ask is answer_of
        undecided = (
            found is PolicyAnswer.UNDECIDED and action not in MOUNT
        )  # efs-policy.admits-alike judges those of files
        return found if closed or undecided or found is PolicyAnswer.DENIED else None

    def _is_foreign(self, repository: str) -> bool:
        """Whether a repository is another account's, so that IAM alone opens nothing: its policy has to admit the role.

        Source: ECR User Guide, "Private repository policies". One whose policy was not read is in ``unread``.
        """
        return repository.split(":")[4] != self.account and repository in self.by_arn

    @cached_property
    def ways(self) -> NetworkWays:
        """The ways of the region's tasks to AWS."""
        rows = (self.context.part(vpc.endpoints, Side.DR), self.context.part(vpc.nat_gateways, Side.DR))
        return NetworkWays(self.context.part(vpc.vpc, Side.DR), *rows)

    def _answer_to(
        self, principals: tuple[str, ...], action: str, resource: str, ask: _Ask = answer_of
    ) -> PolicyAnswer:
        services = sorted(self.asked_via.get((principals[0], resource), {"secretsmanager"}))
        return min((self._answer_via(s, principals, action, resource, ask) for s in services), key=_WORST.index)

    def _answer_via(
        self, service: str, principals: tuple[str, ...], action: str, resource: str, ask: _Ask
    ) -> PolicyAnswer:
        known = (
            *of_a_role(principals[0], self.account, self.region, service, self.now),
            ("elasticfilesystem:AccessedViaMountTarget", "true"),
        )
        policy, request = self.by_arn.get(resource, ""), PolicyRequest(principals, action, resource, known)
        return self.ways.answer(policy, request, ask) if tests_network(policy) else ask(policy, request)


def _needs(
    context: ReadContext, definition: ecs.TaskDefinition, policies: _Policies
) -> Iterator[tuple[str, tuple[str, ...], str]]:
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
            # The driver makes the group where none is there; its ARN ends so in the request (ECS guide, awslogs).
            # That groups are unseen is logs.groups-exist's to say: then the group counts as there.
            groups = context.part_if_seen(cloudwatch_logs.groups, Side.DR) if container.log_creates_group else None
            if groups is not None and all(row.name != container.log_group for row in groups):
                stream = f"log-group:{container.log_group}:log-stream:"
                yield role, MAKE_LOG, f"arn:aws:logs:{region}:{context.env.account}:{stream}"
        for file in container.files:
            yield role, ("s3:GetObject",), f"arn:aws:s3:::{file}"
            yield role, ("s3:GetBucketLocation",), f"arn:aws:s3:::{file.partition('/')[0]}"
        for source in {source_of(value) for _, value in container.sources}:
            if source.region in ("", region):  # else definitions.primary-region-names reports it
                own = f"arn:aws:ssm:{region}:{context.env.account}:parameter/{source.name.removeprefix('/')}"
                yield role, SECRET if source.is_secret else PARAMETER, source.arn or own
                for key in _customer_keys(policies, source):
                    policies.asked_via[role, key].add("secretsmanager" if source.is_secret else "ssm")
                    yield role, DECRYPT, key
    for arn in _files(context, {volume.file_system_id for volume in definition.volumes if volume.iam}, policies):
        yield definition.task_role, MOUNT, arn


def _customer_keys(policies: _Policies, source: SecretSource) -> Iterator[str]:
    """The customer's key of a secret or of a SecureString."""
    refs = policies.secret_keys.get(source.arn) if source.is_secret else policies.parameter_keys.get(source.name)
    for key in policies.context.part(kms.keys, Side.DR) if refs else ():
        if isinstance(key, kms.KmsKey) and key.ref in (refs or ()) and key.arn:
            yield key.arn


def _files(context: ReadContext, ids: set[str], policies: _Policies) -> Iterator[str]:
    """The ARNs of those file systems whose policy, or that they have none, was read; adds it to ``policies``."""
    rows = context.part(efs.policies, Side.DR) if ids else ()
    known = [row for row in rows if isinstance(row, efs.FileSystemPolicy) and (row.text or not row.present)]
    texts = {row.file_system: row.text for row in known}
    for system in context.part(efs.file_systems, Side.DR):
        if system.id in ids & texts.keys():
            policies.by_arn[system.arn] = texts[system.id] or _EVERY_CLIENT
            if not texts[system.id]:
                policies.open_files.add(system.arn)
            yield system.arn


def _role(context: ReadContext, arn: str, families: set[str]) -> TaskRole:
    source = f"arn:aws:ecs:{context.env.region(Side.DR)}:{context.env.account}:task"
    exists, trusted, ends = trust_of(context, arn.rpartition("/")[2], TASKS, source)
    return TaskRole(arn, exists, trusted, tuple(sorted(families)), (), ends)


def _role_with_decisions(role: TaskRole, needs: _Needs, policies: _Policies, answers: RoleAnswers) -> TaskRole:
    """The role with the worst decision on each action."""
    simulated = _simulated_decisions(role.arn, policies, answers)
    decisions = worst_by_action((*simulated, *_resource_refusals(role.arn, needs, policies)))
    return replace(role, decisions=decisions, ends=tuple(_endings(role.arn, needs, policies, answers)))


def _simulated_decisions(arn: str, policies: _Policies, answers: RoleAnswers) -> Iterator[SimulatedDecision]:
    """IAM decides, but what a resource opens by its own policy needs no allow of IAM: only its deny counts then."""
    for request, decision in answers.about(arn):
        if _is_opened(arn, policies, request, decision):
            yield SimulatedDecision(decision.action, PolicyAnswer.ALLOWED, decision.region)
        else:
            yield decision


def _is_opened(arn: str, policies: _Policies, request: SimulationRequest, decision: SimulatedDecision) -> bool:
    """Whether the own policy of what was asked about alone lets the role in, which passes over no boundary of it."""
    resources = (decision.resource,) if decision.resource else request.resources
    if resources and policies.open_files.issuperset(resources) and not decision.bounded:
        return decision.decision != DENIED
    if not decision.may_be_opened:
        return False
    answers = (policies.answer_to_role(arn, decision.action, resource) for resource in resources)
    return bool(resources) and all(answer is PolicyAnswer.ALLOWED for answer in answers)


def _resource_refusals(arn: str, needs: _Needs, policies: _Policies) -> Iterator[SimulatedDecision]:
    """What the resources' own policies refuse."""
    for actions, resources in needs.items():
        for action, resource in ((action, resource) for action in actions for resource in sorted(resources)):
            if word := policies.refuses(arn, action, resource):
                on, undecided = f"{resource}, by its own policy", word is PolicyAnswer.UNDECIDED
                decision = PolicyAnswer.SILENT if undecided else word
                missing = condition_keys(policies.by_arn[resource]) if undecided else ()
                yield SimulatedDecision(action, decision, policies.region, on, missing, of_resource=True)


def _endings(arn: str, needs: _Needs, policies: _Policies, answers: RoleAnswers) -> Iterator[Ending]:
    """When the resources' own policies begin to refuse, or no longer open, what the role may do now."""
    opened = {d.action for request, d in answers.about(arn) if _is_opened(arn, policies, request, d)}
    for actions, resources in needs.items():
        for resource in sorted(resources):
            for moment in turns_of(policies.by_arn.get(resource, ""), policies.now):
                then = policies.at(moment + timedelta(seconds=1))
                if any(_loses_access(arn, action, resource, policies, then, action in opened) for action in actions):
                    yield Ending(resource, moment)
                    break


def _loses_access(arn: str, action: str, resource: str, now: _Policies, then: _Policies, opened: bool) -> bool:
    """Whether the policy refuses then what it does not refuse now; ``opened``: or lets in no longer."""
    if then.refuses(arn, action, resource) and not now.refuses(arn, action, resource):
        return True
    allows = PolicyAnswer.ALLOWED
    return (
        opened
        and now.answer_to_role(arn, action, resource) is allows
        and then.answer_to_role(arn, action, resource) is not allows
    )


def _requests(policies: _Policies, role: str, needs: _Needs) -> Iterator[SimulationRequest]:
    for actions, named in sorted(needs.items()):
        resources = sorted(named - {"*", ""})
        for via, chosen in _by_service(policies, role, resources) if actions == DECRYPT else [((), resources)]:
            for page in [()] if "*" in named else resource_pages(tuple(chosen)):
                yield SimulationRequest(
                    policies.region, actions, page, (*_known_keys(policies, actions[0], page), *via)
                )


def _by_service(policies: _Policies, role: str, keys: list[str]) -> Iterator[tuple[Context, list[str]]]:
    """The keys by the service that asks for them in the role's name."""
    for service in sorted({service for key in keys for service in policies.asked_via[role, key]}):
        via = via_service(service, policies.region)
        yield (via,), [key for key in keys if service in policies.asked_via[role, key]]


def _known_keys(policies: _Policies, action: str, resources: tuple[str, ...]) -> Iterator[ContextKey]:
    """What is known of every request; the owner of another account's things, or of a bucket, is left out.

    IAM then names the key as missing where a policy tests it. Of secrets the tags that all of them bear are known: a
    deny upon one counts as not met without.
    """
    is_own = {arn.split(":")[4] for arn in resources} <= {policies.account}
    for key in of_the_account(policies.account, policies.region, action):
        if is_own or not key.name.endswith(":ResourceAccount"):
            yield key
    if action in SECRET:
        borne = [set(tags) for arn in resources for tags in policies.secret_tags.get(arn, ())]
        for name, value in sorted(set.intersection(*borne) if borne else ()):
            yield ContextKey(f"aws:ResourceTag/{name}", "string", (value,))
            yield ContextKey(f"secretsmanager:ResourceTag/{name}", "string", (value,))
