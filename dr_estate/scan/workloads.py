"""Workloads: ECS services of a region, the rules that lead to them, and what their task definitions name.

Pure, as are the schedules that start tasks, which stand below.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dr_estate.config.map_file import ROLES
from dr_estate.model.estate_map import Counterpart, PartKind, Relation, Route, TaskSchedule, Thing, Workload
from dr_estate.scan.account import RegionSide, Row

_UNSUPPORTED_CONTROLLERS = {
    "CODE_DEPLOY": "CodeDeploy deploys it: this tool cannot start it",
    "EXTERNAL": "an external controller deploys it: this tool cannot start it",
}


def workloads_of(side: RegionSide, account: str) -> tuple[Workload, ...]:
    """Every ECS service of the region, with its routes."""
    # The routes that forward to each target group, by its ARN: rules, and what a listener does without one.
    routes: defaultdict[str, list[Route]] = defaultdict(list)
    for listeners in side.listeners.values():
        for listener in listeners or ():
            for rule in side.rules.get(listener["ListenerArn"]) or ():
                route = Route(
                    _values(rule, "host-header", "HostHeaderConfig"),
                    _values(rule, "path-pattern", "PathPatternConfig"),
                    listener.get("Port", 0),
                )
                for arn in _groups(rule.get("Actions", ())):
                    routes[arn].append(route)
            if side.rules.get(listener["ListenerArn"]) is None or not side.rules[listener["ListenerArn"]]:
                for arn in _groups(listener.get("DefaultActions", ())):
                    routes[arn].append(Route((), (), listener.get("Port", 0)))
    return tuple(_workload(row, side, account, routes) for row in side.services or ())


def _workload(row: Row, side: RegionSide, account: str, routes: dict[str, list[Route]]) -> Workload:
    groups = [entry["targetGroupArn"] for entry in row.get("loadBalancers", ()) if entry.get("targetGroupArn")]
    definition = side.definitions.get(row.get("taskDefinition", ""))
    running, desired = row.get("runningCount", 0), row.get("desiredCount", 0)
    service = Thing(
        "ECS service",
        row["serviceArn"],
        row["serviceName"],
        side.region,
        account,
        "ecs DescribeServices: " + ("target group of a rule" if groups else "in a cluster, behind no load balancer"),
        f"{running} of {desired} tasks",
        dict(_names(row, definition, side)),
    )
    found = {str(route): route for arn in groups for route in routes.get(arn, ())}
    return Workload(
        service,
        row["clusterArn"].rpartition("/")[2],
        family_of(row.get("taskDefinition", "")),
        tuple(found.values()),
        tuple(_parts(definition, side.region, account)) if definition else (),
        running=running,
        desired=desired,
        unsupported=_unsupported_reason(row),
    )


def _names(row: Row, definition: Row | None, side: RegionSide) -> Iterator[tuple[str, str]]:
    """What belongs to the service: its family, roles and access point, the container behind the load balancer with its
    log group.

    Its cluster, where its ARN is of the old form, which names none.
    """
    if "/" not in row["serviceArn"].partition(":service/")[2]:
        yield "cluster", row["clusterArn"].rpartition("/")[2]
    if row.get("taskDefinition"):
        yield "task_family", family_of(row["taskDefinition"])
    behind: Row = next((entry for entry in row.get("loadBalancers", ()) if entry.get("targetGroupArn")), {})
    if behind:
        yield "target_group", behind["targetGroupArn"].partition(":targetgroup/")[2].partition("/")[0]
        groups = [group for group in side.target_groups or () if group["TargetGroupArn"] == behind["targetGroupArn"]]
        # arn:...:loadbalancer/app/NAME/ID
        yield from (("load_balancer", arn.split("/")[2]) for group in groups for arn in group["LoadBalancerArns"][:1])
    containers = definition.get("containerDefinitions", ()) if definition else ()
    first: Row = next((c for c in containers if c["name"] == behind.get("containerName", c["name"])), {})
    if first:
        yield "container", first["name"]
    group = (first.get("logConfiguration") or {}).get("options", {}).get("awslogs-group")
    if group:
        yield "log_group", group
    points = {row["AccessPointId"]: row.get("Name") or row["AccessPointId"] for row in side.access_points or ()}
    for volume in definition.get("volumes", ()) if definition else ():
        mounted = (volume.get("efsVolumeConfiguration") or {}).get("authorizationConfig", {}).get("accessPointId")
        yield from [("access_point", points[mounted])] if mounted in points else []
    for key, role in zip(("taskRoleArn", "executionRoleArn"), ROLES, strict=True):
        if definition and definition.get(key):
            yield role, definition[key]


def _unsupported_reason(row: Row) -> str:
    controller = (row.get("deploymentController") or {}).get("type", "ECS")
    if controller in _UNSUPPORTED_CONTROLLERS:
        return _UNSUPPORTED_CONTROLLERS[controller]
    providers = {entry["capacityProvider"] for entry in row.get("capacityProviderStrategy", ())}
    if row.get("launchType") == "EC2" or providers - {"FARGATE", "FARGATE_SPOT"}:
        return "it runs on EC2 instances: this tool moves Fargate alone"
    return ""


def _values(rule: Row, name: str, key: str) -> tuple[str, ...]:
    return tuple(
        value
        for condition in rule.get("Conditions", ())
        if condition.get("Field") == name
        for value in condition.get("Values") or (condition.get(key) or {}).get("Values") or ()
    )


def _groups(actions: Iterable[Row]) -> Iterator[str]:
    """Target groups that get requests: one of weight 0 gets none."""
    for action in actions:
        weighted = (action.get("ForwardConfig") or {}).get("TargetGroups") or ()
        if weighted:
            yield from (group["TargetGroupArn"] for group in weighted if group.get("Weight", 1))
        elif action.get("TargetGroupArn"):
            yield action["TargetGroupArn"]


def family_of(definition: str) -> str:
    """The family of a task definition's ARN, without its revision."""
    return definition.rpartition("/")[2].partition(":")[0]


