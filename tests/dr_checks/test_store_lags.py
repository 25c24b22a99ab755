"""How far each store trails in the DR region, and when nobody can say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dr_checks.core.model import Lag, LagSource, View
from dr_checks.core.registry import lags
from dr_checks.files import efs
from dr_checks.objects import s3_lag
from dr_checks.security import secrets
from dr_checks.tables import dynamodb
from dr_estate.config.environment import Side
from dr_estate.readers import secretsmanager as facts
from dr_estate.readers.s3 import lag_metrics
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.examples.dynamodb import EXAMPLES as TABLES
from tests.dr_checks.examples.efs import ROW, estate
from tests.dr_checks.examples.s3_lag import LATENCIES
from tests.dr_checks.examples.secrets import CONTENTS, HERE, ONE, THERE
from tests.dr_checks.worlds import NOW, SIT, Values, world


def _lags(source: LagSource, snapshot: Snapshot) -> list[Lag]:
    return list(source.function(View("lag", Side.DR, SIT, snapshot)))


def test_files_trail_by_the_age_of_their_last_complete_sync() -> None:
    (lag,) = _lags(efs.files, world(estate()))
    assert (lag.store, lag.subject, lag.seconds) == ("files", "sit-efs", 720.0)
    assert "EFS replication" in lag.basis


def test_a_sync_that_ended_while_the_look_was_at_work_trails_by_nothing() -> None:
    (lag,) = _lags(efs.files, world(estate(replications_dr=(replace(ROW, synced_at=NOW + timedelta(seconds=3)),))))
    assert 0.0 == lag.seconds


def test_the_lag_of_files_is_unknown_while_their_replication_is_broken() -> None:
    (lag,) = _lags(efs.files, world(estate(replications_dr=(replace(ROW, status="ERROR"),))))
    assert lag.seconds is None
    (lag,) = _lags(efs.files, world(estate(replications_dr=())))
    assert lag.seconds is None


def test_objects_lag_by_the_published_latency_and_old_values_prove_nothing() -> None:
    old = replace(LATENCIES[0], at=NOW - timedelta(hours=2))
    found = _lags(s3_lag.objects, world({(lag_metrics, Side.DR): (old, *LATENCIES[1:])}))
    assert [lag.seconds for lag in found] == [None, 4.0, 4.0, 4.0]
    assert [lag.at_most_s for lag in found] == [7204.0, 64.0, 64.0, 64.0]


def test_tables_trail_by_their_replication_latency_in_seconds() -> None:
    assert {lag.seconds for lag in _lags(dynamodb.tables, TABLES[0].snapshot)} == {0.9}


def test_a_secret_that_missed_a_change_trails_by_the_age_of_that_change() -> None:
    stale = (THERE[0], replace(THERE[1], current_version="v0"))
    parts: Values = {
        (facts.secrets, Side.PRIMARY): HERE,
        (facts.secrets, Side.DR): stale,
        (facts.contents, Side.PRIMARY): CONTENTS,
        (facts.contents, Side.DR): CONTENTS,
    }
    found = {lag.subject: lag for lag in _lags(secrets.secrets, world(parts))}
    assert found[HERE[0].name].seconds == 0.0
    assert (found[ONE].seconds, found[ONE].tenant) == (9 * 86400.0, "tenant1")
    assert found[HERE[2].name].seconds is None


def test_a_store_has_one_name_whether_it_was_seen_or_not() -> None:
    seen = {"database", "files", "images", "objects", "secrets", "tables"}
    assert {lag.store for lag in lags(world({}), SIT)} == seen
