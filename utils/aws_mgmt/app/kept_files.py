"""The files of a run that AWS started: its task keeps them, other commands fetch them. None fails for their sake."""

from __future__ import annotations

from pathlib import Path

from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.model.plan import SendFailed
from dr_estate.model.unavailable import DataUnavailable
from utils.aws_mgmt.app.connections import AppContext

# The folder of a command's results into which it fetches the files of AWS's task.
FOLDER = "aws"
LOST = (SendFailed, GuardRefused, DataUnavailable, OSError)


def keep_files(app: AppContext, incident: str, execution: str, folder: Path, without: str) -> str:
    """Keep the task's files but those of its folder ``without``; say where they are, or why they are not (T40)."""
    if app.run_files is None:
        return ""
    try:
        count = app.run_files.keep(incident, execution, folder, without)
    except LOST as lost:
        return f"The files of this run were not all kept in {app.run_files.place}: {lost}"
    return f"{count} files of this run are kept in {app.run_files.place}/{incident}/{execution}."


def fetch_files(app: AppContext, incident: str, folder: Path) -> str:
    """Fetch what AWS's tasks kept of the incident into ``folder``, and say where it is; "" where nothing was kept."""
    if app.run_files is None:
        return ""
    try:
        paths, others = app.run_files.fetch(incident, folder / FOLDER)
    except LOST as lost:
        return f"The files of AWS's task were not fetched from {app.run_files.place}: {lost}"
    foreign = f" Not fetched, for somebody else wrote there too: {', '.join(others)}." if others else ""
    if not paths:
        return foreign.strip()
    pages = [f", its page too: {path}" for path in paths if path.name == "report.html"]
    return f"{len(paths)} files of AWS's task in {folder / FOLDER}{''.join(pages[-1:])}.{foreign}"