def _parts(definition: Row, region: str, account: str) -> Iterator[Thing]:
    """Roles, images, log groups and volumes of a task definition."""

    def thing(kind: PartKind, id_: str, where: str) -> Thing:
        return Thing(kind, id_, id_.rpartition("/")[2], region, account, f"ecs DescribeTaskDefinition: {where}")

    for key, kind in (("taskRoleArn", PartKind.TASK_ROLE), ("executionRoleArn", PartKind.EXECUTION_ROLE)):
        if definition.get(key):
            yield thing(kind, definition[key], key)
    for container in definition.get("containerDefinitions", ()):
        yield thing(PartKind.IMAGE, container["image"], f"container {container['name']}")
        group = (container.get("logConfiguration") or {}).get("options", {}).get("awslogs-group")
        if group:
            yield thing(PartKind.LOG_GROUP, group, f"container {container['name']}")
    for volume in definition.get("volumes", ()):
        system = (volume.get("efsVolumeConfiguration") or {}).get("fileSystemId")
        if system:
            yield thing(PartKind.VOLUME, system, f"volume {volume['name']}")


def texts_of(definition: Row) -> list[str]:
    """Every value that the containers of a task definition get: plain variables, and what their secrets point at."""
    return [
        value
        for container in definition.get("containerDefinitions", ())
        for value in (
            *(entry.get("value", "") for entry in container.get("environment", ())),
            *(entry.get("valueFrom", "") for entry in container.get("secrets", ())),
        )
    ]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What distinguishes services of one rule: the load balancers of each by ARNs, and those that one record leads to.

    ``definitions`` are the services' task definitions; all by the services' ARNs.
    """

    balancers: Mapping[str, Collection[str]] = field(default_factory=dict)
    led_alike: Collection[tuple[str, str]] = ()
    definitions: Mapping[str, Row] = field(default_factory=dict)

    def stands(self, workload: Workload, other: Workload) -> bool | None:
        """Whether a load balancer of ``other`` stands for one of ``workload``'s; None where no record says it."""
        here, there = (self.balancers.get(row.service.id, ()) for row in (workload, other))
        pairs = [(a, b) for a, b in self.led_alike if a in here or b in there]
        return any(a in here and b in there for a, b in pairs) if pairs else None

    def has_same_work(self, workload: Workload, other: Workload) -> bool:
        """Whether the same images are started with the same words, in whichever region's registry they are."""
        here, there = (_work_of(self.definitions.get(row.service.id)) for row in (workload, other))
        return here == there != []


