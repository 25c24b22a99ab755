"""status and test: one observation, the chosen scenarios, one report."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from dr_actions.posture import posture_of
from dr_checks.exceptions import ExceptionRule, parse_exceptions
from dr_checks.model import Area, CheckResult
from dr_checks.observation import Observation
from dr_checks.registry import checks, lags
from dr_checks.verdict import Verdict, weigh
from dr_estate.environments import Environment
from dr_estate.observing import observe
from dr_estate.snapshot import Snapshot, read_evidence, to_json
from dr_estate.tenants import discover
from dr_estate.unseen import CannotSee
from reports import rendering, voice
from reports.allure_files import finish_results
from reports.report import Report
from utils.aws_mgmt.commands import UsageError, run_folder
from utils.aws_mgmt.exits import Exit, exit_of
from utils.aws_mgmt.memory import recall_tenants, remember_tenants
from utils.aws_mgmt.request import Request
from utils.aws_mgmt.validation import Selection, run_scenarios
from utils.aws_mgmt.worlds import world_of


def judge_readiness(request: Request, environment: Environment, areas: tuple[Area, ...]) -> Exit:
    """Look (or load evidence), judge the scenarios of ``areas``, write and print the report. Returns its exit code."""
    rules = _exceptions(request)
    with run_folder(request) as folder, voice.progress() as advance:
        snapshot = _snapshot(request, environment, advance)
        evidence = _keep(snapshot, request.save_evidence, folder)
        observation = Observation(environment, snapshot, _narrowed(request, snapshot, environment), rules)
        selection = Selection(
            areas, folder / "allure-results", request.workers, evidence, request.config, _exceptions_file(request)
        )
        total, done = sum(check.area in areas for check in checks().values()), 0

        def judged(_: CheckResult) -> None:
            nonlocal done
            done += 1
            advance("Judging", done, total)

        results = run_scenarios(selection, observation, judged)
    measured = lags(snapshot, environment, observation.only_tenants) if _tells_lags(areas, environment) else []
    verdict = weigh(results, measured, environment.objectives.rpo_minutes * 60.0)
    report = _report(request, environment, observation, verdict)
    files = finish_results(report, folder, html="report" in request.flags)
    rendering.print_report(replace(report, files=files.paths, notes=files.notes), request.format, sys.stdout)
    return Exit(report.exit)


def _snapshot(request: Request, environment: Environment, advance: voice.Advance) -> Snapshot:
    if request.from_evidence:
        snapshot = read_evidence(request.from_evidence)
        if (snapshot.environment, snapshot.account) != (environment.name, environment.account):
            raise UsageError(
                f"{request.from_evidence} is evidence of {snapshot.environment} (account {snapshot.account}), "
                f"not of {environment.name} (account {environment.account}). Choose the right -e."
            )
        return replace(snapshot, world=f"{snapshot.world}, from evidence")
    with world_of(request, environment) as world:
        snapshot = observe(environment, world.credentials, world.name, lambda n, of: advance("Looking", n, of))
    snapshot = replace(snapshot, remembered_tenants=recall_tenants(environment, world.name))
    remember_tenants(snapshot, environment)
    return snapshot


def _keep(snapshot: Snapshot, wanted: Path | None, folder: Path) -> Path:
    kept = folder / "evidence.json"
    data = to_json(snapshot)
    for path in (kept, wanted):
        if path is not None:
            path.write_bytes(data)
            path.chmod(0o600)
    return kept


def _narrowed(request: Request, snapshot: Snapshot, environment: Environment) -> frozenset[str]:
    """Refuse a tenant nobody knows: a misspelt selection is never green."""
    wanted = frozenset(request.only_tenants)
    if not wanted:
        return wanted
    try:
        known = {name for tenant in discover(snapshot, environment) for name in (tenant.id, tenant.dns)}
    except CannotSee:
        return wanted
    if wanted - known:
        raise UsageError(f"There is no tenant {min(wanted - known)} in {environment.name}. Correct --tenant.")
    return wanted


def _tells_lags(areas: tuple[Area, ...], environment: Environment) -> bool:
    return Area.REPLICATION in areas and environment.replicates


def _report(request: Request, environment: Environment, observation: Observation, verdict: Verdict) -> Report:
    snapshot = observation.snapshot
    posture = posture_of(snapshot, environment)
    try:
        found = discover(snapshot, environment)
        tenants = tuple(t.id for t in found if not observation.only_tenants or {t.id, t.dns} & observation.only_tenants)
    except CannotSee:
        tenants = ()
    return Report(
        command=request.command,
        environment=environment,
        world=snapshot.world,
        observed_at=snapshot.taken_at,
        posture=posture.name,
        posture_says=posture.says,
        tenants=tenants,
        verdict=verdict,
        unseen=tuple(snapshot.unseen()),
        exceptions=observation.exceptions,
        api_calls=0 if request.from_evidence else snapshot.api_calls,
        exit=exit_of(verdict),
    )


def _exceptions_file(request: Request) -> Path | None:
    beside = request.config / "exceptions.toml"
    return request.exceptions or (beside if beside.exists() else None)


def _exceptions(request: Request) -> tuple[ExceptionRule, ...]:
    path = _exceptions_file(request)
    if path is None:
        return ()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as missing:
        raise UsageError(f"{path}: cannot be read: {missing.strerror}. Correct --exceptions.") from missing
    return parse_exceptions(text, str(path), frozenset(checks()))
