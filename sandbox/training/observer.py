"""Takes a sighting of the world: every call as an admin, past all outages."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.dynamodb_values import decode_item, moment
from sandbox.core.state import STATE
from sandbox.moto_ext.route53.health import HealthChecker
from sandbox.moto_ext.route53.names import Record, ZoneRecords, answer, plain
from sandbox.training.scenarios.observation import (
    JOURNAL,
    MirroredEntry,
    ObservedDatabase,
    ObservedService,
    WorldObservation,
)
from sandbox.world.world import World

_SCALING = "application-autoscaling"
_BY_RESTORE = "RestoredFrom"
_BATCH = 10  # services of one DescribeServices


def world_observation(world: World, scenario: Mapping[str, Any]) -> WorldObservation:
    """The world as it is now, and what ``scenario`` (its record in the world's state) says was done since."""
    sides = (Side.PRIMARY, Side.DR)
    # Imported here: the disasters load the whole emulator.
    from sandbox.disasters.dns_zone import traffic_zone

    pages = world.client("route53", world.environment.region(Side.GLOBAL)).get_paginator("list_resource_record_sets")
    records = [dict(r) for page in pages.paginate(HostedZoneId=traffic_zone(world)) for r in page["ResourceRecordSets"]]
    health = HealthChecker(world.environment.account).health()
    # The draw is always 0: of weighted records the first that counts as healthy answers.
    dns_answer = answer(ZoneRecords(records), health, world.environment.traffic.origin_record, "A", lambda _: 0)
    return WorldObservation(
        env=world.environment,
        tenants=world.tenants,
        services={side: tuple(_services(world, side)) for side in sides},
        databases={side: tuple(_databases(world, side)) for side in sides},
        leads=_leads(world, records),
        answers=_region_of(world, {"AliasTarget": dns_answer.alias}) if dns_answer.alias else "",
        pinned=_is_pinned(world, records),
        journal=tuple(_journal(world, moment(scenario["since"]))) if scenario else (),
        mutations=tuple(scenario.get("mutations", ())),
        tries=dict(scenario.get("tries", {})),
        disasters=tuple(sorted(STATE.disasters)),
        started=scenario.get("started", {}),
    )


def _services(world: World, side: Side) -> Iterator[ObservedService]:
    env, cluster = world.environment, world.environment.named(world.environment.names.cluster)
    names = [env.named(env.names.service, tenant=tenant) for tenant in world.tenants]
    scaling = world.client(_SCALING, env.region(side))
    targets = {
        target["ResourceId"]: target
        for page in scaling.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="ecs")
        for target in page["ScalableTargets"]
    }
    actions = [
        action
        for page in scaling.get_paginator("describe_scheduled_actions").paginate(ServiceNamespace="ecs")
        for action in page["ScheduledActions"]
    ]
    for start in range(0, len(names), _BATCH):
        params = {"cluster": cluster, "services": names[start : start + _BATCH]}
        for service in world.call(side, "ecs", "DescribeServices", **params)["services"]:
            resource = f"service/{cluster}/{service['serviceName']}"
            yield _service(world, side, service, targets.get(resource, {}), _shrinking(world, actions, resource))


def _service(
    world: World, side: Side, description: dict[str, Any], target: dict[str, Any], sleeps: tuple[str, ...]
) -> ObservedService:
    env, arn = world.environment, description["taskDefinition"]
    found = world.call(side, "ecs", "DescribeTaskDefinition", taskDefinition=arn)["taskDefinition"]
    variables = {v["name"]: v["value"] for c in found["containerDefinitions"] for v in c.get("environment", ())}
    return ObservedService(
        tenant=env.tenant_of(env.names.service, description["serviceName"]) or "",
        name=description["serviceName"],
        desired=description["desiredCount"],
        running=description["runningCount"],
        minimum=int(target.get("MinCapacity", 0)),
        maximum=int(target.get("MaxCapacity", 0)),
        suspended=bool(target.get("SuspendedState", {}).get("ScheduledScalingSuspended")),
        sleeps=sleeps,
        definition=arn.rpartition("/")[2],
        variables=variables,
    )


