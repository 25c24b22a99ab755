"""CloudFront: one wildcard distribution whose single origin is the origin name, over HTTP; and certificates (T20).

They are issued in both regions for their load balancers, and in us-east-1 for CloudFront.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from moto.acm.models import acm_backends

from dr_estate.config.environment import Side
from sandbox.seeding.site import Estate, as_list, tag_map, test_domain

# AWS's managed policies, alike in all accounts: CachingDisabled and AllViewer (CloudFront guide, managed policies).
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ORIGIN = "platform-origin"
VALIDATED_AGO = timedelta(days=20)


def build(estate: Estate) -> None:
    """Make the distribution; its domain name is what the tenants' records point at."""
    env = estate.environment
    # CloudFront takes certificates from us-east-1 alone.
    response = estate.world_wide("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={
            "DistributionConfig": _config(estate, request(estate, estate.environment.region(Side.GLOBAL))),
            "Tags": {"Items": as_list(tag_map(env, env.traffic.distribution_alias.lstrip("*.")))},
        }
    )
    estate.distribution_domain = response["Distribution"]["DomainName"]


def _config(estate: Estate, certificate: str) -> dict[str, Any]:
    traffic = estate.environment.traffic
    methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    return {
        "CallerReference": f"{estate.environment.name}-tenants",
        "Comment": f"{estate.environment.name}: every tenant below {traffic.tenant_domain}",
        "Enabled": True,
        "IsIPV6Enabled": True,
        "HttpVersion": "http2and3",
        "PriceClass": "PriceClass_All",
        "Aliases": {"Quantity": 1, "Items": [traffic.distribution_alias]},
        "Origins": {"Quantity": 1, "Items": [_origin(traffic.origin_record)]},
        "DefaultCacheBehavior": {
            "TargetOriginId": ORIGIN,
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": {
                "Quantity": len(methods),
                "Items": methods,
                "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
            },
            "Compress": True,
            "CachePolicyId": CACHING_DISABLED,
            # AllViewer forwards Host: the load balancer chooses the tenant's rule by it.
            "OriginRequestPolicyId": ALL_VIEWER,
        },
        "ViewerCertificate": {
            "ACMCertificateArn": certificate,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
    }


def _origin(name: str) -> dict[str, Any]:
    return {
        "Id": ORIGIN,
        "DomainName": name,
        "OriginPath": "",
        "CustomHeaders": {"Quantity": 0},
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "http-only",
            "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
            "OriginReadTimeout": 30,
            "OriginKeepaliveTimeout": 5,
        },
        # Fewer and shorter than CloudFront's defaults, 3 and 10 seconds: a dark region is given up after ten seconds.
        "ConnectionAttempts": 2,
        "ConnectionTimeout": 5,
    }


def build_certificates(estate: Estate) -> None:
    """Request the three certificates and let their DNS validation be long past."""
    for site in estate.sites:
        site.certificate = request(estate, site.region)


def request(estate: Estate, region: str) -> str:
    """Return the ARN of an issued certificate of ``region`` covering every tenant, customer and test host."""
    env = estate.environment
    # Each name is a subject alternative name: a wildcard covers one label and no customer's own domain.
    customers = {host for hosts in env.traffic.customer_hosts.values() for host in hosts}
    names = [env.traffic.tenant_domain, f"*.{test_domain(env)}", env.traffic.origin_record, *sorted(customers)]
    arn = estate.primary.clients.client("acm", region).request_certificate(
        DomainName=env.traffic.distribution_alias,
        SubjectAlternativeNames=names,
        ValidationMethod="DNS",
        Tags=as_list(tag_map(env, env.traffic.tenant_domain)),
    )["CertificateArn"]
    # the emulator issues a certificate some time after the request: make that time long past
    acm_backends[env.account][region]._certificates[arn].created_at -= VALIDATED_AGO
    return str(arn)