def _work_of(definition: Row | None) -> list[tuple[str, ...]]:
    """Repository, entry point and command of each container; a tag may be older where nothing runs."""
    containers = definition.get("containerDefinitions", ()) if definition else ()
    return [(_REGION_OF_REGISTRY.sub("", re.split(r"@|:(?!.*/)", row["image"])[0]), *_words(row)) for row in containers]


def _words(container: Row) -> tuple[str, ...]:
    return (*(container.get("entryPoint") or ()), *(container.get("command") or ()))


def _variables_of(definition: Row | None) -> set[tuple[str, str]]:
    containers = definition.get("containerDefinitions", ()) if definition else ()
    return {(entry["name"], entry.get("value", "")) for row in containers for entry in row.get("environment", ())}


def with_counterparts(
    workloads: Sequence[Workload], others: Sequence[Workload], around: Surroundings = Surroundings(), *, unread: bool
) -> tuple[Workload, ...]:
    """The workloads with their counterparts among ``others``, once each.

    By an equal rule, then as what load balancers do without a rule, by an equal family, and by the same image.
    ``unread``: the others could not be listed.
    """
    free, found = list(others), dict[int, Counterpart]()
    # Each relation for all before the next: what another pair has by its rule is free for nobody by its family.
    for relation, is_alike in _RELATIONS:
        for number, workload in enumerate(workloads):
            matches = [o for o in free if number not in found and is_alike(around, workload, o)]
            # Two clusters may run the same family, and load balancers of their own have the same rules.
            ranks = [_likeness(around, workload, other) for other in matches]
            # Of several alike an image says nothing: each of eight services may run it.
            if matches and (relation is not Relation.SAME_IMAGE or ranks.count(max(ranks)) == 1):
                match = matches[ranks.index(max(ranks))]
                free.remove(match)
                found[number] = Counterpart(match.service, relation)
    return tuple(replace(row, counterpart=found.get(number), unread=unread) for number, row in enumerate(workloads))


def _rules(workload: Workload) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    return {(route.hosts, route.paths) for route in workload.routes if route.hosts or route.paths}


def _has_same_rule(around: Surroundings, workload: Workload, other: Workload) -> bool:
    return bool(_rules(workload) & _rules(other)) and around.stands(workload, other) is not False


def _are_both_default(around: Surroundings, workload: Workload, other: Workload) -> bool:
    defaults = [any(not (route.hosts or route.paths) for route in row.routes) for row in (workload, other)]
    return all(defaults) and around.stands(workload, other) is not False


_RELATIONS: tuple[tuple[Relation, Callable[[Surroundings, Workload, Workload], bool]], ...] = (
    (Relation.SAME_RULE, _has_same_rule),
    (Relation.SAME_RULE, _are_both_default),
    (Relation.SAME_FAMILY, lambda _, workload, other: workload.family == other.family != ""),
    (Relation.SAME_IMAGE, Surroundings.has_same_work),
)
_REGION_OF_REGISTRY = re.compile(r"(?<=\.dkr\.ecr\.)[\w-]+\.")


