"""A failover away from a primary that is sick and not dead: it never waits for that region, and everybody is served.

Met as a user meets it, by the command line. Each sickness that the sandbox knows is played, and a dark region.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import read
from dr_actions.model.plan import prefix_of
from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites
from tests.utils.running import Ran, at_endpoint, journal_of, rules
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

QUICK = (
    "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\nprimary_minutes = 0.1\n"
    "[observation]\nattempts = 1\nread_timeout_s = 5\ndeadline_s = 30"
)
CONFIRMED = "--confirm files/restore_dr:sit-efs"
LOCALLY = "--confirm files/open_dr_locally:sit-efs"
GOES = "--override posture.expected Jane 2099-01-01T00:00Z impaired"
UNFENCED = "--override fence.primary Jane 2099-01-01T00:00Z sick"


@dataclass(frozen=True)
class Estate:
    world: Endpoint
    env: Environment
    home: Path
    config: Path

    def run(self, words: str) -> Ran:
        """Run a failover for the incident as the operator."""
        words = f"-e sit --config {self.config} --format json failover --execute --incident INC-1 {words}"
        return at_endpoint(self.world, self.home, words, "operator")

    def entries(self, *kinds: EntryKind) -> list[Entry]:
        """The journal's entries of these kinds."""
        path = journal_of(self.home, "sit", "INC-1")
        assert path is not None
        return [entry for entry in read(path, "sit", "INC-1").entries if entry.kind in kinds]

    def done(self, action: str) -> bool:
        """Whether a step of the action was confirmed."""
        return action in {prefix_of(entry.step or "") for entry in self.entries(EntryKind.CONFIRMED)}


@pytest.fixture
def sit(tmp_path: Path) -> Iterator[Estate]:
    config = rules(tmp_path, "sit", QUICK)
    env = load_environment(config, "sit")
    with borrowed(env, tenants=1) as world:
        world.timing(transition_s=0.1, slow_s=10)
        yield Estate(world, env, tmp_path, config)


@pytest.mark.parametrize(
    ("disaster", "words", "unfenced"),
    [
        ("primary-dark", CONFIRMED, True),
        ("primary-tasks-die", f"{CONFIRMED} {LOCALLY} {GOES}", False),
        ("primary-reads-only", f"{CONFIRMED} {LOCALLY} {GOES} {UNFENCED}", True),
        ("primary-slow-and-failing", CONFIRMED, True),
        ("primary-throttled-and-down", f"{CONFIRMED} {GOES} {UNFENCED}", True),
    ],
)
def test_everybody_is_served_by_the_dr_region(sit: Estate, disaster: str, words: str, unfenced: bool) -> None:
    sit.world.inject(disaster)
    ran = sit.run(words)
    assert ran.code == Exit.READY, ran.err + ran.out
    assert ran.report["run"]["outcome"] == "done"
    assert ("UNFENCED" in ran.report["run"]["says"]) is unfenced
    assert Sites(sit.world, sit.env).serving() == sit.env.region(Side.DR)


def test_a_primary_that_nothing_stops_is_unfenced_once_accepted_by_name(sit: Estate) -> None:
    sit.world.inject("primary-reads-only")
    words = f"{CONFIRMED} {LOCALLY} {GOES}"
    refused = sit.run(words)
    assert refused.code == Exit.ACTION_FAILED, refused.err
    assert "fence.primary: The old primary is UNFENCED" in refused.report["run"]["says"]
    assert not sit.done("database/restore_dr")
    went_on = sit.run(f"{words} {UNFENCED}")
    assert went_on.code == Exit.READY, went_on.err
    assert [entry.data["gate"] for entry in sit.entries(EntryKind.LOOKED) if "gate" in entry.data] == ["fence.primary"]
    by = {(entry.data["by"], entry.data["arn"].rpartition("/")[2]) for entry in sit.entries(EntryKind.OVERRIDE)}
    assert by == {("Jane", "operator")}, "whoever is named, the caller is known"
    assert sit.done("files/open_dr_locally")
    assert not sit.done("files/restore_dr")
