"""Database parameter groups: which refuses writes, and commands that make the DR region's like the primary's. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dr_checks.core.model import Remedy, View
from dr_estate.config.environment import Side
from dr_estate.model.engines import engine_of
from dr_estate.readers import rds, rds_groups

_A_CALL = 20  # ModifyDBParameterGroup takes no more. Source: RDS API Reference.


def refusing_group(view: View, instance: rds.Instance) -> rds_groups.ParameterGroup | None:
    """The group by which the instance refuses writes now, None where none does. Raises DataUnavailable."""
    # A group that is not in-sync does not yet work in the database (API_DBParameterGroupStatus).
    working = {name for name, applied in instance.parameter_groups if applied == "in-sync"}
    found = (group for group in view.get(rds_groups.parameter_groups) if group.name in working)
    return next((group for group in found if engine_of(group.family).refuses_writes(group.parameters)), None)


def writable_group(view: View, group: rds_groups.ParameterGroup) -> Remedy:
    """The remedy that lets databases with the group take writes."""
    engine = engine_of(group.family)
    parameter, value = engine.read_only, engine.writable
    row = {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": "immediate"}
    command = view.command("rds", "ModifyDBParameterGroup", DBParameterGroupName=group.name, Parameters=[row])
    return Remedy(
        f"aws_db_parameter_group '{group.name}' in {view.region}: {parameter} = {value}, or not set.", (command,)
    )


def create_parameter_group(view: View, name: str) -> tuple[str, ...]:
    """Commands that make the group with the values of the primary's of that name, none where that was not seen."""
    groups = view.read_for_remedy(rds_groups.parameter_groups, Side.PRIMARY) or ()
    model = next((group for group in groups if group.name == name), None)
    if model is None:
        return ()
    described = {"DBParameterGroupFamily": model.family, "Description": f"As in {view.env.regions.primary}"}
    create = view.command("rds", "CreateDBParameterGroup", DBParameterGroupName=name, **described)
    return (create, *set_parameters(view, name, dict(model.parameters)))


def set_parameters(view: View, name: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """Commands that set the values; each counts from the next start of an instance on, which every kind allows."""
    rows = [
        # "immediate" is refused for static parameters, pending-reboot for none (API_Parameter, ApplyMethod).
        {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
        for parameter, value in sorted(values.items())
    ]
    return tuple(
        view.command("rds", "ModifyDBParameterGroup", DBParameterGroupName=name, Parameters=some)
        for some in (rows[at : at + _A_CALL] for at in range(0, len(rows), _A_CALL))
    )
