"""CloudFront distributions with origin groups, buckets and their real certificate (API_DistributionConfig; T08, T20).

The emulator refuses a behaviour that targets an origin group, forgets how a bucket is read, reports a default
certificate beside the real certificate and forwarded values beside a cache policy, and dates every change in 2021.
It has no origin request and cache policies at all; the managed ones are known by their ids.

What a distribution fetches from buckets once one region alone stands: S3 lets it, by the bucket's policy, or not.

An access control that never signs asks as anybody. What arrives under a key of KMS is read by who may use the key: as
an identity, or as anybody, CloudFront never may. Source: CloudFront Developer Guide, "Restrict access to an Amazon S3
origin"; S3 User Guide, "Blocking public access".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.cloudfront import urls
from moto.cloudfront.models import (
    CloudFrontBackend,
    DefaultCacheBehaviour,
    Distribution,
    DistributionConfig,
    Origin,
    ViewerCertificate,
    cloudfront_backends,
)
from moto.cloudfront.responses import CloudFrontResponse
from moto.kms.models import kms_backends
from moto.s3.models import FakeBucket, s3_backends

from dr_estate.model.managed_policies import MANAGED_POLICIES
from sandbox.core.aws_regions import CERTIFICATES_OF_CLOUDFRONT
from sandbox.core.patching import catch_all, operation, refused, state, wrap
from sandbox.core.state import now
from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest, IamPolicy, statements
from sandbox.moto_ext.iam.role_access import decide_now, named_principals, opens

_KINDS = {"origin_request_policy": "OriginRequestPolicy", "cache_policy": "CachePolicy"}
_CLOUDFRONT = "cloudfront.amazonaws.com"
_IDENTITY = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity "


@wrap(DistributionConfig, "__init__")
def _config(original: Callable[..., Any], self: DistributionConfig, config: dict[str, Any]) -> None:
    behaviour = config["DefaultCacheBehavior"]
    wanted = behaviour["TargetOriginId"]
    groups = {group["Id"]: group for group in (config.get("OriginGroups") or {}).get("Items") or ()}
    origins = {origin["Id"] for origin in config["Origins"]["Items"]}
    for group in groups.values():
        for member in group["Members"]["Items"]:
            _require_origin(member["OriginId"], origins)
    # moto looks for the target among the origins alone
    # (DistributionConfig.__init__): a member stands in for its group meanwhile.
    if wanted in groups:
        behaviour["TargetOriginId"] = groups[wanted]["Members"]["Items"][0]["OriginId"]
    for other in (config.get("CacheBehaviors") or {}).get("Items") or ():
        _require_origin(other["TargetOriginId"], origins | set(groups))
    arn = (config.get("ViewerCertificate") or {}).get("ACMCertificateArn")
    # InvalidViewerCertificate (API_CreateDistribution; T20): moto takes a certificate of any region.
    if arn and arn.split(":")[3] != CERTIFICATES_OF_CLOUDFRONT:
        message = f"The specified SSL certificate is not in the {CERTIFICATES_OF_CLOUDFRONT} region."
        raise refused("InvalidViewerCertificate", message)
    original(self, config)
    config["DefaultCacheBehavior"].target_origin_id = wanted


def _require_origin(name: str, known: set[str]) -> None:
    if name not in known:
        raise refused("NoSuchOrigin", "One or more of your origins or origin groups do not exist.")


@wrap(ViewerCertificate, "__init__")
def _certificate(original: Callable[..., Any], self: ViewerCertificate, config: dict[str, Any]) -> None:
    original(self, config)
    # AWS names the certificate thrice, in two of them in its older fields (API_ViewerCertificate).
    if arn := config.get("ACMCertificateArn"):
        self.cloud_front_default_certificate = False
        self.certificate_source, self.certificate = "acm", arn


@wrap(Distribution, "__init__")
def _init_distribution(original: Callable[..., Any], self: Distribution, *args: Any, **kwargs: Any) -> None:
    original(self, *args, **kwargs)
    setattr(self, "last_modified_time", now())  # noqa: B010 - the emulator declares it as text
    account = self.arn.split(":")[4]
    mine = set((self.Aliases or {}).get("Items") or ())
    for other in cloudfront_backends[account][self.arn.split(":")[1]].distributions.values():
        taken = mine & set((other.Aliases or {}).get("Items") or ())
        # CNAMEAlreadyExists: an alias belongs to one distribution of all accounts; here of this account.
        if taken and other.id != self.id:
            raise refused("CNAMEAlreadyExists", f"{min(taken)} is already associated with another resource.")


@wrap(CloudFrontBackend, "update_distribution")
def _update_distribution(original: Callable[..., Any], self: CloudFrontBackend, *args: Any, **kwargs: Any) -> Any:
    distribution = self.distributions.get(kwargs.get("_id", ""))
    # PreconditionFailed where the ETag is of an older state; moto reads If-Match and compares it with nothing.
    if distribution is not None and kwargs.get("if_match") not in (None, "", distribution.etag):
        raise refused("PreconditionFailed", "The request failed because the ETag does not match.")
    answer = original(self, *args, **kwargs)
    answer[0].last_modified_time = now()
    return answer


@wrap(Origin, "__init__")
def _origin(original: Callable[..., Any], self: Origin, origin: dict[str, Any]) -> None:
    original(self, origin)
    # moto's Origin keeps the older access identity alone, and forgets the control that has replaced it.
    self.__dict__["origin_access_control_id"] = str(origin.get("OriginAccessControlId") or "")
    if "S3OriginConfig" in origin:
        self.__dict__["s3_origin_config"] = {"OriginAccessIdentity": self.s3_access_identity}


@wrap(DefaultCacheBehaviour, "__init__")
def _behaviour(original: Callable[..., Any], self: DefaultCacheBehaviour, config: dict[str, Any]) -> None:
    original(self, config)
    # Where a cache policy says what is forwarded, there are no older settings beside it (API_DefaultCacheBehavior).
    if config.get("CachePolicyId"):
        self.__dict__["forwarded_values"] = None


def added_headers(origin: Origin) -> dict[str, str]:
    """The headers that the distribution adds for an origin, by their names in lower case (API_OriginCustomHeader)."""
    rows = (origin.custom_headers or {}).get("Items") or ()
    return {str(row["HeaderName"]).lower(): str(row["HeaderValue"]) for row in rows}


def all_added_headers(account: str) -> list[dict[str, str]]:
    """The headers that each enabled distribution of the account adds for its first origin."""
    configs: list[Any] = [d.distribution_config for d in cloudfront_backends[account]["aws"].distributions.values()]
    return [added_headers(config.Origins["Items"][0]) for config in configs if config.Enabled]


def asks_by_tls(account: str) -> bool:
    """Whether an enabled distribution of the account asks its first origin by HTTPS (API_CustomOriginConfig)."""
    configs: list[Any] = [d.distribution_config for d in cloudfront_backends[account]["aws"].distributions.values()]
    origins = [config.Origins["Items"][0] for config in configs if config.Enabled]
    policies = [getattr(vars(origin).get("custom_origin_config"), "origin_protocol_policy", "") for origin in origins]
    return any(policy in ("https-only", "match-viewer") for policy in policies)


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


def fetch_faults(account: str, region: str) -> Iterator[str]:
    """Why requests that lead to buckets alone would be answered by none of them while ``region`` alone stands."""
    for distribution in cloudfront_backends[account]["aws"].distributions.values():
        config: Any = distribution.distribution_config
        origins = {origin.id: origin for origin in config.Origins["Items"]}
        groups = {
            group["Id"]: [row["OriginId"] for row in group["Members"]["Items"]]
            for group in (config.OriginGroups or {}).get("Items") or ()
        }
        behaviours = (config.DefaultCacheBehavior, *((config.CacheBehaviors or {}).get("Items") or ()))
        for target in dict.fromkeys(behaviour.target_origin_id for behaviour in behaviours if config.Enabled):
            # An origin group fails over: it answers as long as one member does.
            members = [origins[name] for name in groups.get(target, [target])]
            reasons = [_refusal(account, region, distribution, origin) for origin in members]
            if all(reasons):
                yield f"{target}: {'; '.join(reasons)}"


def _refusal(account: str, region: str, distribution: Distribution, origin: Origin) -> str:
    """Why the origin answers no request, "" where it does; a load balancer is tried elsewhere."""
    if "s3_origin_config" not in origin.__dict__:
        return ""
    # NAME.s3.REGION.amazonaws.com.
    name = origin.domain_name.partition(".s3.")[0]
    bucket: FakeBucket | None = s3_backends[account]["aws"].buckets.get(name)
    if bucket is None or bucket.region_name != region:
        return f"no bucket {name} in {region}"
    policy = bucket.policy.decode() if isinstance(bucket.policy, bytes) else str(bucket.policy or "")
    signed, identity = _signs(account, origin), origin.s3_access_identity.rpartition("/")[2]
    # An access control signs as CloudFront for this distribution; policies limit it by these keys.
    context = {"aws:SourceArn": (distribution.arn,), "aws:SourceAccount": (account,)} if signed else {}
    request = AccessRequest("s3:GetObject", f"arn:aws:s3:::{name}/any", context)
    callers = {_CLOUDFRONT} if signed else {f"{_IDENTITY}{identity}"} if identity else set()
    blocked = bucket.public_access_block
    # Who asks as anybody is refused where the bucket restricts public policies.
    if not callers and blocked is not None and blocked.restrict_public_buckets:
        return f"{name}: AccessDenied"
    spoken = [row for row in statements(policy) if named_principals(row) & {"*", *callers}] if policy else []
    word = decide_now([IamPolicy("bucket", json.dumps({"Statement": spoken}))], request).word
    if word != ALLOWED:
        return f"{name}: AccessDenied"
    return "" if _decrypts(account, region, bucket, context) else f"{name}: AccessDenied (KMS)"


def _signs(account: str, origin: Origin) -> bool:
    """Whether the origin has an access control that signs what the distribution asks of it."""
    control = cloudfront_backends[account]["aws"].origin_access_controls.get(
        origin.__dict__["origin_access_control_id"]
    )
    return control is not None and control.signing_behavior != "never"


def _decrypts(account: str, region: str, bucket: FakeBucket, context: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a request of this ``context``, which is empty where none signs it, may read what arrives."""
    default = ((bucket.encryption or {}).get("Rule") or {}).get("ApplyServerSideEncryptionByDefault") or {}
    if not str(default.get("SSEAlgorithm", "")).startswith("aws:kms"):
        return True
    named = str(default.get("KMSMasterKeyID") or "")
    # AWS's own key of S3 serves principals of the account alone: CloudFront is none.
    if not context or not named or "alias/aws/" in named or not opens(account, region, named):
        return False
    kms = kms_backends[account][region]
    key = kms.keys[kms.any_id_to_key_id(named)]
    spoken = [row for row in statements(key.policy) if named_principals(row) & {"*", _CLOUDFRONT}]
    policy = IamPolicy("key", json.dumps({"Statement": spoken}))
    return decide_now([policy], AccessRequest("kms:Decrypt", key.arn, context)).word == ALLOWED
