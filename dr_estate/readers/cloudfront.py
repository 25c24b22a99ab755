"""CloudFront: the distribution that serves the tenants, found by its alias, and which behaviours forward Host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from dr_estate.config.settings import TrafficSettings
from dr_estate.model.kept_values import header_digest
from dr_estate.model.managed_policies import MANAGED_POLICIES
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers.route53 import plain
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import GLOBAL, ReadContext, part

_KINDS = {"VpcOriginConfig": "vpc", "CustomOriginConfig": "custom", "S3OriginConfig": "s3"}
DISTRIBUTION_READS = frozenset({"cloudfront:ListDistributions"})
POLICY_READS = frozenset({"cloudfront:GetOriginRequestPolicy", "cloudfront:GetCachePolicy"})
DEFAULT_BEHAVIOUR = "default (*)"
_UNRESTRICTED = "none"
_READS_ALONE = ("GET", "HEAD")  # where nothing is set. Source: CloudFront API, AllowedMethods
_ERRORS_S = 10  # where nothing is set. Source: CloudFront Developer Guide, "How long CloudFront caches errors"


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin. ``connect_s`` is the time for one connection attempt, of ``attempts``.

    ``ports`` are the HTTP and HTTPS ports of a custom origin.
    ``kind`` is custom, s3, vpc or unknown.
    ``headers`` are those that CloudFront adds: (name, digest of the value), because the value may be a secret.
    A bucket is read under an origin ``access_control`` (its id), as an ``identity``, or, where both are "", by anybody.
    ``path`` is what CloudFront puts before the path of each request, "" for nothing.
    """

    id: Annotated[str, At("Id", demanded=True)]
    domain: str
    protocol_policy: Annotated[str, At("CustomOriginConfig.OriginProtocolPolicy")]
    # CloudFront's own where nothing is set: 3 attempts of 10 s (CloudFront API, Origin).
    attempts: Annotated[int, At("ConnectionAttempts", absent=3)]
    connect_s: Annotated[int, At("ConnectionTimeout", absent=10)]
    kind: str = ""
    ports: tuple[int, int] = (80, 443)
    headers: tuple[tuple[str, str], ...] = ()
    access_control: Annotated[str, At("OriginAccessControlId")] = ""
    identity: Annotated[str, At("S3OriginConfig.OriginAccessIdentity")] = ""
    path: Annotated[str, At("OriginPath")] = ""


@dataclass(frozen=True, slots=True)
class OriginGroup:
    """Origins tried in order, and the statuses of the first that make CloudFront try the next."""

    id: str
    members: tuple[str, ...]
    statuses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How requests of a path ``pattern`` are sent on, and to which ``target``. Policies are ids, "" where it has none.

    ``forwards_host``: by the settings from before there were policies (ForwardedValues). ``functions``: code at the
    edge may change what is sent on. ``methods`` are those of HTTP that it admits, None where they were not read.
    """

    pattern: str
    target: Annotated[str, At("TargetOriginId", demanded=True)]
    request_policy: Annotated[str, At("OriginRequestPolicyId")]
    cache_policy: Annotated[str, At("CachePolicyId")]
    forwards_host: bool
    functions: bool
    methods: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """An origin request policy or a cache policy: whether it forwards Host; None for a setting not known here."""

    id: str
    name: str
    forwards_host: bool | None


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution. ``target`` is the origin or origin group of the default behaviour; certificates are ARNs.

    ``behaviours`` is the default one and then the others, empty where they were not read. ``errors`` are the statuses
    of origins for which something is set, with the seconds for which each is answered from the cache at least.
    ``countries`` is how visitors are restricted by country: AWS's kind of the restriction and the codes, () where they
    are not. Both are None where they were not read.
    """

    id: Annotated[str, At("Id", demanded=True)]
    domain: str
    status: Annotated[str, At("Status")]
    enabled: Annotated[bool, At("Enabled")]
    aliases: tuple[str, ...]
    origins: tuple[Origin, ...]
    groups: tuple[OriginGroup, ...]
    target: Annotated[str, At("DefaultCacheBehavior.TargetOriginId")]
    other_targets: tuple[str, ...]
    viewer_protocol: Annotated[str, At("DefaultCacheBehavior.ViewerProtocolPolicy")]
    certificate: str
    minimum_tls: Annotated[str, At("ViewerCertificate.MinimumProtocolVersion")]
    staging: Annotated[bool, At("Staging")]
    behaviours: tuple[Behaviour, ...] = ()
    errors: tuple[tuple[int, int], ...] | None = None
    countries: tuple[str, ...] | None = None


def serving(distributions: Iterable[Distribution], traffic: TrafficSettings) -> Distribution | None:
    """The distribution that holds the environment's alias, else one that fetches from the traffic name, or None.

    Staging copies do not count.
    """
    live = [d for d in distributions if not d.staging]
    # An alias is unique in all of CloudFront; the traffic name may be fetched by several, so it is the second choice.
    named = [d for d in live if traffic.distribution_alias in d.aliases]
    fetching = [d for d in live if traffic.origin_record in {origin.domain for origin in d.origins}]
    return next(iter(named + fetching), None)


def nearest_alias(aliases: Iterable[str], host: str) -> str:
    """The alias by which CloudFront finds a request for ``host``, "" for none: the name itself, or the longest pattern.

    Unlike a certificate's, its ``*`` stands for any number of labels. Source: CloudFront Developer Guide, "Use
    wildcards in alternate domain names".
    """
    fitting = [name for name in aliases if name == host or (name.startswith("*.") and host.endswith(name[1:]))]
    return max(fitting, key=lambda name: (name == host, len(name)), default="")


