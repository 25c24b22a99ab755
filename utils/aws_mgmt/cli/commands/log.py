"""log: the incident log, from this world's journal, or from its mirror in the control table where there is no file."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from dr_actions.journal.comparison import (
    RecordComparison,
    compare_anchor_places,
    comparison_of,
    mirror_alone,
    missing_comparison,
)
from dr_actions.journal.entries import Chain, EntryKind, OtherWorld
from dr_actions.journal.journal import journal_path, read
from dr_actions.journal.pauses import PAUSES
from dr_actions.journal.stream_comparison import compared_with_stream
from dr_actions.model.plan import SendFailed
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import Environment
from dr_estate.config.given_file import bytes_of
from dr_estate.model.control_items import JOURNAL, clip
from dr_estate.model.invocation import Command
from dr_estate.model.journal_chain import JournalBroken
from dr_estate.model.recovery_document import RefusedStart
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.model.world_id import WorldId, WorldKind
from reports.incident.log import incident_log, render
from reports.incident.review import review
from reports.terminal import console
from utils.aws_mgmt.app.connections import open_context
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import (
    all_journals,
    goes_in_stages,
    journals,
    mirror_beside_strangers,
    refusal_of,
    unfinished_goal,
    worlds_of_journals,
)
from utils.aws_mgmt.app.next_steps import READINESS, after_log, log_of
from utils.aws_mgmt.app.options import LogOptions
from utils.aws_mgmt.app.target import outlives, running_sandbox_world

_FORMS = ("terminal", "markdown", "json")
_ENDING = ".journal.jsonl"
_MOST_NAMED = 3
_OF_THE_RUN = (
    "The keys of runs put these heads: they show no rewritten approval, override or run on record, nor that the record "
    "was not invented as a whole (names.stream_bucket: AWS anchors every item)"
)


def log_command(options: LogOptions, environment: Environment) -> Exit:
    """Print the log. Returns 0 where the chain holds, 3 where it is broken.

    It works offline where the file is there and whole. With --verify the log is compared with its mirror and its
    anchors: 3 where they differ, or could not be compared. A run that AWS started has no file here: its mirror is
    compared with its anchors. Where neither file nor mirror holds the record any more, the anchors show that it
    existed: that is 3, too.

    A file whose last run has no end may be behind its mirror (a full disk, another machine): the mirror is then asked
    too.
    """
    if options.format not in _FORMS:
        raise UsageError(f"The incident log is not written as {options.format}: use {', '.join(_FORMS)}.")
    named = _named_file(options, environment)
    incident, chain, source = named or _of_this_world(options, environment)
    anchors = _anchors(options, environment, incident, chain) if options.verify else None
    refused = None if named else _refusal(options, environment, incident)
    if refused:
        console.complain(refused.sentence)
    if not chain.entries and chain.fault is None and (anchors is None or anchors.differs_at is None):
        if refused:
            console.conclude(options.format, f"{incident}: no run began", str(READINESS))
            return Exit.READY
        raise UsageError(_absence_message(options, environment, incident, worlds_of_journals(options, environment)))
    mirror = _comparison(options, environment, incident, chain, anchors) if anchors else None
    rto_s = environment.objectives.rto_minutes * 60
    log = incident_log(chain, environment.name, incident, source, rto_s, mirror, anchors)
    text = review(log, refused) if options.review else render(log, options.format)
    console.result(text, "markdown" if options.review else options.format)
    found = [comparison for comparison in (mirror, anchors) if comparison is not None]
    broken = chain.fault is not None or any(comparison.differs for comparison in found)
    intact = not broken and all(comparison.agrees for comparison in found)
    code = Exit.READY if intact else Exit.COULD_NOT_SEE
    if broken:
        state = "cannot be believed" if chain.entries or chain.fault else "is gone, and was there"
    else:
        state = "is intact" if intact else "holds, but not all was compared"
    answer = f"{incident}: the record {state}, exit {code}"
    begun = None if broken or options.review else unfinished_goal(chain.entries)
    staged = goes_in_stages(chain.entries, environment)
    next_step = after_log(options, incident, broken=broken, unfinished=begun, staged=staged)
    console.conclude(options.format, answer, next_step, beside=options.review)
    return code


def _refusal(options: LogOptions, environment: Environment, incident: str) -> RefusedStart | None:
    """The last run that AWS started for the incident and that was refused; None also where the table is silent."""
    if not environment.automation.enabled or not outlives(options, environment):
        return None
    silent = suppress(DataUnavailable, Refused, SendFailed, UsageError, WrongAccount)
    with silent, open_context(options, environment) as reached:
        return refusal_of(reached, incident)
    return None


def _comparison(
    options: LogOptions, environment: Environment, incident: str, chain: Chain, anchors: RecordComparison
) -> RecordComparison:
    """The file of the incident against its mirror; what keeps them from being compared is no success.

    Where no file is here, ``chain`` is the mirror itself: then its ``anchors`` are what it was compared with.
    """
    path = options.journal or _file_of(options, environment, incident)
    if path is None:
        try:
            strange = _mirror_chain(options, environment, incident).strange
        except (DataUnavailable, JournalBroken, Refused, SendFailed, UsageError, WrongAccount) as silent:
            return missing_comparison(str(silent))
        return _beside(mirror_alone(chain, anchors), incident, strange)
    local = read(path, environment.name, incident)
    if local.world is not None and local.world not in worlds_of_journals(options, environment):
        here = (
            ", ".join(world.full_name for world in worlds_of_journals(options, environment)) or "no sandbox that is up"
        )
        return missing_comparison(f"it is of {local.world.full_name}, this is {here}.")
    if not outlives(options, environment):
        return missing_comparison("its sandbox is not up.")
    try:
        mirror = _mirror_chain(options, environment, incident)
    except (DataUnavailable, JournalBroken, Refused, SendFailed, UsageError, WrongAccount) as silent:
        return missing_comparison(str(silent))
    return _beside(comparison_of(local, mirror.chain), incident, mirror.strange)


def _beside(found: RecordComparison, incident: str, keys: Sequence[str]) -> RecordComparison:
    """The comparison, which names what no run wrote among the record's items."""
    if not keys:
        return found
    more = f" and {len(keys) - _MOST_NAMED} more" if keys[_MOST_NAMED:] else ""
    named = ", ".join(f"{clip(JOURNAL + incident)} / {clip(key)}" for key in keys[:_MOST_NAMED])
    which = f"beside it {named}{more}, which no run wrote: CloudTrail's data events of the table say whose keys did"
    return replace(found, message=f"{found.message}; {which}")


