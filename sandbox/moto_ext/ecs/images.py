"""Which digest an image name stands for: asked of the registry it names, or derived where that is not ours."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from moto.ecr.models import ecr_backends

ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<rest>.+)")


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
