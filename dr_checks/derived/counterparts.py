"""Resources of the platform in the primary region that have no counterpart in the DR region. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

from dr_checks.core.model import View
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import is_isolated, is_set_aside
from dr_estate.model.references import neutral, resource_of
from dr_estate.model.stores import STORES
from dr_estate.model.unavailable import Unavailable, understand
from dr_estate.readers import elbv2, platform_resources, vpc
from dr_estate.readers.platform_resources import LISTED, TAGGED_TYPES, TAGS, ServiceListing
from dr_estate.readers.platform_shapes import BETWEEN, GROUPS, RESERVED

# Services that belong to no region: nothing of them can be missing in the DR region.
GLOBAL_SERVICES = frozenset({"iam", "cloudfront", "route53", "organizations", "globalaccelerator", "shield", "support"})
# Services whose ARNs hold an id that each region generates itself: the Name tag pairs the two resources.
_NAMED_BY_TAG = frozenset(
    {
        *("amplify", "apigateway", "appconfig", "appsync", "cognito-idp", "ec2", "elasticfilesystem", "fsx", "mq"),
        *("datasync", "route53resolver", "servicediscovery", "transfer", "workspaces"),
    }
)
# What other checks compare by itself, by the names of the environment file: it is not listed here again.
_JUDGED = {
    **{kind: names for store in STORES for kind, names in store.compared},
    "cloudwatch:alarm": ("alarms",),
    "ecs:cluster": ("cluster",),
    "elasticloadbalancing:loadbalancer": ("load_balancer",),
    "sns": ("topics",),
    "ssm:document": ("recovery_document",),
}
_ALIASES = {"sesv2": "ses"}
_WEB_ACL = "wafv2:webacl"
_FUNCTIONS = "lambda list-functions"
_CACHES = ("elasticache describe-cache-clusters", "elasticache describe-replication-groups")
_FILTERS = "logs describe-metric-filters"
_RULES = ("events list-rules", "events list-event-buses", "scheduler list-schedules")
_COMPARED = frozenset({*_RULES, "sqs list-queues", "ecr describe-repositories", _FUNCTIONS, _FILTERS, *_CACHES})
# Parts of a shape of which more does no harm, or less; and lists, to which others may be added.
_NO_LESS = frozenset({RESERVED, "memory", "timeout", "disk", "nodes", "visibility timeout", "retention"})
_NO_MORE = frozenset({"delay"})
_LISTS = frozenset({"calls", "called by"})
_VARIABLE, _CALLING = "variable ", ("calls", "rule ")
_CALLED = {"lambda": _FUNCTIONS, "sqs": "sqs list-queues"}
_SERVICE, _PARTS = 2, 7
_SIDES = (Side.PRIMARY, Side.DR)
Known = tuple[str, str]


def missing(view: View) -> tuple[tuple[Known, ...], int]:
    """The (type, name) pairs without a counterpart, the most used types first, and how many were compared.

    What the DR region did not list, for it could not be read, is not missing. Raises DataUnavailable.
    """
    here, there = (view.get(platform_resources.listings, side) for side in (Side.DR, Side.PRIMARY))
    # Web ACLs of the primary's load balancers: elbv2-web-acl.alike compares each with the one of here.
    found = [seen.get_if_seen(elbv2.guarded, Side.PRIMARY) for seen, _ in view.snapshot.of_entrances(view.env)]
    acls = (row.acl for row in found if row and row.acl)
    refused, guards = _refused_types(view), {(_WEB_ACL, _plain(view.env, acl.name, Side.PRIMARY)) for acl in acls}
    compared = [
        pair
        for pair in _resources(view.env, there, Side.PRIMARY)
        if _is_read(pair[0], here) and not _is_of(pair[0], refused) and pair not in guards
    ]
    left = Counter(_resources(view.env, here, Side.DR))
    lacking = []
    for pair in compared:
        # Counted, not looked up: two resources of one name need two counterparts.
        if left[pair]:
            left[pair] -= 1
        else:
            lacking.append(pair)
    return tuple(sorted(lacking, key=_rank)), len(compared)


def off_counterparts(view: View) -> tuple[str, ...]:
    """The ARNs of the DR region's rules, schedules and functions that are off while the primary's of that name are on.

    Raises DataUnavailable.
    """
    off = {side: {arn for row in _switched_listings(view, side) for arn in row.off} for side in (Side.PRIMARY, Side.DR)}
    return tuple(here for there, here in _pairs(view) if here in off[Side.DR] and there not in off[Side.PRIMARY])


def schedule_differences(view: View) -> tuple[tuple[str, str, str], ...]:
    """The ARNs of the DR region's rules that start at other times than the primary's, with both expressions.

    One that is off there starts at no time. Raises DataUnavailable.
    """
    times = {
        side: dict(t for row in _switched_listings(view, side) for t in row.times) for side in (Side.PRIMARY, Side.DR)
    }
    off = {arn for row in _switched_listings(view, Side.DR) for arn in row.off}
    compared = [
        (here, times[Side.DR].get(here, ""), times[Side.PRIMARY].get(there, ""))
        for there, here in _pairs(view)
        if here not in off
    ]
    return tuple((arn, mine, theirs) for arn, mine, theirs in compared if mine and theirs and mine != theirs)


def shape_differences(view: View) -> tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]:
    """The ARNs of the DR region's resources that are not as the primary's, with each part that differs.

    Raises DataUnavailable.
    """
    shapes = {
        side: {arn: dict(s) for row in _switched_listings(view, side) for arn, s in row.shapes} for side in _SIDES
    }
    groups = {side: _group_names(view, side) for side in _SIDES}
    # What leads elsewhere is one finding: see led_astray and absent_targets.
    causes = {(arn, _VARIABLE + word.partition("=")[0] if "=" in word else "") for arn, word in led_astray(view)}
    causes |= {(arn, "") for arn, _ in absent_targets(view)}
    found = []
    for there, here in _pairs(view):
        mine, theirs = shapes[Side.DR].get(here), shapes[Side.PRIMARY].get(there)
        if mine is None or theirs is None:
            continue
        mine, theirs = (
            {**row, **_by_names(row, groups, side)} for row, side in ((mine, Side.DR), (theirs, Side.PRIMARY))
        )
        unlike = tuple(
            (part, mine.get(part, ""), wanted)
            for part, wanted in theirs.items()
            if _falls_short(part, mine.get(part, ""), wanted)
            and (here, "" if part.startswith(_CALLING) else part) not in causes
        )
        if unlike:
            found.append((here, unlike))
    return tuple(found)


def _group_names(view: View, side: Side) -> dict[str, str]:
    """The names of the VPC's security groups by id; none where they are not seen."""
    rows = view.read_for_remedy(vpc.security_groups, side) or ()
    return {row.id: _plain(view.env, row.name, side) for row in rows}


