"""ECR replication (AWS: ECR replication.html, API_DescribeImageReplicationStatus; T21): of later pushes alone.

Existing images, lifecycle and policies are not replicated; deletions neither. Also repaired: the digest is that of the
manifest, a moved tag leaves its old image untagged, more than one rule is allowed, and a repository lies under a key
that exists and is enabled: AWS's own where none is named (API_CreateRepository, KmsException).
``backend.__dict__["image_replications"]`` maps (repository, digest) to {region: IN_PROGRESS | COMPLETE | FAILED};
IN_PROGRESS ones are delivered around each request, unless a region involved is dark.

Which digest an image name stands for: asked of the registry it names, or derived where that is not ours.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from typing import Any

from moto.ecr.exceptions import InvalidParameterException
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends
from moto.ecr.responses import ECRResponse

from sandbox.core.patching import attach, operation, refused, state, wrap
from sandbox.core.timing import is_stopped
from sandbox.moto_ext.iam.role_access import opens
from sandbox.moto_ext.kms import key_of_aws

# Replication rules a registry (ECR guide, quotas); moto allows one.
RULES = 10
_AWS_KEY = "alias/aws/ecr"
ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<rest>.+)")


@attach(Image)
def _create_digest(self: Image) -> None:
    # moto hashes the layers alone (Image._create_digest): two manifests of the same layers had one digest.
    self._image_digest = "sha256:" + hashlib.sha256(self.image_manifest.encode()).hexdigest()


@attach(ECRBackend)
def put_replication_configuration(self: ECRBackend, replication_config: dict[str, Any]) -> dict[str, Any]:
    """Set the registry's rules; at most ten, none to the registry itself."""
    rules = replication_config["rules"]
    own = {"region": self.region_name, "registryId": self.account_id}
    same = any(own == target for rule in rules for target in rule["destinations"])
    if same or len(rules) > RULES:
        message = "Replication destination cannot be the same as the source registry" if same else "At most ten rules"
        where = "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint"
        raise InvalidParameterException(f"{where}: '{message}'")
    self.replication_config = replication_config
    return {"replicationConfiguration": replication_config}


@wrap(ECRBackend, "create_repository")
def _create_repository(
    original: Any,
    self: ECRBackend,
    repository_name: str,
    registry_id: str | None,
    encryption_config: dict[str, str],
    *args: Any,
    **kwargs: Any,
) -> Repository:
    config = dict(encryption_config or {})
    # moto takes a key that does not exist.
    if config.get("encryptionType", "AES256") != "AES256":
        config["kmsKey"] = config.get("kmsKey") or key_of_aws(self, _AWS_KEY)
        if not opens(self.account_id, self.region_name, config["kmsKey"]):
            raise refused("KmsException", f"The key {config['kmsKey']} does not exist or is disabled.")
    created: Repository = original(self, repository_name, registry_id, config, *args, **kwargs)
    return created


@wrap(ECRBackend, "put_image")
def _put_image(
    original: Any,
    self: ECRBackend,
    repository_name: str,
    image_manifest: str,
    image_tag: str,
    *args: Any,
    **kwargs: Any,
) -> Image:
    repository = self.repositories.get(repository_name)
    # A tag that can be moved leaves its old image; moto leaves it on both.
    moves = repository is not None and not repository.is_tag_immutable()
    if repository is not None and image_tag and moves and not repository.image_tag_mutability_exclusion_filters:
        _untag(repository, image_tag, keep=image_manifest)
    image: Image = original(self, repository_name, image_manifest, image_tag, *args, **kwargs)
    # Only from a push on: what was there before is never replicated (T21).
    progress = state(self, "image_replications").setdefault((repository_name, image.get_image_digest()), {})
    found = []
    for rule in self.replication_config["rules"]:
        prefixes = [entry["filter"] for entry in rule.get("repositoryFilters") or []]
        # A rule without filters is for all repositories.
        if not prefixes or any(repository_name.startswith(prefix) for prefix in prefixes):
            found += [(destination["registryId"], destination["region"]) for destination in rule["destinations"]]
    for _registry, region in found:
        progress[region] = "IN_PROGRESS"
    return image


def _untag(repository: Repository, tag: str, keep: str) -> None:
    for image in repository.images:
        if tag in image.image_tags and image.image_manifest != keep:
            image.remove_tag(tag)
            if not image.image_tags:
                image.__dict__["image_tag"] = None


def deliver(account: str) -> None:
    """Bring pushed images to the other regions, except from or to a region that is dark."""
    for region, backend in list(ecr_backends[account].items()):
        for (name, digest), progress in list(state(backend, "image_replications").items()):
            for target, status in list(progress.items()):
                if status == "IN_PROGRESS" and not is_stopped(region, target):
                    _store(backend, ecr_backends[account][target], name, digest)
                    progress[target] = "COMPLETE"


