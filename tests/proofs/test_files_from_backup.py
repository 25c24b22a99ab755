"""Files from a backup: into a file system of their own, proven to be there, and mounted by every tenant's task."""

from __future__ import annotations

import http.client
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dr_actions.journal.entries import EntryKind
from dr_estate.config.environment import Side
from sandbox.client.endpoint import TOKEN_HEADER
from sandbox.client.traffic_writer import Sites
from tests.proofs.rig import rig
from tests.sandbox.conftest import client_of


def _status(place: dict[str, Any], host: str, token: str) -> int:
    """The status of the tenant's front page: 404 where its folder is empty, 401 where all of it is there (SIT)."""
    connection = http.client.HTTPConnection(place["address"], place["http"], timeout=5)
    with closing(connection):
        connection.request("GET", "/", headers={"Host": host, TOKEN_HEADER: token})
        return connection.getresponse().status


@pytest.mark.proof
def test_without_a_replica_the_files_of_the_newest_copy_are_served(tmp_path: Path) -> None:
    with rig(tmp_path, "efs-replication-deleted", "primary-dark") as due:
        steps = [step.id for step in due.start.plan.steps]
        code = due.run("away").wait()
        assert code == 0, due.said("away")
        efs = client_of(due.world, "efs", due.env.region(Side.DR), "admin")
        names = {row["Name"]: row for row in efs.describe_file_systems()["FileSystems"]}
        (old,) = [name for name in names if name.startswith("sit-efs-replaced-")]
        assert names["sit-efs"]["CreationToken"].startswith("sit-efs-restored-")
        assert names[old]["LifeCycleState"] == "available", "the old one stays"
        place, hosts = due.world.sites()[due.env.region(Side.DR)], Sites(due.world, due.env).hosts
        assert [_status(place, host, due.world.token) for host in hosts] == [401]
        confirmed = [entry.step for entry in due.whole_journal("away") if entry.kind is EntryKind.CONFIRMED]
        assert confirmed == steps
        assert confirmed.index("files/move_copy:sit-efs") < confirmed.index("traffic/shift_to_dr:wpsit.kimmyai.io")
