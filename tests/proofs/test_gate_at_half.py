"""A gate that fails at 50 percent while each tenant's writer goes on: visitors step back, one region writes.

The DR region was failed over to before. The command is the operator's, and the same one then leads everybody home.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

from dr_estate.config.environment import Side
from sandbox.client.traffic_writer import AcknowledgedWrite, Writer, doubled, missing
from tests.proofs.changes import Aws
from tests.proofs.rough import tasks_at_home, weights_sent
from tests.proofs.test_round_trip import Trip, trip
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

LOOKS_S = 0.1


@dataclass(frozen=True)
class Fails:
    """What fails at home: the first tenant's tasks stop as soon as half of the visitors are led there."""

    trip: Trip

    @property
    def aws(self) -> Aws:
        """Plain clients of somebody who may do everything."""
        tenants = self.trip.world.state()["tenants"]
        return Aws(self.trip.world.url, self.trip.world.people["admin"], self.trip.env, tenants[0])

    @contextmanager
    def at_half(self) -> Iterator[None]:
        """Let it fail then, while the block lasts."""
        over = threading.Event()
        somebody = threading.Thread(target=self._once_half, args=(over,), daemon=True)
        somebody.start()
        yield
        over.set()
        somebody.join()

    def _once_half(self, over: threading.Event) -> None:
        while not over.wait(LOOKS_S):
            if weights_sent(self.trip.world, self.trip.env)[-1:] == [50]:
                tasks_at_home(self.aws, 0)
                return


@contextmanager
def writing(of: Trip) -> Iterator[list[Writer]]:
    """A writer in each tenant, all the time."""
    hosts = Writer(of.world, of.env).sites.hosts
    with ExitStack() as stack:
        yield [stack.enter_context(Writer(of.world, of.env, 0.1, f"in {host}", (host,))) for host in hosts]


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trip]:
    """A platform of two tenants that was failed over, and whose primary region is well again."""
    with trip("sit", tmp_path_factory.mktemp("half")) as there:
        there.world.inject("primary-dark")
        ran = there.execute(there.weighed("failover"), "failover")
        assert ran.returncode == Exit.READY, ran.stdout + ran.stderr
        there.world.repair("primary-dark")
        there.world.reset_mutations()
        yield there


def one_region_at_a_time(written: list[AcknowledgedWrite], of: Trip) -> None:
    """No write was acknowledged by the DR region after the first that the primary took, whichever tenant's."""
    for kind in ("rows", "files"):
        acknowledged = [(datetime.fromisoformat(row.at), row.region) for row in written if row.kind == kind]
        regions = [region for _, region in sorted(acknowledged)]
        assert regions == sorted(regions, key=[of.env.regions.dr, of.env.regions.primary].index)
        assert set(regions) == {of.env.regions.dr, of.env.regions.primary}


def test_visitors_step_back_to_a_tenth_one_region_writes_and_the_same_command_leads_all_home(away: Trip) -> None:
    home = away.weighed("failback", "--staged")
    assert home["recommendation"] == "PROCEED", home["reasons"]
    with writing(away) as writers:
        with Fails(away).at_half():
            back = away.execute(home, "failback", "--staged")
        assert back.returncode == Exit.VALIDATION_FAILED, back.stdout + back.stderr
        assert weights_sent(away.world, away.env) == [10, 50, 10]
        last = " ".join(back.stdout.split())
        assert last.startswith("STEPPED BACK: A gate failed, and traffic went back to the last good weights: ")
        assert "traffic/shift_to_primary:50: gate.targets: too few healthy targets at home: sit-tenant-1-" in last
        assert f"Writes: the database of {away.env.regions.primary} alone takes them. It is past its" in last
        assert "Posture: RETURNING Answer: STEPPED BACK, exit 6" in last
        assert "fence --side" not in last
        status = " ".join(away.run("status", person="reader").stdout.split())
        assert f"writes: the database of {away.env.regions.primary} alone takes them. The failback is past" in status
        tasks_at_home(Fails(away).aws, away.env.capacity.tasks_per_service)
        done = away.execute(home, "failback", "--staged")
        assert done.returncode == Exit.READY, done.stdout + done.stderr
        assert weights_sent(away.world, away.env) == [10, 50, 10, 50, 100]
    written = [row for writer in writers for row in writer.written]
    one_region_at_a_time(written, away)
    primary = away.env.region(Side.PRIMARY)
    assert ([], []) == (missing(writers[0].sites, written, primary), doubled(writers[0].sites, primary))
