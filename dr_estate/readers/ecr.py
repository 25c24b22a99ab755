"""ECR: the repositories that task definitions name, their images, and the registry's replication rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs
from dr_estate.reading.reader import REGIONAL, ReadContext, part

IMAGE_READS = frozenset(
    {"ecr:DescribeImages", "ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy"}
)

# The most that DescribeImages takes in a page; 100 where nothing is said.
_IMAGES_A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image as a task definition names it. ``account`` and ``region`` are "" outside ECR's private registries."""

    account: str
    region: str
    repository: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a repository."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository of ``account``'s registry in this region; ``images`` is None where there is no such repository.

    ``policy`` is its own policy as it is, "" where it has none; ``lifecycle`` the rules by which its images expire;
    ``key`` the KMS key under which they lie, "" where it is AWS's own, or the repository is of another account.
    """

    account: str
    name: str
    images: tuple[Image, ...] | Unavailable | None
    policy: str | Unavailable = ""
    lifecycle: str | Unavailable = ""
    key: str | Unavailable = ""

    def digest_of(self, ref: ImageRef) -> str | None:
        """The digest ``ref`` would pull from here, or None where this repository does not show it."""
        for image in self.images if isinstance(self.images, tuple) else ():
            if image.digest == ref.digest or (not ref.digest and ref.tag in image.tags):
                return image.digest
        return None


@dataclass(frozen=True, slots=True)
class ReplicationRule:
    """One rule of the registry: destination (region, account) pairs, and repository prefixes (none means all)."""

    destinations: tuple[tuple[str, str], ...]
    prefixes: tuple[str, ...]


def image_ref(image: str) -> ImageRef:
    """Take an image reference apart: ``host/repository:tag`` or ``host/repository@digest``."""
    name, _, digest = image.partition("@")
    host, slash, rest = name.partition("/")
    repository, _, tag = (rest if slash else name).partition(":")
    words = host.split(".")
    if len(words) > _ECR_WORDS and words[1:3] == ["dkr", "ecr"]:
        # A reference without a tag means latest, as Docker reads it.
        return ImageRef(words[0], words[3], repository, tag or "latest", digest)
    return ImageRef("", "", name.rpartition(":")[0] if tag else name, tag or "latest", digest)


_ECR_WORDS = 4


@part(*REGIONAL, reads=IMAGE_READS)
def repositories(context: ReadContext) -> tuple[Repository, ...]:
    """The repositories in this region that this side's task definitions name, and the environment's own.

    Listed by DescribeImages, a thousand a page: BatchGetImage would count as a pull.
    """
    own = context.env.named(context.env.names.repository)
    wanted = {(context.env.account, own)} if own else set()
    for definition in ecs.run_definitions(context):
        if isinstance(definition, ecs.TaskDefinition):
            refs = (image_ref(container.image) for container in definition.containers)
            wanted |= {(ref.account, ref.repository) for ref in refs if ref.region == context.region}
    named, asks = sorted(wanted), (_images, _policy, _lifecycle, _key)
    answers = context.about(named, [partial(ask, context) for ask in asks])
    return tuple(Repository(*key, *row) for key, row in zip(named, answers, strict=True))


def _repository_params(key: tuple[str, str]) -> dict[str, str]:
    return {"registryId": key[0], "repositoryName": key[1]}


def _lifecycle(context: ReadContext, key: tuple[str, str]) -> str:
    absent = ("RepositoryNotFoundException", "LifecyclePolicyNotFoundException")
    found = context.find("ecr", "get_lifecycle_policy", absent, **_repository_params(key))
    return str(found.get("lifecyclePolicyText") or "") if found else ""


def _policy(context: ReadContext, key: tuple[str, str]) -> str:
    """Return a repository's policy, in the DR region alone: tasks that serve in the primary region may pull."""
    if context.region != context.env.region(Side.DR):
        return ""
    absent = ("RepositoryNotFoundException", "RepositoryPolicyNotFoundException")
    found = context.find("ecr", "get_repository_policy", absent, **_repository_params(key))
    return str(found.get("policyText") or "") if found else ""


def _key(context: ReadContext, key: tuple[str, str]) -> str:
    """The DR region's alone, as the policy; another account does not let its repositories be described.

    Source: DescribeRepositories, encryptionConfiguration.
    """
    if context.region != context.env.region(Side.DR) or key[0] != context.env.account:
        return ""
    found = context.find(
        "ecr", "describe_repositories", ("RepositoryNotFoundException",), registryId=key[0], repositoryNames=[key[1]]
    )
    rows = (found or {}).get("repositories") or ()
    return next((str((row.get("encryptionConfiguration") or {}).get("kmsKey") or "") for row in rows), "")


def _images(context: ReadContext, key: tuple[str, str]) -> tuple[Image, ...] | None:
    rows = context.find_pages(
        "ecr",
        "describe_images",
        "imageDetails",
        ("RepositoryNotFoundException",),
        **_repository_params(key),
        PaginationConfig={"PageSize": _IMAGES_A_PAGE},
    )
    return None if rows is None else context.rows(rows, _image, "imageDigest")


def _image(row: dict[str, Any]) -> Image:
    return Image(row["imageDigest"], tuple(row.get("imageTags", [])), row["imagePushedAt"])


@part(Side.PRIMARY, reads=frozenset({"ecr:DescribeRegistry"}))
def replication_rules(context: ReadContext) -> tuple[ReplicationRule, ...]:
    """The replication rules of the primary region's registry."""
    registry = context.call("ecr", "describe_registry")
    return context.rows(registry.get("replicationConfiguration", {}).get("rules", []), _replication_rule, "")


def _replication_rule(row: dict[str, Any]) -> ReplicationRule:
    return ReplicationRule(
        destinations=tuple((d["region"], d["registryId"]) for d in row["destinations"]),
        prefixes=tuple(f["filter"] for f in row.get("repositoryFilters", [])),
    )