@part(*GLOBAL, reads=DISTRIBUTION_READS)
def distributions(context: ReadContext) -> tuple[Distribution, ...]:
    """Every distribution of the account, a hundred a page; the summary holds all that is needed here."""
    rows = context.pages("cloudfront", "list_distributions", "DistributionList.Items")
    return context.rows(rows, _distribution, "Id")


@part(*GLOBAL, reads=DISTRIBUTION_READS | POLICY_READS)
def host_policies(context: ReadContext) -> tuple[HostPolicy | Unavailable, ...]:
    """The policies of the serving distribution's behaviours. Managed ones are known by their id, others are read."""
    found = serving(context.part(distributions), context.env.traffic)
    behaviours = found.behaviours if found else ()
    policies = {("origin_request_policy", b.request_policy) for b in behaviours}
    policies |= {("cache_policy", b.cache_policy) for b in behaviours}

    def read(policy: tuple[str, str]) -> HostPolicy:
        kind, name = policy
        # AWS's own policies never change: their ids are documented, and a call each is saved.
        if name in MANAGED_POLICIES:
            return HostPolicy(name, *MANAGED_POLICIES[name])
        answer = context.call("cloudfront", f"get_{kind}", Id=name)
        return _cache_policy(name, answer) if kind == "cache_policy" else _request_policy(name, answer)

    return tuple(context.maybe(read, sorted(policy for policy in policies if policy[1])))


_NO_HEADERS = {"HeaderBehavior": "none"}


def _request_policy(name: str, answer: dict[str, Any]) -> HostPolicy:
    policy = answer.get("OriginRequestPolicy")
    if policy is None:
        return HostPolicy(name, "", None)
    config = policy["OriginRequestPolicyConfig"]
    return HostPolicy(name, config["Name"], _forwards_host(config.get("HeadersConfig") or _NO_HEADERS))


def _cache_policy(name: str, answer: dict[str, Any]) -> HostPolicy:
    """Headers of the cache key are in the request to the origin too (OriginRequestPolicyHeadersConfig, "none")."""
    policy = answer.get("CachePolicy")
    if policy is None:
        return HostPolicy(name, "", None)
    config = policy["CachePolicyConfig"]
    keyed = config.get("ParametersInCacheKeyAndForwardedToOrigin") or {}
    return HostPolicy(name, config["Name"], _forwards_host(keyed.get("HeadersConfig") or _NO_HEADERS))


def _forwards_host(headers: dict[str, Any]) -> bool | None:
    """Whether Host is forwarded. Source: CloudFront API, OriginRequestPolicyHeadersConfig; None for another kind."""
    listed = "host" in {str(name).lower() for name in _items(headers, "Headers")}
    known = {
        "none": False,
        "whitelist": listed,
        "allViewer": True,
        "allViewerAndWhitelistCloudFront": True,
        "allExcept": not listed,
    }
    return known.get(headers["HeaderBehavior"])


def _items(row: dict[str, Any], key: str) -> list[Any]:
    found: list[Any] = (row.get(key) or {}).get("Items") or []
    return found


def _distribution(row: dict[str, Any]) -> Distribution:
    default, viewer = row.get("DefaultCacheBehavior"), row.get("ViewerCertificate", {})
    restriction = (row.get("Restrictions") or {}).get("GeoRestriction") or {}
    kind = restriction.get("RestrictionType", _UNRESTRICTED)
    return read(
        Distribution,
        row,
        domain=plain(row["DomainName"]),
        aliases=tuple(plain(alias) for alias in _items(row, "Aliases")),
        origins=tuple(_origin(origin) for origin in _items(row, "Origins")),
        groups=tuple(_group(group) for group in _items(row, "OriginGroups")),
        other_targets=tuple(behaviour["TargetOriginId"] for behaviour in _items(row, "CacheBehaviors")),
        certificate=viewer.get("ACMCertificateArn") or viewer.get("IAMCertificateId") or "",
        behaviours=tuple(_behaviour(behaviour) for behaviour in (default, *_items(row, "CacheBehaviors")) if behaviour),
        errors=tuple(
            (int(error["ErrorCode"]), int(error.get("ErrorCachingMinTTL", _ERRORS_S)))
            for error in _items(row, "CustomErrorResponses")
        ),
        countries=() if kind == _UNRESTRICTED else (kind, *sorted(_items({"Codes": restriction}, "Codes"))),
    )


def _behaviour(row: dict[str, Any]) -> Behaviour:
    forwarded = {str(name).lower() for name in _items(row.get("ForwardedValues") or {}, "Headers")}
    return read(
        Behaviour,
        row,
        pattern=row.get("PathPattern") or DEFAULT_BEHAVIOUR,
        forwards_host=bool(forwarded & {"*", "host"}),
        functions=bool(_items(row, "LambdaFunctionAssociations") or _items(row, "FunctionAssociations")),
        methods=tuple(sorted(_items(row, "AllowedMethods"))) or _READS_ALONE,
    )


def _origin(row: dict[str, Any]) -> Origin:
    custom = row.get("CustomOriginConfig", {})
    return read(
        Origin,
        row,
        domain=plain(row["DomainName"]),
        kind=next((kind for key, kind in _KINDS.items() if key in row), "unknown"),
        ports=(custom.get("HTTPPort", 80), custom.get("HTTPSPort", 443)),
        headers=tuple(
            (added["HeaderName"].lower(), header_digest(added["HeaderValue"])) for added in _items(row, "CustomHeaders")
        ),
    )


def _group(row: dict[str, Any]) -> OriginGroup:
    statuses = row.get("FailoverCriteria", {}).get("StatusCodes", {})
    return OriginGroup(
        id=row["Id"],
        members=tuple(member["OriginId"] for member in _items(row, "Members")),
        statuses=tuple(_items({"StatusCodes": statuses}, "StatusCodes")),
    )
