"""init: writes an environment file from what the account holds; every value is asked, or taken as it was found."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from dr_estate.config.environment import EnvironmentFileError, load_environment
from dr_estate.config.settings import People, ResourceNames
from reports.render.environment_file import render
from reports.terminal import console
from utils.aws_mgmt.app.discovery import ProposedSetting, discover_settings, draft
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DIAGNOSIS
from utils.aws_mgmt.app.options import InitOptions
from utils.aws_mgmt.app.target import world_of
from utils.aws_mgmt.cli.terminal import Terminal

_DECIDED = (
    ProposedSetting("traffic.dns_step", "manual", "a person changes DNS: manual, or automatic"),
    ProposedSetting("replication.expectation", "expected", "expected, mandatory, or none"),
    ProposedSetting("objectives.rpo_minutes", 60, "how much may be lost"),
    ProposedSetting("objectives.rto_minutes", 240, "how long it may take"),
    *(ProposedSetting(f"people.contacts.{role}", "", "whom to call") for role in People().roles),
)
_NAMED = {
    "cluster": "the ECS cluster",
    "service": "a tenant's ECS service",
    "load_balancer": "the load balancer",
    "database": "the RDS instance",
    "file_system": "the EFS file system's Name tag",
    "tables": "the DynamoDB tables",
    "buckets": "the S3 buckets",
    "control_table": "this tool's own table, which deploy/ makes",
}
_COMMENT = "Written by `init` from what the account holds. docs/environments.md lists every other key."


def init_command(options: InitOptions) -> Exit:
    """Write ENV.toml into the environment files' folder. Raises UsageError where it exists, or nobody can be asked."""
    path = options.config / f"{options.environment}.toml"
    if path.exists():
        raise UsageError(f"{path} is there already. Move it away first, or name another folder with --config DIR.")
    if not (options.yes or Terminal().attended):
        raise UsageError("Nobody can be asked here. `dr_cli.py init --yes` takes every value as it is found.")
    settings = dict(_settings(options))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(settings, _COMMENT), encoding="utf-8")
    try:
        load_environment(options.config, options.environment)
    except EnvironmentFileError:
        path.unlink()  # the same command begins again
        raise
    console.result(f"{path}: {len(settings)} settings. One person may order a failover: see [approvals] in its docs.\n")
    console.conclude(options.format, f"{options.environment} is described", str(DIAGNOSIS))
    return Exit.READY


def _settings(options: InitOptions) -> Iterator[tuple[str, Any]]:
    yield "name", options.environment
    first = options.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not first:
        raise UsageError("In which region is the estate? Name it: `dr_cli.py init --region REGION`.")
    names = dict(_names(options))
    yield from ((f"names.{name}", value) for name, value in names.items())
    environment = draft(options.environment, first, ResourceNames.model_validate(names))
    with ExitStack() as stack, console.working("Reading the account"):
        world = stack.enter_context(world_of(options, environment))
        found = [*discover_settings(environment, world), *_DECIDED]
    for setting in found:
        value = setting.value if options.yes else _answer_of(setting)
        if value != "":
            yield setting.key, value


def _names(options: InitOptions) -> Iterator[tuple[str, Any]]:
    """The name patterns of the resources that the estate stands on, before any of them is looked for."""
    usual = ResourceNames().model_dump(mode="json")
    for name, what in _NAMED.items():
        setting = ProposedSetting(f"names.{name}", usual[name], f"name of {what}; {{env}}, {{tenant}} are filled in")
        yield name, usual[name] if options.yes else _answer_of(setting)


def _answer_of(setting: ProposedSetting) -> Any:
    """What the person types, of the same kind as the default; Enter takes the default."""
    shown = json.dumps(setting.value, ensure_ascii=False)
    while True:
        typed = console.ask(f"{setting.key} ({setting.seen}) [{shown}]: ").strip()
        if not typed:
            return setting.value
        if isinstance(setting.value, str):
            return typed
        try:
            value = json.loads(typed)
        except ValueError:
            value = None
        if isinstance(value, type(setting.value)):
            return value
        console.complain(f"Type it as {shown} is written.")
