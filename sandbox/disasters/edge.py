"""A distribution that does not follow the traffic or refuses visitors, certificates that would fail on the day, and
buckets behind the distribution whose place in the DR region does not serve (T08, T20)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster
from sandbox.disasters.elbv2 import balancer_of
from sandbox.seeding.objects import location_of
from sandbox.world.world import World

# ACM renews no imported certificate (ACM guide, managed renewal).
_DAYS_LEFT = 5
Config = dict[str, Any]
_HEADER, _OLD, _NEW = "X-Origin-Verify", "of last year", "of this year"
_READS = ["GET", "HEAD"]
_BUCKETS = {Side.PRIMARY: "shop-pictures", Side.DR: "shop-pictures-copy"}


def distribution_id(world: World) -> str:
    """The id of the tenants' distribution. Raises SandboxError where there is none."""
    items = world.call(Side.GLOBAL, "cloudfront", "list_distributions")["DistributionList"].get("Items", [])
    origin = world.environment.traffic.origin_record
    found = [item for item in items if origin in {o["DomainName"] for o in item["Origins"]["Items"]}]
    if not found:
        raise SandboxError(f"This world has no distribution that fetches from {origin}.")
    return str(found[0]["Id"])


def update_distribution(world: World, change: Callable[[Config], Any]) -> None:
    """Update the tenants' distribution by ``change``, and record how it was. An update needs the current ETag."""
    name = distribution_id(world)
    before = world.call(Side.GLOBAL, "cloudfront", "get_distribution_config", Id=name)
    # Read twice: `change` alters one in place, the other is for the way back.
    after = world.call(Side.GLOBAL, "cloudfront", "get_distribution_config", Id=name)["DistributionConfig"]
    change(after)
    # The whole configuration, for an update merges nothing (API_UpdateDistribution).
    response = world.call(
        Side.GLOBAL, "cloudfront", "update_distribution", Id=name, IfMatch=before["ETag"], DistributionConfig=after
    )
    # Recorded after the call, for the repair needs the ETag that the call made; moto takes any ETag.
    world.undo(
        Side.GLOBAL,
        "cloudfront",
        "update_distribution",
        Id=name,
        IfMatch=response["ETag"],
        DistributionConfig=before["DistributionConfig"],
    )


disaster(
    "edge-disabled",
    "The tenants' distribution was disabled",
    trips=("cloudfront.distribution-serves", "sites.edge-agrees"),
    run=lambda world: update_distribution(world, lambda config: config.update(Enabled=False)),
)


@disaster(
    "edge-keeps-errors",
    "The distribution answers with an origin's errors for a day, as set while a site was debugged",
    trips=("cloudfront.errors-forgotten",),
)
def edge_keeps_errors(world: World) -> None:
    """Let status 503 be cached for a day."""
    # Ten seconds is what CloudFront does without one (CloudFront guide, error caching).
    error = {"ErrorCode": 503, "ErrorCachingMinTTL": 86400, "ResponsePagePath": "", "ResponseCode": ""}
    update_distribution(world, lambda config: config.update(CustomErrorResponses={"Quantity": 1, "Items": [error]}))


@disaster(
    "edge-forgets-a-tenant",
    "The distribution lists its tenants one by one, and the last is not among them",
    trips=("cloudfront.aliases-cover",),
)
def edge_forgets(world: World) -> None:
    """Replace the wildcard by the names of all tenants but the last."""
    domain = world.environment.traffic.tenant_domain
    names = [f"{tenant.replace('-', '')}.{domain}" for tenant in world.tenants[:-1]]
    update_distribution(world, lambda config: config.update(Aliases={"Quantity": len(names), "Items": names}))


@disaster(
    "edge-fetches-from-primary",
    "Part of the site is fetched from the primary's load balancer itself, and stays there",
    trips=("cloudfront.origin-follows",),
)
def edge_stays(world: World) -> None:
    """Let the distribution fetch uploads from the primary's load balancer by its own name."""
    name = balancer_of(world, Side.PRIMARY)["DNSName"]

    def change(config: Config) -> None:
        origin = config["Origins"]["Items"][0] | {"Id": "uploads", "DomainName": name}
        config["Origins"] = {"Quantity": 2, "Items": [*config["Origins"]["Items"], origin]}
        wanted = {"PathPattern": "/wp-content/uploads/*", "TargetOriginId": "uploads"}
        behaviour = {k: v for k, v in config["DefaultCacheBehavior"].items() if k in BEHAVES_ALIKE} | wanted
        config["CacheBehaviors"] = {"Quantity": 1, "Items": [behaviour]}

    update_distribution(world, change)


