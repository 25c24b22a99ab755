"""doctor: the first command on a real account. Tries every declared read, changes nothing."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Environment
from reports.render.diagnosis import FORMS, headline, render
from reports.terminal import console
from utils.aws_mgmt.app.bundle import write_bundle
from utils.aws_mgmt.app.diagnosis import diagnose, examine
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import after_diagnosis
from utils.aws_mgmt.app.options import DoctorOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.target import world_of


def doctor_command(options: DoctorOptions, environment: Environment) -> Exit:
    """Print the diagnosis, and keep the bundle in the run's folder. Raises WrongAccount.

    Returns 0 where nothing is in the way, 1 where something is to be granted or set right, 3 where a region is silent.
    """
    if options.format not in FORMS:
        raise UsageError(f"doctor is not written as {options.format}: use {', '.join(FORMS)}.")
    with run_folder(options) as folder, world_of(options, environment) as world:
        with console.progress() as advance:
            heard = examine(environment, world, lambda done, of: advance("Trying", done, of))
        diagnosis = diagnose(environment, world, heard, world.clock.now())
        path = folder / f"doctor-{environment.name}.zip"
        with console.working("Writing the bundle"):
            write_bundle(path, heard.exchanges, heard.snapshot, options.config / f"{environment.name}.toml")
    diagnosis = replace(diagnosis, bundle=str(path))
    console.result(render(diagnosis, options.format), machine=options.format == "json")
    answer = f"{headline(diagnosis).rstrip('.')}, exit {diagnosis.exit}"
    console.conclude(options.format, answer, after_diagnosis(diagnosis))
    return Exit(diagnosis.exit)
