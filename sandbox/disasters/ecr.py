"""Images that the DR region would need and does not hold (T21)."""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.services import redefine
from sandbox.world.world import World

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def _repository(world: World) -> str:
    return world.environment.named(world.environment.names.repository)


def _images(world: World, side: Side) -> list[dict[str, Any]]:
    """Return the images with their manifests, as BatchGetImage reports them."""
    name = _repository(world)
    ids = world.call(side, "ecr", "ListImages", repositoryName=name)["imageIds"]
    return list(world.call(side, "ecr", "BatchGetImage", repositoryName=name, imageIds=ids)["images"])


def _put_back(world: World, image: dict[str, Any]) -> None:
    tag = {"imageTag": image["imageId"]["imageTag"]} if image["imageId"].get("imageTag") else {}
    world.undo(
        Side.DR,
        "ecr",
        "PutImage",
        repositoryName=_repository(world),
        imageManifest=image["imageManifest"],
        imageManifestMediaType=image.get("imageManifestMediaType") or _MANIFEST,
        **tag,
    )


@disaster(
    "ecr-digest-deleted",
    "A clean-up deleted the image that serves today from the DR region's registry",
    trips=("ecr.digest-present", "images.present"),
)
def digest_deleted(world: World) -> None:
    """Delete every image of the DR repository."""
    images = _images(world, Side.DR)
    for image in images:
        _put_back(world, image)
    # By digest: by tag, ECR would take the tag alone where an image has several.
    digests = [{"imageDigest": image["imageId"]["imageDigest"]} for image in images]
    world.call(Side.DR, "ecr", "BatchDeleteImage", repositoryName=_repository(world), imageIds=digests)


@disaster(
    "ecr-repository-deleted",
    "The image repository of the DR region was deleted",
    trips=("ecr.repository-exists", "ecr.digest-present"),
)
def repository_deleted(world: World) -> None:
    """Delete the DR repository with its images."""
    name = _repository(world)
    found = world.call(Side.DR, "ecr", "DescribeRepositories", repositoryNames=[name])["repositories"][0]
    for image in _images(world, Side.DR):
        _put_back(world, image)
    # Recorded after the images' undos: the repository is there before an image is put into it.
    world.undo(
        Side.DR,
        "ecr",
        "CreateRepository",
        repositoryName=name,
        imageTagMutability=found["imageTagMutability"],
        imageScanningConfiguration=found["imageScanningConfiguration"],
        encryptionConfiguration=found["encryptionConfiguration"],
        tags=world.call(Side.DR, "ecr", "ListTagsForResource", resourceArn=found["repositoryArn"])["tags"],
    )
    world.call(Side.DR, "ecr", "DeleteRepository", repositoryName=name, force=True)


@disaster(
    "ecr-replication-off",
    "The primary region's image registry replicates nothing any more",
    trips=("ecr.replication-rule",),
)
def replication_off(world: World) -> None:
    """Put an empty replication configuration."""
    rules = world.call(Side.PRIMARY, "ecr", "DescribeRegistry")["replicationConfiguration"]
    world.undo(Side.PRIMARY, "ecr", "PutReplicationConfiguration", replicationConfiguration=rules)
    world.call(Side.PRIMARY, "ecr", "PutReplicationConfiguration", replicationConfiguration={"rules": []})


@disaster(
    "ecr-old-release",
    "One tenant's task definition in the DR region names last month's release",
    trips=("images.parity",),
)
def old_release(world: World) -> None:
    """Push another image to the DR registry, and let the last tenant's service run it."""
    name = _repository(world)
    manifest = json.loads(_images(world, Side.DR)[0]["imageManifest"])
    # Another manifest is another digest, for a digest is its hash.
    manifest["layers"] = manifest["layers"][:1]
    pushed = world.call(
        Side.DR,
        "ecr",
        "PutImage",
        repositoryName=name,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=_MANIFEST,
        imageTag="last-month",
    )
    digest = pushed["image"]["imageId"]["imageDigest"]
    world.undo(Side.DR, "ecr", "BatchDeleteImage", repositoryName=name, imageIds=[{"imageDigest": digest}])

    def older(revision: dict[str, Any]) -> None:
        container = revision["containerDefinitions"][0]
        container["image"] = f"{container['image'].partition('@')[0]}@{digest}"

    redefine(world, Side.DR, world.tenants[-1], older)


@disaster(
    "ecr-images-expire",
    "A lifecycle policy was put on the DR region's image repository alone: images are deleted after a month",
    trips=("ecr.kept-as-long",),
)
def images_expire(world: World) -> None:
    """Let every image of the DR repository expire 30 days after it arrived."""
    chosen = {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 30}
    rule = {"rulePriority": 1, "selection": chosen, "action": {"type": "expire"}}
    name = _repository(world)
    world.undo(Side.DR, "ecr", "DeleteLifecyclePolicy", repositoryName=name)
    text = json.dumps({"rules": [rule]})
    world.call(Side.DR, "ecr", "PutLifecyclePolicy", repositoryName=name, lifecyclePolicyText=text)
