"""What the agent fetches before a task's containers start, and what it reports where something is missing.

Its roles must trust ECS, the execution role may pull, read and log by its own policies and by those of key and
repository, and each of these is reached from the task's subnet. The values of secrets are those of the start: a later
change reaches new tasks alone (ECS Developer Guide, "Pass Secrets Manager secrets through environment variables",
"Stopped tasks error messages"; T53). A secret named by its ARN is fetched from its own region (T73).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from moto.ecr.models import ecr_backends
from moto.ecs.models import EC2ContainerServiceBackend, TaskDefinition
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import ReplicaSecret, secretsmanager_backends
from moto.ssm.models import ssm_backends

from sandbox.core.state import STATE
from sandbox.moto_ext.ecr import repository_of, resolve
from sandbox.moto_ext.ecs.task_network import TaskNetwork
from sandbox.moto_ext.iam.policies import AccessRequest
from sandbox.moto_ext.iam.role_access import TASKS, admits, may, may_use_key, opens, role_of, said_to, trusts

# arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME; what follows is key, stage and version.
ARN_PARTS = 7
SECRET_ARN = "arn:aws:secretsmanager:"  # noqa: S105 - how an ARN begins
RESOURCES = "ResourceInitializationError: "
PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOG_KEY = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")
LOG, MAKE_LOG = ("logs:CreateLogStream", "logs:PutLogEvents"), "logs:CreateLogGroup"
# What Fargate needs for ephemeral storage under a customer's key (ECS guide, customer managed keys for Fargate).
STORE = ("kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant")


class NotStarted(Exception):
    """The agent could not start the task; the message is the stopped reason."""


@dataclass(frozen=True)
class FetchedParts:
    """Image digests by container and secrets by variable, and the stopped reason where one is missing, else ""."""

    digests: Mapping[str, str]
    secrets: Mapping[str, str]
    missing: str = ""


@dataclass(frozen=True)
class Agent:
    """What starts tasks of one definition in one region, in the name of its execution role."""

    backend: EC2ContainerServiceBackend
    definition: TaskDefinition

    @property
    def account(self) -> str:
        """The account of the tasks."""
        return str(self.backend.account_id)

    @property
    def region(self) -> str:
        """The region of the tasks."""
        return str(self.backend.region_name)

    @property
    def role(self) -> str:
        """The ARN of the execution role, "" where none is named: what needs none is all that may be fetched then."""
        return str(vars(self.definition).get("execution_role_arn") or "")

    @property
    def containers(self) -> list[dict[str, Any]]:
        """The container definitions."""
        return list(self.definition.container_definitions)

    def assume(self) -> None:
        """Assume the roles. Raises NotStarted."""
        # aws:SourceArn of a trust policy that limits the role to tasks of one region or account.
        source = f"arn:aws:ecs:{self.region}:{self.account}:task"
        for arn in (self.role, str(vars(self.definition).get("task_role_arn") or "")):
            role = role_of(self.account, arn) if arn else None
            # A role of no world of IAM is refused too: RegisterTaskDefinition does not check it.
            if arn and (role is None or not trusts(role, TASKS, self.account, source)):
                raise NotStarted(
                    f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that "
                    "the role being passed has the proper trust relationship and permissions and that your IAM user "
                    "has permissions to pass this role."
                )

    def may(self, action: str, resource: str, policies: Iterable[str | None] = ()) -> bool:
        """Whether the execution role may; a definition without one is not asked (RegisterTaskDefinition was)."""
        # The repository's own policy may allow what the role's does not (ECR guide, repository policies).
        return not self.role or may(self.account, self.role, self.access_request(action, resource), policies)

    def access_request(self, action: str, resource: str) -> AccessRequest:
        """The request as the agent makes it."""
        owner = resource.split(":")[4] if resource.startswith("arn:") else self.account
        known = {
            "aws:RequestedRegion": (self.region,),
            "aws:PrincipalAccount": (self.account,),
            "aws:ResourceAccount": (owner or self.account,),
            "aws:SecureTransport": ("true",),
        }
        return AccessRequest(action, resource, known | self._tags_of_secret(resource))

    def _tags_of_secret(self, resource: str) -> dict[str, tuple[str, ...]]:
        """The tags by which policies may name a secret. Source: Service Authorization Reference, Secrets Manager."""
        if not resource.startswith(SECRET_ARN):
            return {}
        found = secretsmanager_backends[self.account][resource.split(":")[3]].secrets.get(resource)
        tags = (found.source if isinstance(found, ReplicaSecret) else found).tags if found is not None else ()
        services = ("aws", "secretsmanager")
        return {f"{own}:ResourceTag/{tag['Key']}": (tag["Value"],) for tag in tags or () for own in services}

    def require_storage(self, cluster: str) -> None:
        """See to the key of the cluster's ephemeral storage. Raises NotStarted."""
        found = self.backend.clusters.get(cluster)
        configuration = (found.configuration if found is not None else None) or {}
        storage = configuration.get("managedStorageConfiguration") or {}
        key = str(storage.get("fargateEphemeralStorageKmsKeyId") or "")
        context = {
            "kms:EncryptionContext:aws:ecs:clusterAccount": self.account,
            "kms:EncryptionContext:aws:ecs:clusterName": cluster,
            "kms:GrantOperations": "Decrypt",
        }
        if not admits(self.account, self.region, key, "fargate", *STORE, **context):
            raise NotStarted(f"{RESOURCES}failed to set up ephemeral storage: KMS key {key} is not usable")

    def require_pull(self) -> None:
        """See to the right to pull each image. Raises NotStarted."""
        for image in (str(container["image"]) for container in self.containers):
            if (found := repository_of(image)) is None:
                continue
            account, region, name = found
            # Only a registry of another region that is dark: a region that is dark itself starts no task.
            if region in STATE.stopped:
                raise NotStarted(f"CannotPullContainerError: ref pull has been retried 5 time(s): {image}: i/o timeout")
            repository = ecr_backends[account][region].repositories.get(name)
            policy = repository.policy if repository is not None else None
            arn = f"arn:aws:ecr:{region}:{account}:repository/{name}"
            # The token is for the whole registry: no resource can be named.
            if not self.may("ecr:GetAuthorizationToken", "*"):
                raise NotStarted(
                    _denial_text("unable to pull secrets or registry auth", "ecr:GetAuthorizationToken", "*")
                )
            for action in PULL:
                if not self.may(action, arn, (policy,)):
                    raise NotStarted(f"CannotPullContainerError: {_not_authorized(action, arn)}")
            key = str(repository.encryption_configuration.get("kmsKey") or "") if repository is not None else ""
            # ECR opens the layers itself, by a grant: a disabled key stops every pull (T19).
            if not opens(account, region, key, "ecr"):
                raise NotStarted(f"CannotPullContainerError: failed to copy: {image}: 400 KMS.DisabledException: {key}")

    def require_images(self, absent: Collection[str]) -> None:
        """Raise NotStarted where the images of containers are in no registry."""
        if absent:
            raise NotStarted(f"CannotPullContainerError: image of {', '.join(sorted(absent))} not found")

    def require_log(self, container: Mapping[str, Any]) -> None:
        """See to the log group and the right to write to it. Raises NotStarted."""
        # The driver makes no group unless awslogs-create-group is true.
        if reason := missing_log_group(self.backend, container):
            raise NotStarted(RESOURCES + reason)
        options = (container.get("logConfiguration") or {}).get("options") or {}
        if not (group := options.get("awslogs-group")):
            return
        # A log group in the dead region stops tasks of the DR region (T73).
        region = options.get("awslogs-region") or self.region
        if region in STATE.stopped:
            raise NotStarted(f"{RESOURCES}failed to validate logger args: create stream has been retried: {region}")
        stem = f"arn:aws:logs:{region}:{self.account}:log-group:{group}:log-stream:"
        absent = group not in (groups := logs_backends[self.account][region].groups)
        # As strictly as AWS may do it: a stream is begun under a key that works and admits Logs.
        key = "" if absent else str(groups[group].kms_key_id or "")
        of_group = {"kms:EncryptionContext:aws:logs:arn": stem.removesuffix(":log-stream:")}
        if not admits(self.account, region, key, f"logs.{region}", *LOG_KEY, **of_group):
            raise NotStarted(
                f"{RESOURCES}failed to validate logger args: failed to create log stream: KMS key {key} is not usable"
            )
        for action, arn in [*([(MAKE_LOG, stem)] if absent else []), *((action, f"{stem}any") for action in LOG)]:
            if not self.may(action, arn):
                raise NotStarted(
                    _denial_text("failed to validate logger args: failed to create log stream", action, arn)
                )

    def require_file(self, arn: str) -> None:
        """See to a file of variables in S3, and the right to get it. Raises NotStarted."""
        bucket, _, key = arn.partition(":::")[2].partition("/")
        there = s3_backends[self.account]["aws"].buckets.get(bucket)
        # S3's buckets are global by name and still lie in one region.
        lost = there is None or there.region_name in STATE.stopped or key not in there.keys
        if lost or not self.may("s3:GetObject", arn):
            raise NotStarted(f"{RESOURCES}failed to download env files: file download command: non empty error stream")

    def value(self, named: str) -> str:
        """The value that a ``valueFrom`` names. Raises NotStarted."""
        if named.startswith(SECRET_ARN):
            return self._secret(named)
        # A name without ARN is a parameter of the task's own region (API_Secret, valueFrom).
        region = named.split(":")[3] if named.startswith("arn:") else self.region
        name = named.partition(":parameter")[2] if named.startswith("arn:") else named
        found = ssm_backends[self.account][region].get_parameter(named)
        if region in STATE.stopped or found is None:
            raise NotStarted(f"{RESOURCES}unable to pull secrets or registry auth: invalid parameters: {name}")
        arn = f"arn:aws:ssm:{region}:{self.account}:parameter/{name.removeprefix('/')}"
        if not self.may("ssm:GetParameters", arn):
            raise NotStarted(_denial_text("unable to pull secrets", "ssm:GetParameters", arn))
        # Decrypted in the role's name: it needs kms:Decrypt for the key as well.
        if found.parameter_type == "SecureString":
            self._decrypt(region, str(found.keyid or ""), f"ssm.{region}.amazonaws.com")
        return str(found.value)

    def _secret(self, named: str) -> str:
        parts = named.split(":")
        arn, region, key = ":".join(parts[:ARN_PARTS]), parts[3], (parts[ARN_PARTS:] or [""])[0]
        stored = secretsmanager_backends[self.account][region].secrets.get(arn)
        if region in STATE.stopped or stored is None or stored.is_deleted():
            raise NotStarted(f"{RESOURCES}unable to pull secrets or registry auth: {arn} cannot be found")
        # A replica has the resource policy of its primary.
        policy = stored.source.policy if isinstance(stored, ReplicaSecret) else stored.policy
        if not self.may("secretsmanager:GetSecretValue", arn, (policy,)):
            raise NotStarted(_denial_text("unable to pull secrets", "secretsmanager:GetSecretValue", arn))
        self._decrypt(region, str(stored.to_dict().get("KmsKeyId") or ""), f"secretsmanager.{region}.amazonaws.com")
        # Stage or version id; without either the current version.
        wanted = next((part for part in parts[ARN_PARTS + 1 :] if part), "AWSCURRENT")
        versions = stored.versions.items()
        found = [v for name, v in versions if wanted in (name, *v.get("version_stages", ()))]
        if not found:
            raise NotStarted(f"{RESOURCES}unable to pull secrets or registry auth: {arn} has no version {wanted}")
        text = str(found[0].get("secret_string") or "")
        if not key:
            return text
        try:
            return str(json.loads(text)[key])
        except (ValueError, KeyError, TypeError):
            raise NotStarted(f"{RESOURCES}unable to pull secrets: {arn} has no json key {key}") from None

    def _decrypt(self, region: str, key: str, service: str) -> None:
        plain = self.access_request("kms:Decrypt", key)
        by_key = {"aws:RequestedRegion": (region,), "kms:ViaService": (service,), "kms:CallerAccount": (self.account,)}
        request = replace(plain, context={**plain.context, **by_key})
        # By the service: kms:ViaService names it, and policies of keys ask for that.
        if self.role and not may_use_key(self.account, region, self.role, request, key):
            raise NotStarted(_denial_text("unable to pull secrets: Access to KMS is not allowed", "kms:Decrypt", key))


