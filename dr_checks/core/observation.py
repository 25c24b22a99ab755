"""Input of a scenario run: environment, snapshot, exceptions and tenants."""

from __future__ import annotations

from dataclasses import dataclass, field

from dr_checks.core.exceptions import ExceptionRule
from dr_estate.config.environment import Environment
from dr_estate.model.invocation import Invocation
from dr_estate.snapshot.snapshot import Snapshot

# The name of the plugin that brings the observation into this process, and takes the results as they are.
HANDED_IN = "dr-observation"


@dataclass(frozen=True)
class Observation:
    """Shared by all scenarios of a run. Its repr is quiet: evidence does not belong in a report's parameters.

    ``invocation`` completes the commands of the remedies.
    """

    environment: Environment = field(repr=False)
    snapshot: Snapshot = field(repr=False)
    only_tenants: frozenset[str] = frozenset()
    exceptions: tuple[ExceptionRule, ...] = field(default=(), repr=False)
    invocation: Invocation = field(default_factory=Invocation, repr=False)
