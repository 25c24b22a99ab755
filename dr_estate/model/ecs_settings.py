"""Settings and secrets of a container definition, and how a service deploys, compared across regions. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from dr_estate.model.references import neutral

# What is read of a revision: a kept answer of which something else was read is not compared with it.
SETTINGS_READ = "all settings but buffers of logs, the health check's command, sources, files, what values lead to"
# Settings of which more is no lack; none is no limit.
AMOUNTS = frozenset({"cpu", "memory", "memoryReservation", "stopTimeout"})
# What a setting is that is not given, where that is no lack of limits (ECS API, ContainerDefinition).
DEFAULTS = {"stopTimeout": "30"}
ESSENTIAL, LOG_DRIVER, _HEALTH_CHECK = "essential", "log driver", "healthCheck"
_HEALTH_COMMAND = "health check command"
# Settings that decide which program runs, and whether it runs where it cannot write its log.
WHAT_RUNS = frozenset({"command", "entryPoint", LOG_DRIVER})
# ECS ends a task whose essential container fails it (ECS guide, "Determine task health using container health checks");
# a server that cannot write its process id and temporary files ends by itself.
WHAT_MAY_END_IT = frozenset({_HEALTH_COMMAND, "readonlyRootFilesystem"})
_READ_APART = frozenset(
    {"name", "image", "portMappings", "environment", "secrets", "mountPoints", ESSENTIAL, "logConfiguration"}
)
_OF_NO_EFFECT = frozenset({"dockerLabels", "versionConsistency", "interactive", "pseudoTerminal"})
# What names a bucket or secret of its region, which may be called otherwise: whether there is any is compared.
_OF_ONE_REGION = frozenset({"environmentFiles", "repositoryCredentials"})
_LOGS_READ_APART = frozenset({"awslogs-group", "awslogs-region", "awslogs-stream-prefix", "awslogs-create-group"})
# Options of how lines wait for the driver: no task starts or ends by them. Source: ECS API, LogConfiguration.
_BUFFER = frozenset({"mode", "max-buffer-size"})


def environment_files(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The files of variables that the agent fetches from S3, as ``bucket/key``."""
    return tuple(sorted(str(file["value"]).partition(":::")[2] for file in row.get("environmentFiles") or ()))


# What ECS calls what the agent fetches for itself; an option's name follows.
LOG_SOURCE, REGISTRY_SOURCE = "log option ", "registry credentials"


