"""What a text leads to: the hosts, addresses, ARNs, URLs and ids in it, and what of that is of one region. Pure.

Sources: the endpoints of RDS, ElastiCache (its hosts have a short code of the region), EFS, ELB, S3 and SQS in
their guides; AWS General Reference, "Service endpoints" and "Amazon Resource Names".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, ip_address
from typing import Any

from dr_estate.config.environment import Environment, Side

# Text that names resources of one region: which one, and made comparable with the other's. Pure.

# The id after a load balancer's or target group's name, one after a prefix such as fs-, and a health check's.
_IDS = re.compile(
    r"/[0-9a-f]{16}(?![0-9a-z])|(?<=[a-z])-(?:[0-9a-f]{17}|[0-9a-f]{8})(?![0-9a-z-])"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
)


def arn_region(text: str) -> str:
    """The region of an ARN (arn:partition:service:region:...), "" where it has none or the text is no ARN."""
    prefix, _, rest = text.partition(":")
    return next(iter(rest.split(":")[2:3]), "") if prefix == "arn" else ""


_OF_BALANCER = r"([a-z]{2}(?:-[a-z]+)+-\d+)"
_BALANCER = re.compile(rf"\.(?:{_OF_BALANCER}\.elb|elb\.{_OF_BALANCER})\.amazonaws\.com(?:\.cn)?$")


def balancer_region(host: str) -> str | None:
    """The region whose load balancer ``host`` names; None where the name holds no region."""
    found = _BALANCER.search(host)
    # NAME-ID.REGION.elb.amazonaws.com of an application load balancer, NAME-ID.elb.REGION.amazonaws.com of a network
    # one (their guides, "Create a load balancer"; General Reference, the zones of "Elastic Load Balancing endpoints").
    return found[1] or found[2] if found else None


def neutral(value: Any, region: str) -> str:
    """``value`` (JSON, keys in order, where it is no text) without ids, and with ``{region}`` for the region's name."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return _IDS.sub("", text).replace(region, "{region}")


_REGION = re.compile(r"(?<![a-z])[a-z]{2}(?:-(?:gov|iso[a-z]?))?-[a-z]+-\d(?!\d)")
_SHORT = re.compile(r"(?:af|ap|ca|cn|eu|il|me|mx|sa|us)g?(?:n|s|e|w|c|ne|nw|se|sw)[1-9]")
_DIRECTION = re.compile(r"north|south|east|west|central|gov|-")
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws")
_LABEL = r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?"
_FOUND = re.compile(
    r"(?P<arn>arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:[\w/:.+=@*-]+)"
    r"|(?P<id>(?<![\w-])(?:fs|fsap|vpc|subnet|sg)-(?:[0-9a-f]{17}|[0-9a-f]{8})(?![\w.-]))"
    r"|s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])"
    r"|(?P<address>(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w.-]|/\d))"
    rf"|(?P<host>(?<![\w.-])(?:{_LABEL}\.)+(?:[a-z]{{2,}}|on\.aws)(?![\w-]|\.\w))(?P<path>(?::\d+)?/[\w./-]*)?",
    re.IGNORECASE,
)
_HOSTS = re.compile(rf"(?:{_LABEL}\.)+[a-z]{{2,}}(?::\d+)?(?:,(?:{_LABEL}\.)+[a-z]{{2,}}(?::\d+)?)*", re.IGNORECASE)
_BEFORE_A_HOST = ("//", "@")
_MARKS = frozenset(".-/")  # without any of them a text leads nowhere: most values