BEHAVES_ALIKE = ("ViewerProtocolPolicy", "CachePolicyId", "OriginRequestPolicyId", "AllowedMethods", "Compress")


@disaster(
    "edge-group-goes-nowhere",
    "The distribution has an origin group that tries the same place twice",
    trips=("cloudfront.origin-group",),
)
def edge_group(world: World) -> None:
    """Add an origin group of two names for one origin."""

    def change(config: Config) -> None:
        first = config["Origins"]["Items"][0]
        config["Origins"] = {"Quantity": 2, "Items": [first, first | {"Id": "again"}]}
        members = [{"OriginId": first["Id"]}, {"OriginId": "again"}]
        group = {
            "Id": "both-of-one",
            "FailoverCriteria": {"StatusCodes": {"Quantity": 3, "Items": [502, 503, 504]}},
            "Members": {"Quantity": 2, "Items": members},
        }
        config["OriginGroups"] = {"Quantity": 1, "Items": [group]}

    update_distribution(world, change)


@disaster(
    "edge-speaks-plain",
    "The distribution lets visitors speak plain HTTP and old TLS",
    trips=("cloudfront.speaks-https",),
)
def edge_plain(world: World) -> None:
    """Allow HTTP, and TLS 1.0."""

    def change(config: Config) -> None:
        config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all"
        config["ViewerCertificate"]["MinimumProtocolVersion"] = "TLSv1"

    update_distribution(world, change)


@disaster(
    "edge-hides-the-host",
    "The distribution no longer forwards to the load balancers which tenant's host was requested",
    trips=("cloudfront-routing.forwards-host", "sites.edge-agrees"),
)
def edge_hides_host(world: World) -> None:
    """Send every header on but Host (Managed-AllViewerExceptHostHeader)."""
    update_distribution(world, lambda config: config["DefaultCacheBehavior"].update(OriginRequestPolicyId=_EXCEPT_HOST))


# CloudFront guide, use managed origin request policies: the ids are the same in each account.
_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def _certificate(world: World, side: Side) -> str:
    certificate_summaries = world.call(side, "acm", "list_certificates")["CertificateSummaryList"]
    alias = world.environment.traffic.distribution_alias
    return str(
        next(
            certificate_summary["CertificateArn"]
            for certificate_summary in certificate_summaries
            if certificate_summary["DomainName"] == alias
        )
    )


disaster(
    "dr-certificate-revoked",
    "The certificate of the DR region was revoked: browsers would refuse every tenant there",
    trips=("acm.issued-and-covers",),
    consequences=("elbv2.listener-certificates",),
    # Revoke it, which no caller of this world can.
    run=lambda world: world.alter(Side.DR, "acm", ("_certificates", _certificate(world, Side.DR)), status="REVOKED"),
)


@disaster(
    "dr-certificate-not-renewed",
    "The certificate of the DR region could not be renewed: its validation records are gone",
    trips=("acm.renews",),
)
def not_renewed(world: World) -> None:
    """Let the renewal fail."""
    # ACM renews by itself, and no caller can make it fail.
    failed = {"RenewalStatus": "FAILED", "DomainValidationOptions": [], "UpdatedAt": 0}
    world.alter(Side.DR, "acm", ("_certificates", _certificate(world, Side.DR)), renewal=failed)


@disaster(
    "dr-certificate-runs-out",
    "The DR load balancer presents an imported certificate that runs out in days",
    trips=("acm.days-left", "sites.handshake-accepted"),
    consequences=("acm.renews",),
)
def runs_out(world: World) -> None:
    """Import a short-lived certificate of the same names and let the DR listener present it."""
    retained = world.call(Side.DR, "acm", "describe_certificate", CertificateArn=_certificate(world, Side.DR))
    certificate, key = _short_lived(retained["Certificate"]["SubjectAlternativeNames"])
    response = world.call(Side.DR, "acm", "import_certificate", Certificate=certificate, PrivateKey=key)
    world.undo(Side.DR, "acm", "delete_certificate", CertificateArn=response["CertificateArn"])
    balancer = balancer_of(world, Side.DR)["LoadBalancerArn"]
    listeners = world.call(Side.DR, "elbv2", "describe_listeners", LoadBalancerArn=balancer)["Listeners"]
    for listener in (candidate for candidate in listeners if candidate.get("Certificates")):
        before = listener["Certificates"][0]["CertificateArn"]
        for turn, arn in ((world.undo, before), (world.call, response["CertificateArn"])):
            change = {"ListenerArn": listener["ListenerArn"], "Certificates": [{"CertificateArn": arn}]}
            turn(Side.DR, "elbv2", "modify_listener", DefaultActions=listener["DefaultActions"], **change)


