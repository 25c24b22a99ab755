"""init: writes settings and map from what the account holds; every value is asked, or taken as it was found."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dr_actions.assessment.failback import AWAY
from dr_checks.posture.posture import posture_of
from dr_estate.config.environment import (
    Environment,
    EnvironmentFileError,
    base_names,
    base_tables,
    load_environment,
    load_map,
)
from dr_estate.config.map_file import NAMED, MapCounterpart, MapEntry, MapFile, differences, map_path, with_choices
from dr_estate.config.map_names import has_most_of, names_of_map
from dr_estate.config.settings import People, ResourceNames, missing_names
from dr_estate.scan.account import GLOBAL_REGION
from dr_estate.scan.saved import map_file_of
from dr_estate.scan.scan import NoEstate
from reports.render.environment_file import render
from reports.terminal import console
from utils.aws_mgmt.app.discovery import ProposedSetting, caller_of, discover_settings, draft
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.misfit import estate_map
from utils.aws_mgmt.app.next_steps import DIAGNOSIS
from utils.aws_mgmt.app.options import InitOptions
from utils.aws_mgmt.app.target import ObservedWorld, world_of
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


@dataclass(frozen=True, slots=True)
class _Base:
    """The base whose patterns are looked for in the account: "" and none where there is no base."""

    name: str
    names: Mapping[str, Any]


def init_command(options: InitOptions) -> Exit:
    """Write ENV.toml and ENV.map.toml into the environment files' folder.

    Raises UsageError where the environment is there already, or nobody can be asked.
    """
    if options.update:
        return _update(options)
    path, beside = options.config / f"{options.environment}.toml", map_path(options.config, options.environment)
    if path.exists():
        raise UsageError(f"{path} is there already. Move it away first, or name another folder with --config DIR.")
    if not (options.yes or Terminal().has_person):
        raise UsageError("Nobody can be asked here. `dr_cli.py init --yes` takes every value as it is found.")
    first = options.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    # The first base that a file in the folder may have.
    name = next(iter(base_names(options.config)), "")
    base = _Base(name, base_tables(options.config, name).get("names", {}) if name else {})
    with ExitStack() as stack:
        environment = draft(options.environment, first or GLOBAL_REGION, ResourceNames.model_validate(base.names))
        world = stack.enter_context(world_of(options, environment))
        saved = _map(options, environment, world, [first] if first else [])
        if saved and not has_most_of(saved, environment.name, base.names):
            base = _Base("", {})  # a name of nothing here is no proposal
        try:
            settings = dict(_settings(options, first or _region_of(saved), world, saved, base))
        except UsageError as refused:
            raise UsageError(f"{refused}{_save_map(saved, beside)}") from refused
    written, mapped = {path: render(settings, _COMMENT)}, "No map was written: no ECS service was found."
    if saved and (saved.primary, saved.dr) == (settings["regions.primary"], settings["regions.dr"]):
        written[beside], mapped = saved.to_toml(), f"{beside}: {len(saved.entries)} entries."
    elif saved:
        mapped = f"No map was written: what runs was found in {saved.primary} and {saved.dr or 'no other region'}."
    try:
        _write(options, written)
    except EnvironmentFileError as refused:
        raise EnvironmentFileError(f"{refused}{_save_map(saved, beside)}") from refused
    approvals = "One person may order a failover: see [approvals] in docs/environments.md."
    console.result(f"{path}: {len(settings)} settings. {approvals}\n{mapped}\n")
    console.conclude(options.format, f"{options.environment} is described", str(DIAGNOSIS))
    return Exit.READY


def _save_map(saved: MapFile | None, beside: Path) -> str:
    """Write the map where the settings were refused: what was found holds. Returns a sentence for the refusal."""
    if saved is None:
        return ""
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(saved.to_toml(), encoding="utf-8")
    return (
        f"\n{beside} has the map of what was found, {len(saved.entries)} entries. The settings are not written: "
        "the same command begins again, and keeps what a person chose in the map."
    )


def _region_of(saved: MapFile | None) -> str:
    """The region of a map that was found without one. Raises UsageError where there is none."""
    if saved is None:
        raise UsageError(
            "No record of this account leads to a platform. In which region is it? Name it: "
            "`dr_cli.py init --region REGION`."
        )
    return saved.dr or saved.primary


def _write(options: InitOptions, written: Mapping[Path, str]) -> None:
    """Write the files; none stays where they cannot be loaded. Raises EnvironmentFileError."""
    for file, text in written.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    try:
        load_environment(options.config, options.environment)
    except EnvironmentFileError:
        for file in written:
            file.unlink()  # the same command begins again
        raise


def _update(options: InitOptions) -> Exit:
    """Show how the map file differs from the account, and write the map of today where a person agrees."""
    path = map_path(options.config, options.environment)
    environment = load_environment(options.config, options.environment, with_map=False)
    mapped, before, aside = environment, None, path.with_name(f"{path.name}.unusable")
    try:
        mapped = load_environment(options.config, options.environment)
        before = mapped.estate_map
    except EnvironmentFileError as unusable:  # it is written again, and kept: a person may have chosen something in it
        place = f" Once it is written again, {aside} holds the former map, with what was chosen in it."
        console.complain(f"{unusable}{place if path.exists() else ''}")
    regions = (environment.regions.primary, environment.regions.dr)
    with ExitStack() as stack, console.working("Reading the account"):
        world = stack.enter_context(world_of(options, environment))
        posture = posture_of(world.observe(mapped), mapped)
        # What runs is in the DR region, and a promoted replica is nobody's copy: the failback needs the pair.
        if posture.name in AWAY:
            raise UsageError(f"{posture.says} {path} stays as it is until the failback.")
        try:
            found = map_file_of(estate_map(environment, world, environment.account, regions))
        except NoEstate as none:
            raise UsageError(f"{none} The map file stays as it is.") from none
    if (found.primary, found.dr) != regions:
        raise UsageError(
            f"{path} is of {' and '.join(regions)}, and what runs was found in {found.primary} and "
            f"{found.dr or 'no other region'}. The map file stays as it is."
        )
    found = with_choices(found, before) if before else found
    changes = list(differences(before or found.model_copy(update={"entries": ()}), found))
    if found == before:
        console.result(f"{path} says what the account holds.\n")
        return Exit.READY
    console.result("".join(f"{line}\n" for line in changes or ["Only how it was found differs."]))
    if not (options.yes or (Terminal().has_person and console.has_typed("yes", f"Write {path}? Type yes: "))):
        console.conclude(options.format, f"{path} stays as it is", "`dr_cli.py init --update --yes` writes it again.")
        return Exit.NOT_READY
    if before is None and path.exists():
        path.replace(aside)
    path.write_text(found.to_toml(), encoding="utf-8")
    console.conclude(options.format, f"{path} is written: {len(changes)} changes", str(DIAGNOSIS))
    return Exit.READY


def _map(options: InitOptions, environment: Environment, world: ObservedWorld, regions: list[str]) -> MapFile | None:
    """The map of what the account runs, with what a person says of it, or said where an earlier `init` was refused.

    None where no platform runs there.
    """
    with console.working("Reading the account"):
        account = caller_of(environment, world)
        try:
            found = map_file_of(estate_map(environment, world, account.account, regions))
        except NoEstate:
            return None
    before = load_map(options.config, options.environment)
    found = with_choices(found, before) if before else found
    if options.yes or not found.dr:
        return found
    return found.model_copy(update={"entries": tuple(_decide(entry, found, account.arn) for entry in found.entries)})


def _decide(entry: MapEntry, found: MapFile, person: str) -> MapEntry:
    """The entry; where a failover needs a counterpart by name and none was found, with the one that a person names."""
    if entry.counterparts or entry.kind not in NAMED.values():
        return entry
    name = console.ask(f"What stands for {entry.kind} {entry.name} in {found.dr}? (Enter leaves it open): ").strip()
    chosen = MapCounterpart(
        kind=entry.kind,
        name=name,
        id=name,
        region=found.dr,
        account=found.account,
        found="asked by init",
        chosen_by=person,
    )
    return entry.model_copy(update={"counterparts": (chosen,)}) if name else entry


def _settings(
    options: InitOptions, region: str, world: ObservedWorld, saved: MapFile | None, base: _Base
) -> Iterator[tuple[str, Any]]:
    yield "name", options.environment
    if base.name:
        yield "base", base.name
    proposed = names_of_map(saved, options.environment, {}, base.names) if saved else {}
    names = {**proposed, **dict(_names(options, {**base.names, **proposed}))}
    # what the map answers is not written twice
    yield from ((f"names.{name}", value) for name, value in names.items() if proposed.get(name, ...) != value)
    names = {**base.names, **names}
    environment = draft(options.environment, region, ResourceNames.model_validate(names), saved)
    with console.working("Reading the account"):
        found = [*discover_settings(environment, world), *_DECIDED]
    for setting in found:
        value = setting.value if options.yes else _answer_of(setting)
        if setting.lack:
            console.complain(setting.lack)
        if value != "" or not setting.key.startswith("people."):  # nobody is called "", a name that is "" is none
            yield setting.key, value
        if setting.key.startswith("names."):
            names[setting.key.removeprefix("names.")] = value
    # what was found nowhere is left open, and never filled from a pattern
    yield from ((f"names.{key}", ResourceNames.model_fields[key].get_default()) for key in missing_names(names))


def _names(options: InitOptions, proposed: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The names of the resources that the estate stands on: as the map has them, else the usual patterns."""
    usual = {**ResourceNames().model_dump(mode="json"), **proposed}
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
