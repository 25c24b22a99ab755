"""Kinds of what a recovery needs in the DR region, and the checks that follow each to its end, or why none does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class NeedKind(StrEnum):
    """What one thing needs of another: the kind of an edge."""

    SERVICE = "tenant runs as service"
    DEFINITION = "service starts task definition"
    SUBNET = "service places tasks in subnet"
    SERVICE_GROUP = "service carries security group"
    REGISTRY = "service registers tasks in registry"
    TARGET_GROUP = "service registers at target group"
    LISTENER = "target group is reached through listener"
    BALANCER = "listener belongs to load balancer"
    BALANCER_ACL = "load balancer is guarded by web ACL"
    ORIGIN = "visitors are led by distribution"
    ORIGIN_BUCKET = "distribution fetches from bucket"
    BALANCER_SUBNET = "load balancer stands in subnet"
    ACL = "subnet is guarded by network ACL"
    ROUTE = "subnet leads out through gateway"
    ENDPOINT = "subnet reaches AWS through endpoint"
    GATEWAY_SUBNET = "NAT gateway stands in subnet"
    RESOLVER = "subnet resolves names by VPC"
    IMAGE = "task definition pulls image"
    IMAGE_KEY = "image lies under key"
    STORAGE_KEY = "service stores its tasks' files under key"
    SECRET = "task definition reads secret"  # noqa: S105 - a kind of edge, not a password
    PARAMETER = "task definition reads parameter"
    SECRET_POLICY = "secret is guarded by its own policy"  # noqa: S105 - a kind of edge, not a password
    SECRET_KEY = "secret is encrypted under key"  # noqa: S105 - a kind of edge, not a password
    PARAMETER_KEY = "parameter is encrypted under key"
    LOG_GROUP = "task definition writes to log group"
    EXECUTION_ROLE = "task definition starts as execution role"
    TASK_ROLE = "task definition runs as task role"
    ACCESS_POINT = "task definition mounts access point"
    FILE_SYSTEM = "access point opens file system"
    MOUNT_TARGET = "file system is reached through mount target"
    MOUNT_GROUP = "mount target is guarded by security group"
    FILES_KEY = "file system is encrypted under key"
    FILES_POLICY = "file system is guarded by policy"
    DATABASE = "task definition opens database"
    DATABASE_SUBNETS = "database is restored into subnet group"
    DATABASE_PARAMETERS = "database is restored with parameter group"
    DATABASE_OPTIONS = "database is restored with option group"
    DATABASE_NAME = "database is restored under name"
    DATABASE_GROUP = "database is guarded by security group"
    DATABASE_COPY = "database is restored from copy"
    COPY_KEY = "copy is encrypted under key"
    OBJECTS = "tenant's objects are copied to bucket"
    STORE_POLICY = "bucket and table are guarded by policy"
    RESTORE_ROLE = "files are restored as role"
    TOPIC = "tenant's alarms reach topic"
    TOPIC_QUEUE = "topic is heard by queue"
    TOPIC_FUNCTION = "topic is heard by function"
    COPY_ROLE = "bucket and vault are filled as role"
    VAULT = "backups are copied to vault"


@dataclass(frozen=True, slots=True)
class Followed:
    """The checks that follow a kind of edge to its end, or the reason why none does."""

    checks: tuple[str, ...] = ()
    reason: str = ""


# Each kind stands here, with its checks or with the reason why none follows it: a gap in sight is written down.
FOLLOWED: Mapping[NeedKind, Followed] = {
    NeedKind.SERVICE: Followed(
        ("ecs.service-exists", "ecs-deployment.alike"),
        reason="schedules of others that call ECS (EventBridge Scheduler, Lambda) are compared by name, not by what "
        "they call",
    ),
    NeedKind.DEFINITION: Followed(
        (
            "definitions.parity",
            "definitions.primary-region-names",
            "definitions.own-tenant",
            "definitions.active",
            "task-sources.files-here",
            "references.lead-here",
            "variables.alike",
        ),
        reason="a revision that was cached and deregistered since is not asked for again, but with --no-cache; the key "
        "under which a file of variables is encrypted is not read; nor is what such a file and a SecureString say",
    ),
    NeedKind.SUBNET: Followed(("vpc.zones", "vpc.free-addresses")),
    NeedKind.SERVICE_GROUP: Followed(
        ("vpc-reach.attached-groups", "vpc-reach.security-groups"),
        reason="a block of the VPC is followed to tasks, balancer, database, files and endpoints alone; blocks of IPv6 "
        "of subnets that have both kinds are not read, and such rules are compared word for word",
    ),
    NeedKind.REGISTRY: Followed(
        ("service-discovery.registries-exist",),
        reason="a namespace of public DNS, in which no private address is registered, is not distinguished; a "
        "namespace of Service Connect is not read",
    ),
    NeedKind.TARGET_GROUP: Followed(
        ("ecs.target-group-attached", "elbv2-attributes.alike", "elbv2-routing.target-groups"),
        reason="attributes are a call a group, of the few that ECS needs: of more than forty groups others are "
        "compared on each day",
    ),
    NeedKind.LISTENER: Followed(("elbv2-routing.host-rules", "elbv2-routing.listeners")),
    NeedKind.BALANCER: Followed(("elbv2.active", "elbv2.listener-certificates", "vpc-reach.security-groups")),
    NeedKind.BALANCER_ACL: Followed(("elbv2-web-acl.alike",), reason="what a rule looks for is not compared"),
    NeedKind.ORIGIN: Followed(
        (
            "cloudfront.origin-follows",
            "cloudfront-routing.origin-reached",
            "cloudfront-routing.header-sent",
            "cloudfront.errors-forgotten",
            "cloudfront-visitors.nobody-led-apart",
            "cloudfront-visitors.posts-admitted",
        ),
        reason="one distribution serves both regions: which countries it refuses, and what its web ACL does, is "
        "compared with another's that answers for a tenant alone, or not judged; of posts the login and the editor",
    ),
    NeedKind.ORIGIN_BUCKET: Followed(
        ("cloudfront-origins.bucket-admits", "cloudfront-origins.bucket-filled"),
        reason="objects that were written under a key of their own, or before a rule changed, are not looked at",
    ),
    NeedKind.BALANCER_SUBNET: Followed(("vpc-reach.way-in",)),
    NeedKind.ACL: Followed(("vpc-acls.admit-traffic",)),
    NeedKind.ROUTE: Followed(
        ("vpc-reach.way-out", "vpc-routes.parts-lead-on"),
        reason="what stands beyond a firewall, a transit gateway or a VPN is not followed: it is warned of where the "
        "primary region's tasks leave otherwise",
    ),
    NeedKind.GATEWAY_SUBNET: Followed(("vpc-reach.way-out", "vpc-routes.parts-lead-on")),
    NeedKind.ENDPOINT: Followed(
        ("endpoints.admit-tasks", "endpoints.admit-stores", "vpc-reach.way-out"),
        reason="conditions of a policy that only AWS evaluates leave it unknown",
    ),
    NeedKind.RESOLVER: Followed(
        (
            "vpc-reach.names-resolve",
            "name-servers.know-the-vpc",
            "name-servers.rules-lead-on",
            "name-servers.firewall-admits",
            "private-names.aws-names",
        ),
        reason="name servers of one's own are not asked: whether one that is there answers only a task shows; a "
        "firewall's rules are not followed to further names that an answer leads to",
    ),
    NeedKind.IMAGE: Followed(
        (
            "images.present",
            "definitions.image-registry",
            "ecr.repository-exists",
            "ecr.kept-as-long",
            "roles.tasks-allowed",
        ),
        reason="for which processor and system an image was built is not read: a manifest of one platform does not say "
        "it, and where digest and definition are the primary region's (images.parity, definitions.parity) it runs",
    ),
    NeedKind.IMAGE_KEY: Followed(
        ("kms.key-usable", "kms.services-admitted"),
        reason="the key of another account's repository, and revoked grants, are not read",
    ),
    NeedKind.STORAGE_KEY: Followed(("kms.key-usable", "kms.services-admitted")),
    NeedKind.SECRET: Followed(
        (
            "task-sources.exist",
            "secrets.secret-exists",
            "secrets.decryptable",
            "secret-values.alike",
            "secret-values.master-user",
            "roles.tasks-allowed",
        ),
        reason="whether a value opens the database only a login shows, a restore test's or a task's: passwords, and a "
        "user that all of three or more tenants' secrets have alike, are warned of where no task was started "
        "since they were written; that RDS manages the master password is seen while the primary region is",
    ),
    NeedKind.SECRET_POLICY: Followed(
        ("roles.tasks-allowed",),
        reason="conditions that only AWS evaluates leave it unknown; those on the network are decided by the VPC's "
        "own endpoints and NAT gateways",
    ),
    NeedKind.PARAMETER: Followed(("task-sources.exist", "terraform.parameter-parity", "roles.tasks-allowed")),
    NeedKind.PARAMETER_KEY: Followed(("kms.key-usable", "roles.tasks-allowed")),
    NeedKind.SECRET_KEY: Followed(("kms.key-usable", "secrets.decryptable", "roles.tasks-allowed")),
    NeedKind.LOG_GROUP: Followed(("logs.groups-exist", "logs.keys-usable")),
    NeedKind.EXECUTION_ROLE: Followed(
        ("roles.assumable", "roles.tasks-allowed"),
        reason="service control policies with global conditions, which IAM's simulator does not evaluate; when a "
        "policy of IAM itself ends a right, for its text is not read: it is judged at the time of the look",
    ),
    NeedKind.TASK_ROLE: Followed(
        ("roles.assumable", "roles.tasks-allowed", "roles.stores-allowed", "roles.store-keys-allowed"),
        reason="rights on some objects of a bucket alone, and on what is no store, are not compared",
    ),
    NeedKind.ACCESS_POINT: Followed(("efs-access.point-exists", "efs-access.volumes-local", "efs-access.point-parity")),
    NeedKind.FILE_SYSTEM: Followed(("efs.file-system-exists", "efs.replication-state")),
    NeedKind.MOUNT_TARGET: Followed(("efs-mounts.targets-per-zone",)),
    NeedKind.MOUNT_GROUP: Followed(("efs-mounts.tasks-admitted",)),
    NeedKind.FILES_KEY: Followed(("kms.key-usable", "kms.services-admitted", "efs-mounts.encrypted")),
    NeedKind.FILES_POLICY: Followed(("efs-policy.admits-alike", "roles.tasks-allowed")),
    NeedKind.DATABASE: Followed(
        (
            "definitions.primary-region-names",
            "references.lead-here",
            "variables.database-host",
            "private-names.database",
        ),
        reason="a name in a public zone, or in one of another account, is not looked up",
    ),
    NeedKind.DATABASE_SUBNETS: Followed(("rds.subnet-group",)),
    NeedKind.DATABASE_PARAMETERS: Followed(("rds.parameter-group", "rds-parity.parameter-group")),
    NeedKind.DATABASE_OPTIONS: Followed(("rds.option-group", "rds-parity.option-group")),
    NeedKind.DATABASE_NAME: Followed(("rds.name-free",)),
    NeedKind.DATABASE_GROUP: Followed(("vpc-reach.security-groups",)),
    NeedKind.DATABASE_COPY: Followed(("rds-copy.usable", "rds-copy.age")),
    NeedKind.COPY_KEY: Followed(("rds-copy.key-usable", "rds-copy.usable")),
    NeedKind.OBJECTS: Followed(
        (
            "s3.copy-exists",
            "s3.replication-rule",
            "s3.rule-precedence",
            "s3.versioning",
            "s3-cors.alike",
            "s3-ownership.lists-taken",
            "s3-website.alike",
            "variables.buckets",
        ),
        reason="object lock and storage class of objects are not read: a listing is a call a thousand objects",
    ),
    NeedKind.COPY_ROLE: Followed(
        ("copy-roles.may-replicate", "copy-roles.may-copy"),
        reason="grants of a key are not listed: a deny of its policy wins over them, and services ask for new ones",
    ),
    NeedKind.STORE_POLICY: Followed(
        ("store-access.admits-alike", "store-access.admits-operator"),
        reason="what a policy grants that nobody's role has is not compared",
    ),
    NeedKind.RESTORE_ROLE: Followed(("copy-roles.may-restore",)),
    NeedKind.TOPIC: Followed(
        ("topics.in-both-regions", "topics.subscribed", "topics.delivered"),
        reason="a topic that an alarm names and names.topics does not is not looked up",
    ),
    NeedKind.TOPIC_QUEUE: Followed(("topics.delivered",), reason="streams that are subscribed are not read"),
    NeedKind.TOPIC_FUNCTION: Followed(("topics.delivered",), reason="what the function itself needs is not followed"),
    NeedKind.VAULT: Followed(("backup.vault-exists", "copy-roles.may-copy", "backup-lifecycle.copies-last")),
}