def _by_names(shape: Mapping[str, str], groups: Mapping[Side, Mapping[str, str]], side: Side) -> dict[str, str]:
    """The security groups by name; nothing where one is of another VPC, or the DR region has none of its name."""
    names = [groups[side].get(id_, "") for id_ in shape.get(GROUPS, "").split()]
    known = {*groups[Side.DR].values()}
    return {GROUPS: " ".join(sorted(names)) if all(name in known for name in names) else ""}


def _falls_short(part: str, mine: str, theirs: str) -> bool:
    """Whether what is here is not as the primary's, nor more of what may be more."""
    if part in _LISTS:
        return not set(filter(None, theirs.split(BETWEEN))) <= set(mine.split(BETWEEN))
    if part == GROUPS:
        return bool(mine and theirs) and mine != theirs
    if part == RESERVED and not (mine and theirs):
        return False  # a limit on one side alone may be the region's own
    if part in _NO_LESS | _NO_MORE and mine.isdecimal() and theirs.isdecimal():
        return int(mine) < int(theirs) if part in _NO_LESS else int(mine) > int(theirs)
    # A variable that is not here is named by "variables".
    return mine != theirs and not (part.startswith(_VARIABLE) and not mine)


def _switched_listings(view: View, side: Side) -> list[ServiceListing]:
    return [row for row in view.get(platform_resources.listings, side) if row.service in _COMPARED]


def _pairs(view: View) -> list[tuple[str, str]]:
    """The ARNs of what is compared, of both regions by name: the primary's, the DR region's."""
    names: dict[Side, dict[Known, str]] = {}
    for side in (Side.PRIMARY, Side.DR):
        rows = _switched_listings(view, side)
        arns = [arn for row in rows if not isinstance(row.resources, Unavailable) for arn, _ in row.resources]
        names[side] = {(kind, _plain(view.env, name, side)): a for a in arns for kind, name in [resource_of(a)]}
    both = sorted(names[Side.PRIMARY].keys() & names[Side.DR].keys())
    return [(names[Side.PRIMARY][known], names[Side.DR][known]) for known in both]


def led_astray(view: View) -> tuple[tuple[str, str], ...]:
    """The ARNs of the DR region's rules, schedules and functions that lead to the primary region, with what does.

    Of a rule that calls nobody, while the primary's of its name calls somebody, it is "". Raises DataUnavailable.
    """
    leads = {
        side: [pair for row in view.get(platform_resources.listings, side) for pair in row.leads] for side in _SIDES
    }
    calling = {side: {arn for arn, _ in pairs} for side, pairs in leads.items()}
    pairs = [(there, here) for there, here in _pairs(view) if not resource_of(here)[0].startswith("lambda:")]
    # A rule without a target is on and does nothing: only its counterpart shows that it should call somebody.
    idle = [here for there, here in pairs if there in calling[Side.PRIMARY] and here not in calling[Side.DR]]
    region = view.env.regions.primary
    return (*((arn, word) for arn, word in leads[Side.DR] if region in word), *((arn, "") for arn in idle))