def fetch(
    backend: EC2ContainerServiceBackend, definition: TaskDefinition, cluster: str, images_alone: bool = False
) -> FetchedParts:
    """Fetch what the definition's containers need; ``images_alone`` leaves secrets and log groups for later."""
    agent = Agent(backend, definition)
    found = {container["name"]: resolve(str(container["image"])) for container in agent.containers}
    digests = {name: digest for name, digest in found.items() if digest is not None}
    try:
        # In the order in which ECS does it: the first that fails is the stopped reason.
        agent.assume()
        agent.require_storage(cluster)
        agent.require_pull()
        agent.require_images(found.keys() - digests.keys())
        return FetchedParts(digests, {} if images_alone else secrets_at_start(backend, definition))
    except NotStarted as reason:
        return FetchedParts(digests, {}, str(reason))


def secrets_at_start(backend: EC2ContainerServiceBackend, definition: TaskDefinition) -> dict[str, str]:
    """The values of the definition's secrets by variable. Raises NotStarted where one, or a log group, is missing."""
    agent, found = Agent(backend, definition), dict[str, str]()
    for container in agent.containers:
        agent.require_log(container)
        for secret in container.get("secrets") or ():
            found[secret["name"]] = agent.value(str(secret["valueFrom"]))
        for named in _agent_secrets(container):
            agent.value(named)
        for file in container.get("environmentFiles") or ():
            agent.require_file(str(file["value"]))
    return found


