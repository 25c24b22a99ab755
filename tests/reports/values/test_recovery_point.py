"""An objective that is not met says why where no age of a copy does."""

from __future__ import annotations

import pytest

from dr_checks.core.model import Lag
from dr_checks.core.verdict import recovery_point
from dr_estate.config.environment import Side
from reports.values.report import objective_answer

DATABASE = Lag("database", "sit-mysql", None, Side.DR, 60.0, "snapshot")
NO_COPY = Lag("files", "sit-efs", None, Side.DR, None, "no copy", missing=True)
BACKUP_OF_IT = Lag("files", "sit-efs", None, Side.DR, 600.0, "backup")
UNSEEN = Lag("tables", "sit-state", None, Side.DR, None, "not seen")


@pytest.mark.parametrize(
    ("lags", "says"),
    [
        ((DATABASE,), "met"),
        ((DATABASE, UNSEEN), "not known"),
        ((DATABASE, NO_COPY), "NOT MET, no copy of files sit-efs"),
        ((DATABASE, NO_COPY, BACKUP_OF_IT), "met"),
        ((DATABASE, NO_COPY, UNSEEN), "NOT MET, no copy of files sit-efs"),
        (tuple(Lag("images", f"r{n}", None, Side.DR, None, "none", missing=True) for n in range(5)),
         "NOT MET, no copy of images r0, images r1, images r2 and 2 more"),
    ],
)  # fmt: skip
def test_a_store_without_a_copy_is_named(lags: tuple[Lag, ...], says: str) -> None:
    assert says == objective_answer(recovery_point(lags, 3600.0), lags)


def test_a_copy_that_is_too_old_shows_it_by_its_age() -> None:
    assert "NOT MET" == objective_answer(recovery_point((DATABASE,), 30.0), (DATABASE,))
