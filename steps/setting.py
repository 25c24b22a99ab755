"""The Given sentences: what the scenarios judge."""

from __future__ import annotations

from pytest_bdd import given

from dr_checks.core.observation import Observation


@given("the estate as observed in both regions", target_fixture="estate")
def estate_as_observed(observation: Observation) -> Observation:
    """The run's one observation; it is taken once, whatever the number of scenarios and workers."""
    return observation
