"""An account that the settings do not describe: no outage, and nothing to judge."""

from __future__ import annotations

from dr_checks.derived.misfit import Misfit, misfit_of
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import Environment
from dr_estate.model.estate_map import EstateMap, MappedKind
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.snapshot.snapshot import Snapshot
from utils.aws_mgmt.app.errors import UsageError, some
from utils.aws_mgmt.app.target import ObservedWorld

_SCAN_S = 30


class SettingsMisfit(UsageError):
    """The settings' names find neither cluster nor database nor a copy of it in either region."""

    def __init__(self, environment: Environment, misfit: Misfit, contents: str) -> None:
        self.misfit = misfit
        super().__init__(
            f"The settings of {environment.name} do not fit account {environment.account}: in "
            f"{' and '.join(misfit.regions)} there is no ECS cluster {misfit.cluster}, and no RDS instance "
            f"{misfit.database} or copy of it. That is no outage.{contents} `dr_cli.py scan` shows what the account "
            "runs; then correct [names] of the settings by it, or let `dr_cli.py init` write others."
        )


def refuse_misfit(snapshot: Snapshot, environment: Environment, world: ObservedWorld | None = None) -> None:
    """Raise SettingsMisfit where the names find nothing. ``world`` is asked what stands there instead."""
    misfit = misfit_of(snapshot, environment)
    if misfit is not None:
        raise SettingsMisfit(environment, misfit, _contents(environment, world) if world else "")


def _contents(environment: Environment, world: ObservedWorld) -> str:
    """What the account holds instead, in a sentence; "" where that could not be read."""
    # an estate that fits never needs these
    from dr_estate.scan.scan import NoEstate
    from utils.aws_mgmt.app.mapping import estate_map

    regions = (environment.regions.primary, environment.regions.dr)
    try:
        found = estate_map(environment, world, environment.account, regions, _SCAN_S)
    except NoEstate as none:
        return f" {none}"
    except (DataUnavailable, WrongAccount):
        return ""
    return f" There instead: {_platform(found)}."


def _platform(found: EstateMap) -> str:
    entries = [entry.name for entry in found.entries]
    clusters = list(dict.fromkeys(workload.cluster for workload in found.workloads))
    databases = [store.thing.name for store in found.stores if store.kind is MappedKind.DATABASE]
    parts = [("entry", entries), ("ECS cluster", clusters), ("database", databases)]
    named = [f"{what} {some(names)}" for what, names in parts if names]
    return f"{', '.join(named)} in {found.primary}"
