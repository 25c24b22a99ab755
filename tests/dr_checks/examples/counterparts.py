"""Examples of what the platform owns beside what the environment file names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import iam_called_roles, platform_resources, vpc
from dr_estate.readers.iam_called_roles import CalledRole
from dr_estate.readers.platform_resources import LISTED, TAGS, ServiceListing
from dr_estate.readers.platform_shapes import GROUPS, Shape
from dr_estate.readers.vpc import SecurityGroup
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart
from tests.dr_checks.worlds import DENIED, SIT, Example, Values
from tests.dr_checks.worlds import world as seen

CHECK = "counterparts.in-dr-region"
SUBJECT = frozenset({f"resources of {SIT.regions.primary}"})
DATABASE = "rds:{region}:1:db:sit-mysql"
RULE, MAIL = "events:{region}:1:rule/sit-nightly", "ses:{region}:1:identity/wpsit.kimmyai.io"
CACHE, FILES = "elasticache:{region}:1:replicationgroup:sit-{region}-redis", "elasticfilesystem:{region}:1:file-system/"
MANY = tuple(f"lambda:{{region}}:1:function:sit-{number}" for number in range(12))
FUNCTION = frozenset({"lambda:function sit-0"})
CALLS = tuple(f"{call.service} {call.operation.replace('_', '-')}" for call in LISTED)


HEALTHY_PARTS: dict[Any, Any] = {(iam_called_roles.roles, Side.GLOBAL): ()}


def world(values: Values) -> Snapshot:
    """What was seen, and no role of a function."""
    return seen(HEALTHY_PARTS | dict(values))


def _role(exists: bool, trusted: bool | None) -> Snapshot:
    """A function in both regions, and the role as which it acts."""
    both = _world(MANY[:1], MANY[:1])
    role = CalledRole("arn:aws:" + MANY[0].replace("{region}", "r"), "arn:aws:iam::1:role/m", "lambda", exists, trusted)
    part = SnapshotPart(iam_called_roles.roles.name, Side.GLOBAL, "global", both.taken_at, (role,))
    return replace(both, parts={**both.parts, (part.name, Side.GLOBAL): part})


def _side(side: Side, tagged: Any, listed: tuple[str, ...], dark: tuple[str, ...]) -> tuple[ServiceListing, ...]:
    """Everything tagged in the first listing, everything that has only a name in that of functions."""

    def rows(resources: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
        pairs = (row if isinstance(row, tuple) else (row, "") for row in resources)
        return tuple((f"arn:aws:{arn.replace('{region}', SIT.region(side))}", tag) for arn, tag in pairs)

    values = {TAGS: rows(tagged), CALLS[0]: rows(listed)}
    return tuple(ServiceListing(name, DENIED if name in dark else values.get(name, ())) for name in (TAGS, *CALLS))


def _world(
    there: tuple[Any, ...] = (),
    here: tuple[Any, ...] = (),
    listed: tuple[str, ...] = (),
    dark: tuple[str, ...] = (),
    dark_here: tuple[str, ...] = (),
) -> Snapshot:
    primary = _side(Side.PRIMARY, (DATABASE, *there), listed, dark)
    return world(
        {
            (platform_resources.listings, Side.PRIMARY): primary,
            (platform_resources.listings, Side.DR): _side(Side.DR, here, (), dark_here),
        }
    )


def _switched(here: bool, there: bool, service: str = "events list-rules", named: str = RULE) -> Snapshot:
    """A rule, or what else is ``named``, on both sides, which is on or not ``here`` in the DR region and ``there``."""
    values = {}
    for side, on in ((Side.DR, here), (Side.PRIMARY, there)):
        arn = f"arn:aws:{named.replace('{region}', SIT.region(side))}"
        rows = _side(side, (DATABASE,), (), ())
        rule = ServiceListing(service, ((arn, ""),), () if on else (arn,))
        values[platform_resources.listings, side] = tuple(rule if row.service == service else row for row in rows)
    return world(values)


def _timed(here: str, there: str, off: frozenset[Side] = frozenset()) -> Snapshot:
    """A rule of one name on both sides, which starts by these expressions, and is off on some sides."""
    values = {}
    for side, times in ((Side.DR, here), (Side.PRIMARY, there)):
        arn = f"arn:aws:{RULE.replace('{region}', SIT.region(side))}"
        switched = (arn,) if side in off else ()
        rule = ServiceListing("events list-rules", ((arn, ""),), switched, ((arn, times),) if times else ())
        rows = _side(side, (DATABASE,), (), ())
        values[platform_resources.listings, side] = tuple(rule if row.service == rule.service else row for row in rows)
    return world(values)


def _leading(here: tuple[str, ...], there: tuple[str, ...] = ()) -> Snapshot:
    """A rule of one name on both sides, which calls these."""
    values = {}
    for side, words in ((Side.DR, here), (Side.PRIMARY, there)):
        arn = f"arn:aws:{RULE.replace('{region}', SIT.region(side))}"
        rule = ServiceListing("events list-rules", ((arn, ""),), leads=tuple((arn, word) for word in words))
        rows = _side(side, (DATABASE,), (), ())
        values[platform_resources.listings, side] = tuple(rule if row.service == rule.service else row for row in rows)
    return world(values)


def _shaped(here: str, there: str, memory: str = "128") -> Snapshot:
    """A function of one name on both sides, with the code of these digests."""
    values = {}
    for side, code, size in ((Side.DR, here, memory), (Side.PRIMARY, there, "128")):
        arn = f"arn:aws:{CLEAN.replace('{region}', SIT.region(side))}"
        shape = (("code", code), ("runtime", "python3.13"), ("memory", size), ("timeout", "3"))
        found = ServiceListing(CALLS[0], ((arn, ""),), shapes=((arn, shape),) if code else ())
        rows = _side(side, (DATABASE,), (), ())
        values[platform_resources.listings, side] = tuple(found if row.service == CALLS[0] else row for row in rows)
    return world(values)


def _cached(here: str, there: str, service: str = "elasticache describe-replication-groups") -> Snapshot:
    """A cache of one name on both sides, with as many nodes."""
    sizes = ((("node type", "cache.m7g.large"), ("nodes", nodes)) for nodes in (here, there))
    return _of_shapes(CACHE, service, *sizes)


def _tagged(here: str, there: str) -> Snapshot:
    """A repository of one name on both sides, whose tags may be moved or not."""
    settings = ((("tags", word),) for word in (here, there))
    return _of_shapes("ecr:{region}:1:repository/sit-tools", "ecr describe-repositories", *settings)


def _in_groups(here: str, there: str, known: bool = True) -> Snapshot:
    """A function of one name on both sides, which carries the groups of these ids."""
    found = _of_shapes(CLEAN, CALLS[0], ((GROUPS, here),), ((GROUPS, there),))
    names = ("sg-1", "web-sg"), ("sg-2", "db-sg")
    rows = {
        (vpc.security_groups, side): tuple(
            SecurityGroup(f"{id_}-{side}", name, (), ()) for id_, name in (names if known else names[:1])
        )
        for side in REGIONS
    }
    return world(
        {**{(platform_resources.listings, s): found.get(platform_resources.listings, s) for s in REGIONS}, **rows}
    )


def _of_shapes(named: str, service: str, here: Shape, there: Shape) -> Snapshot:
    values = {}
    for side, shape in ((Side.DR, here), (Side.PRIMARY, there)):
        arn = f"arn:aws:{named.replace('{region}', SIT.region(side))}"
        found = ServiceListing(service, ((arn, ""),), shapes=((arn, shape),))
        rows = _side(side, (DATABASE,), (), ())
        values[platform_resources.listings, side] = tuple(found if row.service == service else row for row in rows)
    return world(values)


def _refused(*here: str, there: tuple[str, ...] = (), kind: str = "glue:{region}:1:job/sit-report") -> Snapshot:
    """Types that the tagging API does not know in the DR region, and in the primary region, which has one of such."""
    values = {}
    for side, types in ((Side.DR, here), (Side.PRIMARY, there)):
        rows = _side(side, (DATABASE, kind) if side is Side.PRIMARY else (DATABASE,), (), ())
        values[platform_resources.listings, side] = (replace(rows[0], refused=types), *rows[1:])
    return world(values)


CALLED, ELSEWHERE = (f"arn:aws:lambda:{SIT.region(side)}:1:function:sit-clean" for side in (Side.DR, Side.PRIMARY))
GONE = f"arn:aws:lambda:{SIT.regions.dr}:{SIT.account}:function:sit-gone"
CLEAN = "lambda:{region}:1:function:sit-clean"
REGIONS = (Side.PRIMARY, Side.DR)
OFF = frozenset({"events:rule sit-nightly"})
UNTAGGED: dict[Any, Any] = {(platform_resources.listings, side): _side(side, (), (), ()) for side in Side}


def _denied(side: Side) -> Snapshot:
    return world({**UNTAGGED, (platform_resources.listings, side): DENIED})


def _unread(service: str, region: str) -> frozenset[str]:
    return frozenset({f"{service} in {region}"})


EXAMPLES = [
    Example(CHECK, Status.PASS, _role(exists=True, trusted=True)),
    Example(CHECK, Status.WARN, _role(exists=False, trusted=None), FUNCTION),
    Example(CHECK, Status.WARN, _role(exists=True, trusted=False), FUNCTION),
    Example(CHECK, Status.UNKNOWN, _role(exists=True, trusted=None), FUNCTION),
    Example(CHECK, Status.PASS, _world((RULE, CACHE), (RULE, CACHE))),
    Example(CHECK, Status.PASS, _world((MAIL,), (MAIL, RULE))),
    Example(CHECK, Status.PASS, _switched(here=True, there=True)),
    Example(CHECK, Status.PASS, _switched(here=False, there=False)),
    Example(CHECK, Status.PASS, _switched(here=True, there=False)),
    Example(CHECK, Status.WARN, _switched(here=False, there=True), OFF),
    Example(CHECK, Status.PASS, _switched(here=True, there=True, service=CALLS[0], named=CLEAN)),
    Example(CHECK, Status.PASS, _switched(here=False, there=False, service=CALLS[0], named=CLEAN)),
    Example(
        CHECK,
        Status.WARN,
        _switched(here=False, there=True, service=CALLS[0], named=CLEAN),
        frozenset({"lambda:function sit-clean"}),
    ),
    Example(CHECK, Status.PASS, _cached("3", "3")),
    Example(CHECK, Status.WARN, _cached("1", "3"), frozenset({"elasticache:replicationgroup sit-eu-west-1-redis"})),
    Example(CHECK, Status.PASS, _leading((CALLED,), (ELSEWHERE,))),
    Example(CHECK, Status.PASS, _leading((CALLED,))),
    Example(CHECK, Status.PASS, _leading(())),
    Example(CHECK, Status.WARN, _leading((GONE,)), OFF),
    Example(CHECK, Status.WARN, _leading((f"{GONE}:live",)), OFF),
    Example(CHECK, Status.PASS, _leading((GONE.replace("sit-", "their-"),))),
    Example(CHECK, Status.WARN, _leading((), (ELSEWHERE,)), OFF),
    Example(CHECK, Status.WARN, _leading((CALLED, ELSEWHERE), (ELSEWHERE,)), OFF),
    Example(CHECK, Status.WARN, _leading((f"REGION={SIT.regions.primary}",)), OFF),
    *(
        Example(CHECK, Status.WARN, _tagged(*words), frozenset({"ecr:repository sit-tools"}))
        for words in (("MUTABLE", "IMMUTABLE"), ("MUTABLE", "IMMUTABLE_WITH_EXCLUSION"))
    ),
    Example(CHECK, Status.PASS, _in_groups("sg-1-dr sg-2-dr", "sg-1-primary sg-2-primary")),
    Example(CHECK, Status.WARN, _in_groups("sg-2-dr", "sg-1-primary"), frozenset({"lambda:function sit-clean"})),
    Example(CHECK, Status.WARN, _in_groups("sg-1-dr", "sg-1-primary sg-2-primary")),
    Example(CHECK, Status.PASS, _in_groups("sg-2-dr", "sg-1-primary", known=False)),
    Example(CHECK, Status.PASS, _shaped("a", "a")),
    Example(CHECK, Status.PASS, _shaped("", "a")),
    Example(CHECK, Status.WARN, _shaped("b", "a"), frozenset({"lambda:function sit-clean"})),
    Example(CHECK, Status.WARN, _shaped("a", "a", memory="64"), frozenset({"lambda:function sit-clean"})),
    Example(CHECK, Status.FAIL, _refused(), SUBJECT),
    Example(CHECK, Status.UNKNOWN, _refused("glue"), frozenset({f"glue:job in {SIT.regions.dr}"})),
    Example(CHECK, Status.FAIL, _refused("glue", there=("glue",)), SUBJECT),
    Example(CHECK, Status.PASS, _timed("rate(1 hour)", "rate(1 hour)")),
    Example(CHECK, Status.PASS, _timed("rate(1 hour)", "")),
    Example(CHECK, Status.WARN, _timed("rate(1 day)", "rate(1 hour)"), OFF),
    Example(CHECK, Status.WARN, _timed("rate(1 day)", "rate(1 hour)", frozenset({Side.PRIMARY})), OFF),
    Example(CHECK, Status.PASS, _timed("rate(1 day)", "rate(1 hour)", frozenset(REGIONS))),
    Example(CHECK, Status.PASS, _world(("s3:::bbws-reports",), ("s3:::bbws-reports-dr",))),
    Example(CHECK, Status.PASS, _world(((f"{FILES}fs-1", "sit-media"),), ((f"{FILES}fs-2", "sit-media"),))),
    Example(CHECK, Status.NOT_APPLICABLE, _world()),
    Example(CHECK, Status.NOT_APPLICABLE, _world((f"{DATABASE}-before-db-one", f"{DATABASE}-drill-20260107-101500"))),
    Example(CHECK, Status.FAIL, _world((f"{DATABASE}-reports",)), SUBJECT),
    Example(CHECK, Status.NOT_APPLICABLE, _world(("globalaccelerator::1:accelerator/abc", "s3:::bbws-backups-sit-dr"))),
    Example(CHECK, Status.FAIL, _world((RULE,)), SUBJECT),
    Example(CHECK, Status.FAIL, _world(listed=(RULE,)), SUBJECT),
    Example(CHECK, Status.FAIL, _world(((f"{FILES}fs-1", "sit-media"),), ((f"{FILES}fs-2", "sit-cache"),)), SUBJECT),
    Example(CHECK, Status.FAIL, _world((RULE, MAIL, *MANY), (MAIL,)), SUBJECT),
    Example(CHECK, Status.UNKNOWN, _world((RULE,), dark_here=(TAGS, CALLS[1])), _unread(TAGS, SIT.regions.dr)),
    Example(CHECK, Status.UNKNOWN, _world((RULE,), (RULE,), dark=(CALLS[0],)), _unread(CALLS[0], SIT.regions.primary)),
    Example(CHECK, Status.UNKNOWN, _world(dark=(TAGS, *CALLS)), _unread("all services", SIT.regions.primary)),
    Example(CHECK, Status.UNKNOWN, _denied(Side.DR)),
    Example(CHECK, Status.UNKNOWN, _denied(Side.PRIMARY)),
    Example(
        CHECK, Status.UNKNOWN, world({(platform_resources.listings, side): _side(side, (), (), ()) for side in Side})
    ),
]
