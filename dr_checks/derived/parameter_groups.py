"""Commands that make a database parameter group of the DR region like the primary region's. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dr_checks.core.model import View
from dr_estate.config.environment import Side
from dr_estate.readers import rds_groups

_A_CALL = 20  # ModifyDBParameterGroup takes no more. Source: RDS API Reference.


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
