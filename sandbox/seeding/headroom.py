"""Service quotas: raised in both regions to what a failover of all tenants demands (T33)."""

from __future__ import annotations

from sandbox.seeding.services import CPU
from sandbox.seeding.site import Estate


def build(estate: Estate) -> None:
    """Request each quota that today's value would not satisfy."""
    for site in estate.sites:
        quotas = site.client("service-quotas")
        for (service, code), needed in demand(estate).items():
            held = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
            if held < needed:
                quotas.request_service_quota_increase(ServiceCode=service, QuotaCode=code, DesiredValue=needed)


def demand(estate: Estate) -> dict[tuple[str, str], float]:
    """Return, by service and quota code, what the region needs with every tenant at failover size, and a half more."""
    tenants, capacity = len(estate.tenants), estate.environment.capacity
    tasks = tenants * capacity.tasks_per_service * 1.5
    return {
        ("fargate", "L-3032A538"): tasks * CPU / 1024,
    }
