"""Somebody changes the estate behind a failback's back, by plain calls: it stops with what it saw, and goes on later.

A parameter group or a policy that is set back lets the DR region take writes beside the primary: nobody is led on.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Side
from sandbox.client.traffic_writer import Writer, missing
from tests.proofs.changes import Aws
from tests.proofs.dying import Make, When, dying
from tests.proofs.enforced import Enforced, Written
from tests.proofs.rig import Rig
from tests.proofs.rough import FREEZE, PROMOTE, WEIGHTS
from tests.proofs.test_abort import FROZEN_FILES
from tests.utils.running import rules
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

Happens = Callable[[Aws], None]
TENTH, HALF = (WEIGHTS, 1), (WEIGHTS, 2)


def before(operation: str, nth: int, happens: Happens, aws: Aws) -> Make:
    """Clients that let something happen right before their ``nth`` call of ``operation``, and then send it."""
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
    while True:  # what is being applied is not in force yet
        (group,) = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBParameterGroups"]
        if group["ParameterApplyStatus"] == "in-sync":
            return
        time.sleep(0.05)


def let_rows_in(aws: Aws) -> None:
    """As an apply of Terraform does."""
    set_read_only(aws, "0")


def let_files_in(aws: Aws) -> None:
    efs = aws.client("efs", Side.DR)
    (system,) = efs.describe_file_systems()["FileSystems"]
    efs.delete_file_system_policy(FileSystemId=system["FileSystemId"])


def as_printed(screen: str, aws: Aws) -> None:
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
def test_where_the_dr_region_writes_again_nobody_moves_until_it_is_frozen(
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
    as_printed(screen, enforced.aws("admin"))
    with Writer(enforced.world, enforced.env, 0.1, case.replace(" ", "-")) as writer:
        again = due.run(case.replace(" ", "-"), later_s=86400)
        assert Exit.READY == again.wait(), again.said
    kind = "rows" if happens is let_rows_in else "files"
    assert {enforced.env.regions.primary} == {row.region for row in writer.written if row.kind == kind}
    assert written.is_primary()


def promote_by_hand(aws: Aws) -> None:
    aws.client("rds", Side.PRIMARY).promote_read_replica(DBInstanceIdentifier=aws.named(aws.env.names.database))


@pytest.mark.parametrize("moment", [FROZEN_FILES, FREEZE], ids=["before the freeze", "in the write pause"])
def test_a_foreign_promotion_stops_the_run_and_after_a_rename_it_can_abort(
    moment: str, due: Rig, enforced: Enforced, written: Written, tmp_path: Path
) -> None:
    """Before the freeze nobody is kept from writing for it."""
    due.begin()
    aws = enforced.aws("admin")
    run = due.run(f"promoted-{moment[:3]}", before(moment, 1, promote_by_hand, aws))
    assert Exit.ACTION_FAILED == run.wait(), run.said
    screen = " ".join(run.said.split())
    assert (
        "sit-mysql of af-south-1 was promoted, and not by this run: it follows sit-mysql of eu-west-1 no more" in screen
    )
    assert "The failback is past its point of no return: sit-mysql of af-south-1 was promoted." in screen
    assert "You can abort" not in screen
    sent = [f"{call['service']}:{call['operation']}" for call in due.world.mutations() if call["person"] == "operator"]
    assert (moment == FREEZE, False) == (FREEZE in sent, PROMOTE in sent)
    rules(tmp_path, "sit", enforced.settings)
    elsewhere = replace(enforced, home=tmp_path)
    refused = elsewhere.execute("failback", (), "--abort")
    assert Exit.REFUSED == refused.code, refused.said
    assert "where none are, rename it by hand, then abort again" in " ".join(refused.said.split())
    rds, name = aws.client("rds", Side.PRIMARY), aws.named(aws.env.names.database)
    rds.modify_db_instance(DBInstanceIdentifier=name, NewDBInstanceIdentifier="by-hand", ApplyImmediately=True)
    until_renamed(rds)
    ran = elsewhere.execute("failback", (), "--abort")
    assert (Exit.READY, []) == (ran.code, ran.denied), ran.said
    after = Writer(enforced.world, enforced.env, 0.02, f"after {moment[:3]}").write(0.3)
    dr = enforced.env.region(Side.DR)
    assert {row.region for row in after.written} == {dr}, after.refused
    assert [] == missing(after.sites, (*written.writer.written, *after.written), dr)


def until_renamed(rds: Any) -> None:
    ends = time.monotonic() + 600
    while "by-hand" not in [row["DBInstanceIdentifier"] for row in rds.describe_db_instances()["DBInstances"]]:
        assert time.monotonic() < ends, "it is not renamed"
        time.sleep(0.1)


def weights_sent(due: Rig) -> int:
    sent = [row for row in due.world.mutations() if row["operation"] == WEIGHTS.partition(":")[2]]
    return len(sent)