def _short_lived(names: list[str]) -> tuple[bytes, bytes]:
    """A self-signed certificate for ``names`` with few days left, and its key, both PEM."""
    key, today = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=360))
        .not_valid_after(today + timedelta(days=_DAYS_LEFT))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem), private


@disaster(
    "edge-asks-another-port",
    "The distribution asks its origin on a port on which no load balancer of the DR region listens",
    trips=("cloudfront-routing.origin-reached",),
)
def edge_asks_another_port(world: World) -> None:
    """Let the distribution ask its origin on port 8080."""
    update_distribution(world, lambda config: config["Origins"]["Items"][0]["CustomOriginConfig"].update(HTTPPort=8080))


@disaster(
    "edge-secret-rotated",
    "The secret header of CloudFront was rotated, and the load balancer of the DR region demands the old one",
    trips=("cloudfront-routing.header-sent",),
    consequences=("elbv2-routing.host-rules", "sites.own-identity"),
)
def edge_secret_rotated(world: World) -> None:
    """Let CloudFront send a secret, and the rules of the DR region's HTTP listener demand another."""
    added = {"Quantity": 1, "Items": [{"HeaderName": _HEADER, "HeaderValue": _NEW}]}

    def change(config: Config) -> None:
        config["Origins"]["Items"][0]["CustomHeaders"] = added

    # CloudFront guide, restrict access to Application Load Balancers: a header that only CloudFront sends.
    update_distribution(world, change)
    arn = balancer_of(world, Side.DR)["LoadBalancerArn"]
    listeners = world.call(Side.DR, "elbv2", "DescribeListeners", LoadBalancerArn=arn)["Listeners"]
    plain = next((row["ListenerArn"] for row in listeners if row["Protocol"] == "HTTP"), None)
    if plain is None:
        raise SandboxError("The load balancer of the DR region has no listener of HTTP.")
    pages = world.client("elbv2", world.environment.regions.dr).get_paginator("describe_rules")
    demand = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": _HEADER, "Values": [_OLD]}}
    for rule in (rule for page in pages.paginate(ListenerArn=plain) for rule in page["Rules"] if not rule["IsDefault"]):
        # A description repeats the hosts under Values: ModifyRule takes one of the two.
        before = [{key: c[key] for key in ("Field", "HostHeaderConfig")} for c in rule["Conditions"]]
        for turn, conditions in ((world.undo, before), (world.call, [*before, demand])):
            turn(Side.DR, "elbv2", "ModifyRule", RuleArn=rule["RuleArn"], Conditions=conditions)


@disaster(
    "edge-refuses-posts",
    "The distribution admits GET and HEAD alone, as for a site of files: nobody can log in to WordPress or order",
    trips=("cloudfront-visitors.posts-admitted",),
)
def edge_refuses_posts(world: World) -> None:
    """Let the default behaviour admit GET and HEAD alone."""
    # One of three sets that CloudFront has (API_AllowedMethods).
    methods = {"Quantity": 2, "Items": _READS, "CachedMethods": {"Quantity": 2, "Items": _READS}}
    update_distribution(world, lambda config: config["DefaultCacheBehavior"].update(AllowedMethods=methods))


@disaster(
    "edge-tenant-apart",
    "A distribution of before the wildcard still has a tenant's name, and fetches from the primary's load balancer",
    trips=("cloudfront-visitors.nobody-led-apart",),
)
def edge_tenant_apart(world: World) -> None:
    """Create a distribution with the first tenant's host as its alias."""
    name = distribution_id(world)
    config: Config = world.call(Side.GLOBAL, "cloudfront", "get_distribution_config", Id=name)["DistributionConfig"]
    host = f"{world.tenants[0].replace('-', '')}.{world.environment.traffic.tenant_domain}"
    # CloudFront refuses a reference that another distribution has (DistributionAlreadyExists).
    config["CallerReference"] = host
    config["Aliases"] = {"Quantity": 1, "Items": [host]}
    config["Origins"]["Items"][0]["DomainName"] = balancer_of(world, Side.PRIMARY)["DNSName"]
    response = world.call(Side.GLOBAL, "cloudfront", "create_distribution", DistributionConfig=config)
    # On AWS it must be disabled first (API_DeleteDistribution); moto deletes it as it is.
    gone = {"Id": response["Distribution"]["Id"], "IfMatch": response["ETag"]}
    world.undo(Side.GLOBAL, "cloudfront", "delete_distribution", **gone)


