"""Service quotas: raised in both regions to what a failover of all tenants demands (T33)."""

from __future__ import annotations

import math

from sandbox.seeding.services import CPU
from sandbox.seeding.site import Estate

CPU_UNITS_A_VCPU = 1024
LISTENERS = 2
# A deployment runs up to twice its tasks for a while; half more than the failover needs lets it begin.
SPARE = 1.5


def build(estate: Estate) -> None:
    """Request each quota that its default value would not satisfy. Needs doing before services start tasks."""
    for site in estate.sites:
        quotas = site.client("service-quotas")
        for (service, code), needed in demand(estate).items():
            value = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
            if value < needed:
                quotas.request_service_quota_increase(ServiceCode=service, QuotaCode=code, DesiredValue=float(needed))


def demand(estate: Estate) -> dict[tuple[str, str], int]:
    """Return by service and quota code what a region needs: every tenant at failover size, the headroom, and a half."""
    capacity, tenants = estate.environment.capacity, len(estate.tenants)
    customers = sum(len(hosts) for hosts in estate.environment.traffic.customer_hosts.values())
    tasks = tenants * capacity.tasks_per_service
    needs = {
        ("fargate", "L-3032A538"): tasks * CPU / CPU_UNITS_A_VCPU,
        ("ecs", "L-9EF96962"): tenants,
        # Each Fargate task has a network interface of its own (awsvpc).
        ("vpc", "L-DF5E4CA3"): tasks,
        # The names and defaults of the codes stand in moto_ext/quotas/quota_table.py.
        ("elasticloadbalancing", "L-7EED9B64"): tenants * LISTENERS,
        ("elasticloadbalancing", "L-7E6692B2"): tasks,
        ("elasticloadbalancing", "L-B22855CB"): tenants,
        ("elasticloadbalancing", "L-822D1B1B"): tenants,
        ("acm", "L-FB94F0B0"): customers + 3,
    }
    factor = SPARE + capacity.headroom_percent / 100
    return {quota: math.ceil(needed * factor) for quota, needed in needs.items()}
