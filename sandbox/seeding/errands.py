"""What the platform has beside its tenants, alike in both regions: a nightly errand, mail, a web ACL, a dashboard, a
counted word, and SSM parameters with the values of their own region."""

from __future__ import annotations

import json

from sandbox.seeding.site import Estate, Site, as_list, internal_zone, tag_map


def build(estate: Estate) -> None:
    """Make them alike in both regions."""
    for site in estate.sites:
        # A rule that puts the word for the nightly clean-up into the desk's queue.
        env, name = site.environment, f"{site.environment.name}-nightly-cleanup"
        events = site.client("events")
        events.put_rule(Name=name, ScheduleExpression="cron(0 1 * * ? *)", Tags=as_list(tag_map(env, name)))
        site.client("sesv2").create_email_identity(EmailIdentity=env.traffic.tenant_domain)
        body = {"widgets": [{"type": "text", "properties": {"markdown": f"The platform in {site.region}"}}]}
        dashboard = {"DashboardName": f"{env.name}-platform", "DashboardBody": json.dumps(body)}
        site.client("cloudwatch").put_dashboard(**dashboard)
        _errors_counted(site, estate.tenants[0].name if estate.tenants else "")
        _parameters(site)


def _errors_counted(site: Site, tenant: str) -> None:
    env = site.environment
    group = env.named(env.names.log_group, tenant=tenant)
    counted = {"metricName": "PhpErrors", "metricNamespace": env.name, "metricValue": "1"}
    site.client("logs").put_metric_filter(
        logGroupName=group, filterName=f"{env.name}-php-errors", filterPattern="ERROR", metricTransformations=[counted]
    )


def _parameters(site: Site) -> None:
    for name, value in _values(site).items():
        site.client("ssm").put_parameter(
            Name=f"/{site.environment.name}/{name}",
            Value=value,
            Type="String",
            Description="Read by the platform's deployment",
            Tags=as_list(tag_map(site.environment)),
        )


def _values(site: Site) -> dict[str, str]:
    env = site.environment
    return {
        "database/host": f"db.{internal_zone(env)}",
        "wordpress/image": site.image,
        "network/vpc-id": site.vpc,
        "network/private-subnets": ",".join(site.private_subnets),
        "files/file-system-id": site.file_system,
        "balancing/load-balancer-arn": site.load_balancer,
    }
