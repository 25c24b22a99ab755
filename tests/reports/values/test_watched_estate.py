"""What is watched through the night is what matters in the posture that is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_checks.posture.posture import PostureName
from reports.values.watched_estate import WatchedStore, age_text, watched_estate
from tests.dr_checks.worlds import SIT
from tests.golden.test_assessments import snapshot


@pytest.mark.parametrize(
    ("world", "posture", "stores"),
    [("sit-healthy", PostureName.NORMAL, 6), ("sit-on-dr", PostureName.ON_DR, 0)],
)
def test_the_age_of_copies_is_watched_while_they_are_copies(world: str, posture: PostureName, stores: int) -> None:
    seen = watched_estate(snapshot(world), SIT, ())
    assert (posture, stores) == (seen.posture.name, len(seen.stores))


def test_an_unmeasured_copy_is_no_share_of_its_objective() -> None:
    store = WatchedStore("files", "sit-efs", 1800.0, 3600.0)
    assert ("30 min of 1 h", "not measured (objective 1 h)") == (age_text(store), age_text(replace(store, age_s=None)))
