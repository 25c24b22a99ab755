"""What the builders share: the estate being built, its two sites, its tenants, and the tags everything carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.engines import MYSQL, POSTGRES, Engine
from sandbox.seeding.clients import SeedClients


@dataclass(frozen=True)
class SeedTenant:
    """A tenant: ``name`` is its spelling in AWS names, ``label`` its DNS label and the value of its Tenant tag."""

    name: str
    label: str


@dataclass
class Site:
    """One region of the estate and the identifiers the builders hand on to each other."""

    side: Side
    region: str
    environment: Environment
    clients: SeedClients
    engine: Engine = MYSQL
    vpc: str = ""
    vpc_cidr: str = ""
    public_subnets: list[str] = field(default_factory=list)
    private_subnets: list[str] = field(default_factory=list)
    data_subnets: list[str] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    image: str = ""
    database_host: str = ""
    file_system: str = ""
    access_points: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    target_groups: dict[str, str] = field(default_factory=dict)
    certificate: str = ""
    load_balancer: str = ""
    load_balancer_dns: str = ""
    load_balancer_zone: str = ""
    topics: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        """Return the client of ``service`` in this site's region."""
        return self.clients.client(service, self.region)

    @property
    def master_user(self) -> str:
        """The database's master: RDS for PostgreSQL reserves the name admin."""
        return "postgres" if self.engine is POSTGRES else "admin"

    @property
    def is_primary(self) -> bool:
        """Whether this is the primary region."""
        return self.side is Side.PRIMARY


@dataclass
class Estate:
    """The whole estate while it is being built."""

    environment: Environment
    tenants: tuple[SeedTenant, ...]
    primary: Site
    dr: Site
    roles: dict[str, str] = field(default_factory=dict)
    distribution_domain: str = ""

    @property
    def sites(self) -> tuple[Site, Site]:
        """Return both sites, the primary first."""
        return (self.primary, self.dr)

    def world_wide(self, service: str) -> Any:
        """Return the client of a global service."""
        return self.primary.clients.client(service, self.environment.region(Side.GLOBAL))


def tenant_list(count: int) -> tuple[SeedTenant, ...]:
    """Return ``count`` tenants: tenant1 keeps its older AWS spelling ``tenant-1``, the others are ``tenant2`` ..."""
    return tuple(SeedTenant("tenant-1" if n == 1 else f"tenant{n}", f"tenant{n}") for n in range(1, count + 1))


def host_of(environment: Environment, tenant: SeedTenant) -> str:
    """Return the tenant's public name below the environment's tenant domain."""
    return f"{tenant.label}.{environment.traffic.tenant_domain}"


def hosts_of(environment: Environment, tenant: SeedTenant) -> list[str]:
    """Return every host name that must reach the tenant: its own, its customer's, and the reserved test name."""
    customer = environment.traffic.customer_hosts.get(tenant.label, ())
    return [host_of(environment, tenant), *customer, f"{tenant.label}.{test_domain(environment)}"]


def test_domain(environment: Environment) -> str:
    """Return the domain of DR test names, such as ``wpdr.<zone>``."""
    return f"{environment.traffic.test_prefix}.{environment.traffic.zone}"


def internal_zone(environment: Environment) -> str:
    """Return the private zone that gives each region's own database the same, region-neutral name."""
    return f"{environment.name}.internal"


def tag_map(
    environment: Environment, name: str = "", tenant: SeedTenant | None = None, data: bool = False
) -> dict[str, str]:
    """Return the tags of a resource; ``data`` marks what AWS Backup must select (Backup=Required)."""
    # The tags of the platform's Terraform: the tool finds stray resources by them.
    tags = {key: environment.named(value) for key, value in environment.names.tags.items()}
    tags |= {"ManagedBy": "terraform", "DR": "enabled"}
    if data:
        tags["Backup"] = "Required"
    if name:
        tags["Name"] = name
    if tenant:
        tags["Tenant"] = tenant.label
    return tags


def as_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Spell tags as a list of pairs; ECS and KMS want other words for ``key`` and ``value``."""
    return [{key: k, value: v} for k, v in tags.items()]
