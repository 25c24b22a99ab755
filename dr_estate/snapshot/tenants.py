"""The tenants: from the primary region's services, else the DR region's, else as remembered, else from DNS. Pure.

The first source that shows any is taken, never a union: a service that only the standby still has is no tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache

from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import ecs, route53
from dr_estate.snapshot.snapshot import Snapshot


@dataclass(frozen=True, slots=True, order=True)
class Tenant:
    """A tenant as AWS names spell it (``id``); ``dns`` is the spelling of its host names (older ids have a hyphen).

    ``supposed``: DNS alone shows it, where tenant-1 is spelled tenant1: how AWS names spell it is not known.
    """

    id: str
    dns: str
    supposed: bool = False


@lru_cache(maxsize=16)
def discover(snapshot: Snapshot, env: Environment) -> tuple[Tenant, ...]:
    """The tenants in id order. Raises DataUnavailable where no region's services, no memory and no zone show any."""
    dark: list[str] = []
    sources: tuple[Callable[[], set[str]], ...] = (
        lambda: _from_services(snapshot, env, Side.PRIMARY),
        # A workload of the map that the standby lacks is the gap of a failover: left out, nobody would hear of it.
        lambda: _from_services(snapshot, env, Side.DR) | set(env.mapped_workloads or ()),
        lambda: set(snapshot.remembered_tenants),
        lambda: _from_records(snapshot, env),
    )
    for source in sources:
        try:
            ids = source()
        except DataUnavailable as unseen:
            dark.append(unseen.unavailable.why)
            continue
        if ids:
            # DNS spells tenant-1 as tenant1: what is missing of such a name may be a spelling, and is no gap.
            supposed = source is sources[-1]
            return tuple(sorted(Tenant(name, dns_label(name), supposed) for name in ids if env.is_behind(name)))
    reason = " ".join(dark) or f"No service is named like {env.names.service}, in either region."
    raise DataUnavailable(Unavailable(UnavailableKind.ERROR, f"No tenants could be discovered. {reason}"))


def is_chosen(tenant: str, only: Collection[str]) -> bool:
    """Whether ``tenant`` is among ``only`` these, in either spelling; every tenant is where there are none."""
    return not only or dns_label(tenant) in map(dns_label, only)


def dns_label(tenant: str) -> str:
    """The tenant as host names spell it: older ids such as ``tenant-1`` drop the hyphen."""
    return tenant.replace("-", "")


def host_of(tenant: Tenant, env: Environment) -> str:
    """The host name by which visitors reach the tenant: by the map, else its own one on the platform's domain."""
    return site_of(tenant, env).partition("/")[0]


def site_of(tenant: Tenant, env: Environment) -> str:
    """What is visited of the tenant: its host, and the path behind which it stands where it shares that host."""
    return env.site_of(tenant.id)


def _from_services(snapshot: Snapshot, env: Environment, side: Side) -> set[str]:
    names = [service.name for service in snapshot.get_readable(ecs.services, side)]
    names += [row.name for row in snapshot.unreadable(ecs.services, side)]
    env = env.on(side)
    return {tenant for name in names if (tenant := env.tenant_of(env.names.service, name))}


def _from_records(snapshot: Snapshot, env: Environment) -> set[str]:
    names = (record.name for record in snapshot.get_readable(route53.records, Side.GLOBAL))
    if mapped := env.mapped_workloads:
        return set(mapped)  # its services are not called by a pattern, so DNS shows none
    suffix = f".{env.traffic.tenant_domain}"
    labels = {name.removesuffix(suffix) for name in names if name.endswith(suffix)}
    known = {env.traffic.origin_record.removesuffix(suffix), "*", env.traffic.test_prefix}
    # Names of two labels, and those with a hyphen or an underscore (as a certificate's validation), are no tenants.
    return {label for label in labels - known if label.isalnum()}
