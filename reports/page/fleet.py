"""A fleet as one HTML file that asks nobody for anything, in the style of each run's own page, which it links."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from dr_estate.model.visible import visible
from reports.page.render import engine, policy
from reports.values.fleet import Fleet, FleetMember

_PAGE_OF_RUN = "report.html"


def render(fleet: Fleet, folder: Path) -> str:
    """The page, to lie in ``folder``: links to the runs' own pages lead there from it."""
    links = {member.environment: _link(member, folder) for member in fleet.members}
    rehearsed = [member.environment for member in fleet.members if member.rehearsed]
    page = engine().get_template("fleet.html").render(fleet=fleet, links=links, rehearsed=rehearsed, policy=policy())
    return visible(page)


def _link(member: FleetMember, folder: Path) -> str:
    """The relative address of the run's page, "" where there is none."""
    if member.folder is None or not (member.folder / _PAGE_OF_RUN).is_file():
        return ""
    return quote(os.path.relpath(member.folder.resolve() / _PAGE_OF_RUN, folder.resolve()))
