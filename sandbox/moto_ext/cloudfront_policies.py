"""CloudFront's origin request and cache policies, and whether a behaviour forwards the visitor's Host header.

The emulator has no policies at all. The managed ones are known by their ids.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.cloudfront import urls
from moto.cloudfront.models import CloudFrontBackend, DefaultCacheBehaviour, cloudfront_backends
from moto.cloudfront.responses import CloudFrontResponse

from dr_estate.model.managed_policies import MANAGED_POLICIES
from sandbox.core.patching import catch_all, operation, refused, state
from sandbox.core.state import now

_KINDS = {"origin_request_policy": "OriginRequestPolicy", "cache_policy": "CachePolicy"}


def _policies(backend: CloudFrontBackend, kind: str) -> dict[str, dict[str, Any]]:
    return state(backend, f"_{kind}s")


def _declare(kind: str, name: str) -> None:
    @operation(CloudFrontResponse, f"create_{kind}")
    def create(response: CloudFrontResponse, params: dict[str, Any]) -> dict[str, Any]:
        config, known = params[f"{name}Config"], _policies(response.backend, kind)
        if config["Name"] in {policy[f"{name}Config"]["Name"] for policy in known.values()}:
            raise refused(f"{name}AlreadyExists", f"The name {config['Name']} is taken.")
        policy = {"Id": str(uuid.uuid4()), "LastModifiedTime": now(), f"{name}Config": config}
        known[policy["Id"]] = policy
        return {name: policy, "ETag": policy["Id"], "Location": f"/2020-05-31/{kind}/{policy['Id']}"}

    @operation(CloudFrontResponse, f"get_{kind}")
    def get(response: CloudFrontResponse, params: dict[str, Any]) -> dict[str, Any]:
        found = _policies(response.backend, kind).get(params["Id"])
        if found is None:
            raise refused(f"NoSuch{name}", "The policy does not exist.")
        return {name: found, "ETag": found["Id"]}

    @operation(CloudFrontResponse, f"delete_{kind}")
    def delete(response: CloudFrontResponse, params: dict[str, Any]) -> dict[str, Any]:
        if _policies(response.backend, kind).pop(params["Id"], None) is None:
            raise refused(f"NoSuch{name}", "The policy does not exist.")
        return {}


def forwards_host(account: str, behaviour: DefaultCacheBehaviour) -> bool:
    """Whether the visitor's Host goes to the origin: by one of the policies, or by ForwardedValues."""
    # ForwardedValues is the older way; a behaviour has it or policies, never both (API_DefaultCacheBehavior).
    older = behaviour.forwarded_values
    listed = (older.__dict__.get("Headers") if older else None) or {}
    if {"*", "host"} & {str(name).lower() for name in listed.get("Items") or ()}:
        return True
    backend = cloudfront_backends[account]["aws"]
    ids = (("origin_request_policy", behaviour.origin_request_policy_id), ("cache_policy", behaviour.cache_policy_id))
    return any(_forwards(backend, kind, name) for kind, name in ids if name)


def _forwards(backend: CloudFrontBackend, kind: str, policy: str) -> bool:
    if policy in MANAGED_POLICIES:
        return MANAGED_POLICIES[policy].forwards_host
    config = _policies(backend, kind).get(policy, {}).get(f"{_KINDS[kind]}Config", {})
    headers = config.get("ParametersInCacheKeyAndForwardedToOrigin", config).get("HeadersConfig", {})
    listed = "host" in {name.lower() for name in (headers.get("Headers") or {}).get("Items") or ()}
    # allViewer and allViewerAndWhitelistCloudFront forward Host with the rest (API_OriginRequestPolicyHeadersConfig).
    return {"none": False, "whitelist": listed, "allExcept": not listed}.get(
        headers.get("HeaderBehavior", "none"), True
    )


catch_all(urls.url_paths, CloudFrontResponse.dispatch)
for _kind, _name in _KINDS.items():
    _declare(_kind, _name)