def _shrinking(world: World, actions: list[dict[str, Any]], resource: str) -> tuple[str, ...]:
    """The scheduled actions of a service that set a bound below its failover size (T36)."""
    needed = world.environment.capacity.tasks_per_service
    mine = [action for action in actions if action["ResourceId"] == resource]
    bounds = {action["ScheduledActionName"]: action.get("ScalableTargetAction", {}).values() for action in mine}
    return tuple(name for name, values in bounds.items() if any(value < needed for value in values))


def _databases(world: World, side: Side) -> Iterator[ObservedDatabase]:
    for instance in world.call(side, "rds", "DescribeDBInstances")["DBInstances"]:
        tags = {tag["Key"]: tag["Value"] for tag in instance.get("TagList", ())}
        source = str(instance.get("ReadReplicaSourceDBInstanceIdentifier") or "")
        yield ObservedDatabase(
            instance["DBInstanceIdentifier"], instance["DBInstanceStatus"], source, tags.get(_BY_RESTORE, "")
        )


def _pair(world: World, records: list[Record]) -> dict[Side, Record]:
    traffic = world.environment.traffic
    sides = {traffic.primary_set_identifier: Side.PRIMARY, traffic.secondary_set_identifier: Side.DR}
    mine = [record for record in records if plain(record["Name"]) == traffic.origin_record]
    return {sides[record["SetIdentifier"]]: record for record in mine if record.get("SetIdentifier") in sides}


def _leads(world: World, records: list[Record]) -> str:
    """The region that the pair prefers while all is well; "" where it is shared, or there is no pair."""
    pair = _pair(world, records)
    preferred = [side for side, rrset in pair.items() if rrset.get("Weight") or rrset.get("Failover") == "PRIMARY"]
    if len(preferred) != 1:
        return ""
    return _region_of(world, pair[preferred[0]])


def _region_of(world: World, record: Record) -> str:
    """The region whose load balancer an ALIAS record leads to (a failover exchanges what the two records lead to)."""
    target = plain(str((record.get("AliasTarget") or {}).get("DNSName", "")))
    found = HealthChecker(world.environment.account).load_balancer(target)
    return found[0] if found else ""


def _is_pinned(world: World, records: list[Record]) -> bool:
    """Whether nothing listens where the health check knocks of the record that leads to the primary (T06)."""
    # A failover may exchange what the two records lead to: the pin is looked for where the primary is.
    home = world.environment.regions.primary
    check = next((r.get("HealthCheckId") for r in _pair(world, records).values() if _region_of(world, r) == home), None)
    if not check:
        return False
    health_check = world.call(Side.GLOBAL, "route53", "GetHealthCheck", HealthCheckId=check)["HealthCheck"]
    config = health_check["HealthCheckConfig"]
    # A run pins by a port that no load balancer opens; 80 is Route 53's own for HTTP.
    return not config.get("Inverted") and not config.get("Disabled") and int(config.get("Port") or 80) not in (80, 443)


def _journal(world: World, since: datetime) -> Iterator[MirroredEntry]:
    table = world.environment.named(world.environment.names.control_table)
    pages = world.client("dynamodb", world.environment.region(Side.DR)).get_paginator("scan")
    items = [decode_item(item) for page in pages.paginate(TableName=table) for item in page["Items"]]
    mine = {(item["pk"], item["sk"]): item for item in items if str(item["pk"]).startswith(JOURNAL)}
    for (pk, sk), item in sorted(mine.items()):
        # A long entry is split: its further pieces have the first one's key, a dot and a number.
        if "." in sk:
            continue
        more = [mine[pk, f"{sk}.{number:03d}"]["text"] for number in range(1, item["pieces"])]
        text = "".join([item["text"], *more])
        line = json.loads(zlib.decompress(base64.b64decode(text)) if item["packed"] else text)
        if moment(line["at"]) >= since:
            yield MirroredEntry(pk.removeprefix(JOURNAL), line["kind"], str(line["step"] or ""), line["data"])
