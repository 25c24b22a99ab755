"""What the builders share: the estate being built, its two sites, its tenants, and the tags everything carries.

Clients that reach the emulator's backends in this very process, without a socket and without a global mock.

They are plain boto3 clients of one private session: a ``before-send`` handler answers each request from the
emulator's own routes. The account travels in the ``x-moto-account-id`` header, which the emulator resolves before it
looks at access keys, so a client over HTTP whose key belongs to that account sees the same world.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from moto import backend_index
from moto.backends import get_backend
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import normalize_request
from werkzeug.exceptions import HTTPException

from dr_estate.config.environment import Environment, Side
from dr_estate.model.engines import MYSQL, POSTGRES, Engine

Route = tuple[re.Pattern[str], Callable[..., Any]]


class SeedClients:
    """boto3 clients for one account of the emulator, one per service and region, made on first use.

    ``on_call`` is called before each call is answered.
    """

    def __init__(self, account: str) -> None:
        self.account = account
        self.on_call: Callable[[], None] = lambda: None
        self._made: dict[tuple[str, str], Any] = {}
        self._routes: dict[str, list[Route]] = {}
        core = botocore.session.Session()
        # Nobody's key: the account comes from the header below, and no IAM is asked.
        core.set_credentials("AKIASEEDING000000000", "seeding")
        # Before the signature: a header that is added later would not be covered by it.
        core.register("before-sign", self._name_the_account)
        core.register("before-send", self._answer)
        self._session = boto3.Session(botocore_session=core)

    def client(self, service: str, region: str) -> Any:
        """Return the client of ``service`` in ``region``; global services are asked for in us-east-1 (T01, T14)."""
        key = (service, region)
        if key not in self._made:
            settings = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
            self._made[key] = self._session.client(service, region_name=region, config=settings)
        return self._made[key]

    def _name_the_account(self, request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = self.account

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.on_call()
        parts = urlsplit(request.url)
        url = f"{parts.scheme}://{parts.netloc}{parts.path}"
        # As moto's own stubber does, without its search through all services for each call.
        for pattern, method in self._routes_of(parts.netloc, url):
            if pattern.match(url):
                http_request = normalize_request(request)
                try:
                    status, headers, body = method(http_request, http_request.raw_url, http_request.headers)
                # Older parts of moto raise their errors as pages of werkzeug.
                except HTTPException as refused:
                    status, headers, body = refused.code, refused.get_headers(), refused.get_body()
                return AWSResponse(request.url, status, headers, MockRawResponse(body))
        raise NotImplementedError(f"the emulator has no route for {request.method} {url}")

    def _routes_of(self, host: str, url: str) -> list[Route]:
        """Return the routes of the services that answer at ``host``, compiled once: the emulator does it each time."""
        if host not in self._routes:
            self._routes[host] = [
                (re.compile(path), method)
                for service, pattern in backend_index.backend_url_patterns
                if pattern.match(url)
                for path, method in _urls_of(service).items()
            ]
        return self._routes[host]


def _urls_of(service: str) -> dict[str, Callable[..., Any]]:
    # The URLs of a service are the same for all accounts and regions.
    backends = cast("Callable[[str], Any]", get_backend)(service)[DEFAULT_ACCOUNT_ID]
    backend = backends["us-east-1"] if "us-east-1" in backends else backends["aws"]
    urls: dict[str, Callable[..., Any]] = backend.urls
    return urls


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
