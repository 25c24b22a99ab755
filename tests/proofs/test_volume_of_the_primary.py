"""Tasks of the DR region that mount the primary's file system run on the DR region's, though the primary is dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from dr_actions.clients.mutating_client import MutatingClient
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, efs
from dr_estate.snapshot.observer import observe
from tests.proofs.rig import rig
from tests.proofs.watching import reader_of
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof


def test_a_failover_leads_the_tasks_to_the_files_of_their_own_region(tmp_path: Path) -> None:
    """The replication that shows whose file system it is ends before the new revision is written."""
    with rig(tmp_path, "efs-volume-of-the-primary", "primary-dark") as lost:
        lost.begin()
        run = lost.run("INC-7", MutatingClient)
        assert run.wait() == Exit.READY, run.said
        only = frozenset({ecs.services.name, ecs.task_definitions.name, efs.file_systems.name})
        seen = observe(lost.env, reader_of(lost.world), "sandbox", only=only, upon=lost.start.snapshot)
        here = {system.id for system in seen.get(efs.file_systems, Side.DR)}
        used = {service.task_definition for service in seen.get(ecs.services, Side.DR) if service.running}
        definitions = [d for d in seen.get(ecs.task_definitions, Side.DR) if isinstance(d, ecs.TaskDefinition)]
        mounted = {volume.file_system_id for d in definitions if d.arn in used for volume in d.volumes}
        assert mounted == here != set()
