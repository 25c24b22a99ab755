"""CloudFront's managed origin request and cache policies: whether each forwards the visitor's Host header."""

from __future__ import annotations

from typing import NamedTuple


class ManagedPolicy(NamedTuple):
    """A policy that AWS keeps: its name, and whether it forwards Host."""

    name: str
    forwards_host: bool


# CloudFront Developer Guide, "Use managed origin request policies" and "Use managed cache policies": the ids are the
# same in every account. What a cache policy has in its key is sent to the origin too.
MANAGED_POLICIES = {
    "216adef6-5c7f-47e4-b989-5492eafa07d3": ManagedPolicy("AllViewer", True),
    "33f36d7e-f396-46d9-90e0-52428a34d9dc": ManagedPolicy("AllViewerAndCloudFrontHeaders-2022-06", True),
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": ManagedPolicy("AllViewerExceptHostHeader", False),
    "59781a5b-3903-41f3-afcb-af62929ccde1": ManagedPolicy("CORS-CustomOrigin", False),
    "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": ManagedPolicy("CORS-S3Origin", False),
    "775133bc-15f2-49f9-abea-afb2e0bf67d2": ManagedPolicy("Elemental-MediaTailor-PersonalizedManifests", False),
    "bf0718e1-ba1e-49d1-88b1-f726733018ae": ManagedPolicy("HostHeaderOnly", True),
    "acba4595-bd28-49b8-b9fe-13317c0390fa": ManagedPolicy("UserAgentRefererHeaders", False),
    "2e54312d-136d-493c-8eb9-b001f22f67d2": ManagedPolicy("Amplify", True),
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": ManagedPolicy("CachingDisabled", False),
    "658327ea-f89d-4fab-a63d-7e88639e58f6": ManagedPolicy("CachingOptimized", False),
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": ManagedPolicy("CachingOptimizedForUncompressedObjects", False),
    "08627262-05a9-4f76-9ded-b50ca2e3a84f": ManagedPolicy("Elemental-MediaPackage", False),
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": ManagedPolicy("UseOriginCacheControlHeaders", True),
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": ManagedPolicy("UseOriginCacheControlHeaders-QueryStrings", True),
}