def fetched_sources(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Names and ARNs of the secrets that the agent fetches for the log driver, and to sign in at a registry."""
    options = (row.get("logConfiguration") or {}).get("secretOptions") or ()
    found = [(LOG_SOURCE + option["name"], option["valueFrom"]) for option in options]
    if registry := (row.get("repositoryCredentials") or {}).get("credentialsParameter"):
        found.append((REGISTRY_SOURCE, registry))
    return tuple(sorted(found))


def container_settings(row: Mapping[str, Any], region: str) -> tuple[tuple[str, str], ...]:
    """The settings that are given, by name, without the region's: what is no plain value may hold a password, so its
    digest stands for it. Whatever AWS adds to container definitions is among them.
    """
    found = {name: value for name, value in row.items() if value and name not in _READ_APART | _OF_NO_EFFECT}
    found |= dict.fromkeys(_OF_ONE_REGION & found.keys(), "given")
    # A process that reaps others alone: with it and without the same program runs.
    linux = {key: value for key, value in (row.get("linuxParameters") or {}).items() if value}
    if not linux.keys() - {"initProcessEnabled"}:
        found.pop("linuxParameters", None)
    if row.get(ESSENTIAL) is False:
        found[ESSENTIAL] = False
    # The numbers of ports are read apart; a load balancer reaches TCP ones alone, the default.
    if others := [m for m in row.get("portMappings") or () if m.get("protocol", "tcp") != "tcp"]:
        found["UDP ports"] = " ".join(str(m.get("containerPortRange") or m.get("containerPort")) for m in others)
    if check := found.pop(_HEALTH_CHECK, None):
        found[_HEALTH_COMMAND] = check.get("command") or []
        found |= {_HEALTH_CHECK: times} if (times := {k: v for k, v in check.items() if k != "command"}) else {}
    shown = [(name, _setting_text(value, region)) for name, value in found.items()]
    return tuple(sorted([*shown, *_logs(row.get("logConfiguration") or {}, region)]))


def _logs(log: Mapping[str, Any], region: str) -> list[tuple[str, str]]:
    """The log driver, where it is not CloudWatch's, and the options that are not read apart."""
    driver, options = log.get("logDriver") or "", log.get("options") or {}
    others = [
        (f"log option {name}", value) for name, value in options.items() if name not in _LOGS_READ_APART | _BUFFER
    ]
    found = [(LOG_DRIVER, driver)] if driver not in ("", "awslogs") else []
    return found + [(name, _digest(neutral(value, region))) for name, value in others]


def _setting_text(value: Any, region: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else _digest(neutral(value, region))


def _digest(value: str) -> str:
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"


# Where a container's secret comes from: a secret or a parameter, as ``valueFrom`` of a task definition names it. Pure.
#
# Source: ECS Developer Guide, "Specifying sensitive data".

T = TypeVar("T")

_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")
_REGION, _ACCOUNT, _NAME, _KEY = 3, 4, 6, 7


@dataclass(frozen=True, slots=True)
class SecretSource:
    """A source. ``arn`` is without JSON key and version, "" where it is given by name; ``key`` is the JSON key if any.

    ``stage`` is the label of the version that is read, "" for the current one, ``version`` its id if any.

    ``region`` and ``account`` are "" where it is given by name: then they are the task's own.
    """

    name: str
    arn: str
    is_secret: bool
    region: str = ""
    account: str = ""
    key: str = ""
    stage: str = ""
    version: str = ""


def by_named_arn(secrets: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    """What is known of secrets by their ARNs, by each that a source may name: the whole one, and without its suffix."""
    found: defaultdict[str, list[T]] = defaultdict(list)
    for arn, value in secrets:
        for name in {arn, without_suffix(arn)}:
            found[name].append(value)
    return dict(found)


def without_suffix(arn: str) -> str:
    """The ARN of a secret without the six characters that Secrets Manager appends."""
    return _SUFFIX.sub("", arn)


def source_of(value: str) -> SecretSource:
    """The source that ``valueFrom`` names."""
    parts = value.split(":")
    if len(parts) > _NAME and parts[2] == "secretsmanager":
        key = parts[_KEY] if len(parts) > _KEY else ""
        stage, version, *_ = *parts[_KEY + 1 :], "", ""
        stage = "" if stage == "AWSCURRENT" else stage
        arn, name = ":".join(parts[: _NAME + 1]), _SUFFIX.sub("", parts[_NAME])
        return SecretSource(name, arn, True, parts[_REGION], parts[_ACCOUNT], key, stage, version)
    if parts[0] == "arn":
        return SecretSource(parts[-1].removeprefix("parameter"), value, False, parts[_REGION], parts[_ACCOUNT])
    return SecretSource(value, "", False)


def secret_reference(value: str) -> str:
    """A secret or parameter as named in any region, with JSON key and version if any: no region, account or suffix."""
    source = source_of(value)
    version = source.stage or source.version
    return (f"{source.name}#{source.key}" if source.key else source.name) + (f" of {version}" if version else "")


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """How tasks are placed: ``capacity`` is the launch type or the providers, ``controller`` who deploys them.

    ``grace_s``: for so many seconds failed health checks kill no new task. ``percents`` are the minimum and the maximum
    of tasks during a deployment, in percent of the desired ones, ``ports`` those of the containers that are registered
    with target groups, ``stops`` what ends a deployment before its tasks are there, ``holds`` what lets it wait:
    another strategy than the rolling update, and hooks; None where they were not read. ``bake_min``: for so many
    minutes a deployment goes on whose visitors were moved.
    """

    capacity: tuple[str, ...]
    controller: str
    grace_s: int
    percents: tuple[int, int] | None = None
    ports: tuple[int, ...] | None = None
    stops: tuple[str, ...] | None = None
    holds: tuple[str, ...] | None = None
    bake_min: int = 0


# Words of ``stops``; an alarm's name follows.
BREAKER, ROLLBACK, ALARM = "circuit breaker", "circuit breaker's rollback", "alarm "
_ROLLING, _FUNCTION = "ROLLING", "AWS_LAMBDA"


def deployment_settings(row: dict[str, Any], primary: dict[str, Any]) -> DeploymentSettings:
    """The settings of a service as DescribeServices returns it, whose deployment in force is ``primary``."""
    strategy = row.get("capacityProviderStrategy") or primary.get("capacityProviderStrategy") or []
    launched = row.get("launchType") or primary.get("launchType", "")
    balancers = row.get("loadBalancers") or primary.get("loadBalancers", [])
    configured = row.get("deploymentConfiguration") or {}
    # The bounds of a deployment, None where AWS names none: a controller of its own has none.
    minimum, maximum = configured.get("minimumHealthyPercent"), configured.get("maximumPercent")
    percents = None if minimum is None or maximum is None else (int(minimum), int(maximum))
    return DeploymentSettings(
        capacity=tuple(sorted(part["capacityProvider"] for part in strategy)) or (launched,),
        controller=row.get("deploymentController", {}).get("type") or "ECS",
        grace_s=row.get("healthCheckGracePeriodSeconds") or 0,
        percents=percents,
        ports=tuple(sorted(found.get("containerPort", 0) for found in balancers)),
        stops=_stops(configured),
        holds=tuple(sorted(_holds(configured))),
        bake_min=configured.get("bakeTimeInMinutes") or 0,
    )


def _stops(row: dict[str, Any]) -> tuple[str, ...]:
    """What ends a deployment. Source: ECS API, DeploymentCircuitBreaker, DeploymentAlarms."""
    breaker, alarms = row.get("deploymentCircuitBreaker") or {}, row.get("alarms") or {}
    words = [BREAKER] if breaker.get("enable") else []
    words += [ROLLBACK] if breaker.get("enable") and breaker.get("rollback") else []
    return (*words, *(f"{ALARM}{name}" for name in sorted(alarms.get("alarmNames") or ()) if alarms.get("enable")))


def _holds(row: dict[str, Any]) -> Iterator[str]:
    """What a deployment waits for. Source: ECS API, DeploymentConfiguration, DeploymentLifecycleHook."""
    if (strategy := row.get("strategy") or _ROLLING) != _ROLLING:
        yield f"strategy {strategy}"
    for hook in row.get("lifecycleHooks") or ():
        kind = hook.get("targetType") or _FUNCTION
        target = hook.get("hookTargetArn") if kind == _FUNCTION else kind
        yield f"hook {target} at {', '.join(sorted(hook.get('lifecycleStages') or ()))}"


def storage_key(row: dict[str, Any]) -> str:
    """The customer's key of what Fargate tasks of a cluster store, "" where it is AWS's own.

    Source: ECS API, ManagedStorageConfiguration.
    """
    storage = (row.get("configuration") or {}).get("managedStorageConfiguration") or {}
    return str(storage.get("fargateEphemeralStorageKmsKeyId") or "")
