"""One look and one judgement: what status, test, failover and failback share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dr_actions.authorization.people import person_of
from dr_actions.authorization.rules import EffectiveRules
from dr_checks.core.exceptions import ExceptionRule, ExceptionsFileError, loose_exceptions, parse_exceptions
from dr_checks.core.model import Area, Severity, View
from dr_checks.core.observation import Observation
from dr_checks.core.registry import checks, lags
from dr_checks.core.verdict import verdict_of
from dr_checks.derived.database_copies import living
from dr_checks.derived.due import dues
from dr_checks.derived.served import serving_estimate
from dr_checks.derived.visitors import answering_tenants
from dr_checks.posture.posture import PostureName, posture_of
from dr_checks.posture.signals import silent_regions
from dr_checks.posture.until_failback import AWAY, deciding, with_failback_gaps
from dr_checks.posture.visitor_access import visitor_access
from dr_checks.posture.writers import sole_writer, way_back_sentence, writers_sentence
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment, Side
from dr_estate.config.given_file import bytes_of
from dr_estate.model.invocation import Invocation
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.model.world_id import is_sandbox
from dr_estate.readers import control_table, recovery_automation, sts_identity
from dr_estate.snapshot.snapshot import EvidenceError, Snapshot, read_evidence, write_json
from dr_estate.snapshot.tenants import discover, is_chosen
from reports.values.report import Report
from utils.aws_mgmt.app.answer_cache import answer_memory, cache_notes, cache_tenants, cached_tenants
from utils.aws_mgmt.app.areas import chosen_checks, omitted_count
from utils.aws_mgmt.app.dialog import Advance, Dialog, silent
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import exit_of
from utils.aws_mgmt.app.first_sight import ATTENDED_S, UNATTENDED_S, FirstSight
from utils.aws_mgmt.app.misfit import refuse_misfit
from utils.aws_mgmt.app.next_steps import invocation_of
from utils.aws_mgmt.app.options import Options, version
from utils.aws_mgmt.app.run_folder import moved_results, private_file
from utils.aws_mgmt.app.target import ObservedWorld, world_of

if TYPE_CHECKING:
    from utils.aws_mgmt.app.scenario_runner import ScenarioSelection


@dataclass(frozen=True)
class CommandRun:
    """Where one run of a command keeps its files, who gave it, and who hears how far it is.

    ``recorded`` are the before-values of the incident's failover, for a failback, ``split_ended_at`` when a fence
    stopped a second writer. ``clock`` is the command's.
    """

    folder: Path
    dialog: Dialog
    advance: Advance = silent
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    split_ended_at: datetime | None = None
    clock: WorldClock = field(default_factory=WorldClock)


def read(options: Options, environment: Environment, run: CommandRun) -> Snapshot:
    """The snapshot to judge: looked at now, or loaded from evidence. Raises UsageError for another's evidence.

    What was mistyped is refused before anything is looked at. Raises SettingsMisfit where the names find nothing.
    """
    usable_rules(options, environment, run.clock.now())
    chosen_checks(options)
    if options.from_evidence:
        evidence = evidence_of(options, environment, run.dialog)
        refuse_misfit(evidence, environment)
        return evidence
    with _world_and_memory(options, environment, run.clock) as world:
        return observe_world(world, environment, run)


@contextmanager
def _world_and_memory(options: Options, environment: Environment, clock: WorldClock) -> Iterator[ObservedWorld]:
    """The world of ``options``, and what need not be asked of it again."""
    with world_of(options, environment, clock) as reached, answer_memory(options, environment, reached) as world:
        yield world


def evidence_of(options: Options, environment: Environment, dialog: Dialog | None = None) -> Snapshot:
    """The saved evidence that ``options`` names; ``dialog`` hears who signed it.

    Raises UsageError for another environment's, EvidenceError.
    """
    if options.from_evidence is None:
        raise UsageError("Name the evidence: --from-evidence FILE.")
    snapshot = _verified_snapshot(options.from_evidence, dialog)
    if (snapshot.environment, snapshot.account) != (environment.name, environment.account):
        raise UsageError(
            f"{options.from_evidence} is evidence of {snapshot.environment} (account {snapshot.account}), "
            f"not of {environment.name} (account {environment.account}). Choose the right -e."
        )
    return replace(snapshot, world=f"{snapshot.world}, from evidence")


def _verified_snapshot(path: Path, dialog: Dialog | None) -> Snapshot:
    """The evidence of the file, as it was saved. Raises EvidenceError, which names what was changed."""
    from reports.evidence.saved import verify_evidence_file

    try:
        snapshot, verdict = read_evidence(path), verify_evidence_file(bytes_of(path))
    except EvidenceError as damaged:
        # Evidence that was changed may be damaged too: its faults say more than the JSON's error.
        changed = verify_evidence_file(path.read_bytes()) if path.is_file() else None
        if changed is None or not (changed.about and changed.faults):
            raise
        raise EvidenceError(f"{path} is not as it was saved: {' '.join(changed.faults)}") from damaged
    if verdict.faults:
        raise EvidenceError(f"{path} is not as it was saved: {' '.join(verdict.faults)}")
    if dialog is not None:
        signed = f"signed by {verdict.signed_by}" if verdict.signed_by else f"UNSIGNED: {verdict.unsigned}"
        dialog.note(f"{path} is {signed}.")
    return snapshot


def observe_world(world: ObservedWorld, environment: Environment, run: CommandRun) -> Snapshot:
    """One whole observation of ``world``; the tenants it shows are remembered where the world stays.

    Where it takes long, what is seen first is shown while the rest is read. Raises SettingsMisfit where the settings'
    names find nothing.
    """
    seen = FirstSight(environment, run.dialog.note, ATTENDED_S if run.dialog.has_person else UNATTENDED_S)
    # A world that ends with this command must not teach the next one its tenants.
    remembered = () if world.passing else cached_tenants(environment, world.id)
    snapshot = world.observe(environment, progress=partial(run.advance, "Looking"), seen=seen)
    refuse_misfit(snapshot, environment, world)
    if world.passing:
        return snapshot
    snapshot = replace(snapshot, remembered_tenants=remembered)
    cache_tenants(snapshot, environment, world.id)
    return snapshot


def judge(
    options: Options, environment: Environment, areas: tuple[Area, ...], snapshot: Snapshot, run: CommandRun
) -> Report:
    """Run the scenarios of ``areas`` on ``snapshot`` and weigh them. The evidence is kept in the run's folder."""
    rules, tenants = _exceptions(options), chosen_tenants(options, snapshot, environment)
    evidence = _save(snapshot, options, environment, run)
    invocation, snapshot = _invocation(options, snapshot), _with_plan(snapshot, environment)
    observation = Observation(environment, snapshot, tenants, rules, invocation)
    from utils.aws_mgmt.app.scenario_runner import run_scenarios

    results = run_scenarios(_selection(options, areas, run, evidence), observation, partial(run.advance, "Judging"))
    measured = lags(snapshot, environment, tenants) if Area.REPLICATION in areas and environment.replicates else []
    posture = posture_of(snapshot, environment)
    results = with_failback_gaps(results, posture.name, environment)
    to_serve = serving_estimate(results, tenants_of(observation), observation.environment).sentence
    target_s = observation.environment.objectives.rpo_minutes * 60.0
    rest = deciding(results, posture.name)
    blocker = f"posture {posture.name}: {posture.says}" if posture.severity is Severity.BLOCKER else ""
    verdict = verdict_of(results, measured, target_s, blocker, to_serve, rest)
    past = snapshot.get_if_seen(control_table.runs, Side.DR)
    seen = (snapshot.get_if_seen(sts_identity.caller, side) for side in (Side.DR, Side.PRIMARY))
    caller = next(filter(None, seen), None)  # as AWS knows who looked
    return Report(
        command=options.command,
        environment=environment,
        world=snapshot.world,
        observed_at=snapshot.taken_at,
        posture=posture.name,
        posture_says=posture.says,
        posture_severity=posture.severity,
        posture_next=posture.next_step,
        writers=_writers(snapshot, environment, invocation),
        writer=sole_writer(snapshot, environment),
        to_fence=posture.to_fence,
        visitors=visitor_access(snapshot, environment),
        tenants=tenants_of(observation),
        verdict=verdict,
        unseen=tuple(snapshot.unavailable_parts()),
        exceptions=observation.exceptions,
        rules=EffectiveRules.of(environment, rules, version()),
        api_calls=0 if options.from_evidence else snapshot.api_calls,
        exit=exit_of(verdict),
        standing=standing_with_overrides(snapshot),
        invocation=invocation,
        every_finding=options.every_finding,
        scheduled_tests=None if past is None or past.reason else dues(environment, past.runs, snapshot.taken_at),
        notes=(*_narrowing_notes(options, areas), *cache_notes(snapshot), *moved_results(run.folder, options)),
        left_out=omitted_count(options, chosen_checks(options), areas),
        history=snapshot.get_if_seen(control_table.runs, Side.DR),
        evidence=_sha256(evidence),
        caller=person_of(caller.arn, environment) if caller else "",
        waiting=snapshot.get_if_seen(recovery_automation.waiting, Side.DR) or (),
        silent=silent_regions(snapshot, environment),
        served=answering_tenants(snapshot, environment, Side.DR) if posture.name in AWAY else None,
        database=living(View("database", Side.PRIMARY, environment, snapshot))
        if posture.name is PostureName.NORMAL
        else None,
    )


