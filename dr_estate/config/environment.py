"""The environment file: every property of an estate that can differ between teams.

Files are ``<name>.toml`` in the configuration folder. Patterns use ``{env}`` and ``{tenant}`` (and ``{bucket}``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError, field_validator, model_validator

from dr_estate.config.recovery_settings import (
    ApprovalSettings,
    AutomationSettings,
    Costs,
    DrillSettings,
    Execution,
    Failback,
    Provision,
    Schedule,
)
from dr_estate.config.settings import (
    Capacity,
    DatabaseChoice,
    Expectation,
    Objectives,
    People,
    ReadLimits,
    Regions,
    ReplicationSettings,
    ResourceNames,
    ScalingSchedule,
    Settings,
    Standby,
    Thresholds,
    TrafficSettings,
)


class Side(StrEnum):
    """Where something stands: in the primary region, in the DR region, or in a global service."""

    PRIMARY = "primary"
    DR = "dr"
    GLOBAL = "global"


class EnvironmentFileError(Exception):
    """The environment file cannot be used. The message names file, key and fix, one line each."""


class Environment(Settings):
    """One environment's rules, as read from its file. Frozen; every time is in the unit its name says."""

    name: str
    account: str
    regions: Regions
    objectives: Objectives = Objectives()
    replication: ReplicationSettings
    standby: Standby = Standby()
    database: DatabaseChoice = DatabaseChoice()
    capacity: Capacity = Capacity()
    names: ResourceNames = ResourceNames()
    traffic: TrafficSettings
    thresholds: Thresholds = Thresholds()
    observation: ReadLimits = ReadLimits()
    scaling_schedule: ScalingSchedule | None = None
    approvals: ApprovalSettings = ApprovalSettings()
    automation: AutomationSettings = AutomationSettings()
    execution: Execution = Execution()
    failback: Failback = Failback()
    drill: DrillSettings = DrillSettings()
    provision: Provision = Provision()
    costs: Costs = Costs()
    schedule: Schedule = Schedule()
    people: People = People()

    @field_validator("account")
    @classmethod
    def _account_is_an_aws_account(cls, value: str) -> str:
        if not re.fullmatch(r"\d{12}", value):
            raise ValueError("must be the 12 digits of an AWS account, in quotes")
        return value

    @model_validator(mode="after")
    def _mandatory_replication_is_described(self) -> Environment:
        if self.replication.expectation is Expectation.MANDATORY and not (
            self.replication.database and self.replication.files
        ):
            raise ValueError(
                "replication.expectation is 'mandatory', but the DR region has no replication: "
                "name at least one mechanism in replication.database and in replication.files"
            )
        return self

    @model_validator(mode="after")
    def _automation_asks_a_second_person(self) -> Environment:
        if self.automation.enabled and self.approvals.people == 1:
            raise ValueError("automation.enabled needs approvals.people = 2: its approval is the second person's")
        return self

    @model_validator(mode="after")
    def _warm_has_a_database(self) -> Environment:
        """T54: a task without a database answers 500. Backups are no database until they are restored."""
        live = self.replicates and self.replication.database[:1] == ("read-replica",)
        if self.standby.mode == "warm" and not live:
            raise ValueError(
                "standby.mode is 'warm', but no database runs in the DR region for its tasks: put 'read-replica' first "
                "in replication.database and replicate, or set standby.mode to 'pilot-light' and tasks_per_service to 0"
            )
        return self

    def __hash__(self) -> int:
        """Hash by identity of the environment; equality still compares every setting."""
        return hash((self.name, self.account))

    def rules(self) -> dict[str, Any]:
        """Return the settings that are not the default, as plain JSON: what an approver pins.

        How long it is looked for is no rule: what was not seen is UNKNOWN, and never met. Nor are the stages of a
        failback without any: that is a choice of the command line.
        """
        plain = self.model_dump(mode="json", exclude_defaults=True, exclude={"observation"})
        if not self.failback.staged:
            plain.get("failback", {}).pop("stages", None)
        return plain

    def region(self, side: Side) -> str:
        """Return the AWS region that serves ``side``; global services are called in us-east-1 (T01, T14)."""
        return {Side.PRIMARY: self.regions.primary, Side.DR: self.regions.dr, Side.GLOBAL: "us-east-1"}[side]

    def named(self, pattern: str, tenant: str = "", bucket: str = "") -> str:
        """Fill ``{env}``, ``{tenant}`` and ``{bucket}`` of a name pattern."""
        return pattern.replace("{env}", self.name).replace("{tenant}", tenant).replace("{bucket}", bucket)

    def tenant_of(self, pattern: str, name: str) -> str | None:
        """Return the tenant whose ``pattern`` gives ``name``, or None where the name is not of that pattern."""
        before, _, after = self.named(pattern, tenant="\0").partition("\0")
        inside = name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
        return name[len(before) : len(name) - len(after)] if inside else None

    @property
    def acting_role(self) -> str:
        """Name of the role whose rights a recovery has: the task's where AWS starts runs, else the operator's."""
        return self.named(self.names.recovery_role if self.automation.enabled else self.names.operator_role)

    @property
    def replicates(self) -> bool:
        """Whether data replication to the DR region is expected at all."""
        return self.replication.expectation is not Expectation.NONE


def environment_names(folder: Path) -> list[str]:
    """Return the names of the environment files of ``folder``; the exceptions that may lie beside them are none."""
    return sorted(path.stem for path in folder.glob("*.toml") if path.stem != "exceptions")


def load_environment(folder: Path, name: str) -> Environment:
    """Read ``folder/name.toml``.

    Raises EnvironmentFileError for a missing file, a TOML typo, an unknown or missing key, or a value that cannot be.
    """
    path = folder / f"{name}.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        known = ", ".join(environment_names(folder)) or "none"
        raise EnvironmentFileError(
            f"{path}: there is no such environment file (found in {folder}: {known}). "
            "`dr_cli.py init` writes it from what the account holds; another folder is named with --config DIR."
        ) from missing
    except OSError as unreadable:
        raise EnvironmentFileError(f"{path}: cannot be read: {unreadable.strerror}.") from unreadable
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as typo:
        raise EnvironmentFileError(f"{path}: not readable as TOML: {typo}. Fix that line and try again.") from typo
    return parse_environment(data, str(path), name)


def parse_environment(data: Mapping[str, Any], source: str, name: str) -> Environment:
    """Validate ``data``, as read from ``source``; its ``name`` key must be the file's. Raises EnvironmentFileError."""
    try:
        environment = Environment.model_validate(data)
    except ValidationError as refused:
        raise EnvironmentFileError("\n".join(_sentence(dict(error), source) for error in refused.errors())) from refused
    if environment.name != name:
        raise EnvironmentFileError(f'{source}: name: says "{environment.name}", the file says "{name}". Make them one.')
    return environment


def _sentence(error: dict[str, Any], source: str) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "(whole file)"
    if error["type"] == "extra_forbidden":
        return f"{source}: {key}: unknown key. Remove it, or correct its spelling (docs/environments.md lists all)."
    if error["type"] == "missing":
        return f"{source}: {key}: missing. Add it (docs/environments.md says what it means)."
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{source}: {key}: {text}" + ("." if not text.endswith(".") else "")