def _lead_to_buckets(world: World, names: dict[Side, str], signing: str = "always") -> None:
    """Let the distribution fetch uploads from a group of two buckets, under an origin access control."""
    control = _access_control(world, signing)
    origins = [
        {
            "Id": f"uploads-{side}",
            # The regional name, as the CloudFront guide gives it for an S3 origin.
            "DomainName": f"{name}.s3.{world.environment.region(side)}.amazonaws.com",
            "OriginAccessControlId": control,
            # Empty, for an access control takes its place (CloudFront guide, restrict access to S3).
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        }
        for side, name in names.items()
    ]
    group = {
        "Id": "uploads",
        "FailoverCriteria": {"StatusCodes": {"Quantity": 3, "Items": [502, 503, 504]}},
        "Members": {"Quantity": len(origins), "Items": [{"OriginId": origin["Id"]} for origin in origins]},
    }

    def change(config: Config) -> None:
        listed = [*config["Origins"]["Items"], *origins]
        config["Origins"] = {"Quantity": len(listed), "Items": listed}
        config["OriginGroups"] = {"Quantity": 1, "Items": [group]}
        wanted = {"PathPattern": "/wp-content/uploads/*", "TargetOriginId": "uploads"}
        behaviour = {k: v for k, v in config["DefaultCacheBehavior"].items() if k in BEHAVES_ALIKE} | wanted
        config["CacheBehaviors"] = {"Quantity": 1, "Items": [behaviour]}

    update_distribution(world, change)


def _access_control(world: World, signing: str) -> str:
    how = {"SigningProtocol": "sigv4", "SigningBehavior": signing, "OriginAccessControlOriginType": "s3"}
    wanted = {"Name": "uploads", **how}
    answer = world.call(Side.GLOBAL, "cloudfront", "create_origin_access_control", OriginAccessControlConfig=wanted)
    control = str(answer["OriginAccessControl"]["Id"])
    world.undo(Side.GLOBAL, "cloudfront", "delete_origin_access_control", Id=control, IfMatch=answer["ETag"])
    return control


def _admit(world: World, side: Side, bucket: str) -> None:
    """Let the bucket's policy admit the distribution."""
    arn = f"arn:aws:cloudfront::{world.environment.account}:distribution/{distribution_id(world)}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        # The bucket policy of the CloudFront guide for an origin access control.
        "Condition": {"StringEquals": {"aws:SourceArn": arn}},
    }
    world.undo(side, "s3", "delete_bucket_policy", Bucket=bucket)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.call(side, "s3", "put_bucket_policy", Bucket=bucket, Policy=policy)


@disaster(
    "edge-bucket-closed",
    "Uploads are fetched from buckets, and the policy of the DR region's does not admit the distribution",
    trips=("cloudfront-origins.bucket-admits",),
)
def bucket_closed(world: World) -> None:
    """Lead uploads to a bucket of the estate and its copy, and admit the distribution to the first alone."""
    source = world.environment.named(world.environment.names.buckets[0])
    copy = world.environment.named(world.environment.names.bucket_copy, bucket=source)
    _lead_to_buckets(world, {Side.PRIMARY: source, Side.DR: copy})
    # The DR region's copy is left out: that is the disaster.
    _admit(world, Side.PRIMARY, source)


@disaster(
    "edge-bucket-unfilled",
    "Pictures are fetched from a bucket that nothing copies to the one in its place in the DR region",
    trips=("cloudfront-origins.bucket-filled",),
)
def bucket_unfilled(world: World) -> None:
    """Make two buckets that admit the distribution, without a rule between them."""
    for side, name in _BUCKETS.items():
        # Recorded before the policy's undo, so replayed after it.
        world.undo(side, "s3", "delete_bucket", Bucket=name)
        world.call(side, "s3", "create_bucket", Bucket=name, **location_of(world.environment.region(side)))
        _admit(world, side, name)
    _lead_to_buckets(world, _BUCKETS)


@disaster(
    "edge-bucket-unsigned",
    "Uploads are fetched from buckets that admit the distribution, by an access control that signs no request",
    trips=("cloudfront-origins.bucket-admits",),
)
def bucket_unsigned(world: World) -> None:
    """Lead uploads to a bucket of the estate and its copy, both of which admit the distribution, unsigned."""
    source = world.environment.named(world.environment.names.buckets[0])
    copy = world.environment.named(world.environment.names.bucket_copy, bucket=source)
    _lead_to_buckets(world, {Side.PRIMARY: source, Side.DR: copy}, signing="never")
    _admit(world, Side.PRIMARY, source)
    _admit(world, Side.DR, copy)