def absent_targets(view: View) -> tuple[tuple[str, str], ...]:
    """The ARNs of the DR region's rules and schedules that call a function or queue which is not there, with its ARN.

    Only what bears the platform's names is listed, so that of another name it is not known. Raises DataUnavailable.
    """
    listings = view.get(platform_resources.listings, Side.DR)
    there = {row.service: row.resources for row in listings}
    found = []
    for arn, target in (pair for row in listings for pair in row.leads):
        own, _, _ = target.partition(f":{view.env.account}:")
        listed = there.get(_CALLED.get(own.split(":")[2] if own.count(":") > _SERVICE else "", ""))
        if not isinstance(listed, tuple) or not own.endswith(f":{view.region}"):
            continue
        # A function's ARN may end with a version or an alias.
        plain = ":".join(target.split(":")[:_PARTS]) if ":function:" in target else target
        if platform_resources.is_named(view.env, plain) and plain not in {known for known, _ in listed}:
            found.append((arn, plain))
    return tuple(found)


def unlisted_types(view: View) -> tuple[str, ...]:
    """Types of which the primary region has some and the DR region's tagging API knows none: what is here is unknown.

    Raises DataUnavailable.
    """
    there = _resources(view.env, view.get(platform_resources.listings, Side.PRIMARY), Side.PRIMARY)
    refused = _refused_types(view)
    return tuple(sorted({kind for kind, _ in there if _is_of(kind, refused)}))


def _refused_types(view: View) -> frozenset[str]:
    """Return the types that the tagging API refuses in the DR region alone, and that no list call covers."""
    types = {side: {t for row in view.get(platform_resources.listings, side) for t in row.refused} for side in _SIDES}
    listed = {_ALIASES.get(call.service, call.service) for call in LISTED}
    return frozenset(t for t in types[Side.DR] - types[Side.PRIMARY] if t.partition(":")[0] not in listed)


def _is_of(kind: str, types: frozenset[str]) -> bool:
    return kind in types or kind.partition(":")[0] in types


def bears_no_tag(view: View) -> bool:
    """Whether nothing of the primary region bears the platform's tags: then it is not known what the platform owns."""
    tagged = next((row for row in view.get(platform_resources.listings, Side.PRIMARY) if row.service == TAGS), None)
    return bool(view.env.names.tags) and tagged is not None and tagged.resources == ()


def _resources(env: Environment, listings: Iterable[ServiceListing], side: Side) -> list[Known]:
    """Each resource once, its name without the region's; those that other checks judge, and global ones, left out."""
    rows = [row for listing in listings if not isinstance(listing.resources, Unavailable) for row in listing.resources]
    found = []
    for arn, tag in dict(sorted(rows)).items():
        kind, name = understand(partial(resource_of, arn), arn or "A resource", env.region(side))
        service = kind.partition(":")[0]
        name = tag if service in _NAMED_BY_TAG else name
        # IAM, Route 53 and CloudFront have one control plane for all regions: nothing of them can be missing here.
        if service in GLOBAL_SERVICES or _is_former_database(env.database_on(side), kind, name):
            continue
        if name not in _names_of_kind(env.on(side), kind):
            found.append((kind, _plain(env, name, side)))
    return found


def _is_former_database(database: str, kind: str, name: str) -> bool:
    """Whether a failback or a drill left it beside the database: it is to be deleted, and not to be doubled."""
    return kind == "rds:db" and (is_set_aside(name, database) or is_isolated(name, database))


def _plain(env: Environment, name: str, side: Side) -> str:
    plain = neutral(name, env.region(side))
    return plain.removesuffix("-dr") if side is Side.DR else plain


def _names_of_kind(env: Environment, kind: str) -> set[str]:
    patterns = [getattr(env.names, attribute) for attribute in _JUDGED.get(kind, ())]
    names = {env.named(p) for value in patterns for p in ((value,) if isinstance(value, str) else value)}
    if kind != "s3":
        return names
    copies = {env.named(env.names.bucket_copy, bucket=name) for name in names}
    return names | copies | {env.named(env.people.runbook).removeprefix("s3://").partition("/")[0]}


def _is_read(kind: str, listings: Iterable[ServiceListing]) -> bool:
    """Whether the resources of this type were read in the DR region."""
    service = kind.partition(":")[0]
    listed = {_ALIASES.get(call.service, call.service) for call in LISTED}
    dark = {row.service.partition(" ")[0] for row in listings if isinstance(row.resources, Unavailable)}
    return service not in {_ALIASES.get(name, name) for name in dark} and (service in listed or TAGS not in dark)


def _rank(pair: Known) -> tuple[int, str, str]:
    kind, name = pair
    wanted = (kind, kind.partition(":")[0])
    place = next((number for number, known in enumerate(TAGGED_TYPES) if known in wanted), len(TAGGED_TYPES))
    return place, kind, name