def _anchors(options: LogOptions, environment: Environment, incident: str, chain: Chain) -> RecordComparison:
    """What is shown against what was anchored of it; what keeps it from that is no success.

    Where AWS itself anchors the control table, that alone decides: the keys of a run can put other heads.
    """
    if not outlives(options, environment):
        return RecordComparison(compared=False, message="NOT COMPARED with its anchors: its sandbox is not up.")
    try:
        with open_context(options, environment) as reached:
            speed = reached.clock.speed
            if reached.stream is not None:
                return compared_with_stream(chain, incident, reached.stream.evidence(incident), speed)
            places = [(anchors.place, anchors.of(incident)) for anchors in reached.anchors]
            found = compare_anchor_places(chain, places, speed)
            return replace(found, message=f"{found.message}. {_OF_THE_RUN}")
    except (DataUnavailable, Refused, SendFailed, UsageError, WrongAccount) as silent:
        return RecordComparison(compared=False, message=f"NOT COMPARED with its anchors: {silent}")


def _file_of(options: LogOptions, environment: Environment, incident: str) -> Path | None:
    """The newest file of the incident in the worlds that are shown."""
    files = [
        path
        for world in worlds_of_journals(options, environment)
        for path in _files(journals(options, world), environment)
    ]
    return next((path for path in _newest_first(files) if _incident_of(path, environment) == incident), None)


def _named_file(options: LogOptions, environment: Environment) -> tuple[str, Chain, str] | None:
    """The journal that --journal names, whatever its world; None without it."""
    path = options.journal
    if path is None:
        return None
    try:
        incident = _incident_of(path, environment) or _incident_within(path, environment)
        chain = read(path, environment.name, incident)
    except OSError as unreadable:
        raise UsageError(f"{path}: cannot be read: {unreadable.strerror}.") from unreadable
    if not incident:
        raise UsageError(
            f"{path} is no journal of {environment.name}: it is called {environment.name}-INC-123{_ENDING}, or holds "
            "a run of it, as the journal of an evidence pack does."
        )
    return incident, chain, str(path)


def _of_this_world(options: LogOptions, environment: Environment) -> tuple[str, Chain, str]:
    worlds = worlds_of_journals(options, environment)
    files = {path: world for world in worlds for path in _files(journals(options, world), environment)}
    found = _newest_first(files)
    incident = options.incident or (_incident_of(found[0], environment) if found else "")
    if not incident:
        raise UsageError(_absence_message(options, environment, "", worlds))
    try:
        journal_path(Path(), environment.name, incident)
    except ValueError as wrong:
        raise UsageError(f"{wrong}.") from wrong
    path = next((file for file in found if _incident_of(file, environment) == incident), None)
    if path is not None:
        chain, source = read(path, environment.name, incident), str(path)
        if chain.world is not None and chain.world != files[path]:
            raise UsageError(f"{OtherWorld(source, chain.world, files[path])} {_log_command_sentence(path)}")
        chain, source = _longest(options, environment, incident, chain, source)
    else:
        chain, source, _ = _mirror_chain(options, environment, incident)
    return incident, chain, source