def _with_plan(snapshot: Snapshot, environment: Environment) -> Snapshot:
    """The snapshot with how long its failover takes, where the session of who asks ends some time: else none asks."""
    caller = snapshot.get_if_seen(sts_identity.caller, Side.DR)
    if caller is None or caller.session is None or caller.session.ends_at is None:
        return snapshot
    from dr_actions.planning.planner import failover_estimate_s  # planning is imported for such a session alone

    try:
        return replace(snapshot, plan_s=failover_estimate_s(environment, snapshot))
    except DataUnavailable:
        return snapshot


def _selection(options: Options, areas: tuple[Area, ...], run: CommandRun, evidence: Path) -> ScenarioSelection:
    from utils.aws_mgmt.app.scenario_runner import ScenarioSelection

    folder, exceptions, chosen = run.folder / "allure-results", _exceptions_file(options), chosen_checks(options)
    return ScenarioSelection(areas, folder, options.workers, evidence, options.config, exceptions, chosen)


def _narrowing_notes(options: Options, areas: tuple[Area, ...]) -> tuple[str, ...]:
    """What a report of some checks alone, by name or severity, says beside its verdict."""
    chosen = chosen_checks(options)
    left_out = omitted_count(options, chosen, areas) if chosen else 0
    return (f"{left_out} checks were not asked for: nothing here is said of them.",) if left_out else ()


