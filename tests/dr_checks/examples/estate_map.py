"""Examples of a map file held against what runs today."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.config.map_file import MapCounterpart, MapEntry, MapFile, MapKind
from dr_estate.readers import dynamodb, ecs, elbv2, rds, s3
from dr_estate.reading.reader import Reader
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.edges import balancer
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

PASS, FAIL, WARN, UNKNOWN = Status.PASS, Status.FAIL, Status.WARN, Status.UNKNOWN
IDLE = Status.NOT_APPLICABLE
BALANCER = balancer("sit-alb.eu-west-1.elb.amazonaws.com")
CLUSTER = ecs.Cluster("sit-cluster", "ACTIVE")
SERVICE = replace(service("sit-t1-service"), arn="arn:aws:ecs:r:1:service/sit-cluster/sit-t1-service")
REST: Any = ((), (), 0, "", 0, 0, (), "", "", "", "", "", False, "", None)
STRANGER = replace(PRIMARY, identifier="orders", arn="arn:aws:rds:r:1:db:orders")


def _entry(kind: MapKind, name: str, id_: str, in_dr: bool = True) -> MapEntry:
    other = MapCounterpart(kind=kind, name=name, id=id_, region=SIT.regions.dr, account="1", found="x", relation="x")
    return MapEntry(kind=kind, name=name, id=id_, account="1", found="x", counterparts=(other,) if in_dr else ())


def _bucket_entry(name: str, copy: str) -> MapEntry:
    kind = MapKind.OBJECTS
    other = MapCounterpart(kind=kind, name=copy, id=copy, region=SIT.regions.dr, account="1", found="x", relation="x")
    return MapEntry(kind=kind, name=name, id=name, account="1", found="x", counterparts=(other,))


def _bucket(name: str, region: str = "r") -> s3.Bucket:
    return s3.Bucket(name, region, "Enabled", "AES256", "", (), ())


TABLES = tuple(dynamodb.Table(name, "ACTIVE", *REST) for name in dynamodb.names(SIT))
COPIES = tuple(_bucket(copy) for _, copy in s3.data_pairs(SIT))
MAP = MapFile(
    account=SIT.account,
    primary=SIT.regions.primary,
    dr=SIT.regions.dr,
    entries=(
        _entry(MapKind.LOAD_BALANCER, "sit-alb", BALANCER.arn),
        _entry(MapKind.CLUSTER, "sit-cluster", "arn:aws:ecs:r:1:cluster/sit-cluster"),
        _entry(MapKind.SERVICE, SERVICE.name, SERVICE.arn),
        _entry(MapKind.SERVICE, "others", "arn:aws:ecs:r:1:service/another-cluster/others"),
        _entry(MapKind.DATABASE, "sit-mysql", PRIMARY.arn, in_dr=False),
        *(_entry(MapKind.TABLE, name, f"arn:aws:dynamodb:r:1:table/{name}") for name in dynamodb.names(SIT)),
        *(_bucket_entry(*pair) for pair in s3.data_pairs(SIT)),
    ),
)
MAPPED = SIT.model_copy(update={"estate_map": MAP, "map_digest": MAP.digest})
TODAY: dict[tuple[Reader[Any], Side], Any] = {
    **{(elbv2.load_balancer, side): BALANCER for side in (Side.PRIMARY, Side.DR)},
    **{(ecs.cluster, side): CLUSTER for side in (Side.PRIMARY, Side.DR)},
    **{(ecs.services, side): (SERVICE,) for side in (Side.PRIMARY, Side.DR)},
    (rds.instances, Side.PRIMARY): (PRIMARY,),
    (rds.instances, Side.DR): (),
    **{(dynamodb.tables, side): TABLES for side in (Side.PRIMARY, Side.DR)},
    (s3.buckets, Side.PRIMARY): tuple(_bucket(name) for name, _ in s3.data_pairs(SIT)),
    (s3.buckets, Side.DR): COPIES,
}


def _today(expected: Status, *subjects: str, **changed: Any) -> Example:
    parts: dict[str, Reader[Any]] = {
        "balancer": elbv2.load_balancer,
        "cluster": ecs.cluster,
        "services": ecs.services,
        "databases": rds.instances,
        "tables": dynamodb.tables,
        "buckets": s3.buckets,
    }
    values = {(parts[key.rpartition("_")[0]], Side(key.rpartition("_")[2])): value for key, value in changed.items()}
    return Example("estate-map.as-mapped", expected, world({**TODAY, **values}, ()), frozenset(subjects), MAPPED)


EXAMPLES = [
    _today(PASS),
    _today(PASS, databases_primary=(PRIMARY, replace(PRIMARY, identifier="sit-mysql-before-20260101t0000"))),
    _today(FAIL, "database sit-mysql", databases_primary=()),
    _today(FAIL, "ECS service sit-t1-service", services_dr=()),
    _today(FAIL, "ECS cluster sit-cluster", cluster_dr=replace(CLUSTER, status="INACTIVE")),
    _today(FAIL, "load balancer sit-alb", balancer_primary=None),
    _today(WARN, "load balancer sit-alb", balancer_dr=replace(BALANCER, arn="arn:aws:another")),
    _today(WARN, "database orders", databases_primary=(PRIMARY, STRANGER)),
    _today(FAIL, "table sit-tenant-state", tables_dr=(replace(TABLES[0], status="absent"), *TABLES[1:])),
    _today(FAIL, "objects bbws-templates-sit-dr", buckets_dr=(replace(COPIES[0], region=""), *COPIES[1:])),
    _today(UNKNOWN, buckets_dr=DENIED),
    _today(UNKNOWN, databases_primary=DENIED),
    _today(UNKNOWN, services_dr=DENIED),
    Example("estate-map.as-mapped", IDLE, world(TODAY, ())),
]
