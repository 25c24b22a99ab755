"""Registry of checks: all that are declared, by id, and how one is judged on a snapshot."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import dr_checks
from dr_checks.core.model import (
    Check,
    CheckResult,
    Finding,
    Judge,
    Lag,
    LagJudge,
    LagSource,
    NothingToJudge,
    Severity,
    Status,
    View,
    worst,
)
from dr_estate.config.environment import Environment, Side
from dr_estate.model.stores import DataStore
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.tenants import discover, host_of, is_chosen

_MACHINERY = {"core", "derived", "posture"}

T = TypeVar("T")


@cache
def checks() -> dict[str, Check]:
    """Every check by id."""
    return {found.id: found for found in _members(Check)}


@cache
def lag_sources() -> tuple[LagSource, ...]:
    """Every source of lags."""
    return tuple(_members(LagSource))


def _members(kind: type[T]) -> list[T]:
    found = (info.name for info in pkgutil.walk_packages(dr_checks.__path__, "dr_checks."))
    nouns = sorted(found, key=lambda name: name.rpartition(".")[2])
    modules = [importlib.import_module(name) for name in nouns if name.split(".")[1] not in _MACHINERY]
    return [value for module in modules for value in vars(module).values() if isinstance(value, kind)]


def judge(
    check: Check, snapshot: Snapshot, env: Environment, only_tenants: frozenset[str] = frozenset()
) -> CheckResult:
    """Judge one check on the snapshot. What cannot be seen becomes an UNKNOWN finding; no findings are UNKNOWN too.

    A check that examined no subject is not applicable: it neither passes nor counts.
    """
    reason = _absent_part(check.judge, env) or (check.applies(env) if check.applies else None)
    if reason:
        return CheckResult(check.id, check.severity, check.area, Status.NOT_APPLICABLE, (), reason=reason)
    findings: list[Finding] = []
    for side in check.sides:
        for seen, own in _entrances(check, snapshot, env):
            view = View(check.id, side, own.on(side), seen, only_tenants, _room(check).startswith(_OF_VISITORS))
            judged = [_weakened_finding(view, finding) for finding in _judge_side(check, view)]
            # A check that yields nothing looked at nothing, which must not pass.
            findings += _with_unreadable(judged, check, view) or [
                view.unknown(check.id, check.says, "The check found no resource to check.")
            ]
    if len(env.entrances) > 1:  # what they share is judged with each
        findings = list(dict.fromkeys(findings))
    status = worst([finding.status for finding in findings])
    idle = dict.fromkeys(finding.because for finding in findings) if status is Status.NOT_APPLICABLE else ()
    # A check that does not declare it stops nobody: status --severity blocker would leave it out.
    stopped = check.stops and any(finding.stops for finding in findings)
    severity = Severity.BLOCKER if stopped else check.severity
    return CheckResult(check.id, severity, check.area, status, tuple(findings), reason="; ".join(idle))


_BY_RECORD = (
    *("dns.dns.", "dns.dns_choice.", "dns.health_checks.", "dns.answers.", "edge.sites."),
    *("validation.validation.tenants_served", "validation.validation.answers_lead_here"),
)
_BY_BALANCER = (
    *("edge.elbv2", "edge.acm.", "network.vpc_reach.way_in", "network.vpc_acls.", "network.vpc_routes."),
    "compute.quotas.load_balancer",
)
"""The checks that judge one load balancer, or the records that lead to it: they judge each of the map by itself."""
_OF_VISITORS = (
    *("edge.", "dns.", "operations.tenants.", "compute.quotas.load_balancer"),
    "validation.validation.tenants_served",
)
"""The checks of what visitors reach: a worker, a service behind no load balancer, is none of their tenants."""


def _room(check: Check) -> str:
    return f"{check.judge.__module__}.{check.judge.__name__}".removeprefix("dr_checks.")


def _entrances(check: Check, snapshot: Snapshot, env: Environment) -> list[tuple[Snapshot, Environment]]:
    room = _room(check)
    if not room.startswith((*_BY_RECORD, *_BY_BALANCER)):
        return [(snapshot, env)]
    found = list(snapshot.of_entrances(env))
    # Nobody visits a load balancer that no record leads to: its services are judged by their targets.
    return [(seen, own) for seen, own in found if own.traffic.origin_record or not room.startswith(_BY_RECORD)]


def _names_secrets(env: Environment) -> object:
    return env.names.secrets or env.names.master_secret or env.names.tenant_secret


_DATABASE = ("database.", "compute.quotas.database", "compute.variables.database_host", "compute.variables.schema")
_OF_DATABASE = ("dns.private_names.database", "operations.supported.database", "validation.validation_data.database")
_PARTS: tuple[tuple[tuple[str, ...], Callable[[Environment], object], str], ...] = (
    (_DATABASE + _OF_DATABASE, lambda env: env.names.database, "names.database: the estate has no database"),
    (
        ("files.", "validation.validation_data.files"),
        lambda env: env.names.file_system,
        "names.file_system: the estate has no file system",
    ),
    (
        ("validation.validation_data.protected_again",),
        lambda env: env.names.database or env.names.file_system or env.names.buckets,
        "the estate has nothing but global tables, which replicate both ways",
    ),
    (("objects.",), lambda env: env.names.buckets, "names.buckets: the estate has no bucket"),
    (("tables.",), lambda env: env.names.tables, "names.tables: the estate has no table"),
    (("backup.",), lambda env: env.names.backup_plan, "names.backup_plan: the estate has no backup plan"),
    (("edge.cloudfront",), lambda env: env.traffic.distribution_alias, "traffic.distribution_alias: no CloudFront"),
    (("operations.terraform",), lambda env: env.names.state_bucket, "names.state_bucket: there is no Terraform state"),
    (("security.secret",), _names_secrets, "names.secrets, names.master_secret and names.tenant_secret name none"),
    (
        ("operations.topics", "validation.validation.topics_heard"),
        lambda env: env.names.topics,
        "names.topics names no topic",
    ),
    (("operations.alarms",), lambda env: env.names.alarms, "names.alarms names none"),
)
"""What an estate may do without: the rooms, modules and checks that judge it, its setting, and the reason."""


def _absent_part(function: Judge | LagJudge, env: Environment) -> str | None:
    """Why the function has nothing to judge: the settings say that the estate has none of it."""
    room = f"{function.__module__}.{function.__name__}".removeprefix("dr_checks.")
    return next((why for prefixes, setting, why in _PARTS if room.startswith(prefixes) and not setting(env)), None)


def _judge_side(check: Check, view: View) -> list[Finding]:
    findings: list[Finding] = []
    try:
        for finding in check.judge(view):
            findings.append(finding)  # noqa: PERF402 - what was judged before the view went dark is kept
        if not findings and check.none:
            findings.append(view.none_expected(*check.none))
    except NothingToJudge as nothing:
        findings.append(view.none_expected(nothing.subject, nothing.reason))
    except DataUnavailable as error:
        findings.append(view.unknown(view.region, check.says, error.unavailable))
    except Exception as defect:  # noqa: BLE001 - a defect of one check is its own UNKNOWN, and never stops the rest
        findings.append(view.unknown(view.region, check.says, _defect("The check", defect, view)))
    return findings


def _weakened_finding(view: View, finding: Finding) -> Finding:
    """The finding; UNKNOWN where a gap is about what AWS would name after a tenant that DNS alone shows."""
    if finding.status is not Status.FAIL or not finding.tenant:
        return finding
    try:
        tenants = discover(view.snapshot, view.env)
    except DataUnavailable:
        return finding  # its tenant is known from what the finding is about
    if not tenants[0].supposed:  # they are all of one source
        return finding
    named = next((tenant for tenant in tenants if tenant.id == finding.tenant), None)
    if named is None or host_of(named, view.env) in finding.subject:
        return finding
    reason = f"DNS alone shows the tenant {named.id}, and AWS may spell it otherwise: {finding.measured}."
    return view.unknown(finding.subject, finding.wanted, reason, finding.tenant)


def _defect(what: str, defect: Exception, view: View) -> Unavailable:
    reason = f"{what} failed ({type(defect).__name__}: {defect}). This is a defect: please report it."
    return Unavailable(UnavailableKind.DEFECT, reason, view.region)


def _with_unreadable(findings: list[Finding], check: Check, view: View) -> list[Finding]:
    """The findings, those against a row that was not understood, or against its tenant, replaced by an UNKNOWN."""
    for odd in view.unreadable.values():
        if odd.tenant and not is_chosen(odd.tenant, view.only_tenants):
            continue
        name = odd.name or view.region
        against = [f for f in findings if f.subject == name or (odd.tenant and f.tenant == odd.tenant)]
        findings = [f for f in findings if f not in against or f.status is Status.PASS]
        findings.append(view.unknown(name, check.says, odd.unseen, odd.tenant))
    return findings


def lags(snapshot: Snapshot, env: Environment, only_tenants: frozenset[str] = frozenset()) -> list[Lag]:
    """The lag of every store in the DR region; a store that cannot be measured has ``seconds`` None."""
    found: list[Lag] = []
    for source in lag_sources():
        if _absent_part(source.function, env):
            continue
        view = View(source.function.__name__, Side.DR, env.on(Side.DR), snapshot, only_tenants)
        try:
            found.extend(source.function(view))
        except DataUnavailable as error:
            found.append(_unmeasured_lag(source.store, error.unavailable))
        except Exception as defect:  # noqa: BLE001 - as of a check: one store is not measured, the rest are
            found.append(_unmeasured_lag(source.store, _defect("The lag's reading", defect, view)))
        found += [_unmeasured_lag(source.store, odd.unseen) for odd in view.unreadable.values()]
    return found


def _unmeasured_lag(store: DataStore, unavailable: Unavailable) -> Lag:
    return Lag(store.id, "all", None, Side.DR, None, f"not seen: {unavailable.why}", unseen=unavailable)