def _likeness(around: Surroundings, workload: Workload, other: Workload) -> tuple[bool, bool, bool, bool, int]:
    """How alike two services are that one relation pairs: among several the one of the same names."""
    same_family, same_cluster = workload.family == other.family, workload.cluster == other.cluster
    same_name = workload.service.name == other.service.name
    here, there = (_variables_of(around.definitions.get(row.service.id)) for row in (workload, other))
    alike = len(here & there)
    return around.stands(workload, other) is True, same_family, same_cluster, same_name, alike


# Schedules that start ECS tasks: those of EventBridge Scheduler, and rules of the default bus.
#
# Source: ECS Developer Guide, Scheduled tasks: the target is a cluster, and EcsParameters name the task definition.


def schedules_of(side: RegionSide, account: str, clusters: Collection[str] | None = None) -> tuple[TaskSchedule, ...]:
    """The region's schedules whose tasks run in one of ``clusters``, or in any."""
    found = (_schedule(row, side.region, account) for row in side.schedules or ())
    return tuple(row for row in found if clusters is None or row.cluster in clusters)


def _schedule(row: Row, region: str, account: str) -> TaskSchedule:
    is_rule = ":rule/" in row["Arn"]
    kind = "EventBridge rule" if is_rule else "Scheduler schedule"
    found = f"{'events ListRules' if is_rule else 'scheduler GetSchedule'}: its target is an ECS cluster"
    state = "off" if row.get("State") == "DISABLED" else "on"
    zone = row.get("ScheduleExpressionTimezone") or "UTC"
    times = row.get("ScheduleExpression") or row.get("EventPattern") or ""
    target = row["Target"]
    return TaskSchedule(
        Thing(kind, row["Arn"], row["Name"], region, account, found, state),
        times if zone == "UTC" else f"{times} {zone}",
        target["Arn"].rpartition("/")[2],
        family_of((target.get("EcsParameters") or {}).get("TaskDefinitionArn", "")),
        target.get("Input") or "",
    )


def schedules_with_counterparts(
    schedules: Sequence[TaskSchedule],
    others: Sequence[TaskSchedule],
    workloads: Sequence[Workload],
    workloads_there: Sequence[Workload],
    *,
    unread: bool,
) -> tuple[TaskSchedule, ...]:
    """The schedules with their counterparts among ``others``: by the family, else by the times, once each.

    A family stands for the one of the service's counterpart, and a cluster for the one in which counterparts run.
    ``unread``: the others could not be listed.
    """
    there = {row.service.id: row for row in workloads_there}
    pairs = [(row, there[row.counterpart.thing.id]) for row in workloads if row.counterpart]
    families, clusters = {(a.family, b.family) for a, b in pairs}, {(a.cluster, b.cluster) for a, b in pairs}

    def stands(relation: Relation, mine: TaskSchedule, other: TaskSchedule) -> bool:
        if relation is Relation.SAME_FAMILY:
            return mine.family == other.family or (mine.family, other.family) in families
        return mine.times == other.times and (mine.cluster, other.cluster) in clusters

    free, found = list(others), dict[int, Counterpart]()
    # By families first: what another pair of families takes is free for nobody by its times.
    for relation in (Relation.SAME_FAMILY, Relation.SAME_TIMES):
        for number, mine in enumerate(schedules):
            matches = [other for other in free if number not in found and stands(relation, mine, other)]
            if matches:
                match = max(matches, key=lambda other, mine=mine: _schedule_likeness(mine, other))  # type: ignore[misc]
                free.remove(match)
                found[number] = Counterpart(match.thing, relation)
    return tuple(replace(row, counterpart=found.get(number), unread=unread) for number, row in enumerate(schedules))


def _schedule_likeness(mine: TaskSchedule, other: TaskSchedule) -> tuple[bool, bool, bool]:
    """How alike two schedules are that start one family: its tasks may be started with several words."""
    return mine.words == other.words, mine.times == other.times, mine.thing.name == other.thing.name
