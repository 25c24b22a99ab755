"""What the actions of a restore test share: the isolated names, the copies that are tried, and whose tenants ask. Pure.

A trial's name is its incident's: without one (an assessment) nothing can be named, and nothing is planned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import TypeVar

from dr_actions.actions.database import copy_selection
from dr_actions.actions.shared import (
    TenantService,
    tenant_services,
    tenants_of,
    tenants_without_service,
)
from dr_actions.model.action import PlanContext
from dr_checks.derived.database_copies import AUTOMATED, BACKUP, DatabaseCopy, copies_by, database_engine
from dr_estate.config.environment import Environment, Side
from dr_estate.model.engines import Engine
from dr_estate.model.recovery_names import is_trial, isolated_name
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import rds
from dr_estate.snapshot.tenants import Tenant

T = TypeVar("T")
# The time of the latest write in a restored database: a tag, because RDS itself does not report it.
RESTORED_TO = "RestoredTo"


def trial_only(plan_steps: Callable[[PlanContext], Iterator[T]]) -> Callable[[PlanContext], Iterator[T]]:
    """``plan_steps`` (or ``notes``) that yields nothing without a trial."""

    @wraps(plan_steps)
    def trial_steps(context: PlanContext) -> Iterator[T]:
        return plan_steps(context) if is_trial(context.incident) else iter(())

    return trial_steps


def database_name(env: Environment, incident: str) -> str:
    """The identifier of the database that the trial restores. Raises ValueError for an incident that is no drill."""
    return isolated_name(env.database_on(Side.DR), incident)


def database_of(context: PlanContext, name: str) -> rds.Instance | None:
    """The restored database of that name. Raises DataUnavailable."""
    return copy_selection.instance(context, name)


def copies(context: PlanContext) -> tuple[list[DatabaseCopy], list[Unavailable]]:
    """The database's copies that can be restored beside it, whatever a recovery prefers, and what could not be seen.

    A read replica is none: to promote it is to use it up.
    """
    found: list[DatabaseCopy] = []
    unavailable: list[Unavailable] = []
    order = (*context.env.replication.database, AUTOMATED, BACKUP)
    for mechanism in sorted((AUTOMATED, BACKUP), key=order.index):
        try:
            found += copies_by(copy_selection.view_of(context), mechanism)
        except DataUnavailable as error:
            unavailable.append(error.unavailable)
    return found, unavailable


def engine(context: PlanContext) -> Engine:
    """The database's engine."""
    return database_engine(copy_selection.view_of(context))


def newest(context: PlanContext) -> DatabaseCopy | None:
    """The usable copy that holds the newest data; of two alike the one that a recovery prefers."""
    measured = [copy for copy in copies(context)[0] if not copy.flaw and copy.age_s is not None]
    usable = [copy for copy in measured if copy_selection.sendable(copy)]
    # The order of the list is a recovery's: of two of one age the first is kept by min.
    return min(usable, key=lambda copy: copy.age_s or 0.0, default=None)


def sample_tenants(context: PlanContext) -> tuple[Tenant, ...]:
    """The tenants whose access points are opened, in order. Raises DataUnavailable where none can be discovered."""
    return tenants_of(context)[: context.env.drill.sample_tenants]


def querying_tenants(context: PlanContext) -> tuple[TenantService, ...]:
    """The tenants that ask the restored database, with their DR services, in order. Raises DataUnavailable."""
    return tenant_services(context, Side.DR)[: context.env.drill.sample_tenants]


def tenants_without_query(context: PlanContext) -> tuple[Tenant, ...]:
    """The tenants of the sample without a service in the DR region to ask with. Raises DataUnavailable."""
    return tuple(tenant for tenant in tenants_without_service(context, Side.DR) if tenant in sample_tenants(context))