def _longest(
    options: LogOptions, environment: Environment, incident: str, local: Chain, path: str
) -> tuple[Chain, str]:
    """The file's chain, or the mirror's where the file's last run did not end and the mirror goes on from it."""
    if local.fault or _has_ended(local) or not outlives(options, environment):
        return local, path
    try:
        mirrored, table, _ = _mirror_chain(options, environment, incident)
    except (DataUnavailable, Refused, SendFailed, UsageError, WrongAccount):
        return local, f"{path} (its last run did not end, and the control table cannot be asked what it did since)"
    if mirrored.entries[: len(local.entries)] != local.entries:
        return local, f"{path} ({table} holds other entries: `dr_cli.py failover --execute` says from which on)"
    return mirrored, f"{table}, which {path} is part of"


def _has_ended(chain: Chain) -> bool:
    of_runs = [entry.kind for entry in chain.entries if entry.kind not in PAUSES]
    return of_runs[-1:] == [EntryKind.END]


class _Mirror(NamedTuple):
    """A journal's mirror, the table that it is in, and the keys beside it that no run wrote."""

    chain: Chain
    table: str = ""
    strange: tuple[str, ...] = ()


def _mirror_chain(options: LogOptions, environment: Environment, incident: str) -> _Mirror:
    """The mirror of this world's journal. A sandbox that is not up has none. One without a world is shown for audit.

    Raises UsageError where another way of reaching the same table wrote it.
    """
    if options.sandbox and running_sandbox_world(environment) is None:
        return _Mirror(Chain((), ""))
    with open_context(options, environment) as reached:
        (chain, strange), world = mirror_beside_strangers(reached, environment, incident), reached.world.id
    table = f"table {environment.named(environment.names.control_table)}"
    if chain.world is None or chain.world == world:
        return _Mirror(chain, table, strange)
    command = log_of(incident)
    how = {
        WorldKind.LIVE: f"without AWS_ENDPOINT_URL: {command}",
        WorldKind.ENDPOINT: f"with AWS_ENDPOINT_URL={shlex.quote(chain.world.detail)}: {command}",
        WorldKind.SANDBOX: f"with --sandbox: {command}",
    }[chain.world.kind]
    raise UsageError(f"{OtherWorld(table, chain.world, world)} It is shown {how}.")


def _absence_message(options: LogOptions, environment: Environment, incident: str, worlds: list[WorldId]) -> str:
    """Say that this world has no such journal; name the other worlds that have one, and the command that shows it."""
    where = worlds[0].full_name if worlds else f"a sandbox of {environment.name}"
    if incident:
        first = f"Nothing is recorded of {incident} in {environment.name}, here or in the control table ({where})."
    else:
        folder = all_journals(options)
        first = f"No journal of {environment.name} ({where}) is in {folder}. Name the incident: {log_of('INC-123')}."
    others = _newest_first(all_journals(options).rglob(f"{environment.name}-{incident or '*'}{_ENDING}"))
    return "\n".join([first, *(_world_text(path, environment) for path in others[:_MOST_NAMED])])


def _world_text(path: Path, environment: Environment) -> str:
    incident = _incident_of(path, environment)
    world = read(path, environment.name, incident).world
    name = world.full_name if world else "which one cannot be read"
    return f"Another world has a journal of {incident}: {name}. {_log_command_sentence(path)}"


def _log_command_sentence(path: Path) -> str:
    return f"It is shown by: {Command(('log', '--journal', str(path)))}."


def _files(folder: Path, environment: Environment) -> list[Path]:
    return list(folder.glob(f"{environment.name}-*{_ENDING}"))


def _newest_first(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)


def _incident_of(path: Path, environment: Environment) -> str:
    """The incident in a journal's name; "" where it is no journal of the environment."""
    begins = f"{environment.name}-"
    fits = path.name.startswith(begins) and path.name.endswith(_ENDING)
    return path.name.removeprefix(begins).removesuffix(_ENDING) if fits else ""


def _incident_within(path: Path, environment: Environment) -> str:
    """The incident that a run in the file was cleared for, "" where it holds none of the environment."""
    for line in bytes_of(path).splitlines():
        with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
            data = json.loads(line)["data"]
            if data["plan"]["environment"] == environment.name:
                return str(data["clearance"]["incident"])
    return ""
