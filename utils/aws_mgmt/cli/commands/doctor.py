"""doctor: the first command on a real account. Tries every declared read, changes nothing."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

from dr_estate.config.environment import Environment
from dr_estate.model.durations import duration
from reports.render.diagnosis import FORMS, headline, render
from reports.terminal import console
from utils.aws_mgmt.app.automation import RecoveryAutomation
from utils.aws_mgmt.app.bundle import write_bundle
from utils.aws_mgmt.app.connections import open_context
from utils.aws_mgmt.app.diagnosis import diagnose, examine
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import READINESS, after_diagnosis
from utils.aws_mgmt.app.options import DoctorOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.target import world_of

_POLL_S, _LONGEST_S = 5.0, 1800.0


def doctor_command(options: DoctorOptions, environment: Environment) -> Exit:
    """Print the diagnosis, and keep the bundle in the run's folder. Raises WrongAccount.

    Returns 0 where nothing is in the way, 1 where something is to be granted or set right, 3 where a region is silent.
    """
    if options.start:
        return _start_to_look(options, environment)
    if options.format not in FORMS:
        raise UsageError(f"doctor is not written as {options.format}: use {', '.join(FORMS)}.")
    with run_folder(options) as folder, world_of(options, environment) as world:
        with console.progress() as advance:
            heard = examine(environment, world, lambda done, of: advance("Trying", done, of))
        diagnosis = diagnose(environment, world, heard, world.clock.now())
        # The bundle is written however the diagnosis comes out: it is needed most where things are not seen.
        path = folder / f"doctor-{environment.name}.zip"
        with console.working("Writing the bundle"):
            write_bundle(path, heard.exchanges, heard.snapshot, options.config / f"{environment.name}.toml")
    diagnosis = replace(diagnosis, bundle=str(path))
    width = console.width_of(sys.stdout)
    console.result(render(diagnosis, options.format, width=width), options.format)
    answer = f"{headline(diagnosis).rstrip('.')}, exit {diagnosis.exit}"
    console.conclude(options.format, answer, after_diagnosis(diagnosis))
    return Exit(diagnosis.exit)


def _start_to_look(options: DoctorOptions, environment: Environment) -> Exit:
    """Have AWS start the task as it starts a recovery's, without an approval: it runs `status`, and ends.

    That proves document, roles, network, image, log and the tool in it at once. Returns 0 where the task saw the
    estate, 1 where AWS did not bring it so far.
    """
    if not environment.automation.enabled:
        raise UsageError(f"AWS starts no runs of {environment.name} (automation.enabled): there is nothing to start.")
    with open_context(options, environment) as reached:
        automation = RecoveryAutomation(reached)
        found, began = automation.of(automation.start_look()), reached.clock.stopwatch()
        console.complain(f"AWS was asked for a dry start ({found.id}).")
        while not found.over and began() < _LONGEST_S:
            reached.clock.wait(threading.Event(), min(_POLL_S, environment.execution.poll_s))
            found = automation.of(found.id)
    family, code = environment.named(environment.names.recovery_task), found.exit_code
    # 1 counts: the task saw the estate, and found it not ready, which is no fault of the start.
    seen = code in (Exit.READY, Exit.NOT_READY) and not found.failure
    why = found.failure or f"it is not over after {duration(_LONGEST_S)}"
    answer = f"AWS starts a run: its task saw the estate in {duration(began())}, exit {code}"
    if not seen:
        console.complain(f"A run that AWS starts would not begin: {why.rstrip('.')}. Its log is /ecs/{family}.")
        answer = "AWS cannot start a run, exit 1"
    console.conclude(options.format, answer, READINESS)
    return Exit.READY if seen else Exit.NOT_READY
