"""test --tabletop: look once, walk through both playbooks, and record what the participants decide."""

from __future__ import annotations

import getpass
import tomllib
from pathlib import Path

from dr_actions.assessment.tabletop import TabletopStop, walk_through
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment
from dr_estate.model.run_records import RunKind
from reports.render import tabletop
from reports.render.tabletop import Exercise, TabletopDecision
from reports.terminal import console
from utils.aws_mgmt.app.areas import disasters
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evaluation import CommandRun, read
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import DrTestOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.run_history import RunEvidence, record, record_runs
from utils.aws_mgmt.cli.terminal import Terminal


def tabletop_command(options: DrTestOptions, environment: Environment) -> Exit:
    """Hold the exercise. Returns 0, 1 where there are gaps. Its record is in the run's folder."""
    given = _answers(options)
    clock = WorldClock()
    began_s = clock.monotonic()
    with run_folder(options) as folder:
        with console.progress() as advance:
            snapshot = read(options, environment, CommandRun(folder, Terminal(), advance, clock=clock))
        stops = walk_through(environment, snapshot, disasters(), snapshot.taken_at.toordinal())
        ask = Terminal().has_person and given is None and not options.non_interactive
        decisions = _talk(stops) if ask else _find(given or (), stops)
        exercise = Exercise(environment.name, snapshot.world, snapshot.taken_at, stops, decisions)
        (folder / "tabletop.md").write_text(console.complete_commands(tabletop.markdown(exercise)), encoding="utf-8")
        (folder / "tabletop.json").write_text(tabletop.as_json(exercise), encoding="utf-8")
        notes = _record_exercise(options, environment, exercise, RunEvidence(folder, clock, began_s, "tabletop.json"))
    for note in notes:
        console.complain(note)
    if options.format == "json":
        console.result(tabletop.as_json(exercise), options.format)
    elif options.format == "markdown":
        console.result(tabletop.markdown(exercise), options.format)
    else:
        text = "" if ask else "\n".join(tabletop.text(stop) for stop in stops) + "\n"
        ending = f"{len(exercise.gaps)} gaps, {len(decisions)} decisions recorded: {folder / 'tabletop.md'}\n"
        console.result(text + ending)
    answer = f"{len(exercise.gaps)} gaps, {len(decisions)} decisions, exit {int(bool(exercise.gaps))}"
    console.conclude(options.format, answer, "`dr_cli.py schedule` shows which test is due next.")
    return Exit.NOT_READY if exercise.gaps else Exit.READY


def _record_exercise(
    options: DrTestOptions, environment: Environment, exercise: Exercise, proof: RunEvidence
) -> tuple[str, ...]:
    """Record it in the history; what nobody decided anything in was prepared, and is no exercise yet."""
    has_decisions = bool(exercise.decisions)
    verdict = f"{len(exercise.gaps)} gaps" if has_decisions else "prepared"
    run_record = record(RunKind.TABLETOP, exercise.world, verdict, has_decisions and not options.only_tenants, proof)
    why = () if has_decisions else ("No decision was recorded: this prepares an exercise, and does not count as one.",)
    return (*why, *record_runs(options, environment, (run_record,)))


def _talk(stops: tuple[TabletopStop, ...]) -> tuple[TabletopDecision, ...]:
    """Read each stop out and take down what is decided; an empty line decides nothing."""
    who, decided = getpass.getuser(), []
    for stop in stops:
        console.result(tabletop.text(stop))
        message = console.ask("  Your decision: ").strip()
        if message:
            decided.append(TabletopDecision(stop.playbook, stop.number, who, message))
    return tuple(decided)


def _answers(options: DrTestOptions) -> tuple[TabletopDecision, ...] | None:
    """The decisions of ``--answers FILE``: TOML with ``[[decision]]`` tables of playbook, step, who, says."""
    path = options.answers
    if path is None:
        return None
    try:
        rows = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("decision", [])
        return tuple(TabletopDecision(str(r["playbook"]), int(r["step"]), str(r["who"]), str(r["says"])) for r in rows)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise UsageError(f"{path}: cannot be read as TOML: {wrong}. Correct --answers.") from wrong
    except (KeyError, TypeError, ValueError) as wrong:
        message = "each [[decision]] has playbook, step, who and says"
        raise UsageError(f"{path}: {message} ({type(wrong).__name__}: {wrong}).") from wrong


def _find(given: tuple[TabletopDecision, ...], stops: tuple[TabletopStop, ...]) -> tuple[TabletopDecision, ...]:
    there = {(stop.playbook, stop.number) for stop in stops}
    for decision in given:
        if (decision.playbook, decision.step) not in there:
            raise UsageError(f"--answers: {decision.playbook} has no step {decision.step}.")
    return given
