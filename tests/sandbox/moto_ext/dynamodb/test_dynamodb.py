"""DynamoDB global tables: replicas in another region, writes that follow, and writes that wait out an outage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import cloudpickle
import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from sandbox.core.state import STATE, now
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, go_dark

TABLE = "shop-tenant-state"


def _item(key: str, value: str, order: str = "1") -> dict[str, Any]:
    return {"id": {"S": key}, "order": {"S": order}, "value": {"S": value}}


def _key(key: str, order: str = "1") -> dict[str, Any]:
    return {"id": {"S": key}, "order": {"S": order}}


def _table(aws: Clients) -> Any:
    dynamodb = aws("dynamodb", PRIMARY)
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "order", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "order", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=TABLE, Item=_item("before", "old"))
    return dynamodb


def _replicated(aws: Clients) -> tuple[Any, Any]:
    dynamodb = _table(aws)
    dynamodb.update_table(TableName=TABLE, ReplicaUpdates=[{"Create": {"RegionName": DR}}])
    return dynamodb, aws("dynamodb", DR)


def _values(client: Any) -> dict[str, str]:
    items = client.scan(TableName=TABLE)["Items"]
    return {item["id"]["S"]: item["value"]["S"] for item in items}


def test_both_sides_show_an_active_replica_and_hold_the_same_items(served: Clients) -> None:
    primary, standby = _replicated(served)
    for client, other in ((primary, DR), (standby, PRIMARY)):
        seen = client.describe_table(TableName=TABLE)["Table"]
        assert seen["Replicas"] == [{"RegionName": other, "ReplicaStatus": "ACTIVE"}]
        assert seen["GlobalTableVersion"] == "2019.11.21"
    assert standby.describe_table(TableName=TABLE)["Table"]["TableArn"].split(":")[3] == DR
    assert _values(standby) == {"before": "old"}


def test_a_table_of_one_region_has_no_replicas(aws: Clients) -> None:
    assert "Replicas" not in _table(aws).describe_table(TableName=TABLE)["Table"]


def test_every_kind_of_write_follows(aws: Clients) -> None:
    primary, standby = _replicated(aws)
    primary.put_item(TableName=TABLE, Item=_item("put", "1"))
    primary.update_item(
        TableName=TABLE,
        Key=_key("updated"),
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "value"},
        ExpressionAttributeValues={":v": {"S": "2"}},
    )
    primary.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": _item("batch", "3")}}]})
    primary.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": _item("transact", "4")}}])
    primary.delete_item(TableName=TABLE, Key=_key("before"))
    assert _values(standby) == {"put": "1", "updated": "2", "batch": "3", "transact": "4"}
    standby.put_item(TableName=TABLE, Item=_item("back", "5"))
    assert _values(primary)["back"] == "5"


def test_a_refused_transaction_reaches_nobody(aws: Clients) -> None:
    primary, standby = _replicated(aws)
    with pytest.raises(ClientError, match="TransactionCanceled"):
        primary.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": TABLE, "Item": _item("half", "1")}},
                {
                    "ConditionCheck": {
                        "TableName": TABLE,
                        "Key": _key("nobody"),
                        "ConditionExpression": "attribute_exists(id)",
                    }
                },
            ]
        )
    assert _values(standby) == _values(primary) == {"before": "old"}


def test_writes_wait_out_an_outage_and_the_last_writer_wins(aws: Clients) -> None:
    primary, standby = _replicated(aws)
    go_dark(PRIMARY)
    primary.put_item(TableName=TABLE, Item=_item("contested", "stranded"))
    primary.put_item(TableName=TABLE, Item=_item("only-here", "stranded"))
    standby.put_item(TableName=TABLE, Item=_item("contested", "later"))
    assert _values(standby) == {"before": "old", "contested": "later"}
    STATE.stopped.clear()
    assert (
        _values(standby)
        == _values(primary)
        == {
            "before": "old",
            "contested": "later",
            "only-here": "stranded",
        }
    )


def test_a_removed_replica_is_gone_there_and_forgotten_here(aws: Clients) -> None:
    primary, standby = _replicated(aws)
    primary.update_table(TableName=TABLE, ReplicaUpdates=[{"Delete": {"RegionName": DR}}])
    assert "Replicas" not in primary.describe_table(TableName=TABLE)["Table"]
    assert standby.list_tables()["TableNames"] == []
    primary.put_item(TableName=TABLE, Item=_item("alone", "1"))
    with pytest.raises(ClientError, match="ValidationException"):
        primary.update_table(TableName=TABLE, ReplicaUpdates=[{"Delete": {"RegionName": DR}}])


def test_a_replica_is_creating_before_it_is_active(aws: Clients) -> None:
    STATE.extras["transition_s"] = 60
    primary, _ = _replicated(aws)
    assert primary.describe_table(TableName=TABLE)["Table"]["Replicas"][0]["ReplicaStatus"] == "CREATING"


def test_point_in_time_recovery_is_per_region(aws: Clients) -> None:
    primary, standby = _replicated(aws)
    primary.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    points = [
        client.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"][
            "PointInTimeRecoveryDescription"
        ]
        for client in (primary, standby)
    ]
    assert [point["PointInTimeRecoveryStatus"] for point in points] == ["ENABLED", "DISABLED"]
    assert timedelta(seconds=299) <= now() - points[0]["LatestRestorableDateTime"] < timedelta(seconds=310)


def test_writes_that_wait_survive_a_save(aws: Clients) -> None:
    primary, _ = _replicated(aws)
    go_dark(PRIMARY)
    primary.put_item(TableName=TABLE, Item=_item("stranded", "1"))
    loaded = cloudpickle.loads(cloudpickle.dumps(dynamodb_backends[ACCOUNT][PRIMARY].__dict__))
    assert len(loaded["unsent"]) == 1
    assert set(loaded["tables"][TABLE].__dict__["_replicas"]) == {PRIMARY, DR}


def test_a_transaction_that_is_cancelled_leaves_every_item_as_it_was(aws: Clients) -> None:
    """Whatever it did before it came to what cannot be: changed, put, and deleted."""
    dynamodb = _table(aws)
    for order in ("2", "3"):
        dynamodb.put_item(TableName=TABLE, Item=_item("before", "old", order))
    whole = dynamodb.scan(TableName=TABLE)["Items"]
    changed = {
        "TableName": TABLE,
        "Key": _key("before"),
        "UpdateExpression": "SET #v = :new",
        "ExpressionAttributeNames": {"#v": "value"},
        "ExpressionAttributeValues": {":new": {"S": "new"}},
    }
    done = [
        {"Update": changed},
        {"Put": {"TableName": TABLE, "Item": _item("after", "new")}},
        {"Delete": {"TableName": TABLE, "Key": _key("before", "2")}},
    ]
    never = {"TableName": TABLE, "Key": _key("before", "3"), "ConditionExpression": "attribute_not_exists(id)"}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.transact_write_items(TransactItems=[*done, {"ConditionCheck": never}])
    assert whole == dynamodb.scan(TableName=TABLE)["Items"]
    dynamodb.transact_write_items(TransactItems=done)
    assert {"after": "new", "before": "old"} == _values(dynamodb)
    assert "new" == dynamodb.get_item(TableName=TABLE, Key=_key("before"))["Item"]["value"]["S"]


def test_a_transaction_of_a_token_that_was_done_is_done_once(aws: Clients) -> None:
    """AWS: API_TransactWriteItems, ClientRequestToken; it counts for ten minutes after the first was done."""
    dynamodb = _table(aws)
    absent = "attribute_not_exists(id)"

    def put(value: str, token: str) -> None:
        item = {"TableName": TABLE, "Item": _item("once", value), "ConditionExpression": absent}
        dynamodb.transact_write_items(TransactItems=[{"Put": item}], ClientRequestToken=token)

    put("1", "first")
    put("1", "first")
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        put("1", "second")
    with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
        put("2", "first")
    dynamodb.delete_item(TableName=TABLE, Key=_key("once"))
    # A transaction that was cancelled is tried again under its token.
    put("1", "second")
    assert _values(dynamodb)["once"] == "1"