def _invocation(options: Options, snapshot: Snapshot) -> Invocation:
    """What completes each command; evidence of a rehearsal leads to the sandbox, never to the live account."""
    rehearsed = options.from_evidence is not None and is_sandbox(snapshot.world)
    return invocation_of(replace(options, sandbox=True, profile="") if rehearsed else options)


def _writers(snapshot: Snapshot, environment: Environment, invocation: Invocation) -> str:
    """Who takes writes; and, while a failback is under way, until when it can be aborted."""
    message, standing = writers_sentence(snapshot, environment), snapshot.get_if_seen(control_table.standing, Side.DR)
    incident = standing.known_incident if standing else None
    if incident is None or incident.phase != control_table.FAILING_BACK:
        return message
    return invocation.complete(f"{message} {way_back_sentence(snapshot, environment)}")


def standing_with_overrides(snapshot: Snapshot) -> control_table.ControlState | None:
    """What stands, with the overrides that the open incident's journal has: an item of the table proves none."""
    state = snapshot.get_if_seen(control_table.standing, Side.DR)
    begun = snapshot.get_if_seen(control_table.begin, Side.DR)
    return replace(state, overrides=begun.journal.overrides) if state and begun and begun.journal else state


def tenants_of(observation: Observation) -> tuple[str, ...]:
    """The ids of the tenants in question; empty where they could not be discovered."""
    try:
        found = discover(observation.snapshot, observation.environment)
    except DataUnavailable:
        return ()
    return tuple(tenant.id for tenant in found if is_chosen(tenant.id, observation.only_tenants))


def chosen_tenants(options: Options, snapshot: Snapshot, environment: Environment) -> frozenset[str]:
    """The tenants asked for. Raises UsageError for one nobody knows: a misspelt selection is never green."""
    wanted = frozenset(options.only_tenants)
    if not wanted:
        return wanted
    try:
        known = {name for tenant in discover(snapshot, environment) for name in (tenant.id, tenant.dns)}
    except DataUnavailable:
        # Who is meant cannot be checked when nobody is seen: the choice counts as it was typed.
        return wanted
    if wanted - known:
        raise UsageError(f"There is no tenant {min(wanted - known)} in {environment.name}. Correct --tenant.")
    return wanted


def _save(snapshot: Snapshot, options: Options, environment: Environment, run: CommandRun) -> Path:
    """Keep the evidence in the run's folder; where it is wanted as a file, signed if the caller may sign."""
    path = run.folder / "evidence.json"
    with private_file(path) as file:
        write_json(snapshot, file)
    if options.save_evidence is not None:
        from utils.aws_mgmt.app.evidence_signing import signed_evidence

        signed, sentence = signed_evidence(path.read_bytes(), options, environment)
        with private_file(options.save_evidence) as file:
            file.write(signed)
        run.dialog.note(sentence)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rules_of(options: Options, environment: Environment) -> EffectiveRules:
    """The rules that the command is judged by: environment file, exceptions and version."""
    return EffectiveRules.of(environment, _exceptions(options), version())


def usable_rules(options: Options, environment: Environment, now: datetime) -> EffectiveRules:
    """The rules, to decide by. Raises ExceptionsFileError where two people are asked, and one rule accepts too much."""
    # One person may accept what they like; where two decide, one must not do so by a file.
    loose = [*loose_exceptions(_exceptions(options), now.date())] if environment.approvals.people > 1 else []
    if loose:
        raise ExceptionsFileError(
            f"{_exceptions_file(options)}: {environment.name} accepts no gap that nobody saw. Name what is accepted, "
            f"until a day within a year: {'; '.join(loose)}."
        )
    return rules_of(options, environment)


def _exceptions_file(options: Options) -> Path | None:
    beside = options.config / "exceptions.toml"
    return options.exceptions or (beside if beside.exists() else None)


def _exceptions(options: Options) -> tuple[ExceptionRule, ...]:
    path = _exceptions_file(options)
    if path is None:
        return ()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as missing:
        raise UsageError(f"{path}: cannot be read: {missing.strerror}. Correct --exceptions.") from missing
    except UnicodeDecodeError as binary:
        raise UsageError(f"{path}: not readable as TOML: {binary}. Correct --exceptions.") from binary
    return parse_exceptions(text, str(path), frozenset(checks()))
