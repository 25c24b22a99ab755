"""CloudFront distributions with origin groups, buckets and their real certificate (API_DistributionConfig; T08, T20).

The emulator refuses a behaviour that targets an origin group, forgets how a bucket is read, reports a default
certificate beside the real certificate and forwarded values beside a cache policy, and dates every change in 2021.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudfront.models import (
    CloudFrontBackend,
    DefaultCacheBehaviour,
    Distribution,
    DistributionConfig,
    Origin,
    ViewerCertificate,
    cloudfront_backends,
)

from sandbox.core.aws_regions import CERTIFICATES_OF_CLOUDFRONT
from sandbox.core.patching import refused, wrap
from sandbox.core.state import now


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
