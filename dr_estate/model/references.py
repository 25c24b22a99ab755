"""What a text leads to: the hosts, addresses, ARNs, URLs and ids in it, each with kind, name and region. Pure.

Sources: the endpoints of RDS, ElastiCache (its hosts have a short code of the region, T83), EFS, ELB, S3 and SQS in
their guides; AWS General Reference, "Service endpoints" and "Amazon Resource Names".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, ip_address

from dr_estate.model.regional_names import neutral

_REGION = re.compile(r"(?<![a-z])[a-z]{2}(?:-(?:gov|iso[a-z]?))?-[a-z]+-\d(?!\d)")
_SHORT = re.compile(r"[a-z]{2}g?(?:n|s|e|w|c|ne|nw|se|sw)\d")
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


class Kind(StrEnum):
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
    """A reference: its ``text`` as written, and the ``name`` of what it leads to.

    ``region`` is as the text names it, in full or by its short code (``euw1``); "" where it names none.
    """

    kind: Kind
    text: str
    name: str
    region: str = ""

    def is_in(self, region: str) -> bool:
        """Whether its text names this region."""
        return self.region in (region, short_code(region))


def short_code(region: str) -> str:
    """The region as hosts of ElastiCache and ids of zones spell it: ``afs1`` for af-south-1, ``apse2``."""
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
        place = text.index(reference.text, done)
        parts += [text[done:place], _named(reference)]
        done = place + len(reference.text)
    whole = neutral("".join([*parts, text[done:]]), region)
    return re.sub(rf"(?<![a-z0-9]){short_code(region)}(?![a-z0-9])", "{region}", whole)


_BY_ID = frozenset({Kind.FILES, Kind.ACCESS_POINT, Kind.NETWORK, Kind.ADDRESS})
"""Kinds that are named by an id or an address: each region has its own."""
_AS_WRITTEN = frozenset({Kind.HOST, Kind.SERVICE})


def _named(reference: Reference) -> str:
    """What stands for a reference in a comparison. AWS makes up the first word of most of its other hosts."""
    if reference.kind in _AS_WRITTEN:
        return reference.text
    if reference.kind in _BY_ID:
        return f"{{{reference.kind}}}"
    name = reference.name
    is_host = reference.kind is Kind.OTHER and name == reference.text.lower()
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
            yield Reference(Kind.BUCKET, whole, found["bucket"])
        elif found["address"]:
            yield from _of_address(whole)
        elif found["host"].lower().endswith(_AWS):
            yield _of_host(found["host"], found["path"] or "")
        elif all_hosts or text[: found.start()].endswith(_BEFORE_A_HOST):
            host = found["host"].lower()
            yield Reference(Kind.HOST, found["host"], host, _region_of_host(host))


_ID_KINDS = {
    "fs": Kind.FILES,
    "fsap": Kind.ACCESS_POINT,
    "vpc": Kind.NETWORK,
    "subnet": Kind.NETWORK,
    "sg": Kind.NETWORK,
}
_ARN_KINDS = {
    "secretsmanager": Kind.SECRET,
    "ssm": Kind.PARAMETER,
    "kms": Kind.KEY,
    "sqs": Kind.QUEUE,
    "sns": Kind.TOPIC,
    "dynamodb": Kind.TABLE,
    "s3": Kind.BUCKET,
}
_BY_TYPE = {"file-system": Kind.FILES, "access-point": Kind.ACCESS_POINT, "db": Kind.DATABASE}


def _of_arn(arn: str) -> Reference:
    service, region, _, name = arn.split(":", 5)[2:]
    kind = _ARN_KINDS.get(service)
    if kind is None:
        kind = _BY_TYPE.get(re.split("[:/]", name)[0], Kind.OTHER) if service in ("rds", "elasticfilesystem") else None
        name = re.split("[:/]", name, maxsplit=1)[-1] if kind in _BY_TYPE.values() else name
    elif kind is Kind.BUCKET:
        name = name.partition("/")[0]
    elif kind is Kind.TABLE:
        name = name.split("/")[1] if "/" in name else name
    elif kind is Kind.SECRET:
        name = name.split(":")[1] if ":" in name else name
    return Reference(kind or Kind.OTHER, arn, name, region)


def _of_address(text: str) -> Iterator[Reference]:
    """An address of a private network: others are nobody's network, or a version such as 1.2.3.4."""
    try:
        address = ip_address(text)
    except ValueError:
        return
    if isinstance(address, IPv4Address) and address.is_private and not (address.is_loopback or address.is_unspecified):
        yield Reference(Kind.ADDRESS, text, text)


def _of_host(host: str, path: str) -> Reference:
    """A host of AWS. A queue and a bucket may stand in its path: then that is part of the text."""
    labels = host.lower().split(".")
    region = _region_of_host(host.lower())
    at = labels.index(region) if region in labels else -1
    if "vpce" in labels:
        kind, name = Kind.OTHER, host.lower()
    elif "cache" in labels and region:
        kind, name = Kind.CACHE, labels[1] if labels[0] in _CACHE_ROLES else labels[0]
        name = name.rpartition("-")[0] if "serverless" in labels else name
    elif labels[at + 1 : at + 2] == ["rds"]:
        kind, name = (Kind.OTHER if "-" in labels[1] else Kind.DATABASE), labels[0]
    elif "efs" in labels:
        kind, name = Kind.FILES, labels[labels.index("efs") - 1]
    elif "elb" in labels:
        kind, name = Kind.BALANCER, re.sub(r"^internal-|-[0-9a-f]+$", "", labels[labels[0] == "dualstack"])
    elif service := next((label for label in labels if label == "s3" or label.startswith(("s3-", "s3."))), ""):
        return _of_s3(host, path, labels[: labels.index(service)], region)
    elif labels[0] in ("sqs", "queue") and path.count("/") > 1:
        name = path.rstrip("/").rpartition("/")[2]
        return Reference(Kind.QUEUE, host + path, name, region)
    elif at in (0, 1) or labels[:at] in _NAMED_BY_TWO or labels[1:3] == ["dkr", "ecr"]:
        kind, name = Kind.SERVICE, labels[0]
    else:
        kind, name = Kind.OTHER, host.lower()
    return Reference(kind, host, name, region)


_CACHE_ROLES = frozenset({"master", "replica", "clustercfg"})
_NAMED_BY_TWO = (["api", "ecr"], ["runtime", "sagemaker"], ["data", "iot"], ["streams", "dynamodb"])


def _of_s3(host: str, path: str, before: list[str], region: str) -> Reference:
    if before:
        return Reference(Kind.BUCKET, host, ".".join(before), region)
    bucket = path.partition("/")[2].partition("/")[0]
    if not bucket:
        return Reference(Kind.SERVICE, host, "s3", region)
    return Reference(Kind.BUCKET, f"{host}{path.partition('/')[0]}/{bucket}", bucket, region)


def _region_of_host(host: str) -> str:
    """The region in a host: in full, or as the short code that one of its words is."""
    if found := _REGION.search(host):
        return found[0]
    return next((word for word in re.split(r"[.-]", host) if _SHORT.fullmatch(word)), "")