def _store(source: ECRBackend, target: ECRBackend, name: str, digest: str) -> None:
    repository = source.repositories.get(name)
    image = (
        next((ecr_image for ecr_image in repository.images if ecr_image.get_image_digest() == digest), None)
        if repository
        else None
    )
    if repository is None or image is None:
        return
    # ECR makes the repository in the destination, without lifecycle and policy (ECR guide, replication).
    if name not in target.repositories:
        target.create_repository(name, None, {}, {}, repository.image_tag_mutability, [])
    ecr_repository = target.repositories[name]
    for tag in image.image_tags:
        _untag(ecr_repository, tag, keep=image.image_manifest)
    known = next((ecr_image for ecr_image in ecr_repository.images if ecr_image.get_image_digest() == digest), None)
    if known is None:
        known = copy.copy(image)
        known.image_tags = []
        known.registry_id = target.account_id
        ecr_repository.images.append(known)
    for tag in image.image_tags:
        known.update_tag(tag)


@operation(ECRResponse, "describe_image_replication_status")
def _status(response: ECRResponse, params: dict[str, Any]) -> dict[str, Any]:
    backend, image_id = response.ecr_backend, params["imageId"]
    repository = backend._get_repository(params["repositoryName"], params.get("registryId"))
    image = repository._get_image(image_id.get("imageTag"), image_id.get("imageDigest"))
    progress = state(backend, "image_replications").get((repository.name, image.get_image_digest()), {})
    return {
        "repositoryName": repository.name,
        "imageId": image.image_id,
        "replicationStatuses": [
            {"region": region, "registryId": backend.account_id, "status": status}
            for region, status in progress.items()
        ],
    }


@wrap(ECRBackend, "batch_get_image")
def _batch_get(
    original: Any, self: ECRBackend, repository_name: str, registry_id: Any = None, image_ids: Any = None
) -> dict[str, Any]:
    response: dict[str, Any] = original(self, repository_name, registry_id, image_ids)
    missing = [
        image_id for image_id in image_ids or () if not any(_is(image, image_id) for image in response["images"])
    ]
    reason = {"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
    # Each image that is missing has a failure of its own (API_BatchGetImage).
    response["failures"] = [{"imageId": image_id, **reason} for image_id in missing]
    return response


def _is(image: Image, image_id: dict[str, str]) -> bool:
    return image_id.get("imageDigest") == image.get_image_digest() or image_id.get("imageTag") in image.image_tags


@wrap(ECRResponse, "call_action")
def _around_request(original: Any, self: ECRResponse) -> Any:
    deliver(self.current_account)
    answer = original(self)
    deliver(self.current_account)
    return answer


def resolve(image: str) -> str | None:
    """Return the digest a pull of ``image`` gives now, or None where its ECR registry holds no such image (T21)."""
    found = ECR.fullmatch(image)
    if not found:
        named = image.partition("@")[2]
        # Of a foreign registry nothing is known: a digest in the name is taken as it is.
        return named or "sha256:" + hashlib.sha256(image.encode()).hexdigest()
    ecr_image = _find(found)
    return None if ecr_image is None else str(ecr_image.get_image_digest())


def size_gib(image: str) -> float:
    """What a pull of ``image`` moves, in GiB: the layers that its manifest names; 0 where that is not known."""
    found = ECR.fullmatch(image)
    ecr_image = _find(found) if found else None
    layers = json.loads(ecr_image.image_manifest).get("layers", ()) if ecr_image is not None else ()
    return float(sum(layer["size"] for layer in layers)) / 2**30


def _find(found: re.Match[str]) -> Any:
    """The image that its ECR registry holds, or None."""
    name, tag, digest = _parts(found["rest"])
    repository = ecr_backends[found["account"]][found["region"]].repositories.get(name)
    for ecr_image in repository.images if repository else ():
        # A digest goes before a tag beside it, as a pull does.
        if (digest and ecr_image.get_image_digest() == digest) or (not digest and tag in ecr_image.image_tags):
            return ecr_image
    return None


def _parts(rest: str) -> tuple[str, str, str]:
    """Repository, tag and digest of ``repository[:tag][@digest]``; the tag is ``latest`` where none is named."""
    tagged, _, digest = rest.partition("@")
    name, _, tag = tagged.partition(":")
    return name, tag or "latest", digest


def repository_of(image: str) -> tuple[str, str, str] | None:
    """Account, region and repository of an image of ECR's private registries, None of another registry's."""
    found = ECR.fullmatch(image)
    return (found["account"], found["region"], _parts(found["rest"])[0]) if found else None
