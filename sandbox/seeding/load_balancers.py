"""Load balancers: one a region, with a target group and a host-header rule for each tenant.

The default action answers 200 to any host, as the real platform's does: a 200 alone proves nothing. Both listeners
carry the rules, for CloudFront reaches its origin over HTTP and customers' hosts arrive over HTTPS.
"""

from __future__ import annotations

from typing import Any

from sandbox.seeding.site import Estate, SeedTenant, Site, as_list, hosts_of, tag_map

# As long as the TTL of the records: a client that keeps its connection moves as soon as one that asks DNS again.
KEEP_ALIVE_S = 60
DEFAULT_ACTION = [
    {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "OK"},
    }
]


def build(estate: Estate) -> None:
    """Make load balancer, listeners, target groups and rules of both regions."""
    for site in estate.sites:
        _load_balancer(site)
        listeners = _listeners(site)
        # Each priority may be used once in a listener (ELB guide, listener rules).
        for priority, tenant in enumerate(estate.tenants, start=1):
            site.target_groups[tenant.name] = _target_group(site, tenant)
            for listener in listeners:
                _rule(site, listener, priority, tenant)
    if estate.environment.traffic.pin_port:
        _pin_switch(estate.dr, estate.environment.traffic.pin_port)


def _load_balancer(site: Site) -> None:
    env, elb = site.environment, site.client("elbv2")
    name = env.named(env.names.load_balancer)
    balancer = elb.create_load_balancer(
        Name=name,
        Subnets=site.public_subnets,
        SecurityGroups=[site.groups["alb"]],
        Scheme="internet-facing",
        Type="application",
        IpAddressType="ipv4",
        Tags=as_list(tag_map(env, name)),
    )["LoadBalancers"][0]
    site.load_balancer, site.load_balancer_dns = balancer["LoadBalancerArn"], balancer["DNSName"]
    site.load_balancer_zone = balancer["CanonicalHostedZoneId"]
    # an hour's keep-alive, the default, would pin clients to a dead region (T11)
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=site.load_balancer,
        Attributes=[
            {"Key": "deletion_protection.enabled", "Value": "true"},
            {"Key": "client_keep_alive.seconds", "Value": str(KEEP_ALIVE_S)},
            {"Key": "idle_timeout.timeout_seconds", "Value": "60"},
        ],
    )


def _listeners(site: Site) -> list[str]:
    elb = site.client("elbv2")
    secure = {
        "Certificates": [{"CertificateArn": site.certificate}],
        "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    }
    wanted: tuple[tuple[str, int, dict[str, Any]], ...] = (("HTTP", 80, {}), ("HTTPS", 443, secure))
    return [
        elb.create_listener(
            LoadBalancerArn=site.load_balancer,
            Protocol=protocol,
            Port=port,
            DefaultActions=DEFAULT_ACTION,
            Tags=as_list(tag_map(site.environment)),
            **more,
        )["Listeners"][0]["ListenerArn"]
        for protocol, port, more in wanted
    ]


def _pin_switch(site: Site, port: int) -> None:
    """A listener for health checkers alone: while it answers 404 the primary region may serve (T06)."""
    site.client("elbv2").create_listener(
        LoadBalancerArn=site.load_balancer,
        Protocol="HTTP",
        Port=port,
        DefaultActions=[
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}
        ],
        Tags=as_list(tag_map(site.environment)),
    )


def _target_group(site: Site, tenant: SeedTenant) -> str:
    env = site.environment
    name = env.named(env.names.target_group, tenant=tenant.name)
    response = site.client("elbv2").create_target_group(
        Name=name,
        Protocol="HTTP",
        Port=env.names.container_port,
        VpcId=site.vpc,
        TargetType="ip",
        HealthCheckPath=env.probe_path,
        # Two successes: a task is healthy half a minute after it
        # answers, which the estimate of a scale-out counts with.
        HealthCheckIntervalSeconds=15,
        HealthCheckTimeoutSeconds=5,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
        Matcher={"HttpCode": ",".join(str(status) for status in env.traffic.expected_probe_statuses)},
        Tags=as_list(tag_map(env, name, tenant)),
    )
    return str(response["TargetGroups"][0]["TargetGroupArn"])


def _rule(site: Site, listener: str, priority: int, tenant: SeedTenant) -> None:
    site.client("elbv2").create_rule(
        ListenerArn=listener,
        Priority=priority,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": hosts_of(site.environment, tenant)}}],
        Actions=[{"Type": "forward", "TargetGroupArn": site.target_groups[tenant.name]}],
        Tags=as_list(tag_map(site.environment, tenant=tenant)),
    )
