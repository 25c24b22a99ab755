"""Which digest an image name stands for: asked of the registry it names, or derived where that is not ours."""

from __future__ import annotations

import hashlib
import re

from moto.ecr.models import ecr_backends

ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<rest>.+)")


def resolve(image: str) -> str | None:
    """Return the digest a pull of ``image`` gives now, or None where its ECR registry holds no such image (T21)."""
    found = ECR.fullmatch(image)
    if not found:
        named = image.partition("@")[2]
        return named or "sha256:" + hashlib.sha256(image.encode()).hexdigest()
    name, tag, digest = _parts(found["rest"])
    repository = ecr_backends[found["account"]][found["region"]].repositories.get(name)
    for ecr_image in repository.images if repository else ():
        if (digest and ecr_image.get_image_digest() == digest) or (not digest and tag in ecr_image.image_tags):
            return str(ecr_image.get_image_digest())
    return None


def _parts(rest: str) -> tuple[str, str, str]:
    """Repository, tag and digest of ``repository[:tag][@digest]``; the tag is ``latest`` where none is named."""
    tagged, _, digest = rest.partition("@")
    name, _, tag = tagged.partition(":")
    return name, tag or "latest", digest