class ReferenceKind(StrEnum):
    """What a reference leads to, as an operator calls it."""

    DATABASE = "database"
    CACHE = "cache"
    FILES = "file system"
    ACCESS_POINT = "access point"
    NETWORK = "network"
    BALANCER = "load balancer"
    BUCKET = "bucket"
    QUEUE = "queue"
    TOPIC = "topic"
    KEY = "key"
    SECRET = "secret"  # noqa: S105 - a kind of thing, not a password
    PARAMETER = "parameter"
    TABLE = "table"
    SERVICE = "service of AWS"
    ADDRESS = "address"
    HOST = "host"
    OTHER = "resource of AWS"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as it is ``written``, and the ``name`` of what it leads to.

    ``region`` is as the text names it, in full or by its short code (``euw1``); "" where it names none.
    """

    kind: ReferenceKind
    written: str
    name: str
    region: str = ""

    def is_in(self, region: str) -> bool:
        """Whether its text names this region."""
        return self.region in (region, short_code(region))


def short_code(region: str) -> str:
    """The region as hosts of ElastiCache and ids of zones spell it, such as ``euw1``: a letter for each direction."""
    return _DIRECTION.sub(lambda found: found[0].strip("-")[:1], region)


def references(text: str) -> tuple[Reference, ...]:
    """All references of ``text``, in their order. A host that is not AWS's is one in a URL, or where all are hosts."""
    if not _MARKS & set(text):
        return ()
    return tuple(_of(text))


def unregional(text: str, region: str) -> str:
    """``text`` comparable with another region's: kind and name for what it leads to, ``{region}`` for ``region``."""
    parts, done = list[str](), 0
    for reference in references(text):
        place = text.index(reference.written, done)
        parts += [text[done:place], _comparison_name(reference)]
        done = place + len(reference.written)
    whole = neutral("".join([*parts, text[done:]]), region)
    return re.sub(rf"(?<![a-z0-9]){short_code(region)}(?![a-z0-9])", "{region}", whole)


# Kinds that are named by an id or an address: each region has its own.
_BY_ID = frozenset({ReferenceKind.FILES, ReferenceKind.ACCESS_POINT, ReferenceKind.NETWORK, ReferenceKind.ADDRESS})
_AS_WRITTEN = frozenset({ReferenceKind.HOST, ReferenceKind.SERVICE})


def _comparison_name(reference: Reference) -> str:
    """What stands for a reference in a comparison. AWS makes up the first word of most of its other hosts."""
    if reference.kind in _AS_WRITTEN:
        return reference.written
    if reference.kind in _BY_ID:
        return f"{{{reference.kind}}}"
    name = reference.name
    is_host = reference.kind is ReferenceKind.OTHER and name == reference.written.lower()
    return f"{{{reference.kind} {name.partition('.')[2] if is_host else name}}}"


def _of(text: str) -> Iterator[Reference]:
    all_hosts = _HOSTS.fullmatch(text) is not None
    for found in _FOUND.finditer(text):
        whole = found[0]
        if found["arn"]:
            yield _of_arn(whole.rstrip(":.-"))
        elif found["id"]:
            yield Reference(_ID_KINDS[whole.partition("-")[0].lower()], whole, whole.lower())
        elif found["bucket"]:
            yield Reference(ReferenceKind.BUCKET, whole, found["bucket"])
        elif found["address"]:
            yield from _of_address(whole)
        elif found["host"].lower().endswith(_AWS):
            yield _of_host(found["host"], found["path"] or "")
        elif all_hosts or text[: found.start()].endswith(_BEFORE_A_HOST):
            host = found["host"].lower()
            yield Reference(ReferenceKind.HOST, found["host"], host, _region_of_host(host))


_ID_KINDS = {
    "fs": ReferenceKind.FILES,
    "fsap": ReferenceKind.ACCESS_POINT,
    "vpc": ReferenceKind.NETWORK,
    "subnet": ReferenceKind.NETWORK,
    "sg": ReferenceKind.NETWORK,
}
_ARN_KINDS = {
    "secretsmanager": ReferenceKind.SECRET,
    "ssm": ReferenceKind.PARAMETER,
    "kms": ReferenceKind.KEY,
    "sqs": ReferenceKind.QUEUE,
    "sns": ReferenceKind.TOPIC,
    "dynamodb": ReferenceKind.TABLE,
    "s3": ReferenceKind.BUCKET,
}
_BY_TYPE = {
    "file-system": ReferenceKind.FILES,
    "access-point": ReferenceKind.ACCESS_POINT,
    "db": ReferenceKind.DATABASE,
}


