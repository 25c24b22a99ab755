"""A lent world is as old as it began, however long it lay idle between two tests."""

from __future__ import annotations

import pytest

from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side
from dr_estate.readers import backup
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.worlds import SIT
from tests.worlds import borrowed

_TWO_HOURS_S = 7200
_BETWEEN_TWO_LOOKS_S = 600


def test_a_world_is_lent_again_as_old_as_it_began_however_long_it_lay_idle() -> None:
    with borrowed(SIT, tenants=1) as idle:
        began_s = _oldest_backup_s(idle)
    idle.age(_TWO_HOURS_S)
    assert _oldest_backup_s(idle) >= began_s + _TWO_HOURS_S, "an idle world goes on"
    with borrowed(SIT, tenants=1) as lent:
        assert lent.url == idle.url
        assert pytest.approx(began_s, abs=_BETWEEN_TWO_LOOKS_S) == _oldest_backup_s(lent)


def _oldest_backup_s(world: Endpoint) -> float:
    """How old the oldest recovery point of the primary region is, in seconds."""
    keys = world.people["reader"]
    reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
    seen = observe(SIT, reader, "sandbox", only=frozenset({backup.recovery_points.name}))
    points = seen.get(backup.recovery_points, Side.PRIMARY)
    return max((seen.taken_at - point.created_at).total_seconds() for point in points)
