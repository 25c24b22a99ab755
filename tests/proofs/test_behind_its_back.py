"""Somebody changes the estate behind a failback's back, by plain calls: it stops with what it saw, and goes on later.

A parameter group or a policy that is set back lets the DR region take writes beside the primary: nobody is led on.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from itertools import count

import pytest

from dr_estate.config.environment import Side
from sandbox.client.traffic_writer import Writer
from tests.proofs.changes import Aws
from tests.proofs.dying import Make, When, dying
from tests.proofs.enforced import Enforced, Written
from tests.proofs.rig import Rig
from tests.proofs.rough import PROMOTE, WEIGHTS
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

Happens = Callable[[Aws], None]
TENTH, HALF = (WEIGHTS, 1), (WEIGHTS, 2)


def before(operation: str, nth: int, happens: Happens, aws: Aws) -> Make:
    """Hands that let something happen right before their ``nth`` call of ``operation``, and then send it."""
    met = count(1)

    def decide(call: object) -> When | None:
        if getattr(call, "name", "") == operation and next(met) == nth:
            happens(aws)
        return None

    return dying(decide)


def set_read_only(aws: Aws, value: str) -> None:
    rds, name = aws.client("rds", Side.DR), aws.named(aws.env.names.database)
    (group,) = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBParameterGroups"]
    parameter = {"ParameterName": "read_only", "ParameterValue": value, "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName=group["DBParameterGroupName"], Parameters=[parameter])


def let_rows_in(aws: Aws) -> None:
    """As an apply of Terraform does."""
    set_read_only(aws, "0")


def let_files_in(aws: Aws) -> None:
    efs = aws.client("efs", Side.DR)
    (system,) = efs.describe_file_systems()["FileSystems"]
    efs.delete_file_system_policy(FileSystemId=system["FileSystemId"])


def as_told(screen: str, aws: Aws) -> None:
    """What the printed command does, by plain calls."""
    if "aws rds modify-db-parameter-group" in screen:
        set_read_only(aws, "1")
        return
    command = shlex.split(screen.partition("run `aws efs ")[2].partition("`, then")[0])
    given = dict(zip(command[1::2], command[2::2], strict=True))
    efs = aws.client("efs", Side.DR)
    efs.put_file_system_policy(FileSystemId=given["--file-system-id"], Policy=given["--policy"])


CASES = {
    "rows at the promotion": ((PROMOTE, 1), let_rows_in, 0),
    "rows at half": (HALF, let_rows_in, 2),
    "files at the promotion": ((PROMOTE, 1), let_files_in, 0),
    "files at a tenth": (TENTH, let_files_in, 1),
}


@pytest.mark.parametrize("case", CASES)
def test_where_the_dr_region_takes_writes_again_nobody_is_led_on_or_back_until_it_is_frozen_again(
    case: str, due: Rig, enforced: Enforced, written: Written
) -> None:
    (operation, nth), happens, led = CASES[case]
    due.begin()
    run = due.run(case.replace(" ", "-"), before(operation, nth, happens, enforced.aws("admin")))
    assert Exit.ACTION_FAILED == run.wait(), run.said
    screen = " ".join(run.said.split())
    what = "sit-mysql of eu-west-1" if happens is let_rows_in else "of eu-west-1"
    assert f"{what} can take writes again, beside af-south-1: " in screen
    assert "goes on from here" in screen
    assert led == weights_sent(due)
    if happens is let_rows_in:
        assert "Writes: the databases of both af-south-1 and eu-west-1 take them (T41)." in screen
    as_told(screen, enforced.aws("admin"))
    with Writer(enforced.world, enforced.env, 0.1, case.replace(" ", "-")) as writer:
        again = due.run(case.replace(" ", "-"), later_s=86400)
        assert Exit.READY == again.wait(), again.said
    kind = "rows" if happens is let_rows_in else "files"
    assert {enforced.env.regions.primary} == {row.region for row in writer.written if row.kind == kind}
    assert written.is_home()


def weights_sent(due: Rig) -> int:
    sent = [row for row in due.world.mutations() if row["operation"] == WEIGHTS.partition(":")[2]]
    return len(sent)
