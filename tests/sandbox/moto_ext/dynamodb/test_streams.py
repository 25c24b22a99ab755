"""DynamoDB streams that a function reads: what changed is delivered in order, once, and again where that failed."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.deployed import DEPLOYED
from sandbox.core.state import STATE
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, Clients

TABLE, BUCKET, ROLE = "control", "anchors-of-a-test", "anchors"
SOURCE = """
def keep(records, s3, bucket, folder):
    for record in records:
        change = record["dynamodb"]
        name = f"{folder}/{change['SequenceNumber']}-{record['eventName']}-{change['Keys']['sk']['S']}"
        s3.put_object(Bucket=bucket, Key=name, Body=b"")
"""


@pytest.fixture
def account(aws: Clients, monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setattr(DEPLOYED, "client_of", None)
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    aws("dynamodb", DR).create_table(
        TableName=TABLE,
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    aws("s3", DR).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": DR})
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws("iam", DR).create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    let_write(aws, "Allow")
    read_stream(aws)
    return aws


def let_write(aws: Clients, effect: str) -> None:
    statement = {"Effect": effect, "Action": "s3:PutObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws("iam", DR).put_role_policy(RoleName=ROLE, PolicyName="own", PolicyDocument=document)


def read_stream(aws: Clients) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", SOURCE)
    functions = aws("lambda", DR)
    functions.create_function(
        FunctionName="anchors",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"BUCKET": BUCKET, "FOLDER": "f"}},
    )
    arn = aws("dynamodb", DR).describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    functions.create_event_source_mapping(EventSourceArn=arn, FunctionName="anchors", StartingPosition="TRIM_HORIZON")


def item(sk: str, value: str = "") -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}, "value": {"S": value}}


def delivered(aws: Clients) -> list[str]:
    rows = aws("s3", DR).list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [row["Key"].partition("-")[2] for row in rows]


def test_each_change_is_delivered_once_in_its_order(account: Clients) -> None:
    dynamodb = account("dynamodb", DR)
    for sk, value in (("a", "1"), ("b", "1"), ("a", "2"), ("a", "2")):
        dynamodb.put_item(TableName=TABLE, Item=item(sk, value))
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "p"}, "sk": {"S": "b"}})
    assert delivered(account) == ["INSERT-a", "INSERT-b", "MODIFY-a", "REMOVE-b"], "what changes nothing is no record"


def test_of_a_transaction_that_is_taken_back_nothing_is_delivered(account: Clients) -> None:
    dynamodb = account("dynamodb", DR)
    fails = {"ConditionExpression": "attribute_exists(pk)", "TableName": TABLE, "Item": item("b")}
    with pytest.raises(ClientError, match="TransactionCanceled"):
        dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": item("a")}}, {"Put": fails}])
    dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": item("c")}}])
    assert delivered(account) == ["INSERT-c"]


def test_a_function_whose_role_may_not_write_is_given_the_same_again(
    account: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    STATE.extras["enforce_iam"] = True
    let_write(account, "Deny")
    dynamodb = account("dynamodb", DR)
    dynamodb.put_item(TableName=TABLE, Item=item("a"))
    STATE.extras["enforce_iam"] = False
    assert (delivered(account), "AccessDenied" in capsys.readouterr().err) == ([], True)
    let_write(account, "Allow")
    STATE.extras["enforce_iam"] = True
    dynamodb.put_item(TableName=TABLE, Item=item("b"))
    STATE.extras["enforce_iam"] = False
    assert delivered(account) == ["INSERT-a", "INSERT-b"]


def test_what_a_disabled_mapping_missed_is_delivered_once_it_is_enabled(account: Clients) -> None:
    functions, dynamodb = account("lambda", DR), account("dynamodb", DR)
    mapping = functions.list_event_source_mappings()["EventSourceMappings"][0]["UUID"]
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    dynamodb.put_item(TableName=TABLE, Item=item("a"))
    assert delivered(account) == []
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    dynamodb.put_item(TableName=TABLE, Item=item("b"))
    assert delivered(account) == ["INSERT-a", "INSERT-b"]
