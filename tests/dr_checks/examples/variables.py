"""Examples of the values of variables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.config.map_names import COPY_BY_MAP
from dr_estate.model.kept_values import DIGEST, pointer_or_digest
from dr_estate.readers import ecs, rds, s3
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import D, P, definition
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

TENANTS = ("tenant1", "tenant2", "tenant3")
SERVICES = tuple(service(SIT.named(SIT.names.service, tenant=tenant)) for tenant in TENANTS)
TWO, ALL = frozenset({"sit-tenant2"}), frozenset(f"sit-{tenant}" for tenant in TENANTS)

HTTP = SIT.model_copy(update={"profile": "http"})
UNRULY, UNNAMED = "a schema of another name", "no schema"
SCHEMAS = {"another rule, another tenant's": "wp_tenant1", "another rule, nobody's": "wp_archive"}
"""By case the schema in the DR region, where no tenant's is by the environment's rule."""


def _estate(
    value: str,
    of: tuple[str, ...] = ("tenant2",),
    tenants: tuple[str, ...] = TENANTS,
    changes: Any = None,
    theirs: str = "",
    variable: str = "MODE",
    lost: tuple[str, ...] = (),
) -> Snapshot:
    """A variable is "serve" everywhere, but ``value`` in the DR region for the tenants ``of``.

    The primary's is ``theirs`` where that is given; tenants of ``lost`` have no schema's variable there.
    """

    def defined(tenant: str, region: str) -> ecs.TaskDefinition:
        usual = theirs or f"serve {tenant} in {region}"
        mode = value if region == D and tenant in of else usual
        if variable == "TENANT":  # as the reader keeps it: a name alone points nowhere
            mode = pointer_or_digest(variable, value if region == D and tenant in of else tenant, region)
        host = f"sit-mysql.c{region[:2]}.{region}.rds.amazonaws.com:3306"
        key = f"{DIGEST}{region}"
        name = "old_db" if value == UNRULY and tenant in of else f"{tenant}_db"
        if value in SCHEMAS:
            name = SCHEMAS[value] if region == D and tenant in of else f"wp_{tenant}"
        named = ("WORDPRESS_DB_NAME", name)
        unnamed = value == UNNAMED and (not lost or (region == D and tenant in lost))
        more = () if unnamed else (named,)
        return definition(
            tenant, region, {"environment": (("AUTH_KEY", key), ("DB_HOST", host), (variable, mode), *more)}
        )

    values: dict[Any, Any] = {
        (ecs.services, Side.PRIMARY): SERVICES[: len(tenants)],
        (ecs.services, Side.DR): SERVICES[: len(tenants)],
        (ecs.task_definitions, Side.PRIMARY): tuple(defined(tenant, P) for tenant in tenants),
        (ecs.task_definitions, Side.DR): tuple(defined(tenant, D) for tenant in tenants),
        (rds.instances, Side.DR): (),
    }
    return world(values | (changes or {}))


SOURCE, COPY = s3.data_pairs(SIT)[0]
TABLE = SIT.named(SIT.names.tables[0])
OWN = "sit-mysql.cab.{}.rds.amazonaws.com"
OLD = f"old-mysql.cab.{D}.rds.amazonaws.com:3306"
POSTGRESQL = {(rds.instances, Side.PRIMARY): (replace(PRIMARY, engine="postgres"),)}
# Buckets that bear the short code of their region, paired by the map.
CODED = SIT.model_copy(
    update={"names": SIT.names.model_copy(update={"buckets": ("shop-afs1-media",), "bucket_copy": COPY_BY_MAP})}
)
CODED._copies = {"shop-afs1-media": "shop-euw1-media"}
DARK = {(ecs.task_definitions, Side.DR): (DENIED,)}

EXAMPLES = [
    Example("variables.alike", Status.PASS, _estate(f"serve tenant2 in {D}")),
    Example("variables.alike", Status.WARN, _estate("standby", of=TENANTS), frozenset({"wordpress: MODE"})),
    Example("variables.alike", Status.PASS, _estate(f"serve {D}", of=TENANTS, theirs=f"serve {D}")),
    Example("variables.alike", Status.PASS, _estate(COPY, of=TENANTS, theirs=SOURCE)),
    Example(
        "variables.alike", Status.PASS, _estate("shop-euw1-media", of=TENANTS, theirs="shop-afs1-media"), env=CODED
    ),
    Example(
        *("variables.alike", Status.FAIL),
        _estate("https://old.example.org", of=TENANTS, theirs="https://www.example.org", variable="WORDPRESS_HOME"),
        frozenset({"wordpress: WORDPRESS_HOME"}),
    ),
    Example(
        *("variables.alike", Status.FAIL),
        _estate("https://www.example.org/shop", theirs="https://www.example.org", variable="WORDPRESS_HOME"),
        TWO,
    ),
    # WordPress reads its own address without a slash at the end.
    *(
        Example(
            "variables.alike", Status.PASS, _estate(here, of=of, theirs=here.rstrip("/"), variable="WORDPRESS_HOME")
        )
        for here, of in (("https://www.example.org/", TENANTS), ("https://www.example.org/shop/", TENANTS[:1]))
    ),
    Example("variables.alike", Status.PASS, _estate(OWN.format(D), of=TENANTS, theirs=f"{OWN.format(P)}:3306")),
    Example("variables.alike", Status.PASS, _estate(f"db.{P}.example.org")),
    Example("variables.alike", Status.FAIL, _estate("standby"), TWO),
    Example("variables.alike", Status.PASS, _estate("tenant2", variable="TENANT")),
    Example("variables.alike", Status.FAIL, _estate("tenant1", variable="TENANT"), TWO),
    Example(
        *("variables.alike", Status.FAIL),
        _estate("tenant1", of=TENANTS, variable="TENANT"),
        frozenset({"wordpress: TENANT"}),
    ),
    Example("variables.alike", Status.FAIL, _estate(f"serve tenant1 in {D}"), TWO),
    Example("variables.alike", Status.FAIL, _estate("standby", tenants=TENANTS[:2]), TWO),
    Example("variables.alike", Status.FAIL, _estate("sit-tenant-states", theirs=TABLE), TWO),
    Example(
        "variables.alike", Status.FAIL, _estate("no-table", of=TENANTS, theirs=TABLE), frozenset({"wordpress: MODE"})
    ),
    Example("variables.alike", Status.PASS, _estate(TABLE, theirs=TABLE), TWO),
    Example("variables.alike", Status.FAIL, _estate(f"{DIGEST}5d7f"), TWO),
    Example("variables.alike", Status.WARN, _estate("standby", of=TENANTS[:1], tenants=TENANTS[:1])),
    Example("variables.alike", Status.UNKNOWN, _estate("standby", changes=DARK)),
    Example("variables.alike", Status.NOT_APPLICABLE, _estate("standby", changes={(ecs.services, Side.DR): ()})),
    Example("variables.database-host", Status.PASS, _estate("standby")),
    Example("variables.database-host", Status.FAIL, _estate(OLD), TWO),
    Example("variables.database-host", Status.FAIL, _estate(OLD, of=TENANTS), ALL),
    Example("variables.database-host", Status.PASS, _estate(OLD.replace(D, P))),
    Example(
        *("variables.database-host", Status.FAIL),
        *(_estate(f"{OWN.format(D)}:3307", of=TENANTS, theirs=f"{OWN.format(P)}:3306"), ALL),
    ),
    Example("variables.database-host", Status.PASS, _estate(OWN.format(D), theirs=f"{OWN.format(P)}:3306")),
    *(
        Example("variables.database-host", expected, _estate(here, theirs=f"{OWN.format(P)}:3306"), TWO)
        for here, expected in (
            ("localhost:3306", Status.FAIL),
            ("10.20.97.77", Status.FAIL),
            ("", Status.FAIL),
            ("db.sit.internal:3306", Status.PASS),
        )
    ),
    # Where no port is named the engine's is meant, and PostgreSQL's is another than that of MySQL.
    *(
        Example("variables.database-host", Status.FAIL, _estate(here, of=TENANTS, theirs=there), ALL)
        for here, there in (
            (f"{OWN.format(D)}:5432", OWN.format(P)),
            (OWN.format(D), f"{OWN.format(P)}:5432"),
        )
    ),
    *(
        Example(
            f"variables.{check}",
            expected,
            _estate(f"{OWN.format(D)}:{port}", of=TENANTS, theirs=OWN.format(P), changes=POSTGRESQL),
        )
        for port, check, expected in (
            (5432, "alike", Status.PASS),
            (5432, "database-host", Status.PASS),
            (3306, "alike", Status.WARN),
            (3306, "database-host", Status.FAIL),
        )
    ),
    Example("variables.database-host", Status.UNKNOWN, _estate(OLD, changes=DARK)),
    Example("variables.database-host", Status.NOT_APPLICABLE, _estate(OLD, changes={(ecs.services, Side.DR): ()})),
    Example("variables.buckets", Status.PASS, _estate(COPY, of=TENANTS), ALL),
    Example("variables.buckets", Status.PASS, _estate(f"my-{SOURCE} {SOURCE}s x.{SOURCE}"), TWO),
    Example("variables.buckets", Status.PASS, _estate(f"{SOURCE},{COPY}"), TWO),
    Example("variables.buckets", Status.PASS, _estate(f"https://{SOURCE}.cdn.example.com/"), TWO),
    Example("variables.buckets", Status.FAIL, _estate(f"{SOURCE}.s3-website.{P}.amazonaws.com"), TWO),
    Example("variables.buckets", Status.FAIL, _estate(SOURCE), TWO),
    Example("variables.buckets", Status.FAIL, _estate(f"https://{SOURCE}.s3.amazonaws.com/a", of=TENANTS), ALL),
    Example("variables.buckets", Status.FAIL, _estate(f"s3://{SOURCE}/a"), TWO),
    Example("variables.buckets", Status.UNKNOWN, _estate("standby", changes=DARK)),
    Example("variables.buckets", Status.NOT_APPLICABLE, _estate(SOURCE, changes={(ecs.services, Side.DR): ()})),
    Example("variables.schema", Status.PASS, _estate("standby")),
    Example("variables.schema", Status.FAIL, _estate(UNRULY), TWO),
    Example("variables.schema", Status.WARN, _estate(UNRULY, of=TENANTS), ALL),
    Example("variables.schema", Status.FAIL, _estate("another rule, another tenant's"), TWO),
    Example("variables.schema", Status.FAIL, _estate("another rule, nobody's"), TWO),
    Example("variables.schema", Status.UNKNOWN, _estate("standby", changes=DARK)),
    Example("variables.schema", Status.NOT_APPLICABLE, _estate(UNNAMED)),
    Example("variables.schema", Status.FAIL, _estate(UNNAMED, theirs=f"serve {D}", lost=("tenant2",)), TWO),
    Example("variables.schema", Status.NOT_APPLICABLE, _estate(UNRULY, of=TENANTS), env=HTTP),
]