def _of_arn(arn: str) -> Reference:
    service, region, _, name = arn.split(":", 5)[2:]
    word, *rest = re.split("[:/]", name, maxsplit=1)
    if service in ("rds", "elasticfilesystem"):
        kind, name = _BY_TYPE.get(word, ReferenceKind.OTHER), rest[0] if rest else word
    else:
        kind = _ARN_KINDS.get(service, ReferenceKind.OTHER)
    if kind in (ReferenceKind.TABLE, ReferenceKind.SECRET) and rest:
        name = re.split("[:/]", rest[0])[0] if kind is ReferenceKind.TABLE else rest[0].partition(":")[0]
    elif kind is ReferenceKind.BUCKET:
        name = word
    return Reference(kind, arn, name, region)


def _of_address(text: str) -> Iterator[Reference]:
    """An address of a private network: others are nobody's network, or a version such as 1.2.3.4."""
    try:
        address = ip_address(text)
    except ValueError:
        return
    if isinstance(address, IPv4Address) and address.is_private and not (address.is_loopback or address.is_unspecified):
        yield Reference(ReferenceKind.ADDRESS, text, text)


def _of_host(host: str, path: str) -> Reference:
    """A host of AWS. A queue and a bucket may stand in its path: then that is part of the text."""
    labels = host.lower().split(".")
    region = _region_of_host(host.lower())
    at = labels.index(region) if region in labels else -1
    if "cache" in labels[1:]:  # a part of its name may look like a short code
        region = labels[labels.index("cache", 1) - 1]
    if "vpce" in labels:
        kind, name = ReferenceKind.OTHER, host.lower()
    elif "cache" in labels and region:
        kind, name = ReferenceKind.CACHE, labels[1] if labels[0] in _CACHE_ROLES else labels[0]
        name = name.rpartition("-")[0] if "serverless" in labels else name
    elif labels[at + 1 : at + 2] == ["rds"]:
        kind, name = (ReferenceKind.OTHER if "-" in labels[1] else ReferenceKind.DATABASE), labels[0]
    elif "efs" in labels:
        kind, name = ReferenceKind.FILES, labels[labels.index("efs") - 1]
    elif "elb" in labels:
        kind, name = ReferenceKind.BALANCER, re.sub(r"^internal-|-[0-9a-f]+$", "", labels[labels[0] == "dualstack"])
    elif service := next((label for label in labels if label == "s3" or label.startswith(("s3-", "s3."))), ""):
        return _of_s3(host, path, labels[: labels.index(service)], region)
    elif labels[0] in ("sqs", "queue") and path.count("/") > 1:
        name = path.rstrip("/").rpartition("/")[2]
        return Reference(ReferenceKind.QUEUE, host + path, name, region)
    elif _is_service(labels, at):
        kind, name = ReferenceKind.SERVICE, labels[0]
    else:
        kind, name = ReferenceKind.OTHER, host.lower()
    return Reference(kind, host, name, region)


_CACHE_ROLES = frozenset({"master", "replica", "clustercfg"})
_NAMED_BY_TWO = (["api", "ecr"], ["runtime", "sagemaker"], ["data", "iot"], ["streams", "dynamodb"])


def _is_service(labels: list[str], at: int) -> bool:
    """Whether the host is a service's own: one word, then its region at ``at`` if any, then AWS's domain."""
    before = labels[:at] if at >= 0 else labels[:-2]
    ends = at < 0 or labels[at + 1] in ("amazonaws", "api")
    return ends and (len(before) == 1 or before in _NAMED_BY_TWO or before[1:] == ["dkr", "ecr"])