def _agent_secrets(container: Mapping[str, Any]) -> list[str]:
    """What the agent fetches for itself: secrets of the log driver, and the one by which it signs in at a registry."""
    options = (container.get("logConfiguration") or {}).get("secretOptions") or ()
    registry = (container.get("repositoryCredentials") or {}).get("credentialsParameter")
    return [*(str(option["valueFrom"]) for option in options), *([str(registry)] if registry else [])]


def network_fault(backend: EC2ContainerServiceBackend, definition: TaskDefinition, network: TaskNetwork) -> str:
    """The stopped reason where something that the task starts with is not reached from its subnet, "" where all is."""
    if not network.is_modelled:
        return ""
    agent = Agent(backend, definition)
    requests = list(_start_requests(agent))
    # Without DNS the first name that is asked for fails.
    if requests and not network.resolves():
        return f"{RESOURCES}unable to pull secrets or registry auth: lookup {requests[0][0]}: no such host"
    for service, request in requests:
        if not network.leads_to(service):
            return (
                f"{RESOURCES}unable to pull secrets or registry auth: There is a connection issue between the task and "
                f"{service}. Check your task network configuration. dial tcp: i/o timeout"
            )
        endpoint = network.endpoint_of(service)
        principals = (agent.role, f"arn:aws:iam::{agent.account}:root")
        # An endpoint's policy is a third that must allow, beside role and resource.
        if endpoint is not None and said_to(endpoint.policy_document, principals, request) != "allowed":
            return f"{RESOURCES}{_not_authorized(request.action, str(request.resource))} because no VPC endpoint policy"
    return ""


