"""log: the incident log, from the journal's file, or from its mirror in the control table where there is no file."""

from __future__ import annotations

from pathlib import Path

from dr_actions.entries import Chain, Kind, read_chain
from dr_actions.hands import SendFailed
from dr_actions.journal import journal_path, read
from dr_actions.mirror import TableMirror
from dr_actions.pausing import PAUSES
from dr_estate.access import WrongAccount
from dr_estate.environments import Environment
from dr_estate.unseen import CannotSee
from reports import voice
from reports.incident_log import incident_log, render
from reports.review import review
from utils.aws_mgmt.commands import Refused, UsageError
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.past import journals
from utils.aws_mgmt.reaching import reach
from utils.aws_mgmt.request import Request
from utils.aws_mgmt.worlds import outlives

_FORMS = ("terminal", "markdown", "json")


def log_command(request: Request, environment: Environment) -> Exit:
    """Print the log. Returns 0 where the chain holds, 3 where it is broken. Offline where the file is there and whole.

    A file whose last run has no end may be behind its mirror (a full disk, another machine): then that is asked too.
    """
    if request.format not in _FORMS:
        raise UsageError(f"The incident log is not written as {request.format}: use {', '.join(_FORMS)}.")
    incident = str(request.arguments.get("incident", "")) or _newest(journals(request), environment)
    chain, source = _chain(request, environment, incident)
    if not chain.entries and chain.fault is None:
        raise UsageError(f"Nothing is recorded of {incident} in {environment.name}, here or in the control table.")
    log = incident_log(chain, environment.name, incident, source, environment.objectives.rto_minutes * 60)
    told = review(log) if "review" in request.flags else render(log, request.format)
    voice.result(told, machine=request.format == "json" and "review" not in request.flags)
    return Exit.READY if chain.fault is None else Exit.COULD_NOT_SEE


def _chain(request: Request, environment: Environment, incident: str) -> tuple[Chain, str]:
    try:
        path = journal_path(journals(request), environment.name, incident)
    except ValueError as wrong:
        raise UsageError(f"{wrong}.") from wrong
    if not path.exists():
        return _mirrored(request, environment, incident)
    local = read(path, environment.name, incident)
    if local.fault or _has_ended(local) or not outlives(request, environment):
        return local, str(path)
    try:
        mirrored, table = _mirrored(request, environment, incident)
    except (CannotSee, Refused, SendFailed, UsageError, WrongAccount):
        return local, f"{path} (its last run did not end, and the control table cannot be asked what it did since)"
    if mirrored.entries[: len(local.entries)] != local.entries:
        return local, f"{path} ({table} holds other entries: `failover --execute` says from which on)"
    return mirrored, f"{table}, which {path} is part of"


def _has_ended(chain: Chain) -> bool:
    of_runs = [entry.kind for entry in chain.entries if entry.kind not in PAUSES]
    return of_runs[-1:] == [Kind.END]


def _mirrored(request: Request, environment: Environment, incident: str) -> tuple[Chain, str]:
    with reach(request, environment) as reached:
        lines = "".join(line + "\n" for line in TableMirror(reached.control).fetch(incident))
    table = environment.named(environment.names.control_table)
    return read_chain(lines.encode(), environment.name, incident), f"table {table}"


def _newest(folder: Path, environment: Environment) -> str:
    ending = ".journal.jsonl"
    found = sorted(folder.glob(f"{environment.name}-*{ending}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UsageError(
            f"No journal of {environment.name} is in {folder}. Name the incident: `dr_cli.py log --incident INC-123`."
        )
    return found[-1].name.removeprefix(f"{environment.name}-").removesuffix(ending)