def _of_s3(host: str, path: str, before: list[str], region: str) -> Reference:
    if before:
        return Reference(ReferenceKind.BUCKET, host, ".".join(before), region)
    bucket = path.partition("/")[2].partition("/")[0]
    if not bucket:
        return Reference(ReferenceKind.SERVICE, host, "s3", region)
    return Reference(ReferenceKind.BUCKET, f"{host}{path.partition('/')[0]}/{bucket}", bucket, region)


def _region_of_host(host: str) -> str:
    """The region in a host: in full, or as the short code that one of its words is."""
    if found := _REGION.search(host):
        return found[0]
    return next((word for word in re.split(r"[.-]", host) if _SHORT.fullmatch(word)), "")


# References to the primary region inside a value, and their replacement by the DR region. Pure.


@dataclass(frozen=True, slots=True)
class RegionMove:
    """From one region to another, and the identifier of the database in the first."""

    origin: str
    target: str
    database: str


def way_of(env: Environment) -> RegionMove:
    """From the environment's primary region to its DR region."""
    return RegionMove(env.regions.primary, env.regions.dr, env.database_on(Side.PRIMARY))


def move_to_primary(env: Environment) -> RegionMove:
    """From the environment's DR region to its primary region."""
    return RegionMove(env.regions.dr, env.regions.primary, env.database_on(Side.DR))


def moved_value(value: str, way: RegionMove, host: str) -> str:
    """``value`` with the first region's database endpoint replaced by ``host``, and ARNs that differ by region moved.

    Those ARNs are of secrets (a replica keeps name and suffix) and multi-Region keys (mrk-). Anything else of the first
    region stays as it is: another name in the second would be a guess.
    """
    if way.origin not in value:  # most values: both patterns hold the region's name
        return value
    endpoint, arn = _patterns(way)
    return arn.sub(rf"\g<before>{way.target}\g<after>", endpoint.sub(lambda _: host, value))


@lru_cache(maxsize=4)
def _patterns(way: RegionMove) -> tuple[re.Pattern[str], re.Pattern[str]]:
    region, database = re.escape(way.origin), re.escape(way.database)
    endpoint = rf"(?<![\w.-]){database}\.[a-z0-9]+\.{region}\.rds\.amazonaws\.com(\.cn)?(?![\w-])"
    arn = rf"(?P<before>arn:aws[a-z-]*:(secretsmanager|kms):){region}(?P<after>:\d{{12}}:(secret:|key/mrk-))"
    return re.compile(endpoint), re.compile(arn)


# Type and name of a resource by its ARN, as a person would call it. Pure.

_RESOURCE = re.compile(r"/?(?:regional/)?(?P<kind>[^:/]*)[:/](?P<rest>.*)")
# Parts of ARNs that name no resource: the kind of a load balancer, the default bus or group.
_DROPPED = {"", "app", "net", "gwy", "default"}
# Types whose ARN ends with an id behind the name.
_WITH_ID = {"elasticloadbalancing:loadbalancer", "wafv2:webacl", "cloudformation:stack"}
# Services whose ARNs are names without a type.
_BARE = {"s3", "sns", "sqs"}


def resource_of(arn: str) -> tuple[str, str]:
    """Return ``service:type`` and the name in an ARN, such as ``lambda:function`` and ``sit-mail``.

    The type is left out where the service has but one, such as ``sqs``. Raises ValueError for what is no ARN.
    """
    _, _, service, _, _, resource = arn.split(":", 5)
    found = _RESOURCE.fullmatch(resource)
    if service in _BARE or found is None:
        return service, resource
    kind, parts = f"{service}:{found['kind']}", [part for part in found["rest"].split("/") if part not in _DROPPED]
    if kind in _WITH_ID and len(parts) > 1:
        parts.pop()
    return kind, "/".join(parts)
