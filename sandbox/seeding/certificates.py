"""Certificates: issued in both regions for their load balancers, and in us-east-1 for CloudFront (T20)."""

from __future__ import annotations

from datetime import timedelta

from moto.acm.models import acm_backends

from dr_estate.config.environment import Side
from sandbox.seeding.site import Estate, as_list, tag_map, test_domain

VALIDATED_AGO = timedelta(days=20)


def build(estate: Estate) -> None:
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


def for_distribution(estate: Estate) -> str:
    """Return the ARN of the certificate in us-east-1, the only region CloudFront takes certificates from."""
    return request(estate, estate.environment.region(Side.GLOBAL))
