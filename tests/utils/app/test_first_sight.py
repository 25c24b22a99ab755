"""A long look shows what it has seen while the rest is read; a short one shows nothing but its result."""

from __future__ import annotations

import pytest

from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import ecs, http_sites, rds
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.worlds import SIT
from utils.aws_mgmt.app.first_sight import FirstSight

AFTER_S = 2.0
DARK = Unavailable(UnavailableKind.UNREACHABLE, "rds in af-south-1 does not answer.", "af-south-1")


class Look:
    """A look that has lasted for ``now`` seconds."""

    def __init__(self) -> None:
        self.now, self.notes = 0.0, list[str]()
        self.seen = FirstSight(SIT, self.notes.append, AFTER_S, lambda: self.now)


def test_nothing_is_shown_of_what_is_read_soon() -> None:
    look = Look()
    look.seen(rds.instances.name, Side.PRIMARY, DARK)
    look.now = AFTER_S - 0.1
    look.seen("another part", Side.DR, None)
    assert look.notes == []


def test_what_was_seen_is_shown_once_it_takes_long_and_each_line_once() -> None:
    look = Look()
    look.seen(rds.instances.name, Side.PRIMARY, DARK)
    look.seen(ecs.services.name, Side.DR, ())
    look.now = AFTER_S
    look.seen("another part", Side.DR, None)
    look.seen(http_sites.visits.name, Side.DR, None)
    assert look.notes == [
        "Seen so far: af-south-1, databases: rds in af-south-1 does not answer.",
        "Seen so far: eu-west-1, services: 0 of 0 tasks run, services: 0.",
        "Seen so far: eu-west-1, sites: no load balancer.",
    ]


@pytest.mark.proof
def test_the_first_lines_of_a_whole_look_are_of_both_regions(sandbox_world: Endpoint) -> None:
    keys, notes = sandbox_world.people["reader"], list[str]()
    credentials = Credentials(sandbox_world.url, keys.access_key_id, keys.secret_access_key)
    observe(SIT, credentials, "sandbox", seen=FirstSight(SIT, notes.append, 0.0))
    assert sorted(note.removeprefix("Seen so far: ") for note in notes) == [
        "af-south-1, databases: sit-mysql is available.",
        "af-south-1, services: 6 of 6 tasks run, services: 3.",
        "af-south-1, sites: 3 of 3 tenants answer with their own page.",
        "eu-west-1, databases: no instance.",
        "eu-west-1, services: 0 of 0 tasks run, services: 3.",
        "eu-west-1, sites: 0 of 3 tenants answer with their own page.",
    ]
