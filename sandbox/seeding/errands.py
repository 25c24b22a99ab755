"""What runs beside the tenants in both regions: a nightly errand, mail, a web ACL, a dashboard, a counted word."""

from __future__ import annotations

import json

from sandbox.seeding.site import Estate, Site, as_list, tag_map


def build(estate: Estate) -> None:
    """Make them alike in both regions."""
    for site in estate.sites:
        _rule(site)
        _mail(site)
        _dashboard(site)
        _errors_counted(site, estate.tenants[0].name if estate.tenants else "")


def _rule(site: Site) -> None:
    """A rule that puts the word for the nightly clean-up into the desk's queue."""
    env, events = site.environment, site.client("events")
    name = f"{env.name}-nightly-cleanup"
    events.put_rule(Name=name, ScheduleExpression="cron(0 1 * * ? *)", Tags=as_list(tag_map(env, name)))


def _mail(site: Site) -> None:
    site.client("sesv2").create_email_identity(EmailIdentity=site.environment.traffic.tenant_domain)


def _dashboard(site: Site) -> None:
    body = {"widgets": [{"type": "text", "properties": {"markdown": f"The platform in {site.region}"}}]}
    name = f"{site.environment.name}-platform"
    site.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=json.dumps(body))


def _errors_counted(site: Site, tenant: str) -> None:
    env = site.environment
    group = env.named(env.names.log_group, tenant=tenant)
    counted = {"metricName": "PhpErrors", "metricNamespace": env.name, "metricValue": "1"}
    site.client("logs").put_metric_filter(
        logGroupName=group, filterName=f"{env.name}-php-errors", filterPattern="ERROR", metricTransformations=[counted]
    )
