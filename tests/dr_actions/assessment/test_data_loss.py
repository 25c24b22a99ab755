"""What would be lost: each store's freshest usable copy, for every tenant that shares it, counted where it can be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.database.verify_zero_loss import FILES
from dr_actions.assessment.data_loss import Loss, losses_of, missing_items, planned_losses
from dr_actions.model.plan import Danger, Goal, Plan, Step
from dr_checks.core.model import Lag
from dr_checks.derived.database_copies import AUTOMATED, BACKUP, REPLICA
from dr_estate.config.environment import Side
from dr_estate.readers import dynamodb, s3
from dr_estate.reading.cloudwatch_metrics import Reading
from tests.dr_checks.worlds import DENIED, NOW, world

TABLE = dynamodb.Table(
    name="sit-tenant-state",
    status="ACTIVE",
    keys=("id:S",),
    indexes=(),
    items=100,
    billing="PAY_PER_REQUEST",
    read_units=0,
    write_units=0,
    replicas=(),
    global_version="2019.11.21",
    stream="NEW_AND_OLD_IMAGES",
    key="",
    table_class="STANDARD",
    expiry_attribute="",
    deletion_protection=True,
    recovery="ENABLED",
    restorable_until=NOW,
)
TENANTS = ("tenant1", "tenant2")


def _lag(store: str, subject: str, seconds: float | None, tenant: str | None = None, basis: str = "b") -> Lag:
    return Lag(store, subject, tenant, Side.DR, seconds, basis)


def _pending(bucket: str, value: float | None) -> Reading:
    return Reading("BytesPendingReplication", (("SourceBucket", bucket),), value, NOW, 0.0)


def _items(here: Any, there: Any, readings: Any = ()) -> dict[str, int]:
    return missing_items(
        world(
            {
                (dynamodb.tables, Side.PRIMARY): here,
                (dynamodb.tables, Side.DR): there,
                (s3.lag_metrics, Side.DR): readings,
            }
        )
    )


def test_the_freshest_measured_copy_of_a_store_is_what_is_lost() -> None:
    lags = [_lag("images", "i", None), _lag("images", "i", 90.0, basis="slow"), _lag("images", "i", 5.0, basis="fast")]
    assert losses_of(lags, TENANTS, {}) == (Loss("images", "i", None, 5.0, None, "fast"),)


def test_a_store_that_tenants_share_is_listed_for_each_of_them() -> None:
    found = losses_of([_lag("database", "sit-mysql", 300.0)], TENANTS, {})
    assert [(loss.tenant, loss.seconds) for loss in found] == [("tenant1", 300.0), ("tenant2", 300.0)]


def test_ages_count_to_the_start_of_an_outage_and_later_data_to_now() -> None:
    lags = [_lag("database", "sit-mysql", 4000.0), _lag("files", "sit-efs", 200.0)]
    stopped = replace(_lag("objects", "bucket", None), at_most_s=1900.0)
    found = losses_of([*lags, stopped, _lag("images", "i", None)], (), {}, outage_s=1800.0)
    assert [loss.seconds for loss in found] == [2200.0, 200.0, 100.0, None]


def test_a_store_of_one_tenant_is_listed_once_and_an_unshared_one_for_none() -> None:
    lags = [_lag("secrets", "s1", 0.0, "tenant1"), _lag("objects", "bucket", 4.0)]
    assert [loss.tenant for loss in losses_of(lags, TENANTS, {})] == ["tenant1", None]


def test_where_no_tenant_is_known_a_shared_store_is_listed_all_the_same() -> None:
    assert [loss.tenant for loss in losses_of([_lag("files", "sit-efs", 1.0)], (), {})] == [None]


def test_an_unmeasured_loss_is_no_number_and_no_copy_is_called_missing() -> None:
    blind = _lag("files", "sit-efs", None, basis="not seen")
    gone = replace(blind, subject="other", missing=True, basis="no copy")
    found = losses_of([blind, gone], ("tenant1",), {})
    assert [(loss.seconds, loss.missing, loss.basis) for loss in found] == [
        (None, False, "not seen"),
        (None, True, "no copy"),
    ]


def test_items_are_counted_by_table_and_bucket_where_something_counts() -> None:
    lags = [_lag("tables", "sit-tenant-state", 1.0), _lag("objects", "bucket", 4.0), _lag("objects", "other", 4.0)]
    found = losses_of(lags, ("tenant1",), {"sit-tenant-state": 3, "bucket": 0})
    assert [loss.items for loss in found] == [3, 0, None]


def test_a_replica_lacks_its_difference_to_the_primary_and_never_less() -> None:
    assert _items((TABLE,), (replace(TABLE, items=97),)) == {"sit-tenant-state": 3}
    assert _items((TABLE,), (replace(TABLE, items=120),)) == {"sit-tenant-state": 0}


def test_a_table_without_a_replica_loses_all_of_it() -> None:
    assert _items((TABLE,), (replace(TABLE, status="absent", items=0),)) == {"sit-tenant-state": 100}


def test_a_table_that_one_side_did_not_show_is_not_counted() -> None:
    assert _items((DENIED, TABLE), (DENIED,)) == {}
    assert _items(DENIED, (TABLE,)) == {}
    assert _items((TABLE,), DENIED) == {}


def test_nothing_pending_loses_nothing_and_pending_bytes_are_not_counted() -> None:
    readings = (_pending("empty", 0.0), _pending("busy", 512.0), _pending("silent", None))
    assert _items((), (), readings) == {"empty": 0}
    assert _items((TABLE,), (TABLE,), DENIED) == {"sit-tenant-state": 0}


def test_other_metrics_of_a_bucket_count_nothing() -> None:
    latency = replace(_pending("bucket", 0.0), name="ReplicationLatency")
    assert _items((), (), (latency,)) == {}


LAGS = (
    _lag("database", "sit-mysql", 161.0),
    _lag("files", "sit-efs", 300.0),
    _lag("objects", "b", 4.0),
)


def _switchover(*mechanisms: str) -> Plan:
    """A switchover that proves what is copied so."""
    proofs = [
        Step(
            id=f"database/verify_zero_loss:{mechanism}",
            number=3,
            stage=39,
            action="database/verify_zero_loss",
            subject="sit",
            owner="",
            side=Side.DR,
            says="",
            danger=Danger.REVERSIBLE,
            undo="",
            budget_s=1,
            before={"mechanism": mechanism, "copy": "c"},
        )
        for mechanism in mechanisms
    ]
    return Plan("sit", "0", Goal.SWITCHOVER, "NORMAL", tuple(proofs))


@pytest.mark.parametrize(
    ("mechanisms", "lost"),
    [
        ((REPLICA, FILES), (0.0, 0.0, 4.0)),
        ((AUTOMATED,), (0.0, 300.0, 4.0)),
        ((BACKUP, FILES), (161.0, 0.0, 4.0)),
        ((), (161.0, 300.0, 4.0)),
    ],
)
def test_a_switchover_loses_nothing_of_what_its_plan_proves_whole(
    mechanisms: tuple[str, ...], lost: tuple[float, ...]
) -> None:
    """Files that are restored of a backup copy have no proof, and a database's backup copy cannot give one."""
    losses = planned_losses(losses_of(LAGS, (), {}), _switchover(*mechanisms))
    assert lost == tuple(loss.seconds for loss in losses)
    assert ["zero loss is proven" in loss.basis for loss in losses] == [loss.seconds == 0 for loss in losses]


def test_what_was_not_seen_of_a_switchover_is_not_said_to_be_whole() -> None:
    (loss,) = planned_losses(losses_of([_lag("files", "sit-efs", None)], (), {}), _switchover(FILES))
    assert loss.seconds is None
