"""Task definitions of the DR region that would start something else, or wait for the primary region (T18, T21)."""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster
from sandbox.disasters.services import DEFINED_BY, redefine, service_of
from sandbox.world.world import World

TWO = 2


@disaster(
    "definition-smaller",
    "One tenant's task definition in the DR region asks for half the CPU and half the memory",
    trips=("definitions.parity",),
    consequences=("load.carried",),
)
def smaller(world: World) -> None:
    """Register a revision with half of both: half the memory alone is no pair that Fargate has."""

    def halve(revision: dict[str, Any]) -> None:
        revision |= {key: str(int(revision[key]) // 2) for key in ("cpu", "memory")}

    redefine(world, Side.DR, world.tenants[-1], halve)


@disaster(
    "definition-variable-forgotten",
    "A variable was added to one tenant's primary task definition alone",
    trips=("definitions.parity",),
)
def variable_forgotten(world: World) -> None:
    """Register a revision in the primary region with one more variable."""

    def add(revision: dict[str, Any]) -> None:
        revision["containerDefinitions"][0]["environment"].append({"name": "FEATURE_FLAGS", "value": "on"})

    redefine(world, Side.PRIMARY, world.tenants[-1], add)


@disaster(
    "definition-bucket-of-primary",
    "One tenant's variables in the DR region name a bucket of the primary region, as in the primary's own definition",
    trips=("variables.buckets",),
)
def bucket_of_primary(world: World) -> None:
    """Register revisions in both regions with the name of the first bucket."""
    bucket = world.environment.named(world.environment.names.buckets[0])

    def add(revision: dict[str, Any]) -> None:
        revision["containerDefinitions"][0]["environment"].append({"name": "MEDIA_BUCKET", "value": bucket})

    for side in (Side.PRIMARY, Side.DR):
        redefine(world, side, world.tenants[-1], add)


@disaster(
    "definition-cache-of-primary",
    "All tenants' variables in the DR region name the cache of the primary region, as the primary's own definitions do",
    trips=("references.lead-here",),
)
def cache_of_primary(world: World) -> None:
    """Register revisions in both regions with the endpoint of a cache, which names its region by a short code."""
    # A zone id begins with the same short code as ElastiCache's endpoints (euw1-az1).
    region = world.call(Side.PRIMARY, "ec2", "DescribeAvailabilityZones")["AvailabilityZones"][0]["ZoneId"]
    host = f"{world.environment.name}-cache.abc123.0001.{region.partition('-')[0]}.cache.amazonaws.com"

    def add(revision: dict[str, Any]) -> None:
        revision["containerDefinitions"][0]["environment"].append({"name": "WP_REDIS_HOST", "value": host})

    for tenant in world.tenants:
        for side in (Side.PRIMARY, Side.DR):
            redefine(world, side, tenant, add)


@disaster(
    "definition-variables-elsewhere",
    "One tenant's containers in the DR region fetch a file of variables from a bucket of the primary region",
    trips=("task-sources.files-here",),
    consequences=("definitions.parity",),
)
def variables_elsewhere(world: World) -> None:
    """Name a file in the first bucket, which the execution role may read."""
    env, role = world.environment, f"{world.environment.name}-ecs-execution-role"
    bucket, policy = env.named(env.names.buckets[0]), {"RoleName": role, "PolicyName": "variables"}
    # Both are asked for (ECS guide, pass environment variables by file).
    statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetBucketLocation"], "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.undo(Side.GLOBAL, "iam", "DeleteRolePolicy", **policy)
    world.call(Side.GLOBAL, "iam", "PutRolePolicy", PolicyDocument=text, **policy)

    def fetch(revision: dict[str, Any]) -> None:
        files = [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/app.env"}]
        revision["containerDefinitions"][0]["environmentFiles"] = files

    redefine(world, Side.DR, world.tenants[-1], fetch)


@disaster(
    "definition-primary-registry",
    "One tenant's task definition in the DR region pulls from the primary region's registry",
    trips=("definitions.image-registry",),
)
def primary_registry(world: World) -> None:
    """Register a revision whose image is in the primary's registry."""

    def pull(revision: dict[str, Any]) -> None:
        container = revision["containerDefinitions"][0]
        container["image"] = container["image"].replace(world.environment.regions.dr, world.environment.regions.primary)

    redefine(world, Side.DR, world.tenants[-1], pull)


@disaster(
    "definition-primary-database",
    "One tenant's task definition in the DR region names the primary region's database",
    trips=("definitions.primary-region-names",),
)
def primary_database(world: World) -> None:
    """Register a revision whose database host is the primary's."""
    env = world.environment
    name = env.named(env.names.database)
    found = world.call(Side.PRIMARY, "rds", "DescribeDBInstances", DBInstanceIdentifier=name)["DBInstances"][0]

    def point(revision: dict[str, Any]) -> None:
        for variable in revision["containerDefinitions"][0]["environment"]:
            if variable["name"] == "WORDPRESS_DB_HOST":
                variable["value"] = f"{found['Endpoint']['Address']}:{found['Endpoint']['Port']}"

    redefine(world, Side.DR, world.tenants[-1], point)


@disaster(
    "definition-of-another-tenant",
    "One tenant's task definition in the DR region opens another tenant's database: a restore was wired up wrongly",
    trips=("definitions.own-tenant",),
    consequences=("variables.alike", "variables.schema"),
)
def of_another_tenant(world: World) -> None:
    """Register a revision of the last tenant that names the first one's schema. Raises SandboxError with one tenant."""
    if len(world.tenants) < TWO:
        raise SandboxError("This takes two tenants: `dr_cli.py sandbox up --fresh --tenants 2`.")
    names, env = world.environment.names, world.environment

    def open_the_others(revision: dict[str, Any]) -> None:
        own = env.named(names.tenant_schema, tenant=world.tenants[-1])
        for variable in revision["containerDefinitions"][0]["environment"]:
            if variable["value"] == own:
                variable["value"] = env.named(names.tenant_schema, tenant=world.tenants[0])

    redefine(world, Side.DR, world.tenants[-1], open_the_others)


@disaster(
    "definition-files-read-only",
    "One tenant's task definition in the DR region mounts the files read only, and without IAM",
    trips=("definitions.parity",),
)
def files_read_only(world: World) -> None:
    """Register a revision whose mount is read only and whose volume does not ask the task role."""

    def close(revision: dict[str, Any]) -> None:
        revision["containerDefinitions"][0]["mountPoints"][0]["readOnly"] = True
        revision["volumes"][0]["efsVolumeConfiguration"]["authorizationConfig"]["iam"] = "DISABLED"

    redefine(world, Side.DR, world.tenants[-1], close)


def _set(world: World, name: str, value: str) -> None:
    """Register a revision of the last tenant in the DR region with another value of the variable."""

    def change(revision: dict[str, Any]) -> None:
        for variable in revision["containerDefinitions"][0]["environment"]:
            if variable["name"] == name:
                variable["value"] = value

    redefine(world, Side.DR, world.tenants[-1], change)


disaster(
    "definition-value-forgotten",
    "A variable of one tenant has a value in the DR region that the other tenants' has not",
    trips=("variables.alike",),
    run=lambda world: _set(world, "ENVIRONMENT", "training"),
)


@disaster(
    "definition-dead-database",
    "One tenant's task definition in the DR region names a database that nobody restores",
    trips=("variables.alike", "variables.database-host"),
)
def dead_database(world: World) -> None:
    """Register a revision that names a former instance of the DR region."""
    _set(world, "WORDPRESS_DB_HOST", f"former-mysql.abc123.{world.environment.regions.dr}.rds.amazonaws.com:3306")


@disaster(
    "definition-dead-secret",
    "One tenant's task definition in the DR region names a secret that was deleted and made again",
    trips=("task-sources.exist",),
)
def dead_secret(world: World) -> None:
    """Register a revision whose secrets have another random suffix: an ARN with a suffix means one secret alone."""

    def misname(revision: dict[str, Any]) -> None:
        for secret in revision["containerDefinitions"][0]["secrets"]:
            parts = secret["valueFrom"].split(":")
            # Secrets Manager ends each ARN in a hyphen and six random characters.
            parts[6] = f"{parts[6][:-6]}ZzZzZz"
            secret["valueFrom"] = ":".join(parts)

    redefine(world, Side.DR, world.tenants[-1], misname)


@disaster(
    "definition-another-schema",
    "One tenant's task definition in the DR region names a schema that no tenant has",
    trips=("variables.schema",),
    consequences=("variables.alike",),
)
def another_schema(world: World) -> None:
    """Register a revision with another schema."""

    def rename(revision: dict[str, Any]) -> None:
        for variable in revision["containerDefinitions"][0]["environment"]:
            if variable["name"] == "WORDPRESS_DB_NAME":
                variable["value"] = "wordpress"

    redefine(world, Side.DR, world.tenants[-1], rename)


@disaster(
    "definition-deregistered",
    "Every revision of one tenant's task definition in the DR region was deregistered",
    trips=("definitions.active",),
)
def deregistered(world: World) -> None:
    """Deregister the last tenant's revisions; the repair registers the same content again for the service to use."""
    used = service_of(world, Side.DR, world.tenants[-1])["taskDefinition"]
    current = world.call(Side.DR, "ecs", "DescribeTaskDefinition", taskDefinition=used)["taskDefinition"]
    content = {key: current[key] for key in DEFINED_BY if current.get(key)}
    newest = {"service": world.environment.named(world.environment.names.service, tenant=world.tenants[-1])}
    cluster = world.environment.named(world.environment.names.cluster)
    # Replayed after the registration: a family alone means its newest ACTIVE revision.
    world.undo(Side.DR, "ecs", "UpdateService", cluster=cluster, taskDefinition=current["family"], **newest)
    world.undo(Side.DR, "ecs", "RegisterTaskDefinition", **content)
    arns = world.call(Side.DR, "ecs", "ListTaskDefinitions", familyPrefix=current["family"])["taskDefinitionArns"]
    # Services go on with what runs, and still scale (API_DeregisterTaskDefinition); nothing new can use it.
    for arn in arns:
        world.call(Side.DR, "ecs", "DeregisterTaskDefinition", taskDefinition=arn)


@disaster(
    "definition-tidied-away",
    "A clean-up deregistered the revision that one tenant's service in the DR region uses, and left an older one",
    trips=("definitions.active",),
)
def tidied_away(world: World) -> None:
    """Let the service use a new revision of the same content, and deregister that."""
    service, tenant = (
        world.environment.named(world.environment.names.service, tenant=world.tenants[-1]),
        world.tenants[-1],
    )
    cluster, used = world.environment.named(world.environment.names.cluster), service_of(world, Side.DR, tenant)
    current = world.call(Side.DR, "ecs", "DescribeTaskDefinition", taskDefinition=used["taskDefinition"])
    content = {key: value for key, value in current["taskDefinition"].items() if key in DEFINED_BY and value}
    newest = world.call(Side.DR, "ecs", "RegisterTaskDefinition", **content)["taskDefinition"]["taskDefinitionArn"]
    named = {"cluster": cluster, "service": service}
    world.undo(Side.DR, "ecs", "UpdateService", taskDefinition=used["taskDefinition"], **named)
    world.call(Side.DR, "ecs", "UpdateService", taskDefinition=newest, **named)
    # Not taken back: no call makes a revision ACTIVE again, and the repair uses the one before.
    world.call(Side.DR, "ecs", "DeregisterTaskDefinition", taskDefinition=newest)
