"""attach: watch the run that AWS started for an incident, from any machine. It only looks."""

from __future__ import annotations

from dr_estate.config.environment import Environment
from dr_estate.model.recovery_names import is_full
from utils.aws_mgmt.app.automation import RecoveryAutomation
from utils.aws_mgmt.app.connections import open_context
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import AttachOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.cli.watching import watch


def attach_command(options: AttachOptions, environment: Environment) -> Exit:
    """Watch the incident's newest run to its end; returns that run's exit code."""
    if not (environment.automation.enabled or (environment.holds_full_drills and is_full(options.incident))):
        raise UsageError(
            f"AWS starts no runs of {environment.name} (automation.enabled): `dr_cli.py log` shows the record of one "
            "that a person started."
        )
    if not options.incident:
        raise UsageError("Whose run? Name its incident: `dr_cli.py attach --incident INC-123`.")
    with run_folder(options) as folder, open_context(options, environment) as reached:
        found = RecoveryAutomation(reached).newest(options.incident)
        if found is None:
            raise UsageError(f"AWS knows no run for {options.incident} in {environment.name}.")
        return watch(reached, found.id, folder, options.format)
