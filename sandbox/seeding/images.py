"""The WordPress image: one immutable, scanned repository a region, and replication switched on before the push (T21).

Task definitions name the image by digest in the registry of their own region.
"""

from __future__ import annotations

import hashlib
import json

from sandbox.seeding.site import Estate, Site, as_list, tag_map

# Immutable tags: a second push of the same tag is refused, so that a digest stays what was tested.
TAG = "6.6.2-r14"


def build(estate: Estate) -> None:
    """Make both repositories, the registry's replication rule, and push the image to the primary registry."""
    env = estate.environment
    name = env.named(env.names.repository)
    for site in estate.sites:
        _repository(site, name)
    estate.primary.client("ecr").put_replication_configuration(
        replicationConfiguration={
            "rules": [
                {
                    "destinations": [{"region": estate.dr.region, "registryId": env.account}],
                    # By prefix: a repository that is made later with this beginning is replicated too.
                    "repositoryFilters": [{"filter": name, "filterType": "PREFIX_MATCH"}],
                }
            ]
        }
    )
    pushed = estate.primary.client("ecr").put_image(
        repositoryName=name,
        imageManifest=_manifest(name),
        imageManifestMediaType="application/vnd.docker.distribution.manifest.v2+json",
        imageTag=TAG,
    )
    digest = pushed["image"]["imageId"]["imageDigest"]
    for site in estate.sites:
        site.image = f"{env.account}.dkr.ecr.{site.region}.amazonaws.com/{name}@{digest}"


def _repository(site: Site, name: str) -> None:
    site.client("ecr").create_repository(
        repositoryName=name,
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        encryptionConfiguration={"encryptionType": "AES256"},
        tags=as_list(tag_map(site.environment, name)),
    )


def _manifest(name: str) -> str:
    """Return a Docker image manifest (schema 2) whose layers are named after the repository: same name, same digest."""

    def blob(part: str, size: int, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(f"{name}:{TAG}:{part}".encode()).hexdigest()
        return {"mediaType": kind, "size": size, "digest": f"sha256:{digest}"}

    layer = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": blob("config", 9512, "application/vnd.docker.container.image.v1+json"),
            "layers": [blob(part, size, layer) for part, size in (("debian", 29_150_479), ("php", 104_330_212))],
        }
    )