def _start_requests(agent: Agent) -> Iterator[tuple[str, AccessRequest]]:
    """The services of AWS that a start asks, each with the request that its endpoint's policy must let through."""
    for container in agent.containers:
        found = repository_of(str(container["image"]))
        # The registry of another region has no endpoint in this VPC.
        if found is not None and found[1] == agent.region:
            arn = f"arn:aws:ecr:{found[1]}:{found[0]}:repository/{found[2]}"
            yield "ecr.api", agent.access_request("ecr:GetAuthorizationToken", "*")
            yield "ecr.dkr", agent.access_request("ecr:BatchGetImage", arn)
            # Layers come from a bucket of ECR's: an endpoint policy of S3
            # must let it through (ECR guide, VPC endpoints).
            layers = f"arn:aws:s3:::prod-{agent.region}-starport-layer-bucket/layer"
            yield "s3", agent.access_request("s3:GetObject", layers)
        for named in (
            *(str(secret["valueFrom"]) for secret in container.get("secrets") or ()),
            *_agent_secrets(container),
        ):
            if named.startswith(SECRET_ARN):
                arn = ":".join(named.split(":")[:ARN_PARTS])
                yield "secretsmanager", agent.access_request("secretsmanager:GetSecretValue", arn)
            else:
                yield "ssm", agent.access_request("ssm:GetParameters", named)
        options = (container.get("logConfiguration") or {}).get("options") or {}
        if group := options.get("awslogs-group"):
            arn = f"arn:aws:logs:{agent.region}:{agent.account}:log-group:{group}:log-stream:any"
            yield "logs", agent.access_request("logs:CreateLogStream", arn)


def missing_log_group(backend: EC2ContainerServiceBackend, container: Mapping[str, Any]) -> str:
    """What the awslogs driver says where its group is missing, "" where it is there."""
    options = (container.get("logConfiguration") or {}).get("options") or {}
    group = options.get("awslogs-group")
    groups = logs_backends[backend.account_id][options.get("awslogs-region") or backend.region_name].groups
    if group and group not in groups and options.get("awslogs-create-group") != "true":
        return "failed to validate logger args: The specified log group does not exist."
    return ""


def _denial_text(what: str, action: str, resource: str) -> str:
    return f"{RESOURCES}{what}: {_not_authorized(action, resource)}"


def _not_authorized(action: str, resource: str) -> str:
    return f"AccessDeniedException: the execution role is not authorized to perform: {action} on resource: {resource}"
